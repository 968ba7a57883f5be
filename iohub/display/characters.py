"""Characters on a screen: which of them are safe to show, how wide they are."""

from __future__ import annotations

import unicodedata


def plain(text: object) -> str:
    r"""Write text that came out of a file so that it cannot steer a terminal or reorder a line.

    Parameters
    ----------
    text : object
        Anything; control characters, line ends and invisible direction marks of its ``str`` are
        shown as escapes such as ``\x1b``.
    """
    shown = str(text)
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(
        _escape(mark) if unicodedata.category(mark) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else mark
        for mark in shown
    )


def _escape(mark: str) -> str:
    return mark.encode("unicode_escape").decode("ascii")


# What stands for signs of ours on a screen that has no such signs.
_PLAINER = {"├": "|", "└": "`", "│": "|", "─": "-", "…": "...", "×": "x", "→": "->", "µ": "u"}


def encodable(text: str, encoding: str | None) -> str:
    """Write text with the signs that a stream has; others become plainer ones, or ``?``.

    Parameters
    ----------
    text : str
        One or more lines.
    encoding : str or None
        Of the stream; None has all signs.
    """
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        plainer = (m if _has(encoding, m) else _PLAINER.get(m, "?") for m in text)
        return "".join(plainer)
    return text


def _has(encoding: str | None, mark: str) -> bool:
    try:
        mark.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def flat(text: str) -> str:
    """Write a message of several lines in one, as a table has room for.

    Parameters
    ----------
    text : str
        A message of ours; in a name out of a file a line end is to be seen, see :func:`plain`.
    """
    return " ".join(line.strip() for line in text.splitlines())


def cells_wide(text: str) -> int:
    """Count the terminal cells that a text takes: two per East Asian wide character.

    Parameters
    ----------
    text : str
        Without control characters.
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(mark) else 1 + (unicodedata.east_asian_width(mark) in "WF")
        for mark in text
    )


def clipped(text: str, width: int) -> str:
    """Shorten a text to `width` terminal cells, the last of them an ellipsis.

    Parameters
    ----------
    text : str
        Without control characters.
    width : int
        At least 1.
    """
    if cells_wide(text) <= width:
        return text
    while cells_wide(text) >= width:
        text = text[:-1]
    return text + "…"


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Fill a text with spaces up to `width` terminal cells; a longer one is left as it is.

    Parameters
    ----------
    text : str
        Without control characters.
    width : int
        Cells to fill.
    right : bool
        Whether the text stands at the right.
    """
    space = " " * (width - cells_wide(text))
    return space + text if right else text + space
