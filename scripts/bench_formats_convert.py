"""The rows of the benchmarks about conversion: an OME-TIFF to OME-Zarr with a pyramid.

The raw limit reads, compresses and writes what there will be with all cores, lower levels too, but
makes no pyramid. Peers that are not installed are left out.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numcodecs
import numpy as np
import tifffile
from bench_pixels import SHAPE, pixels
from bench_report import Report, in_child, medians

from iohub import open_ome_zarr

LEVELS = 4
CHUNKS = {"planes": (1, 1, 1, *SHAPE[3:]), "stacks of 16": (1, 1, 16, *SHAPE[3:])}
# Their ways take 5 to 30 times as long: measured once, in the layout that suits them best.
BESIDE_PEERS = "stacks of 16"

_MEMORY = """
import json, sys
from bench_report import peak
from iohub import open_ome_zarr
with open_ome_zarr(sys.argv[1]) as node:
    node.data.shape
    node.export(sys.argv[2], levels=4, chunks=eval(sys.argv[3]), progress=False)
print(json.dumps({"peak": peak()}))
"""


def _ours(source: Path, target: Path, chunks: tuple[int, ...]) -> None:
    with open_ome_zarr(source) as node:
        node.export(target, levels=LEVELS, chunks=chunks, progress=False)


def _raw(source: Path, target: Path, chunks: tuple[int, ...]) -> Callable[[], None]:
    """Return what reads, compresses and writes all levels, made beforehand, with all cores."""
    with open_ome_zarr(target.parent / "levels.zarr", mode="r") as node:
        lower = [np.asarray(node[str(level)][...]) for level in range(1, LEVELS)]
    codec = numcodecs.Blosc("zstd", 1, numcodecs.Blosc.BITSHUFFLE)

    def write(level: int, array: np.ndarray, index: tuple[int, ...]) -> None:
        part = array[tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, chunks, strict=True))]
        path = target / str(level) / "/".join(map(str, index))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(codec.encode(np.ascontiguousarray(part)))

    def run() -> None:
        first = tifffile.memmap(source, mode="r").reshape(SHAPE)
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            jobs = [
                threads.submit(write, level, array, index)
                for level, array in enumerate([first, *lower])
                for index in itertools.product(
                    *(range(-(-n // c)) for n, c in zip(array.shape, chunks, strict=True))
                )
            ]
            for job in jobs:
                job.result()

    return run


def _ome_zarr_py(source: Path, target: Path, chunks: tuple[int, ...]) -> None:
    import dask.array
    import zarr
    from ome_zarr.writer import write_image

    lazy = zarr.open(tifffile.imread(source, aszarr=True), mode="r")
    array = dask.array.from_array(lazy, chunks=lazy.chunks)
    write_image(
        array.reshape(SHAPE),
        zarr.open_group(target, mode="w"),
        axes="tczyx",
        storage_options={"chunks": chunks},
    )


def _bioio(source: Path, target: Path, chunks: tuple[int, ...]) -> None:
    import bioio_ome_tiff
    from bioio import BioImage
    from bioio_ome_zarr.writers import OMEZarrWriter

    data = BioImage(source, reader=bioio_ome_tiff.Reader).dask_data
    shapes = [SHAPE]
    for _ in range(LEVELS - 1):
        shapes.append((*SHAPE[:2], *(max(1, n // 2) for n in shapes[-1][2:])))
    OMEZarrWriter(
        str(target), level_shapes=shapes, dtype=data.dtype, chunk_shape=[chunks] * LEVELS
    ).write_full_volume(data)


def _peers(source: Path, target: Path, chunks: tuple[int, ...]) -> dict[str, Callable[[], None]]:
    """Return other people's ways, as far as they are installed."""
    peers: dict[str, Callable[[], None]] = {}
    if importlib.util.find_spec("ome_zarr"):
        peers["ome-zarr-py"] = lambda: _ome_zarr_py(source, target, chunks)
    if importlib.util.find_spec("bioio_ome_zarr"):
        peers["bioio"] = lambda: _bioio(source, target, chunks)
    return peers


def conversions(report: Report, folder: Path, repeats: int) -> None:
    """An OME-TIFF of one image as OME-Zarr 0.5 with four levels."""
    data = pixels()
    source, target = folder / "scan.ome.tif", folder / "new" / "out.zarr"
    tifffile.imwrite(source, data, ome=True, metadata={"axes": "TCZYX"})
    size = f"{data.nbytes / 1e6:.0f} MB OME-TIFF"
    numcodecs.blosc.use_threads = False

    def clean() -> None:
        shutil.rmtree(target.parent, ignore_errors=True)
        target.parent.mkdir()

    for layout, chunks in CHUNKS.items():
        clean()
        _ours(source, target.parent / "levels.zarr", chunks)
        raw = _raw(source, target, chunks)
        contestants: dict[str, Callable[[], object]] = {
            "iohub": lambda chunks=chunks: _ours(source, target, chunks),
            "raw": raw,
        }
        processor: dict[str, float] = {}
        found = medians(contestants, repeats, before=clean, processor=processor)
        figures = {**found, "ratio of processor time": processor["raw"] / processor["iohub"]}
        report.add(
            f"convert {size}, {layout}", ">= 0.8 x raw", found["raw"] / found["iohub"], figures
        )
        peers = _peers(source, target, chunks) if layout == BESIDE_PEERS else {}
        times = medians(peers, 1, before=clean, warm=False) if peers else {}
        for name, seconds in times.items():
            what = f"convert {size}, {layout}, beside {name}"
            figures = {"iohub": found["iohub"], name: seconds}
            report.add(what, ">= 3 x", seconds / found["iohub"], figures)
        clean()
        used = in_child(_MEMORY, str(source), str(target), repr(chunks))
        report.add(f"memory to convert {size}, {layout}", "<= 512 MiB", used["peak"] / 2**20, used)


ROWS = {"conversions": conversions}
