"""Reading many positions of a plate: documents in batches, broken ones named and passed over."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from iohub.errors import CorruptNodeWarning, IohubError, NotFoundError
from iohub.nodes.base import join

if TYPE_CHECKING:
    import pandas as pd

    from iohub.nodes.plate import Plate
    from iohub.nodes.position import Position
    from iohub.nodes.series import Series
    from iohub.nodes.well import Well

# Wells whose documents are read in one batch: enough for concurrency, few enough to stay lazy.
BATCH = 64
# Where a plate has defaults of its own, so many wells are searched for a position that has more.
LOOKED_AT = 8
# Up to this many wells, key completion reads the wells' documents to offer positions.
COMPLETED_WELLS = 384


def _warn(where: str, error: IohubError) -> None:
    warnings.warn(
        f"{where} cannot be read and is passed over: {error}", CorruptNodeWarning, stacklevel=3
    )


def _batches(items: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def fields(plate: Plate, wells: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Path and entry of each field that the wells list.

    Parameters
    ----------
    plate : Plate
        The plate.
    wells : sequence of str
        Paths of the wells to read.

    Yields
    ------
    tuple of (str, WellImageMeta)
        Path "row/column/field", and the entry in the well's document.
    """
    for batch in _batches(wells):
        for path, group in zip(batch, plate._group.load_groups(batch), strict=True):
            if isinstance(group, NotFoundError):
                continue  # wells that are listed but absent are normal (OME-Zarr, HCS layout)
            try:
                if isinstance(group, IohubError):
                    raise group
                images = plate._well(path, group)._document(just_read=True).images or ()
            except IohubError as error:
                _warn(f"well {join(plate.url, path)}", error)
                continue
            for image in images:
                yield f"{path}/{image.path}", image


def opened(plate: Plate | Series, paths: Sequence[str]) -> Iterator[tuple[str, Position]]:
    """Return the positions at some paths; broken ones are warned about and left out."""
    for path, group in zip(paths, plate._group.load_groups(paths), strict=True):
        try:
            if isinstance(group, IohubError):
                raise group
            position = plate._position(path, group)
            position._document(just_read=True)
        except IohubError as error:
            _warn(f"position {join(plate.url, path)}", error)
            continue
        yield path, position


def positions(plate: Plate, wells: Sequence[str]) -> Iterator[tuple[str, Position]]:
    """Path and node of each position of some wells, read in batches."""
    for batch in _batches(wells):
        yield from opened(plate, [path for path, _ in fields(plate, batch)])


def position_paths(plate: Plate, wells: Sequence[str]) -> list[str]:
    """Return the paths of all positions that the wells list, without warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CorruptNodeWarning)
        return [path for path, _ in fields(plate, wells)]


def first_position(plate: Plate, wells: int | None = None) -> Position | None:
    """Return the first position that can be read and has an image; None if there is none.

    Parameters
    ----------
    plate : Plate
        The plate.
    wells : int, optional
        How many wells to look at; all by default. The one found is kept until the plate's
        document changes, and is not looked for again.
    """
    document, kept = plate._document(), plate._index_cache.get("first")
    if kept is not None and kept[0] is document:
        with suppress(IohubError):
            if kept[1]._document() is not None:
                known: Position = kept[1]
                return known
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CorruptNodeWarning)
        # One well at a time: the first one usually has what is looked for.
        for well in plate._well_paths()[:wells]:
            for path, _ in fields(plate, [well]):
                for _, position in opened(plate, [path]):
                    if position._document() is not None:
                        plate._index_cache["first"] = (document, position)
                        return position
    return None


def well_positions(well: Well) -> Iterator[tuple[str, Position]]:
    """Name and node of each position of a well."""
    names = well._names()
    for name, group in zip(names, well._group.load_groups(names), strict=True):
        position = well._position(name)
        try:
            if isinstance(group, IohubError):
                raise group
            position._group = group
            position._document()
        except IohubError as error:
            _warn(f"position {position.url}", error)
            continue
        yield name, position


def dataframe(plate: Plate) -> pd.DataFrame:
    """Return one row per position of a plate, from its documents alone."""
    import pandas as pd

    entries = list(fields(plate, plate._well_paths()))
    acquisition = {path: entry.acquisition for path, entry in entries}
    rows: list[dict[str, Any]] = []
    for batch in _batches([path for path, _ in entries]):
        found = list(opened(plate, batch))
        firsts = [join(path, _first(position)) for path, position in found]
        arrays = plate._group.load_arrays(firsts)
        for (path, position), array in zip(found, arrays, strict=True):
            row, column, field = path.split("/")
            entry: dict[str, Any] = {"path": path, "row": row, "column": column, "field": field}
            entry["acquisition"] = acquisition[path]
            if position._document() is not None:
                entry |= _described(position)
                if isinstance(array, IohubError):
                    _warn(f"image {join(plate.url, path, _first(position))}", array)
                else:
                    spec = array.spec
                    entry |= {"shape": spec.shape, "dtype": str(spec.dtype)}
                    entry |= {"chunks": spec.chunks, "shards": spec.shards, "nbytes": spec.nbytes}
            rows.append(entry)
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    *("path", "row", "column", "field", "acquisition"),
    *("shape", "dtype", "chunks", "shards", "axes", "scale", "channels", "levels", "nbytes"),
]


def _first(position: Position) -> str:
    document = position._document()
    return "0" if document is None else str(document.multiscales[0].datasets[0].path)


def _described(position: Position) -> dict[str, Any]:
    return {
        "axes": "".join(position.axis_names)
        if all(len(name) == 1 for name in position.axis_names)
        else ",".join(position.axis_names),
        "scale": tuple(position.scale),
        "channels": tuple(position.channel_names),
        "levels": len(position._names()),
    }
