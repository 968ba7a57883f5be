"""Chunks that go straight into an archive: what is appended, what turns it back into files."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.ngff import Position
from iohub.storage.ozx_appending import ROOM, AppendedUnits

NEW: dict[str, Any] = {"layout": "fov", "mode": "w-", "channel_names": ["a"], "version": "0.5"}
PIXELS = np.arange(1, 4 * 32 * 32 + 1, dtype="u2").reshape(4, 1, 1, 32, 32)
CHUNKS = (1, 1, 1, 16, 16)


def make(path: Path) -> Position:
    node = open_ome_zarr(path, **NEW)
    node.create_image("0", PIXELS, chunks=CHUNKS)
    return node


def units(node: Position) -> AppendedUnits:
    found: AppendedUnits = node._group.store.units
    return found


def files(node: Position) -> list[str]:
    """Chunks that are files."""
    found = []
    for folder, _, names in os.walk(node._group.store.root):
        found += [os.path.join(folder, name) for name in names if name != "zarr.json"]
    return found


def check(path: Path, expected: np.ndarray = PIXELS) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names[0] == "zarr.json"
        documents = [name.endswith("zarr.json") for name in names]
        assert documents == sorted(documents, reverse=True)
        assert len(set(names)) == len(names)
        assert min(archive.infolist(), key=lambda info: info.header_offset).filename == "zarr.json"
    with open_ome_zarr(path) as node:
        assert np.array_equal(node["0"][...], expected)


def test_whole_chunks_are_never_files(tmp_path: Path) -> None:
    node = make(tmp_path / "a.ozx")
    assert len(units(node)) == 16
    assert not files(node)
    assert np.array_equal(node["0"][...], PIXELS)
    assert np.array_equal(node["0"][2, 0, 0, 3:20, [1, 30]], PIXELS[2, 0, 0, 3:20, [1, 30]])
    assert not files(node)
    node.close()
    check(tmp_path / "a.ozx")
    assert os.listdir(tmp_path) == ["a.ozx"]


def test_a_pyramid_is_made_of_what_is_in_the_archive(tmp_path: Path) -> None:
    node = make(tmp_path / "a.ozx")
    node.compute_pyramid(2)
    assert len(units(node)) == 20
    assert not files(node)
    expected = node["1"][...]
    node.close()
    with open_ome_zarr(tmp_path / "a.ozx") as node:
        assert np.array_equal(node["1"][...], expected)
    check(tmp_path / "a.ozx")


def _part(node: Position) -> np.ndarray:
    node["0"][1, 0, 0, 3, 4] = 7
    return _changed((1, 0, 0, 3, 4))


def _again(node: Position) -> np.ndarray:
    node["0"][1, 0, 0, :16, :16] = 7
    return _changed((1, 0, 0, slice(16), slice(16)))


def _emptied(node: Position) -> np.ndarray:
    node["0"][1, 0, 0, :16, :16] = 0
    return _changed((1, 0, 0, slice(16), slice(16)), 0)


def _points(node: Position) -> np.ndarray:
    node["0"].vindex[[0, 3], 0, 0, [1, 2], [5, 6]] = 7
    return _changed(([0, 3], 0, 0, [1, 2], [5, 6]))


def _elsewhere(node: Position) -> np.ndarray:
    array = pickle.loads(pickle.dumps(node["0"]))
    array[1, 0, 0, :16, :16] = 7
    return _changed((1, 0, 0, slice(16), slice(16)))


def _by_zarr(node: Position) -> np.ndarray:
    node.zgroup["0"][1, 0, 0, :16, :16] = 7
    return _changed((1, 0, 0, slice(16), slice(16)))


def _renamed(node: Position) -> np.ndarray:
    node.rename_channel("a", "b")
    return PIXELS


def _changed(where: Any, value: int = 7) -> np.ndarray:
    expected = PIXELS.copy()
    expected[where] = value
    return expected


@pytest.mark.parametrize("edit", [_part, _again, _emptied, _points, _elsewhere, _by_zarr, _renamed])
def test_whatever_is_done_then(tmp_path: Path, edit: Any) -> None:
    node = make(tmp_path / "a.ozx")
    expected = edit(node)
    assert np.array_equal(node["0"][...], expected)
    node.close()
    check(tmp_path / "a.ozx", expected)


def test_images_that_are_deleted_leave_nothing(tmp_path: Path) -> None:
    node = make(tmp_path / "a.ozx")
    node.create_image("more", PIXELS, chunks=CHUNKS, transform=None)
    del node["more"]
    node.close()
    check(tmp_path / "a.ozx")
    with zipfile.ZipFile(tmp_path / "a.ozx") as archive:
        assert not [name for name in archive.namelist() if name.startswith("more")]


def test_more_documents_than_there_is_room_for(tmp_path: Path) -> None:
    node = make(tmp_path / "a.ozx")
    node.zattrs["note"] = "x" * ROOM
    node.close()
    check(tmp_path / "a.ozx")
    with open_ome_zarr(tmp_path / "a.ozx") as node:
        assert len(node.zattrs["note"]) == ROOM


def _write_in_child(node: Position) -> int:
    if units(node).append("0", "0/c/9/9", b"not here"):
        return 2
    try:
        node["0"][1, 0, 0, 3, 4] = 7
    except (OSError, RuntimeError, ValueError):
        return 1
    return 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_writes_files(tmp_path: Path) -> None:
    node = make(tmp_path / "a.ozx")
    child = os.fork()
    if not child:
        os._exit(_write_in_child(node))
    assert os.waitpid(child, 0)[1] == 0
    node.close()
    check(tmp_path / "a.ozx", _changed((1, 0, 0, 3, 4)))


KILLED = """
import os, signal, sys
import numpy
import iohub
from iohub.storage.ozx_appending import AppendedUnits

append, count = AppendedUnits.append, []
def killing(*given):
    count.append(0)
    if len(count) == 9:
        os.kill(os.getpid(), signal.SIGKILL)
    return append(*given)
AppendedUnits.append = killing
node = iohub.open_ome_zarr(sys.argv[1], layout="fov", mode="w-", channel_names=["a"], version="0.5")
node.create_image("0", numpy.ones((4, 1, 1, 32, 32), "u2"), chunks=(1, 1, 1, 16, 16))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_writer_leaves_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.ozx"
    found = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert found.returncode == -signal.SIGKILL
    assert not path.exists()
    make(path).close()
    check(path)
    assert os.listdir(tmp_path) == ["a.ozx"]
