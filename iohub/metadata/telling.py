"""How readers of documents tell what is odd, and who reads says where and how often."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from iohub.errors import MetadataWarning

Tell = Callable[[str], None]

_listener: ContextVar[Tell | None] = ContextVar("listener", default=None)


@contextmanager
def told_to(listener: Tell) -> Iterator[None]:
    """Have what readers tell inside said by a function, in place of a warning.

    Parameters
    ----------
    listener : callable
        Gets the text.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(text: str) -> None:
    """Tell what is odd in a document that can be read all the same.

    Parameters
    ----------
    text : str
        What it is.

    Warns
    -----
    MetadataWarning
        If nobody listens.
    """
    listener = _listener.get()
    if listener is None:
        warnings.warn(text, MetadataWarning, stacklevel=5)
    else:
        listener(text)
