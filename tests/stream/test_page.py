"""Every name, field, argument and default that the page of ome-writers has works here."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest

import iohub.stream as stream
from iohub import open_ome_zarr

FIELDS = {
    "Dimension": {
        "name": ...,
        "count": None,
        "type": None,
        "coords": None,
        "chunk_size": None,
        "shard_size_chunks": None,
        "unit": None,
        "scale": None,
        "translation": None,
    },
    "Channel": {
        "name": ...,
        "excitation_wavelength_nm": None,
        "emission_wavelength_nm": None,
        "fluorophore": None,
        "color": None,
    },
    "Position": {
        "name": ...,
        "plate_row": None,
        "plate_column": None,
        "grid_row": None,
        "grid_column": None,
        "x_coord": None,
        "y_coord": None,
        "z_coord": None,
    },
    "Plate": {"row_names": ..., "column_names": ..., "name": None},
    "OmeZarrFormat": {"name": "ome-zarr", "backend": "auto", "suffix": ".ome.zarr"},
    "OmeTiffFormat": {
        "name": "ome-tiff",
        "backend": "auto",
        "suffix": ".ome.tiff",
        "prefer_single_file": "auto",
        "multi_file_metadata": "redundant",
        "companion_file": "companion.ome",
    },
    "ScratchFormat": {
        "name": "scratch",
        "backend": "scratch",
        "max_memory_bytes": 4 * 2**30,
        "suffix": "",
        "spill_to_disk": True,
    },
    "AcquisitionSettings": {
        "root_path": "",
        "dimensions": (),
        "dtype": "",
        "format": "auto",
        "compression": None,
        "storage_order": "ome",
        "plate": None,
        "overwrite": False,
    },
}
METHODS = {
    "append": ["frame", "frame_metadata"],
    "skip": ["frames"],
    "get_metadata": [],
    "update_metadata": ["metadata"],
    "set_global_metadata": ["namespace", "metadata"],
    "close": [],
    "on": ["event", "callback"],
    "view": ["dynamic_shape", "strict"],
}
PROPERTIES = [
    "output_path",
    "shape",
    "is_unbounded",
    "num_frames",
    "positions",
    "position_dimension_index",
    "frame_dimensions",
    "index_dimensions",
    "array_dimensions",
    "storage_index_dimensions",
    "storage_index_permutation",
    "array_storage_dimensions",
]


@pytest.mark.parametrize("name", stream.__all__)
def test_name_is_there(name: str) -> None:
    assert getattr(stream, name) is not None
    assert name in dir(stream)


def test_other_names_are_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Streamer'"):
        stream.Streamer  # noqa: B018


@pytest.mark.parametrize("model", FIELDS)
def test_fields_and_their_defaults(model: str) -> None:
    fields = getattr(stream, model).model_fields
    for name, default in FIELDS[model].items():
        assert fields[name].is_required() == (default is ...), name
        if default is not ...:
            assert fields[name].default == default, name


@pytest.mark.parametrize("method", METHODS)
def test_methods_of_a_stream(method: str) -> None:
    parameters = inspect.signature(getattr(stream.OMEStream, method)).parameters
    assert set(METHODS[method]) <= set(parameters)


@pytest.mark.parametrize("name", PROPERTIES)
def test_properties_need_dimensions(name: str) -> None:
    with pytest.raises(ValueError, match="dimensions"):
        getattr(stream.AcquisitionSettings(), name)


def test_axes_are_equal_to_their_letters() -> None:
    assert [str(axis) for axis in stream.StandardAxis] == ["x", "y", "z", "c", "t", "p"]
    assert stream.StandardAxis.TIME == "t"


def test_import_is_light() -> None:
    code = "import sys, iohub.stream; sys.exit('numpy' in sys.modules or 'zarr' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_usage_of_the_page_runs(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's own example, with its import line changed and frames put in."""
    monkeypatch.chdir(tmp_path)
    page = """
from iohub.stream import AcquisitionSettings, Dimension, create_stream

settings = AcquisitionSettings(
    root_path="example_5d_image.ome.zarr",
    dimensions=[
        Dimension(name="t", count=10, chunk_size=1, type="time"),
        Dimension(name="c", count=2, chunk_size=1, type="channel"),
        Dimension(name="z", count=5, chunk_size=1, type="space", scale=5),
        Dimension(name="y", count=256, chunk_size=64, type="space", scale=0.1),
        Dimension(name="x", count=256, chunk_size=64, type="space", scale=0.1),
    ],
    dtype="uint16",
    overwrite=True,
)

with create_stream(settings) as stream:
    for frame in frames:
        stream.append(frame)
"""
    frames = np.random.default_rng(0).integers(0, 99, (100, 256, 256), "uint16")
    exec(page, {"frames": frames})
    with open_ome_zarr("example_5d_image.ome.zarr") as position:
        np.testing.assert_array_equal(position.data[...], frames.reshape(10, 2, 5, 256, 256))
        assert position.scale == [1, 1, 5, 0.1, 0.1]
        assert position.data.chunks == (1, 1, 1, 64, 64)
