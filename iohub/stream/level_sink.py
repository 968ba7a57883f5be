"""Frames of one level of one position on their way to its array: slabs filled, encoded, written."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from iohub.pyramids.reduce import reduce
from iohub.storage import files, grid
from iohub.storage.chunk_encoding import chunk_encoder
from iohub.storage.keys import join
from iohub.storage.local import LocalBytes
from iohub.stream.sink import Frame
from iohub.stream.slabs import Slab, SlabLayout

if TYPE_CHECKING:
    from iohub.storage.array import ZarrArray
    from iohub.stream.buffer import FrameQueue
    from iohub.types import NDArray, PyramidMethod, Shape

_GROWTH = 2
"""By how much an array without a last frame grows at a time, at least; it is cut on closing."""

_LEAST_GROWTH = 16


class LevelSink:
    """Frames of one level of one position, on their way to its array.

    Parameters
    ----------
    array : ZarrArray
        The array.
    queue : FrameQueue
        Memory and threads.
    growing : int, optional
        The axis whose size is not known.
    engine : bool
        Whether pixels go to the array's engine even if they could be encoded here.
    sync : bool
        Whether each chunk is forced to the disk.
    urgent : bool
        Whether memory is had at once, be there any or not: who waits for it, in a thread of the
        queue, would wait for himself.
    """

    def __init__(
        self,
        array: ZarrArray,
        queue: FrameQueue,
        *,
        growing: int | None = None,
        engine: bool = False,
        sync: bool = False,
        urgent: bool = False,
    ):
        spec = array.spec
        self.array, self.queue, self.growing = array, queue, growing
        self.encoder = None if engine else chunk_encoder(spec)
        self.layout = SlabLayout(spec, by_chunk=self.encoder is not None)
        # An index that is always the same stands behind the pixels: no copy to put it there.
        single = self.encoder is not None and self.layout.grid == (1, 1)
        self._tail = self.encoder.tail or b"" if single and self.encoder is not None else b""
        self.below: LevelSink | None = None
        self.factors: Shape = ()
        self.method: PyramidMethod = "mean"
        self.open: dict[Shape, Slab] = {}
        self.open_bytes = 0
        self._store = array._writable()
        self._sync, self._urgent = sync, urgent
        self._shape = spec.shape
        self._places = tuple(np.ndindex(self.layout.grid))
        self.direct = self.layout.whole and self.encoder is not None
        # Each frame is in directories of its own then.
        self._nested: LocalBytes | None = None
        if isinstance(self._store, LocalBytes) and spec.separator == "/":
            self._nested = self._store
        self._limits: tuple[int | None, ...] = tuple(
            None if axis == growing else size for axis, size in enumerate(spec.shape[:-2])
        )
        self._existing = spec.shape
        self._left: set[Shape] = set()  # slabs of several frames that were written
        self._lock = threading.RLock()

    # ---- frames come --------------------------------------------------------------------------

    def take(self, frame: Frame, pixels: NDArray, *, copy: bool = True) -> Slab | None:
        """Put a frame into its slab; return the slab if it is whole now."""
        layout = self.layout
        if layout.whole and not copy and pixels.flags.c_contiguous:
            slab = Slab(frame.index, _NOTHING, layout.shaped(pixels.reshape(-1).view(np.uint8)))
            slab.frames.append(frame)
            return slab
        key = tuple(i // n for i, n in zip(frame.index, layout.lead, strict=True))
        offset = tuple(i % n for i, n in zip(frame.index, layout.lead, strict=True))
        slab = self.open.get(key) or self._begin(key)
        with self._lock:
            layout.put(slab.pixels, offset, pixels)
            slab.frames.append(frame)
            slab.arrived.add(offset)
            if len(slab.arrived) < self._expected(key):
                return None
            return self._leave(key)

    def evict(self) -> Slab | None:
        """Return the slab untouched for longest, which is open no more; None if there is none."""
        with self._lock:
            return self._leave(next(iter(self.open))) if self.open else None

    def aged(self, before: float) -> list[Slab]:
        """Return open slabs with frames of before a time that are not in the file."""
        with self._lock:
            return [slab for slab in self.open.values() if slab.frames and slab.since <= before]

    def _begin(self, key: Shape) -> Slab:
        # Nothing here is waited for under the lock, which the threads need to go on.
        layout = self.layout
        again = key in self._left or self._existed(key)
        if again:
            self.queue.flush()
        memory = self.queue.lease(layout.nbytes + len(self._tail), urgent=self._urgent)
        slab = Slab(key, memory, layout.shaped(memory[: layout.nbytes]))
        if again:
            self._load(slab)
        with self._lock:
            if (other := self.open.get(key)) is not None:  # of another thread
                self.queue.release(memory)
                return other
            self.open[key] = slab
            self.open_bytes += layout.nbytes
        return slab

    def _leave(self, key: Shape) -> Slab:
        slab = self.open.pop(key)
        if self.layout.frames > 1:
            self._left.add(key)
        self.open_bytes -= self.layout.nbytes
        return slab

    def _expected(self, key: Shape) -> int:
        count = 1
        for k, n, limit in zip(key, self.layout.lead, self._limits, strict=True):
            count *= n if limit is None else min(n, limit - k * n)
        return count

    def _existed(self, key: Shape) -> bool:
        """Whether there may be pixels from before the stream in a slab."""
        if self.growing is None:
            return False
        return key[self.growing] * self.layout.lead[self.growing] < self._existing[self.growing]

    def _load(self, slab: Slab) -> None:
        """Fill a slab with what the file has of it."""
        slab.blank = False
        slab.pixels[...] = self.layout.spec.fill_value
        region = self.layout.region(slab.key, self.array.spec.shape)
        found = self.array.read(region)
        for offset in np.ndindex(found.shape[:-2]):
            self.layout.put(slab.pixels, offset, found[offset])

    # ---- slabs go -----------------------------------------------------------------------------

    def store_frame(self, frame: Frame, pixels: NDArray) -> None:
        """Write a C-contiguous frame (Y, X) that is a chunk as it is, without another copy.

        So are the frames of lower levels that are made of it, as far as they can be.
        """
        if self.growing is not None:
            self._grow((frame,))
        name = self._name((*frame.index, 0, 0))
        if self._nested is not None:
            files.expect_in(self._nested.path(name))
        assert self.encoder is not None
        self._store.set(name, self.encoder.encode(pixels))
        self._pass_down(frame, pixels)

    def store(self, slab: Slab, *, whole: bool) -> list[Frame]:
        """Write a slab; return the frames that are in the file now."""
        with slab.busy:
            if slab.done:
                return []
            slab.done = whole
            with self._lock:
                frames, slab.frames = slab.frames, []
                there = set(slab.arrived) if slab.blank else None
            if not frames:
                return []
            # The camera goes on with a slab that is not whole; a codec must not see it change.
            pixels = slab.pixels if whole else slab.pixels.copy()
            if there is not None and 0 < len(there) < self.layout.frames:
                self._blank(pixels, there)
            self._grow(frames)
            if self.encoder is None:
                region = self.layout.region(slab.key, self._shape)
                part = tuple(slice(0, s.stop - s.start) for s in region)
                self.array.write(region, pixels[part])
                if self._sync:
                    self._force_units(slab.key)
            else:
                self._write_units(slab.key, pixels, slab.memory if whole else _NOTHING)
            self._reduce(frames, pixels)
        return frames

    def _blank(self, pixels: NDArray, there: set[Shape]) -> None:
        """Give frames that have not come the fill value; leased memory is not empty."""
        for offset in np.ndindex(self.layout.lead):
            if offset not in there:
                self.layout.plane(pixels, offset)[...] = self.layout.spec.fill_value

    def _write_units(self, key: Shape, pixels: NDArray, memory: NDArray) -> None:
        assert self.encoder is not None
        ready = bool(self._tail) and memory is not _NOTHING
        if ready:
            memory[self.layout.nbytes :] = np.frombuffer(self._tail, np.uint8)
        for place in self._places:
            value = memory.data if ready else self.encoder.encode(pixels[place])
            name = self._name((*key, *place))
            self._store.set(name, value)
            if self._sync and isinstance(self._store, LocalBytes):
                files.sync(self._store.path(name))

    def _name(self, index: Shape) -> str:
        return join(self.array.path, self.layout.spec.unit_key(index))

    def _force_units(self, key: Shape) -> None:
        """Have the disk keep the units of a slab that an engine wrote."""
        if isinstance(self._store, LocalBytes):
            for place in np.ndindex(self.layout.grid):
                name = self._name((*key, *place))
                with suppress(FileNotFoundError):  # engines write no unit of fill values
                    files.sync(self._store.path(name))

    def _reduce(self, frames: Sequence[Frame], pixels: NDArray) -> None:
        """Make the frames of the level below, and write what becomes whole there."""
        if self.below is None:
            return
        for frame in frames:
            offset = tuple(i % n for i, n in zip(frame.index, self.layout.lead, strict=True))
            self._pass_down(frame, self.layout.get(pixels, offset))

    def _pass_down(self, frame: Frame, plane: NDArray) -> None:
        below = self.below
        if below is None:
            return
        reduced = reduce(plane, self.factors[-2:], self.method)
        if below.direct:
            below.store_frame(frame, reduced)
            return
        slab = below.take(frame, reduced)
        if slab is not None:
            below.store(slab, whole=True)
            below.drop(slab)

    def drop(self, slab: Slab) -> None:
        """Give back the memory of a slab that is written."""
        if slab.memory is not _NOTHING:
            self.queue.release(slab.memory)

    # ---- the array grows ----------------------------------------------------------------------

    def _grow(self, frames: Sequence[Frame]) -> None:
        axis = self.growing
        if axis is None:
            return
        need = 1 + max(frame.index[axis] for frame in frames)
        with self._lock:
            size = self._shape[axis]
            if need <= size:
                return
            unit = self.layout.spec.unit[axis]
            least = max(need, size * _GROWTH, _LEAST_GROWTH)
            self.resize(grid.ceil_div(least, unit) * unit)

    def resize(self, size: int) -> None:
        """Set the size along the growing axis."""
        assert self.growing is not None
        with self._lock:
            shape = list(self._shape)
            shape[self.growing] = size
            self._shape = tuple(shape)
            self.array.resize(self._shape)

    def force(self) -> None:
        """Have the disk keep all that was written over a power cut."""
        if isinstance(self._store, LocalBytes):
            files.sync_tree(self._store.path(self.array.path))


_NOTHING = np.empty(0, np.uint8)
