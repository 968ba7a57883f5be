"""Where a stream goes, apart from its frames: nodes, documents, and what is done at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from iohub.errors import ArgumentError, MissingNodeError
from iohub.storage.local import LocalBytes
from iohub.stream.build import FULL
from iohub.stream.ending import PositionState, with_record
from iohub.stream.notes import shown_attributes, with_namespace
from iohub.stream.planes import Planes

if TYPE_CHECKING:
    from iohub.nodes.base import NGFFNode
    from iohub.nodes.image_array import ImageArray
    from iohub.nodes.position import Position
    from iohub.storage.array import ZarrArray
    from iohub.stream.contrast import Contrast
    from iohub.stream.running import StreamRun
    from iohub.stream.view import Readable
    from iohub.types import JsonObject, NDArray, PyramidMethod, Shape

SINGLE = "."
"""How metadata name the position of a store that is one image."""


class Target(Protocol):
    """Where a stream goes."""

    @property
    def nodes(self) -> tuple[Position, ...]:
        """The positions; empty if there are no nodes."""

    def readable(self, position: int) -> Readable:
        """Return what the pixels of a position are read from."""

    def get_metadata(self) -> Any:
        """Return what the documents say."""

    def update_metadata(self, metadata: Any) -> None:
        """Replace what the documents say."""

    def set_global_metadata(self, namespace: str, metadata: Mapping[str, Any]) -> None:
        """Note something of the whole acquisition."""

    def finish(self, run: StreamRun) -> None:
        """Complete sizes and documents once all frames are written."""


class ZarrTarget:
    """Positions in an OME-Zarr store.

    Parameters
    ----------
    nodes : sequence of Position
        In the order of the plan.
    root : NGFFNode
        The group that metadata of the whole acquisition belong to.
    name : str
        Of the array with the full resolution.

    Attributes
    ----------
    peek : callable or None
        Takes a position and the index of a frame; tells whether it is to be read from the file, and
        else its pixels, if it came.
    """

    def __init__(self, nodes: Sequence[Position], root: NGFFNode, name: str = FULL):
        self.nodes, self.root, self.name = tuple(nodes), root, name
        self.peek: Callable[[int, Shape], tuple[bool, NDArray | None]] | None = None

    @property
    def folder(self) -> str | None:
        """Directory of the root group; None if the store is no local directory."""
        return folder_of(self.root)

    def arrays(self, levels: int) -> list[list[ZarrArray]]:
        """Return the arrays of each position, the full resolution first."""
        found = []
        for node in self.nodes:
            names = [self.name] if levels == 1 else [name for name, _ in node.images()]
            found.append([node[name]._opened() for name in names])
        return found

    def readable(self, position: int) -> Readable:
        """Return the array of a position, with frames that only memory has."""
        found: ImageArray = self.nodes[position][self.name]
        if (peek := self.peek) is None:
            return found

        def plane(index: Shape) -> NDArray | None:
            there, pixels = peek(position, index)
            return np.asarray(found[index]) if there else pixels

        return Planes(lambda: tuple(found.shape), found.dtype, plane)

    def get_metadata(self) -> dict[str, JsonObject]:
        """Return what each position says in the words of OME-Zarr, by its path."""
        return {
            path: shown_attributes(node._group.attrs()) for path, node in self._by_path().items()
        }

    def update_metadata(self, metadata: Any) -> None:
        """Replace members of the attributes of positions, by path."""
        if not isinstance(metadata, Mapping) or not all(
            isinstance(value, Mapping) for value in metadata.values()
        ):
            raise ArgumentError(
                "metadata is a dict of dicts by path of the position, as get_metadata() gives it"
            )
        nodes = self._by_path()
        if unknown := sorted(set(map(str, metadata)) - set(nodes)):
            raise MissingNodeError(unknown[0], self.root.url, nodes)
        for path, members in metadata.items():
            node = nodes[path]

            def edit(
                attrs: JsonObject, node: Position = node, members: Mapping[str, Any] = members
            ) -> JsonObject:
                new = {**attrs, **members}
                node._parsed_from(new)  # refuses what breaks the rules
                return new

            node._group.edit_attrs(edit)

    def set_global_metadata(self, namespace: str, metadata: Mapping[str, Any]) -> None:
        """Note something of the whole acquisition in the root group."""
        self.root._group.edit_attrs(lambda attrs: with_namespace(attrs, namespace, metadata))

    def finish(self, run: StreamRun) -> None:
        """Give growing arrays their exact size, and write the records."""
        sizes = [0 if state.growing is None else state.size for state in run.states]
        if run.sink.error is None:
            run.sink.settle(sizes)
        write_records(self.nodes, run.states)
        write_contrast(self.nodes, run.contrast)

    def _by_path(self) -> dict[str, Position]:
        base = self.root._group.path
        names = [node._group.path[len(base) :].lstrip("/") or SINGLE for node in self.nodes]
        return dict(zip(names, self.nodes, strict=True))


def folder_of(node: NGFFNode) -> str | None:
    """Return the directory of a group; None if its store is no local directory."""
    store = node._group.store
    return store.path(node._group.path) if isinstance(store, LocalBytes) else None


def write_records(nodes: Sequence[Position], states: Sequence[PositionState]) -> None:
    """Write which frames there are, and their metadata, into each position's attributes."""
    for node, state in zip(nodes, states, strict=True):

        def edit(attrs: JsonObject, state: PositionState = state) -> JsonObject:
            return with_record(attrs, state)

        node._group.edit_attrs(edit)


def write_contrast(nodes: Sequence[Position], contrast: Mapping[int, Contrast]) -> None:
    """Set display limits of channels from their histograms, the same for all positions."""
    for node in nodes if contrast else ():
        dtype = node.data.dtype
        names = node.channel_names
        for channel, seen in contrast.items():
            limits = seen.limits(dtype)
            if limits is None or channel >= len(names):
                continue
            low, high = limits
            if dtype.kind in "iu":
                info = np.iinfo(dtype)
                whole = float(info.min), float(info.max)
            else:
                whole = low, high
            window = {"min": whole[0], "max": whole[1], "start": low, "end": high}
            node.set_contrast_limits(names[channel], window)  # type: ignore[arg-type]


def make_levels(nodes: Sequence[Position], levels: int, method: PyramidMethod) -> None:
    """Make empty lower resolutions of y and x, which a sink fills on the way."""
    for node in nodes if levels > 1 else ():
        node.initialize_pyramid(levels, downscale=("y", "x"))
