"""The rows of a table by name: which column is the index, and what its group says of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iohub.errors import DocumentError, DTypeError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from iohub.types import JsonObject

TABLE_VERSION = "1"

# The column that names the rows, by type of table.
_KEYS = {"roi_table": "FieldIndex", "masking_roi_table": "label", "feature_table": "label"}
OF_LABELS = ("masking_roi_table", "feature_table")
_INDEX = "index"  # what an index is called that has no name
_ROI = ("x_micrometer", "y_micrometer", "len_x_micrometer", "len_y_micrometer")


def flat_table(frame: pd.DataFrame, type: str | None) -> tuple[pd.DataFrame, str | None]:
    """Return a table with its index as the first column, and the name of that column.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table.
    type : str or None
        Of the table; says which column is the index where the table itself has no named one.

    Raises
    ------
    DocumentError
        If it lacks columns that make it a table of that type.
    DTypeError
        If the index has gaps, or the name of a column.
    """
    usual = _KEYS.get(type or "")
    names = [str(name) for name in frame.index.names if name is not None]
    if len(frame.index.names) > 1:
        flat, key = _with_index(frame), None
    elif names:
        flat, key = _with_index(frame), names[0]
    elif usual in frame.columns:
        # Numbers of rows that a selection left over say nothing beside that column.
        is_left_over = frame.index.dtype.kind in "iu"
        flat, key = frame if is_left_over else _with_index(frame.rename_axis(_INDEX)), usual
    elif usual is not None and usual != "label":
        flat, key = _with_index(frame.rename_axis(usual)), usual
        flat[usual] = flat[usual].astype(str)
    elif usual is None and not _counts_rows(frame):
        flat, key = _with_index(frame.rename_axis(_INDEX)), _INDEX
    else:
        flat, key = frame, None
    flat = flat.rename(columns=str)
    _check_columns(flat, key, type)
    return flat, key


def _counts_rows(frame: pd.DataFrame) -> bool:
    """Whether the index is what pandas makes up itself, from 0 on."""
    return frame.index.dtype.kind in "iu" and frame.index.tolist() == list(range(len(frame)))


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    twice = [name for name in frame.index.names if name in frame.columns]
    if twice:
        raise DTypeError(
            f"the index and a column are both called {twice[0]!r}: give the index another name, "
            "as in frame.rename_axis('row')"
        )
    return frame.reset_index()


def _check_columns(flat: pd.DataFrame, key: str | None, type: str | None) -> None:
    wanted = _ROI if type in ("roi_table", "masking_roi_table") else ()
    problems = [
        Problem(f"/{name}", f"is a column that a {type} has", "table-column")
        for name in wanted
        if name not in flat.columns
    ]
    if type in OF_LABELS and (key is None or flat[key].dtype.kind not in "iu"):
        text = f"a {type} has the label of each row as integer index, or as column 'label'"
        problems.append(Problem("/label", text, "table-column"))
    if problems:
        raise DocumentError(problems)
    if key is not None and flat[key].isna().any():
        raise DTypeError(f"the index {key!r} has missing values")


def said_of(flat: pd.DataFrame, key: str | None, type: str | None) -> JsonObject:
    """Return what a table's group says of its index and type.

    Parameters
    ----------
    flat : pandas.DataFrame
        The table with its index as a column.
    key : str or None
        That column.
    type : str or None
        Of the table.
    """
    said: JsonObject = {}
    if key is not None:
        kind = flat[key].dtype.kind
        said["index_key"] = key
        if kind not in "fb":  # for these there is no word
            said["index_type"] = "int" if kind in "iu" else "str"
    return said if type is None else {**said, "table_version": TABLE_VERSION, "type": type}


def indexed(frame: pd.DataFrame, attrs: JsonObject, source: str) -> pd.DataFrame:
    """Return a table indexed as it says.

    Parameters
    ----------
    frame : pandas.DataFrame
        As a backend reads it.
    attrs : dict
        What the table's group says.
    source : str
        Where it is from, for messages.

    Raises
    ------
    DocumentError
        If the index should be integers and is not.
    """
    key = attrs.get("index_key")
    if not isinstance(key, str) or key not in frame.columns:
        return frame
    column = frame[key]
    if attrs.get("index_type") == "int" and column.dtype.kind not in "iu":
        try:
            frame = frame.assign(**{key: column.astype("float64").astype("int64")})
        except (TypeError, ValueError) as error:
            text = f"{key!r} should be integers: {error}"
            raise DocumentError([Problem(f"/{key}", text, "table-index")], source) from error
    elif attrs.get("index_type") == "str":
        frame = frame.assign(**{key: column.astype("str")})
    return frame.set_index(key)
