"""Arguments of the wrong type or value: an error that names the argument, and nothing changed."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import ArgumentError, BoundsError, DTypeError, IohubError
from iohub.nodes import arguments

PIXELS = np.zeros((1, 2, 2, 8, 8), "uint16")


class Odd:
    """An object that nothing expects."""


ODD: list[Any] = [
    *(None, 3, -1, 1.5, "x", "", b"x", [], {}, Odd(), float("nan"), True, (1, 2), "a/../b", 10**30),
    *(
        np.zeros(2),
        ["x"],
        [None],
        {"a": 1},
        (-1,) * 5,
        ("a",) * 5,
        [[1]],
        {1},
        PIXELS.astype(object),
    ),
]
# What the others of a method's arguments are while one of them is odd.
GOOD: dict[str, dict[str, Any]] = {
    "add_acquisition": {"id": 4},
    "add_tiles": {"tiles": []},
    "add_transform": {"source": ("physical", "a"), "target": ("physical", "b")},
    "append": {"data": PIXELS},
    "create": {"path": "cells", "data": PIXELS[:, :1]},
    "create_image": {"name": "1", "data": PIXELS},
    "create_position": {"row_name": "B", "col_name": "1", "pos_name": "0"},
    "create_positions": {"positions": [("B", "1", "0")], "names": ["a"]},
    "create_stream": {"dims": {"t": 1, "y": 8, "x": 8}, "dtype": "uint16"},
    "create_well": {"row_name": "B", "col_name": "1"},
    "create_zeros": {"name": "1", "shape": PIXELS.shape, "dtype": "uint16"},
    "from_positions": {"positions": {}},
    "get_tile": {"row": 0, "column": 0},
    "insert_channel": {"index": 0, "chan_name": "n"},
    "make_tiles": {
        "name": "9",
        "grid_shape": (2, 2),
        "tile_shape": (1, 2, 2, 8, 8),
        "dtype": "uint16",
    },
    "rename_channel": {"old": "DAPI", "new": "z"},
    "rename_well": {"old": "A/1", "new": "B/1"},
    "reorder_channels": {"order": ["GFP", "DAPI"]},
    "set_channel_color": {"channel_name": "DAPI", "color": "00FF00"},
    "set_contrast_limits": {"channel_name": "DAPI", "window": {"start": 0, "end": 1}},
    "set_scale": {"image": "0", "axis_name": "x", "new_scale": 2.0},
    "set_transform": {"image": "0", "transform": []},
    "update_channel": {"chan_name": "DAPI", "target": "0", "data": PIXELS[:, 0]},
    "write_tile": {"data": PIXELS, "row": 0, "column": 0},
}
# Members of zarr.Array, and what takes anything by design.
NOT_OURS = {"close", "tensorstore", "get", "of"}


def position(at: Path) -> Any:
    made = open_ome_zarr(at, layout="fov", mode="w-", channel_names=["DAPI", "GFP"], version="0.5")
    made.create_image("0", PIXELS)
    return made


def plate(at: Path) -> Any:
    made = open_ome_zarr(at, layout="hcs", mode="w-", channel_names=["DAPI", "GFP"], version="0.5")
    made.create_position("A", "1", "0").create_image("0", PIXELS)
    made.create_position("A", "2", "0")
    return made


def tiled(at: Path) -> Any:
    made = open_ome_zarr(at, layout="tiled", mode="w-", channel_names=["DAPI", "GFP"])
    made.make_tiles("0", (2, 2), (1, 2, 2, 8, 8), "uint16")
    return made


def label(at: Path) -> Any:
    return position(at).labels.create("cells", PIXELS[0, 0])


NODES: dict[str, Callable[[Path], Any]] = {
    "position": position,
    "plate": plate,
    "tiled": tiled,
    "tiled image": lambda at: tiled(at)["0"],
    "image": lambda at: position(at)["0"],
    "well": lambda at: plate(at)["A/1"],
    "row": lambda at: plate(at)["A"],
    "label": label,
    "labels": lambda at: position(at).labels,
    "tables": lambda at: position(at).tables,
    "series": lambda at: open_ome_zarr(
        at, layout="series", mode="w-", channel_names=["DAPI", "GFP"], version="0.5"
    ),
    "scene": lambda at: open_ome_zarr(at, layout="scene", mode="w-", version="0.6"),
}


def methods(kind: str, at: Path) -> Iterator[tuple[str, list[str], dict[str, Any]]]:
    """Name of each public method, its arguments, and good values for those that it needs."""
    for name, _ in inspect.getmembers(type(NODES[kind](at)), inspect.isroutine):
        if name in NOT_OURS or (name.startswith("_") and name not in _OPERATORS):
            continue
        node_type = type(NODES[kind](at.with_name(f"{at.name}.{name}")))
        method = getattr(node_type, name)
        first = 0 if inspect.ismethod(method) else 1
        named = [
            each
            for each in list(inspect.signature(method).parameters.values())[first:]
            if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        ]
        good = {each.name: "0" for each in named if each.default is each.empty}
        good |= {k: v for k, v in GOOD.get(name, {}).items() if k in {p.name for p in named}}
        yield name, [each.name for each in named], good


_OPERATORS = ("__getitem__", "__delitem__", "__setitem__")


@pytest.mark.parametrize("kind", NODES)
def test_odd_arguments_of_every_method(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is refused is refused by an IohubError."""
    monkeypatch.chdir(tmp_path)  # odd names are paths of exports, too
    number, failed = 0, []
    warnings.simplefilter("ignore")
    for name, names, good in methods(kind, tmp_path / "s.zarr"):
        for argument in names:
            node = None
            for odd in ODD:
                if node is None:
                    number += 1
                    node = NODES[kind](tmp_path / f"{number}.zarr")
                try:
                    getattr(node, name)(**(good | {argument: odd}))
                except IohubError:
                    continue
                except Exception as error:  # noqa: BLE001 - what it finds is the failure
                    failed.append(f"{name}({argument}={odd!r:.30}): {error!r:.90}")
                node = None  # it may have done something
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda p: p["0"].resize(3), ValueError, "shape must be a sequence of integers, not 3"),
        (lambda p: p["0"].append(PIXELS, axis=9), IndexError, "axis 9 is out of bounds"),
        (lambda p: p["0"][9], IndexError, "index 9 is out of bounds for axis 0"),
        (lambda p: p[1.5], TypeError, "keys are names, paths or integers, not 1.5 .float."),
        (lambda p: p.set_scale("0", "x", "2"), TypeError, "new_scale is a number, not '2' .str."),
        (lambda p: p.set_scale("0", "x", "2"), ValueError, "new_scale is a number"),
        (lambda p: p.set_scale("0", 4, 2), TypeError, "axis_name is a string, not 4"),
        (lambda p: p.set_scale("0", "x", float("inf")), ValueError, "a finite number, not inf"),
        (lambda p: p.set_contrast_limits("DAPI", (0, 9)), TypeError, "are a dict such as"),
        (lambda p: p.set_contrast_limits("DAPI", {}), ValueError, "no contrast limit is given"),
        (lambda p: p.set_transform("0", "scale"), TypeError, "a list of TransformationMeta"),
        (lambda p: p.set_transform("0", [(1, 1)]), TypeError, r"with no \(1, 1\) .tuple. in it"),
        (lambda p: p.create_zeros("1", (1,) * 5, "uint61"), TypeError, "not 'uint61'"),
        (lambda p: p.create_zeros("1", (1,) * 5, None), TypeError, "dtype is a data type"),
        (lambda p: p.create_zeros("1", 5, "uint8"), ValueError, "a sequence of integers, not 5"),
        (lambda p: p.create_zeros(None, (1,) * 5, "uint8"), TypeError, "name is a name"),
        (lambda p: p.create_image("1", [[1], [1, 2]]), TypeError, "data are no array of pixels"),
        (
            lambda p: p.append_channel("n", PIXELS),
            TypeError,
            "resize_arrays is True or False, not ",
        ),
        (lambda p: p.insert_channel("0", "n"), TypeError, "channel index is a whole number"),
        (lambda p: p.update_channel(0, "0", PIXELS[:, 0]), TypeError, "a channel name is a string"),
        (lambda p: p.write_xarray(PIXELS), TypeError, "data_array is an xarray.DataArray, not an "),
        (lambda p: p.print_tree(-1), ValueError, "level is at least 0, not -1"),
        (lambda p: p.compute_pyramid(40), ValueError, r"\(1, 2, 2, 8, 8\) has at most 4 level"),
        (lambda p: p.initialize_pyramid(5), ValueError, "at most 4 level.s., not 5"),
    ],
)
def test_messages(
    call: Callable[[Any], Any], error: type[Exception], says: str, tmp_path: Path
) -> None:
    with position(tmp_path / "p.zarr") as node:
        before = node.zattrs.asdict(), node.array_keys(), node["0"].shape
        with pytest.raises(error, match=says) as caught:
            call(node)
        assert isinstance(caught.value, IohubError)
        assert (node.zattrs.asdict(), node.array_keys(), node["0"].shape) == before


def test_messages_of_a_plate(tmp_path: Path) -> None:
    with plate(tmp_path / "p.zarr") as node:
        for call, says in [
            (lambda: node.create_position(None, "1", "0"), "a row is a name"),
            (lambda: node.create_position("B", 1.5, "0"), "a column is a name"),
            (lambda: node.create_well("B", True), "col_name is a name"),
            (lambda: node.rename_wells([("A/1", "B/1")]), "names is a dict"),
            (lambda: node.append_channel(None), "chan_name is a string, not None"),
            (lambda: node.create_positions("A/1/0"), "positions is a list of"),
            (lambda: type(node).from_positions(tmp_path / "q", [node["A/1/0"]]), "is a dict"),
            (lambda: type(node).from_positions(tmp_path / "q", {"A/1/0": 3}), "is a Position"),
        ]:
            with pytest.raises(ArgumentError, match=says):
                call()
        assert [path for path, _ in node.positions()] == ["A/1/0", "A/2/0"]
        assert not (tmp_path / "q").exists()


def test_what_numpy_makes_is_taken(tmp_path: Path) -> None:
    with position(tmp_path / "p.zarr") as node:
        node.set_scale("0", "x", np.float32(0.5))
        node.set_scale("0", "y", np.array(0.25))
        assert node.scale[-2:] == [0.25, 0.5]
        node.insert_channel(np.int64(0), "n")
        node.reorder_channels([np.int64(2), 0, "DAPI"])
        assert node.channel_names == ["GFP", "n", "DAPI"]
        assert node[np.int64(0)].shape[1] == 3
        node.append_channel("m", np.True_)
        node.compute_pyramid(np.int64(2))


def test_values_of_arguments() -> None:
    assert arguments.name(3, "x") == "3"
    assert arguments.whole(np.uint8(3), "x") == 3
    assert arguments.place(-1, 4, "x") == 3
    assert arguments.flag(0, "x") is False
    assert arguments.listed(np.arange(2), "x", "numbers") == [0, 1]
    assert arguments.pixel_type(">u2") == np.dtype(">u2")
    with pytest.raises(BoundsError):
        arguments.place(4, 4, "x")
    with pytest.raises(DTypeError):
        arguments.pixel_type("u3")
    with pytest.raises(ArgumentError, match=r"x{20}\.\.\."):
        arguments.whole("x" * 900, "x")
