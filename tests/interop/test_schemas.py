"""Every document of a store is valid by the official schemas, also after each edit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from iohub.ngff import Plate, Position, TransformationMeta, open_ome_zarr

WINDOW = {"start": 5.0, "end": 50.0, "min": 0.0, "max": 255.0}


def moved(position: Position) -> None:
    ndim = len(position.axes)
    scale = TransformationMeta(type="scale", scale=[2.0] * ndim)
    shift = TransformationMeta(type="translation", translation=[1.0] * ndim)
    position.set_transform("0", [shift, scale])
    position.set_transform("*", [TransformationMeta(type="identity")])


def another_name(position: Position) -> None:
    position.set_channel_color("DAPI", "12AB34")
    position.zattrs["note"] = {"by": ["me"]}
    position.zattrs["note"]["of"] = 1


def written(position: Position) -> None:
    piece = position.to_xarray().isel(x=slice(3, 20), y=slice(1, 9))
    position.write_xarray(piece * np.uint16(0) + np.uint16(3))


POSITION_EDITS: dict[str, Callable[[Position], Any]] = {
    "rename_channel": lambda p: p.rename_channel("GFP", "488"),
    "append_channel": lambda p: p.append_channel("Cy5"),
    "insert_channel": lambda p: p.insert_channel(0, "Cy5"),
    "remove_channel": lambda p: p.remove_channel("DAPI"),
    "reorder_channels": lambda p: p.reorder_channels(["GFP", "DAPI"]),
    "update_channel": lambda p: p.update_channel("GFP", "0", p["0"][:, 0]),
    "set_contrast_limits": lambda p: p.set_contrast_limits("GFP", WINDOW),
    "attributes": another_name,
    "set_scale": lambda p: p.set_scale("0", "z", 0.7),
    "set_scale_of_a_level": lambda p: p.set_scale("1", "z", 0.7),
    "set_scale_of_all": lambda p: p.set_scale("*", "z", 0.7),
    "set_transform": moved,
    "delete_pyramid": lambda p: p.delete_pyramid(),
    "compute_pyramid": lambda p: p.compute_pyramid(method="max"),
    "initialize_pyramid": lambda p: (p.delete_pyramid(), p.initialize_pyramid(4)),
    "delete_level": lambda p: p.__delitem__("1"),
    "another_image": lambda p: p.create_zeros(
        "coarse",
        (2, 2, 1, 3, 3),
        "uint16",
        transform=[TransformationMeta(type="scale", scale=[1, 1, 9, 9, 9])],
    ),
    "write_xarray": written,
    "dump_meta": lambda p: p.dump_meta(),
}


def test_images(tmp_path, version, letters, write_image, check_store):
    write_image(tmp_path / "a.zarr", version, letters)
    assert check_store(tmp_path / "a.zarr", version) == ["image"]


def test_sharded_images(tmp_path, letters, write_image, check_store):
    write_image(tmp_path / "a.zarr", "0.5", letters, sharded=True)
    assert check_store(tmp_path / "a.zarr", "0.5") == ["image"]


@pytest.mark.parametrize("edit", POSITION_EDITS.values(), ids=list(POSITION_EDITS))
def test_a_position_after_an_edit(tmp_path, version, edit, write_image, check_store):
    path = tmp_path / "a.zarr"
    write_image(path, version)
    with open_ome_zarr(path, mode="r+") as position:
        edit(position)
    assert check_store(path, version) == ["image"]
    with open_ome_zarr(path) as position:
        assert all(image[:].shape == image.shape for _, image in position.images())


def grown(plate: Plate) -> None:
    plate.create_position("C", "3", "0", acq_index=1).create_zeros("0", (1, 2, 3, 4, 5), "uint8")
    plate.create_well("C", "4")
    plate.add_acquisition(7, name="late", maximum_field_count=3)


PLATE_EDITS: dict[str, Callable[[Plate], Any]] = {
    "rename_well": lambda p: p.rename_well("A/1", "C/7"),
    "rename_well_to_a_known_row": lambda p: p.rename_well("A/1", "B/1"),
    "remove_well": lambda p: p.remove_well("A/1"),
    "remove_position": lambda p: p.remove_position("A/1/0"),
    "remove_last_position": lambda p: p.remove_position("B/12/0"),
    "delete": lambda p: p.__delitem__("A/1/1"),
    "create": grown,
    "append_channel": lambda p: p.append_channel("Cy5"),
    "insert_channel": lambda p: p.insert_channel(1, "Cy5"),
    "rename_channel": lambda p: p.rename_channel("DAPI", "405"),
    "remove_channel": lambda p: p.remove_channel("DAPI"),
    "reorder_channels": lambda p: p.reorder_channels(["GFP", "DAPI"]),
    "dump_meta": lambda p: p.dump_meta(field_count=True),
}


@pytest.mark.parametrize("edit", PLATE_EDITS.values(), ids=list(PLATE_EDITS))
def test_a_plate_after_an_edit(tmp_path, version, edit, write_plate, check_store):
    path = tmp_path / "p.zarr"
    write_plate(path, version)
    whole = Counter(check_store(path, version))
    assert whole == {"plate": 1, "well": 2, "image": 3}
    with open_ome_zarr(path, mode="r+") as plate:
        edit(plate)
    check_store(path, version)
    with open_ome_zarr(path) as plate:
        for name, position in plate.positions():
            assert position["0"][:].shape == position["0"].shape, name


def test_a_copied_plate(tmp_path, version, write_plate, write_image, check_store):
    write_plate(tmp_path / "p.zarr", version)
    write_image(tmp_path / "a.zarr", version)
    with open_ome_zarr(tmp_path / "p.zarr") as plate, open_ome_zarr(tmp_path / "a.zarr") as one:
        members = {"A/1/0": plate["B/12/0"], "A/1/1": one}
        Plate.from_positions(tmp_path / "q.zarr", members).close()
    assert Counter(check_store(tmp_path / "q.zarr", version)) == {"plate": 1, "well": 1, "image": 2}


@pytest.mark.parametrize(("source", "target"), [("0.4", "0.5"), ("0.5", "0.4")])
def test_a_plate_copied_to_another_version(tmp_path, source, target, write_image, check_store):
    data = write_image(tmp_path / "a.zarr", source)
    with open_ome_zarr(tmp_path / "a.zarr") as one:
        Plate.from_positions(tmp_path / "q.zarr", {"A/1/0": one}, version=target).close()
    assert Counter(check_store(tmp_path / "q.zarr", target)) == {"plate": 1, "well": 1, "image": 1}
    with open_ome_zarr(tmp_path / "q.zarr") as plate:
        assert np.array_equal(plate["A/1/0/0"][:], data)


def test_an_empty_position_says_nothing(tmp_path, version, check_store):
    for layout in ("fov", "hcs", "tiled"):
        path = tmp_path / f"{layout}.zarr"
        open_ome_zarr(path, layout, "w-", channel_names=["a"], version=version).close()
        assert check_store(path, version) == []


def test_tiles(tmp_path, version, check_store):
    path = tmp_path / "t.zarr"
    with open_ome_zarr(path, "tiled", "w-", channel_names=["a", "b"], version=version) as position:
        position.make_tiles("0", (2, 3), (1, 2, 3, 16, 8), "float32")
    assert check_store(path, version) == ["image"]


def test_an_emptied_plate_lacks_wells_only(tmp_path, version, write_plate, schema_errors):
    """The schemas know no empty plate; what is written is what is there, as ngio does it too."""
    path = tmp_path / "p.zarr"
    write_plate(path, version)
    with open_ome_zarr(path, mode="r+") as plate:
        for name, _ in list(plate.wells()):
            plate.remove_well(name)
        attrs = dict(plate.zattrs)
    with open_ome_zarr(path) as plate:
        assert list(plate.positions()) == []
    errors = schema_errors(attrs, version, "plate")
    assert {error.validator for error in errors} == {"minItems"}
    assert {error.path[-1] for error in errors} == {"wells", "rows", "columns"}
