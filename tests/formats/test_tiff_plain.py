from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.errors import FormatError, MissingFramesWarning
from iohub.formats import tiff_plain
from iohub.nodes.series import Series
from iohub.testing.adapters import AdapterSuite
from iohub.testing.examples import Example, Image

HUMAN = Path(__file__).parents[1] / "data" / "examplehuman"


def noise(shape: tuple[int, ...], dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 250, shape).astype(dtype)


def write_imagej(folder: Path) -> Example:
    """A hyperstack with all that ImageJ notes."""
    pixels = noise((2, 3, 2, 20, 30))  # t, z, c
    greens = np.zeros((3, 256), "u1")
    greens[1] = np.arange(256)
    tifffile.imwrite(
        folder / "ij.tif",
        pixels,
        imagej=True,
        resolution=(1 / 0.65, 1 / 0.5),
        metadata={
            "axes": "TZCYX",
            "spacing": 2.0,
            "finterval": 0.5,
            "unit": "um",
            "mode": "composite",
            "Labels": [
                f"c:{c + 1}/2 z:{z + 1}/3 t:{t + 1}/2 - {'DAPI' if c == 0 else 'GFP'}"
                for t, z, c in np.ndindex(2, 3, 2)
            ],
            "Ranges": [0.0, 100.0, 5.0, 2000.0],
            "LUTs": [255 - greens, greens],
            "Info": "objective: 20x",
        },
    )
    image = Image(
        pixels.transpose(0, 2, 1, 3, 4),
        channel_names=["DAPI", "GFP"],
        scale=(0.5, 1, 2, 0.5, 0.65),
        units={"t": "second", "z": "micrometer", "x": "micrometer"},
        frames=12,
    )
    return Example(folder / "ij.tif", {"": image})


def write_shaped(folder: Path) -> Example:
    """An array of tifffile, compressed, and lower resolutions of it."""
    pixels = noise((2, 3, 64, 48), "float32")
    low = pixels[..., ::2, ::2]
    with tifffile.TiffWriter(folder / "shaped.tiff") as out:
        options: dict[str, Any] = {"compression": "zlib", "tile": (32, 32)}
        options["photometric"] = "minisblack"
        out.write(pixels, subifds=1, metadata={"axes": "TCYX"}, **options)
        out.write(low, subfiletype=1, **options)
    image = Image(pixels[:, :, None], levels=[low[:, :, None]], channel_names=None)
    return Example(folder / "shaped.tiff", {"": image})


def write_pages(folder: Path) -> Example:
    """Pages without any description, in colors; the second size is an image of its own."""
    large, small = noise((3, 20, 30, 3), "uint8"), noise((8, 9))
    with tifffile.TiffWriter(folder / "pages.tif", bigtiff=True, byteorder=">") as out:
        for page in large:
            out.write(page, photometric="rgb", metadata=None, contiguous=False)
        out.write(small, metadata=None)
    names = ["Red", "Green", "Blue"]
    images = {
        "0": Image(np.moveaxis(large, -1, 0)[None], channel_names=names),
        "1": Image(small[None, None, None]),
    }
    return Example(folder / "pages.tif", images, "Series")


class TestSuite(AdapterSuite):
    adapter = tiff_plain
    examples: ClassVar[Any] = {
        "imagej": write_imagej,
        "shaped": write_shaped,
        "pages": write_pages,
    }


def test_imagej(tmp_path: Path) -> None:
    with open_ome_zarr(write_imagej(tmp_path).path) as node:
        _, two = node.metadata.omero.channels
        assert two.color == "00FF00"
        assert two.window == {"start": 5, "end": 2000, "min": 0, "max": 2047}
        record = node.acquisition
        assert record.source == "ImageJ 1.11a"
        assert record.summary["Info"] == "objective: 20x"
        assert record.time_increment == 0.5
        rows = node.frame_metadata
        assert rows[4] == {"t": 0, "c": 1, "z": 1, "label": "c:2/2 z:2/3 t:1/2 - GFP"}


@pytest.mark.parametrize("axes", ["TZCYX", "ZYX", "CYX", "TYX", "YX", "TZCYXS", "YXS"])
def test_hyperstacks(axes: str, tmp_path: Path) -> None:
    sizes = {"T": 2, "Z": 3, "C": 4, "Y": 8, "X": 9, "S": 3}
    dtype = "uint8" if "S" in axes else "uint16"
    pixels = noise(tuple(sizes[axis] for axis in axes), dtype)
    tifffile.imwrite(tmp_path / "x.tif", pixels, imagej=True, metadata={"axes": axes})
    want = pixels.reshape([sizes[a] if a in axes else 1 for a in "TZCYXS"])
    t, z, c, y, x, s = want.shape
    want = want.transpose(0, 2, 5, 1, 3, 4).reshape(t, c * s, z, y, x)
    with open_ome_zarr(tmp_path / "x.tif") as node:
        np.testing.assert_array_equal(node["0"][...], want)


def test_imagej_in_one_directory(tmp_path: Path) -> None:
    """Stacks larger than 4 GiB have one directory for all planes; so has this one."""
    pixels = noise((5, 8, 9), ">u2")
    about = "ImageJ=1.53t\nimages=5\nslices=5\nunit=micron\nspacing=0.25\nloop=false\n"
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, pixels[0], description=about, metadata=None, byteorder=">")
    with path.open("ab") as file:
        file.write(pixels[1:].tobytes())
    with open_ome_zarr(path) as node:
        np.testing.assert_array_equal(node["0"][0, 0], pixels)
        assert node.scale[2] == 0.25


@pytest.mark.parametrize("unit", ["micron", "um", "µm", "\\u00B5m", "microns"])
def test_units_of_imagej(unit: str, tmp_path: Path) -> None:
    about = f"ImageJ=1.53t\nunit={unit}\n"
    tifffile.imwrite(
        tmp_path / "x.tif",
        noise((8, 9)),
        description=about.encode("latin-1", "replace") if "µ" not in unit else about.encode(),
        metadata=None,
        resolution=(4, 4),
    )
    with open_ome_zarr(tmp_path / "x.tif") as node:
        assert node.axes[-1].unit == "micrometer"
        assert node.scale[-1] == 0.25


def test_pixels_that_have_no_size(tmp_path: Path) -> None:
    """Neither pixels nor the 72 dots per inch of a screen are a size."""
    tifffile.imwrite(tmp_path / "a.tif", noise((8, 9)), imagej=True, metadata={"unit": "pixel"})
    tifffile.imwrite(tmp_path / "b.tif", noise((8, 9)), resolution=(72, 72), resolutionunit=2)
    for name in "ab":
        with open_ome_zarr(tmp_path / f"{name}.tif") as node:
            assert node.scale[-2:] == [1, 1]
            assert node.axes[-1].unit is None


def test_resolution(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", noise((8, 9)), resolution=(20000, 10000), resolutionunit=3)
    with open_ome_zarr(tmp_path / "x.tif") as node:
        assert node.scale[-2:] == [1.0, 0.5]
        assert node.axes[-1].unit == "micrometer"


@pytest.mark.parametrize(
    ("shape", "axes", "want"),
    [
        ((3, 8, 9), None, (1, 1, 3, 8, 9)),
        ((2, 3, 8, 9), None, (1, 2, 3, 8, 9)),
        ((2, 3, 4, 8, 9), None, (2, 3, 4, 8, 9)),
        ((2, 2, 3, 4, 8, 9), None, (4, 3, 4, 8, 9)),
        ((2, 3, 8, 9), "ZCYX", (1, 3, 2, 8, 9)),
        ((2, 3, 8, 9), "QTYX", (3, 1, 2, 8, 9)),
        ((8, 9), None, (1, 1, 1, 8, 9)),
    ],
)
def test_arrays(shape: Any, axes: str | None, want: Any, tmp_path: Path) -> None:
    pixels = noise(shape)
    metadata = {"axes": axes} if axes else {}
    tifffile.imwrite(tmp_path / "x.tif", pixels, metadata=metadata, photometric="minisblack")
    if axes == "ZCYX" or axes == "QTYX":
        pixels = pixels.transpose(1, 0, 2, 3)
    with open_ome_zarr(tmp_path / "x.tif") as node:
        np.testing.assert_array_equal(node["0"][...], pixels.reshape(want))


def test_arrays_in_one_directory(tmp_path: Path) -> None:
    pixels = noise((4, 8, 9))
    with tifffile.TiffWriter(tmp_path / "x.tif") as out:
        out.write(pixels, truncate=True, photometric="minisblack")
    with open_ome_zarr(tmp_path / "x.tif") as node:
        np.testing.assert_array_equal(node["0"][0, 0], pixels)


def test_arrays_one_after_the_other(tmp_path: Path) -> None:
    one, two = noise((3, 8, 9)), noise((2, 4, 8, 9), "uint8")
    with tifffile.TiffWriter(tmp_path / "x.tif") as out:
        out.write(one, photometric="minisblack")
        out.write(two, photometric="minisblack")
    with open_ome_zarr(tmp_path / "x.tif") as node:
        assert isinstance(node, Series)
        np.testing.assert_array_equal(node["0"]["0"][0, 0], one)
        np.testing.assert_array_equal(node["1"]["0"][0], two)


def test_an_array_that_was_not_finished(tmp_path: Path) -> None:
    """As scripts leave it that write page by page and die."""
    pixels = noise((3, 8, 9))
    with tifffile.TiffWriter(tmp_path / "x.tif") as out:
        for number, page in enumerate(pixels):
            said = '{"shape": [5, 8, 9]}' if number == 0 else None
            out.write(page, description=said, metadata=None, contiguous=False)
    with pytest.warns(MissingFramesWarning, match="3 of the 5 pages"):
        node = open_ome_zarr(tmp_path / "x.tif")
    with node:
        assert node["0"].shape == (1, 1, 5, 8, 9)
        np.testing.assert_array_equal(node["0"][0, 0, :3], pixels)
        assert node.acquisition.missing == 2


def test_lower_resolutions_as_pages(tmp_path: Path) -> None:
    """As scanners of slides write them."""
    pixels = noise((64, 48, 3), "uint8")
    with tifffile.TiffWriter(tmp_path / "x.tif") as out:
        out.write(pixels, photometric="rgb", metadata=None, tile=(16, 16))
        for step in (2, 4):
            low = pixels[::step, ::step]
            out.write(low, photometric="rgb", metadata=None, subfiletype=1, tile=(16, 16))
    with open_ome_zarr(tmp_path / "x.tif") as node:
        assert node.keys() == ["0", "1", "2"]
        np.testing.assert_array_equal(node["2"][0, :, 0], np.moveaxis(pixels[::4, ::4], -1, 0))


@pytest.mark.parametrize("path", sorted(HUMAN.glob("*.tif")), ids=lambda path: path.name)
def test_packed_bits(path: Path) -> None:
    """Images of a plate reader."""
    with open_ome_zarr(path) as node:
        np.testing.assert_array_equal(node["0"][0, 0, 0], tifffile.imread(path))


def test_more_planes_than_any_file_has(tmp_path: Path) -> None:
    about = "ImageJ=1.53t\nimages=4000000000\nslices=4000000000\n"
    tifffile.imwrite(tmp_path / "x.tif", noise((8, 9)), description=about, metadata=None)
    with pytest.raises(FormatError, match="it is damaged"):
        open_ome_zarr(tmp_path / "x.tif")
