"""Plates: navigation by metadata, the table of positions, and a plate's life."""

from __future__ import annotations

from typing import Any

import pytest

from iohub import open_ome_zarr
from iohub.errors import (
    MissingNodeError,
    PathError,
)
from iohub.ngff import ImageArray, Plate, Position, Row, Well


def well_names(plate: Any) -> list[str]:
    return [path for path, _ in plate.wells()]


# ---- navigation -----------------------------------------------------------------------------


def test_keys_of_every_form(plate: Any) -> None:
    assert isinstance(plate["A"], Row)
    assert isinstance(plate["A/1"], Well)
    assert isinstance(plate["A/1/0"], Position)
    assert isinstance(plate["A/1/0/0"], ImageArray)
    for key in ("A/1/0", ("A", "1", "0"), ("A", 1, 0), ("A/1", 0), "/A/1/0/", ("A", "1/0")):
        assert plate[key].path == "A/1/0"
        assert key in plate
    assert plate["A"]["1"]["0"][0].shape == (1, 2, 2, 5, 4)
    assert plate["A"]["1/0"] == plate["A/1/0"]
    assert "B/1" not in plate
    assert "A/1/5" not in plate
    assert None not in plate
    assert 1.5 not in plate


def test_iteration_follows_rows_and_columns(empty_plate: Any) -> None:
    plate = empty_plate
    plate.create_positions(
        [("B", "2", "0"), ("A", "10", "1"), ("A", "10", "0"), ("A", "2", "0"), ("B", "10", "0")]
    )
    assert list(plate) == plate.keys() == ["B", "A"]
    assert well_names(plate) == ["B/2", "B/10", "A/2", "A/10"]
    assert [path for path, _ in plate.positions()] == [
        "B/2/0",
        "B/10/0",
        "A/2/0",
        "A/10/1",
        "A/10/0",
    ]
    assert [name for name, _ in plate.rows()] == ["B", "A"]
    assert [name for name, _ in plate["A"].wells()] == ["2", "10"]
    assert [name for name, _ in plate["A/10"].positions()] == ["1", "0"]
    assert len(plate) == 2
    assert len(plate["A"]) == 2
    assert list(plate["A/10"]) == ["1", "0"]


def test_an_empty_plate(empty_plate: Any) -> None:
    for plate in (empty_plate, open_ome_zarr(empty_plate.url)):
        assert list(plate) == []
        assert list(plate.rows()) == list(plate.wells()) == list(plate.positions()) == []
        assert plate.to_dataframe().empty
        assert list(plate.to_dataframe().columns)[:3] == ["path", "row", "column"]
        plate.print_tree()
        assert repr(plate)
        assert plate._repr_html_()
        assert plate  # a plate without rows is there all the same
        with pytest.raises(KeyError):
            plate["A/1"]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("A/3", r"no 'A/3' in plate .*did you mean 'A/[12]', 'A/[12]'"),
        ("A/11", r"did you mean 'A/1'"),
        ("A/1/7", r"no '7' in well .*A/1.*'0', '1'"),
        ("A/1/0/3", r"no '3' in .*A/1/0.*'0'"),
        ("Z", r"no 'Z' in plate .*'A', 'B'"),
        ("a/1", r"no 'a/1'.*did you mean"),
        ("", "no ''"),
    ],
)
def test_unknown_keys_name_the_nearest(plate: Any, key: str, text: str) -> None:
    """The public tool raised a bare ``KeyError 'Z/9/9'``."""
    with pytest.raises(MissingNodeError, match=text):
        plate[key]
    with pytest.raises(KeyError):
        plate[key]


@pytest.mark.parametrize("key", [1.5, None, True, b"A", ["A"]])
def test_keys_of_the_wrong_type(plate: Any, key: Any) -> None:
    with pytest.raises(TypeError, match="keys are names"):
        plate[key]


@pytest.mark.parametrize("key", ["..", "../x", "A/..", "A/1/..", "A/1/../../B", "A/1/0/../1"])
def test_keys_never_leave_the_store(plate: Any, key: str) -> None:
    with pytest.raises((KeyError, PathError)):
        plate[key]
    assert key not in plate


def test_key_completion_and_dir(plate: Any) -> None:
    assert plate._ipython_key_completions_() == [
        *("A", "B", "A/1", "A/2", "B/2"),
        *("A/1/0", "A/1/1", "A/2/0", "B/2/0"),
    ]
    assert plate["A"]._ipython_key_completions_() == ["1", "2"]
    assert plate["A/1"]._ipython_key_completions_() == ["0", "1"]
    assert plate["A/1/0"]._ipython_key_completions_() == ["0"]
    names = [name for name in dir(plate) if not name.startswith("_")]
    assert "positions" in names
    assert len(names) < 60


def test_ipython_completes_keys(plate: Any) -> None:
    from IPython.core.completer import IPCompleter, provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.user_ns["plate"] = plate
    completer = IPCompleter(shell=shell, namespace=shell.user_ns, use_jedi=False)
    with provisionalcompleter():
        found = {c.text for c in completer.completions('plate["A/1/', 11)}
    assert any("A/1/1" in text or text.endswith("1") for text in found)
    InteractiveShell.clear_instance()


# ---- a table --------------------------------------------------------------------------------


def test_to_dataframe(plate: Any) -> None:
    plate["B/2/0"].compute_pyramid(2)
    plate["B/2/0"].set_scale("0", "x", 0.5)
    plate.create_position("C", "1", "0", acq_index=1)
    frame = plate.to_dataframe()
    assert list(frame["path"]) == ["A/1/0", "A/1/1", "A/2/0", "B/2/0", "C/1/0"]
    row = frame.set_index("path").loc["B/2/0"]
    assert row["row"] == "B"
    assert row["column"] == "2"
    assert row["field"] == "0"
    assert row["shape"] == (1, 2, 2, 5, 4)
    assert row["dtype"] == "uint16"
    assert row["chunks"] == (1, 1, 2, 5, 4)
    assert row["axes"] == "tczyx"
    assert row["scale"][-1] == 0.5
    assert row["channels"] == ("DAPI", "GFP")
    assert row["levels"] == 2
    assert row["nbytes"] == 160
    assert list(frame["acquisition"]) == [0, 0, 0, 0, 1]
    assert frame["nbytes"].sum() == 640


# ---- life -----------------------------------------------------------------------------------


def test_closing(plate: Any) -> None:
    position, image, well = plate["A/1/0"], plate["A/1/0/0"], plate["A/1"]
    row = plate["A"]
    with plate as same:
        assert same is plate
    plate.close()
    for call in (
        lambda: plate["A/1"],
        lambda: plate.zattrs,
        lambda: plate.zgroup,
        lambda: plate.channel_names,
        lambda: position.scale,
        lambda: list(plate.positions()),
        lambda: position.create_zeros("9", (1,), "u1"),
        lambda: plate.create_position("Z", "1", "0"),
    ):
        with pytest.raises(ValueError, match=r"is closed; open it again"):
            call()
    for node in (plate, position, well, row):
        assert "closed" in repr(node)
        assert node._repr_html_()
        node.__rich__()
    assert "closed" in repr(image)


def test_tree(plate: Any, capsys: pytest.CaptureFixture[str]) -> None:
    plate.print_tree()
    text = capsys.readouterr().out
    assert text.splitlines()[0] == "plate.zarr"
    assert text.count("(t 1, c 2, z 2, y 5, x 4) uint16") == 4
    plate.print_tree(level=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 2 + 3
    plate.print_tree(level=0)
    assert capsys.readouterr().out.strip() == "plate.zarr"
    for node in (plate["A"], plate["A/1"], plate["A/1/0"]):
        node.print_tree(1)
        assert capsys.readouterr().out


def test_node_facts(plate: Any) -> None:
    position = plate["A/1/0"]
    assert plate.is_root()
    assert not position.is_root()
    assert position.is_leaf()
    assert not plate.is_leaf()
    assert plate.group_keys() == ["A", "B"]
    assert plate.array_keys() == []
    assert position.array_keys() == ["0"]
    assert plate["A"].group_keys() == ["1", "2"]
    assert (position.name, position.path) == ("0", "A/1/0")
    assert position.url.endswith("plate.zarr/A/1/0")
    assert plate["A/1"].version == plate["A"].version == plate.version
    assert plate["A"].channel_names == plate["A/1"].channel_names == ["DAPI", "GFP"]
    assert plate["A/1/0"] == position
    assert plate["A/1/1"] != position
    assert len({plate["A/1/0"], position, plate["A/1/1"]}) == 2
    assert plate.zgroup["A/1/0/0"].shape == (1, 2, 2, 5, 4)
    assert type(plate) is Plate
    for node in (plate, plate["A"], plate["A/1"], position):
        node.dump_meta()
    assert [axis.name for axis in plate["A/1"].axes] == list("tczyx")


def test_a_plate_below_the_root_of_a_store(version: str) -> None:
    """Paths in a store with other things in it."""
    where = f"memory://below{version}/deep/plate.zarr"
    with open_ome_zarr(
        where, layout="hcs", mode="w", channel_names=["a"], version=version
    ) as plate:
        plate.create_positions([("A", "1", "0"), ("A", "2", "0"), ("A", "2", "1")])
        plate["A/1/0"].create_zeros("0", (1, 1, 1, 2, 2), "u1")
        plate.rename_well("A/1", "B/1")
        del plate["A"]["2"]["1"]
        del plate["A"]["2"]
        assert [path for path, _ in plate.positions()] == ["B/1/0"]
        plate.print_tree()
        assert plate.is_root()
        assert repr(plate["B/1/0/0"])
        assert plate["B/1"].create_position("5").path.endswith("B/1/5")
        plate.append_channel("b")
        assert plate["B/1/0/0"].shape[1] == 2
