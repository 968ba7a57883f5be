"""Archives read: every key once, at its place; what is unsafe or damaged is refused by name."""

from __future__ import annotations

import os
import pickle
import struct
import threading
import zipfile
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from iohub.errors import EngineError, FormatError, IohubWarning, PathError, ReadOnlyError
from iohub.storage.archive_pixels import ArchiveChunks
from iohub.storage.array import ZarrArray
from iohub.storage.codecs import Gzip, Zstd
from iohub.storage.local import LocalBytes
from iohub.storage.ozx import ArchiveBytes, open_archive, split_path
from iohub.storage.ozx_writing import pack
from iohub.storage.spec import ArraySpec
from iohub.storage.zarr_view import ByteStoreView

CONTENT = {"zarr.json": b"{}", "0/zarr.json": b"{ }", "0/c/0": bytes(1000), "0/c/1": b"abcdef"}


def write(path: Path, content: Any = None, method: int = zipfile.ZIP_STORED, **more: Any) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, value in (content or CONTENT).items():
            with file.open(name, "w", **more) as entry:
                entry.write(value)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("large", [False, True])
def test_reading(tmp_path: Path, method: int, large: bool) -> None:
    store = ArchiveBytes(write(tmp_path / "a.zip", method=method, force_zip64=large))
    assert store.get_many([*CONTENT, "0", "9", "0/c"]) == [*CONTENT.values(), None, None, None]
    assert store.size("0/c/0") == 1000
    assert store.size("9") is None
    assert [store.exists(path) for path in ("", "0", "0/c/1", "0/c/2")] == [True, True, True, False]
    assert store.list_dir("") == (["0"], ["zarr.json"])
    assert store.list_dir("0/c") == ([], ["0", "1"])
    assert store.list_dir("nowhere") == ([], [])
    assert store.get_range("0/c/1", 1, 3) == b"bc"
    assert store.get_range("0/c/1", -2) == b"ef"
    assert store.get_range("0/c/1", 4, 90) == b"ef"
    assert store.get_range("0/c/1", 5, 2) == b""
    assert store.get_range("9", 0) is None
    assert store.token("0/c/0") != store.token("0/c/1")
    assert pickle.loads(pickle.dumps(store)) == store
    assert pickle.loads(pickle.dumps(store)).get("0/c/1") == b"abcdef"
    with pytest.raises(PathError):
        store.get("../a.zip")
    with pytest.raises(ReadOnlyError, match=r"r\+"):
        store.with_read_only(False)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zarr_reads_parts_of_values(tmp_path: Path, method: int) -> None:
    view = ByteStoreView(ArchiveBytes(write(tmp_path / "a.zip", method=method)))
    wanted = {
        RangeByteRequest(1, 3): b"bc",
        OffsetByteRequest(4): b"ef",
        SuffixByteRequest(2): b"ef",
        SuffixByteRequest(0): b"",
        None: b"abcdef",
    }
    for part, value in wanted.items():
        found = sync(view.get("0/c/1", default_buffer_prototype(), part))
        assert found is not None
        assert found.to_bytes() == value


def test_a_directory_that_was_zipped_with_its_name(tmp_path: Path) -> None:
    content = {f"plate.zarr/{name}": value for name, value in CONTENT.items()}
    path = write(tmp_path / "a.zip", {"README": b"x", **content})
    store = open_archive(str(path))
    assert store.get("0/c/1") == b"abcdef"
    assert store.list_dir("") == (["0"], ["zarr.json"])
    assert pickle.loads(pickle.dumps(store)) == store == ArchiveBytes(path, "plate.zarr")
    assert store != ArchiveBytes(path) == open_archive(str(path), "plate.zarr")
    assert ArchiveBytes(path).list_dir("") == (["plate.zarr"], ["README"])


def test_an_archive_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip")
    store = ArchiveBytes(path)
    assert store.get("0/c/1") == b"abcdef"
    before = store.token("zarr.json")
    held = store.directory()
    os.replace(write(tmp_path / "b.zip", {**CONTENT, "0/c/1": b"new"}), path)
    assert store.get("0/c/1") == b"new"
    assert store.token("zarr.json") != before
    assert held is not None
    assert held.stored(held.entries["0/c/1"], 0, 6) == b"abcdef"  # whoever reads goes on reading
    path.unlink()
    assert store.get("zarr.json") is None
    assert not store.exists("")
    assert store.list_dir("") == ([], [])


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no list of open files")
def test_the_file_is_closed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip")

    def is_open() -> bool:
        files = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
        return str(path) in [os.readlink(file) for file in files if os.path.islink(file)]

    store = ArchiveBytes(path)
    assert not is_open()
    assert store.get("0/c/1") == b"abcdef"
    assert is_open()
    store.close()
    assert not is_open()
    assert store.get("0/c/1") == b"abcdef"
    del store
    assert not is_open()


def test_nothing_is_read_before_it_is_needed(tmp_path: Path) -> None:
    store = ArchiveBytes(tmp_path / "absent.zip")
    assert repr(store) == f"ArchiveBytes({str(tmp_path / 'absent.zip')!r})"
    assert store.get("zarr.json") is None


def test_many_threads_at_once(tmp_path: Path) -> None:
    content = {str(i): bytes([i]) * (i * 997) for i in range(200)}
    store = ArchiveBytes(write(tmp_path / "a.zip", content))
    wrong: list[str] = []

    def work() -> None:
        wrong.extend(key for key, value in content.items() if store.get(key) != value)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_children_and_parent_read_at_once(tmp_path: Path) -> None:
    """They share the descriptor, whose place in the file would be everybody's."""
    content = {str(i): bytes([i]) * (i * 9973) for i in range(100)}
    store = ArchiveBytes(write(tmp_path / "a.zip", content))
    store.get("0")

    def wrong() -> bool:
        return any(store.get(key) != value for _ in range(5) for key, value in content.items())

    children = []
    for _ in range(3):
        child = os.fork()
        if not child:
            os._exit(wrong())
        children.append(child)
    assert not wrong()
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\\..\\evil", "a//b"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    store = ArchiveBytes(write(tmp_path / "a.zip", {**CONTENT, name: b"x"}))
    with pytest.raises(PathError, match=r"a\.zip is refused: its entry .*evil|a//b"):
        store.get("zarr.json")


def test_entries_that_are_there_twice_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("zarr.json", b"old")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("zarr.json", b"new")
    with pytest.warns(IohubWarning, match=r"1 entries several times, such as 'zarr.json'"):
        assert ArchiveBytes(path).get("zarr.json") == b"new"


def test_every_truncation_is_said(tmp_path: Path) -> None:
    with zipfile.ZipFile(write(tmp_path / "a.zip"), "a") as file:
        file.comment = b"{}"
    whole = (tmp_path / "a.zip").read_bytes()
    cut = tmp_path / "cut.zip"
    for size in [*range(0, len(whole) - 30, 7), *range(len(whole) - 30, len(whole))]:
        cut.write_bytes(whole[:size])
        with pytest.raises(FormatError, match=r"cut\.zip"):
            ArchiveBytes(cut).get("0/c/1")


def test_every_damage_is_said_or_harmless(tmp_path: Path) -> None:
    """No byte can be changed so that a wrong value is returned, or another error raised."""
    whole = write(tmp_path / "a.zip", {"zarr.json": b"{}", "c/0": b"pixels"}).read_bytes()
    path = tmp_path / "bad.zip"
    for at in range(len(whole)):
        for flip in (0x01, 0xFF):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
            try:
                found = ArchiveBytes(path).get("c/0")
            except (FormatError, PathError) as error:
                found = None if "bad.zip" in str(error) else b""
            assert found in (b"pixels", None)


def test_what_is_compressed_otherwise(tmp_path: Path) -> None:
    store = ArchiveBytes(write(tmp_path / "a.zip", method=zipfile.ZIP_LZMA))
    with pytest.raises(FormatError, match=r"zip method 14.*unpack"):
        store.get("zarr.json")


def test_a_deflated_value_is_not_larger_than_it_says(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", {"a": bytes(1 << 20)}, zipfile.ZIP_DEFLATED)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(struct.pack("<I", 1 << 20), struct.pack("<I", 10)))
    with pytest.raises(FormatError, match="checksum"):
        ArchiveBytes(path).get("a")


def test_parts_of_archives_are_refused(tmp_path: Path) -> None:
    raw = bytearray(write(tmp_path / "a.zip").read_bytes())
    raw[-18:-16] = struct.pack("<H", 2)  # this is the third of three
    (tmp_path / "last.zip").write_bytes(raw)
    with pytest.raises(FormatError, match=r"last\.zip is one part .* 'zip -s 0"):
        ArchiveBytes(tmp_path / "last.zip").get("zarr.json")
    for name in ("x.zip.001", "x.ozx.002", "x.z01"):
        (tmp_path / name).write_bytes(b"PK")
        with pytest.raises(FormatError, match="is one part"):
            split_path(str(tmp_path / name))


def test_paths_to_and_into_archives(tmp_path: Path) -> None:
    archive, folder = tmp_path / "a.OZX", tmp_path / "folder.zip"
    write(archive)
    (folder / "inner.zarr").mkdir(parents=True)
    assert split_path(str(archive)) == (str(archive), "")
    assert split_path(f"{archive}/A/1/0/") == (str(archive), "A/1/0")
    assert split_path(f"{tmp_path}/absent.zip") == (f"{tmp_path}/absent.zip", "")
    assert split_path(f"{tmp_path}/absent.zip/A") is None
    assert split_path(str(folder)) is None
    assert split_path(str(folder / "inner.zarr")) is None
    assert split_path(f"{archive}.zarr") is None


LAYOUTS: dict[str, dict[str, Any]] = {
    "v2 of big endian": {"zarr_format": 2, "dtype": ">u2"},
    "gzip": {"zarr_format": 3, "compression": Gzip(1)},
    "zstd": {"zarr_format": 3, "compression": Zstd(1, checksum=True)},
    "zstd in shards": {"zarr_format": 3, "compression": Zstd(1), "shards": (1, 4, 9)},
    "v2": {"zarr_format": 2},
    "v3": {"zarr_format": 3},
    "sharded": {"zarr_format": 3, "shards": (2, 4, 6)},
    "plain": {"zarr_format": 3, "compression": None},
    "large": {"zarr_format": 3, "chunks": (2, 512, 600)},
    "large in shards": {"zarr_format": 3, "chunks": (1, 512, 1200), "shards": (2, 1024, 1200)},
}


@pytest.mark.parametrize("engine", [None, "zarr-python"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("method", ["packed", "stored", "deflated"])
def test_pixels(tmp_path: Path, engine: str | None, layout: str, method: str) -> None:
    """Each engine gives NumPy's results; large chunks are read block by block."""
    shape = (3, 1100, 1300) if layout.startswith("large") else (3, 7, 10)
    data = np.random.default_rng(0).integers(0, 999, shape).astype("u2")
    spec = ArraySpec.create(shape, **{"dtype": "u2", "chunks": (1, 2, 3), **LAYOUTS[layout]})
    folder = tmp_path / "a.zarr"
    array = ZarrArray.create(LocalBytes(folder), "in/0", spec)
    array.write((slice(0, 2), *map(slice, shape[1:])), data[:2])  # the last chunk is not there
    data[2] = 0
    path = tmp_path / "a.ozx"
    if method == "packed":
        pack(str(folder), str(path))
    else:
        how = zipfile.ZIP_STORED if method == "stored" else zipfile.ZIP_DEFLATED
        files = [file for file in folder.rglob("*") if file.is_file()]
        write(path, {str(f.relative_to(folder)): f.read_bytes() for f in files}, how)
    store = ArchiveBytes(path)
    read = ZarrArray.load(store, "in/0", spec.zarr_format, engine)
    assert read.engine_name == (engine or "archive")
    np.testing.assert_array_equal(read[...], data)
    np.testing.assert_array_equal(read[1, 2:6, 1:8], data[1, 2:6, 1:8])
    np.testing.assert_array_equal(read[:, ::3, 8:1:-2], data[:, ::3, 8:1:-2])
    np.testing.assert_array_equal(read.oindex[[2, 0], :, [1, 9]], data[[2, 0]][:, :, [1, 9]])
    np.testing.assert_array_equal(read[[0, 1], [6, 1], [9, 0]], data[[0, 1], [6, 1], [9, 0]])
    np.testing.assert_array_equal(np.asarray(read.zarr_array()[...]), data)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(read))[1], data[1])
    with pytest.raises(ReadOnlyError):
        read[0] = 1
    with pytest.raises(EngineError, match="zarrs"):
        ZarrArray(store, "in/0", spec, "zarrs")[0]


def test_damaged_chunks_and_shards(tmp_path: Path) -> None:
    for layout in ("v3", "sharded", "large", "large in shards"):
        folder, path = tmp_path / layout, tmp_path / f"{layout}.ozx"
        shape = (2, 1000, 900) if layout == "large in shards" else (2, 500, 900)
        shards = (1, *shape[1:]) if "shard" in layout else None
        chunks = (1, 500, 900) if "large" in layout else (1, 250, 300)
        chunks = (1, 1000, 900) if layout == "large in shards" else chunks
        spec = ArraySpec.create(shape, "u2", zarr_format=3, chunks=chunks, shards=shards)
        array = ZarrArray.create(LocalBytes(folder), "", spec)
        array[...] = np.random.default_rng(0).integers(0, 99, spec.shape)
        file = folder / spec.unit_key((0, 0, 0))
        whole = file.read_bytes()
        bad = [b"", whole[:9], whole[: len(whole) // 2], bytes(len(whole)), whole[:-50] + bytes(50)]
        for raw in bad:
            file.write_bytes(raw)
            pack(str(folder), str(path))
            with pytest.raises(FormatError, match=f"{layout}.ozx"):
                ZarrArray.load(ArchiveBytes(path), "", 3)[0, :9, :9]


def test_of_large_chunks_in_shards_a_plane_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = ArraySpec.create(
        (16, 256, 256), "u2", zarr_format=3, chunks=(8, 256, 256), shards=(16, 256, 256)
    )
    data = np.random.default_rng(0).integers(0, 99, spec.shape).astype("u2")
    ZarrArray.create(LocalBytes(tmp_path / "a"), "0", spec)[...] = data
    pack(str(tmp_path / "a"), str(tmp_path / "a.ozx"))
    array = ZarrArray.load(ArchiveBytes(tmp_path / "a.ozx"), "0", 3)
    monkeypatch.setattr(ArchiveChunks, "chunk", lambda *_: pytest.fail("a whole chunk"))
    for z in (3, 8, 15):
        np.testing.assert_array_equal(array[z, 5:9], data[z, 5:9])
    np.testing.assert_array_equal(array[...], data)


def test_codecs_that_are_not_known_go_to_zarr(tmp_path: Path) -> None:
    data = np.arange(24, dtype="u2").reshape(4, 6)
    codec = numcodecs.Delta("<u2")
    zarr.create_array(str(tmp_path / "a/0"), data=data, zarr_format=2, filters=[codec])
    zarr.create_array(str(tmp_path / "a/1"), data=data, zarr_format=2, order="F")
    transpose = zarr.codecs.TransposeCodec(order=(1, 0))
    zarr.create_array(str(tmp_path / "a/2"), data=data, filters=[transpose])
    pack(str(tmp_path / "a"), str(tmp_path / "a.zip"))
    for name, zarr_format in (("0", 2), ("1", 2), ("2", 3)):
        array = ZarrArray.load(ArchiveBytes(tmp_path / "a.zip"), name, zarr_format)
        assert array.engine_name == "zarr-python"
        np.testing.assert_array_equal(array[...], data)


def test_tensorstore_sees_what_is_decoded_here(tmp_path: Path) -> None:
    spec = ArraySpec.create((4, 9), "u2", zarr_format=3, chunks=(1, 9))
    ZarrArray.create(LocalBytes(tmp_path / "a"), "0", spec)[...] = 7
    pack(str(tmp_path / "a"), str(tmp_path / "a.ozx"))
    view = ZarrArray.load(ArchiveBytes(tmp_path / "a.ozx"), "0", 3).tensorstore()
    assert (view[1:3].read().result() == 7).all()


def test_pixels_of_an_archive_that_was_replaced(tmp_path: Path) -> None:
    paths = []
    for value in (1, 2):
        spec = ArraySpec.create((4, 9), "u2", zarr_format=3, chunks=(1 + value, 9))
        folder = tmp_path / f"{value}.zarr"
        ZarrArray.create(LocalBytes(folder), "0", spec)[...] = value
        paths.append(tmp_path / f"{value}.ozx")
        pack(str(folder), str(paths[-1]))
    array = ZarrArray.load(ArchiveBytes(paths[0]), "0", 3)
    assert (array[:, 2] == 1).all()
    os.replace(paths[1], paths[0])
    assert (array[:, 2] == 2).all()
    assert (array[...] == 2).all()
