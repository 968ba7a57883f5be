"""The rows of the benchmarks about NDTiff, ND2 and ClearControl, beside ndtiff, nd2 and NumPy.

The files are written by the writers of the tests, as no library writes ND2 or ClearControl.
"""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import nd2
import ndtiff
import numpy as np
from bench_report import Report, medians

from iohub import open_ome_zarr
from iohub.testing.examples import counted_chunks

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "formats"))
import nd2_files
import ndtiff_files

SIZE, PLANES, ROUNDS = 2048, 8, 3


def _pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4000, shape, np.uint16)


def _count(path: Path) -> int:
    """Chunks that are read when it is opened."""
    with counted_chunks() as asked, open_ome_zarr(path) as node:
        repr(node)
    return len(asked)


def open_frames(report: Report, folder: Path, repeats: int) -> None:
    """NDTiff with 10,000 frames: the index only."""
    small = _pixels(4, 32, 32)
    axes = ({"position": p, "time": t, "channel": c} for p, t, c in np.ndindex(10, 500, 2))
    frames = (
        ({**each, "channel": "AB"[each["channel"]]}, small[each["time"] % 4], {}) for each in axes
    )
    path = ndtiff_files.write(folder, frames, {"Interval_ms": 100}, "many")

    def library() -> None:
        with contextlib.redirect_stdout(io.StringIO()):  # it tells its progress
            ndtiff.Dataset(str(path)).close()

    contestants = {"ndtiff": library, "iohub": lambda: open_ome_zarr(path).close()}
    worked: dict[str, float] = {}
    found = medians(contestants, 3 * repeats, processor=worked)
    figures = {**found, "chunks read": _count(path)}
    ratio = worked["iohub"] / worked["ndtiff"]
    report.add("open NDTiff of 10,000 frames", "<= 1.2 x ndtiff", ratio, figures)


def ndtiff_planes(report: Report, folder: Path, repeats: int) -> None:
    """Planes of an NDTiff data set, one by one."""
    data = _pixels(PLANES, SIZE, SIZE)
    frames = (({"z": z}, plane, {}) for z, plane in enumerate(data))
    path = ndtiff_files.write(folder, frames, {}, "planes")
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = ndtiff.Dataset(str(path))
    with open_ome_zarr(path) as node:
        image = node["0"]
        contestants = {
            "ndtiff": lambda: [theirs.read_image(z=z) for z in _order()],
            "iohub": lambda: [image[0, 0, z] for z in _order()],
        }
        _add(report, "read a plane of NDTiff", medians(contestants, repeats))
    theirs.close()


def nd2_planes(report: Report, folder: Path, repeats: int) -> None:
    """Planes of ND2 files with one channel and with three, deflated or not."""
    for count, packed in ((1, False), (3, False), (1, True)):
        frames = dict(enumerate(_pixels(PLANES, SIZE, SIZE, count)))
        channels = [nd2_files.plane(f"channel {c}") for c in range(count)]
        path = nd2_files.write(
            folder / "x.nd2", frames, [nd2_files.z_loop(PLANES, 1.0)], channels, compressed=packed
        )
        with nd2.ND2File(path) as theirs, open_ome_zarr(path) as node:
            image = node["0"]

            def library(theirs: nd2.ND2File = theirs, last: int = count - 1) -> None:
                for z in _order():
                    frame = theirs.read_frame(z)
                    (frame[last] if last else frame).copy()  # else it is a view of the file

            def ours(image: object = image, last: int = count - 1) -> None:
                for z in _order():
                    image[0, last, z]  # type: ignore[index]

            contestants = {"nd2": library, "iohub": ours}
            what = f"read a plane of ND2 with {count} channels" + ", deflated" * packed
            _add(report, what, medians(contestants, repeats))


def clear_control_planes(report: Report, folder: Path, repeats: int) -> None:
    """Planes of a raw ClearControl stack, beside NumPy's memory map."""
    data = _pixels(PLANES, SIZE, SIZE)
    inside = folder / "stacks" / "C0L0"
    inside.mkdir(parents=True)
    data.tofile(inside / "000000.raw")
    (folder / "C0L0.index.txt").write_text(f"0\t0.0\t{SIZE}, {SIZE}, {PLANES}\n")
    mapped = np.memmap(inside / "000000.raw", np.uint16, "r", shape=data.shape)
    with open_ome_zarr(folder) as node:
        image = node["0"]
        contestants = {
            "NumPy": lambda: [np.array(mapped[z]) for z in _order()],
            "iohub": lambda: [image[0, 0, z] for z in _order()],
        }
        _add(report, "read a plane of a ClearControl stack", medians(contestants, repeats))


def _order() -> list[int]:
    return [*range(PLANES)] * ROUNDS


def _add(report: Report, what: str, found: dict[str, float]) -> None:
    library, _ = found
    each = {name: seconds / PLANES / ROUNDS for name, seconds in found.items()}
    report.add(what, f"<= 1.2 x {library}", found["iohub"] / found[library], each)


ROWS = {
    "open-ndtiff": open_frames,
    "planes-ndtiff": ndtiff_planes,
    "planes-nd2": nd2_planes,
    "planes-clear-control": clear_control_planes,
}
