from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from iohub.errors import MissingDependencyError, MissingNodeError, TransformError
from iohub.metadata.axes import axes_for
from iohub.metadata.edits_levels import add_dataset, first_image
from iohub.metadata.edits_transforms import set_scale
from iohub.metadata.image import CoordinateSpaceMeta
from iohub.metadata.scene import SceneMeta
from iohub.metadata.transform_types import Affine, Rotation, Scale, Sequence, Translation
from iohub.metadata.transforms import scale_translation
from iohub.transforms.graph import TransformGraph, TransformGraphNode
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
        MissingNodeError, match=r"Say which one: g/tile0:physical, g/tile1:physical"
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
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(MissingDependencyError, match="graphviz"):
        scene_graph(*tiles()).to_graphviz()

    class Digraph:
        def __init__(self, **settings):
            self.calls = []

        def node(self, key, label, **settings):
            self.calls.append(("node", label))

        def edge(self, start, end, **settings):
            self.calls.append(("edge", settings["label"]))

        def subgraph(self, frame):
            self.calls += frame.calls

    fake = ModuleType("graphviz")
    fake.Digraph, fake.escape = Digraph, str
    monkeypatch.setitem(sys.modules, "graphviz", fake)
    calls = scene_graph(*tiles()).to_graphviz().calls
    assert [kind for kind, _ in calls].count("edge") == 6
    assert ("node", "world") in calls
    assert ("node", "0") in calls
