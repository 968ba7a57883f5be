"""The rows of the benchmarks about archives: `.ozx` beside the same image in a directory."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from bench_pixels import LAYOUTS, SHAPE, pixels
from bench_report import Report, medians

from iohub import get_options, open_ome_zarr, set_options


def _create(path: Path, layout: str, data: np.ndarray) -> None:
    chunks, ratio = LAYOUTS[layout]
    with open_ome_zarr(
        path, layout="fov", mode="w", channel_names=["DAPI", "GFP"], version="0.5"
    ) as position:
        position.create_image("0", data, chunks=chunks, shards_ratio=ratio)


def _read(path: Path, *key: Any) -> np.ndarray:
    with open_ome_zarr(path) as position:
        return np.asarray(position["0"][key or ...])


def archives(report: Report, folder: Path, repeats: int) -> None:
    """An image written, closed, and read wholly and plane by plane."""
    data = pixels()
    size = f"{data.nbytes / 1e6:.0f} MB uint16"
    pools = [get_options().pool_bytes]
    path, packed, other = folder / "a.zarr", folder / "a.ozx", folder / "new"

    def clean() -> None:
        shutil.rmtree(other, ignore_errors=True)
        other.mkdir()

    for layout in LAYOUTS:
        processor: dict[str, float] = {}
        writes = {
            "directory": lambda layout=layout: _create(other / "b.zarr", layout, data),
            "ozx": lambda layout=layout: _create(other / "b.ozx", layout, data),
        }
        found = medians(writes, repeats, before=clean, processor=processor)
        _add(report, f"write {size} as .ozx, {layout}", found, processor)
        for target in (path, packed):
            _create(target, layout, data)
            assert np.array_equal(_read(target), data)
        reads = {"directory": lambda: _read(path), "ozx": lambda: _read(packed)}
        found = medians(reads, repeats, processor=processor)
        _add(report, f"read {size} of .ozx, {layout}", found, processor)

        def planes(path: Path) -> None:
            pools[0] += 1  # another pool of decoded chunks, without those of the last run
            with set_options(pool_bytes=pools[0]), open_ome_zarr(path) as position:
                for z in range(0, SHAPE[2], 4):
                    position["0"][0, 1, z]

        reads = {"directory": lambda: planes(path), "ozx": lambda: planes(packed)}
        found = medians(reads, repeats, processor=processor)
        _add(report, f"16 planes one by one of .ozx, {layout}", found, processor)


def _add(report: Report, what: str, found: dict[str, float], processor: dict[str, float]) -> None:
    ratio = found["directory"] / found["ozx"]
    worked = processor["directory"] / processor["ozx"]
    figures = {**found, "ratio of processor time": worked}
    report.add(what, ">= 0.9 x the directory", ratio, figures)


ROWS = {"archives": archives}
