"""Datasets in one file: everything that a directory can, and the archive that comes out of it."""

from __future__ import annotations

import gc
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.errors import (
    ClosedError,
    ConflictError,
    ExistsError,
    FormatError,
    IohubWarning,
    LayoutError,
    NotFoundError,
    PathError,
    ReadOnlyError,
    VersionError,
)
from iohub.models import repair, v05, validate
from iohub.ngff import Plate
from iohub.nodes.upgrade import upgrade

VALUES = np.arange(2 * 2 * 4 * 16 * 16, dtype="u2").reshape(2, 2, 4, 16, 16)
NEW: dict[str, Any] = {"layout": "fov", "mode": "w-", "channel_names": ["a", "b"]}


@pytest.fixture(params=["0.4", "0.5", "0.6"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Make an archive with one image."""
    path = tmp_path / ("a.zip" if request.param == "0.4" else "a.ozx")
    with open_ome_zarr(path, **NEW, version=request.param) as node:
        node.create_image("0", VALUES)
    return path


def names_in(path: Path) -> list[str]:
    """Return the names in an archive, which lies alone in its directory."""
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}
        names = file.namelist()
    assert len(names) == len(set(names))
    assert not [name for name in names if "iohub" in name or name.endswith("/")]
    return names


def alone(path: Path) -> bool:
    return [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_everything_works_until_it_is_closed(tmp_path: Path, version: str) -> None:
    path = tmp_path / ("a.zip" if version == "0.4" else "a.ozx")
    with open_ome_zarr(path, **NEW, version=version) as node:
        node.create_image("0", VALUES[:1], chunks=(1, 1, 1, 16, 16))
        node["0"].append(VALUES[1:])
        node["0"][0, 0] = VALUES[0, 0]
        node.create_zeros("9", VALUES.shape, "u1")
        del node["9"]
        node.compute_pyramid(levels=3)
        node.rename_channel("a", "c")
        node.set_scale("0", "x", 0.25)
        node.labels.create("cells", VALUES[:, :1])
        node.zattrs["mine"] = {"a": [1]}
        assert repr(node.url) == repr(str(path))
        copy = pickle.loads(pickle.dumps(node["0"]))
        assert np.array_equal(copy[...], VALUES)
        assert not path.exists()
        image = node["0"]
    assert alone(path)
    with pytest.raises(ClosedError, match="open it again"):
        image[0]

    with open_ome_zarr(path) as node:
        assert node.channel_names == ["c", "b"]
        assert list(node) == ["0", "1", "2"]
        assert node.scale[-1] == 0.25
        assert np.array_equal(node["0"][...], VALUES)
        assert np.array_equal(node.labels["cells"]["0"][...], VALUES[:, :1])
        assert node.zattrs["mine"] == {"a": [1]}
        assert np.array_equal(node["0"].dask_array()[:, 1].compute(), VALUES[:, 1])
        assert np.array_equal(node.to_xarray().values, VALUES)
        assert np.array_equal(np.asarray(node.zgroup["0"][...]), VALUES)
        assert np.array_equal(pickle.loads(pickle.dumps(node["0"]))[...], VALUES)
        with pytest.raises(ReadOnlyError):
            node.rename_channel("c", "a")
    assert repr(node)
    assert not validate(path).errors

    names = names_in(path)
    documents = [name for name in names if name.rpartition("/")[2].startswith((".z", "zarr."))]
    assert names[: len(documents)] == documents  # they come first, level by level
    assert documents[0] in ("zarr.json", ".zattrs")
    assert [name.count("/") for name in documents] == sorted(n.count("/") for n in documents)
    assert [n for n in names if n.startswith("0/") and n not in documents] == [
        f"0/{'' if version == '0.4' else 'c/'}{t}/{c}/{z}/0/0"
        for t in range(2)
        for c in range(2)
        for z in range(4)
    ]


def test_what_the_archive_says_of_itself(made: Path) -> None:
    names_in(made)
    with zipfile.ZipFile(made) as file:
        said = json.loads(file.comment)["ome"]
        modes = {info.external_attr >> 16 for info in file.infolist()}
        assert {info.extract_version for info in file.infolist()} == {45}
    assert said["zipFile"] == {"centralDirectory": {"jsonFirst": True}}
    with open_ome_zarr(made) as node:
        assert said.get("version") == (None if node.version == "0.4" else node.version)
    assert modes == {0o100644}


def test_the_same_content_makes_the_same_archive(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with open_ome_zarr(tmp_path / name / "x.ozx", **NEW, version="0.5") as node:
            node.create_image("0", VALUES)
    assert (tmp_path / "a/x.ozx").read_bytes() == (tmp_path / "b/x.ozx").read_bytes()


@pytest.mark.skipif(shutil.which("unzip") is None, reason="no unzip")
def test_unzip_takes_it(made: Path, tmp_path: Path) -> None:
    subprocess.run(["unzip", "-tq", made], check=True, capture_output=True)
    subprocess.run(["unzip", "-q", made, "-d", tmp_path / "u.zarr"], check=True)
    assert np.array_equal(open_ome_zarr(tmp_path / "u.zarr")["0"][...], VALUES)


def test_a_plate(tmp_path: Path) -> None:
    path = tmp_path / "p.ozx"
    options: dict[str, Any] = {**NEW, "layout": "hcs", "version": "0.5"}
    with open_ome_zarr(path, **options) as plate:
        for position in plate.create_positions([("A", "1", "0"), ("A", "2", "0")]):
            position["0"] = VALUES
        plate.create_position("A", "3", "0")["0"] = VALUES
        plate.rename_well("A/3", "C/3")
        plate.remove_well("A/2")
    assert alone(path)
    with open_ome_zarr(path) as plate:
        assert [key for key, _ in plate.positions()] == ["A/1/0", "C/3/0"]
        assert len(plate.to_dataframe()) == 2
        target = tmp_path / "q.ozx"
        chosen = {"B/1/0": plate["A/1/0"], "B/2/0": plate["C/3/0"]}
        Plate.from_positions(target, chosen).close()
    assert {entry.name for entry in tmp_path.iterdir()} == {"p.ozx", "q.ozx"}
    with open_ome_zarr(target) as plate:
        assert np.array_equal(plate["B/2/0/0"][...], VALUES)
    with open_ome_zarr(f"{target}/B/2/0") as position:
        assert np.array_equal(position["0"][...], VALUES)
    with open_ome_zarr(path) as source, pytest.raises(ExistsError):
        Plate.from_positions(target, {"A/1/0": source["A/1/0"]})
    with open_ome_zarr(path) as source:
        Plate.from_positions(target, {"A/1/0": source["A/1/0"]}, overwrite=True).close()
    assert [key for key, _ in open_ome_zarr(target).positions()] == ["A/1/0"]


@pytest.mark.parametrize("mode", ["r+", "a"])
def test_an_archive_is_changed(made: Path, mode: Any) -> None:
    with open_ome_zarr(made) as reader, open_ome_zarr(made, mode=mode) as node:
        node.rename_channel("a", "z")
        node["0"][1, 1, 2] = 7
        node.compute_pyramid(levels=2)
        assert reader.channel_names == ["a", "b"]  # until it is closed
        assert np.array_equal(reader["0"][...], VALUES)
    expected = VALUES.copy()
    expected[1, 1, 2] = 7
    with open_ome_zarr(made) as node:
        assert node.channel_names == ["z", "b"]
        assert np.array_equal(node["0"][...], expected)
        assert "1" in node
    assert alone(made)
    names_in(made)


def test_what_was_not_changed_is_not_written(made: Path) -> None:
    before = made.stat()
    with open_ome_zarr(made, mode="r+") as node:
        assert np.array_equal(node["0"][...], VALUES)
    after = made.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert alone(made)


def test_modes_that_create(made: Path) -> None:
    before = made.read_bytes()
    with pytest.raises(ExistsError, match="there is something"):
        open_ome_zarr(made, **NEW, version="0.5")
    new: dict[str, Any] = {**NEW, "mode": "w", "version": "0.5"}
    with open_ome_zarr(made, **new) as node:
        node.create_image("0", VALUES[:1])
        assert made.read_bytes() == before  # until it is closed
    assert open_ome_zarr(made)["0"].shape[0] == 1
    assert alone(made)
    other = made.parent / "sub" / "b.ozx"
    with open_ome_zarr(other, **{**new, "mode": "a"}) as node:
        node["0"] = VALUES
    assert np.array_equal(open_ome_zarr(other)["0"][...], VALUES)


def test_what_cannot_be(tmp_path: Path, made: Path) -> None:
    before = {entry: entry.read_bytes() for entry in tmp_path.iterdir()}
    with pytest.raises(VersionError, match=r"x\.ozx: an \.ozx holds Zarr v3"):
        open_ome_zarr(tmp_path / "x.ozx", **NEW, version="0.4")
    with pytest.raises(NotFoundError, match="nothing at"):
        open_ome_zarr(tmp_path / "x.ozx")
    with pytest.raises(NotFoundError, match="nothing at"):
        open_ome_zarr(tmp_path / "x.ozx", mode="r+")
    with pytest.raises(NotFoundError, match=made.name):
        open_ome_zarr(f"{made}/A/1")
    with pytest.raises(PathError, match=r"inside an archive: open .* itself"):
        open_ome_zarr(f"{made}/A/1", **NEW)
    with pytest.raises(LayoutError):
        open_ome_zarr(made, layout="hcs", mode="r+")
    gc.collect()
    assert {entry: entry.read_bytes() for entry in tmp_path.iterdir()} == before


def test_other_archives(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("notes.txt", b"hello")
    with pytest.raises(NotFoundError, match="no Zarr group"):
        open_ome_zarr(path)
    with pytest.raises(PathError, match="no Zarr metadata"):
        open_ome_zarr(path, **{**NEW, "mode": "w"}, version="0.5")
    for name in ("a.zarr", "b.zarr"):
        with open_ome_zarr(tmp_path / "in" / name, **NEW, version="0.5") as node:
            node["0"] = VALUES
    shutil.make_archive(str(tmp_path / "both"), "zip", tmp_path / "in")
    with pytest.raises(NotFoundError, match=r"holds 2 datasets .*both\.zip/a\.zarr"):
        open_ome_zarr(tmp_path / "both.zip")
    assert np.array_equal(open_ome_zarr(tmp_path / "both.zip/b.zarr")["0"][...], VALUES)
    shutil.make_archive(str(tmp_path / "one"), "zip", tmp_path / "in", "a.zarr")
    with open_ome_zarr(tmp_path / "one.zip", mode="r+") as node:
        node.rename_channel("a", "z")
    with open_ome_zarr(tmp_path / "one.zip") as node:
        assert node.channel_names == ["z", "b"]
        assert np.array_equal(node["0"][...], VALUES)
    (tmp_path / "bad.ozx").write_bytes((tmp_path / "one.zip").read_bytes()[:-1])
    for mode in ("r", "r+", "a", "w", "w-"):
        with pytest.raises((FormatError, ExistsError), match=r"bad\.ozx"):
            open_ome_zarr(tmp_path / "bad.ozx", **{**NEW, "mode": mode}, version="0.5")
    new: dict[str, Any] = {**NEW, "mode": "w", "version": "0.5", "disable_path_checking": True}
    open_ome_zarr(tmp_path / "bad.ozx", **new).close()
    assert open_ome_zarr(tmp_path / "bad.ozx").channel_names == ["a", "b"]


def test_one_writer_at_a_time(made: Path) -> None:
    with open_ome_zarr(made, mode="r+") as node:
        with pytest.raises(ConflictError, match="being written by another node"):
            open_ome_zarr(made, mode="r+")
        code = f"from iohub import open_ome_zarr; open_ome_zarr({str(made)!r}, mode='a')"
        found = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True
        )
        assert "ConflictError" in found.stderr
        node.rename_channel("a", "z")
    with open_ome_zarr(made, mode="r+") as node:
        assert node.channel_names == ["z", "b"]


def test_someone_else_changes_the_archive(made: Path) -> None:
    node = open_ome_zarr(made, mode="r+")
    node.rename_channel("a", "z")
    os.utime(made)
    with pytest.raises(ConflictError, match="someone else has changed") as caught:
        node.close()
    kept = Path(caught.value.__notes__[0].split(" is kept in ")[1].rstrip("."))
    assert open_ome_zarr(kept).channel_names == ["z", "b"]
    assert open_ome_zarr(made).channel_names == ["a", "b"]


def test_someone_else_makes_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.ozx"
    node = open_ome_zarr(path, **NEW, version="0.5")
    node["0"] = VALUES
    path.write_bytes(b"other")
    with pytest.raises(ExistsError, match="someone else has made") as caught:
        node.close()
    kept = Path(caught.value.__notes__[0].split(" is kept in ")[1].rstrip("."))
    assert np.array_equal(open_ome_zarr(kept)["0"][...], VALUES)
    assert path.read_bytes() == b"other"


def test_forgetting_to_close_writes_it_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.ozx"
    node = open_ome_zarr(path, **NEW, version="0.5")
    node["0"] = VALUES
    node.myself = node  # only a collection of garbage frees it
    del node
    with pytest.warns(IohubWarning, match=r"a\.ozx was never closed, so it was written only now"):
        gc.collect()
    assert np.array_equal(open_ome_zarr(path)["0"][...], VALUES)
    assert alone(path)


def test_the_end_of_a_program_closes_it_too(tmp_path: Path) -> None:
    path = tmp_path / "a.ozx"
    code = (
        "import numpy, iohub\n"
        f"node = iohub.open_ome_zarr({str(path)!r}, layout='fov', mode='w', version='0.5', "
        "channel_names=['a'])\n"
        "node.create_image('0', numpy.ones((9, 1, 1, 256, 256), 'u2'), chunks=(1, 1, 1, 64, 64))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert found.returncode == 0
    assert "never closed" in found.stderr
    assert open_ome_zarr(path)["0"][...].all()
    assert alone(path)


KILLED = """
import os, signal, sys
import numpy
import iohub
from iohub.storage import ozx_writing

when = sys.argv[2]
write = ozx_writing.write_at
def killing(target, value, offset):
    write(target, value[: len(value) // 2], offset)
    os.kill(os.getpid(), signal.SIGKILL)
node = iohub.open_ome_zarr(sys.argv[1], mode="r+")
node.rename_channel("a", "z")
node["0"][:] = 0
if when == "packing":
    ozx_writing.write_at = killing
if when == "linking":
    os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
if when == "editing":
    os.kill(os.getpid(), signal.SIGKILL)
node.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("when", ["editing", "packing", "linking"])
def test_a_killed_writer_leaves_the_archive(made: Path, when: str) -> None:
    before = made.read_bytes()
    command = [sys.executable, "-c", KILLED, str(made), when]
    found = subprocess.run(command, check=False, capture_output=True)
    assert found.returncode == -9, found.stderr
    assert made.read_bytes() == before
    assert not alone(made)
    with open_ome_zarr(made, mode="r+") as node:  # removes what was left
        assert node.channel_names == ["a", "b"]
        node.rename_channel("b", "y")
    assert alone(made)
    assert open_ome_zarr(made).channel_names == ["a", "y"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_children_write_and_only_the_parent_closes(tmp_path: Path) -> None:
    path = tmp_path / "a.ozx"
    with open_ome_zarr(path, **NEW, version="0.5", engine="zarr-python") as node:
        node.create_zeros("0", VALUES.shape, "u2", chunks=(1, 1, 4, 16, 16))
        child = os.fork()
        if not child:
            node["0"][0] = VALUES[0]
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        node["0"][1] = VALUES[1]
    assert np.array_equal(open_ome_zarr(path)["0"][...], VALUES)


def test_a_full_disk_keeps_what_was_made(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    node = open_ome_zarr(made, mode="r+")
    node.rename_channel("a", "z")
    monkeypatch.setattr("iohub.storage.ozx_writing.write_at", full)
    with pytest.raises(OSError, match="No space") as caught:
        node.close()
    kept = Path(caught.value.__notes__[0].split(" is kept in ")[1].rstrip("."))
    assert open_ome_zarr(kept).channel_names == ["z", "b"]
    assert open_ome_zarr(made).channel_names == ["a", "b"]


def test_nothing_is_made_inside_another_store(tmp_path: Path) -> None:
    open_ome_zarr(tmp_path / "p.zarr", **{**NEW, "layout": "hcs"}, version="0.5").close()
    with pytest.raises(PathError, match="lies inside the plate"):
        open_ome_zarr(tmp_path / "p.zarr" / "x.ozx", **NEW, version="0.5")


def test_models_and_zarr(tmp_path: Path) -> None:
    with open_ome_zarr(tmp_path / "a.ozx", **NEW, version="0.5") as node:
        node.create_image("0", VALUES)
    model = v05.Image.from_store(tmp_path / "a.ozx")
    model.to_zarr(tmp_path / "b.ozx")
    assert v05.Image.from_store(tmp_path / "b.ozx") == model
    with pytest.raises(ExistsError):
        model.to_zarr(tmp_path / "b.ozx")
    model.to_zarr(tmp_path / "b.ozx", overwrite=True)
    assert v05.Image.from_store(tmp_path / "b.ozx") == model
    store = zarr.storage.ZipStore(tmp_path / "a.ozx", mode="r")
    with store:
        group = zarr.open_group(store, mode="r")
        assert np.array_equal(np.asarray(group["0"][...]), VALUES)
    with open_ome_zarr(zarr.storage.ZipStore(tmp_path / "a.ozx", mode="r")) as node:
        assert node["0"]._array.engine_name == "archive"
        assert np.array_equal(node["0"][...], VALUES)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zarr_writes_documents_twice(tmp_path: Path) -> None:
    with open_ome_zarr(tmp_path / "a.zarr", **NEW, version="0.5") as node:
        node.create_image("0", VALUES)
        attributes = json.loads((tmp_path / "a.zarr/zarr.json").read_bytes())["attributes"]
    with zarr.storage.ZipStore(tmp_path / "a.zip", mode="w") as store:
        group = zarr.open_group(store, mode="w")
        group.create_array("0", data=VALUES)
        group.attrs.update(attributes)
    with pytest.warns(IohubWarning, match="several times"):
        node = open_ome_zarr(tmp_path / "a.zip")
    assert node.channel_names == ["a", "b"]
    assert node["0"]._array.engine_name == "archive"
    assert np.array_equal(node["0"][...], VALUES)
    with pytest.warns(IohubWarning), open_ome_zarr(tmp_path / "a.zip", mode="r+") as node:
        node.rename_channel("a", "z")
    names_in(tmp_path / "a.zip")
    assert open_ome_zarr(tmp_path / "a.zip").channel_names == ["z", "b"]


def test_upgrade_and_repair(tmp_path: Path) -> None:
    path = tmp_path / "a.ozx"
    with open_ome_zarr(path, **NEW, version="0.5") as node:
        node.create_image("0", VALUES)
    before = path.read_bytes()
    repair(path)
    upgrade(path, to="0.6", dry_run=True)
    with pytest.raises(VersionError, match=r"\.ozx holds Zarr v3"):
        upgrade(path, to="0.4")
    gc.collect()
    assert path.read_bytes() == before
    upgrade(path, to="0.6")
    with open_ome_zarr(path) as node:
        assert node.version == "0.6"
        assert np.array_equal(node["0"][...], VALUES)
    assert b'"version":"0.6"' in path.read_bytes()[-200:]
    assert alone(path)


def test_reading_only_where_nothing_can_be_written(made: Path) -> None:
    if os.access("/", os.W_OK):
        pytest.skip("nothing is refused to root")
    made.parent.chmod(0o555)
    try:
        assert np.array_equal(open_ome_zarr(made)["0"][...], VALUES)
        with pytest.raises(ReadOnlyError):
            open_ome_zarr(made, mode="r+")
    finally:
        made.parent.chmod(0o755)
