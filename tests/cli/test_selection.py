"""From arguments to positions."""

from __future__ import annotations

import os
from contextlib import ExitStack

import pytest

from iohub.cli.failures import Failures
from iohub.cli.selection import choose, expand, open_node
from iohub.errors import LayoutError, NotFoundError
from iohub.ngff.nodes import ImageArray, Plate, Position, Row, Well


def test_globs_in_natural_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("p/A/10/0", "p/A/2/0", "p/A/2/1", "p/B/1/0"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "p/A/2/zarr.json").touch()
    assert expand(["p/*/*/*"]) == ["p/A/2/0", "p/A/2/1", "p/A/10/0", "p/B/1/0"]
    assert expand(["p/B/1/0", "p/A/2/*", "p/A/2/0"]) == ["p/B/1/0", "p/A/2/0", "p/A/2/1"]
    assert expand(["p/[A]/?/0"]) == ["p/A/2/0"]


def test_a_name_with_signs_of_a_glob(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a[1].zarr").mkdir()
    (tmp_path / "a1.zarr").mkdir()
    assert expand(["a[1].zarr"]) == ["a[1].zarr"]


def test_documents_are_no_nodes():
    assert expand(["p/A/zarr.json", "p/A/1"]) == ["p/A/1"]
    with pytest.raises(NotFoundError, match=r"zarr\.json"):
        expand(["p/A/zarr.json"])


def test_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.zarr").mkdir()
    assert expand(["~/*.zarr"]) == [str(tmp_path / "a.zarr")]
    assert expand(["~/a.zarr", "file:///x/*.zarr"]) == ["~/a.zarr", "file:///x/*.zarr"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [("", Plate), ("A", Row), ("A/1", Well), ("A/1/0", Position), ("A/1/0/0", ImageArray)],
)
@pytest.mark.parametrize("absolute", [False, True])
def test_every_part_of_a_plate(plate, path, kind, absolute):
    where = os.path.join(plate.absolute() if absolute else plate, path)
    with ExitStack() as stack:
        assert isinstance(open_node(where, "r", stack), kind)
        assert isinstance(open_node(f"file://{os.path.abspath(plate)}", "r", stack), Plate)


def test_what_is_no_part_of_a_plate(plate):
    (plate / "A/1/extra").mkdir()
    with ExitStack() as stack:
        for path in (plate / "A/1/extra", plate.parent):
            with pytest.raises((LayoutError, NotFoundError)):
                open_node(str(path), "r", stack)


def test_positions_of_all_kinds_of_nodes(plate, fov):
    def labels(*patterns):
        failures = Failures()
        with ExitStack() as stack:
            found = choose(patterns, "r", failures, stack)
        assert not failures
        return [each.label for each in found]

    everything = [f"plate.zarr/{path}" for path in ("A/1/0", "A/1/1", "A/2/0", "B/10/0")]
    assert labels("plate.zarr") == everything
    assert labels("plate.zarr/") == everything
    assert labels("plate.zarr/*") == everything
    assert labels("plate.zarr/*/*/*") == everything
    assert labels("plate.zarr/A/1", "plate.zarr", "fov.zarr") == [*everything, "fov.zarr"]


def test_each_position_once_however_it_is_named(plate):
    with ExitStack() as stack:
        link = plate.with_name("link.zarr")
        link.symlink_to(plate.absolute())
        found = choose([str(plate), str(link), str(plate.absolute())], "r", Failures(), stack)
    assert len(found) == 4


def test_an_empty_plate(run, tmp_path):
    from iohub import open_ome_zarr

    path = tmp_path / "empty.zarr"
    open_ome_zarr(path, layout="hcs", mode="w-", channel_names=["a"]).close()
    with ExitStack() as stack, pytest.raises(NotFoundError, match="no positions"):
        choose([str(path)], "r", Failures(), stack)
    assert run("info", "-v", path).exit_code == 0
