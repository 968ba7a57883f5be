"""Compression, said once and spelled for Zarr v2 and v3; it encodes nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from iohub.errors import ArgumentError, EngineError

if TYPE_CHECKING:
    from iohub.types import JsonObject

_SHUFFLES = ("noshuffle", "shuffle", "bitshuffle")
_COMPRESSORS = ("blosclz", "lz4", "lz4hc", "zlib", "zstd")

BLOSC_MAX_BYTES = 2**31 - 17
"""Largest buffer that Blosc encodes [bytes]: INT_MAX less its header of 16."""


def _check_level(codec: str, name: str, level: int, lowest: int, highest: int) -> None:
    if not lowest <= level <= highest:
        raise ArgumentError(f"{codec} has no {name}={level!r}: {lowest} to {highest}")


@dataclass(frozen=True, slots=True)
class Blosc:
    """Blosc compression.

    Parameters
    ----------
    cname : str
        Compressor inside: ``zstd``, ``lz4``, ``lz4hc``, ``blosclz``, ``zlib``.
    clevel : int
        Level, 0 to 9.
    shuffle : str
        ``bitshuffle``, ``shuffle`` or ``noshuffle``.

    Raises
    ------
    ArgumentError
        If there is no such compressor, level or shuffle.
    """

    cname: str = "zstd"
    clevel: int = 1
    shuffle: Literal["noshuffle", "shuffle", "bitshuffle"] = "bitshuffle"

    def __post_init__(self) -> None:
        for name, value, known in (
            ("cname", self.cname, _COMPRESSORS),
            ("shuffle", self.shuffle, _SHUFFLES),
        ):
            if value not in known:
                raise ArgumentError(f"Blosc has no {name}={value!r}; there are {', '.join(known)}")
        _check_level("Blosc", "clevel", self.clevel, 0, 9)

    def document(self, zarr_format: int, itemsize: int) -> JsonObject:
        """Return the codec as it stands in the array's document."""
        if zarr_format == 2:
            shuffle = _SHUFFLES.index(self.shuffle)
            return {"id": "blosc", "cname": self.cname, "clevel": self.clevel} | {
                "shuffle": shuffle,
                "blocksize": 0,
            }
        configuration = {
            "typesize": itemsize,
            "cname": self.cname,
            "clevel": self.clevel,
            "shuffle": self.shuffle,
            "blocksize": 0,
        }
        return {"name": "blosc", "configuration": configuration}


@dataclass(frozen=True, slots=True)
class Zstd:
    """Zstandard compression.

    Parameters
    ----------
    level : int
        Level, up to 22; 0 is the library's default, and those below it are faster.
    checksum : bool
        Whether each chunk carries a checksum.

    Raises
    ------
    ArgumentError
        If there is no such level.
    """

    level: int = 0
    checksum: bool = False

    def __post_init__(self) -> None:
        _check_level("Zstandard", "level", self.level, -131072, 22)

    def document(self, zarr_format: int, itemsize: int) -> JsonObject:
        """Return the codec as it stands in the array's document."""
        settings: JsonObject = {"level": self.level, "checksum": self.checksum}
        if zarr_format == 2 and not self.checksum:
            del settings["checksum"]  # which TensorStore does not know there
        return _spelled("zstd", settings, zarr_format)


@dataclass(frozen=True, slots=True)
class Gzip:
    """Gzip compression.

    Parameters
    ----------
    level : int
        Level, 0 to 9.

    Raises
    ------
    ArgumentError
        If there is no such level.
    """

    level: int = 5

    def __post_init__(self) -> None:
        _check_level("gzip", "level", self.level, 0, 9)

    def document(self, zarr_format: int, itemsize: int) -> JsonObject:
        """Return the codec as it stands in the array's document."""
        return _spelled("gzip", {"level": self.level}, zarr_format)


Compression: TypeAlias = Blosc | Zstd | Gzip | Mapping[str, Any] | None
"""A compression, the codec's own JSON, or None for none."""

DEFAULT = Blosc()
"""Blosc, zstd level 1, bitshuffle: what iohub writes unless told otherwise."""


def _spelled(name: str, settings: JsonObject, zarr_format: int) -> JsonObject:
    if zarr_format == 2:
        return {"id": name, **settings}
    return {"name": name, "configuration": settings}


def compressor_document(compression: object, zarr_format: int, itemsize: int) -> JsonObject | None:
    """Return the JSON of a compressor for one Zarr format.

    Parameters
    ----------
    compression : Blosc, Zstd, Gzip, mapping, numcodecs codec, zarr codec or None
        What to compress with. A mapping is the codec's JSON in the spelling of `zarr_format`;
        codec objects are asked for theirs.
    zarr_format : int
        2 or 3.
    itemsize : int
        Size of a pixel [bytes].

    Raises
    ------
    EngineError
        If it is none of these, or is spelled for the other Zarr format.
    """
    if compression is None:
        return None
    if isinstance(compression, Blosc | Zstd | Gzip):
        return compression.document(zarr_format, itemsize)
    for method in ("to_dict", "get_config"):
        if hasattr(compression, method):
            compression = getattr(compression, method)()
            break
    key = "id" if zarr_format == 2 else "name"
    if not isinstance(compression, Mapping) or key not in compression:
        raise EngineError(
            f"compression {compression!r} is no codec of Zarr v{zarr_format}: give Blosc(), Zstd(),"
            f" Gzip(), None, or the codec's JSON with the key {key!r}"
        )
    return dict(compression)


def normal_chain(codecs: list[JsonObject], itemsize: int) -> list[JsonObject]:
    """Return a v3 codec chain with defaults filled in, so that equal encodings compare equal.

    Parameters
    ----------
    codecs : list of dict
        The chain as it stands in a document.
    itemsize : int
        Size of a pixel [bytes].
    """
    chain = []
    for codec in codecs:
        settings: JsonObject = dict(codec.get("configuration") or {})
        if codec["name"] == "blosc":
            defaults = {"typesize": itemsize, "blocksize": 0, "shuffle": "noshuffle"}
            settings = {**defaults, **settings}
        elif codec["name"] == "zstd":
            settings.setdefault("checksum", False)
        elif codec["name"] == "bytes" and itemsize == 1:
            settings = {}
        elif codec["name"] == "sharding_indexed":
            settings.setdefault("index_location", "end")
            settings["codecs"] = normal_chain(settings.get("codecs", []), itemsize)
            # The index is made of 64-bit integers.
            settings["index_codecs"] = normal_chain(settings.get("index_codecs", []), 8)
        chain.append({"name": codec["name"], "configuration": settings})
    return chain


def chain_of_v2(metadata: JsonObject, itemsize: int, big_endian: bool) -> list[JsonObject] | None:
    """Return the v3 codec chain that encodes the same bytes as a v2 document, None if unknown.

    Parameters
    ----------
    metadata : dict
        The ``.zarray`` document.
    itemsize : int
        Size of a pixel [bytes].
    big_endian : bool
        Whether the pixels are stored with the most significant byte first.
    """
    if metadata.get("filters") or metadata.get("order", "C") != "C":
        return None
    endian = "big" if big_endian else "little"
    chain: list[JsonObject] = [{"name": "bytes", "configuration": {"endian": endian}}]
    compressor = metadata.get("compressor")
    if compressor is not None:
        settings = {k: v for k, v in compressor.items() if k != "id"}
        if compressor["id"] == "blosc":
            shuffle = settings.get("shuffle", 1)
            if shuffle == -1:  # AUTOSHUFFLE of numcodecs
                shuffle = 2 if itemsize == 1 else 1
            settings["shuffle"] = _SHUFFLES[shuffle]
        elif compressor["id"] not in ("zstd", "gzip"):
            return None
        chain.append({"name": compressor["id"], "configuration": settings})
    return chain


def compressor_of_v3(codec: JsonObject) -> JsonObject:
    """Return the v2 compressor that decodes what a v3 codec encodes.

    Parameters
    ----------
    codec : dict
        Of Zarr v3, as it stands in a document.

    Raises
    ------
    EngineError
        If Zarr v2 has no such compressor.
    """
    if codec["name"] not in ("blosc", "gzip", "zstd"):
        raise EngineError(f"Zarr v2 has no codec {codec['name']!r}")
    settings = dict(codec.get("configuration") or {})
    if codec["name"] == "blosc":
        settings.pop("typesize", None)
        settings["shuffle"] = _SHUFFLES.index(settings.get("shuffle", "noshuffle"))
    if codec["name"] == "zstd" and not settings.get("checksum"):
        settings.pop("checksum", None)
    return {"id": codec["name"], **settings}
