from __future__ import annotations

from typing import Any

import pytest

from iohub.stream import Channel, Position, StandardAxis, dims_from_standard_axes


def test_dimensions_of_letters() -> None:
    dims = dims_from_standard_axes(
        {
            "t": None,
            "p": ["a", Position(name="b", x_coord=3)],
            "c": ["DAPI", "GFP"],
            "z": 3,
            "y": 8,
            "x": 9,
        },
        {"y": 4, StandardAxis.Z: 2},
        {"y": 2},
    )
    assert [dim.name for dim in dims] == ["t", "p", "c", "z", "y", "x"]
    assert [dim.type for dim in dims] == ["time", "position", "channel", "space", "space", "space"]
    assert [dim.count for dim in dims] == [None, 2, 2, 3, 8, 9]
    assert [dim.chunk_size for dim in dims] == [1, None, 1, 2, 4, 9]
    assert [dim.shard_size_chunks for dim in dims] == [None, None, None, None, 2, None]
    assert [dim.unit for dim in dims] == ["second", None, None, *["micrometer"] * 3]
    assert dims[2].coords == [Channel(name="DAPI"), Channel(name="GFP")]
    assert dims[1].coords[1].x_coord == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"q": 1, "y": 8, "x": 8},), "standard axes are"),
        (({"y": 8, "x": 8}, {"z": 1}), "chunk_shapes has z"),
        (({"y": 8, "x": 8}, None, {"z": 1}), "shard_shapes has z"),
    ],
)
def test_unknown_letters_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dims_from_standard_axes(*arguments)
