"""Every exception and warning that iohub raises; nothing else.

Each error is an :class:`IohubError` and the builtin that people catch for the same mistake, so
``except KeyError`` and ``except IohubError`` both work. A message says what happened, where, and
what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple


class IohubError(Exception):
    """Base of every error that iohub raises on purpose."""


class MissingNodeError(IohubError, KeyError):
    """A key names no child of a node.

    Parameters
    ----------
    key : str
        What was asked for.
    where : str
        The node that was asked.
    known : iterable of str
        Keys that exist; the nearest ones are named in the message.
    hint : str
        One more sentence, if there is more to say.
    """

    def __init__(self, key: object, where: str = "", known: Iterable[str] = (), hint: str = ""):
        super().__init__(key)
        self.key, self.where, self.known, self.hint = key, where, list(known), hint

    def __str__(self) -> str:
        text = f"no {self.key!r}" + (f" in {self.where}" if self.where else "")
        others = [name for name in self.known if name != str(self.key)]
        near = get_close_matches(str(self.key), others, n=3, cutoff=0.5)
        if near:
            text += f"; did you mean {', '.join(map(repr, near))}?"
            return text + (f" {self.hint}" if self.hint else "")
        if self.known:
            shown = ", ".join(map(repr, self.known[:8]))
            text += f"; there are {len(self.known)}: {shown}" + (
                ", …" if len(self.known) > 8 else ""
            )
        return text + (f". {self.hint}" if self.hint else "")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.key, self.where, self.known, self.hint)


class NotFoundError(IohubError, FileNotFoundError):
    """A store, a file or a document that is needed does not exist."""


class UnreadableError(IohubError, OSError):
    """The system refuses to read a document: no permission, or a failing disk."""


class AccessError(IohubError, PermissionError):
    """A server refuses what was asked for: no credentials, or not those that it takes.

    Attributes
    ----------
    status : int
        401 or 403, as HTTP has them.
    """

    status: int = 403


class UnreachableError(IohubError, ConnectionError):
    """A server cannot be reached, or cannot answer; it was asked several times."""


class FormatError(IohubError, OSError, ValueError):
    """A file that was cut or is damaged, or that uses what its reader does not know."""


class WellGroupNotFoundError(NotFoundError, RuntimeError):
    """A well that its plate lists has no group."""


class ExistsError(IohubError, FileExistsError):
    """Something is there already and would be overwritten."""


class LayoutError(IohubError, ValueError):
    """The store has another layout than the one asked for."""


class VersionError(IohubError, ValueError):
    """An OME-Zarr version that iohub does not know, or that cannot say what was asked."""


class ModeError(IohubError, ValueError):
    """An unknown persistence mode, or one that does not fit the other arguments."""


class ReadOnlyError(IohubError, PermissionError):
    """A write through a node that was opened for reading."""


class ClosedError(IohubError, ValueError):
    """Pixels or metadata asked of a node after ``close()``."""


class PathError(IohubError, ValueError):
    """A name that is not allowed in a store, or that leads out of it."""


class UnsupportedUrlError(IohubError, NotImplementedError, ValueError):
    """A URL of a kind that cannot be opened, or that is no path where one is needed."""


class ShapeError(IohubError, ValueError):
    """A shape, an index or a chunk size that does not fit."""


class ArgumentError(IohubError, TypeError, ValueError):
    """An argument of the wrong type, or out of its range; the message says what it is to be."""


class StreamClosedError(ClosedError, RuntimeError):
    """Frames for a stream that was closed."""


class FrozenError(IohubError, TypeError, AttributeError):
    """A document or a part of one that cannot be changed in place."""


class BoundsError(IohubError, IndexError):
    """An index that is out of bounds, or that is no index."""


class DTypeError(IohubError, TypeError):
    """Values that the array's data type cannot hold without changing them."""


class ChannelError(IohubError, ValueError):
    """A channel that does not exist, or that exists already."""


class AxisError(IohubError, ValueError):
    """An axis that does not exist, or axes that OME-Zarr does not allow."""


class PyramidError(IohubError, ValueError):
    """A pyramid that does not fit what was asked."""


class TransformError(IohubError, ValueError):
    """A coordinate transformation that does not exist, or that cannot do what was asked."""


class RegistryError(IohubError, ValueError):
    """A name under which nothing is registered, or that is taken already."""


class TilingError(IohubError, ValueError):
    """Tiles that cannot be put together as was asked, such as two at one place."""


class NotAGridError(TilingError):
    """Positions of tiles that do not lie on a regular grid."""


class NotTilableError(TilingError):
    """Tiles that cannot be put side by side, since their sizes differ."""


class EngineError(IohubError, ValueError):
    """An unknown storage engine, or one that cannot open this array."""


class EventLoopError(IohubError, RuntimeError):
    """zarr's own event loop asks a store that only that loop can answer for."""


class ForkError(IohubError, RuntimeError):
    """A handle that cannot be used in a forked child process."""


class ConflictError(IohubError, RuntimeError):
    """What was read or prepared does not fit any more what was changed meanwhile."""


class UnsupportedError(IohubError, NotImplementedError):
    """What was asked for makes sense, but is not supported; the message says what to do instead."""


class MemoryLimitError(IohubError, MemoryError):
    """What was planned takes more memory than it may; the message has both figures."""


class QueueFullError(IohubError, BufferError):
    """Frames that came faster than they are written, where the caller did not want to wait."""


class LockTimeoutError(IohubError, TimeoutError):
    """A lock on a document was not free within the time allowed."""


class MissingDependencyError(IohubError, ImportError, RuntimeError):
    """An optional package is not installed."""


class DeviceError(IohubError, RuntimeError):
    """A device for tensors that is not there, or a tensor that was given away before."""


class Problem(NamedTuple):
    """One thing that is wrong in a document.

    Attributes
    ----------
    where : str
        JSON pointer into the document, such as ``/plate/wells/3/path``.
    what : str
        What is wrong, and what would be right.
    code : str
        Stable name of the rule, such as ``axes-order``.
    """

    where: str
    what: str
    code: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class DocumentError(IohubError, ValueError):
    """A metadata document breaks the rules; all its problems are listed.

    Parameters
    ----------
    problems : iterable of Problem
        Everything that was found.
    source : str
        Where the document was read from, or is to be written to.
    """

    def __init__(self, problems: Iterable[Problem], source: str = ""):
        self.problems = tuple(problems)
        self.source = source
        super().__init__(self.problems, source)

    def __str__(self) -> str:
        many = len(self.problems) != 1
        head = f"{len(self.problems)} problem{'s' if many else ''}"
        if self.source:
            head += f" in {self.source}"
        return "\n".join([f"{head}:", *(f"  - {p}" for p in self.problems)])


class TableError(DocumentError):
    """A table whose rows or columns do not say what is needed; all its problems are listed."""


class IohubWarning(UserWarning):
    """Base of every warning that iohub gives."""


class CorruptNodeWarning(IohubWarning):
    """A node could not be read while iterating; the others go on.

    Turn it into an error with ``warnings.simplefilter("error", CorruptNodeWarning)``.
    """


class MetadataWarning(IohubWarning):
    """A document that is readable but not as the specification wants it."""


class NameWarning(IohubWarning):
    """A name that is allowed but asks for trouble, such as one differing only by case."""


class FormatWarning(IohubWarning):
    """A format of another package that is installed but cannot be loaded."""


class MissingFramesWarning(IohubWarning):
    """Frames that a file names, or that lie between others, were not written; they are zero."""


class UnclosedStreamWarning(IohubWarning, ResourceWarning):
    """A stream that was dropped without ``close()``; what it had taken was written all the same."""


class InterruptedEditWarning(IohubWarning):
    """An edit was interrupted here; opening for writing completes it."""
