"""Chunks and shards, decoded by whichever engine is strict about what it is given.

Where an engine is known to pass over broken bytes, the bytes themselves are looked at.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterator
from tempfile import TemporaryDirectory

from iohub.errors import IohubError
from iohub.storage import grid
from iohub.storage.array import ZarrArray
from iohub.storage.keys import join
from iohub.storage.local import LocalBytes
from iohub.storage.protocol import ByteStore
from iohub.storage.spec import ArraySpec
from iohub.types import Region

_PIECE = 64 * 2**20  # [bytes] that are decoded at once
_STRICT = "tensorstore"
_BLOSC_HEADER = 16

# Codecs say what is wrong in as many ways as there are codecs.
_DECODING = (
    IohubError,
    ArithmeticError,
    AssertionError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zlib.error,
)


def broken_units(store: ByteStore, path: str, spec: ArraySpec) -> Iterator[tuple[str, str]]:
    """Decode an array from end to end.

    Parameters
    ----------
    store : ByteStore
        Where it is. What is no local folder is copied to one, piece by piece, which asks for many
        units at once.
    path : str
        Path in the store.
    spec : ArraySpec
        Its document.

    Yields
    ------
    key, reason : str
        Of each unit that cannot be decoded.
    """
    piece = grid.grouped_unit(spec.shape, spec.unit, spec.dtype.itemsize, _PIECE)
    for region in grid.split(grid.full(spec.shape), spec.shape, piece):
        if isinstance(store, LocalBytes):
            yield from _broken_in(store, path, spec, region)
            continue
        keys = [spec.unit_key(index) for index in grid.units_of(region, spec.unit)]
        try:
            raws = store.get_many([join(path, key) for key in keys])
        except OSError as error:
            yield keys[0], _reason(error)
            continue
        with TemporaryDirectory(prefix="iohub-validate-") as folder:
            copy = LocalBytes(folder)
            copy.set_many([*spec.documents().items(), *_present(keys, raws)])
            yield from _broken_in(copy, "", spec, region)


def _present(keys: list[str], raws: list[bytes | None]) -> Iterator[tuple[str, bytes]]:
    for key, raw in zip(keys, raws, strict=True):
        if raw is not None:
            yield key, raw


def _broken_in(
    store: LocalBytes, path: str, spec: ArraySpec, region: Region
) -> Iterator[tuple[str, str]]:
    array = ZarrArray(store, path, spec)
    lenient = array.engine_name != _STRICT
    if not lenient and _failure(array, region) is None:
        return
    for index in grid.units_of(region, spec.unit):
        reason = _shortage(array.encoded(index), spec) if lenient else None
        reason = reason or _failure(array, grid.unit_region(index, spec.shape, spec.unit))
        if reason is not None:
            yield spec.unit_key(index), reason


def _failure(array: ZarrArray, region: Region) -> str | None:
    try:
        array.read(region)
    except _DECODING as error:
        return _reason(error)
    return None


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _shortage(raw: bytes | None, spec: ArraySpec) -> str | None:
    """Return why bytes cannot be those of a unit: they are none, or fewer than Blosc wrote."""
    if raw is None:
        return None
    if not raw:
        return "the file is empty"
    codec = spec.compressor or {}
    if spec.shards is None and "blosc" in (codec.get("id"), codec.get("name")):
        # Bytes 12 to 16 of Blosc's header are the size of the whole, header included.
        size = struct.unpack_from("<I", raw, 12)[0] if len(raw) >= _BLOSC_HEADER else _BLOSC_HEADER
        if size != len(raw):
            return f"has {len(raw)} bytes of {size}"
    return None
