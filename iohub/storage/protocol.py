"""What storage promises to the rooms above: small protocols, reading apart from writing.

A *byte store* holds documents and chunks by key. An *array* reads and writes pixels. A *group*
holds attributes, arrays and groups. Nothing here knows what OME is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from iohub.errors import IohubError
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject, NDArray, Region


@runtime_checkable
class ByteStore(Protocol):
    """Bytes by key, reading. Keys are relative, ``/``-separated, without ``.`` or ``..``."""

    @property
    def url(self) -> str:
        """Where it is, for people: a path, a URL or ``memory://…``."""

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""

    def get(self, key: str) -> bytes | None:
        """Return the value of a key, None if there is none."""

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Values of many keys, in order; concurrently where that is faster."""

    def token(self, key: str) -> Hashable | None:
        """Something that changes whenever the value changes; None if there is no value.

        Cheap (one ``stat``) where :attr:`has_tokens` is true; elsewhere not to be called.
        """

    @property
    def has_tokens(self) -> bool:
        """Whether :meth:`token` is cheap, so that a cached value can be revalidated with it."""

    def list_dir(self, prefix: str) -> tuple[list[str], list[str]]:
        """Names of the directories and of the files right below a prefix, each sorted."""


@runtime_checkable
class ReadsRanges(Protocol):
    """A byte store that reads parts of values, as sharded arrays need them."""

    def get_range(self, key: str, start: int, stop: int | None = None) -> bytes | None:
        """Return a part of the value of a key as of a slice; None if there is none."""


@runtime_checkable
class WritableByteStore(ByteStore, Protocol):
    """Bytes by key, writing."""

    def set(self, key: str, value: bytes | memoryview) -> None:
        """Store a value so that a reader sees the old or the new one, never a part."""

    def delete(self, key: str) -> None:
        """Remove a key; no error if it is absent."""

    def delete_dir(self, prefix: str) -> None:
        """Remove everything below a prefix; no error if it is absent."""

    def move(self, source: str, target: str) -> None:
        """Move a key, or everything below a prefix, to a place where nothing is."""

    def lock(self, prefix: str) -> AbstractContextManager[None]:
        """Hold the one writer's lock of a group, across threads and (locally) processes."""


@runtime_checkable
class ReadsEach(ByteStore, Protocol):
    """A byte store where a request takes long: many at once, and one that fails spares the others.

    While it is only read, it keeps documents for a moment: what was read for many need not be asked
    for again.
    """

    def get_each(self, keys: Sequence[str]) -> list[bytes | IohubError | None]:
        """Values of many keys, in order, or why one cannot be had."""


class Array(Protocol):
    """Pixels, reading. Regions are unit-step slices within bounds, one per axis."""

    @property
    def path(self) -> str:
        """Path of the array in its store."""

    @property
    def spec(self) -> ArraySpec:
        """Shape, dtype, chunks, codecs; as they are on disk now."""

    def read(self, region: Region, out: NDArray | None = None) -> NDArray:
        """Pixels of a region, into `out` if given (C-contiguous, right shape and dtype)."""

    def read_orthogonal(self, index: tuple[slice | NDArray, ...]) -> NDArray:
        """Pixels at the outer product of per-axis slices and non-negative integer vectors."""

    def read_points(self, coords: tuple[NDArray, ...]) -> NDArray:
        """Pixels at points: one non-negative integer array per axis, all of one shape."""


class WritableArray(Array, Protocol):
    """Pixels, writing. Values have the array's dtype and the region's shape."""

    def write(self, region: Region, value: NDArray) -> None:
        """Write a region; a chunk written in part keeps its other pixels."""

    def write_orthogonal(self, index: tuple[slice | NDArray, ...], value: NDArray) -> None:
        """Write at the outer product of per-axis slices and integer vectors."""

    def write_points(self, coords: tuple[NDArray, ...], value: NDArray) -> None:
        """Write at points."""

    def resize(self, shape: Sequence[int]) -> None:
        """Change the shape; chunks wholly outside are removed, new pixels are the fill value."""


class Group(Protocol):
    """Attributes, arrays and groups, reading."""

    @property
    def path(self) -> str:
        """Path in the store, ``""`` for the root."""

    @property
    def store(self) -> ByteStore:
        """The bytes below."""

    @property
    def zarr_format(self) -> int:
        """2 or 3."""

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""

    def exists(self) -> bool:
        """Whether there is a group document."""

    def attrs(self) -> JsonObject:
        """Attributes as they are on disk now; the caller must not change them."""

    def group(self, path: str) -> Group:
        """Return the group at a relative path; nothing is read."""

    def array(self, path: str) -> Array:
        """Return the array at a relative path; KeyError if there is none."""

    def group_names(self) -> list[str]:
        """Child groups, by listing."""

    def array_names(self) -> list[str]:
        """Child arrays, by listing."""


class WritableGroup(Group, Protocol):
    """Attributes, arrays and groups, writing."""

    def edit_attrs(self, edit: Callable[[JsonObject], JsonObject]) -> JsonObject:
        """Read, change and write the attributes under the group's lock; return the new ones."""

    def create_array(self, path: str, spec: ArraySpec) -> WritableArray:
        """Create an array without pixels; ExistsError if something is there."""

    def create_groups(self, items: Iterable[tuple[str, JsonObject]]) -> None:
        """Create many groups with their attributes, each document written once."""


class Pixels(Protocol):
    """An array as an engine holds it open: the pixel half of :class:`WritableArray`."""

    def read(self, region: Region, out: NDArray | None = None) -> NDArray:
        """Pixels of a region."""

    def read_orthogonal(self, index: tuple[slice | NDArray, ...]) -> NDArray:
        """Pixels at an outer product."""

    def read_points(self, coords: tuple[NDArray, ...]) -> NDArray:
        """Pixels at points."""

    def write(self, region: Region, value: NDArray) -> None:
        """Write a region."""

    def write_orthogonal(self, index: tuple[slice | NDArray, ...], value: NDArray) -> None:
        """Write at an outer product."""

    def write_points(self, coords: tuple[NDArray, ...], value: NDArray) -> None:
        """Write at points."""


class Engine(Protocol):
    """A library that reads and writes the pixels of Zarr arrays."""

    @property
    def name(self) -> str:
        """Name to choose it by."""

    def refuses(self, store: ByteStore, spec: ArraySpec) -> str | None:
        """Why it cannot open such an array in such a store; None if it can."""

    def open(self, store: ByteStore, path: str, spec: ArraySpec) -> Pixels:
        """Open the array that lies at `path` with this spec."""
