"""What a conversion did, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iohub.convert.sizes import show_bytes


@dataclass(frozen=True)
class Report:
    """What a conversion did.

    Attributes
    ----------
    url : str
        The destination.
    format : str
        Name of its format.
    positions : int
        How many were asked for.
    resumed : int
        How many of them were complete before.
    nbytes : int
        Pixels that were written, lower levels left out [bytes].
    seconds : float
        How long it took [s].
    complete : bool
        Whether the destination is complete, and so is there.
    kept : sequence of str
        What the format has no place for and was kept under the key ``iohub``.
    lost : sequence of str
        What was left out.
    notes : sequence of str
        What is stored otherwise than in the source.
    waits_for : sequence of str
        Positions that another call began and nobody has completed yet.
    """

    url: str
    format: str
    positions: int = 0
    resumed: int = 0
    nbytes: int = 0
    seconds: float = 0.0
    complete: bool = True
    kept: Sequence[str] = ()
    lost: Sequence[str] = ()
    notes: Sequence[str] = ()
    waits_for: Sequence[str] = ()

    def describe(self) -> str:
        """Return the same as some lines of text."""
        many = "1 position" if self.positions == 1 else f"{self.positions:,} positions"
        rate = f", {show_bytes(self.nbytes / self.seconds)}/s" if self.seconds > 0.1 else ""
        lines = [f"{self.url}: {many}, {show_bytes(self.nbytes)} in {self.seconds:.1f} s{rate}"]
        if self.resumed:
            lines.append(f"complete already: {self.resumed:,} of {many}")
        if not self.complete:
            waits = ", ".join(self.waits_for[:5]) + (", …" if len(self.waits_for) > 5 else "")
            lines.append(
                f"not complete yet: {waits} of another call are to be converted first; repeat that "
                "call if it has ended, or pass restart=True (--restart) to forget what was begun"
            )
        lines += [f"kept under the key 'iohub': {what}" for what in self.kept]
        lines += [f"left out: {what}" for what in self.lost]
        lines += [f"note: {what}" for what in self.notes]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.describe()
