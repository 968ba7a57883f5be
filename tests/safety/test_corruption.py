"""One position is broken: it is named, and the others are read."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import CorruptNodeWarning, DocumentError, IohubError, MissingNodeError

BAD = "D/7/0"


@pytest.fixture(scope="module", params=["0.4", "0.5", "0.6"])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a plate of 96 positions, not to be touched."""
    path = tmp_path_factory.mktemp("template") / "plate.zarr"
    with open_ome_zarr(path, "hcs", "w-", ["a"], version=request.param) as node:
        for position in node.create_positions(
            [(row, str(column + 1), "0") for row in "ABCDEFGH" for column in range(12)]
        ):
            position.create_zeros("0", (1, 1, 1, 2, 2), "u1")
    return path


@pytest.fixture
def plate(template: Path, tmp_path: Path) -> Path:
    """Return a plate of 96 positions."""
    return Path(shutil.copytree(template, tmp_path / "plate.zarr"))


def document(path: Path) -> Path:
    """Return the document with a group's attributes."""
    return path / "zarr.json" if (path / "zarr.json").exists() else path / ".zattrs"


def edited(change: Callable[[dict], object]) -> Callable[[Path], object]:
    """Return a function that changes a group's OME metadata behind iohub's back."""

    def on_path(path: Path) -> None:
        where = document(path)
        whole = json.loads(where.read_text())
        attrs = whole["attributes"]["ome"] if where.name == "zarr.json" else whole
        change(attrs)
        where.write_text(json.dumps(whole))

    return on_path


BREAKAGES = {
    "empty": lambda path: document(path).write_bytes(b""),
    "half": lambda path: document(path).write_bytes(document(path).read_bytes()[:100]),
    "binary": lambda path: document(path).write_bytes(b"\x89PNG\xff\x00"),
    "list": lambda path: document(path).write_text("[1, 2]"),
    "nan": lambda path: document(path).write_text('{"multiscales": NaN}'),
    "no axes": edited(
        lambda ome: [
            ome["multiscales"][0].pop(name, None) for name in ("axes", "coordinateSystems")
        ]
    ),
    "no datasets": edited(lambda ome: ome["multiscales"][0].update(datasets=[])),
    "strings for numbers": edited(
        lambda ome: ome["multiscales"][0]["datasets"][0]["coordinateTransformations"][0].update(
            scale=["1", "1", "1", "1", "1"]
        )
    ),
    "a path that leads out": edited(
        lambda ome: ome["multiscales"][0]["datasets"][0].update(path="../../../../etc")
    ),
    "an absolute path": edited(
        lambda ome: ome["multiscales"][0]["datasets"][0].update(path="/etc")
    ),
    "not an object": edited(lambda ome: ome.update(multiscales="yes")),
    "removed": lambda path: [
        (path / name).unlink(missing_ok=True) for name in ("zarr.json", ".zgroup", ".zattrs")
    ],
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_the_other_95_positions_are_iterated(plate: Path, breakage: str) -> None:
    BREAKAGES[breakage](plate / BAD)
    with open_ome_zarr(plate, mode="r+") as node:
        with pytest.warns(CorruptNodeWarning, match=BAD) as caught:
            found = [name for name, position in node.positions() if position["0"].shape]
        assert len(caught) == 1
        assert len(found) == 95
        assert BAD not in found
        with pytest.warns(CorruptNodeWarning, match=BAD):
            assert len(node.to_dataframe()) == 95
        with warnings.catch_warnings():
            warnings.simplefilter("error", CorruptNodeWarning)
            with pytest.raises(CorruptNodeWarning, match=BAD):
                list(node.positions())
        # Asked for by name, it says what is wrong with it.
        with pytest.raises(IohubError, match="missing" if breakage == "removed" else BAD):
            _ = node[BAD].channel_names
        # The plate is still there to look at and to be changed.
        repr(node)
        node._repr_html_()
        node.create_position("A", "1", "1")
        node.rename_well("A/1", "A/13")
        # And the bad one can be taken out.
        node.remove_position(BAD)
        assert len(list(node.positions())) == 96


def test_a_broken_well_is_named_too(plate: Path) -> None:
    document(plate / "D/7").write_bytes(b"{")
    with open_ome_zarr(plate) as node:
        with pytest.warns(CorruptNodeWarning, match="D/7"):
            assert len(list(node.positions())) == 95
        with pytest.raises(DocumentError, match="D/7"):
            node["D/7"].keys()


def test_a_broken_array_is_named(plate: Path) -> None:
    array = plate / BAD / "0"
    name = "zarr.json" if (array / "zarr.json").exists() else ".zarray"
    (array / name).write_text('{"shape": "big"}')
    with open_ome_zarr(plate) as node:
        with pytest.warns(CorruptNodeWarning, match=BAD):
            table = node.to_dataframe()
        assert len(table) == 96
        assert table.set_index("path").loc[BAD, "shape"] is None or np.isnan(
            table.set_index("path").loc[BAD, "nbytes"]
        )
        with pytest.raises(DocumentError, match=BAD):
            _ = node[BAD]["0"]


def test_a_broken_plate_says_where(plate: Path) -> None:
    document(plate).write_bytes(b"{")
    for mode in ("r", "r+", "a"):
        with pytest.raises(DocumentError, match=r"plate\.zarr"):
            open_ome_zarr(plate, mode=mode)
    # And is not taken for something that may be replaced without asking.
    with pytest.raises(FileExistsError):
        open_ome_zarr(plate, "hcs", "w-", ["a"])
    assert (plate / BAD / "0").is_dir()


def test_all_problems_of_a_document_come_together(plate: Path) -> None:
    def change(ome: dict) -> None:
        ome["plate"]["wells"][3]["path"] = "../x"
        ome["plate"]["rows"][0]["name"] = "A/B"

    edited(change)(plate)
    with pytest.raises(DocumentError) as caught:
        open_ome_zarr(plate)
    assert len(caught.value.problems) >= 2
    assert "/wells/3/path" in str(caught.value)
    assert "/rows/0" in str(caught.value)
    assert str(plate) in str(caught.value)


def test_a_well_that_is_listed_and_missing_is_normal(plate: Path) -> None:
    def change(ome: dict) -> None:
        ome["plate"]["wells"].append({"path": "H/13", "rowIndex": 7, "columnIndex": 12})
        ome["plate"]["columns"].append({"name": "13"})

    edited(change)(plate)
    with open_ome_zarr(plate, mode="r+") as node:
        assert len(list(node.positions())) == 96
        with pytest.raises(MissingNodeError):
            _ = node["H/13/0"]
        assert "H/13/0" not in node
        node.create_position("H", "13", "0")
        assert len(list(node.positions())) == 97
