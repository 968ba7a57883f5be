"""Streams of camera frames: iohub beside raw files and every backend of ome-writers, in one run.

    python scripts/bench_stream.py [--folder /dev/shm] [--quick]

Each row is measured in rounds that alternate between the writers, and the best round counts, since
other work on the machine only adds time; a writer that has taken its share of the time is not
repeated. All are measured until the disk has what they wrote: raw files are synchronised as ours
are. ``x raw`` is the rate over that of one raw file for each frame, written by one thread; ``x
best`` over the best backend of ome-writers. Behind each, the same of the processor time (of all
threads), which other work on the machine changes less.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from iohub import stream as ours
from iohub.optional import have
from iohub.storage import files

PEERS = ("tensorstore", "zarr-python", "zarrs-python", "acquire-zarr")
Rates: TypeAlias = dict[str, tuple[float, float]]
SHARE = 1.2
"""How long a writer is measured for a row [s], but for the last round."""

SLOW = ("ome-writers zarr-python", "ome-writers zarrs-python", "ome-writers acquire-zarr")
"""Measured with fewer frames where there are few anyway."""

NEEDS = {"tensorstore": "tensorstore", "zarr-python": "zarr", "zarrs-python": "zarrs"} | {
    "acquire-zarr": "acquire_zarr"
}


def frames_of(size: int) -> np.ndarray:
    """Return frames as of a camera, (8, size, size)."""
    return np.random.default_rng(0).poisson(100, (8, size, size)).astype(np.uint16)


def raw(folder: str, frames: np.ndarray, count: int) -> None:
    """Write a raw file for each frame."""
    os.mkdir(folder)
    for i in range(count):
        save(f"{folder}/{i}", frames[i % 8])
    files.sync_tree(folder)


def save(path: str, value: Any) -> None:
    """Write a new file."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(file, value)
    os.close(file)


def writer(
    module: Any, form: str, size: int, count: int, **options: Any
) -> Callable[[str, np.ndarray, int], list[float]]:
    """Return what streams frames with a library, and gives the time of each append [s]."""
    chunk, shard = options.pop("chunk", size), options.pop("shard", None)
    bounded, compression = options.pop("bounded", True), options.pop("compression", None)
    suffix = ".ome.tiff" if form == "tifffile" else ".ome.zarr"

    def write(folder: str, frames: np.ndarray, count: int) -> list[float]:
        dims = [
            module.Dimension(
                name="t",
                count=count if bounded else None,
                type="time",
                chunk_size=1,
                shard_size_chunks=shard,
            ),
            *(
                module.Dimension(
                    name=name,
                    count=size,
                    type="space",
                    chunk_size=chunk,
                    shard_size_chunks=size // chunk if shard else None,
                )
                for name in "yx"
            ),
        ]
        settings = module.AcquisitionSettings(
            root_path=folder + suffix,
            dimensions=dims,
            dtype="uint16",
            format=form,
            compression=compression,
        )
        times = []
        with module.create_stream(settings, **options) as stream:
            for i in range(count):
                start = time.perf_counter()
                stream.append(frames[i % 8])
                times.append(time.perf_counter() - start)
        return times

    return write


def measure(
    folder: Path, writers: dict[str, Callable[..., Any]], size: int, count: int, rounds: int
) -> Rates:
    """Return the best rates of each writer [frames per second, and per second of a processor]."""
    frames = frames_of(size)
    best, spent = dict.fromkeys(writers, (0.0, 0.0)), dict.fromkeys(writers, 0.0)
    for _ in range(rounds):
        for name, write in writers.items():
            if spent[name] > SHARE:
                continue
            number = min(count, 16) if name in SLOW and size > 512 else count
            with tempfile.TemporaryDirectory(dir=folder) as place:
                start, used = time.perf_counter(), time.process_time()
                write(f"{place}/x", frames, number)
                took, used = time.perf_counter() - start, time.process_time() - used
            spent[name] += took
            best[name] = max(best[name][0], number / took), max(best[name][1], number / used)
    return best


def peers(size: int, count: int, **options: Any) -> dict[str, Callable[..., Any]]:
    """Return the writers of ome-writers that are installed."""
    if not have("ome_writers"):
        return {}
    import ome_writers

    return {
        f"ome-writers {form}": writer(ome_writers, form, size, count, **options)
        for form in PEERS
        if have(NEEDS[form])
    }


def report(title: str, rates: Rates, size: int) -> None:
    """Print a row for each writer."""
    others = [both for name, both in rates.items() if name.startswith("ome-")]
    best = [max(kind) for kind in zip(*others, strict=True)]
    print(f"\n{title}")
    for name, both in rates.items():
        columns = f"{both[0]:8.0f} f/s {both[0] * size * size * 2 / 1e6:6.0f} MB/s"
        columns += f" {1e6 / both[1]:7.0f} µs"
        columns += " {:6.2f} {:5.2f} x raw".format(*ratios(both, rates["raw"]))
        if best and not name.startswith("ome-"):
            columns += " {:6.2f} {:5.2f} x best".format(*ratios(both, best))
        print(f"  {name:26s}{columns}")


def ratios(rates: Sequence[float], others: Sequence[float]) -> list[float]:
    """Return rates over others."""
    return [mine / other for mine, other in zip(rates, others, strict=True)]


def codec_rate(size: int, compression: str, folder: Path | None = None) -> float:
    """Return how fast the codec is with all processors [frames per second].

    Alone, or with a raw file for each frame in a folder: no stream can be faster than that.
    """
    from numcodecs import blosc

    frames = frames_of(size)
    name, level = {"blosc-zstd": (b"zstd", 3), "blosc-lz4": (b"lz4", 5)}[compression]
    count, rates = max(8, 2**27 // frames[0].nbytes), []
    for _ in range(2):
        with tempfile.TemporaryDirectory(dir=folder) as place:

            def encode(i: int, place: str = place) -> None:
                value = blosc.compress(frames[i % 8], name, level, 1)
                if folder is not None:
                    save(f"{place}/{i}", value)

            with ThreadPoolExecutor(os.cpu_count()) as pool:
                start = time.perf_counter()
                list(pool.map(encode, range(count)))
                rates.append(count / (time.perf_counter() - start))
    return max(rates)


def latency(folder: Path, size: int, count: int, rate: float) -> None:
    """Print how long ``append`` takes while frames come at a steady rate."""
    frames = frames_of(size)
    times = []
    with tempfile.TemporaryDirectory(dir=folder) as place:
        dims = [
            ours.Dimension(name="t", count=count, type="time"),
            *(ours.Dimension(name=name, count=size, type="space") for name in "yx"),
        ]
        settings = ours.AcquisitionSettings(
            root_path=f"{place}/x.ome.zarr", dimensions=dims, dtype="uint16"
        )
        with ours.create_stream(settings) as stream:
            began = time.perf_counter()
            for i in range(count):
                time.sleep(max(0.0, began + i / rate - time.perf_counter()))
                start = time.perf_counter()
                stream.append(frames[i % 8])
                times.append(1e3 * (time.perf_counter() - start))
    p50, p99 = np.percentile(times, (50, 99))
    print(f"append at {rate:.0f} f/s of {size}²: p50 {p50:.2f} ms, p99 {p99:.2f} ms")


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"))
    parser.add_argument("--quick", action="store_true", help="fewer frames, one size")
    parser.add_argument("--only", default="", help="rows whose title has this")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        for size, count in ((512, 800), (2048, 64)):
            if options.quick and size > 512:
                break
            rows(folder, size, count, 2 if options.quick else 4, options.only)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def rows(folder: Path, size: int, count: int, rounds: int, only: str) -> None:
    """Measure all rows of one size of frames."""

    def row(
        title: str, mine: dict[str, Callable[..., Any]], shared: dict[str, Any] | None = None
    ) -> Rates:
        title = f"{title}, {size}²"
        if only not in title:
            return {}
        others = {} if shared is None else peers(size, count, **shared)
        writers = {"raw": raw, **mine, **others}
        rates = measure(folder, writers, size, count, rounds)
        report(title, rates, size)
        return rates

    def own(form: str = "iohub", **more: Any) -> Callable[..., Any]:
        return writer(ours, form, size, count, **more)

    engines = {f"iohub by {form}": own(form) for form in ("tensorstore", "zarr-python")}
    row("chunk = frame, uncompressed", {"iohub": own(), **engines}, {})
    row("unbounded", {"iohub": own(bounded=False), "iohub bounded": own()})
    row("3 levels on the fly", {"iohub": own(levels=3), "iohub without": own()})
    shards = {"shard": 8, "chunk": min(512, size)}
    row("8-frame shards, 512² chunks", {"iohub": own(**shards)}, shards)
    for codec in ("blosc-zstd", "blosc-lz4"):
        found = row(codec, {"iohub": own(compression=codec)})
        for what, place in (("alone", None), ("and raw files", folder)) if found else ():
            limit = codec_rate(size, codec, place)
            share = found["iohub"][0] / limit
            print(f"  codec {what}, all processors: {limit:.0f} f/s; iohub has {share:.2f} of it")
    row("OME-TIFF", {"iohub": own("tifffile")})
    if only in f"latency, {size}²":
        latency(folder, size, min(count, 300), 500 if size == 512 else 20)


if __name__ == "__main__":
    main()
