from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from iohub import open_ome_zarr, read_images
from iohub.errors import FormatError, MissingFramesWarning, NotFoundError
from iohub.formats import pictures, tiff_sequence
from iohub.nodes.plate import Plate
from iohub.nodes.series import Series
from iohub.testing.adapters import AdapterSuite
from iohub.testing.examples import Example, Image


def noise(shape: tuple[int, ...], dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 250, shape).astype(dtype)


def write_planes(folder: Path) -> Example:
    """A file for each plane; the first one says how large its pixels are."""
    pixels = noise((2, 3, 20, 30))
    for c, z in np.ndindex(2, 3):
        path = folder / f"E99_C{c + 1}11_ZS{z:03}.tif"
        tifffile.imwrite(path, pixels[c, z], resolution=(20000, 20000), resolutionunit=3)
    units = {"z": None, "y": "micrometer", "x": "micrometer"}
    names, scale = ["C111", "C211"], (1, 1, 1, 0.5, 0.5)
    image = Image(pixels[None], channel_names=names, scale=scale, units=units)
    path = folder / "E99_C<111,211>_ZS<000-002>.tif"
    return Example(path, {"": image}, truncatable=["E99_C111_ZS000.tif"])


def write_stacks(folder: Path) -> Example:
    """A hyperstack of ImageJ for each time point of each position."""
    pixels = noise((2, 3, 4, 2, 16, 12))  # p, t, z, c
    for p, t in np.ndindex(2, 3):
        about = {"axes": "ZCYX"}
        tifffile.imwrite(folder / f"site{p}_t{t}.tif", pixels[p, t], imagej=True, metadata=about)
    images = {f"site{p}": Image(pixels[p].transpose(0, 2, 1, 3, 4)) for p in range(2)}
    return Example(folder / "site*_t*.tif", images, "Series", ["site0_t0.tif"])


def write_plate(folder: Path) -> Example:
    """Wells and channels, by a file with the pattern."""
    pixels = noise((2, 2, 3, 10, 12), "uint8")
    names = ["BF", "GFP", "DAPI"]
    for row, column, c in np.ndindex(2, 2, 3):
        path = folder / f"well_{'AB'[row]}{column + 1:02}_{names[c]}.tif"
        tifffile.imwrite(path, pixels[row, column, c], compression="zlib")
    path = folder / "plate.pattern"
    path.write_text("well_<A-B><01-02>_<BF,GFP,DAPI>.tif\n")
    images = {
        f"{'AB'[row]}/{column + 1}/0": Image(
            pixels[row, column][None, :, None], channel_names=names
        )
        for row, column in np.ndindex(2, 2)
    }
    return Example(path, images, "Plate", ["well_A01_BF.tif"])


class TestTiff(AdapterSuite):
    adapter = tiff_sequence
    examples: ClassVar[Any] = {
        "planes": write_planes,
        "stacks": write_stacks,
        "plate": write_plate,
    }


def write_picture(folder: Path) -> Example:
    pixels = noise((20, 30, 3), "uint8")
    Picture.fromarray(pixels).save(folder / "one.png")
    image = Image(np.moveaxis(pixels, -1, 0)[None, :, None], channel_names=["Red", "Green", "Blue"])
    return Example(folder / "one.png", {"": image})


def write_pictures(folder: Path) -> Example:
    """A time series of 16 bit."""
    pixels = noise((3, 16, 12))
    for t in range(3):
        Picture.fromarray(pixels[t]).save(folder / f"t{t}.png")
    image = Image(pixels[:, None, None], units={"t": None, "y": None, "x": None})
    return Example(folder / "t{t}.png", {"": image}, truncatable=["t0.png"])


class TestPictures(AdapterSuite):
    adapter = pictures
    examples: ClassVar[Any] = {"one": write_picture, "times": write_pictures}


def test_files_that_are_missing(tmp_path: Path) -> None:
    example = write_planes(tmp_path)
    (tmp_path / "E99_C211_ZS001.tif").unlink()
    with pytest.warns(MissingFramesWarning, match="5 of 6 files"):
        node = open_ome_zarr(example.path)
    want = example.images[""].pixels.copy()
    want[0, 1, 1] = 0
    with node:
        np.testing.assert_array_equal(node["0"][...], want)
        assert node.acquisition.missing == 1


def test_the_first_file_is_missing(tmp_path: Path) -> None:
    example = write_planes(tmp_path)
    (tmp_path / "E99_C111_ZS000.tif").unlink()
    with pytest.warns(MissingFramesWarning):
        node = open_ome_zarr(example.path)
    want = example.images[""].pixels.copy()
    want[0, 0, 0] = 0
    with node:
        np.testing.assert_array_equal(node["0"][...], want)


def test_one_file_of_another_size(tmp_path: Path) -> None:
    example = write_planes(tmp_path)
    tifffile.imwrite(tmp_path / "E99_C211_ZS001.tif", noise((5, 6)))
    with open_ome_zarr(example.path) as node, pytest.raises(FormatError, match="C211_ZS001"):
        node["0"][0, 1, 1]


@pytest.mark.parametrize("pattern", ["x<0-3>.tif", "x*.tif", "x{t}.tif"])
def test_nothing_matches(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        open_ome_zarr(tmp_path / pattern)


def test_a_file_that_is_named_like_a_pattern(tmp_path: Path) -> None:
    """What exists is taken as it is."""
    pixels = noise((8, 9))
    tifffile.imwrite(tmp_path / "a<0-1>.tif", pixels)
    with open_ome_zarr(tmp_path / "a<0-1>.tif") as node:
        np.testing.assert_array_equal(node["0"][0, 0, 0], pixels)


def test_stacks_side_by_side(tmp_path: Path) -> None:
    """Files along z that are stacks along z: one after the other."""
    pixels = noise((6, 8, 9))
    for n in range(3):
        stack = pixels[2 * n : 2 * n + 2]
        tifffile.imwrite(tmp_path / f"x_z{n}.tif", stack, photometric="minisblack")
    with open_ome_zarr(tmp_path / "x_z<0-2>.tif") as node:
        np.testing.assert_array_equal(node["0"][0, 0], pixels)


def test_channels_of_files_and_of_names(tmp_path: Path) -> None:
    pixels = noise((2, 8, 9, 3), "uint8")
    for n, name in enumerate(["one", "two"]):
        tifffile.imwrite(tmp_path / f"x_{name}.tif", pixels[n], photometric="rgb")
    with open_ome_zarr(tmp_path / "x_<one,two>.tif") as node:
        assert node.channel_names[:4] == ["one Red", "one Green", "one Blue", "two Red"]
        np.testing.assert_array_equal(
            node["0"][0, :, 0], np.moveaxis(pixels, -1, 1).reshape(6, 8, 9)
        )


def test_read_images(tmp_path: Path) -> None:
    with read_images(write_stacks(tmp_path).path) as images:
        assert [name for name, _ in images] == ["site0", "site1"]


def test_kinds(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with open_ome_zarr(write_plate(tmp_path / "a").path) as plate:
        assert isinstance(plate, Plate)
    with open_ome_zarr(write_stacks(tmp_path / "b").path) as series:
        assert isinstance(series, Series)


@pytest.mark.parametrize(
    ("mode", "want"),
    [("L", (1, "u1")), ("1", (1, "?")), ("RGBA", (4, "u1")), ("P", (3, "u1")), ("LA", (4, "u1"))],
)
def test_modes_of_pictures(mode: str, want: Any, tmp_path: Path) -> None:
    picture = Picture.fromarray(noise((8, 9, 3), "uint8")).convert(mode)
    picture.save(tmp_path / "x.png")
    with open_ome_zarr(tmp_path / "x.png") as node:
        assert (node["0"].shape[1], node["0"].dtype) == (want[0], np.dtype(want[1]))
        turned = {"P": "RGB", "LA": "RGBA"}.get(mode)
        inside = picture if turned is None else picture.convert(turned)
        pixels = np.asarray(inside)
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        np.testing.assert_array_equal(node["0"][0, :, 0], np.moveaxis(pixels, -1, 0))


def test_jpeg(tmp_path: Path) -> None:
    Picture.fromarray(noise((8, 9), "uint8")).save(tmp_path / "x.jpg")
    with open_ome_zarr(tmp_path / "x.jpg") as node, Picture.open(tmp_path / "x.jpg") as picture:
        np.testing.assert_array_equal(node["0"][0, 0, 0], np.asarray(picture))


def test_colors_that_pillow_would_cut(tmp_path: Path) -> None:
    """It reads 8 of their 16 bits, and says nothing."""
    import struct
    import zlib

    def part(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = part(b"IHDR", struct.pack(">2I5B", 2, 1, 16, 2, 0, 0, 0))
    body = part(b"IDAT", zlib.compress(b"\0" + bytes(range(12)))) + part(b"IEND", b"")
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + body)
    with pytest.raises(FormatError, match="16 bit"):
        open_ome_zarr(tmp_path / "x.png")


def test_the_command_line(tmp_path: Path) -> None:
    """`iohub info` takes a pattern, and counts its files."""
    from click.testing import CliRunner

    from iohub.cli import main

    done = CliRunner().invoke(main, ["info", str(write_planes(tmp_path).path)])
    assert done.exit_code == 0, done.output
    assert "in 6 files" in done.output
    done = CliRunner().invoke(main, ["info", str(tmp_path / "none<0-1>.tif")])
    assert "no such file" in done.output
