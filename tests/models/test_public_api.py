"""The page of the public API of groups without data, name by name, as Python has it here."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from typing import Any, get_args

import pytest

# Of the version 0.6. Attributes with a value are what members of the model must be; without one
# they are properties.
PAGE = """
class BioFormats2Raw:
    attributes = "BaseZarrAttrs[BioFormats2RawAttrs]"
    image_paths: list[str]
    images: dict[str, Image]

class HCS:
    attributes = "BaseZarrAttrs[HCSAttrs]"
    n_wells: int
    well_groups: Iterator[Well]
    def get_well_group(self, i: int) -> Well: ...

class Image:
    attributes = "BaseZarrAttrs[ImageAttrs]"
    datasets: tuple[tuple[Dataset, ...], ...]
    labels: Labels | None
    @classmethod
    def new(
        cls,
        *,
        array_specs: Sequence[AnyArraySpec],
        paths: Sequence[str],
        scales: Sequence[Sequence[float]],
        translations: Sequence[Sequence[float] | None],
        physical_coord_system: CoordinateSystem,
        name: str,
        multiscale_type: str | None = None,
        metadata: JsonValue | None = None,
        coord_transforms: Sequence[AnyTransform] = (),
        coord_systems: Sequence[CoordinateSystem] = (),
    ) -> Image: ...
    def transform_graph(self) -> TransformGraph: ...

class ImageLabel:
    attributes = "BaseZarrAttrs[ImageLabelAttrs]"

class Labels:
    attributes = "BaseZarrAttrs[LabelsAttrs]"
    label_paths: list[str]
    def get_image_labels_group(self, path: str) -> ImageLabel: ...

class Scene:
    attributes = "BaseZarrAttrs[BaseSceneAttrs]"
    images: dict[str, Image]
    @classmethod
    def new(
        cls,
        *,
        images: dict[str, Image],
        coord_transforms: Sequence[AnyTransform] = (),
        coord_systems: Sequence[CoordinateSystem] = (),
    ) -> Scene: ...
    def transform_graph(self) -> TransformGraph: ...

class Well:
    attributes = "BaseZarrAttrs[WellAttrs]"
"""

MODELS = {node.name: node for node in ast.parse(PAGE).body if isinstance(node, ast.ClassDef)}


def members(kind: type) -> list[tuple[str, Any, ast.stmt]]:
    """Name, value here and statement of the page, of each member of a class."""
    found = []
    for node in MODELS[kind.__name__].body:
        if isinstance(node, ast.FunctionDef):
            found.append((node.name, getattr(kind, node.name), node))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.append((node.target.id, inspect.getattr_static(kind, node.target.id), node))
    return found


@pytest.fixture(params=list(MODELS))
def kind(request: pytest.FixtureRequest) -> Any:
    return getattr(import_module("iohub.models.v06"), request.param)


def test_fields(kind: Any) -> None:
    assert get_args(kind.model_fields["zarr_format"].annotation) == (3,)
    assert get_args(kind.model_fields["node_type"].annotation) == ("group",)
    assert list(kind.model_fields) == ["zarr_format", "node_type", "attributes", "members"]
    [said] = [node for node in MODELS[kind.__name__].body if isinstance(node, ast.Assign)]
    attributes = kind.model_fields["attributes"].annotation
    inner = attributes.model_fields["ome"].annotation
    name = {"ImageLabelAttrs": "ImageAttrs"}.get  # the same in 0.6
    wanted = str(ast.literal_eval(said.value))
    holder, _, rest = wanted.partition("[")
    assert attributes.__name__.partition("[")[0] == holder
    assert inner.__name__ == name(rest.rstrip("]"), rest.rstrip("]"))


def test_properties(kind: Any) -> None:
    hints = vars(import_module(kind.__module__))
    for name, value, node in members(kind):
        if isinstance(node, ast.AnnAssign):
            assert isinstance(value, property), name
            assert value.__doc__, name
            returned = value.fget.__annotations__["return"]
            assert eval(str(returned), {**hints}) == eval(ast.unparse(node.annotation), {**hints})


def test_methods(kind: Any) -> None:
    for name, value, node in members(kind):
        if not isinstance(node, ast.FunctionDef):
            continue
        assert value.__doc__, name
        here = inspect.signature(value).parameters
        by_position = [arg.arg for arg in node.args.args if arg.arg not in ("self", "cls")]
        positional = [p.name for p in here.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert [each for each in positional if each != "self"] == by_position, name
        for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            parameter = here[arg.arg]
            assert parameter.kind is parameter.KEYWORD_ONLY, arg.arg
            if default is not None:
                assert parameter.default == ast.literal_eval(default), arg.arg
        said = {arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)} | {"self"}
        beyond = [p.name for n, p in here.items() if n not in said and p.default is p.empty]
        assert beyond == [], name


def test_from_zarr(kind: Any) -> None:
    """Each has it, with one argument, and gives one of its own."""
    signature = inspect.signature(kind.from_zarr)
    assert list(signature.parameters) == ["group"]
    assert signature.return_annotation == "Self"


@pytest.mark.parametrize("version", ["v04", "v05"])
def test_the_classes_of_other_versions(version: str) -> None:
    """The same classes with the same members, but for what only 0.6 has."""
    here = import_module(f"iohub.models.{version}")
    for name in MODELS.keys() - {"Scene"}:
        kind = getattr(here, name)
        for member, _, _ in members(getattr(import_module("iohub.models.v06"), name)):
            assert hasattr(kind, member), (name, member)
        assert callable(kind.from_zarr)
