"""Steps of registration: equal to the public package where that is right."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import ArgumentError, NotAGridError, NotTilableError, RegistryError, TilingError
from iohub.tiles import (
    AutoTiling,
    ChannelInfo,
    InplaceTiling,
    StagePositionCorrections,
    TiledImage,
    TilingMode,
    add_registration_func,
    apply_registration_pipeline,
    build_default_registration_pipeline,
    tiled_image_from_tiles,
)
from iohub.tiles.registration import _REGISTRY
from tests.tiles.making import acquired, tile

LAYOUTS = json.loads((Path(__file__).parents[1] / "data" / "tiles_layouts.json").read_text())
MODES = {"auto": "Auto", "grid": "Snap to Grid", "corners": "Snap to Corners", "inplace": "Inplace"}
LATER = StagePositionCorrections(remove_xy_offset="Global")


def image(*tiles) -> TiledImage:
    return tiled_image_from_tiles(tiles=list(tiles))[0]


def placed(made: TiledImage, tiling="Auto", tolerance=1.0, corrections=LATER) -> TiledImage:
    steps = build_default_registration_pipeline(corrections, tiling, tolerance)
    return apply_registration_pipeline(made, steps)


def corners(made: TiledImage) -> list[list[float]]:
    return [[x, y] for y, x in made.table().starts[:, 3:].tolist()]


@pytest.mark.parametrize("layout", LAYOUTS, ids=[each["name"] for each in LAYOUTS])
def test_layouts_of_the_public_package(layout: dict) -> None:
    options = dict(layout["options"])
    size = options.pop("px", 1.0)
    details = acquired(pixelsize=size, stage_orientation=options)
    tiles = [tile(f"F{n}", x, y, details=details) for n, (x, y) in enumerate(layout["positions"])]
    mode = MODES[layout["how"]]
    if "error" in layout:
        with pytest.raises(NotAGridError, match=r"img.zarr"):
            placed(image(*tiles), mode, layout["tolerance"])
        return
    made = placed(image(*tiles), mode, layout["tolerance"])
    assert corners(made) == layout["starts"]
    assert list(made.shape()) == layout["shape"]


def test_both_ways_to_say_where_tiles_go() -> None:
    made = image(tile(), tile("F1", 28))
    by_mode = build_default_registration_pipeline(LATER, TilingMode.AUTO, 1)
    assert by_mode == build_default_registration_pipeline(LATER, AutoTiling())
    assert by_mode == build_default_registration_pipeline(LATER, tiling_strategy=AutoTiling())
    assert corners(apply_registration_pipeline(made, by_mode)) == [[0, 0], [32, 0]]
    for wrong in ({}, {"tiling_mode": "Auto", "tiling_strategy": AutoTiling()}):
        with pytest.raises(ArgumentError):
            build_default_registration_pipeline(LATER, **wrong)


def test_steps_of_the_earlier_release() -> None:
    steps = [
        {"name": "remove_offsets", "params": {}},
        {"name": "align_to_pixel_grid", "params": {"mode": "floor"}},
        {
            "name": "fov_alignment_corrections",
            "params": {"alignment_corrections": StagePositionCorrections(align_xy=True)},
        },
        {"name": "tile_regions", "params": {"tiling_mode": TilingMode.AUTO, "tolerance": 1.0}},
    ]
    channels = [ChannelInfo(channel_label=name) for name in "ab"]
    details = acquired(channels=channels)
    made = image(
        tile(x=5.4, start_c=1, details=details), tile("F1", 33.7, start_c=1, details=details)
    )
    found = apply_registration_pipeline(made, steps)
    assert corners(found) == [[0, 0], [32, 0]]
    assert found.table().starts[:, 1].tolist() == [0, 0]
    assert [c.channel_label for c in found.channels] == ["b"]


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5), st.sampled_from([0.1, 0.65, 1, 3.7]))
def test_tiles_that_touch_leave_no_gap(starts: list[float], size: float) -> None:
    """T4: end points are rounded, not lengths."""
    details = acquired(pixelsize=size)
    tiles = []
    for n, start in enumerate(starts):
        left = tile(f"L{n}", start, 100 * n * size, size=(8, 7), details=details)
        tiles += [
            left,
            tile(f"R{n}", start + 7 * size, 100 * n * size, size=(8, 7), details=details),
        ]
    table = placed(image(*tiles), "Inplace").table()
    assert (table.starts % 1 == 0).all()
    assert (table.stops[::2, 4] == table.starts[1::2, 4]).all()


def test_jitter_of_planes_is_removed_if_asked_for() -> None:
    made = image(tile(), tile(x=0.7, start_c=1), tile(x=2, start_z=1))
    assert corners(placed(made, "Inplace")) == [[0, 0]] * 3
    kept = placed(made, "Inplace", corrections=StagePositionCorrections())
    assert corners(kept) == [[0, 0], [1, 0], [2, 0]]


@pytest.mark.parametrize(
    ("how", "expected"), [("Global", [0, 4, 5]), ("Per-FOV", [0, 4, 0]), ("Keep", [3, 7, 8])]
)
def test_offsets_along_z(how: str, expected: list[int]) -> None:
    made = image(tile(start_z=3), tile(start_z=7), tile("F1", 40, start_z=8))
    found = placed(made, corrections=StagePositionCorrections(remove_z_offset=how))
    assert found.table().starts[:, 2].tolist() == expected


def test_alignment_along_z_is_done() -> None:
    made = image(tile(start_z=3), tile("F1", 40, start_z=8))
    found = placed(made, corrections=StagePositionCorrections(align_z=True))
    assert found.table().starts[:, 2].tolist() == [0, 0]


def test_kept_offsets() -> None:
    keep = StagePositionCorrections(remove_xy_offset="Keep")
    made = placed(image(tile(x=5), tile("F1", 33)), corrections=keep)
    assert corners(made) == [[5, 0], [37, 0]]
    assert made.output_shape() == (1, 1, 32, 69)
    with pytest.raises(TilingError, match=r"img.zarr.*'F0'.*below 0"):
        placed(image(tile(x=-5)), corrections=keep)


def test_channels_that_no_tile_has() -> None:
    channels = [ChannelInfo(channel_label=name) for name in "abcd"]
    details = acquired(channels=channels)
    made = image(tile(start_c=1, details=details), tile(start_c=3, details=details))
    found = placed(made)
    assert found.table().starts[:, 1].tolist() == [0, 1]
    assert [c.channel_label for c in found.channels] == ["b", "d"]
    all_kept = placed(made, corrections=StagePositionCorrections(reindex_channels=False))
    assert [c.channel_label for c in all_kept.channels] == ["a", "b", "c", "d"]
    assert all_kept.table().starts[:, 1].tolist() == [1, 3]


def test_two_fields_of_view_on_one_cell() -> None:
    """T14: an error that names both, not a lost tile."""
    made = image(tile(), tile("F1", 1), tile("F2", 28))
    with pytest.raises(TilingError, match=r"img.zarr.*'F0'.*'F1'.*one cell"):
        placed(made, tolerance=2)


def test_tiles_of_different_size() -> None:
    """T8: said so; they can stay where they are."""
    made = image(tile(), tile("F1", 33, size=(16, 16)))
    with pytest.raises(NotTilableError, match="Inplace"):
        placed(made)
    assert corners(placed(made, InplaceTiling())) == [[0, 0], [33, 0]]


def test_the_given_image_stays() -> None:
    made = image(tile(x=7.3), tile("F1", 40))
    before = made.model_dump_json(exclude={"regions": {"__all__": {"image_loader"}}})
    placed(made)
    assert made.model_dump_json(exclude={"regions": {"__all__": {"image_loader"}}}) == before


def test_a_step_of_your_own() -> None:
    def shift_all(tiled_image: TiledImage, by: float) -> TiledImage:
        table = tiled_image.table()
        return tiled_image.placed(table.at(table.starts + np.array([0, 0, 0, 0, by])))

    add_registration_func(shift_all, "shift")
    try:
        steps = [{"name": "shift", "params": {"by": 3.0}}]
        assert corners(apply_registration_pipeline(image(tile()), steps)) == [[3, 0]]
        with pytest.raises(RegistryError, match="already registered"):
            add_registration_func(shift_all, "shift")
        add_registration_func(lambda tiled_image: None, name="shift", overwrite=True)
        with pytest.raises(ArgumentError, match="returned None"):
            apply_registration_pipeline(image(tile()), [{"name": "shift", "params": {}}])
    finally:
        _REGISTRY.remove("shift")


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ({"name": "tile_region", "params": {}}, RegistryError),
        ({"params": {}}, ArgumentError),
        ("x", ArgumentError),
    ],
)
def test_steps_that_are_none(step, error) -> None:
    with pytest.raises(error):
        apply_registration_pipeline(image(tile()), [step])
