"""No stream begins where another one writes, or was killed and not recovered."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import ConflictError
from iohub.stream import (
    AcquisitionSettings,
    OmeTiffFormat,
    create_stream,
    dims_from_standard_axes,
    recover_stream,
)
from iohub.stream.journal import journals_in

FRAME = np.full((8, 8), 7, np.uint16)


def settings_for(path, t=None, **more):
    sizes = {"t": t, **more.pop("axes", {}), "y": 8, "x": 8}
    return AcquisitionSettings(
        root_path=str(path), dimensions=dims_from_standard_axes(sizes), dtype="uint16", **more
    )


def leave_behind(path, folder, t=None, frames=3, **more):
    """Leave a dataset and its journal, as a killed program does."""
    stream = create_stream(settings_for(path, t, **more))
    for _ in range(frames):
        stream.append(FRAME)
    stream.flush()
    (journal,) = journals_in(str(folder))
    shutil.copy(journal, f"{folder}/kept")
    stream.close()
    shutil.move(f"{folder}/kept", journal)


def test_what_was_killed_is_recovered_before_more_is_appended(tmp_path):
    path = tmp_path / "a.ome.zarr"
    leave_behind(path, path)
    with open_ome_zarr(path, mode="r+") as position:
        with pytest.raises(ConflictError, match="recover_stream"):
            position.data.stream(axis="t")
        recover_stream(path)
        with position.data.stream(axis="t") as stream:
            stream.append(FRAME)
        assert position.data.shape == (4, 8, 8)


def test_a_field_opened_by_itself_sees_the_journal_of_its_plate(tmp_path):
    path = tmp_path / "p.ome.zarr"
    with open_ome_zarr(path, layout="hcs", mode="w", channel_names=["c"]) as plate:
        wells = {"positions": ["A/1/0", "A/2/0"]}
        running = plate.create_stream({"t": None, "y": 8, "x": 8}, "uint16", **wells)
        with (
            open_ome_zarr(path / "A/1/0", mode="r+") as field,
            pytest.raises(ConflictError, match="another stream"),
        ):
            field.data.stream(axis="t")
        with plate.create_stream({"y": 8, "x": 8}, "uint16", positions=["B/1/0"]) as other:
            other.append(FRAME)  # elsewhere in the plate is free
        running.close()


def test_two_streams_into_one_array_and_one_dataset(tmp_path):
    path = tmp_path / "a.ome.zarr"
    with create_stream(settings_for(path, 2)) as stream:
        stream.append(FRAME)
        with pytest.raises(ConflictError, match="another stream writes"):
            create_stream(settings_for(path, 2, overwrite=True))
    with (
        open_ome_zarr(path, mode="r+") as position,
        position.data.stream(axis="t"),
        pytest.raises(ConflictError, match="another stream writes"),
    ):
        position.data.stream(axis="t")
    with create_stream(settings_for(path, 2, overwrite=True)) as stream:
        stream.append(FRAME)


def test_a_new_tiff_has_nothing_of_a_killed_one(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "a.ome.tiff"
    leave_behind(path, tmp_path, t=40)
    with create_stream(settings_for(path, 2, overwrite=True)) as stream:
        stream.append(FRAME)
        with pytest.raises(ConflictError, match="another stream writes"):
            create_stream(settings_for(path, 2, overwrite=True))
        stream.append(FRAME)
    assert recover_stream(path) == ()
    assert tifffile.imread(path).shape == (2, 8, 8)


def test_files_of_further_positions_do_not_stay(tmp_path):
    form = OmeTiffFormat(prefer_single_file="never")
    for count in (3, 2):
        axes = {"p": [f"spot{i}" for i in range(count)]}
        path = tmp_path / "run_p000.ome.tiff"
        settings = settings_for(path, 1, axes=axes, format=form, overwrite=True)
        with create_stream(settings) as stream:
            for _ in range(count):
                stream.append(FRAME)
        folder = tmp_path / "run_p000"
        (folder / "notes_p007.ome.tiff").touch()  # somebody else's
    names = sorted(entry.name for entry in folder.iterdir())
    assert names == ["notes_p007.ome.tiff", *(f"run_p000_p00{i}.ome.tiff" for i in (0, 1))]
