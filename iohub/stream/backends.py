"""What writes frames into a format of one's own: the protocol that a stream drives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from iohub.errors import UnsupportedError

if TYPE_CHECKING:
    from iohub.stream.route import FrameRouter
    from iohub.stream.settings import AcquisitionSettings
    from iohub.stream.view import Readable
    from iohub.types import NDArray


class ArrayBackend(ABC):
    """Writes frames to places in a file; subclass it for a format of your own.

    Indexes are those of storage, as :class:`FrameRouter` gives them; a backend knows nothing of
    the order of an acquisition.

    Examples
    --------
    >>> backend.prepare(settings, router)
    >>> for (position, index), frame in zip(router, frames):
    ...     backend.write(position, index, frame)
    >>> backend.finalize()
    """

    @abstractmethod
    def is_incompatible(self, settings: AcquisitionSettings) -> Literal[False] | str:
        """Return why these settings cannot be written; False if they can."""

    @abstractmethod
    def prepare(self, settings: AcquisitionSettings, router: FrameRouter) -> None:
        """Make files and arrays; called once, before the first frame."""

    @abstractmethod
    def write(
        self,
        position_index: int,
        index: tuple[int, ...],
        frame: NDArray,
        *,
        frame_metadata: dict[str, Any] | None = None,
    ) -> None:
        """Write a frame (Y, X) where it belongs."""

    @abstractmethod
    def advance(self, indices: Sequence[tuple[int, tuple[int, ...]]]) -> None:
        """Leave out frames; nothing is to be done unless frames must come in order."""

    @abstractmethod
    def finalize(self) -> None:
        """Write what waits, and close; a second call does nothing."""

    def get_arrays(self) -> Sequence[Readable]:
        """Return what the pixels of each position are read from.

        Raises
        ------
        UnsupportedError
            If the backend cannot read.
        """
        raise UnsupportedError(f"{type(self).__name__} cannot be read while it writes")

    def get_metadata(self) -> Any:
        """Return what the file says of itself."""
        return {}

    def update_metadata(self, metadata: Any) -> None:
        """Replace what the file says of itself.

        Raises
        ------
        UnsupportedError
            If the backend has no metadata.
        """
        raise UnsupportedError(f"{type(self).__name__} has no metadata that could be updated")

    @abstractmethod
    def set_global_metadata(self, namespace: str, metadata: Mapping[str, Any]) -> None:
        """Note something of the whole acquisition; the same name replaces."""
