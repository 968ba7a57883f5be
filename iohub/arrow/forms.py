"""The files that a record is written to, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from iohub.arrow import export
from iohub.errors import ArgumentError

# For each kind of file: what writes it, and its options by our names and those of `export`.
_TYPED = {"dtype": "dtype", "clamp": "clamp", "dim_order": "dim_order"}
_TIFF = ("compression", "compression_level", "tile", "use_channel_colors")
_FORMS: dict[str, tuple[Callable[..., None], dict[str, str]]] = {
    "tiff": (export.to_ome_tiff, _TYPED | {name: name for name in _TIFF}),
    "zarr": (
        export.to_ome_zarr,
        _TYPED
        | {"chunks": "chunks", "compressor": "zarr_compressor", "compressor_level": "zarr_level"},
    ),
    "parquet": (
        export.to_ome_parquet,
        {
            "column_name": "parquet_column_name",
            "compression": "parquet_compression",
            "file_metadata": "parquet_metadata",
        },
    ),
    "vortex": (
        export.to_ome_vortex,
        {"column_name": "vortex_column_name", "file_metadata": "vortex_metadata"},
    ),
    "arrowdataset": (export.to_ome_dataset, {}),
}


def write(record: pa.StructScalar, how: str, out: str | None, options: Mapping[str, Any]) -> str:
    """Write a record; return the path.

    Parameters
    ----------
    record : pyarrow.StructScalar
        The record.
    how : str
        Kind of the file, in any spelling.
    out : str or None
        Its path.
    options : mapping
        Arguments of :meth:`.OMEArrow.export`, of which each kind takes its own.

    Raises
    ------
    ArgumentError
        If the kind is unknown, or there is no path; a ValueError.
    """
    kind = how.lower().replace("_", "").replace("-", "").removeprefix("ome")
    if kind not in _FORMS:
        raise ArgumentError(
            f"there is no form {how!r}; there are numpy, dict, scalar, ome-tiff, ome-zarr, "
            "ome-parquet, ome-vortex and ome-arrow-dataset"
        )
    if not out:
        raise ArgumentError(f"to write {how!r}, give the path of the file: out='…'")
    writer, names = _FORMS[kind]
    writer(record, out, **{ours: options[theirs] for ours, theirs in names.items()})
    return out
