"""An edit that fails half-way leaves what was there, or is completed by repeating it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from iohub import open_ome_zarr
from iohub.errors import ChannelError, DocumentError, DTypeError, ReadOnlyError, ShapeError
from iohub.ngff import Plate

ENGINES = ["tensorstore", "zarr-python", "zarrs"]


def names_of(path: Path) -> set[str]:
    """Return every file and directory below a path."""
    return {str(p.relative_to(path)) for p in path.rglob("*")}


def content(path: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a path."""
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


# the disk is full


def _full(name: str, *args: Any) -> None:
    if name == "write_all":  # as much as goes
        os.write(args[0], args[1][: len(args[1]) // 2])
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_disk_is_full_at_any_step(
    edit: Any, edits: Any, template: Path, tmp_path: Path
) -> None:
    before = edits.snapshot(template)
    whole = Path(shutil.copytree(template, tmp_path / "whole.zarr"))
    with edits.at_step(10**6, _full) as count:
        edit.act(whole)
    steps = next(count)
    after = edits.snapshot(whole)
    for step in sorted({0, 1, steps // 3, steps // 2, 2 * steps // 3, steps - 2, steps - 1}):
        path = Path(shutil.copytree(template, tmp_path / f"{step}.zarr"))
        with edits.at_step(step, _full), suppress(OSError):
            edit.act(path)
        if edit.whole != "retry":
            found = edits.snapshot(path, "r+")
            assert found.keys() in (before.keys(), after.keys()), step
            assert all(v in (before.get(k), after.get(k)) for k, v in found.items()), step
            assert edit.whole != "all" or found in (before, after), step
            if found == after:
                continue
        edit.act(path)
        assert edits.snapshot(path) == after, step


# As root there are no quotas that a test could fill, but files can be kept small.
SMALL_FILES = """
import resource, sys
import numpy as np
from iohub import open_ome_zarr

path, engine, what = sys.argv[1:]
noise = np.random.default_rng(0).integers(0, 65536, (1, 1, 4, 256, 256)).astype("u2")
with open_ome_zarr(path, mode="r+", engine=engine) as position:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        if what == "image":
            position.create_image("1", noise)
        else:
            position["0"][...] = noise
    except OSError as error:
        print("OSError", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("what", ["image", "pixels"])
def test_files_cannot_grow(tmp_path: Path, engine: str, what: str) -> None:
    """The error comes from the system, in the middle of writing a chunk."""
    path = tmp_path / "image.zarr"
    old = np.full((1, 1, 4, 256, 256), 3, "u2")
    with open_ome_zarr(path, "fov", "w-", ["a"], version="0.5") as position:
        position.create_image("0", old)
    child = subprocess.run(
        [sys.executable, "-c", SMALL_FILES, str(path), engine, what],
        check=False,
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.startswith("OSError"), child.stdout
    with open_ome_zarr(path, mode="r+") as position:
        assert position.keys() == ["0"]
        np.testing.assert_array_equal(position["0"][:], old)
        position.create_image("1", old)
        assert position.keys() == ["0", "1"]


# nothing may be written

READ_ONLY = """
import os, sys
from iohub import open_ome_zarr

ACTS = [
    lambda plate: plate.create_well("Z", "1"),
    lambda plate: plate["A/1/0"].append_channel("x"),
    lambda plate: plate["A/1/0"].set_scale("0", "x", 2.0),
    lambda plate: plate["A/1/0"].compute_pyramid(2),
    lambda plate: plate.zattrs.update(a=1),
    lambda plate: plate["A/1/0/0"].__setitem__(..., 2),
    lambda plate: plate.rename_well("A/1", "B/1"),
]
with open_ome_zarr(sys.argv[1], mode="r+") as plate:  # where it is allowed
    for act in ACTS:
        act(plate)
if os.getuid() == 0:  # to whom everything is allowed
    os.setgid(65534)
    os.setuid(65534)
with open_ome_zarr(sys.argv[2]) as plate:
    assert (plate["A/1/0/0"][...] == 1).all()
with open_ome_zarr(sys.argv[2], mode="r+") as plate:
    for act in ACTS:
        try:
            act(plate)
        except PermissionError as error:
            print(type(error).__name__)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX permissions")
def test_a_tree_that_may_not_be_written() -> None:
    # pytest's own folders can be entered by their user only.
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        path, allowed = Path(scratch, "plate.zarr"), Path(scratch, "allowed.zarr")
        with open_ome_zarr(path, "hcs", "w-", ["a"], version="0.5") as plate:
            plate.create_position("A", "1", "0").create_image("0", np.ones((1, 1, 1, 4, 4), "u1"))
        shutil.copytree(path, allowed)
        before = content(path)
        folders = [path, *(p for p in path.rglob("*") if p.is_dir())]
        for folder in folders:
            folder.chmod(0o555)
        try:
            child = subprocess.run(
                [sys.executable, "-c", READ_ONLY, str(allowed), str(path)],
                check=False,
                capture_output=True,
                text=True,
            )
        finally:
            for folder in folders:
                folder.chmod(0o755)
        assert child.returncode == 0, child.stderr
        assert child.stdout.split() == ["ReadOnlyError"] * 7
        assert content(path) == before


def test_everything_refuses_in_mode_r(tmp_path: Path) -> None:
    path = tmp_path / "plate.zarr"
    with open_ome_zarr(path, "hcs", "w-", ["a", "b"], version="0.5") as plate:
        position = plate.create_position("A", "1", "0")
        position.create_image("0", np.ones((1, 2, 2, 4, 4), "u1"))
        position.compute_pyramid(2)
    before = content(path)
    with open_ome_zarr(path) as plate:
        position = plate["A/1/0"]
        for act in (
            lambda: plate.create_well("Z", "1"),
            lambda: plate.create_position("Z", "1", "0"),
            lambda: plate.create_positions([("Z", "1", "0")]),
            lambda: plate.rename_well("A/1", "B/1"),
            lambda: plate.remove_well("A/1"),
            lambda: plate.remove_position("A/1/0"),
            lambda: plate.append_channel("x"),
            lambda: plate.rename_channel("a", "x"),
            lambda: plate.add_acquisition(1),
            lambda: plate.dump_meta(field_count=True),
            lambda: plate.zattrs.update(a=1),
            lambda: plate.zattrs["ome"]["plate"].update(a=1),
            lambda: position.create_zeros("1", (1, 2, 1, 1, 1), "u1"),
            lambda: position.append_channel("x"),
            lambda: position.insert_channel(0, "x"),
            lambda: position.remove_channel("a"),
            lambda: position.reorder_channels([1, 0]),
            lambda: position.rename_channel("a", "x"),
            lambda: position.update_channel("a", "0", np.zeros((1, 2, 4, 4), "u1")),
            lambda: position.set_contrast_limits("a", {"start": 1}),
            lambda: position.set_scale("0", "x", 2.0),
            position.compute_pyramid,
            position.delete_pyramid,
            lambda: position.initialize_pyramid(3),
            lambda: position.write_xarray(position.to_xarray()),
            lambda: position["0"].__setitem__(..., 0),
            lambda: position["0"].resize((1, 2, 1, 1, 1)),
            lambda: position["0"].attrs.update(a=1),
            lambda: position["0"].oindex.__setitem__(([0],), 0),
        ):
            with pytest.raises(ReadOnlyError, match="mode"):
                act()
    assert content(path) == before


# bad input that is discovered late


class LateError(RuntimeError):
    """What an input raises when it is computed."""


def late(shape: tuple[int, ...], chunks: tuple[int, ...]) -> da.Array:
    """Return a dask array whose last block cannot be computed."""

    def block(block_info: Any = None) -> np.ndarray:
        where = block_info[None]
        if where["chunk-location"] == tuple(n - 1 for n in where["num-chunks"]):
            raise LateError("the camera caught fire")
        return np.ones(where["chunk-shape"], "u2")

    return da.map_blocks(block, dtype="u2", chunks=da.core.normalize_chunks(chunks, shape))


SHAPE, CHUNKS = (2, 2, 2, 16, 16), (1, 1, 2, 16, 16)


@pytest.fixture
def position(tmp_path: Path) -> Any:
    with open_ome_zarr(tmp_path / "i.zarr", "fov", "w-", ["a", "b"], version="0.5") as node:
        node.create_image("0", np.full(SHAPE, 5, "u2"), chunks=CHUNKS)
        yield node


@pytest.mark.parametrize(
    "act",
    [
        lambda p: p.create_image("1", late(SHAPE, CHUNKS), chunks=CHUNKS),
        lambda p: p.__setitem__("1", late(SHAPE, CHUNKS)),
        lambda p: p.insert_channel(0, "c", late((2, 2, 16, 16), (1, 2, 16, 16))),
        lambda p: p.write_xarray(
            xr.DataArray(
                late(SHAPE, CHUNKS), dims=list("tczyx"), coords={"c": ["a", "b"]}, attrs={"k": 1}
            ),
            "1",
        ),
    ],
)
def test_input_that_fails_late(position: Any, tmp_path: Path, act: Any) -> None:
    before = content(tmp_path)
    with pytest.raises(LateError):
        act(position)
    assert content(tmp_path) == before
    assert position.keys() == ["0"]
    position.create_image("1", np.ones(SHAPE, "u2"))
    assert (position["1"][:] == 1).all()


def test_a_first_image_that_fails_late_leaves_an_empty_position(tmp_path: Path) -> None:
    with open_ome_zarr(tmp_path / "i.zarr", "fov", "w-", ["a", "b"], version="0.4") as node:
        before = content(tmp_path)
        labelled = xr.DataArray(late(SHAPE, CHUNKS), dims=list("tczyx"), coords={"c": ["a", "b"]})
        labelled = labelled.assign_coords(x=("x", np.arange(16) * 0.5, {"units": "nanometer"}))
        for act in (
            lambda: node.create_image("0", late(SHAPE, CHUNKS)),
            lambda: node.write_xarray(labelled),
            lambda: node.create_image("0", np.zeros((1, 3, 1, 1, 1))),
            lambda: node.create_zeros("0", (1, 2, 1), "u1"),
            lambda: node.create_zeros("0", (1, 2, 1, 4, 4), "u1", chunks=(1, 0, 1, 1, 1)),
        ):
            with pytest.raises((LateError, ShapeError, ValueError)):
                act()
            assert content(tmp_path) == before
        assert node.axes[-1].unit == "micrometer"
        node.create_image("0", np.zeros(SHAPE))


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda p: p.update_channel("a", "0", np.full((2, 2, 16, 16), 1 << 20)), DTypeError),
        (lambda p: p.update_channel("a", "0", np.full((2, 2, 16, 16), 0.5)), DTypeError),
        (lambda p: p.update_channel("a", "0", np.ones((2, 2, 16, 15), "u2")), ShapeError),
        (lambda p: p.insert_channel(1, "c", np.ones((2, 2, 16, 15), "u2")), ShapeError),
        (lambda p: p.insert_channel(1, "c", np.full((2, 2, 16, 16), -1)), DTypeError),
        (lambda p: p.insert_channel(1, "a", np.ones((2, 2, 16, 16), "u2")), ChannelError),
        (lambda p: p.append_channel("a"), ChannelError),
        (lambda p: p["0"].__setitem__((0, 0), np.full((2, 16, 16), 70000)), DTypeError),
        (lambda p: p.set_contrast_limits("a", {"start": "x"}), ValueError),
        (lambda p: p.set_scale("0", "x", float("nan")), ValueError),
        (lambda p: p.set_scale("0", "q", 1.0), ValueError),
        (lambda p: p.zattrs.update(a=object()), ValueError),
        (lambda p: p.zattrs.update(a=float("nan")), ValueError),
        (lambda p: p.compute_pyramid(2, "average"), ValueError),
        (lambda p: p.create_image("../1", np.ones(SHAPE)), ValueError),
    ],
)
def test_bad_input_changes_nothing(position: Any, tmp_path: Path, act: Any, error: type) -> None:
    before = content(tmp_path)
    with pytest.raises(error):
        act(position)
    assert content(tmp_path) == before


def test_pixels_that_cannot_be_read_leave_the_old_pyramid(position: Any, tmp_path: Path) -> None:
    position.compute_pyramid(2)
    broken = tmp_path / "i.zarr/0/c/1/1/0/0/0"
    good = broken.read_bytes()
    broken.write_bytes(good[:-7])
    before = content(tmp_path)
    with pytest.raises(ValueError, match="0/c/1/1/0/0/0"):
        position.compute_pyramid(method="max")
    assert content(tmp_path) == before
    broken.write_bytes(good)
    position.compute_pyramid(method="max")
    assert (position["1"][:] == 5).all()


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_append_channel_without_omero(tmp_path: Path, version: str) -> None:
    path = tmp_path / "i.zarr"
    with open_ome_zarr(path, "fov", "w-", ["a", "b"], version=version) as node:
        node.create_image("0", np.full((1, 2, 2, 4, 4), 5, "u2"))
        node.compute_pyramid(2)
        del node.maybe_wrapped_ome_attrs["omero"]
    with open_ome_zarr(path, mode="r+") as node:
        assert node.channel_names == ["0", "1"]
        node.append_channel("new")
        assert node.channel_names[2:] == ["new"]
        assert len(node.channel_names) == 3
        assert (node["0"][:, :2] == 5).all()
        assert (node["0"][:, 2] == 0).all()
        assert node["1"].shape[1] == 3
    with open_ome_zarr(path) as node:
        assert node.channel_names[2] == "new"


# assembling


def test_a_plate_that_cannot_be_assembled_leaves_what_was_there(tmp_path: Path) -> None:
    with open_ome_zarr(tmp_path / "s.zarr", "fov", "w-", ["a"], version="0.5") as source:
        source.create_image("0", np.ones((1, 1, 1, 4, 4), "u1"))
        source.create_image("1", np.ones((1, 1, 1, 2, 2), "u1"))
    with open_ome_zarr(tmp_path / "p.zarr", "hcs", "w-", ["a"], version="0.5") as plate:
        plate.create_position("H", "9", "0").create_zeros("0", (1, 1, 1, 4, 4), "u1")
    (tmp_path / "s.zarr/1/zarr.json").write_text("{ not JSON")
    before = names_of(tmp_path), content(tmp_path)
    with open_ome_zarr(tmp_path / "s.zarr") as source:
        for target, overwrite in (("p.zarr", True), ("q.zarr", False)):
            with pytest.raises(DocumentError, match=r"s\.zarr/1"):
                Plate.from_positions(tmp_path / target, {"A/1/0": source}, overwrite=overwrite)
            assert (names_of(tmp_path), content(tmp_path)) == before


def test_a_plate_in_memory_that_cannot_be_assembled_leaves_what_was_there(tmp_path: Path) -> None:
    """No journal is needed for an error, only for a crash."""
    url = "memory://safety-assembly/p.zarr"
    with open_ome_zarr(tmp_path / "s.zarr", "fov", "w-", ["a"], version="0.5") as source:
        source.create_image("0", np.ones((1, 1, 1, 4, 4), "u1"))
        with open_ome_zarr(url, "hcs", "w-", ["a"], version="0.4") as plate:
            plate.create_position("H", "9", "0").create_image("0", np.full((1, 1, 1, 4, 4), 2))
        good = (tmp_path / "s.zarr/0/zarr.json").read_text()
        (tmp_path / "s.zarr/0/zarr.json").write_text("{ not JSON")
        with pytest.raises(DocumentError, match=r"s\.zarr/0"):
            Plate.from_positions(url, {"A/1/0": source}, overwrite=True)
        with open_ome_zarr(url) as plate:
            assert plate.version == "0.4"
            assert (plate["H/9/0/0"][:] == 2).all()
        (tmp_path / "s.zarr/0/zarr.json").write_text(good)
        Plate.from_positions(url, {"A/1/0": source}, overwrite=True).close()
    with open_ome_zarr(url) as plate:
        assert plate.version == "0.5"
        assert [name for name, _ in plate.positions()] == ["A/1/0"]
        assert (plate["A/1/0/0"][:] == 1).all()
