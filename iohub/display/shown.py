"""The mixin that gives a class its representations, from the summary that the class makes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from iohub.display.html import to_html
from iohub.display.terminal import to_rich
from iohub.display.text import one_line

if TYPE_CHECKING:
    from rich.console import Group

    from iohub.display.summary import Summary


class Displayed:
    """Mixin of everything that people look at: one line as a repr, a page in rich and Jupyter."""

    __slots__ = ()

    @abstractmethod
    def _summary(self, *, brief: bool = False) -> Summary:
        """Say what there is to say; reads no pixels and works after ``close()``.

        Parameters
        ----------
        brief : bool
            Whether one line is all that is wanted, so that nothing needs to be read for it.
        """

    def __repr__(self) -> str:
        return one_line(self._summary(brief=True))

    def __rich__(self) -> Group:
        """Draw the page in a rich terminal."""
        return to_rich(self._summary())

    def _repr_html_(self) -> str:
        """Draw the page in a notebook."""
        return to_html(self._summary())
