"""After ``kill -9``: what is older than the flush limit is there, and is made a valid dataset."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from iohub import open_ome_zarr
from iohub.cli import main
from iohub.errors import ConflictError, DocumentError, NotFoundError
from iohub.models import validate
from iohub.stream import AcquisitionSettings, Dimension, create_stream, recover_stream
from iohub.stream.formats import BACKENDS
from iohub.stream.journal import Journal, journals, read_journal

_FRAMES, _SIZE = 25, 32

_CHILD = """
import os, signal, sys, time
from importlib.util import find_spec
import numpy as np
from tests.stream.test_recover import settings_for, frame
from iohub.stream import create_stream
where = sys.argv[1]
streams = []
for name, chunk, count, shard, levels in (
    ("bounded.ome.zarr", 1, 40, None, 2), ("chunks.ome.zarr", 10, 40, None, 1),
    ("growing.ome.zarr", 10, None, None, 1), ("shards.ome.zarr", 1, None, 10, 1),
    ("blosc.ome.zarr", 4, None, None, 1), ("pages.ome.tiff", 1, 40, None, 1),
    ("growing.ome.tiff", 1, None, None, 1), ("tensorstore.ome.zarr", 4, None, None, 1),
    ("zarr-python.ome.zarr", 1, 40, None, 1), ("zarrs-python.ome.zarr", 1, None, 10, 1),
    ("acquire-zarr.ome.zarr", 1, 40, None, 1), ("spots.ome.zarr", 4, None, None, 1),
    ("spots.ome.tiff", 1, None, None, 1),
):
    if name.startswith("acquire") and not find_spec("acquire_zarr"):
        continue
    settings = settings_for(f"{where}/{name}", chunk, count, shard)
    streams.append(create_stream(settings, flush_seconds=0.3, levels=levels))
for number in range(25):
    for stream in streams:
        stream.append(frame(number), frame_metadata={"n": number})
        if "spots" in stream.path:
            stream.append(frame(number + 100))
end = time.monotonic() + 30  # until the flush limit has done it, however busy the machine is
while time.monotonic() < end and any(
    stream.frames_written < stream.frames_appended - ("acquire" in stream.path)
    or stream._run.journal.waiting for stream in streams
):
    time.sleep(0.05)
time.sleep(0.2)
os.kill(os.getpid(), signal.SIGKILL)
"""


def frame(number):
    return np.full((_SIZE, _SIZE), number + 1, np.uint16)


def settings_for(path, chunk=1, count=None, shard=None):
    compression = "blosc-zstd" if "blosc" in str(path) else None
    name = Path(path).name.partition(".")[0]
    spots = [Dimension(name="p", coords=["a", "b"])] if name == "spots" else []
    return AcquisitionSettings(
        root_path=str(path),
        format=name if name in BACKENDS else "auto",
        dimensions=[
            Dimension(
                name="t", count=count, type="time", chunk_size=chunk, shard_size_chunks=shard
            ),
            *spots,
            Dimension(name="y", count=_SIZE, type="space"),
            Dimension(name="x", count=_SIZE, type="space"),
        ],
        dtype="uint16",
        compression=compression,
    )


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A folder in which a program was killed that had many streams open."""
    folder = tmp_path_factory.mktemp("killed")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(folder)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    return folder


@pytest.mark.skipif(os.name != "posix", reason="there is no kill -9")
@pytest.mark.parametrize(
    "name",
    [
        "bounded",
        "chunks",
        "growing",
        "shards",
        "blosc",
        "tensorstore",
        "zarr-python",
        "zarrs-python",
    ],
)
def test_zarr_after_a_kill(killed, name):
    path = killed / f"{name}.ome.zarr"
    with open_ome_zarr(path) as position:  # before it is recovered
        found = position["0"].numpy()[:_FRAMES, 0, 0]
        np.testing.assert_array_equal(found, np.arange(1, _FRAMES + 1))
    (done,) = recover_stream(path)
    assert done.frames_written == _FRAMES
    assert not recover_stream(path)
    bounded = name in ("bounded", "chunks", "zarr-python")
    with open_ome_zarr(path) as position:
        pixels = position["0"].numpy()
        assert len(pixels) == (40 if bounded else _FRAMES)
        np.testing.assert_array_equal(pixels[:_FRAMES, 0, 0], np.arange(1, _FRAMES + 1))
        record = position.zattrs["iohub"]["stream"]
        assert record["frames_written"] == _FRAMES
        assert record["missing"] == ([[_FRAMES, 40]] if bounded else [])
        noted = position.zattrs["ome_writers"]["frame_metadata"]
        assert [entry["n"] for entry in noted] == list(range(_FRAMES))
        if name == "bounded":
            np.testing.assert_array_equal(position["1"].numpy()[:, 0, 0], pixels[:, 0, 0])
    assert not validate(path).errors
    assert not [entry for entry in os.listdir(path) if entry.startswith(".")]


@pytest.mark.skipif(os.name != "posix", reason="there is no kill -9")
@pytest.mark.parametrize("name", ["pages", "growing"])
def test_tiff_after_a_kill(killed, name):
    tifffile = pytest.importorskip("tifffile")
    path = killed / f"{name}.ome.tiff"
    with tifffile.TiffFile(path) as file:  # every page is in the chain
        assert [int(page.asarray()[0, 0]) for page in file.pages] == list(range(1, _FRAMES + 1))
    found = CliRunner().invoke(main, ["recover", str(path)])
    assert found.exit_code == 0, found.output
    assert f"{_FRAMES}{' of 40' if name == 'pages' else ''} frames" in found.output
    with tifffile.TiffFile(path) as file:
        series = file.series[0].asarray()
        assert series.shape[0] == (40 if name == "pages" else _FRAMES)
        np.testing.assert_array_equal(series[:_FRAMES, 0, 0], np.arange(1, _FRAMES + 1))
        assert not series[_FRAMES:].any()
        assert file.ome_metadata.count("DeltaT") == 0
        assert '"n": 24' in file.ome_metadata


@pytest.mark.skipif(os.name != "posix", reason="there is no kill -9")
def test_several_positions_after_a_kill(killed):
    tifffile = pytest.importorskip("tifffile")
    (done,) = recover_stream(killed / "spots.ome.zarr")
    assert done.frames_written == 2 * _FRAMES
    with open_ome_zarr(killed / "spots.ome.zarr") as series:
        for name, first in (("a", 1), ("b", 101)):
            found = series[name]["0"].numpy()[:, 0, 0]
            np.testing.assert_array_equal(found, np.arange(first, first + _FRAMES))
            assert series[name].zattrs["iohub"]["stream"]["complete"]
    assert not validate(killed / "spots.ome.zarr").errors
    (done,) = recover_stream(killed / "spots")
    assert done.frames_written == 2 * _FRAMES
    for number, first in enumerate((1, 101)):
        found = tifffile.imread(killed / f"spots/spots_p{number:03d}.ome.tiff", series=number)
        np.testing.assert_array_equal(found[:, 0, 0], np.arange(first, first + _FRAMES))


@pytest.mark.skipif(os.name != "posix", reason="there is no kill -9")
def test_the_writer_of_acquire_after_a_kill(killed):
    """It writes a shard when the next one begins, and its documents only at the end."""
    pytest.importorskip("acquire_zarr")
    (done,) = recover_stream(killed / "acquire-zarr.ome.zarr")
    assert _FRAMES - 1 <= done.frames_written <= _FRAMES
    with open_ome_zarr(killed / "acquire-zarr.ome.zarr") as position:
        found = position["0"].numpy()[: done.frames_written, 0, 0]
        np.testing.assert_array_equal(found, np.arange(1, done.frames_written + 1))
        record = position.zattrs["iohub"]["stream"]
        assert record["missing"] == [[done.frames_written, 40]]
    assert not validate(killed / "acquire-zarr.ome.zarr").errors


def test_a_full_disk_tears_no_journal(tmp_path, monkeypatch):
    journal = Journal(str(tmp_path), {"format": "ome-zarr", "positions": []})
    journal.note("skipped", [0, 0, [0]])
    real = os.write

    def full(file, value):
        real(file, bytes(value)[:9])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            journal.flush()
    journal.note("skipped", [1, 0, [1]])
    journal.close(remove=False)
    assert [frame.number for frame in read_journal(journal.path).skipped] == [0, 1]


def test_pages_that_the_journal_does_not_name(tmp_path):
    """Frames come out of order, and the journal ends before the last of them; or after them."""
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "a.ome.tiff"
    stream = create_stream(settings_for(path, count=8))
    stream.append(frame(5), at={"t": 5}, frame_metadata={"n": 5})
    stream.flush()
    (journal,) = journals(str(tmp_path))
    text = Path(journal).read_bytes()
    for number in (2, 7):
        stream.append(frame(number), at={"t": number})
    stream.close()
    lost = b'{"written":[[1,0,[1]]]}\n'  # after a power cut
    Path(journal).write_bytes(text + lost)
    (done,) = recover_stream(path)
    assert done.positions["0"]["missing"] == [[0, 2], [3, 5], [6, 7]]
    found = tifffile.imread(path)[:, 0, 0]
    np.testing.assert_array_equal(found, [0, 0, 3, 0, 0, 6, 0, 8])
    with tifffile.TiffFile(path) as file:
        assert file.ome_metadata.count('"n": 5') == 1


def test_a_stream_that_runs_is_left_alone(tmp_path):
    path = tmp_path / "a.ome.zarr"
    other = tmp_path / "b.ome.zarr"
    with create_stream(settings_for(path)) as stream:
        stream.append(frame(0))
        with create_stream(settings_for(other)) as killed:
            killed.append(frame(0))
            killed.flush()
            (journal,) = journals(str(other))
            text = Path(journal).read_bytes()
        Path(journal).write_bytes(text)
        with pytest.raises(ConflictError, match="still runs"):
            recover_stream(path)
        with pytest.raises(ConflictError, match=r"a\.ome\.zarr still runs"):
            recover_stream(tmp_path)
        assert not recover_stream(other)  # it was recovered all the same
    assert not recover_stream(path)


def test_what_cannot_be_recovered_is_said(tmp_path):
    with pytest.raises(NotFoundError):
        recover_stream(tmp_path / "nothing")
    assert recover_stream(tmp_path) == ()
    stream = create_stream(settings_for(tmp_path / "a.ome.zarr"))
    stream.append(frame(0))
    (journal,) = journals(str(tmp_path / "a.ome.zarr"))
    text = Path(journal).read_bytes()
    stream.close()
    Path(journal).write_bytes(b"{}\n")
    with pytest.raises(DocumentError):
        recover_stream(tmp_path)
    Path(journal).write_bytes(text + b'{"written":[[0,0,')  # torn by a power cut
    (done,) = recover_stream(tmp_path)
    assert done.frames_written == 1
    assert "1 frames" in str(done)
