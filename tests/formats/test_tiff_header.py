from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from iohub.errors import FormatError
from iohub.formats.tiff_header import TiffStructure, peek

PAGE = np.arange(12, dtype="uint8").reshape(3, 4)


def structure_of(raw: bytes) -> TiffStructure:
    return TiffStructure(lambda offset, size: raw[offset : offset + size], "a.tif")


def tiff(pages: int = 1, **options: Any) -> bytes:
    file = io.BytesIO()
    kinds = {key: options.pop(key) for key in ("bigtiff", "byteorder") if key in options}
    with tifffile.TiffWriter(file, **kinds) as out:
        for _ in range(pages):
            out.write(PAGE, metadata=None, contiguous=False, **options)
    return file.getvalue()


@pytest.mark.parametrize("big", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_peek(tmp_path: Path, big: bool, order: str) -> None:
    path = tmp_path / "a.tif"
    tags = [(51123, "s", 0, '{"a": 1}', True), (51124, "B", 3, b"abc", True)]
    options = {"description": "µm".encode(), "software": "me", "extratags": tags}
    path.write_bytes(tiff(bigtiff=big, byteorder=order, resolution=(4, 1), **options))
    header = peek(path)
    assert header is not None
    assert (header.big, header.order) == (big, order)
    assert (header.description, header.software) == ("µm", "me")
    assert header.tags[51123] == '{"a": 1}'
    assert header.tags[51124] == tuple(b"abc")
    assert header.tags[256] == (4,)
    assert header.tags[282] == (4.0,)
    assert header.head == path.read_bytes()[:4096]


def test_peek_reads_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short file that tifffile wrote takes one read, and of a long text only the beginning."""
    sizes: list[int] = []

    class Counting(io.FileIO):
        def read(self, size: int = -1) -> bytes:
            sizes.append(size)
            return super().read(size)

    monkeypatch.setattr("builtins.open", lambda path, *_, **__: Counting(path))
    path = tmp_path / "a.tif"
    for length, limit in ((300, 4096), (300_000, 4096 + (1 << 16) + 100)):
        path.write_bytes(tiff(description=b"x" * length))
        sizes.clear()
        header = peek(path)
        assert header is not None
        assert header.description == "x" * min(length, 1 << 16)
        assert sum(sizes) <= limit


@pytest.mark.parametrize("raw", [b"", b"II", b"II*\0", b"GIF89a" * 10, b"II*\0" + b"\xff" * 20])
def test_what_is_no_tiff(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(raw)
    assert peek(path) is None
    assert peek(tmp_path) is None
    assert peek(tmp_path / "absent") is None


def test_a_text_that_was_cut_within_a_letter(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(description=b"x" + "µ".encode() * 50_000))
    header = peek(path)
    assert header is not None
    assert header.description == "x" + "µ" * ((1 << 16) // 2 - 1)


@pytest.mark.parametrize("big", [True, False])
def test_pages(big: bool) -> None:
    raw = tiff(5, bigtiff=big)
    structure = structure_of(raw)
    with tifffile.TiffFile(io.BytesIO(raw)) as file:
        offsets = [page.offset for page in file.pages]
    assert [structure.page(number).offset for number in (3, 0, 4)] == [
        offsets[number] for number in (3, 0, 4)
    ]
    assert structure.count() == 5
    with pytest.raises(FormatError, match=r"a\.tif ends after 5 pages; page 6"):
        structure.page(5)


def test_lower_resolutions() -> None:
    structure = structure_of(tiff(1, subifds=1))
    page = structure.page(0)
    assert page.entries[330].count == 1
    with pytest.raises(FormatError, match="number 3 is missing"):
        structure.below(page, 2)


def test_directories_in_a_circle() -> None:
    raw = bytearray(tiff(3))
    structure = structure_of(bytes(raw))
    last = structure.page(2)
    at = last.offset + 2 + 12 * len(last.entries)
    raw[at : at + 4] = struct.pack("<I", structure.page(1).offset)
    with pytest.raises(FormatError, match="circle"):
        structure_of(bytes(raw)).count()


def test_directories_that_were_cut() -> None:
    raw = tiff(3)
    offset = structure_of(raw).page(2).offset
    for end in (offset, offset + 1, offset + 20):
        with pytest.raises(FormatError, match="cut"):
            structure_of(raw[:end]).page(2)


def test_values_that_were_cut() -> None:
    raw = tiff(description="x" * 300)
    structure = structure_of(raw[:300])
    with pytest.raises(FormatError, match="value of a tag"):
        structure.raw(structure.page(0).entries[270])


def test_text_is_no_number() -> None:
    structure = structure_of(tiff(description="x"))
    with pytest.raises(FormatError, match="type 2"):
        structure.numbers(structure.page(0).entries[270])
