"""Aliases for the values that cross room borders; no code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np

Mode: TypeAlias = Literal["r", "r+", "a", "w", "w-"]
Layout: TypeAlias = Literal["auto", "fov", "hcs", "tiled", "series", "scene"]
Version: TypeAlias = Literal["0.4", "0.5", "0.6"]
PyramidMethod: TypeAlias = Literal["mean", "median", "mode", "min", "max", "stride"]

PositionSpec: TypeAlias = (
    tuple[str, str, str]
    | tuple[str, str, str, int | None]
    | tuple[str, str, str, int | None, int | None]
    | tuple[str, str, str, int | None, int | None, int]
)
"""Row, column, position[, index of the row[, index of the column[, acquisition]]]."""

Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]
JsonMapping: TypeAlias = Mapping[str, Any]

PathLikeStr: TypeAlias = str | PathLike[str]
Shape: TypeAlias = tuple[int, ...]
ShapeLike: TypeAlias = Sequence[int]
Region: TypeAlias = tuple[slice, ...]
NDArray: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
