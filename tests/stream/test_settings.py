from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from iohub.stream import (
    AcquisitionSettings,
    Dimension,
    OmeTiffFormat,
    OmeZarrFormat,
    Plate,
    Position,
    ScratchFormat,
)

YX = (Dimension(name="y", count=8), Dimension(name="x", count=9))


def dims(**sizes: Any) -> tuple[Dimension, ...]:
    made = [
        Dimension(name=name, coords=size)
        if isinstance(size, list)
        else Dimension(name=name, count=size)
        for name, size in sizes.items()
    ]
    return (*made, *YX)


def settings(*, root_path: str = "a.zarr", **more: Any) -> AcquisitionSettings:
    given = {"dimensions": dims(t=None, p=["a", "b"], z=3, c=["DAPI", "GFP"]), "dtype": "uint16"}
    return AcquisitionSettings(root_path=root_path, **{**given, **more})


def test_what_follows_from_dimensions() -> None:
    made = settings()
    assert made.shape == (None, 2, 3, 2, 8, 9)
    assert made.is_unbounded
    assert made.num_frames is None
    assert made.position_dimension_index == 1
    assert [p.name for p in made.positions] == ["a", "b"]
    assert made.storage_index_permutation == (0, 2, 1)
    assert [d.name for d in made.index_dimensions] == ["t", "z", "c"]
    assert [d.name for d in made.storage_index_dimensions] == ["t", "c", "z"]
    assert [d.name for d in made.array_dimensions] == ["t", "z", "c", "y", "x"]
    assert [d.name for d in made.array_storage_dimensions] == ["t", "c", "z", "y", "x"]
    assert [d.name for d in made.frame_dimensions] == ["y", "x"]
    assert made.validate_stream_ready()


def test_without_positions() -> None:
    made = settings(dimensions=dims(t=4, c=2))
    assert made.num_frames == 8
    assert made.position_dimension_index is None
    assert [p.name for p in made.positions] == ["0"]
    assert settings(dimensions=YX).num_frames == 1
    assert made.storage_index_permutation is None  # nothing is moved


def test_untyped_dimensions_are_permuted() -> None:
    """W16: without types the public package stores t, z, c, which OME-Zarr does not allow."""
    assert settings(dimensions=dims(t=2, z=3, c=2)).storage_index_permutation == (0, 2, 1)


@pytest.mark.parametrize(
    ("order", "form", "names"),
    [
        ("ome", "zarr", ["t", "c", "z"]),
        ("acquisition", "zarr", ["t", "c", "z"]),
        ("acquisition", "scratch", ["z", "t", "c"]),
        ("acquisition", "tiff", ["z", "t", "c"]),
        (["t", "c", "z", "y", "x"], "scratch", ["t", "c", "z"]),
        (["c", "p", "z", "t", "y", "x"], "scratch", ["c", "z", "t"]),
    ],
)
def test_storage_order(order: Any, form: str, names: list[str]) -> None:
    """W13: "acquisition" is allowed for OME-Zarr, as near as its rules let it be."""
    made = settings(
        root_path="a", dimensions=dims(z=3, p=2, t=2, c=2), storage_order=order, format=form
    )
    assert [dim.name for dim in made.storage_index_dimensions] == names


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"dimensions": YX[:1]}, "2 to 5 dimensions"),
        ({"dimensions": dims(a=1, b=1, c=1, d=1)}, "2 to 5 dimensions"),
        ({"dimensions": dims(z=3, t=None)}, "only the first"),
        ({"dimensions": dims(t=3) + dims(t=3)[:1]}, "twice"),
        ({"dimensions": (*YX, *dims(t=2)[:1])}, "type 'time'"),
        (
            {"dimensions": (*dims(p=2)[:1], Dimension(name="q", coords=[Position(name="a")]), *YX)},
            "only one dimension may be of positions",
        ),
        ({"backend": "tensorstore"}, "format='tensorstore'"),
        ({"extra": 1}, "not permitted"),
        ({"compression": "lzw"}, "no compression 'lzw'"),
        ({"compression": "zstd", "format": "tiff"}, "no compression 'zstd'"),
        ({"dtype": "nope"}, "no NumPy data type"),
        ({"format": "bogus"}, "no format or backend 'bogus'"),
        ({"storage_order": ["t", "c"]}, "does not name"),
        ({"storage_order": ["t", "c", "z", "x", "y"]}, "must end with"),
        ({"plate": Plate.from_standard_wells(6)}, "need a row and a column"),
        ({"plate": Plate.from_standard_wells(6), "dimensions": dims(t=2)}, "positions"),
    ],
)
def test_what_does_not_fit_is_refused(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**members)


def test_last_two_dimensions_become_space() -> None:
    odd = (Dimension(name="h", count=4), Dimension(name="w", count=4))
    with pytest.warns(UserWarning, match="has no type") as caught:
        made = settings(dimensions=odd)
    assert len(caught) == 2
    assert [dim.type for dim in made.dimensions] == ["space", "space"]


def test_path_without_suffix_warns() -> None:
    with pytest.warns(UserWarning, match="does not say which format"):
        made = settings(root_path="run")
    assert isinstance(made.format, OmeZarrFormat)
    assert made.output_path == "run.ome.zarr"


def test_formats_and_paths(tmp_path: Path) -> None:
    assert settings(root_path=tmp_path / "a.zarr").root_path == str(tmp_path / "a.zarr")
    assert isinstance(settings(root_path="a.ome.tif").format, OmeTiffFormat)
    assert isinstance(settings(root_path="").format, ScratchFormat)
    assert (
        settings(format={"name": "ome-zarr", "backend": "tensorstore"}).format.backend
        == "tensorstore"
    )
    assert (
        settings(root_path="s3://bucket/run", format="zarr").output_path
        == "s3://bucket/run.ome.zarr"
    )


@pytest.mark.parametrize(
    ("given", "name"), [("<u2", "uint16"), (float, "float64"), ("float32", "float32")]
)
def test_data_types_by_name(given: Any, name: str) -> None:
    assert settings(dtype=given).dtype == name


def test_assignment_is_checked() -> None:
    made = settings()
    made.dtype = "uint8"
    made.overwrite = True
    made.format = "tensorstore"
    assert made.format.backend == "tensorstore"
    with pytest.raises(ValidationError):
        made.compression = "lzw"


def test_well_outside_the_plate_warns() -> None:
    """W10: promised as a warning by the public package, which then fails."""
    spots = [Position(name="f", plate_row="Z", plate_column="1")]
    with pytest.warns(UserWarning, match="Z/1"):
        settings(plate=Plate.from_standard_wells(6), dimensions=dims(p=spots))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"dimensions": ()}, "dimensions"),
        ({"dtype": ""}, "dtype"),
        ({"root_path": "", "format": "zarr"}, "root_path"),
    ],
)
def test_incomplete_settings_make_no_stream(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings(**members).validate_stream_ready()
