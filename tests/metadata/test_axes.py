from __future__ import annotations

import pytest
from pydantic import ValidationError

from iohub.errors import AxisError
from iohub.metadata.axes import (
    AxisMeta,
    ChannelAxisMeta,
    SpaceAxisMeta,
    TimeAxisMeta,
    axes_for,
    axis_index,
    axis_of_type,
    check_axes,
    check_units,
    default_axes,
    require_axes,
)

KINDS = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space", "a": "angle"}


def axes(names):
    return tuple(AxisMeta(name=name, type=KINDS.get(name)) for name in names)


def test_defaults():
    assert [axis.name for axis in default_axes()] == list("tczyx")
    units = ["second", None, "micrometer", "micrometer", "micrometer"]
    assert [axis.unit for axis in default_axes()] == units
    assert default_axes()[1].to_json() == {"name": "c", "type": "channel"}


@pytest.mark.parametrize(("ndim", "names"), [(2, "yx"), (3, "zyx"), (4, "czyx"), (5, "tczyx")])
def test_axes_for(ndim, names):
    assert [axis.name for axis in axes_for(ndim)] == list(names)
    assert require_axes(axes_for(ndim)) == axes_for(ndim)


@pytest.mark.parametrize("ndim", [0, 1, 6])
def test_no_axes_for(ndim):
    with pytest.raises(AxisError):
        axes_for(ndim)


def test_subclasses_equal_what_is_read():
    pairs = [
        (TimeAxisMeta(), AxisMeta(name="t", type="time", unit="second")),
        (ChannelAxisMeta(), AxisMeta(name="c", type="channel")),
        (SpaceAxisMeta(name="x"), AxisMeta(name="x", type="space", unit="micrometer")),
    ]
    for made, read in pairs:
        assert made == read
        assert hash(made) == hash(read)
    assert AxisMeta(name="x") != AxisMeta(name="x", extra=1)
    assert AxisMeta(name="x") != "x"


@pytest.mark.parametrize("names", ["yx", "zyx", "xyz", "cyx", "tyx", "ayx", "tczyx", "tzyx", "byx"])
def test_allowed(names):
    assert check_axes(axes(names)) == []


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ("x", "axes-count"),
        ("tcazyx", "axes-count"),
        ("tcx", "axes-space"),
        ("yxx", "axes-unique"),
        ("ctyx", "axes-order"),
        ("zcyx", "axes-order"),
        ("yxt", "axes-order"),
        ("cayx", "axes-channel"),
    ],
)
def test_not_allowed(names, code):
    assert code in {problem.code for problem in check_axes(axes(names))}
    with pytest.raises(AxisError):
        require_axes(axes(names))


def test_two_time_axes():
    pair = (AxisMeta(name="t", type="time"), AxisMeta(name="u", type="time"), *axes("yx"))
    assert [problem.code for problem in check_axes(pair)] == ["axes-time"]


def test_all_broken_rules_are_named():
    with pytest.raises(AxisError, match=r"2 or 3 axes.*twice.*time must come first"):
        require_axes(axes("cct"))


def test_names_are_needed():
    with pytest.raises(ValidationError):
        AxisMeta(name="")
    with pytest.raises(ValidationError):
        AxisMeta(type="space")
    with pytest.raises(AxisError, match="AxisMeta"):
        require_axes(["y", "x"])


def test_units_are_checked_by_type():
    odd = (AxisMeta(name="t", type="time", unit="micrometer"), *axes("yx"))
    assert [problem.where for problem in check_units(odd)] == ["/0/unit"]
    assert check_units(default_axes()) == []


def test_finding_axes():
    upper = tuple(AxisMeta(name=name.upper(), type=KINDS[name]) for name in "tczyx")
    assert axis_index(upper, "z") == 2
    assert axis_index(default_axes(), "X") == 4
    assert axis_of_type(upper, "channel") == 1
    assert axis_of_type(axes("yx"), "channel") is None
    with pytest.raises(AxisError, match="no axis 'q'"):
        axis_index(upper, "q")
    with pytest.raises(AxisError):
        axis_index((AxisMeta(name="x"), AxisMeta(name="X")), "X x")
