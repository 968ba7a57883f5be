"""A whole group copied into another place: groups, arrays, and files that are neither."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING, Literal

from iohub.errors import DocumentError, DTypeError, IohubError, Problem
from iohub.storage import hierarchy
from iohub.storage.codecs import DEFAULT, chain_of_v2, normal_chain
from iohub.storage.copying import copy
from iohub.storage.documents import AS_READ
from iohub.storage.keys import join
from iohub.storage.protocol import WritableByteStore
from iohub.storage.spec import ArraySpec

if TYPE_CHECKING:
    from iohub.storage.group import ZarrGroup
    from iohub.storage.unit_writer import UnitWriter
    from iohub.types import JsonObject

_DOCUMENTS = {"zarr.json", ".zgroup", ".zattrs", ".zarray", ".zmetadata"}


def copy_tree(
    source: ZarrGroup,
    target: ZarrGroup,
    path: str,
    *,
    attrs: Callable[[JsonObject, str], JsonObject],
    dimensions: Callable[[str], Sequence[str] | None] = lambda path: None,
    writer: UnitWriter,
    how: Literal["copy", "reflink", "hardlink"] = "copy",
    skip: Container[str] = (),
) -> None:
    """Copy a group with everything below it.

    Stored chunks are copied as they are where both arrays encode alike. An array that holds no
    pixels, such as text, is copied byte for byte.

    Parameters
    ----------
    source : ZarrGroup
        Where from.
    target : ZarrGroup
        The group below which to copy.
    path : str
        Relative path in `target` that the copy will have; nothing is there yet.
    attrs : callable
        Takes attributes of a group and its path relative to `source`, returns those to write.
    dimensions : callable
        Takes the path of an array relative to `source`, returns names for its dimensions that an
        array of Zarr v2 is to have in Zarr v3, None for those that it has. `attrs` was called for
        every group above it before.
    writer : UnitWriter
        Copies the chunks; this returns before all are copied.
    how : {"copy", "reflink", "hardlink"}
        How files are copied where bytes are copied as they are, between local stores.
    skip : container of str
        Paths of groups, relative to `source`, that are left out with everything below them.

    Raises
    ------
    DTypeError, ShapeError
        If an array cannot be said in the target's Zarr format.
    DocumentError
        If a document of the source is broken; nothing is left out.
    """
    pending = [""]
    while pending:
        relative = pending.pop()
        group = source.group(relative) if relative else source
        copied_group = (join(path, relative), attrs(group.attrs(), relative))
        target.create_groups([copied_group], previous=AS_READ)
        groups, arrays = _children(group)
        for name in arrays:
            below = join(relative, name)
            array = source.load_arrays([below])[0]
            if isinstance(array, DTypeError) and source.zarr_format == target.zarr_format:
                _copy_bytes(source, target, below, join(path, below))
                continue
            if isinstance(array, IohubError):
                raise array
            spec = spec_in(array.spec, target.zarr_format, dimensions(below))
            copied = target.create_array(join(path, below), spec)
            encoded = how if how != "copy" and array.spec.same_encoding(spec) else "auto"
            copy(array, copied, writer=writer, encoded=encoded)
        children = (join(relative, name) for name in groups)
        pending += [child for child in children if child not in skip]
        _copy_files(group, target, join(path, relative))


def _children(group: ZarrGroup) -> tuple[list[str], list[str]]:
    """Return the names of the groups and arrays right below; a broken one is an error."""
    folders, _ = group.store.list_dir(group.path)
    kinds = hierarchy.kinds(group.store, [join(group.path, name) for name in folders])
    found: dict[str, list[str]] = {"group": [], "array": []}
    for name, kind in zip(folders, kinds, strict=True):
        if kind is None or kind.zarr_format != group.zarr_format:
            continue
        if kind.what == "corrupt":
            what = "neither a group nor an array; a copy would be without it"
            where = hierarchy.where(group.store, join(group.path, name))
            raise DocumentError([Problem("", what, "node-type")], f"{where}/zarr.json")
        found[kind.what].append(name)
    return found["group"], found["array"]


def _copy_bytes(source: ZarrGroup, target: ZarrGroup, path: str, copied: str) -> None:
    """Copy everything below a path as it is; the documents come last."""
    store = hierarchy.writable(target.store)
    folders, names = source.store.list_dir(join(source.path, path))
    for name in folders:
        _copy_bytes(source, target, join(path, name), join(copied, name))
    for name in sorted(names, key=lambda name: name in _DOCUMENTS):
        value = source.store.get(join(join(source.path, path), name))
        if value is not None:
            store.set(join(join(target.path, copied), name), value)


def _copy_files(source: ZarrGroup, target: ZarrGroup, path: str) -> None:
    """Copy files beside the documents, such as OME-XML."""
    _, files = source.store.list_dir(source.path)
    store = target.store
    if not isinstance(store, WritableByteStore):
        return
    for name in files:
        value = source.store.get(join(source.path, name)) if name not in _DOCUMENTS else None
        if value is not None:
            store.set(join(join(target.path, path), name), value)


def spec_in(
    spec: ArraySpec, zarr_format: int, dimensions: Sequence[str] | None = None
) -> ArraySpec:
    """Return the same array as the other Zarr format says it; its chunks if it has no shards.

    Parameters
    ----------
    spec : ArraySpec
        What it is like.
    zarr_format : {2, 3}
        How it is to be said.
    dimensions : sequence of str, optional
        Names of its dimensions, if the format changes to 3; by default those that it has.
    """
    if spec.zarr_format == zarr_format:
        return spec
    dtype = spec.dtype.newbyteorder(">") if spec.big_endian else spec.dtype
    return ArraySpec.create(
        spec.shape,
        dtype,
        zarr_format=zarr_format,
        chunks=spec.chunks,
        compression=_compression_in(spec, zarr_format),
        fill_value=spec.fill_value,
        dimension_names=(dimensions or spec.dimension_names) if zarr_format == 3 else None,
        attributes=spec.attributes,
    )


def _compression_in(spec: ArraySpec, zarr_format: int) -> object:
    if spec.compressor is None:
        return None
    if zarr_format == 3:
        chain = chain_of_v2(spec.metadata, spec.dtype.itemsize, spec.big_endian)
        # With the defaults said: readers of v3 ask for the typesize, which v2 has not.
        return DEFAULT if chain is None else normal_chain(chain, spec.dtype.itemsize)[-1]
    return DEFAULT


__all__ = ["copy_tree", "spec_in"]
