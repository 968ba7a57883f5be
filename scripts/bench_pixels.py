"""The rows of the benchmarks that are about pixels: arrays, windows, pyramids, plate copies."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
import zarr
from bench_report import Report, in_child, medians
from zarr.codecs import BloscCodec

from iohub import open_ome_zarr
from iohub.ngff import Plate
from iohub.storage import settings

SHAPE = (1, 2, 64, 1024, 1024)
LAYOUTS: dict[str, tuple[tuple[int, ...] | None, tuple[int, ...] | None]] = {
    "whole stacks (default)": (None, None),
    "2 MiB chunks": ((1, 1, 16, 256, 256), None),
    "planes": ((1, 1, 1, 1024, 1024), None),
    "shards of 64": ((1, 1, 16, 256, 256), (1, 1, 4, 4, 4)),
}
PYTHON = "zarr.core.codec_pipeline.BatchedCodecPipeline"
ZARRS = "zarrs.ZarrsCodecPipeline"


def pixels(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Return something like a camera image: blurred shapes, and noise in the low bits."""
    rng = np.random.default_rng(0)
    image = rng.integers(100, 600, (4, *shape[-2:])).astype("float32")
    for axis in (-2, -1):
        image = (image + np.roll(image, 1, axis) + np.roll(image, -1, axis)) / 3
    stack = np.tile(image.astype("uint16"), (-(-shape[-3] // 4), 1, 1))[: shape[-3]]
    return np.ascontiguousarray(np.broadcast_to(stack, shape))


def _chunks(layout: str) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    chunks, ratio = LAYOUTS[layout]
    chunks = chunks or (1, 1, *SHAPE[2:])
    return chunks, None if ratio is None else tuple(
        c * r for c, r in zip(chunks, ratio, strict=True)
    )


def _create_iohub(path: Path, layout: str, data: np.ndarray | None) -> None:
    chunks, ratio = LAYOUTS[layout]
    with open_ome_zarr(
        path, layout="fov", mode="w", channel_names=["DAPI", "GFP"], version="0.5"
    ) as position:
        if data is None:
            position.create_zeros("0", SHAPE, "uint16", chunks=chunks, shards_ratio=ratio)
        else:
            position.create_image("0", data, chunks=chunks, shards_ratio=ratio)


def _create_zarr(path: Path, layout: str, data: np.ndarray, pipeline: str) -> None:
    chunks, shards = _chunks(layout)
    codec = BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle", typesize=2)
    with zarr.config.set({"codec_pipeline.path": pipeline}):
        array = zarr.create_array(
            path, shape=data.shape, dtype="uint16", chunks=chunks, shards=shards, compressors=codec
        )
        array[...] = data


def _context(sync: bool) -> ts.Context:
    return ts.Context({"cache_pool": {"total_bytes_limit": 0}, "file_io_sync": sync})


def _open_ts(path: Path, sync: bool = False, **more: Any) -> ts.TensorStore:
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{path}/"}, **more}
    return ts.open(spec, context=_context(sync)).result()


def _create_ts(path: Path, document: dict[str, Any], data: np.ndarray) -> None:
    members = ("shape", "data_type", "chunk_grid", "chunk_key_encoding", "codecs")
    metadata = {name: document[name] for name in members}
    _open_ts(path, metadata=metadata, create=True)[...] = data


def _read_zarr(path: Path, pipeline: str) -> np.ndarray:
    with zarr.config.set({"codec_pipeline.path": pipeline}):
        return np.asarray(zarr.open_array(path, mode="r")[...])


def _read_ts(path: Path) -> np.ndarray:
    store = _open_ts(path, open=True)
    out = np.empty(store.shape, "uint16")
    ts.array(out).write(store).result()
    return out


def _read_iohub(path: Path) -> np.ndarray:
    with open_ome_zarr(path) as position:
        return position["0"].numpy()


def arrays(report: Report, folder: Path, repeats: int) -> None:
    """Whole arrays written and read."""
    data = pixels()
    size = f"{data.nbytes / 1e6:.0f} MB uint16"
    path, other = folder / "a.zarr", folder / "b.zarr"

    def clean() -> None:
        shutil.rmtree(other, ignore_errors=True)

    for layout in LAYOUTS:
        _create_iohub(path, layout, data)
        document = json.loads((path / "0" / "zarr.json").read_bytes())
        reads = {
            "iohub": lambda: _read_iohub(path),
            "tensorstore": lambda: _read_ts(path / "0"),
            "zarrs": lambda: _read_zarr(path / "0", ZARRS),
        }
        slow = {"zarr-python": lambda: _read_zarr(path / "0", PYTHON)}
        for read in reads.values():
            assert np.array_equal(read(), data)
        processor: dict[str, float] = {}
        found = medians(reads, repeats, warm=False, processor=processor) | medians(slow, 1)
        _against_best(report, f"read {size}, {layout}", found, processor)
        writes: dict[str, Callable[[], object]] = {
            "iohub": lambda layout=layout: _create_iohub(other, layout, data),
            "tensorstore": lambda d=document: _create_ts(other, d, data),
            "zarrs": lambda layout=layout: _create_zarr(other, layout, data, ZARRS),
        }
        slow = {"zarr-python": lambda layout=layout: _create_zarr(other, layout, data, PYTHON)}
        found = medians(writes, repeats, before=clean, processor=processor)
        found |= medians(slow, 1, before=clean, warm=False)
        _against_best(report, f"write {size}, {layout}", found, processor)


def _against_best(
    report: Report, what: str, found: dict[str, float], processor: dict[str, float]
) -> None:
    best = min(found["tensorstore"], found["zarrs"])
    worked = min(processor["tensorstore"], processor["zarrs"]) / processor["iohub"]
    figures = {**found, "ratio of processor time": worked}
    report.add(
        what, ">= 0.95 x the faster of tensorstore and zarrs", best / found["iohub"], figures
    )


def windows(report: Report, folder: Path, repeats: int) -> None:
    """100 random windows of one plane of whole-stack chunks."""
    path = folder / "w.zarr"
    _create_iohub(path, "whole stacks (default)", pixels())
    rng = np.random.default_rng(1)
    corners = rng.integers(0, 768, (100, 2)).tolist()
    few = corners[:4]
    plain = zarr.open_array(path / "0", mode="r")
    plain_pipeline = {"codec_pipeline.path": PYTHON}

    def take(image: Any, where: list[list[int]]) -> None:
        for y, x in where:
            np.asarray(image[0, 0, 32, y : y + 256, x : x + 256])

    def decode_each() -> None:
        with zarr.config.set(plain_pipeline):
            take(plain, few)

    for held, pool in ((True, settings.get_options().pool_bytes), (False, 16 << 20)):
        old = settings.get_options().pool_bytes
        settings.set_options(pool_bytes=pool)

        def ours(where: list[list[int]]) -> None:
            with open_ome_zarr(path) as position:
                take(position["0"], where)

        try:
            found = medians({"iohub": lambda: ours(corners)}, repeats, warm=False)
            found |= medians({"zarr-python (4)": decode_each}, max(1, repeats // 2), warm=False)
        finally:
            settings.set_options(pool_bytes=old)
        found["zarr-python (100)"] = found.pop("zarr-python (4)") * len(corners) / len(few)
        ratio = found["zarr-python (100)"] / found["iohub"]
        name = "in the pool" if held else "larger than the pool"
        limit = 20 if held else 1
        report.add(
            f"100 windows of 256², stacks {name}", f">= {limit} x decode per call", ratio, found
        )


def pyramids(report: Report, folder: Path, repeats: int) -> None:
    """Four levels beside one reading of level 0 and one writing of the levels."""
    data = pixels()
    for layout in LAYOUTS:
        path, raw = folder / "p.zarr", folder / "raw.zarr"
        _create_iohub(path, layout, data)
        _compute(path)
        with open_ome_zarr(path) as position:
            levels = {name: image.numpy() for name, image in position.images() if name != "0"}
        documents = {name: json.loads((path / name / "zarr.json").read_bytes()) for name in levels}

        def raw_pass(
            levels: Any = levels, documents: Any = documents, path: Path = path, raw: Path = raw
        ) -> None:
            _read_ts(path / "0")
            for name, level in levels.items():
                _create_ts(raw / name, documents[name], level)

        def clean(raw: Path = raw) -> None:
            shutil.rmtree(raw, ignore_errors=True)

        found = medians(
            {"iohub": lambda path=path: _compute(path), "read + write": raw_pass},
            repeats,
            before=clean,
        )
        ratio = found["iohub"] / found["read + write"]
        report.add(
            f"compute_pyramid(levels=4), {layout}", "<= 1.5 x raw read + write", ratio, found
        )
        peak = in_child(_PEAK.format(_PYRAMID.format(path=str(path))))
        report.add(f"compute_pyramid(levels=4), {layout}: memory", "<= 512 MiB", peak["MiB"], peak)


def _compute(path: Path) -> None:
    with open_ome_zarr(path, mode="r+") as position:
        if "1" in position:
            position.compute_pyramid()
        else:
            position.compute_pyramid(levels=4)


_PEAK = """
import json
from bench_report import peak, reset_peak
from iohub import open_ome_zarr
import tensorstore, numpy as np
{}
before = reset_peak()
work()
print(json.dumps(dict(MiB=(peak() - before) / 2**20)))
"""
_PYRAMID = """
position = open_ome_zarr({path!r}, mode="r+")
work = position.compute_pyramid
"""


def copies(report: Report, folder: Path, repeats: int) -> None:
    """A plate from positions of the same encoding."""
    data = pixels((1, 2, 32, 512, 512))
    source, target = folder / "source.zarr", folder / "target.zarr"
    keys = [f"A/{i + 1}/0" for i in range(6)]
    with open_ome_zarr(
        source, layout="hcs", mode="w", channel_names=["DAPI", "GFP"], version="0.5"
    ) as plate:
        for key in keys:
            plate.create_position(*key.split("/")).create_image(
                "0", data, chunks=(1, 1, 8, 256, 256)
            )

    def copied(how: str) -> None:
        with open_ome_zarr(source) as plate:
            chosen = {key: plate[key] for key in keys}
            Plate.from_positions(target, chosen, how=how).close()

    def decoded(pipeline: str) -> None:
        with zarr.config.set({"codec_pipeline.path": pipeline}):
            root = zarr.create_group(target)
            codec = BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle", typesize=2)
            for key in keys:
                old = zarr.open_array(source / key / "0", mode="r")
                new = root.create_array(
                    f"{key}/0",
                    shape=old.shape,
                    dtype=old.dtype,
                    chunks=old.chunks,
                    compressors=codec,
                )
                new[...] = old[...]

    found = medians(
        {
            "iohub": lambda: copied("copy"),
            "hard links": lambda: copied("hardlink"),
            "zarrs": lambda: decoded(ZARRS),
            "zarr-python": lambda: decoded(PYTHON),
        },
        repeats,
        before=lambda: shutil.rmtree(target, ignore_errors=True),
    )
    size = f"{data.nbytes * len(keys) / 1e6:.0f} MB"
    ratio = found["zarr-python"] / found["iohub"]
    report.add(f"Plate.from_positions, {size}", ">= 5 x decode and encode", ratio, found)


def memory(report: Report, folder: Path, repeats: int) -> None:
    """Peak memory beyond what was asked for, in fresh processes."""
    path = folder / "m.zarr"
    data = pixels()
    for layout, (chunks, ratio) in LAYOUTS.items():
        unit = int(np.prod(_chunks(layout)[1] or _chunks(layout)[0])) * 2 / 2**20
        _create_iohub(path, layout, data)
        reading = f"""
position = open_ome_zarr({str(path)!r})
out = np.ones({SHAPE}, "uint16")
work = lambda: position["0"]._array.read(tuple(slice(0, n) for n in out.shape), out)
"""
        found = in_child(_PEAK.format(reading))
        found["unit"] = unit
        limit = max(4 * unit, 64)  # with two processors
        report.add(f"read, {layout}: memory", f"<= {limit:.0f} MiB", found["MiB"], found)
        writing = f"""
from bench_pixels import pixels
data = pixels()
position = open_ome_zarr({str(folder / "n.zarr")!r}, layout="fov", mode="w", version="0.5",
                         channel_names=["a", "b"])
work = lambda: position.create_image("0", data, chunks={chunks}, shards_ratio={ratio})
"""
        found = in_child(_PEAK.format(writing))
        found["unit"] = unit
        report.add(f"write, {layout}: memory", f"<= {limit:.0f} MiB", found["MiB"], found)
    os.sync()


ROWS = {
    "arrays": arrays,
    "windows": windows,
    "pyramids": pyramids,
    "copies": copies,
    "memory": memory,
}
