"""An array where the metadata list a group is an error that names it, never an empty position."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.errors import CorruptNodeWarning, LayoutError

FORMATS = {"0.4": 2, "0.5": 3, "0.6": 3}


@pytest.fixture(params=[{}, {"mine": 1}])
def broken(request: pytest.FixtureRequest, tmp_path: Path, version: str) -> Any:
    """Give a function that puts an array, with some attributes, at a path of a plate."""

    def make(path: str) -> Path:
        store = tmp_path / "p.zarr"
        with open_ome_zarr(
            store, layout="hcs", mode="w-", channel_names=["a"], version=version
        ) as plate:
            for position in plate.create_positions([("A", "1", "0"), ("A", "2", "0")]):
                position["0"] = np.ones((1, 1, 1, 4, 4), "u1")
        shutil.rmtree(store / path, ignore_errors=True)
        zarr.create_array(
            store / path,
            shape=(1, 1, 1, 4, 4),
            dtype="u1",
            zarr_format=FORMATS[version],
            attributes=request.param,
        )
        return store

    return make


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_field(broken: Any, mode: str) -> None:
    plate = open_ome_zarr(broken("A/1/0"), mode=mode)
    with pytest.raises(KeyError, match=r"'0' in well .*A/1.*is an array, where a group should be"):
        plate["A/1/0"]
    assert "A/1/0" not in plate
    with pytest.warns(CorruptNodeWarning, match=r"A/1/0.*array, where a group"):
        assert [path for path, _ in plate.positions()] == ["A/2/0"]
    with pytest.warns(CorruptNodeWarning, match=r"A/1/0.*array, where a group"):
        assert list(plate["A/1"].positions()) == []


def test_a_well(broken: Any) -> None:
    plate = open_ome_zarr(broken("A/1"))
    with pytest.raises(KeyError, match=r"well .*A/1.*is an array, where a group should be"):
        plate["A/1/0"]
    with pytest.warns(CorruptNodeWarning, match=r"A/1.*array, where a group"):
        assert [path for path, _ in plate.positions()] == ["A/2/0"]
    with pytest.raises(LayoutError, match=r"A/1.*array, where a group"):
        plate["A/1"].metadata  # noqa: B018 - asking is what raises


def test_the_root(broken: Any) -> None:
    store = broken("A/1/0")
    for layout in ("auto", "fov", "hcs"):
        with pytest.raises(LayoutError, match="array"):
            open_ome_zarr(store / "A/1/0", layout=layout)


def test_an_empty_position_is_none_of_these(tmp_path: Path, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "p.zarr", layout="hcs", mode="w-", channel_names=["a"], version=version
    ) as plate:
        plate.create_position("A", "1", "0").zattrs["mine"] = 1
    plate = open_ome_zarr(tmp_path / "p.zarr")
    assert plate["A/1/0"].metadata is None
    assert [path for path, _ in plate.positions()] == ["A/1/0"]
