"""The rows of the benchmarks about Micro-Manager and plain TIFF, beside tifffile.

The stacks are written by the writer of the tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tifffile
from bench_report import Report, medians

from iohub import open_ome_zarr
from iohub.testing.examples import counted_chunks

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "formats"))
from micro_manager_files import SUMMARY_14, frames_of, write_stack

SIZE, PLANES, ROUNDS = 2048, 8, 3


def _pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4000, shape, np.uint16)


def open_stack(report: Report, folder: Path, repeats: int) -> None:
    """An image stack of 10,000 frames: its index, and the metadata of one frame."""
    frames = frames_of(_pixels(1, 2500, 2, 2, 32, 32), note="x" * 1000)
    path = write_stack(folder / "x_MMStack.ome.tif", frames, SUMMARY_14, display=[], comments={})

    def library() -> None:
        with tifffile.TiffFile(path) as file:
            _ = file.micromanager_metadata, file.series

    _add_open(report, "open an MMStack of 10,000 frames", path, library, repeats)


def open_pages(report: Report, folder: Path, repeats: int) -> None:
    """A TIFF file of 10,000 pages of which nothing is said."""
    path = folder / "pages.tif"
    with tifffile.TiffWriter(path) as out:
        for page in _pixels(10_000, 16, 16):
            out.write(page, metadata=None, contiguous=False)

    def library() -> None:
        with tifffile.TiffFile(path) as file:
            _ = file.series[0].shape

    _add_open(report, "open a TIFF of 10,000 pages", path, library, repeats)


def planes(report: Report, folder: Path, repeats: int) -> None:
    """Planes of an image stack, one by one."""
    frames = frames_of(_pixels(1, 1, 1, PLANES, SIZE, SIZE))
    path = write_stack(folder / "y_MMStack.ome.tif", frames, SUMMARY_14)
    order = [*range(PLANES)] * ROUNDS
    with tifffile.TiffFile(path) as file, open_ome_zarr(path) as node:
        image, pages = node["0"], list(file.pages)
        contestants = {
            "tifffile": lambda: [pages[z].asarray() for z in order],
            "iohub": lambda: [image[0, 0, z] for z in order],
        }
        found = medians(contestants, repeats)
        ratio = found["iohub"] / found["tifffile"]
        report.add("read a plane of an MMStack", "<= 1.2 x tifffile", ratio, found)


def _add_open(report: Report, what: str, path: Path, library: object, repeats: int) -> None:
    with counted_chunks() as asked, open_ome_zarr(path) as node:
        repr(node)
    worked: dict[str, float] = {}
    contestants = {"tifffile": library, "iohub": lambda: open_ome_zarr(path).close()}
    found = medians(contestants, 3 * repeats, processor=worked)
    figures = {**found, "chunks read": len(asked)}
    report.add(what, "<= 1.2 x tifffile", worked["iohub"] / worked["tifffile"], figures)


ROWS = {
    "open-mmstack": open_stack,
    "open-tiff-pages": open_pages,
    "planes-mmstack": planes,
}
