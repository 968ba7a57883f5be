from __future__ import annotations

import pytest

from iohub.errors import VersionError
from iohub.metadata.versions import VERSIONS, detect, kind, problems_of, scene_spelling, spelling

IMAGE = {"multiscales": [{"version": "0.4"}]}


def test_known_versions():
    assert VERSIONS == ("0.4", "0.5", "0.6")
    assert [spelling(v).zarr_format for v in VERSIONS] == [2, 3, 3]


def test_versions_with_scenes():
    assert scene_spelling("0.6") is spelling("0.6")
    with pytest.raises(VersionError, match=r"0\.5 has no scenes.*0\.6"):
        scene_spelling("0.5")
    with pytest.raises(VersionError, match="newer"):
        scene_spelling("0.7")


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("0.7", r"newer than this iohub knows.*0\.4, 0\.5, 0\.6"),
        ("0.9.dev1", r"0\.9\.dev1 is newer"),
        # These are read, and written as what they became.
        ("0.6.dev4", "no version"),
        ("0.6rc0", "no version"),
        ("0.10", "newer"),
        ("0.3", "older"),
        ("foo", "no version"),
        (None, "no version"),
        (0.5, "no version"),
    ],
)
def test_unknown_versions(version, words):
    with pytest.raises(VersionError, match=words):
        spelling(version)


@pytest.mark.parametrize(
    ("attrs", "zarr_format", "version"),
    [
        ({}, 2, "0.4"),
        ({}, 3, "0.5"),
        (IMAGE, 2, "0.4"),
        (IMAGE, 3, "0.4"),
        ({"multiscales": [{}]}, 2, "0.4"),
        ({"plate": {"version": None}}, 2, "0.4"),
        ({"ome": {"version": "0.5"}}, 3, "0.5"),
        ({"ome": {"labels": []}}, 3, "0.5"),
        ({"ome": {"version": "0.5"}}, 2, "0.5"),
        ({"other": 1}, 3, "0.5"),
        *(
            ({"ome": {"version": version}}, 3, "0.6")
            for version in ("0.6", "0.6rc0", "0.6.dev1", "0.6.dev2", "0.6.dev3", "0.6.dev4")
        ),
        ({"ome": {"multiscales": [{"coordinateSystems": []}]}}, 3, "0.6"),
        ({"ome": {"scene": {}}}, 3, "0.6"),
        # Both, side by side: the newer one is preferred.
        ({"ome": {"version": "0.5"}, **IMAGE}, 3, "0.5"),
    ],
)
def test_detect(attrs, zarr_format, version):
    assert detect(attrs, zarr_format) == version


@pytest.mark.parametrize(
    "attrs",
    [
        {"ome": {"version": "0.7"}},
        {"ome": {"version": "0.6.dev5"}},
        {"ome": {"version": "0.4"}},
        {"ome": {"version": 5}},
        {"multiscales": [{"version": "0.3"}]},
        {"plate": {"version": "0.5"}},
        {"well": {"version": "foo"}},
    ],
)
def test_detect_refuses(attrs):
    for zarr_format in (2, 3):
        with pytest.raises(VersionError):
            detect(attrs, zarr_format)


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"multiscales": [], "plate": {}}, "plate"),
        ({"bioformats2raw.layout": 3, "plate": {}}, "plate"),
        ({"multiscales": [{}], "image-label": {}}, "image"),
        ({"multiscales": [{}], "labels": {"labels": []}}, "image"),
        ({"labels": []}, "labels"),
        ({"well": {}}, "well"),
        ({"scene": {}}, "scene"),
        ({"bioformats2raw.layout": 3}, "bioformats2raw"),
        ({"series": ["0"]}, "series"),
        ({"plate": None}, None),
        ({}, None),
    ],
)
def test_kind(members, name):
    assert kind(members, 2) == name
    assert kind({"ome": {"version": "0.5", **members}}, 3) == name
    assert kind({"ome": {"version": "0.6", **members}}, 3) == name
    assert kind({"ome": {"version": "0.7", **members}}, 3) == name


def test_problems_of_a_mixed_store():
    codes = [problem.code for problem in problems_of({"labels": ["a"], **IMAGE}, 3)]
    assert codes[0] == "zarr-format"
    assert problems_of({}, 2) == []
