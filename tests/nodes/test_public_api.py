"""The API page is the contract: each name, argument and default on it is there."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest
import zarr

import iohub
from iohub import ngff
from iohub._open import open_ome_zarr

_NODE_PROPERTIES = [
    "axes",
    "channel_names",
    "maybe_wrapped_ome_attrs",
    "version",
    "zattrs",
    "zgroup",
]
_NODE_METHODS = {
    "__delitem__": ["key"],
    "group_keys": [],
    "array_keys": [],
    "is_root": [],
    "is_leaf": [],
    "print_tree": [("level", None)],
    "get_channel_index": ["name"],
    "dump_meta": [],
    "close": [],
}
_CREATION = [("chunks", None), ("shards_ratio", None), ("transform", None), ("check_shape", True)]
_POSITION_PROPERTIES = [*_NODE_PROPERTIES, "data", "scale", "axis_names"]
_POSITION_METHODS = {
    **_NODE_METHODS,
    "__getitem__": ["key"],
    "__setitem__": ["key", "value"],
    "images": [],
    "create_image": ["name", "data", *_CREATION],
    "create_zeros": ["name", "shape", "dtype", *_CREATION],
    "append_channel": ["chan_name", ("resize_arrays", True)],
    "rename_channel": ["old", "new"],
    "update_channel": ["chan_name", "target", "data"],
    "initialize_pyramid": ["levels"],
    "compute_pyramid": [("levels", None), ("method", "mean")],
    "delete_pyramid": [],
    "get_axis_index": ["axis_name"],
    "get_effective_scale": ["image"],
    "get_effective_translation": ["image"],
    "set_transform": ["image", "transform"],
    "set_scale": ["image", "axis_name", "new_scale"],
    "set_contrast_limits": ["channel_name", "window"],
    "to_xarray": [],
    "write_xarray": ["data_array", ("image", "0")],
}
_PLATE_METHODS = {
    **_NODE_METHODS,
    "from_positions": ["store_path", "positions"],
    "dump_meta": [("field_count", False)],
    "create_well": ["row_name", "col_name", ("row_index", None), ("col_index", None)],
    "create_positions": ["positions"],
    "create_position": [
        "row_name",
        "col_name",
        "pos_name",
        ("row_index", None),
        ("col_index", None),
        ("acq_index", 0),
    ],
    "rows": [],
    "wells": [],
    "positions": [],
    "rename_well": ["old", "new"],
}
METHODS = {
    "NGFFNode": _NODE_METHODS,
    "Position": _POSITION_METHODS,
    "TiledPosition": {
        **_POSITION_METHODS,
        "make_tiles": [
            "name",
            "grid_shape",
            "tile_shape",
            "dtype",
            ("transform", None),
            ("chunk_dims", 2),
        ],
    },
    "Plate": _PLATE_METHODS,
    "Row": {**_NODE_METHODS, "wells": []},
    "Well": {**_NODE_METHODS, "positions": []},
    "ImageArray": {"numpy": [], "dask_array": [], "tensorstore": []},
    "TiledImageArray": {
        "numpy": [],
        "dask_array": [],
        "tensorstore": [],
        "get_tile": ["row", "column", ("pre_dims", None)],
        "write_tile": ["data", "row", "column", ("pre_dims", None)],
        "get_tile_slice": ["row", "column", ("pre_dims", None)],
    },
}
PROPERTIES = {
    "NGFFNode": _NODE_PROPERTIES,
    "Position": _POSITION_PROPERTIES,
    "TiledPosition": _POSITION_PROPERTIES,
    "Plate": _NODE_PROPERTIES,
    "Row": _NODE_PROPERTIES,
    "Well": _NODE_PROPERTIES,
    "ImageArray": ["frames", "channels", "slices", "height", "width", "shape", "chunks", "shards"],
    "TiledImageArray": ["rows", "columns", "tile_shape"],
}
CONSTRUCTOR = [
    "group",
    ("parse_meta", True),
    ("channel_names", None),
    ("axes", None),
    ("version", None),
    ("overwriting_creation", False),
]


def check(function: Any, wanted: list[Any], *, bound: bool = True) -> None:
    """Compare a signature with the page: its arguments come first; more are optional."""
    parameters = list(inspect.signature(function).parameters.values())
    parameters = parameters[1:] if bound else parameters
    named = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    for parameter, entry in zip(named, wanted, strict=False):
        name, default = entry if isinstance(entry, tuple) else (entry, inspect.Parameter.empty)
        assert parameter.name == name
        assert parameter.default == default
    assert len(named) >= len(wanted)
    more = set(parameters) - set(named[: len(wanted)])
    assert all(
        p.default is not p.empty or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in more
    )


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in METHODS.items() for name in names]
)
def test_method_has_the_arguments_and_defaults_of_the_page(kind: str, name: str) -> None:
    static = inspect.getattr_static(getattr(ngff, kind), name)
    function = getattr(getattr(ngff, kind), name)
    check(function, METHODS[kind][name], bound=not isinstance(static, classmethod))
    assert inspect.getdoc(function)


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in PROPERTIES.items() for name in names]
)
def test_property_of_the_page(kind: str, name: str) -> None:
    assert isinstance(inspect.getattr_static(getattr(ngff, kind), name), property)
    assert inspect.getdoc(getattr(getattr(ngff, kind), name))


def test_constructor() -> None:
    check(ngff.NGFFNode.__init__, CONSTRUCTOR)


@pytest.mark.parametrize("kind", ["Position", "TiledPosition", "Plate"])
def test_constructor_takes_a_zarr_group(kind: str) -> None:
    group = zarr.open_group(zarr.storage.MemoryStore(), mode="w")
    node = getattr(ngff, kind)(group, True, ["DAPI"], None, "0.5", False)
    assert node.channel_names == ["DAPI"]
    assert node.version == "0.5"


def test_open_ome_zarr() -> None:
    check(
        open_ome_zarr,
        [
            "store_path",
            ("layout", "auto"),
            ("mode", "r"),
            ("channel_names", None),
            ("axes", None),
            ("version", "0.4"),
            ("disable_path_checking", False),
        ],
        bound=False,
    )
    kinds = [p.kind for p in inspect.signature(open_ome_zarr).parameters.values()]
    assert kinds[-1] is inspect.Parameter.VAR_KEYWORD


def test_inheritance_of_the_page() -> None:
    assert issubclass(ngff.Position, ngff.NGFFNode)
    assert issubclass(ngff.TiledPosition, ngff.Position)
    assert issubclass(ngff.Plate, ngff.NGFFNode)
    assert issubclass(ngff.Row, ngff.NGFFNode)
    assert issubclass(ngff.Well, ngff.NGFFNode)
    assert issubclass(ngff.TiledImageArray, ngff.ImageArray)


IMPORTS = {
    "iohub": ["open_ome_zarr"],
    "iohub.ngff": [
        "AxisMeta",
        "ImageArray",
        "NGFFNode",
        "Plate",
        "Position",
        "Row",
        "TiledImageArray",
        "TiledPosition",
        "TransformationMeta",
        "Well",
        "WindowDict",
        "open_ome_zarr",
    ],
    "iohub.ngff.nodes": [
        "TO_DICT_SETTINGS",
        "ImageArray",
        "NGFFNode",
        "Plate",
        "Position",
        "PositionSpec",
        "Row",
        "TiledImageArray",
        "TiledPosition",
        "TransformationMeta",
        "Well",
        "open_ome_zarr",
    ],
    "iohub.ngff.models": [
        "TO_DICT_SETTINGS",
        "AcquisitionMeta",
        "AxisMeta",
        "ChannelAxisMeta",
        "ChannelMeta",
        "DatasetMeta",
        "ImageMeta",
        "ImagesMeta",
        "LabelColorMeta",
        "ImageLabelMeta",
        "LabelsMeta",
        "MultiScaleMeta",
        "OMEROMeta",
        "PlateAxisMeta",
        "PlateMeta",
        "RDefsMeta",
        "SpaceAxisMeta",
        "TimeAxisMeta",
        "TransformationMeta",
        "WellGroupMeta",
        "WellIndexMeta",
        "WindowDict",
    ],
}


@pytest.mark.parametrize("module", IMPORTS)
def test_import_paths_that_users_expect(module: str) -> None:
    found = importlib.import_module(module)
    assert [name for name in IMPORTS[module] if not hasattr(found, name)] == []
    assert set(IMPORTS[module]) <= set(found.__all__)


@pytest.mark.parametrize("module", ["iohub", "iohub.ngff", "iohub.ngff.nodes", "iohub.ngff.models"])
def test_all_is_true(module: str) -> None:
    found = importlib.import_module(module)
    assert all(hasattr(found, name) for name in found.__all__)
    assert iohub.__version__


def test_overloads_name_the_class() -> None:
    """An editor knows what a layout gives."""
    from typing import get_overloads

    returned = {
        str(inspect.signature(each).parameters["layout"].annotation): inspect.signature(
            each
        ).return_annotation
        for each in get_overloads(open_ome_zarr)
    }
    assert returned["Literal['fov']"] == "Position"
    assert returned["Literal['hcs']"] == "Plate"
    assert returned["Literal['tiled']"] == "TiledPosition"
