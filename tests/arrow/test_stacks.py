"""Records made of files whose names are a pattern."""

from __future__ import annotations

import numpy as np
import pytest

from iohub.arrow import OMEArrow, from_stack_pattern_path, to_numpy
from iohub.errors import IohubWarning, MissingFramesWarning

tifffile = pytest.importorskip("tifffile")

PLANE = np.arange(12, dtype=np.uint16).reshape(3, 4)


@pytest.fixture
def folder(tmp_path):
    for t in range(2):
        for number, name in enumerate(("DAPI", "GFP")):
            tifffile.imwrite(tmp_path / f"img_t{t:03}_{name}.tif", PLANE + 100 * t + 10 * number)
    return tmp_path


EXPECTED = np.stack([[PLANE[None] + 100 * t + 10 * c for c in range(2)] for t in range(2)])


@pytest.mark.parametrize("pattern", ["img_t<000-001>_<DAPI,GFP>.tif", "img_t*_<DAPI,GFP>.tif"])
def test_names_say_where_files_belong(folder, pattern):
    path = str(folder / pattern)
    image = OMEArrow(path)
    assert np.array_equal(image.export(), EXPECTED)
    channels = image.data["pixels_meta"]["channels"].as_py()
    assert [each["name"] for each in channels] == ["DAPI", "GFP"]
    assert image.data["name"].as_py() == pattern
    named = from_stack_pattern_path(path, channel_names=["a", "b"], image_id="i", image_type="x")
    assert [each["name"] for each in named["pixels_meta"]["channels"].as_py()] == ["a", "b"]
    assert (named["id"].as_py(), named["image_type"].as_py()) == ("i", "x")


def test_a_star_stands_for_any_characters(folder):
    record = from_stack_pattern_path(folder / "img_t000_*.tif")
    assert np.array_equal(to_numpy(record)[0, :, 0], EXPECTED[0, :, 0])


def test_places_without_letters_and_series(tmp_path):
    for number in range(3):
        tifffile.imwrite(tmp_path / f"x_{number}.tif", PLANE + number)
        tifffile.imwrite(tmp_path / f"s{number}.tif", PLANE + number)
        tifffile.imwrite(tmp_path / f"zs{number}.tif", PLANE + number)
    stack = np.stack([PLANE, PLANE + 1, PLANE + 2])

    def read(name, *args):
        return to_numpy(from_stack_pattern_path(tmp_path / name, *args))

    assert np.array_equal(read("x_<0-2>.tif")[0, :, 0], stack)
    assert np.array_equal(read("x_<0-2>.tif", "Z")[0, 0], stack)
    assert np.array_equal(read("zs<0-2>.tif")[0, 0], stack)
    assert np.array_equal(read("zs<0-2:2>.tif")[0, 0], stack[::2])
    assert np.array_equal(read("s<0-2>.tif")[:, 0, 0], stack)
    assert np.array_equal(read("s<0-2>.tif", "C", "Z")[0, 0], stack)
    assert np.array_equal(read("s<1-1>.tif", "C", None)[0, 0, 0], PLANE + 1)
    assert np.array_equal(read("s1.tif")[0, 0, 0], PLANE + 1)
    with pytest.raises(ValueError, match="3 series"):
        read("s<0-2>.tif", "C", None)
    with pytest.raises(ValueError, match="map_series_to"):
        read("s<0-2>.tif", "C", "Q")


def test_planes_within_files_lie_between_those_of_others(tmp_path):
    for number in range(2):
        tifffile.imwrite(
            tmp_path / f"z{number}.tif",
            np.stack([PLANE, PLANE + 1]) + 10 * number,
            imagej=True,
            metadata={"axes": "ZYX"},
        )
    found = to_numpy(from_stack_pattern_path(tmp_path / "z<0-1>.tif"))
    assert found.shape == (1, 1, 4, 3, 4)
    assert found[0, 0, :, 0, 0].tolist() == [0, 1, 10, 11]


def test_files_that_are_missing_are_zero_with_a_warning(folder):
    (folder / "img_t001_GFP.tif").unlink()
    with pytest.warns(MissingFramesWarning, match="3 of 4"):
        record = from_stack_pattern_path(folder / "img_t<000-001>_<DAPI,GFP>.tif")
    assert not to_numpy(record)[1, 1].any()


def test_data_types_are_kept_if_that_is_wanted(tmp_path):
    tifffile.imwrite(tmp_path / "c0.tif", PLANE.astype(np.int16) - 5)
    with pytest.warns(IohubWarning, match="clamp_to_uint16=False"):
        assert to_numpy(from_stack_pattern_path(tmp_path / "c<0-0>.tif")).min() == 0
    kept = from_stack_pattern_path(tmp_path / "c<0-0>.tif", clamp_to_uint16=False)
    assert to_numpy(kept, np.int16).min() == -5


def test_patterns_that_are_none(folder):
    tifffile.imwrite(folder / "img_t002_DAPI.tif", PLANE[:2])
    with pytest.raises(FileNotFoundError):
        from_stack_pattern_path(folder / "none_<0-9>.tif")
    with pytest.raises(FileNotFoundError):
        from_stack_pattern_path(folder / "none.tif")
    for pattern, text in (
        ("img_t<0-1_DAPI.tif", "not closed"),
        ("img_t<001-000>_DAPI.tif", "empty"),
        ("img_t<000-002>_DAPI.tif", "shape"),
    ):
        with pytest.raises(ValueError, match=text):
            from_stack_pattern_path(folder / pattern)
    with pytest.raises(ValueError, match="2 channels"):
        from_stack_pattern_path(folder / "img_t000_<DAPI,GFP>.tif", channel_names=["a"])
    with pytest.raises(TypeError, match="pattern"):
        OMEArrow.scan(str(folder / "img_t000_<DAPI,GFP>.tif"))
