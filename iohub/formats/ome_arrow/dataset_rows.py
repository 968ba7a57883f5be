"""Images of a dataset directory as rows of records; their pixels are read by regions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from iohub.formats.ome_arrow.columns import COLUMN
from iohub.formats.ome_arrow.dataset import Dataset
from iohub.formats.ome_arrow.records import members
from iohub.formats.ome_arrow.rows import Rows, other_names, without_pixels
from iohub.formats.ome_arrow.schema import OME_ARROW_BYTE_STRUCT
from iohub.formats.ome_arrow.siblings import own_names
from iohub.types import NDArray, Region

_OWN: Final = frozenset(
    [
        "image_id",
        "name",
        "image_type",
        "dtype",
        "size_t",
        "size_c",
        "size_z",
        "size_y",
        "size_x",
        "layout",
        "chunk_t",
        "chunk_c",
        "chunk_z",
        "chunk_y",
        "chunk_x",
        "compression",
        "channels_json",
        "physical_size_x",
        "physical_size_y",
        "physical_size_z",
        "physical_size_x_unit",
        "physical_size_y_unit",
        "physical_size_z_unit",
        "acquisition_datetime",
    ]
)


@dataclass(frozen=True)
class _Image:
    dataset: Dataset
    number: int

    def gather(self, region: Region) -> NDArray:
        """Return a region (T, C, Z, Y, X)."""
        return self.dataset.read(self.number, region)


def from_dataset(path: str) -> Rows:
    """Show a dataset directory; only its table of images is read.

    Raises
    ------
    FormatError
        If that is damaged.
    NotFoundError
        If it is no dataset.
    """
    dataset = Dataset(os.path.abspath(path))
    kind = without_pixels(OME_ARROW_BYTE_STRUCT)
    said = [members(each, each.chunk) for each in dataset.images]
    kept = [{field.name: each[field.name] for field in kind} for each in said]
    table = dataset.table
    more = table.select([name for name in other_names(table.schema, ()) if name not in _OWN])
    placed = own_names(table.schema)
    plain = pa.table({COLUMN: pa.array(kept, kind), **{n: table.column(n) for n in placed}})
    return Rows(
        dataset.path,
        plain.schema.with_metadata(table.schema.metadata),
        plain,
        more.take,
        (COLUMN,),
        lambda _, row: _Image(dataset, row),
        lambda: None,
    )
