"""Resampling through a field, and which channel is which then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import ChannelError
from iohub.metadata.transform_types import ByDimension, Displacements


def _with_field(tmp_path: Path, *, channels: list[str], way: Any) -> Any:
    """Two images on the same grid, between which a field of zeros leads."""
    node = open_ome_zarr(tmp_path / "f.zarr", "scene", "w-", version="0.6")
    data = np.arange(2 * 2 * 4 * 4, dtype="u2").reshape(1, 2, 2, 4, 4)
    node.create_image("a", ["G", "R"])["0"] = data
    node.create_image("b", channels)["0"] = data[:, : len(channels)]
    count = 5 if isinstance(way, Displacements) else 3
    field = np.zeros((*data.shape[-count:], count))
    axes = [{"name": n, "type": "space"} for n in "abcde"[:count]]
    attrs = {"coordinateSystems": [{"name": "f", "axes": [*axes, {"name": "d"}]}]}
    attrs["coordinateSystems"][0]["axes"][-1]["type"] = "displacement"
    node.zgroup.create_array("field", data=field, attributes={"ome": attrs})
    node.add_transform(way, ("physical", "b"), ("physical", "a"))
    return node, data


def test_channels_beside_a_field(tmp_path: Path) -> None:
    split = ByDimension(
        transformations=(
            {
                "transformation": {"type": "identity"},
                "inputAxes": [0, 1],
                "outputAxes": [0, 1],
            },
            {
                "transformation": {"type": "displacements", "path": "field"},
                "inputAxes": [2, 3, 4],
                "outputAxes": [2, 3, 4],
            },
        )
    )
    node, data = _with_field(tmp_path, channels=["EM"], way=split)
    found = node.resample("a", like="b")
    assert found.c.values.tolist() == ["G", "R"]
    assert np.array_equal(found.values, data)
    node.close()


def test_channels_in_a_field(tmp_path: Path) -> None:
    """A field of all axes tells nothing of channels."""
    way = Displacements(path="field")
    node, _ = _with_field(tmp_path, channels=["EM"], way=way)
    with pytest.raises(ChannelError, match=r"\['G', 'R'\] and \['EM'\]"):
        node.resample("a", like="b")
    node.close()


def test_the_same_channels_in_a_field(tmp_path: Path) -> None:
    node, data = _with_field(tmp_path, channels=["G", "R"], way=Displacements(path="field"))
    found = node.resample("a", like="b", order=0)
    assert found.c.values.tolist() == ["G", "R"]
    assert np.array_equal(found.values, data)
    node.close()
