"""Reading many positions of a plate: documents in batches, broken ones named and passed over."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from iohub.errors import CorruptNodeWarning, IohubError, NotFoundError, UnreadableError
from iohub.nodes.base import join
from iohub.storage.protocol import ReadsEach

if TYPE_CHECKING:
    import pandas as pd

    from iohub.nodes.plate import Plate
    from iohub.nodes.position import Position
    from iohub.nodes.series import Series
    from iohub.nodes.well import Well
    from iohub.storage.array import ZarrArray
    from iohub.types import JsonObject

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
        paths = [path for path, _ in fields(plate, batch)]
        yield from ahead(plate, paths)


def ahead(plate: Plate | Series, paths: Sequence[str]) -> Iterator[tuple[str, Position]]:
    """Like :func:`opened`; on a server, with what the first images' shapes will be asked of."""
    store = plate._group.store
    if not (isinstance(store, ReadsEach) and store.read_only):
        yield from opened(plate, paths)
        return
    for start in range(0, len(paths), BATCH):
        found = list(opened(plate, paths[start : start + BATCH]))
        # Such a store keeps documents for a moment where it is only read.
        firsts = [join(path, name) for path, node in found for name in node._names()[:1]]
        plate._group.load_arrays(firsts)
        yield from found


def all_readable(
    positions: Iterable[tuple[str, Position]], *, skip: bool, pixels: bool = False
) -> list[tuple[str, Position]]:
    """Return path and node of positions that are to be changed, if all of them can be read.

    Parameters
    ----------
    positions : iterable of (str, Position)
        What :func:`positions` gives.
    skip : bool
        Whether those that cannot be read are left out, with warnings.
    pixels : bool
        Whether the documents of their arrays are needed too.

    Raises
    ------
    UnreadableError
        If one cannot be read; all of them are named.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CorruptNodeWarning)
        found = []
        for path, position in positions:
            arrays = position._group.load_arrays(position._names()) if pixels else []
            broken = [array for array in arrays if isinstance(array, IohubError)]
            for error in broken:
                _warn(f"position {position.url}", error)
            if not broken:
                found.append((path, position))
    corrupt = [w.message for w in caught if issubclass(w.category, CorruptNodeWarning)]
    if corrupt and not skip:
        reasons = "\n".join(f"  - {message}" for message in corrupt)
        raise UnreadableError(
            "nothing was changed, as not everything can be read; mend that first, or leave it as "
            f"it is with skip_unreadable=True:\n{reasons}"
        )
    for each in caught:
        warnings.warn(each.message, stacklevel=3)
    return found


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

    places = {}
    for path, entry in fields(plate, plate._well_paths()):
        row, column, field = path.split("/")
        places[path] = {"row": row, "column": column, "field": field}
        places[path]["acquisition"] = entry.acquisition
    frame = pd.DataFrame(_rows(plate, places), columns=["path", *PLACE, *COLUMNS])
    return _with_columns(frame, plate)


def series_dataframe(series: Series) -> pd.DataFrame:
    """Return one row per image of a series, from its documents alone."""
    import pandas as pd

    rows = _rows(series, {path: {} for path in series._names()})
    return _with_columns(pd.DataFrame(rows, columns=["path", *COLUMNS]), series)


def _with_columns(frame: pd.DataFrame, node: Plate | Series) -> pd.DataFrame:
    """Return a table with the other columns of the table that the node was opened from."""
    more = node.table_columns
    if more is None or not len(more.columns):
        return frame
    more = more.rename(columns={n: f"{n}_in_table" for n in more.columns if n in frame.columns})
    return frame.join(more, on="path")


PLACE = ("row", "column", "field", "acquisition")
COLUMNS = ("shape", "dtype", "chunks", "shards", "axes", "scale", "channels", "levels", "nbytes")


def _rows(node: Plate | Series, places: Mapping[str, JsonObject]) -> list[JsonObject]:
    """Describe the positions at some paths, beside what is known of them already."""
    rows: list[JsonObject] = []
    for batch in _batches(list(places)):
        found = list(opened(node, batch))
        names = [position._names() for _, position in found]
        paths = [
            join(path, name) for (path, _), own in zip(found, names, strict=True) for name in own
        ]
        arrays = dict(zip(paths, node._group.load_arrays(paths), strict=True))
        for (path, position), own in zip(found, names, strict=True):
            entry: JsonObject = {"path": path, **places[path]}
            if own:
                images = [arrays[join(path, name)] for name in own]
                entry |= _described(position, images)
                array = images[0]
                if isinstance(array, IohubError):
                    _warn(f"image {join(node.url, path, own[0])}", array)
                else:
                    spec = array.spec
                    entry |= {"shape": spec.shape, "dtype": str(spec.dtype)}
                    entry |= {"chunks": spec.chunks, "shards": spec.shards, "nbytes": spec.nbytes}
            rows.append(entry)
    return rows


def _described(position: Position, images: Sequence[ZarrArray | IohubError]) -> dict[str, Any]:
    shapes = [None if isinstance(array, IohubError) else array.spec.shape for array in images]
    return {
        "axes": "".join(position.axis_names)
        if all(len(name) == 1 for name in position.axis_names)
        else ",".join(position.axis_names),
        "scale": tuple(position.scale),
        "channels": tuple(position.channel_names),
        "levels": len(position._level_paths(position._image_document(), shapes)),
    }
