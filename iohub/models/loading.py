"""Groups without data from a store: what the metadata name, a level of the tree per batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from iohub.errors import (
    DocumentError,
    IohubError,
    MetadataWarning,
    NotFoundError,
    VersionError,
)
from iohub.models.arrays import ArraySpec
from iohub.models.groups import GroupSpec, Node
from iohub.storage import spec as stored
from iohub.storage.group import ZarrGroup
from iohub.storage.hierarchy import Kind, array_names, kinds, where
from iohub.storage.keys import join, parents

if TYPE_CHECKING:
    from iohub.metadata.documents import Document
    from iohub.metadata.versions import Spelling
    from iohub.types import JsonMapping

G = TypeVar("G", bound=GroupSpec)


class GroupKind(Protocol):
    """What a group can be: a class of models, as far as reading goes."""

    @property
    def kind(self) -> str:
        """What it is, for people."""

    @property
    def version(self) -> str:
        """OME-Zarr version."""

    def spelling(self) -> Spelling:
        """Return how the version writes its metadata."""

    def applies(self, attrs: JsonMapping) -> bool:
        """Whether a group has the metadata that make it one of these."""

    def read_attributes(self, attrs: JsonMapping) -> Document:
        """Return the attributes as a document; DocumentError if they break the rules."""

    def named(self, attributes: Any, group: ZarrGroup) -> Named:
        """Return what the metadata name."""


class Named(NamedTuple):
    """What the metadata of a group name.

    Attributes
    ----------
    arrays : tuple of str
        Paths of arrays.
    groups : mapping of str to (GroupKind or None)
        Paths of groups, and what they are.
    """

    arrays: tuple[str, ...] = ()
    groups: Mapping[str, GroupKind | None] = {}


_Make = Callable[..., Any]
_Found = tuple[GroupKind | None, Any]


def load(kind: GroupKind, group: ZarrGroup, make: Callable[..., G]) -> G:
    """Read a group and everything below it that metadata name.

    Parameters
    ----------
    kind : GroupKind
        What it is to be.
    group : ZarrGroup
        Where it is.
    make : callable
        Makes a model of a kind from attributes and members.

    Raises
    ------
    VersionError
        If it is of another OME-Zarr version.
    DocumentError
        If metadata break the rules; the document is named.
    LayoutError
        If what the metadata name is not there, or something else.
    """
    wanted = kind.spelling().zarr_format
    if group.zarr_format != wanted:
        raise VersionError(
            f"{group.url} is of Zarr v{group.zarr_format}; OME-Zarr {kind.version} is on v{wanted}"
        )
    groups: dict[str, _Found] = {}
    arrays: dict[str, ArraySpec] = {}
    named: set[str] = set()
    level: list[tuple[GroupKind, str, Any]] = [(kind, "", group.attrs())]
    while level:
        array_paths: list[str] = []
        group_paths: dict[str, GroupKind | None] = {}
        for each, path, attrs in level:
            below = group.group(path)
            try:
                attributes = each.read_attributes(attrs)
            except DocumentError as error:
                raise DocumentError(error.problems, below.url) from None
            groups[path] = (each, attributes)
            names = each.named(attributes, below)
            array_paths += [join(path, name) for name in names.arrays]
            for name, of in names.groups.items():
                group_paths[join(path, name)] = of or group_paths.get(join(path, name))
        named.update(group_paths)
        for path in _between([*array_paths, *group_paths]):
            group_paths.setdefault(path, None)
        arrays |= _load_arrays(group, [p for p in dict.fromkeys(array_paths) if p not in arrays])
        level = _load_groups(
            group, {p: k for p, k in group_paths.items() if p not in groups}, groups
        )
    grown: G = _grown(group, groups, arrays, named, make)
    return grown


def _between(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(above for path in paths for above in parents(path) if above))


def _load_arrays(group: ZarrGroup, paths: Sequence[str]) -> dict[str, ArraySpec]:
    """Read array documents in one batch; what is no array is left out."""
    names = array_names(group.zarr_format)
    keys = [join(join(group.path, path), name) for path in paths for name in names]
    raws = group.store.get_many(keys) if keys else []
    found: dict[str, ArraySpec] = {}
    step = len(names)
    for index, path in enumerate(paths):
        documents = dict(zip(names, raws[index * step : (index + 1) * step], strict=True))
        if documents[names[0]] is None:
            continue
        place = join(group.path, path)
        try:
            spec = stored.ArraySpec.parse(documents, where(group.store, place))
        except DocumentError:
            if kinds(group.store, [place])[0] == Kind(group.zarr_format, "group"):
                continue
            raise
        found[path] = ArraySpec.from_storage(spec)
    return found


def _load_groups(
    group: ZarrGroup, wanted: dict[str, GroupKind | None], groups: dict[str, _Found]
) -> list[tuple[GroupKind, str, Any]]:
    """Read group documents in one batch; absent groups are left out."""
    level = []
    loaded = group.load_many(list(wanted)) if wanted else []
    for (path, kind), attrs in zip(wanted.items(), loaded, strict=True):
        if isinstance(attrs, NotFoundError):
            continue
        if isinstance(attrs, IohubError):
            raise attrs
        if kind is None:
            groups[path] = (None, attrs)
        elif kind.applies(attrs):
            level.append((kind, path, attrs))
        else:
            url = where(group.store, join(group.path, path))
            text = f"{url} has no metadata of a {kind.kind} and is left out"
            warnings.warn(text, MetadataWarning, stacklevel=4)
    return level


def _grown(
    group: ZarrGroup,
    groups: dict[str, _Found],
    arrays: dict[str, ArraySpec],
    named: set[str],
    make: _Make,
) -> Any:
    """Make the models, the lowest first, so that each is checked with what is below it."""
    below: dict[str, dict[str, Node]] = {}
    for path, array in arrays.items():
        _place(below, path, array)
    for path in _between([*arrays, *groups]):
        groups.setdefault(path, (None, {}))
    for path in sorted(groups, key=lambda path: path.count("/") + bool(path), reverse=True):
        each, attributes = groups[path]
        members = below.get(path, {})
        url = where(group.store, join(group.path, path))
        if each is not None:
            made = make(each, url, attributes=attributes, members=members)
            if not path:
                return made
            _place(below, path, made)
        elif members or path in named:
            # Other groups are there only for what is below them.
            zarr_format: Any = group.zarr_format
            plain = GroupSpec(zarr_format=zarr_format, attributes=attributes, members=members)
            _place(below, path, plain)
    raise AssertionError("the uppermost group comes last")


def _place(below: dict[str, dict[str, Node]], path: str, node: Node) -> None:
    above, _, name = path.rpartition("/")
    below.setdefault(above, {})[name] = node
