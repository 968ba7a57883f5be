"""Nodes as tables of Arrow, and tables as nodes; the rooms above do it, found by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Self

from iohub.errors import LayoutError
from iohub.nodes import arguments
from iohub.storage.virtual import VirtualBytes

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_TABLES = "iohub.convert.to_arrow"
_DOOR = "iohub._open"
_COLUMNS = "columns"


class ArrowVerbs:
    """Go to Arrow and come from it."""

    @property
    def table_columns(self) -> pd.DataFrame | None:
        """Other columns of the table that this was opened from, such as measurements.

        One row for each position, by its path; None for what is no table of OME-Arrow records.
        """
        node: Any = self
        node._session.check_open()
        store = node._group.store
        if not isinstance(store, VirtualBytes):
            return None
        found: pd.DataFrame | None = store.extra("", _COLUMNS)
        path = node._group.path
        if found is None or not path:
            return found
        inner = found.index.str.startswith(f"{path}/") | (found.index == path)
        return found[inner]

    def to_arrow(self, *, encoding: str = "auto", **options: Any) -> pa.Table:
        """Return the positions as a table of OME-Arrow records, one row each.

        Beside the records it has the columns plate, row, column, fov, array, level, image_type,
        label_of, and what records cannot say in the column ``iohub``. Lower resolutions and label
        images are rows after those of the positions.

        Parameters
        ----------
        encoding : {"auto", "planes", "bytes"}
            Pixels as lists of numbers of 16 bits or as bytes; "auto" takes lists where all pixels
            are of uint8 or uint16.
        **options
            What is taken: ``positions``, ``channels``, ``t``, ``z``, ``levels`` and others of
            :meth:`export`.

        Returns
        -------
        pyarrow.Table
            With its pixels in memory.

        Raises
        ------
        DTypeError
            If pixels are to be lists and cannot.
        ArgumentError, ShapeError
            If an option is wrong, or an image too large for its form.
        """
        arguments.choice(encoding, ("auto", "planes", "bytes"), "encoding")
        made: pa.Table = importlib.import_module(_TABLES).table(self, encoding=encoding, **options)
        return made

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the table of :meth:`to_arrow` as Arrow's stream interface has it."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    @classmethod
    def from_arrow(cls, data: Any, **options: Any) -> Self:
        """Open a table of OME-Arrow records in memory, without copying pixels.

        Parameters
        ----------
        data : object
            A pyarrow table, batch or record, or whatever has Arrow's stream or array interface:
            results of DuckDB, frames of polars.
        **options
            For :func:`iohub.open_ome_zarr`.

        Returns
        -------
        Position, Plate or Series
            Of the class that this is called on.

        Raises
        ------
        LayoutError
            If the table is of another layout, or has no records.
        FormatError
            If it is damaged.
        """
        node = importlib.import_module(_DOOR).open_ome_zarr(_plain(data), **options)
        if not isinstance(node, cls):
            node.close()
            raise LayoutError(
                f"the table is a {type(node).__name__}, not a {cls.__name__}: filter its rows, or "
                "open it with open_ome_zarr(table)"
            )
        return node


def _plain(data: Any) -> Any:
    """Return a table of what Arrow's interfaces alone do not show to be one."""
    return importlib.import_module("iohub.formats.ome_arrow.tables").as_table(data)


class ArrowRow(ArrowVerbs):
    """A node that is one row of such a table."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Return the table of :meth:`to_arrow` as Arrow's array interface has it."""
        batch = self.to_arrow().combine_chunks().to_batches()[0]
        made: tuple[object, object] = batch.__arrow_c_array__(requested_schema)
        return made
