"""The JSON of array documents in Zarr v2 and v3, written out; what it means is in spec.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from iohub.storage.dtypes import v2_text

if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from iohub.types import JsonObject, Shape

_INDEX_CODECS = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]


class Contents(NamedTuple):
    """What both formats say about an array, checked.

    Attributes
    ----------
    shape, chunks : tuple of int
        Sizes along each axis.
    shards : tuple of int or None
        Zarr v3 only.
    dtype : numpy.dtype
        Pixel type.
    big_endian : bool
        Byte order in the store.
    compressor : dict or None
        The codec's JSON.
    fill : JSON value
        Value of pixels that were never written.
    separator : str
        Between the numbers in a chunk's key.
    names : tuple of (str or None), or None
        Dimension names; Zarr v3 only.
    """

    shape: Shape
    chunks: Shape
    shards: Shape | None
    dtype: np.dtype[Any]
    big_endian: bool
    compressor: JsonObject | None
    fill: object
    separator: str
    names: tuple[str | None, ...] | None


def v2_document(array: Contents) -> JsonObject:
    """Return a ``.zarray``.

    Parameters
    ----------
    array : Contents
        What to say.
    """
    return {
        "zarr_format": 2,
        "shape": list(array.shape),
        "chunks": list(array.chunks),
        "dtype": v2_text(array.dtype, array.big_endian),
        "compressor": array.compressor,
        "fill_value": array.fill,
        "order": "C",
        "filters": None,
        "dimension_separator": array.separator,
    }


def v3_document(array: Contents) -> JsonObject:
    """Return a ``zarr.json`` without attributes.

    Parameters
    ----------
    array : Contents
        What to say.
    """
    order: JsonObject = {"name": "bytes"}
    if array.dtype.itemsize > 1:
        order["configuration"] = {"endian": "big" if array.big_endian else "little"}
    codecs = [order] if array.compressor is None else [order, array.compressor]
    if array.shards is not None:
        sharding = {
            "chunk_shape": list(array.chunks),
            "codecs": codecs,
            "index_codecs": _INDEX_CODECS,
            "index_location": "end",
        }
        codecs = [{"name": "sharding_indexed", "configuration": sharding}]
    unit = list(array.shards or array.chunks)
    encoding = {"name": "default", "configuration": {"separator": array.separator}}
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(array.shape),
        "data_type": array.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": unit}},
        "chunk_key_encoding": encoding,
        "fill_value": array.fill,
        "codecs": codecs,
    }
    return document if array.names is None else {**document, "dimension_names": list(array.names)}


def v3_big_endian(codecs: list[JsonObject]) -> bool:
    """Whether a codec chain puts the most significant byte first.

    Parameters
    ----------
    codecs : list of dict
        Member ``codecs`` of a ``zarr.json``.
    """
    for codec in codecs:
        settings = codec.get("configuration") or {}
        if codec["name"] == "sharding_indexed":
            return v3_big_endian(settings["codecs"])
        if codec["name"] == "bytes":
            return bool(settings.get("endian") == "big")
    return False
