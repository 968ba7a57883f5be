"""Makes a valid dataset of what a stream left that was killed: exact shapes, metadata, pyramid."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub._open import open_ome_zarr
from iohub.errors import ConflictError, FormatError, IohubError, NotFoundError
from iohub.storage.leftovers import TEMP_PREFIX
from iohub.storage.local import LocalBytes
from iohub.stream.acquire_sink import drop_unfinished
from iohub.stream.build import FULL
from iohub.stream.ending import PositionState
from iohub.stream.journal import Notes, is_alive, journals, read_journal
from iohub.stream.sink import Frame
from iohub.stream.target import write_records

if TYPE_CHECKING:
    from iohub.nodes.position import Position
    from iohub.storage.array import ZarrArray
    from iohub.types import JsonObject, PathLikeStr


@dataclass(frozen=True)
class Recovered:
    """What was recovered.

    Attributes
    ----------
    path : str
        The dataset.
    frames_written : int
        Frames that it holds.
    frames_expected : int or None
        How many there were to be; None if that was not known.
    positions : dict
        By path, the record: frames written and missing.
    """

    path: str
    frames_written: int
    frames_expected: int | None
    positions: dict[str, JsonObject]

    def __str__(self) -> str:
        of = "" if self.frames_expected is None else f" of {self.frames_expected}"
        lines = [f"{self.path}: {self.frames_written}{of} frames"]
        for path, record in self.positions.items():
            gaps = sum(stop - start for start, stop in record["missing"])
            missing = f", {gaps} missing" if gaps else ""
            lines.append(f"  {path or '.'}: {record['frames_written']} frames{missing}")
        return "\n".join(lines)


def recover_stream(path: PathLikeStr) -> tuple[Recovered, ...]:
    """Complete what a stream left that was killed, or that could not be closed.

    Arrays get their exact shape, frames their metadata, lower resolutions their pixels; the record
    of each position says which frames there are. Calling it again is harmless.

    Parameters
    ----------
    path : path-like
        The dataset: a store, a position in it, an OME-TIFF, or a folder of these.

    Returns
    -------
    tuple of Recovered
        One for each stream; empty if there is nothing to do.

    Raises
    ------
    NotFoundError
        If there is nothing at `path`.
    ConflictError
        If a stream still runs; others are recovered first.
    DocumentError
        If a journal is broken; others are recovered first.
    """
    place = os.path.abspath(os.path.expanduser(os.fspath(path)))
    if not os.path.exists(place):
        raise NotFoundError(f"there is nothing at {place}")
    found = list(journals(place))
    if os.path.isfile(place):
        found = [each for each in journals(os.path.dirname(place)) if _is_of(each, place)]
    done, errors = [], []
    for each in found:
        try:
            if is_alive(each):
                raise ConflictError(f"the stream into {os.path.dirname(each)} still runs; close it")
            done.append(_recover(read_journal(each)))
        except (OSError, IohubError) as error:
            errors.append(error)  # one that cannot be recovered keeps no other from being
    if errors:
        raise errors[0]
    return tuple(done)


def _is_of(journal: str, file: str) -> bool:
    return bool(os.path.basename(file) in read_journal(journal).header.get("files", ()))


def _recover(notes: Notes) -> Recovered:
    if notes.header.get("format") == "ome-tiff":
        from iohub.stream.tiff_recover import as_in_files, recover_tiff

        notes = as_in_files(notes, states_of(notes))
        states = states_of(notes)
        path = recover_tiff(notes, states)
    elif notes.header.get("format") == "ome-zarr":
        states, path = _recover_zarr(notes), os.path.dirname(notes.path)
    else:
        raise FormatError(f"{notes.path} is of a stream into {notes.header.get('format')!r}")
    with suppress(FileNotFoundError):
        os.unlink(notes.path)
    records = {state.path: state.record() for state in states}
    written = sum(record["frames_written"] for record in records.values())
    return Recovered(path, written, notes.header.get("total"), records)


def states_of(notes: Notes) -> list[PositionState]:
    """Return what a journal knows of each position."""
    states = [
        PositionState(
            entry["path"],
            tuple(entry["lead"]),
            entry["growing"],
            entry["expected"],
            earlier=[(start, stop) for start, stop in entry.get("earlier", ())],
        )
        for entry in notes.header["positions"]
    ]
    for frame in notes.frames:
        states[frame.position].add(frame)
    for frame in notes.skipped:
        states[frame.position].skip(frame.index)
    return states


def _recover_zarr(notes: Notes) -> list[PositionState]:
    states = states_of(notes)
    with open_ome_zarr(os.path.dirname(notes.path), mode="r+") as root:
        opened: Any = root
        nodes = [opened[state.path] if state.path else opened for state in states]
        for number, (node, state) in enumerate(zip(nodes, states, strict=True)):
            array = node[notes.header.get("array", FULL)]._opened()
            _sweep(array)
            if notes.header.get("backend") == "acquire-zarr":
                drop_unfinished(array)
            _add_found(array, state, number)
            _settle(node, state)
        write_records(nodes, states)
        for node in nodes:
            if notes.header["levels"] > 1 and node.data.size:
                node.compute_pyramid(method=notes.header["method"])
    return states


def _sweep(array: ZarrArray) -> None:
    """Remove chunks that were not written to their end."""
    if isinstance(array.store, LocalBytes):
        for folder, _, names in os.walk(array.store.path(array.path)):
            for name in names:
                if name.startswith(TEMP_PREFIX):
                    with suppress(FileNotFoundError):
                        os.unlink(os.path.join(folder, name))


def _add_found(array: ZarrArray, state: PositionState, position: int) -> None:
    """Count planes that are in the file although the journal had no time to say so."""
    spec = array.spec
    if any(size > 1 for size in spec.unit[:-2]) or not isinstance(array.store, LocalBytes):
        return
    cells = spec.unit_grid[-2:]
    for index in np.ndindex(spec.shape[:-2]):
        before = state.growing is not None and index[state.growing] < state.lead[state.growing]
        if before or state.number(index) in state.written:
            continue
        keys = (array.unit_key((*index, *cell)) for cell in np.ndindex(cells))
        if all(array.store.size(key) is not None for key in keys):
            state.add(Frame(0, position, index, {}))


def _settle(node: Position, state: PositionState) -> None:
    """Give all levels of a growing image the size that its frames have."""
    if state.growing is None:
        return
    for _, image in list(node.images()):
        shape: list[int] = list(image.shape)
        shape[state.growing] = state.size
        image.resize(shape)
