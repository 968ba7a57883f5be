"""Where the directories of a TIFF file are: the first one, and many at equal distances at a time.

Writers put the directories of a stack one after the other, or each before the pixels of its page;
to follow the chain of thousands one by one takes longer than anything else in opening a file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

# Directories at equal distances up to this are looked for in pieces of the file [bytes].
_NEAR, _PIECE = 4096, 1 << 16


def tiff_form(head: bytes) -> tuple[str, bool, int] | None:
    """Return byte order, whether it is a BigTIFF, and where the first directory is.

    Parameters
    ----------
    head : bytes
        The first 16 bytes of a file.

    Returns
    -------
    tuple of (str, bool, int) or None
        None if it is no TIFF.
    """
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return None
    magic = struct.unpack_from(order + "H", head, 2)[0]
    if magic == 42:
        return order, False, struct.unpack_from(order + "I", head, 4)[0]
    if magic == 43 and len(head) >= 16:
        return order, True, struct.unpack_from(order + "Q", head, 8)[0]
    return None


def further_offsets(
    read: Callable[[int, int], bytes],
    order: str,
    fields: tuple[int, int, int],
    latest: tuple[int, int, int],
) -> list[int]:
    """Return where the directories after the last known one are, as far as one read tells.

    Each is named by the one before it; nothing is guessed.

    Parameters
    ----------
    read : callable
        Returns bytes of the file, given the offset and the number of them.
    order : str
        Byte order, ``"<"`` or ``">"``.
    fields : tuple of int
        Sizes of the number of entries, of an entry, and of the offset of the next directory.
    latest : tuple of int
        Offsets of the three last known directories.

    Returns
    -------
    list of int
        Empty if the three are not at equal distances, or too far from each other.
    """
    before, middle, last = latest
    step = last - middle
    if not 0 < step <= _NEAR or middle - before != step:
        return []
    piece = read(last, _PIECE // step * step)
    counts, entry, offset = fields
    entries = int.from_bytes(piece[:counts], "little" if order == "<" else "big")
    end = counts + entries * entry
    if not entries or end + offset > step or len(piece) < step:
        return []
    kind = np.dtype(
        {
            "names": ["entries", "following"],
            "formats": [f"{order}u{counts}", f"{order}u{offset}"],
            "offsets": [0, end],
            "itemsize": step,
        }
    )
    rows = np.frombuffer(piece, kind, count=len(piece) // step)
    wanted = last + step * np.arange(1, len(rows) + 1, dtype=np.uint64)
    alike = (rows["entries"] == entries) & (rows["following"] == wanted)
    found: list[int] = wanted[: len(rows) if alike.all() else int(alike.argmin())].tolist()
    return found
