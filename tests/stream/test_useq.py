"""Settings of useq sequences, against the events that useq itself makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import useq

from iohub import open_ome_zarr
from iohub.errors import IohubError, IohubWarning, MissingDependencyError
from iohub.stream import (
    AcquisitionSettings,
    Channel,
    FrameRouter,
    create_stream,
    dims_from_useq,
    useq_indexer,
    useq_to_acquisition_settings,
)
from iohub.stream import useq as module

T = {"interval": 0.5, "loops": 3}
Z = {"range": 2, "step": 1}
GRID = {"rows": 2, "columns": 2}
WELLS = useq.WellPlatePlan(
    plate=96,
    a1_center_xy=(0, 0),
    selected_wells=([0, 1], [0, 1]),
    well_points_plan={"rows": 1, "columns": 2},
)
SEQUENCES: dict[str, dict[str, Any]] = {
    "frame": {},
    "time": {"time_plan": T},
    "tcz": {"time_plan": T, "channels": ["DAPI", "FITC"], "z_plan": Z},
    "tzc": {"time_plan": T, "channels": ["DAPI", "FITC"], "z_plan": Z, "axis_order": "tpgzc"},
    "positions": {"stage_positions": [(1, 2, 3), (4, 5, 6)], "time_plan": T, "channels": ["A"]},
    "positions-first": {"stage_positions": [(1, 2), (4, 5)], "time_plan": T, "axis_order": "pgtcz"},
    "grid": {"grid_plan": GRID, "channels": ["A", "B"]},
    "random": {
        "grid_plan": useq.RandomPoints(num_points=3, max_width=9, max_height=9, random_seed=1)
    },
    "positions-grid": {"stage_positions": [(1, 2, 3), (4, 5, 6)], "grid_plan": GRID, "z_plan": Z},
    "grid-positions": {
        "stage_positions": [(1, 2), (4, 5)],
        "grid_plan": GRID,
        "axis_order": "tgpcz",
        "channels": ["A", "B"],
    },
    "own-grid": {
        "stage_positions": [{"x": 1, "y": 2, "sequence": {"grid_plan": GRID}}, (3, 4)],
        "time_plan": T,
    },
    "wells": {"stage_positions": WELLS, "channels": ["A", "B"]},
    "phases": {"time_plan": [{"interval": 1, "loops": 2}, {"interval": 3, "loops": 2}]},
    "z-list": {"z_plan": {"relative": [0, 1, 5]}, "stage_positions": [(0, 0, 7)]},
}


def settings(**members: Any) -> AcquisitionSettings:
    found = useq_to_acquisition_settings(useq.MDASequence(**members), 32, 16)
    return AcquisitionSettings(root_path="a.zarr", dtype="uint16", **found)


@pytest.mark.parametrize("name", SEQUENCES)
def test_frames_come_in_the_order_of_events(name: str) -> None:
    members = SEQUENCES[name]
    made = settings(**members)
    router = FrameRouter(made)
    seq = useq.MDASequence(**members)
    events = list(seq) or [useq.MDAEvent()]  # an empty sequence is one frame to the settings
    assert router.num_frames == len(events)
    at = useq_indexer(seq)
    stored = [dim.name for dim in made.storage_index_dimensions]
    for number, event in enumerate(events):
        position, index = next(router)
        assert router.locate(at(event)) == (number, (position, index))
        by_name = {str(getattr(k, "value", k)): v for k, v in event.index.items()}
        assert index == tuple(by_name[axis] for axis in stored)
        spot = made.positions[position]
        if made.position_dimension_index is not None:
            assert (spot.x_coord, spot.y_coord) == (event.x_pos, event.y_pos)


def test_dimensions() -> None:
    found = useq_to_acquisition_settings(
        useq.MDASequence(**SEQUENCES["tcz"]),
        32,
        16,
        pixel_size_um=0.25,
        units={"z": (2.0, "nm"), "t": None},
        chunk_shapes={"z": 2},
        shard_shapes={"x": 1},
    )
    t, c, z, y, x = found["dimensions"]
    assert (t.count, t.scale, t.unit) == (3, None, None)
    assert c.coords == [Channel(name="DAPI"), Channel(name="FITC")]
    assert (z.count, z.scale, z.unit, z.chunk_size) == (3, 2.0, "nanometer", 2)
    assert (y.count, y.scale, y.unit) == (16, 0.25, "micrometer")
    assert (x.count, x.shard_size_chunks) == (32, 1)
    assert found["plate"] is None


@pytest.mark.parametrize("duration", [0, 3])
def test_time_without_interval_is_unbounded(duration: float) -> None:
    made = settings(time_plan={"interval": 0, "duration": duration})
    assert made.is_unbounded


def test_wells() -> None:
    made = settings(**SEQUENCES["wells"])
    assert made.plate is not None
    assert made.plate.row_names[:2] == ["A", "B"]
    wells = [(p.plate_row, p.plate_column, p.name, p.grid_column) for p in made.positions]
    assert wells == [
        ("A", "1", "fov0", 0),
        ("A", "1", "fov1", 1),
        ("B", "2", "fov0", 0),
        ("B", "2", "fov1", 1),
    ]


def test_names_of_channels_are_unique() -> None:
    made = settings(channels=[{"config": "A", "group": "G"}, {"config": "A", "group": "H"}])
    assert [item.name for item in made.dimensions[0].coords] == ["G-A", "H-A"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"channels": [{"config": "A", "do_stack": False}], "z_plan": Z}, "do_stack"),
        ({"channels": [{"config": "A", "acquire_every": 2}], "time_plan": T}, "acquire_every"),
        ({"stage_positions": [{"x": 1, "y": 1, "sequence": {"z_plan": Z}}]}, "ragged"),
        ({"stage_positions": WELLS, "grid_plan": GRID}, "well_points_plan"),
        ({"stage_positions": [(1, 2)], "grid_plan": GRID, "axis_order": "ptgcz"}, "next to each"),
    ],
)
def test_irregular_sequences_are_refused(members: dict[str, Any], message: str) -> None:
    with pytest.raises(NotImplementedError, match=message) as caught:
        settings(**members)
    assert isinstance(caught.value, IohubError)


def test_grids_inside_channels_are_placed_by_event() -> None:
    """The sequence goes through the grid for each channel; the dimensions say otherwise."""
    members = {**SEQUENCES["own-grid"], "channels": ["A", "B"]}
    with pytest.warns(IohubWarning, match="useq_indexer"):
        made = settings(**members)
    seq = useq.MDASequence(**members)
    at, router = useq_indexer(seq), FrameRouter(made)
    numbers = [router.locate(at(event))[0] for event in seq]
    assert sorted(numbers) == list(range(router.num_frames))
    assert numbers != sorted(numbers)


def test_old_name_warns() -> None:
    with pytest.warns(DeprecationWarning, match="dims_from_useq"):
        dims = dims_from_useq(useq.MDASequence(time_plan=T), 8, 8)
    assert [dim.name for dim in dims] == ["t", "y", "x"]


def test_old_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.metadata, "version", lambda name: "0.8.1")
    with pytest.raises(MissingDependencyError, match="too old"):
        useq_to_acquisition_settings(useq.MDASequence(), 8, 8)


@pytest.mark.filterwarnings("ignore:positions with a grid of their own")
@pytest.mark.parametrize(
    ("name", "by_event"),
    [
        *((name, how) for name in ("tzc", "positions-grid", "wells") for how in (False, True)),
        ("own-grid-channels", True),  # its frames do not come in the order of dimensions
    ],
)
def test_streams_of_sequences(tmp_path: Path, name: str, by_event: bool) -> None:
    """Each frame, which holds the number of its event, lies where the event says."""
    members = SEQUENCES.get(name) or {**SEQUENCES["own-grid"], "channels": ["A", "B"]}
    seq = useq.MDASequence(**members)
    made = AcquisitionSettings(
        root_path=tmp_path / "a.zarr",
        dtype="uint16",
        **useq_to_acquisition_settings(seq, 6, 4),
    )
    at, events = useq_indexer(seq), list(seq)
    with create_stream(made) as stream:
        for number, event in enumerate(events):
            where = {"at": at(event)} if by_event else {}
            stream.append(np.full((4, 6), number + 1, "uint16"), **where)
        view = stream.view()
        assert view.shape == made.shape
    for number, event in enumerate(events):
        index = at(event)
        pixels = view[tuple(index.get(dim.name, 0) for dim in made.dimensions[:-2])]
        assert (pixels == number + 1).all()
    with open_ome_zarr(tmp_path / "a.zarr") as root:
        if made.plate is not None:
            assert [path for path, _ in root.positions()] == [
                "A/1/fov0",
                "A/1/fov1",
                "B/2/fov0",
                "B/2/fov1",
            ]
