"""OME-TIFFs that we write: pixels, levels and metadata as other readers and our own see them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.errors import (
    ArgumentError,
    AxisError,
    DTypeError,
    ExistsError,
    PyramidError,
    ShapeError,
)
from iohub.formats.images import Channel, ImageSource
from iohub.formats.ome_tiff_write import write_ome_tiff
from iohub.pyramids.reduce import reduce
from tests.formats.images_to_write import SHAPE, WELLS, Pixels, image, noise, schema_problems


@pytest.mark.parametrize("compression", ["zlib", "lzw", "zstd", "jpeg2000", None])
@pytest.mark.parametrize("tile", [None, 32])
def test_every_compression_reads_back_equal(tmp_path, compression, tile):
    path = tmp_path / "a.ome.tif"
    write_ome_tiff([image()], path, compression=compression, tile=tile)
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert file.series[0].axes == "TCZYX"
        np.testing.assert_array_equal(file.series[0].asarray(), noise())
    with open_ome_zarr(path) as position:
        np.testing.assert_array_equal(position["0"][:], noise())
    assert os.listdir(tmp_path) == ["a.ome.tif"]


def test_a_level_makes_no_compression_lose_pixels(tmp_path):
    """That of JPEG 2000 would be a quality."""
    path = tmp_path / "a.ome.tif"
    write_ome_tiff([image()], path, compression="jpeg2000", compression_level=6)
    np.testing.assert_array_equal(tifffile.imread(path), noise())


@pytest.mark.parametrize("memory", [1, 200_000, 2**29])
def test_levels_are_subifds_however_little_memory_there_is(tmp_path, memory):
    source = image()
    path = tmp_path / "a.ome.tif"
    write_ome_tiff([source], path, levels=3, reduce=reduce, tile=16, max_memory=memory)
    expected = noise()
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 30
        assert len(file.series[0].levels) == 3
        for level in file.series[0].levels:
            np.testing.assert_array_equal(level.asarray(), expected)
            expected = reduce(expected, (1, 1, 1, 2, 2))
    with open_ome_zarr(path) as position:
        assert [level.shape[-2:] for level in position.values()] == [(70, 90), (35, 45), (18, 23)]
    if memory > 1:  # a band at a time asks for a chunk again
        assert len(source.levels[0].read) == 30


def test_chunks_of_several_planes_are_read_once(tmp_path):
    pixels = Pixels(noise(), (1, 2, 5, 70, 90))
    write_ome_tiff([ImageSource("a", "tczyx", [pixels])], tmp_path / "a.ome.tif")
    assert len(pixels.read) == 3
    runs = Pixels(noise(), (1, 1, 3, 70, 90))
    write_ome_tiff([ImageSource("a", "tczyx", [runs])], tmp_path / "b.ome.tif")
    assert len(runs.read) == 12


def test_levels_of_the_source_are_copied_if_only_y_and_x_shrink(tmp_path):
    top = noise()
    own = top[..., ::2, ::2]  # not what reduce makes
    source = ImageSource("a", "tczyx", [Pixels(top), Pixels(own)])
    assert write_ome_tiff([source], tmp_path / "a.ome.tif", reduce=reduce).notes == ()
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        np.testing.assert_array_equal(file.series[0].levels[1].asarray(), own)
    volume = ImageSource("a", "tczyx", [Pixels(top), Pixels(top[:, :, ::2, ::2, ::2])])
    made = write_ome_tiff([volume], tmp_path / "b.ome.tif", reduce=reduce)
    assert "made anew" in made.notes[0]
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as file:
        np.testing.assert_array_equal(
            file.series[0].levels[1].asarray(), reduce(top, (1, 1, 1, 2, 2))
        )
    left = write_ome_tiff([volume], tmp_path / "c.ome.tif")
    assert "left out" in left.notes[0]
    with tifffile.TiffFile(tmp_path / "c.ome.tif") as file:
        assert len(file.series[0].levels) == 1


@pytest.mark.parametrize("axes", ["yx", "zyx", "cyx", "tyx", "czyx", "tzyx", "zcyx", "xy"])
def test_other_axes(tmp_path, axes):
    sizes = dict(zip("tczyx", SHAPE, strict=True))
    pixels = noise(tuple(sizes[axis] for axis in axes))
    write_ome_tiff([image(pixels, axes)], tmp_path / "a.ome.tif")
    present = [axes.index(axis) for axis in "tczyx" if axis in axes]
    shape = [sizes[axis] if axis in axes else 1 for axis in "tczyx"]
    with open_ome_zarr(tmp_path / "a.ome.tif") as position:
        np.testing.assert_array_equal(position["0"][:], pixels.transpose(present).reshape(shape))


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", ">u2", "i4", "u4", "f4", "f8", "c8", "c16"])
def test_data_types_of_ome_are_kept(tmp_path, dtype):
    pixels = noise((2, 20, 30), dtype)
    write_ome_tiff([image(pixels, "zyx")], tmp_path / "a.ome.tif")
    read = tifffile.imread(tmp_path / "a.ome.tif")
    assert read.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize(
    ("dtype", "stored"), [("?", "u1"), ("f2", "f4"), ("i8", "i4"), ("u8", "u4")]
)
def test_other_data_types_keep_their_values(tmp_path, dtype, stored):
    pixels = noise((2, 20, 30), dtype)
    made = write_ome_tiff([image(pixels, "zyx")], tmp_path / "a.ome.tif")
    assert f"stored as {np.dtype(stored)}" in made.notes[0]
    read = tifffile.imread(tmp_path / "a.ome.tif")
    assert read.dtype == stored
    np.testing.assert_array_equal(read, pixels)


def test_values_that_do_not_fit_are_refused_and_leave_nothing(tmp_path):
    pixels = noise((2, 20, 30), "i8")
    pixels[1, 3, 4] = 2**40
    with pytest.raises(DTypeError, match=str(2**40)):
        write_ome_tiff([image(pixels, "zyx")], tmp_path / "a.ome.tif")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("count", [3, 4])
def test_colours_become_samples_of_one_plane(tmp_path, count):
    pixels = noise((2, count, 5, 70, 90), "u1")
    names = ["Red", "Green", "Blue", "Alpha"][:count]
    source = image(pixels, channels=[Channel(name) for name in names])
    for compression in ("zlib", "lzw", None):
        write_ome_tiff(
            [source], tmp_path / "a.ome.tif", levels=2, reduce=reduce, compression=compression,
            overwrite=True,
        )  # fmt: skip
        with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
            assert file.series[0].axes == "TZYXS"
            expected = pixels.transpose(0, 2, 3, 4, 1)
            np.testing.assert_array_equal(file.series[0].asarray(), expected)
            assert schema_problems(file.ome_metadata) == []
        with open_ome_zarr(tmp_path / "a.ome.tif") as position:
            np.testing.assert_array_equal(position["0"][:], pixels)
            np.testing.assert_array_equal(position["1"][:], reduce(pixels, (1, 1, 1, 2, 2)))
            assert position.channel_names == names
    write_ome_tiff([source], tmp_path / "b.ome.tif", rgb=False)
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as file:
        assert file.series[0].axes == "TCZYX"


def test_a_set_of_files_can_be_used_alone_or_together(tmp_path):
    images = [image(noise() + i, name="a/b", well=well) for i, well in enumerate(WELLS)]
    made = write_ome_tiff(images, tmp_path / "set", split=True)
    assert sorted(os.listdir(tmp_path / "set")) == sorted(map(os.path.basename, made.files))
    assert len(made.files) == 4
    for i, file in enumerate(made.files[1:]):
        with tifffile.TiffFile(file) as one:
            np.testing.assert_array_equal(one.series[0].asarray(), noise() + i)
    with open_ome_zarr(tmp_path / "set" / "set.companion.ome") as plate:
        assert [key for key, _ in plate.positions()] == ["A/1/0", "A/1/1", "AB/12/0"]
        for i, (_, position) in enumerate(plate.positions()):
            np.testing.assert_array_equal(position["0"][:], noise() + i)
    assert schema_problems(Path(made.files[0]).read_text()) == []
    with pytest.raises(ExistsError, match="set"):
        write_ome_tiff(images, tmp_path / "set", split=True, overwrite=True)


def test_images_of_one_file_follow_each_other(tmp_path):
    images = [image(noise((2, 20, 30)), "zyx", name="a"), image(noise((3, 4, 16, 8)), "tzyx")]
    write_ome_tiff(images, tmp_path / "a.ome.tif", levels=2, reduce=reduce)
    with open_ome_zarr(tmp_path / "a.ome.tif") as series:
        shapes = [position["0"].shape for _, position in series.positions()]
        assert shapes == [(1, 1, 2, 20, 30), (3, 1, 4, 16, 8)]


def test_big_files_are_bigtiff(tmp_path, monkeypatch):
    for name, big in (("a.ome.tif", False), ("a.ome.tf8", True)):
        write_ome_tiff([image()], tmp_path / name)
        with tifffile.TiffFile(tmp_path / name) as file:
            assert file.is_bigtiff == big
    monkeypatch.setattr("iohub.formats.ome_tiff_write._CLASSIC_BYTES", 1000)
    write_ome_tiff([image()], tmp_path / "b.ome.tif")
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as file:
        assert file.is_bigtiff


def test_tiles_are_no_larger_than_planes(tmp_path):
    write_ome_tiff([image()], tmp_path / "a.ome.tif", levels=2, reduce=reduce)
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert file.pages[0].tile == (80, 96)
        assert file.series[0].levels[1].keyframe.tile == (48, 48)


def test_uncompressed_planes_are_whole(tmp_path):
    write_ome_tiff([image()], tmp_path / "a.ome.tif", compression=None)
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert all(page.is_memmappable for page in file.pages)


@pytest.mark.parametrize(
    ("source", "options", "error"),
    [
        (image(), {"compression": "zip"}, ArgumentError),
        (image(), {"compression": 7}, ArgumentError),
        (image(), {"compression_level": 10}, ArgumentError),
        (image(), {"tile": 100}, ArgumentError),
        (image(), {"tile": (16, 16, 16)}, ArgumentError),
        (image(), {"levels": 2}, PyramidError),
        (image(), {"rgb": True}, ShapeError),
        (image(noise((2, 0, 4)), "zyx"), {}, ShapeError),
        (image(noise((2, 3, 4)), "ayx"), {}, AxisError),
        (image(noise((2, 3, 4)), "czt"), {}, AxisError),
        (image(noise((2, 3, 4)), "yx"), {}, AxisError),
        (image(noise((2, 3)).astype("f4"), "yx"), {"compression": "jpeg2000"}, DTypeError),
        (image(noise((2, 3)).astype("M8[s]"), "yx"), {}, DTypeError),
    ],
)
def test_what_cannot_be_written_is_refused_up_front(tmp_path, source, options, error):
    with pytest.raises(error):
        write_ome_tiff([source], tmp_path / "a.ome.tif", **options)
    assert os.listdir(tmp_path) == []
    assert source.levels[0].read == []


def test_nothing_is_replaced_unless_asked(tmp_path):
    path = tmp_path / "a.ome.tif"
    path.write_bytes(b"mine")
    with pytest.raises(ExistsError, match="overwrite"):
        write_ome_tiff([image()], path)
    assert path.read_bytes() == b"mine"
    write_ome_tiff([image()], path, overwrite=True)
    np.testing.assert_array_equal(tifffile.imread(path), noise())


def test_an_error_while_reading_leaves_what_was_there(tmp_path):
    class Broken(Pixels):
        def chunk(self, index: tuple[int, ...]) -> np.ndarray:
            if index[0] == 2:
                raise OSError("the disk fails")
            return super().chunk(index)

    path = tmp_path / "a.ome.tif"
    path.write_bytes(b"mine")
    source = ImageSource("a", "tczyx", [Broken(noise())])
    with pytest.raises(OSError, match="the disk fails"):
        write_ome_tiff([source], path, overwrite=True, levels=2, reduce=reduce, max_memory=1)
    assert path.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["a.ome.tif"]


def test_a_killed_writer_leaves_no_file_of_that_name(tmp_path):
    code = textwrap.dedent(
        """
        import os, signal, sys
        from iohub.formats.images import ImageSource
        from iohub.formats.ome_tiff_write import write_ome_tiff
        from tests.formats.images_to_write import Pixels, noise

        class Killing(Pixels):
            def chunk(self, index):
                if index[0] == 2:
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().chunk(index)

        write_ome_tiff([ImageSource("a", "tczyx", [Killing(noise())])], sys.argv[1])
        """
    )
    path = tmp_path / "a.ome.tif"
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", code, str(path)], cwd=root, check=False)
    assert killed.returncode == -9
    assert not path.exists()
    (left,) = tmp_path.iterdir()
    os.utime(left, (0, 0))
    write_ome_tiff([image()], path)
    assert os.listdir(tmp_path) == ["a.ome.tif"]


def test_progress_is_what_was_read(tmp_path):
    told: list[int] = []
    write_ome_tiff([image()], tmp_path / "a.ome.tif", progress=told.append)
    assert sum(told) == noise().nbytes
