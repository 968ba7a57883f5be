"""A directory written to a zip archive as OME-Zarr RFC-9 wants it, and back.

Documents come first, that of the root before all, level by level; then pixels, in the order of
their chunks. Nothing is compressed again, no name is there twice, and every entry is of ZIP64. The
same content makes the same archive, byte by byte.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from iohub.errors import ConflictError, ExistsError, FormatError
from iohub.storage import files, settings
from iohub.storage.keys import DOCUMENTS, OWN_PREFIX, join
from iohub.storage.ozx import ArchiveBytes, open_archive
from iohub.storage.zip_entries import Item, directory, header, write_at

_BUFFER = 1 << 20  # read at a time [bytes]; stays in the caches of a processor
_DIGITS = re.compile(r"\d+")


def pack(
    folder: str,
    archive: str,
    *,
    durable: bool = False,
    progress: Callable[[int], object] | None = None,
) -> None:
    """Write what is in a directory to a new archive file.

    The file is not complete until this returns: write to another name and rename it, see
    :func:`publish`.

    Parameters
    ----------
    folder : str
        The directory of a Zarr group. Files of iohub's own are left out.
    archive : str
        The file, which is made or overwritten.
    durable : bool
        Whether the file is to survive a power cut.
    progress : callable, optional
        Called with the number of bytes of each file that is written.

    Raises
    ------
    ConflictError
        If a file is changed while it is read.
    """
    items = list(laid_out(listed(folder)))
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    target = os.open(archive, flags, 0o666)
    try:
        # In one thread: several that write to one file wait for each other, and busily.
        buffer, checks = bytearray(_BUFFER), []
        for item in items:
            checks.append(put(target, item, buffer))
            if progress is not None:
                progress(item.size)
        end = items[-1].end if items else 0
        write_at(target, directory(items, checks, end, archive_comment(folder)), end)
        if durable:
            os.fsync(target)
    finally:
        os.close(target)


def publish(temporary: str, archive: str, *, replace: bool, durable: bool = False) -> None:
    """Give a complete archive its name, in one step.

    Parameters
    ----------
    temporary : str
        The complete file, in the same file system.
    archive : str
        Its name.
    replace : bool
        Whether an archive of that name is replaced.
    durable : bool
        Whether this is to survive a power cut.

    Raises
    ------
    ExistsError
        If there is something of that name and it is not to be replaced.
    """
    if replace:
        os.replace(temporary, archive)
    else:
        try:
            os.link(temporary, archive)  # which replaces nothing
        except FileExistsError as error:
            raise ExistsError(
                f"someone else has made {archive} meanwhile; it is left as it is"
            ) from error
        except OSError:  # a file system without hard links
            if os.path.lexists(archive):
                raise ExistsError(
                    f"someone else has made {archive} meanwhile; it is left as it is"
                ) from None
            os.replace(temporary, archive)
        with suppress(FileNotFoundError):
            os.unlink(temporary)
    if durable:
        files.sync(os.path.dirname(archive))


def unpack(archive: str, folder: str) -> None:
    """Write what is in an archive to a directory that does not exist.

    Parameters
    ----------
    archive : str
        Read as :func:`~iohub.storage.ozx.open_archive` opens it.
    folder : str
        Where to.

    Raises
    ------
    FormatError, PathError
        If the archive is damaged, or refused.
    """
    store = open_archive(archive)
    os.makedirs(folder)
    made = {""}
    with ThreadPoolExecutor(settings.get_options().workers, "iohub-unpack") as threads:

        def write(key: str) -> None:
            value = store.get(key)
            with open(os.path.join(folder, key), "xb") as file:
                file.write(value or b"")

        keys = list(_keys(store, ""))
        for key in keys:
            above = key.rpartition("/")[0]
            if above not in made:
                made.add(above)
                os.makedirs(os.path.join(folder, above), exist_ok=True)
        list(threads.map(write, keys))


def archive_comment(folder: str) -> bytes:
    """Return what RFC-9 wants to be said of an archive: the version of the OME-Zarr in it.

    Parameters
    ----------
    folder : str
        The directory of the uppermost group.
    """
    found: Any = None
    with suppress(FileNotFoundError, ValueError), open(f"{folder}/zarr.json", "rb") as file:
        found = json.loads(file.read())
    for member in ("attributes", "ome", "version"):
        found = found.get(member) if isinstance(found, dict) else None
    said: dict[str, Any] = {"version": found} if isinstance(found, str) else {}
    said["zipFile"] = {"centralDirectory": {"jsonFirst": True}}
    return json.dumps({"ome": said}, separators=(",", ":")).encode()


def _keys(store: ArchiveBytes, prefix: str) -> Iterator[str]:
    folders, names = store.list_dir(prefix)
    yield from (join(prefix, name) for name in names)
    for folder in folders:
        yield from _keys(store, join(prefix, folder))


def listed(folder: str, prefix: str = "") -> Iterator[tuple[str, str, int]]:
    """Key, file and size of everything in a directory."""
    with os.scandir(os.path.join(folder, prefix)) as entries:
        for entry in entries:
            if entry.name.startswith(OWN_PREFIX):
                continue
            key = join(prefix, entry.name)
            if entry.is_dir():
                yield from listed(folder, key)
            else:
                yield key, entry.path, entry.stat().st_size


def _order(key: str) -> tuple[object, ...]:
    """Documents first, level by level; then the rest, numbers in their order."""
    folder, _, name = key.rpartition("/")
    first = name in DOCUMENTS
    numbered = _DIGITS.sub(lambda found: found[0].zfill(20), key)
    return (not first, folder.count("/") + bool(folder) if first else 0, numbered)


def laid_out(found: Iterable[tuple[str, str, int]]) -> Iterator[Item]:
    """Give the files of a directory their places in an archive: documents first, level by level.

    Parameters
    ----------
    found : iterable of (str, str, int)
        As :func:`listed` gives them.
    """
    offset = 0
    for key, path, size in sorted(found, key=lambda item: _order(item[0])):
        name = key.encode()
        if len(name) > 0xFFFF:
            raise FormatError(f"{key:.60}… is too long a name for a zip archive")
        item = Item(name, path, size, offset)
        offset = item.end
        yield item


def put(target: int, item: Item, buffer: bytearray) -> int:
    """Write an entry; return its checksum."""
    head, view = item.start - item.offset, memoryview(buffer)
    check = done = 0
    with open(item.path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        while size == item.size and (part := file.readinto(view[head:])):
            check = zlib.crc32(view[head : head + part], check)
            if part == size:  # goes out in one piece with its header
                view[:head] = header(item, check)
                write_at(target, view[: head + part], item.offset)
                return check
            write_at(target, view[head : head + part], item.start + done)
            done += part
    if done != item.size:
        raise ConflictError(f"{item.path} was changed while it was put into an archive")
    write_at(target, header(item, check), item.offset)
    return check
