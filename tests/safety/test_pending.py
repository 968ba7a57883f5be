"""An edit that was killed once it was decided, and what is done before it is completed."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import InterruptedEditWarning, MissingNodeError, NotFoundError
from iohub.nodes.upgrade import upgrade
from iohub.storage import journal
from iohub.storage.drafts import Draft
from iohub.storage.group import open_group
from iohub.storage.keys import OWN_PREFIX
from iohub.storage.local import LocalBytes

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no SIGKILL")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_PATIENCE", 0.0)


@pytest.fixture
def path(tmp_path: Path, edits: Any) -> Path:
    """Return a plate of version 0.4 whose first position has two levels and labels."""
    path = tmp_path / "plate.zarr"
    edits.prepare(path, "0.4")
    with open_ome_zarr(path / "A/1/0", mode="r+") as image:
        image.labels.create("cells", np.ones((1, 3, 6, 5), "u1"))
    return path


def killed(act: Callable[[], object], step: int = 1, name: str = "replace") -> None:
    """Do something in a child that is killed before a step of an edit that is decided."""
    child = os.fork()
    if child == 0:
        real, count = getattr(LocalBytes, name), [0]

        def die(*args: Any) -> None:
            decided = any(Path(args[0].root).rglob(f"{journal.STAGE}/{journal.COMMIT}"))
            count[0] += decided
            if count[0] == step:
                os.kill(os.getpid(), signal.SIGKILL)
            real(*args)

        setattr(LocalBytes, name, die)
        act()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def own_names(path: Path) -> list[str]:
    return [found.name for found in path.rglob(f"{OWN_PREFIX}*")]


@pytest.mark.parametrize("mode", ["r+", "a"])
def test_an_edit_below_what_is_to_be_completed_stays(path: Path, mode: Any) -> None:
    killed(lambda: upgrade(path, "0.5"))
    with open_ome_zarr(path / "A/1/0", mode=mode) as image:
        image.rename_channel("DAPI", "NEW")
    with open_ome_zarr(path, mode="r+") as plate:
        assert plate["A/1/0"].version == "0.5"
        assert plate["A/1/0"].channel_names == ["NEW", "GFP"]
    assert not own_names(path)


def test_an_edit_of_labels_below_what_is_to_be_completed_stays(path: Path) -> None:
    def scale() -> None:
        open_ome_zarr(path / "A/1/0", mode="r+").set_scale("0", "x", 0.5)

    killed(scale)
    with open_ome_zarr(path / "A/1/0/labels/cells", mode="r+") as label:
        label.colors = {1: "123456"}
        colors = str(label.colors)
    with open_ome_zarr(path / "A/1/0", mode="r+") as image:
        assert str(image.labels["cells"].colors) == colors
        assert image.scale[-1] == 0.5
        assert image.labels["cells"].scale[-1] == 0.5


@pytest.mark.parametrize("single", [True, False])
def test_a_node_that_was_open_before_the_kill(path: Path, single: bool) -> None:
    with open_ome_zarr(path / "A/1/0/labels/cells", mode="r+") as label:
        assert dict(label.colors) is not None

        def scale() -> None:
            open_ome_zarr(path / "A/1/0", mode="r+").set_scale("0", "x", 0.5)

        killed(scale)
        if single:
            label.zattrs["note"] = "kept"
        else:
            label.colors = {1: "123456"}
            colors = str(label.colors)
    with open_ome_zarr(path / "A/1/0", mode="r+") as image:
        found = image.labels["cells"]
        assert found.zattrs.get("note") == "kept" if single else str(found.colors) == colors
        assert found.scale[-1] == 0.5


def test_a_new_store_forgets_the_edit_of_the_old_one(path: Path) -> None:
    killed(lambda: upgrade(path, "0.5"))
    with open_ome_zarr(path, "fov", "w", ["c"]) as image:
        assert not own_names(path)
        image["0"] = np.zeros((1, 1, 1, 4, 4), "u1")
    with open_ome_zarr(path, mode="r+") as image:
        assert image.channel_names == ["c"]
        assert image.version == "0.4"


def test_what_is_missing_meanwhile_says_why(path: Path) -> None:
    upgrade(path, "0.5")
    killed(lambda: upgrade(path, "0.4"))
    with pytest.raises(NotFoundError, match=r"plate\.zarr was interrupted.*mode='r\+'"):
        open_ome_zarr(path)
    with pytest.raises(NotFoundError, match=r"plate\.zarr was interrupted.*mode='r\+'"):
        open_ome_zarr(path / "A/1/0")


def test_a_missing_array_says_why(path: Path) -> None:
    def remove() -> None:
        open_ome_zarr(path / "A/1/0", mode="r+").remove_channel("DAPI")

    killed(remove, 2, "move")
    with pytest.warns(InterruptedEditWarning):
        image = open_ome_zarr(path)["A/1/0"]
    with pytest.raises(MissingNodeError, match=r"A/1/0 was interrupted.*mode='r\+'"):
        image["0"]


def test_a_reader_never_sees_levels_that_are_gone(path: Path) -> None:
    """Documents that no longer name what is deleted are written first."""

    def delete() -> None:
        open_ome_zarr(path / "A/1/0", mode="r+").delete_pyramid()

    killed(delete, 1, "move")
    with pytest.warns(InterruptedEditWarning):
        image = open_ome_zarr(path / "A/1/0")
    assert [name for name, _ in image.images()] == ["0"]
    assert image.data.shape
    assert (path / "A/1/0/1").exists()
    open_ome_zarr(path / "A/1/0", mode="r+").close()
    assert not (path / "A/1/0/1").exists()


@pytest.mark.parametrize("how", ["open", "edit"])
def test_what_a_killed_writer_prepared_goes(path: Path, how: str) -> None:
    node = path / "A/1/0"
    with open_ome_zarr(path, mode="r+") as plate:
        image = plate["A/1/0"]
        with Draft(open_group(LocalBytes(node))) as draft:
            staged = draft.stage("x")
            (node / staged).mkdir(parents=True)
            if how == "edit":
                shutil.copytree(node / staged, node / journal.STAGE)
            living = (node / staged).parent
            dead = shutil.copytree(living, living.with_name(living.name + "0"))
            if how == "open":
                open_ome_zarr(node, mode="r+").close()
            else:
                image.zattrs["note"] = 1
            assert living.exists()
            assert not dead.exists()
            assert not (node / journal.STAGE).exists()
    assert not own_names(path)


def test_no_empty_folder_stays(path: Path) -> None:
    with open_ome_zarr(path / "B/2/0", mode="r+") as image:
        image.create_zeros("a/b", (1, 2, 3, 6, 5), "u2")
        del image["a/b"]
        assert not (path / "B/2/0/a").exists()
