"""Tiles to images: iohub beside the public package and TensorStore, in one run.

    python scripts/bench_tiles.py [--peer PYTHON] [--folder /dev/shm] [--repeats 3]

PYTHON is an interpreter with ome-zarr-converters-tools 1.1.1 in an environment of its own; without
it only iohub is measured. Contestants of a row take turns, and the best round of each counts, since
other work on the machine only adds time. The image is a 4 × 4 grid 1024 × 1024 pixels with 2
channels and 4 planes (268 MB), from memory or from 128 TIFF files, written with five levels,
contrast limits and tables, Blosc with LZ4.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import bench_tiles_work as work
import numpy as np
from bench_report import Report, medians

OURS, THEIRS = "iohub.tiles", "ome_zarr_converters_tools"
MODES = ("By FOV", "By FOV (Using Dask)", "By Tile (Using Dask)", "In Memory")


class Peer:
    """The public package in a process of its own."""

    def __init__(self, python: str, package: str = THEIRS):
        self._process = subprocess.Popen(
            [python, work.__file__, package],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.imported = float(self._answer())
        """How long its import took [s]."""

    def __call__(self, name: str, **arguments: Any) -> Any:
        """Have a function of the work done; return its result."""
        assert self._process.stdin is not None
        print(json.dumps([name, arguments]), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


Seconds = tuple[float, float]


def turns(contestants: dict[str, Callable[[], Seconds]], repeats: int) -> dict[str, float]:
    """Return the least seconds, and processor seconds, that each says it took, taking turns."""
    found: dict[str, list[Seconds]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, run in contestants.items():
            found[name].append(run())
    least = {name: min(wall for wall, _ in values) for name, values in found.items()}
    worked = {f"{name} (cpu)": min(cpu for _, cpu in values) for name, values in found.items()}
    return least | worked


def images(report: Report, folder: str, repeats: int, peer: Peer | None) -> None:
    """Whole images, from memory and from files."""
    sources = Path(folder, "files")
    sources.mkdir()
    work.files(str(sources))
    for what, source, factor in (("memory", None, 5), ("TIFF files", str(sources), 4)):
        where: dict[str, Any] = {"out": f"{folder}/out.zarr", "folder": source}
        contestants: dict[str, Callable[[], Seconds]] = {
            "iohub": partial(work.write, OURS, **where)
        }
        if peer is not None:
            first = {m: peer("write", mode=m, **where)[0] for m in MODES}
            best = min(first, key=first.__getitem__)
            contestants[best] = partial(peer, "write", mode=best, **where)
        contestants["iohub"]()
        found = turns(contestants, repeats)
        ratio = found[best] / found["iohub"] if peer is not None else 0.0
        report.add(f"16 × 8 tiles from {what}", f">= {factor} x", ratio, found)
        shutil.rmtree(where["out"], ignore_errors=True)


def level_zero(report: Report, folder: str, repeats: int) -> None:
    """Level 0 of tiles, beside TensorStore writing the same pixels at once."""
    import tensorstore as ts

    from iohub import open_ome_zarr
    from iohub.tiles.layout import TileTable
    from iohub.tiles.planning import plan_assembly
    from iohub.tiles.register import register
    from iohub.tiles.write import write_image

    grid = work.grid(4, 2, 4)
    table = TileTable.of(
        [name for name, *_ in grid],
        [(0, c, z, y, x) for _, y, x, c, z in grid],
        [(1, 1, 1, 1024, 1024)] * len(grid),
    )
    loaders = work.tiles(OURS, None)
    plan = plan_assembly(register(table), axes="czyx", dtype="uint16", levels=1)
    pixels = np.empty(plan.shape, np.uint16)
    for tile in range(len(plan.fov)):
        pixels[plan.region(tile)] = loaders[tile].image_loader.load_data()
    out = f"{folder}/level.zarr"

    def ours() -> None:
        with open_ome_zarr(
            out, layout="fov", mode="w-", version="0.4", channel_names=["a", "b"]
        ) as image:
            write_image(image, plan, [tile.image_loader for tile in loaders])

    def theirs() -> None:
        spec = {
            "driver": "zarr",
            "kvstore": {"driver": "file", "path": out},
            "metadata": {
                "shape": plan.shape,
                "chunks": plan.chunks,
                "dtype": "<u2",
                "dimension_separator": "/",
                "compressor": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1},
            },
        }
        ts.open(spec, create=True).result().write(pixels).result()

    found = medians(
        {"iohub": ours, "tensorstore": theirs},
        repeats + 2,
        before=lambda: shutil.rmtree(out, ignore_errors=True),
    )
    ratio = found["tensorstore"] / found["iohub"]
    report.add("level 0 alone, of tiles", ">= 0.7 of tensorstore", ratio, found)


def planning(report: Report, repeats: int, peer: Peer | None) -> None:
    """Many tiles in one image: 50,000 as arrays, 2,025 as models."""
    from iohub.tiles.layout import TileTable
    from iohub.tiles.planning import plan_assembly
    from iohub.tiles.register import register

    grid = work.grid(224, 1, 1)
    starts = np.array([(0, c, z, y, x) for _, y, x, c, z in grid], float)
    names = [name for name, *_ in grid]

    def plan() -> None:
        table = TileTable.of(names, starts, np.broadcast_to([1, 1, 1, 1024.0, 1024], starts.shape))
        plan_assembly(register(table), axes="yx", dtype="uint16")

    found = medians({"50,176 tiles": plan}, repeats)
    report.add("planning", "<= 1 s", found["50,176 tiles"], found)
    contestants: dict[str, Callable[[], Seconds]] = {"iohub": lambda: work.register(OURS)}
    if peer is not None:
        contestants["public"] = lambda: peer("register")
    found = turns(contestants, repeats)
    ratio = found["public"] / found["iohub"] if peer else 0.0
    report.add("registering 2,025 tiles of one image", ">= 10 x", ratio, found)


_MEMORY = """
import sys
import numpy as np
from iohub import open_ome_zarr
from iohub.tiles.layout import TileTable
from iohub.tiles.planning import plan_assembly
from iohub.tiles.register import register
from iohub.tiles.write import write_image
side, out = int(sys.argv[1]), sys.argv[2]
class Loader:
    def load_data(self, resource=None): return np.full((1024, 1024), 7, np.uint16)
    def probe(self, resource=None): return (1024, 1024), np.dtype(np.uint16)
    def describe_source(self, resource=None): return "made"
names = [f"F{y}-{x}" for y in range(side) for x in range(side)]
starts = [(0, 0, 0, 973 * y, 973 * x) for y in range(side) for x in range(side)]
table = register(TileTable.of(names, starts, [(1, 1, 1, 1024, 1024)] * len(names)))
plan = plan_assembly(table, axes="yx", dtype="uint16")
def said(what):  # of this process alone; what getrusage says is inherited
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))
before = said("VmRSS")
with open_ome_zarr(out, layout="fov", mode="w-", version="0.4", channel_names=["a"]) as image:
    write_image(image, plan, [Loader()] * len(names), memory=64 << 20)
print(before, said("VmHWM"))
"""


def memory(report: Report, folder: str) -> None:
    """Peak memory of images of different size, in a process of their own."""
    grown = {}
    for side in (8, 16, 24):
        out = f"{folder}/memory-{side}.zarr"
        done = subprocess.run(
            [sys.executable, "-c", _MEMORY, str(side), out],
            capture_output=True,
            text=True,
            check=True,
        )
        before, after = map(int, done.stdout.split())
        grown[f"{side}² tiles ({2 * side * side} MB), MiB"] = (after - before) / 1024
        shutil.rmtree(out)
    figure = max(grown.values())
    report.add("memory, of 64 MiB of pixels and 64 MiB of tiles", "<= 256 MiB", figure, grown)


def imports(report: Report, peer: Peer | None) -> None:
    """How long the import takes."""
    code = (
        "import time; b = time.perf_counter(); import iohub.tiles; print(time.perf_counter() - b)"
    )
    ours = statistics.median(
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(3)
    )
    figures = {"iohub.tiles": ours} | ({"public": peer.imported} if peer else {})
    report.add("import", "<= 0.1 x", ours / peer.imported if peer else 0.0, figures)


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", help="an interpreter with the public package")
    parser.add_argument("--folder", help="where to make the temporary folder")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    report, begun = Report(), time.perf_counter()
    folder = tempfile.mkdtemp(prefix="iohub-bench-", dir=options.folder)
    peer = Peer(options.peer) if options.peer else None
    try:
        imports(report, peer)
        images(report, folder, options.repeats, peer)
        level_zero(report, folder, options.repeats)
        planning(report, options.repeats, peer)
        memory(report, folder)
    finally:
        if peer is not None:
            peer.close()
        shutil.rmtree(folder, ignore_errors=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print()
    print(report.table())
    print(f"\n{time.perf_counter() - begun:.0f} s on {os.cpu_count()} processors, {peak:.0f} MiB")


if __name__ == "__main__":
    main()
