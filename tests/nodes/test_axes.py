"""Every set of axes works in every verb; so do the uppercase names of old stores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.errors import AxisError, ChannelError, ShapeError
from iohub.ngff import AxisMeta, TransformationMeta

SIZES = {"t": 2, "c": 3, "z": 4, "y": 9, "x": 7}
TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
UNITS = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
VARIANTS = ["yx", "zyx", "cyx", "tyx", "czyx", "tzyx", "tcyx", "tczyx"]
CHANNELS = ["DAPI", "GFP", "Cy5"]


def axes_of(names: str) -> list[AxisMeta]:
    return [AxisMeta(name=n, type=TYPES[n.lower()], unit=UNITS.get(n.lower())) for n in names]


def data_of(names: str) -> np.ndarray:
    shape = tuple(SIZES[n.lower()] for n in names)
    return np.random.default_rng(1).integers(0, 60000, shape).astype("uint16")


def new_store(path: Any, names: str, version: str) -> Any:
    node = open_ome_zarr(
        path,
        layout="fov",
        mode="w-",
        channel_names=CHANNELS if "c" in names else None,
        axes=axes_of(names),
        version=version,
    )
    node.create_image("0", data_of(names))
    return node


def old_store(path: Path, names: str, version: str) -> Any:
    """Write what older tools did, with zarr alone: uppercase names of axes."""
    shape = tuple(SIZES[n.lower()] for n in names)
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    separator = {"name": "v2" if version == "0.4" else "default", "separator": "/"}
    array = group.create_array("0", shape=shape, dtype="u2", chunk_key_encoding=separator)
    array[...] = data_of(names)
    multiscale: dict[str, Any] = {
        "axes": [axis.model_dump(exclude_none=True) for axis in axes_of(names.upper())],
        "datasets": [
            {
                "path": "0",
                "coordinateTransformations": [{"type": "scale", "scale": [1.0] * len(names)}],
            }
        ],
    }
    ome: dict[str, Any] = {"multiscales": [multiscale]}
    if "c" in names:
        ome["omero"] = {"channels": [{"label": name, "color": "FFFFFF"} for name in CHANNELS]}
    if version == "0.4":
        multiscale["version"] = "0.4"
        group.attrs.update(ome)
    else:
        if version == "0.6":
            _as_06(multiscale)
        group.attrs["ome"] = {"version": version, **ome}
    return open_ome_zarr(path, layout="fov", mode="r+")


def _as_06(multiscale: dict[str, Any]) -> None:
    """Spell the axes as a coordinate system, where the level leads."""
    multiscale["coordinateSystems"] = [{"name": "space", "axes": multiscale.pop("axes")}]
    for dataset in multiscale["datasets"]:
        for transform in dataset["coordinateTransformations"]:
            transform.update(input={"path": dataset["path"]}, output={"name": "space"})


@pytest.fixture(params=["lower", "upper"])
def make(request: pytest.FixtureRequest, tmp_path: Path, version: str) -> Callable[[str], Any]:
    def store(names: str) -> Any:
        how = new_store if request.param == "lower" else old_store
        return how(tmp_path / "s.zarr", names, version)

    return store


@pytest.fixture(params=VARIANTS)
def names(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def node(make: Callable[[str], Any], names: str) -> Any:
    return make(names)


def test_what_it_is(node: Any, names: str) -> None:
    image, data = node["0"], data_of(names)
    assert node.axis_names == list(names)
    assert [axis.type for axis in node.axes] == [TYPES[n] for n in names]
    assert np.array_equal(image[...], data)
    assert image.frames == (SIZES["t"] if "t" in names else 1)
    assert image.channels == (SIZES["c"] if "c" in names else 1)
    assert image.slices == (SIZES["z"] if "z" in names else 1)
    assert (image.height, image.width) == (9, 7)
    assert node.channel_names == (CHANNELS if "c" in names else [])
    assert node.scale == [1.0] * len(names)
    for index, name in enumerate(names):
        assert node.get_axis_index(name) == node.get_axis_index(name.upper()) == index
    with pytest.raises(AxisError, match="no axis 'q'"):
        node.get_axis_index("q")
    for text in (repr(node), repr(image), node._repr_html_(), image._repr_html_()):
        assert text
    node.print_tree()


def test_placement(node: Any, names: str) -> None:
    node.compute_pyramid(levels=2)
    node.set_scale("0", "Y", 0.25)
    index = names.index("y")
    assert node.get_effective_scale("0")[index] == 0.25
    assert node.get_effective_scale("1")[index] == 0.5
    node.set_scale("*", "x", 3)
    assert node.get_effective_scale("*")[-1] == 3
    shift = [float(i) for i in range(len(names))]
    node.set_transform("0", [TransformationMeta(type="translation", translation=shift)])
    assert node.get_effective_translation("0")[:-1] == shift[:-1]
    assert node.get_effective_translation("0")[-1] == 3 * shift[-1]
    with pytest.raises(ShapeError, match="one value per axis"):
        node.set_transform("0", [TransformationMeta(type="scale", scale=[1.0] * (len(names) + 1))])


def test_pyramid(node: Any, names: str) -> None:
    node.compute_pyramid(levels=3)
    halved = [
        (n + 1) // 2 if axis in "zyx" else n for axis, n in zip(names, node["0"].shape, strict=True)
    ]
    assert node["1"].shape == tuple(halved)
    assert node["1"][...].any()
    assert len(node) == 3
    node.compute_pyramid(method="max")
    assert node["2"][...].max() == node["0"][...].max()
    node.delete_pyramid()
    assert list(node) == ["0"]
    node.initialize_pyramid(2)
    assert not node["1"][...].any()


def test_channels(node: Any, names: str) -> None:
    data = data_of(names)
    if "c" not in names:
        with pytest.raises((AxisError, ChannelError)):
            node.append_channel("new")
        with pytest.raises(ChannelError):
            node.rename_channel("DAPI", "x")
        assert np.array_equal(node["0"][...], data)
        return
    axis = names.index("c")
    node.compute_pyramid(levels=2)
    node.append_channel("new")
    assert node["0"].shape[axis] == node["1"].shape[axis] == 4
    plane = np.take(data, 1, axis)
    node.update_channel("new", "0", plane)
    node.reorder_channels(["new", "Cy5", "GFP", "DAPI"])
    assert np.array_equal(np.take(node["0"][...], 0, axis), plane)
    assert np.array_equal(np.take(node["0"][...], 3, axis), np.take(data, 0, axis))
    node.remove_channel("GFP")
    assert node["1"].shape[axis] == 3
    node.insert_channel(1, "mask", plane)
    node.rename_channel("mask", "Mask")
    assert node.channel_names == ["new", "Mask", "Cy5", "DAPI"]
    assert np.array_equal(np.take(node["0"][...], 1, axis), plane)
    node.set_contrast_limits("Mask", {"start": 0, "end": 1, "min": 0, "max": 2})
    assert node.get_channel_index("Mask") == 1


def test_to_xarray_and_back(node: Any, names: str) -> None:
    data = data_of(names)
    node.set_scale("0", "x", 0.5)
    labelled = node.to_xarray()
    assert labelled.dims == tuple(names)
    assert np.array_equal(labelled.values, data)
    assert labelled.coords["x"].values[1] == 0.5
    assert labelled.coords["x"].attrs["units"] == "micrometer"
    if "c" in names:
        assert list(labelled.coords["c"].values) == CHANNELS
    leading = {name: [1] for name in names[:-2]}
    piece = labelled.isel({**leading, "y": slice(2, 5), "x": slice(1, None)})
    node.write_xarray((piece * 0 + 5).astype("u2"))
    where = (*(slice(1, 2) for _ in names[:-2]), slice(2, 5), slice(1, None))
    data[where] = 5
    assert np.array_equal(node["0"][...], data)


def test_another_image(node: Any, names: str) -> None:
    data = data_of(names)
    node["copy"] = data
    node.create_zeros("zeros", data.shape, "float32")
    assert list(node) == ["0", "copy", "zeros"]
    assert np.array_equal(node["copy"][...], data)
    with pytest.raises(AxisError, match="axes"):
        node.create_zeros("wrong", (1, *data.shape), "u1")
    del node["copy"]
    assert list(node) == ["0", "zeros"]


def test_in_a_plate(tmp_path: Path, names: str, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "p.zarr",
        layout="hcs",
        mode="w-",
        channel_names=CHANNELS if "c" in names else None,
        axes=axes_of(names),
        version=version,
    ) as plate:
        plate.create_position("A", "1", "0").create_image("0", data_of(names))
        assert [axis.name for axis in plate.axes] == list(names)
    with open_ome_zarr(tmp_path / "p.zarr", mode="r+") as plate:
        plate.create_position("A", "1", "1").create_image("0", data_of(names))
        assert plate["A/1/1"].axis_names == list(names)
        frame = plate.to_dataframe()
        assert list(frame["axes"]) == [names, names]
        assert list(frame["shape"]) == [data_of(names).shape] * 2


def test_a_custom_axis(tmp_path: Path, version: str) -> None:
    axes = [
        AxisMeta(name="angle", type="orientation"),
        AxisMeta(name="y", type="space"),
        AxisMeta(name="x", type="space"),
    ]
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", axes=axes, version=version
    ) as node:
        node.create_image("0", np.zeros((3, 4, 5), "u1"))
        node.compute_pyramid(2)
        assert node["1"].shape == (3, 2, 3)
        assert node.to_xarray().dims == ("angle", "y", "x")
        node.print_tree()


@pytest.mark.parametrize(
    "axes", [["y"], ["x", "t"], ["y", "t", "x"], ["c", "t", "y", "x"], ["y", "y"]]
)
def test_axes_that_are_not_allowed(tmp_path: Path, axes: list[str], version: str) -> None:
    with pytest.raises(AxisError):
        open_ome_zarr(
            tmp_path / "s.zarr",
            layout="fov",
            mode="w-",
            channel_names=["a"],
            axes=[AxisMeta(name=n, type=TYPES[n]) for n in axes],
            version=version,
        )
    assert not (tmp_path / "s.zarr").exists()
