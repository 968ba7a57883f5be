"""The plan of an image: canvas, levels, what it says of itself, and that it survives JSON."""

from __future__ import annotations

import pickle

import matplotlib as mpl
import numpy as np
import pytest

from iohub.errors import ArgumentError, AxisError, DTypeError, ShapeError, TilingError
from iohub.tiles.assemble import AssemblyPlan
from iohub.tiles.layout import TileTable
from iohub.tiles.parts import independent_regions
from iohub.tiles.planning import of_labels, plan_assembly
from tests.tiles.loading import cut, planned

SCENE = np.zeros((2, 3, 80, 112), np.uint16)


def test_a_plan_is_the_same_after_json_and_pickle():
    plan = planned(cut(SCENE, 24, 32)[0], blend="linear", shards={"y": 2, "x": 2})
    for again in (AssemblyPlan.from_json(plan.to_json()), pickle.loads(pickle.dumps(plan))):
        assert again.digest == plan.digest
        assert again.shape == plan.shape == (2, 3, 80, 104)
        assert (again.starts == plan.starts).all()
        assert again.level_plans == plan.level_plans
    assert plan.digest != planned(cut(SCENE, 24, 32)[0]).digest


@pytest.mark.parametrize("text", ["no", "[]", "{}", '{"form": 1}'])
def test_what_is_no_plan(text):
    with pytest.raises(ArgumentError, match="plan"):
        AssemblyPlan.from_json(text)


def test_it_tells_what_will_be_made():
    plan = planned(cut(SCENE, 24, 32)[0])
    text = str(plan)
    assert "72 tiles, 12 fields of view" in text
    assert "c 2, z 3, y 80, x 104 (uint16" in text
    assert "missing  none" in text


def test_overlap_is_the_part_that_lies_under_other_tiles():
    table = TileTable.of(["A", "B"], [(0, 0, 0, 0, 0), (0, 0, 0, 0, 24)], [(1, 1, 1, 32, 32)] * 2)
    assert planned(table).overlap() == pytest.approx(8 / 64)
    apart = TileTable.of(["A", "B"], [(0, 0, 0, 0, 0), (0, 0, 0, 0, 40)], [(1, 1, 1, 32, 32)] * 2)
    assert planned(apart).overlap() == 0


def test_missing_planes_are_known():
    table = TileTable.of(
        ["A", "A", "B"],
        [(0, 0, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 0, 0, 32)],
        [(1, 1, 1, 32, 32)] * 3,
    )
    plan = planned(table)
    assert plan.validity().tolist() == [[[True, True]], [[True, False]]]
    assert "missing  1 of 4 planes" in str(plan)


def test_levels_halve_y_and_x_and_keep_z():
    plan = planned(cut(SCENE, 24, 32)[0], levels=9)
    assert [level.shape[1:] for level in plan.level_plans][:3] == [
        (3, 80, 104),
        (3, 40, 52),
        (3, 20, 26),
    ]
    assert plan.levels < 9 or plan.level_plans[-1].shape[2:] == (1, 1)


def test_regions_of_parts_share_no_chunk_of_any_level():
    plan = planned(cut(np.zeros((2, 3, 192, 224), np.uint16), 32, 32)[0], levels=2)
    units = [level.chunks for level in plan.level_plans]
    regions = independent_regions(plan, units)
    assert len(regions) > 4
    for level, unit in zip(plan.level_plans, units, strict=True):
        factor = [a // b for a, b in zip(plan.shape, level.shape, strict=True)]
        seen: dict[tuple[int, ...], int] = {}
        for number, region in enumerate(regions):
            first = [s.start // f // u for s, f, u in zip(region, factor, unit, strict=True)]
            last = [-(-s.stop // (f * u)) for s, f, u in zip(region, factor, unit, strict=True)]
            for index in np.ndindex(*(b - a for a, b in zip(first, last, strict=True))):
                chunk = tuple(a + i for a, i in zip(first, index, strict=True))
                assert seen.setdefault(chunk, number) == number


def test_two_tiles_at_one_place_are_refused():
    table = TileTable.of(["A", "B"], np.zeros((2, 5)), [(1, 1, 1, 8, 8)] * 2)
    with pytest.raises(TilingError, match=r"'A'.*'B'.*same place"):
        planned(table)


def test_what_does_not_fit_is_refused():
    table = TileTable.of(["A"], [(0, 0, 1, 0, 0)], [(1, 1, 1, 8, 8)])
    with pytest.raises(AxisError, match=r"'A'.*reaches 2 along z"):
        plan_assembly(table, axes="yx", dtype="u1")
    with pytest.raises(AxisError, match="axes of t, c, z, y, x"):
        plan_assembly(table, axes="zy", dtype="u1")
    with pytest.raises(ShapeError, match="below 0 along z"):
        plan_assembly(table.at(table.starts - [0, 0, 3, 0, 0]), axes="zyx", dtype="u1")
    with pytest.raises(ShapeError, match="chunk sizes must be positive, not y=0"):
        plan_assembly(table, axes="zyx", dtype="u1", chunks={"y": 0})
    with pytest.raises(ArgumentError, match="no blending 'mean'"):
        plan_assembly(table, axes="zyx", dtype="u1", blend="mean")
    with pytest.raises(DTypeError, match="bool cannot be blended"):
        plan_assembly(table, axes="zyx", dtype="bool", blend="linear")


def test_labels_have_one_channel_and_most_frequent_values():
    plan = of_labels(planned(cut(SCENE, 24, 32)[0]), "uint32")
    assert plan.shape == (1, 3, 80, 104)
    assert (plan.method, plan.dtype, len(plan.fov)) == ("mode", "uint32", 36)


def test_a_plan_is_drawn():
    mpl.use("agg")
    plan = planned(cut(SCENE, 24, 32)[0])
    axes = plan.plot(plane=1)
    assert len(axes.patches) == 12
    assert {text.get_text() for text in axes.texts} == set(plan.fov_names)
    assert axes.get_xlim() == (0, 104)
    axes.figure.canvas.draw()


def test_pixels_without_a_tile_are_known():
    starts = [(0, 0, 0, 0, 0), (0, 0, 1, 4, 20)]
    plan = planned(TileTable.of(["A", "B"], starts, [(1, 1, 1, 16, 16)] * 2), axes="zyx")
    covered = plan.covered()
    assert covered.shape == plan.shape == (2, 20, 36)
    assert covered.sum() == 2 * 16 * 16
    assert covered[0, :16, :16].all()
    assert covered[1, 4:, 20:].all()
    part = (slice(1, 2), slice(0, 8), slice(18, 30))
    assert (plan.covered(part) == covered[part]).all()
