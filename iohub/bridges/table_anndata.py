"""Tables in the layout of AnnData on Zarr, read and written without that library.

Floats are the matrix ``X``, everything else is in ``obs``. Source: the on-disk format of AnnData,
encodings ``anndata`` 0.1.0, ``dataframe`` 0.2.0, ``array`` and ``string-array`` 0.2.0, and the
``nullable-…`` ones 0.1.0.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.bridges.table_columns import Column, columns_of
from iohub.errors import DocumentError, Problem
from iohub.storage.array import ZarrArray
from iohub.storage.documents import encode_document
from iohub.storage.hierarchy import group_documents
from iohub.storage.keys import join
from iohub.storage.spec import ArraySpec
from iohub.storage.text_arrays import encode_text, text_documents

if TYPE_CHECKING:
    import pandas as pd

    from iohub.storage.group import ZarrGroup
    from iohub.storage.protocol import WritableByteStore
    from iohub.types import NDArray

ROOT = {"encoding-type": "anndata", "encoding-version": "0.1.0"}
"""Attributes of the table's group."""

_INDEX = "_index"  # what the index is called if it has no name
_EMPTY = ("layers", "obsm", "obsp", "uns", "varm", "varp")
_NULLABLE = {"int": "nullable-integer", "bool": "nullable-boolean", "text": "nullable-string-array"}


class _Writer:
    """Writes elements below one group."""

    def __init__(self, store: WritableByteStore, path: str, zarr_format: int):
        self._store, self._path, self._format = store, path, zarr_format

    def group(self, name: str, kind: str, version: str = "0.1.0", **more: Any) -> None:
        attrs = {"encoding-type": kind, "encoding-version": version, **more}
        for key, value in group_documents(join(self._path, name), self._format, attrs):
            self._store.set(key, value)

    def array(self, name: str, values: NDArray) -> None:
        attrs = {"encoding-type": "array", "encoding-version": "0.2.0"}
        spec = ArraySpec.create(
            values.shape,
            values.dtype,
            zarr_format=self._format,
            chunks=[max(1, n) for n in values.shape],
            attributes=attrs,
        )
        place = join(self._path, name)
        for key, value in spec.documents().items():
            self._store.set(join(place, key), value)
        if values.size:
            whole = tuple(slice(0, n) for n in values.shape)
            ZarrArray(self._store, place, spec).write(whole, np.ascontiguousarray(values))

    def texts(self, name: str, values: Sequence[str]) -> None:
        place, count = join(self._path, name), len(values)
        attrs = {"encoding-type": "string-array", "encoding-version": "0.2.0"}
        documents = text_documents([count], [max(1, count)], self._format, attrs)
        for key, document in documents.items():
            self._store.set(join(place, key), encode_document(document, place))
        if values:
            chunk = "c/0" if self._format == 3 else "0"
            self._store.set(join(place, chunk), encode_text(values))

    def column(self, name: str, column: Column) -> None:
        values, missing = column.values, column.missing
        text = column.kind == "text"
        if missing is None:
            self.texts(name, values.tolist()) if text else self.array(name, values)
            return
        more = {"na-value": "NaN"} if text else {}
        self.group(name, _NULLABLE[column.kind], **more)
        inner = join(name, "values")
        self.texts(inner, values.tolist()) if text else self.array(inner, values)
        self.array(join(name, "mask"), missing)


def write(
    store: WritableByteStore, path: str, zarr_format: int, frame: pd.DataFrame, key: str | None
) -> None:
    """Write a table below a group, whose own attributes are the caller's.

    Parameters
    ----------
    store : WritableByteStore
        The bytes.
    path : str
        Path of the table's group in the store.
    zarr_format : {2, 3}
        Of all documents.
    frame : pandas.DataFrame
        The table; its index is not written.
    key : str or None
        The column that is the index of ``obs``; it is stored as text. Row numbers if None.

    Raises
    ------
    DTypeError
        If a column holds what is neither number, boolean nor text.
    """
    columns = columns_of(frame)
    writer = _Writer(store, path, zarr_format)
    matrix = [column for column in columns if column.kind == "float" and column.name != key]
    rest = [column for column in columns if column not in matrix and column.name != key]
    index = next((column for column in columns if column.name == key), None)
    count = len(frame)
    labels = [str(i) for i in range(count)] if index is None else list(map(str, index.cells()))
    for name in _EMPTY:
        writer.group(name, "dict")
    values = np.empty((count, len(matrix)))
    for i, column in enumerate(matrix):
        values[:, i] = column.values
    writer.array("X", values)
    _write_frame(writer, "obs", key or _INDEX, labels, rest)
    _write_frame(writer, "var", _INDEX, [column.name for column in matrix], [])


def _write_frame(
    writer: _Writer, name: str, key: str, labels: Sequence[str], columns: Sequence[Column]
) -> None:
    order = [column.name for column in columns]
    writer.group(name, "dataframe", "0.2.0", _index=key, **{"column-order": order})
    writer.texts(join(name, key), labels)
    for column in columns:
        writer.column(join(name, column.name), column)


def read(group: ZarrGroup) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    group : ZarrGroup
        The table's group.

    Returns
    -------
    pandas.DataFrame
        Columns of ``obs``, then those of ``X``; an index that has a name is its first column, as
        text.

    Raises
    ------
    DocumentError
        If an element is missing or encoded in a way that is not read here.
    """
    import pandas as pd

    root = group.zarr_group()
    with warnings.catch_warnings():
        # Text is not yet in the specification of Zarr v3, and zarr says so at every array.
        warnings.simplefilter("ignore")
        try:
            key, labels, columns = _frame(root["obs"], group)
            _, names, _ = _frame(root["var"], group)
            matrix = _element(root["X"], group) if "X" in root else None
        except KeyError as error:
            text = f"{error} is missing; a table of AnnData has obs, var and X"
            raise DocumentError([Problem("", text, "anndata")], group.url) from error
    found: dict[str, Any] = {} if key == _INDEX else {key: labels}
    found.update(columns)
    for i, name in enumerate(names):
        if matrix is not None:
            found[str(name)] = matrix[:, i]
    return pd.DataFrame(found, index=pd.RangeIndex(len(labels)))


def _frame(group: Any, source: ZarrGroup) -> tuple[str, Any, dict[str, Any]]:
    attrs = dict(group.attrs)
    key = str(attrs.get("_index", _INDEX))
    columns = {str(name): _element(group[name], source) for name in attrs.get("column-order") or ()}
    return key, _element(group[key], source), columns


def _element(node: Any, source: ZarrGroup) -> Any:
    """Return a column or the matrix."""
    import pandas as pd

    kind = str(node.attrs.get("encoding-type", "array"))
    if hasattr(node, "shape"):
        values = np.asarray(node[...])
        return values if kind != "string-array" else pd.Series(values.astype(object), dtype="str")
    if kind == "categorical":
        codes = np.asarray(node["codes"][...])
        categories = _element(node["categories"], source)
        ordered = bool(node.attrs.get("ordered", False))
        return pd.Categorical.from_codes(codes, pd.Index(categories), ordered=ordered)
    if kind in _NULLABLE.values():
        values, mask = _element(node["values"], source), np.asarray(node["mask"][...], dtype=bool)
        if kind == "nullable-string-array":
            return pd.Series(values, dtype="str").mask(mask)
        dtype = "boolean" if kind == "nullable-boolean" else _nullable(values.dtype)
        return pd.Series(values).astype(dtype).mask(mask)
    text = f"{node.name} is encoded as {kind!r}; read it with the anndata library"
    raise DocumentError([Problem("", text, "anndata")], source.url)


def _nullable(dtype: np.dtype[Any]) -> str:
    name = dtype.name
    return name.replace("uint", "UInt") if name.startswith("u") else name.replace("int", "Int")
