"""Channel surgery: arrays, every level of the pyramid and omero stay in step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.errors import (
    AxisError,
    ChannelError,
    CorruptNodeWarning,
    DTypeError,
    ShapeError,
    UnreadableError,
)


@pytest.fixture(params=["chunk per channel", "chunks of channels", "sharded"])
def node(request: pytest.FixtureRequest, tmp_path: Path, version: str) -> Any:
    """Open a position of three channels with a pyramid, whose channels are told apart."""
    data = np.arange(2 * 3 * 4 * 8 * 8, dtype="u2").reshape(2, 3, 4, 8, 8)
    chunks: Any = None
    ratio: Any = None
    if request.param == "chunks of channels":
        chunks = (1, 2, 4, 4, 8)
    elif request.param == "sharded":
        if version == "0.4":
            pytest.skip("Zarr v2 has no shards")
        chunks, ratio = (1, 1, 2, 4, 4), (1, 3, 2, 2, 2)
    with open_ome_zarr(
        tmp_path / "s.zarr",
        layout="fov",
        mode="w-",
        channel_names=["DAPI", "GFP", "Cy5"],
        version=version,
    ) as position:
        position.create_image("0", data, chunks=chunks, shards_ratio=ratio)
        position.compute_pyramid(levels=2)
        yield position


def levels(node: Any) -> list[np.ndarray]:
    return [image[...] for _, image in node.images()]


def labels(node: Any) -> list[str]:
    return [channel.label for channel in node.metadata.omero.channels]


def colors(node: Any) -> list[str]:
    return [channel.color for channel in node.metadata.omero.channels]


def test_append(node: Any) -> None:
    before = levels(node)
    node.append_channel("new")
    for old, new in zip(before, levels(node), strict=True):
        assert new.shape[1] == 4
        assert np.array_equal(new[:, :3], old)
        assert not new[:, 3].any()
    assert node.channel_names == labels(node) == ["DAPI", "GFP", "Cy5", "new"]
    assert node.get_channel_index("new") == 3


def test_append_a_name_only(node: Any) -> None:
    node.append_channel("new", resize_arrays=False)
    assert node["0"].shape[1] == 3
    assert node.channel_names == ["DAPI", "GFP", "Cy5", "new"]
    with pytest.raises(ShapeError, match="has 3 channels, the metadata name 4"):
        node.append_channel("newer")
    assert node.channel_names == ["DAPI", "GFP", "Cy5", "new"]
    for name in ("0", "1"):
        node[name].resize(tuple(4 if i == 1 else n for i, n in enumerate(node[name].shape)))
    node.append_channel("newer")
    assert node["1"].shape[1] == 5


@pytest.mark.parametrize("index", [0, 1, 3, -1, -4])
def test_insert(node: Any, index: int) -> None:
    before, at = levels(node), range(4)[index]
    colors_before = colors(node)
    plane = np.full((2, 4, 8, 8), 9, "u2")
    node.insert_channel(index, "new", plane)
    names = ["DAPI", "GFP", "Cy5"]
    names.insert(at, "new")
    assert node.channel_names == names
    kept = [i for i in range(4) if i != at]
    assert [colors(node)[i] for i in kept] == colors_before
    for level, (old, new) in enumerate(zip(before, levels(node), strict=True)):
        assert np.array_equal(new[:, kept], old)
        assert (new[:, at] == (0 if level else 9)).all()


@pytest.mark.parametrize("name", ["DAPI", "GFP", "Cy5"])
def test_remove(node: Any, name: str) -> None:
    before = levels(node)
    at = node.get_channel_index(name)
    kept = [i for i in range(3) if i != at]
    colors_before = colors(node)
    node.remove_channel(name)
    for old, new in zip(before, levels(node), strict=True):
        assert np.array_equal(new, old[:, kept])
    assert name not in node.channel_names
    assert colors(node) == [colors_before[i] for i in kept]
    node.compute_pyramid()
    assert np.array_equal(levels(node)[1], before[1][:, kept])


@pytest.mark.parametrize("order", [["Cy5", "DAPI", "GFP"], [2, 1, 0], [0, 2, 1], ["DAPI", 2, 1]])
def test_reorder(node: Any, order: list[Any]) -> None:
    before = levels(node)
    names = node.channel_names
    index = [i if isinstance(i, int) else names.index(i) for i in order]
    colors_before = colors(node)
    node.reorder_channels(order)
    for old, new in zip(before, levels(node), strict=True):
        assert np.array_equal(new, old[:, index])
    assert node.channel_names == [names[i] for i in index]
    assert colors(node) == [colors_before[i] for i in index]


def test_rename(node: Any) -> None:
    before = levels(node)
    color = colors(node)
    node.rename_channel("GFP", "mNeonGreen")
    assert node.channel_names == labels(node) == ["DAPI", "mNeonGreen", "Cy5"]
    assert colors(node) == color
    node.rename_channel("Cy5", "Cy5")
    assert all(np.array_equal(a, b) for a, b in zip(before, levels(node), strict=True))


def test_update(node: Any) -> None:
    before = levels(node)
    node.update_channel("GFP", "0", before[0][:, 0])
    assert np.array_equal(node["0"][:, 1], before[0][:, 0])
    assert np.array_equal(node["0"][:, [0, 2]], before[0][:, [0, 2]])
    node.update_channel("GFP", "1", before[1][:, 2].tolist())
    assert np.array_equal(node["1"][:, 1], before[1][:, 2])
    node.update_channel("DAPI", "0", node["0"].dask_array()[:, 2])
    assert np.array_equal(node["0"][:, 0], before[0][:, 2])


def test_contrast_and_color(node: Any) -> None:
    window = {"start": 10.0, "end": 200.0, "min": 0.0, "max": 65535.0}
    node.set_contrast_limits("GFP", window)
    node.set_channel_color("GFP", "#00ff7f")
    channel = node.metadata.omero.channels[1]
    assert dict(channel.window) == window
    assert channel.color == "00FF7F"
    node.append_channel("new")
    node.remove_channel("DAPI")
    assert dict(node.metadata.omero.channels[0].window) == window


@pytest.mark.parametrize(
    "window",
    [
        {"start": 10.0, "end": 5.0, "min": 0.0, "max": 9.0},
        {"start": "a", "end": 5.0, "min": 0.0, "max": 9.0},
        {"start": float("nan"), "end": 5.0, "min": 0.0, "max": 9.0},
    ],
)
def test_windows_that_make_no_sense(node: Any, window: dict[str, Any]) -> None:
    before = node.zattrs.asdict()
    with pytest.raises(ChannelError):
        node.set_contrast_limits("GFP", window)
    assert node.zattrs.asdict() == before


def test_refused_with_nothing_changed(node: Any) -> None:
    before, attrs = levels(node), node.zattrs.asdict()
    refused: list[tuple[Callable[[], None], type[Exception], str]] = [
        (lambda: node.append_channel("GFP"), ChannelError, "there is a channel 'GFP' already"),
        (lambda: node.append_channel(""), ChannelError, "not empty"),
        (lambda: node.insert_channel(0, "GFP"), ChannelError, "already"),
        (lambda: node.insert_channel(9, "x"), IndexError, "out of bounds"),
        (lambda: node.rename_channel("GFP", "DAPI"), ChannelError, "already"),
        (lambda: node.rename_channel("GPF", "x"), ChannelError, r"'GPF'.*'GFP'"),
        (lambda: node.rename_channel("GFP", ""), ChannelError, "not empty"),
        (lambda: node.remove_channel("none"), ChannelError, "no channel 'none'"),
        (lambda: node.reorder_channels(["DAPI", "GFP"]), ChannelError, "once"),
        (lambda: node.reorder_channels([0, 0, 1]), ChannelError, "once"),
        (lambda: node.reorder_channels(["DAPI", "GFP", "x"]), ChannelError, "no channel 'x'"),
        (lambda: node.get_channel_index("none"), ValueError, "its channels are"),
        (lambda: node.set_channel_color("GFP", "greenish"), ChannelError, "colo"),
        (lambda: node.update_channel("GFP", "0", np.zeros((2, 1, 4, 8, 8))), ShapeError, "wants"),
        (lambda: node.update_channel("GFP", "9", np.zeros((2, 4, 8, 8))), KeyError, "no '9'"),
        (lambda: node.update_channel("x", "0", np.zeros((2, 4, 8, 8))), ChannelError, "'x'"),
        (lambda: node.update_channel("GFP", "0", np.full((2, 4, 8, 8), -1)), DTypeError, "fit"),
        (lambda: node.insert_channel(0, "x", np.zeros((1, 1))), ShapeError, "wants"),
        (lambda: node.insert_channel(0, "x", np.full((2, 4, 8, 8), -1)), DTypeError, "fit"),
    ]
    for call, error, text in refused:
        with pytest.raises(error, match=text):
            call()
        assert node.zattrs.asdict() == attrs
        assert all(np.array_equal(a, b) for a, b in zip(before, levels(node), strict=True))


def test_the_only_channel_stays(tmp_path: Path, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
    ) as node:
        node["0"] = np.ones((1, 1, 1, 2, 2), "u1")
        with pytest.raises(ChannelError, match="only channel"):
            node.remove_channel("a")
        assert node["0"].shape == (1, 1, 1, 2, 2)


def test_before_the_first_image(tmp_path: Path, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
    ) as node:
        node.append_channel("b")
        node.insert_channel(0, "c")
        node.rename_channel("a", "A")
        node.reorder_channels(["A", "b", "c"])
        node.remove_channel("b")
        assert node.channel_names == ["A", "c"]
        with pytest.raises(KeyError, match="no image yet"):
            node.set_contrast_limits("A", {"start": 0, "end": 1, "min": 0, "max": 1})
    with open_ome_zarr(tmp_path / "s.zarr", mode="r+") as node:
        assert node.channel_names == ["A", "c"]
        node["0"] = np.ones((1, 2, 1, 2, 2), "u1")


def without_omero(path: Path, version: str, channels: Any = None) -> Any:
    """Write an image whose metadata name no channels, or not all of them."""
    with open_ome_zarr(
        path, layout="fov", mode="w-", channel_names=["a", "b"], version=version
    ) as node:
        node["0"] = np.arange(32, dtype="u1").reshape(1, 2, 1, 4, 4)
    group = zarr.open_group(path, mode="r+")
    holder = dict(group.attrs) if version == "0.4" else dict(group.attrs["ome"])
    holder.pop("omero")
    if channels is not None:
        holder["omero"] = {"channels": channels}
    if version == "0.4":
        group.attrs.put(holder)
    else:
        group.attrs["ome"] = holder
    return open_ome_zarr(path, mode="r+")


@pytest.mark.parametrize("channels", [None, [], [{"label": "first", "color": "FF0000"}]])
def test_metadata_that_name_no_channels(tmp_path: Path, version: str, channels: Any) -> None:
    """The public tool resized the arrays, then raised AttributeError: a half-done edit."""
    node = without_omero(tmp_path / "s.zarr", version, channels)
    first = "first" if channels else "0"
    if channels:
        with pytest.raises(ShapeError, match="has 2 channels, the metadata name 1"):
            node.append_channel("new")
        assert node["0"].shape[1] == 2
        return
    assert node.channel_names == [first, "1"]
    node.append_channel("new")
    assert node.channel_names == [first, "1", "new"]
    assert node["0"].shape[1] == 3
    node.rename_channel("1", "second")
    node.remove_channel(first)
    assert node.channel_names == ["second", "new"]
    assert (node["0"][0, 0, 0, 0] == [16, 17, 18, 19]).all()


def test_no_channel_axis(tmp_path: Path, version: str) -> None:
    from iohub.ngff import AxisMeta

    axes = [AxisMeta(name=n, type="space") for n in "zyx"]
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", axes=axes, version=version
    ) as node:
        node["0"] = np.ones((2, 3, 4), "u1")
        attrs = node.zattrs.asdict()
        with pytest.raises(AxisError, match="no channel axis; its axes are z, y, x"):
            node.append_channel("x")
        with pytest.raises((AxisError, ChannelError)):
            node.update_channel("x", "0", np.ones((2, 3, 4)))
        assert node.zattrs.asdict() == attrs


def test_appending_takes_no_space_and_moves_no_pixel(tmp_path: Path, version: str) -> None:
    """Only documents change where no channel has to move."""
    from iohub.testing.counting import CountingBytes

    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a", "b"], version=version
    ) as node:
        node["0"] = np.ones((2, 2, 1, 8, 8), "u2")
        node.compute_pyramid(2)
    store = CountingBytes(tmp_path / "s.zarr")
    with open_ome_zarr(store, mode="r+") as node:
        store.clear()
        node.append_channel("c")
        touched = {
            op.key for op in store.operations if op.kind in ("get", "set") and not op.is_document
        }
    assert not any("/c/" in key and "edit" not in key for key in touched)
    assert not any(key.rpartition("/")[2].isdigit() for key in touched)


@pytest.mark.parametrize("chunks", [4, 2, 1])
def test_a_new_channel_is_empty_whatever_was_there(
    tmp_path: Path, version: str, chunks: int
) -> None:
    """zarr leaves the pixels in a chunk beyond the end of an array that it makes smaller."""
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=list("abcd"), version=version
    ) as node:
        node.create_image("0", np.full((1, 4, 1, 4, 4), 7, "u2"), chunks=(1, chunks, 1, 4, 4))
    group = zarr.open_group(tmp_path / "s.zarr", mode="r+")
    group["0"].resize((1, 3, 1, 4, 4))
    with open_ome_zarr(tmp_path / "s.zarr", mode="r+") as node:
        del node.maybe_wrapped_ome_attrs["omero"]["channels"][3]
        node.append_channel("new")
        assert node.channel_names == ["a", "b", "c", "new"]
        assert (node["0"][:, :3] == 7).all()
        assert not node["0"][:, 3].any()


# ---- a whole plate ---------------------------------------------------------------------------


def each(plate: Any) -> list[np.ndarray]:
    return [position["0"][...] for _, position in plate.positions()]


def test_surgery_on_a_plate(plate: Any) -> None:
    before = each(plate)
    plate.append_channel("new")
    assert plate.channel_names == ["DAPI", "GFP", "new"]
    plate.reorder_channels(["new", "GFP", "DAPI"])
    plate.rename_channel("new", "mask")
    plate.insert_channel(1, "x")
    plate.remove_channel("x")
    assert all(p.channel_names == ["mask", "GFP", "DAPI"] for _, p in plate.positions())
    for old, new in zip(before, each(plate), strict=True):
        assert np.array_equal(new[:, [2, 1]], old)
        assert not new[:, 0].any()
    plate.create_position("C", "9", "0").create_zeros("0", (1, 3, 1, 2, 2), "u1")
    assert plate["C/9/0"].channel_names == ["mask", "GFP", "DAPI"]


def test_surgery_that_stopped_half_way_is_completed(plate: Any) -> None:
    """A call that failed at one position is repeated; what was done is left alone."""
    plate["A/1/0"].append_channel("new")
    plate["A/2/0"].rename_channel("GFP", "green")
    plate.append_channel("new")
    plate.rename_channel("GFP", "green")
    assert {tuple(p.channel_names) for _, p in plate.positions()} == {("DAPI", "green", "new")}
    with pytest.raises(ChannelError, match="in every position"):
        plate.append_channel("new")
    with pytest.raises(ChannelError, match=r"no position of .* has a channel 'GFP'"):
        plate.rename_channel("GFP", "x")
    with pytest.raises(ChannelError, match="no position"):
        plate.remove_channel("GFP")


def document_of(group: Path) -> Path:
    return next(
        p for p in (group / "zarr.json", group / ".zattrs", group / ".zarray") if p.exists()
    )


SURGERY: list[Callable[..., None]] = [
    lambda plate, **how: plate.append_channel("new", **how),
    lambda plate, **how: plate.insert_channel(0, "new", **how),
    lambda plate, **how: plate.rename_channel("GFP", "new", **how),
    lambda plate, **how: plate.remove_channel("GFP", **how),
    lambda plate, **how: plate.reorder_channels(["GFP", "DAPI"], **how),
]


@pytest.mark.parametrize("edit", SURGERY)
@pytest.mark.parametrize("broken", ["A/2/0", "A/2"])
def test_surgery_with_a_corrupt_position_changes_nothing(
    plate: Any, edit: Callable[..., None], broken: str
) -> None:
    """The good ones were changed, so that the plate had two sets of channels."""
    root = Path(plate.url)
    document_of(root / broken).write_text("{")
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    with pytest.raises(UnreadableError, match=rf"(?s)nothing was changed.*{broken}"):
        edit(plate)
    assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file()} == before
    with pytest.warns(CorruptNodeWarning, match=broken):
        edit(plate, skip_unreadable=True)
    assert plate["A/1/0"].channel_names == plate["B/2/0"].channel_names != ["DAPI", "GFP"]


def test_surgery_with_a_corrupt_array(plate: Any) -> None:
    array = Path(plate.url) / "A/2/0/0"
    (array / ("zarr.json" if (array / "zarr.json").exists() else ".zarray")).write_text("{")
    with pytest.raises(UnreadableError, match="A/2/0/0"):
        plate.append_channel("new")
    assert plate["A/1/0"].channel_names == ["DAPI", "GFP"]
    with pytest.warns(CorruptNodeWarning, match="A/2/0/0"):
        plate.append_channel("new", skip_unreadable=True)
    assert plate["B/2/0"].channel_names == ["DAPI", "GFP", "new"]
    plate.rename_channel("GFP", "green")  # no array is touched
    assert plate["A/2/0"].channel_names == ["DAPI", "green"]


def test_surgery_on_an_empty_plate(empty_plate: Any) -> None:
    empty_plate.append_channel("new")
    empty_plate.rename_channel("GFP", "green")
    assert empty_plate.channel_names == ["DAPI", "green", "new"]
    empty_plate.create_position("A", "1", "0").create_zeros("0", (1, 3, 1, 2, 2), "u1")
    assert empty_plate["A/1/0"].channel_names == ["DAPI", "green", "new"]
