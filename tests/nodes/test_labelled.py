"""to_xarray and write_xarray: what is selected goes back to its place, and nothing else changes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from iohub import open_ome_zarr
from iohub.errors import AxisError, ChannelError, DTypeError, ReadOnlyError, ShapeError
from iohub.ngff import AxisMeta, TransformationMeta

SHAPE = (4, 3, 3, 6, 5)
CHANNELS = ["DAPI", "GFP", "Cy5"]
SCALE, SHIFT = (10.0, 1.0, 2.0, 0.5, 0.25), (5.0, 0.0, -3.0, 0.0, 7.0)
TRANSFORM = [
    TransformationMeta(type="scale", scale=SCALE),
    TransformationMeta(type="translation", translation=SHIFT),
]
_names = itertools.count()


def data() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 60000, SHAPE).astype("uint16")


def new_position(where: Any, version: str = "0.5", channels: list[str] | None = None) -> Any:
    return open_ome_zarr(
        where, layout="fov", mode="w-", channel_names=channels or CHANNELS, version=version
    )


@pytest.fixture
def source(tmp_path: Path, version: str) -> Any:
    """Open a position with scale, translation and channels."""
    node = new_position(tmp_path / "source.zarr", version)
    node.create_image("0", data(), transform=TRANSFORM, chunks=(1, 1, 2, 4, 4))
    return node


@pytest.fixture
def target(tmp_path: Path, version: str) -> Any:
    """Open a position without images."""
    return new_position(tmp_path / "target.zarr", version)


# ---- out -------------------------------------------------------------------------------------


def test_labels_and_units(source: Any) -> None:
    labelled = source.to_xarray()
    assert labelled.dims == ("t", "c", "z", "y", "x")
    assert isinstance(labelled.data, da.Array)
    assert labelled.dtype == "uint16"
    assert labelled.attrs == {}
    assert list(labelled.coords["c"].values) == CHANNELS
    for i, (dim, unit) in enumerate(
        [("t", "second"), ("z", "micrometer"), ("y", "micrometer"), ("x", "micrometer")]
    ):
        index = i if i == 0 else i + 1
        coord = labelled.coords[dim]
        assert coord.attrs["units"] == unit
        expected = SHIFT[index] + np.arange(SHAPE[index]) * SCALE[index]
        np.testing.assert_allclose(coord.values, expected, rtol=0, atol=1e-12)
    assert np.array_equal(labelled.values, data())
    picked = labelled.sel(c="GFP", t=15.0, z=slice(-2, 3))
    assert np.array_equal(picked.values, data()[1, 1, 1:])


def test_every_level(source: Any) -> None:
    source.compute_pyramid(levels=3)
    for image in ("0", "1", "2"):
        labelled = source.to_xarray(image=image)
        assert np.array_equal(labelled.values, source[image][...])
        scale, shift = (
            source.get_effective_scale(image),
            source.get_effective_translation(image),
        )
        assert labelled.coords["x"].values[0] == shift[-1]
        assert labelled.coords["x"].values[1] - labelled.coords["x"].values[0] == scale[-1]


def test_transform_of_the_whole_counts(source: Any) -> None:
    source.set_transform("*", [TransformationMeta(type="scale", scale=[1, 1, 1, 1, 4.0])])
    assert source.to_xarray().coords["x"].values[:2].tolist() == [28.0, 29.0]


def test_no_image(target: Any) -> None:
    with pytest.raises(KeyError, match="no image yet"):
        target.to_xarray()


def test_unknown_image(source: Any) -> None:
    with pytest.raises(KeyError, match="no '7' in position"):
        source.to_xarray(image="7")


# ---- in: the first write makes the image -----------------------------------------------------


def test_round_trip(source: Any, target: Any) -> None:
    labelled = source.to_xarray()
    labelled.name = "phase"
    labelled.attrs = {"units": "nanometer", "note": {"by": "me"}, "n": np.float32(1.5)}
    target.write_xarray(labelled)
    again = target.to_xarray()
    assert np.array_equal(again.values, data())
    assert again.name == "phase"
    assert again.attrs == {"units": "nanometer", "note": {"by": "me"}, "n": 1.5}
    xr.testing.assert_identical(again.coords.to_dataset(), labelled.coords.to_dataset())
    assert target.get_effective_scale("0") == list(SCALE)
    assert target.get_effective_translation("0") == list(SHIFT)
    assert target.channel_names == CHANNELS


@pytest.mark.parametrize(
    "pick",
    [
        {"t": [1]},
        {"t": 2},
        {"c": ["Cy5"]},
        {"c": "GFP"},
        {"t": [3], "c": ["GFP"]},
        {"z": 1},
        {"y": slice(2, 4), "x": [4]},
        {"t": [0, 2]},
    ],
    ids=str,
)
def test_first_write_of_a_piece_makes_the_whole(
    source: Any, target: Any, pick: dict[str, Any]
) -> None:
    """The public tool made T=1 and lost the time scale; the next write failed."""
    whole = source.to_xarray()
    channels = pick.get("c")
    by_name = {"c": channels} if channels is not None else {}
    rest = {dim: index for dim, index in pick.items() if dim != "c"}
    piece = whole.sel(by_name).isel(rest)
    missing = [dim for dim in whole.dims if dim not in piece.dims]
    target.write_xarray(piece.expand_dims(missing))
    assert target["0"].shape == SHAPE
    assert target.get_effective_scale("0") == list(SCALE)
    assert target.get_effective_translation("0") == list(SHIFT)
    expected = xr.zeros_like(whole).compute()
    expected.loc[{dim: piece.coords[dim] for dim in whole.dims}] = piece.compute()
    assert np.array_equal(target.to_xarray().values, expected.values)
    target.write_xarray(whole.isel(t=[3]))
    assert np.array_equal(target["0"][3], data()[3])


def test_a_scalar_coordinate_is_taken_for_its_axis(source: Any, target: Any) -> None:
    """``.sel(c="GFP")`` drops the axis; its label says where it belongs."""
    whole = source.to_xarray()
    target.write_xarray(whole)
    target.write_xarray((whole.sel(c="GFP").isel(t=1) * 0 + 9).astype("u2"))
    expected = data()
    expected[1, 1] = 9
    assert np.array_equal(target["0"][...], expected)


def test_plain_arrays(target: Any) -> None:
    """Coordinates may be missing, and dimensions in any order."""
    values = data()
    plain = xr.DataArray(values, dims=list("tczyx")).transpose("x", "c", "t", "z", "y")
    target.write_xarray(plain)
    assert np.array_equal(target["0"][...], values)
    assert target.get_effective_scale("0") == [1.0] * 5


def test_own_coordinates_make_the_scale(target: Any) -> None:
    values = data()
    target.write_xarray(
        xr.DataArray(
            values,
            dims=list("tczyx"),
            coords={
                "c": CHANNELS,
                "t": ("t", [60.0, 120.0, 180.0, 240.0], {"units": "s"}),
                "x": ("x", np.arange(5) * 0.1 + 3, {"units": "nanometer"}),
            },
        )
    )
    np.testing.assert_allclose(target.get_effective_scale("0"), [60, 1, 1, 1, 0.1])
    np.testing.assert_allclose(target.get_effective_translation("0"), [60, 0, 0, 0, 3])
    assert [axis.unit for axis in target.axes] == [
        "second",
        None,
        "micrometer",
        "micrometer",
        "nanometer",
    ]


def test_channels_from_the_array(tmp_path: Path, version: str) -> None:
    """In a plate whose channels nobody named, the first array names them."""
    with open_ome_zarr(
        tmp_path / "p.zarr", layout="hcs", mode="w-", channel_names=CHANNELS, version=version
    ) as plate:
        position = plate.create_position("A", "1", "0")
        piece = xr.DataArray(np.ones((1, 1, 1, 2, 2), "u1"), dims=list("tczyx")).assign_coords(
            c=["GFP"]
        )
        position.write_xarray(piece)
        assert position["0"].shape == (1, 3, 1, 2, 2)
        assert position["0"][0, :, 0, 0, 0].tolist() == [0, 1, 0]


def test_another_image(source: Any) -> None:
    source.write_xarray(source.to_xarray().astype("float32") / 2, image="half")
    assert source["half"].dtype == "float32"
    assert np.array_equal(source["half"][...], data().astype("float32") / 2)
    assert source.get_effective_scale("half") == list(SCALE)


def test_a_level_is_written_to(source: Any) -> None:
    source.compute_pyramid(levels=2)
    piece = source.to_xarray(image="1").isel(t=[1], y=slice(1, 2))
    source.write_xarray((piece * 0 + 3).astype("u2"), image="1")
    assert (source["1"][1, :, :, 1] == 3).all()
    assert np.array_equal(source["0"][...], data())


# ---- in: later writes find their place -------------------------------------------------------


selections = st.fixed_dictionaries(
    {
        dim: st.one_of(
            st.lists(st.integers(0, size - 1), min_size=1, max_size=size, unique=True),
            st.builds(slice, st.integers(0, size - 1), st.integers(1, size)).filter(
                lambda s: s.stop > s.start
            ),
        )
        for dim, size in zip("tczyx", SHAPE, strict=True)
    }
)


@given(pick=selections, drop=st.sets(st.sampled_from("tczyx"), max_size=3), first=st.booleans())
@settings(max_examples=60)
def test_any_piece_goes_back_to_its_place(
    pick: dict[str, Any], drop: set[str], first: bool
) -> None:
    """Whatever .isel() takes, in whatever order, is written where it came from."""
    node = new_position(f"memory://labelled{next(_names)}")
    with node:
        node.create_image("0", data(), transform=TRANSFORM, chunks=(2, 1, 3, 4, 3))
        whole = node.to_xarray()
        picked = {dim: index for dim, index in pick.items() if dim not in drop}
        piece = whole.isel(picked)
        values = np.random.default_rng(9).integers(0, 9, piece.shape).astype("u2")
        image = "new" if first else "0"
        node.write_xarray(piece.copy(data=values), image=image)
        expected = np.zeros(SHAPE, "u2") if first else data()
        index = [
            np.arange(n)[picked.get(dim, slice(None))]
            for dim, n in zip("tczyx", SHAPE, strict=True)
        ]
        expected[np.ix_(*index)] = values
        assert np.array_equal(node[image][...], expected)
        assert node.get_effective_scale(image) == list(SCALE)
        assert node.get_effective_translation(image) == list(SHIFT)


def test_by_label_and_reversed(source: Any) -> None:
    piece = source.to_xarray().sel(c=["Cy5", "DAPI"]).isel(x=slice(None, None, -1))
    values = np.random.default_rng(4).integers(0, 9, piece.shape).astype("u2")
    source.write_xarray(piece.copy(data=values))
    expected = data()
    expected[:, [2, 0]] = values[..., ::-1]
    assert np.array_equal(source["0"][...], expected)


def test_later_times_extend(source: Any) -> None:
    later = source.to_xarray().isel(t=[0, 1])
    later = later.assign_coords(t=("t", [45.0, 55.0], {"units": "second"}))
    source.write_xarray(later)
    assert source["0"].shape == (6, *SHAPE[1:])
    assert np.array_equal(source["0"][4:], data()[:2])
    assert np.array_equal(source["0"][:4], data())
    assert source.get_effective_scale("0") == list(SCALE)


@pytest.mark.parametrize("times", [[75.0], [35.0, 45.0, 65.0], [1e6], [45.0, 1e12]])
def test_a_gap_in_time_is_refused(source: Any, times: list[float]) -> None:
    later = source.to_xarray().isel(t=slice(len(times))).assign_coords(t=times)
    with pytest.raises(ShapeError, match="leave a gap behind the image, which has 4"):
        source.write_xarray(later)
    assert source["0"].shape == SHAPE


@pytest.mark.parametrize("dim", ["t", "z", "y", "x"])
def test_the_next_piece_never_takes_the_place_of_the_first(target: Any, dim: str) -> None:
    """A loop over times, slices or tiles, each a whole image for itself, loses none."""
    first = xr.DataArray(data()[:2, :, :2], dims=list("tczyx"), coords={"c": CHANNELS})
    first = first.assign_coords({d: np.arange(first.sizes[d]) * 2.0 for d in "tzyx"})
    target.write_xarray(first)
    step = 2.0 * first.sizes[dim]
    following = (first * 0 + 1).astype("u2").assign_coords({dim: first.coords[dim] + step})
    if dim == "t":
        target.write_xarray(following)
        assert target["0"].shape[0] == 4
        assert (target["0"][2:] == 1).all()
    else:
        with pytest.raises(ShapeError, match="are not pixels of the image"):
            target.write_xarray(following)
    assert np.array_equal(target["0"][:2], first.values)


def test_one_slice_is_not_moved_by_the_next(target: Any) -> None:
    plane = xr.DataArray(data()[:1, :, :1], dims=list("tczyx"), coords={"c": CHANNELS})
    target.write_xarray(plane.assign_coords(z=[0.0]))
    with pytest.raises(ShapeError, match="are not pixels"):
        target.write_xarray((plane * 0).astype("u2").assign_coords(z=[10.0]))
    assert np.array_equal(target["0"][...], plane.values)


def test_a_loop_over_times(target: Any) -> None:
    """One time has no step; the second one tells it, and the others follow."""
    times = [5.0, 15.0, 25.0, 35.0]
    for i, t in enumerate(times):
        frame = xr.DataArray(data()[i : i + 1], dims=list("tczyx"), coords={"c": CHANNELS})
        target.write_xarray(frame.assign_coords(t=("t", [t], {"units": "s"})))
    assert np.array_equal(target["0"][...], data())
    assert target.to_xarray().coords["t"].values.tolist() == times
    assert target.scale[0] == 10.0


def test_a_refused_write_does_not_extend(source: Any) -> None:
    later = source.to_xarray().isel(t=[0]).assign_coords(t=[45.0])
    for bad, error in (
        (later.astype("f4").compute() + 0.5, DTypeError),
        (later.isel(x=[0]).assign_coords(x=[0.1]), ShapeError),
    ):
        with pytest.raises(error):
            source.write_xarray(bad)
        assert source["0"].shape == SHAPE


def test_a_far_time_is_no_request_for_terabytes(target: Any, source: Any) -> None:
    """A gapped selection of times once asked for 651 TiB (iohub#460): the grid is kept instead."""
    whole = source.to_xarray()
    target.write_xarray(whole.isel(t=[0, 3]))
    assert target["0"].shape == SHAPE
    irregular = xr.DataArray(
        np.zeros((3, 1, 1, 2, 2), "u1"),
        dims=list("tczyx"),
        coords={"t": [0.0, 1e-9, 1e6], "c": ["DAPI"]},
    )
    with pytest.raises(ShapeError, match="not evenly spaced"):
        target.write_xarray(irregular, image="other")
    assert list(target) == ["0"]


def test_new_coordinates_of_the_whole_change_the_scale(source: Any) -> None:
    labelled = source.to_xarray()
    source.write_xarray(labelled.assign_coords(x=("x", np.arange(5) * 2.0 + 7.5)))
    assert source.get_effective_scale("0") == [*SCALE[:-1], 2.0]
    assert source.get_effective_translation("0") == [*SHIFT[:-1], 7.5]
    assert "previous_transforms" in source.zattrs["iohub"]


def test_the_whole_image_elsewhere_moves(source: Any) -> None:
    """It was refused, as if it were the next tile."""
    labelled = source.to_xarray()
    moved = labelled.assign_coords(
        y=("y", labelled.y.values + 1000), x=("x", labelled.x.values - 500)
    )
    source.write_xarray((moved + 1).astype("u2"))
    assert source.scale == list(SCALE)
    assert source.translation == [*SHIFT[:-2], SHIFT[-2] + 1000, SHIFT[-1] - 500]
    assert np.array_equal(source["0"][...], data() + 1)


@pytest.mark.parametrize("part", [{"t": [1]}, {"c": [0]}, {"t": [0, 1], "c": [1]}])
def test_a_part_does_not_rescale_the_rest(source: Any, part: dict[str, list[int]]) -> None:
    """One time point with another z spacing gave it to all frames."""
    before = source.zattrs.asdict()
    piece = source.to_xarray().isel(part).compute()
    for coordinates in (piece.z.values * 2, piece.z.values + 0.3):
        with pytest.raises(ShapeError, match="are not pixels of the image"):
            source.write_xarray((piece * 0).assign_coords(z=("z", coordinates)).astype("u2"))
    assert source.zattrs.asdict() == before
    assert np.array_equal(source["0"][...], data())


def test_times_in_any_order(source: Any, tmp_path: Path, version: str) -> None:
    """What knows the whole goes in any order; what does not is told what to do."""
    whole = source.to_xarray()
    bare = whole.assign_coords({d: (d, whole[d].values) for d in "tzyx"})

    with new_position(tmp_path / "known", version) as target:
        for i in (2, 0, 1, 3):
            target.write_xarray(whole.isel(t=[i]))
        assert np.array_equal(target["0"][...], data())
    with new_position(tmp_path / "bare", version) as target:
        target.write_xarray(bare.isel(t=[2]))
        with pytest.raises(ShapeError, match=r"first piece first.*create_zeros.*to_xarray"):
            target.write_xarray(bare.isel(t=[0]))
    with new_position(tmp_path / "made", version) as target:
        target.create_zeros("0", SHAPE, "u2", transform=TRANSFORM)
        for i in (2, 0, 1, 3):
            target.write_xarray(bare.isel(t=[i]))
        assert np.array_equal(target["0"][...], data())


def test_new_coordinates_keep_the_pyramid_in_proportion(source: Any) -> None:
    source.compute_pyramid(levels=2)
    labelled = source.to_xarray()
    source.write_xarray(labelled.assign_coords(x=("x", np.arange(5) * 2.0 + 7.5)))
    assert source.get_effective_scale("1")[-1] == 4.0
    assert source.get_effective_translation("1")[-1] == 8.5


def test_attrs_are_updated(source: Any) -> None:
    labelled = source.to_xarray()
    source.write_xarray(labelled.isel(t=[0]).assign_attrs(a=1))
    source.write_xarray(labelled.isel(t=[1]).assign_attrs(b=[1, 2]))
    assert source.to_xarray().attrs == {"a": 1, "b": [1, 2]}


def test_dask_is_written_block_by_block(target: Any) -> None:
    asked: list[Any] = []

    def block(block_info: Any = None) -> np.ndarray:
        where = block_info[None]["array-location"]
        asked.append(tuple(where))
        return data()[tuple(slice(a, b) for a, b in where)]

    lazy = da.map_blocks(
        block, chunks=((2, 2), (3,), (3,), (6,), (5,)), dtype="u2", meta=np.empty((0,) * 5, "u2")
    )
    target.write_xarray(xr.DataArray(lazy, dims=list("tczyx")))
    assert np.array_equal(target["0"][...], data())
    assert len([a for a in asked if a]) == 2


# ---- what is refused, with nothing changed ---------------------------------------------------


def refusals() -> list[tuple[Callable[[xr.DataArray], xr.DataArray], type[Exception], str]]:
    return [
        (lambda a: a.assign_coords(c=["DAPI", "GFP", "None"]), ChannelError, "unknown channels"),
        (lambda a: a.assign_coords(c=["DAPI", "DAPI", "GFP"]), ChannelError, "repeated channels"),
        (lambda a: a.drop_vars("c").isel(c=[0]), ShapeError, "label them"),
        (lambda a: a.drop_vars("y").isel(y=[0]), ShapeError, "without a coordinate"),
        (lambda a: a.isel(x=[0]).assign_coords(x=[7.1]), ShapeError, "are not pixels"),
        (lambda a: a.isel(t=[0]).assign_coords(t=[-5.0]), ShapeError, "are not pixels"),
        (lambda a: a.rename(z="depth"), AxisError, "do not fit the axes"),
        (lambda a: a.isel(z=0, drop=True), AxisError, r"expand_dims"),
        (lambda a: a.expand_dims("q"), AxisError, "do not fit the axes"),
        (lambda a: a.assign_coords(x=("x", np.arange(5) * 0.25 + 7, {"units": "nm"})), AxisError,
         "in micrometer, the coordinate in nm"),
        (lambda a: a.astype("f4") + 0.5, DTypeError, "not whole"),
        (lambda a: a.astype("i8") - 70000, DTypeError, "do not fit"),
        (lambda a: a.assign_coords(t=np.array(["a", "b", "c", "d"])), ShapeError, "not numbers"),
        (lambda a: a.assign_attrs(f=object()), ShapeError, "JSON"),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(len(refusals())))
def test_refused(source: Any, number: int) -> None:
    change, error, text = refusals()[number]
    with pytest.raises(error, match=text):
        source.write_xarray(change(source.to_xarray()))
    assert np.array_equal(source["0"][...], data())
    assert source["0"].shape == SHAPE
    assert source.get_effective_scale("0") == list(SCALE)


@pytest.mark.parametrize("number", range(len(refusals())))
def test_refused_at_first(source: Any, target: Any, number: int) -> None:
    """A first write that is refused leaves no image."""
    change, error, _ = refusals()[number]
    try:
        target.write_xarray(change(source.to_xarray()))
    except error:
        assert list(target) == []
        target.write_xarray(source.to_xarray())
    assert "0" in target


def test_growing_under_a_pyramid_is_refused(source: Any) -> None:
    source.compute_pyramid(levels=2)
    with pytest.raises(ShapeError, match=r"delete_pyramid\(\) first"):
        source.write_xarray(source.to_xarray().isel(t=[0]).assign_coords(t=[45.0]))


def test_read_only(source: Any) -> None:
    again = open_ome_zarr(source.url)
    with pytest.raises(ReadOnlyError):
        again.write_xarray(again.to_xarray())


def test_two_axes(tmp_path: Path, version: str) -> None:
    axes = [AxisMeta(name="y", type="space"), AxisMeta(name="x", type="space")]
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", axes=axes, version=version
    ) as node:
        node.write_xarray(xr.DataArray(np.arange(6).reshape(2, 3), dims=["y", "x"]))
        assert node["0"][1].tolist() == [3, 4, 5]
        assert node.channel_names == []
