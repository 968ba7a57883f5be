from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from iohub.errors import IohubError
from iohub.stream import Channel, Dimension, Position, PositionDimension


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("t", "time"),
        ("T", "time"),
        ("c", "channel"),
        ("z", "space"),
        ("y", "space"),
        ("x", "space"),
        ("p", "position"),
        ("channel", "channel"),
        ("angle", None),
    ],
)
def test_type_is_inferred_from_the_name(name: str, kind: str | None) -> None:
    """W16: documented by the public package, and not done there."""
    assert Dimension(name=name, count=2).type == kind


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({"name": "z", "unit": "sec"}, "time"),
        ({"name": "q", "unit": "um"}, "space"),
        ({"name": "z", "coords": [Channel(name="a")]}, "channel"),
        ({"name": "z", "coords": [Position(name="a")]}, "position"),
        ({"name": "c", "coords": [1.0, 2.0]}, None),
        ({"name": "c", "coords": ["a", "b"]}, "channel"),
        ({"name": "z", "type": "other"}, "other"),
    ],
)
def test_coords_come_before_unit_and_name(members: dict[str, Any], kind: str | None) -> None:
    members = {"count": len(members.get("coords", "aa")), **members}
    assert Dimension(**members).type == kind


def test_texts_become_channels_and_positions() -> None:
    dim = Dimension(name="c", coords=[Channel(name="DAPI", color="red"), "GFP"])
    assert dim.coords == [Channel(name="DAPI", color="red"), Channel(name="GFP")]
    assert dim.count == 2
    assert Dimension(name="p", count=2).coords == [Position(name="0"), Position(name="1")]
    by_mapping = Dimension(name="c", coords=[{"name": "q", "color": "#00ff00"}])
    assert by_mapping.coords[0].color.as_hex(format="long") == "#00ff00"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"name": ""}, "at least 1 character"),
        ({"name": "t", "count": 0}, "greater than 0"),
        ({"name": "t", "chunk_size": 0}, "greater than 0"),
        ({"name": "t", "speed": 3}, "not permitted"),
        ({"name": "c", "coords": ["a", "b"], "count": 3}, "2 coords of 'c', but its count is 3"),
        ({"name": "c", "coords": ["a", "a"]}, "'a' is there twice"),
        ({"name": "p", "coords": [Position(name="a"), Position(name="a")]}, "'a' is there twice"),
        ({"name": "c", "coords": [Channel(name="a"), Position(name="b")]}, "may not mix"),
        ({"name": "c", "coords": [Channel(name="a")], "unit": "um"}, "say type="),
        ({"name": "c", "coords": [Channel(name="a")], "type": "time"}, "need type='channel'"),
        ({"name": "z", "unit": "bogus"}, "no unit of length"),
        ({"name": "t", "unit": "Mm", "type": "time"}, "no unit of time"),
        ({"name": "t", "coords": "abc"}, "not a text"),
        ({"name": "t", "scale": float("nan")}, "finite"),
    ],
)
def test_what_does_not_fit_is_refused(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Dimension(**members)


@pytest.mark.parametrize(
    ("unit", "kept"),
    [("um", "micrometer"), ("µm", "micrometer"), ("MICRON", "micrometer"), ("Å", "angstrom")],
)
def test_units_have_the_recommended_name(unit: str, kept: str) -> None:
    assert Dimension(name="z", count=1, unit=unit).unit == kept


def test_units_of_other_types_are_kept() -> None:
    assert Dimension(name="angle", count=2, type="other", unit="degrees").unit == "degrees"


@pytest.mark.parametrize("members", [{}, {"coords": []}])
def test_unknown_number_of_positions_is_not_supported(members: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError, match="position") as caught:
        Dimension(name="p", type="position", **members)
    assert isinstance(caught.value, IohubError)


def test_assignment_is_checked() -> None:
    dim = Dimension(name="t", count=3)
    dim.count = 5
    dim.unit = "ms"
    assert (dim.count, dim.unit) == (5, "millisecond")
    with pytest.raises(ValidationError):
        dim.count = -1


def test_names_of_one_grid_may_differ_in_index_only() -> None:
    spots = [Position(name="a", grid_row=0, grid_column=i) for i in range(2)]
    assert Dimension(name="p", coords=spots).count == 2


def test_old_name_warns() -> None:
    with pytest.warns(DeprecationWarning, match="PositionDimension"):
        dim = PositionDimension(coords=["a", "b"])
    assert (dim.name, dim.type, dim.count) == ("p", "position", 2)
