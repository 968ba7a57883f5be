"""What streams write is read by other tools, in each layout."""

from __future__ import annotations

import ngio
import numpy as np
import ome_types
import pytest
import tifffile
import yaozarrs
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader

from iohub.stream import (
    AcquisitionSettings,
    Channel,
    Dimension,
    OmeZarrFormat,
    Plate,
    Position,
    create_stream,
)

# Their reader's own parts disagree.
pytestmark = pytest.mark.filterwarnings("ignore:'version' field not specified in plate metadata")

T = Dimension(name="t", count=None, unit="s", scale=2)
CZYX = (
    Dimension(name="z", count=2, unit="um", scale=2),
    Dimension(name="c", coords=[Channel(name="DAPI", color="blue"), "GFP"]),
    Dimension(name="y", count=16, unit="um", scale=0.5, chunk_size=8),
    Dimension(name="x", count=24, unit="um", scale=0.5, chunk_size=8),
)
WELLS = [Position(name="f0", plate_row="B", plate_column=str(i + 1), x_coord=7) for i in range(2)]


def write(path, version, positions=(), plate=None):
    """Stream three time points; return them in the order of storage (P, T, C, Z, Y, X)."""
    dims = [Dimension(name="p", coords=list(positions))] if positions else []
    settings = AcquisitionSettings(
        root_path=path,
        dimensions=(T, *dims, *CZYX),
        dtype="uint16",
        format=OmeZarrFormat(version=version),
        compression="blosc-zstd",
        plate=plate,
    )
    frames = np.random.default_rng(0).integers(
        0, 999, (3, max(1, len(positions)), 2, 2, 16, 24), "uint16"
    )
    with create_stream(settings, levels=2) as stream:
        for frame in frames.reshape(-1, 16, 24):
            stream.append(frame, frame_metadata={"delta_t": 0.5})
    return frames.transpose(1, 0, 3, 2, 4, 5)


@pytest.mark.parametrize("layout", ["image", "series", "plate"])
def test_yaozarrs(tmp_path, version, layout):
    positions = {"series": ["a", "b"], "plate": WELLS}.get(layout, ())
    plate = Plate.from_standard_wells(6) if layout == "plate" else None
    write(tmp_path / "a.zarr", version, positions, plate)
    # It cannot tell the version of a series in 0.4, which has no place for it.
    whole = (version, layout) != ("0.4", "series")
    for name in [""] if whole else positions:
        yaozarrs.validate_zarr_store(str(tmp_path / "a.zarr" / name))


def test_ngio_reads_images(tmp_path, version):
    if version == "0.6":
        pytest.skip("ngio reads no draft")
    expected = write(tmp_path / "a.zarr", version)
    container = ngio.open_ome_zarr_container(str(tmp_path / "a.zarr"))
    assert container.levels == 2
    assert container.channel_labels == ["DAPI", "GFP"]
    image = container.get_image()
    assert (image.pixel_size.z, image.pixel_size.y, image.pixel_size.x) == (2, 0.5, 0.5)
    np.testing.assert_array_equal(image.get_as_numpy(), expected[0])


def test_ngio_reads_plates(tmp_path, version):
    if version == "0.6":
        pytest.skip("ngio reads no draft")
    expected = write(tmp_path / "p.zarr", version, WELLS, Plate.from_standard_wells(6))
    plate = ngio.open_ome_zarr_plate(str(tmp_path / "p.zarr"))
    assert plate.wells_paths() == ["B/1", "B/2"]
    for column, pixels in enumerate(expected, 1):
        image = plate.get_image("B", column, "f0").get_image()
        np.testing.assert_array_equal(image.get_as_numpy(), pixels)


def test_ome_zarr_py_reads_images(tmp_path, version):
    if version == "0.6":
        pytest.skip("ome-zarr-py reads no draft")
    expected = write(tmp_path / "s.zarr", version, ["a", "b"])
    for name, pixels in zip("ab", expected, strict=True):
        (node, *_) = Reader(parse_url(str(tmp_path / "s.zarr" / name)))()
        assert [level.shape for level in node.data] == [(3, 2, 2, 16, 24), (3, 2, 2, 8, 12)]
        np.testing.assert_array_equal(np.asarray(node.data[0]), pixels)
        assert node.metadata["channel_names"] == ["DAPI", "GFP"]


@pytest.mark.parametrize("compression", [None, "lzw"])
def test_tifffile_and_ome_types_read_files(tmp_path, compression):
    settings = AcquisitionSettings(
        root_path=tmp_path / "a.ome.tiff",
        dimensions=(T, Dimension(name="p", coords=["a", "b"]), *CZYX),
        dtype="uint16",
        compression=compression,
    )
    frames = np.random.default_rng(0).integers(0, 999, (3, 2, 2, 2, 16, 24), "uint16")
    with create_stream(settings) as stream:
        for frame in frames.reshape(-1, 16, 24):
            stream.append(frame, frame_metadata={"exposure_time": 0.01})
    for number in range(2):
        path = tmp_path / "a" / f"a_p{number:03d}.ome.tiff"
        with tifffile.TiffFile(path) as file:
            series = file.series[number]
            places = [series.axes.index(axis) for axis in "TZCYX"]
            found = np.moveaxis(series.asarray(), places, range(5))
        np.testing.assert_array_equal(found, frames[:, number])
        ome = ome_types.from_tiff(path)
        assert [image.name for image in ome.images] == ["a", "b"]
        pixels = ome.images[number].pixels
        assert (pixels.size_t, pixels.size_c, pixels.size_z) == (3, 2, 2)
        assert [channel.name for channel in pixels.channels] == ["DAPI", "GFP"]
        assert (pixels.physical_size_x, pixels.physical_size_z) == (0.5, 2)
        assert [plane.exposure_time for plane in pixels.planes] == [0.01] * 12
