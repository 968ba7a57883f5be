"""Which tiles are converted."""

import pytest
from pydantic import TypeAdapter, ValidationError

from iohub.errors import RegistryError, TilingError
from iohub.tiles import ChannelInfo, ImageInPlate, add_filter, apply_filter_pipeline
from iohub.tiles.filter_models import FilterModel, ImplementedFilters
from iohub.tiles.filters import _REGISTRY
from tests.tiles.making import acquired, tile

DETAILS = acquired(channels=[ChannelInfo(channel_label=name) for name in "ab"])


def in_plate(fov: str, row: str, column: int, acquisition: int = 0, **more):
    place = ImageInPlate(plate_name="P", row=row, column=column, acquisition=acquisition)
    return tile(fov, collection=place, details=DETAILS, **more)


TILES = [
    in_plate("F0", "A", 1),
    in_plate("F1", "A", 2, start_c=1, attributes={"drug": ["x"], "ok": [True]}),
    in_plate("G0", "B", 1, acquisition=1, start_z=5, attributes={"dose": [1, 2.5]}),
    in_plate("G1", "B", 12, start_t=7, attributes={"drug": [None]}),
]
ANY = TypeAdapter(ImplementedFilters)


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"name": "Path Regex Filter", "regex": "A/0"}, "F0 F1"),
        ({"name": "Path Regex Filter", "regex": "/B/", "mode": "Exclude"}, "F0 F1"),
        ({"name": "Path Regex Include Filter", "regex": "1/1$"}, "G0"),
        ({"name": "Path Regex Exclude Filter", "regex": "1/1$"}, "F0 F1 G1"),
        ({"name": "Well Filter", "wells": ["A01", "B/12"]}, "F0 G1"),
        ({"name": "Well Filter", "wells": ["A1"], "mode": "Exclude"}, "F1 G0 G1"),
        ({"name": "Well Include Filter", "wells_to_include": ["B01"]}, "G0"),
        ({"name": "Well Exclude Filter", "wells_to_remove": ["B01"]}, "F0 F1 G1"),
        ({"name": "FOV Name Filter", "regex": "0"}, "F0 G0"),
        ({"name": "Acquisition Filter", "acquisitions": [1]}, "G0"),
        ({"name": "Channel Filter", "channel_labels": ["b"]}, "F1"),
        ({"name": "Channel Filter", "channel_labels": ["b"], "mode": "Exclude"}, "F0 G0 G1"),
        ({"name": "Z Range Filter", "min_z": 5}, "G0"),
        ({"name": "Z Range Filter", "max_z": 4.9}, "F0 F1 G1"),
        ({"name": "Time Range Filter", "min_t": 1, "max_t": 7}, "G1"),
        (
            {
                "name": "Attribute Filter",
                "key": "drug",
                "values": [{"type": "String", "value": "x"}],
            },
            "F1",
        ),
        ({"name": "Attribute Filter", "key": "drug", "values": [{"type": "Is None"}]}, "F0 G0 G1"),
        ({"name": "Attribute Filter", "key": "drug", "values": [{"type": "Is Not None"}]}, "F1"),
        (
            {
                "name": "Attribute Filter",
                "key": "dose",
                "values": [{"type": "Float", "value": 2.5}],
            },
            "G0",
        ),
        (
            {
                "name": "Attribute Filter",
                "key": "dose",
                "values": [{"type": "Integer", "value": 1}],
            },
            "G0",
        ),
        (
            {"name": "Attribute Filter", "key": "ok", "values": [{"type": "Bool", "value": True}]},
            "F1",
        ),
        (
            {"name": "Attribute Filter", "key": "ok", "values": [{"type": "Integer", "value": 1}]},
            "",
        ),
    ],
)
def test_filter(values: dict, kept: str) -> None:
    found = apply_filter_pipeline(TILES, filters_config=[ANY.validate_python(values)])
    assert " ".join(each.fov_name for each in found) == kept


def test_filters_follow_one_another() -> None:
    both = [
        ANY.validate_python({"name": "FOV Name Filter", "regex": "F"}),
        ANY.validate_python({"name": "Well Include Filter", "wells": ["A02"]}),
    ]
    assert [t.fov_name for t in apply_filter_pipeline(TILES, filters_config=both)] == ["F1"]
    assert apply_filter_pipeline(TILES, filters_config=[]) == TILES


def test_what_a_filter_cannot_decide_is_an_error() -> None:
    for values in (
        {"name": "Well Filter", "wells": ["A01"]},
        {"name": "Acquisition Filter", "acquisitions": [0]},
        {"name": "Channel Filter", "channel_labels": ["a"]},
    ):
        with pytest.raises(TilingError, match=f"{values['name']}.*tile 'S'"):
            apply_filter_pipeline([tile("S")], filters_config=[ANY.validate_python(values)])


@pytest.mark.parametrize(
    "values",
    [
        {"name": "Path Regex Filter", "regex": "("},
        {"name": "Well Filter"},
        {"name": "Nope"},
        {"name": "Attribute Filter", "key": "a", "values": [{"type": "string", "value": "x"}]},
    ],
)
def test_filters_that_are_none(values: dict) -> None:
    with pytest.raises(ValidationError):
        ANY.validate_python(values)


def test_a_filter_of_your_own() -> None:
    class Every(FilterModel):
        name: str = "every"
        step: int = 2

    def every(each, filter_params: Every) -> bool:
        return TILES.index(each) % filter_params.step == 0

    add_filter(function=every)
    try:
        found = apply_filter_pipeline(TILES, filters_config=[Every()])
        assert [each.fov_name for each in found] == ["F0", "G0"]
        with pytest.raises(RegistryError, match="already"):
            add_filter(function=every)
    finally:
        _REGISTRY.remove("every")
    with pytest.raises(RegistryError, match=r"filter 'every' is not registered.*add_filter"):
        apply_filter_pipeline(TILES, filters_config=[Every()])
