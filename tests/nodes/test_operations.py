"""How much is asked of the store: by counting, as a clock would depend on the machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.metadata import versions
from iohub.testing.counting import CountingBytes


@pytest.fixture
def plate_of_96(tmp_path: Path, version: str) -> Path:
    path = tmp_path / "p.zarr"
    with open_ome_zarr(
        path, layout="hcs", mode="w-", channel_names=["a", "b"], version=version
    ) as plate:
        places = [(row, str(column), "0") for row in "ABCDEFGH" for column in range(1, 13)]
        for position in plate.create_positions(places):
            position.create_zeros("0", (1, 2, 1, 4, 4), "u1")
    return path


def large_plate(path: Path, version: str) -> Path:
    """Write a plate of 10,000 positions in one well each, of which one is there."""
    with open_ome_zarr(
        path, layout="hcs", mode="w-", channel_names=["a", "b"], version=version
    ) as plate:
        plate.create_position("R50", "50", "7").create_zeros("0", (1, 2, 1, 4, 4), "u1")
    name = ".zattrs" if version == "0.4" else "zarr.json"
    stored = json.loads((path / name).read_text())
    holder = stored if version == "0.4" else stored["attributes"]["ome"]
    holder["plate"]["rows"] = [{"name": f"R{i}"} for i in range(100)]
    holder["plate"]["columns"] = [{"name": f"{i}"} for i in range(100)]
    holder["plate"]["wells"] = [
        {"path": f"R{r}/{c}", "rowIndex": r, "columnIndex": c}
        for r in range(100)
        for c in range(100)
    ]
    (path / name).write_text(json.dumps(stored))
    return path


def test_opening_a_plate_reads_its_document(plate_of_96: Path, version: str) -> None:
    store = CountingBytes(plate_of_96)
    plate = open_ome_zarr(store)
    assert len(plate.metadata.wells) == 96
    # Zarr v2 has two documents per group; the one that says what it is, is needed too.
    assert store.reads <= (3 if version == "0.4" else 2)
    assert {key.rpartition("/")[0] for key in store.keys("get")} == {""}
    assert store.keys("list") == []
    assert store.writes == 0


def test_navigation_reads_nothing_but_what_is_opened(plate_of_96: Path) -> None:
    store = CountingBytes(plate_of_96)
    plate = open_ome_zarr(store)
    store.clear()
    list(plate)
    assert "C/5" in plate
    assert len(list(plate.wells())) == 96
    assert len(list(plate.rows())) == 8
    well = plate["C/5"]
    assert store.reads == 0
    assert repr(plate["C"])
    assert list(well) == ["0"]
    assert store.reads <= 2
    assert all(key.startswith("C/5/") for key in store.keys("get"))


@pytest.mark.parametrize("size", [96, 10_000])
def test_one_position_by_path_is_independent_of_the_plate(
    plate_of_96: Path, tmp_path: Path, version: str, size: int
) -> None:
    """Shape, scale and channel names of one position: at most three reads (iohub#379)."""
    path, key = plate_of_96, "H/12/0"
    if size == 10_000:
        path, key = large_plate(tmp_path / "large.zarr", version), "R50/50/7"
    store = CountingBytes(path)
    plate = open_ome_zarr(store)
    store.clear()
    position = plate[key]
    assert position.scale == [1.0] * 5
    assert position.channel_names == ["a", "b"]
    image = position["0"]
    assert image.shape == (1, 2, 1, 4, 4)
    assert image.dtype == "u1"
    assert store.reads <= 3, store.operations
    assert store.keys("list") == []
    assert all(found.startswith(key) for found in store.keys("get"))
    store.clear()
    _ = position.scale, position.channel_names, position["0"].shape, position.axes
    assert position.get_effective_translation("0") == [0.0] * 5
    assert store.reads <= 2


def test_iterating_reads_each_document_once(plate_of_96: Path, version: str) -> None:
    store = CountingBytes(plate_of_96)
    plate = open_ome_zarr(store)
    store.clear()
    for _, position in plate.positions():
        _ = position.scale, position.channel_names
    per_group = 1
    assert store.reads <= per_group * 2 * 96 + 2, store.reads
    assert store.repeated("get") == {}
    assert store.keys("list") == []


def test_a_table_needs_each_document_once(plate_of_96: Path, version: str) -> None:
    store = CountingBytes(plate_of_96)
    plate = open_ome_zarr(store)
    store.clear()
    assert len(plate.to_dataframe()) == 96
    assert store.reads <= (4 if version == "0.4" else 3) * 96 + 2
    assert store.keys("list") == []


def test_create_positions_writes_each_document_once(tmp_path: Path, version: str) -> None:
    """The plate's document was once rewritten for every position (iohub#349)."""
    store = CountingBytes(tmp_path / "p.zarr")
    with open_ome_zarr(
        store, layout="hcs", mode="w-", channel_names=["a"], version=version
    ) as plate:
        store.clear()
        plate.create_positions([(r, str(c), str(f)) for r in "AB" for c in (1, 2) for f in (0, 1)])
        written = [key for key in store.keys("set") if not key.startswith(".__iohub")]
        assert len(written) == len(set(written))
        documents = (2 if version == "0.4" else 1) * (2 + 4 + 8)
        assert len(written) <= documents + 1
        store.clear()
        plate["A/1/0"].create_zeros("0", (1, 1, 1, 4, 4), "u1")
        assert len(store.keys("set")) <= 3


def test_positions_one_by_one_parse_no_plate_again(
    tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each one parsed and checked all wells that were there, which took the square of their number.

    The document itself has to be written each time.
    """
    name = ".zattrs" if version == "0.4" else "zarr.json"
    spelling, parsed = type(versions.spelling(version)), []
    parse = spelling.parse_plate
    monkeypatch.setattr(
        spelling, "parse_plate", lambda *args, **more: parsed.append(1) or parse(*args, **more)
    )
    path = tmp_path / "p.zarr"
    store = CountingBytes(path)
    with open_ome_zarr(
        store, layout="hcs", mode="w-", channel_names=["a"], version=version
    ) as plate:
        plate.create_position("A", "1", "0")
        store.clear()
        parsed.clear()
        for column in range(2, 12):
            plate.create_position("B", str(column), "0", None, None, column % 3)
        assert parsed == []
        assert store.keys("set").count(name) == 10
        assert store.keys("get").count(name) <= 10
        # What is kept is what parsing gives, also once somebody else has added something.
        assert plate.metadata == open_ome_zarr(path).metadata
        open_ome_zarr(path, mode="r+").add_acquisition(7, "other", note={"by": "somebody"})
        plate.create_position("C", "1", "0")
        assert [entry.id for entry in plate.acquisitions] == [0, 2, 1, 7]
        assert plate.metadata == open_ome_zarr(path).metadata
        assert len(plate) == 3


def test_an_image_is_created_with_few_operations(tmp_path: Path, version: str) -> None:
    store = CountingBytes(tmp_path / "s.zarr")
    with open_ome_zarr(
        store, layout="fov", mode="w-", channel_names=["a"], version=version
    ) as node:
        store.clear()
        node.create_zeros("0", (1, 1, 1, 4, 4), "u1")
        assert len(store.keys("set")) <= 3
        assert store.reads <= 8
        assert store.keys("list") == []


def test_renaming_a_well_moves_a_directory(plate_of_96: Path) -> None:
    """However many files there are below it."""
    store = CountingBytes(plate_of_96)
    plate = open_ome_zarr(store, mode="r+")
    plate["A/1/0"]["0"][...] = 1
    store.clear()
    plate.rename_well("A/1", "I/13")
    assert len(store.operations) < 120
    assert not any(
        op.key.startswith(("A/1/0", "I/13/0")) and op.kind == "set" for op in store.operations
    )


def test_reading_pixels_reads_no_document_again(plate_of_96: Path) -> None:
    plate: Any = open_ome_zarr(plate_of_96, mode="r+", engine="zarr-python")
    plate["A/1/0/0"][...] = np.ones((1, 2, 1, 4, 4), "u1")
    store = CountingBytes(plate_of_96)
    image = open_ome_zarr(store, engine="zarr-python")["A/1/0/0"]
    store.clear()
    for _ in range(3):
        assert (image[...] == 1).all()
    assert store.reads <= 1


def test_closing_a_plate_without_images_is_cheap(tmp_path: Path, version: str) -> None:
    store = CountingBytes(tmp_path / "p.zarr")
    plate = open_ome_zarr(store, layout="hcs", mode="w-", channel_names=["a"], version=version)
    plate.create_positions([("A", str(c), "0") for c in range(200)])
    store.clear()
    plate.close()
    assert store.reads < 100
