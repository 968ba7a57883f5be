"""Completes OME-TIFF files whose stream was killed: the pages say what is there."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from iohub.stream.sink import Frame
from iohub.stream.tiff_file import describe, page_numbers, read_description
from iohub.stream.tiff_target import noted_of, sizes_of, text_of
from iohub.stream.tiff_xml import Pages, final_xml

if TYPE_CHECKING:
    from iohub.stream.ending import PositionState
    from iohub.stream.journal import Notes
    from iohub.types import Shape


def as_in_files(notes: Notes, states: Sequence[PositionState]) -> Notes:
    """Return a journal with the frames whose pages are in the files, in the order of the pages.

    Pages may be there that it had no time to name; after a power cut some that it names may not.

    Parameters
    ----------
    notes : Notes
        The journal.
    states : sequence of PositionState
        What it knows of each position, for the numbers of planes.
    """
    folder = os.path.dirname(notes.path)
    frames = []
    for position, name in enumerate(notes.header["files"]):
        numbers = page_numbers(os.path.join(folder, name))
        state = states[position]
        mine = [frame for frame in notes.frames if frame.position == position]
        named = {state.number(frame.index): frame for frame in mine}
        for page, number in enumerate(numbers):
            if number is None and page < len(mine):
                frames.append(mine[page])
            elif number is not None:
                unnamed = Frame(number, position, state.index(number), {})
                frames.append(named.get(number, unnamed))
    return notes._replace(frames=frames)


def recover_tiff(notes: Notes, states: Sequence[PositionState]) -> str:
    """Complete the descriptions of files whose stream was killed.

    Parameters
    ----------
    notes : Notes
        The journal, as :func:`as_in_files` has it.
    states : sequence of PositionState
        What it knows of each position.

    Returns
    -------
    str
        The file, or the folder of several.
    """
    header, folder = notes.header, os.path.dirname(notes.path)
    names, uuids, mode = header["files"], header["uuids"], header["mode"]
    indexes: list[dict[Shape, int]] = [{} for _ in names]
    pages = [0] * len(names)
    for frame in notes.frames:
        found = indexes[frame.position]
        found[frame.index] = pages[frame.position]
        pages[frame.position] += 1
    images = [
        Pages(
            sizes_of(state),
            header["letters"],
            list(found),
            noted_of(state),
            name if len(names) > 1 or mode != "redundant" else "",
            own,
            list(found.values()),
        )
        for state, found, name, own in zip(states, indexes, names, uuids, strict=True)
    ]
    written = [number for number, found in enumerate(indexes) if found]
    if written:
        companion = os.path.join(folder, header["companion"])
        if mode == "companion-file":
            with open(companion, "rb") as file:
                first = file.read()
        else:
            first = read_description(os.path.join(folder, names[written[0]]))
        own = f"urn:uuid:{uuid.uuid4()}"
        text = final_xml(first, images, {}, own)
        for number in written:
            said = text_of(number, text, mode, names, uuids, header["companion"], own)
            describe(os.path.join(folder, names[number]), said)
        if mode == "companion-file":
            with open(companion, "wb") as file:
                file.write(text)
    return folder if len(names) > 1 else os.path.join(folder, names[0])
