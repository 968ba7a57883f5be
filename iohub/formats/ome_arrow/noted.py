"""What a table of records notes of an image beside its record, which has no place for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iohub.formats.ome_arrow.above import shown_spelling
from iohub.formats.ome_arrow.siblings import NOTE, read_note

if TYPE_CHECKING:
    from iohub.formats.ome_arrow.rows import Rows
    from iohub.metadata.image import ImageMeta


def noted_image(rows: Rows, row: int) -> ImageMeta | None:
    """Return the document of the image of which a row is the full resolution.

    Parameters
    ----------
    rows : Rows
        The table.
    row : int
        Number of the row.

    Returns
    -------
    ImageMeta or None
        None if the table does not note it.

    Raises
    ------
    FormatError
        If the note is damaged.
    DocumentError
        If the document is.
    """
    texts = rows.texts(NOTE)
    note = read_note(texts[row]) if 0 <= row < len(texts) else None
    for attrs in note.groups.values() if note is not None else ():
        spelling = shown_spelling(attrs)
        if "multiscales" in spelling.ome(attrs):
            return spelling.parse_image(attrs)
    return None
