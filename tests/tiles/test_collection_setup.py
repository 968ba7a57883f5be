"""Plates that images go into: made, extended, replaced."""

from pathlib import Path

import numpy as np
import pytest

import iohub
from iohub.errors import ExistsError, RegistryError, TilingError, VersionError
from iohub.tiles import (
    ImageInPlate,
    OverwriteMode,
    SingleImage,
    add_collection_handler,
    setup_ome_zarr_collection,
    tiled_image_from_tiles,
)
from iohub.tiles.collection_setup import _REGISTRY, image_url
from tests.tiles.making import tile


def images(*places: str, attributes: dict | None = None, split: bool = False) -> list:
    tiles = []
    for place in places:
        row, column, acquisition = place.split("/")
        collection = ImageInPlate(
            plate_name="P", row=row, column=int(column), acquisition=int(acquisition)
        )
        tiles.append(tile("F 0", collection=collection, attributes=attributes or {}))
    return tiled_image_from_tiles(tiles=tiles, split_per_fov=split)


def setup(folder: Path, made: list, mode: str = "No Overwrite", **more) -> None:
    kind = type(made[0].collection).__name__
    setup_ome_zarr_collection(
        tiled_images=made,
        collection_type=kind,
        zarr_dir=str(folder),
        overwrite_mode=OverwriteMode(mode),
        **more,
    )


def with_pixels(position) -> None:
    position.append_channel("a")
    position.create_image("0", np.ones((1, 1, 1, 4, 4), np.uint8))


def places(folder: Path) -> list[str]:
    with iohub.open_ome_zarr(folder / "P.zarr") as plate:
        return [name for name, _ in plate.positions()]


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_new_plate(tmp_path: Path, version: str) -> None:
    setup(tmp_path, images("B/3/0", "A/1/0", "A/1/2"), ngff_version=version)
    with iohub.open_ome_zarr(tmp_path / "P.zarr") as plate:
        assert plate.version == version
        assert {name for name, _ in plate.positions()} == {"B/03/0", "A/01/0", "A/01/2"}
        assert {each.id for each in plate.metadata.acquisitions} == {0, 2}


def test_conditions_of_the_wells(tmp_path: Path) -> None:
    made = images("A/1/0", "B/2/0", attributes={"drug": ["x", "y"], "dose": [1, 2]})
    setup(tmp_path, made)
    with iohub.open_ome_zarr(tmp_path / "P.zarr") as plate:
        table = plate.tables["condition_table"]
    assert list(table.columns) == ["row", "column", "acquisition", "path_in_well", "drug", "dose"]
    assert table["row"].tolist() == ["A", "A", "B", "B"]
    assert table["drug"].tolist() == ["x", "y", "x", "y"]


def test_plate_that_is_there(tmp_path: Path) -> None:
    setup(tmp_path, images("A/1/0"))
    with pytest.raises(FileExistsError, match=r"there is a plate at .*P.zarr"):
        setup(tmp_path, images("B/1/0"))
    assert places(tmp_path) == ["A/01/0"]


def test_extended_plate_keeps_what_it_has(tmp_path: Path) -> None:
    setup(tmp_path, images("A/1/0", attributes={"drug": ["x"]}))
    with iohub.open_ome_zarr(tmp_path / "P.zarr", mode="r+") as plate:
        with_pixels(plate["A/01/0"])
    setup(tmp_path, images("A/1/0", "A/2/0", attributes={"drug": ["y"]}), "Extend")
    with iohub.open_ome_zarr(tmp_path / "P.zarr") as plate:
        assert plate["A/01/0/0"][:].sum() == 16
        table = plate.tables["condition_table"]
    assert table[["column", "drug"]].to_numpy().tolist() == [[1, "y"], [2, "y"]]


def test_replaced_plate_loses_other_images_only(tmp_path: Path) -> None:
    setup(tmp_path, images("A/1/0", "A/2/0"))
    with iohub.open_ome_zarr(tmp_path / "P.zarr", mode="r+") as plate:
        with_pixels(plate["A/01/0"])
    setup(tmp_path, images("A/1/0", "B/1/0"), "Overwrite")
    with iohub.open_ome_zarr(tmp_path / "P.zarr") as plate:
        assert {name for name, _ in plate.positions()} == {"A/01/0", "B/01/0"}
        assert plate["A/01/0/0"][:].sum() == 16  # until it is written anew


def test_plate_of_another_version(tmp_path: Path) -> None:
    setup(tmp_path, images("A/1/0"))
    with pytest.raises(VersionError, match=r"of OME-Zarr 0.4, and 0.5 is asked for"):
        setup(tmp_path, images("A/2/0"), "Extend", ngff_version="0.5")
    setup(tmp_path, images("A/2/0"), "Overwrite", ngff_version="0.5")
    with iohub.open_ome_zarr(tmp_path / "P.zarr") as plate:
        assert plate.version == "0.5"


def test_names_that_the_specification_does_not_allow(tmp_path: Path) -> None:
    """A field of a well has letters and digits only."""
    made = images("A/1/0", split=True)
    assert made[0].path == "P.zarr/A/01/0_F 0"
    setup(tmp_path, made)
    assert places(tmp_path) == ["A/01/0F0"]
    assert image_url(made[0], str(tmp_path), "0.4") == f"{tmp_path}/P.zarr/A/01/0F0"


def test_single_images(tmp_path: Path) -> None:
    made = tiled_image_from_tiles(tiles=[tile(collection=SingleImage(image_path="i"))])
    setup(tmp_path, made)
    assert list(tmp_path.iterdir()) == []
    with iohub.open_ome_zarr(tmp_path / "i.zarr", layout="fov", mode="w", channel_names=["a"]):
        pass
    with pytest.raises(ExistsError, match=r"there is an image at .*i.zarr"):
        setup(tmp_path, made)
    setup(tmp_path, made, "Extend")
    assert image_url(made[0], str(tmp_path), "0.4") == f"{tmp_path}/i.zarr"


def test_what_does_not_go_together(tmp_path: Path) -> None:
    single = tiled_image_from_tiles(tiles=[tile()])
    with pytest.raises(TilingError, match="goes to a SingleImage, not into a plate"):
        setup_ome_zarr_collection(
            tiled_images=single, collection_type="ImageInPlate", zarr_dir=str(tmp_path)
        )
    with pytest.raises(TilingError, match="two images have the path"):
        setup(tmp_path, images("A/1/0") * 2)
    assert list(tmp_path.iterdir()) == []


def test_handler_of_your_own(tmp_path: Path) -> None:
    seen = {}

    def mine(zarr_dir, tiled_images, ngff_version, overwrite_mode) -> None:
        seen.update(zarr_dir=zarr_dir, n=len(tiled_images), v=ngff_version, mode=overwrite_mode)

    add_collection_handler(function=mine, collection_type="Mine")
    try:
        setup_ome_zarr_collection(
            tiled_images=images("A/1/0"), collection_type="Mine", zarr_dir="z"
        )
        assert seen == {"zarr_dir": "z", "n": 1, "v": "0.4", "mode": OverwriteMode.NO_OVERWRITE}
        with pytest.raises(RegistryError):
            add_collection_handler(function=mine, collection_type="Mine")
    finally:
        _REGISTRY.remove("Mine")
    with pytest.raises(RegistryError, match="there are ImageInPlate, SingleImage"):
        setup_ome_zarr_collection(tiled_images=[], collection_type="Mine", zarr_dir="z")
