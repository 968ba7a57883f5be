"""Every name, argument, field and default of the public page on tiles works from `iohub.tiles`.

``tests/data/tiles_page.json`` is that page as a table: what its functions take, what its models
have. Names that the page mentions and that release did not export are in it as well.
"""

import enum
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

import iohub.tiles

PAGE = json.loads((Path(__file__).parents[1] / "data" / "tiles_page.json").read_text())
ENTRIES = [(room, name, entry) for room, names in PAGE.items() for name, entry in names.items()]
each = pytest.mark.parametrize(
    ("room", "name", "entry"), ENTRIES, ids=[f"{room}.{name}" for room, name, _ in ENTRIES]
)
# The name of the package; and a version that is taken from the options if it is not given.
OTHER_DEFAULTS = {
    ("converters_tools_models", "base"),
    ("setup_images_for_conversion", "ngff_version"),
}


def plain(value):
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value.value if isinstance(value, enum.Enum) else value


def agrees(ours, theirs) -> bool:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return all(key in ours and agrees(ours[key], value) for key, value in theirs.items())
    return ours == theirs


def check_parameters(owner: str, function, wanted) -> None:
    known = inspect.signature(function).parameters
    for number, parameter in enumerate(wanted):
        assert parameter["name"] in known, f"{owner} lacks {parameter['name']}"
        own = known[parameter["name"]]
        if own.kind is not own.VAR_POSITIONAL and not parameter["keyword_only"]:
            assert own.kind is own.POSITIONAL_OR_KEYWORD, f"{owner}: {own}"
            assert list(known).index(own.name) == number, f"{owner}: {own} has another place"
        if "default" in parameter:
            assert own.default is not own.empty, f"{owner}: {own} must have a default"
            if (owner, own.name) not in OTHER_DEFAULTS:
                assert agrees(plain(own.default), parameter["default"]), f"{owner}: {own}"
    names = {parameter["name"] for parameter in wanted}
    more = [p for p in known.values() if p.name not in names and p.default is p.empty]
    assert [p for p in more if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)] == [], owner


@each
def test_name(room: str, name: str, entry: dict) -> None:
    there = getattr(importlib.import_module(f"iohub.tiles.{room}"), name)
    assert getattr(iohub.tiles, name) is there
    if "parameters" in entry:
        check_parameters(name, there, entry["parameters"])
    if "members" in entry:
        assert {m.name: m.value for m in there}.items() >= entry["members"].items()
    if "value" in entry:
        assert there == entry["value"]


@each
def test_fields(room: str, name: str, entry: dict) -> None:
    model = getattr(importlib.import_module(f"iohub.tiles.{room}"), name)
    for field, known in entry.get("fields", {}).items():
        assert field in model.model_fields
        info = model.model_fields[field]
        if "default" in known:
            default = plain(info.get_default(call_default_factory=True))
            assert agrees(default, known["default"]), f"{name}.{field}: {default}"
        else:
            one_of_two = field == "tiled_image_json_dump_url"
            assert info.is_required() or one_of_two, f"{name}.{field}"
    more = {f for f in getattr(model, "model_fields", {}) if f not in entry.get("fields", {f})}
    assert [f for f in more if model.model_fields[f].is_required()] == []


@each
def test_methods(room: str, name: str, entry: dict) -> None:
    model = getattr(importlib.import_module(f"iohub.tiles.{room}"), name)
    for method, parameters in entry.get("methods", {}).items():
        if parameters is None:
            assert isinstance(inspect.getattr_static(model, method), property)
        else:
            static = inspect.getattr_static(model, method)
            function = getattr(model, method)
            if inspect.isfunction(static):
                function = function.__get__(object())
            check_parameters(f"{name}.{method}", function, parameters)


def test_import_is_light() -> None:
    """Neither importing the room nor a model loads what only writing or tables need."""
    code = (
        "import sys, iohub.tiles as t; n = len(sys.modules); t.Tile; t.ConverterOptions;"
        "t.tiles_aggregation_pipeline;"
        "heavy = {'pandas', 'dask', 'polars', 'anndata', 'xarray', 'zarr', 'tifffile', 'PIL',"
        " 'skimage', 'fsspec', 'tensorstore', 'pyarrow'};"
        "print(n, sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, heavy = found.stdout.split(maxsplit=1)
    assert int(count) < 350
    assert heavy.strip() == "[]"


LATER = """
AutoTiling ChunkMultipleSharding DefaultScheduler Grouping ImplementedValidators InplaceTiling
MosaicGrouping MultiprocessingRunner NamedLevels NoSharding NumberOfLevels PerFovGrouping
ProcessScheduler PyramidLevels RuntimeSettings Scalings SequentialRunner ShardingStrategy
SnapToCornersTiling SnapToGridTiling SynchronousScheduler TempJsonOptions ThreadScheduler
ThreadedRunner TilingStrategy UrlType ValidatorModel basename_url exec_compound_task glob_url_paths
is_absolute_url parent_url setup_singleimage dump_json_str tiled_image_from_json_str
"""


@pytest.mark.parametrize("name", LATER.split())
def test_name_of_a_later_release(name: str) -> None:
    assert name in iohub.tiles.__all__
    assert getattr(iohub.tiles, name) is not None


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Tyle'"):
        _ = iohub.tiles.Tyle
    assert "Tile" in dir(iohub.tiles)
