"""How a stream is written, beyond what an acquisition is: memory, safety, resolutions."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from iohub.errors import ArgumentError
from iohub.storage.settings import get_options
from iohub.types import PyramidMethod

OnFull: TypeAlias = Literal["block", "raise"]
Fsync: TypeAlias = Literal["never", "close", "chunk"]
ChunkIntent: TypeAlias = Literal["plane", "tile", "volume"]
Progress: TypeAlias = bool | Callable[[int, int | None], object] | None

QUEUE_BYTES = 512 * 2**20
"""Memory for frames that wait, unless said otherwise [bytes]."""

MEMORY_FRACTION = 0.8
"""Of the memory of the machine, what a stream may plan to use unless told otherwise."""

MEMORY_VARIABLE = "OME_WRITERS_CHUNK_MEMORY_FRACTION"
"""Environment variable with another fraction."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Options of one stream; all have defaults that lose nothing.

    Attributes
    ----------
    levels : int
        Resolutions to make while frames come, the full one included.
    method : {"mean", "median", "mode", "min", "max", "stride"}
        How pixels of lower levels are made.
    downscale : sequence of str or mapping of str to int
        Axes that are halved, or their factors.
    contrast : bool
        Whether contrast limits of channels follow from a running histogram.
    chunks : {"plane", "tile", "volume"} or None
        What is read together, for dimensions without ``chunk_size``: planes, tiles of planes of at
        most 512 pixels, or stacks of at most 64 MiB.
    on_full : {"block", "raise"}
        What ``append`` does while the queue is full.
    queue_bytes : int
        Memory for frames that wait to be written [bytes].
    max_memory : int or None
        What queue, open chunks and open shards may take in all [bytes]; by default 0.8 of the
        machine's memory, or the fraction that ``OME_WRITERS_CHUNK_MEMORY_FRACTION`` says.
    copy : bool
        Whether frames are copied by ``append``, so that the camera may use its buffer again.
    fsync : {"never", "close", "chunk"}
        When data is forced to the disk.
    flush_seconds : float
        After which time frames of a chunk that is not whole are written all the same [s].
    workers : int
        Threads that encode and write; by default one per processor, and two at least.
    progress : bool, callable or None
        A line on the terminal, or what is called with (frames written, frames in all or None) about
        every second, in a thread of the stream; an error of it goes to ``threading.excepthook``.

    Raises
    ------
    ArgumentError
        If a value is out of its range.
    """

    levels: int = 1
    method: PyramidMethod = "mean"
    downscale: Sequence[str] | Mapping[str, int] = ("y", "x")
    contrast: bool = False
    chunks: ChunkIntent | None = None
    on_full: OnFull = "block"
    queue_bytes: int = QUEUE_BYTES
    max_memory: int | None = None
    copy: bool = True
    fsync: Fsync = "close"
    flush_seconds: float = 5.0
    workers: int = field(default_factory=lambda: max(2, get_options().workers))
    progress: Progress = None

    def __post_init__(self) -> None:
        for name, known in (
            ("on_full", get_args(OnFull)),
            ("fsync", get_args(Fsync)),
            ("chunks", (None, *get_args(ChunkIntent))),
            ("method", get_args(PyramidMethod)),
        ):
            if getattr(self, name) not in known:
                raise ArgumentError(f"{name}={getattr(self, name)!r}; there are {known}")
        for name in ("levels", "queue_bytes", "max_memory", "workers"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise ArgumentError(f"{name} must be a positive integer, not {value!r}")
        if not self.flush_seconds > 0:
            raise ArgumentError(f"flush_seconds must be positive, not {self.flush_seconds!r}")

    @property
    def memory_limit(self) -> int:
        """What the stream may plan to use [bytes]."""
        if self.max_memory is not None:
            return self.max_memory
        text = os.environ.get(MEMORY_VARIABLE, "")
        try:
            fraction = float(text) if text else MEMORY_FRACTION
        except ValueError as error:
            raise ArgumentError(f"{MEMORY_VARIABLE}={text!r} is no number") from error
        return int(fraction * _machine_memory())


def _machine_memory() -> int:
    """Return the memory of the machine [bytes]; 8 GiB where the system does not tell."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 8 * 2**30
