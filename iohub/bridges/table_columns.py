"""Columns of a pandas DataFrame as the plain kinds that every table backend can store."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from iohub.errors import DTypeError

if TYPE_CHECKING:
    import pandas as pd

    from iohub.types import NDArray

Kind = Literal["int", "float", "bool", "text"]

_KINDS: dict[str, Kind] = {"i": "int", "u": "int", "f": "float", "b": "bool"}
_INT64 = 1 << 63


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
        Its name.
    kind : {"int", "float", "bool", "text"}
        What it holds.
    values : numpy.ndarray
        One per row; where a value is missing anything, but NaN in floats.
    missing : numpy.ndarray or None
        Which are missing; None if none is, and for floats.
    """

    name: str
    kind: Kind
    values: NDArray
    missing: NDArray | None

    def cells(self) -> list[Any]:
        """Values as Python has them, None for what is missing."""
        values: list[Any] = self.values.tolist()
        if self.kind == "float":
            return [None if math.isnan(value) else value for value in values]
        if self.missing is None:
            return values
        return [None if gone else v for v, gone in zip(values, self.missing, strict=True)]


def columns_of(frame: pd.DataFrame) -> list[Column]:
    """Return the columns of a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        Numbers, booleans and text; also nullable ones, and categories of these.

    Raises
    ------
    DTypeError
        If a column holds anything else, or two columns have one name.
    """
    names = [str(name) for name in frame.columns]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise DTypeError(f"two columns are called {twice[0]!r}")
    return [_column(name, frame.iloc[:, index]) for index, name in enumerate(names)]


def _column(name: str, series: pd.Series[Any]) -> Column:
    dtype: Any = series.dtype
    if hasattr(dtype, "categories"):
        series = series.astype(dtype.categories.dtype if not series.hasnans else object)
        dtype = series.dtype
    gone = series.isna().to_numpy(dtype=bool)
    missing = gone if gone.any() else None
    kind = _KINDS.get(getattr(dtype, "kind", ""))
    if kind == "float":
        return Column(name, kind, series.to_numpy(dtype=np.float64, na_value=math.nan), None)
    if kind is not None:
        plain = series.fillna(False if kind == "bool" else 0) if missing is not None else series
        target = getattr(dtype, "numpy_dtype", dtype)
        return Column(name, kind, plain.to_numpy(dtype=target), missing)
    cells = series.tolist()
    kinds = {type(v) for v, no in zip(cells, gone, strict=True) if not no}
    if kinds <= {str}:
        text = np.array(["" if no else v for v, no in zip(cells, gone, strict=True)], dtype=object)
        return Column(name, "text", text, missing)
    plain_cells = getattr(dtype, "kind", "") == "O"
    if plain_cells and len(kinds) == 1 and kinds <= {int, bool, float}:
        return _column(
            name, typed_series([None if no else v for v, no in zip(cells, gone, strict=True)])
        )
    shown = ", ".join(sorted(k.__name__ for k in kinds))
    raise DTypeError(
        f"column {name!r} holds {shown if plain_cells else dtype}; tables hold numbers, "
        f"booleans and text: convert it, as in frame[{name!r}].astype(str)"
    )


def typed_series(values: Sequence[Any]) -> pd.Series[Any]:
    """Return a column in which integers and booleans stay what they are although some are missing.

    Parameters
    ----------
    values : sequence
        Plain values; None (or NaN among numbers) for what is missing.
    """
    import pandas as pd

    there = {type(value) for value in values if value is not None}
    if None not in values:
        return pd.Series(list(values))
    if there == {int} and all(value is None or -_INT64 <= value < _INT64 for value in values):
        return pd.Series(list(values), dtype="Int64")
    if there == {bool}:
        return pd.Series(list(values), dtype="boolean")
    return pd.Series(
        [math.nan if value is None and there <= {int, float} else value for value in values]
    )
