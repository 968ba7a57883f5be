"""Frames into OME-Zarr: every backend, errors that arrive, order, skipping, records, memory."""

from __future__ import annotations

import gc
import os
import threading
import time
import warnings

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import (
    BoundsError,
    ClosedError,
    DTypeError,
    QueueFullError,
    ShapeError,
    UnclosedStreamWarning,
)
from iohub.storage.local import LocalBytes
from iohub.stream import AcquisitionSettings, Channel, Dimension, OmeZarrFormat, create_stream

BACKENDS = ["iohub", "tensorstore", "zarr-python", "zarrs-python"]
HEIGHT, WIDTH = 24, 20


def settings_for(path, *, t=6, c=2, form="zarr", dtype="uint16", positions=None, **more):
    unit = {"chunk_size": more.pop("chunk", None), "shard_size_chunks": more.pop("shard", None)}
    dims = [Dimension(name="t", count=t, type="time", **unit)]
    if positions:
        dims.append(Dimension(name="p", type="position", coords=positions))
    dims.append(Dimension(name="c", count=c, type="channel"))
    tile = more.pop("tile", None)
    dims += [
        Dimension(name="y", count=HEIGHT, type="space", chunk_size=tile),
        Dimension(name="x", count=WIDTH, type="space", chunk_size=tile),
    ]
    return AcquisitionSettings(
        root_path=str(path), dimensions=dims, dtype=dtype, format=form, **more
    )


def frames_of(count, dtype="uint16"):
    pixels = np.random.default_rng(1).integers(0, 60000, (count, HEIGHT, WIDTH))
    return pixels.astype(dtype)


@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize(
    ("chunk", "shard", "tile", "compression"),
    [
        (1, None, None, None),
        (4, None, None, "blosc-zstd"),  # W2: longer than what has come
        (1, 4, 10, None),  # no whole number of chunks in a frame, nor of shards in a run
        (2, 2, 12, "zstd"),
    ],
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_frame_is_where_it_belongs(
    tmp_path, backend, chunk, shard, tile, compression, bounded
):
    path, frames = tmp_path / "a.ome.zarr", frames_of(12)
    settings = settings_for(
        path,
        t=6 if bounded else None,
        form=backend,
        chunk=chunk,
        shard=shard,
        tile=tile,
        compression=compression,
    )
    camera = np.empty((HEIGHT, WIDTH), np.uint16)  # W1: one buffer for all frames
    with create_stream(settings) as stream:
        for number, frame in enumerate(frames):
            camera[...] = frame
            stream.append(camera, frame_metadata={"n": np.int64(number), "no": None})
            if number == 4:  # W12: what has come can be read at once
                live = np.asarray(stream.view())
                np.testing.assert_array_equal(live[:2].reshape(4, HEIGHT, WIDTH), frames[:4])
    assert stream.frames_written == stream.frames_appended == 12
    with open_ome_zarr(path) as position:
        assert position["0"].shape == (6, 2, HEIGHT, WIDTH)
        np.testing.assert_array_equal(
            position["0"].numpy().reshape(frames.shape), frames, err_msg=backend
        )
        noted = position.zattrs["ome_writers"]["frame_metadata"]
        assert [entry["n"] for entry in noted] == list(range(12))
        assert noted[3] == {"n": 3, "no": None, "storage_index": [1, 1]}
        assert position.zattrs["iohub"]["stream"] == {
            "frames_written": 12,
            "frames_expected": 12 if bounded else None,
            "complete": True,
            "missing": [],
        }
    assert not [name for name in os.listdir(path) if name.startswith(".")]


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_each_version(tmp_path, version):
    path, frames = tmp_path / "a.ome.zarr", frames_of(12)
    settings = settings_for(path, form=OmeZarrFormat(version=version), chunk=5, tile=16)
    with create_stream(settings) as stream:
        for frame in frames:
            stream.append(frame)
        np.testing.assert_array_equal(stream.nodes[0]["0"].shape, (6, 2, HEIGHT, WIDTH))
    with open_ome_zarr(path) as position:
        np.testing.assert_array_equal(position["0"].numpy().reshape(frames.shape), frames)


def test_a_unit_is_written_once(tmp_path, monkeypatch):
    keys, real = [], LocalBytes.set

    def noting(store, key, value):
        keys.append(key)
        real(store, key, value)

    monkeypatch.setattr(LocalBytes, "set", noting)
    with create_stream(settings_for(tmp_path / "a.ome.zarr", chunk=1, shard=3, tile=12)) as stream:
        for frame in frames_of(12):
            stream.append(frame)
    chunks = [key for key in keys if "/c/" in key]
    assert len(chunks) == len(set(chunks)) == 16  # 2 shards along t, 2 channels, 2 × 2 tiles


def test_wrong_frames_move_nothing(tmp_path):
    frames = frames_of(12)
    with create_stream(settings_for(tmp_path / "a.ome.zarr")) as stream:
        for wrong, error in (
            (frames[0].astype("f8"), DTypeError),  # W5: nothing is cast
            (frames[0].astype("u4"), DTypeError),
            (frames[0][:12], ShapeError),
        ):
            with pytest.raises(error, match="frame 0"):
                stream.append(wrong)
        for frame in frames:
            stream.append(frame)
        with pytest.raises(BoundsError, match=r"12 frames.*count=None"):
            stream.append(frames[0])
    np.testing.assert_array_equal(stream.nodes[0]["0"].numpy().reshape(frames.shape), frames)
    with pytest.raises(ClosedError):
        stream.append(frames[0])


def _go_on(stream, *frames):
    """Append until something is wrong."""
    for frame in frames if len(frames) > 1 else frames * 200:
        stream.append(frame)
        if len(frames) == 1:
            stream.flush()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_full_disk_is_told_by_append_and_close(tmp_path, backend, monkeypatch):
    stream = create_stream(settings_for(tmp_path / "a.ome.zarr", t=None, form=backend))
    frames = frames_of(3)
    stream.append(frames[0], frame_metadata={"first": True})
    stream.flush()

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    top = stream._run.sink._tops[0]
    monkeypatch.setattr(top, "_write_units", full)
    monkeypatch.setattr(top, "store_frame", full)
    monkeypatch.setattr(top.array, "write", full, raising=False)
    with pytest.raises(OSError, match="No space"):  # W4, W6
        _go_on(stream, frames[1])
    with pytest.raises(OSError, match="No space"):
        stream.append(frames[2])
    with pytest.raises(OSError, match="No space"):
        stream.close()
    attrs = stream.nodes[0].zattrs
    assert attrs["ome_writers"]["frame_metadata"] == [{"first": True, "storage_index": [0, 0]}]
    assert attrs["iohub"]["stream"]["frames_written"] == 1


@pytest.mark.parametrize("on_full", ["block", "raise"])
def test_a_slow_disk_takes_no_more_memory_than_planned(tmp_path, on_full, monkeypatch):
    gate, real = threading.Event(), LocalBytes.set

    def slow(store, key, value):
        if "/c/" in key:
            gate.wait(5)
        real(store, key, value)

    frames, size = frames_of(40), HEIGHT * WIDTH * 2
    options = {"queue_bytes": 4 * size, "on_full": on_full}
    with create_stream(settings_for(tmp_path / "a.ome.zarr", t=20), **options) as stream:
        monkeypatch.setattr(LocalBytes, "set", slow)
        if on_full == "raise":
            with pytest.raises(QueueFullError):
                _go_on(stream, *frames)
            taken = stream.frames_appended
        else:
            threading.Timer(0.05, gate.set).start()
            taken = 0
        gate.set() if on_full == "raise" else None
        stream.flush()
        for frame in frames[taken:]:
            while True:
                try:
                    stream.append(frame)
                except QueueFullError:
                    stream.flush()
                    continue
                break
        queue = stream._run.sink._queue
    assert queue.most_leased <= stream.plan.memory + 2 * size
    np.testing.assert_array_equal(stream.nodes[0]["0"].numpy().reshape(frames.shape), frames)


def test_an_early_end_and_skipped_frames_are_recorded(tmp_path):
    path, frames = tmp_path / "a.ome.zarr", frames_of(12)
    with create_stream(settings_for(path, positions=["a", "b"])) as stream:
        for frame in frames[:5]:
            stream.append(frame)
        stream.skip(frames=2)
        stream.append(frames[7])
        assert stream.skipped == [(5, 7)]
    with open_ome_zarr(path, layout="series") as series:
        # frames: a0 a1 b0 b1 | a2 – – b3
        first, second = (series[name].zattrs["iohub"]["stream"] for name in "ab")
        assert series["a"]["0"].shape[0] == 6
        np.testing.assert_array_equal(series["b"]["0"][1, 1], frames[7])
    assert first["frames_written"] == 3
    assert first["missing"] == [[3, 12]]
    assert second["missing"] == [[2, 3], [4, 12]]
    assert not second["complete"]


def test_an_unbounded_stream_is_as_long_as_its_frames_and_skips(tmp_path):
    with create_stream(settings_for(tmp_path / "a.ome.zarr", t=None)) as stream:
        for frame in frames_of(3):
            stream.append(frame)
        stream.skip(frames=3)
    assert stream.nodes[0]["0"].shape[0] == 3
    assert stream.record()["." if "." in stream.record() else ""]["missing"] == [[3, 6]]


def test_frames_out_of_order_and_again(tmp_path):
    frames = frames_of(12)
    with create_stream(settings_for(tmp_path / "a.ome.zarr", chunk=3)) as stream:
        for number in (11, 3, 4, 0):
            stream.append(frames[number], at={"t": number // 2, "c": number % 2})
        stream.flush()
        stream.append(frames[7], at={"t": 0, "c": 0})  # again, after it was written
        with pytest.raises(BoundsError, match="t=6"):
            stream.append(frames[0], at={"t": 6, "c": 0})
    found = stream.nodes[0]["0"].numpy().reshape(frames.shape)
    expected = np.zeros_like(frames)
    expected[[11, 3, 4]] = frames[[11, 3, 4]]
    expected[0] = frames[7]
    np.testing.assert_array_equal(found, expected)
    assert stream.frames_appended == stream.frames_written == 4


def test_levels_on_the_way_are_those_made_afterwards(tmp_path):
    frames = frames_of(12)
    for name, levels in (("a", 3), ("b", 1)):
        settings = settings_for(tmp_path / f"{name}.ome.zarr", t=None, chunk=4)
        with create_stream(settings, levels=levels) as stream:
            for frame in frames:
                stream.append(frame)
        if levels == 1:
            stream.nodes[0].compute_pyramid(3, downscale=("y", "x"))
    with open_ome_zarr(tmp_path / "a.ome.zarr") as a, open_ome_zarr(tmp_path / "b.ome.zarr") as b:
        for level in "012":
            np.testing.assert_array_equal(a[level].numpy(), b[level].numpy())
        assert a["2"].shape == (6, 2, 6, 5)
        assert a.metadata.multiscales[0].datasets == b.metadata.multiscales[0].datasets


def test_contrast_limits_follow_the_pixels(tmp_path):
    dims = [
        Dimension(name="c", coords=[Channel(name="A"), Channel(name="B")]),
        Dimension(name="y", count=HEIGHT, type="space"),
        Dimension(name="x", count=WIDTH, type="space"),
    ]
    settings = AcquisitionSettings(
        root_path=str(tmp_path / "a.ome.zarr"), dimensions=dims, dtype="uint16"
    )
    low = np.linspace(100, 200, HEIGHT * WIDTH).astype("u2").reshape(HEIGHT, WIDTH)
    with create_stream(settings, contrast=True) as stream:
        stream.append(low)
        stream.append(low * 100)
    windows = [channel.window for channel in stream.nodes[0].metadata.omero.channels]
    assert 99 <= windows[0]["start"] <= 102
    assert 198 <= windows[0]["end"] <= 202
    assert 19800 <= windows[1]["end"] <= 20200


def test_leaving_by_an_exception_keeps_what_came(tmp_path):
    frames = frames_of(12)
    stream = create_stream(settings_for(tmp_path / "a.ome.zarr", t=None, chunk=8))

    def acquire():
        with stream:
            for frame in frames[:4]:
                stream.append(frame)
            raise RuntimeError("camera")

    with pytest.raises(RuntimeError, match="camera"):
        acquire()
    np.testing.assert_array_equal(
        stream.nodes[0]["0"].numpy().reshape(4, HEIGHT, WIDTH), frames[:4]
    )


def test_a_stream_that_is_dropped_writes_what_it_has_and_says_so(tmp_path):
    path, frames = tmp_path / "a.ome.zarr", frames_of(12)
    stream = create_stream(settings_for(path, chunk=8))
    stream.append(frames[0])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del stream
        gc.collect()
    assert [w for w in told if issubclass(w.category, UnclosedStreamWarning)]
    with open_ome_zarr(path) as position:
        np.testing.assert_array_equal(position["0"][0, 0], frames[0])


def test_progress_is_told(tmp_path, capsys):
    with create_stream(settings_for(tmp_path / "a.ome.zarr"), progress=True) as stream:
        for frame in frames_of(12):
            stream.append(frame)
    line = capsys.readouterr().err
    assert line.startswith("12 of 12 frames, ")
    assert line.count("\n") == 1


@pytest.mark.parametrize("backend", [*BACKENDS, "tifffile"])
def test_chunks_are_forced_to_the_disk_before_the_journal(tmp_path, backend, monkeypatch):
    forced, real = [], os.fsync

    def noting(file):
        real(file)
        forced.append(os.fstat(file).st_ino)

    monkeypatch.setattr(os, "fsync", noting)
    suffix = "tiff" if backend == "tifffile" else "zarr"
    path = tmp_path / f"a.ome.{suffix}"
    with create_stream(settings_for(path, t=None, form=backend), fsync="chunk") as stream:
        for frame in frames_of(4):
            stream.append(frame)
        stream.flush()
        journal = os.stat(stream._run.journal.path).st_ino
        written = [path] if suffix == "tiff" else [*path.glob("0/c/*/*/*/*")]
        assert len(written) == (1 if suffix == "tiff" else 4)
        last = len(forced) - 1 - forced[::-1].index(journal)
        assert {os.stat(name).st_ino for name in written} <= set(forced[:last])


def test_an_error_of_a_progress_callback_stops_nothing(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_value))

    def broken(done, total):
        raise RuntimeError("no such bar")

    settings = settings_for(tmp_path / "a.ome.zarr", chunk=4)
    with create_stream(settings, progress=broken, flush_seconds=0.02) as stream:
        for frame in frames_of(12):
            stream.append(frame)
            time.sleep(0.01)
    assert stream.frames_written == 12
    assert len(told) > 1
    assert str(told[0]) == "no such bar"


def test_a_journal_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    def full(journal):
        raise OSError(28, "No space left on device")

    frames = frames_of(12)
    settings = settings_for(tmp_path / "a.ome.zarr", t=None)
    with create_stream(settings, flush_seconds=0.02) as stream:
        stream.append(frames[0])
        monkeypatch.setattr(type(stream._run.journal), "flush", full)
        stream._run._clock.join(10)
        with pytest.raises(OSError, match="No space"):
            stream.append(frames[1])
    with open_ome_zarr(tmp_path / "a.ome.zarr") as position:
        np.testing.assert_array_equal(position["0"][0, 0], frames[0])
