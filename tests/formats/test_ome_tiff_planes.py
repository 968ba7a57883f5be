from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.errors import FormatError, MetadataWarning, MissingFramesWarning, NotFoundError
from iohub.formats import ome_tiff

sys.path.insert(0, str(Path(__file__).parent))
from ome_tiff_files import (
    element,
    image,
    noise,
    ome,
    pixels,
    plate_xml,
    tiff_data,
    write,
    write_set,
)

# ---- where planes are -------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["".join(o) for o in itertools.permutations("ZCT")])
@pytest.mark.parametrize("each", [True, False])
def test_orders(tmp_path: Path, order: str, each: bool) -> None:
    sizes = {"T": 2, "C": 3, "Z": 4}
    data = noise((2, 3, 4, 8, 9))
    flat = data.transpose(*("TCZ".index(axis) for axis in reversed(order)), 3, 4)
    places = [tiff_data()]
    if each:
        ranges = [range(sizes[axis]) for axis in reversed(order)]
        places = [
            tiff_data(IFD=n, **{f"First{a}": i for a, i in zip(reversed(order), at, strict=True)})
            for n, at in enumerate(itertools.product(*ranges))
        ]
    xml = ome(image(0, pixels(data.shape, *places, order=f"XY{order}")))
    path = write(tmp_path / "a.ome.tif", flat.reshape(-1, 8, 9), xml)
    with tifffile.TiffFile(path) as file:
        axes, library = file.series[0].axes, file.asarray()
    np.testing.assert_array_equal(library.transpose(*map(axes.index, "TCZYX")), data)
    with open_ome_zarr(path) as position:
        np.testing.assert_array_equal(position["0"][...], data)


def test_images_without_places_follow_each_other(tmp_path: Path) -> None:
    data = noise((5, 8, 9))
    xml = ome(image(0, pixels((2, 1, 1, 8, 9))), image(1, pixels((1, 1, 3, 8, 9))))
    with open_ome_zarr(write(tmp_path / "a.ome.tif", data, xml)) as series:
        np.testing.assert_array_equal(series["0/0"][:, 0, 0], data[:2])
        np.testing.assert_array_equal(series["1/0"][0, 0], data[2:])


def test_images_off_the_plate_make_a_series(tmp_path: Path) -> None:
    xml = plate_xml((1, 1, 1, 16, 18)).replace("</OME>", "")
    xml += image(3, pixels((1, 1, 1, 16, 18), tiff_data(IFD=0)), name="overview") + "</OME>"
    with open_ome_zarr(write(tmp_path / "a.ome.tif", noise((3, 16, 18)), xml)) as node:
        assert [path for path, _ in node.positions()] == ["F0", "F1", "F2", "overview"]


def test_names_of_rows_and_columns(tmp_path: Path) -> None:
    naming = {"RowNamingConvention": "number", "ColumnNamingConvention": "letter"}
    xml = plate_xml((1, 1, 1, 16, 18), **naming)
    with open_ome_zarr(write(tmp_path / "a.ome.tif", noise((3, 16, 18)), xml)) as plate:
        assert [path for path, _ in plate.positions()] == ["1/B/0", "1/B/1", "27/L/0"]
        assert plate.zattrs["ome"]["plate"]["name"] == "trial"


def test_runs_of_a_plate(tmp_path: Path) -> None:
    refs = [element("WellSampleRef", ID=f"WellSample:0:{number}") for number in (0, 2)]
    run = element("PlateAcquisition", *refs, ID="PlateAcquisition:0", Name="first")
    xml = plate_xml((1, 1, 1, 16, 18)).replace("</Plate>", f"{run}</Plate>")
    with open_ome_zarr(write(tmp_path / "a.ome.tif", noise((3, 16, 18)), xml)) as plate:
        noted = {"id": 0, "name": "first", "maximumfieldcount": 1}
        assert plate.zattrs["ome"]["plate"]["acquisitions"] == [noted]
        fields = plate["A/2"].zattrs["ome"]["well"]["images"]
        assert fields == [{"path": "0"}, {"path": "1", "acquisition": 0}]


# ---- what is missing --------------------------------------------------------------------------


def test_interrupted(tmp_path: Path) -> None:
    """20 time points were planned and 11 came; of the last, one of two channels."""
    data = noise((11, 2, 8, 9))
    places = [tiff_data(IFD=n, FirstT=n // 2, FirstC=n % 2) for n in range(21)]
    xml = ome(image(0, pixels((20, 2, 1, 8, 9), *places)))
    path = write(tmp_path / "a.ome.tif", data.reshape(22, 8, 9)[:21], xml)
    with pytest.warns(MissingFramesWarning) as caught:
        position = open_ome_zarr(path)
    said = [str(each.message) for each in caught]
    assert "declares 20 time points and has 11" in said[0]
    assert "lacks 1 of 22 planes" in said[1]
    with position:
        assert position["0"].shape == (11, 2, 1, 8, 9)
        assert position.acquisition.missing == 1
        data[10, 1] = 0
        np.testing.assert_array_equal(position["0"][:, :, 0], data)


def test_pages_that_the_xml_promises(tmp_path: Path) -> None:
    """They are an error of the planes that lack, and of no others."""
    xml = ome(image(0, pixels((4, 1, 1, 8, 9), tiff_data(IFD=0, PlaneCount=4))))
    data = noise((3, 8, 9))
    with open_ome_zarr(write(tmp_path / "a.ome.tif", data, xml)) as position:
        np.testing.assert_array_equal(position["0"][2, 0, 0], data[2])
        with pytest.raises(FormatError, match=r"a\.ome\.tif ends after 3 pages; page 4"):
            position["0"][3]


def test_missing_file(tmp_path: Path) -> None:
    example = write_set(tmp_path)
    (tmp_path / "part-1-0.ome.tif").unlink()
    with pytest.warns(MissingFramesWarning, match=r"1 of the 4 files .*: part-1-0\.ome\.tif"):
        series = open_ome_zarr(example.path)
    with series:
        found, wanted = series["site 1/0"], example.images["site 1"].pixels
        np.testing.assert_array_equal(found[1], wanted[1])
        with pytest.raises(NotFoundError, match=r"part-1-0\.ome\.tif is missing"):
            found[0]


def test_image_without_any_file(tmp_path: Path) -> None:
    example = write_set(tmp_path)
    for number in range(2):
        (tmp_path / f"part-1-{number}.ome.tif").unlink()
    with pytest.warns(MissingFramesWarning, match="2 of the 4"):
        node = open_ome_zarr(example.path)
    with node:
        assert node["site 1/0"].shape == (2, 1, 3, 16, 18)
        assert node["site 1/0"].dtype == "uint16"
        with pytest.raises(NotFoundError):
            node["site 1/0"][...]


def test_any_file_of_a_set_opens_all_of_it(tmp_path: Path) -> None:
    example = write_set(tmp_path)
    with open_ome_zarr(tmp_path / "part-1-0.ome.tif") as node:
        for path, found in example.images.items():
            np.testing.assert_array_equal(node[path]["0"][...], found.pixels)
    example.path.unlink()
    with pytest.raises(NotFoundError, match=r"set\.companion\.ome is missing"):
        open_ome_zarr(tmp_path / "part-1-0.ome.tif")


def test_renamed_file(tmp_path: Path) -> None:
    data = noise((8, 9))
    xml = ome(image(0, pixels((1, 1, 1, 8, 9), tiff_data("old.ome.tif", IFD=0))))
    with open_ome_zarr(write(tmp_path / "new.ome.tif", [data], xml)) as position:
        np.testing.assert_array_equal(position["0"][0, 0, 0], data)


def test_copied_file_reads_itself(tmp_path: Path) -> None:
    """Both files say that they are a.ome.tif, of one and the same identifier."""
    place = tiff_data("a.ome.tif", "urn:uuid:1", IFD=0)
    for name in "ab":
        other = image(1, pixels((1, 1, 1, 8, 9), tiff_data("c.ome.tif", IFD=0)), name="c")
        mine = image(0, pixels((1, 1, 1, 8, 9), place), name="mine")
        xml = ome(mine, other, UUID="urn:uuid:1")
        write(tmp_path / f"{name}.ome.tif", [noise((8, 9), seed=ord(name))], xml)
    write(tmp_path / "c.ome.tif", [noise((8, 9))], xml)
    with open_ome_zarr(tmp_path / "b.ome.tif") as node:
        np.testing.assert_array_equal(node["mine/0"][0, 0, 0], noise((8, 9), seed=ord("b")))


@pytest.mark.parametrize(
    "name", ["../secret.tif", "/tmp/secret.tif", "C:\\a\\secret.tif", "a/../../secret.tif"]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    xml = ome(
        image(0, pixels((1, 1, 1, 8, 9), tiff_data("mine.ome.tif", IFD=0)), name="mine"),
        image(1, pixels((1, 1, 1, 8, 9), tiff_data(name, IFD=0)), name="other"),
    )
    for file in (tmp_path / "secret.tif", folder / "mine.ome.tif"):
        write(file, [noise((8, 9))], xml)
    with pytest.warns(MissingFramesWarning):
        node = open_ome_zarr(folder / "mine.ome.tif")
    with node, pytest.raises(NotFoundError, match=str(folder / "secret.tif")):
        node["other/0"][...]


# ---- what is wrong ----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::iohub.errors.MissingFramesWarning")
@pytest.mark.parametrize(
    ("xml", "said"),
    [
        ("<OME><Image>", "not well-formed"),
        (ome(), "no image that has pixels"),
        (ome(element("Image", ID="Image:0")), "Pixels"),
        (ome(image(0, pixels((1, 1, 1, 8, 0), tiff_data()))), "SizeX=0"),
        (ome(image(0, pixels((1, 1, 1, 8, 9), tiff_data(), order="ZXYCT"))), "DimensionOrder"),
        (ome(image(0, pixels((1, 1, 1, 8, 9), tiff_data(IFD="a")))), "'a'"),
        (ome(image(0, pixels((1 << 20, 1 << 20, 1, 8, 9), tiff_data()))), "planes"),
    ],
)
def test_damaged_xml(tmp_path: Path, xml: str, said: str) -> None:
    path = write(tmp_path / "a.ome.tif", noise((1, 8, 9)), xml)
    with pytest.raises(FormatError, match=said) as caught:
        open_ome_zarr(path)
    assert str(path) in str(caught.value)


def test_planes_beyond_the_image(tmp_path: Path) -> None:
    """ImageJ leaves them when it crops."""
    places = [tiff_data(IFD=n, FirstZ=n) for n in range(5)]
    xml = ome(image(0, pixels((1, 1, 3, 8, 9), *places)))
    path = write(tmp_path / "a.ome.tif", noise((5, 8, 9)), xml)
    with pytest.warns(MetadataWarning, match="2 planes beyond"), open_ome_zarr(path) as position:
        np.testing.assert_array_equal(position["0"][0, 0], noise((5, 8, 9))[:3])


def test_sizes_that_differ_from_the_pages(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.ome.tif",
        noise((1, 8, 9)),
        ome(image(0, pixels((1, 1, 1, 4, 9), tiff_data()))),
    )
    with pytest.warns(MetadataWarning, match=r"\[8, 9\].*\[4, 9\]"), open_ome_zarr(path) as found:
        assert found["0"].shape == (1, 1, 1, 8, 9)


# ---- how much is read -------------------------------------------------------------------------


def test_opening_passes_no_page_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand pages that the XML places, only the first directory is read."""
    count = 1000
    places = [tiff_data("a.ome.tif", IFD=n, FirstT=n) for n in range(count)]
    xml = ome(image(0, pixels((count, 1, 1, 8, 9), *places)))
    path = write(tmp_path / "a.ome.tif", noise((count, 8, 9)), xml)
    asked: list[Any] = []
    read = ome_tiff.TiffFiles.read

    def counting(self: Any, file: int, offset: int, size: int) -> bytes:
        asked.append(offset)
        return read(self, file, offset, size)

    monkeypatch.setattr(ome_tiff.TiffFiles, "read", counting)
    with open_ome_zarr(path) as position:
        assert position["0"].shape[0] == count
        assert len(asked) <= 12
        asked.clear()
        position["0"][3]
        assert len(asked) <= 8
