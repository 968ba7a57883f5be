"""The groups above the positions of a table: a plate with its rows and wells, or a series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from iohub.errors import FormatError
from iohub.formats.ome_arrow.siblings import Note, read_groups
from iohub.metadata import edits_plate, series, versions

if TYPE_CHECKING:
    from iohub.formats.ome_arrow.rows import Rows
    from iohub.metadata.versions import Spelling
    from iohub.types import JsonMapping, JsonObject


def shown_spelling(attrs: JsonMapping) -> Spelling:
    """Return how attributes in a table are spelled."""
    shown = versions.spelling(versions.VIRTUAL_VERSION)
    return versions.spelling(versions.detect(attrs, shown.zarr_format))


class Above:
    """The groups above the positions: those that the table notes, or new ones.

    Parameters
    ----------
    rows : Rows
        The table.
    places : sequence of str
        Paths of the positions.
    first : Note
        What is noted in the first row.
    """

    def __init__(self, rows: Rows, places: Sequence[str], first: Callable[[], Note]):
        self._rows, self._places, self._first = rows, places, first
        self._fields: dict[str, list[str]] = {}
        for place in places:
            well, _, name = place.rpartition("/")
            self._fields.setdefault(well, []).append(name)

    @cached_property
    def _noted(self) -> dict[str, JsonObject]:
        try:
            noted = read_groups(self._rows.metadata)
        except FormatError as error:
            raise FormatError(f"{self._rows.url}: {error}") from error
        return noted or dict(self._first().above)

    @cached_property
    def _names_all(self) -> bool:
        return "" in self._noted and self._fields.keys() <= self._noted.keys()

    def _new(self, path: str) -> JsonObject:
        """Return the attributes of a group of a plate that the table says nothing more of."""
        spelling = versions.spelling(versions.VIRTUAL_VERSION)
        attrs = spelling.empty_group()
        if path in self._fields:
            fields = [(name, None) for name in self._fields[path]]
            return spelling.dump_well(edits_plate.add_fields(None, fields), attrs)
        if path:
            return attrs
        names = [name for name in self._rows.texts("plate") if name]
        plate = edits_plate.add_wells(
            edits_plate.new_plate(names[0] if names else None),
            [(*_well(path), None, None) for path in sorted(self._fields, key=_well_order)],
        )
        count = max(map(len, self._fields.values()))
        return spelling.dump_plate(edits_plate.set_field_count(plate, count), attrs)

    @cached_property
    def wells(self) -> tuple[str, ...]:
        """The wells of the plate, those too that never had an image."""
        noted = self._noted if self._names_all else {}
        rest = [path for path in noted if path.count("/") == 1 and path not in self._fields]
        return (*self._fields, *(path for path in rest if not _has_images(noted[path])))

    def plate(self, path: str) -> JsonObject:
        """Return the attributes of the plate, of a row or of a well."""
        if not self._names_all:
            return self._new(path)
        attrs = dict(self._noted.get(path, {}))
        if path and path not in self._fields:
            return attrs
        spelling = shown_spelling(attrs)
        if not path:
            plate = spelling.parse_plate(attrs)
            held = set(self.wells)
            wells = tuple(well for well in plate.wells if well.path in held)
            if wells == plate.wells:
                return attrs
            return spelling.dump_plate(plate.replace(wells=wells), attrs)
        well = spelling.parse_well(attrs)
        images = tuple(image for image in well.images if image.path in self._fields[path])
        return (
            attrs
            if images == well.images
            else spelling.dump_well(well.replace(images=images), attrs)
        )

    def series(self, path: str) -> JsonObject:
        """Return the attributes of the root of a series, or of the group that lists it."""
        noted = self._noted.get(path)
        attrs = dict(noted or {})
        version = versions.VIRTUAL_VERSION
        zarr_format = versions.spelling(version).zarr_format
        spelling = versions.spelling(versions.detect(attrs, zarr_format) if noted else version)
        attrs = attrs or spelling.empty_group()
        if path:
            return series.write_series(spelling, attrs, list(self._places))
        return attrs if noted else series.write_layout(spelling, attrs)


def _has_images(attrs: JsonObject) -> bool:
    spelling = shown_spelling(attrs)
    return "well" in spelling.ome(attrs) and bool(spelling.parse_well(attrs).images)


def _well(path: str) -> tuple[str, str]:
    row, _, column = path.partition("/")
    return row, column


def _well_order(path: str) -> tuple[int, str, int, str]:
    row, column = _well(path)
    return len(row), row, int(column) if column.isdecimal() else 0, column
