"""What a sink is: a protocol, and what it is told of a frame; no code that writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from iohub.types import JsonObject, NDArray

QUEUE_BYTES = 512 * 2**20
"""Memory for frames that wait, unless said otherwise [bytes]."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame but for its pixels.

    Attributes
    ----------
    number : int
        In the order in which frames are to come.
    position : int
        Of which position it is.
    index : tuple of int
        Where it goes in the array of this position: one index for each axis before (Y, X).
    metadata : dict
        What the user said of it; plain JSON.
    """

    number: int
    position: int
    index: tuple[int, ...]
    metadata: JsonObject


Written: TypeAlias = Callable[[Sequence[Frame]], None]
"""Told of frames whose pixels are in the file; from any thread."""


class Sink(Protocol):
    """Where frames go. Nothing of a frame is checked here; the stream has done so."""

    def write(self, frame: Frame, pixels: NDArray, *, copy: bool = True) -> None:
        """Take a frame (Y, X).

        Unless `copy`, the pixels must stay as they are until the sink has said that the frame is
        written.

        Raises
        ------
        QueueFullError
            If there is no memory and the sink may not wait; the frame is not taken then.
        Exception
            The error of an earlier frame.
        """

    def flush(self, older_than: float = 0.0) -> None:
        """Hand over what waits to be complete, if its first frame has waited for so long [s]."""

    def wait(self) -> None:
        """Wait until what was handed over is in the file.

        Raises
        ------
        Exception
            The first error of a thread.
        """

    def close(self) -> None:
        """Write everything and wait for it; errors are in :attr:`error` then."""

    def settle(self, sizes: Sequence[int]) -> None:
        """Once closed: give the growing axis of each position its exact size."""

    @property
    def error(self) -> BaseException | None:
        """The first error of a thread."""

    @property
    def waiting_bytes(self) -> int:
        """Memory that frames take which are not written [bytes]."""
