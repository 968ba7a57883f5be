"""What lies on disk before the first frame, in every version of OME-Zarr."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iohub import open_ome_zarr
from iohub.errors import ExistsError, PathError
from iohub.models.validator.validate import validate
from iohub.stream import (
    AcquisitionSettings,
    Channel,
    Dimension,
    OmeZarrFormat,
    Plate,
    Position,
    plan_stream,
)
from iohub.stream.build import build_nodes

YX = (
    Dimension(name="y", count=64, unit="um", scale=0.5),
    Dimension(name="x", count=65, unit="um", scale=0.5),
)
WELLS = [
    Position(name="f0", plate_row="B", plate_column="3", x_coord=4),
    Position(name="f1", plate_row="B", plate_column="3"),
    Position(name="f0", plate_row="C", plate_column="2"),
]
versions = pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])


def settings(path: Path, version: str, *dims: Dimension, **more: Any) -> AcquisitionSettings:
    return AcquisitionSettings(
        root_path=path,
        dtype="uint16",
        format=OmeZarrFormat(version=version),
        dimensions=(Dimension(name="t", count=None), *dims, *YX),
        **more,
    )


def layout(path: Path, version: str, kind: str) -> AcquisitionSettings:
    channels = Dimension(name="c", coords=[Channel(name="DAPI", emission_wavelength_nm=460), "GFP"])
    if kind == "image":
        return settings(path, version, Dimension(name="z", count=3), channels)
    spots = WELLS if kind == "plate" else ["a", Position(name="a", grid_row=0, grid_column=1)]
    plate = Plate.from_standard_wells(96) if kind == "plate" else None
    return settings(path, version, Dimension(name="p", coords=spots), channels, plate=plate)


@versions
@pytest.mark.parametrize("kind", ["image", "series", "plate"])
def test_layouts_are_valid(tmp_path: Path, version: str, kind: str) -> None:
    made = layout(tmp_path / "a.zarr", version, kind)
    nodes = build_nodes(plan_stream(made))
    assert all(node.data.shape[0] == 0 for node in nodes)
    for node in nodes:
        node.data.resize((2, *node.data.shape[1:]))
    nodes[0].close()
    report = validate(made.output_path)
    assert not report.errors, str(report)
    with open_ome_zarr(made.output_path) as root:
        assert root.version == version


@versions
def test_plate(tmp_path: Path, version: str) -> None:
    made = layout(tmp_path / "a.zarr", version, "plate")
    build_nodes(plan_stream(made))[0].close()
    with open_ome_zarr(made.output_path) as plate:
        document = plate.metadata
        assert document.get_row_names() == list("ABCDEFGH")
        assert len(document.columns) == 12
        assert document.get_well_paths() == ["B/3", "C/2"]
        assert [w.row_index for w in document.wells] == [1, 2]
        assert [entry.id for entry in document.acquisitions] == [0]
        assert document.field_count == 2
        assert plate["B/3/f0"].translation == [0.0, 0.0, 0.0, 4.0]
        assert plate["B/3/f0"].stage_position.x == 4
        assert plate.channel_names == ["DAPI", "GFP"]


def test_shards_of_an_array_that_grows(tmp_path: Path) -> None:
    made = AcquisitionSettings(
        root_path=tmp_path / "a.zarr",
        dtype="uint16",
        dimensions=(Dimension(name="t", count=None, chunk_size=2, shard_size_chunks=4), *YX),
    )
    (node,) = build_nodes(plan_stream(made))
    assert (node.data.shape, node.data.chunks, node.data.shards) == (
        (0, 64, 65),
        (2, 64, 65),
        (8, 64, 65),
    )
    assert node.scale == [1.0, 0.5, 0.5]


def test_rows_that_the_plate_lacks_are_added(tmp_path: Path) -> None:
    """W10: the public package promises a warning, and fails."""
    spot = Position(name="f", plate_row="Z", plate_column="9")
    with pytest.warns(UserWarning, match="Z/9"):
        made = settings(
            tmp_path / "a.zarr",
            "0.5",
            Dimension(name="p", coords=[spot]),
            plate=Plate.from_standard_wells(6),
        )
    plan = plan_stream(made)
    build_nodes(plan)
    with open_ome_zarr(made.output_path) as plate:
        assert plate.metadata.get_row_names() == ["A", "B", "Z"]
        assert plate.metadata.get_column_names() == ["1", "2", "3", "9"]


def test_what_is_there_stays_unless_told(tmp_path: Path) -> None:
    made = settings(tmp_path / "a.zarr", "0.5")
    build_nodes(plan_stream(made))
    with pytest.raises(ExistsError):
        build_nodes(plan_stream(made))
    made.overwrite = True
    (node,) = build_nodes(plan_stream(made))
    assert node.data.shape == (0, 64, 65)


def test_only_a_zarr_store_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "thesis.txt").write_text("all of it")
    with pytest.raises(PathError, match="refusing to delete"):
        build_nodes(plan_stream(settings(tmp_path / "a.zarr", "0.5", overwrite=True)))
    assert (tmp_path / "a.zarr" / "thesis.txt").exists()


def test_urls_lead_to_their_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """W17: the public package makes a local folder "memory:"."""
    monkeypatch.chdir(tmp_path)
    made = settings("memory://stream-build/a.zarr", "0.5")
    build_nodes(plan_stream(made))
    assert not list(tmp_path.iterdir())
    with open_ome_zarr("memory://stream-build/a.zarr") as node:
        assert node.data.shape == (0, 64, 65)
