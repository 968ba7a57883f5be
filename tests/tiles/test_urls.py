"""Paths and URLs."""

from pathlib import Path

import pytest

from iohub.errors import NotFoundError, PathError, UnsupportedUrlError
from iohub.tiles.urls import (
    UrlType,
    basename_url,
    filesystem_for_url,
    find_url_type,
    glob_url_paths,
    is_absolute_url,
    join_url_paths,
    local_url_to_path,
    parent_url,
    read_bytes,
)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("/a", "local"),
        ("~/a", "local"),
        ("C:\\a", "local"),
        ("\\\\server\\a", "local"),
        ("s3://b/k", "s3"),
        ("http://x/y", "not_supported"),
        ("a/b", "not_supported"),
    ],
)
def test_where_a_url_leads(url: str, kind: str) -> None:
    assert find_url_type(url) is UrlType(kind)
    assert is_absolute_url(url) is (kind != "not_supported" or "://" in url)


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        (("/a", "b"), "/a/b"),
        (("/a/", "/b/"), "/a/b"),
        (("a", "b", "c"), "a/b/c"),
        (("/a", ""), "/a"),
        (("/", "a"), "/a"),
        (("/a", "../b"), "/b"),
        (("C:\\a", "b\\c"), "C:/a/b/c"),
        (("s3://b/k", "..", "x"), "s3://b/x"),
        (("s3://b", "x/./y"), "s3://b/x/y"),
        (("s3://b/k", ".."), "s3://b"),
    ],
)
def test_joining(parts: tuple[str, ...], joined: str) -> None:
    assert join_url_paths(*parts) == joined


def test_joining_never_leaves_a_bucket() -> None:
    with pytest.raises(PathError, match="leads out of 's3://b'"):
        join_url_paths("s3://b", "..", "..", "x")


@pytest.mark.parametrize(
    ("url", "parent", "name"),
    [("/a/b", "/a", "b"), ("/a", "/", "a"), ("s3://b/k/", "s3://b", "k"), ("a/b", "a", "b")],
)
def test_parents(url: str, parent: str, name: str) -> None:
    assert (parent_url(url), basename_url(url)) == (parent, name)


@pytest.mark.parametrize("url", ["a", "/", "s3://b"])
def test_no_parent(url: str) -> None:
    with pytest.raises(PathError):
        parent_url(url)


def test_file_systems(tmp_path: Path) -> None:
    assert filesystem_for_url(str(tmp_path)).exists(str(tmp_path))
    assert "memory" in filesystem_for_url("memory://a").protocol
    with pytest.raises(NotImplementedError, match="Loading: the scheme 'nope'"):
        filesystem_for_url("nope://x", error_msg_prefix="Loading")


def test_local_path_makes_its_directory(tmp_path: Path) -> None:
    assert local_url_to_path(str(tmp_path / "new" / "file")).parent.is_dir()
    with pytest.raises(UnsupportedUrlError):
        local_url_to_path("s3://b/x")


def test_glob_and_read(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.png"):
        (tmp_path / name).write_text(name)
    found = glob_url_paths(base_url=str(tmp_path), pattern="*.txt")
    assert [basename_url(url) for url in found] == ["a.txt", "b.txt"]
    assert read_bytes(found[0]) == b"a.txt"
    with pytest.raises(NotFoundError, match=r"there is no file .*none"):
        read_bytes(str(tmp_path / "none"))
    with pytest.raises(OSError, match="is a directory"):
        read_bytes(str(tmp_path))


def test_files_by_url() -> None:
    files = filesystem_for_url("memory://t")
    with files.open("memory://tiles/x.bin", "wb") as file:
        file.write(b"abc")
    assert read_bytes("memory://tiles/x.bin") == b"abc"
    assert glob_url_paths(base_url="memory://tiles", pattern="*.bin") == ["memory:///tiles/x.bin"]
    with pytest.raises(FileNotFoundError):
        read_bytes("memory://tiles/none")
