"""Tiles and strips of an OME-TIFF that is to be written, encoded in threads, in the file's order.

Pixels are read by whole chunks of the source where memory allows, and level 0 once.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from iohub.errors import ArgumentError, DTypeError, MissingDependencyError
from iohub.optional import need
from iohub.storage.grid import ceil_div
from iohub.storage.virtual_pixels import VirtualPixels

if TYPE_CHECKING:
    from iohub.formats.ome_tiff_layout import ImageLayout, LevelLayout
    from iohub.types import NDArray, Shape

Reduce: TypeAlias = "Callable[[NDArray, Shape], NDArray]"
"""Makes pixels of a lower level: a block, and how many pixels along each axis make one."""

Job: TypeAlias = "tuple[int, Callable[[], list[bytes]]]"
"""How much memory it takes [bytes], and what returns segments."""

COMPRESSIONS: Final = {"zlib": 8, "lzw": 5, "zstd": 50000, "jpeg2000": 34712}
"""Names of the compressions, and their numbers in TIFF; none loses anything."""

LEVELS: Final = {"zlib": 9, "zstd": 22}
"""Their highest levels; those of JPEG 2000 would say how much is lost."""

_PREDICTED: Final = ("zlib", "lzw", "zstd")
_COPIES: Final = 3  # of pixels in a job: as read, as stored or reduced, encoded
_WAITING: Final = 4  # jobs for each thread


class Encoder:
    """Turns segments into bytes, as tifffile does.

    Attributes
    ----------
    options : dict
        What ``tifffile.TiffWriter.write`` is told of it.

    Parameters
    ----------
    compression : str or None
        Name of the compression.
    level : int, optional
        How hard it tries.
    dtype : numpy.dtype
        Of the pixels.
    samples : int
        Channels of a plane.
    """

    def __init__(
        self, compression: str | None, level: int | None, dtype: np.dtype[Any], samples: int
    ):
        tiff = need("tifffile", extra="tiff", why="OME-TIFF").TIFF
        self._axis = -1 if samples == 1 else -2
        self._predict: Callable[..., Any] | None = None
        self._compress: Callable[..., Any] | None = None
        self.options: dict[str, Any] = {"compression": None}
        if compression is None:
            return
        number = COMPRESSIONS[compression]
        self.options = {"compression": number}
        try:
            encode = tiff.COMPRESSORS[number]
            if compression in _PREDICTED and dtype.kind in "iu":
                self._predict = tiff.PREDICTORS[2]
                self.options["predictor"] = 2
        except KeyError as error:
            raise MissingDependencyError(
                f"'imagecodecs' is needed for compression={compression!r} and is not installed: "
                'pip install imagecodecs, or choose compression="zlib"',
                name="imagecodecs",
            ) from error
        if compression == "jpeg2000":
            if dtype.kind not in "iu" or dtype.itemsize > 2:
                raise DTypeError(f"jpeg2000 is for integers of 8 and 16 bits, not {dtype}")
            self._compress = partial(encode, codecformat=0, reversible=True, level=0)
        elif compression == "lzw":
            self._compress = encode
        else:
            # Measured on microscopy: a higher level takes 5 times as long and saves 1 %.
            self._compress = partial(encode, level=1 if level is None else level)

    def __call__(self, pixels: NDArray) -> bytes:
        """Encode a segment (y, x) or (y, x, sample)."""
        pixels = np.ascontiguousarray(pixels)
        if self._compress is None:
            return pixels.tobytes()
        if self._predict is not None:
            pixels = self._predict(pixels, axis=self._axis)
        return bytes(self._compress(pixels))


class Segments:
    """All segments of an image, in the order in which they are in the file.

    Parameters
    ----------
    layout : ImageLayout
        The image.
    encoder : Encoder
        For its segments.
    reduce : callable or None
        Makes pixels of lower levels.
    memory : int
        What pixels may take [bytes].
    workers : int
        Threads.
    progress : callable
        Told how many bytes of the source were read.
    """

    def __init__(
        self,
        layout: ImageLayout,
        encoder: Encoder,
        reduce: Reduce | None,
        *,
        memory: int,
        workers: int,
        progress: Callable[[int], object],
    ):
        self._layout, self._encode, self._reduce = layout, encoder, reduce
        self._memory, self._workers, self._progress = memory, workers, progress
        self._axes = layout.source.axes
        self._pixels = [
            None if level.reader is None else VirtualPixels(level.reader, layout.source.name)
            for level in layout.levels
        ]

    def encoded(self) -> Generator[bytes]:
        """Return them one by one; close it to stop the threads."""
        room = self._memory // (self._workers + 1)
        plane = sum(map(self._layout.plane_bytes, range(len(self._layout.levels))))
        jobs = self._block_jobs(room) if plane * _COPIES <= room else self._band_jobs(room)
        return in_order(jobs, self._workers, self._memory)

    # ---- planes that fit into memory ----------------------------------------------------------

    def _block_jobs(self, room: int) -> Iterator[Job]:
        layout = self._layout
        each = sum(map(layout.plane_bytes, range(len(layout.levels)))) * _COPIES
        steps = self._block_steps(room // each)
        starts = [range(0, size, step) for size, step in zip(layout.grid, steps, strict=True)]
        for t in starts[0]:
            for c in starts[1]:
                for z in starts[2]:
                    block = tuple(
                        slice(start, min(start + step, size))
                        for start, step, size in zip((t, c, z), steps, layout.grid, strict=True)
                    )
                    count = int(np.prod([part.stop - part.start for part in block]))
                    yield count * each, partial(self._block, block)

    def _block_steps(self, most: int) -> list[int]:
        """Return how many planes are read together: those of a chunk that follow each other."""
        layout = self._layout
        reader = layout.levels[0].reader
        assert reader is not None
        chunk = dict.fromkeys("tcz", 1) | dict(zip(self._axes, reader.chunks, strict=True))
        chunk["c"] = -(-chunk["c"] // layout.samples)
        steps = [1, 1, 1]
        for axis in (2, 1, 0):
            size = layout.grid[axis]
            steps[axis] = max(1, min(chunk["tcz"[axis]], size, most // int(np.prod(steps))))
            if steps[axis] < size:
                break
        return steps

    def _block(self, block: tuple[slice, ...]) -> list[bytes]:
        """Return the segments of some planes, with their lower levels."""
        made: list[NDArray] = []
        for number, level in enumerate(self._layout.levels):
            if level.reader is not None:
                made.append(self._read(number, block))
            else:
                made.append(self._reduced(made[-1], level))
        return [
            segment
            for planes in zip(*made, strict=True)
            for plane, level in zip(planes, self._layout.levels, strict=True)
            for segment in self._cut(plane, level)
        ]

    # ---- planes that do not -------------------------------------------------------------------

    def _band_jobs(self, room: int) -> Iterator[Job]:
        for plane in np.ndindex(*self._layout.grid):
            yield from self._plane_jobs(tuple(slice(i, i + 1) for i in plane), room)

    def _plane_jobs(self, plane: tuple[slice, ...], room: int) -> Iterator[Job]:
        """Bands of a plane, level by level; what lower levels are made of is kept meanwhile."""
        layout = self._layout
        above: NDArray | None = None
        for number, level in enumerate(layout.levels):
            below = self._scratch(number + 1, room)
            rows = self._band_rows(level, room)
            done = []
            for start in range(0, level.shape[0], rows):
                band = slice(start, min(start + rows, level.shape[0]))
                size = layout.plane_bytes(number) * (band.stop - start) // level.shape[0]
                done.append(Event())
                yield (
                    size * _COPIES,
                    partial(self._band, number, plane, band, above, below, done[-1]),
                )
            if below is not None:
                for event in done:
                    event.wait()
            above = below

    def _band(
        self,
        number: int,
        plane: tuple[slice, ...],
        band: slice,
        source: NDArray | None,
        below: NDArray | None,
        done: Event,
    ) -> list[bytes]:
        """Return the segments of some rows, and make those of the level below."""
        try:
            level = self._layout.levels[number]
            pixels = self._read(number, plane, band)[0] if source is None else source[band]
            if below is not None:
                lower = self._layout.levels[number + 1]
                start = band.start // lower.factors[0]
                made = self._reduced(pixels[np.newaxis], lower)[0]
                below[start : start + len(made)] = made
            return self._cut(pixels, level)
        finally:
            done.set()

    def _band_rows(self, level: LevelLayout, room: int) -> int:
        """Return how many rows are read together: whole segments, whole chunks if they fit."""
        step = level.segment[0]
        row = level.shape[1] * self._layout.samples * self._layout.dtype.itemsize * _COPIES
        most = max(1, room // (row * step))
        chunk = 1
        if level.reader is not None:
            chunk = ceil_div(level.reader.chunks[self._axes.index("y")], step)
        return step * (most // chunk * chunk or most)

    def _scratch(self, number: int, room: int) -> NDArray | None:
        """Return a place for a level of a plane that is made; in a file if it is large."""
        levels = self._layout.levels
        if number >= len(levels) or levels[number].reader is not None:
            return None
        shape = self._shape(levels[number])
        if self._layout.plane_bytes(number) <= room:
            return np.empty(shape, self._layout.dtype)
        with tempfile.TemporaryFile() as file:  # the map keeps it until nobody needs it
            return np.memmap(file, self._layout.dtype, "w+", shape=shape)

    # ---- steps --------------------------------------------------------------------------------

    def _shape(self, level: LevelLayout) -> Shape:
        samples = self._layout.samples
        return (*level.shape, samples) if samples > 1 else level.shape

    def _read(self, number: int, block: tuple[slice, ...], band: slice | None = None) -> NDArray:
        """Read planes (plane, y, x) or (plane, y, x, sample) of the stored type."""
        layout = self._layout
        level, pixels = layout.levels[number], self._pixels[number]
        assert pixels is not None
        t, c, z = block
        height, width = level.shape
        wanted = {"t": t, "c": c, "z": z, "y": band or slice(0, height), "x": slice(0, width)}
        if layout.samples > 1:
            wanted["c"] = slice(0, layout.samples)
        found = pixels.read(tuple(wanted[axis] for axis in self._axes))
        self._progress(found.nbytes)
        order = "tczyx" if layout.samples == 1 else "tzyxc"
        present = [self._axes.index(axis) for axis in order if axis in self._axes]
        found = self._cast(found.transpose(present))
        rows = found.shape[present.index(self._axes.index("y"))]
        return found.reshape(-1, rows, *self._shape(level)[1:])

    def _cast(self, pixels: NDArray) -> NDArray:
        """Return pixels of the stored type; none changes its value."""
        dtype = self._layout.dtype
        if pixels.dtype.kind in "iu" and pixels.dtype.itemsize > dtype.itemsize:
            limits = np.iinfo(dtype)
            low, high = pixels.min(), pixels.max()
            if low < limits.min or high > limits.max:
                raise DTypeError(
                    f"{self._layout.source.name!r} has pixels from {low} to {high} of type "
                    f"{pixels.dtype}; OME-TIFF holds integers of up to 32 bits"
                )
        return pixels.astype(dtype, copy=False)

    def _reduced(self, planes: NDArray, level: LevelLayout) -> NDArray:
        assert self._reduce is not None
        factors = (1, *level.factors, *(1,) * (planes.ndim - 3))
        return self._reduce(planes, factors)

    def _cut(self, pixels: NDArray, level: LevelLayout) -> list[bytes]:
        """Return the encoded segments of some rows of a plane."""
        height, width = level.segment
        found = []
        for y in range(0, pixels.shape[0], height):
            for x in range(0, pixels.shape[1], width):
                part = pixels[y : y + height, x : x + width]
                if level.tiled and part.shape[:2] != level.segment:
                    whole = np.zeros((*level.segment, *part.shape[2:]), part.dtype)
                    whole[: part.shape[0], : part.shape[1]] = part
                    part = whole
                found.append(self._encode(part))
        return found


def in_order(jobs: Iterator[Job], workers: int, memory: int) -> Generator[bytes]:
    """Do jobs in threads, as many at once as memory allows; return what they make, in order.

    Parameters
    ----------
    jobs : iterator of (int, callable)
        Asked for one by one; each may wait for those before it.
    workers : int
        Threads.
    memory : int
        What they may take together [bytes]; a single job may take more.
    """
    waiting: deque[tuple[Future[list[bytes]], int]] = deque()
    held = 0
    with ThreadPoolExecutor(workers, thread_name_prefix="iohub-tiff") as threads:
        try:
            for size, job in jobs:
                while waiting and (held + size > memory or len(waiting) >= workers * _WAITING):
                    future, freed = waiting.popleft()
                    yield from future.result()
                    held -= freed
                waiting.append((threads.submit(job), size))
                held += size
            while waiting:
                yield from waiting.popleft()[0].result()
        finally:
            for future, _ in waiting:
                future.cancel()


def check_compression(compression: object) -> str | None:
    """Return the name of a compression, None for none.

    Raises
    ------
    ArgumentError
        If there is no such compression.
    """
    if compression is None or compression is False:
        return None
    known = {"deflate": "zlib", "jpeg2k": "jpeg2000", "none": None}
    if isinstance(compression, str):
        name = known.get(compression.lower(), compression.lower())
        if name is None or name in COMPRESSIONS:
            return name
    raise ArgumentError(
        f"compression={compression!r}: OME-TIFF is written with {', '.join(COMPRESSIONS)} or None"
    )


def check_level(compression: str | None, level: object) -> int | None:
    """Return a level of a compression.

    Parameters
    ----------
    compression : str or None
        As :func:`check_compression` returned it.
    level : int or None
        How hard it tries, None for what is usual.

    Raises
    ------
    ArgumentError
        If the compression has no such level.
    """
    if level is None:
        return None
    highest = LEVELS.get(compression or "")
    if highest is None:
        says = f"{compression} has no levels" if compression else "nothing is compressed"
        raise ArgumentError(f"compression_level={level!r}: {says}; leave it out")
    if isinstance(level, bool) or not isinstance(level, int) or not 0 <= level <= highest:
        raise ArgumentError(f"compression_level={level!r}: {compression} has 0 to {highest}")
    return level
