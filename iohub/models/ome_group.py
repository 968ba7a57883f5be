"""What the OME-Zarr groups without data have in common: attributes that follow the rules."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from pydantic import ValidationError, ValidationInfo, field_validator

from iohub.errors import (
    DocumentError,
    IohubError,
    LayoutError,
    MetadataWarning,
    Problem,
    VersionError,
)
from iohub.metadata.documents import Document, pointer, thaw, validate
from iohub.metadata.versions import Spelling, detect, spelling
from iohub.metadata.versions import kind as kind_of
from iohub.models.arrays import ArraySpec
from iohub.models.groups import GroupSpec, Node, find
from iohub.models.loading import Named, load
from iohub.storage.group import ZarrGroup, adopt_group, open_group
from iohub.storage.keys import check_prefix, join
from iohub.storage.location import locate

if TYPE_CHECKING:
    import zarr

    from iohub.storage.location import StoreLike
    from iohub.types import JsonMapping, JsonObject

G = TypeVar("G", bound="OmeGroup")

CHECKED = {"checked": True}
"""Validation context of attributes that :meth:`OmeGroup.read_attributes` returned."""


class OmeGroup(GroupSpec):
    """A group with OME-Zarr metadata, without data.

    What the metadata name is checked when it is made: from a store by :meth:`from_zarr`, from
    other models by ``new``, or from attributes and members.
    """

    version: ClassVar[str]
    """OME-Zarr version."""

    kind: ClassVar[str]
    """What it is, for people."""

    # -- attributes ----------------------------------------------------------------------------

    @property
    def ome_zarr_version(self) -> str:
        """OME-Zarr version of the metadata."""
        return self.version

    @property
    def ome_attributes(self) -> Any:
        """The document of the metadata, without the key that later versions put it under."""
        return getattr(self.attributes, "ome", self.attributes)

    @classmethod
    def spelling(cls) -> Spelling:
        """Return how the version writes its metadata."""
        return spelling(cls.version)

    @classmethod
    def check(cls, attrs: JsonMapping) -> JsonObject:
        """Return OME metadata that follow the rules, for attributes to be made of.

        Parameters
        ----------
        attrs : mapping
            Attributes of the group.

        Raises
        ------
        DocumentError
            If there are none or they break the rules; all problems are listed.
        """
        raise LayoutError(f"{cls.__name__} says nothing of metadata")

    @classmethod
    def dump(cls, attrs: JsonObject) -> JsonObject:
        """Return the attributes as they are written.

        Parameters
        ----------
        attrs : dict
            Attributes that follow the rules for reading.

        Raises
        ------
        DocumentError
            If they do not follow those for writing; all problems are listed.
        """
        return attrs

    @classmethod
    def applies(cls, attrs: JsonMapping) -> bool:
        """Whether a group has the metadata that make it one of these.

        Parameters
        ----------
        attrs : mapping
            Attributes of the group.
        """
        return True

    @classmethod
    def read_attributes(cls, attrs: JsonMapping) -> Document:
        """Return the attributes as a document.

        Parameters
        ----------
        attrs : mapping
            As they are stored.

        Raises
        ------
        DocumentError
            If they break the rules; all problems are listed.
        VersionError
            If they are of another version.
        """
        cls._check_version(attrs)
        model = cls.model_fields["attributes"].annotation
        assert isinstance(model, type), "every version says what its attributes are"
        checked: Document = validate(model, cls.spelling().with_ome(attrs, cls.check(attrs)))
        return checked

    @classmethod
    def _check_version(cls, attrs: JsonMapping) -> None:
        ome = attrs.get("ome")
        stated = isinstance(ome, Mapping) and ome.get("version") is not None
        zarr_format = cls.spelling().zarr_format
        found = detect(attrs, zarr_format)
        elsewhere = "ome" not in attrs and kind_of(attrs, zarr_format) is not None
        if found != cls.version and (stated or elsewhere):
            module = f"iohub.models.v{found.replace('.', '')}"
            raise VersionError(
                f"this is OME-Zarr {found}, not {cls.version}: use {module}.{cls.__name__}"
            )

    @field_validator("attributes", mode="before")
    @classmethod
    def _read_attributes(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, Document) and info.context is CHECKED:
            return value
        return cls.read_attributes(value.to_json() if isinstance(value, Document) else thaw(value))

    def written_attributes(self) -> JsonObject:
        """Return the attributes as they are written to a store.

        Raises
        ------
        DocumentError
            If they do not follow the rules of writing; all problems are listed.
        """
        return self.dump(self.attributes.to_json())

    # -- members -------------------------------------------------------------------------------

    @classmethod
    def named(cls, attributes: Any, group: ZarrGroup) -> Named:
        """Return what the metadata name.

        Parameters
        ----------
        attributes : Document
            Of :meth:`read_attributes`.
        group : ZarrGroup
            Where it is, for what takes more than the attributes to know.
        """
        return Named()

    @classmethod
    def fit(cls, attributes: Any, members: Mapping[str, Node]) -> Mapping[str, Node]:
        """Return the members, those that the metadata name as the models that they are.

        Parameters
        ----------
        attributes : Document
            Of the group.
        members : mapping of str to GroupSpec or ArraySpec
            By name.

        Raises
        ------
        LayoutError
            If they are not what the metadata say.
        """
        return members

    @field_validator("members", mode="after")
    @classmethod
    def _fit_members(cls, members: Mapping[str, Node], info: ValidationInfo) -> Any:
        if "attributes" not in info.data:
            return members  # they break the rules, which is what will be said
        return cls.fit(info.data["attributes"], members)

    def absent(self) -> list[str]:
        """Return paths of groups that the metadata list and that should be there, but are not."""
        return []

    # -- reading -------------------------------------------------------------------------------

    @classmethod
    def from_zarr(cls, group: zarr.Group | ZarrGroup) -> Self:
        """Read a group and what its metadata name; nothing is listed, and no pixels are read.

        Parameters
        ----------
        group : zarr.Group
            An opened group.

        Raises
        ------
        DocumentError
            If metadata break the rules; all problems of the document are listed.
        VersionError
            If the group is of another OME-Zarr version.
        LayoutError
            If what the metadata name is not there, or something else.
        """
        read: Self = load(cls, adopt_group(group), make)
        return read

    @classmethod
    def from_store(cls, store: StoreLike, path: str = "") -> Self:
        """Read a group in a store; otherwise as :meth:`from_zarr`.

        Parameters
        ----------
        store : path-like, str, zarr store
            A local path, ``memory://name``, or a store of zarr.
        path : str
            Of the group in the store.

        Raises
        ------
        NotFoundError
            If there is no group.
        DocumentError, VersionError, LayoutError
            As :meth:`from_zarr`.
        """
        where = locate(store, writable=False)
        return cls.from_zarr(open_group(where.store, join(where.path, check_prefix(path))))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.version!r}, members={list(self.members)})"

    __str__ = __repr__


def make(kind: type[G], source: str = "", **members: Any) -> G:
    """Make a group, and turn pydantic's error into ours.

    Parameters
    ----------
    kind : type of OmeGroup
        What to make.
    source : str
        Where it is from, for messages.
    **members
        Of the model.

    Raises
    ------
    DocumentError, LayoutError
        If something is wrong.

    Warns
    -----
    MetadataWarning
        If the metadata list groups that are not there, and can do without.
    """
    context = CHECKED if isinstance(members.get("attributes"), Document) else None
    try:
        made = kind.model_validate(members, context=context)
    except ValidationError as error:
        raise _own(error, source) from None
    absent = made.absent()
    if absent:
        text = f"{source or f'the {kind.kind}'} lists what is not there: {', '.join(absent)}"
        warnings.warn(text, MetadataWarning, stacklevel=2)
    return made


def _own(error: ValidationError, source: str) -> IohubError:
    problems = []
    for detail in error.errors(include_url=False):
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, DocumentError):
            return DocumentError(cause.problems, cause.source or source)
        if isinstance(cause, IohubError):
            return cause
        problems.append(Problem(pointer(*detail["loc"]), detail["msg"], "model"))
    return DocumentError(problems, source)


def as_kind(kind: type[G], node: Node | None, path: str, holder: str) -> G:
    """Return a member as what its group's metadata say that it is.

    Parameters
    ----------
    kind : type of OmeGroup
        What it is to be.
    node : GroupSpec, ArraySpec or None
        What is there.
    path : str
        Where, for messages.
    holder : str
        What names it, for messages.

    Raises
    ------
    LayoutError
        If there is nothing, or an array.
    DocumentError, VersionError
        If its metadata are not those of that kind.
    """
    if isinstance(node, kind):
        return node
    if node is None or isinstance(node, ArraySpec):
        found = "nothing" if node is None else "an array"
        raise LayoutError(f"{holder} names the {kind.kind} {path!r}, where there is {found}")
    return make(kind, path, attributes=thaw_attributes(node), members=node.members)


def thaw_attributes(node: GroupSpec) -> Any:
    """Return the attributes of a group as plain JSON.

    Parameters
    ----------
    node : GroupSpec
        The group.
    """
    found = node.attributes
    return found.to_json() if isinstance(found, Document) else thaw(found)


def typed(
    members: Mapping[str, Node], kind: type[OmeGroup], paths: Mapping[str, Any] | tuple[str, ...]
) -> dict[str, Node]:
    """Return the members at these paths that exist, as what they are.

    Parameters
    ----------
    members : mapping of str to GroupSpec or ArraySpec
        By name.
    kind : type of OmeGroup
        What they are to be.
    paths : iterable of str
        Where.
    """
    found = {path: find(members, path) for path in paths}
    return {
        path: as_kind(kind, node, path, "the metadata")
        for path, node in found.items()
        if node is not None
    }
