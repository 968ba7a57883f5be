"""Benchmarks of the validator: beside reading the documents, and beside other validators.

    python scripts/bench_validate.py [--wells N] [--repeats N] [--folder DIR]

Prints one line of JSON per row, then a table. Peers that are not installed are left out: pip
install ome-zarr-models yaozarrs. Ratios count, not seconds: all contestants of a row take turns.
Other validators look at less: of a plate, ome-zarr-models at the wells and at no image.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from bench_report import Report, medians

from iohub import open_ome_zarr
from iohub.models import validate

DOCUMENTS = {"zarr.json", ".zgroup", ".zattrs", ".zarray"}
PIXELS = np.zeros((1, 2, 4, 32, 32), "uint16")


class SlowStore(zarr.storage.WrapperStore[Any]):
    """A store that answers each request after a while, as one that is far away."""

    delay = 0.005

    async def get(self, *args: Any, **kwargs: Any) -> Any:
        """Wait, and read."""
        await asyncio.sleep(self.delay)
        return await super().get(*args, **kwargs)


def peer(name: str) -> Any:
    """Return another validator, None if it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name) if importlib.util.find_spec(name) else None


def write_image(path: Path, version: str) -> None:
    """Write an image of four levels."""
    with open_ome_zarr(
        path, layout="fov", mode="w", channel_names=["DAPI", "GFP"], version=version
    ) as node:
        node.create_image("0", PIXELS)
        node.compute_pyramid(levels=4)


def write_plate(path: Path, version: str, wells: int) -> None:
    """Write a plate of one field of two levels per well."""
    with open_ome_zarr(
        path, layout="hcs", mode="w", channel_names=["DAPI", "GFP"], version=version
    ) as plate:
        places = [(chr(65 + i // 24), str(i % 24 + 1), "0") for i in range(wells)]
        for position in plate.create_positions(places):
            position.create_image("0", PIXELS)
            position.compute_pyramid(levels=2)


def read_documents(path: Path) -> Callable[[], None]:
    """Return a function that reads and parses every document of a store, and no more."""
    files = [str(file) for file in path.rglob("*") if file.name in DOCUMENTS]

    def read() -> None:
        for name in files:
            with open(name, "rb") as file:
                json.loads(file.read())

    return read


def open_nodes(path: Path) -> None:
    """Open every position of a plate, and look at the shape of every level."""
    with open_ome_zarr(path) as plate:
        for _, position in plate.positions():
            for _, image in position.images():
                bool(image.shape)


def with_peers(path: Path, *, plate: bool) -> dict[str, Callable[[], object]]:
    """Return the validators that are there."""
    found: dict[str, Callable[[], object]] = {"iohub": lambda: validate(path)}
    models, yaozarrs = peer("ome_zarr_models"), peer("yaozarrs")
    if models is not None:

        def look() -> None:
            group = models.open_ome_zarr(zarr.open_group(path, mode="r"))
            if plate:
                list(group.well_groups)

        found["ome-zarr-models"] = look
    if yaozarrs is not None:
        found["yaozarrs"] = lambda: yaozarrs.validate_zarr_store(str(path))
    return found


def compare(report: Report, what: str, path: Path, repeats: int, *, plate: bool) -> None:
    """Add a row for each validator that is there."""
    contestants = with_peers(path, plate=plate)
    found = medians(contestants, repeats)
    for name in list(contestants)[1:]:
        ratio = found["iohub"] / found[name]
        pair = {"iohub": found["iohub"], name: found[name]}
        report.add(f"{what}", f"<= 1 x {name}", ratio, pair)


def documents(report: Report, what: str, path: Path, repeats: int) -> None:
    """Add rows for a plate beside reading its documents, and beside opening its nodes."""
    contestants = {
        "validate": lambda: validate(path),
        "read": read_documents(path),
        "nodes": lambda: open_nodes(path),
    }
    found = medians(contestants, repeats)
    ratio = found["validate"] / found["read"]
    report.add(f"{what}: all documents", "<= 2 x json.load of each", ratio, found)
    report.add(f"{what}: nodes", "<= 2 x opening all", found["validate"] / found["nodes"], found)


def far_away(report: Report, path: Path, wells: int, repeats: int) -> None:
    """Add a row for a store with a delay: reading one document after the other beside it."""
    memory = zarr.storage.MemoryStore()
    buffer = zarr.core.buffer.default_buffer_prototype().buffer
    count = 0
    for file in path.rglob("*"):
        if file.is_file():
            key = file.relative_to(path).as_posix()
            asyncio.run(memory.set(key, buffer.from_bytes(file.read_bytes())))
            count += file.name in DOCUMENTS
    slow = SlowStore(memory)
    found = medians({"validate": lambda: validate(slow)}, repeats)
    found["one by one"] = count * slow.delay
    ratio = found["validate"] / found["one by one"]
    report.add(f"plate of {wells}, far away", "<= 0.2 x one by one", ratio, found)


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wells", type=int, default=384)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where to make the temporary folder")
    options = parser.parse_args()
    report = Report()
    begun = time.perf_counter()
    folder = Path(tempfile.mkdtemp(prefix="iohub-bench-", dir=options.folder))
    try:
        for version in ("0.4", "0.5", "0.6"):
            image, plate = folder / f"image{version}.zarr", folder / f"plate{version}.zarr"
            write_image(image, version)
            write_plate(plate, version, options.wells)
            name = f"{version}, plate of {options.wells}"
            documents(report, name, plate, options.repeats)
            if version != "0.6":
                compare(report, f"{version}, image", image, options.repeats, plate=False)
                compare(report, name, plate, max(1, options.repeats // 3), plate=True)
        far_away(report, folder / "plate0.5.zarr", options.wells, 3)
    finally:
        shutil.rmtree(folder)
    print(f"\n{report.table()}\n\n{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
