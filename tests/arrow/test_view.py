"""Pictures of records: what is drawn, in which colours, and what is refused before reading."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.arrow import OMEArrow, from_numpy, to_ome_arrow, view_matplotlib, view_pyvista
from iohub.errors import FormatError

Z, Y, X = np.mgrid[:6, :20, :30]
BLOB = (1000 * np.exp(-((Z - 3) ** 2 + (Y - 10) ** 2 / 9 + (X - 15) ** 2 / 9) / 4)).astype("u2")


def record():
    channels = [{"name": "DAPI <1>", "color_rgba": 0x0000FFFF}, {"name": "plain"}]
    planes = [{"t": 0, "c": c, "z": z, "pixels": BLOB[z].ravel()} for c in (0, 1) for z in range(6)]
    return to_ome_arrow(
        image_id="A/1/0",
        size_x=30,
        size_y=20,
        size_z=6,
        size_c=2,
        physical_size_z=2.0,
        channels=channels,
        planes=planes,
    )


@pytest.fixture
def pyplot(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield pyplot
    pyplot.close("all")


def test_a_plane_in_the_colour_of_its_channel(pyplot):
    figure, axes, image = OMEArrow(record()).view(tcz=(0, 0, 3))
    assert np.array_equal(image.get_array(), BLOB[3])
    assert image.get_clim() == (BLOB[3].min(), BLOB[3].max())
    assert np.allclose(image.cmap(1.0), (0, 0, 1, 1))
    assert not axes.axison
    file = io.BytesIO()
    figure.savefig(file)
    drawn = pyplot.imread(io.BytesIO(file.getvalue()))
    assert (drawn[..., 2] - drawn[..., 0]).max() > 0.9  # there is blue
    assert view_matplotlib(record(), (0, 1, 3), show=False)[2].cmap.name == "gray"
    assert view_matplotlib(record(), cmap="viridis")[2].cmap.name == "viridis"


def test_limits_that_are_given_or_known(pyplot, tmp_path):
    assert view_matplotlib(record(), vmin=3, vmax=9)[2].get_clim() == (3, 9)
    assert view_matplotlib(record(), autoscale=False)[2].get_clim() == (0, 65535)
    floats = from_numpy(BLOB[None, None] / 1000, clamp_to_uint16=False)
    assert view_matplotlib(floats, autoscale=False)[2].get_clim() == (0, 1)
    path = tmp_path / "x.zarr"
    OMEArrow(record()).export("zarr", out=str(path))
    with open_ome_zarr(path, mode="r+") as position:
        position.set_contrast_limits("plain", {"start": 5, "end": 7, "min": 0, "max": 9})
    image = OMEArrow(str(path))
    assert image.view(tcz=(0, 1, 3), autoscale=False)[2].get_clim() == (5, 7)
    assert image.view(tcz=(0, 1, 3))[2].get_clim() == (BLOB[3].min(), BLOB[3].max())


@pytest.mark.parametrize("how", ["parquet", "vortex", "ome-arrow-dataset"])
def test_limits_that_a_table_notes(pyplot, tmp_path, how):
    if how == "vortex":
        pytest.importorskip("vortex")
    zarr, path = tmp_path / "x.zarr", tmp_path / f"x.{how}"
    OMEArrow(record()).export("zarr", out=str(zarr))
    with open_ome_zarr(zarr, mode="r+") as position:
        position.set_contrast_limits("plain", {"start": 5, "end": 7, "min": 0, "max": 9})
        position.export(path, format=None if how != "ome-arrow-dataset" else how, progress=False)
    image = OMEArrow(str(path))
    assert image.view(tcz=(0, 1, 3), autoscale=False)[2].get_clim() == (5, 7)
    noted = image._repr_html_()
    path.rename(tmp_path / "gone")
    assert image._repr_html_() != noted  # what is least and largest instead


def test_planes_and_ways_that_there_are_not(pyplot, tmp_path):
    with pytest.raises(ValueError, match="matplotlib"):
        OMEArrow.scan(str(tmp_path / "missing.parquet")).view("napari")
    with pytest.raises(ValueError, match="z = 6"):
        view_matplotlib(record(), (0, 0, 6))
    sparse = to_ome_arrow(
        size_z=2, planes=[{"t": 0, "c": 0, "z": 0, "pixels": [1]}], build_chunks=False
    )
    with pytest.raises(FormatError, match="z=1"):
        view_matplotlib(sparse, (0, 0, 1))
    for wrong in ({"backend": "x"}, {"interpolation": "x"}, {"downsample": 0}, {"c": 2}):
        with pytest.raises(ValueError):  # noqa: PT011
            view_pyvista(record(), show=False, **wrong)


def test_a_volume_off_screen(monkeypatch):
    monkeypatch.setenv("PYVISTA_OFF_SCREEN", "true")
    pyvista = pytest.importorskip("pyvista")
    monkeypatch.setattr(pyvista, "OFF_SCREEN", True)
    plotter = OMEArrow(record()).view("pyvista", show=False, downsample=2)
    assert isinstance(plotter, pyvista.Plotter)
    (actor,) = [each for each in plotter.actors.values() if isinstance(each, pyvista.Volume)]
    assert tuple(actor.mapper.dataset.dimensions) == (15, 10, 3)
    assert tuple(actor.mapper.dataset.spacing) == (2, 2, 4)
    drawn = plotter.screenshot(return_img=True, window_size=(200, 150)).astype(int)
    plotter.close()
    # What is bright is blue, and in the middle.
    rows, columns = np.nonzero(drawn[..., 2] > drawn[..., 2].max() // 2)
    assert 50 < rows.mean() < 100
    assert 70 < columns.mean() < 130
    flat = from_numpy(BLOB[None, None, :1])
    view_pyvista(flat, show=False, scaling_values=(1, 1, 1), clim=(0, 5), show_axes=False).close()


def test_a_package_that_is_missing_is_a_runtime_error(monkeypatch):
    import sys

    for name in ("pyvista", "matplotlib.pyplot", "torch"):
        monkeypatch.setitem(sys.modules, name, None)
    image = OMEArrow(record())
    with pytest.raises(RuntimeError, match=r"pip install .iohub\[view\]"):
        image.view("pyvista")
    with pytest.raises(ImportError, match="iohub"):
        image.view()
    with pytest.raises(RuntimeError, match="torch"):
        image.tensor_view().to_torch()


# notebooks


def picture(html: str) -> np.ndarray:
    PIL = pytest.importorskip("PIL.Image")  # noqa: N806
    raw = base64.b64decode(re.search(r"base64,([^\"]+)", html).group(1))
    with PIL.open(io.BytesIO(raw)) as image:
        return np.asarray(image)


def test_notebooks_show_the_plane_and_what_is_known(tmp_path):
    image = OMEArrow(record(), tcz=(0, 0, 3))
    html = image._repr_html_()
    drawn = picture(html)
    scaled = np.round(255.0 * BLOB[3] / BLOB[3].max())
    assert np.array_equal(drawn[..., 2], scaled.astype(np.uint8))
    assert not drawn[..., :2].any()
    for text in ("A/1/0", "DAPI &lt;1&gt;", "uint16 (1, 2, 6, 20, 30)", "z 2 µm"):
        assert text in html
    path = str(tmp_path / "x.parquet")
    lazy = OMEArrow.scan(path)
    assert "not read yet" in lazy._repr_html_()
    assert lazy.is_lazy
    beyond = OMEArrow(record(), tcz=(0, 0, 9))._repr_html_()
    assert "z = 9" in beyond


@pytest.mark.parametrize("dtype", ["bool", "i1", "f4", "c8"])
def test_every_data_type_is_shown(dtype):
    pixels = (BLOB[3] > 100).astype(dtype)
    html = OMEArrow(from_numpy(pixels[None, None, None], clamp_to_uint16=False))._repr_html_()
    assert np.array_equal(picture(html)[..., 0] == 255, BLOB[3] > 100)


def test_large_and_empty_planes_are_shown():
    large = OMEArrow(np.ones((1, 1, 1, 3, 2000), np.uint16))
    assert picture(large._repr_html_()).shape == (1, 500, 3)
    nothing = np.full((1, 1, 1, 2, 2), np.nan, np.float32)
    assert not picture(OMEArrow(from_numpy(nothing, clamp_to_uint16=False))._repr_html_()).any()
