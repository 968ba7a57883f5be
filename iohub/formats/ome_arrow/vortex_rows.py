"""Tables with columns of records in Vortex files: what rows say, and the pixels of one row."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from iohub import optional
from iohub.errors import FormatError, LayoutError
from iohub.formats.handles import Handle
from iohub.formats.ome_arrow import records
from iohub.formats.ome_arrow.pixels import Stored
from iohub.formats.ome_arrow.rows import Rows, other_names, record_columns, without_pixels
from iohub.formats.ome_arrow.siblings import own_names


def from_vortex(path: str) -> Rows:
    """Show a Vortex file; of its columns of records, only what is no pixel is read.

    Raises
    ------
    FormatError
        If it is no Vortex file, or damaged.
    LayoutError
        If no column has records.
    MissingDependencyError
        If vortex-data is not installed.
    """
    vortex = optional.need("vortex", extra="vortex", why="Vortex files")
    # In a fork, and after closing, nothing is read from a file that was opened before.
    handle: Handle[Any] = Handle(lambda: vortex.open(os.path.abspath(path)), _let_go, path)
    try:
        file = handle.get()
        schema = file.dtype.to_arrow_schema()
        names = record_columns(schema, path)
        mine = own_names(schema)
        wanted = [each for each in schema if each.name in names or each.name in mine]
        columns = {each.name: _column(file, each, each.name in names) for each in wanted}
    except LayoutError:
        handle.close()
        raise
    except RuntimeError as error:
        handle.close()
        said = str(error).partition("\n")[0]
        raise FormatError(f"{path!r} cannot be read as Vortex: {said}") from error
    plain = pa.table(columns)

    def others(numbers: Sequence[int]) -> pa.Table:
        chosen = [schema.field(name) for name in other_names(schema, names)]
        found = pa.table({each.name: _column(handle.get(), each, False) for each in chosen})
        return found.take(numbers)

    last: dict[tuple[str, int], Stored] = {}

    def close() -> None:
        last.clear()
        handle.close()

    stored = _reader(vortex, handle, last)
    return Rows(os.path.abspath(path), schema, plain, others, names, stored, close)


def _let_go(file: Any) -> None:
    """Do nothing: Vortex closes a file when nobody has it any more."""


def _column(file: Any, field: pa.Field, is_record: bool) -> pa.ChunkedArray:
    from vortex import expr

    wanted = expr.column(field.name)
    if is_record:
        kept = without_pixels(field.type)
        wanted = expr.select([each.name for each in kept], wanted)
    array = file.scan(wanted).read_all().to_arrow_array()
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _reader(
    vortex: Any, handle: Handle[Any], last: dict[tuple[str, int], Stored]
) -> Callable[[str, int], Stored]:
    lock = threading.Lock()

    def stored(column: str, row: int) -> Stored:
        with lock:
            found = last.get((column, row))
            if found is None:
                last.clear()  # let go of the last record before the next is read
                wanted = vortex.array(pa.array([row], pa.uint64()))
                table = handle.get().to_arrow([column], indices=wanted).read_all()
                record = table.column(0).chunk(0)[0]
                found = records.stored(record, records.describe(record).shape)
                last[column, row] = found
            return found

    return stored
