"""A plate that lost its last well is as a new one: what is known of it is noted, not written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.metadata import own
from iohub.metadata.plate import PlateMeta
from iohub.metadata.versions import spelling


@pytest.mark.parametrize("how", ["remove_well", "remove_position", "del"])
def test_emptying_reopening_and_adding_again(tmp_path: Path, version: str, how: str) -> None:
    path = tmp_path / "p.zarr"
    plate = open_ome_zarr(path, layout="hcs", mode="w-", channel_names=["a"], version=version)
    plate.add_acquisition(3, name="again")
    fresh = dict(plate.zattrs)
    position = plate.create_position("B", "2", "0", acq_index=3)
    position["0"] = np.zeros((1, 1, 1, 4, 4), "u1")
    listed = plate.metadata
    if how == "remove_well":
        plate.remove_well("B/2")
    elif how == "remove_position":
        plate.remove_position("B/2/0")
    else:
        del plate["B/2"]
    attrs = dict(plate.zattrs)
    assert not spelling(version).has(attrs, "plate")
    assert fresh.keys() == attrs.keys()
    assert not (path / "B").exists()

    plate = open_ome_zarr(path, mode="r+")
    assert (len(plate), list(plate.positions()), plate.version) == (0, [], version)
    assert plate.channel_names == ["a"]
    assert plate.metadata.name == listed.name
    assert [entry.name for entry in plate.metadata.acquisitions] == ["again"]
    plate.dump_meta(field_count=True)
    plate.create_position("C", "1", "0", acq_index=3)["0"] = np.ones((1, 1, 1, 4, 4), "u1")
    document = open_ome_zarr(path).metadata
    assert document.get_well_paths() == ["C/1"]
    assert document.acquisitions == listed.acquisitions
    assert document.name == listed.name
    assert "plate" not in plate.zattrs["iohub"]
    assert not plate.zattrs["iohub"].get("plate")


def test_the_note(version: str) -> None:
    """Members that iohub does not know survive; one of the wrong type is an error, not lost."""
    noted = own.write_plate({"mine": 1}, PlateMeta(name="p", later=[1]))  # type: ignore[call-arg]
    assert noted == {"mine": 1, "iohub": {"plate": {"name": "p", "later": [1]}}}
    assert own.read_plate(noted).name == "p"
    assert own.write_plate(own.write_plate(noted, own.read_plate(noted)), None) == {"mine": 1}
    assert own.write_plate({}, PlateMeta()) == {}
    assert own.read_plate({}) == PlateMeta()
    with pytest.raises(ValueError, match="/iohub/plate"):
        own.read_plate({"iohub": {"plate": 3}})
