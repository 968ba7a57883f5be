"""The images that `bench_tiles.py` has made of tiles, for any package with these names.

Run by an interpreter with the public package it answers requests: a line of JSON with the name of
a function and its arguments, for which a line with its result comes back.
"""

from __future__ import annotations

import gc
import importlib
import json
import shutil
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

STEP = 973
PLANES: list[np.ndarray] = []


def planes(size: int = 1024) -> list[np.ndarray]:
    """Return some planes as of a camera; the tiles take turns with them."""
    if not PLANES or PLANES[0].shape[0] != size:
        noise = np.random.default_rng(0).poisson(100, (size, size)).astype(np.uint16)
        PLANES[:] = [np.roll(noise, 97 * number, axis=number % 2) for number in range(16)]
    return PLANES


def grid(side: int, channels: int, depth: int) -> list[tuple[str, int, int, int, int]]:
    """Return name, y, x, c and z of each tile."""
    return [
        (f"F{row:03}{column:03}", row * STEP, column * STEP, c, z)
        for row in range(side)
        for column in range(side)
        for c in range(channels)
        for z in range(depth)
    ]


def files(folder: str, side: int = 4, channels: int = 2, depth: int = 4) -> None:
    """Write the tiles as TIFF files."""
    import tifffile

    for number, (name, _, _, c, z) in enumerate(grid(side, channels, depth)):
        tifffile.imwrite(f"{folder}/{name}-{c}-{z}.tif", planes()[number % 16])


def tiles(
    package: str, folder: str | None, side: int = 4, channels: int = 2, depth: int = 4
) -> list[Any]:
    """Return tiles as a package wants them: from memory, or of files in a folder."""
    models = importlib.import_module(f"{package}.models")
    core = importlib.import_module(package if package.startswith("iohub") else f"{package}.core")

    class Memory(models.ImageLoaderInterface):  # type: ignore[misc, name-defined]
        number: int

        def load_data(self, resource: Any = None) -> np.ndarray:
            return planes()[self.number % 16]

    details = models.AcquisitionDetails(
        xy_pixel_size=1.0,
        axes=["c", "z", "y", "x"],
        channels=[models.ChannelInfo(channel_label=f"C{c}") for c in range(channels)],
    )
    place = models.SingleImage(image_path="scan")
    found = []
    for number, (name, y, x, c, z) in enumerate(grid(side, channels, depth)):
        loader: Any = Memory(number=number)
        if folder is not None:
            loader = models.DefaultImageLoader(file_path=f"{folder}/{name}-{c}-{z}.tif")
        found.append(
            core.Tile(
                fov_name=name,
                start_x=x,
                start_y=y,
                start_z=z,
                start_c=c,
                length_x=1024,
                length_y=1024,
                collection=place,
                image_loader=loader,
                acquisition_details=details,
            )
        )
    return found


def _registered(package: str, made: list[Any]) -> tuple[Any, Any, Any]:
    pipelines = importlib.import_module(f"{package}.pipelines")
    models = importlib.import_module(f"{package}.models")
    options = models.ConverterOptions(grouping=models.MosaicGrouping())
    image = pipelines.tiles_aggregation_pipeline(made, converter_options=options)[0]
    steps = pipelines.build_default_registration_pipeline(
        options.stage_position_corrections, options.grouping.tiling_strategy
    )
    return image, steps, options


def write(
    package: str, out: str, folder: str | None = None, mode: str = "By FOV"
) -> tuple[float, float]:
    """Write the image; return seconds and processor seconds, planning included."""
    pipelines = importlib.import_module(f"{package}.pipelines")
    models = importlib.import_module(f"{package}.models")
    made = tiles(package, folder)
    planes()
    shutil.rmtree(out, ignore_errors=True)
    gc.collect()
    begun = time.perf_counter(), time.process_time()
    image, steps, options = _registered(package, made)
    pipelines.tiled_image_creation_pipeline(
        zarr_url=out,
        tiled_image=image,
        registration_pipeline=steps,
        converter_options=options,
        writer_mode=models.WriterMode(mode),
        overwrite_mode=models.OverwriteMode("Overwrite"),
    )
    return time.perf_counter() - begun[0], time.process_time() - begun[1]


def register(package: str, side: int = 45) -> tuple[float, float]:
    """Place the tiles of one large image; return seconds and processor seconds."""
    pipelines = importlib.import_module(f"{package}.pipelines")
    image, steps, _ = _registered(package, tiles(package, None, side, 1, 1))
    gc.collect()
    begun = time.perf_counter(), time.process_time()
    pipelines.apply_registration_pipeline(image, steps)
    return time.perf_counter() - begun[0], time.process_time() - begun[1]


def main() -> None:
    """Answer requests until there are no more."""
    warnings.simplefilter("ignore")
    begun = time.perf_counter()
    importlib.import_module(sys.argv[1])
    print(json.dumps(time.perf_counter() - begun), flush=True)
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(globals()[name](sys.argv[1], **arguments)), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
