"""open_ome_zarr: each layout, mode and version; what it refuses, and that it destroys nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.storage import LocalStore, LoggingStore, MemoryStore, StorePath

from iohub import open_ome_zarr
from iohub.errors import (
    AxisError,
    ChannelError,
    DocumentError,
    EngineError,
    ExistsError,
    IohubError,
    LayoutError,
    ModeError,
    NotFoundError,
    PathError,
    ReadOnlyError,
    VersionError,
)
from iohub.ngff import AxisMeta, Plate, Position, TiledPosition, Well

LAYOUTS = {"fov": Position, "hcs": Plate, "tiled": TiledPosition}
VERSIONS = ["0.4", "0.5"]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def fill(node: Any) -> None:
    """Give a new store an image."""
    data = np.arange(24, dtype="uint8").reshape(1, 2, 1, 3, 4)
    position = node.create_position("A", "1", "0") if isinstance(node, Plate) else node
    position.create_image("0", data)


def first_image(node: Any) -> Any:
    return node["A/1/0/0"] if isinstance(node, Plate) else node["0"]


def create(where: Any, layout: str, version: str, mode: str = "w-", **kwargs: Any) -> Any:
    return open_ome_zarr(
        where, layout=layout, mode=mode, channel_names=["a", "b"], version=version, **kwargs
    )


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# ---- each layout, mode and version -----------------------------------------------------------


@pytest.mark.parametrize("mode", ["w-", "w", "a"])
def test_create_and_open_again(tmp_path: Path, layout: str, version: str, mode: str) -> None:
    path = tmp_path / "s.zarr"
    with create(path, layout, version, mode) as node:
        assert type(node) is LAYOUTS[layout]
        assert node.version == version
        assert node.channel_names == ["a", "b"]
        assert node.is_root()
        fill(node)
    for again in ("r", "r+", "a"):
        with open_ome_zarr(path, mode=again) as node:
            assert type(node) is (Plate if layout == "hcs" else Position)
            assert node.version == version
            assert node.channel_names == ["a", "b"]
            assert first_image(node)[0, 1, 0, 2, 3] == 23
        with open_ome_zarr(path, layout=layout, mode=again) as node:
            assert type(node) is LAYOUTS[layout]
    assert (path / ("zarr.json" if version == "0.5" else ".zgroup")).is_file()


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_an_empty_new_store_opens(tmp_path: Path, layout: str, version: str, mode: str) -> None:
    create(tmp_path / "s.zarr", layout, version).close()
    with open_ome_zarr(tmp_path / "s.zarr", mode=mode) as node:
        assert type(node) is (Plate if layout == "hcs" else Position)
        assert node.channel_names == ["a", "b"]
        assert list(node) == []
        assert node.version == version


def test_defaults_of_new_stores(tmp_path: Path) -> None:
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w", channel_names=["a"]
    ) as position:
        assert position.version == "0.4"
        assert [(a.name, a.type, a.unit) for a in position.axes] == [
            ("t", "time", "second"),
            ("c", "channel", None),
            ("z", "space", "micrometer"),
            ("y", "space", "micrometer"),
            ("x", "space", "micrometer"),
        ]


@pytest.mark.parametrize(
    "place",
    [
        lambda path: str(path / "s.zarr"),
        lambda path: path / "s.zarr",
        lambda path: (path / "s.zarr").as_uri(),
        lambda path: LocalStore(path / "s.zarr"),
        lambda path: StorePath(LocalStore(path), "s.zarr"),
        lambda path: StorePath(LocalStore(path), "deep/er/s.zarr"),
        lambda path: MemoryStore(),
        lambda path: StorePath(MemoryStore(), "inside/s.zarr"),
        lambda path: LoggingStore(MemoryStore()),
        lambda path: f"memory://{path.name}",
        lambda path: f"memory://{path.name}/inside/s.zarr",
    ],
    ids=range(11),
)
def test_places(tmp_path: Path, layout: str, version: str, place: Callable[[Path], Any]) -> None:
    where = place(tmp_path)
    with create(where, layout, version) as node:
        fill(node)
        assert node.is_root()
        assert node.url
    with open_ome_zarr(where) as node:
        assert first_image(node)[0, 1, 0, 2, 3] == 23
        assert node.channel_names == ["a", "b"]
        assert isinstance(repr(node), str)
        with pytest.raises(ReadOnlyError):
            first_image(node)[...] = 0
    with open_ome_zarr(where, mode="r+") as node:
        first_image(node)[...] = 7
    with create(where, layout, version, "a") as node:
        assert (first_image(node)[...] == 7).all()
        if layout == "hcs":
            node.rename_well("A/1", "B/2")
            assert (node["B/2/0/0"][...] == 7).all()
            node.create_position("A", "1", "0")
            node.remove_well("B/2")
    with create(where, layout, version, "w") as node:
        assert list(node) == []


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    create("~/s.zarr", "fov", "0.5").close()
    assert (tmp_path / "s.zarr" / "zarr.json").is_file()


def test_the_two_memory_stores_of_a_name_are_one(version: str) -> None:
    with create(f"memory://one{version}", "fov", version) as node:
        fill(node)
    assert open_ome_zarr(f"memory://one{version}")["0"].shape == (1, 2, 1, 3, 4)
    with pytest.raises(NotFoundError, match="memory://another"):
        open_ome_zarr("memory://another")


@pytest.mark.parametrize("engine", ["tensorstore", "zarr-python", "zarrs"])
def test_engine_by_name(tmp_path: Path, version: str, engine: str) -> None:
    with create(tmp_path / "s.zarr", "hcs", version, engine=engine) as plate:
        fill(plate)
        assert plate["A/1/0/0"].engine == engine
        assert plate["A/1/0/0"][0, 1, 0, 2, 3] == 23
    with open_ome_zarr(tmp_path / "s.zarr", engine=engine) as plate:
        assert plate["A/1/0"]["0"].engine == engine
        assert dict(plate.positions())["A/1/0"].data.engine == engine


def test_a_well_and_a_field_open_on_their_own(tmp_path: Path, version: str) -> None:
    with create(tmp_path / "p.zarr", "hcs", version) as plate:
        fill(plate)
    with open_ome_zarr(tmp_path / "p.zarr" / "A" / "1") as well:
        assert type(well) is Well
        assert well["0"].channel_names == ["a", "b"]
        assert [name for name, _ in well.positions()] == ["0"]
    with open_ome_zarr(tmp_path / "p.zarr" / "A" / "1" / "0", mode="r+") as position:
        assert type(position) is Position
        position.rename_channel("a", "A")
    assert open_ome_zarr(tmp_path / "p.zarr").channel_names == ["A", "b"]


def test_arguments_for_new_stores_are_ignored_for_existing_ones(
    tmp_path: Path, version: str
) -> None:
    with create(tmp_path / "s.zarr", "fov", version) as node:
        fill(node)
    other = "0.5" if version == "0.4" else "0.4"
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="a", channel_names=["x"], version=other
    ) as node:
        assert node.channel_names == ["a", "b"]
        assert node.version == version


# ---- what is refused -------------------------------------------------------------------------


def test_nothing_there(tmp_path: Path) -> None:
    for mode in ("r", "r+"):
        with pytest.raises(NotFoundError, match=r"nothing at .*missing\.zarr; check the path"):
            open_ome_zarr(tmp_path / "missing.zarr", mode=mode)
    with pytest.raises(FileNotFoundError):
        open_ome_zarr(tmp_path / "missing.zarr", layout="fov")
    assert not (tmp_path / "missing.zarr").exists()


def test_not_a_store(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "file.zarr").write_text("x")
    for path in (tmp_path, tmp_path / "file.zarr"):
        for mode in ("r", "r+", "a"):
            with pytest.raises(NotFoundError, match="no images at"):
                create(path, "fov", "0.5", mode)
    assert (tmp_path / "file.zarr").read_text() == "x"


@pytest.mark.parametrize("mode", ["w-"])
def test_there_already(tmp_path: Path, layout: str, version: str, mode: str) -> None:
    with create(tmp_path / "s.zarr", layout, version) as node:
        fill(node)
    before = snapshot(tmp_path)
    with pytest.raises(ExistsError, match="there is something at"):
        create(tmp_path / "s.zarr", layout, version, mode)
    assert snapshot(tmp_path) == before


def test_layout_is_needed_to_create(tmp_path: Path) -> None:
    for mode in ("w", "w-", "a"):
        with pytest.raises(LayoutError, match="layout='auto' cannot create"):
            open_ome_zarr(tmp_path / "s.zarr", mode=mode, channel_names=["a"])
        with pytest.raises(ChannelError, match=r"channel_names=\[...\] is needed"):
            open_ome_zarr(tmp_path / "s.zarr", layout="fov", mode=mode)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "found"), [("hcs", "fov"), ("fov", "hcs"), ("tiled", "hcs"), ("hcs", "tiled")]
)
def test_other_layout_says_what_was_found(
    tmp_path: Path, version: str, asked: str, found: str
) -> None:
    for full in (False, True):
        with create(tmp_path / f"{full}.zarr", found, version) as node:
            if full:
                fill(node)
        what = "an HCS plate" if found == "hcs" else "a position"
        with pytest.raises(LayoutError, match=what):
            open_ome_zarr(tmp_path / f"{full}.zarr", layout=asked)


def test_a_group_without_metadata(tmp_path: Path, version: str) -> None:
    group = zarr.open_group(tmp_path / "g.zarr", mode="w", zarr_format=3 if version == "0.5" else 2)
    group.create_array("raw", shape=(2, 3), dtype="u1")
    with pytest.raises(LayoutError, match=r"no OME-Zarr metadata in .* \(array 'raw'\)"):
        open_ome_zarr(tmp_path / "g.zarr")
    with open_ome_zarr(tmp_path / "g.zarr", layout="fov") as node:
        assert node["raw"].shape == (2, 3)
        assert node.array_keys() == ["raw"]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"mode": "x"}, ModeError, "mode='x'; there are 'r'"),
        ({"mode": "rw"}, ValueError, "there are 'r', 'r\\+'"),
        ({"layout": "plate"}, LayoutError, "there are 'auto', 'fov', 'hcs', 'tiled'"),
        ({"version": "0.3"}, VersionError, "older than iohub reads; known versions are 0.4, 0.5"),
        ({"version": "0.9"}, VersionError, "newer than this iohub knows"),
        ({"version": "latest"}, VersionError, "is no version"),
        ({"engine": "hdf5"}, EngineError, "there are tensorstore, zarr-python, zarrs"),
        ({"chanel_names": ["a"]}, TypeError, "unexpected arguments"),
        ({"channel_names": "DAPI"}, ChannelError, "list of strings"),
        ({"channel_names": ["a", "a"]}, ChannelError, "unique"),
        ({"channel_names": ["a", ""]}, ChannelError, "not empty"),
        ({"axes": [AxisMeta(name="x", type="space")]}, AxisError, "2 to 5|at least|axes"),
    ],
)
def test_arguments(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    kwargs = {"layout": "fov", "mode": "w-", "channel_names": ["a"]} | arguments
    with pytest.raises(error, match=text):
        open_ome_zarr(tmp_path / "s.zarr", **kwargs)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["s3:///x.zarr", "https://host/x.zarr?a", "nothing://b/x.zarr"])
def test_a_url_is_no_local_path(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PathError):
        open_ome_zarr(url)
    with pytest.raises((PathError, ReadOnlyError)):
        open_ome_zarr(url, layout="fov", mode="w", channel_names=["a"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [3, None, b"x.zarr", ["x.zarr"]])
def test_no_place(bad: Any) -> None:
    with pytest.raises((PathError, TypeError), match=r"is no place|is no path"):
        open_ome_zarr(bad)


def test_newer_version_is_named(tmp_path: Path) -> None:
    """A store of a later version is refused by name, not opened to fail later."""
    group = zarr.open_group(tmp_path / "n.zarr", mode="w", zarr_format=3)
    group.attrs["ome"] = {"version": "0.7", "multiscales": [{"datasets": []}]}
    for layout in ("auto", "fov"):
        with pytest.raises(VersionError, match=r"OME-Zarr 0\.7 is newer than this iohub knows"):
            open_ome_zarr(tmp_path / "n.zarr", layout=layout)


def test_corrupt_root_names_the_file(tmp_path: Path, version: str) -> None:
    create(tmp_path / "s.zarr", "fov", version).close()
    name = "zarr.json" if version == "0.5" else ".zattrs"
    (tmp_path / "s.zarr" / name).write_text("{")
    with pytest.raises(DocumentError, match=rf"s\.zarr/{name}"):
        open_ome_zarr(tmp_path / "s.zarr")


def test_every_error_is_of_iohub(tmp_path: Path) -> None:
    for kwargs in ({"mode": "x"}, {"layout": "x"}, {"engine": "x"}, {"mode": "w"}):
        with pytest.raises(IohubError):
            open_ome_zarr(tmp_path / "x.zarr", **kwargs)


def test_strict_refuses_what_is_only_recommended_against(tmp_path: Path) -> None:
    create(tmp_path / "s.zarr", "fov", "0.4").close()
    group = zarr.open_group(tmp_path / "s.zarr", mode="r+")
    group.attrs["multiscales"] = [
        {
            "version": "0.4",
            "axes": [{"name": "Y", "type": "space"}, {"name": "X", "type": "space", "unit": "foo"}],
            "datasets": [
                {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1]}]}
            ],
        }
    ]
    assert open_ome_zarr(tmp_path / "s.zarr").axis_names == ["y", "x"]
    with pytest.raises(DocumentError, match="foo"):
        open_ome_zarr(tmp_path / "s.zarr", strict=True)


def test_parse_meta_false_puts_off_what_is_wrong(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "s.zarr", mode="w", zarr_format=2)
    group.attrs["multiscales"] = [{"version": "0.4"}]
    with pytest.raises(DocumentError, match="axes"):
        open_ome_zarr(tmp_path / "s.zarr")
    node = open_ome_zarr(tmp_path / "s.zarr", parse_meta=False)
    with pytest.raises(DocumentError, match="axes"):
        node.axes  # noqa: B018  reading it is what raises


# ---- nothing is destroyed --------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["fov", "hcs", "tiled", "auto"])
def test_mode_a_never_destroys(tmp_path: Path, layout: str, version: str, asked: str) -> None:
    with create(tmp_path / "s.zarr", layout, version) as node:
        fill(node)
    before = snapshot(tmp_path)
    try:
        create(tmp_path / "s.zarr", asked, "0.5", "a").close()
    except LayoutError:
        assert (asked == "hcs") != (layout == "hcs")
    assert snapshot(tmp_path) == before


def test_mode_a_of_a_corrupt_store_changes_nothing(tmp_path: Path, version: str) -> None:
    with create(tmp_path / "s.zarr", "fov", version) as node:
        fill(node)
    (tmp_path / "s.zarr" / ("zarr.json" if version == "0.5" else ".zattrs")).write_text("{")
    before = snapshot(tmp_path)
    with pytest.raises(DocumentError):
        create(tmp_path / "s.zarr", "fov", version, "a")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("mode", ["w"])
def test_mode_w_replaces_a_zarr_store(tmp_path: Path, version: str, mode: str) -> None:
    with create(tmp_path / "s.zarr", "hcs", "0.4") as node:
        fill(node)
    with create(tmp_path / "s.zarr", "fov", version, mode) as node:
        assert list(node) == []
        assert node.version == version
    kept = set(os.listdir(tmp_path / "s.zarr"))
    assert kept == ({"zarr.json"} if version == "0.5" else {".zgroup", ".zattrs"})


@pytest.mark.parametrize("name", ["results", "results.zarr"])
def test_mode_w_refuses_what_is_not_a_zarr_store(tmp_path: Path, name: str) -> None:
    """The public tool wiped such folders (waveorder#439)."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(PathError, match="refusing to delete"):
        create(folder, "fov", "0.5", "w")
    assert (folder / "thesis.txt").read_text() == "years of work"
    create(folder, "fov", "0.5", "w", disable_path_checking=True).close()
    assert os.listdir(folder) == ["zarr.json"]


def test_mode_w_refuses_a_store_without_zarr_in_its_name(tmp_path: Path, version: str) -> None:
    create(tmp_path / "plate", "fov", version).close()
    with pytest.raises(PathError, match=r"does not contain '\.zarr'"):
        create(tmp_path / "plate", "fov", version, "w")
    create(tmp_path / "plate", "fov", version, "w", disable_path_checking=True).close()


def test_mode_w_checks_everything_before_it_deletes(tmp_path: Path) -> None:
    with create(tmp_path / "s.zarr", "fov", "0.5") as node:
        fill(node)
    before = snapshot(tmp_path)
    for kwargs, error in (
        ({"layout": "auto"}, LayoutError),
        ({"version": "0.9"}, VersionError),
        ({"channel_names": None}, ChannelError),
        ({"engine": "none"}, EngineError),
        ({"axes": [AxisMeta(name="x", type="space")]}, AxisError),
    ):
        asked = {"layout": "fov", "mode": "w", "channel_names": ["a"], "version": "0.5"} | kwargs
        with pytest.raises(error):
            open_ome_zarr(tmp_path / "s.zarr", **asked)
        assert snapshot(tmp_path) == before


def test_an_empty_directory_may_become_a_store(tmp_path: Path, version: str) -> None:
    for i, mode in enumerate(("w", "w-", "a")):
        (tmp_path / str(i)).mkdir()
        create(tmp_path / str(i), "fov", version, mode).close()
        assert open_ome_zarr(tmp_path / str(i)).version == version


def test_read_only_nodes_write_nothing(tmp_path: Path, version: str) -> None:
    with create(tmp_path / "s.zarr", "hcs", version) as plate:
        fill(plate)
    before = snapshot(tmp_path)
    with open_ome_zarr(tmp_path / "s.zarr") as plate:
        position = plate["A/1/0"]
        for call in (
            lambda: plate.create_position("B", "1", "0"),
            lambda: plate.create_well("B", "1"),
            lambda: plate.rename_well("A/1", "B/1"),
            lambda: plate.remove_well("A/1"),
            lambda: plate.remove_position("A/1/0"),
            lambda: plate.append_channel("c"),
            lambda: plate.rename_channel("a", "c"),
            lambda: plate.remove_channel("a"),
            lambda: plate.reorder_channels(["b", "a"]),
            plate.dump_meta,
            lambda: plate.add_acquisition(3),
            lambda: position.create_zeros("1", (1, 2, 1, 3, 4), "u1"),
            lambda: position.append_channel("c"),
            lambda: position.rename_channel("a", "c"),
            lambda: position.insert_channel(0, "c"),
            lambda: position.remove_channel("a"),
            lambda: position.reorder_channels(["b", "a"]),
            lambda: position.update_channel("a", "0", np.zeros((1, 1, 3, 4), "u1")),
            lambda: position.set_scale("0", "x", 2),
            lambda: position.set_transform("0", []),
            lambda: position.set_contrast_limits("a", {"start": 0, "end": 1, "min": 0, "max": 1}),
            lambda: position.set_channel_color("a", "FF0000"),
            lambda: position.initialize_pyramid(2),
            lambda: position.compute_pyramid(2),
            position.delete_pyramid,
            lambda: position.write_xarray(position.to_xarray()),
            position.dump_meta,
            lambda: position.__delitem__("0"),
            lambda: position.zattrs.__setitem__("a", 1),
            lambda: position["0"].__setitem__(..., 1),
            lambda: position["0"].resize((1, 2, 1, 3, 5)),
            lambda: position["0"].attrs.__setitem__("a", 1),
        ):
            with pytest.raises(ReadOnlyError, match=r"r\+"):
                call()
    assert snapshot(tmp_path) == before


def test_importing_it_loads_little() -> None:
    """Opening a store needs no dask, no xarray and no zarr."""
    code = (
        "import sys, tempfile, os\nfrom iohub import open_ome_zarr\n"
        "path = os.path.join(tempfile.mkdtemp(), 's.zarr')\n"
        "node = open_ome_zarr(path, layout='hcs', mode='w', channel_names=['a'])\n"
        "node.create_position('A', '1', '0').create_zeros('0', (1, 1, 1, 2, 2), 'u1')\n"
        "repr(open_ome_zarr(path))\n"
        "print(sorted({'dask', 'xarray', 'pandas', 'tifffile', 'skimage'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
