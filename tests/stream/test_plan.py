from __future__ import annotations

import pickle
import warnings
from typing import Any

import pytest

from iohub.errors import (
    AxisError,
    IohubError,
    MemoryLimitError,
    MetadataWarning,
    NameWarning,
    PathError,
    ShapeError,
    UnsupportedError,
)
from iohub.storage.codecs import Blosc, Zstd
from iohub.stream import (
    AcquisitionSettings,
    Channel,
    Dimension,
    OmeTiffFormat,
    OmeZarrFormat,
    Plate,
    Position,
    StreamOptions,
    plan_stream,
)

YX = (Dimension(name="y", count=64), Dimension(name="x", count=100))
MIB = 2**20


def settings(*dims: Dimension, **more: Any) -> AcquisitionSettings:
    given = {"root_path": "a.zarr", "dtype": "uint16", **more}
    return AcquisitionSettings(dimensions=(*dims, *YX), **given)


def positions(*spots: Any) -> Dimension:
    return Dimension(name="p", coords=list(spots))


def test_arrays() -> None:
    plan = plan_stream(
        settings(
            Dimension(name="t", count=None, chunk_size=2, shard_size_chunks=4, unit="ms", scale=5),
            positions("a", Position(name="b", grid_row=0, grid_column=2)),
            Dimension(name="z", count=3, scale=2),
            Dimension(name="c", coords=["DAPI", "GFP"]),
            compression="blosc-lz4",
        )
    )
    first, second = plan.arrays
    assert (first.path, second.path) == ("a", "b_0_2")
    assert (first.shape, first.unbounded) == ((0, 2, 3, 64, 100), 0)
    assert (first.chunks, first.shards) == ((2, 1, 1, 64, 100), (8, 1, 1, 64, 100))
    assert first.scale == (5.0, 1.0, 2.0, 1.0, 1.0)
    assert first.compression == Blosc("lz4", 5, "shuffle")
    assert (first.frame_shape, first.frame_bytes) == ((64, 100), 12800)
    assert "shape t ∞, c 2, z 3" in str(plan)
    assert pickle.loads(pickle.dumps(plan)).arrays == plan.arrays


def test_settings_are_copied() -> None:
    made = settings(Dimension(name="t", count=3))
    plan = plan_stream(made)
    made.dimensions[0].count = 99
    made.root_path = "b.zarr"
    assert plan.num_frames == 3
    assert plan.output_path == "a.zarr"


@pytest.mark.parametrize(
    ("intent", "chunks"),
    [("plane", (1, 1, 1500, 600)), ("tile", (1, 1, 512, 512)), ("volume", (1, 10, 1500, 600))],
)
def test_chunks_by_intent(intent: Any, chunks: tuple[int, ...]) -> None:
    made = AcquisitionSettings(
        root_path="a.zarr",
        dtype="uint16",
        dimensions=[
            Dimension(name=n, count=s) for n, s in (("t", 5), ("z", 10), ("y", 1500), ("x", 600))
        ],
    )
    assert plan_stream(made, StreamOptions(chunks=intent)).arrays[0].chunks == chunks


def test_what_a_dimension_says_holds() -> None:
    made = settings(Dimension(name="z", count=10, chunk_size=2))
    assert plan_stream(made, StreamOptions(chunks="volume")).arrays[0].chunks == (2, 64, 100)
    # No chunk is larger than the array, no shard has more chunks.
    large = settings(Dimension(name="z", count=10, chunk_size=99, shard_size_chunks=5))
    array = plan_stream(large).arrays[0]
    assert (array.chunks, array.shards) == ((10, 64, 100), (10, 64, 100))


# ---- memory -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dims", "frames"),
    [
        ([("t", 10, 1), ("c", 2, 1)], 1),
        ([("t", 10, 1), ("z", 8, 4)], 4),
        ([("t", 10, 5), ("z", 8, 1)], 5 * 8),
        ([("t", 10, 5), ("p", 3, None), ("z", 8, 1)], 5 * 3 * 8),
        ([("p", 3, None), ("t", 10, 5), ("z", 8, 1)], 5 * 8),
        ([("t", None, 5), ("p", 3, None)], 15),
    ],
)
def test_frames_that_stay_open(dims: Any, frames: int) -> None:
    made = settings(*(Dimension(name=n, count=s, chunk_size=k) for n, s, k in dims))
    assert plan_stream(made).open_bytes == frames * 12800


def test_too_much_memory_is_refused_with_the_figure() -> None:
    made = settings(Dimension(name="t", count=None, chunk_size=1000), Dimension(name="z", count=50))
    with pytest.raises(
        MemoryLimitError, match=r"610 MiB for open chunks.*may use 600 MiB"
    ) as caught:
        plan_stream(made, StreamOptions(max_memory=600 * MIB))
    assert isinstance(caught.value, MemoryError)


def test_memory_may_be_a_fraction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OME_WRITERS_CHUNK_MEMORY_FRACTION", "1e-9")
    with pytest.raises(MemoryError):
        plan_stream(settings(Dimension(name="t", count=None)))
    monkeypatch.setenv("OME_WRITERS_CHUNK_MEMORY_FRACTION", "much")
    with pytest.raises(ValueError, match="is no number"):
        plan_stream(settings(Dimension(name="t", count=None)))


@pytest.mark.parametrize(
    "options",
    [
        {"on_full": "wait"},
        {"fsync": "always"},
        {"chunks": "big"},
        {"method": "sum"},
        {"levels": 0},
        {"queue_bytes": 1.5},
        {"flush_seconds": 0},
    ],
)
def test_odd_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))) as caught:
        StreamOptions(**options)
    assert isinstance(caught.value, IohubError)


# ---- where positions lie ----------------------------------------------------------------------


def test_single_image() -> None:
    assert [array.path for array in plan_stream(settings()).arrays] == [""]
    only = plan_stream(settings(positions("a/b"))).arrays
    assert [(array.path, array.acquisition.name) for array in only] == [("", "a/b")]


def test_one_name_in_a_grid_of_a_well_is_two_places() -> None:
    """W10: the public package writes the second position over the first."""
    spots = [
        Position(name="f", plate_row="A", plate_column="1", grid_row=0, grid_column=i)
        for i in range(2)
    ]
    plan = plan_stream(settings(positions(*spots), plate=Plate.from_standard_wells(6)))
    assert [array.path for array in plan.arrays] == ["A/1/fr0c0", "A/1/fr0c1"]


@pytest.mark.parametrize("name", ["a/b", "..", ".", "OME", "labels", "zarr.json", "a\\b"])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    """W11: the public package nests groups, leaves the store, or overwrites the group OME."""
    with pytest.raises(PathError):
        plan_stream(settings(positions(name, "b")))


def test_names_that_collide_are_told() -> None:
    with pytest.warns(NameWarning, match=r"'[aA]' and '[aA]'"):
        plan_stream(settings(positions("a", "A")))
    spots = [Position(name="a_0_1"), Position(name="a", grid_row=0, grid_column=1)]
    with pytest.raises(PathError, match="would both lie in"):
        plan_stream(settings(positions(*spots)))


def test_names_of_fields_follow_the_version() -> None:
    spot = Position(name="pos-1", plate_row="A", plate_column="1")
    with pytest.raises(PathError, match="field of view"):
        plan_stream(settings(positions(spot), plate=Plate.from_standard_wells(6)))
    newest = OmeZarrFormat(version="0.6")
    made = settings(positions(spot), plate=Plate.from_standard_wells(6), format=newest)
    assert plan_stream(made).arrays[0].path == "A/1/pos-1"


# ---- what is written beside pixels ------------------------------------------------------------


def test_stage_is_part_of_the_translation() -> None:
    """W18: the public package drops stage coordinates."""
    dims = (
        Dimension(name="z", count=2, unit="nm", translation=5),
        Dimension(name="y", count=4, unit="um", scale=0.5),
        Dimension(name="x", count=4, scale=0.5),
    )
    spot = Position(name="a", x_coord=10, y_coord=-20, z_coord=3)
    made = AcquisitionSettings(
        root_path="a.zarr", dtype="uint8", dimensions=(positions(spot), *dims)
    )
    array = plan_stream(made).arrays[0]
    assert array.translation == (3005.0, -20.0, 10.0)
    stage = array.acquisition.stage
    assert (stage.x, stage.y, stage.z, stage.unit) == (10, -20, 3, "micrometer")


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int16", "bool"])
def test_channels_of_any_type(dtype: str) -> None:
    """W7: floats and named channels are an error in the public package."""
    red = Channel(name="q", color="red", emission_wavelength_nm=520, fluorophore="GFP")
    made = settings(Dimension(name="c", coords=[red, "DAPI"]), dtype=dtype)
    array = plan_stream(made).arrays[0]
    assert [channel.label for channel in array.channels] == ["q", "DAPI"]
    assert array.channels[0].color == "FF0000"
    assert array.channels[0].to_json()["emissionWave"] == 520
    assert array.acquisition.channels[0].emission == 520


def test_time_between_frames() -> None:
    made = settings(Dimension(name="t", count=3, unit="ms", scale=250))
    assert plan_stream(made).arrays[0].acquisition.time_increment == 0.25
    as_fast_as_possible = settings(Dimension(name="t", count=3, unit="s", scale=0))
    assert plan_stream(as_fast_as_possible).arrays[0].scale[0] == 1.0


def test_order_of_acquisition_is_as_near_as_allowed() -> None:
    """W13: an error in the public package."""
    dims = [Dimension(name="z", count=2), Dimension(name="t", count=2)]
    with pytest.warns(MetadataWarning, match="stored as t, z, y, x"):
        plan_stream(settings(*dims, storage_order="acquisition"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan_stream(settings(*dims[::-1], storage_order="acquisition"))
    with pytest.raises(AxisError, match="storage_order='ome' is allowed"):
        plan_stream(settings(*dims, storage_order=["z", "t", "y", "x"]))


@pytest.mark.parametrize(
    ("dims", "members", "options", "error"),
    [
        (
            [Dimension(name="t", count=2, shard_size_chunks=2)],
            {"format": OmeZarrFormat(version="0.4")},
            {},
            ShapeError,
        ),
        (
            [Dimension(name="c", count=2), Dimension(name="angle", count=2, type="other")],
            {},
            {},
            AxisError,
        ),
        (
            [positions("a", "b")],
            {"root_path": "a.tif", "format": OmeTiffFormat(prefer_single_file=True)},
            {},
            UnsupportedError,
        ),
        ([], {"root_path": "a.tif"}, {"levels": 2}, UnsupportedError),
    ],
)
def test_what_a_file_cannot_have_is_refused(
    dims: Any, members: dict[str, Any], options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        plan_stream(settings(*dims, **members), StreamOptions(**options))


@pytest.mark.parametrize(
    "members",
    [
        {"compression": "zstd"},
        {"dimensions": (Dimension(name="c", count=2), Dimension(name="t", count=2), *YX)},
        {"version": "0.4"},
    ],
)
def test_limits_of_acquire(members: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iohub.stream.formats.have", lambda name: True)
    given = {"dimensions": (Dimension(name="t", count=2), *YX), **members}
    form = OmeZarrFormat(backend="acquire-zarr", version=given.pop("version", None))
    made = AcquisitionSettings(root_path="a.zarr", dtype="uint8", format=form, **given)
    with pytest.raises(NotImplementedError, match=r"does not support|Zarr 3"):
        plan_stream(made)


def test_codecs() -> None:
    found = [
        plan_stream(settings(compression=name)).arrays[0].compression
        for name in (None, "none", "blosc-zstd", "zstd")
    ]
    assert found == [None, None, Blosc("zstd", 3, "shuffle"), Zstd(3)]
