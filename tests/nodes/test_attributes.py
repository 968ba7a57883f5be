"""zattrs: every change, at any depth, is saved or refused, never lost."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import ConflictError, IohubError, ReadOnlyError


def fresh(node: Any) -> dict[str, Any]:
    return dict(open_ome_zarr(node.url).zattrs.asdict())


CHANGES: list[tuple[str, Callable[[Any], Any], Any]] = [
    ("set", lambda a: a.__setitem__("x", 1), 1),
    ("nested set", lambda a: a["x"].__setitem__("a", 2), {"a": 2, "l": [1, {"b": 2}]}),
    ("deep set", lambda a: a["x"]["l"][1].__setitem__("b", 3), {"a": 1, "l": [1, {"b": 3}]}),
    ("append", lambda a: a["x"]["l"].append(4), {"a": 1, "l": [1, {"b": 2}, 4]}),
    ("extend", lambda a: a["x"]["l"].extend([4, 5]), {"a": 1, "l": [1, {"b": 2}, 4, 5]}),
    ("insert", lambda a: a["x"]["l"].insert(0, 9), {"a": 1, "l": [9, 1, {"b": 2}]}),
    ("list set", lambda a: a["x"]["l"].__setitem__(0, [2]), {"a": 1, "l": [[2], {"b": 2}]}),
    ("slice", lambda a: a["x"]["l"].__setitem__(slice(0, 2), [7]), {"a": 1, "l": [7]}),
    ("list del", lambda a: a["x"]["l"].__delitem__(0), {"a": 1, "l": [{"b": 2}]}),
    ("list pop", lambda a: a["x"]["l"].pop(), {"a": 1, "l": [1]}),
    ("remove", lambda a: a["x"]["l"].remove(1), {"a": 1, "l": [{"b": 2}]}),
    ("reverse", lambda a: a["x"]["l"].reverse(), {"a": 1, "l": [{"b": 2}, 1]}),
    ("list clear", lambda a: a["x"]["l"].clear(), {"a": 1, "l": []}),
    ("iadd", lambda a: a["x"].__setitem__("l", a["x"]["l"] + [3]), {"a": 1, "l": [1, {"b": 2}, 3]}),
    ("inplace add", lambda a: a["x"]["l"].__iadd__([3]), {"a": 1, "l": [1, {"b": 2}, 3]}),
    ("inplace mul", lambda a: a["x"]["l"].__imul__(1), {"a": 1, "l": [1, {"b": 2}]}),
    ("del", lambda a: a["x"].__delitem__("a"), {"l": [1, {"b": 2}]}),
    ("pop", lambda a: a["x"].pop("a"), {"l": [1, {"b": 2}]}),
    ("popitem", lambda a: a["x"].popitem(), {"a": 1}),
    ("clear", lambda a: a["x"].clear(), {}),
    ("setdefault", lambda a: a["x"].setdefault("n", {})["m"], None),
    ("update", lambda a: a["x"].update(a=5, z=np.float32(0.5)), None),
    ("ior", lambda a: a["x"].__ior__({"a": 6}), {"a": 6, "l": [1, {"b": 2}]}),
    ("array", lambda a: a.__setitem__("x", np.arange(3)), [0, 1, 2]),
    ("tuple", lambda a: a.__setitem__("x", (1, 2)), [1, 2]),
    ("null", lambda a: a.__setitem__("x", None), None),
]


@pytest.mark.parametrize(("name", "change", "expected"), CHANGES, ids=[c[0] for c in CHANGES])
def test_every_change_is_saved(fov: Any, name: str, change: Any, expected: Any) -> None:
    """``zattrs["x"]["a"] = 2`` was silently not saved (zarr#710)."""
    others = fresh(fov)
    fov.zattrs["x"] = {"a": 1, "l": [1, {"b": 2}]}
    if name == "setdefault":
        with pytest.raises(KeyError):
            change(fov.zattrs)
        assert fresh(fov)["x"]["n"] == {}
        return
    change(fov.zattrs)
    if name == "update":
        expected = {"a": 5, "l": [1, {"b": 2}], "z": 0.5}
    assert fresh(fov)["x"] == expected
    assert {key: value for key, value in fresh(fov).items() if key != "x"} == others


def test_a_view_stays_true(fov: Any) -> None:
    fov.zattrs["x"] = {"a": []}
    view = fov.zattrs["x"]
    view["a"].append(1)
    view["a"].append(2)
    assert view == {"a": [1, 2]}
    assert fov.zattrs["x"]["a"] == [1, 2]
    view["b"] = {"c": 1}
    view["b"]["c"] = 2
    assert fresh(fov)["x"] == {"a": [1, 2], "b": {"c": 2}}


def test_two_handles(fov: Any) -> None:
    """What another handle wrote in between is kept."""
    other = open_ome_zarr(fov.url, mode="r+")
    fov.zattrs["x"] = {"a": 1}
    mine = fov.zattrs["x"]
    other.zattrs["x"]["b"] = 2
    other.zattrs["y"] = 3
    mine["c"] = 3
    assert fresh(fov)["x"] == {"a": 1, "b": 2, "c": 3}
    assert fresh(fov)["y"] == 3


def colors(node: Any) -> dict[str, str]:
    channels = open_ome_zarr(node.url).metadata.omero.channels
    return {channel.label: channel.color for channel in channels}


@pytest.mark.parametrize(
    "change",
    [
        lambda channel: channel.__setitem__("color", "ABCDEF"),
        lambda channel: channel["window"].__setitem__("start", 7),
        lambda channel: channel.update(color="ABCDEF"),
        lambda channel: channel.clear(),
    ],
)
def test_an_item_of_a_list_is_the_one_that_was_read(fov: Any, change: Any) -> None:
    """A handle on the second channel became one on the third when the first was removed."""
    fov.append_channel("RFP")
    second = fov.maybe_wrapped_ome_attrs["omero"]["channels"][1]
    assert second["label"] == "GFP"
    fov.remove_channel("DAPI")
    before = fresh(fov)
    with pytest.raises(ConflictError, match=r"changed meanwhile.*read it again"):
        change(second)
    assert fresh(fov) == before
    again = fov.maybe_wrapped_ome_attrs["omero"]["channels"][0]
    again["color"] = "ABCDEF"
    assert colors(fov)["GFP"] == "ABCDEF"


def test_items_of_one_list_side_by_side(fov: Any) -> None:
    one, two = (fov.maybe_wrapped_ome_attrs["omero"]["channels"][i] for i in (0, 1))
    all_of_them = fov.maybe_wrapped_ome_attrs["omero"]["channels"]
    window = one["window"]
    one["color"] = "111111"
    window["start"] = 3  # an object that `one` has made anew
    one["active"] = False
    two["color"] = "222222"
    assert colors(fov) == {"DAPI": "111111", "GFP": "222222"}
    assert one["window"]["start"] == 3
    all_of_them[0]["color"] = "333333"  # read before, and the same channel by its label
    assert colors(fov) == {"DAPI": "333333", "GFP": "222222"}
    assert one["window"]["start"] == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.__setitem__(0, 9),
        lambda a: a.__delitem__(0),
        lambda a: a.pop(),
        lambda a: a.insert(1, 9),
    ],
)
def test_places_in_a_list_that_changed(fov: Any, change: Any) -> None:
    fov.zattrs["x"] = {"l": [1, 2]}
    mine = fov.zattrs["x"]["l"]
    fov.zattrs["x"]["l"].insert(0, 0)
    with pytest.raises(ConflictError):
        change(mine)
    mine.append(3)  # wherever the end is
    assert fov.zattrs["x"]["l"] == mine == [0, 1, 2, 3]
    change(mine)
    assert fov.zattrs["x"]["l"] == mine


@pytest.mark.parametrize("now", [None, 1, [], {"l": 5}])
def test_a_handle_on_what_is_gone(fov: Any, now: Any) -> None:
    fov.zattrs["x"] = {"l": [{"a": 1}]}
    mine = fov.zattrs["x"]["l"][0]
    fov.zattrs["x"] = now
    with pytest.raises(ConflictError, match="read it again"):
        mine["a"] = 2
    assert fov.zattrs["x"] == now


def test_ome_attributes_are_live(fov: Any) -> None:
    """They were a copy of when they were read in 0.5, and not in 0.4."""
    ome = fov.maybe_wrapped_ome_attrs
    fov.rename_channel("GFP", "green")
    assert ome["omero"]["channels"][1]["label"] == "green"
    ome["omero"]["channels"][1]["label"] = "red"
    assert fov.channel_names == ["DAPI", "red"]
    assert "omero" in ome
    assert set(ome) >= {"multiscales", "omero"}


def test_mapping(fov: Any) -> None:
    fov.zattrs.update({"a": 1}, b=2)
    assert "a" in fov.zattrs
    assert fov.zattrs.get("none", 5) == 5
    assert set(fov.zattrs) == set(fov.zattrs.asdict()) == set(fresh(fov))
    assert len(fov.zattrs) == len(fresh(fov))
    del fov.zattrs["a"]
    assert fov.zattrs.pop("b") == 2
    with pytest.raises(KeyError):
        fov.zattrs["a"]
    assert "channels" in repr(fov.zattrs)
    assert fov.zattrs._ipython_key_completions_() == list(fov.zattrs)


def test_assignment_replaces_all(fov: Any) -> None:
    kept = fov.zattrs.asdict()
    fov.zattrs = {**kept, "note": {"deep": [1]}}
    assert fresh(fov) == {**kept, "note": {"deep": [1]}}
    assert fov.channel_names == ["DAPI", "GFP"]


def test_copies_are_free(fov: Any) -> None:
    fov.zattrs["x"] = {"a": [1]}
    for clone in (copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v)), dict):
        twin = clone(fov.zattrs["x"])
        assert type(twin) is dict
        if clone is not dict:
            twin["a"].append(2)
        twin["b"] = 1
        assert fresh(fov)["x"] == {"a": [1]}
    assert json.dumps(fov.zattrs["x"]) == '{"a": [1]}'


def test_what_is_no_json_is_refused(fov: Any) -> None:
    before = fresh(fov)
    for value in (object(), {1, 2}, lambda: 1, b"bytes", 1j):
        with pytest.raises((IohubError, TypeError)):
            fov.zattrs["x"] = value
        with pytest.raises((IohubError, TypeError)):
            fov.zattrs["iohub"] = {"deep": [value]}
        assert fresh(fov) == before


def test_read_only(fov: Any) -> None:
    fov.zattrs["x"] = {"a": [1]}
    with open_ome_zarr(fov.url) as again:
        for change in (
            lambda: again.zattrs.__setitem__("y", 1),
            lambda: again.zattrs["x"].__setitem__("y", 1),
            lambda: again.zattrs["x"]["a"].append(1),
            again.zattrs.clear,
            lambda: again.maybe_wrapped_ome_attrs.update(x=1),
        ):
            with pytest.raises(ReadOnlyError, match=r"r\+"):
                change()
        assert again.zattrs["x"]["a"] == [1]


def test_ome_attributes(fov: Any, version: str) -> None:
    ome = fov.maybe_wrapped_ome_attrs
    assert ome["multiscales"][0]["datasets"][0]["path"] == "0"
    ome["multiscales"][0]["name"] = "cells"
    stored = fresh(fov)
    holder = stored if version == "0.4" else stored["ome"]
    assert holder["multiscales"][0]["name"] == "cells"
    assert fov.metadata.multiscales[0].name == "cells"
    assert ("ome" in stored) == (version != "0.4")


def test_reading_ome_attributes_writes_nothing(tmp_path: Path, version: str) -> None:
    import zarr

    from iohub.ngff import NGFFNode, Position

    zarr.open_group(tmp_path / "g", mode="w", zarr_format=2 if version == "0.4" else 3)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    for kind in (Position, NGFFNode):
        node = kind(zarr.open_group(tmp_path / "g", mode="r"), version=version)
        assert dict(node.maybe_wrapped_ome_attrs) == {}
    node = Position(zarr.open_group(tmp_path / "g", mode="r+"), version=version)
    assert dict(node.maybe_wrapped_ome_attrs) == {}
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_unknown_members_survive_edits(fov: Any) -> None:
    """What other tools wrote stays, at every depth, through every verb."""
    ome = fov.maybe_wrapped_ome_attrs
    ome["tool"] = {"a": 1}
    ome["multiscales"][0]["custom"] = [1]
    ome["multiscales"][0]["datasets"][0]["custom"] = 2
    ome["omero"]["custom"] = 3
    ome["omero"]["channels"][0]["custom"] = 4
    fov.zattrs["outside"] = {"b": [None]}
    fov.compute_pyramid(2)
    fov.append_channel("new")
    fov.rename_channel("GFP", "green")
    fov.reorder_channels(["new", "DAPI", "green"])
    fov.set_scale("0", "x", 2)
    fov.set_contrast_limits("DAPI", {"start": 0, "end": 1, "min": 0, "max": 9})
    fov.create_zeros("extra", (2, 3, 3, 9, 7), "u1")
    fov.dump_meta()
    ome = fov.maybe_wrapped_ome_attrs
    assert ome["tool"] == {"a": 1}
    assert ome["multiscales"][0]["custom"] == [1]
    assert ome["multiscales"][0]["datasets"][0]["custom"] == 2
    assert ome["omero"]["custom"] == 3
    assert ome["omero"]["channels"][1]["custom"] == 4
    assert fov.zattrs["outside"] == {"b": [None]}


def test_attributes_written_by_zarr_are_seen(fov: Any) -> None:
    fov.zgroup.attrs["y"] = {"z": 1}
    assert fov.zattrs["y"] == {"z": 1}
    fov.zattrs["y"]["z"] = 2
    assert dict(fov.zgroup.attrs)["y"] == {"z": 2}


def test_a_channel_that_is_held_while_another_is_edited(fov: Any) -> None:
    """It was said to have changed, although it is the same channel."""
    ome = fov.zattrs if "omero" in fov.zattrs else fov.zattrs["ome"]
    held = ome["omero"]["channels"][0]
    name = held["label"]
    fov.set_contrast_limits(name, {"start": 1, "end": 9, "min": 0, "max": 10})
    held["color"] = "123456"
    assert (held["color"], held["window"]["end"]) == ("123456", 9)
    fov.rename_channel(name, "other")
    with pytest.raises(ConflictError):
        held["color"] = "654321"
