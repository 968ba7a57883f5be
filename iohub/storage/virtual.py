"""A file that is not Zarr, seen as the Zarr store that it could be: its documents and chunks.

Format adapters say which groups and arrays there are and how a chunk is decoded; nothing here
knows any format. Everything else in the house then works on such a file, for reading. How its
pixels are read without a detour over encoded chunks is in ``virtual_pixels.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np

from iohub.errors import ReadOnlyError
from iohub.storage import chunk_pool, grid
from iohub.storage.damage import named_errors
from iohub.storage.hierarchy import group_documents
from iohub.storage.keys import check_prefix, join, parents
from iohub.storage.spec import ArraySpec

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from iohub.storage.protocol import ByteStore
    from iohub.types import JsonObject, NDArray, Region, Shape

ZARR_FORMAT = 3

FRAMES = "frames"
"""Name of the extra that holds the metadata of single frames."""


def how_to_write(store: ByteStore) -> str:
    """Say what to do about a store that is open for reading only."""
    if isinstance(store, VirtualBytes):
        return "a file of this kind can only be read: write a copy with export(...) to change it"
    return "open it with mode='r+' to change it"


class ChunkReader(Protocol):
    """Pixels of one array of a file: what a format adapter implements.

    Methods are called from several threads at once, and in forked children; see
    :class:`iohub.formats.handles.Handle`.
    """

    @property
    def shape(self) -> Shape:
        """Size along each axis."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in native byte order."""

    @property
    def chunks(self) -> Shape:
        """What the file decodes at a time, such as a page, a strip or a tile; no size is 0."""

    def chunk(self, index: Shape) -> NDArray:
        """Return a chunk, cut at the border of the array; a new or a read-only array."""


@runtime_checkable
class RegionReader(ChunkReader, Protocol):
    """A chunk reader that has a faster way for some regions, such as a memory map."""

    def region(self, region: Region, out: NDArray | None) -> NDArray | None:
        """Return a region, in `out` if that is given; None if chunks are to be read instead."""


class VirtualArray:
    """An array of a virtual store: its document, and who reads its pixels.

    Parameters
    ----------
    reader : ChunkReader
        Its pixels.
    dimension_names : sequence of str
        Name of each axis.
    attributes : mapping, optional
        User attributes.
    big_endian : bool
        Whether its document says that bytes are in this order, and encoded chunks have it.
    """

    def __init__(
        self,
        reader: ChunkReader,
        dimension_names: Sequence[str],
        attributes: JsonObject | None = None,
        *,
        big_endian: bool = False,
    ):
        self.reader = reader
        self._names, self._attributes = tuple(dimension_names), attributes
        self._order: Literal["<", ">"] = ">" if big_endian else "<"

    def spec(self) -> ArraySpec:
        """Describe the array as Zarr does: chunks as in the file, not compressed."""
        return virtual_spec(
            self.reader.shape,
            self.reader.dtype.newbyteorder(self._order),
            self.reader.chunks,
            self._names,
            self._attributes,
        )

    def forget(self) -> None:
        """Let go of what is kept of its pixels."""
        chunk_pool.drop(self.reader)


def virtual_spec(
    shape: Shape,
    dtype: DTypeLike,
    chunks: Shape,
    dimension_names: Sequence[str],
    attributes: JsonObject | None = None,
) -> ArraySpec:
    """Describe an array whose chunks are made when they are asked for."""
    return ArraySpec.create(
        shape,
        dtype,
        zarr_format=ZARR_FORMAT,
        chunks=tuple(max(1, size) for size in chunks),
        compression=None,
        dimension_names=dimension_names,
        attributes=attributes,
    )


class VirtualBytes:
    """The keys and values that a Zarr store of a file would have; read-only.

    Two stores are equal if they are of the same file, seen by the same adapter.

    Parameters
    ----------
    url : str
        The file, for people.
    groups : mapping of str to dict, or to callable
        Path and attributes of every group, ``""`` the root; a function returns them when they are
        asked for.
    arrays : mapping of str to VirtualArray
        Path of every array.
    extras : mapping of (str, str) to callable
        What a group has beside its document, by path and name, made when it is asked for.
    files : mapping of str to callable
        Keys beside documents and chunks, such as that of OME-XML, and what returns the value; or
        all keys of groups and arrays that the file holds as they are, with their documents.
    reopen : tuple of (callable, tuple)
        What makes the store again in another process: a function and its arguments, picklable.
    close : callable, optional
        Releases the files.
    paths : sequence of str
        The files that it is made of, if `url` does not name them all.
    """

    has_tokens = True
    read_only = True
    format = ""
    """What people call the format; noted when it is opened."""

    def __init__(
        self,
        url: str,
        groups: Mapping[str, JsonObject | Callable[[], JsonObject]],
        arrays: Mapping[str, VirtualArray],
        *,
        extras: Mapping[tuple[str, str], Callable[[], Any]] | None = None,
        files: Mapping[str, Callable[[], bytes]] | None = None,
        reopen: tuple[Callable[..., VirtualBytes], tuple[Any, ...]],
        close: Callable[[], None] | None = None,
        paths: Sequence[str] = (),
    ):
        self.url = url
        self.paths = tuple(paths)
        self._groups, self._arrays = dict(groups), dict(arrays)
        for path in [*self._groups, *self._arrays]:
            above = path
            while above:
                above = above.rpartition("/")[0]
                if above in self._groups:
                    break  # what is above that is seen to with it
                self._groups[above] = {}
        self._extras, self._files = dict(extras or {}), dict(files or {})
        self._reopen, self._close = reopen, close
        self._documents: dict[str, bytes] = {}
        self._children: dict[str, set[str]] | None = None

    def reader(self, path: str) -> ChunkReader | None:
        """Who reads the pixels of the array at a path; None if there is no such array."""
        array = self._arrays.get(path)
        return None if array is None else array.reader

    def extra(self, path: str, name: str) -> Any:
        """Return what a group has beside its document; None if it has nothing of that name."""
        make = self._extras.get((path, name))
        with named_errors(self.url):
            return None if make is None else make()

    def close(self) -> None:
        """Release the files, and what was kept of their pixels."""
        for array in self._arrays.values():
            array.forget()
        if self._close is not None:
            self._close()

    # reading

    def get(self, key: str) -> bytes | None:
        """Return a document, or the bytes of a chunk; None if there is no such key."""
        make = self._files.get(key)
        if make is not None:
            with named_errors(self.url):
                return make()
        path, _, name = key.rpartition("/")
        if name == "zarr.json":
            return self._document(path)
        found = self._find_chunk(key)
        if found is None:
            return None
        with named_errors(self.url):
            return _encoded(*found)

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Values of many keys, in order."""
        return [self.get(key) for key in keys]

    def token(self, key: str) -> Hashable | None:
        """Return one and the same token for whatever there is: a file that is open stays."""
        path, _, name = key.rpartition("/")
        if name == "zarr.json":
            held = path in self._groups or path in self._arrays or key in self._files
            return held or None
        return (key in self._files or self._find_chunk(key) is not None) or None

    def size(self, key: str) -> int | None:
        """Bytes under a key; None if there are none. Nothing is decoded."""
        found = self._find_chunk(key)
        if found is not None:
            reader = found[0].reader
            return prod(reader.chunks) * reader.dtype.itemsize
        value = self.get(key)
        return None if value is None else len(value)

    def exists(self, path: str) -> bool:
        """Whether there is a group or an array of this path, or a key of this name."""
        path = check_prefix(path)
        if path in self._groups or path in self._arrays or join(path, "zarr.json") in self._files:
            return True
        return self.token(path) is not None

    def list_dir(self, prefix: str) -> tuple[list[str], list[str]]:
        """Names of the directories and of the files right below a prefix; chunks are not listed."""
        if self._children is None:
            self._children = {}
            # What holds no document, such as the folder of OME-XML, is neither group nor array.
            places = (key.rpartition("/") for key in self._files)
            held = {path for path, _, name in places if name == "zarr.json"}
            for path in [*self._groups, *self._arrays, *held]:
                above, _, name = path.rpartition("/")
                if path:
                    self._children.setdefault(above, set()).add(name)
        prefix = check_prefix(prefix)
        files = ["zarr.json"] if prefix in self._groups or prefix in self._arrays else []
        files += sorted(name for key in self._files if (name := _below(prefix, key)))
        return sorted(self._children.get(prefix, ())), list(dict.fromkeys(files))

    def with_read_only(self, read_only: bool = True) -> VirtualBytes:
        """Return the store itself.

        Raises
        ------
        ReadOnlyError
            If it is to be written.
        """
        if not read_only:
            raise ReadOnlyError(f"{self.url} is open for reading only; {how_to_write(self)}")
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VirtualBytes):
            return NotImplemented
        return (self.url, self._reopen) == (other.url, other._reopen)

    def __hash__(self) -> int:
        return hash((VirtualBytes, self.url))

    def __repr__(self) -> str:
        return f"VirtualBytes({self.url!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return self._reopen

    # steps

    def _document(self, path: str) -> bytes | None:
        found = self._documents.get(path)
        if found is None and path in self._arrays:
            found = self._arrays[path].spec().documents()["zarr.json"]
        elif found is None and path in self._groups:
            attrs = self._groups[path]
            with named_errors(self.url):
                found = group_documents(path, ZARR_FORMAT, attrs() if callable(attrs) else attrs)[
                    0
                ][1]
        if found is not None:
            self._documents[path] = found
        return found

    def _find_chunk(self, key: str) -> tuple[VirtualArray, Shape] | None:
        """Return the array of a chunk's key, and the index; None if there is no such chunk."""
        for above in parents(key):
            if above in self._arrays:
                break
        else:
            return None
        reader = self._arrays[above].reader
        prefix, *numbers = key[len(above) + 1 :].split("/")
        count = grid.grid_shape(reader.shape, reader.chunks)
        if prefix != "c" or len(numbers) != len(count):
            return None
        for number, size in zip(numbers, count, strict=True):
            if not number.isdecimal() or int(number) >= size or str(int(number)) != number:
                return None
        return self._arrays[above], tuple(map(int, numbers))


def _below(prefix: str, key: str) -> str:
    """Return the name of a key that is right below a prefix, else an empty text."""
    folder, _, name = key.rpartition("/")
    return name if folder == prefix else ""


def _encoded(array: VirtualArray, index: Shape) -> bytes:
    """Encode a chunk as the array's document says: padded at the border, in its byte order."""
    reader = array.reader
    block = reader.chunk(index)
    if block.shape != reader.chunks:
        whole = np.zeros(reader.chunks, reader.dtype)
        whole[tuple(map(slice, block.shape))] = block
        block = whole
    order: Literal["<", ">"] = ">" if array.spec().big_endian else "<"
    return block.astype(reader.dtype.newbyteorder(order), copy=False).tobytes()
