"""OME-Arrow written as a directory of tables: images of any size, with regions quick to read.

The directory appears when all of it is written. No more is held in memory than a layer of chunks
and one row group.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice, product
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from iohub.errors import ArgumentError, DTypeError, ExistsError, ShapeError
from iohub.formats.ome_arrow.dataset import (
    CHUNKS,
    IMAGES,
    INDEX,
    LENGTHS,
    MARK,
    PLACE,
    SHAPE,
    SIZES,
    UNITS,
    is_dataset,
)
from iohub.formats.ome_arrow.records import Chunk, Description, members
from iohub.formats.ome_arrow.schema import OME_ARROW_TAG_TYPE, OME_ARROW_TAG_VERSION
from iohub.storage import files, locks, settings
from iohub.storage.keys import DRAFT_PREFIX
from iohub.storage.leftovers import TRASH_PREFIX, own_name, sweep

if TYPE_CHECKING:
    from iohub.formats.ome_arrow.rows_to_write import Row
    from iohub.types import NDArray

CHUNK: Final[Chunk] = (16, 128, 128)
"""Size of a chunk (Z, Y, X), as other writers have it; always one of T and C."""

GROUP_BYTES: Final = 4 << 20
"""Chunks are put together in a row group until they have so many bytes."""

_LAYOUT = "typed-chunk-dataset"
_KEYS = {"ome.arrow.type": OME_ARROW_TAG_TYPE, "ome.arrow.layout": _LAYOUT}
_PLACES = [(name, pa.int32()) for name in (*PLACE, *SHAPE)]
_CHUNK_SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("chunk_id", pa.int64()),
        *_PLACES,
        ("dtype", pa.string()),
        ("pixel_bytes", pa.large_binary()),
    ],
    metadata=_KEYS,
)
_INDEX_SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("chunk_id", pa.int64()),
        ("row_group_id", pa.int32()),
        ("row_index_in_group", pa.int32()),
        ("fragment_path", pa.string()),
        *_PLACES,
    ],
    metadata=_KEYS,
)
_IMAGE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("image_id", "name", "image_type", "dtype")),
        *((name, pa.int32()) for name in SIZES),
        ("layout", pa.string()),
        *((f"chunk_{axis}", pa.int32()) for axis in PLACE),
        ("compression", pa.string()),
        ("channels_json", pa.string()),
        # Columns from here on are ours: other readers keep them and do not look at them.
        *((name, pa.float64()) for name in LENGTHS),
        *((name, pa.string()) for name in UNITS),
        ("acquisition_datetime", pa.timestamp("us")),
    ],
    metadata=_KEYS,
)


def write_dataset(
    path: str,
    rows: Iterable[Row],
    *,
    chunk: Sequence[int] = CHUNK,
    siblings: pa.Schema | None = None,
    metadata: Mapping[str, str] | None = None,
    codec: str | None = "zstd",
    overwrite: bool = True,
) -> int:
    """Write images to a directory, which appears when complete.

    Parameters
    ----------
    path : str
        The directory.
    rows : iterable of Row
        The images, asked for one after the other.
    chunk : tuple of int
        Size of a chunk (Z, Y, X).
    siblings : pyarrow.Schema, optional
        More columns of the table of images.
    metadata : mapping of str to str, optional
        More keys for the metadata of that table.
    codec : str or None
        A codec of Parquet.
    overwrite : bool
        Whether a dataset or a file that is there is replaced; another directory never is.

    Returns
    -------
    int
        How many images were written.

    Raises
    ------
    ArgumentError
        If there are none, two have the same id, or one has none.
    ShapeError
        If `chunk` is no three positive sizes, or an image has not the planes that it says.
    DTypeError
        If pixels are of no data type of numbers.
    ExistsError
        If there is something that is not to be replaced.
    """
    if len(chunk) != 3 or min(chunk) < 1:
        raise ShapeError(f"chunk is three sizes of 1 or more (Z, Y, X), not {chunk!r}")
    target = os.path.abspath(path)
    _check_target(target, overwrite)
    folder = os.path.dirname(target)
    files.make_folder(folder)
    sweep(folder)
    draft = os.path.join(folder, own_name(DRAFT_PREFIX))
    try:
        with locks.claimed_directory(draft):
            count = _Writer(draft, chunk, siblings, metadata, codec).write(rows)
        _publish(draft, target, overwrite)
    finally:
        with suppress(FileNotFoundError):
            files.remove(draft)
    return count


@dataclass
class _Writer:
    """Writes the tables; notes for each chunk where it has come to lie."""

    folder: str
    chunk: Sequence[int]
    siblings: pa.Schema | None
    metadata: Mapping[str, str] | None
    codec: str | None
    images: list[dict[str, Any]] = field(default_factory=list)
    index: list[pa.RecordBatch] = field(default_factory=list)
    pending: dict[str, list[Any]] = field(default_factory=dict)
    held: int = 0
    groups: int = 0
    chunks: int = 0

    def write(self, rows: Iterable[Row]) -> int:
        """Write images, and the tables of them."""
        ids: set[str] = set()
        where = os.path.join(self.folder, CHUNKS)
        with parquet.ParquetWriter(
            where,
            _CHUNK_SCHEMA,
            compression=self.codec or "none",
            use_dictionary=["image_id", "dtype"],
            write_statistics=["image_id", "chunk_id", *PLACE],
            **({"compression_level": 1} if self.codec == "zstd" else {}),
        ) as writer:
            for row in rows:
                name = row.said.image_id
                if not name or name in ids:
                    raise ArgumentError(f"images of a dataset have ids of their own, not {name!r}")
                ids.add(name)
                self._image(row)
                for place, block in self._blocks(row):
                    self._add(name, place, block, writer)
            self._end_group(writer)
        if not ids:
            raise ArgumentError("there is no image to write")
        self._tables()
        return len(ids)

    def _image(self, row: Row) -> None:
        said = row.said
        plain = members(said, None)["pixels_meta"]
        self.images.append(
            {
                **{name: row.beside(name) for name in row.siblings},
                "image_id": said.image_id,
                "name": said.name,
                "image_type": said.image_type,
                "dtype": _kind(row).name,
                **dict(zip(SIZES, said.shape, strict=True)),
                "layout": "block" if said.shape[2] > 1 and self.chunk[0] > 1 else "plane",
                **dict(zip((f"chunk_{a}" for a in PLACE), self._size(said), strict=True)),
                "compression": self.codec,
                "channels_json": json.dumps(plain["channels"]),
                **dict(zip(LENGTHS, said.size, strict=True)),
                **dict(zip(UNITS, said.units, strict=True)),
                "acquisition_datetime": said.acquired,
            }
        )

    def _size(self, said: Description) -> tuple[int, ...]:
        return (1, 1, *(min(a, b) for a, b in zip(self.chunk, said.shape[2:], strict=True)))

    def _blocks(self, row: Row) -> Iterator[tuple[tuple[int, ...], NDArray]]:
        """Return chunks and their places; planes are read once, in their order."""
        t, c, z, y, x = row.said.shape
        _, _, depth, height, width = self._size(row.said)
        planes = iter(row.planes())
        dtype = _kind(row)
        for time, channel, first in product(range(t), range(c), range(0, z, depth)):
            here = range(first, min(first + depth, z))
            kept = [n for n in here if row.keep is None or row.keep[time, channel, n]]
            found = [np.asarray(plane, dtype) for plane in islice(planes, len(kept))]
            if len(found) != len(kept) or any(plane.shape != (y, x) for plane in found):
                raise ShapeError(
                    f"{row.said.image_id!r} has not the planes of its shape {row.said.shape}"
                )
            # A run of planes that are there is one layer of chunks; gaps stay gaps.
            for start, layer in _runs(kept, found):
                for low, left in product(range(0, y, height), range(0, x, width)):
                    inside = slice(low, low + height), slice(left, left + width)
                    block = np.stack([plane[inside] for plane in layer])
                    yield (time, channel, start, low, left, 1, 1, *block.shape), block

    def _add(
        self, name: str, place: Sequence[int], block: NDArray, writer: parquet.ParquetWriter
    ) -> None:
        values = [name, self.chunks, *place, block.dtype.name, block.tobytes()]
        for column, value in zip(_CHUNK_SCHEMA.names, values, strict=True):
            self.pending.setdefault(column, []).append(value)
        self.chunks += 1
        self.held += block.nbytes
        if self.held >= GROUP_BYTES:
            self._end_group(writer)

    def _end_group(self, writer: parquet.ParquetWriter) -> None:
        count = len(self.pending.get("chunk_id", ()))
        if not count:
            return
        table = pa.table(self.pending, schema=_CHUNK_SCHEMA)
        writer.write_table(table, row_group_size=count)
        where = {
            "row_group_id": [self.groups] * count,
            "row_index_in_group": list(range(count)),
            "fragment_path": [CHUNKS] * count,
        }
        known = {name: where.get(name) or self.pending[name] for name in _INDEX_SCHEMA.names}
        self.index += pa.table(known, schema=_INDEX_SCHEMA).to_batches()
        self.pending, self.held = {}, 0
        self.groups += 1

    def _tables(self) -> None:
        known = set(_IMAGE_SCHEMA.names)
        others = [] if self.siblings is None else list(self.siblings)
        more = [each for each in others if each.name not in known]
        schema = pa.schema([*_IMAGE_SCHEMA, *more], metadata={**_KEYS, **(self.metadata or {})})
        images = pa.Table.from_pylist(self.images, schema=schema)
        index = pa.Table.from_batches(self.index, schema=_INDEX_SCHEMA)
        for name, table in ((IMAGES, images), (INDEX, index)):
            parquet.write_table(table, os.path.join(self.folder, name), compression="zstd")
        said = {
            "type": OME_ARROW_TAG_TYPE,
            "version": OME_ARROW_TAG_VERSION,
            "layout": _LAYOUT,
            "image_count": len(self.images),
            "chunk_count": self.chunks,
        }
        with open(os.path.join(self.folder, MARK), "w", encoding="utf-8") as file:
            json.dump(said, file, indent=2)
        if settings.get_options().durability == "power":
            for name in (CHUNKS, IMAGES, INDEX, MARK):
                files.sync(os.path.join(self.folder, name))


def _kind(row: Row) -> np.dtype[Any]:
    dtype = row.dtype.newbyteorder("=")
    if dtype.kind not in "biufc":
        raise DTypeError(f"pixels of type {dtype} are no numbers")
    return dtype


def _runs(kept: Sequence[int], found: Sequence[NDArray]) -> Iterator[tuple[int, Sequence[NDArray]]]:
    """Return planes (Y, X) that follow one another, and the number of the first."""
    start = 0
    for stop in range(1, len(kept) + 1):
        if stop == len(kept) or kept[stop] != kept[stop - 1] + 1:
            yield kept[start], found[start:stop]
            start = stop


def _check_target(target: str, overwrite: bool) -> None:
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise ExistsError(f"{target} exists; give another path, or overwrite=True")
    if os.path.isdir(target) and not is_dataset(target) and os.listdir(target):
        raise ExistsError(f"{target} is a directory of something else, which is not replaced")


def _publish(draft: str, target: str, overwrite: bool) -> None:
    _check_target(target, overwrite)
    if os.path.lexists(target):
        trash = os.path.join(os.path.dirname(target), own_name(TRASH_PREFIX))
        os.rename(target, trash)
        os.rename(draft, target)
        files.remove(trash)
    else:
        os.rename(draft, target)
