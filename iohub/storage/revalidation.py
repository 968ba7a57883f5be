"""An array's document as last seen, and whether it still is that."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from iohub.errors import EventLoopError, NotFoundError
from iohub.storage.keys import join
from iohub.storage.spec import ArraySpec

if TYPE_CHECKING:
    from iohub.storage.protocol import ByteStore

DOCUMENTS = {2: (".zarray", ".zattrs"), 3: ("zarr.json",)}
"""Documents of an array for each Zarr format, the one that makes it an array first."""

# Specs parsed lately, by the bytes of their documents.
_PARSED = 128
_parsed: dict[Hashable, ArraySpec] = {}


class Known(NamedTuple):
    """A document as last seen.

    Attributes
    ----------
    mark : hashable
        Its token, or its bytes where there are no tokens; None if it has to be read again.
    spec : ArraySpec
        What it says.
    """

    mark: Hashable
    spec: ArraySpec


def read_document(store: ByteStore, path: str, zarr_format: int, known: Known | None) -> Known:
    """Read an array's document, unless what is known is still true.

    Parameters
    ----------
    store : ByteStore
        Where it is.
    path : str
        Path of the array in the store.
    zarr_format : int
        2 or 3.
    known : Known, optional
        What was seen before; returned as it is if nothing changed.

    Raises
    ------
    NotFoundError
        If there is no array.
    DocumentError
        If the document is broken.
    EventLoopError
        If the store cannot be asked now, and nothing is known.
    """
    keys = [join(path, name) for name in DOCUMENTS[zarr_format]]
    # The token is taken first: a change in between is then seen the next time.
    mark: Hashable = tuple(store.token(key) for key in keys) if store.has_tokens else None
    if known is not None and mark is not None and mark == known.mark:
        return known
    try:
        raws = store.get_many(keys)
    except EventLoopError:
        if known is None:
            raise
        return known  # zarr looks at an array that it works with: what was seen last must do
    if not store.has_tokens:
        mark = tuple(raws)
        if known is not None and mark == known.mark:
            return known
    if raws[0] is None:
        raise NotFoundError(f"there is no array at {join(store.url, path)}")
    documents = dict(zip(DOCUMENTS[zarr_format], raws, strict=True))
    return Known(mark, parse_spec(documents, join(store.url, path)))


def parse_spec(documents: Mapping[str, bytes | None], source: str) -> ArraySpec:
    """Like :meth:`ArraySpec.parse`, but equal documents, as a plate has many, are parsed once.

    Parameters
    ----------
    documents : mapping
        Name and bytes of each.
    source : str
        Where they are from, for messages.

    Raises
    ------
    NotFoundError, DocumentError, DTypeError
        As :meth:`ArraySpec.parse`.
    """
    key = tuple(documents.items())
    spec = _parsed.get(key)
    if spec is None:
        spec = ArraySpec.parse(documents, source)
        if len(_parsed) >= _PARSED:
            _parsed.clear()
        _parsed[key] = spec
    return spec
