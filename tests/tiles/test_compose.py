"""Pixels of a canvas: the last tile, nothing lost, tiles loaded once, faults named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import DTypeError, FormatError, NotFoundError, ShapeError, TilingError
from iohub.storage import grid
from iohub.storage.spec import ArraySpec
from iohub.tiles.compose import Mosaic, probe_tiles
from iohub.tiles.layout import TileTable
from tests.tiles.loading import Memory, cut, planned

RNG = np.random.default_rng(0)
SCENE = RNG.integers(0, 60000, (2, 3, 80, 112), np.uint16)


def _mosaic(plan, loaders, **more):
    spec = ArraySpec.create(plan.shape, plan.dtype, zarr_format=3, chunks=plan.chunks)
    return Mosaic(plan, loaders, spec, **more)


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 20), st.integers(1, 20)),
        min_size=1,
        max_size=8,
        unique_by=lambda box: box,
    ),
    st.integers(3, 30),
)
def test_each_pixel_is_that_of_the_last_tile_that_covers_it(boxes, chunk):
    starts = [(0, 0, 0, y, x) for y, x, _, _ in boxes]
    lengths = [(1, 1, 1, h, w) for _, _, h, w in boxes]
    loaders = [Memory(np.full((h, w), n + 1, np.uint16)) for n, (_, _, h, w) in enumerate(boxes)]
    table = TileTable.of([f"F{n}" for n in range(len(boxes))], starts, lengths)
    try:
        plan = planned(table, axes="yx", levels=1, chunks={"y": chunk, "x": chunk})
    except TilingError:
        return  # two at one place
    mosaic = _mosaic(plan, loaders)
    expected = np.zeros(plan.shape, np.uint16)
    for tile in range(len(plan.fov)):
        expected[plan.region(tile)] = tile + 1
    found = np.empty_like(expected)
    for region in grid.split(grid.full(plan.shape), plan.shape, plan.chunks):
        mosaic.read(region, part := np.full(grid.region_shape(region), 9999, np.uint16))
        found[region] = part
    assert found.tolist() == expected.tolist()
    assert mosaic.loads == len(boxes)
    assert not mosaic._kept


@pytest.mark.parametrize(("keep", "loads"), [(None, 1), (0, 4)])
def test_a_tile_is_loaded_once_unless_little_may_be_kept(keep, loads):
    table = TileTable.of(["A"], np.zeros((1, 5)), [(1, 1, 1, 64, 64)])
    loader = Memory(SCENE[0, 0, :64, :64])
    plan = planned(table, axes="yx", levels=1)
    mosaic = _mosaic(plan, [loader], keep=keep)
    for region in grid.split(grid.full(plan.shape), plan.shape, plan.chunks):
        assert (mosaic.read(region) == loader.pixels[region]).all()
    assert loader.loads == loads


def test_a_scene_cut_to_pieces_is_the_scene():
    table, loaders = cut(SCENE, 24, 32)
    plan = planned(table)
    whole = _mosaic(plan, loaders).read(grid.full(plan.shape))
    assert (whole == SCENE[:, :, :80, :104]).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64"])
def test_tiles_fade_into_each_other(dtype):
    values = np.array([40, 80], dtype)
    loaders = [Memory(np.full((16, 32), value, dtype)) for value in values]
    table = TileTable.of(["A", "B"], [(0,) * 5, (0, 0, 0, 0, 16)], [(1, 1, 1, 16, 32)] * 2)
    plan = planned(table, dtype, axes="yx", levels=1, blend="linear")
    row = _mosaic(plan, loaders).read(grid.full(plan.shape))[8]
    assert (row[:16] == 40).all()
    assert (row[32:] == 80).all()
    between = row[16:32].astype(float)
    assert (np.diff(between) >= 0).all()
    assert between[0] == pytest.approx(40 + 40 / 17, abs=0.5)
    assert between.mean() == pytest.approx(60, abs=0.5)


def test_blending_equal_pixels_changes_none():
    table, loaders = cut(SCENE, 24, 32)
    plan = planned(table, blend="linear")
    assert (_mosaic(plan, loaders).read(grid.full(plan.shape)) == SCENE[:, :, :80, :104]).all()


def test_faults_name_image_tile_file_and_both_values():
    table, loaders = cut(SCENE, 24, 32)
    plan = planned(table)
    bad = list(loaders)
    bad[0] = Memory(np.zeros((32, 31), np.uint16), "short.tif")
    says = r"'F0-0'.*image 'scene', from short\.tif.*\(32, 31\), expected \(1, 1, 32, 32\)"
    with pytest.raises(ShapeError, match=says):
        probe_tiles(plan, bad)
    bad[0] = Memory(np.zeros((32, 32), np.float32), "real.tif")
    with pytest.raises(DTypeError, match=r"real\.tif.*holds float32, expected uint16"):
        _mosaic(plan, bad).read(grid.full(plan.shape))
    for raised, error in (
        (FileNotFoundError(2, "no"), NotFoundError),
        (ValueError("x"), FormatError),
    ):

        class Broken(Memory):
            def load_data(self, resource=None, raised=raised):
                raise raised

        bad[0] = Broken(np.zeros((32, 32), np.uint16), "gone.tif")
        with pytest.raises(error, match=r"'F0-0'.*image 'scene'.*gone\.tif"):
            _mosaic(plan, bad).read(grid.full(plan.shape))


def test_other_types_are_cast_only_where_that_was_asked_for_and_nothing_changes():
    table = TileTable.of(["A"], np.zeros((1, 5)), [(1, 1, 1, 4, 4)])
    plan = planned(table, "uint16", axes="yx", levels=1, casts=True)
    whole = grid.full(plan.shape)
    small = Memory(np.full((4, 4), 200, np.uint8))
    assert (_mosaic(plan, [small]).read(whole) == 200).all()
    with pytest.raises(DTypeError, match=r"70000"):
        _mosaic(plan, [Memory(np.full((4, 4), 70000, np.float32))]).read(whole)


def test_axes_missing_in_front_are_of_length_one():
    table = TileTable.of(["A"], np.zeros((1, 5)), [(1, 1, 3, 4, 4)])
    plan = planned(table, axes="czyx", levels=1)
    pixels = RNG.integers(0, 99, (3, 4, 4), np.uint16)
    for shape in ((3, 4, 4), (1, 3, 4, 4), (1, 1, 3, 4, 4)):
        read = _mosaic(plan, [Memory(pixels.reshape(shape))]).read(grid.full(plan.shape))
        assert (read[0] == pixels).all()
