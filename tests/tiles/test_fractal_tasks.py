"""Both Fractal tasks, one after the other, repeated, and in other processes."""

import json
from pathlib import Path

import numpy as np
import pytest

import iohub
from iohub.errors import ArgumentError, ExistsError
from iohub.tiles import (
    ConverterOptions,
    ConvertParallelInitArgs,
    ImageInPlate,
    MultiprocessingRunner,
    SequentialRunner,
    SingleImage,
    StartPosition,
    ThreadedRunner,
    TileShape,
    build_dummy_tile,
    exec_compound_task,
    fractal_tasks,
    generic_compute_task,
    setup_images_for_conversion,
    tiles_aggregation_pipeline,
)
from iohub.tiles.dummy_tiles import DummyLoader
from tests.tiles.making import acquired, tile

DETAILS = acquired(axes=["t", "c", "z", "y", "x"], data_type=None)


def images(options: ConverterOptions, *wells: int, t: int = 2, z: int = 2):
    tiles = []
    for well in wells:
        for number in range(2):
            made = build_dummy_tile(
                fov_name=f"F{number}",
                start=StartPosition(x=28 * number),
                shape=TileShape(x=32, y=32, z=z, t=t),
                collection=ImageInPlate(plate_name="P", row="B", column=well, acquisition=1),
                acquisition_details=DETAILS,
            )
            made.attributes = {"drug": ["a", "b"], "dose": [well, 3.5]}
            tiles.append(made)
    return tiles_aggregation_pipeline(tiles, converter_options=options)


def init_task(folder: str, serialization: str = "JSON", **more) -> dict:
    options = ConverterOptions(
        tiling_tolerance=1,
        omezarr_options={"num_levels": 2, "table_backend": "csv"},
        temp_json_options={"serialization": serialization},
    )
    listed = setup_images_for_conversion(
        images(options, 1, 2),
        zarr_dir=folder,
        collection_type="ImageInPlate",
        converter_options=options,
        **more,
    )
    return {"parallelization_list": listed}


def compute_task(zarr_url: str, init_args: dict):
    return generic_compute_task(
        zarr_url=zarr_url,
        init_args=init_args,
        collection_type=ImageInPlate,
        image_loader_type=DummyLoader,
    )


def updates(folder: Path, well: int) -> dict:
    return {
        "image_list_updates": [
            {
                "zarr_url": f"{folder}/P.zarr/B/0{well}/1",
                "types": {"is_3D": True, "is_time_series": True},
                "attributes": {
                    "drug": "a & b",
                    "dose": f"{float(well)} & 3.5",
                    "plate": "P.zarr",
                    "well": f"B0{well}",
                    "acquisition": 1,
                },
            }
        ]
    }


@pytest.mark.parametrize("serialization", ["JSON", "Memory", "Auto"])
def test_both_tasks(tmp_path: Path, serialization: str) -> None:
    listed = init_task(str(tmp_path), serialization)["parallelization_list"]
    json.dumps(listed)
    waiting = list(tmp_path.glob("_tmp_json/*.json"))
    assert len(waiting) == (2 if serialization == "JSON" else 0)
    for number, item in enumerate(listed, 1):
        assert compute_task(**item) == updates(tmp_path, number)
    assert not (tmp_path / "_tmp_json").exists()
    with iohub.open_ome_zarr(tmp_path / "P.zarr") as plate:
        for _, position in plate.positions():
            assert position["0"].shape == (2, 1, 2, 32, 64)
            assert set(position.tables) == {"FOV_ROI_table", "well_ROI_table", "condition_table"}
        assert len(plate.tables["condition_table"]) == 4


def test_an_image_in_a_plane_at_one_time(tmp_path: Path) -> None:
    options = ConverterOptions()
    listed = setup_images_for_conversion(
        images(options, 1, t=1, z=1),
        zarr_dir=str(tmp_path),
        collection_type="ImageInPlate",
        converter_options=options,
        ngff_version="0.5",
    )
    args = ConvertParallelInitArgs.model_validate(listed[0]["init_args"])
    found = compute_task(listed[0]["zarr_url"], args)
    assert found["image_list_updates"][0]["types"] == {"is_3D": False}
    with iohub.open_ome_zarr(tmp_path / "P.zarr") as plate:
        assert plate.version == "0.5"


def test_a_task_that_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """T6: interrupted before its end, it writes all of the image when it is called again."""
    listed = init_task(str(tmp_path))["parallelization_list"]
    whole = DummyLoader.load_data

    def dies(self, resource=None) -> np.ndarray:
        if self.text == "F1":
            raise KeyboardInterrupt
        return whole(self, resource)

    with monkeypatch.context() as patch:
        patch.setattr(DummyLoader, "load_data", dies)
        with pytest.raises(KeyboardInterrupt):
            compute_task(**listed[0])
    with iohub.open_ome_zarr(tmp_path / "P.zarr") as plate:
        assert plate["B/01/1"].metadata is None
    assert compute_task(**listed[0]) == updates(tmp_path, 1)
    with iohub.open_ome_zarr(tmp_path / "P.zarr") as plate:
        assert plate["B/01/1/0"][:].min() > 0
    # Done, its JSON is gone; called once more it says the same at once, and no tile is loaded.
    document = tmp_path / "P.zarr/B/01/1/.zattrs"
    written = document.stat().st_mtime_ns
    with monkeypatch.context() as patch:
        patch.setattr(DummyLoader, "load_data", dies)
        assert compute_task(**listed[0]) == updates(tmp_path, 1)
    assert document.stat().st_mtime_ns == written
    # The JSON of a task that was never done is waited for, then its lack is an error.
    Path(listed[1]["init_args"]["tiled_image_json_dump_url"]).unlink()
    monkeypatch.setenv("CONVERTERS_TOOLS_NUM_RETRIES", "1")
    with pytest.raises(FileNotFoundError, match="there is no JSON file"):
        compute_task(**listed[1])


@pytest.mark.parametrize("mode", ["No Overwrite", "Extend", "Overwrite"])
@pytest.mark.parametrize("serialization", ["JSON", "Memory"])
def test_a_task_killed_before_it_could_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serialization: str, mode: str
) -> None:
    """The image is whole, its JSON is still there: called again, the task comes to its end."""
    if mode == "Overwrite":
        for item in init_task(str(tmp_path), serialization)["parallelization_list"]:
            compute_task(**item)
    listed = init_task(str(tmp_path), serialization, overwrite_mode=mode)["parallelization_list"]
    with monkeypatch.context() as patch:
        patch.setattr(fractal_tasks, "_update", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            compute_task(**listed[0])
    assert compute_task(**listed[0]) == updates(tmp_path, 1)
    assert compute_task(**listed[0]) == updates(tmp_path, 1)
    with iohub.open_ome_zarr(tmp_path / "P.zarr") as plate:
        assert plate["B/01/1/0"][:].min() > 0


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    for item in init_task(str(tmp_path))["parallelization_list"]:
        compute_task(**item)
    with pytest.raises(ExistsError):
        init_task(str(tmp_path))
    for mode in ("Extend", "Overwrite"):
        for item in init_task(str(tmp_path), overwrite_mode=mode)["parallelization_list"]:
            assert item["init_args"]["overwrite_mode"] == mode
            compute_task(**item)


@pytest.mark.parametrize(
    "runner",
    [
        None,
        SequentialRunner(),
        ThreadedRunner(num_threads=2),
        MultiprocessingRunner(num_processes=1),
    ],
)
def test_both_tasks_in_one_call(tmp_path: Path, runner) -> None:
    """T19: also in processes that are started anew."""
    found = exec_compound_task(init_task, compute_task, {"folder": str(tmp_path)}, runner=runner)
    assert found == [updates(tmp_path, 1), updates(tmp_path, 2)]


def test_an_image_without_json_is_refused_before_the_plate_is_made(tmp_path: Path) -> None:
    options = ConverterOptions()
    made = tiles_aggregation_pipeline([tile()], converter_options=options)
    with pytest.raises(ArgumentError, match="has no JSON"):
        setup_images_for_conversion(
            made, zarr_dir=str(tmp_path), collection_type="SingleImage", converter_options=options
        )
    assert list(tmp_path.iterdir()) == []


def test_a_single_image(tmp_path: Path) -> None:
    options = ConverterOptions()
    np.save(tmp_path / "a.npy", np.ones((32, 32), np.uint16))
    place = SingleImage(image_path="one")
    made = tiles_aggregation_pipeline(
        [tile(loader="a.npy", collection=place)], converter_options=options
    )
    (item,) = setup_images_for_conversion(
        made, zarr_dir=str(tmp_path), collection_type="SingleImage", converter_options=options
    )
    from iohub.tiles import DefaultImageLoader

    found = generic_compute_task(
        **item, collection_type=SingleImage, image_loader_type=DefaultImageLoader, resource=tmp_path
    )
    url = f"{tmp_path}/one.zarr"
    assert found == {
        "image_list_updates": [{"zarr_url": url, "types": {"is_3D": False}, "attributes": {}}]
    }
