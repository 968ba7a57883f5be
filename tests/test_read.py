"""``iohub.read_images``: the positions of whatever is at a path."""

from __future__ import annotations

import numpy as np
import pytest

import iohub
from iohub.errors import ClosedError, LayoutError, MissingNodeError, NotFoundError

PIXELS = np.arange(24, dtype="u1").reshape(1, 1, 1, 4, 6)


@pytest.fixture
def plate(tmp_path):
    with iohub.open_ome_zarr(tmp_path / "p.zarr", "hcs", "w-", ["a"], version="0.5") as plate:
        for index, place in enumerate([("A", "1", "0"), ("B", "2", "0")]):
            plate.create_position(*place).create_image("0", PIXELS + index)
    return tmp_path / "p.zarr"


def test_a_plate(plate):
    with iohub.read_images(plate) as images:
        assert [name for name, _ in images] == images.keys() == ["A/1/0", "B/2/0"]
        assert len(images) == 2
        for index, (name, position) in enumerate(images):
            np.testing.assert_array_equal(position.data[...], PIXELS + index)
            assert images[name] == images[index] == images[index - 2] == position
        assert images.channel_names == ["a"]
        assert dict(images)["B/2/0"].path == "B/2/0"
        assert repr(images) == "<Images of <Plate 'p.zarr' 2 wells, OME-Zarr 0.5>>"
        for absent in ("A/2/0", 2, -3, None):
            with pytest.raises(MissingNodeError):
                images[absent]
    with pytest.raises(ClosedError):
        images.keys()


def test_what_is_in_a_plate(plate):
    assert iohub.read_images(plate / "A/1").keys() == ["0"]
    images = iohub.read_images(plate / "A/1/0", engine="zarr-python")
    ((name, position),) = images
    assert (name, position.data.engine) == ("0", "zarr-python")
    assert images["0"] is images[0] is images.node is position


def test_a_series(tmp_path):
    with iohub.open_ome_zarr(tmp_path / "s.zarr", "series", "w-", ["a"], version="0.5") as series:
        for name in ("first", "second"):
            series.create_position(name).create_image("0", PIXELS)
    assert iohub.read_images(tmp_path / "s.zarr").keys() == ["first", "second"]


def test_what_has_no_positions(tmp_path):
    with iohub.open_ome_zarr(tmp_path / "s.zarr", "scene", "w-", version="0.6"):
        pass
    with pytest.raises(LayoutError, match="Scene and has no positions"):
        iohub.read_images(tmp_path / "s.zarr")
    with pytest.raises(NotFoundError):
        iohub.read_images(tmp_path / "absent")
