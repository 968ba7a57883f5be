from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile

from iohub.errors import FormatError
from iohub.formats.tiff_header import TiffStructure

COUNT = 1000


def written(**options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((COUNT, 8, 8), "u1"), photometric="minisblack", **options)
    return file.getvalue()


def opened(raw: bytes) -> tuple[TiffStructure, list[int]]:
    """Return the structure of a file, and the sizes of all that is read of it."""
    sizes: list[int] = []

    def read(offset: int, size: int) -> bytes:
        sizes.append(size)
        return raw[offset : offset + size]

    return TiffStructure(read, "a.tif"), sizes


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_long_chain_is_followed_in_a_few_reads(order: str, big: bool) -> None:
    raw = written(byteorder=order, bigtiff=big)
    structure, sizes = opened(raw)
    assert structure.count() == COUNT
    assert len(sizes) < 20
    with tifffile.TiffFile(io.BytesIO(raw)) as file:
        offsets = [page.offset for page in file.pages]
    assert [structure.page(number).offset for number in range(COUNT)] == offsets


def test_distances_that_change_are_followed() -> None:
    """Directories of one, two or three lengths, in turns of several."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as out:
        for number in range(60):
            more = [(65000 + n, "s", 0, "x" * 20, True) for n in range(number // 7 % 3)]
            out.write(np.zeros((4, 4), "u1"), contiguous=False, metadata=None, extratags=more)
    structure, _ = opened(file.getvalue())
    with tifffile.TiffFile(io.BytesIO(file.getvalue())) as read:
        offsets = [page.offset for page in read.pages]
    assert structure.count() == 60
    assert [structure.page(number).offset for number in range(60)] == offsets


def test_a_circle_at_equal_distances_is_told() -> None:
    """Directories 2 to 6 lie at equal distances; before them comes 8, which they run into."""
    step, places = 18, [8 + 18 * n for n in (5, 0, 1, 2, 3, 4)]
    raw = bytearray(struct.pack("<2sHI", b"II", 42, places[0]) + bytes(6 * step))
    for place, following in zip(places, [*places[1:], places[0]], strict=True):
        raw[place : place + step] = struct.pack("<HHHI4sI", 1, 256, 4, 1, b"abcd", following)
    structure, _ = opened(bytes(raw))
    with pytest.raises(FormatError, match="circle"):
        structure.count()


def test_a_chain_that_was_cut() -> None:
    raw = written()
    with tifffile.TiffFile(io.BytesIO(raw)) as file:
        offsets = [page.offset for page in file.pages]
    assert offsets == sorted(offsets)
    structure, _ = opened(raw[: offsets[500] + 10])
    assert structure.page(499).offset == offsets[499]
    with pytest.raises(FormatError, match="cut"):
        structure.count()
