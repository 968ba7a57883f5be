"""A table of records as groups of OME-Zarr: one position, a series of them or a plate.

Rows of one position are its resolution levels and label images. What a row notes of documents is
shown as it is, but for levels, labels and wells that the table no longer has, as a filtered one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from iohub.errors import FormatError, LayoutError, MissingFramesWarning
from iohub.formats.images import image_meta
from iohub.formats.ome_arrow import records
from iohub.formats.ome_arrow.above import Above, shown_spelling
from iohub.formats.ome_arrow.described import described_source
from iohub.formats.ome_arrow.image import AXES, RecordReader
from iohub.formats.ome_arrow.pixels import dtype_of
from iohub.formats.ome_arrow.rows_to_write import PART_BYTES
from iohub.formats.ome_arrow.siblings import NOTE, Note, read_note, read_tables
from iohub.formats.ome_arrow.table_files import TABLES, read_files
from iohub.metadata import edits_levels, series, versions
from iohub.metadata.acquisition import write_acquisition
from iohub.metadata.labels import LabelsMeta
from iohub.metadata.names import path_problem
from iohub.storage.keys import join, parents
from iohub.storage.virtual import VirtualArray, VirtualBytes

if TYPE_CHECKING:
    from iohub.formats.ome_arrow.rows import Rows
    from iohub.storage.spec import ArraySpec
    from iohub.storage.virtual import ChunkReader
    from iohub.types import JsonObject

COLUMNS: Final = "columns"
"""Name of the extra of the root that holds the table's other columns."""

_LABELS: Final = "labels"
_SOME: Final = 3


class _Entry(NamedTuple):
    """An image in the table.

    Attributes
    ----------
    column : str
        Name of the column of its record.
    row : int
        Number of its row.
    place : str
        Path of the position, ``""`` for the root.
    array : str
        Path of the array below it.
    """

    column: str
    row: int
    place: str
    array: str


class TableArray:
    """An array of a virtual store that is a record; nothing of it is looked at before it is used.

    Parameters
    ----------
    table : _Table
        Where it is.
    entry : _Entry
        Which it is.
    """

    __slots__ = ("_entry", "_made", "_table")

    def __init__(self, table: _Table, entry: _Entry):
        self._table, self._entry = table, entry
        self._made: VirtualArray | None = None

    def _array(self) -> VirtualArray:
        made = self._made
        if made is None:
            note, reader = self._table.note(self._entry), self._table.reader(self._entry)
            more = dict(note.attributes)
            made = VirtualArray(reader, note.names, more, big_endian=note.big_endian)
            self._made = made
        return made

    @property
    def reader(self) -> ChunkReader:
        """Who reads its pixels."""
        return self._array().reader

    def spec(self) -> ArraySpec:
        """Describe it as Zarr does."""
        return self._array().spec()

    def forget(self) -> None:
        """Let go of what is kept of its pixels."""
        if self._made is not None:
            self._made.forget()


class _Attributes:
    """What returns the attributes of a group; thousands are made to open a large plate."""

    __slots__ = ("_path", "_place", "_table")

    def __init__(self, table: _Table, place: str, path: str):
        self._table, self._place, self._path = table, place, path

    def __call__(self) -> JsonObject:
        return self._table.attributes(self._place, self._path)


def table_store(
    rows: Rows, *, reopen: tuple[Callable[..., VirtualBytes], tuple[Any, ...]]
) -> VirtualBytes:
    """Show a table as the store that it could be; rows are looked at when they are needed.

    Parameters
    ----------
    rows : Rows
        The table.
    reopen : tuple of (callable, tuple)
        What makes the store again in another process.

    Raises
    ------
    FormatError
        If it has no image, or what says where images belong is damaged.
    LayoutError
        If two rows are the same array.
    """
    table = _Table(rows)
    places = list(table.places)
    groups: dict[str, JsonObject | Callable[[], JsonObject]] = {}
    inside = cache(parents)  # all positions have arrays of the same few names
    for place, entries in table.places.items():
        for path in {"", *(above for entry in entries for above in inside(entry.array))}:
            groups[join(place, path)] = _Attributes(table, place, path)
    above = Above(rows, places, lambda: table.note(table.places[places[0]][0]))
    wells = all(place.count("/") == 2 for place in places)
    if wells:
        paths = {path for well in above.wells for path in (well, *parents(well))}
        plate = above.plate
        groups |= {path: partial(plate, path) for path in paths}
    elif places != [""]:
        groups[""] = partial(above.series, "")
        groups[series.FOLDER] = partial(above.series, series.FOLDER)
    arrays: dict[str, Any] = {
        join(entry.place, entry.array): TableArray(table, entry)
        for entries in table.places.values()
        for entry in entries
    }
    return VirtualBytes(
        rows.url,
        groups,
        arrays,
        extras={("", COLUMNS): table.frame},
        files={key: partial(bytes, value) for key, value in table.files(wells=wells).items()},
        reopen=reopen,
        close=rows.close,
    )


class _Table:
    """The images of a table by position."""

    def __init__(self, rows: Rows):
        self.rows = rows
        self._shapes = {name: rows.shapes(name) for name in rows.columns}
        self._notes = rows.texts(NOTE)
        self.places = self._places()

    def note(self, entry: _Entry) -> Note:
        """Return what is noted of an image."""
        try:
            return read_note(self._notes[entry.row])
        except FormatError as error:
            raise FormatError(f"{self.rows.url}, row {entry.row}: {error}") from error

    def reader(self, entry: _Entry) -> RecordReader:
        """Return who reads the pixels of an image."""
        record = self.rows.record(entry.column, entry.row)
        where = f"{self.rows.url}, column {entry.column!r}, row {entry.row}"
        try:
            said, note = records.describe(record), self.note(entry)
        except (FormatError, KeyError) as error:
            raise FormatError(f"{where}: {error}") from error
        sizes = dict(zip(AXES, said.shape, strict=True))
        if any(size > 1 for axis, size in sizes.items() if axis not in note.axes):
            raise FormatError(f"{where}: the axes {note.axes!r} are not those of {said.shape}")
        load = partial(self.rows.stored, entry.column, entry.row)
        dtype = dtype_of(said.dtype)
        if dtype is None:
            raise FormatError(f"{where}: NumPy has no data type {said.dtype!r}")
        chunk = said.chunk
        if chunk is None:
            lines = max(1, PART_BYTES // (said.shape[4] * dtype.itemsize))
            chunk = (1, lines, said.shape[4])
        resident = self.rows.resident
        return RecordReader(load, said.shape, dtype, note.axes, chunk, where, resident)

    def attributes(self, place: str, path: str) -> JsonObject:
        """Return the attributes of a position, or of a group below it."""
        entries = self.places[place]
        for entry in entries:
            note = self.note(entry)
            if path in note.groups:
                return _present(dict(note.groups[path]), path, note.arrays, entries)
        spelling = versions.spelling(versions.VIRTUAL_VERSION)
        if path == _LABELS:
            labels = LabelsMeta(labels=tuple(_label_names(entries)))
            return spelling.dump_labels(labels, spelling.empty_group())
        own = [entry for entry in entries if entry.array.rpartition("/")[0] == path]
        if not own:
            return spelling.empty_group()
        return self._described(own, is_label=bool(path))

    def frame(self) -> Any:
        """Return the other columns as a pandas.DataFrame, a row for each position."""
        firsts = [entries[0].row for entries in self.places.values()]
        frame = self.rows.others(firsts).to_pandas()
        frame.index = list(self.places)
        frame.index.name = "path"
        return frame

    def files(self, *, wells: bool) -> dict[str, bytes]:
        """Return keys and values of the tables beside the images, and of those of a plate."""
        if NOTE not in self.rows.schema.names:
            return {}
        found: dict[str, bytes] = {}
        texts = self.rows.texts(TABLES)
        try:
            if wells:
                found |= read_tables(self.rows.metadata)
            for place, entries in self.places.items():
                for text in (texts[entry.row] for entry in entries):
                    if text is not None:
                        held = read_files(text)
                        found |= {join(place, key): value for key, value in held.items()}
        except FormatError as error:
            raise FormatError(f"{self.rows.url}: {error}") from error
        return found

    # steps

    def _described(self, entries: Sequence[_Entry], *, is_label: bool) -> JsonObject:
        """Return the attributes of an image of which only its record says something."""
        spelling = versions.spelling(versions.VIRTUAL_VERSION)
        said = records.describe(self.rows.record(entries[0].column, entries[0].row))
        source = described_source(said, [self.reader(entry) for entry in entries])
        attrs = spelling.dump_image(image_meta(source), spelling.empty_group())
        if is_label:
            return spelling.with_ome(attrs, {**spelling.ome(attrs), "image-label": {}})
        return write_acquisition(attrs, source.acquisition)

    def _places(self) -> dict[str, list[_Entry]]:
        found, empty = self._entries()
        if not found:
            raise FormatError(f"{self.rows.url} has no row with an image")
        if empty:
            warnings.warn(
                f"{self.rows.url}: {empty} of its records are missing, or say no sizes",
                MissingFramesWarning,
                stacklevel=4,
            )
        places: dict[str, list[_Entry]] = {}
        seen: dict[str, int] = {}
        for entry in found:
            key = join(entry.place, entry.array)
            if key in seen:
                raise LayoutError(
                    f"{self.rows.url}: rows {seen[key]} and {entry.row} are both the array "
                    f"{entry.array!r} of position {entry.place!r}; filter the table, or change its "
                    "columns row, column, fov and array"
                )
            seen[key] = entry.row
            places.setdefault(entry.place, []).append(entry)
        return places

    def _entries(self) -> tuple[list[_Entry], int]:
        """Return all images, and how many records are missing."""
        shapes = self._shapes
        there = {name: (shapes[name] > 0).all(axis=1) for name in self.rows.columns}
        empty = sum(int((~mask).sum()) for mask in there.values())
        indexes = [
            (name, int(row)) for name in self.rows.columns for row in np.flatnonzero(there[name])
        ]
        indexes.sort(key=lambda each: each[1])
        own = len(self.rows.columns) == 1
        placed = _placed(self.rows) if own else None
        if placed is not None:
            return [_Entry(name, row, *placed[row]) for name, row in indexes], empty
        ids = [
            self.rows.record(name, row)["id"].as_py() if own else f"{row}-{name}"
            for name, row in indexes
        ]
        if len(indexes) == 1:
            keys = [""]
        elif len(set(ids)) == len(ids) and all(map(_is_key, ids)):
            keys = ids
        else:
            keys = [str(number) for number in range(len(indexes))]
        return [
            _Entry(name, row, key, "0") for (name, row), key in zip(indexes, keys, strict=True)
        ], empty


def _placed(rows: Rows) -> list[tuple[str, str]] | None:
    """Return position and array of each row, as its columns say; None if they do not."""
    notes = rows.texts(NOTE)
    well = [rows.texts(name) for name in ("row", "column", "fov")]
    arrays, levels = rows.texts("array"), rows.texts("level")
    if all(note is None for note in notes) and any(None in column for column in well):
        return None
    made = []
    for parts, array, level in zip(zip(*well, strict=True), arrays, levels, strict=True):
        place = "/".join(part for part in parts if part is not None)
        path = array or level or "0"
        made.append((place, path))
    for name in dict.fromkeys(name for both in made for name in both if name):
        problem = path_problem(name)
        if problem is not None:
            raise FormatError(f"{rows.url}: {name!r} is no path: {problem}")
    depths = {place.count("/") for place, _ in made if place}
    if any(not place for place, _ in made) and depths:
        raise FormatError(f"{rows.url}: some rows say which position they are, and some do not")
    if len(depths) > 1 or depths == {1}:
        raise FormatError(f"{rows.url}: row, column and fov are given for some positions only")
    return made


def _is_key(name: Any) -> bool:
    free = isinstance(name, str) and bool(name) and "/" not in name and name != series.FOLDER
    return free and path_problem(name) is None


def _label_names(entries: Sequence[_Entry]) -> list[str]:
    head = f"{_LABELS}/"
    names = [e.array[len(head) :].rpartition("/")[0] for e in entries if e.array.startswith(head)]
    return list(dict.fromkeys(names))


def _present(
    attrs: JsonObject, path: str, arrays: Sequence[str], entries: Sequence[_Entry]
) -> JsonObject:
    """Return attributes without levels and labels that are not in the table."""
    held = {entry.array for entry in entries}
    spelling = shown_spelling(attrs)
    if path == _LABELS:
        document = spelling.parse_labels(attrs)
        names = _label_names(entries)
        kept = tuple(name for name in document.labels if name in names)
        return (
            attrs
            if kept == document.labels
            else spelling.dump_labels(LabelsMeta(labels=kept), attrs)
        )
    absent = [name for name in arrays if join(path, name) not in held]
    if not absent:
        return attrs
    image = edits_levels.remove_datasets(spelling.parse_image(attrs), absent)
    return spelling.dump_image(image, attrs)
