"""Pixels that take long keep nobody from changing the same position, well or plate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from zarr.storage import MemoryStore

from iohub import open_ome_zarr
from iohub.errors import ExistsError, LockTimeoutError, NotFoundError
from iohub.storage import locks

SHAPE = (1, 2, 3, 8, 8)
VERSIONS = ["0.4", "0.6"]  # both Zarr formats; most of the rest is done in 0.5

# A child that stops in the middle of what it does, until a line is sent to it.
CHILD = """
import sys, json
import numpy as np
from iohub import open_ome_zarr
from iohub.errors import IohubError

path, where, what = sys.argv[1:4]
node = open_ome_zarr(path, mode="r+")
position = node[where] if where else node
waited = []

def wait(*_):
    if not waited:
        waited.append(1)
        print("here", flush=True)
        sys.stdin.readline()

class Slow:
    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype
        self.ndim = values.ndim
    def __array__(self, dtype=None, copy=None):
        wait()
        return self.values
    def __getitem__(self, key):
        wait()
        return self.values[key]

try:
    if what == "image":
        position.create_image("1", Slow(np.full((1, 2, 3, 8, 8), 7, "u2")))
    elif what == "pyramid":
        position.compute_pyramid(2, progress=wait)
    elif what == "channel":
        position.insert_channel(0, "Cy5", Slow(np.full((1, 3, 8, 8), 9, "u2")))
    elif what == "labels":
        position.labels.create("cells", Slow(np.full((3, 8, 8), 5, "u1")))
except IohubError as error:
    print(json.dumps([type(error).__name__, str(error)]))
else:
    print(json.dumps(["done", ""]))
"""


class Writer:
    """A process that waits in the middle of writing."""

    def __init__(self, path: Path, where: str, what: str):
        self.child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), where, what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.child.stdout is not None
        assert self.child.stdout.readline() == "here\n"

    def go_on(self) -> tuple[str, str]:
        """Let it end; return the name of its error, or "done", and the message."""
        out, _ = self.child.communicate("\n")
        kind, message = json.loads(out)
        return kind, message

    def kill(self) -> None:
        self.child.kill()
        self.child.communicate()


@contextmanager
def writing(path: Path, where: str, what: str) -> Iterator[Writer]:
    writer = Writer(path, where, what)
    try:
        yield writer
    finally:
        writer.kill()


def strays(path: Path) -> list[str]:
    """Return what of iohub's own is below a directory."""
    found = (p.relative_to(path).as_posix() for p in path.rglob("*"))
    return [name for name in found if "iohub" in name.rpartition("/")[2]]


@pytest.fixture(params=VERSIONS)
def plate(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "plate.zarr"
    with open_ome_zarr(path, "hcs", "w-", ["DAPI", "GFP"], version=request.param) as node:
        for position in node.create_positions([("A", "1", "0"), ("A", "2", "0")]):
            position.create_image("0", np.arange(384, dtype="u2").reshape(SHAPE))
    return path


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no lock longer than a moment."""
    monkeypatch.setattr(locks, "TIMEOUT", 0.3)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("what", ["image", "pyramid", "labels"])
def test_metadata_can_be_edited_meanwhile_and_both_survive(plate: Path, what: str) -> None:
    with writing(plate, "A/1/0", what) as writer, open_ome_zarr(plate, mode="r+") as node:
        position = node["A/1/0"]
        position.rename_channel("GFP", "EGFP")
        position.set_scale("0", "x", 0.5)
        position.zattrs["note"] = {"by": "another"}
        position.create_image("raw", np.ones(SHAPE, "u2"))
        del position["raw"]
        node.create_position("B", "1", "0")
        assert writer.go_on() == ("done", "")
        assert position.channel_names == ["DAPI", "EGFP"]
        assert position.zattrs["note"]["by"] == "another"
        assert position.get_effective_scale("0")[-1] == 0.5
        if what == "image":
            assert (position["1"][...] == 7).all()
        elif what == "pyramid":
            assert position["1"].shape == (1, 2, 2, 4, 4)
            assert position.get_effective_scale("1")[-1] == 1.0
            assert position.get_effective_translation("1")[-1] == 0.25
        else:
            label = position.labels["cells"]
            assert (label.data[...] == 5).all()
            assert label.get_effective_scale("0")[-1] == 0.5
    assert strays(plate) == []


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("what", "change", "kind"),
    [
        ("image", lambda p: p.create_image("1", np.ones(SHAPE, "u2")), "ExistsError"),
        ("image", lambda p: p.append_channel("Cy5"), "ShapeError"),
        ("pyramid", lambda p: p.append_channel("Cy5"), "ConflictError"),
        ("pyramid", lambda p: p.reorder_channels(["GFP", "DAPI"]), "ConflictError"),
        ("pyramid", lambda p: p.initialize_pyramid(2), "PyramidError"),
        ("pyramid", lambda p: p.create_zeros("1", SHAPE, "u2"), "ConflictError"),
        ("channel", lambda p: p.reorder_channels([1, 0]), "ConflictError"),
        ("channel", lambda p: p.rename_channel("DAPI", "x"), "ConflictError"),
        ("channel", lambda p: p.create_zeros("1", SHAPE, "u2"), "ConflictError"),
        ("labels", lambda p: p.labels.create("cells", np.ones((3, 8, 8), "u1")), "ExistsError"),
        ("labels", lambda p: p.compute_pyramid(2), "ConflictError"),
    ],
)
def test_what_does_not_fit_any_more_is_an_error_that_leaves_nothing(
    tmp_path: Path, what: str, change: Callable[[Any], object], kind: str
) -> None:
    path = tmp_path / "image.zarr"
    with open_ome_zarr(path, "fov", "w-", ["DAPI", "GFP"], version="0.5") as position:
        position.create_image("0", np.arange(384, dtype="u2").reshape(SHAPE))
        with writing(path, "", what) as writer:
            change(position)
            held = everything(path)
            assert writer.go_on()[0] == kind
    assert strays(path) == []
    assert everything(path) == held


def everything(path: Path) -> dict[str, bytes]:
    """Every file of a store, without what is being prepared in it."""
    return {
        p.relative_to(path).as_posix(): p.read_bytes()
        for p in path.rglob("*")
        if p.is_file() and "iohub" not in p.relative_to(path).as_posix()
    }


@pytest.mark.parametrize("what", ["image", "pyramid", "channel", "labels"])
def test_what_a_killed_writer_prepared_goes_with_the_next_edit(tmp_path: Path, what: str) -> None:
    path = tmp_path / "image.zarr"
    with open_ome_zarr(path, "fov", "w-", ["DAPI", "GFP"], version="0.5") as position:
        position.create_image("0", np.arange(384, dtype="u2").reshape(SHAPE))
        before = everything(path)
        with writing(path, "", what) as dead, writing(path, "", what) as alive:
            dead.kill()
            assert len([name for name in strays(path) if "draft" in name]) == 2
            assert position.keys() == ["0"]  # nothing half-done is seen
            assert sorted(position.group_keys() + position.array_keys()) == ["0"]
            position.create_image("2", np.ones((1, 2, 3, 8, 8), "u1"))
            del position["2"]
            # The living one keeps what it prepares.
            assert len([name for name in strays(path) if "draft" in name]) == 1
            assert everything(path) == before
            assert alive.go_on() == ("done", "")
    assert strays(path) == []


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("verb", ["rename_well", "remove_well", "remove_position", "swap"])
def test_wells_in_which_an_image_is_made_are_not_moved(plate: Path, verb: str) -> None:
    act: Callable[[Any], object] = {
        "rename_well": lambda p: p.rename_well("A/1", "B/3"),
        "remove_well": lambda p: p.remove_well("A/1"),
        "remove_position": lambda p: p.remove_position("A/1/0"),
        "swap": lambda p: p.rename_wells({"A/1": "A/2", "A/2": "A/1"}),
    }[verb]
    with open_ome_zarr(plate, mode="r+") as node:
        with writing(plate, "A/1/0", "image") as writer:
            with pytest.raises(LockTimeoutError, match=r"A/1/0 is being written.*try again"):
                act(node)
            node.rename_well("A/2", "C/1")  # others can be
            node.rename_well("C/1", "A/2")
            assert writer.go_on() == ("done", "")
        act(node)
        found = {name: position.keys() for name, position in node.positions()}
    assert (
        found
        == {
            "rename_well": {"A/2/0": ["0"], "B/3/0": ["0", "1"]},
            "remove_well": {"A/2/0": ["0"]},
            "remove_position": {"A/2/0": ["0"]},
            "swap": {"A/1/0": ["0"], "A/2/0": ["0", "1"]},
        }[verb]
    )
    assert strays(plate) == []


def test_a_move_waits_for_who_writes(plate: Path) -> None:
    with writing(plate, "A/1/0", "pyramid") as writer, open_ome_zarr(plate, mode="r+") as node:
        moved = threading.Thread(target=node.rename_well, args=("A/1", "B/3"))
        moved.start()
        node.create_position("D", "1", "0")  # who waits does not hold the plate
        assert moved.is_alive()
        assert writer.go_on() == ("done", "")
        moved.join()
        assert node["B/3/0"].keys() == ["0", "1"]


@pytest.mark.parametrize("what", ["image", "pyramid"])
@pytest.mark.parametrize("moved", ["plate", "well", "gone"])
def test_who_writes_in_what_others_move_is_told_so(plate: Path, what: str, moved: str) -> None:
    """Moved by means other than iohub's, which do not ask whether somebody writes."""
    elsewhere = plate.with_name("elsewhere.zarr")
    with writing(plate, "A/1/0", what) as writer:
        if moved == "plate":
            plate.rename(elsewhere)
        elif moved == "well":
            (plate / "A" / "1").rename(plate / "A" / "9")
        else:
            (plate / "A").rename(elsewhere)
        kind, message = writer.go_on()
    assert kind in {"NotFoundError", "MissingNodeError"}
    assert "A/1" in message
    if moved == "plate":
        assert not plate.exists() or list(plate.rglob("*")) == []
    else:
        assert not (plate / "A" / "1").exists()
        assert (plate / "A").exists() == (moved == "well")


IN_PLACE = """
import sys
import numpy as np
from iohub import open_ome_zarr
from iohub.errors import NotFoundError

image = open_ome_zarr(sys.argv[1], mode="r+", engine=sys.argv[2])["A/1/0/0"]
number = 0
try:
    while True:
        number += 1
        image[...] = number
        if number == 3:
            print("here", flush=True)
except NotFoundError as error:
    print(error)
"""


@pytest.mark.parametrize("engine", ["tensorstore", "zarr-python", "zarrs"])
def test_who_writes_pixels_in_place_is_told_that_they_moved(tmp_path: Path, engine: str) -> None:
    path = tmp_path / "plate.zarr"
    with open_ome_zarr(path, "hcs", "w-", ["DAPI"], version="0.5") as node:
        position = node.create_position("A", "1", "0")
        position.create_zeros("0", (8, 1, 4, 32, 32), "u2", chunks=(1, 1, 1, 32, 32))
        with subprocess.Popen(
            [sys.executable, "-c", IN_PLACE, str(path), engine], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "here\n"
            node.rename_well("A/1", "B/1")
            message = child.stdout.read()
        assert child.returncode == 0
        assert "A/1/0/0" in message
        assert not (path / "A").exists()
        pixels = node["B/1/0/0"].numpy()
        assert (pixels == pixels[..., :1, :1]).all()  # each chunk is whole
    assert strays(path) == []


EDITING = """
import sys, time
from iohub import open_ome_zarr
from iohub.errors import NotFoundError

done = 0
print("here", flush=True)
while True:
    try:
        position = open_ome_zarr(sys.argv[1] + "/" + sys.argv[2], mode="r+")
        while True:
            position.zattrs["done"] = done + 1
            position.set_scale("0", "x", float(done + 1))
            done += 1
            time.sleep(0.001)
    except NotFoundError:
        continue
"""


def _rename_when_vacant(plate: Any, old: str, new: str) -> None:
    """Rename; what an edit that came too late leaves at the new place goes with that edit."""
    for _ in range(50):
        with suppress(ExistsError):
            plate.rename_well(old, new)
            return
        time.sleep(0.01)
    plate.rename_well(old, new)


def test_short_edits_while_their_well_is_moved_leave_no_half_group(tmp_path: Path) -> None:
    path = tmp_path / "plate.zarr"
    with open_ome_zarr(path, "hcs", "w-", ["DAPI"], version="0.5") as node:
        node.create_position("A", "1", "0").create_zeros("0", (1, 1, 1, 4, 4), "u1")
        with subprocess.Popen(
            [sys.executable, "-c", EDITING, str(path), "A/1/0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            try:
                assert child.stdout is not None
                child.stdout.readline()
                for _ in range(12):
                    node.rename_well("A/1", "B/1")
                    assert node["B/1/0"].keys() == ["0"]
                    time.sleep(0.002)
                    assert not (path / "A" / "1" / "0" / "zarr.json").exists()
                    _rename_when_vacant(node, "B/1", "A/1")
                assert child.poll() is None
            finally:
                child.kill()
                _, errors = child.communicate()
    assert errors == ""
    with open_ome_zarr(path, mode="r+") as node:
        assert [name for name, _ in node.positions()] == ["A/1/0"]
        node["A/1/0"].zattrs["done"] = 0


ASSEMBLE = """
import os, signal, sys
from iohub import open_ome_zarr
from iohub.ngff import Plate
from iohub.nodes import assembly

real = assembly._copy_position
def copy(*args):
    real(*args)
    print("here", flush=True)
    sys.stdin.readline()
assembly._copy_position = copy
source = open_ome_zarr(sys.argv[1])
overwrite = sys.argv[3] == "yes"
Plate.from_positions(sys.argv[2], {"A/1/0": source["A/1/0"]}, overwrite=overwrite)
print("done", flush=True)
"""


@pytest.mark.parametrize("there", ["vacant", "replaced"])
def test_what_a_killed_assembly_prepared_goes_with_the_next_try(tmp_path: Path, there: str) -> None:
    source, target = tmp_path / "source.zarr", tmp_path / "target.zarr"
    with open_ome_zarr(source, "hcs", "w-", ["DAPI"], version="0.5") as node:
        node.create_position("A", "1", "0").create_image("0", np.ones((1, 1, 1, 4, 4), "u1"))
    overwrite = "yes" if there == "replaced" else "no"
    if there == "replaced":
        open_ome_zarr(target, "hcs", "w-", ["other"], version="0.5").close()

    def start() -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", ASSEMBLE, str(source), str(target), overwrite],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "here\n"
        return child

    dead = start()
    dead.kill()
    dead.communicate()
    (left,) = [name for name in strays(tmp_path) if name.count("/") == (there == "replaced")]
    assert target.exists() == (there == "replaced")
    alive = start()  # it sweeps what the dead one left
    assert not (tmp_path / left).exists()
    other = start()  # and this one leaves what the living one prepares
    assert alive.communicate("\n")[0] == "done\n"
    other.kill()
    other.communicate()
    with open_ome_zarr(target) as node:
        assert [name for name, _ in node.positions()] == ["A/1/0"]
    with open_ome_zarr(source) as node:
        type(node).from_positions(target, {"B/2/0": node["A/1/0"]}, overwrite=True).close()
    assert strays(tmp_path) == []


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("where", ["memory", "local"])
def test_threads_too(tmp_path: Path, where: str) -> None:
    store: Any = MemoryStore() if where == "memory" else tmp_path / "plate.zarr"
    here, go_on = threading.Event(), threading.Event()

    class Slow:
        shape, dtype, ndim = SHAPE, np.dtype("u2"), 5

        def __getitem__(self, key: Any) -> Any:
            here.set()
            go_on.wait()
            return np.full(SHAPE, 7, "u2")[key]

    with open_ome_zarr(store, "hcs", "w-", ["DAPI", "GFP"], version="0.5") as node:
        position = node.create_position("A", "1", "0")
        thread = threading.Thread(target=position.create_image, args=("0", Slow()))
        thread.start()
        here.wait()
        node["A/1/0"].zattrs["note"] = 1
        with pytest.raises(LockTimeoutError, match="A/1/0 is being written"):
            node.rename_well("A/1", "A/2")
        go_on.set()
        thread.join()
        assert (position["0"][...] == 7).all()
        assert position.zattrs["note"] == 1
        node.rename_well("A/1", "A/2")
        with pytest.raises(NotFoundError):
            position.create_image("1", np.ones(SHAPE, "u2"))
        assert [name for name, _ in node.positions()] == ["A/2/0"]
    if where == "local":
        assert strays(tmp_path) == []
        assert not os.path.exists(tmp_path / "plate.zarr" / "A" / "1")
    else:
        assert not [key for key in store._store_dict if "iohub" in key or "A/1" in key]
