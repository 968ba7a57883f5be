"""A sink that gives frames to the writer of the Acquire project, which makes chunks and shards.

It writes whole trees of its own, documents too, and these only when it is closed. So it gets a
folder of its own, outside the store, in which the folders of chunks are links to those of our
arrays; their documents are ours, and readers see them grow. It tells nobody what is in the file:
that is read from the index at the end of each shard, and frames are kept in memory until then.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import UnsupportedError
from iohub.optional import need
from iohub.storage import files, grid
from iohub.storage.keys import join
from iohub.storage.local import LocalBytes
from iohub.stream.ordered_sink import OrderedSink
from iohub.stream.sink import Frame

if TYPE_CHECKING:
    from iohub.storage.array import ZarrArray
    from iohub.stream.buffer import FrameQueue
    from iohub.stream.plan import StreamPlan
    from iohub.stream.sink import Written
    from iohub.types import NDArray, Shape

_PAUSE = 0.002  # [s] between two looks whether shards are finished
_PATIENCE = 60.0  # [s] without a shard that gets finished, until that is an error
_CODECS = {"blosc-zstd": ("BLOSC_ZSTD", 3), "blosc-lz4": ("BLOSC_LZ4", 5)}


class AcquireSink(OrderedSink):
    """All positions of a stream, by way of ``acquire_zarr.ZarrStream``.

    Parameters
    ----------
    plan : StreamPlan
        Of the stream.
    arrays : sequence of ZarrArray
        One for each position, in a local store, with shards.
    queue : FrameQueue
        With one worker.
    written : callable
        Told of frames that are in the file.

    Raises
    ------
    UnsupportedError
        If the store is not local, or the package cannot write such an array; a
        :class:`NotImplementedError`.
    """

    def __init__(
        self,
        plan: StreamPlan,
        arrays: Sequence[ZarrArray],
        queue: FrameQueue,
        written: Written,
    ):
        size = plan.arrays[0].frame_bytes
        super().__init__(self._hand_over, queue, _ignore, self._finish, nbytes=size, slow=True)
        self._arrays, self._tell, self._plan = list(arrays), written, plan
        self._sizes = [dim.count or 0 for dim in plan.settings.index_dimensions]
        self._places = plan.settings.storage_places
        self._expected = [0] * len(arrays)
        self._given = [0] * len(arrays)
        self._blank = np.zeros(plan.arrays[0].frame_shape, plan.arrays[0].dtype)
        self._held: list[dict[Shape, NDArray]] = [{} for _ in arrays]
        self._pending: list[dict[Shape, list[Frame]]] = [{} for _ in arrays]
        self._done: list[set[Shape]] = [set() for _ in arrays]
        self._held_bytes = 0
        self._lock = threading.RLock()
        self._folder = tempfile.mkdtemp(prefix="iohub-acquire-")
        try:
            self._stream = _open(plan, self._link())
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def peek(self, position: int, index: Shape) -> tuple[bool, NDArray | None]:
        """Return whether a frame is to be read from the file, and else its pixels, if it came.

        A shard that is not finished cannot be read at all.
        """
        with self._lock:
            pixels = self._held[position].get(index)
            return pixels is None and self._unit(position, index) in self._done[position], pixels

    def write(self, frame: Frame, pixels: NDArray, *, copy: bool = True) -> None:
        """Take a frame (Y, X); see :class:`~iohub.stream.sink.Sink`.

        Raises
        ------
        UnsupportedError
            If a later frame of its position was taken: this writer knows one order only.
        """
        number = self._number(frame)
        if number < self._expected[frame.position]:
            raise UnsupportedError(
                f"frame {frame.number} comes after a later one, and the backend 'acquire-zarr' "
                "takes frames in their order only; leave the backend out"
            )
        super().write(frame, pixels, copy=copy)
        self._expected[frame.position] = number + 1

    def flush(self, older_than: float = 0.0) -> None:
        """Note what is in the file; shards that are not whole cannot be asked for."""
        self._sweep()

    def settle(self, sizes: Sequence[int]) -> None:
        """Give the growing axis of each position its size, once closed."""
        axis = self._plan.arrays[0].unbounded
        for array, size in zip(self._arrays, sizes, strict=True):
            if axis is not None:
                array.resize((*array.spec.shape[:axis], size, *array.spec.shape[axis + 1 :]))

    # ---- in the queue's thread ----------------------------------------------------------------

    def _hand_over(self, frame: Frame, pixels: NDArray) -> None:
        position = frame.position
        array, key = self._arrays[position], self._plan.arrays[position].path
        number = self._number(frame)
        for _ in range(self._given[position], number):  # frames that were left out
            self._stream.append(self._blank, _key(key))
        self._given[position] = number + 1
        self._grow(array, frame.index)
        unit = self._unit(position, frame.index)
        with self._lock:
            self._held[position][frame.index] = pixels.copy()
            self._held_bytes += pixels.nbytes
            self._pending[position].setdefault(unit, []).append(frame)
        self._stream.append(np.ascontiguousarray(pixels), _key(key))
        self._wait_for_room()

    def _wait_for_room(self) -> None:
        held, since = self._held_bytes, time.monotonic()
        while self._held_bytes > self._plan.open_bytes:
            self._sweep()
            if self._held_bytes < held:
                held, since = self._held_bytes, time.monotonic()
            elif time.monotonic() - since > _PATIENCE:
                raise self._unwritten()
            else:
                time.sleep(_PAUSE)

    def _unwritten(self) -> OSError:
        """Return an error for frames that it took and did not write; it raises none itself."""
        with self._lock:
            count = sum(len(frames) for frames in self._held)
        return OSError(
            errno.EIO,
            f"acquire-zarr did not write {count} of the frames that it took; its own messages on "
            "the terminal may say why",
            self._plan.output_path,
        )

    def _grow(self, array: ZarrArray, index: Shape) -> None:
        axis = self._plan.arrays[0].unbounded
        shape = list(array.spec.shape)
        if axis is not None and index[axis] >= shape[axis]:
            unit = array.spec.unit[axis]
            shape[axis] = grid.ceil_div(max(index[axis] + 1, 2 * shape[axis], 16), unit) * unit
            array.resize(tuple(shape))

    def _finish(self) -> None:
        try:
            self._stream.close()
            self._sweep()
            if any(self._held):
                self._queue.fail(self._unwritten())
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    # ---- what is in the file ------------------------------------------------------------------

    def _sweep(self) -> None:
        with self._lock:
            for position, pending in enumerate(self._pending):
                for unit in [unit for unit in pending if self._is_there(position, unit)]:
                    frames = pending.pop(unit)
                    self._done[position].add(unit)
                    self._tell(frames)
                    for frame in frames:
                        self._held_bytes -= self._held[position].pop(frame.index).nbytes

    def _is_there(self, position: int, unit: Shape) -> bool:
        array = self._arrays[position]
        paths = unit_paths(array, unit)
        if not all(is_finished(path, array) for path in paths):
            return False
        if self._plan.options.fsync == "chunk":
            for path in paths:
                files.sync(path)
        return True

    def _unit(self, position: int, index: Shape) -> Shape:
        unit = self._arrays[position].spec.unit
        return tuple(i // n for i, n in zip(index, unit, strict=False))

    def _number(self, frame: Frame) -> int:
        """Return which frame of its position it is, as frames come."""
        indices = [0] * len(frame.index)
        for index, place in zip(frame.index, self._places, strict=True):
            indices[place] = index
        return sum(i * prod(self._sizes[place + 1 :]) for place, i in enumerate(indices))

    def _link(self) -> str:
        for planned, array in zip(self._plan.arrays, self._arrays, strict=True):
            if not isinstance(array.store, LocalBytes):
                raise UnsupportedError(
                    "the backend 'acquire-zarr' writes into local folders only; leave it out"
                )
            chunks = array.store.path(join(array.path, "c"))
            files.make_folder(chunks)
            link = os.path.join(self._folder, *_key(planned.path).split("/"), "c")
            files.make_folder(os.path.dirname(link))
            os.symlink(chunks, link)
        return self._folder


def is_finished(path: str, array: ZarrArray) -> bool:
    """Whether a shard was written to its end: its index, which comes last, has its checksum."""
    import google_crc32c

    chunks = prod(u // c for u, c in zip(array.spec.unit, array.spec.chunks, strict=True))
    size = 16 * chunks + 4
    with suppress(FileNotFoundError), open(path, "rb") as file:
        if file.seek(0, os.SEEK_END) >= size:
            file.seek(-size, os.SEEK_END)
            index = file.read(size)
            return int(google_crc32c.value(index[:-4])) == int.from_bytes(index[-4:], "little")
    return False


def drop_unfinished(array: ZarrArray) -> None:
    """Remove shards that a killed writer had begun: nothing in them can be read."""
    assert isinstance(array.store, LocalBytes)
    for folder, _, names in os.walk(array.store.path(join(array.path, "c"))):
        for path in (os.path.join(folder, name) for name in names):
            if not is_finished(path, array):
                os.unlink(path)


def unit_paths(array: ZarrArray, unit: Shape) -> list[str]:
    """Return the files of the shards that a frame touches, in a local store."""
    assert isinstance(array.store, LocalBytes)
    cells = np.ndindex(array.spec.unit_grid[-2:])
    return [array.store.path(array.unit_key((*unit, *cell))) for cell in cells]


def _key(path: str) -> str:
    return join(path, "0")


def _open(plan: StreamPlan, folder: str) -> Any:
    acquire = need("acquire_zarr", extra="acquire")
    settings = plan.settings
    first = plan.arrays[0]
    stored = [dim.name for dim in settings.array_storage_dimensions]
    kinds = acquire.DimensionType
    of_type = {"time": kinds.TIME, "channel": kinds.CHANNEL, "space": kinds.SPACE}
    dims = []
    for dim in settings.array_dimensions:
        place = stored.index(dim.name)
        unit, chunk = first.unit[place], first.chunks[place]
        dims.append(
            acquire.Dimension(
                name=dim.name,
                kind=of_type.get(dim.type or "other", kinds.OTHER),
                array_size_px=dim.count or 0,
                chunk_size_px=chunk,
                shard_size_chunks=unit // chunk,
            )
        )
    more: dict[str, Any] = {}
    if (codec := _CODECS.get(settings.compression or "")) is not None:
        more["compression"] = acquire.CompressionSettings(
            compressor=acquire.Compressor.BLOSC1,
            codec=getattr(acquire.CompressionCodec, codec[0]),
            level=codec[1],
            shuffle=1,
        )
    try:
        arrays = [
            acquire.ArraySettings(
                output_key=_key(array.path),
                data_type=first.dtype,
                dimensions=dims,
                storage_dimension_order=stored,
                **more,
            )
            for array in plan.arrays
        ]
        return acquire.ZarrStream(
            acquire.StreamSettings(store_path=folder, arrays=arrays, overwrite=False)
        )
    except (TypeError, ValueError, RuntimeError) as error:
        raise UnsupportedError(
            f"the backend 'acquire-zarr' does not support settings of this kind: {error}"
        ) from error


def _ignore(frames: Sequence[Frame]) -> None:
    """Do nothing: see :meth:`AcquireSink._sweep`."""
