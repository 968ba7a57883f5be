"""The positions of any node, with what a conversion has to know of each; no pixel is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from iohub.convert.wells import Labelled
from iohub.errors import ArgumentError, IohubError, LayoutError, NotFoundError
from iohub.metadata.transforms import compose
from iohub.nodes.base import NGFFNode
from iohub.nodes.plate import Plate
from iohub.nodes.position import Position
from iohub.nodes.row import Row
from iohub.nodes.scene import Scene
from iohub.nodes.series import Series
from iohub.nodes.well import Well
from iohub.storage.virtual import VirtualBytes


@dataclass(frozen=True)
class Source:
    """A position of the source.

    Attributes
    ----------
    key : str
        Its path below the node, ``""`` for the node itself.
    position : Position
        The position.
    order : int
        Its number among all positions of the node.
    """

    key: str
    position: Position
    order: int

    def labelled(self) -> Labelled:
        """Return what is known to find its well."""
        record = self.position.acquisition
        name = record.name if record is not None else None
        stage = record.stage if record is not None else None
        known = stage is not None and stage.x is not None and stage.y is not None
        where = (float(stage.y or 0.0), float(stage.x or 0.0)) if stage and known else None
        document = self.position.metadata
        label = name or (self.key or self.position.name)
        if document is None or where is None:
            return Labelled(self.key, label, where)
        image = document.multiscales[0]
        scale, _ = compose(image.datasets[0].coordinate_transformations, len(image.axes))
        size = dict(zip(image.get_axis_names(), self.position.data.shape, strict=True))
        pixel = dict(zip(image.get_axis_names(), scale, strict=True))
        height, width = (size.get(axis, 1) * pixel.get(axis, 1.0) for axis in "yx")
        return Labelled(self.key, label, where, (height, width))


def sources(node: NGFFNode) -> list[Source]:
    """Return the positions of a node that have an image, in order.

    Raises
    ------
    LayoutError
        If it is no node that has positions.
    NotFoundError
        If none has an image.
    IohubError
        If one cannot be read: nothing is left out silently.
    """
    found: list[Source] = []
    for key, position in _positions(node):
        if position.metadata is not None and len(position):
            found.append(Source(key, position, len(found)))
    if not found:
        raise NotFoundError(f"{node.url} has no position with an image")
    return found


def _positions(node: NGFFNode) -> Iterator[tuple[str, Position]]:
    """Return all positions; unlike a node's own iteration, a broken one is an error."""
    match node:
        case Position():
            yield "", node
        case Plate():
            for well in node._well_paths():
                if node._group.group(well).exists():
                    for name in node[well]._names():
                        yield f"{well}/{name}", node[well][name]
        case Row():
            for column in node._names():
                for name in node[column]._names():
                    yield f"{column}/{name}", node[column][name]
        case Well() | Series():
            for name in node._names():
                yield name, node[name]
        case Scene():
            yield from node.images()
        case _:
            raise LayoutError(
                f"{node.url} is a {node._kind}, which is exported with the image it belongs to; "
                "export a plate, a well, a position or a series"
            )


def chosen(found: Sequence[Source], patterns: Sequence[str] | None) -> list[Source]:
    """Return those positions whose key, or label, is one of some names or matches a glob.

    Raises
    ------
    ArgumentError
        If a name fits none.
    """
    if patterns is None:
        return list(found)
    if [source.key for source in found] == [""]:
        raise ArgumentError(
            f"{found[0].position.url} is one image: there are no positions to choose from it"
        )
    taken: set[int] = set()
    names = [(source, {source.key, source.labelled().label}) for source in found]
    for pattern in patterns:
        wanted = pattern.strip("/")
        fits = {s.order for s, known in names if wanted in known}
        fits = fits or {
            source.order
            for source, known in names
            for name in known
            if fnmatchcase(name, wanted) or name.startswith(f"{wanted}/")
        }
        if not fits:
            some = ", ".join(repr(source.key) for source in found[:5]) + (", …" * bool(found[5:]))
            raise ArgumentError(f"no position fits {pattern!r}; there are {len(found)}: {some}")
        taken |= fits
    return [source for source in found if source.order in taken]


def unlisted(position: Position, known: Sequence[str]) -> list[str]:
    """Return groups and arrays below a position that no metadata speak of, where one can list."""
    if isinstance(position._group.store, VirtualBytes):
        return []
    try:
        names = [*position.group_keys(), *position.array_keys()]
    except IohubError:
        return []
    return [name for name in names if name not in known]
