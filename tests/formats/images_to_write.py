"""Images to write as OME-TIFF, and the official schema that their XML must keep."""

from __future__ import annotations

import importlib.resources
from typing import Any

import numpy as np
import pytest

from iohub.formats.images import Channel, ImageSource
from iohub.metadata.acquisition import AcquisitionRecord, ChannelOptics, StagePosition

WELLS = [("A", "1"), ("A", "1"), ("AB", "12")]
SHAPE = (3, 2, 5, 70, 90)


class Pixels:
    """Pixels in memory, as a format adapter has them; counts the chunks that are read."""

    def __init__(self, pixels: np.ndarray, chunks: tuple[int, ...] = ()):
        self.pixels, self.shape, self.dtype = pixels, pixels.shape, pixels.dtype
        self.chunks = chunks or (*(1,) * (pixels.ndim - 2), *pixels.shape[-2:])
        self.read: list[tuple[int, ...]] = []

    def chunk(self, index: tuple[int, ...]) -> np.ndarray:
        self.read.append(index)
        where = zip(index, self.chunks, strict=True)
        return self.pixels[tuple(slice(i * n, (i + 1) * n) for i, n in where)]


def noise(shape: tuple[int, ...] = SHAPE, dtype: str = "u2") -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def image(pixels: np.ndarray | None = None, axes: str = "tczyx", **more: Any) -> ImageSource:
    found = noise() if pixels is None else pixels
    return ImageSource(more.pop("name", "field"), axes, [Pixels(found)], **more)


def schema_problems(xml: str) -> list[str]:
    """Say what of OME-XML breaks the official schema."""
    etree = pytest.importorskip("lxml.etree")
    file = importlib.resources.files("ome_types") / "ome-2016-06.xsd"
    schema = etree.XMLSchema(etree.fromstring(file.read_bytes()))
    schema.validate(etree.fromstring(xml.encode()))
    return [str(each) for each in schema.error_log]


def described(**more: Any) -> ImageSource:
    frames = [
        {"t": t, "c": c, "z": z, "DeltaT": t + 0.5, "DeltaTUnit": "s", "Camera": f"{c}"}
        for t in range(3)
        for c in range(2)
        for z in range(5)
    ]
    record = AcquisitionRecord(
        name="Pos\x000é",
        source="a microscope",
        date="2024-05-01T10:00:00",
        stage=StagePosition(x=1.5, y=-2.0, z=3.0),
        channels=(
            ChannelOptics(name="GFP", excitation=488, emission=510.5, exposure=0.1),
            ChannelOptics(name="DAPI"),
        ),
        instrument={"camera": "a <b> & c"},
        missing=2,
        summary={"any": ["thing", None]},
    )
    return image(
        scale={"t": 2.5, "z": 0.75, "y": 0.5, "x": 0.25},
        origin={"x": 3.0},
        units={"t": "minute", "z": "nanometer"},
        channels=[Channel("GFP", "FF8000", {"start": 1, "end": 2, "min": 0, "max": 9}),
                  Channel("DAPI", "0000FF")],
        acquisition=record,
        frames=lambda: frames,
        **more,
    )  # fmt: skip
