"""Tables and phrases that several summaries share."""

from __future__ import annotations

from collections.abc import Sequence

from iohub.display.blocks import Column, Table
from iohub.display.characters import flat
from iohub.display.entries import AxisEntry, ChannelEntry, LevelEntry
from iohub.display.quantities import (
    human_bytes,
    human_count,
    human_number,
    human_quantity,
    human_shape,
)

_NAMED = 5  # so many channels are named in one line; more are counted


def channel_table(channels: Sequence[ChannelEntry]) -> Table:
    """Table of channels with their colours, windows and limits."""
    columns = columns_of("", "channel", "color", ">window", ">range")
    table = Table("channels", columns, tuple(channel.cells() for channel in channels))
    return table.trimmed()


def level_table(levels: Sequence[LevelEntry], what: str = "level") -> Table:
    """Table of arrays, such as those of a pyramid."""
    columns = columns_of(
        what, ">shape", "dtype", ">chunks", ">shards", ">scale", ">size", ">stored", "problem"
    )
    rows = tuple(
        (
            level.path,
            human_shape(level.shape) if level.shape or level.dtype else "",
            level.dtype,
            human_shape(level.chunks) if level.chunks else "",
            human_shape(level.shards) if level.shards else "",
            ", ".join(map(human_number, level.scale)) if level.scale else "",
            "" if level.nbytes is None else human_bytes(level.nbytes),
            "" if level.stored is None else human_bytes(level.stored),
            flat(level.problem),
        )
        for level in levels
    )
    title = "levels" if what == "level" else f"more {what}s"
    return Table(title, columns, rows).trimmed()


def columns_of(*names: str) -> tuple[Column, ...]:
    """Make headings; one that starts with ``>`` is right-aligned."""
    return tuple(
        Column(name[1:], "right") if name.startswith(">") else Column(name) for name in names
    )


def entry_text(values: Sequence[float] | None, index: int) -> str:
    """Write one entry of a vector, empty if there is none."""
    return human_number(values[index]) if values is not None and index < len(values) else ""


def size_text(nbytes: int | None, stored: int | None) -> str:
    """Write the size of pixels in memory and in the store, as far as they are known."""
    parts = [] if nbytes is None else [human_bytes(nbytes)]
    if stored is not None:
        share = f" ({stored / nbytes:.0%})" if nbytes else ""
        parts.append(f"{human_bytes(stored)} stored{share}")
    return ", ".join(parts)


def extent_text(axes: Sequence[AxisEntry]) -> str:
    """Write the physical extent of the axes that have one, such as ``"x 333 µm"``."""
    return ", ".join(
        f"{axis.name} {human_quantity(axis.extent, axis.unit)}"
        for axis in axes
        if axis.extent is not None
    )


def channel_text(channels: Sequence[ChannelEntry]) -> str:
    """Name a few channels, count many."""
    if not channels:
        return ""
    if len(channels) > _NAMED:
        return human_count(len(channels), "channel")
    # Brackets, since the commas between names would run into those between facts.
    word = "channel" if len(channels) == 1 else "channels"
    return f"{word} [{', '.join(channel.name for channel in channels)}]"
