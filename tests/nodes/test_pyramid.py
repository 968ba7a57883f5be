"""Pyramids of positions: no pixel lost, true scale and translation, nothing half-done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import PyramidError
from iohub.ngff import TransformationMeta

METHODS = ["mean", "median", "mode", "min", "max", "stride"]


def make(path: Any, data: np.ndarray, version: str = "0.5", **kwargs: Any) -> Any:
    node = open_ome_zarr(
        path,
        layout="fov",
        mode="w-",
        channel_names=[f"c{i}" for i in range(data.shape[1])],
        version=version,
    )
    node.create_image("0", data, **kwargs)
    return node


def cells(block: np.ndarray, factors: tuple[int, ...]) -> Any:
    """Cut an array into cells, those at the edge with the pixels that there are."""
    shape = tuple(-(-n // f) for n, f in zip(block.shape, factors, strict=True))
    for index in np.ndindex(*shape):
        yield (
            index,
            block[tuple(slice(i * f, (i + 1) * f) for i, f in zip(index, factors, strict=True))],
        )


def reduced(block: np.ndarray, factors: tuple[int, ...], method: str) -> np.ndarray:
    shape = tuple(-(-n // f) for n, f in zip(block.shape, factors, strict=True))
    out = np.empty(shape, block.dtype)
    for index, cell in cells(block, factors):
        if method == "mode":
            values, counts = np.unique(cell, return_counts=True)
            out[index] = values[np.argmax(counts)]
        elif method == "stride":
            out[index] = cell.ravel()[0]
        elif method in ("mean", "median"):
            value = getattr(np, method)(cell.astype("f8"))
            out[index] = np.rint(value) if block.dtype.kind in "iu" else value
        else:
            out[index] = getattr(cell, method)()
    return out


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 2, 3, 9, 7), (2, 1, 1, 6, 5)])
def test_every_level_is_what_the_method_says(
    tmp_path: Path, version: str, method: str, shape: tuple[int, ...]
) -> None:
    data = np.random.default_rng(0).integers(0, 9, shape).astype("u2")
    node = make(tmp_path / "s.zarr", data, version)
    node.compute_pyramid(levels=3, method=method)
    expected = data
    for level in "12":
        factors = (1, 1, *(min(n, 2) for n in expected.shape[2:]))
        expected = reduced(expected, factors, method)
        assert np.array_equal(node[level][...], expected)
    assert node.metadata.multiscales[0].type == method


def test_means_are_rounded(tmp_path: Path, version: str) -> None:
    """The public tool truncated 15.5 to 15."""
    data = np.array([[15, 16], [15, 16]], "u1").reshape(1, 1, 1, 2, 2)
    node = make(tmp_path / "s.zarr", data, version)
    node.compute_pyramid(levels=2)
    assert node["1"][...].item() == 16


def test_odd_axes_lose_nothing(tmp_path: Path, version: str) -> None:
    """Half an image was once lost there (iohub#425)."""
    data = np.zeros((1, 1, 5, 33, 35), "u1")
    data[..., -1, -1] = 200
    node = make(tmp_path / "s.zarr", data, version)
    node.compute_pyramid(levels=4, method="max")
    assert [image.shape[2:] for _, image in node.images()] == [
        (5, 33, 35),
        (3, 17, 18),
        (2, 9, 9),
        (1, 5, 5),
    ]
    assert all(image[..., -1, -1].max() == 200 for _, image in node.images())


def test_scale_and_translation(tmp_path: Path, version: str) -> None:
    """Lower levels are shifted by half a pixel; the public tool wrote no translation."""
    transform = [
        TransformationMeta(type="scale", scale=[5, 1, 2, 0.5, 0.5]),
        TransformationMeta(type="translation", translation=[0, 0, 0, 3, 0]),
    ]
    node = make(tmp_path / "s.zarr", np.zeros((1, 1, 1, 8, 8), "u1"), version, transform=transform)
    node.compute_pyramid(levels=3)
    assert node.get_effective_scale("1") == [5, 1, 2, 1.0, 1.0]
    assert node.get_effective_scale("2") == [5, 1, 2, 2.0, 2.0]
    assert node.get_effective_translation("1") == [0, 0, 0, 3.25, 0.25]
    assert node.get_effective_translation("2") == [0, 0, 0, 3.75, 0.75]
    node.delete_pyramid()
    node.compute_pyramid(levels=3, method="stride")
    assert node.get_effective_translation("2") == [0, 0, 0, 3.0, 0.0]


@pytest.mark.parametrize(
    ("downscale", "shape"),
    [
        (("z", "y", "x"), (2, 2, 2, 4, 5)),
        (("y", "x"), (2, 2, 4, 4, 5)),
        (("x",), (2, 2, 4, 8, 5)),
        ({"y": 4, "x": 2}, (2, 2, 4, 2, 5)),
        ({"t": 2}, (1, 2, 4, 8, 10)),
    ],
)
def test_axes_can_be_chosen(
    tmp_path: Path, downscale: Any, shape: tuple[int, ...], version: str
) -> None:
    node = make(tmp_path / "s.zarr", np.ones((2, 2, 4, 8, 10), "u1"), version)
    node.compute_pyramid(levels=2, downscale=downscale)
    assert node["1"].shape == shape
    assert (node["1"][...] == 1).all()
    node.delete_pyramid()
    node.initialize_pyramid(2, downscale=downscale)
    assert node["1"].shape == shape


@pytest.mark.parametrize(
    "dtype", ["bool", "i1", "u1", "i2", ">u2", "u4", "i8", "u8", "f2", "f4", "f8"]
)
def test_every_type_of_pixels(tmp_path: Path, version: str, dtype: str) -> None:
    info = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else None
    data = np.full((1, 1, 1, 4, 4), info.max if info else 1, dtype)
    node = make(tmp_path / "s.zarr", data, version)
    node.compute_pyramid(levels=2)
    assert node["1"].dtype == node["0"].dtype
    assert np.array_equal(node["1"][...], data[..., :2, :2])


def test_labels_get_no_invented_ids(tmp_path: Path, version: str) -> None:
    data = np.random.default_rng(0).choice([0, 7, 1000, 65535], (1, 1, 4, 16, 16)).astype("u4")
    node = make(tmp_path / "s.zarr", data, version)
    for method in ("mode", "stride", "min", "max"):
        node.compute_pyramid(levels=3, method=method)
        assert set(np.unique(node["2"][...])) <= {0, 7, 1000, 65535}


@pytest.mark.parametrize("names", [["0", "1", "2"], ["s0", "s1", "s2"], ["raw", "raw_1", "raw_2"]])
def test_any_names_of_levels(tmp_path: Path, version: str, names: list[str]) -> None:
    """Names other than "0" to "n" broke ``.data`` and ``compute_pyramid``."""
    data = np.arange(64, dtype="u2").reshape(1, 1, 1, 8, 8)
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
    ) as node:
        node[names[0]] = data
        assert np.array_equal(node.data[...], data)
        node.compute_pyramid(levels=3)
        assert list(node) == names
        node.compute_pyramid(method="max")
        assert node[names[2]][...].max() == 63
        node.set_scale(names[0], "x", 2)
        assert node.get_effective_scale(names[1])[-1] == 4
        node.delete_pyramid()
        assert list(node) == names[:1]


def test_sharded(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 60000, (1, 2, 8, 64, 64)).astype("u2")
    node = make(tmp_path / "s.zarr", data, chunks=(1, 1, 2, 16, 16), shards_ratio=(1, 1, 4, 2, 2))
    node.compute_pyramid(levels=3)
    assert node["1"].shards is not None
    assert node["1"].chunks == (1, 1, 2, 16, 16)
    assert np.array_equal(node["1"][...], reduced(data, (1, 1, 2, 2, 2), "mean"))


def test_initialize(tmp_path: Path, version: str) -> None:
    node = make(tmp_path / "s.zarr", np.ones((1, 1, 3, 9, 7), "u1"), version)
    node.initialize_pyramid(1)
    assert list(node) == ["0"]
    node.initialize_pyramid(3)
    assert [image.shape[2:] for _, image in node.images()] == [(3, 9, 7), (2, 5, 4), (1, 3, 2)]
    assert not node["1"][...].any()
    assert node.get_effective_scale("2") == [1, 1, 4, 4, 4]
    node.compute_pyramid()
    assert (node["2"][...] == 1).all()
    with pytest.raises(PyramidError, match=r"has a pyramid of 3 levels already"):
        node.initialize_pyramid(2)


def test_computed_again(tmp_path: Path, version: str) -> None:
    data = np.arange(64, dtype="u2").reshape(1, 1, 1, 8, 8)
    node = make(tmp_path / "s.zarr", data, version)
    node.compute_pyramid(levels=2)
    node["0"][...] = 5
    node.compute_pyramid()
    node.compute_pyramid(levels=2)
    assert (node["1"][...] == 5).all()


def test_existing_levels_of_other_sizes_are_filled(tmp_path: Path, version: str) -> None:
    """Levels that somebody else made, floor sizes included, are filled as they are."""
    data = np.ones((1, 1, 1, 9, 9), "u1")
    node = make(tmp_path / "s.zarr", data, version)
    node.create_zeros(
        "1",
        (1, 1, 1, 4, 4),
        "u1",
        transform=[TransformationMeta(type="scale", scale=[1, 1, 1, 2.25, 2.25])],
    )
    try:
        node.compute_pyramid()
    except PyramidError as error:
        assert "delete_pyramid" in str(error) or "level" in str(error)  # noqa: PT017  either is right
        assert not node["1"][...].any()
    else:
        assert (node["1"][...] == 1).all()


def test_refusals(tmp_path: Path, version: str) -> None:
    node = make(tmp_path / "s.zarr", np.ones((1, 1, 1, 4, 4), "u1"), version)
    attrs = node.zattrs.asdict()
    refused: list[tuple[dict[str, Any], str]] = [
        ({}, "has no pyramid yet; say how many levels"),
        ({"levels": 0}, "at least one level"),
        ({"levels": -2}, "at least one level"),
        ({"levels": 2, "method": "average"}, "mean, median, mode|'mean'"),
        ({"levels": 2, "downscale": ("q",)}, "axis|axes"),
        ({"levels": 2, "downscale": {"x": 0}}, "factor|positive|at least"),
    ]
    for kwargs, text in refused:
        with pytest.raises(ValueError, match=text):
            node.compute_pyramid(**kwargs)
        assert node.zattrs.asdict() == attrs
    node.compute_pyramid(levels=1)
    assert list(node) == ["0"]
    node.compute_pyramid(levels=2)
    with pytest.raises(PyramidError, match=r"delete_pyramid\(\) first"):
        node.compute_pyramid(levels=3)
    node.delete_pyramid()
    node.delete_pyramid()
    assert list(node) == ["0"]


def test_no_image(tmp_path: Path, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
    ) as node:
        for call in (lambda: node.compute_pyramid(2), lambda: node.initialize_pyramid(2)):
            with pytest.raises(PyramidError, match="no image"):
                call()


def test_a_missing_level_zero(tmp_path: Path, version: str) -> None:
    import shutil

    node = make(tmp_path / "s.zarr", np.ones((1, 1, 1, 4, 4), "u1"), version)
    shutil.rmtree(tmp_path / "s.zarr" / "0")
    with pytest.raises(PyramidError, match="level '0'"):
        node.compute_pyramid(levels=2)


def test_a_stranger_in_the_way_is_not_overwritten(tmp_path: Path, version: str) -> None:
    node = make(tmp_path / "s.zarr", np.ones((1, 1, 1, 4, 4), "u1"), version)
    node.zgroup.create_array("1", shape=(3,), dtype="u1")[...] = 7
    with pytest.raises(PyramidError, match="an array '1'"):
        node.compute_pyramid(levels=2)
    assert (node.zgroup["1"][...] == 7).all()


def test_a_failure_keeps_the_old_levels(tmp_path: Path, version: str) -> None:
    node = make(tmp_path / "s.zarr", np.ones((1, 1, 1, 8, 8), "u1"), version)
    node.compute_pyramid(levels=2)
    node["0"][...] = 9
    before = {p for p in tmp_path.rglob("*") if p.is_file()}

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        node.compute_pyramid(progress=stop)
    assert (node["1"][...] == 1).all()
    assert {p for p in tmp_path.rglob("*") if p.is_file()} == before


def test_progress(tmp_path: Path, version: str) -> None:
    node = make(tmp_path / "s.zarr", np.ones((2, 2, 1, 8, 8), "u1"), version)
    seen: list[tuple[int, int]] = []
    node.compute_pyramid(levels=2, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > 0
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize("engine", ["tensorstore", "zarr-python", "zarrs"])
def test_engines_and_memory(tmp_path: Path, version: str, engine: str) -> None:
    data = np.random.default_rng(0).integers(0, 99, (2, 1, 2, 8, 8)).astype("u1")
    node = make(tmp_path / "s.zarr", data, version)
    with open_ome_zarr(tmp_path / "s.zarr", mode="r+", engine=engine) as again:
        again.compute_pyramid(levels=3, memory=100, workers=1)
    assert np.array_equal(node["1"][...], reduced(data, (1, 1, 2, 2, 2), "mean"))


def test_in_memory(version: str) -> None:
    data = np.random.default_rng(0).integers(0, 99, (2, 1, 2, 8, 8)).astype("u1")
    node = make(f"memory://pyramid{version}", data, version)
    node.compute_pyramid(levels=3)
    assert np.array_equal(node["1"][...], reduced(data, (1, 1, 2, 2, 2), "mean"))
    node.delete_pyramid()
    assert node.array_keys() == ["0"]


# ---- other images of the position are no levels ----------------------------------------------


@pytest.fixture
def with_mask(tmp_path: Path, version: str) -> Any:
    """Open a position with an image, and another one of its size."""
    node = make(tmp_path / "s.zarr", np.ones((1, 1, 2, 8, 8), "u1"), version)
    node.set_scale("0", "x", 0.5)
    node["mask"] = np.full((1, 1, 2, 8, 8), 5, "u1")
    return node


def test_another_image_of_the_same_size_has_the_same_pixels(with_mask: Any) -> None:
    assert list(with_mask) == ["0", "mask"]
    assert with_mask.scale == with_mask.get_effective_scale("mask") == [1, 1, 1, 1, 0.5]
    with_mask.create_zeros("crop", (1, 1, 2, 4, 5), "u1")
    assert list(with_mask) == ["0", "mask", "crop"]
    assert with_mask.scale[-1] == 0.5


def test_another_image_is_not_overwritten_and_not_deleted(with_mask: Any) -> None:
    with_mask.create_zeros("crop", (1, 1, 2, 4, 4), "u1")
    with_mask["crop"][...] = 6
    with pytest.raises(PyramidError, match="has no pyramid yet"):
        with_mask.compute_pyramid()
    with_mask.compute_pyramid(levels=3)
    assert set(with_mask) == {"0", "mask", "crop", "1", "2"}
    with_mask["0"][...] = 3
    with_mask.compute_pyramid()
    assert (with_mask["1"][...] == 3).all()
    with_mask.append_channel("new")
    with_mask.remove_channel("new")
    with_mask.delete_pyramid()
    assert set(with_mask) == {"0", "mask", "crop"}
    assert (with_mask["mask"][...] == 5).all()
    assert (with_mask["crop"][...] == 6).all()


def test_another_image_with_the_name_of_a_level(with_mask: Any) -> None:
    with_mask.create_image("1", np.full((1, 1, 2, 8, 8), 7, "u1"))
    with_mask.compute_pyramid(levels=2)
    assert set(with_mask) == {"0", "mask", "1", "0_1"}
    assert (with_mask["1"][...] == 7).all()
    assert with_mask["0_1"].shape == (1, 1, 1, 4, 4)
    with_mask.compute_pyramid()
    with_mask.delete_pyramid()
    assert set(with_mask) == {"0", "mask", "1"}


def test_levels_whose_scale_nobody_wrote(tmp_path: Path, version: str) -> None:
    """Numbered and smaller: levels, though their metadata say pixels of the same size."""
    node = make(tmp_path / "s.zarr", np.ones((1, 1, 1, 8, 8), "u1"), version)
    ones = [TransformationMeta(type="scale", scale=[1.0] * 5)]
    node.create_zeros("1", (1, 1, 1, 4, 4), "u1", transform=ones)
    node.create_zeros("2", (1, 1, 1, 2, 2), "u1", transform=ones)
    node.compute_pyramid()
    assert (node["2"][...] == 1).all()
    assert node.get_effective_scale("2") == [1, 1, 1, 4, 4]
