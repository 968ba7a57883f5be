"""Streams into memory and raw files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from iohub.errors import ExistsError
from iohub.stream import AcquisitionSettings, Dimension, ScratchFormat, create_stream

FRAMES = np.arange(6 * 12, dtype="u2").reshape(6, 3, 4)


def settings_for(root="", overwrite=False, **members):
    return AcquisitionSettings(
        root_path=str(root),
        dimensions=[
            Dimension(name="t", count=None, type="time"),
            Dimension(name="c", count=2, type="channel"),
            Dimension(name="y", count=3, type="space"),
            Dimension(name="x", count=4, type="space"),
        ],
        dtype="uint16",
        format=ScratchFormat(**members),
        overwrite=overwrite,
    )


@pytest.mark.parametrize(
    ("on_disk", "most"),
    [(False, 2**20), (False, 60), (True, 2**20)],
    ids=["memory", "spilt", "disk"],
)
def test_frames_come_back(tmp_path, on_disk, most):
    root = tmp_path / "s" if on_disk else ""
    with create_stream(settings_for(root, max_memory_bytes=most)) as stream:
        for number, frame in enumerate(FRAMES):
            stream.append(frame.copy(), frame_metadata={"n": number})
            live = np.asarray(stream.view(dynamic_shape=True))
            assert live.reshape(-1, 3, 4)[: number + 1].sum() == FRAMES[: number + 1].sum()
    np.testing.assert_array_equal(np.asarray(stream.view()).reshape(FRAMES.shape), FRAMES)
    if on_disk:
        stream.set_global_metadata("lab", {"n": np.int64(1)})
        manifest = json.loads((root / "manifest.json").read_text())
        assert manifest["position_shapes"] == [[3, 2, 3, 4]]
        assert manifest["global_metadata"] == {"lab": {"n": 1}}
        lines = (root / "frames.jsonl").read_text().splitlines()
        assert [json.loads(line)[3]["n"] for line in lines] == list(range(6))


def test_too_much_is_an_error_if_nothing_may_spill():
    stream = create_stream(settings_for(max_memory_bytes=60, spill_to_disk=False))
    with pytest.raises(MemoryError, match="spill_to_disk"):  # noqa: PT012 - a thread finds it
        for frame in FRAMES:
            stream.append(frame)
            stream.flush()
    with pytest.raises(MemoryError):
        stream.close()


def test_nothing_is_overwritten_unasked(tmp_path):
    for overwrite in (False, True):
        with create_stream(settings_for(tmp_path / "s", overwrite)) as stream:
            stream.append(FRAMES[0])
    with pytest.raises(ExistsError):
        create_stream(settings_for(tmp_path / "s"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine").write_text("x")
    with pytest.raises(ExistsError):
        create_stream(settings_for(tmp_path / "other", overwrite=True))
