"""What is written when a stream ends, or is recovered: exact shapes, frame metadata, the record.

Both ways come here, so that a recovered dataset is the one that the stream would have left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from operator import itemgetter
from typing import TYPE_CHECKING

from iohub.metadata.own import KEY
from iohub.stream.notes import INDEX, read_frames, with_frames
from iohub.stream.tally import Tally, overlap, renumber

if TYPE_CHECKING:
    from iohub.stream.sink import Frame
    from iohub.types import JsonMapping, JsonObject, Shape

RECORD = "stream"
"""Member of our own attribute that says which frames were written."""


@dataclass
class PositionState:
    """What is known of one position while frames come.

    Attributes
    ----------
    path : str
        Of its group in the store.
    lead : tuple of int
        Sizes along the axes before (Y, X); along a growing one that of before the stream.
    growing : int or None
        The axis whose size is not known.
    expected : int or None
        How many frames are to come; None if that is not known.
    written : Tally
        Numbers of the planes that are in the file; see :meth:`number`.
    metadata : list of (int, dict)
        Of frames that have any: number, and metadata with their ``storage_index``.
    end : int
        One more than the largest number of a plane that was written or skipped.
    earlier : sequence of (int, int)
        Ranges of numbers of planes from before the stream that were missing then.
    """

    path: str
    lead: Shape
    growing: int | None = None
    expected: int | None = None
    written: Tally = field(default_factory=Tally)
    metadata: list[tuple[int, JsonObject]] = field(default_factory=list)
    end: int = 0
    earlier: Sequence[tuple[int, int]] = ()

    def add(self, frame: Frame) -> bool:
        """Note a frame that is in the file; return whether it was not there before."""
        if frame.metadata:
            self.metadata.append((frame.number, {**frame.metadata, INDEX: list(frame.index)}))
        number = self.number(frame.index)
        self.end = max(self.end, number + 1)
        return self.written.add(number)

    def skip(self, index: Sequence[int]) -> None:
        """Note that a frame was left out on purpose; the array reaches as far all the same."""
        self.end = max(self.end, self.number(index) + 1)

    def number(self, index: Sequence[int]) -> int:
        """Return the number of a plane: in C order, the growing axis taken for the slowest."""
        number = 0 if self.growing is None else index[self.growing]
        for axis, (i, size) in enumerate(zip(index, self.lead, strict=True)):
            if axis != self.growing:
                number = number * size + i
        return number

    def index(self, number: int) -> tuple[int, ...]:
        """Return the index of the plane that has a number; the inverse of :meth:`number`."""
        found = [0] * len(self.lead)
        for axis in reversed(range(len(self.lead))):
            if axis != self.growing:
                number, found[axis] = divmod(number, self.lead[axis])
        if self.growing is not None:
            found[self.growing] = number
        return tuple(found)

    @property
    def size(self) -> int:
        """The exact size along the growing axis."""
        assert self.growing is not None
        inner = prod(n for axis, n in enumerate(self.lead) if axis != self.growing)
        return max(self.lead[self.growing], -(-self.end // inner))

    @property
    def planes(self) -> int:
        """How many frames the array holds, written or not."""
        inner = prod(n for axis, n in enumerate(self.lead) if axis != self.growing)
        return inner if self.growing is None else inner * self.size

    def record(self) -> JsonObject:
        """Return the record: how many frames there are, and which are missing.

        Those of before the stream are counted as well. Missing ones are numbered in the order of
        the array.
        """
        before = 0
        if self.growing is not None:
            before = self.lead[self.growing] * (self.planes // max(1, self.size))
        wanted = [*self.earlier, (before, max(before, self.planes))]
        missing = overlap(self.written.missing(self.planes), wanted)
        count = self.planes - sum(stop - start for start, stop in missing)
        return {
            "frames_written": count,
            "frames_expected": self.expected,
            "complete": not missing and self.expected in (None, count),
            "missing": [list(pair) for pair in self._as_stored(missing)],
        }

    def take_up(self, record: JsonMapping) -> None:
        """Take up what the record of an array says, which is to grow."""
        if self.growing is None:
            return
        inner = [n for axis, n in enumerate(self.lead) if axis != self.growing]
        order = [self.growing, *(axis for axis in range(len(self.lead)) if axis != self.growing)]
        there = [(0, self.lead[self.growing] * prod(inner))]
        stored = overlap([(a, b) for a, b in record.get("missing", ())], there)
        self.earlier = renumber(stored, self.lead, order)

    def _as_stored(self, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return numbers of planes in the order of the array: see :meth:`number`."""
        axis = self.growing
        if axis is None:
            return list(ranges)
        inner = [n for i, n in enumerate(self.lead) if i != axis]
        order = [*range(1, axis + 1), 0, *range(axis + 1, len(self.lead))]
        return renumber(ranges, [self.size, *inner], order)


def with_record(attrs: JsonObject, state: PositionState) -> JsonObject:
    """Return the attributes of a position with what is known of its frames.

    Metadata of frames that are in them already stays, unless a frame was written again.
    """
    own = {**(attrs.get(KEY) or {}), RECORD: state.record()}
    # Threads write frames as they finish; the list is in the order of the frames.
    noted = [entry for _, entry in sorted(state.metadata, key=itemgetter(0))]
    merged = {tuple(entry.get(INDEX) or ()): entry for entry in (*read_frames(attrs), *noted)}
    return with_frames({**attrs, KEY: own}, list(merged.values()))
