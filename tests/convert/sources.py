"""Makes sources to convert: a plate with labels, and images of a file that is not Zarr."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from iohub import open_ome_zarr
from iohub.formats.images import Channel, ImageSource
from iohub.metadata.acquisition import AcquisitionRecord, ChannelOptics, StagePosition

PLACES = [("A", "1", "0"), ("A", "1", "1"), ("B", "3", "0")]
CHANNELS = ["GFP", "DAPI"]


def stack(seed: int, shape: tuple[int, ...] = (3, 2, 5, 40, 50)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4000, shape).astype("u2")


def make_plate(path: Path, version: str = "0.4") -> Path:
    """Make a plate of three positions with two levels, and labels in the first."""
    with open_ome_zarr(
        path, layout="hcs", mode="w-", channel_names=CHANNELS, version=version
    ) as plate:
        for seed, position in enumerate(plate.create_positions(PLACES)):
            pixels = stack(seed)
            position.create_image("0", pixels, chunks=(1, 1, 1, 40, 50))
            position.set_scale("0", "z", 2.0)
            position.compute_pyramid(2)
        first = plate["A/1/0"]
        first.labels.create("cells", (first["0"][:, 0] > 2000).astype("u2"))
        plate.zattrs["note"] = {"by": "me"}
    return path


class Pages:
    """Pixels in memory, read by planes; counts what is read."""

    def __init__(self, pixels: np.ndarray):
        self.pixels, self.read = pixels, 0
        self.shape, self.dtype = pixels.shape, pixels.dtype
        self.chunks = (*(1,) * (pixels.ndim - 2), *pixels.shape[-2:])

    def chunk(self, index: tuple[int, ...]) -> np.ndarray:
        self.read += 1
        return self.pixels[
            tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, self.chunks, strict=True))
        ].copy()


def image_source(
    name: str, pixels: np.ndarray, at: tuple[float, float], **more: Any
) -> ImageSource:
    """Describe an image of a microscope that stood at (y, x)."""
    optics = [ChannelOptics(name="GFP", excitation=488.0), ChannelOptics(name="DAPI")]
    frames = [
        {"t": t, "c": c, "z": z, "elapsed": float(t)}
        for t in range(pixels.shape[0])
        for c in range(pixels.shape[1])
        for z in range(pixels.shape[2])
    ]
    return ImageSource(
        name,
        "tczyx",
        [Pages(pixels)],
        scale={"z": 2.0, "y": 0.5, "x": 0.5},
        channels=[Channel("GFP"), Channel("DAPI", "0000FF")][: pixels.shape[1]],
        acquisition=AcquisitionRecord(
            name=name, stage=StagePosition(y=at[0], x=at[1]), channels=tuple(optics)
        ),
        frames=lambda: frames,
        **more,
    )
