from __future__ import annotations

import sys

import numpy as np
import pytest

from iohub.errors import ArgumentError, MissingDependencyError, MissingNodeError, TransformError
from iohub.metadata.axes import axes_for
from iohub.metadata.edits_levels import add_dataset, first_image
from iohub.metadata.edits_transforms import set_scale
from iohub.metadata.image import CoordinateSpaceMeta
from iohub.metadata.scene import SceneMeta
from iohub.metadata.transform_types import Affine, Rotation, Scale, Sequence, Translation
from iohub.metadata.transforms import scale_translation
from iohub.transforms.graph import TransformGraph
from iohub.transforms.graph_nodes import TransformGraphNode
from iohub.transforms.graphs import image_graph, scene_graph
from iohub.transforms.points import apply

NODE = TransformGraphNode


def image(*, whole=None, transforms=(), systems=()):
    doc = None
    for level in range(2):
        factor = 2**level
        sizes = scale_translation([factor, factor], [factor - 1, factor - 1] if level else None)
        doc = add_dataset(doc, str(level), sizes, axes_for(2))
    if whole is not None:
        doc = set_scale(doc, "*", 0, whole)
    space = CoordinateSpaceMeta(systems=systems, transforms=transforms)
    return first_image(doc).replace(coordinate_space=space)


def system(name):
    return {"name": name, "axes": [axis.to_json() for axis in axes_for(2)]}


def tiles():
    scene = SceneMeta(
        coordinate_systems=[system("world")],
        coordinate_transformations=[
            Translation(
                translation=[0, 100 * i],
                input={"name": "physical", "path": f"g/tile{i}"},
                output={"name": "world"},
            )
            for i in range(2)
        ],
    )
    return scene, {f"g/tile{i}": image() for i in range(2)}


def test_an_image():
    graph = image_graph(image(whole=3))
    assert list(graph.nodes()) == [
        NODE("physical"),
        NODE("world"),
        NODE(None, "0"),
        NODE(None, "1"),
    ]
    assert graph.find_shortest_path("1", "world") == [
        NODE(None, "1"),
        NODE("physical"),
        NODE("world"),
    ]
    transform = graph.get_transform(from_sys="1", to_sys="world")
    assert apply(transform, [[0, 0], [1, 1]]).tolist() == [[3, 1], [9, 3]]
    assert transform.input.path == "1"
    assert transform.output.name == "world"
    back = graph.get_transform(from_sys="world", to_sys="0")
    assert apply(back, [3, 1]).tolist() == [1, 1]
    same = graph.get_transform(from_sys="0", to_sys="0")
    assert [part.type for part in same.transformations] == ["identity"]
    assert [axis.name for axis in graph.system("physical").axes] == ["y", "x"]
    assert graph.system("0") is None


def test_a_scene_goes_through_its_images():
    graph = scene_graph(*tiles())
    way = graph.find_shortest_path((None, "g/tile0/1"), NODE("physical", "g/tile1"))
    assert way == [
        NODE(None, "g/tile0/1"),
        NODE("physical", "g/tile0"),
        NODE("world"),
        NODE("physical", "g/tile1"),
    ]
    transform = graph.get_transform(from_sys="g/tile0/1", to_sys="g/tile1/0")
    assert apply(transform, [0, 0]).tolist() == [1, -99]
    assert graph.system(("physical", "g/tile1")).get_axis_names() == ["y", "x"]
    assert len(set(graph.nodes())) == len(list(graph.nodes())) == 7


def test_a_scene_without_its_images_knows_what_it_names():
    graph = scene_graph(tiles()[0])
    assert graph.find_shortest_path(("physical", "g/tile0"), "world") is not None
    assert graph.system(("physical", "g/tile0")) is None
    graph.add_subgraph("g/tile0", image_graph(image()))
    assert list(graph.nodes()).count(NODE("physical", "g/tile0")) == 1


def test_stored_parameters_are_found_from_above():
    turned = Sequence(
        transformations=[Rotation(path="params/r"), Translation(translation=[1, 1])],
        input={"name": "physical"},
        output={"name": "turned"},
    )
    below = image(transforms=[turned], systems=[system("turned")])
    asked = []

    def lookup(path):
        asked.append(path)
        return [[0, 1], [-1, 0]]

    scene, images = tiles()
    graph = scene_graph(scene, {**images, "g/tile0": below}, lookup=lookup)
    forward = graph.get_transform(from_sys="world", to_sys="turned")
    assert apply(forward, [2, 3], lookup=lookup).tolist() == [4, -1]
    back = graph.get_transform(from_sys="turned", to_sys="world")
    assert np.allclose(apply(back, [4, -1]), [2, 3])
    assert set(asked) == {"g/tile0/params/r"}
    # Without the numbers only the way there is known.
    blind = scene_graph(scene, {**images, "g/tile0": below})
    assert blind.find_shortest_path("world", "turned") is not None
    assert blind.find_shortest_path("turned", "world") is None


def test_what_is_stated_comes_before_what_is_computed():
    graph = TransformGraph()
    for transform in (Scale(scale=[2]), Scale(scale=[5])):
        graph.add_transform(transform, "a", "b")
    graph.add_transform(Scale(scale=[7]), "b", "a")
    assert len(graph.edges) == 3
    assert apply(graph.get_transform(from_sys="a", to_sys="b"), [1]).tolist() == [2]
    assert apply(graph.get_transform(from_sys="b", to_sys="a"), [1]).tolist() == [7]


def test_no_way():
    graph = TransformGraph("x")
    graph.add_system("a")
    graph.add_transform(Affine(affine=[[1, 0, 0]]), "b", "c")
    assert graph.find_shortest_path("a", "b") is None
    assert graph.find_shortest_path("c", "b") is None
    with pytest.raises(TransformError, match="no way leads from c to b"):
        graph.get_transform(from_sys="c", to_sys="b")
    with pytest.raises(MissingNodeError, match="'d'"):
        graph.find_shortest_path("a", "d")
    with pytest.raises(MissingNodeError):
        graph.find(("a", "elsewhere"))
    with pytest.raises(TransformError, match="give both"):
        graph.add_transform(Scale(scale=[1]), "a")
    scene = scene_graph(*tiles())
    with pytest.raises(
        MissingNodeError,
        match=r"Say which one: \('physical', 'g/tile0'\), \('physical', 'g/tile1'\)",
    ):
        scene.find("physical")
    assert scene.find("g/tile1:physical") == NODE("physical", "g/tile1")
    assert repr(graph) == "TransformGraph('x', 3 nodes, 1 edges)"


def test_drawings():
    graph = scene_graph(*tiles())
    dot = graph.to_dot()
    assert dot.startswith("digraph {")
    assert dot.count("subgraph cluster_") == 3
    assert 'label="Scene"' in dot
    assert 'label="g/tile1"' in dot
    assert 'label="sequence[scale, translation]"' in dot
    mermaid = graph.to_mermaid()
    assert mermaid.startswith("flowchart TD\n")
    assert mermaid.count("subgraph") == mermaid.count("    end\n") == 3
    assert mermaid.count("-->") == 6
    assert "subgraph" not in image_graph(image()).to_mermaid()
    odd = TransformGraph()
    odd.add_transform(Scale(scale=[1]), 'a"<b>', "c\\d")
    assert "a#34;#60;b#62;" in odd.to_mermaid()
    assert '"a\\"<b>"' in odd.to_dot()
    assert '"c\\\\d"' in odd.to_dot()


def test_graphviz(monkeypatch):
    pytest.importorskip("graphviz")
    graph = scene_graph(*tiles())
    picture = graph.to_graphviz()
    source = picture.source
    assert source.startswith("digraph {")
    assert source.count("subgraph cluster_") == 3
    assert "label=Scene" in source
    assert "label=world" in source
    assert 'label="g/tile1"' in source
    assert 'label="sequence[scale, translation]"' in source
    assert source.count("->") == 6
    assert source.count("shape=box") == graph.to_dot().count('shape="box"') > 0
    odd = TransformGraph()
    odd.add_transform(Scale(scale=[1]), 'a"<b>', "c\\d")
    assert '"a\\"<b>"' in odd.to_graphviz().source
    assert '"c\\\\d"' in odd.to_graphviz().source
    # The same graph that to_dot() writes by itself.
    for line in graph.to_dot().splitlines():
        if "->" in line:
            assert line.partition("[")[0].strip() in source


def test_notebooks_need_no_program(monkeypatch):
    """Graphviz draws with a program called dot; the picture in notebooks does without."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "graphviz", None)
    graph = scene_graph(*tiles())
    assert graph._repr_markdown_() == f"```mermaid\n{graph.to_mermaid()}```"
    with pytest.raises(MissingDependencyError, match=r"iohub\[graph\]"):
        graph.to_graphviz()


def test_labels_lie_in_the_axes_of_their_image():
    cells = image().replace(axes=axes_for(2))
    graph = image_graph(image(), labels={"labels/cells": cells})
    way = graph.get_transform(from_sys=(None, "labels/cells/1"), to_sys="1")
    assert np.allclose(apply(way, [3.0, 4.0]), [3, 4])
    turned = cells.replace(axes=axes_for(2)[::-1])
    graph = image_graph(image(), labels={"labels/cells": turned})
    assert graph.find_shortest_path((None, "labels/cells/1"), "1") is None


def test_what_no_way_leads_through():
    odd = {"type": "warp9", "input": {"name": "physical"}, "output": {"name": "odd"}}
    inside = {"type": "sequence", "transformations": [{"type": "warp8"}], **odd, "name": None}
    for stated, kind in ((odd, "warp9"), ({**inside, "type": "sequence"}, "warp8")):
        graph = image_graph(image(transforms=[stated], systems=[system("odd")]))
        assert graph.find_shortest_path("0", "odd") is None
        with pytest.raises(TransformError, match=f"does not know the transformation '{kind}'"):
            graph.get_transform(from_sys="0", to_sys="odd")


def test_nodes_that_are_none():
    scene, images = tiles()
    graph = scene_graph(scene, images)
    hint = r"'g/tile0' is an image: .*\('physical', 'g/tile0'\), 'g/tile0/0', 'g/tile0/1'\."
    with pytest.raises(MissingNodeError, match=hint):
        graph.find("g/tile0")
    for wrong in (3, None, (), ("a", "b", "c"), ("a", 3)):
        with pytest.raises(ArgumentError):
            graph.find(wrong)
