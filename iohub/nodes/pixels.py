"""How pixels of any kind, arrays in memory or lazy ones, get into a new array."""

from __future__ import annotations

from typing import Any

from iohub.storage.array import ZarrArray
from iohub.storage.units import write_array


def write_pixels(values: Any, array: ZarrArray) -> None:
    """Write pixels of any kind into a new array, whole units at a time."""
    if hasattr(values, "dask"):
        from iohub.bridges import dask as bridge

        if bridge.is_dask(values):
            bridge.write_dask(values, array)
            return
    write_array(array, values)
