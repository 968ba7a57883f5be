"""The state of a source, told cheaply: by sizes and times of what is read, and by its documents.

Conversions that are repeated, or interrupted, must not mix pixels of before and after a change of
the source. Where a store has no such tokens, as in memory or on a server, documents alone tell.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from iohub.convert.parts import Parts
from iohub.convert.plan import digest
from iohub.convert.views import stored
from iohub.formats.image_sequence import named_files
from iohub.storage import grid
from iohub.storage.local import LocalBytes
from iohub.storage.ozx import ArchiveBytes
from iohub.storage.virtual import VirtualBytes

if TYPE_CHECKING:
    from iohub.convert.plan import ImagePlan, Job
    from iohub.nodes.base import NGFFNode
    from iohub.storage.protocol import Array
    from iohub.types import Region


def identity(node: NGFFNode) -> list[Any]:
    """Return what tells whether the source is still the same file, or set of files; JSON.

    A Zarr store is told by its path alone: what changes in it is known chunk by chunk.
    """
    store = node._group.store
    if isinstance(store, LocalBytes):
        return [os.path.join(store.url, node.path)]
    if not isinstance(store, VirtualBytes | ArchiveBytes):
        return [f"{store.url}/{node.path}"]
    url = store.url if isinstance(store, VirtualBytes) else store.archive
    named = store.paths if isinstance(store, VirtualBytes) else ()
    found = hashlib.blake2b(digest_size=12)
    for path in sorted({*named, *_files(url)}):
        try:
            status = os.stat(path)
        except OSError:  # a set of files may lack some
            continue
        found.update(repr((path, status.st_size, status.st_mtime_ns)).encode())
    return [url if "://" in url else os.path.abspath(url), node.path, found.hexdigest()]


def _files(url: str) -> Iterator[str]:
    """Return the files at a path, in a folder, or of a pattern."""
    if not os.path.isdir(url):
        yield from named_files(url) or [url]
        return
    for folder, _, names in os.walk(url):
        yield from (os.path.join(folder, name) for name in names)


def source_stamp(source: Array, region: Region) -> str:
    """Return a text that changes when stored pixels of a region are written anew.

    Parameters
    ----------
    source : Array
        An array, or a view of one.
    region : tuple of slice
        Of what is converted.
    """
    found = hashlib.blake2b(digest_size=12)
    array, pieces = stored(source, region)
    if isinstance(array.store, LocalBytes):
        for piece in pieces:
            for index in grid.units_of(piece, array.spec.unit):
                token = array.store.token(array.unit_key(index))
                # The last member is the inode, which a copy of the folder changes.
                said = token[:2] if isinstance(token, tuple) else token
                found.update(repr((index, said)).encode())
    return found.hexdigest()


def job_stamps(job: Job) -> list[str]:
    """Return the stamp of what each part of a job reads."""
    return [source_stamp(job.source, region) for region in Parts.of(job).regions()]


def image_state(image: ImagePlan, pixels: list[list[str]] | None = None) -> str:
    """Return a text that changes with the documents or the stored pixels of a position.

    Parameters
    ----------
    image : ImagePlan
        Which position, and what is taken of it.
    pixels : list of list of str, optional
        Stamps of each job, if they are known.
    """
    said = [image.source.position._attrs(), *(label._attrs() for _, label, _ in image.labels)]
    return digest(said, [job_stamps(job) for job in image.jobs] if pixels is None else pixels)
