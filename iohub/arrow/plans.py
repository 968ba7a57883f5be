"""Plans to read an image: from which file, and which parts are cut out of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from iohub.arrow import images, ingest
from iohub.arrow.describing import describe_ome_arrow, describe_shape
from iohub.arrow.lazy_tensor import LazyTensorView
from iohub.arrow.picture import Limits
from iohub.arrow.pixel_sources import DatasetPixels, ImagePixels, PixelSource, record_pixels
from iohub.arrow.selection import Request
from iohub.arrow.table_pixels import open_record
from iohub.arrow.tensor_view import TensorView
from iohub.errors import ArgumentError, NotFoundError
from iohub.formats.ome_arrow import parquet, vortex
from iohub.formats.ome_arrow.dataset import Dataset, is_dataset
from iohub.formats.ome_arrow.dataset_rows import from_dataset
from iohub.formats.ome_arrow.noted import noted_image
from iohub.formats.ome_arrow.records import as_array, build, in_utc, native
from iohub.formats.ome_arrow.rows import existing, from_file
from iohub.formats.ome_arrow.vortex_rows import from_vortex

_PARQUET = (".parquet", ".pq")
_VORTEX = (".vortex",)
_IMAGES = (".zarr", ".ozx", ".tif", ".tiff", ".tf8", ".btf")


@dataclass(frozen=True)
class Plan:
    """What is to be read, and which parts of it are to be cut out, one after the other.

    Attributes
    ----------
    path : str
        A table, a dataset, an image, or a pattern of files.
    column : str
        Name of the column of records in a table.
    row : int
        Number of the record.
    image_type : str or None
        What kind of image it is to be.
    cuts : tuple of callable
        Each returns a part of a record as a record.
    """

    path: str
    column: str
    row: int
    image_type: str | None
    cuts: tuple[Callable[[pa.StructScalar], pa.StructScalar], ...] = ()

    @classmethod
    def of(cls, path: str, column: str, row: int, image_type: str | None) -> Plan:
        """Return a plan for a path of a known kind.

        Raises
        ------
        ArgumentError
            If the path does not say what it is.
        """
        known = (*_PARQUET, *_VORTEX, *_IMAGES)
        if not is_stack(path) and not _ends(path, known) and not is_dataset(path):
            raise ArgumentError(
                f"{path!r} is of no known kind: paths end with {', '.join(known)}, are patterns "
                "with <, > or *, or directories of an OME-Arrow dataset"
            )
        return cls(path, column, row, image_type)

    def collect(self) -> pa.StructScalar:
        """Read the record, and cut it."""
        record = self._read()
        if self.image_type is not None:
            record = of_type(record, self.image_type)
        for cut in self.cuts:
            record = cut(record)
        return record

    def tensor(self, request: dict[str, Any]) -> LazyTensorView:
        """Return a plan of a tensor, which reads no more than its part where the file allows."""
        asked = dict(request)

        def show(given: dict[str, Any]) -> TensorView:
            options = {name: given[name] for name in ("layout", "dtype", "channel_policy")}
            regions = Request(**{name: given[name] for name in vars(Request())})
            return TensorView.of_source(self._source(), regions, **options)

        return LazyTensorView(loader=self.collect, resolver=show, **asked)

    def describe(self) -> dict[str, Any]:
        """Describe the image, for which no pixel is read unless it is cut or of many files."""
        if self.cuts or is_stack(self.path):
            return describe_ome_arrow(self.collect())
        return describe_shape(self._source().said.shape)

    def limits(self, channel: int) -> Limits | None:
        """Return the contrast limits that an image says for a channel; None if it says none."""
        if is_stack(self.path) or self.cuts:
            return None  # what is cut may have other channels
        try:
            if not _ends(self.path, _IMAGES):
                return self._noted_limits(channel)
            node, position = images.open_image(self.path)
            with node:
                return images.contrast_limits(position, channel)
        except NotFoundError:
            return None  # the record is read, and the file has gone since

    # steps

    def _noted_limits(self, channel: int) -> Limits | None:
        """Return those that a table notes beside the record."""
        if is_dataset(self.path):
            rows = from_dataset(self.path)
        else:
            where = existing(self.path)
            rows = from_file(where) if _ends(where, _PARQUET) else from_vortex(where)
        try:
            document = noted_image(rows, self.row)
        finally:
            rows.close()
        return None if document is None else images.limits_of(document, channel)

    def _source(self) -> PixelSource:
        if self.cuts:
            return record_pixels(self.collect())
        if is_dataset(self.path):
            dataset = Dataset(self.path)
            return DatasetPixels(dataset, dataset.number(self.row))
        if _ends(self.path, _IMAGES) and not is_stack(self.path):
            _, position = images.open_image(self.path)
            said = replace(images.describe_image(position), chunk=images.CHUNK)
            return ImagePixels(said, position)
        if is_stack(self.path):
            return record_pixels(self._read())
        return open_record(self.path, self.column, self.row)

    def _read(self) -> pa.StructScalar:
        if is_stack(self.path):
            return ingest.from_stack_pattern_path(self.path)
        if is_dataset(self.path):
            dataset = Dataset(self.path)
            number = dataset.number(self.row)
            said = dataset.images[number]
            values = native(dataset.read(number), said.dtype)
            return build(replace(said, acquired=in_utc(said.acquired)), values)
        if _ends(self.path, _PARQUET):
            return parquet.read_row(self.path, self.column, self.row)
        if _ends(self.path, _VORTEX):
            return vortex.read_row(self.path, self.column, self.row)
        return ingest.from_ome_zarr(self.path)


def is_stack(path: str) -> bool:
    """Whether a path is a pattern of several files."""
    return bool({"<", ">", "*"} & set(path))


def of_type(record: pa.StructScalar, image_type: str) -> pa.StructScalar:
    """Return the record with another kind of image; its pixels are the same memory."""
    array = as_array(record)
    fields = list(array.type)
    columns = [array.field(index) for index in range(len(fields))]
    index = array.type.get_field_index("image_type")
    columns[index] = pa.array([image_type], fields[index].type)
    return pa.StructArray.from_arrays(columns, fields=fields)[0]


def _ends(path: str, endings: tuple[str, ...]) -> bool:
    return path.lower().rstrip(f"/{os.sep}").endswith(endings)
