"""Frames on their way into units of an array: one *slab* holds the units that one frame touches.

A slab spans whole frames, and along the axes before those as much as a unit does. Its pixels lie
chunk by chunk where an encoder wants them so, else as in the array. Nothing is written here.
"""

from __future__ import annotations

import threading
import time
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.storage import grid

if TYPE_CHECKING:
    from iohub.storage.spec import ArraySpec
    from iohub.stream.sink import Frame
    from iohub.types import NDArray, Region, Shape


class SlabLayout:
    """How the pixels of the slabs of one array lie in memory.

    Parameters
    ----------
    spec : ArraySpec
        The array; its last two axes are those of a frame.
    by_chunk : bool
        Whether chunk by chunk.

    Attributes
    ----------
    lead : tuple of int
        Size of a slab along the axes before (Y, X).
    nbytes : int
        Memory of a slab [bytes].
    """

    def __init__(self, spec: ArraySpec, by_chunk: bool):
        self.spec, self.by_chunk = spec, by_chunk
        self.frame: Shape = spec.shape[-2:]
        self.lead: Shape = spec.unit[:-2]
        self.chunk: Shape = spec.chunks
        self.counts: Shape = tuple(u // c for u, c in zip(spec.unit, spec.chunks, strict=True))
        # Slabs end with whole units: their chunks are stored whole.
        self.grid: Shape = tuple(
            grid.ceil_div(size, unit) for size, unit in zip(self.frame, spec.unit[-2:], strict=True)
        )
        self.padded: Shape = tuple(
            count * unit for count, unit in zip(self.grid, spec.unit[-2:], strict=True)
        )
        self.exact = self.padded == self.frame
        self.frames = prod(self.lead)
        area = prod(self.padded) if by_chunk else prod(self.frame)
        self.nbytes = self.frames * area * spec.dtype.itemsize
        self.whole = self.frames == 1 and (
            not by_chunk or (self.exact and spec.chunks[-2:] == self.frame)
        )
        """Whether a frame is a slab as it is."""

    def shaped(self, memory: NDArray) -> NDArray:
        """Return the memory of a slab as its pixels."""
        pixels = memory.view(self.spec.dtype)
        if not self.by_chunk:
            return pixels.reshape(*self.lead, *self.frame)
        return pixels.reshape(*self.grid, *self.counts, *self.chunk)

    def plane(self, pixels: NDArray, offset: Shape) -> NDArray:
        """Return a view of a frame in a slab: (Y, X), or cut (row, y, column, x)."""
        if not self.by_chunk:
            found: NDArray = pixels[offset]
            return found
        chunk = tuple(o // c for o, c in zip(offset, self.chunk, strict=False))
        inside = tuple(o % c for o, c in zip(offset, self.chunk, strict=False))
        both: list[Any] = [slice(None)] * 2
        view: NDArray = pixels[(*both, *chunk, *both, *inside, *both)]
        return view.transpose(0, 2, 4, 1, 3, 5)  # unit, chunk, pixel along y; the same along x

    def put(self, pixels: NDArray, offset: Shape, frame: NDArray) -> None:
        """Copy a frame into a slab."""
        view = self.plane(pixels, offset)
        if not self.by_chunk:
            view[...] = frame
            return
        if not self.exact:
            larger = np.full(self.padded, self.spec.fill_value, self.spec.dtype)
            larger[: self.frame[0], : self.frame[1]] = frame
            frame = larger
        view[...] = frame.reshape(view.shape)

    def get(self, pixels: NDArray, offset: Shape) -> NDArray:
        """Return a frame (Y, X) of a slab, a copy if it is cut."""
        view = self.plane(pixels, offset)
        if not self.by_chunk:
            return view
        return view.reshape(self.padded)[: self.frame[0], : self.frame[1]]

    def region(self, key: Shape, shape: Shape) -> Region:
        """Return the part of the array that a slab is."""
        lead = grid.unit_region(key, shape[:-2], self.lead)
        return (*lead, slice(0, self.frame[0]), slice(0, self.frame[1]))


class Slab:
    """A slab that is being filled.

    Attributes
    ----------
    key : tuple of int
        Which one of the array, along the axes before (Y, X).
    memory, pixels : numpy.ndarray
        What was leased for it, and the pixels in it.
    frames : list of Frame
        That have arrived and of which the sink has not said yet that they are written.
    arrived : set of tuple of int
        Where frames are, from the slab's start.
    blank : bool
        Whether there is nothing behind frames that have not come but left-over memory.
    busy : threading.Lock
        Held while it is being written, so that a part is not written after the whole.
    """

    __slots__ = ("arrived", "blank", "busy", "done", "frames", "key", "memory", "pixels", "since")

    def __init__(self, key: Shape, memory: NDArray, pixels: NDArray):
        self.key, self.memory, self.pixels = key, memory, pixels
        self.frames: list[Frame] = []
        self.arrived: set[Shape] = set()
        self.busy = threading.Lock()
        self.done, self.blank = False, True
        self.since = time.monotonic()
