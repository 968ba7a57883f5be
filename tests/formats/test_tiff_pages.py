from __future__ import annotations

import itertools
import os
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from iohub.errors import ClosedError, FormatError, MissingDependencyError, NotFoundError
from iohub.formats import tiff_layout, tiff_pages
from iohub.formats.tiff_files import TiffFiles
from iohub.formats.tiff_layout import TiffPages
from iohub.formats.tiff_pages import PageReader, PageTable
from iohub.storage import grid
from iohub.storage.virtual_pixels import VirtualPixels

sys.path.insert(0, str(Path(__file__).parent))
from ome_tiff_files import noise

SHAPE = (2, 3, 45, 70)


def write(path: Path, data: np.ndarray, **options: Any) -> Path:
    kinds = {key: options.pop(key) for key in ("bigtiff", "byteorder") if key in options}
    tifffile.imwrite(path, data, metadata=None, **kinds, **options)
    return path


def reader_of(path: Path, shape: tuple[int, ...], **options: Any) -> PageReader:
    pages = TiffPages(TiffFiles([str(path)]))
    return PageReader(pages, PageTable.of_file(shape), **options)


def regions(shape: tuple[int, ...], count: int = 12) -> Iterator[tuple[slice, ...]]:
    """The whole, a page, a row, a column, and some at random."""
    whole = grid.full(shape)
    yield whole
    yield (*(slice(size - 1, size) for size in shape[:-2]), *whole[-2:])
    yield (*whole[:-2], slice(3, 4), whole[-1])
    yield (*whole[:-1], slice(5, 6))
    rng = np.random.default_rng(0)
    for _ in range(count):
        ends = [sorted(rng.choice(size + 1, 2, replace=False).tolist()) for size in shape]
        yield tuple(slice(*pair) for pair in ends)


def check(reader: PageReader, wanted: np.ndarray) -> None:
    assert (reader.shape, reader.dtype) == (wanted.shape, wanted.dtype)
    found = VirtualPixels(reader, "a.tif")
    for region in regions(wanted.shape):
        np.testing.assert_array_equal(found.read(region), wanted[region])
        out = np.zeros((2, *wanted[region].shape), wanted.dtype)
        found.read(region, out[1])
        np.testing.assert_array_equal(out[1], wanted[region])
    for index in itertools.product(*map(range, grid.grid_shape(reader.shape, reader.chunks))):
        region = grid.unit_region(index, reader.shape, reader.chunks)
        np.testing.assert_array_equal(reader.chunk(index), wanted[region])


LAYOUTS = [
    {},
    {"rowsperstrip": 8},
    {"tile": (32, 16)},
    {"compression": "zlib", "rowsperstrip": 8},
    {"compression": "zlib", "tile": (32, 16), "predictor": True},
    {"compression": "lzw"},
]


@pytest.mark.parametrize("options", LAYOUTS, ids=lambda options: "-".join(map(str, options)))
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_pages(tmp_path: Path, options: dict[str, Any], order: str, dtype: str) -> None:
    data = noise(SHAPE, dtype)
    path = write(tmp_path / "a.tif", data, byteorder=order, photometric="minisblack", **options)
    check(reader_of(path, SHAPE[:2]), data)


@pytest.mark.parametrize("options", LAYOUTS, ids=lambda options: "-".join(map(str, options)))
@pytest.mark.parametrize("kind", ["contig", "separate"])
@pytest.mark.parametrize("dtype", ["uint8", ">u2"])
def test_samples(tmp_path: Path, options: dict[str, Any], kind: str, dtype: str) -> None:
    data = noise((2, 3, 3, 45, 70), dtype)
    stored = data if kind == "separate" else np.moveaxis(data, 2, -1)
    more = {
        "photometric": "rgb",
        "planarconfig": kind,
        "byteorder": dtype[0] if dtype[0] == ">" else "<",
    }
    path = write(tmp_path / "a.tif", stored, **more, **options)
    wanted = data.astype(data.dtype.newbyteorder("=")).reshape(2, 9, 45, 70)
    check(reader_of(path, (2, 3), sample_axis=1), wanted)
    one = {"sample_axis": 0}
    check(reader_of(path, (6,), **one), wanted.reshape(18, 45, 70))
    with pytest.raises(FormatError, match="3 samples"):
        reader_of(path, (2, 3))


@pytest.mark.parametrize("dtype", ["bool", "float16", "uint64", "complex64"])
def test_types(tmp_path: Path, dtype: str) -> None:
    data = noise(SHAPE, dtype) if dtype != "bool" else noise(SHAPE) > 100
    check(reader_of(write(tmp_path / "a.tif", data, photometric="minisblack"), SHAPE[:2]), data)


def test_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles, pages, and strips of pages that are too large for one chunk."""
    monkeypatch.setattr(tiff_pages, "_CHUNK", 40 * 100)
    monkeypatch.setattr(tiff_pages, "_PLAIN_CHUNK", 60 * 100)
    data = noise((90, 100), "uint8")
    for options, wanted in (
        ({"compression": "zlib", "rowsperstrip": 16}, (32, 100)),
        ({"compression": "zlib", "rowsperstrip": 90}, (90, 100)),
        ({"rowsperstrip": 16}, (48, 100)),
        ({"tile": (16, 32)}, (16, 32)),
        ({"tile": (128, 128)}, (90, 100)),
    ):
        reader = reader_of(write(tmp_path / "a.tif", data, **options), ())
        assert reader.chunks == wanted
        check(reader, data)


def test_only_what_a_region_touches_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = noise((2, 64, 96), "uint8")
    numbers = []
    original = tiff_layout.read_segment

    def counting(files: Any, page: Any, number: int) -> Any:
        numbers.append(number)
        return original(files, page, number)

    monkeypatch.setattr(tiff_pages, "read_segment", counting)
    options = {"tile": (32, 32), "compression": "zlib", "photometric": "minisblack"}
    found = VirtualPixels(reader_of(write(tmp_path / "a.tif", data, **options), (2,)), "a.tif")
    found.read((slice(1, 2), slice(40, 50), slice(30, 40)))
    assert sorted(numbers) == [3, 4]
    found.read((slice(1, 2), slice(41, 42), slice(31, 33)))
    assert len(numbers) == 2, "kept in the pool"
    found.read(grid.full((2, 64, 96)))
    assert len(numbers) == 2 + 12


def test_levels(tmp_path: Path) -> None:
    data = noise((2, 64, 96), "uint8")
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as out:
        for plane in data:
            out.write(plane, subifds=1, metadata=None)
            out.write(plane[::2, ::2], subfiletype=1, metadata=None)
    check(reader_of(path, (2,)), data)
    check(reader_of(path, (2,), level=1), data[:, ::2, ::2])
    assert TiffPages(TiffFiles([str(path)])).levels(0, 1) == 2
    with pytest.raises(FormatError, match="lower resolutions"):
        reader_of(path, (2,), level=2)


def test_planes_behind_the_only_directory(tmp_path: Path) -> None:
    """As in stacks of ImageJ that are larger than 4 GiB."""
    data = noise((4, 20, 30))
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, data, truncate=True, photometric="minisblack", byteorder=">")
    pages = TiffPages(TiffFiles([str(path)]))
    table = PageTable(np.zeros(4, int), np.zeros(4, int), np.arange(4))
    check(PageReader(pages, table), data)
    table = PageTable(np.zeros(5, int), np.zeros(5, int), np.arange(5))
    with pytest.raises(FormatError, match=r"a\.tif ends within its pixels"):
        PageReader(pages, table).chunk((4, 0, 0))


def test_planes_that_were_not_written(tmp_path: Path) -> None:
    data = noise((3, 20, 30))
    path = write(tmp_path / "a.tif", data, photometric="minisblack")
    pages = TiffPages(TiffFiles([str(path)]))
    table = PageTable(np.array([-1, 0, -1, 0]), np.array([0, 2, 0, 0]))
    wanted = np.stack([np.full((20, 30), 7), data[2], np.full((20, 30), 7), data[0]])
    check(PageReader(pages, table, fill=7), wanted.astype("uint16"))
    with pytest.raises(FormatError, match="no page of this image"):
        PageReader(pages, PageTable(np.full(2, -1), np.zeros(2, int)))


def test_tiles_that_the_file_leaves_out(tmp_path: Path) -> None:
    data = np.zeros((32, 32), "uint8")
    data[:16, 16:] = 5
    path = tmp_path / "a.tif"
    tiles = (zlib.compress(data[:16, 16:].tobytes()) if n == 1 else b"" for n in range(4))
    tifffile.imwrite(
        path, tiles, shape=(32, 32), dtype="uint8", tile=(16, 16), compression="zlib", metadata=None
    )
    check(reader_of(path, ()), data)


# ---- pages that differ ------------------------------------------------------------------------


def test_pages_may_be_made_differently(tmp_path: Path) -> None:
    data = noise((4, 40, 50))
    path = tmp_path / "a.tif"
    options: list[dict[str, Any]] = [{}, {"compression": "zlib"}, {"tile": (16, 16)}, {}]
    with tifffile.TiffWriter(path) as out:
        for plane, each in zip(data, options, strict=True):
            out.write(plane, metadata=None, contiguous=False, **each)
    check(reader_of(path, (4,)), data)


@pytest.mark.parametrize("other", [noise((40, 51)), noise((40, 50), "uint8")])
def test_pages_of_one_image_have_one_size_and_type(tmp_path: Path, other: np.ndarray) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as out:
        for plane in (noise((40, 50)), other):
            out.write(plane, metadata=None)
    reader = reader_of(path, (2,))
    reader.chunk((0, 0, 0))
    with pytest.raises(FormatError, match=r"page 2 of .*a\.tif has 40 × .*the others"):
        reader.chunk((1, 0, 0))


# ---- files ------------------------------------------------------------------------------------


def test_many_files(tmp_path: Path) -> None:
    """More than may be open at once, read by several threads."""
    data = noise((150, 8, 9))
    for number, plane in enumerate(data):
        write(tmp_path / f"{number}.tif", plane)
    files = TiffFiles([str(tmp_path / f"{number}.tif") for number in range(150)])
    table = PageTable(np.arange(150), np.zeros(150, int))
    reader = PageReader(TiffPages(files), table)
    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(lambda _: reader.region(grid.full(reader.shape), None), range(4)):
            np.testing.assert_array_equal(found, data)
    assert len(files._open) <= 64
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 64
    held = len(files._open)
    files.close()
    assert files._open == {}
    if os.path.isdir("/proc/self/fd"):
        assert len(os.listdir("/proc/self/fd")) == before - held
    with pytest.raises(ClosedError):
        reader.chunk((0, 0, 0))


def test_closing_waits_for_readers(tmp_path: Path) -> None:
    files = TiffFiles([str(write(tmp_path / "a.tif", noise((8, 9))))])
    held = files._take(0)
    files.close()
    assert os.pread(held.descriptor, 2, 0) == b"II"
    files._give(held)
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(held.descriptor)


def test_missing_and_wrong_files(tmp_path: Path) -> None:
    other = tmp_path / "b.tif"
    other.write_bytes(b"text of no kind at all")
    files = TiffFiles([str(tmp_path / "a.tif"), str(other)], "the set")
    with pytest.raises(NotFoundError, match=r"a\.tif is missing; the set names it"):
        files.structure(0)
    with pytest.raises(FormatError, match=r"b\.tif is no TIFF"):
        files.structure(1)


def test_damaged_pixels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", noise((40, 50)), compression="zlib")
    with tifffile.TiffFile(path) as file:
        offset = file.pages.first.dataoffsets[0]
    raw = bytearray(path.read_bytes())
    raw[offset : offset + 8] = bytes(8)
    path.write_bytes(raw)
    with pytest.raises(FormatError, match=r"a\.tif"):
        reader_of(path, ()).chunk((0, 0))


def test_missing_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.tif", noise((40, 50)), compression="lzw")
    reader = reader_of(path, ())

    def decode(*_: Any, **__: Any) -> None:
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tiff_layout, "have", lambda name: False)
    object.__setattr__(reader._layout, "decode", decode)
    with pytest.raises(MissingDependencyError, match=r"iohub\[tiff\]"):
        reader.chunk((0, 0))


def test_sizes_that_no_file_can_hold(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", noise((40, 50)), compression="zlib")
    raw = path.read_bytes()
    with tifffile.TiffFile(path) as file:
        tags = [
            file.pages.first.tags[name] for name in ("ImageWidth", "ImageLength", "RowsPerStrip")
        ]
    data = bytearray(raw)
    for tag in tags:
        data[tag.valueoffset : tag.valueoffset + 4] = b"\xff\xff\xff\0"
        data[tag.offset + 2 : tag.offset + 4] = b"\4\0"
    path.write_bytes(data)
    with pytest.raises(FormatError, match="damaged"):
        reader_of(path, ())


IMAGEJ: dict[str, tuple[tuple[int, ...], str, dict[str, Any]]] = {
    "a stack": ((6, 9, 7), "u2", {}),
    "bytes": ((6, 9, 7), "u1", {}),
    "floats": ((6, 9, 7), "f4", {}),
    "big-endian": ((6, 9, 7), "u2", {"byteorder": ">"}),
    "strips": ((6, 9, 7), "u2", {"rowsperstrip": 4}),
    "colors": ((6, 9, 7, 3), "u1", {}),
    "compressed": ((6, 9, 7), "u2", {"compression": "zlib"}),
}


@pytest.mark.parametrize("kind", IMAGEJ)
def test_pages_of_imagej_are_made_as_tifffile_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    shape, dtype, options = IMAGEJ[kind]
    path, data = tmp_path / "a.tif", noise(shape, dtype)
    axes = "ZYXS"[: len(shape)]
    tifffile.imwrite(
        path, data, imagej=True, metadata={"axes": axes, "Labels": list("abcdef")}, **options
    )
    files = TiffFiles([str(path)])
    with files.library(0) as tiff:
        expected = tiff_layout._layout_of(tiff, tiff.pages.first.offset, "a.tif")
    asked: list[int] = []
    library = files.library
    monkeypatch.setattr(files, "library", lambda file: asked.append(file) or library(file))
    page = TiffPages(files).page(0, 0)
    assert len(asked) == ("compression" in options)
    for name in ("shape", "dtype", "segment", "separate", "tiled", "plain", "stored"):
        assert getattr(page.layout, name) == getattr(expected, name), name
    _, pixels = tiff_layout.read_segment(files, page, 0)  # tifffile is asked now
    high = page.layout.segment[0]
    first = data[0, :high] if len(shape) == 4 else data[0, :high, :, None]
    np.testing.assert_array_equal(pixels, first.transpose(2, 0, 1))
    files.close()
