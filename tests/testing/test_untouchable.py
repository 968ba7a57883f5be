"""The untouchable store gives metadata away, and raises for pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.testing.untouchable import PixelsTouchedError, UntouchableBytes, open_untouchable


@pytest.fixture
def node(tmp_path: Path) -> Any:
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version="0.5"
    ) as made:
        made["0"] = np.ones((1, 1, 1, 2, 2), "u1")
    return open_untouchable(tmp_path / "s.zarr")


def test_metadata_are_given(node: Any) -> None:
    assert node["0"].shape == (1, 1, 1, 2, 2)
    assert node.scale == [1.0] * 5
    assert node.to_xarray().sizes["x"] == 2


@pytest.mark.parametrize(
    "touch",
    [
        lambda node: node["0"][0],
        lambda node: node["0"].numpy(),
        lambda node: node.to_xarray().values,
        lambda node: node["0"]._array.encoded((0, 0, 0, 0, 0)),
        lambda node: node["0"].dask_array().sum().compute(),
    ],
)
def test_pixels_are_not(node: Any, touch: Callable[[Any], Any]) -> None:
    with pytest.raises(PixelsTouchedError):
        touch(node)


def test_it_stays_untouchable(tmp_path: Path) -> None:
    assert type(UntouchableBytes(tmp_path).with_read_only()) is UntouchableBytes
