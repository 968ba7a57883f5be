"""Tiles for tests, with as little said as possible."""

from __future__ import annotations

from typing import Any

import numpy as np

from iohub.tiles import AcquisitionDetails, SingleImage, Tile

AXES = ["c", "z", "y", "x"]


def acquired(**more: Any) -> AcquisitionDetails:
    return AcquisitionDetails(**{"axes": AXES, "data_type": "uint16", **more})


def tile(
    fov: str = "F0",
    x: float = 0,
    y: float = 0,
    *,
    size: tuple[int, int] = (32, 32),
    value: int = 1,
    details: AcquisitionDetails | None = None,
    collection: Any = None,
    loader: Any = None,
    **more: Any,
) -> Tile[Any, Any]:
    pixels = np.full(size, value, np.uint16) if loader is None else loader
    return Tile(
        fov_name=fov,
        start_x=x,
        start_y=y,
        length_x=size[1],
        length_y=size[0],
        collection=collection or SingleImage(image_path="img"),
        image_loader=pixels,
        acquisition_details=details or acquired(),
        **more,
    )
