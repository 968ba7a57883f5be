"""create_image and create_zeros: every argument, refusals, and that a failure leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import (
    AxisError,
    ChannelError,
    DTypeError,
    ExistsError,
    PathError,
    ShapeError,
)
from iohub.ngff import TransformationMeta


@pytest.fixture
def node(tmp_path: Path, version: str) -> Any:
    """Open a position with two channels and no image."""
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a", "b"], version=version
    ) as position:
        yield position


def files(node: Any) -> set[str]:
    root = Path(node.url)
    return {str(p.relative_to(root)) for p in root.rglob("*")}


# ---- what is made ----------------------------------------------------------------------------


def test_create_image(node: Any, pixels: Callable[..., np.ndarray]) -> None:
    image = node.create_image("0", pixels())
    assert np.array_equal(image[...], pixels())
    assert image.chunks == (1, 1, 3, 9, 7)
    assert image.shards is None
    assert node.channel_names == ["a", "b"]
    assert node.scale == [1.0] * 5
    assert "iohub" not in node.zattrs
    assert [channel.label for channel in node.metadata.omero.channels] == ["a", "b"]


def test_create_zeros_writes_no_pixels(node: Any) -> None:
    image = node.create_zeros("0", (10, 2, 100, 5000, 5000), "float32")
    assert image.dtype == "f4"
    assert image.nbytes == 200_000_000_000
    assert not image[3, 1, 50, 0, :9].any()
    assert {Path(name).name for name in files(node)} <= {
        *("0", "zarr.json", ".zgroup", ".zattrs", ".zarray")
    }


def test_default_chunks_are_a_stack_of_at_most_500_mb(node: Any) -> None:
    node.create_zeros("small", (2, 2, 10, 64, 64), "u2")
    assert node["small"].chunks == (1, 1, 10, 64, 64)
    node.create_zeros("large", (1, 2, 1000, 2048, 2048), "u2")
    chunks = node["large"].chunks
    assert chunks[:2] == (1, 1)
    assert chunks[3:] == (2048, 2048)
    assert np.prod(chunks) * 2 <= 500_000_000
    node.create_zeros("huge", (1, 2, 1, 60000, 60000), "f8")
    assert np.prod(node["huge"].chunks) * 8 <= 500_000_000


@pytest.mark.parametrize("method", ["create_image", "create_zeros"])
def test_chunks_and_shards(node: Any, version: str, method: str) -> None:
    data = np.arange(2 * 2 * 4 * 8 * 8, dtype="u2").reshape(2, 2, 4, 8, 8)
    arguments = {"chunks": (1, 1, 2, 4, 4), "shards_ratio": (1, 2, 2, 2, 1)}
    if version == "0.4":
        with pytest.raises(ShapeError, match=r"shard"):
            node.create_zeros("0", data.shape, "u2", **arguments)
        arguments.pop("shards_ratio")
    if method == "create_image":
        image = node.create_image("0", data, **arguments)
        assert np.array_equal(image[...], data)
    else:
        image = node.create_zeros("0", data.shape, data.dtype, **arguments)
        image[:, 1] = 3
        assert (image[:, 1] == 3).all()
        assert not image[:, 0].any()
    assert image.chunks == (1, 1, 2, 4, 4)
    assert image.shards == (None if version == "0.4" else (1, 2, 4, 8, 4))


@pytest.mark.parametrize(
    "arguments",
    [
        {"chunks": (1, 1, 2, 4)},
        {"chunks": (1, 1, 0, 4, 4)},
        {"chunks": (1, 1, -1, 4, 4)},
        {"chunks": (1, 1, 1.5, 4, 4)},
        {"chunks": (1, 1, 2, 4, 4), "shards_ratio": (1, 1, 1, 1)},
        {"chunks": (1, 1, 2, 4, 4), "shards_ratio": (1, 1, 0, 1, 1)},
    ],
)
def test_chunks_that_do_not_fit(node: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises((ShapeError, TypeError)):
        node.create_zeros("0", (1, 2, 2, 4, 4), "u1", **arguments)
    assert list(node) == []
    assert "0" not in files(node)


@pytest.mark.parametrize("size", [1, 7, 13, 101, 997])
def test_prime_sizes(node: Any, size: int) -> None:
    data = np.arange(2 * size, dtype="u4").reshape(1, 2, size, 1, 1)
    assert np.array_equal(node.create_image("0", data)[...], data)


def test_transform(node: Any) -> None:
    scale = TransformationMeta(type="scale", scale=[1, 1, 2.0, 0.5, 0.5])
    node.create_zeros("0", (1, 2, 2, 4, 4), "u1", transform=[scale])
    assert node.scale == [1, 1, 2.0, 0.5, 0.5]
    coarse = TransformationMeta(type="scale", scale=[1, 1, 4.0, 1.0, 1.0])
    node.create_zeros("1", (1, 2, 1, 2, 2), "u1", transform=[coarse])
    assert node.get_effective_scale("1") == [1, 1, 4.0, 1.0, 1.0]
    assert list(node) == ["0", "1"]


def test_transforms_are_stored_as_the_specification_wants(node: Any) -> None:
    node.create_zeros(
        "0",
        (1, 2, 2, 4, 4),
        "u1",
        transform=[
            TransformationMeta(type="translation", translation=[1, 2, 3, 4, 5]),
            TransformationMeta(type="scale", scale=[2.0] * 5),
        ],
    )
    stored = node.metadata.multiscales[0].datasets[0].coordinate_transformations
    assert [each.type for each in stored] == ["scale", "translation"]
    assert node.get_effective_translation("0") == [2, 4, 6, 8, 10]


def test_coarser_levels_are_listed_last(node: Any) -> None:
    """Levels go from the highest to the lowest resolution, in whatever order they are made."""
    for name, factor in (("c", 4.0), ("a", 1.0), ("b", 2.0)):
        node.create_zeros(
            name,
            (1, 2, 1, 4, 4),
            "u1",
            transform=[TransformationMeta(type="scale", scale=[1, 1, 1, factor, factor])],
        )
    assert list(node) == ["a", "b", "c"]
    assert node.data.basename == "a"


def test_check_shape(node: Any) -> None:
    with pytest.raises(ShapeError, match=r"has 3 channels, the position has 2: \['a', 'b'\]"):
        node.create_zeros("0", (1, 3, 1, 4, 4), "u1")
    with pytest.raises(AxisError, match=r"has 4 axes, the position has 5 \(t, c, z, y, x\)"):
        node.create_zeros("0", (2, 1, 4, 4), "u1")
    assert list(node) == []
    image = node.create_zeros("0", (1, 3, 1, 4, 4), "u1", check_shape=False)
    assert image.shape == (1, 3, 1, 4, 4)


@pytest.mark.parametrize("how", ["dask", "list", "image", "nocontiguous", "memmap"])
def test_data_of_every_kind(
    node: Any, tmp_path: Path, pixels: Callable[..., np.ndarray], how: str
) -> None:
    data = pixels((2, 2, 3, 9, 7), "int64")
    given: Any = {
        "dask": lambda: da.from_array(data, chunks=2),
        "list": data.tolist,
        "image": lambda: node.create_image("source", data),
        "nocontiguous": lambda: np.repeat(data, 2, axis=-1)[..., ::2],
        "memmap": lambda: np.memmap(tmp_path / "m", "int64", "w+", shape=data.shape),
    }[how]()
    if how == "memmap":
        given[...] = data
    assert np.array_equal(node.create_image("0", given, chunks=(1, 2, 2, 4, 4))[...], data)


def test_names(node: Any) -> None:
    for name in ("0", "raw", "scale/0", "a-b_c.d"):
        node.create_zeros(name, (1, 2, 1, 2, 2), "u1")
        assert node[name].shape == (1, 2, 1, 2, 2)
        assert name in node
    assert node.to_xarray(image="scale/0").shape == (1, 2, 1, 2, 2)
    node.write_xarray(node.to_xarray(image="scale/0") + 1, image="scale/0")
    assert (node["scale/0"][...] == 1).all()
    assert node[0].basename == "0"


@pytest.mark.parametrize(
    "name",
    ["", "..", "../x", "/x", "a/../b", "a//b", "a\\b", "zarr.json", ".zattrs", "labels/x", "*"],
)
def test_names_that_lead_astray(node: Any, name: str) -> None:
    before = files(node)
    with pytest.raises(PathError):
        node.create_zeros(name, (1, 2, 1, 2, 2), "u1")
    with pytest.raises(PathError):
        node.create_image(name, np.zeros((1, 2, 1, 2, 2)))
    assert files(node) == before
    assert not (Path(node.url).parent / "x").exists()


# ---- what is there already -------------------------------------------------------------------


def test_an_image_is_not_overwritten(node: Any, pixels: Callable[..., np.ndarray]) -> None:
    node["0"] = pixels()
    for call in (
        lambda: node.create_image("0", pixels()),
        lambda: node.create_zeros("0", (2, 2, 3, 9, 7), "u2"),
        lambda: node.__setitem__("0", pixels()),
    ):
        with pytest.raises(ExistsError, match=r"write into it with position\['0'\]\[...\] = data"):
            call()
    assert np.array_equal(node["0"][...], pixels())


def test_overwriting_creation(node: Any, pixels: Callable[..., np.ndarray]) -> None:
    node["0"] = pixels()
    with open_ome_zarr(node.url, mode="r+", overwriting_creation=True) as again:
        again["0"] = pixels((1, 2, 2, 4, 4), "float32")
        assert again["0"].shape == (1, 2, 2, 4, 4)
        assert np.array_equal(again["0"][...], pixels((1, 2, 2, 4, 4), "float32"))
        again.create_zeros("0", (1, 2, 1, 1, 1), "u1")
        assert again["0"].shape == (1, 2, 1, 1, 1)
        assert not again["0"][...].any()
        assert list(again) == ["0"]


def test_labels_that_would_not_fit_are_named(node: Any, pixels: Callable[..., np.ndarray]) -> None:
    """They stayed as they were, with another size than their image."""
    node["0"] = pixels()
    node.labels.create("cells", np.ones(pixels().shape[-3:], "u1"))
    node.labels.create("flat", np.ones((1, 1), "u1"))
    with open_ome_zarr(node.url, mode="r+", overwriting_creation=True) as again:
        for create in (again.create_image, lambda n, a: again.create_zeros(n, a.shape, a.dtype)):
            with pytest.raises(ShapeError, match=r"its label images 'cells'; delete them first"):
                create("0", pixels((1, 2, 2, 4, 4)))
        assert np.array_equal(again["0"][...], pixels())
        again["0"] = pixels() + 1
        del again.labels["cells"]
        again["0"] = pixels((1, 2, 2, 4, 4))
        assert again["0"].shape == (1, 2, 2, 4, 4)


def test_an_array_that_no_metadata_name_is_not_overwritten(node: Any) -> None:
    node.zgroup.create_array("0", shape=(3,), dtype="u1")[...] = 7
    with pytest.raises(ExistsError):
        node.create_zeros("0", (1, 2, 1, 2, 2), "u1")
    with pytest.raises(ExistsError):
        node.create_image("0", np.zeros((1, 2, 1, 2, 2)))
    assert (node["0"][...] == 7).all()
    assert list(node) == []


def test_a_group_of_that_name_is_not_overwritten(node: Any) -> None:
    node.zgroup.create_group("0").create_array("inside", shape=(3,), dtype="u1")
    for call in (
        lambda: node.create_zeros("0", (1, 2, 1, 2, 2), "u1"),
        lambda: node.create_image("0", np.zeros((1, 2, 1, 2, 2), "u1")),
    ):
        with pytest.raises(ExistsError):
            call()
    assert node.zgroup["0/inside"].shape == (3,)


# ---- a failure leaves nothing ----------------------------------------------------------------


class BlockError(RuntimeError):
    """A block of pixels that cannot be computed."""


def test_data_that_fails_half_way_leaves_nothing(node: Any) -> None:
    def block(block_info: Any = None) -> np.ndarray:
        where = block_info[None]["array-location"] if block_info else [(0, 0)] * 5
        if where[0][0] == 3:
            raise BlockError
        return np.ones([b - a for a, b in where], "u1")

    lazy = da.map_blocks(
        block, chunks=((1,) * 5, (2,), (1,), (4,), (4,)), dtype="u1", meta=np.empty((0,) * 5, "u1")
    )
    before = files(node)
    with pytest.raises(BlockError):
        node.create_image("0", lazy)
    assert files(node) == before
    assert list(node) == []
    node.create_image("0", np.zeros((5, 2, 1, 4, 4), "u1"))


@pytest.mark.parametrize(
    "data", [np.array(["a"]), np.array([object()]), np.array(["2020-01-01"], "M8[D]")]
)
def test_data_that_are_no_pixels(node: Any, data: np.ndarray) -> None:
    before = files(node)
    with pytest.raises((DTypeError, TypeError)):
        node.create_image("0", np.broadcast_to(data, (1, 2, 1, 1, 1)))
    assert files(node) == before


def test_without_channel_names(tmp_path: Path, version: str) -> None:
    """A position opened from a group that nobody described has no names for channels."""
    import zarr

    from iohub.ngff import Position

    group = zarr.open_group(tmp_path / "s.zarr", mode="w", zarr_format=2 if version == "0.4" else 3)
    position = Position(group)
    with pytest.raises(ChannelError, match="has no channel names for 2 channels"):
        position.create_zeros("0", (1, 2, 1, 2, 2), "u1")
    named = Position(group, channel_names=["a", "b"])
    named.create_zeros("0", (1, 2, 1, 2, 2), "u1")
    assert Position(group).channel_names == ["a", "b"]


def test_two_handles_both_add(node: Any) -> None:
    other = open_ome_zarr(node.url, mode="r+")
    node.create_zeros("0", (1, 2, 1, 4, 4), "u1")
    other.create_zeros("1", (1, 2, 1, 2, 2), "u1")
    node.create_zeros("2", (1, 2, 1, 1, 1), "u1")
    assert list(node) == list(other) == ["0", "1", "2"]


def test_deletion(node: Any, pixels: Callable[..., np.ndarray]) -> None:
    """``del`` deletes what the metadata say too; the public tool left the dataset behind."""
    node["0"] = pixels()
    node.compute_pyramid(2)
    del node["1"]
    assert list(node) == ["0"]
    assert "1" not in files(node)
    with pytest.raises(KeyError, match="no '1'"):
        del node["1"]
    del node[0]
    assert list(node) == []
    assert node.channel_names == ["a", "b"]
    assert node.metadata is None or not node.metadata.multiscales
    node["0"] = pixels()
    assert np.array_equal(node["0"][...], pixels())
