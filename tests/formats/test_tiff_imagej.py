from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.formats.tiff_imagej import _texts

TEXTS = {
    "short": ["a", "", "bc", "µm"],
    "letters of four bytes": ["a", "😀b", "c"],
    "none": [],
}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS)
def test_texts_are_decoded_as_one_by_one(texts: list[str], encoding: str) -> None:
    assert _texts([text.encode(encoding) for text in texts], encoding) == texts


@pytest.mark.parametrize(
    "parts",
    [
        [b"a\0b", b"c\0"],
        [b"\x3d\xd8", b"\x00\xde"],
        [b"\x00\xdc", b"a\0"],
        [b"\x3d\xd8", b"a\0"],
    ],
)
def test_damaged_texts_are_decoded_as_one_by_one(parts: list[bytes]) -> None:
    assert _texts(parts, "utf-16-le") == [part.decode("utf-16-le", "replace") for part in parts]


def test_labels_of_planes(tmp_path: Path) -> None:
    """Times, depths and channels of different numbers: each label stays with its plane."""
    path = tmp_path / "a.tif"
    labels = [f"c:{c + 1}/3 z:{z + 1}/4 t:{t + 1}/2 - dye {c}" for t, z, c in np.ndindex(2, 4, 3)]
    data = np.zeros((2, 4, 3, 5, 6), "u2")
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": "TZCYX", "Labels": labels})
    with open_ome_zarr(path) as position:
        assert position.channel_names == ["dye 0", "dye 1", "dye 2"]
        frames = position.frame_metadata
    for frame in frames:
        t, c, z = (frame[axis] for axis in "tcz")
        assert frame["label"] == f"c:{c + 1}/3 z:{z + 1}/4 t:{t + 1}/2 - dye {c}"
    assert len(frames) == 24
