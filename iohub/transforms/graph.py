"""Coordinate systems and arrays as nodes, transformations as edges: ways from one to another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from iohub.errors import MissingNodeError, TransformError
from iohub.metadata.coordinate_systems import CoordinateSystem
from iohub.metadata.transform_types import Sequence, Transform
from iohub.transforms.composition import compose
from iohub.transforms.fields import Lookup
from iohub.transforms.graph_nodes import NodeLike, TransformGraphNode, node_of
from iohub.transforms.inverses import has_inverse, inverse
from iohub.transforms.parameters import unknown_types, with_paths_below

if TYPE_CHECKING:
    from iohub.transforms.drawing import Drawing


@dataclass(frozen=True)
class Edge:
    """A way that metadata state.

    Attributes
    ----------
    start, end : TransformGraphNode
        From where to where.
    transform : Transform
        What the way does; paths in it are relative to the graph's group.
    """

    start: TransformGraphNode
    end: TransformGraphNode
    transform: Transform


class TransformGraph:
    """A graph of coordinate systems.

    Parameters
    ----------
    name : str
        What it is of, for drawings.
    lookup : callable or None
        Returns the array at a path: ways back through a stored matrix need it.
    """

    def __init__(self, name: str = "", *, lookup: Lookup | None = None):
        self.name = name
        self.lookup = lookup
        self.systems: dict[TransformGraphNode, CoordinateSystem | None] = {}
        self.arrays: dict[TransformGraphNode, None] = {}
        self.edges: list[Edge] = []
        self.subgraphs: dict[str, TransformGraph] = {}

    def __repr__(self) -> str:
        count = sum(1 for _ in self.nodes())
        return f"TransformGraph({self.name!r}, {count} nodes, {len(list(self.all_edges()))} edges)"

    # -- building ----------------------------------------------------------------------------

    def add_system(
        self, system: CoordinateSystem | str, path: str | None = None
    ) -> TransformGraphNode:
        """Add a coordinate system.

        Parameters
        ----------
        system : CoordinateSystem or str
            The system, or its name.
        path : str or None
            Of the image that has it; None for a system of the group itself.
        """
        name = system if isinstance(system, str) else system.name
        node = TransformGraphNode(name, path)
        known = None if isinstance(system, str) else system
        self.systems[node] = known or self.systems.get(node)
        return node

    def add_array(self, path: str) -> TransformGraphNode:
        """Add an array, whose coordinates are its pixel indexes.

        Parameters
        ----------
        path : str
            Of the array, relative to the group.
        """
        node = TransformGraphNode(None, path)
        self.arrays[node] = None
        return node

    def add_transform(
        self,
        transform: Transform,
        start: NodeLike | None = None,
        end: NodeLike | None = None,
    ) -> Edge:
        """Add a way, and the nodes at its ends if they are not there.

        Several between the same nodes are kept; the first of them is used.

        Parameters
        ----------
        transform : Transform
            What the way does.
        start, end : node or None
            From where to where; None is what the transformation itself says.

        Raises
        ------
        TransformError
            If an end is not given and the transformation does not say it.
        """
        ends = []
        for given, stated in ((start, transform.input), (end, transform.output)):
            reference = given if given is not None else stated
            if reference is None:
                raise TransformError(
                    f"the {transform.type} does not say what it leads from and to: give both"
                )
            node = node_of(reference)
            if node.name is None and node.path is not None:
                self.arrays[node] = None
            elif node not in self.nodes():
                self.systems[node] = None
            ends.append(node)
        edge = Edge(ends[0], ends[1], transform)
        self.edges.append(edge)
        return edge

    def add_subgraph(self, path: str, graph: TransformGraph) -> None:
        """Join the graph of an image that lies below.

        Parameters
        ----------
        path : str
            Of the image's group; its systems are ``(name, path)`` here, its arrays
            ``(None, "path/array")``.
        graph : TransformGraph
            Of the image.
        """
        self.subgraphs[path] = graph
        # A node that was named before its image came is the image's own.
        for node in [n for n in self.systems if n.path == path]:
            if any(node == inner.below(path) for inner in graph.nodes()):
                del self.systems[node]

    # -- asking ------------------------------------------------------------------------------

    def nodes(self) -> Iterator[TransformGraphNode]:
        """Iterate over the systems and arrays, those of images below included."""
        yield from self.systems
        yield from self.arrays
        for path, graph in self.subgraphs.items():
            for node in graph.nodes():
                yield node.below(path)

    def all_edges(self) -> Iterator[Edge]:
        """Iterate over the ways, those of images below included, with their paths from here."""
        yield from self.edges
        for path, graph in self.subgraphs.items():
            for edge in graph.all_edges():
                transform = with_paths_below(path, edge.transform)
                yield Edge(edge.start.below(path), edge.end.below(path), transform)

    def system(self, node: NodeLike) -> CoordinateSystem | None:
        """Return the coordinate system at a node; None for an array, or if only its name is known.

        Parameters
        ----------
        node : node
            Which one.

        Raises
        ------
        MissingNodeError
            If it is not in the graph.
        """
        found = self.find(node)
        if found in self.systems:
            return self.systems[found]
        for path, graph in self.subgraphs.items():
            for inner in graph.nodes():
                if inner.below(path) == found:
                    return graph.system(inner)
        return None

    def find(self, node: NodeLike) -> TransformGraphNode:
        """Return the node that is meant.

        Parameters
        ----------
        node : TransformGraphNode, SystemReference, (name, path) or str
            A string is the name of a system of the group, or else the path of an array, or the
            name of a system of one image below if only one has it.

        Raises
        ------
        MissingNodeError
            If there is none, or several images have such a system.
        ArgumentError
            If it is something else.
        """
        nodes = list(dict.fromkeys(self.nodes()))
        if isinstance(node, str):
            wanted = [TransformGraphNode(node), TransformGraphNode(None, node)]
            wanted += [n for n in nodes if n.name == node or str(n) == node]
            matches = [n for n in wanted[:2] if n in nodes] or list(dict.fromkeys(wanted[2:]))
            if len(matches) > 1:
                several = ", ".join(n.shown() for n in matches)
                raise MissingNodeError(
                    node, "the transform graph", hint=f"Say which one: {several}."
                )
        else:
            matches = [n for n in (node_of(node),) if n in nodes]
        if not matches:
            raise self._missing(node, nodes)
        return matches[0]

    def _missing(self, node: NodeLike, nodes: list[TransformGraphNode]) -> MissingNodeError:
        if of_image := [n for n in nodes if n.is_of(node)]:
            ends = ", ".join(n.shown() for n in of_image)
            hint = f"{node!r} is an image: say which of its systems or arrays, {ends}."
        else:
            asked = node if isinstance(node, str) else str(node_of(node))
            near = [n for n in nodes if get_close_matches(asked, {str(n), n.name or str(n)})]
            ends = ", ".join(n.shown() for n in (near or nodes)[:8])
            more = "" if near or len(nodes) <= 8 else ", …"
            hint = f"Did you mean {ends}?" if near else f"There are {len(nodes)}: {ends}{more}."
        return MissingNodeError(str(node), "the transform graph", hint=hint)

    def find_shortest_path(
        self, from_node: NodeLike, to_node: NodeLike
    ) -> list[TransformGraphNode] | None:
        """Return the nodes on the shortest way.

        Parameters
        ----------
        from_node, to_node : node
            As :meth:`find` takes them.

        Returns
        -------
        list of TransformGraphNode or None
            With both ends; None if there is no way.

        Raises
        ------
        MissingNodeError
            If an end is not in the graph.
        """
        way = self._way(self.find(from_node), self.find(to_node))
        if way is None:
            return None
        return [self.find(from_node), *(node for node, _ in way)]

    def get_transform(self, *, from_sys: NodeLike, to_sys: NodeLike) -> Sequence:
        """Return the transformation along the shortest way.

        Parameters
        ----------
        from_sys, to_sys : node
            As :meth:`find` takes them.

        Returns
        -------
        Sequence
            An identity if both are the same. Paths of stored matrices and fields are relative to
            the graph's group.

        Raises
        ------
        MissingNodeError
            If an end is not in the graph.
        TransformError
            If there is no way; ways of types that iohub does not know are none.
        """
        start, end = self.find(from_sys), self.find(to_sys)
        way = self._way(start, end)
        if way is None:
            unknown = dict.fromkeys(t for e in self.all_edges() for t in unknown_types(e.transform))
            raise TransformError(
                f"no way leads from {start} to {end}: no transformations connect them, or one "
                "on the way has no inverse"
                + "".join(f"; iohub does not know the transformation {kind!r}" for kind in unknown)
            )
        composed = compose(transform for _, transform in way)
        return composed.replace(input=start.reference(), output=end.reference())

    def _way(
        self, start: TransformGraphNode, end: TransformGraphNode
    ) -> list[tuple[TransformGraphNode, Transform]] | None:
        steps = self._steps()
        before: dict[TransformGraphNode, tuple[TransformGraphNode, Edge, bool]] = {}
        queue, seen = deque([start]), {start}
        while queue and end not in seen:
            here = queue.popleft()
            for there, edge, forward in steps.get(here, ()):
                if there in seen or not (forward or self._goes_back(edge)):
                    continue
                seen.add(there)
                before[there] = (here, edge, forward)
                queue.append(there)
        if end not in seen:
            return None
        way: list[tuple[TransformGraphNode, Transform]] = []
        while end != start:
            previous, edge, forward = before[end]
            step = edge.transform if forward else inverse(edge.transform, lookup=self.lookup)
            way.append((end, step))
            end = previous
        return way[::-1]

    def _goes_back(self, edge: Edge) -> bool:
        return has_inverse(edge.transform, lookup=self.lookup)

    def _steps(self) -> dict[TransformGraphNode, list[tuple[TransformGraphNode, Edge, bool]]]:
        steps: dict[TransformGraphNode, list[tuple[TransformGraphNode, Edge, bool]]] = {}
        edges = [edge for edge in self.all_edges() if not any(unknown_types(edge.transform))]
        # What is stated comes before what is computed, and in the order of the metadata.
        for edge in edges:
            steps.setdefault(edge.start, []).append((edge.end, edge, True))
        for edge in edges:
            steps.setdefault(edge.end, []).append((edge.start, edge, False))
        return steps

    # -- drawing -----------------------------------------------------------------------------

    def drawing(self) -> Drawing:
        """Return what there is to be drawn, as data."""
        from iohub.transforms.drawing import draw

        return draw(self)

    def to_dot(self) -> str:
        """Return the graph in the language of Graphviz."""
        from iohub.transforms.drawing import to_dot

        return to_dot(self.drawing())

    def to_mermaid(self) -> str:
        """Return the graph in the language of Mermaid, which many documents show as a picture."""
        from iohub.transforms.drawing import to_mermaid

        return to_mermaid(self.drawing())

    def _repr_markdown_(self) -> str:
        # JupyterLab and most viewers of notebooks show Mermaid as a picture.
        return f"```mermaid\n{self.to_mermaid()}```"

    def to_graphviz(self) -> Any:
        """Return the graph as a ``graphviz.Digraph``, which notebooks show as a picture.

        Raises
        ------
        MissingDependencyError
            If the package graphviz is not installed; :meth:`to_dot` works without.
        """
        from iohub.transforms.drawing import to_graphviz

        return to_graphviz(self.drawing())
