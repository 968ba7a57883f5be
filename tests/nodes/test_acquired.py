"""What a microscope noted of a position: read from any store, written to OME-Zarr."""

from __future__ import annotations

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import ClosedError, DocumentError, ReadOnlyError
from iohub.metadata.acquisition import AcquisitionRecord, StagePosition

FRAMES = {"t": [0, 1], "Exposure": [10.0, None]}
RECORD = AcquisitionRecord(name="P", stage=StagePosition(x=1.0, y=2.0), frames=FRAMES)


@pytest.fixture(params=["0.4", "0.5", "0.6"])
def path(request, tmp_path):
    with open_ome_zarr(tmp_path / "a.zarr", "fov", "w-", ["a"], version=request.param) as position:
        position.create_image("0", np.zeros((2, 1, 1, 4, 4), "u1"))
        assert position.acquisition is position.stage_position is None
        assert position.frame_metadata == []
        position.acquisition = RECORD
    return tmp_path / "a.zarr"


def test_it_is_kept_in_the_store(path):
    with open_ome_zarr(path) as position:
        assert position.acquisition == RECORD
        assert position.stage_position == StagePosition(x=1.0, y=2.0)
        assert position.frame_metadata == [{"t": 0, "Exposure": 10.0}, {"t": 1}]
        assert position.zattrs["iohub"]["acquisition"]["name"] == "P"
        assert position.channel_names == ["a"]


def test_it_is_changed_and_removed(path):
    with open_ome_zarr(path, mode="r+") as position:
        position.acquisition = position.acquisition.replace(stage=None)
        assert position.stage_position is None
        position.rename_channel("a", "b")
        assert position.acquisition.name == "P"
        position.acquisition = None
        assert position.acquisition is None
        assert "acquisition" not in position.zattrs.get("iohub", {})


def test_when_it_cannot(path):
    position = open_ome_zarr(path)
    with pytest.raises(ReadOnlyError, match=r"mode='r\+'"):
        position.acquisition = None
    position.close()
    for name in ("acquisition", "stage_position", "frame_metadata"):
        with pytest.raises(ClosedError):
            getattr(position, name)
    with open_ome_zarr(path, mode="r+") as position:
        position.zattrs["iohub"] = {"acquisition": {"stage": "here"}}
        with pytest.raises(DocumentError, match="stage"):
            _ = position.stage_position
        assert position.channel_names == ["a"]
