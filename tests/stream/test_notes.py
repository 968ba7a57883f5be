from __future__ import annotations

import datetime
import json
from typing import Any

import numpy as np
import pytest

from iohub.errors import MetadataWarning
from iohub.stream.notes import check_namespace, frame_note, plain, read_frames, with_frames


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.float32(1.5), 1.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([[1, 2]]), [[1, 2]]),
        (None, None),
        ({"a": (1, np.uint8(2))}, {"a": [1, 2]}),
        ({1: {"b"}}, {"1": ["b"]}),
        (float("nan"), "NaN"),
        (-np.inf, "-Infinity"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (np.str_("a"), "a"),
    ],
)
def test_values_become_json(value: Any, said: Any) -> None:
    """W8: one NumPy scalar makes the public package lose all metadata of frames."""
    found = plain(value)
    assert found == said
    json.dumps(found, allow_nan=False)


def test_other_values_are_text_with_a_warning() -> None:
    with pytest.warns(MetadataWarning, match="of a frame.camera is a object"):
        note = frame_note({"camera": object(), "exposure_time": np.float64(0.5)}, (1, 2))
    assert note["exposure_time"] == 0.5
    assert note["storage_index"] == [1, 2]
    assert note["camera"].startswith("<object")


def test_frames_lie_beside_what_is_there() -> None:
    attrs = {"ome": {}, "ome_writers": {"version": "1"}, "user": 1}
    frames = [{"a": 1, "storage_index": [0]}]
    after = with_frames(attrs, frames)
    assert after["ome_writers"] == {"version": "1", "frame_metadata": frames}
    assert read_frames(after) == frames
    assert with_frames(after, []) == attrs
    assert read_frames({}) == []


@pytest.mark.parametrize("name", ["", None, 3, "ome", "ome_writers", "iohub", "omero"])
def test_reserved_namespaces(name: Any) -> None:
    with pytest.raises(ValueError, match="namespace"):
        check_namespace(name)


def test_metadata_of_a_frame_are_a_mapping() -> None:
    with pytest.raises(TypeError, match="is a dict"):
        frame_note([("a", 1)], (0,))
