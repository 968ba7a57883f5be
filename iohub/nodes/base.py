"""The node every other node is: one group, one document, navigation and the tree."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from iohub.display import Displayed, TreeSummary, encodable
from iohub.errors import (
    AxisError,
    ChannelError,
    DocumentError,
    IohubError,
    MissingNodeError,
)
from iohub.metadata import own, versions
from iohub.metadata.axes import AxisMeta, default_axes
from iohub.nodes import arguments
from iohub.nodes.arrow_tables import ArrowVerbs
from iohub.nodes.attributes import Attributes
from iohub.nodes.children import Children
from iohub.nodes.exporting import ExportVerbs
from iohub.nodes.keys import split_key
from iohub.nodes.session import Session
from iohub.storage import hierarchy, journal
from iohub.storage.group import ZarrGroup, adopt_group
from iohub.storage.virtual import how_to_write

if TYPE_CHECKING:
    from collections.abc import Sequence

    import zarr

    from iohub.metadata.versions import Spelling
    from iohub.types import JsonObject


def join(*parts: str) -> str:
    """Join path parts, leaving out empty ones."""
    return "/".join(part for part in parts if part)


class NGFFNode(Children, Displayed, ExportVerbs, ArrowVerbs):
    """A node (group level in Zarr) in an NGFF dataset.

    Parameters
    ----------
    group : zarr.Group or iohub.storage.group.ZarrGroup
        The group that the node stands for.
    parse_meta : bool
        Whether to read and check the metadata at once, by default True; else on first use, as
        nodes do that are found in others.
    channel_names : list of str, optional
        Names for images that are created here, where the store has none yet.
    axes : list of AxisMeta, optional
        Axes for images that are created here, where the store has none yet.
    version : str, optional
        OME-Zarr version; read from the metadata if not given.
    overwriting_creation : bool
        Whether creating a child that exists replaces it instead of raising; the pyramid that was
        made of an image goes with it.
    engine : str, optional
        Storage engine for pixels: "tensorstore", "zarr-python" or "zarrs".
    strict : bool
        Whether metadata that breaks a SHOULD of the specification is refused.
    session : Session, optional
        Shared state of the tree that this node belongs to.
    """

    _kind: ClassVar[str] = "node"

    def __init__(
        self,
        group: zarr.Group | ZarrGroup,
        parse_meta: bool = True,
        channel_names: Sequence[str] | None = None,
        axes: Sequence[AxisMeta] | None = None,
        version: str | None = None,
        overwriting_creation: bool = False,
        *,
        engine: str | None = None,
        strict: bool = False,
        session: Session | None = None,
    ):
        self._group = adopt_group(group, engine=engine)
        self._session = session or Session(
            url=self._group.store.url,
            mode="r" if self._group.read_only else "r+",
            engine=engine,
            strict=strict,
            overwriting=overwriting_creation,
            remedy=how_to_write(self._group.store),
        )
        self._given_channels = None if channel_names is None else [str(n) for n in channel_names]
        self._given_axes = None if axes is None else tuple(axes)
        self._given_version = version
        self._parsed: tuple[Any, Any] | None = None
        self._noted: tuple[Any, own.Defaults] | None = None
        self._seen_channels: list[str] = []
        if parse_meta:
            self._document()

    # ---- the document -------------------------------------------------------------------------

    def _attrs(self) -> JsonObject:
        self._session.check_open()
        return self._group.attrs()

    @cached_property
    def _spelling(self) -> Spelling:
        version = self._given_version
        if version is None:
            version = versions.detect(self._attrs(), self._group.zarr_format)
        return versions.spelling(version)

    def _parse(self, attrs: JsonObject) -> Any:
        """Return the document that these attributes spell; None for a group without one."""
        return None

    def _parsed_from(self, attrs: JsonObject) -> Any:
        """Return the document; an error says where it is."""
        try:
            kind = (type(self), self._spelling.version)
            return self._session.parsed.get(kind, attrs, self._parse)
        except DocumentError as error:
            if error.source:
                raise
            raise DocumentError(error.problems, self.url) from error

    def _document(self, *, just_read: bool = False) -> Any:
        """Return the node's document as it is on disk now, parsed once per change."""
        attrs = self._group.last_attrs() if just_read else self._attrs()
        if self._parsed is None or self._parsed[0] is not attrs:
            if self._group.zarr_format == 2 and versions.kind(attrs, 2) is None:
                hierarchy.refuse_v2_array(self._group.store, self.path)
            self._parsed = (attrs, self._parsed_from(attrs))
        return self._parsed[1]

    def _keep_parsed(self, attrs: JsonObject, document: Any) -> None:
        """Keep the document that was just written as these attributes, rather than parse them."""
        kind = (type(self), self._spelling.version)
        self._session.parsed.put(kind, attrs, document)

    def _dump(self, document: Any, attrs: JsonObject) -> JsonObject:
        """Spell a document into attributes."""
        return attrs

    def _commit(self, edit: Callable[[Any], Any]) -> None:
        """Apply a pure edit to the document that is on disk now, and write it."""
        self._session.check_writable()

        def change(attrs: JsonObject) -> JsonObject:
            return self._dump(edit(self._parsed_from(attrs)), attrs)

        self._group.edit_attrs(change)

    def dump_meta(self) -> None:
        """Write the metadata once more, as this version spells them."""
        self._session.check_writable()
        if self._document() is not None:
            self._commit(lambda document: document)

    # ---- what every node tells ----------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the node in its parent, "" for the root of the store."""
        return self._group.path.rpartition("/")[2]

    @property
    def path(self) -> str:
        """Path of the node in its store, "" for the root."""
        return self._group.path

    @property
    def url(self) -> str:
        """Where the node is, for people."""
        return join(self._session.url.rstrip("/"), self._relative)

    @property
    def _relative(self) -> str:
        """Path below the node that was opened."""
        return self._group.path[len(self._session.base) :].strip("/")

    @property
    def version(self) -> str:
        """OME-Zarr version of the node, such as "0.5"."""
        return str(self._spelling.version)

    @property
    def zgroup(self) -> zarr.Group:
        """The same group as a real :class:`zarr.Group`."""
        self._session.check_open()
        return self._group.zarr_group()

    @property
    def zattrs(self) -> Attributes:
        """Attributes of the group. Assignments, at any depth, are written at once."""
        self._session.check_open()
        return Attributes(self._group)

    @zattrs.setter
    def zattrs(self, value: Mapping[str, Any]) -> None:
        self.zattrs.put(value)

    @property
    def maybe_wrapped_ome_attrs(self) -> Any:
        """The attributes that hold OME metadata: those under "ome" from 0.5 on, else all."""
        root = self._spelling.root
        return self.zattrs.within(root[0]) if root else self.zattrs

    @property
    def metadata(self) -> Any:
        """The node's OME metadata as a frozen document, None if it has none."""
        return self._document()

    @property
    def channel_names(self) -> list[str]:
        """Channel names."""
        return self._noted_channels()

    def _noted_channels(self) -> list[str]:
        """Return the channel names for images to come: those stored, else those given."""
        stored = self._noted_defaults().channel_names
        return list(stored or self._given_channels or [])

    @property
    def axes(self) -> list[AxisMeta]:
        """Axes, the default T, C, Z, Y, X if nothing says otherwise."""
        stored = self._noted_defaults().axes
        return list(stored or self._given_axes or default_axes())

    def _noted_defaults(self) -> own.Defaults:
        """Return what is stored here for images to come, parsed once per change."""
        attrs = self._attrs()
        if self._noted is None or self._noted[0] is not attrs:
            self._noted = (attrs, own.read_defaults(attrs))
        return self._noted[1]

    def get_channel_index(self, name: str) -> int:
        """Get the index of a given channel in the channel list.

        Parameters
        ----------
        name : str
            Name of the channel.

        Raises
        ------
        ChannelError
            If there is no such channel; a :class:`ValueError`.
        """
        names, wanted = self.channel_names, arguments.text(name, "name")
        if wanted not in names:
            raise ChannelError(f"no channel {name!r} in {self.url}; its channels are {names}")
        return names.index(wanted)

    def get_axis_index(self, axis_name: str) -> int:
        """Get the index of a given axis.

        Parameters
        ----------
        axis_name : str
            Name of the axis. Case insensitive.

        Raises
        ------
        AxisError
            If there is no such axis; a :class:`ValueError`.
        """
        names = [axis.name.lower() for axis in self.axes]
        wanted = arguments.text(axis_name, "axis_name").lower()
        if wanted not in names:
            raise AxisError(f"no axis {axis_name!r} in {self.url}; its axes are {names}")
        return names.index(wanted)

    # ---- children -----------------------------------------------------------------------------

    def group_keys(self) -> list[str]:
        """Sorted list of keys to all the child zgroups (if any), by listing."""
        self._session.check_open()
        return sorted(self._group.group_names())

    def array_keys(self) -> list[str]:
        """Sorted list of keys to all the child zarrays (if any), by listing."""
        self._session.check_open()
        return sorted(self._group.array_names())

    def is_root(self) -> bool:
        """Whether this node is the root node, the one that was opened."""
        return self._relative == ""

    def is_leaf(self) -> bool:
        """Whether this node has no child Zarr group.

        Usually a position/FOV node if true.
        """
        return not self.group_keys()

    def _names(self) -> list[str]:
        """Keys of the children, from the metadata."""
        return self.group_keys()

    def _child(self, key: str) -> Any:
        """Return the child of one name."""
        raise self._missing(key)

    def __delitem__(self, key: Any) -> None:
        """Delete a child group or array; the metadata of a bare group name none."""
        self._session.check_writable()
        self._group.delete(join(*self._split(key)))

    def _missing(self, key: object, hint: str = "") -> MissingNodeError:
        hint = hint or journal.remedy(self._group.store, self.path)
        return MissingNodeError(key, f"{self._kind} {self.url}", self._names(), hint)

    def _absent(self, path: str) -> str:
        """Return what to say of a child that is listed and is no group."""
        kind = hierarchy.kinds(self._group.store, [join(self.path, path)])[0]
        if kind is not None and kind.what == "array":
            return "It is an array, where a group should be."
        return "It is listed but missing."

    _split = staticmethod(split_key)

    def __getitem__(self, key: Any) -> Any:
        names = self._split(key)
        if not names:
            raise self._missing(key)
        child = self._child(names[0])
        return child[tuple(names[1:])] if len(names) > 1 else child

    # ---- life ---------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the store. Its nodes refuse to go on; a repr still works."""
        if not self._session.closed:
            try:
                self._document()
                self._last_channel_names()
            except IohubError:
                self._seen_channels = []
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NGFFNode) or type(other) is not type(self):
            return NotImplemented
        return self._group == other._group

    def __hash__(self) -> int:
        return hash((type(self), self._group))

    # ---- how it looks -------------------------------------------------------------------------

    def _known_version(self) -> str:
        """Return the version as far as it is known, without raising."""
        if self._given_version is not None or "_spelling" in vars(self):
            return str(self._spelling.version)
        try:
            return self.version
        except IohubError:
            return ""

    def _parsed_document(self) -> Any:
        """Return the document as it is, or after ``close()`` as it was when last read."""
        if not self._session.closed:
            return self._document()
        return self._parsed[1] if self._parsed is not None else None

    def _last_channel_names(self) -> list[str]:
        """Return the channel names, or after ``close()`` those last known."""
        if not self._session.closed:
            self._seen_channels = self.channel_names
        return list(self._seen_channels or self._given_channels or [])

    @abstractmethod
    def _tree(self, level: int | None) -> TreeSummary:
        """Describe the node and what is below, `level` levels deep."""

    def print_tree(self, level: int | None = None) -> None:
        """Print hierarchy of the node to stdout, with the signs that it has.

        Parameters
        ----------
        level : int, optional
            Maximum depth to show, by default None (all of it).
        """
        depth = None if level is None else arguments.whole(level, "level", 0)
        drawn = self._tree(depth).render()
        print(encodable(drawn, getattr(sys.stdout, "encoding", None)))
