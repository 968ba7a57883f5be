"""Labels of an image, and the place in an image that labels mean."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from iohub.bridges import xarray as bridge
from iohub.bridges.xarray import Grid
from iohub.errors import AxisError, ChannelError, MetadataWarning, ShapeError
from iohub.metadata.axes import AxisMeta, default_axes


def line(values: object, dim: str = "x", **attrs: object) -> xr.DataArray:
    values = np.asarray(values)
    return xr.DataArray(np.zeros(len(values)), dims=[dim], coords={dim: (dim, values, attrs)})


def labelled() -> xr.DataArray:
    return bridge.to_dataarray(
        np.zeros((2, 3, 4, 5, 6)),
        default_axes(),
        [10, 1, 2, 0.5, 0.25],
        [5, 0, -3, 0, 7],
        ["a", "b"],
        name="n",
        attrs={"k": 1},
    )


def test_labels() -> None:
    found = labelled()
    assert found.name == "n"
    assert found.attrs == {"k": 1}
    assert list(found.coords["c"].values) == ["a", "b", "2"]
    assert "units" not in found.coords["c"].attrs
    assert found.coords["t"].values.tolist() == [5, 15]
    assert found.coords["z"].attrs["units"] == "micrometer"


def test_uppercase_axes_become_lowercase_dimensions() -> None:
    axes = [AxisMeta(name=n, type="space") for n in "YX"]
    found = bridge.to_dataarray(np.zeros((2, 3)), axes, [1, 1], [0, 0], [])
    assert found.dims == ("y", "x")
    assert bridge.arranged(found.rename(y="Y", x="X").transpose("X", "Y"), axes).dims == ("Y", "X")
    with pytest.raises(AxisError):
        bridge.arranged(found.rename(y="Z"), axes)


@given(
    size=st.integers(1, 2000),
    step=st.floats(1e-6, 1e6),
    origin=st.floats(-1e6, 1e6),
    data=st.data(),
)
def test_a_piece_keeps_the_grid_that_it_was_cut_from(
    size: int, step: float, origin: float, data: st.DataObject
) -> None:
    index = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=5, unique=True))
    axes = [AxisMeta(name="x", type="space", unit="micrometer")]
    whole = bridge.to_dataarray(np.zeros(size), axes, [step], [origin], [])
    piece = whole.isel(x=index)
    resolution = np.abs(origin) + size * step
    if step / resolution < 1e-12:  # steps below what the coordinates can tell
        return
    grid = bridge.grid_of(piece, "x")
    assert (grid.size, grid.step, grid.origin, grid.unit) == (size, step, origin, "micrometer")
    assert bridge.axis_index(piece, "x", grid).tolist() == index


def test_spacing_says_the_grid_where_nothing_else_does() -> None:
    grid = bridge.grid_of(line([3.0, 3.5, 4.0], units="m"), "x", Grid(9, 9.0, 9.0, "cm"))
    assert grid == Grid(3, 0.5, 3.0, "m")
    assert bridge.grid_of(line([3.0]), "x", Grid(9, 2.0, 0.0, "cm")) == Grid(1, 2.0, 3.0, "cm")
    assert bridge.grid_of(line([3], scale=5), "x") == Grid(1, 5.0, 3.0, None)
    plain = xr.DataArray(np.zeros(4), dims=["x"])
    assert bridge.grid_of(plain, "x", Grid(9, 2.0, 1.0, "m")) == Grid(4, 2.0, 1.0, "m")


def test_a_stale_grid_is_not_believed() -> None:
    """After arithmetic on coordinates their attributes may tell of another grid."""
    moved = line(np.array([100.0, 102.0, 104.0]), scale=1.0, translation=0.0, size=3)
    assert bridge.grid_of(moved, "x") == Grid(3, 2.0, 100.0, None)


def test_numpy_numbers_in_attributes() -> None:
    """NetCDF gives attributes back as NumPy numbers."""
    piece = line([2.0], scale=np.float64(1.0), translation=np.float32(0.0), size=np.int64(5))
    assert bridge.grid_of(piece, "x").size == 5


@pytest.mark.parametrize(
    "values",
    [[0.0, 1.0, 3.0], [3.0, 2.0, 1.0], [0.0, 0.0, 0.0], [0.0, np.nan, 2.0], [0.0, 1e-9, 1e6]],
)
def test_coordinates_that_are_no_grid(values: list[float]) -> None:
    with pytest.raises(ShapeError, match="not evenly spaced"):
        bridge.grid_of(line(values), "x")


def test_text_and_dates_are_no_places() -> None:
    for values in (np.array(["a", "b"]), np.array(["2020-01-01", "2020-01-02"], "M8[ns]")):
        with pytest.raises(ShapeError, match="not numbers"):
            bridge.grid_of(line(values), "x")


def test_index() -> None:
    grid = Grid(5, 0.5, 1.0, "m")
    assert bridge.axis_index(line([1.5, 3.0]), "x", grid).tolist() == [1, 4]
    assert bridge.axis_index(line([1.5 + 1e-7]), "x", grid).tolist() == [1]
    for values in ([1.2], [0.5], [3.5], [np.nan], [np.inf]):
        with pytest.raises(ShapeError, match="are not pixels of the image"):
            bridge.axis_index(line(values), "x", grid)
    with pytest.raises(ShapeError, match="name a pixel twice"):
        bridge.axis_index(line([1.5, 1.5]), "x", grid)
    plain = xr.DataArray(np.zeros(5), dims=["x"])
    assert bridge.axis_index(plain, "x", grid).tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ShapeError, match="without a coordinate"):
        bridge.axis_index(plain[:3], "x", grid)


def test_channels() -> None:
    piece = xr.DataArray(np.zeros(2), dims=["c"], coords={"c": ["b", "a"]})
    assert bridge.channel_index(piece, "c", ["a", "x", "b"]).tolist() == [2, 0]
    with pytest.raises(ChannelError, match=r"unknown channels \['b'\]"):
        bridge.channel_index(piece, "c", ["a"])
    with pytest.raises(ChannelError, match="repeated"):
        bridge.channel_index(piece.assign_coords(c=["a", "a"]), "c", ["a", "b"])
    with pytest.raises(ShapeError, match="label them"):
        bridge.channel_index(piece.drop_vars("c"), "c", ["a"])
    assert bridge.channel_index(piece.drop_vars("c"), "c", ["a", "b"]).tolist() == [0, 1]


def test_regrid() -> None:
    grid = Grid(4, 1.0, 0.0, "m")
    assert bridge.regrid(line([0, 1, 2, 3.0]), "x", grid) is None
    assert bridge.regrid(line([0, 2, 4, 6.0]), "x", grid) == Grid(4, 2.0, 0.0, "m")
    assert bridge.regrid(line([0.5, 1.5, 2.5, 3.5]), "x", grid) == Grid(4, 1.0, 0.5, "m")
    assert bridge.regrid(line([0, 2, 4.0]), "x", grid) is None
    for start, beside in ((4, True), (2, True), (-4, True), (1.5, False), (-1, False)):
        moved = bridge.regrid(line([start + i for i in range(4)]), "x", grid)
        assert moved == Grid(4, 1.0, start, "m")
        assert bridge.is_beside(moved, grid) is beside
    assert bridge.regrid(line([5.0]), "x", Grid(1, 1.0, 0.0)) is None


def test_extended() -> None:
    grid = Grid(3, 10.0, 5.0, "s")
    assert bridge.extended(line([35.0, 45.0]), "x", grid) == Grid(5, 10.0, 5.0, "s")
    assert bridge.extended(line([25.0, 35.0]), "x", grid) == Grid(4, 10.0, 5.0, "s")
    for inside in ([5.0], [15.0, 25.0], [-5.0], [38.0]):
        assert bridge.extended(line(inside), "x", grid) is None
    for gap in ([45.0], [35.0, 55.0], [1e300]):
        with pytest.raises(ShapeError, match="leave a gap"):
            bridge.extended(line(gap), "x", grid)


def test_what_has_no_place_is_named() -> None:
    piece = labelled().assign_coords(wavelength=("c", [405, 488, 561]), stage=3.0)
    with pytest.warns(MetadataWarning, match=r"\['wavelength', 'stage'\] are no axes"):
        bridge.arranged(piece, default_axes())
    with pytest.raises(AxisError, match=r"DataArray"):
        bridge.arranged(np.zeros(3), default_axes())  # type: ignore[arg-type]  # that is the test
