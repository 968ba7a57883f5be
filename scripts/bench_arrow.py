"""OME-Arrow beside the package of that name: records, Parquet, Vortex, plates; time and memory.

Run `python scripts/bench_arrow.py`; the package `ome-arrow` (and `vortex-data`) take part if they
are installed. One line of JSON per row, then a table.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import warnings
from collections.abc import Callable
from itertools import count as count_up
from pathlib import Path
from typing import Any

import numpy as np
from bench_report import Report, in_child, medians

from iohub import open_ome_zarr
from iohub.arrow import OMEArrow, from_numpy, from_ome_parquet, to_numpy, to_ome_parquet

SHAPE = (1, 2, 16, 512, 512)
ROI = (100, 120, 256, 256)


def pixels(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Return smooth 12-bit structures with noise, as cameras make them."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: shape[-2], : shape[-1]]
    smooth = 2000 + 800 * np.sin(x / 60) * np.cos(y / 50)
    return (smooth + rng.normal(0, 40, shape)).astype(np.uint16)


def peers() -> dict[str, Any] | None:
    """Return the functions of ome-arrow, None if it is not installed."""
    try:
        from ome_arrow import core, export, ingest
    except ImportError:
        return None
    return {"core": core, "export": export, "ingest": ingest}


def compare(
    report: Report,
    what: str,
    factor: float,
    ours: Callable[[], object],
    theirs: Callable[[], object] | None,
    repeats: int,
) -> None:
    """Add a row: how many times faster than the peer, by the wall clock."""
    runs = {"iohub": ours} | ({} if theirs is None else {"ome-arrow": theirs})
    processor: dict[str, float] = {}
    found = medians(runs, repeats, processor=processor)
    figures = {**found, **{f"cpu {name}": value for name, value in processor.items()}}
    ratio = found["ome-arrow"] / found["iohub"] if theirs is not None else float("nan")
    report.add(what, f">= {factor:g} x ome-arrow", ratio, figures)


def records(report: Report, peer: dict[str, Any] | None, repeats: int) -> None:
    """Arrays to records and back."""
    data = pixels()
    ours = from_numpy(data, dim_order="TCZYX")
    theirs = None if peer is None else peer["ingest"].from_numpy(data, dim_order="TCZYX")
    compare(
        report,
        "numpy → record",
        10,
        lambda: from_numpy(data, dim_order="TCZYX"),
        peer and (lambda: peer["ingest"].from_numpy(data, dim_order="TCZYX")),
        repeats,
    )
    compare(
        report,
        "record → numpy",
        100,
        lambda: to_numpy(ours),
        peer and (lambda: peer["export"].to_numpy(theirs)),
        repeats,
    )


def files(report: Report, peer: dict[str, Any] | None, folder: Path, repeats: int) -> None:
    """Parquet written, read, and read in part."""
    data = pixels()
    record = from_numpy(data, dim_order="TCZYX")
    mine, other = str(folder / "mine.parquet"), str(folder / "other.parquet")
    raw = str(folder / "bytes.parquet")
    to_ome_parquet(record, mine, column_name="ome_arrow")
    theirs = None
    if peer is not None:
        theirs = peer["ingest"].from_numpy(data, dim_order="TCZYX")
        peer["export"].to_ome_parquet(theirs, other, column_name="ome_arrow")
    with open_ome_zarr(mine) as node:
        node.export(raw, encoding="bytes", overwrite=True, progress=False)
    compare(
        report,
        "write Parquet, default encoding",
        8,
        lambda: to_ome_parquet(record, mine, column_name="ome_arrow"),
        peer and (lambda: peer["export"].to_ome_parquet(theirs, other, column_name="ome_arrow")),
        repeats,
    )
    sizes = {"iohub": Path(mine).stat().st_size / data.nbytes}
    if peer is not None:
        sizes["ome-arrow"] = Path(other).stat().st_size / data.nbytes
        report.add(
            "size of that file", "<= 0.5 x ome-arrow", sizes["iohub"] / sizes["ome-arrow"], sizes
        )

    def read_theirs() -> Any:
        return peer["export"].to_numpy(peer["ingest"].from_ome_parquet(other))  # type: ignore[index]

    assert np.array_equal(to_numpy(from_ome_parquet(mine)), data)
    for name, path, factor in (("its file", other, 10), ("ours", mine, 12)):
        if name == "ours" or peer is not None:
            compare(
                report,
                f"read Parquet to numpy: {name}",
                factor,
                lambda path=path: to_numpy(from_ome_parquet(path)),
                peer and read_theirs,
                repeats,
            )
    regions(report, peer, {"bytes": raw, "list": mine}, other, data, repeats)


def regions(
    report: Report,
    peer: dict[str, Any] | None,
    paths: dict[str, str],
    other: str,
    data: np.ndarray,
    repeats: int,
) -> None:
    """A square of a plane out of a file: opened anew, and once more."""
    x, y, width, height = ROI
    key = (0, 1, 7, slice(y, y + height), slice(x, x + width))

    def cold(path: str) -> np.ndarray:
        with open_ome_zarr(path) as node:
            return np.asarray(node["0"][key])

    def scanned(path: str, kind: Any = OMEArrow) -> Any:
        return kind.scan(path).tensor_view(t=0, c=1, z=7, roi=ROI, layout="YX").to_numpy()

    def theirs(path: str) -> Any:
        return scanned(path, peer["core"].OMEArrow)  # type: ignore[index]

    for form, factor in (("bytes", 15), ("list", 2)):
        path = paths[form]
        assert np.array_equal(cold(path), data[key])
        assert np.array_equal(scanned(path), data[key])
        file = other
        if peer is not None and form == "bytes":
            file = f"{other}.bytes.parquet"
            made = peer["ingest"].from_numpy(data, dim_order="TCZYX", chunk_encoding="bytes")
            peer["export"].to_ome_parquet(made, file, column_name="ome_arrow")
        run = None if peer is None else (lambda file=file: theirs(file))
        compare(
            report,
            f"256² ROI from Parquet, {form} form, cold",
            factor,
            lambda path=path: cold(path),
            run,
            max(9, repeats),
        )
        compare(
            report,
            f"the same through scan() and tensor_view(), {form} form",
            factor,
            lambda path=path: scanned(path),
            run,
            max(9, repeats),
        )
    with open_ome_zarr(paths["list"]) as node:
        run = None if peer is None else (lambda: theirs(other))
        array = node["0"]
        compare(
            report, "256² ROI from Parquet, list form, warm", 50, lambda: array[key], run, repeats
        )


def vortex(report: Report, peer: dict[str, Any] | None, folder: Path, repeats: int) -> None:
    """Vortex written and read."""
    try:
        from iohub.arrow import from_ome_vortex, to_ome_vortex

        record = from_numpy(pixels(), dim_order="TCZYX")
        mine, other = str(folder / "mine.vortex"), str(folder / "other.vortex")
        to_ome_vortex(record, mine, column_name="ome_arrow")
    except ImportError:
        return
    theirs = None
    if peer is not None:
        theirs = peer["ingest"].from_numpy(pixels(), dim_order="TCZYX")
        peer["export"].to_ome_vortex(theirs, other, column_name="ome_arrow")
    compare(
        report,
        "Vortex write",
        10,
        lambda: to_ome_vortex(record, mine, column_name="ome_arrow"),
        peer and (lambda: peer["export"].to_ome_vortex(theirs, other, column_name="ome_arrow")),
        repeats,
    )
    compare(
        report,
        "Vortex read to numpy",
        100,
        lambda: to_numpy(from_ome_vortex(mine)),
        peer and (lambda: peer["export"].to_numpy(peer["ingest"].from_ome_vortex(other))),
        repeats,
    )


def plate(report: Report, peer: dict[str, Any] | None, folder: Path, count: int) -> None:
    """A plate of 64 KiB images to Parquet and back to OME-Zarr."""
    small = pixels((1, 2, 1, 128, 128))
    source = folder / "plate.zarr"
    names = [(chr(65 + i // 24), str(i % 24 + 1), "0", None, None, 0) for i in range(count)]
    with open_ome_zarr(
        source, layout="hcs", mode="w-", channel_names=["a", "b"], version="0.5"
    ) as made:
        for position in made.create_positions(names):
            position.create_image("0", small)

    runs = count_up()

    def ours() -> None:
        """A new store each time, as the peer's are: to delete one is no part of it."""
        run = next(runs)
        with open_ome_zarr(source) as made:
            made.export(folder / f"plate{run}.parquet", progress=False)
        with open_ome_zarr(folder / f"plate{run}.parquet") as read:
            read.export(folder / f"back{run}.zarr", progress=False)

    def theirs() -> None:
        """A tenth of them, one file each: it knows no plates."""
        for i in range(0, count, 10):
            path = source / chr(65 + i // 24) / str(i % 24 + 1) / "0"
            record = peer["ingest"].from_ome_zarr(str(path))  # type: ignore[index]
            peer["export"].to_ome_parquet(record, str(folder / "one.parquet"))  # type: ignore[index]
            back = peer["ingest"].from_ome_parquet(str(folder / "one.parquet"))  # type: ignore[index]
            peer["export"].to_ome_zarr(back, str(folder / f"one{i}.zarr"))  # type: ignore[index]

    processor: dict[str, float] = {}
    found = medians({"iohub": ours}, 3, processor=processor)
    if peer is not None:
        found |= medians({"ome-arrow": theirs}, 1, warm=False, processor=processor)
        found["ome-arrow"] *= 10
        processor["ome-arrow"] *= 10
    ratio = found.get("ome-arrow", float("nan")) / found["iohub"]
    found |= {f"cpu {name}": value for name, value in processor.items()}
    report.add(f"OME-Zarr → Parquet → OME-Zarr, {count} positions", ">= 20 x", ratio, found)


def opening(report: Report, peer: dict[str, Any] | None, folder: Path, repeats: int) -> None:
    """What is said of an image, and a table of many positions opened."""
    from iohub.formats.ome_arrow import writing
    from iohub.formats.ome_arrow.records import Description
    from iohub.formats.ome_arrow.rows_to_write import Row
    from iohub.formats.ome_arrow.siblings import SIBLINGS

    path = str(folder / "mine.parquet")
    other = str(folder / "other.parquet")
    to_ome_parquet(from_numpy(pixels(), dim_order="TCZYX"), path, column_name="ome_arrow")
    if peer is not None:
        record = peer["ingest"].from_numpy(pixels(), dim_order="TCZYX")
        peer["export"].to_ome_parquet(record, other, column_name="ome_arrow")
    compare(
        report,
        "info()",
        50,
        lambda: OMEArrow.scan(path).info(),
        peer and (lambda: peer["core"].OMEArrow(other).info()),
        repeats,
    )
    small = pixels((1, 2, 1, 128, 128))
    table = str(folder / "many.parquet")

    def rows() -> Any:
        for i in range(3456):
            row, rest = divmod(i, 144)
            column, fov = divmod(rest, 3)
            place = {"plate": "p", "row": chr(65 + row), "column": str(column), "fov": str(fov)}
            said = Description(small.shape, "uint16", image_id=f"i{i}")
            yield Row(said, lambda: small[0, :, 0], {**place, "array": "0", "level": 0})

    writing.write_table(table, rows(), listed=True, siblings=SIBLINGS)

    def ours() -> None:
        open_ome_zarr(table).close()

    # By processor time: others on the machine do not change it much.
    processor: dict[str, float] = {}
    found = medians({"iohub": ours}, max(5, repeats), processor=processor)
    figure = processor["iohub"] * 1e3
    report.add("open a plate table of 3456 rows [ms of CPU]", "<= 50 ms", figure, found)


MEMORY = """
import json, sys, numpy as np
from bench_report import peak, reset_peak
from iohub import open_ome_zarr
from iohub.arrow import from_numpy, from_ome_parquet, to_numpy, to_ome_parquet
import pyarrow.parquet, iohub.convert.to_arrow
form, path = sys.argv[1:]
data = np.random.default_rng(0).integers(0, 4000, (1, 2, 64, 1024, 1024), np.uint16)
if form == "bytes":
    data = data.view(np.int16)
record = from_numpy(data, dim_order="TCZYX", clamp_to_uint16=False)
before = reset_peak()
to_ome_parquet(record, path, column_name="ome_arrow")
write = peak() - before
before = reset_peak()
back = to_numpy(from_ome_parquet(path), dtype=data.dtype)
read = peak() - before
del back
with open_ome_zarr(path) as node:
    before = reset_peak()
    back = node["0"][:]
    door = peak() - before
    assert np.array_equal(back, data)
print(json.dumps({"write": write / data.nbytes, "read": read / data.nbytes,
                  "door": door / data.nbytes}))
"""


def memory(report: Report, folder: Path) -> None:
    """Peak of memory beyond the pixels' own, in a child, of 268 MB."""
    for form, limit in (("list", 3), ("bytes", 1.5)):
        found = in_child(MEMORY, form, str(folder / "memory.parquet"))
        report.add(
            f"peak memory, {form} form [× pixels]", f"<= {limit} x", max(found.values()), found
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--positions", type=int, default=384)
    parser.add_argument("--only", default="", help="rows whose function has this name")
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    report, peer = Report(), peers()
    folder = Path(tempfile.mkdtemp(dir=given.folder))
    steps: dict[str, Callable[[], None]] = {
        "records": lambda: records(report, peer, given.repeats),
        "files": lambda: files(report, peer, folder, given.repeats),
        "vortex": lambda: vortex(report, peer, folder, given.repeats),
        "plate": lambda: plate(report, peer, folder, given.positions),
        "opening": lambda: opening(report, peer, folder, given.repeats),
        "memory": lambda: memory(report, folder),
    }
    try:
        for name, step in steps.items():
            if given.only in name:
                step()
    finally:
        shutil.rmtree(folder)
    print(report.table())


if __name__ == "__main__":
    main()
