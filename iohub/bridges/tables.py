"""The backends of tables, by name: how a pandas DataFrame lies in a Zarr group."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol

from iohub.bridges import table_anndata, table_text
from iohub.errors import EngineError, NotFoundError
from iohub.optional import need
from iohub.storage.hierarchy import group_documents
from iohub.storage.keys import join

if TYPE_CHECKING:
    import pandas as pd

    from iohub.storage.group import ZarrGroup
    from iohub.storage.protocol import WritableByteStore
    from iohub.types import JsonObject


class Backend(Protocol):
    """One way to store a table."""

    def attributes(self) -> JsonObject:
        """Return what the group says of the table, beside what every one says."""

    def read(self, group: ZarrGroup) -> pd.DataFrame:
        """Read the table in a group; its index is a column."""

    def write(
        self,
        store: WritableByteStore,
        path: str,
        zarr_format: int,
        frame: pd.DataFrame,
        key: str | None,
    ) -> None:
        """Write a table below a group; `key` is the column that is its index."""


def _file(group: ZarrGroup, name: str) -> bytes:
    raw = group.store.get(join(group.path, name))
    if raw is None:
        raise NotFoundError(f"the table at {group.url} has no file {name!r}")
    return raw


class _Csv:
    """A file ``table.csv``."""

    def attributes(self) -> JsonObject:
        return {}

    def read(self, group: ZarrGroup) -> pd.DataFrame:
        return table_text.from_csv(_file(group, "table.csv"), join(group.url, "table.csv"))

    def write(
        self,
        store: WritableByteStore,
        path: str,
        zarr_format: int,
        frame: pd.DataFrame,
        key: str | None,
    ) -> None:
        store.set(join(path, "table.csv"), table_text.to_csv(frame))


class _Json:
    """Attributes of a group ``table``."""

    def attributes(self) -> JsonObject:
        return {}

    def read(self, group: ZarrGroup) -> pd.DataFrame:
        table = group.group("table")
        return table_text.from_columns(table.attrs(), table.url)

    def write(
        self,
        store: WritableByteStore,
        path: str,
        zarr_format: int,
        frame: pd.DataFrame,
        key: str | None,
    ) -> None:
        columns = table_text.to_columns(frame)
        for name, value in group_documents(join(path, "table"), zarr_format, columns):
            store.set(name, value)


class _Parquet:
    """A file ``table.parquet``."""

    def attributes(self) -> JsonObject:
        return {}

    def read(self, group: ZarrGroup) -> pd.DataFrame:
        parquet = need("pyarrow.parquet", extra="tables", why="parquet tables")
        source = io.BytesIO(_file(group, "table.parquet"))
        frame: pd.DataFrame = parquet.read_table(source).to_pandas()
        return frame

    def write(
        self,
        store: WritableByteStore,
        path: str,
        zarr_format: int,
        frame: pd.DataFrame,
        key: str | None,
    ) -> None:
        parquet = need("pyarrow.parquet", extra="tables", why="parquet tables")
        arrow = need("pyarrow", extra="tables", why="parquet tables")
        sink = io.BytesIO()
        parquet.write_table(arrow.Table.from_pandas(frame, preserve_index=False), sink)
        store.set(join(path, "table.parquet"), sink.getvalue())


class _Anndata:
    """The layout of AnnData."""

    def attributes(self) -> JsonObject:
        return dict(table_anndata.ROOT)

    def read(self, group: ZarrGroup) -> pd.DataFrame:
        return table_anndata.read(group)

    def write(
        self,
        store: WritableByteStore,
        path: str,
        zarr_format: int,
        frame: pd.DataFrame,
        key: str | None,
    ) -> None:
        table_anndata.write(store, path, zarr_format, frame, key)


_BACKENDS: dict[str, Backend] = {
    "csv": _Csv(),
    "json": _Json(),
    "parquet": _Parquet(),
    "anndata": _Anndata(),
}
# Names that earlier versions of other tools wrote.
_ALIASES = {
    "anndata_v1": "anndata",
    "experimental_json_v1": "json",
    "experimental_csv_v1": "csv",
    "experimental_parquet_v1": "parquet",
}


def backend(name: str) -> Backend:
    """Return a backend.

    Parameters
    ----------
    name : {"csv", "json", "parquet", "anndata"}
        Its name, or one that it was known by.

    Raises
    ------
    EngineError
        If there is none of that name.
    """
    found = _BACKENDS.get(_ALIASES.get(name, name))
    if found is None:
        raise EngineError(f"no table backend {name!r}; there are {', '.join(_BACKENDS)}")
    return found
