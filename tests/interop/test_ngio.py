"""ngio reads what iohub writes, and the other way round; both edit one plate."""

from __future__ import annotations

import ngio
import numpy as np
import pytest

from iohub.ngff import open_ome_zarr

CHANNELS = ["DAPI", "GFP"]

pytestmark = [
    # The models that ngio uses want a version in a plate of 0.5, where the schema knows none.
    pytest.mark.filterwarnings("ignore:'version' field not specified in plate metadata"),
    # What ngio says of how it writes tables.
    pytest.mark.filterwarnings("ignore:Writing zarr v2 data will no longer be the default"),
    pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part"),
    pytest.mark.filterwarnings("ignore:The 'future.infer_string' option is deprecated"),
]


def size_of(image):
    """Pixel sizes by the letters of the axes that ngio knows sizes of."""
    size = image.pixel_size
    return {"t": size.t, "z": size.z, "y": size.y, "x": size.x}


@pytest.fixture
def made_by_ngio(tmp_path, pixels):
    def make(version, letters, levels=3, name="n.zarr"):
        data = pixels(letters)
        container = ngio.create_ome_zarr_from_array(
            tmp_path / name,
            data,
            pixelsize=(0.5, 0.25),
            z_spacing=2.0,
            time_spacing=10.0,
            levels=levels,
            axes_names=list(letters),
            channels_meta=CHANNELS if "c" in letters else None,
            translation=[3.0 if letter in "zyx" else 0.0 for letter in letters],
            ngff_version=version,
        )
        return tmp_path / name, data, container

    return make


def test_ngio_reads_an_image(tmp_path, version, letters, write_image):
    data = write_image(tmp_path / "a.zarr", version, letters)
    container = ngio.open_ome_zarr_container(tmp_path / "a.zarr", mode="r", validate_arrays=True)
    assert container.level_paths == ["0", "1", "2"]
    if "c" in letters:
        assert container.channel_labels == CHANNELS
    image = container.get_image(path="0")
    assert image.axes == tuple(letters)
    assert np.array_equal(image.get_as_numpy(), data)
    expected = {"t": 10.0, "z": 2.0, "y": 0.5, "x": 0.25}
    seen = size_of(image)
    assert {k: seen[k] for k in letters if k != "c"} == {
        k: expected[k] for k in letters if k != "c"
    }
    coarse = size_of(container.get_image(path="2"))
    assert (coarse["y"], coarse["x"]) == (2.0, 1.0)


def test_ngio_reads_sharded_images(tmp_path, write_image):
    data = write_image(tmp_path / "a.zarr", "0.5", sharded=True)
    container = ngio.open_ome_zarr_container(tmp_path / "a.zarr", mode="r", validate_arrays=True)
    assert np.array_equal(container.get_image(path="0").get_as_numpy(), data)


def test_ngio_reads_an_image_after_channel_surgery(tmp_path, version, write_image):
    data = write_image(tmp_path / "a.zarr", version)
    with open_ome_zarr(tmp_path / "a.zarr", mode="r+") as position:
        position.append_channel("Cy5")
        position.reorder_channels(["Cy5", "GFP", "DAPI"])
        position.set_contrast_limits("GFP", {"start": 1, "end": 9, "min": 0, "max": 99})
        position.remove_channel("Cy5")
    container = ngio.open_ome_zarr_container(tmp_path / "a.zarr", mode="r", validate_arrays=True)
    assert container.channel_labels == ["GFP", "DAPI"]
    image = container.get_image(path="0")
    assert np.array_equal(image.get_as_numpy(), data[:, ::-1])
    window = image.channels_meta.channels[0].channel_visualisation
    assert (window.start, window.end) == (1, 9)


def test_ngio_reads_a_plate(tmp_path, version, write_plate):
    data = write_plate(tmp_path / "p.zarr", version)
    plate = ngio.open_ome_zarr_plate(tmp_path / "p.zarr", mode="r")
    assert (plate.rows, plate.columns) == (["A", "B"], ["1", "12"])
    assert plate.images_paths(max_workers=1) == list(data)
    for name, expected in data.items():
        image = plate.get_image(*name.split("/")).get_image(path="0")
        assert np.array_equal(image.get_as_numpy(), expected)


def test_ngio_reads_a_plate_after_edits(tmp_path, version, write_plate):
    data = write_plate(tmp_path / "p.zarr", version)
    with open_ome_zarr(tmp_path / "p.zarr", mode="r+") as plate:
        plate.rename_well("A/1", "C/3")
        plate.remove_position("C/3/0")
        plate.remove_well("B/12")
    plate = ngio.open_ome_zarr_plate(tmp_path / "p.zarr", mode="r")
    assert plate.images_paths(max_workers=1) == ["C/3/1"]
    image = plate.get_image("C", "3", "1").get_image(path="0")
    assert np.array_equal(image.get_as_numpy(), data["A/1/1"])


def test_images_of_ngio(made_by_ngio, version, letters, check_store):
    path, data, _ = made_by_ngio(version, letters)
    with open_ome_zarr(path, mode="r+") as position:
        assert position.axis_names == list(letters)
        assert np.array_equal(position["0"][:], data)
        sizes = dict(zip(letters, position.scale, strict=True))
        expected = {"t": 10.0, "c": 1.0, "z": 2.0, "y": 0.5, "x": 0.25}
        assert sizes == {letter: expected[letter] for letter in letters}
        assert position.get_effective_translation("0")[-2:] == [3.0, 3.0]
        assert [name for name, _ in position.images()] == ["0", "1", "2"]
        assert np.array_equal(position.to_xarray().values, data)
        if "c" in letters:
            assert position.channel_names == CHANNELS
            position.append_channel("Cy5")
            position.remove_channel("DAPI")
        position.set_scale("0", "x", 0.1)
        position.delete_pyramid()
        position.compute_pyramid(2)
    check_store(path, version)
    container = ngio.open_ome_zarr_container(path, mode="r", validate_arrays=True)
    assert container.level_paths == ["0", "1"]
    assert size_of(container.get_image(path="0"))["x"] == 0.1


def test_a_pyramid_that_drops_pixels_is_made_again_without_loss(made_by_ngio, version):
    """33 pixels are 16 in a pyramid of ngio, and 17 where none is lost."""
    path, _, _ = made_by_ngio(version, "zyx")
    with open_ome_zarr(path, mode="r+") as position:
        assert position["1"].shape[1] == 16
        position.compute_pyramid(method="stride")
        assert position["1"].shape[1] == 17
        assert np.array_equal(position["1"][:, -1], position["0"][::1, -1][..., ::2])


def test_labels_of_ngio(made_by_ngio, version):
    path, _, container = made_by_ngio(version, "czyx")
    label = container.derive_label("cells")
    ids = np.arange(np.prod(label.shape)).reshape(label.shape).astype(label.dtype)
    label.set_array(ids)
    with open_ome_zarr(path, mode="r+") as position:
        assert np.array_equal(position["labels/cells/0"][:], ids)
        position.append_channel("Cy5")
        position.rename_channel("Cy5", "Cy7")
    container = ngio.open_ome_zarr_container(path, mode="r")
    assert container.list_labels() == ["cells"]
    assert np.array_equal(container.get_label("cells", path="0").get_as_numpy(), ids)


def test_tables_of_ngio_survive(made_by_ngio, version):
    path, _, container = made_by_ngio(version, "czyx")
    container.add_table("FOV", container.build_image_roi_table("whole"))
    with open_ome_zarr(path, mode="r+") as position:
        assert position.zgroup["tables"].attrs["tables"] == ["FOV"]
        position.append_channel("Cy5")
    container = ngio.open_ome_zarr_container(path, mode="r")
    assert [roi.name for roi in container.get_roi_table("FOV").rois()] == ["whole"]


def test_a_plate_of_ngio(tmp_path, version, pixels, check_store):
    path = tmp_path / "p.zarr"
    plate = ngio.create_empty_plate(path, "screen", ngff_version=version)
    with open_ome_zarr(path, mode="r") as empty:
        assert list(empty.positions()) == []
    data = {}
    for seed, (row, column) in enumerate([("B", 3), ("C", 11)]):
        field = plate.add_image(row, column, "0", acquisition_id=1, acquisition_name="first")
        store = plate.get_image_store(row, column, "0")
        data[f"{row}/{column:02}/0"] = pixels("czyx", seed=seed)
        ngio.create_ome_zarr_from_array(
            store,
            data[f"{row}/{column:02}/0"],
            pixelsize=0.5,
            levels=2,
            axes_names=list("czyx"),
            channels_meta=CHANNELS,
            ngff_version=version,
            overwrite=True,
        )
        assert field
    with open_ome_zarr(path, mode="r+") as ours:
        assert {name: p["0"].shape for name, p in ours.positions()} == {
            name: each.shape for name, each in data.items()
        }
        assert ours.channel_names == CHANNELS
        assert ours.metadata.name == "screen"
        for name, expected in data.items():
            assert np.array_equal(ours[f"{name}/0"][:], expected)
        ours.rename_well("B/03", "D/04")
        position = ours.create_position("B", "03", "0", acq_index=1)
        position.create_image("0", data["C/11/0"])
    check_store(path, version)
    again = ngio.open_ome_zarr_plate(path, mode="r")
    assert sorted(again.images_paths(max_workers=1)) == ["B/03/0", "C/11/0", "D/04/0"]
    assert again.meta.plate.name == "screen"
    image = again.get_image("D", "04", "0").get_image(path="0")
    assert np.array_equal(image.get_as_numpy(), data["B/03/0"])


def test_both_add_to_one_plate(tmp_path, version, write_plate, pixels):
    """Each keeps what the other added, with both open."""
    path = tmp_path / "p.zarr"
    write_plate(path, version)
    data = pixels("tczyx", seed=9)
    theirs = ngio.open_ome_zarr_plate(path, mode="r+")
    with open_ome_zarr(path, mode="r+") as ours:
        theirs.atomic_add_image("D", "05", "0")
        store = theirs.get_image_store("D", "05", "0")
        ngio.create_ome_zarr_from_array(
            store,
            data,
            pixelsize=1.0,
            levels=1,
            axes_names=list("tczyx"),
            channels_meta=CHANNELS,
            ngff_version=version,
            overwrite=True,
        )
        ours.create_position("E", "6", "0").create_image("0", data)
        names = [name for name, _ in ours.positions()]
        assert {"A/1/0", "D/05/0", "E/6/0"} <= set(names)
        assert np.array_equal(ours["D/05/0/0"][:], data)
    theirs = ngio.open_ome_zarr_plate(path, mode="r")
    assert sorted(theirs.images_paths(max_workers=1)) == sorted(names)
