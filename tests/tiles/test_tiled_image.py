"""An image made of tiles: what it checks, what it looks like, how its tiles move."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import DTypeError, ShapeError, TilingError
from iohub.tiles import ChannelInfo, SingleImage, TiledImage, tiled_image_from_tiles
from tests.tiles.making import AXES, acquired, tile


def image(*tiles) -> TiledImage:
    return tiled_image_from_tiles(tiles=list(tiles))[0]


def test_pixels_lie_where_the_tiles_are() -> None:
    """T5: a mosaic that does not start at 0 loses nothing in memory."""
    made = image(tile(x=100, y=50, value=1), tile("F1", 128, 60, value=2))
    assert made.shape() == (1, 1, 42, 60)
    assert made.output_shape() == (1, 1, 92, 160)
    expected = np.zeros((42, 60), np.uint16)
    expected[:32, :32] = 1
    expected[10:, 28:] = 2
    np.testing.assert_array_equal(made.load_data()[0, 0], expected)
    np.testing.assert_array_equal(
        made.load_data_dask(chunks=(1, 1, 7, 20)).compute(), made.load_data()
    )
    np.testing.assert_array_equal(made.load_data_dask().compute(), made.load_data())


@given(
    st.lists(
        st.tuples(st.integers(-40, 40), st.integers(-40, 40)), min_size=1, max_size=6, unique=True
    )
)
def test_each_pixel_is_that_of_the_last_tile_over_it(corners) -> None:
    tiles = [tile(f"F{n}", x, y, size=(8, 6), value=n + 1) for n, (x, y) in enumerate(corners)]
    made = image(*tiles)
    low_x, low_y = (min(c[i] for c in corners) for i in (0, 1))
    expected = np.zeros(made.shape()[2:], np.uint16)
    for n, (x, y) in enumerate(corners):
        expected[y - low_y : y - low_y + 8, x - low_x : x - low_x + 6] = n + 1
    np.testing.assert_array_equal(made.load_data()[0, 0], expected)


def test_data_type_is_kept() -> None:
    """T2: pixels are neither widened nor cut."""
    pixels = np.full((4, 4), 0.25, np.float32)
    made = image(tile(size=(4, 4), loader=pixels, details=acquired(data_type=None)))
    assert made.data_type == "float32"
    np.testing.assert_array_equal(made.load_data()[0, 0], pixels)


def test_values_that_do_not_fit_are_refused() -> None:
    """T10: a tile of another type is cast only if no value changes."""
    fits = tile("F1", 32, loader=np.full((32, 32), 7.0))
    assert image(tile(), fits).load_data().max() == 7
    wrong = tile("F1", 32, loader=np.full((32, 32), 70000.0))
    with pytest.raises(DTypeError, match="tile 'F1'"):
        image(tile(), wrong).load_data()


def test_wrong_lengths_are_told_by_name() -> None:
    """T9."""
    with pytest.raises(ShapeError, match=r"tile 'F1' .*\(1, 1, 16, 32\).*\(1, 1, 32, 32\)"):
        image(tile(), tile("F1", 32, loader=np.zeros((16, 32), np.uint16))).load_data()


def test_axes_that_the_source_does_not_have() -> None:
    details = acquired(axes=["t", "c", "z", "y", "x"])
    stack = np.arange(3 * 4 * 4, dtype=np.uint16).reshape(3, 4, 4)
    made = image(tile(size=(4, 4), loader=stack, details=details, length_z=3))
    np.testing.assert_array_equal(made.load_data()[0, 0], stack)
    flat = image(tile(size=(4, 4), loader=stack[None, :1], details=acquired(axes=["y", "x"])))
    np.testing.assert_array_equal(flat.load_data(), stack[0])
    with pytest.raises(ShapeError, match="more axes than expected"):
        image(tile(size=(4, 4), loader=stack, details=acquired(axes=["y", "x"]))).load_data()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"pixelsize": 0.5},
            "pixelsize of tile and image do not match: it is 0.5, the image has 1",
        ),
        ({"pixelsize_y": 0.5}, "pixelsize_y"),
        ({"z_spacing": 2}, "z_spacing"),
        ({"t_spacing": 2}, "t_spacing"),
        ({"axes": ["y", "x"]}, "axes"),
        ({"channels": [ChannelInfo(channel_label="a")]}, r"channels .*\['a'\], the image has None"),
    ],
)
def test_tiles_of_another_acquisition(more: dict, said: str) -> None:
    with pytest.raises(TilingError, match=f"tile 'F1'.*img.zarr.*{said}"):
        image(tile(), tile("F1", 32, details=acquired(**more)))


def test_sizes_that_differ_by_rounding_are_one() -> None:
    """T12."""
    made = image(
        tile(details=acquired(pixelsize=0.3)), tile("F1", 40, details=acquired(pixelsize=0.1 + 0.2))
    )
    assert len(made.regions) == 2


def test_fields_of_view() -> None:
    made = image(tile(), tile("F1", 40), tile(x=0.4, start_z=1, value=3))
    groups = made.group_by_fov()
    assert [(g.fov_name, len(g.regions)) for g in groups] == [("F0", 2), ("F1", 1)]
    assert groups[0].shape() == (1, 2, 32, 32)
    assert groups[0].load_data()[0, :, 0, 0].tolist() == [1, 3]
    assert groups[0].load_data_dask().compute().shape == (1, 2, 32, 32)
    assert groups[0].roi().name == "F0"


def test_reference_slice_is_nearest_to_the_origin_and_pixels_do_not_depend_on_it() -> None:
    """T15: with z and y mixed the nearest tile need not start first along every axis."""
    made = image(tile(y=5, value=1), tile(y=0, start_z=6, value=2))
    (group,) = made.group_by_fov()
    assert group.ref_slice() is made.regions[0]
    data = group.load_data()
    assert data.shape == (1, 7, 37, 32)
    assert (data[0, 0, 5, 0], data[0, 6, 0, 0]) == (1, 2)


def test_positions_below_zero_have_no_output_shape() -> None:
    with pytest.raises(TilingError, match="below 0"):
        image(tile(x=-5)).output_shape()


def test_arrays_there_and_back() -> None:
    details = acquired(pixelsize=0.65, z_spacing=2)
    made = image(tile(x=13, details=details), tile("F1", 6.5, 13, details=details, start_z=4))
    table = made.table()
    assert table.starts.tolist() == [[0, 0, 0, 0, 20], [0, 0, 2, 20, 10]]
    assert table.lengths[0].tolist() == [1, 1, 1, 32, 32]
    assert table.fov_names == ("F0", "F1")
    moved = made.placed(table.at(table.starts + np.array([0, 0, 1, 0, 10])))
    assert moved.table().starts.tolist() == [[0, 0, 1, 0, 30], [0, 0, 3, 20, 20]]
    assert moved.regions[0].roi.model_extra == made.regions[0].roi.model_extra
    assert made.table().starts[0].tolist() == [0, 0, 0, 0, 20]


def test_channels_follow_their_tiles() -> None:
    channels = [ChannelInfo(channel_label=name) for name in "abc"]
    made = image(tile(details=acquired(channels=channels), start_c=2))
    table = made.table()
    moved = made.placed(table, channels=[2, 0])
    assert [c.channel_label for c in moved.channels] == ["c", "a"]


def test_json_round_trip() -> None:
    made = image(tile(loader="a.npy", attributes={"drug": ["x"]}))
    back = TiledImage.model_validate_json(made.model_dump_json())
    assert back.model_dump() == made.model_dump()
    later = made.model_dump_json().replace('"pixelsize":', '"xy_pixel_size":')
    assert TiledImage.model_validate_json(later).xy_pixel_size == 1


def test_bad_fields_are_refused() -> None:
    fields = {"path": "p", "axes": AXES, "collection": SingleImage(image_path="i")}
    for more in ({"data_type": "nope"}, {"data_type": "uint8", "axes": ["x", "y"]}):
        with pytest.raises(ValueError, match=r"no data type|canonical order"):
            TiledImage(**{**fields, **more})
