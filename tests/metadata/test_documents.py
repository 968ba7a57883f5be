from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from iohub.errors import DocumentError, FrozenError
from iohub.metadata.axes import AxisMeta
from iohub.metadata.documents import (
    TO_DICT_SETTINGS,
    FrozenDict,
    FrozenList,
    freeze,
    pointer,
    thaw,
    validate,
)
from iohub.metadata.image import DatasetMeta, ImageMeta, MultiScaleMeta
from iohub.metadata.omero import RDefsMeta
from iohub.metadata.plate import AcquisitionMeta, PlateMeta
from iohub.metadata.transform_types import Affine
from iohub.metadata.transforms import TransformationMeta

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_frozen_values_equal_what_they_copy(value):
    frozen = freeze(value)
    assert frozen == value
    assert thaw(frozen) == value
    assert json.dumps(frozen) == json.dumps(value)
    assert pickle.loads(pickle.dumps(frozen)) == value
    assert copy.deepcopy(frozen) == value


def test_frozen_values_refuse_every_change():
    frozen = FrozenDict(a=1)
    items = FrozenList([1])
    changes = [
        lambda: frozen.__setitem__("a", 2),
        lambda: frozen.__delitem__("a"),
        lambda: frozen.update(b=1),
        lambda: frozen.pop("a"),
        frozen.popitem,
        lambda: frozen.setdefault("b", 1),
        frozen.clear,
        lambda: frozen.__ior__({"b": 1}),
        lambda: items.append(2),
        lambda: items.__setitem__(0, 2),
        lambda: items.__iadd__([2]),
        lambda: items.__imul__(2),
        items.sort,
    ]
    for change in changes:
        with pytest.raises(TypeError, match="frozen"):
            change()
    assert frozen == {"a": 1}
    assert items == [1]


def test_unknown_members_are_kept_and_isolated():
    stored = {"name": "z", "orientation": {"type": "anatomical", "values": [1, 2]}, "odd": None}
    axis = validate(AxisMeta, stored)
    stored["orientation"]["type"] = "changed"
    assert axis.to_json() == {
        "name": "z",
        "orientation": {"type": "anatomical", "values": [1, 2]},
        "odd": None,
    }
    with pytest.raises(TypeError, match="frozen"):
        axis.orientation["type"] = "changed"
    assert axis.replace(unit="meter").orientation["type"] == "anatomical"


def test_documents_are_frozen_and_picklable():
    axis = AxisMeta(name="z", note=[1])
    for name in ("name", "unit", "no_member"):
        with pytest.raises(
            AttributeError, match=r"rename_channel.*set_transform.*zattrs"
        ) as caught:
            setattr(axis, name, "y")
        assert isinstance(caught.value, TypeError)
        with pytest.raises(FrozenError):
            delattr(axis, name)
    assert axis.name == "z"
    assert pickle.loads(pickle.dumps(axis)) == axis


def test_sequences_equal_lists_of_the_same():
    """Users compare with lists, which no tuple equals."""
    scale = TransformationMeta(type="scale", scale=[1, 2])
    level = DatasetMeta(path="0", coordinate_transformations=[scale])
    assert scale.scale == [1, 2]
    assert [1, 2] == scale.scale == (1, 2)
    assert (scale.scale != [1, 2]) is False
    assert scale.scale != [2, 1]
    assert scale.scale != 1
    assert level.coordinate_transformations == [scale]
    assert hash(scale.scale) == hash((1.0, 2.0))
    assert Affine(affine=[[1, 0, 3], [0, 1, 4]]).affine == [[1, 0, 3], [0, 1, 4]]
    image = MultiScaleMeta(axes=[AxisMeta(name="y"), AxisMeta(name="x")], datasets=[level])
    assert image.axes == list(image.axes)
    assert PlateMeta().wells == []
    for same in (copy.deepcopy(image), pickle.loads(pickle.dumps(image)), image.replace(name=None)):
        assert same == image
        assert same.axes == [AxisMeta(name="y"), AxisMeta(name="x")]


@pytest.mark.parametrize("bad", ["1", True, None, [1], float("nan"), float("inf")])
def test_numbers_are_numbers(bad):
    with pytest.raises(ValidationError):
        TransformationMeta(type="scale", scale=[1, bad])


def test_integers_and_numpy_numbers_are_numbers():
    for vector in ([1, 2], np.array([1, 2]), np.float32([1, 2]), [np.int64(1), np.float32(2)]):
        assert TransformationMeta(type="scale", scale=vector).scale == (1.0, 2.0)


@pytest.mark.parametrize("bad", ["0", True, 1.0, -1])
def test_ids_are_natural_numbers(bad):
    with pytest.raises(ValidationError):
        AcquisitionMeta(id=bad)


def test_all_problems_are_listed_with_pointers():
    stored = {"multiscales": [{"axes": [{"name": 1}], "datasets": [{"path": 0}]}]}
    with pytest.raises(DocumentError) as caught:
        validate(ImageMeta, stored, "ome")
    assert {problem.where for problem in caught.value.problems} == {
        "/ome/multiscales/0/axes/0/name",
        "/ome/multiscales/0/datasets/0/path",
        "/ome/multiscales/0/datasets/0/coordinateTransformations",
    }
    missing = [p for p in caught.value.problems if p.code == "missing"]
    assert [p.what for p in missing] == ["is required and missing"]
    assert "found 0" in str(caught.value)


def test_pointers_are_escaped():
    assert pointer("a/b", 0, "c~d") == "/a~1b/0/c~0d"


def test_absent_members_and_empty_arrays_are_not_written():
    image = MultiScaleMeta(
        axes=[AxisMeta(name="y"), AxisMeta(name="x")], datasets=[], coordinate_transformations=[]
    )
    assert image.to_json() == {"axes": [{"name": "y"}, {"name": "x"}], "datasets": []}
    assert image.model_dump(**TO_DICT_SETTINGS) == {
        "axes": ({"name": "y"}, {"name": "x"}),
        "datasets": (),
    }
    assert PlateMeta().to_json() == {"rows": [], "columns": [], "wells": []}


def test_spellings_of_members():
    acquisition = AcquisitionMeta(id=1, maximum_field_count=2, start_time=3, end_time=4)
    written = {"id": 1, "maximumfieldcount": 2, "starttime": 3, "endtime": 4}
    assert acquisition.to_json() == written
    assert AcquisitionMeta(**written) == acquisition
    assert acquisition.model_dump(**TO_DICT_SETTINGS) == written


def test_members_are_read_by_either_name():
    level = DatasetMeta(path="0", coordinate_transformations=())
    assert level.coordinateTransformations is level.coordinate_transformations
    dimensions = RDefsMeta(default_t=3)
    assert (dimensions.defaultT, dimensions.default_t) == (3, 3)
    image = ImageMeta.model_validate({"multiscales": [], "fooBar": 1, "image-label": None})
    assert image.fooBar == 1
    assert getattr(image, "image-label") is None
    for name in ("coordinateSystems", "foo_bar", "defaultt"):
        with pytest.raises(AttributeError, match=name):
            getattr(level, name)
    with pytest.raises(FrozenError):
        level.coordinateTransformations = ()
