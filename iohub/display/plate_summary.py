"""Summaries of what holds positions: a plate, its rows and wells; draws nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from iohub.display.blocks import Block, PlateMap, Spot, Table
from iohub.display.characters import flat
from iohub.display.entries import (
    AcquisitionEntry,
    AxisEntry,
    ChannelEntry,
    FieldEntry,
    WellEntry,
)
from iohub.display.quantities import human_count, human_shape
from iohub.display.summary import Summary
from iohub.display.tables import (
    channel_table,
    channel_text,
    columns_of,
    extent_text,
    size_text,
)


@dataclass(frozen=True, kw_only=True)
class WellSummary(Summary):
    """A well with its fields of view.

    Attributes
    ----------
    positions : tuple of FieldEntry
        Fields of view in the order of the document.
    axes : tuple of str
        Axis names of the fields; empty if not known or not the same in all.
    channels : tuple of ChannelEntry
        Channels of the fields.
    """

    kind: str = "Well"
    positions: tuple[FieldEntry, ...] = ()
    axes: tuple[str, ...] = ()
    channels: tuple[ChannelEntry, ...] = ()

    def facts(self) -> tuple[str, ...]:
        """Return how many fields there are, how many are broken, and the channels."""
        broken = sum(bool(entry.problem) for entry in self.positions)
        says = (
            human_count(len(self.positions), "field"),
            f"{broken:,} unreadable" if broken else "",
            channel_text(self.channels),
        )
        return tuple(filter(None, says))

    def body(self) -> tuple[Block, ...]:
        """Return a table of the fields and one of the channels."""
        rows = tuple(
            (
                entry.name,
                f"({human_shape(entry.shape, self.axes)})" if entry.shape else "",
                entry.dtype,
                "" if entry.acquisition is None else str(entry.acquisition),
                flat(entry.problem),
            )
            for entry in self.positions
        )
        columns = columns_of("field", "shape", "dtype", ">acquisition", "problem")
        blocks: tuple[Block, ...] = (Table("fields", columns, rows).trimmed(),) if rows else ()
        return (*blocks, channel_table(self.channels)) if self.channels else blocks


@dataclass(frozen=True, kw_only=True)
class RowSummary(Summary):
    """A row of a plate.

    Attributes
    ----------
    wells : tuple of WellEntry
        Its wells.
    columns : tuple of str
        Columns of the plate, so that absent wells are seen; those of the wells if empty.
    """

    kind: str = "Row"
    wells: tuple[WellEntry, ...] = ()
    columns: tuple[str, ...] = ()

    def facts(self) -> tuple[str, ...]:
        """Return how many wells and fields there are."""
        return _well_facts(self.wells)

    def body(self) -> tuple[Block, ...]:
        """Return the wells as a one-row plate map."""
        names = _unique(well.row for well in self.wells)
        columns = self.columns or _unique(well.column for well in self.wells)
        return (plate_map(names, columns, self.wells),) if self.wells else ()


@dataclass(frozen=True, kw_only=True)
class PlateSummary(Summary):
    """A plate.

    Attributes
    ----------
    rows, columns : tuple of str
        Names in the order of the document.
    wells : tuple of WellEntry
        Wells that exist.
    acquisitions : tuple of AcquisitionEntry
        Acquisitions.
    axes : tuple of AxisEntry
        Axes of a field, where they are known.
    channels : tuple of ChannelEntry
        Channels of a field.
    dtype : str
        Data type of a field.
    nbytes, stored : int, optional
        Bytes of all decoded pixels, and bytes in the store, if they were counted.
    """

    kind: str = "Plate"
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    wells: tuple[WellEntry, ...] = ()
    acquisitions: tuple[AcquisitionEntry, ...] = ()
    axes: tuple[AxisEntry, ...] = ()
    channels: tuple[ChannelEntry, ...] = ()
    dtype: str = ""
    nbytes: int | None = None
    stored: int | None = None

    def facts(self) -> tuple[str, ...]:
        """Return wells, fields, what is broken, and the channels."""
        return tuple(filter(None, (*_well_facts(self.wells), channel_text(self.channels))))

    def details(self) -> tuple[tuple[str, str], ...]:
        """Return the labelled facts, with the layout of the plate and the size of a field."""
        layout = ", ".join(
            (human_count(len(self.rows), "row"), human_count(len(self.columns), "column"))
        )
        sizes = [axis.size for axis in self.axes if axis.size is not None]
        known = len(sizes) == len(self.axes) > 0
        shape = human_shape(sizes, [axis.name for axis in self.axes]) if known else ""
        pairs = (
            ("plate", layout if self.rows or self.columns else ""),
            ("field", f"({shape}) {self.dtype}".rstrip() if shape else self.dtype),
            ("extent", extent_text(self.axes)),
            ("size", size_text(self.nbytes, self.stored)),
        )
        return (*super().details(), *(pair for pair in pairs if pair[1]))

    def body(self) -> tuple[Block, ...]:
        """Return the plate map and tables of channels and acquisitions."""
        blocks: list[Block] = []
        if self.wells or (self.rows and self.columns):
            blocks.append(plate_map(self.rows, self.columns, self.wells))
        if self.channels:
            blocks.append(channel_table(self.channels))
        # A single acquisition of which nothing is known but its number is no news.
        if len(self.acquisitions) > 1 or any(entry.says_more for entry in self.acquisitions):
            rows = tuple(
                (
                    str(entry.id),
                    entry.name,
                    "" if entry.max_fields is None else f"{entry.max_fields:,}",
                    entry.description,
                )
                for entry in self.acquisitions
            )
            columns = columns_of(">id", "name", ">fields at most", "description")
            blocks.append(Table("acquisitions", columns, rows).trimmed())
        return tuple(blocks)


def plate_map(rows: Sequence[str], columns: Sequence[str], wells: Sequence[WellEntry]) -> PlateMap:
    """Place wells on a map.

    Parameters
    ----------
    rows, columns : sequence of str
        Names; a well in a row or column that is not named adds it at the end, so that every
        well is seen.
    wells : sequence of WellEntry
        The wells.
    """
    rows = _unique((*rows, *(well.row for well in wells)))
    columns = _unique((*columns, *(well.column for well in wells)))
    most = max((well.fields or 0 for well in wells), default=0)
    spots: dict[tuple[str, str], Spot] = {
        (well.row, well.column): well.spot(most) for well in wells
    }
    grid = tuple(tuple(spots.get((row, column)) for column in columns) for row in rows)
    return PlateMap(rows, columns, grid)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _well_facts(wells: Sequence[WellEntry]) -> tuple[str, ...]:
    """Count wells, fields, and what is missing of them."""
    fields = [well.fields for well in wells if well.fields is not None]
    missing = sum(well.missing for well in wells)
    broken = sum(bool(well.problem) for well in wells)
    says = (
        human_count(len(wells), "well"),
        # A sum over some of the wells would be taken for the sum over all of them.
        human_count(sum(fields), "field") if fields and len(fields) + broken >= len(wells) else "",
        f"{missing:,} missing" if missing else "",
        f"{human_count(broken, 'well')} unreadable" if broken else "",
    )
    return tuple(filter(None, says))
