"""Stores to validate and to repair, and a way to change their documents behind iohub's back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.metadata.versions import spelling
from iohub.models import validate
from iohub.ngff import TransformationMeta

VERSIONS = ["0.4", "0.5", "0.6"]
WELLS = [("A", "1", "0"), ("A", "1", "1"), ("A", "2", "0"), ("B", "1", "0")]
SCALES = ([1, 1, 2, 0.5, 0.5], [1, 1, 2, 1, 1])


def group_file(path: Path) -> Path:
    """Return the file with the attributes of a group."""
    return path / "zarr.json" if (path / "zarr.json").exists() else path / ".zattrs"


def array_file(path: Path) -> Path:
    """Return the file that describes an array."""
    return path / "zarr.json" if (path / "zarr.json").exists() else path / ".zarray"


def rewrite(file: Path, change: Callable[[Any], object]) -> None:
    """Change a JSON document in place."""
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def edit_ome(path: Path, change: Callable[[Any], object]) -> None:
    """Change the OME metadata of a group."""
    v3 = (path / "zarr.json").exists()
    rewrite(group_file(path), lambda d: change(d["attributes"]["ome"] if v3 else d))


def read_ome(path: Path) -> Any:
    """Return the OME metadata of a group."""
    document = json.loads(group_file(path).read_text())
    return document["attributes"]["ome"] if "attributes" in document else document


def write_group(path: Path, version: str, ome: dict[str, Any]) -> None:
    """Write a group with OME metadata."""
    known = spelling(version)
    attrs = known.with_ome({}, ome)
    path.mkdir(parents=True, exist_ok=True)
    if known.zarr_format == 3:
        document = {"zarr_format": 3, "node_type": "group", "attributes": attrs}
        (path / "zarr.json").write_text(json.dumps(document))
    else:
        (path / ".zgroup").write_text('{"zarr_format": 2}')
        (path / ".zattrs").write_text(json.dumps(attrs))


def complete(node: Any) -> None:
    """Give an image two levels, and the metadata that are recommended."""
    pixels = np.random.default_rng(0).integers(1, 1000, (1, 2, 3, 16, 16)).astype("u2")
    for name, data, scale in (("0", pixels, SCALES[0]), ("1", pixels[..., ::2, ::2], SCALES[1])):
        node.create_image(
            name,
            data,
            chunks=(1, 1, 3, 8, 8),
            transform=[TransformationMeta(type="scale", scale=scale)],
        )


def described(path: Path) -> None:
    """Add what is recommended to the document of an image."""
    more = {"name": "cells", "type": "stride", "metadata": {"method": "x[::2]"}}
    edit_ome(path, lambda ome: ome["multiscales"][0].update(more))


@pytest.fixture
def files() -> SimpleNamespace:
    """Functions that look into stores and change them, for tests."""
    return SimpleNamespace(
        add_label=add_label,
        array=array_file,
        edit=edit_ome,
        group=group_file,
        read=read_ome,
        rewrite=rewrite,
        write_group=write_group,
    )


@pytest.fixture
def codes() -> Callable[..., set[str]]:
    """Codes of what the validator finds."""
    return lambda path, **options: set(validate(path, **options).codes())


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def image(tmp_path: Path, version: str) -> Path:
    """An image without a fault."""
    path = tmp_path / "image.zarr"
    with open_ome_zarr(path, "fov", "w-", ["DAPI", "GFP"], version=version) as node:
        complete(node)
    described(path)
    return path


@pytest.fixture
def plate(tmp_path: Path, version: str) -> Path:
    """A plate without a fault."""
    path = tmp_path / "plate.zarr"
    with open_ome_zarr(path, "hcs", "w-", ["DAPI", "GFP"], version=version) as node:
        for position in node.create_positions(WELLS):
            complete(position)
    for place in WELLS:
        described(path.joinpath(*place))

    def finish(ome: Any) -> None:
        ome["plate"]["name"] = "plate"
        for run in ome["plate"].get("acquisitions", ()):
            run.update(name="first", maximumfieldcount=2)

    edit_ome(path, finish)
    return path


def add_label(image: Path, name: str = "cells", dtype: str = "u2", levels: int = 2) -> Path:
    """Add a label image without a fault, as files."""
    version = "0.4" if (image / ".zattrs").exists() else read_ome(image)["version"]
    ome = read_ome(image)
    path = image / "labels" / name
    multiscale = json.loads(json.dumps(ome["multiscales"][0]))
    multiscale["datasets"] = multiscale["datasets"][:levels]
    colors = [{"label-value": 1, "rgba": [255, 0, 0, 255]}]
    up = "../" * (name.count("/") + 2)
    label = {"colors": colors, "source": {"image": up}}
    if version == "0.4":
        label["version"] = version
    parts = name.split("/")
    for count in range(1, len(parts)):
        write_group(image / "labels" / "/".join(parts[:count]), version, {})
    write_group(path, version, {"multiscales": [multiscale], "image-label": label})
    for level in range(levels):
        shutil.copytree(image / str(level), path / str(level))

        def change(document: Any) -> None:
            if "data_type" in document:
                document["data_type"] = {"u2": "uint16", "f4": "float32"}[dtype]
            else:
                document["dtype"] = f"<{dtype}"

        rewrite(array_file(path / str(level)), change)
    write_group(image / "labels", version, {"labels": [name]})
    return path
