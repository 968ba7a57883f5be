"""What a stream will make, before it makes anything: one array per position, memory, and route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from iohub.display.quantities import human_bytes, human_count, human_shape
from iohub.errors import MemoryLimitError, UnsupportedError
from iohub.metadata.acquisition import AcquisitionRecord
from iohub.metadata.axes import AxisMeta
from iohub.metadata.omero import ChannelMeta
from iohub.metadata.versions import spelling
from iohub.storage.codecs import Blosc, Compression, Zstd
from iohub.stream.describe import acquisition_of, axes_of, channels_of, origin_of, scale_of
from iohub.stream.formats import Backend, OmeZarrFormat, resolve_backend
from iohub.stream.options import StreamOptions
from iohub.stream.places import PositionPath, paths_of
from iohub.stream.route import FrameRouter
from iohub.stream.settings import AcquisitionSettings
from iohub.stream.storing import chunk_shape, layer_frames, open_frames, shard_shape
from iohub.types import Shape

_CODECS: dict[str | None, Compression] = {
    None: None,
    "none": None,
    # Levels and shuffling of the streams that the public writers make.
    "blosc-zstd": Blosc("zstd", 3, "shuffle"),
    "blosc-lz4": Blosc("lz4", 5, "shuffle"),
    "zstd": Zstd(3),
}


_OF_ACQUIRE = (
    *(f"{sign}int{bits}" for sign in ("u", "") for bits in (8, 16, 32, 64)),
    "float32",
    "float64",
)


@dataclass(frozen=True, slots=True)
class ArrayPlan:
    """The array of one position.

    Attributes
    ----------
    position : int
        Index of the position, as the router has it.
    place : PositionPath
        Where it lies: path, and row, column and field in a plate.
    name : str
        Of the position, as the user called it.
    shape : tuple of int
        As it is stored; 0 along the axis whose size is not known.
    unbounded : int or None
        Which axis grows.
    axes : tuple of AxisMeta
        As they are stored.
    dtype : numpy.dtype
        Of the pixels.
    chunks : tuple of int
        Shape of the chunks.
    shards : tuple of int or None
        Shape of the shards; None if there are none.
    compression : Blosc, Zstd or None
        Of the chunks.
    scale, translation : tuple of float
        Per axis, in its unit; where the stage was is part of the translation.
    channels : tuple of ChannelMeta
        How they are called and shown; empty if they have no names.
    acquisition : AcquisitionRecord
        Stage, optics and times, which OME-Zarr has no place for.
    """

    position: int
    place: PositionPath
    name: str
    shape: Shape
    unbounded: int | None
    axes: tuple[AxisMeta, ...]
    dtype: np.dtype[np.generic]
    chunks: Shape
    shards: Shape | None
    compression: Compression
    scale: tuple[float, ...]
    translation: tuple[float, ...]
    channels: tuple[ChannelMeta, ...]
    acquisition: AcquisitionRecord

    @property
    def path(self) -> str:
        """Path of the position's group in the store; empty for a single image."""
        return self.place.path

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width of a frame."""
        return self.shape[-2], self.shape[-1]

    @property
    def frame_bytes(self) -> int:
        """Size of a frame [bytes]."""
        return prod(self.frame_shape) * self.dtype.itemsize

    @property
    def unit(self) -> Shape:
        """Shape of what is written at once: a shard, or a chunk."""
        return self.shards or self.chunks


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """All that a stream will make; data, which can be printed and pickled.

    Attributes
    ----------
    settings : AcquisitionSettings
        What was asked for.
    options : StreamOptions
        How it is written.
    backend : Backend
        Who writes the pixels.
    arrays : tuple of ArrayPlan
        One per position.
    open_bytes : int
        Pixels of chunks and shards that are begun and not whole yet, at most [bytes].
    queue_bytes : int
        Frames that may wait [bytes].
    start : int
        Index along the first dimension that the first frame has; more than 0 to append.
    """

    settings: AcquisitionSettings
    options: StreamOptions
    backend: Backend
    arrays: tuple[ArrayPlan, ...]
    open_bytes: int
    queue_bytes: int
    start: int = 0

    @property
    def route(self) -> FrameRouter:
        """A new router over the frames."""
        return FrameRouter(self.settings, self.start)

    @property
    def output_path(self) -> str:
        """Where it is written."""
        return self.settings.output_path

    @property
    def num_frames(self) -> int | None:
        """How many frames come in all; None if that is not known."""
        return self.settings.num_frames

    @property
    def version(self) -> str | None:
        """The version of OME-Zarr that is written; None for other formats."""
        form = self.settings.format
        return form.spelled_version if isinstance(form, OmeZarrFormat) else None

    @property
    def memory(self) -> int:
        """What queue and open units take at most [bytes]."""
        return self.open_bytes + self.queue_bytes

    def __str__(self) -> str:
        first = self.arrays[0]
        names = [axis.name for axis in first.axes]
        shape = ["∞" if i == first.unbounded else size for i, size in enumerate(first.shape)]
        count = "unbounded" if self.num_frames is None else human_count(self.num_frames, "frame")
        lines = [
            f"{self.output_path or 'memory'} by {self.backend.name}",
            f"{human_count(len(self.arrays), 'position')}, {count}, {first.dtype}",
            "shape " + ", ".join(f"{name} {size}" for name, size in zip(names, shape, strict=True)),
            f"chunks {human_shape(first.chunks, names)}",
        ]
        if first.shards is not None:
            lines.append(f"shards {human_shape(first.shards, names)}")
        lines.append(
            f"memory {human_bytes(self.memory)}: queue {human_bytes(self.queue_bytes)}, "
            f"open units {human_bytes(self.open_bytes)}"
        )
        return "\n".join(lines)


def plan_stream(settings: AcquisitionSettings, options: StreamOptions | None = None) -> StreamPlan:
    """Return what a stream will make; nothing is read or written.

    Parameters
    ----------
    settings : AcquisitionSettings
        Copied: later changes do not matter.
    options : StreamOptions, optional
        How it is written.

    Raises
    ------
    ValueError
        If dimensions, data type or path are not set.
    PathError, AxisError, VersionError, ShapeError
        If the file cannot have these names, axes or shards.
    MissingDependencyError
        If the backend is not installed.
    UnsupportedError
        If the backend cannot do it; a :class:`NotImplementedError`.
    MemoryLimitError
        If queue and open units take more memory than there is; a :class:`MemoryError`.
    """
    settings.validate_stream_ready()
    settings = settings.model_copy(deep=True)
    options = options or StreamOptions()
    backend = resolve_backend(settings.format)
    check_backend(settings, backend, options)
    axes = axes_of(settings)
    chunks = chunk_shape(settings, options)
    # That writer has no chunks outside of shards.
    shards = shard_shape(settings, chunks, always=backend.name == "acquire-zarr")
    arrays = tuple(
        _array(settings, number, place, axes, chunks, shards)
        for number, place in enumerate(paths_of(settings))
    )
    first = arrays[0]
    frames = open_frames(settings, first.unit) if backend.format == "ome-zarr" else 1
    by_layer = backend.name == "acquire-zarr"
    if by_layer:
        frames = 3 * layer_frames(settings, first.unit)  # two held here, one by it
    queue = max(options.queue_bytes, first.frame_bytes)
    if settings.num_frames is not None:
        queue = min(queue, max(1, settings.num_frames) * first.frame_bytes)
        frames = min(frames, 3 * settings.num_frames if by_layer else settings.num_frames)
    plan = StreamPlan(settings, options, backend, arrays, frames * first.frame_bytes, queue)
    check_memory(plan)
    return plan


def _array(
    settings: AcquisitionSettings,
    number: int,
    place: PositionPath,
    axes: tuple[AxisMeta, ...],
    chunks: Shape,
    shards: Shape | None,
) -> ArrayPlan:
    dims = settings.array_storage_dimensions
    position = settings.positions[number]
    growing = [i for i, dim in enumerate(dims) if dim.count is None]
    dtype = np.dtype(settings.dtype)
    return ArrayPlan(
        position=number,
        place=place,
        name=position.name,
        shape=tuple(dim.count or 0 for dim in dims),
        unbounded=growing[0] if growing else None,
        axes=axes,
        dtype=dtype,
        chunks=chunks,
        shards=shards,
        compression=_CODECS.get(settings.compression),
        scale=scale_of(dims),
        translation=origin_of(dims, position),
        channels=channels_of(dims, dtype),
        acquisition=acquisition_of(dims, position),
    )


def check_backend(settings: AcquisitionSettings, backend: Backend, options: StreamOptions) -> None:
    """Refuse what a backend cannot do.

    Raises
    ------
    UnsupportedError
        If there is such a thing; the message says what to do instead.
    """
    if settings.compression is not None and settings.compression not in backend.compressions:
        raise UnsupportedError(
            f"the backend {backend.name!r} does not support settings with compression="
            f"{settings.compression!r}; there are {', '.join(map(repr, backend.compressions))}"
        )
    if backend.name == "acquire-zarr":
        _check_acquire(settings, options)
    single = getattr(settings.format, "prefer_single_file", None) == "always"
    if single and len(settings.positions) > 1:
        raise UnsupportedError(
            "one OME-TIFF file for several positions is not supported: "
            "prefer_single_file='auto' writes one file each"
        )
    if options.levels > 1 and backend.format != "ome-zarr":
        raise UnsupportedError(f"levels={options.levels} needs OME-Zarr, not {backend.format}")
    asked = options.downscale
    factors = dict(asked) if isinstance(asked, Mapping) else dict.fromkeys(asked, 2)
    if options.levels > 1 and factors != {"y": 2, "x": 2}:
        raise UnsupportedError(
            f"downscale={asked!r}: while frames come, y and x are halved; for other axes close the "
            "stream and call position.compute_pyramid(levels, downscale=...)"
        )


def _check_acquire(settings: AcquisitionSettings, options: StreamOptions) -> None:
    """Refuse what the writer of the Acquire project cannot do."""
    name, order = "the backend 'acquire-zarr'", settings.storage_places
    if not order:
        raise UnsupportedError(
            f"{name} does not support settings without a dimension before y and x"
        )
    if order[0] != 0:
        raise UnsupportedError(
            f"{name} does not support settings that move the first dimension; leave the backend "
            "out, or use storage_order='acquisition'"
        )
    if isinstance(settings.format, OmeZarrFormat) and _zarr_format(settings.format) != 3:
        raise UnsupportedError(f"{name} writes Zarr 3 only; leave version= or the backend out")
    if settings.dtype not in _OF_ACQUIRE:
        raise UnsupportedError(
            f"{name} does not support settings with dtype={settings.dtype!r}; there are "
            f"{', '.join(_OF_ACQUIRE)}"
        )
    if "://" in settings.root_path:
        raise UnsupportedError(f"{name} writes into local folders only; leave it out")
    if options.levels > 1:
        raise UnsupportedError(
            f"{name} makes no resolutions while frames come; leave levels= out and call "
            "compute_pyramid() afterwards"
        )


def check_memory(plan: StreamPlan) -> None:
    """Refuse a plan that takes more memory than it may.

    Raises
    ------
    MemoryLimitError
        With both figures, and what to change.
    """
    limit = plan.options.memory_limit
    if plan.memory > limit:
        raise MemoryLimitError(
            f"this stream needs {human_bytes(plan.memory)} of memory "
            f"({human_bytes(plan.open_bytes)} for open chunks and shards, "
            f"{human_bytes(plan.queue_bytes)} for the queue), and may use {human_bytes(limit)}: "
            "choose smaller chunks or shards along the slow dimensions, a smaller queue_bytes, or "
            "a larger max_memory"
        )


def _zarr_format(form: OmeZarrFormat) -> int:
    return spelling(form.spelled_version).zarr_format
