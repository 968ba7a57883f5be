"""Attributes of groups from one version to another, and back."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from iohub.errors import DocumentError
from iohub.metadata.respelling import respelled
from iohub.metadata.versions import VERSIONS, spelling

AXES = [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
SCALE = {"type": "scale", "scale": [1.0, 0.5]}
IMAGE = {"axes": AXES, "datasets": [{"path": "0", "coordinateTransformations": [SCALE]}]}
PLATE = {
    "columns": [{"name": "1"}],
    "rows": [{"name": "A"}],
    "wells": [{"path": "A/1", "rowIndex": 0, "columnIndex": 0}],
}
GROUPS: list[dict[str, Any]] = [
    {"multiscales": [{"version": "0.4", **IMAGE}], "note": {"mine": [1, None]}},
    {"multiscales": [{"version": "0.4", **IMAGE}], "image-label": {"version": "0.4"}},
    {"plate": {"version": "0.4", **PLATE}, "iohub": {"channel_names": ["a"]}},
    {"well": {"version": "0.4", "images": [{"path": "0"}]}},
    {"labels": ["cells", "nested/nuclei"]},
    {"bioformats2raw.layout": 3},
    {"note": 1},
    {},
]


@pytest.mark.parametrize("attrs", GROUPS)
@pytest.mark.parametrize("to", VERSIONS[1:])
def test_there_and_back(attrs: dict[str, Any], to: str) -> None:
    old, new = spelling(VERSIONS[0]), spelling(to)
    there = respelled(attrs, old, new)
    assert there["ome"]["version"] == to
    assert set(there) - {"ome"} == {"note", "iohub"} & set(attrs)
    assert respelled(there, new, old) == attrs


@pytest.mark.parametrize(("found", "to"), list(permutations(VERSIONS[1:], 2)))
def test_unknown_members_stay_inside(found: str, to: str) -> None:
    ome = {"version": found, "vendor": {"a": 1}, "_creator": {"name": "x"}}
    new = respelled({"ome": ome, "b": 2}, spelling(found), spelling(to))
    assert new == {"b": 2, "ome": {**ome, "version": to}}


def test_what_would_overwrite_is_refused() -> None:
    attrs = {"ome": {"version": "0.5", "note": 1}, "note": 2}
    with pytest.raises(DocumentError, match="one of two 'note'"):
        respelled(attrs, spelling("0.5"), spelling("0.4"))


def test_scenes_are_new() -> None:
    ends = {"input": {"name": "a", "path": "i"}, "output": {"name": "a", "path": "j"}}
    scene = {"coordinateTransformations": [{"type": "identity", **ends}]}
    attrs = {"ome": {"version": "0.6", "scene": scene}}
    assert respelled(attrs, spelling("0.6"), spelling("0.6")) == attrs
    for version in VERSIONS[:2]:
        with pytest.raises(DocumentError, match="the scene") as error:
            respelled(attrs, spelling("0.6"), spelling(version))
        assert [p.code for p in error.value.problems] == ["inexpressible"]


def test_names_of_fields_are_new() -> None:
    attrs = {"ome": {"version": "0.6", "well": {"images": [{"path": "fov_1"}]}}}
    with pytest.raises(DocumentError, match="fov_1"):
        respelled(attrs, spelling("0.6"), spelling("0.5"))
