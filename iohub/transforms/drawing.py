"""A transform graph as a picture: in the languages of Graphviz and Mermaid.

Systems are rounded and coloured, arrays are plain boxes; each image of a scene has a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iohub.metadata.transform_types import Bijection, Sequence, Transform
from iohub.optional import need

if TYPE_CHECKING:
    from iohub.transforms.graph import TransformGraph
    from iohub.transforms.graph_nodes import TransformGraphNode

SYSTEM_FILL = "#fdbb84"
ARRAY_FILL = "#d9d9d9"
TEXT = "#1f1f1f"


@dataclass(frozen=True)
class DrawnNode:
    """A box.

    Attributes
    ----------
    key : str
        Unique in the drawing.
    label : str
        What is written in it.
    is_array : bool
        Whether it is an array rather than a system.
    """

    key: str
    label: str
    is_array: bool


@dataclass(frozen=True)
class Drawing:
    """What there is to be drawn.

    Attributes
    ----------
    frames : tuple of (str, tuple of DrawnNode)
        Label and boxes of each frame; the first one is the graph's own.
    arrows : tuple of (str, str, str)
        Keys of both boxes, and what is written at the arrow.
    """

    frames: tuple[tuple[str, tuple[DrawnNode, ...]], ...]
    arrows: tuple[tuple[str, str, str], ...]


def draw(graph: TransformGraph) -> Drawing:
    """Return what there is to be drawn of a graph.

    Parameters
    ----------
    graph : TransformGraph
        With the graphs below it.
    """
    frames: dict[str, list[TransformGraphNode]] = {"": [*graph.systems, *graph.arrays]}
    for path, below in graph.subgraphs.items():
        frames[path] = [
            type(node)(node.name, path if node.path is None else f"{path}/{node.path}")
            for node in below.nodes()
        ]
    keys: dict[TransformGraphNode, str] = {}
    drawn = []
    for path, nodes in frames.items():
        boxes = []
        for node in nodes:
            if node not in keys:
                keys[node] = f"n{len(keys)}"
                boxes.append(DrawnNode(keys[node], _label(node, path), node.name is None))
        drawn.append((path or (graph.name if graph.subgraphs else ""), tuple(boxes)))
    arrows = tuple(
        (keys[edge.start], keys[edge.end], describe(edge.transform))
        for edge in graph.all_edges()
        if edge.start in keys and edge.end in keys
    )
    return Drawing(tuple(drawn), arrows)


def _label(node: TransformGraphNode, frame: str) -> str:
    inside = (node.path or "").removeprefix(frame).strip("/") if frame else node.path or ""
    if node.name is None:
        return inside
    return f"{inside}: {node.name}" if inside else node.name


def describe(transform: Transform) -> str:
    """Return a transformation in a few words, such as ``sequence[scale, translation]``.

    Parameters
    ----------
    transform : Transform
        What is described.
    """
    if isinstance(transform, Sequence):
        return f"sequence[{', '.join(describe(part) for part in transform.transformations)}]"
    if isinstance(transform, Bijection):
        return f"bijection[{describe(transform.forward)}, {describe(transform.inverse)}]"
    return transform.type


def to_dot(drawing: Drawing) -> str:
    """Return a drawing in the language of Graphviz.

    Parameters
    ----------
    drawing : Drawing
        From :func:`draw`.
    """
    lines = ["digraph {", '  node [style="filled" fontname="sans-serif"];']
    for number, (label, nodes) in enumerate(drawing.frames):
        indent = "  "
        if label:
            lines.append(f"  subgraph cluster_{number} {{")
            lines.append(f"    label={_quoted(label)};")
            indent = "    "
        lines += [
            f"{indent}{node.key} [label={_quoted(node.label)} {_style(node)}];" for node in nodes
        ]
        if label:
            lines.append("  }")
    lines += [
        f"  {start} -> {end} [label={_quoted(label)}];" for start, end, label in drawing.arrows
    ]
    return "\n".join([*lines, "}", ""])


def _style(node: DrawnNode) -> str:
    return (
        f'shape="box" fillcolor="{ARRAY_FILL}"' if node.is_array else f'fillcolor="{SYSTEM_FILL}"'
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def to_mermaid(drawing: Drawing) -> str:
    """Return a drawing in the language of Mermaid.

    Parameters
    ----------
    drawing : Drawing
        From :func:`draw`.
    """
    lines = ["flowchart TD"]
    for number, (label, nodes) in enumerate(drawing.frames):
        indent = "    "
        if label:
            lines.append(f'    subgraph g{number}["{_entities(label)}"]')
            indent = "        "
        for node in nodes:
            text = f'"{_entities(node.label)}"'
            box = f"[{text}]:::array" if node.is_array else f"({text}):::system"
            lines.append(f"{indent}{node.key}{box}")
        if label:
            lines.append("    end")
    lines += [
        f'    {start} -->|"{_entities(label)}"| {end}' for start, end, label in drawing.arrows
    ]
    lines += [
        f"    classDef system fill:{SYSTEM_FILL},color:{TEXT}",
        f"    classDef array fill:{ARRAY_FILL},color:{TEXT}",
    ]
    return "\n".join([*lines, ""])


def _entities(text: str) -> str:
    # Mermaid knows entities by number; '#' begins one.
    special = {"#": "#35;", '"': "#34;", "<": "#60;", ">": "#62;", "&": "#38;", "\n": " "}
    return "".join(special.get(char, char) for char in text)


def to_graphviz(drawing: Drawing) -> Any:
    """Return a drawing as a ``graphviz.Digraph``.

    Parameters
    ----------
    drawing : Drawing
        From :func:`draw`.

    Raises
    ------
    MissingDependencyError
        If the package graphviz is not installed.
    """
    graphviz = need("graphviz", extra="graph", why="a picture of the transform graph")
    picture = graphviz.Digraph(node_attr={"style": "filled", "fontname": "sans-serif"})
    for number, (label, nodes) in enumerate(drawing.frames):
        frame = picture
        if label:
            frame = graphviz.Digraph(name=f"cluster_{number}", graph_attr={"label": label})
        for node in nodes:
            fill = ARRAY_FILL if node.is_array else SYSTEM_FILL
            shape = {"shape": "box"} if node.is_array else {}
            frame.node(node.key, graphviz.escape(node.label), fillcolor=fill, **shape)
        if label:
            picture.subgraph(frame)
    for start, end, text in drawing.arrows:
        picture.edge(start, end, label=graphviz.escape(text))
    return picture
