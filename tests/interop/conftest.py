"""What the tests with other libraries share: stores to write, and a check of every document."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError
from numpy.typing import NDArray
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from iohub.metadata.versions import kind
from iohub.models import validate
from iohub.ngff import AxisMeta, TransformationMeta, open_ome_zarr

with warnings.catch_warnings():
    # ome-zarr-py uses what it deprecates while it is imported.
    warnings.simplefilter("ignore")
    import_module("ome_zarr.writer")

SCHEMAS = {
    path: json.loads(path.read_text(encoding="utf-8"))
    for path in (Path(__file__).parents[1] / "data" / "schemas").glob("*/*.schema")
}
REGISTRY = Registry().with_resources(
    (schema["$id"], DRAFT202012.create_resource(schema)) for schema in SCHEMAS.values()
)
VALIDATORS = {
    (path.parent.name, path.stem): Draft202012Validator(schema, registry=REGISTRY)
    for path, schema in SCHEMAS.items()
}
# What there is a schema for; there is none for the list of labels.
SCHEMA_NAMES = {
    "multiscales": "image",
    "image-label": "label",
    "plate": "plate",
    "well": "well",
    "scene": "scene",
    "series": "ome",
    "bioformats2raw.layout": "bf2raw",
}
# Members that the strict schemas want beyond the others.
RECOMMENDED = {
    "image": lambda ome: all(
        {"name", "type", "metadata"} <= image.keys() for image in ome["multiscales"]
    ),
    "plate": lambda ome: (
        "name" in ome["plate"]
        and all(
            {"name", "maximumfieldcount"} <= each.keys()
            for each in ome["plate"].get("acquisitions", ())
        )
    ),
    "well": lambda ome: "version" in ome or "version" in ome["well"],
    "label": lambda ome: "colors" in ome["image-label"],
}
# Of wells and positions that nothing was put into yet.
UNFINISHED = {"well-metadata", "field-image"}
KINDS = {"t": ("time", "second"), "c": ("channel", None)}
SIZES = {"t": 2, "c": 2, "z": 5, "y": 33, "x": 30}
PIXEL = {"t": 10.0, "c": 1.0, "z": 2.0, "y": 0.5, "x": 0.25}
CHANNELS = ["DAPI", "GFP"]


@pytest.fixture(params=["0.4", "0.5"])
def version(request: pytest.FixtureRequest) -> str:
    """A version that all of these libraries know."""
    return request.param


@pytest.fixture(params=["yx", "zyx", "cyx", "tyx", "tcyx", "czyx", "tzyx", "tczyx"])
def letters(request: pytest.FixtureRequest) -> str:
    """Axes of an image, one letter each."""
    return request.param


@pytest.fixture(scope="session")
def pixels() -> Callable[..., NDArray[Any]]:
    """Make pixels by the letters of the axes; no two planes are alike."""

    def make(letters: str, dtype: str = "uint16", seed: int = 0) -> NDArray[Any]:
        shape = [SIZES[letter] for letter in letters]
        return np.random.default_rng(seed).integers(0, 200, shape).astype(dtype)

    return make


@pytest.fixture(scope="session")
def axes_of() -> Callable[[str], list[AxisMeta]]:
    def make(letters: str) -> list[AxisMeta]:
        kinds = [KINDS.get(letter, ("space", "micrometer")) for letter in letters]
        return [
            AxisMeta(name=n, type=type_, unit=unit)
            for n, (type_, unit) in zip(letters, kinds, strict=True)
        ]

    return make


@pytest.fixture(scope="session")
def scale_of() -> Callable[[str], list[float]]:
    """Pixel sizes by the letters of the axes."""
    return lambda letters: [PIXEL[letter] for letter in letters]


@pytest.fixture(scope="session")
def write_image(pixels: Any, axes_of: Any, scale_of: Any) -> Callable[..., NDArray[Any]]:
    """Write an image of three levels with iohub, and return its pixels."""

    def write(
        path: Path, version: str, letters: str = "tczyx", *, sharded: bool = False, levels: int = 3
    ) -> NDArray[Any]:
        data = pixels(letters)
        layout: dict[str, Any] = {}
        if sharded:
            layout["chunks"] = [{"z": 4, "y": 16, "x": 16}.get(letter, 1) for letter in letters]
            layout["shards_ratio"] = [2 if letter in "yx" else 1 for letter in letters]
        names = CHANNELS if "c" in letters else None
        with open_ome_zarr(
            path, "fov", "w-", channel_names=names, axes=axes_of(letters), version=version
        ) as position:
            scale = [TransformationMeta(type="scale", scale=scale_of(letters))]
            position.create_image("0", data, transform=scale, **layout)
            position.compute_pyramid(levels)
        return data

    return write


@pytest.fixture(scope="session")
def write_plate(pixels: Any) -> Callable[..., dict[str, NDArray[Any]]]:
    """Write a plate of two wells and three positions with iohub, and return its pixels."""

    def write(path: Path, version: str) -> dict[str, NDArray[Any]]:
        wanted = ["A/1/0", "A/1/1", "B/12/0"]
        data = {name: pixels("tczyx", seed=seed) for seed, name in enumerate(wanted)}
        with open_ome_zarr(path, "hcs", "w-", channel_names=CHANNELS, version=version) as plate:
            made = plate.create_positions([tuple(name.split("/")) for name in wanted])
            for position, name in zip(made, wanted, strict=True):
                position.create_image("0", data[name])
                position.compute_pyramid(2)
            plate.dump_meta(field_count=True)
        return data

    return write


@pytest.fixture(scope="session")
def schema_errors() -> Callable[[dict[str, Any], str, str], list[ValidationError]]:
    """What an official schema says of the attributes of a group.

    The schemas that there are of 0.6 are those of its candidate.
    """

    def errors(attrs: dict[str, Any], version: str, schema: str) -> list[ValidationError]:
        if version == "0.6":
            assert attrs["ome"]["version"] == version
            attrs = {**attrs, "ome": {**attrs["ome"], "version": "0.6rc0"}}
        return list(VALIDATORS[version, schema].iter_errors(attrs))

    return errors


# ---- what is on disk ------------------------------------------------------------------------


def groups(root: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every group of a store and its attributes, read as plain JSON."""
    for document in sorted(root.rglob("*")):
        if document.name == ".zgroup":
            attrs = document.with_name(".zattrs")
            yield document.parent, json.loads(attrs.read_text()) if attrs.exists() else {}
        elif document.name == "zarr.json":
            found = json.loads(document.read_text())
            if found["node_type"] == "group":
                yield document.parent, found.get("attributes", {})


def array_document(path: Path) -> dict[str, Any]:
    name = "zarr.json" if (path / "zarr.json").exists() else ".zarray"
    found: dict[str, Any] = json.loads((path / name).read_text())
    return found


def empty_members(value: Any, where: str = "") -> Iterator[str]:
    """Where a document holds null or an empty array: both are to be left out."""
    if value is None or value == []:
        yield where
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from empty_members(item, f"{where}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from empty_members(item, f"{where}/{index}")


def axis_names(image: dict[str, Any]) -> list[str]:
    """Names of the axes that the levels lead to."""
    if "axes" in image:
        return [axis["name"] for axis in image["axes"]]
    target = image["datasets"][0]["coordinateTransformations"][0]["output"]["name"]
    [system] = [each for each in image["coordinateSystems"] if each["name"] == target]
    return [axis["name"] for axis in system["axes"]]


def parts(transforms: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Transformations, those in a sequence one by one."""
    for transform in transforms:
        if transform["type"] == "sequence":
            yield from parts(transform["transformations"])
        else:
            yield transform


def check_levels(folder: Path, ome: dict[str, Any], version: str) -> None:
    """The arrays are those that the metadata describe."""
    for image in ome["multiscales"]:
        names = axis_names(image)
        arrays = [array_document(folder / level["path"]) for level in image["datasets"]]
        assert {len(array["shape"]) for array in arrays} == {len(names)}
        types = {json.dumps(array.get("dtype", array.get("data_type"))) for array in arrays}
        assert len(types) == 1
        sizes = [array["shape"] for array in arrays]
        assert sizes == sorted(sizes, reverse=True)
        for level in image["datasets"]:
            for transform in parts(level["coordinateTransformations"]):
                assert len(transform[transform["type"]]) == len(names)
        if version == "0.4":
            assert {array["dimension_separator"] for array in arrays} == {"/"}
        else:
            assert all(array["dimension_names"] == names for array in arrays)
        if "omero" in ome and "c" in names:
            assert len(ome["omero"]["channels"]) == sizes[0][names.index("c")]


@pytest.fixture(scope="session")
def check_store(schema_errors: Any) -> Callable[[Path, str], list[str]]:
    """Check every document of a store; return the kind of each group that has metadata.

    `others` are codes of what the library is known to do wrong that made the store.
    """

    def check(root: Path, version: str, others: frozenset[str] = frozenset()) -> list[str]:
        found = []
        zarr_format = 2 if version == "0.4" else 3
        for folder, attrs in groups(root):
            assert (folder / "zarr.json").exists() == (zarr_format == 3)
            what = kind(attrs, zarr_format)
            if what is None:
                continue
            found.append(what)
            ome = attrs if zarr_format == 2 else attrs["ome"]
            # The list of a group that no label is left in is empty.
            written = {k: v for k, v in ome.items() if k not in ("iohub", "labels")}
            assert list(empty_members(written)) == []
            if "labels" in ome:
                assert all(isinstance(label, str) for label in ome["labels"])
            for name in (schema for member, schema in SCHEMA_NAMES.items() if member in ome):
                strict = name in RECOMMENDED and RECOMMENDED[name](ome)
                for schema in (name, *([f"strict_{name}"] if strict else [])):
                    errors = schema_errors(attrs, version, schema)
                    assert [f"{folder}: {schema}: {error.message}" for error in errors] == []
            if "multiscales" in ome:
                check_levels(folder, ome, version)
        assert [str(path) for path in root.rglob(".__iohub*")] == []
        if found:
            errors = validate(root, deep=True).errors
            ours = [each for each in errors if each.code not in UNFINISHED | others]
            assert list(map(str, ours)) == []
        return found

    return check
