"""Doors to dask and xarray; the only rooms that import them."""
