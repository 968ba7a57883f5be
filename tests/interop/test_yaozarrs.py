"""The validator of yaozarrs finds nothing wrong: metadata, and the arrays that they describe."""

from __future__ import annotations

import yaozarrs

from iohub.ngff import open_ome_zarr


def test_images(tmp_path, version, letters, write_image):
    write_image(tmp_path / "a.zarr", version, letters)
    yaozarrs.validate_zarr_store(str(tmp_path / "a.zarr"))


def test_sharded_images(tmp_path, letters, write_image):
    write_image(tmp_path / "a.zarr", "0.5", letters, sharded=True)
    yaozarrs.validate_zarr_store(str(tmp_path / "a.zarr"))


def test_images_after_edits(tmp_path, version, write_image):
    path = tmp_path / "a.zarr"
    write_image(path, version)
    with open_ome_zarr(path, mode="r+") as position:
        position.insert_channel(1, "Cy5")
        position.remove_channel("DAPI")
        position.set_scale("0", "z", 0.5)
        position.set_scale("*", "x", 2)
        position.set_contrast_limits("GFP", {"start": 0, "end": 1, "min": 0, "max": 2})
        position.compute_pyramid(method="median")
    yaozarrs.validate_zarr_store(str(path))


def test_plates(tmp_path, version, write_plate):
    path = tmp_path / "p.zarr"
    write_plate(path, version)
    yaozarrs.validate_zarr_store(str(path))
    with open_ome_zarr(path, mode="r+") as plate:
        plate.rename_well("A/1", "C/3")
        plate.remove_position("C/3/0")
        plate.append_channel("Cy5")
        image = plate.create_position("D", "4", "a1", acq_index=2)
        image.create_zeros("0", (1, 3, 2, 8, 8), "float32")
    yaozarrs.validate_zarr_store(str(path))


def test_its_models_say_the_same(tmp_path, version, write_image):
    write_image(tmp_path / "a.zarr", version)
    image = yaozarrs.open_group(str(tmp_path / "a.zarr")).ome_metadata().multiscales[0]
    with open_ome_zarr(tmp_path / "a.zarr") as position:
        assert [axis.name for axis in image.axes] == position.axis_names
        assert [level.path for level in image.datasets] == ["0", "1", "2"]
        for level in image.datasets:
            scale, *shift = level.coordinateTransformations
            assert list(scale.scale) == position.get_effective_scale(level.path)
            if shift:
                assert list(shift[0].translation) == position.get_effective_translation(level.path)
