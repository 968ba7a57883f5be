"""Files that an adapter must open, what they hold, and readers that count what is decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from iohub.storage.virtual import ChunkReader, RegionReader, VirtualArray

if TYPE_CHECKING:
    from iohub.types import NDArray, Region, Shape


@dataclass(frozen=True)
class Image:
    """What is in an image of an example; what is None is not looked at.

    Attributes
    ----------
    pixels : numpy.ndarray
        Level 0, in the order of `axes`, as the format's own library or its writer has it.
    axes : str
        A letter for each axis, such as ``"tczyx"``.
    levels : sequence of numpy.ndarray
        The lower levels.
    channel_names : sequence of str, optional
        Names of the channels.
    scale : sequence of float, optional
        Pixel size of level 0 along each axis.
    units : mapping of str to (str or None)
        Units of some axes.
    stage : tuple of (float or None), optional
        Stage position, x, y, z.
    frames : int, optional
        How many frames have metadata of their own.
    """

    pixels: NDArray
    axes: str = "tczyx"
    levels: Sequence[NDArray] = ()
    channel_names: Sequence[str] | None = None
    scale: Sequence[float] | None = None
    units: Mapping[str, str | None] = field(default_factory=dict)
    stage: tuple[float | None, ...] | None = None
    frames: int | None = None

    @property
    def all_levels(self) -> list[NDArray]:
        """All levels, the highest resolution first."""
        return [self.pixels, *self.levels]


@dataclass(frozen=True)
class Example:
    """A file, or a folder of files, of a format.

    Attributes
    ----------
    path : pathlib.Path
        What is passed to ``open_ome_zarr``.
    images : mapping of str to Image
        By their paths in the node, ``""`` if it is a single position.
    kind : str
        Class of the node: "Position", "Series" or "Plate".
    truncatable : sequence of str
        Names of files, relative to `path` or beside it, that may be cut off or damaged; the
        largest one if there are none.
    """

    path: Path
    images: Mapping[str, Image]
    kind: str = "Position"
    truncatable: Sequence[str] = ()


class CountingReader:
    """A chunk reader that notes which chunks are decoded.

    Parameters
    ----------
    reader : ChunkReader
        Who decodes.
    asked : list
        Where a chunk's index, or a region's slices, are noted.
    """

    def __init__(self, reader: ChunkReader, asked: list[Any]):
        self.reader, self.asked = reader, asked

    @property
    def shape(self) -> Shape:
        """As the reader."""
        return self.reader.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """As the reader."""
        return self.reader.dtype

    @property
    def chunks(self) -> Shape:
        """As the reader."""
        return self.reader.chunks

    def chunk(self, index: Shape) -> NDArray:
        """Note and decode a chunk."""
        self.asked.append(index)
        return self.reader.chunk(index)


class CountingRegionReader(CountingReader):
    """One that also has a faster way for regions."""

    reader: RegionReader

    def region(self, region: Region, out: NDArray | None) -> NDArray | None:
        """Read a region; noted, if the reader does it."""
        found = self.reader.region(region, out)
        if found is not None:
            self.asked.append(region)
        return found


@contextmanager
def counted_chunks() -> Iterator[list[Any]]:
    """Note what is decoded of the files that are opened inside.

    Yields
    ------
    list
        Indexes of chunks, and regions, in the order in which they are decoded.
    """
    asked: list[Any] = []
    original = VirtualArray.__init__

    def counting(self: VirtualArray, reader: ChunkReader, *args: Any, **kwargs: Any) -> None:
        kind = CountingRegionReader if isinstance(reader, RegionReader) else CountingReader
        original(self, kind(reader, asked), *args, **kwargs)

    with mock.patch.object(VirtualArray, "__init__", counting):
        yield asked
