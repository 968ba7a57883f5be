"""The rows of the benchmarks about OME-TIFF: opening many frames, and reading planes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from bench_report import Report, medians

from iohub import open_ome_zarr
from iohub.testing.examples import counted_chunks

FRAMES = 10_000

_HEAD = '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{}" UUID="urn:uuid:1">'.format(
    "http://www.openmicroscopy.org/Schemas/OME/2016-06"
)


def _write_frames(path: Path, *, each: bool) -> None:
    """Write frames of 32² pixels, in the XML one element for all or one for each."""
    inside = f'<TiffData IFD="0" PlaneCount="{FRAMES}"/>'
    if each:
        uuid = f'<UUID FileName="{path.name}">urn:uuid:1</UUID>'
        inside = "".join(
            f'<TiffData IFD="{n}" FirstT="{n // 4}" FirstC="{n // 2 % 2}" FirstZ="{n % 2}" '
            f'PlaneCount="1">{uuid}</TiffData>'
            for n in range(FRAMES)
        )
    planes = "".join(
        f'<Plane TheT="{n // 4}" TheC="{n // 2 % 2}" TheZ="{n % 2}" DeltaT="{n}" '
        'ExposureTime="0.1" PositionX="1" PositionY="2" PositionZ="3"/>'
        for n in range(FRAMES)
    )
    sizes = f'SizeX="32" SizeY="32" SizeZ="2" SizeC="2" SizeT="{FRAMES // 4}"'
    xml = (
        f'{_HEAD}<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" '
        f"{sizes}>{inside}{planes}</Pixels></Image></OME>"
    )
    plane = np.zeros((32, 32), "uint16")
    with tifffile.TiffWriter(path) as out:
        for number in range(FRAMES):
            out.write(
                plane,
                description=None if number else xml.encode(),
                metadata=None,
                contiguous=False,
            )


def opening(report: Report, folder: Path, repeats: int) -> None:
    """Opening an OME-TIFF of many frames: its series, shape and channels."""
    for each, what in ((True, "an element for each"), (False, "one element for all")):
        path = folder / f"{each}.ome.tif"
        _write_frames(path, each=each)

        def library(path: Path = path) -> None:
            with tifffile.TiffFile(path) as file:
                assert file.series[0].size == FRAMES * 1024

        def ours(path: Path = path) -> None:
            with open_ome_zarr(path) as position:
                assert position["0"].shape[0] == FRAMES // 4
                assert len(position.channel_names) == 2

        times = medians({"iohub": ours, "tifffile": library}, repeats + 2)
        name = f"open an OME-TIFF of {FRAMES} frames, {what}"
        report.add(name, "<= 1.2 x tifffile", times["iohub"] / times["tifffile"], times)
        with counted_chunks() as asked:
            ours()
        report.add(f"{name}: pixels read", "<= 0", len(asked), {})


def stacks(report: Report, folder: Path, repeats: int) -> None:
    """Opening stacks of many pages that ImageJ or tifffile describes, with few directories read."""
    data = np.zeros((FRAMES // 4, 2, 2, 32, 32), "uint16")
    labels = {"Labels": [f"channel {number % 2}" for number in range(FRAMES)]}
    ways: dict[str, dict[str, Any]] = {
        "ImageJ's, with labels": {"imagej": True, "metadata": {"axes": "TZCYX", **labels}},
        "tifffile's": {"metadata": {"axes": "TZCYX"}},
    }
    for name, options in ways.items():
        path = folder / "stack.tif"
        tifffile.imwrite(path, data, **options)

        def library(path: Path = path) -> None:
            with tifffile.TiffFile(path) as file:
                assert file.series[0].size == data.size

        def ours(path: Path = path) -> None:
            with open_ome_zarr(path) as position:
                assert position["0"].shape == (FRAMES // 4, 2, 2, 32, 32)
                assert len(position.channel_names) == 2

        times = medians({"iohub": ours, "tifffile": library}, 4 * repeats + 1)
        ratio = times["iohub"] / times["tifffile"]
        report.add(f"open a TIFF of {FRAMES} pages, {name}", "<= 1.2 x tifffile", ratio, times)


def planes(report: Report, folder: Path, repeats: int) -> None:
    """One plane of 2048² pixels, and all planes of a stack one after the other."""
    data = np.random.default_rng(0).poisson(100, (2, 2, 2, 2048, 2048)).astype("uint16")
    layouts: dict[str, dict[str, Any]] = {
        "not compressed": {},
        "big-endian": {"byteorder": ">"},
        "zlib strips": {"compression": "zlib"},
        "zlib tiles of 256²": {"compression": "zlib", "tile": (256, 256)},
    }
    for name, options in layouts.items():
        path = folder / "planes.ome.tif"
        tifffile.imwrite(path, data, metadata={"axes": "TCZYX"}, **options)
        times = _one_plane(path, 8 * repeats + 1)
        ratio = times["iohub"] / times["tifffile"]
        report.add(f"one plane of an OME-TIFF, {name}", "<= 1.2 x tifffile", ratio, times)
    path = folder / "stack.ome.tif"
    tifffile.imwrite(path, data.reshape(128, 512, 512), metadata={"axes": "TYX"})

    def library() -> None:
        with tifffile.TiffFile(path) as file:
            for number in range(128):
                file.asarray(key=number)

    def ours() -> None:
        with open_ome_zarr(path) as position:
            image = position["0"]
            for number in range(128):
                image[number, 0, 0]

    times = medians({"iohub": ours, "tifffile": library}, 4 * repeats + 1)
    name = "open an OME-TIFF and read 128 planes of 512² one by one"
    report.add(name, "<= 1.2 x tifffile", times["iohub"] / times["tifffile"], times)


def _one_plane(path: Path, repeats: int) -> dict[str, float]:
    with open_ome_zarr(path) as position, tifffile.TiffFile(path) as file:
        image = position["0"]
        assert np.array_equal(image[1, 0, 1], file.asarray(key=5))
        return medians(
            {"iohub": lambda: image[1, 0, 1], "tifffile": lambda: file.asarray(key=5)}, repeats
        )


ROWS = {"ome-tiff-opening": opening, "tiff-stacks": stacks, "ome-tiff-planes": planes}
