"""Archives written: laid out as RFC-9 wants it, complete or not at all."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from iohub.errors import ConflictError, ExistsError
from iohub.storage import ozx_writing, zip_entries
from iohub.storage.ozx import ArchiveBytes
from iohub.storage.ozx_writing import archive_comment, pack, publish, unpack

CONTENT = {
    "zarr.json": b'{"attributes": {"ome": {"version": "9.9"}}}',
    "B/zarr.json": b"{}",
    "A/zarr.json": b"{}",
    "A/1/zarr.json": b"{}",
    "A/0/c/0/10": b"ten",
    "A/0/c/0/9": b"nine",
    "A/0/zarr.json": b"{}",
    "notes.txt": b"",
    "ä/ö": b"x" * (3 << 20),
    "A/.__iohub.lock": b"own",
}
ORDER = ["zarr.json", "A/zarr.json", "B/zarr.json", "A/0/zarr.json", "A/1/zarr.json"]
ORDER += ["A/0/c/0/9", "A/0/c/0/10", "notes.txt", "ä/ö"]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    for key, value in CONTENT.items():
        path = tmp_path / "folder" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value)
    return str(tmp_path / "folder")


def test_what_is_in_it(folder: str, tmp_path: Path) -> None:
    archive, done = str(tmp_path / "a.ozx"), []
    pack(folder, archive, progress=done.append, durable=True)
    with zipfile.ZipFile(archive) as file:
        assert file.namelist() == ORDER
        assert file.testzip() is None
        assert all(file.read(name) == CONTENT[name] for name in ORDER)
        assert file.comment == archive_comment(folder)
        offsets = [info.header_offset for info in file.infolist()]
    assert offsets == sorted(offsets)
    assert offsets[0] == 0
    assert sum(done) == sum(len(CONTENT[name]) for name in ORDER)
    unpack(archive, str(tmp_path / "back"))
    back = {
        str(path.relative_to(tmp_path / "back")): path.read_bytes()
        for path in (tmp_path / "back").rglob("*")
        if path.is_file()
    }
    assert back == {name: CONTENT[name] for name in ORDER}


def test_every_size_and_offset_is_of_64_bits(folder: str, tmp_path: Path) -> None:
    pack(folder, str(tmp_path / "a.ozx"))
    raw = (tmp_path / "a.ozx").read_bytes()
    assert struct.unpack_from("<II", raw, 18) == (0xFFFFFFFF, 0xFFFFFFFF)
    assert raw.count(b"PK\6\6") == raw.count(b"PK\6\7") == 1


def test_what_lies_behind_4_gib(tmp_path: Path) -> None:
    """Holes cost nothing on disk where there are such; nothing is read but the last entry."""
    folder = tmp_path / "folder"
    folder.mkdir()
    items = [
        zip_entries.Item(b"a", str(folder / "a"), 5 << 30, 0),
        zip_entries.Item(b"b", str(folder / "b"), 3, (5 << 30) + 51),
    ]
    assert items[0].end == items[1].offset
    (folder / "b").write_bytes(b"end")
    with open(tmp_path / "a.zip", "wb") as file:
        target = file.fileno()
        zip_entries.write_at(target, zip_entries.header(items[0], 0), 0)
        checks = [0, ozx_writing.put(target, items[1], bytearray(99))]
        end = zip_entries.directory(items, checks, items[1].end, b"")
        zip_entries.write_at(target, end, items[1].end)
    store = ArchiveBytes(tmp_path / "a.zip")
    assert store.get("b") == b"end"
    assert store.size("a") == 5 << 30
    assert store.get_range("a", -2) == b"\0\0"
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.read("b") == b"end"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b'{"attributes": {"ome": {"version": "0.5"}}}', '{"version":"0.5",'),
        (b'{"attributes": {"ome": {"version": 5}}}', "{"),
        (b'{"attributes": {"ome": []}}', "{"),
        (b"[1]", "{"),
        (b"{", "{"),
        (None, "{"),
    ],
)
def test_the_comment(tmp_path: Path, document: bytes | None, said: str) -> None:
    if document is not None:
        (tmp_path / "zarr.json").write_bytes(document)
    rest = '"zipFile":{"centralDirectory":{"jsonFirst":true}}}}'
    assert archive_comment(str(tmp_path)).decode() == f'{{"ome":{said}{rest}'


def test_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    pack(str(tmp_path / "folder"), str(tmp_path / "a.zip"))
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        assert file.namelist() == []


@pytest.mark.parametrize("size", [0, 2, 4, 3 << 20])
def test_a_file_that_changes_meanwhile(
    folder: str, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = ozx_writing.put

    def late(*given: Any) -> int:
        with open(os.path.join(folder, "A/0/c/0/9"), "wb") as file:
            file.truncate(size)
        return put(*given)

    monkeypatch.setattr(ozx_writing, "put", late)
    if size == len(b"nine"):
        pack(folder, str(tmp_path / "a.zip"))
        return
    with pytest.raises(ConflictError, match="9 was changed"):
        pack(folder, str(tmp_path / "a.zip"))


@pytest.mark.parametrize("links", [True, False])
def test_publishing(tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*paths: str) -> None:
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", refused)
    new, archive = tmp_path / "new", tmp_path / "a.ozx"
    new.write_bytes(b"1")
    publish(str(new), str(archive), replace=False, durable=True)
    assert archive.read_bytes() == b"1"
    assert not new.exists()
    new.write_bytes(b"2")
    with pytest.raises(ExistsError, match="someone else"):
        publish(str(new), str(archive), replace=False)
    assert archive.read_bytes() == b"1"
    publish(str(new), str(archive), replace=True)
    assert archive.read_bytes() == b"2"
    assert not new.exists()
