"""The tables of a position or a plate: pandas DataFrames by name, laid out as ngio reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from iohub.bridges.tables import backend as backend_named
from iohub.display import Column, PageSummary, Summary, Table, TreeSummary
from iohub.errors import (
    DocumentError,
    DTypeError,
    ExistsError,
    IohubError,
    MissingNodeError,
    NotFoundError,
    PathError,
    Problem,
)
from iohub.metadata.names import check_array_path
from iohub.nodes import arguments
from iohub.nodes.base import NGFFNode, join
from iohub.nodes.multiscale import MultiscaleNode
from iohub.nodes.table_index import OF_LABELS, flat_table, indexed, said_of
from iohub.storage.hierarchy import group_documents, writable
from iohub.storage.transaction import Transaction

if TYPE_CHECKING:
    import pandas as pd

    from iohub.storage.group import ZarrGroup
    from iohub.types import JsonObject

FOLDER = "tables"


class Tables(NGFFNode):
    """The tables of a position or a plate, by name.

    Found as ``position.tables`` or ``plate.tables``, also where there are none yet. A table is a
    pandas DataFrame: regions of interest, features of labels, conditions of wells, or any other.

    Examples
    --------
    >>> plate.tables.write("conditions", frame, type="condition_table")
    >>> position.tables["FOV_ROI_table"]  # a DataFrame
    >>> position.tables.write("sizes", frame, type="feature_table", label="cells")
    """

    _kind: ClassVar[str] = "tables"

    def __init__(self, *args: Any, parent: NGFFNode | None = None, **kwargs: Any):
        self._parent = parent
        super().__init__(*args, **kwargs)

    @classmethod
    def of(cls, parent: NGFFNode) -> Tables:
        """Return the tables of a node; nothing is read."""
        return cls(
            parent._group.group(FOLDER),
            False,
            version=parent.version,
            session=parent._session,
            parent=parent,
        )

    def _attrs(self) -> JsonObject:
        try:
            return super()._attrs()
        except NotFoundError:
            return {}

    def _parse(self, attrs: JsonObject) -> tuple[str, ...]:
        """Return the names that the group lists."""
        listed = attrs.get(FOLDER)
        if listed is None:
            return ()
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            text = f"must be an array of names, found {listed!r:.80}"
            raise DocumentError([Problem(f"/{FOLDER}", text, "type")], self.url)
        return tuple(listed)

    def _dump(self, document: tuple[str, ...], attrs: JsonObject) -> JsonObject:
        return {**attrs, FOLDER: list(document)}

    def _names(self) -> list[str]:
        return list(self._document())

    def _table(self, key: Any) -> ZarrGroup:
        name = "/".join(self._split(key))
        if name not in self._names():
            raise self._missing(name)
        group: ZarrGroup = self._group.group(name)
        if not group.exists():
            raise self._missing(name, "It is listed but missing.")
        return group

    # ---- reading ------------------------------------------------------------------------------

    def info(self, key: str) -> JsonObject:
        """Return what a table says of itself: ``type``, ``backend``, ``index_key``, ``region`` ….

        Parameters
        ----------
        key : str
            Name of the table.

        Raises
        ------
        MissingNodeError
            If there is no such table; a :class:`KeyError`.
        """
        return dict(self._table(key).attrs())

    def __getitem__(self, key: Any) -> pd.DataFrame:
        """Read a table.

        Parameters
        ----------
        key : str
            Name of the table.

        Returns
        -------
        pandas.DataFrame
            Indexed by the column that the table says names its rows.

        Raises
        ------
        MissingNodeError
            If there is no such table; a :class:`KeyError`.
        EngineError
            If its backend is not known.
        MissingDependencyError
            If its backend needs a package that is not installed.
        """
        group = self._table(key)
        attrs = group.attrs()
        frame = backend_named(str(attrs.get("backend", "anndata"))).read(group)
        return indexed(frame, attrs, group.url)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._names()

    # ---- writing ------------------------------------------------------------------------------

    def __setitem__(self, key: str, frame: pd.DataFrame) -> None:
        """Write a new table of no particular type; see :meth:`write`, which also replaces."""
        self.write(key, frame)

    def write(
        self,
        name: str,
        frame: pd.DataFrame,
        *,
        type: str | None = None,
        backend: str = "csv",
        label: str | None = None,
        overwrite: bool = False,
        **members: Any,
    ) -> None:
        """Write a table; it is there as a whole or, if the call is interrupted, not at all.

        Parameters
        ----------
        name : str
            What to call it.
        frame : pandas.DataFrame
            Numbers, booleans and text. The index is kept, as a column: one without a name as
            `index`, unless it counts the rows from 0 on, or numbers rows that a column names.
        type : str, optional
            "roi_table" (regions; ``x_micrometer``, ``len_x_micrometer`` …), "masking_roi_table"
            and "feature_table" (one row per label), "condition_table" (one per well or image),
            or any other.
        backend : {"csv", "json", "parquet", "anndata"}
            How it is stored. CSV has no types: integers with gaps come back as floats. JSON has
            no infinity, and refuses it.
        label : str, optional
            The label image that the rows are about.
        overwrite : bool
            Whether a table of that name is replaced.
        **members
            More for the table's own attributes.

        Raises
        ------
        ExistsError
            If there is such a table, and it is not to be replaced.
        DTypeError
            If a column holds what is neither number, boolean nor text, or the backend has no
            word for a value, or the index has the name of a column.
        DocumentError
            If a table of regions or labels lacks the columns that make it one.
        MissingNodeError
            If there is no such label image; a :class:`KeyError`.
        EngineError, MissingDependencyError, PathError
            If there is no such backend, it needs a package that is not installed, or the name is
            not allowed.
        """
        self._session.check_writable()
        parent, way = self._owner(name), backend_named(arguments.text(backend, "backend"))
        path = _check_name(arguments.name(name, "name"))
        _check_frame(frame)
        known = parent._label_names() if isinstance(parent, MultiscaleNode) else ()
        if label is not None and label not in known:
            raise MissingNodeError(label, f"labels of {parent.url}", known)
        flat, key = flat_table(frame, type)
        attrs = {
            **way.attributes(),
            "backend": backend,
            **said_of(flat, key, type),
            **({} if label is None else {"region": {"path": f"../labels/{label}"}}),
            **({"instance_key": key} if type in OF_LABELS else {}),
            **members,
        }
        replaces = overwrite or self._session.overwriting
        if path in self._names() and not replaces:
            raise self._exists(path)
        self._put(path, flat, key, attrs, replaces=replaces)

    def put(self, name: str, frame: pd.DataFrame, info: JsonObject) -> None:
        """Write a table that says of itself what another one says, replacing none.

        Parameters
        ----------
        name : str
            What to call it; it may be listed already, but not exist.
        frame : pandas.DataFrame
            As read from the other.
        info : dict
            What :meth:`info` says of the other.

        Raises
        ------
        ExistsError
            If there is such a table.
        """
        self._session.check_writable()
        _check_frame(frame)
        arguments.one_of(info, dict, "info")
        flat, key = flat_table(frame, info.get("type"))
        path = _check_name(arguments.name(name, "name"))
        self._put(path, flat, key, info, replaces=not self._group.group(name).exists())

    def _put(
        self,
        path: str,
        flat: pd.DataFrame,
        key: str | None,
        attrs: JsonObject,
        *,
        replaces: bool,
    ) -> None:
        """Write a table and list it, in one edit of the parent's group."""
        way = backend_named(str(attrs["backend"]))
        place, store = join(FOLDER, path), writable(self._group.store)
        with Transaction(self._owner(path)._group) as edit:
            if path in self._names() and not replaces:
                raise self._exists(path)
            if self._group.group(path).exists():
                edit.replace(place)
            staged = edit.stage(place)
            for document, value in group_documents(staged, self._group.zarr_format, attrs):
                store.set(document, value)
            try:
                way.write(store, staged, self._group.zarr_format, flat, key)
            except DTypeError as error:
                raise DTypeError(f"table {path!r}: {error}") from error
            names = tuple(dict.fromkeys([*self._names(), path]))
            edit.put_attrs(FOLDER, self._dump(names, self._attrs()))

    def _exists(self, name: str) -> ExistsError:
        return ExistsError(
            f"there is a table {name!r} in {self.url}; replace it with "
            f"tables.write({name!r}, frame, overwrite=True)"
        )

    def _owner(self, key: object) -> NGFFNode:
        if self._parent is None:
            raise MissingNodeError(
                key, f"tables {self.url}", (), "Open the position or plate to change its tables."
            )
        return self._parent

    def __delitem__(self, key: Any) -> None:
        """Delete a table.

        Parameters
        ----------
        key : str
            Its name.

        Raises
        ------
        MissingNodeError
            If there is no such table; a :class:`KeyError`.
        """
        self._session.check_writable()
        name = "/".join(self._split(key))
        with Transaction(self._owner(name)._group) as edit:
            if name not in self._names():
                raise self._missing(name)
            if self._group.group(name).exists():
                edit.delete(join(FOLDER, name))
            names = tuple(other for other in self._names() if other != name)
            edit.put_attrs(FOLDER, self._dump(names, self._attrs()))

    # ---- how it looks -------------------------------------------------------------------------

    def _summary(self, *, brief: bool = False) -> Summary:
        from iohub.nodes import summaries

        head = summaries.head(self)
        try:
            names = list(self._parsed_document() or ())
            rows = [] if brief or self._session.closed else [self._row(name) for name in names]
        except IohubError as error:
            return PageSummary(**head, problems=(str(error),), says=("unreadable",))
        columns = tuple(map(Column, ("table", "type", "backend", "index", "labels", "problem")))
        page = (Table("tables", columns, tuple(rows)).trimmed(),) if rows else ()
        says = (", ".join(names[:5]) + (", …" if len(names) > 5 else ""),) if names else ("none",)
        return PageSummary(**head, says=says, page=page)

    def _row(self, name: str) -> tuple[str, ...]:
        try:
            attrs = self._table(name).attrs()
        except IohubError as error:
            return (name, "", "", "", "", str(error).splitlines()[0])
        said = [str(attrs.get(member) or "") for member in ("type", "backend", "index_key")]
        return (name, *said, region_of(attrs).rpartition("labels/")[2], "")

    def _tree(self, level: int | None) -> TreeSummary:
        names = self._names() if level != 0 else []
        return TreeSummary(self.name or "/", children=tuple(TreeSummary(name) for name in names))


def with_text_arrays(tables: Tables) -> list[str]:
    """Return the tables that hold arrays of text, which the formats of Zarr spell differently."""
    backends = {name: str(tables.info(name).get("backend", "anndata")) for name in tables}
    return [name for name, backend in backends.items() if backend.startswith("anndata")]


def region_of(attrs: JsonObject) -> str:
    """Return the path of the label image that a table is about, "" if it says none."""
    region = attrs.get("region")
    path = region.get("path") if isinstance(region, dict) else None
    return path if isinstance(path, str) else ""


def moved_regions(image: ZarrGroup, old: str, new: str) -> Iterator[tuple[str, JsonObject]]:
    """Path and new attributes of each table that is about a label image which is renamed.

    Parameters
    ----------
    image : ZarrGroup
        The position's group.
    old, new : str
        Path of the label image before and now.
    """
    tables = image.group(FOLDER)
    if not tables.exists():
        return
    names = [name for name in tables.attrs().get(FOLDER) or () if isinstance(name, str)]
    for name, group in zip(names, tables.load_groups(names), strict=True):
        if isinstance(group, IohubError):
            continue  # what cannot be read refers to nothing
        attrs = group.attrs()
        if region_of(attrs) == f"../labels/{old}":
            region = {**attrs["region"], "path": f"../labels/{new}"}
            yield join(FOLDER, name), {**attrs, "region": region}


def _check_name(name: str) -> str:
    path = check_array_path(name)
    if "/" in path:
        raise PathError(f"{name!r} cannot name a table: a name has no '/'")
    return path


def _check_frame(frame: object) -> None:
    import pandas as pd

    arguments.one_of(frame, pd.DataFrame, "frame")
