"""Arrays of text, as tables have them: their documents in either Zarr format; no image has any."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from iohub.errors import EngineError
from iohub.storage.codecs import chain_of_v2, compressor_of_v3

if TYPE_CHECKING:
    from iohub.types import Json, JsonMapping, JsonObject

CODEC = "vlen-utf8"
"""The codec that both formats encode text with, to the same bytes."""

_DEFAULT_KEYS: JsonObject = {"name": "default", "configuration": {"separator": "/"}}


def is_text(documents: Mapping[str, JsonObject]) -> bool:
    """Whether the documents of an array say that it holds text of any length.

    Parameters
    ----------
    documents : mapping
        ``zarr.json``, or ``.zarray``, parsed.
    """
    document = documents.get("zarr.json") or documents.get(".zarray") or {}
    if "zarr.json" in documents:
        return document.get("data_type") == "string"
    filters = document.get("filters") or []
    return document.get("dtype") == "|O" and filters == [{"id": CODEC}]


def text_documents(
    shape: list[int],
    chunks: list[int],
    zarr_format: int,
    attributes: JsonMapping,
    *,
    compressor: JsonObject | None = None,
    fill_value: Json = "",
    separator: str = "/",
    keys: JsonObject = _DEFAULT_KEYS,
) -> dict[str, JsonObject]:
    """Return the documents of an array of text.

    Parameters
    ----------
    shape, chunks : list of int
        Size along each axis, of the array and of its chunks.
    zarr_format : {2, 3}
        How they are to be spelled.
    attributes : mapping
        User attributes.
    compressor : dict or None
        The codec that compresses the chunks, as that format spells it.
    fill_value : str
        Value of what was never written.
    separator : {"/", "."}
        Between the numbers in a chunk's key, in v2.
    keys : dict
        Member ``chunk_key_encoding``, in v3.
    """
    if zarr_format == 3:
        codecs: list[JsonObject] = [{"name": CODEC, "configuration": {}}]
        return {
            "zarr.json": {
                "zarr_format": 3,
                "node_type": "array",
                "shape": shape,
                "data_type": "string",
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}},
                "chunk_key_encoding": keys,
                "fill_value": fill_value,
                "codecs": codecs if compressor is None else [*codecs, compressor],
                "attributes": dict(attributes),
            }
        }
    document: JsonObject = {
        "zarr_format": 2,
        "shape": shape,
        "chunks": chunks,
        "dtype": "|O",
        "fill_value": fill_value,
        "order": "C",
        "filters": [{"id": CODEC}],
        "compressor": compressor,
        "dimension_separator": separator,
    }
    return {**({".zattrs": dict(attributes)} if attributes else {}), ".zarray": document}


def text_over_chunks(
    documents: Mapping[str, JsonObject], zarr_format: int
) -> dict[str, JsonObject]:
    """Return the documents that say an array of text in the other format, over the same chunks.

    Parameters
    ----------
    documents : mapping
        What :func:`is_text` recognises.
    zarr_format : {2, 3}
        How it is to be said.

    Raises
    ------
    EngineError
        If the other format cannot read the chunks.
    """
    if zarr_format == 3:
        old = documents[".zarray"]
        chain = chain_of_v2({**old, "filters": None}, 1, big_endian=False)
        if chain is None:
            raise EngineError(f"its text cannot be read as Zarr v3 ({old.get('compressor')})")
        compressor = chain[1] if len(chain) > 1 else None
        if compressor is not None and compressor["name"] == "blosc":
            compressor["configuration"].setdefault("typesize", 1)
        separator = old.get("dimension_separator") or "."
        return text_documents(
            old["shape"],
            old["chunks"],
            3,
            documents.get(".zattrs", {}),
            compressor=compressor,
            fill_value=old.get("fill_value") or "",
            keys={"name": "v2", "configuration": {"separator": separator}},
        )
    old = documents["zarr.json"]
    try:
        names = [codec["name"] for codec in old["codecs"]]
        if names[0] != CODEC or len(names) > 2 or old["chunk_grid"]["name"] != "regular":
            raise EngineError(f"its text cannot be read as Zarr v2 (codecs {', '.join(names)})")
        return text_documents(
            old["shape"],
            old["chunk_grid"]["configuration"]["chunk_shape"],
            2,
            old.get("attributes") or {},
            compressor=compressor_of_v3(old["codecs"][1]) if len(names) > 1 else None,
            fill_value=old["fill_value"],
            separator=text_keys(documents)[1],
        )
    except (KeyError, IndexError, TypeError) as error:
        raise EngineError(f"its zarr.json cannot be read ({error!r})") from error


def text_keys(documents: Mapping[str, JsonObject]) -> tuple[str, str]:
    """Return what begins the keys of an array's chunks, and what stands between their numbers.

    Parameters
    ----------
    documents : mapping
        ``zarr.json``, or ``.zarray``, parsed.
    """
    if "zarr.json" not in documents:
        return "", documents[".zarray"].get("dimension_separator") or "."
    encoding = documents["zarr.json"]["chunk_key_encoding"]
    classic = encoding["name"] == "v2"
    settings = encoding.get("configuration") or {}
    return "" if classic else "c", settings.get("separator", "." if classic else "/")


def encode_text(values: Sequence[str]) -> bytes:
    """Encode a chunk as the codec vlen-utf8 does: how many, then the length and bytes of each.

    Parameters
    ----------
    values : sequence of str
        All texts of the chunk, the last axis fastest.
    """
    parts = [struct.pack("<I", len(values))]
    for value in values:
        raw = value.encode()
        parts += [struct.pack("<I", len(raw)), raw]
    return b"".join(parts)
