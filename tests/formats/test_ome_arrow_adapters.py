"""The three forms of OME-Arrow files as adapters: the suite, over files of iohub's own writer."""

import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np

from iohub import open_ome_zarr
from iohub.formats import ome_arrow_dataset, ome_parquet, ome_vortex
from iohub.testing.adapters import AdapterSuite
from iohub.testing.examples import Example, Image

SCALE = (1, 1, 2.0, 0.5, 0.25)


def pixels(*shape: int, dtype: str = "u2") -> np.ndarray:
    return np.random.default_rng(0).integers(0, 250, shape).astype(dtype)


def make(path: Path, target: Path, images: dict[str, np.ndarray], levels: int = 1, **options):
    """Write images as OME-Zarr, then in the other form."""
    layout = "fov" if list(images) == [""] else "hcs" if "/" in next(iter(images)) else "series"
    described = {}
    names = [f"ch{i}" for i in range(next(iter(images.values())).shape[1])]
    with open_ome_zarr(
        path / "source.zarr", layout=layout, mode="w-", channel_names=names, version="0.5"
    ) as node:
        for key, values in images.items():
            if layout == "fov":
                position = node
            elif layout == "series":
                position = node.create_position(key)
            else:
                position = node.create_position(*key.split("/"))
            position.create_image("0", values)
            for axis, size in zip("tczyx", SCALE, strict=True):
                position.set_scale("0", axis, size)
            if levels > 1:
                position.compute_pyramid(levels=levels)
            lower = tuple(position[str(n)][:] for n in range(1, levels))
            described[key] = Image(values, "tczyx", lower, names, SCALE, {}, None, None)
        node.export(target, progress=False, **options)
    shutil.rmtree(path / "source.zarr")
    kind = {"fov": "Position", "hcs": "Plate", "series": "Series"}[layout]
    return Example(target, described, kind)


def suite(name: str, **options):
    """Return examples of one form."""
    kinds = {
        "one": ({"": pixels(2, 3, 4, 20, 31)}, 1),
        "pyramid": ({"": pixels(1, 2, 3, 20, 30)}, 2),
        "series": ({"first": pixels(1, 2, 1, 9, 8), "second": pixels(2, 2, 1, 5, 4)}, 1),
        "plate": (
            {f"{well}/{i}": pixels(1, 2, 1, 6, 7) + i for well in ("A/1", "B/3") for i in range(2)},
            1,
        ),
    }
    return {
        kind: lambda folder, images=images, levels=levels: make(
            folder, folder / name, images, levels, **options
        )
        for kind, (images, levels) in kinds.items()
    }


class TestParquet(AdapterSuite):
    adapter = ome_parquet
    examples: ClassVar = {
        "one": suite("x.parquet", encoding="bytes", compression=None)["one"],
        "plate": suite("x.parquet")["plate"],
    }


class TestVortex(AdapterSuite):
    adapter = ome_vortex
    test_dask_in_processes = None  # pickled as the others are, and slow to start
    examples: ClassVar = {"one": suite("x.vortex")["one"]}


class TestDataset(AdapterSuite):
    adapter = ome_arrow_dataset
    test_dask_in_processes = None
    examples: ClassVar = {"one": suite("x", format="ome-arrow-dataset")["one"]}
