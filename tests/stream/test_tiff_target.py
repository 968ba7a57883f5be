"""Streams into OME-TIFF, read by tifffile, ome-types and our own adapter."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import DTypeError, ExistsError
from iohub.stream import (
    AcquisitionSettings,
    Channel,
    Dimension,
    OmeTiffFormat,
    Plate,
    Position,
    create_stream,
)
from iohub.stream.tiff_file import TiffFile

tifffile = pytest.importorskip("tifffile")
ome_types = pytest.importorskip("ome_types")


def settings_for(path, *, order="tcz", t=3, dtype="uint16", positions=None, **more):
    dims = {
        "t": Dimension(name="t", count=t, type="time"),
        "c": Dimension(
            name="c", coords=[Channel(name="A", emission_wavelength_nm=525), Channel(name="B")]
        ),
        "z": Dimension(name="z", count=2, type="space", scale=2.0, unit="um"),
        "p": Dimension(name="p", type="position", coords=positions or ["0"]),
    }
    frame = [
        Dimension(name=n, count=s, type="space", scale=0.5, unit="um")
        for n, s in (("y", 9), ("x", 8))
    ]
    chosen = [dims[letter] for letter in order]
    return AcquisitionSettings(
        root_path=str(path), dimensions=[*chosen, *frame], dtype=dtype, **more
    )


def stream_into(settings, count, **options):
    frames = np.random.default_rng(0).integers(0, 1000, (count, 9, 8)).astype(settings.dtype)
    with create_stream(settings, **options) as stream:
        for number, frame in enumerate(frames):
            stream.append(frame.copy(), frame_metadata={"delta_t": number, "free": [None, True]})
    return stream, frames


@pytest.mark.parametrize("compression", [None, "lzw"])
@pytest.mark.parametrize(
    ("order", "t", "dtype"),
    [("tcz", 3, "uint16"), ("zct", 3, "float32"), ("tzc", None, "float64"), ("ctz", 3, "uint8")],
)
def test_others_read_every_frame_where_it_belongs(tmp_path, order, t, dtype, compression):
    path = tmp_path / "a.ome.tiff"
    settings = settings_for(path, order=order, t=t, dtype=dtype, compression=compression)
    stream, frames = stream_into(settings, 12)
    sizes = {"t": 3, "c": 2, "z": 2}
    shaped = frames.reshape(*(sizes[letter] for letter in order), 9, 8)
    expected = shaped.transpose(*(order.index(letter) for letter in "tcz"), 3, 4)
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 12
        series = file.series[0]
        axes = series.axes.lower()
        found = series.asarray().transpose(*(axes.index(letter) for letter in "tczyx"))
        ome = ome_types.from_xml(file.ome_metadata)
    np.testing.assert_array_equal(found, expected)
    pixels = ome.images[0].pixels
    assert (pixels.size_t, pixels.size_c, pixels.size_z) == (3, 2, 2)
    assert pixels.channels[0].emission_wavelength == 525
    assert pixels.physical_size_z == 2.0
    assert sorted(plane.delta_t for plane in pixels.planes) == list(range(12))
    with open_ome_zarr(path) as position:
        ours = position["0"].numpy()
        names = "".join(axis.name for axis in position.axes)
        np.testing.assert_array_equal(ours.transpose([names.index(a) for a in "tczyx"]), expected)
    view = np.asarray(stream.view())  # also after closing
    np.testing.assert_array_equal(view, shaped)


@pytest.mark.parametrize("mode", ["redundant", "master-tiff", "companion-file"])
@pytest.mark.parametrize("t", [3, None])
def test_several_positions_keep_their_metadata(tmp_path, mode, t):
    settings = settings_for(
        tmp_path / "a.ome.tiff",
        order="tpc",
        t=t,
        positions=["a", "b"],
        format=OmeTiffFormat(multi_file_metadata=mode),
    )
    stream, frames = stream_into(settings, 12)
    stream.set_global_metadata("lab", {"who": "me", "n": 1})
    names = sorted(os.listdir(tmp_path / "a"))
    assert names[:2] == ["a_p000.ome.tiff", "a_p001.ome.tiff"]
    assert names[2:] == (["companion.ome"] if mode == "companion-file" else [])
    shaped = frames.reshape(3, 2, 2, 9, 8)
    for number in range(2):
        with tifffile.TiffFile(tmp_path / "a" / names[number]) as file:
            found = np.stack([page.asarray() for page in file.pages])
        np.testing.assert_array_equal(found, shaped[:, number].reshape(found.shape))
    full = tmp_path / "a" / names[2 if mode == "companion-file" else 0]
    text = full.read_bytes() if mode == "companion-file" else tifffile.tiffcomment(full)
    ome = ome_types.from_xml(text.decode() if isinstance(text, bytes) else text)
    assert [image.pixels.size_t for image in ome.images] == [3, 3]  # W9
    assert all(len(image.pixels.planes) == 6 for image in ome.images)
    spaces = [a.namespace for a in ome.structured_annotations.map_annotations]
    assert spaces == ["lab"]


def test_an_early_end_says_which_planes_are_missing(tmp_path):
    path = tmp_path / "a.ome.tiff"
    stream, _ = stream_into(settings_for(path), 7)
    ome = stream.get_metadata()
    blocks = ome.images[0].pixels.tiff_data_blocks
    assert sum(block.plane_count for block in blocks) == 7  # W9
    assert stream.record()["0"]["missing"] == [[7, 12]]
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 7


def test_metadata_can_be_changed_before_and_after(tmp_path):
    path = tmp_path / "a.ome.tiff"
    with create_stream(settings_for(path)) as stream:
        stream.append(np.zeros((9, 8), "u2"))
        ome = stream.get_metadata()
        ome.images[0].description = "first"
        stream.update_metadata(ome)
    assert ome_types.from_tiff(path).images[0].description == "first"
    ome = stream.get_metadata()
    ome.images[0].description = "second"
    stream.update_metadata(ome)
    assert ome_types.from_tiff(path).images[0].description == "second"


def test_a_plate(tmp_path):
    wells = [Position(name="f", plate_row="A", plate_column=c, x_coord=1.5) for c in ("1", "2")]
    settings = settings_for(
        tmp_path / "a.ome.tiff",
        order="pc",
        positions=wells,
        plate=Plate(row_names=["A"], column_names=["1", "2"], name="P"),
    )
    stream_into(settings, 4)
    ome = ome_types.from_tiff(tmp_path / "a" / "a_p000.ome.tiff")
    assert [image.stage_label.x for image in ome.images] == [1.5, 1.5]  # W18


def test_nothing_is_overwritten_unasked(tmp_path):
    path = tmp_path / "a.ome.tiff"
    stream_into(settings_for(path), 12)
    with pytest.raises(ExistsError):
        create_stream(settings_for(path))
    stream, _ = stream_into(settings_for(path, overwrite=True), 12)
    assert stream.frames_written == 12


def test_a_type_that_ome_lacks_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(DTypeError, match="int64"):
        create_stream(settings_for(tmp_path / "a.ome.tiff", dtype="int64"))
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("compression", [None, "lzw"])
def test_close_waits_for_every_page(tmp_path, compression, monkeypatch):
    """W3: however slow the disk is, the file is whole when ``close`` has returned."""
    gate, real = threading.Event(), TiffFile.append

    def slow(file, pixels, number):
        gate.wait(30)
        real(file, pixels, number)

    monkeypatch.setattr(TiffFile, "append", slow)
    frames = np.random.default_rng(0).integers(0, 99, (12, 9, 8)).astype(np.uint16)
    path = tmp_path / "a.ome.tiff"
    stream = create_stream(settings_for(path, compression=compression))
    writer = threading.Thread(target=lambda: [*map(stream.append, frames), stream.close()])
    writer.start()
    writer.join(0.2)
    assert writer.is_alive()
    gate.set()
    writer.join()
    assert stream.frames_written == 12
    np.testing.assert_array_equal(tifffile.imread(path).reshape(frames.shape), frames)


def test_an_error_of_the_writer_comes_to_append_and_close(tmp_path, monkeypatch):
    """W4: and what was written before it is there."""

    def full(file, pixels, number):
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.ome.tiff"
    frame = np.ones((9, 8), np.uint16)
    stream = create_stream(settings_for(path, t=None))
    stream.append(frame)
    stream.flush()
    monkeypatch.setattr(TiffFile, "append", full)

    def go_on():
        for _ in range(2):
            stream.append(frame)
            stream.flush()

    with pytest.raises(OSError, match="No space"):
        go_on()
    with pytest.raises(OSError, match="No space"):
        stream.append(frame)
    with pytest.raises(OSError, match="No space"):
        stream.close()
    with tifffile.TiffFile(path) as file:
        np.testing.assert_array_equal(file.pages[0].asarray(), frame)
