"""Single steps on files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from iohub.storage import files


def test_write_all_goes_on_after_a_short_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(files.os, "write", lambda fd, value: real(fd, bytes(value[:3])))
    descriptor = os.open(tmp_path / "x", os.O_WRONLY | os.O_CREAT)
    files.write_all(descriptor, b"0123456789")
    files.write_all(descriptor, memoryview(b"abcdefg"))
    files.write_all(descriptor, b"")
    os.close(descriptor)
    assert (tmp_path / "x").read_bytes() == b"0123456789abcdefg"


def test_remove(tmp_path: Path) -> None:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "file").touch()
    os.symlink(tmp_path / "tree", tmp_path / "link")
    files.remove(str(tmp_path / "link"))
    assert (tmp_path / "tree").exists()
    for name in ("tree", "file", "none"):
        files.remove(str(tmp_path / name))
    assert os.listdir(tmp_path) == []


def test_remove_what_a_writer_still_fills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that arrives between the last listing of a folder and its removal."""
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    rmdir, late = os.rmdir, ["a", "b"]

    def filled(path: str, *, dir_fd: int | None = None) -> None:
        if late:
            (folder / "inner" / late.pop()).write_bytes(b"x")
        rmdir(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "rmdir", filled)
    files.remove(str(folder))
    assert not folder.exists()
    assert not late


def test_sync(tmp_path: Path) -> None:
    files.sync(str(tmp_path))


def test_folders_for_a_file_that_is_to_come(tmp_path):
    files.expect_in(f"{tmp_path}/a/b/c")
    files.expect_in(f"{tmp_path}/a/b/c")
    assert (tmp_path / "a" / "b").is_dir()
    files.expect_in(f"{tmp_path}/no/such/place/c")  # who stores the file tells what is wrong
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("count", [3, 100])
def test_all_files_of_a_tree_are_forced_to_the_disk(tmp_path, monkeypatch, count):
    forced, whole = [], []
    monkeypatch.setattr(files, "sync", forced.append)
    monkeypatch.setattr(files, "_sync_file_system", lambda path: whole.append(path) or True)
    for number in range(count):
        (tmp_path / str(number)).touch()
    files.sync_tree(str(tmp_path))
    if count == 3:
        assert sorted(forced) == sorted([str(tmp_path), *(f"{tmp_path}/{i}" for i in range(3))])
    assert bool(whole) is (count == 100)
