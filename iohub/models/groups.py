"""Groups without data: attributes and members as a pydantic model; of OME it knows nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    field_serializer,
    field_validator,
)

from iohub.errors import LayoutError, MissingNodeError
from iohub.metadata.documents import Document, FrozenDict, JsonValue, thaw
from iohub.models.arrays import ArraySpec
from iohub.models.writing import create_hierarchy
from iohub.storage.keys import check_key

if TYPE_CHECKING:
    import zarr

    from iohub.storage.location import StoreLike
    from iohub.types import JsonObject

Node: TypeAlias = "GroupSpec | ArraySpec"


def _read_members(value: Any) -> Any:
    """Accept models, of ours and of pydantic-zarr, and what they dump; keys may be paths."""
    if value is None:
        return FrozenDict()
    if hasattr(value, "model_dump"):
        value = value.model_dump()
    if not isinstance(value, Mapping):
        raise ValueError("members must be a mapping of names to groups and arrays")
    return nested({name: _read_node(member) for name, member in value.items()})


def _read_node(value: Any) -> Node:
    if isinstance(value, GroupSpec | ArraySpec):
        return value
    if hasattr(value, "model_dump"):
        value = value.model_dump()
    if isinstance(value, Mapping) and ("members" in value or value.get("node_type") == "group"):
        return GroupSpec.model_validate(dict(value))
    return ArraySpec.of(value)


def _dump_members(members: Mapping[str, Node]) -> dict[str, Any]:
    return {name: _dump_node(node) for name, node in members.items()}


def _dump_node(node: Node) -> Any:
    return node.to_json() if isinstance(node, ArraySpec) else node.model_dump()


Members: TypeAlias = Annotated[
    Mapping[str, "GroupSpec | ArraySpec"],
    PlainValidator(_read_members),
    PlainSerializer(_dump_members),
]


class GroupSpec(BaseModel):
    """A Zarr group without data.

    Attributes
    ----------
    zarr_format : {2, 3}
        Which documents it has.
    node_type : {"group"}
        What it is.
    attributes : JSON object
        As they are written.
    members : mapping of str to GroupSpec or ArraySpec
        By name. When a group is made, names may be paths; None is as good as none at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    zarr_format: Literal[2, 3] = 3
    node_type: Literal["group"] = "group"
    attributes: JsonValue = Field(default_factory=FrozenDict)
    members: Members = Field(default_factory=FrozenDict)

    @field_validator("attributes", mode="before")
    @classmethod
    def _read_attributes(cls, value: Any, info: ValidationInfo) -> Any:
        return value.to_json() if isinstance(value, Document) else value

    @field_serializer("attributes")
    def _dump_attributes(self, value: Any) -> Any:
        return value.to_json() if isinstance(value, Document) else thaw(value)

    def member(self, path: str) -> Node:
        """Return the group or array at a path.

        Parameters
        ----------
        path : str
            Relative, ``/`` between names.

        Raises
        ------
        MissingNodeError
            If there is none.
        """
        found = find(self.members, path)
        if found is None:
            raise MissingNodeError(path, repr(self), self.to_flat())
        return found

    def written_attributes(self) -> JsonObject:
        """Return the attributes as they are written to a store."""
        written: JsonObject = thaw(self.attributes)
        return written

    def to_flat(self) -> dict[str, Node]:
        """Return the group and everything below it by path; ``""`` is the group itself."""
        return dict(walk(self))

    def to_zarr(self, store: StoreLike, path: str = "", *, overwrite: bool = False) -> zarr.Group:
        """Create the hierarchy in a store, without pixels.

        The attributes of this group are written last: until everything below is there, it is a
        plain group.

        Parameters
        ----------
        store : path-like, str, zarr store
            A local path, ``memory://name``, or a store of zarr.
        path : str
            Of the group in the store. Groups above it that are missing are made.
        overwrite : bool
            Delete what is there first, if it is a Zarr group or array.

        Returns
        -------
        zarr.Group
            To write pixels into.

        Raises
        ------
        ExistsError
            If something is there.
        DocumentError
            If the metadata break the rules; all problems are listed.
        LayoutError
            If a member has another Zarr format.
        ReadOnlyError
            If the store cannot be written.
        """
        groups, arrays = {}, {}
        for place, node in walk(self):
            if node.zarr_format != self.zarr_format:
                raise LayoutError(
                    f"the member {place!r} is of Zarr v{node.zarr_format} in a group of "
                    f"v{self.zarr_format}"
                )
            if isinstance(node, ArraySpec):
                arrays[place] = node.to_storage()
            else:
                groups[place] = node.written_attributes()
        return create_hierarchy(
            store, path, groups, arrays, zarr_format=self.zarr_format, overwrite=overwrite
        ).zarr_group()

    def with_members(self, members: Mapping[str, Node]) -> Self:
        """Return the same group with other members; what they must be is not checked again.

        Parameters
        ----------
        members : mapping of str to GroupSpec or ArraySpec
            By name.
        """
        return self.model_copy(update={"members": FrozenDict(members)})

    def __repr__(self) -> str:
        return f"{type(self).__name__}(members={list(self.members)})"

    __str__ = __repr__


def walk(group: GroupSpec, path: str = "") -> Iterator[tuple[str, Node]]:
    """Iterate over a group and everything below it with the paths, the upper ones first.

    Parameters
    ----------
    group : GroupSpec
        Where to begin.
    path : str
        Of this group.
    """
    yield path, group
    for name, node in group.members.items():
        below = f"{path}/{name}" if path else name
        if isinstance(node, GroupSpec):
            yield from walk(node, below)
        else:
            yield below, node


def find(members: Mapping[str, Node], path: str) -> Node | None:
    """Return what is at a path, None if there is nothing.

    Parameters
    ----------
    members : mapping of str to GroupSpec or ArraySpec
        By name.
    path : str
        Relative, ``/`` between names.
    """
    name, _, rest = path.partition("/")
    node = members.get(name)
    if node is None or not rest:
        return node
    return find(node.members, rest) if isinstance(node, GroupSpec) else None


def put(members: Mapping[str, Node], nodes: Mapping[str, Node]) -> FrozenDict:
    """Return members with others put at paths; groups in between are made.

    Parameters
    ----------
    members : mapping of str to GroupSpec or ArraySpec
        By name; they do not change.
    nodes : mapping of str to GroupSpec or ArraySpec
        By path. A group keeps what was below it before.

    Raises
    ------
    LayoutError
        If there is an array in between.
    """
    made = dict(members)
    inside: dict[str, dict[str, Node]] = {}
    for path, node in nodes.items():
        name, _, rest = path.partition("/")
        before = made.get(name)
        if rest:
            inside.setdefault(name, {})[rest] = node
        elif isinstance(node, GroupSpec) and isinstance(before, GroupSpec):
            made[name] = node.with_members({**before.members, **node.members})
        else:
            made[name] = node
    for name, below in inside.items():
        zarr_format = next(iter(below.values())).zarr_format
        between = made.get(name, GroupSpec(zarr_format=zarr_format))
        if isinstance(between, ArraySpec):
            raise LayoutError(f"nothing can be at {name}/{next(iter(below))}: {name!r} is an array")
        made[name] = between.with_members(put(between.members, below))
    return FrozenDict(made)


def nested(nodes: Mapping[str, Node]) -> FrozenDict:
    """Return members by name from members by path.

    Parameters
    ----------
    nodes : mapping of str to GroupSpec or ArraySpec
        By path, in whichever order.

    Raises
    ------
    PathError
        If a path is empty, absolute or leads out of the group.
    LayoutError
        If something is to be inside of an array.
    """
    return put({}, {check_key(path): node for path, node in nodes.items()})


GroupSpec.model_rebuild()
