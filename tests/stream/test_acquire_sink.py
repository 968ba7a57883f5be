"""Frames by way of acquire-zarr: the same nodes, rules and readers as with every backend."""

from __future__ import annotations

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import UnsupportedError
from iohub.models import validate
from iohub.stream import (
    AcquisitionSettings,
    Dimension,
    OmeZarrFormat,
    acquire_sink,
    create_stream,
)

pytest.importorskip("acquire_zarr")
HEIGHT, WIDTH = 24, 20


def settings_for(path, *, t=None, chunk=1, shard=None, tile=None, inner="zc", **more):
    sizes = {"z": 3, "c": 2}
    dims = [
        Dimension(name="t", count=t, chunk_size=chunk, shard_size_chunks=shard),
        Dimension(name="p", coords=["a", "b"]),
        *(Dimension(name=name, count=sizes[name]) for name in inner),
        Dimension(name="y", count=HEIGHT, chunk_size=tile),
        Dimension(name="x", count=WIDTH, chunk_size=tile),
    ]
    given = {"dtype": "uint16", "format": "acquire-zarr", **more}
    return AcquisitionSettings(root_path=str(path), dimensions=dims, **given)


@pytest.mark.parametrize(
    ("bounded", "chunk", "shard", "tile", "compression"),
    [
        (True, 1, None, None, None),
        (False, 4, None, None, "blosc-zstd"),
        (False, 1, 4, 10, "blosc-lz4"),
    ],
)
def test_every_frame_is_where_it_belongs(tmp_path, bounded, chunk, shard, tile, compression):
    path = tmp_path / "a.ome.zarr"
    settings = settings_for(
        path, t=5 if bounded else None, chunk=chunk, shard=shard, tile=tile, compression=compression
    )
    frames = np.random.default_rng(0).integers(1, 60000, (60, HEIGHT, WIDTH)).astype(np.uint16)
    camera = np.empty((HEIGHT, WIDTH), np.uint16)
    with create_stream(settings) as stream:
        for number, frame in enumerate(frames):
            camera[...] = frame
            stream.append(camera, frame_metadata={"n": number})
            if number == 30:  # W12: what it has not written yet can be read
                live = np.asarray(stream.view()).reshape(-1, HEIGHT, WIDTH)
                np.testing.assert_array_equal(live[:31], frames[:31])
    assert stream.frames_written == 60
    expected = frames.reshape(5, 2, 3, 2, HEIGHT, WIDTH).swapaxes(2, 3)  # zc comes, cz is stored
    with open_ome_zarr(path) as series:
        for number, name in enumerate("ab"):
            np.testing.assert_array_equal(series[name].data.numpy(), expected[:, number])
            record = series[name].zattrs["iohub"]["stream"]
            assert (record["complete"], record["frames_written"]) == (True, 30)
            assert len(series[name].frame_metadata) == 30
    assert not validate(path).errors


def test_what_it_does_not_write_is_an_error(tmp_path, monkeypatch):
    """It tells of a full disk on the terminal only."""
    monkeypatch.setattr(acquire_sink, "is_finished", lambda path, array: False)
    monkeypatch.setattr(acquire_sink, "_PATIENCE", 0.05)
    stream = create_stream(settings_for(tmp_path / "a.ome.zarr"))

    def go_on():
        for _ in range(200):
            stream.append(np.zeros((HEIGHT, WIDTH), np.uint16))
            stream.flush()

    with pytest.raises(OSError, match="did not write"):
        go_on()
    with pytest.raises(OSError, match="did not write"):
        stream.close()
    assert stream.frames_written == 0


def test_the_end_tells_of_frames_that_it_did_not_write(tmp_path, monkeypatch):
    stream = create_stream(settings_for(tmp_path / "a.ome.zarr"))
    monkeypatch.setattr(acquire_sink, "is_finished", lambda path, array: False)
    stream.append(np.zeros((HEIGHT, WIDTH), np.uint16))
    with pytest.raises(OSError, match="did not write 1 of"):
        stream.close()


def test_skipped_frames_and_an_early_end(tmp_path):
    path = tmp_path / "a.ome.zarr"
    frame = np.full((HEIGHT, WIDTH), 9, np.uint16)
    with create_stream(settings_for(path, t=4)) as stream:
        stream.append(frame)
        stream.skip(frames=2)
        stream.append(frame)
        with pytest.raises(UnsupportedError, match="in their order only"):
            stream.append(frame, at={"t": 0, "p": 0, "z": 0, "c": 1})
    with open_ome_zarr(path) as series:
        found = series["a"].data.numpy()[..., 0, 0]
        assert found.shape == (4, 2, 3)
        assert np.argwhere(found).tolist() == [[0, 0, 0], [0, 1, 1]]
        record = series["a"].zattrs["iohub"]["stream"]
        assert record["missing"] == [[1, 4], [5, 24]]


@pytest.mark.parametrize(
    ("more", "options", "said"),
    [
        ({"format": OmeZarrFormat(backend="acquire-zarr", version="0.4")}, {}, "Zarr 3 only"),
        ({"dtype": "complex64"}, {}, "does not support settings"),
        ({}, {"levels": 2}, "compute_pyramid"),
        ({"compression": "zstd"}, {}, "does not support settings"),
    ],
)
def test_what_it_cannot_do_is_refused(tmp_path, more, options, said):
    with pytest.raises(NotImplementedError, match=said):
        create_stream(settings_for(tmp_path / "a.ome.zarr", **more), **options)


def test_a_store_in_memory_is_refused():
    with pytest.raises(UnsupportedError, match="local folders only"):
        create_stream(settings_for("memory://acquire/a.ome.zarr"))
