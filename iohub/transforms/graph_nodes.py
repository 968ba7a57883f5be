"""The nodes of a transform graph, and how people say which one they mean."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from iohub.errors import ArgumentError
from iohub.metadata.coordinate_systems import SystemReference


class TransformGraphNode(NamedTuple):
    """A coordinate system, or the pixel indexes of an array.

    Attributes
    ----------
    name : str or None
        Of the system; None for an array.
    path : str or None
        Of the image that has the system, or of the array; None for a system of the group itself.
    """

    name: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        if self.name is None:
            return str(self.path)
        return self.name if self.path is None else f"{self.path}:{self.name}"

    def shown(self) -> str:
        """Return what to ask for: a system of an image as a pair, others as their name or path."""
        return repr(tuple(self) if None not in self else self.name or self.path)

    def reference(self) -> SystemReference:
        """Return the node as metadata refer to it."""
        return SystemReference(name=self.name, path=self.path)

    def below(self, path: str) -> TransformGraphNode:
        """Return the node of an image as it is called from above.

        Parameters
        ----------
        path : str
            Of the image's group.
        """
        return TransformGraphNode(self.name, path if self.path is None else f"{path}/{self.path}")

    def is_of(self, image: object) -> bool:
        """Whether it is a system or an array of an image.

        Parameters
        ----------
        image : str or anything else
            Path of the image.
        """
        if self.name is not None:
            return self.path is not None and self.path == image
        return self.path is not None and self.path.rpartition("/")[0] == image


NodeLike: TypeAlias = TransformGraphNode | SystemReference | str | tuple[str | None, str | None]


def node_of(reference: NodeLike) -> TransformGraphNode:
    """Return the node that is meant.

    Parameters
    ----------
    reference : TransformGraphNode, SystemReference, (name, path) or str
        A string is the name of a system.

    Raises
    ------
    ArgumentError
        If it is something else.
    """
    if isinstance(reference, SystemReference):
        return TransformGraphNode(reference.name, reference.path)
    parts: Any = (reference,) if isinstance(reference, str) else reference
    if (
        not isinstance(parts, tuple)
        or not 1 <= len(parts) <= 2
        or not all(part is None or isinstance(part, str) for part in parts)
    ):
        raise ArgumentError(
            f"a node of the graph is the name of a system, or (name, path), not {reference!r:.60}"
        )
    return TransformGraphNode(*parts)
