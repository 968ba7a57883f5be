"""Benchmarks of nodes: each figure of iohub beside its peers, or raw limits, in the same run.

    python scripts/bench_nodes.py [--only WORDS] [--repeats N] [--folder DIR]

Prints one line of JSON per row, then a table. Ratios count, not seconds: all contestants of a row
take turns. Everything is written to a temporary folder that is removed at the end. What is on disk
is in the system's cache, so decoding, copying and system calls are measured, not the disk.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import bench_pixels
import zarr
from bench_report import Report, children, medians, run

from iohub import open_ome_zarr
from iohub.ngff.models import TransformationMeta

SHAPE = (1, 2, 5, 64, 64)


def imports(report: Report, folder: Path, repeats: int) -> None:
    """`import iohub` beside `import zarr`."""
    timed = (
        "import json, sys, time\nstart = time.perf_counter()\n{}\n"
        "print(json.dumps(dict(s=time.perf_counter() - start, modules=len(sys.modules))))"
    )
    lines = {
        "iohub": "import iohub",
        "open_ome_zarr": "from iohub import open_ome_zarr",
        "zarr": "import zarr",
    }
    found = children({name: timed.format(line) for name, line in lines.items()}, 2 * repeats + 1)
    seconds = {name: run["s"] for name, run in found.items()}
    modules = {name: run["modules"] for name, run in found.items()}
    report.add("import iohub: modules", "<= 350", modules["iohub"], modules)
    ratio = seconds["iohub"] / seconds["zarr"]
    report.add("import iohub: time", "<= 0.35 of import zarr", ratio, seconds)


@lru_cache
def _places(count: int) -> list[tuple[str, str, str]]:
    return [(f"R{i // 24}", str(i % 24 + 1), "0") for i in range(count)]


def _new_plate(path: Path, count: int, version: str = "0.5", zeros: bool = True) -> None:
    with open_ome_zarr(
        path, layout="hcs", mode="w", channel_names=["DAPI", "GFP"], version=version
    ) as plate:
        for position in plate.create_positions(_places(count)):
            if zeros:
                position.create_zeros("0", SHAPE, "uint16")


def _documents(path: Path) -> list[str]:
    names = {"zarr.json", ".zattrs", ".zarray", ".zgroup"}
    return sorted(str(file) for file in path.rglob("*") if file.name in names)


def opening(report: Report, folder: Path, repeats: int) -> None:
    """Every position of a plate, and what its documents say."""
    for version in ("0.5", "0.4"):
        path = folder / f"read-{version}.zarr"
        _new_plate(path, 384, version)
        what = f"384 positions, OME-Zarr {version}: shape, dtype, scale, channels"
        figures = _open_all(path, repeats)
        ratio = figures["iohub"] / figures["json.load"]
        report.add(what, "<= 3 x json.load", ratio, figures)
        with open_ome_zarr(path, mode="r+") as plate:
            for number, (_, position) in enumerate(plate.positions()):
                moved = TransformationMeta(type="translation", translation=[0, 0, 0, 0, number])
                position.set_transform("0", [*_SCALE, moved])
        figures = _open_all(path, repeats)
        ratio = figures["iohub"] / figures["json.load"]
        report.add(f"{what}; no two alike", "<= 3 x json.load", ratio, figures)


_SCALE = [TransformationMeta(type="scale", scale=[1, 1, 1, 0.5, 0.5])]


def _open_all(path: Path, repeats: int) -> dict[str, float]:
    files = [name for name in _documents(path) if not name.endswith(".zgroup")]

    def load() -> None:
        for name in files:
            with open(name, "rb") as file:
                json.load(file)

    def ours() -> None:
        count = 0
        with open_ome_zarr(path) as plate:
            for _, position in plate.positions():
                image = position["0"]
                count += bool((image.shape, image.dtype, position.scale, position.channel_names))
        assert count == 384

    def plain() -> None:
        plate = zarr.open_group(path, mode="r")
        root = plate.attrs.asdict()
        for well in root.get("ome", root)["plate"]["wells"]:
            position = zarr.open_group(path / well["path"] / "0", mode="r")
            image = position["0"]
            bool((image.shape, image.dtype, position.attrs.asdict()))

    slow: dict[str, Callable[[], object]] = {"zarr-python": plain}
    with contextlib.suppress(ImportError):
        import ngio

        def theirs() -> None:
            plate = ngio.open_ome_zarr_plate(path, mode="r")
            for container in plate.get_images().values():
                image = container.get_image(path="0")
                bool((image.shape, image.dtype, image.pixel_size, image.channel_labels))

        slow["ngio"] = theirs
    return medians({"json.load": load, "iohub": ours}, 3 * repeats) | medians(slow, 1, warm=False)


def creating(report: Report, folder: Path, repeats: int) -> None:
    """Create 384 positions with an empty image in each: in memory, and on the disk there is.

    All is removed at the end only: ext4 searches long for inodes after others were freed.
    """
    places = {"on disk": folder}
    with contextlib.suppress(OSError):
        places["in a memory file system"] = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        for name, where in reversed(places.items()):
            fresh = (where / f"new{number}.zarr" for number in itertools.count())

            def plain(fresh: Iterator[Path] = fresh) -> None:
                root = zarr.create_group(next(fresh), zarr_format=3)
                made = {}
                for row, column, field in _places(384):
                    for group in (row, f"{row}/{column}"):
                        if group not in made:
                            made[group] = root.create_group(group)
                    position = made[f"{row}/{column}"].create_group(field)
                    chunks = (1, 1, *SHAPE[2:])
                    position.create_array("0", shape=SHAPE, dtype="uint16", chunks=chunks)

            def one_by_one(fresh: Iterator[Path] = fresh) -> None:
                with open_ome_zarr(
                    next(fresh), layout="hcs", mode="w", channel_names=["DAPI"], version="0.5"
                ) as plate:
                    for place in _places(384):
                        plate.create_position(*place)

            processor: dict[str, float] = {}
            found = medians(
                {
                    "iohub": lambda fresh=fresh: _new_plate(next(fresh), 384),
                    "zarr-python": plain,
                    "create_position": one_by_one,
                },
                2 * repeats - 1,
                warm=False,
                processor=processor,
            )
            found["ratio of processor time"] = processor["zarr-python"] / processor["iohub"]
            what = f"create_positions(384) + create_zeros, {name}"
            report.add(what, ">= 5 x zarr-python", found["zarr-python"] / found["iohub"], found)
    finally:
        for where in places.values():
            if where != folder:
                shutil.rmtree(where, ignore_errors=True)


@contextlib.contextmanager
def _opened_files(below: Path) -> Iterator[list[str]]:
    """Names of the files that are opened meanwhile."""
    names: list[str] = []
    state = {"on": True}

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if state["on"] and event == "open" and str(arguments[0]).startswith(str(below)):
            names.append(str(arguments[0]))

    sys.addaudithook(watch)
    try:
        yield names
    finally:
        state["on"] = False


def one_of_many(report: Report, folder: Path, repeats: int) -> None:
    """One position by its path, in a small and in a large plate."""
    count = 10_000
    plates = {}
    for size in (24, count):
        path = folder / f"many-{size}.zarr"
        _new_plate(path, size, zeros=False)
        plates[size] = path
        last = "/".join(_places(size)[-1])
        with open_ome_zarr(path, mode="r+") as plate:
            plate[last].create_zeros("0", SHAPE, "uint16")

    opened = {size: open_ome_zarr(path) for size, path in plates.items()}

    def look(size: int) -> None:
        for _ in range(20):
            position = opened[size]["/".join(_places(size)[-1])]
            bool((position["0"].shape, position.scale, position.channel_names))

    def parse() -> None:
        json.loads((plates[count] / "zarr.json").read_bytes())

    found = medians({"of 24": lambda: look(24), f"of {count}": lambda: look(count)}, repeats)
    ratio = found[f"of {count}"] / found["of 24"]
    report.add(f"one position of {count}, 20 times", "<= 1.5 x one of 24", ratio, found)
    found = medians({"open": lambda: open_ome_zarr(plates[count]), "json.load": parse}, repeats)
    ratio = found["open"] / found["json.load"]
    report.add(f"open a plate of {count}", "<= 30 x json.load of its document", ratio, found)
    last = "/".join(_places(count)[-1])
    with _opened_files(plates[count]) as names:
        position = opened[count][last]
        bool((position["0"].shape, position.scale, position.channel_names))
    report.add(f"one position of {count}: files read", "<= 3", len(names), {"files": len(names)})


ROWS = {
    "import": imports,
    "open": opening,
    "create": creating,
    "many": one_of_many,
    **bench_pixels.ROWS,
}


if __name__ == "__main__":
    run(__doc__, ROWS)
