"""An image on disk by the page's two functions."""

from pathlib import Path

import numpy as np
import pytest

import iohub
from iohub.errors import ExistsError, NotFoundError, ShapeError, VersionError
from iohub.tiles import (
    ConverterOptions,
    ImageInPlate,
    OverwriteMode,
    ProcessScheduler,
    StagePositionCorrections,
    WriterMode,
    build_default_registration_pipeline,
    creation,
    tiled_image_creation_pipeline,
    tiled_image_from_tiles,
    write_tiled_image_as_zarr,
)
from iohub.tiles.runtime import work_of
from tests.tiles.making import acquired, tile

OPTIONS = ConverterOptions(
    omezarr_options={"num_levels": 2, "table_backend": "csv"}, tiling_tolerance=1
)


def image(*tiles):
    return tiled_image_from_tiles(tiles=list(tiles))[0]


def created(path: Path, made, options=OPTIONS, mode="No Overwrite", **more):
    return tiled_image_creation_pipeline(
        zarr_url=str(path),
        tiled_image=made,
        registration_pipeline=build_default_registration_pipeline(
            StagePositionCorrections(), options.tiling_mode, options.tiling_tolerance
        ),
        converter_options=options,
        writer_mode=WriterMode.BY_FOV,
        overwrite_mode=OverwriteMode(mode),
        **more,
    )


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_image_alone(tmp_path: Path, version: str) -> None:
    options = ConverterOptions(
        omezarr_options={"ngff_version": version, "table_backend": "csv"}, tiling_tolerance=1
    )
    made = image(tile(value=1), tile("F1", 28, value=2))
    with created(tmp_path / "i.zarr", made, options) as position:
        assert position.version == version
        assert position.axis_names == ["c", "z", "y", "x"]
        assert position["0"].shape == (1, 1, 32, 64)
        assert position["0"][0, 0, 0].tolist() == [1] * 32 + [2] * 32
        assert set(position.tables) == {"FOV_ROI_table", "well_ROI_table"}


@pytest.mark.parametrize("mode", list(WriterMode))
def test_every_mode_writes_the_same(tmp_path: Path, mode: WriterMode) -> None:
    made = image(tile(value=1), tile("F1", 20, 5, value=2))
    with write_tiled_image_as_zarr(
        zarr_url=str(tmp_path / "i.zarr"),
        tiled_image=made,
        converter_options=OPTIONS,
        writer_mode=mode,
        overwrite_mode=OverwriteMode.NO_OVERWRITE,
    ) as position:
        np.testing.assert_array_equal(position["0"][:], made.load_data())


def test_image_in_the_plate_that_was_not_set_up_for_it(tmp_path: Path) -> None:
    place = ImageInPlate(plate_name="P", row="A", column=1)
    iohub.open_ome_zarr(tmp_path / "P.zarr", layout="hcs", mode="w", channel_names=["a"]).close()
    made = image(tile(collection=place, value=3))
    created(tmp_path / made.path, made).close()
    with iohub.open_ome_zarr(tmp_path / "P.zarr") as plate:
        assert plate["A/01/0/0"][:].max() == 3
    with pytest.raises(VersionError):
        created(
            tmp_path / made.path,
            made,
            ConverterOptions(omezarr_options={"ngff_version": "0.5"}),
            "Overwrite",
        )


def test_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "i.zarr"
    first, other = image(tile(value=1, loader="a.npy")), image(tile(x=0, value=2, size=(16, 16)))
    np.save(tmp_path / "a.npy", np.ones((32, 32), np.uint16))
    created(path, first, resource=tmp_path).close()
    with pytest.raises(FileExistsError, match="there is an image"):
        created(path, first, resource=tmp_path)
    with created(path, first, mode="Extend", resource=tmp_path) as position:
        assert position["0"][:].max() == 1
    with pytest.raises(ExistsError, match="other tiles"):
        created(path, other, mode="Extend")
    with created(path, other, mode="Overwrite") as position:
        assert position["0"].shape == (1, 1, 16, 16)


@pytest.mark.parametrize(
    ("loader", "error"), [("gone.npy", NotFoundError), (np.zeros((3, 32), np.uint16), ShapeError)]
)
def test_a_refused_call_leaves_nothing(tmp_path: Path, loader, error) -> None:
    with pytest.raises(error, match=r"img.zarr"):
        created(tmp_path / "i.zarr", image(tile(loader=loader)))
    assert list(tmp_path.iterdir()) == []


def test_per_field_of_view_lies_where_the_stage_was(tmp_path: Path) -> None:
    (made,) = tiled_image_from_tiles(tiles=[tile(x=40, y=13)], split_per_fov=True)
    with created(tmp_path / made.path, made) as position:
        assert position["0"].shape == (1, 1, 32, 32)
        assert position.get_effective_translation("0") == [0, 0, 13, 40]


def test_pixels_with_two_sizes(tmp_path: Path) -> None:
    details = acquired(pixelsize=0.5, pixelsize_y=0.25, z_spacing=2)
    with created(tmp_path / "i.zarr", image(tile(details=details))) as position:
        assert position.scale == [1, 2, 0.25, 0.5]


@pytest.mark.parametrize("mode", ["Default", "Synchronous", "Threads"])
def test_scheduler_of_the_options(tmp_path: Path, mode: str, monkeypatch) -> None:
    asked = {}
    real = creation.write_tiled_image

    def seen(*args, **more):
        asked.update(more)
        return real(*args, **more)

    monkeypatch.setattr(creation, "write_tiled_image", seen)
    options = ConverterOptions(runtime_settings={"dask_scheduler": {"mode": mode}})
    made = image(tile(value=4))
    with created(tmp_path / "i.zarr", made, options) as position:
        assert position["0"][:].max() == 4
    assert asked["workers"] == {"Default": None, "Synchronous": 1, "Threads": 8}[mode]


def test_scheduler_of_processes() -> None:
    assert work_of(ProcessScheduler(num_workers=2)) == {"run": "processes", "workers": 2}
