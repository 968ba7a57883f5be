"""Tables about tiles: regions of fields of view, the whole well, missing planes, conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.optional import need

if TYPE_CHECKING:
    import pandas as pd

    from iohub.tiles.assemble import AssemblyPlan
    from iohub.types import NDArray

FOV_TABLE = "FOV_ROI_table"
WELL_TABLE = "well_ROI_table"
MISSING_TABLE = "missing_planes"
CONDITIONS = "condition_table"

_UNITS = {"x": "micrometer", "y": "micrometer", "z": "micrometer", "t": "second"}


@dataclass(frozen=True)
class TableOf:
    """A table of a new image.

    Attributes
    ----------
    frame : pandas.DataFrame
        The table.
    type : str
        Such as "roi_table".
    backend : str
        How it is stored: "csv", "json", "parquet", "anndata".
    """

    frame: pd.DataFrame
    type: str
    backend: str = "csv"


def fov_table(plan: AssemblyPlan, originals: Mapping[str, NDArray] | None = None) -> pd.DataFrame:
    """Return where each field of view lies in the image.

    Parameters
    ----------
    plan : AssemblyPlan
        Of the image.
    originals : mapping of str to ndarray, optional
        By axis, where the stage had each field of view [micrometer].

    Returns
    -------
    pandas.DataFrame
        One row per field of view; ``x_micrometer``, ``len_x_micrometer``, ``t_second`` … from the
        image's corner, and ``x_micrometer_original`` …
    """
    starts, stops = plan.fov_boxes()
    return _regions(plan, plan.fov_names, starts, stops, originals)


def well_table(plan: AssemblyPlan) -> pd.DataFrame:
    """Return the region that is the whole image.

    Parameters
    ----------
    plan : AssemblyPlan
        Of the image.
    """
    first = np.zeros((1, len(plan.axes)), np.int64)
    return _regions(plan, ("image",), first, np.array([plan.shape]), None)


def missing_table(plan: AssemblyPlan) -> pd.DataFrame | None:
    """Return which planes of which field of view are missing; None if all are there.

    Parameters
    ----------
    plan : AssemblyPlan
        Of the image.

    Returns
    -------
    pandas.DataFrame
        One row per plane: ``fov_name`` and the indexes along t, c and z.
    """
    pandas = need("pandas", extra="tables", why="tables")
    valid = plan.validity()
    if valid.all():
        return None
    index = np.argwhere(~valid)
    columns: dict[str, Any] = {"fov_name": [plan.fov_names[row] for row in index[:, 0]]}
    for number, axis in enumerate(axis for axis in plan.axes if axis in "tcz"):
        columns[axis] = index[:, number + 1]
    frame: pd.DataFrame = pandas.DataFrame(columns)
    return frame


def condition_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return conditions as a table.

    Parameters
    ----------
    rows : iterable of mapping
        What is known of each image, such as row, column, acquisition, path_in_well and a drug;
        several values of one kind are joined by `` & ``.
    """
    pandas = need("pandas", extra="tables", why="tables")
    flat = [{name: _one(value) for name, value in row.items()} for row in rows]
    frame: pd.DataFrame = pandas.DataFrame(flat)
    return frame


def _one(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return value
    values = list(dict.fromkeys(value))
    return values[0] if len(values) == 1 else " & ".join(map(str, values))


def _regions(
    plan: AssemblyPlan,
    names: Iterable[str],
    starts: NDArray,
    stops: NDArray,
    originals: Mapping[str, NDArray] | None,
) -> pd.DataFrame:
    pandas = need("pandas", extra="tables", why="tables")
    columns: dict[str, Any] = {"FieldIndex": list(names)}
    lengths: dict[str, Any] = {}
    for axis in "xyzt":
        if axis not in plan.axes and axis == "t":
            continue
        unit = _UNITS[axis]
        if axis in plan.axes:
            at = plan.axes.index(axis)
            scale = plan.scale[at]
            columns[f"{axis}_{unit}"] = starts[:, at] * scale
            lengths[f"len_{axis}_{unit}"] = (stops[:, at] - starts[:, at]) * scale
        else:
            columns[f"{axis}_{unit}"] = np.zeros(len(starts))
            lengths[f"len_{axis}_{unit}"] = np.ones(len(starts))
    columns |= lengths
    for axis, values in (originals or {}).items():
        columns[f"{axis}_{_UNITS[axis]}_original"] = np.asarray(values, np.float64)
    frame: pd.DataFrame = pandas.DataFrame(columns).set_index("FieldIndex")
    return frame


def image_tables(
    plan: AssemblyPlan,
    *,
    originals: Mapping[str, Any] | None = None,
    conditions: Sequence[Mapping[str, Any]] | None = None,
    backend: str = "csv",
) -> dict[str, TableOf]:
    """Return the tables that belong to an image of tiles.

    Parameters
    ----------
    plan : AssemblyPlan
        The image.
    originals : mapping of str to ndarray, optional
        By axis, where the stage had each field of view [micrometer].
    conditions : sequence of mapping, optional
        What is known of the image.
    backend : {"csv", "json", "parquet", "anndata"}
        How tables of regions are stored; others are CSV.
    """
    tables = {}
    if len(plan.fov_names) > 1:
        frame = fov_table(plan, originals)
        tables[FOV_TABLE] = TableOf(frame, "roi_table", backend)
    tables[WELL_TABLE] = TableOf(well_table(plan), "roi_table", backend)
    missing = missing_table(plan)
    if missing is not None:
        tables[MISSING_TABLE] = TableOf(missing, "generic_table")
    if conditions:
        frame = condition_table(conditions)
        tables[CONDITIONS] = TableOf(frame, "condition_table")
    return tables
