"""The ``iohub`` command: look at stores and repair them from a shell; no work of its own.

One file per command. Nothing here loads zarr, dask or xarray until a command opens a store.
"""

from __future__ import annotations

from iohub.cli.program import main

__all__ = ["main"]
