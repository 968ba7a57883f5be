"""Paths and URLs of tiles and stores, joined and told apart the same way on every system."""

from __future__ import annotations

import posixpath
import re
from enum import StrEnum
from pathlib import Path
from typing import Any

from iohub.errors import FormatError, NotFoundError, PathError, UnsupportedUrlError
from iohub.optional import need

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class UrlType(StrEnum):
    """Where a URL leads."""

    LOCAL = "local"
    S3 = "s3"
    NOT_SUPPORTED = "not_supported"


def find_url_type(url: str) -> UrlType:
    """Return where a URL leads.

    Parameters
    ----------
    url : str
        An absolute path is LOCAL (also one from ``~``, a drive or a network share), ``s3://`` is
        S3; all else is NOT_SUPPORTED, relative paths too, since they lead elsewhere on a worker.
    """
    if url.startswith(("/", "~", "\\\\")) or _DRIVE.match(url):
        return UrlType.LOCAL
    return UrlType.S3 if url.startswith("s3://") else UrlType.NOT_SUPPORTED


def is_absolute_url(url: str) -> bool:
    """Whether a URL means the same in every working directory.

    Parameters
    ----------
    url : str
        A path or URL.
    """
    return find_url_type(url) is not UrlType.NOT_SUPPORTED or _SCHEME.match(url) is not None


def is_remote(url: str) -> bool:
    """Whether a URL has a scheme, such as ``s3://``.

    Parameters
    ----------
    url : str
        A path or URL.
    """
    return _SCHEME.match(url) is not None


def join_url_paths(base_url: str, *paths: str) -> str:
    """Join paths to a URL, with one slash between two parts.

    Parameters
    ----------
    base_url : str
        A path or URL.
    *paths : str
        Parts below it; slashes around them and backslashes are taken as separators, ``.`` and
        ``..`` are resolved.

    Returns
    -------
    str
        Without a slash at its end.

    Raises
    ------
    PathError
        If ``..`` leads out of the bucket or server of a URL; a :class:`ValueError`.
    """
    head, rest = _split(base_url)
    parts = [str(path).replace("\\", "/").strip("/") for path in paths]
    joined = "/".join(part for part in (rest.rstrip("/"), *parts) if part)
    if rest.startswith("/") and not joined.startswith("/"):
        joined = f"/{joined}"
    whole = posixpath.normpath(joined) if joined else ""
    if head and (whole == ".." or whole.startswith("../")):
        raise PathError(f"joining {paths} to {base_url!r} leads out of {head!r}")
    if not head:
        return whole
    return head if whole in {"", "."} else f"{head}/{whole}"


def parent_url(url: str) -> str:
    """Return what a URL lies in.

    Parameters
    ----------
    url : str
        A path or URL.

    Raises
    ------
    PathError
        If it is the root of a file system, a bucket or one name; a :class:`ValueError`.
    """
    head, rest = _split(url.rstrip("/\\") or url)
    parent, slash, name = rest.rpartition("/")
    if not name or not (slash or head):
        raise PathError(f"{url!r} lies in nothing: it is a root, a bucket or a single name")
    if head:
        return f"{head}/{parent}" if parent else head
    return parent or "/"


def basename_url(url: str) -> str:
    """Return the last part of a URL.

    Parameters
    ----------
    url : str
        A path or URL.
    """
    return url.replace("\\", "/").rstrip("/").rpartition("/")[2]


def local_url_to_path(url: str) -> Path:
    """Return the absolute path of a local URL; the directory that it lies in is made.

    Parameters
    ----------
    url : str
        A path.

    Raises
    ------
    UnsupportedUrlError
        If it leads to a server; a :class:`NotImplementedError`.
    """
    if scheme := _SCHEME.match(url):
        raise UnsupportedUrlError(f"{url!r} is no path: {scheme[1]} is not on this machine")
    path = Path(url).expanduser().resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def filesystem_for_url(url: str, error_msg_prefix: str = "File handling") -> Any:
    """Return the fsspec file system that a URL lies in.

    Parameters
    ----------
    url : str
        A path, or a URL of a kind that fsspec knows, such as ``s3://``.
    error_msg_prefix : str
        What was to be done, for the message.

    Raises
    ------
    UnsupportedUrlError
        If fsspec does not know that kind; a :class:`NotImplementedError`.
    MissingDependencyError
        If the package for that kind is not installed.
    """
    fsspec = need("fsspec", extra="remote", why="files by URL")
    scheme = _SCHEME.match(url)
    if scheme is None:
        return fsspec.filesystem("file")
    try:
        return fsspec.filesystem(scheme[1])
    except ImportError as error:
        need(str(error.name or scheme[1]), why=f"{error_msg_prefix}: {url}")
        raise
    except ValueError as error:
        raise UnsupportedUrlError(
            f"{error_msg_prefix}: the scheme {scheme[1]!r} of {url!r} is not known; give a path or "
            "an s3:// URL"
        ) from error


def glob_url_paths(*, base_url: str | None, pattern: str) -> list[str]:
    """Return the files that a pattern names, sorted.

    Parameters
    ----------
    base_url : str or None
        Where the pattern starts; None if it is absolute.
    pattern : str
        With ``*``, ``**``, ``?`` and ``[…]``.
    """
    whole = pattern if base_url is None else join_url_paths(base_url, pattern)
    head = whole.partition("://")[0] + "://" if _SCHEME.match(whole) else ""
    found = filesystem_for_url(whole, "Search for files").glob(str(whole))
    return sorted(f"{head}{path}" if head and "://" not in path else path for path in found)


def read_bytes(url: str, why: str = "Loading image") -> bytes:
    """Return what a file holds.

    Parameters
    ----------
    url : str
        A path or URL.
    why : str
        What was to be done, for the message.

    Raises
    ------
    NotFoundError
        If there is no such file; a :class:`FileNotFoundError`.
    FormatError
        If it is a directory; an :class:`OSError`.
    """
    try:
        if is_remote(url):
            with filesystem_for_url(url, why).open(url, "rb") as file:
                return bytes(file.read())
        return Path(url).expanduser().read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"{why}: there is no file {url!r}") from error
    except IsADirectoryError as error:
        raise FormatError(f"{why}: {url!r} is a directory") from error


def _split(url: str) -> tuple[str, str]:
    """Return the scheme and bucket of a URL, and the path in it; of a path, "" and itself."""
    text = url.replace("\\", "/") if find_url_type(url) is UrlType.LOCAL else url
    scheme = _SCHEME.match(text)
    if scheme is None:
        return "", text
    bucket, _, rest = text[scheme.end() :].partition("/")
    return scheme[0] + bucket, rest
