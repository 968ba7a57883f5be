"""What attributes say beyond those that a file gives, kept and put back."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from iohub.formats.further_attributes import completed, further
from iohub.metadata import versions

SPELLING = versions.spelling(versions.VIRTUAL_VERSION)

leaves = st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2)
values = st.recursive(
    leaves,
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.text("xy"), below, max_size=2),
    max_leaves=6,
)
objects = st.dictionaries(st.sampled_from(["x", "y", "z"]), values, max_size=3)


def image(beside: Any, mine: Any, multiscale: Any, omero: Any) -> dict[str, Any]:
    """Return attributes as of an image; what is described by files is the same in all."""
    return {
        **beside,
        "iohub": mine,
        "ome": {
            "version": SPELLING.version,
            "multiscales": [{**multiscale, "axes": [{"name": "y"}], "datasets": [{"path": "0"}]}],
            "omero": {**omero, "channels": [{"label": "a"}]},
        },
    }


MADE = image({}, {}, {}, {})


@given(objects, objects, objects, objects)
def test_what_is_missing_comes_back(beside, mine, multiscale, omero):
    attrs = image(beside, mine, multiscale, omero)
    back = completed(MADE, further(attrs, MADE, SPELLING), SPELLING)
    assert back == attrs


@given(st.builds(image, objects, objects, objects, objects), objects)
def test_nothing_that_the_file_says_is_replaced(attrs, noted):
    made = completed(attrs, {**noted, "iohub": noted, "ome": {"omero": noted}}, SPELLING)

    def within(before: Any, after: Any) -> None:
        if isinstance(before, dict):
            for name, value in before.items():
                within(value, after[name])
        elif isinstance(before, list) and all(isinstance(each, dict) for each in before):
            for one, other in zip(before, after, strict=True):
                within(one, other)
        else:
            assert before == after

    within(attrs, made)


@given(values)
def test_a_damaged_or_hostile_note_does_not_change_what_a_group_is(value):
    more: Any = {
        "ome": {
            "plate": value,
            "well": value,
            "series": value,
            "multiscales": value,
            "mine": value,
        },
        "iohub": value,
        "plate": value,
    }
    made = completed(MADE, more, SPELLING)
    assert set(made) == set(MADE)
    assert set(made["ome"]) == {*MADE["ome"], "mine"}
    multiscale = made["ome"]["multiscales"][0]
    assert (multiscale["axes"], multiscale["datasets"]) == ([{"name": "y"}], [{"path": "0"}])
    assert completed(MADE, {"ome": value, "iohub": value}, SPELLING)["ome"]["omero"]["channels"]


def test_pixels_are_described_by_the_file_alone():
    attrs = image({}, {}, {}, {})
    attrs["ome"]["multiscales"][0]["coordinateTransformations"] = [{"type": "scale"}]
    attrs["iohub"] = {"acquisition": {"name": "x"}, "axes": [1]}
    assert further(attrs, MADE, SPELLING) == {"iohub": {"axes": [1]}}


def test_what_a_file_does_not_say_of_an_axis_comes_back_to_that_axis():
    attrs, made = image({}, {}, {}, {}), image({}, {}, {}, {})
    axes = [{"name": "t", "type": "time", "unit": "second"}, {"name": "y", "unit": "micrometer"}]
    attrs["ome"]["multiscales"][0]["axes"] = axes
    made["ome"]["multiscales"][0]["axes"] = [{"name": "t", "type": "time"}, {"name": "y"}]
    more = further(attrs, made, SPELLING)
    assert completed(made, more, SPELLING)["ome"]["multiscales"][0]["axes"] == axes
    # Of a file whose axes were changed since, none is completed by another's unit.
    other = [{"name": "y"}, {"name": "t", "type": "time"}]
    made["ome"]["multiscales"][0]["axes"] = other
    assert completed(made, more, SPELLING)["ome"]["multiscales"][0]["axes"] == other
