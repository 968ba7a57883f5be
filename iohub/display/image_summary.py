"""Summaries of what has pixels: an array, a position with its pyramid; draws nothing."""

from __future__ import annotations

from dataclasses import dataclass

from iohub.display.blocks import Block, Fields, Names, Table
from iohub.display.entries import AxisEntry, ChannelEntry, LevelEntry
from iohub.display.quantities import human_count, human_shape
from iohub.display.summary import Summary
from iohub.display.tables import (
    channel_table,
    channel_text,
    columns_of,
    entry_text,
    extent_text,
    level_table,
    size_text,
)


@dataclass(frozen=True, kw_only=True)
class ArraySummary(Summary):
    """An array.

    Attributes
    ----------
    axes : tuple of str
        Axis names, one per dimension; empty if not known.
    shape : tuple of int
        Its size.
    dtype : str
        Its data type.
    chunks, shards : tuple of int, optional
        Size of a chunk, and of a shard if chunks are packed into such.
    codecs : str
        How chunks are encoded, such as ``"blosc(zstd, 1, bitshuffle)"``.
    fill_value : str
        Value of pixels that were never written.
    nbytes : int, optional
        Bytes of the decoded pixels.
    stored : int, optional
        Bytes that it takes in the store, if they were counted.
    scale, translation : tuple of float, optional
        Pixel size and origin, per axis.
    """

    kind: str = "ImageArray"
    axes: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    dtype: str = ""
    chunks: tuple[int, ...] | None = None
    shards: tuple[int, ...] | None = None
    codecs: str = ""
    fill_value: str = ""
    nbytes: int | None = None
    stored: int | None = None
    scale: tuple[float, ...] | None = None
    translation: tuple[float, ...] | None = None

    def facts(self) -> tuple[str, ...]:
        """Return shape, data type and chunks."""
        chunks = f"chunks ({human_shape(self.chunks)})" if self.chunks else ""
        shape = f"({human_shape(self.shape, self.axes)})"
        return tuple(filter(None, (shape, self.dtype, chunks)))

    def body(self) -> tuple[Block, ...]:
        """Return one line of facts each, and a table of the dimensions."""
        pairs = (
            ("dtype", self.dtype),
            ("size", size_text(self.nbytes, self.stored)),
            ("codecs", self.codecs),
            ("fill value", self.fill_value),
        )
        names = self.axes if len(self.axes) == len(self.shape) else ()
        rows = tuple(
            (
                names[i] if names else str(i),
                str(size),
                entry_text(self.chunks, i),
                entry_text(self.shards, i),
                entry_text(self.scale, i),
                entry_text(self.translation, i),
            )
            for i, size in enumerate(self.shape)
        )
        columns = columns_of("axis", ">size", ">chunk", ">shard", ">scale", ">translation")
        known = tuple(pair for pair in pairs if pair[1])
        blocks: tuple[Block, ...] = (Fields(known),) if known else ()
        return (*blocks, Table("dimensions", columns, rows).trimmed()) if rows else blocks


@dataclass(frozen=True, kw_only=True)
class PositionSummary(Summary):
    """An image with its pyramid: a field of view, a label image.

    Attributes
    ----------
    axes : tuple of AxisEntry
        Axes at full resolution.
    channels : tuple of ChannelEntry
        Channels in the order of the array.
    levels : tuple of LevelEntry
        Arrays of the pyramid, full resolution first.
    images : tuple of LevelEntry
        Other arrays, which are no levels of it.
    labels : tuple of str
        Names of the label images.
    """

    kind: str = "Position"
    axes: tuple[AxisEntry, ...] = ()
    channels: tuple[ChannelEntry, ...] = ()
    levels: tuple[LevelEntry, ...] = ()
    images: tuple[LevelEntry, ...] = ()
    labels: tuple[str, ...] = ()

    def facts(self) -> tuple[str, ...]:
        """Return shape, data type, channels, how many levels and labels, and what is broken."""
        broken = [sum(bool(a.problem) for a in arrays) for arrays in (self.levels, self.images)]
        says = (
            self._shape(),
            self.levels[0].dtype if self.levels else "",
            channel_text(self.channels),
            human_count(len(self.levels), "level") if len(self.levels) > 1 else "",
            f"{human_count(broken[0], 'level')} unreadable" if broken[0] else "",
            human_count(len(self.images), "more image") if self.images else "",
            f"{human_count(broken[1], 'more image')} unreadable" if broken[1] else "",
            human_count(len(self.labels), "label") if self.labels else "",
        )
        return tuple(filter(None, says))

    def _shape(self) -> str:
        """Write the shape of level 0, or no more than its axes if it was not read."""
        if not self.levels:
            return "no images"
        names = tuple(axis.name for axis in self.axes)
        if self.levels[0].shape:
            return f"({human_shape(self.levels[0].shape, names)})"
        return f"({', '.join(names)})" if names else ""

    def details(self) -> tuple[tuple[str, str], ...]:
        """Return the labelled facts, with the size and the extent of the image."""
        arrays = (*self.levels, *self.images)
        nbytes = [array.nbytes for array in arrays if array.nbytes is not None]
        stored = [array.stored for array in arrays if array.stored is not None]
        complete = len(stored) == len(arrays)
        pairs = (
            (
                "size",
                size_text(sum(nbytes) if nbytes else None, sum(stored) if complete else None),
            ),
            ("extent", extent_text(self.axes)),
        )
        return (*super().details(), *(pair for pair in pairs if pair[1]))

    def body(self) -> tuple[Block, ...]:
        """Return tables of axes, channels, levels and more images, and the names of labels."""
        blocks: list[Block] = []
        if self.axes:
            columns = columns_of("axis", "type", ">size", ">pixel size", ">origin", ">extent")
            rows = tuple(axis.cells() for axis in self.axes)
            blocks.append(Table("axes", columns, rows).trimmed())
        if self.channels:
            blocks.append(channel_table(self.channels))
        if self.levels:
            blocks.append(level_table(self.levels))
        if self.images:
            blocks.append(level_table(self.images, "image"))
        if self.labels:
            blocks.append(Names("labels", self.labels))
        return tuple(blocks)
