"""A part of an image, as a record of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from iohub.errors import ShapeError
from iohub.formats.ome_arrow.records import as_record, build, describe, native, stored


def slice_ome_arrow(
    data: dict[str, Any] | pa.StructScalar,
    x_min: int,
    x_max: int,
    y_min: int,
    y_max: int,
    t_indices: Iterable[int] | None = None,
    c_indices: Iterable[int] | None = None,
    z_indices: Iterable[int] | None = None,
    fill_missing: bool = True,
) -> pa.StructScalar:
    """Create a cropped copy of a record.

    Parameters
    ----------
    data : dict or pyarrow.StructScalar
        The record.
    x_min, x_max, y_min, y_max : int
        Half-open bounds [pixels].
    t_indices, c_indices, z_indices : iterable of int, optional
        What is kept, in rising order and each once; by default all.
    fill_missing : bool
        Whether planes that the record does not have are zero in the result, or missing there too.

    Returns
    -------
    pyarrow.StructScalar
        The new record, with the names of the channels that are kept.

    Raises
    ------
    ShapeError
        If the bounds are not within the image, or nothing is selected.
    """
    record = as_record(data)
    said = describe(record)
    _, _, _, height, width = said.shape
    for low, high, size, axis in ((x_min, x_max, width, "x"), (y_min, y_max, height, "y")):
        if not 0 <= low < high <= size:
            raise ShapeError(f"{axis} from {low} to {high} is not within 0 and {size}")
    wanted = (t_indices, c_indices, z_indices)
    kept = [
        _kept(given, size, axis)
        for given, size, axis in zip(wanted, said.shape[:3], "tcz", strict=True)
    ]
    found = stored(record, said.shape)
    values = native(found.read(), said.dtype)[..., y_min:y_max, x_min:x_max]
    if any(len(index) != size for index, size in zip(kept, said.shape[:3], strict=True)):
        values = values[np.ix_(*kept)]
    keep = None
    if not fill_missing:
        here = found.present()[np.ix_(*kept)]
        if not here.any():
            raise ShapeError("the record has none of the planes that are selected")
        keep = None if here.all() else here
    channels = tuple(
        {**said.channels[old], "id": f"ch-{new}"}
        for new, old in enumerate(kept[1])
        if old < len(said.channels)
    )
    t, c, z, y, x = values.shape
    part = replace(said, shape=(t, c, z, y, x), channels=channels, dtype=values.dtype.name)
    return build(part, values, keep=keep)


def _kept(given: Iterable[int] | None, size: int, axis: str) -> list[int]:
    if given is None:
        return list(range(size))
    kept = sorted({int(index) for index in given})
    outside = [index for index in kept if not 0 <= index < size]
    if outside:
        raise ShapeError(f"{axis} = {outside} is not within 0 and {size - 1}")
    if not kept:
        raise ShapeError(f"no {axis} is selected")
    return kept
