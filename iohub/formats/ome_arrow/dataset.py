"""OME-Arrow in a directory: tables of images, of chunks, and an index; read region by region.

Of the tables only that of chunks has pixels; of it only the row groups are read that a region
touches. What else there is beside pixels, such as physical sizes, are columns of the first table.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from iohub.errors import FormatError, MissingNodeError, NotFoundError, ShapeError
from iohub.formats.ome_arrow.pixels import dtype_of
from iohub.formats.ome_arrow.records import MICROMETER, Description

if TYPE_CHECKING:
    from iohub.types import NDArray

MARK: Final = "_ome_arrow_dataset.json"
"""The file by which such a directory is known."""

IMAGES: Final = "images.parquet"
CHUNKS: Final = "chunks.parquet"
INDEX: Final = "index.parquet"

PLACE: Final = ("t", "c", "z", "y", "x")
SHAPE: Final = ("shape_t", "shape_c", "shape_z", "shape_y", "shape_x")
SIZES: Final = ("size_t", "size_c", "size_z", "size_y", "size_x")
LENGTHS: Final = ("physical_size_x", "physical_size_y", "physical_size_z")
UNITS: Final = ("physical_size_x_unit", "physical_size_y_unit", "physical_size_z_unit")


@dataclass(frozen=True)
class _Chunks:
    """Chunks of one image: where they are in the image (n, 10), and in the file (n, 2)."""

    places: NDArray
    rows: NDArray


@dataclass(frozen=True)
class Dataset:
    """A directory of images; nothing is read before it is asked for.

    Parameters
    ----------
    path : str
        The directory.

    Raises
    ------
    NotFoundError
        If it is no such directory.
    """

    path: str

    def __post_init__(self) -> None:
        if not is_dataset(self.path):
            raise NotFoundError(f"{self.path!r} is no OME-Arrow dataset: it has no {MARK!r}")

    @cached_property
    def table(self) -> pa.Table:
        """All that is said of the images, one row each; no pixels."""
        return self._read_table(IMAGES)

    @cached_property
    def images(self) -> tuple[Description, ...]:
        """What is said of each image.

        Raises
        ------
        FormatError
            If a column is missing, an image has no size, or two have one id.
        """
        made = tuple(self._describe(row) for row in self.table.to_pylist())
        counted = Counter(each.image_id for each in made)
        twice = [each for each, count in counted.items() if count > 1]
        if twice:
            raise FormatError(f"{self._file(IMAGES)!r} has several images of the ids {twice}")
        return made

    def number(self, image: str | int) -> int:
        """Return the number of an image, by that or its id.

        Raises
        ------
        MissingNodeError
            If there is no image of that id; a KeyError.
        ShapeError
            If there is no image of that number.
        """
        if isinstance(image, str):
            ids = [each.image_id or "" for each in self.images]
            if image not in ids:
                raise MissingNodeError(image, f"the dataset {self.path!r}", ids)
            return ids.index(image)
        if not 0 <= image < len(self.images):
            raise ShapeError(
                f"there is no row {image} in {self.path!r}, which has {len(self.images)}"
            )
        return image

    def read(self, image: str | int = 0, region: tuple[slice, ...] | None = None) -> NDArray:
        """Return pixels of an image.

        Parameters
        ----------
        image : str or int
            Its id or number.
        region : tuple of slice, optional
            From where to where along T, C, Z, Y and X, each given, without steps; by default all.

        Returns
        -------
        ndarray
            Pixels (T, C, Z, Y, X), 0 where there is no chunk.

        Raises
        ------
        MissingNodeError, ShapeError
            If there is no such image.
        FormatError
            If a chunk is damaged; its place and its file are named.
        """
        said = self.images[self.number(image)]
        bounds = region or tuple(slice(0, size) for size in said.shape)
        low = np.array([each.start for each in bounds])
        high = np.array([each.stop for each in bounds])
        out = np.zeros(high - low, self._dtype(said))
        chunks = self._chunks.get(said.image_id or "")
        if chunks is None:
            return out
        first, size = chunks.places[:, :5], chunks.places[:, 5:]
        touched = ((first < high) & (first + size > low)).all(axis=1)
        wanted = np.flatnonzero(touched)
        for number, values in self._pixels(chunks, wanted, out.dtype):
            start, stop = first[number], first[number] + size[number]
            begin, end = np.maximum(start, low), np.minimum(stop, high)
            block = values.reshape(size[number])
            there = tuple(map(slice, begin - low, end - low))
            out[there] = block[tuple(map(slice, begin - start, end - start))]
        return out

    # steps

    @cached_property
    def _chunks(self) -> dict[str, _Chunks]:
        """Chunks by the id of their image; from the index if that is of all chunks."""
        with self._open(CHUNKS) as file:
            groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
            table = self._index(sum(groups))
            if table is None:
                table = file.read(columns=["image_id", *PLACE, *SHAPE])
                numbers = np.repeat(np.arange(len(groups)), groups)
                first = np.repeat(np.cumsum([0, *groups])[:-1], groups)
                rows = np.stack([numbers, np.arange(len(numbers)) - first], axis=1)
            else:
                rows = self._columns(table, ("row_group_id", "row_index_in_group"), INDEX)
        counts = np.array([*groups, 0])
        group = rows[:, 0]
        known = (group >= 0) & (group < len(groups)) & (rows[:, 1] >= 0)
        if not (known & (rows[:, 1] < counts[np.where(known, group, -1)])).all():
            raise self._damaged(INDEX, f"it names rows that {CHUNKS!r} has not")
        places = self._columns(table, (*PLACE, *SHAPE), CHUNKS)
        keys = table.column("image_id").combine_chunks().dictionary_encode()
        numbers = keys.indices.to_numpy(zero_copy_only=False)
        order = np.argsort(numbers, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(numbers, minlength=1))[:-1])
        names = keys.dictionary.to_pylist()
        by_name = dict(zip(names, parts, strict=False))
        return {
            name: self._checked(_Chunks(places[part], rows[part]), said)
            for said in self.images
            if (part := by_name.get(name := said.image_id or "")) is not None
        }

    def _index(self, count: int) -> pa.Table | None:
        if not os.path.isfile(self._file(INDEX)):
            return None
        table = self._read_table(INDEX)
        return table if len(table) == count else None

    def _checked(self, chunks: _Chunks, said: Description) -> _Chunks:
        first, size = chunks.places[:, :5], chunks.places[:, 5:]
        outside = ((first < 0) | (size < 1) | (first + size > np.array(said.shape))).any(axis=1)
        if outside.any():
            place = chunks.places[np.flatnonzero(outside)[0]].tolist()
            raise FormatError(
                f"a chunk of {said.image_id!r} in {self._file(CHUNKS)!r}, at {place[:5]} of size "
                f"{place[5:]}, is not within the image of shape {said.shape}"
            )
        return chunks

    def _pixels(
        self, chunks: _Chunks, wanted: NDArray, dtype: np.dtype[Any]
    ) -> Iterator[tuple[int, NDArray]]:
        """Return the pixels of chunks, each row group read once."""
        if not len(wanted):
            return
        order = wanted[np.argsort(chunks.rows[wanted, 0], kind="stable")]
        groups = chunks.rows[order, 0]
        edges = [0, *(np.flatnonzero(np.diff(groups)) + 1).tolist(), len(order)]
        with self._open(CHUNKS) as file:
            for start, stop in pairwise(edges):
                group = int(groups[start])
                try:
                    table = file.read_row_group(group, columns=["dtype", "pixel_bytes"])
                except (pa.ArrowException, OSError) as error:
                    raise self._damaged(CHUNKS, f"row group {group}: {error}") from error
                kinds, raws = table.column("dtype"), table.column("pixel_bytes")
                for number in order[start:stop].tolist():
                    row = int(chunks.rows[number, 1])
                    length = int(chunks.places[number, 5:].prod()) * dtype.itemsize
                    raw = raws[row].as_buffer()
                    if kinds[row].as_py() != dtype.name or raw is None or raw.size != length:
                        size = 0 if raw is None else raw.size
                        place = chunks.places[number, :5].tolist()
                        raise self._damaged(
                            CHUNKS,
                            f"row {row} of row group {group}, the chunk at {place}, has {size} "
                            f"bytes of {kinds[row].as_py()!r}, not {length} of {dtype.name!r}",
                        )
                    yield number, np.frombuffer(raw, dtype)

    def _describe(self, row: Mapping[str, Any]) -> Description:
        sizes = [row.get(name) for name in SIZES]
        if any(not isinstance(size, int) or size < 1 for size in sizes):
            raise self._damaged(IMAGES, f"the sizes of {row.get('image_id')!r} are {sizes}")
        t, c, z, y, x = (int(size or 0) for size in sizes)
        chunk = [row.get(f"chunk_{axis}") or 0 for axis in "zyx"]
        try:
            channels = json.loads(row.get("channels_json") or "[]")
        except ValueError as error:
            raise self._damaged(
                IMAGES, f"channels_json of {row.get('image_id')!r}: {error}"
            ) from error
        plain = [each for each in channels if isinstance(each, dict)]
        length = [1.0 if row.get(name) is None else float(row[name]) for name in LENGTHS]
        units = [row.get(name) or MICROMETER for name in UNITS]
        said = Description(
            (t, c, z, y, x),
            row.get("dtype") or "",
            row.get("image_id"),
            row.get("name"),
            row.get("image_type"),
            row.get("acquisition_datetime"),
            (length[0], length[1], length[2]),
            (units[0], units[1], units[2]),
            tuple(plain),
        )
        return replace(said, chunk=(chunk[0], chunk[1], chunk[2])) if min(chunk) > 0 else said

    def _dtype(self, said: Description) -> np.dtype[Any]:
        dtype = dtype_of(said.dtype)
        if dtype is None:
            raise self._damaged(IMAGES, f"{said.image_id!r} is of data type {said.dtype!r}")
        return dtype

    def _columns(self, table: pa.Table, names: tuple[str, ...], file: str) -> NDArray:
        missing = [name for name in names if name not in table.column_names]
        if missing:
            raise self._damaged(file, f"it has no columns {missing}")
        columns = [table.column(name).to_numpy() for name in names]
        made = np.stack(columns, axis=1) if columns else np.zeros((0, 0))
        if made.dtype.kind not in "iu":
            raise self._damaged(file, f"some values of {list(names)} are missing or no integers")
        return made.astype(np.int64)

    def _read_table(self, name: str) -> pa.Table:
        with self._open(name) as file:
            try:
                return file.read()
            except (pa.ArrowException, OSError) as error:
                raise self._damaged(name, str(error)) from error

    def _open(self, name: str) -> parquet.ParquetFile:
        try:
            return parquet.ParquetFile(self._file(name), memory_map=True)
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no file {self._file(name)!r}") from error
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(name, str(error)) from error

    def _file(self, name: str) -> str:
        return os.path.join(self.path, name)

    def _damaged(self, name: str, why: str) -> FormatError:
        return FormatError(f"{self._file(name)!r} cannot be read: {why}")


def is_dataset(path: str) -> bool:
    """Whether a directory is marked as such a dataset."""
    return os.path.isfile(os.path.join(path, MARK))
