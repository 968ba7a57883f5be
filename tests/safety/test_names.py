"""Names are checked before anything is written, and a mode never destroys what it should not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.errors import (
    ChannelError,
    ExistsError,
    LayoutError,
    MissingNodeError,
    ModeError,
    NameWarning,
    NotFoundError,
    PathError,
    VersionError,
)
from iohub.ngff import Plate

NOT_ALPHANUMERIC = ["", " ", "A B", "A/1", "/A", "A/", "..", ".", "../A", "A\\1", "Å", "A-1", "A_1"]
NOT_ALPHANUMERIC += ["A\n", "A\x00", "zarr.json", ".zattrs", "~", "C:"]
LEADING_OUT = [
    "",
    "..",
    ".",
    "../1",
    "a/../../1",
    "/1",
    "/etc/passwd",
    "a//b",
    "a/",
    "a\\b",
    "a\x00",
]
LEADING_OUT += [
    "./1",
    "C:/x",
    "zarr.json",
    ".zattrs",
    "0/.zarray",
    "*",
    "labels/0",
    ".__iohub-edit",
]


def files_of(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


@pytest.fixture
def plate(tmp_path: Path) -> Any:
    with open_ome_zarr(tmp_path / "p.zarr", "hcs", "w-", ["a"], version="0.5") as node:
        node.create_position("A", "1", "0").create_zeros("0", (1, 1, 1, 2, 2), "u1")
        yield node


@pytest.mark.parametrize("name", NOT_ALPHANUMERIC)
def test_names_of_rows_columns_and_fields(plate: Any, tmp_path: Path, name: str) -> None:
    before = files_of(tmp_path)
    for act in (
        lambda: plate.create_well(name, "1"),
        lambda: plate.create_well("B", name),
        lambda: plate.create_position(name, "1", "0"),
        lambda: plate.create_position("B", name, "0"),
        lambda: plate.create_position("B", "1", name),
        lambda: plate.create_positions([("B", "1", "0"), ("B", "2", name)]),
        lambda: plate["A/1"].create_position(name),
        lambda: plate.rename_well("A/1", f"B/{name}"),
        lambda: plate.rename_well("A/1", f"{name}/1"),
        lambda: plate.rename_well("A/1", f"B/1/{name}"),
        lambda: plate.rename_well("A/1", "B"),
        lambda: Plate.from_positions(tmp_path / "q.zarr", {f"A/1/{name}": plate["A/1/0"]}),
        lambda: Plate.from_positions(tmp_path / "q.zarr", {f"{name}/1/0": plate["A/1/0"]}),
    ):
        with pytest.raises(PathError):
            act()
    assert files_of(tmp_path) == before
    assert sorted(os.listdir(tmp_path)) == ["p.zarr"]


@pytest.mark.parametrize("name", LEADING_OUT)
def test_names_of_arrays(plate: Any, tmp_path: Path, name: str) -> None:
    position = plate["A/1/0"]
    before = files_of(tmp_path)
    for act in (
        lambda: position.create_zeros(name, (1, 1, 1, 2, 2), "u1"),
        lambda: position.create_image(name, np.zeros((1, 1, 1, 2, 2), "u1")),
        lambda: position.write_xarray(position.to_xarray(), name),
    ):
        with pytest.raises(PathError):
            act()
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("key", ["..", "../p.zarr", "A/../A", "A/1/..", "A/1/0/../0", "/etc", "~"])
def test_keys_lead_nowhere_else(plate: Any, key: str) -> None:
    for node in (plate, plate["A"], plate["A/1"], plate["A/1/0"]):
        with pytest.raises((MissingNodeError, PathError)):
            node[key]
    with pytest.raises((MissingNodeError, PathError)):
        plate.remove_position(key)
    with pytest.raises((MissingNodeError, PathError)):
        plate.remove_well(key)
    with pytest.raises((MissingNodeError, PathError)):
        del plate["A/1/0"][key]


def test_names_that_differ_by_case_only(plate: Any) -> None:
    with pytest.warns(NameWarning, match="case"):
        plate.create_position("a", "1", "0")
    plate.create_position("B", "1x", "0")
    with pytest.warns(NameWarning, match="case"):
        plate.create_position("B", "1X", "0")
    with pytest.warns(NameWarning, match="case"):
        plate.create_positions([("C", "1", "f"), ("C", "1", "F")])
    with pytest.warns(NameWarning, match="case"):
        plate.rename_well("C/1", "c/1")


def test_nothing_that_exists_is_created_again(plate: Any, tmp_path: Path) -> None:
    before = files_of(tmp_path)
    for act in (
        lambda: plate.create_well("A", "1"),
        lambda: plate.create_position("A", "1", "0"),
        lambda: plate.create_positions([("B", "1", "0"), ("A", "1", "0")]),
        lambda: plate.create_positions([("B", "1", "0"), ("B", "1", "0")]),
        lambda: plate["A/1"].create_position("0"),
        lambda: plate["A/1/0"].create_zeros("0", (1, 1, 1, 2, 2), "u1"),
        lambda: plate["A/1/0"].__setitem__("0", np.ones((1, 1, 1, 2, 2), "u1")),
        lambda: plate.add_acquisition(0),
        lambda: Plate.from_positions(tmp_path / "p.zarr", {"A/1/0": plate["A/1/0"]}),
    ):
        with pytest.raises(ExistsError):
            act()
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_a_position_that_the_plate_does_not_list_is_not_lost(tmp_path: Path, version: str) -> None:
    """A well on disk with data that no plate lists is found when it is created."""
    path = tmp_path / "p.zarr"
    with open_ome_zarr(path, "hcs", "w-", ["a"], version=version) as node:
        node.create_position("A", "1", "0").create_image("0", np.full((1, 1, 1, 2, 2), 7, "u1"))
        node.create_position("B", "1", "0")
        plate = dict(node.maybe_wrapped_ome_attrs["plate"])
        plate["wells"] = [well for well in plate["wells"] if well["path"] != "A/1"]
        node.maybe_wrapped_ome_attrs["plate"] = plate
    with open_ome_zarr(path, mode="r+") as node:
        assert [name for name, _ in node.positions()] == ["B/1/0"]
        before = files_of(tmp_path)
        with pytest.raises(ExistsError):
            node.create_position("A", "1", "0")
        assert files_of(tmp_path) == before
        node.create_well("A", "1")
        assert (node["A/1/0/0"][:] == 7).all()


# modes


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder with something dear in it."""
    folder = tmp_path / "photos"
    (folder / "2024").mkdir(parents=True)
    (folder / "2024/cat.jpg").write_bytes(b"a cat")
    (folder / "thesis.txt").write_bytes(b"my thesis")
    return folder


def create(path: Path, mode: str, **kwargs: Any) -> Any:
    return open_ome_zarr(path, "fov", mode, ["a"], version="0.5", **kwargs)


@pytest.mark.parametrize("name", ["photos", "photos.zarr", "my.zarr.backup"])
def test_mode_w_deletes_nothing_but_zarr_stores(photos: Path, name: str) -> None:
    folder = photos.rename(photos.with_name(name))
    before = files_of(folder)
    with pytest.raises(PathError, match="refusing to delete"):
        create(folder, "w")
    with pytest.raises(PathError, match="refusing to delete"):
        create(folder / "thesis.txt", "w")
    assert files_of(folder) == before
    create(folder, "w", disable_path_checking=True).close()
    assert files_of(folder).keys() == {"zarr.json"}


def test_mode_w_refuses_a_store_whose_name_does_not_say_so(tmp_path: Path) -> None:
    zarr.create_group(tmp_path / "results")
    with pytest.raises(PathError, match=r"\.zarr"):
        create(tmp_path / "results", "w")


def test_mode_w_replaces_a_store_and_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    create(tmp_path / "empty", "w").close()
    for zarr_format in (2, 3):
        path = tmp_path / f"{zarr_format}.zarr"
        zarr.create_group(path, zarr_format=zarr_format).create_array("x", shape=3, dtype="u1")
        create(path, "w").close()
        assert files_of(path).keys() == {"zarr.json"}


def test_arguments_are_checked_before_anything_is_deleted(plate: Any, tmp_path: Path) -> None:
    before, path = files_of(tmp_path), tmp_path / "p.zarr"
    for error, arguments in (
        (LayoutError, {"layout": "auto", "channel_names": ["a"]}),
        (LayoutError, {"layout": "plate", "channel_names": ["a"]}),
        (ChannelError, {"layout": "fov"}),
        (ChannelError, {"layout": "fov", "channel_names": ["a", "a"]}),
        (VersionError, {"layout": "fov", "channel_names": ["a"], "version": "0.3"}),
        (VersionError, {"layout": "fov", "channel_names": ["a"], "version": "9"}),
        (ValueError, {"layout": "fov", "channel_names": ["a"], "axes": []}),
        (ValueError, {"layout": "fov", "channel_names": ["a"], "engine": "steam"}),
        (TypeError, {"layout": "fov", "channel_names": ["a"], "shape": (1,)}),
    ):
        with pytest.raises(error):
            open_ome_zarr(path, mode="w", **arguments)
    for mode in ("x", "rw", "", "W"):
        with pytest.raises(ModeError):
            open_ome_zarr(path, "fov", mode, ["a"])
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("mode", ["a", "w-", "r+", "r"])
def test_other_modes_never_destroy(plate: Any, photos: Path, tmp_path: Path, mode: str) -> None:
    before = files_of(tmp_path)
    for path in (tmp_path / "p.zarr", photos, photos / "thesis.txt", photos / "2024/cat.jpg"):
        for layout in ("fov", "hcs", "tiled"):
            try:
                open_ome_zarr(path, layout, mode, ["other"], version="0.4").close()
            except (LayoutError, ExistsError, NotFoundError, PathError):
                continue
            assert (path.name, layout) == ("p.zarr", "hcs")
    assert files_of(tmp_path) == before


def test_mode_a_keeps_channels_and_pixels(tmp_path: Path) -> None:
    path = tmp_path / "i.zarr"
    with open_ome_zarr(path, "fov", "a", ["a"], version="0.5") as node:
        node.create_image("0", np.ones((1, 1, 1, 2, 2), "u1"))
    with open_ome_zarr(path, "fov", "a", ["b"], version="0.4") as node:
        assert node.channel_names == ["a"]
        assert node.version == "0.5"
        assert (node["0"][:] == 1).all()


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_nothing_is_created_where_nothing_is(tmp_path: Path, mode: str) -> None:
    with pytest.raises(NotFoundError):
        open_ome_zarr(tmp_path / "none.zarr", mode=mode)
    assert os.listdir(tmp_path) == []


def test_overwriting_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "p.zarr"
    with open_ome_zarr(path, "hcs", "w-", ["a"], version="0.4") as node:
        node.create_position("A", "1", "0").create_image("0", np.ones((1, 1, 1, 2, 2), "u1"))
        node.create_position("A", "1", "1")
    with open_ome_zarr(path, mode="r+", overwriting_creation=True) as node:
        node["A/1/0"].create_image("0", np.full((1, 1, 1, 3, 3), 2, "u2"))
        assert (node["A/1/0/0"][:] == 2).all()
        node.create_position("A", "1", "0")
        assert node["A/1"].keys() == ["1", "0"]
        assert node["A/1/0"].keys() == []
        assert os.listdir(path / "A/1/0") == [".zgroup"]


def test_symbolic_links_are_not_followed_when_deleting(tmp_path: Path, photos: Path) -> None:
    path = tmp_path / "i.zarr"
    with create(path, "w-") as node:
        node.create_zeros("0", (1, 1, 1, 2, 2), "u1")
    (path / "link").symlink_to(photos, target_is_directory=True)
    before = files_of(photos)
    create(path, "w").close()
    assert files_of(photos) == before
