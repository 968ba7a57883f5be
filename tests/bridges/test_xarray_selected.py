"""Pieces from which an axis was selected away go back to where they came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import AxisError
from iohub.ngff import Position, TransformationMeta

SHAPE = (3, 2, 4, 8, 6)


@pytest.fixture
def position(tmp_path: Path) -> Position:
    pixels = np.arange(np.prod(SHAPE), dtype="uint16").reshape(SHAPE)
    scale = TransformationMeta(type="scale", scale=[60, 1, 2, 0.5, 0.5])
    with open_ome_zarr(
        tmp_path / "a.zarr", layout="fov", mode="w-", channel_names=["DAPI", "GFP"], version="0.5"
    ) as made:
        made.create_image("0", pixels, transform=[scale])
        yield made


@pytest.mark.parametrize(
    ("labels", "index"),
    [
        ({"c": "GFP"}, (slice(None), 1)),
        ({"t": 60.0, "c": "DAPI"}, (1, 0)),
        ({"z": 4.0}, (slice(None), slice(None), 2)),
        ({"t": 120.0, "c": "GFP", "z": 6.0, "y": 3.5, "x": 0.0}, (2, 1, 3, 7, 0)),
    ],
)
def test_a_piece_goes_back(
    position: Position, labels: dict[str, object], index: tuple[object, ...]
) -> None:
    expected = position["0"].numpy()
    expected[index] = 7
    position.write_xarray(position.to_xarray().sel(labels) * 0 + 7)
    np.testing.assert_array_equal(position["0"].numpy(), expected)


def test_an_axis_without_a_label_is_not_guessed(position: Position) -> None:
    before = position["0"].numpy()
    image = position.to_xarray()
    with pytest.raises(AxisError, match=r"expand_dims\(z="):
        position.write_xarray(image.max("z"))
    with pytest.raises(AxisError, match="do not fit the axes"):
        position.write_xarray(image.isel(t=0, drop=True))
    np.testing.assert_array_equal(position["0"].numpy(), before)


def test_a_first_piece_makes_the_whole_image(position: Position, tmp_path: Path) -> None:
    piece = position.to_xarray().sel(t=60.0, c="GFP")
    with open_ome_zarr(
        tmp_path / "b.zarr", layout="fov", mode="w-", channel_names=["DAPI", "GFP"], version="0.5"
    ) as new:
        new.write_xarray(piece)
        assert new.scale == position.scale
        assert new["0"].shape == SHAPE
        np.testing.assert_array_equal(new["0"][1, 1], position["0"][1, 1])
        assert not new["0"][0].any()
