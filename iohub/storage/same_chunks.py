"""The documents with which the other Zarr format reads the same chunks; no chunk is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iohub.errors import EngineError
from iohub.storage.codecs import DEFAULT, chain_of_v2, compressor_of_v3, normal_chain
from iohub.storage.documents import parse_document
from iohub.storage.spec import ArraySpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from iohub.types import JsonObject

_NAMES = "_ARRAY_DIMENSIONS"


def documents_over_chunks(
    spec: ArraySpec, zarr_format: int, dimensions: Sequence[str] | None = None
) -> dict[str, JsonObject]:
    """Return the documents that say an array in another Zarr format, over the same chunks.

    In v3 the keys of the chunks are said to be those of v2; in v2 they have no prefix, so that a
    prefix of v3 must be taken away by moving them.

    Parameters
    ----------
    spec : ArraySpec
        The array as it is.
    zarr_format : {2, 3}
        How it is to be said.
    dimensions : sequence of str, optional
        Names of its dimensions in v3; by default those that it has.

    Raises
    ------
    EngineError
        If the other format cannot read these chunks: shards, or codecs that it does not have.
    """
    if zarr_format == spec.zarr_format:
        return {name: parse_document(raw, name) for name, raw in spec.documents().items()}
    new = _as_v3(spec, dimensions) if zarr_format == 3 else _as_v2(spec)
    if not new.same_encoding(spec):
        raise EngineError(
            f"its chunks cannot be read as Zarr v{zarr_format} (type {spec.dtype}, codecs "
            f"{_codecs(spec)})"
        )
    documents = {name: parse_document(raw, name) for name, raw in new.documents().items()}
    if zarr_format == 3:
        encoding = {"name": "v2", "configuration": {"separator": spec.separator}}
        documents["zarr.json"]["chunk_key_encoding"] = encoding
    return documents


def _as_v3(spec: ArraySpec, dimensions: Sequence[str] | None) -> ArraySpec:
    chain = chain_of_v2(spec.metadata, spec.dtype.itemsize, spec.big_endian)
    if chain is None:
        raise EngineError(f"its chunks cannot be read as Zarr v3 ({_codecs(spec)})")
    last = normal_chain(chain, spec.dtype.itemsize)[-1]
    return ArraySpec.create(
        spec.shape,
        _stored_type(spec),
        zarr_format=3,
        chunks=spec.chunks,
        compression=last if len(chain) > 1 else None,
        fill_value=spec.fill_value,
        dimension_names=dimensions or spec.dimension_names,
        attributes={k: v for k, v in spec.attributes.items() if k != _NAMES},
    )


def _as_v2(spec: ArraySpec) -> ArraySpec:
    if spec.shards is not None:
        raise EngineError("it has shards, which Zarr v2 has not")
    codecs = [codec for codec in spec.metadata["codecs"] if codec["name"] != "bytes"]
    if len(codecs) > 1:
        raise EngineError(f"its chunks cannot be read as Zarr v2 (codecs {_codecs(spec)})")
    compression = compressor_of_v3(codecs[0]) if codecs else None
    return ArraySpec.create(
        spec.shape,
        _stored_type(spec),
        zarr_format=2,
        chunks=spec.chunks,
        compression=compression,
        fill_value=spec.fill_value,
        attributes=spec.attributes,
        separator=spec.separator,
    )


def rewritten(
    spec: ArraySpec, zarr_format: int, dimensions: Sequence[str] | None = None
) -> ArraySpec:
    """Return an array of the same pixels in another Zarr format, over chunks of its own.

    Its chunks are the ones inside the shards, if there are shards; its compression stays if the
    other format has it, else it is the usual one.

    Parameters
    ----------
    spec : ArraySpec
        The array as it is.
    zarr_format : {2, 3}
        Of the new one.
    dimensions : sequence of str, optional
        Names of its dimensions in v3; by default those that it has.
    """
    return ArraySpec.create(
        spec.shape,
        spec.dtype,
        zarr_format=zarr_format,
        chunks=spec.chunks,
        compression=_compression(spec, zarr_format),
        fill_value=spec.fill_value,
        dimension_names=(dimensions or spec.dimension_names) if zarr_format == 3 else None,
        attributes={k: v for k, v in spec.attributes.items() if zarr_format == 2 or k != _NAMES},
    )


def _compression(spec: ArraySpec, zarr_format: int) -> object:
    if spec.compressor is None or spec.zarr_format == zarr_format:
        return spec.compressor
    if zarr_format == 3:
        plain = {**spec.metadata, "filters": None, "order": "C"}
        chain = chain_of_v2(plain, spec.dtype.itemsize, spec.big_endian)
        return DEFAULT if chain is None else normal_chain(chain, spec.dtype.itemsize)[-1]
    try:
        return compressor_of_v3(spec.compressor)
    except EngineError:
        return DEFAULT


def _stored_type(spec: ArraySpec) -> np.dtype[Any]:
    return spec.dtype.newbyteorder(">") if spec.big_endian else spec.dtype


def _codecs(spec: ArraySpec) -> str:
    if spec.zarr_format == 3:
        return ", ".join(str(codec["name"]) for codec in spec.metadata["codecs"])
    filters = [str(f.get("id")) for f in spec.metadata.get("filters") or []]
    compressor = spec.compressor or {}
    order = spec.metadata.get("order", "C")
    return ", ".join([f"order {order}", *filters, str(compressor.get("id") or "no compression")])
