"""Known defects of other tools, one test each: none of them may be here.

Numbers are those of the tools' public issue trackers.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr

from iohub import open_ome_zarr
from iohub.errors import CorruptNodeWarning, DTypeError, ShapeError, VersionError
from iohub.ngff import AxisMeta, Plate, Position, TransformationMeta

# ---- iohub 0.3.11 ----------------------------------------------------------------------------


def test_iohub_rename_well_moved_the_whole_row(plate: Any) -> None:
    plate.rename_well("A/1", "B/1")
    assert {w for w, _ in plate.wells()} == {"A/2", "B/1", "B/2"}
    assert plate["A/2/0/0"].shape == (1, 2, 2, 5, 4)
    assert not (Path(plate.url) / "B" / "2" / "1").exists()


def test_iohub_one_unreadable_position_hid_all_others(plate: Any, version: str) -> None:
    name = ".zattrs" if version == "0.4" else "zarr.json"
    (Path(plate.url) / "A" / "1" / "0" / name).write_text("{")
    with pytest.warns(CorruptNodeWarning, match="A/1/0"):
        assert [path for path, _ in plate.positions()] == ["A/1/1", "A/2/0", "B/2/0"]


def test_iohub_141_the_last_writer_dropped_the_other_ones_wells(empty_plate: Any) -> None:
    other = open_ome_zarr(empty_plate.url, mode="r+")
    empty_plate.create_position("A", "1", "0")
    other.create_position("A", "2", "0")
    empty_plate.create_position("A", "3", "0")
    for node in (empty_plate, other, open_ome_zarr(empty_plate.url)):
        assert [path for path, _ in node.wells()] == ["A/1", "A/2", "A/3"]


def test_iohub_284_append_channel_without_omero_was_half_done(fov: Any, version: str) -> None:
    del fov.maybe_wrapped_ome_attrs["omero"]
    fov.append_channel("new")
    assert fov["0"].shape[1] == 3
    assert fov.channel_names[-1] == "new"
    assert len(fov.channel_names) == 3


def test_iohub_set_scale_of_the_fov_multiplied(fov: Any) -> None:
    fov.set_scale("*", "z", 2.0)
    fov.set_scale("*", "z", 4.0)
    assert fov.get_effective_scale("0")[2] == 4.0


def test_iohub_set_scale_left_lower_levels_stale(fov: Any) -> None:
    fov.compute_pyramid(3)
    fov.set_scale("0", "y", 0.1)
    assert [fov.get_effective_scale(i)[3] for i in "012"] == pytest.approx([0.1, 0.2, 0.4])


def test_iohub_set_scale_took_five_axes_for_granted(tmp_path: Path, version: str) -> None:
    axes = [AxisMeta(name=n, type="space") for n in "yx"]
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", axes=axes, version=version
    ) as node:
        node["0"] = np.zeros((4, 4), "u1")
        node.set_scale("0", "y", 3)
        node.set_scale("*", "x", 2)
        assert node.scale == [3, 2]


def test_iohub_effective_translation_ignored_the_scale_of_the_fov(fov: Any) -> None:
    ten = TransformationMeta(type="translation", translation=[0, 0, 0, 0, 10])
    fov.set_transform("0", [ten])
    fov.set_transform("*", [TransformationMeta(type="scale", scale=[1, 1, 1, 1, 4])])
    assert fov.get_effective_translation("0")[-1] == 40


def test_iohub_pyramid_had_no_half_pixel_translation(fov: Any) -> None:
    fov.compute_pyramid(2)
    assert fov.get_effective_translation("1") == [0, 0, 0.5, 0.5, 0.5]


def test_iohub_integer_means_were_truncated(fov: Any) -> None:
    fov["0"][...] = 15
    fov["0"][..., 1::2] = 16
    fov.compute_pyramid(2)
    assert (fov["1"][..., :3] == 16).all()


def test_iohub_other_level_names_broke_data_and_pyramids(tmp_path: Path, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
    ) as node:
        node["full"] = np.ones((1, 1, 1, 4, 4), "u1")
        assert node.data.basename == "full"
        node.compute_pyramid(2)
        assert list(node) == ["full", "full_1"]


def test_iohub_del_left_the_dataset_in_the_metadata(fov: Any) -> None:
    fov.compute_pyramid(2)
    del fov["1"]
    assert fov.metadata.multiscales[0].get_dataset_paths() == ["0"]


def test_iohub_first_write_of_one_time_lost_the_time_scale(tmp_path: Path, version: str) -> None:
    whole = xr.DataArray(
        np.arange(24, dtype="u2").reshape(3, 1, 2, 2, 2),
        dims=list("tczyx"),
        coords={"t": ("t", [0.0, 10.0, 20.0]), "c": ["a"]},
    )
    with open_ome_zarr(
        tmp_path / "a.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
    ) as source:
        source.write_xarray(whole)
        labelled = source.to_xarray()
        with open_ome_zarr(
            tmp_path / "b.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
        ) as node:
            for t in (1, 0, 2):
                node.write_xarray(labelled.isel(t=[t]))
            assert node.scale[0] == 10.0
            assert np.array_equal(node["0"][...], whole.values)


def test_iohub_write_xarray_took_only_tczyx(tmp_path: Path, version: str) -> None:
    axes = [AxisMeta(name="c", type="channel"), *(AxisMeta(name=n, type="space") for n in "yx")]
    with open_ome_zarr(
        tmp_path / "s.zarr",
        layout="fov",
        mode="w-",
        channel_names=["a"],
        axes=axes,
        version=version,
    ) as node:
        node.write_xarray(xr.DataArray(np.ones((1, 2, 3)), dims=list("cyx")))
        assert node["0"].shape == (1, 2, 3)


def test_iohub_cyx_read_channels_as_slices(tmp_path: Path, version: str) -> None:
    axes = [AxisMeta(name="c", type="channel"), *(AxisMeta(name=n, type="space") for n in "yx")]
    with open_ome_zarr(
        tmp_path / "s.zarr",
        layout="fov",
        mode="w-",
        channel_names=["a", "b"],
        axes=axes,
        version=version,
    ) as node:
        node["0"] = np.ones((2, 3, 4), "u1")
        image = node["0"]
        assert (image.frames, image.channels, image.slices) == (1, 2, 1)


def test_iohub_a_newer_version_opened_and_failed_later(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "s.zarr", mode="w", zarr_format=3)
    group.attrs["ome"] = {"version": "0.9", "multiscales": [{}]}
    with pytest.raises(VersionError, match=r"0\.9 is newer"):
        open_ome_zarr(tmp_path / "s.zarr")


def test_iohub_nested_attributes_were_not_saved(fov: Any) -> None:
    fov.zattrs["x"] = {"a": 1}
    fov.zattrs["x"]["a"] = 2
    assert open_ome_zarr(fov.url).zattrs["x"]["a"] == 2


def test_iohub_280_mode_w_wiped_folders_that_are_no_stores(tmp_path: Path) -> None:
    (tmp_path / "data.zarr").mkdir()
    (tmp_path / "data.zarr" / "thesis.txt").write_text("x")
    with pytest.raises(ValueError, match="refusing to delete"):
        open_ome_zarr(tmp_path / "data.zarr", layout="fov", mode="w", channel_names=["a"])
    assert (tmp_path / "data.zarr" / "thesis.txt").read_text() == "x"


def test_iohub_425_an_odd_axis_lost_half_the_image(fov: Any) -> None:
    fov["0"][...] = 7
    fov.compute_pyramid(4)
    assert all((image[...] == 7).all() for _, image in fov.images())


def test_iohub_460_a_gap_in_time_asked_for_terabytes(fov: Any) -> None:
    far = fov.to_xarray().isel(t=[0]).assign_coords(t=[1e9])
    with pytest.raises(ShapeError, match="gap"):
        fov.write_xarray(far)
    assert fov["0"].shape[0] == 2


def test_iohub_167_358_integers_are_not_turned_into_others(fov: Any) -> None:
    assert fov["0"].dtype == "u2"
    with pytest.raises(DTypeError):
        fov["0"][0] = np.full((2, 3, 9, 7), 70000)
    with pytest.raises(DTypeError):
        fov["0"][0] = 0.5
    fov["0"][0] = np.full((2, 3, 9, 7), 300, "i8")
    assert fov.to_xarray().dtype == "u2"


def test_iohub_343_a_time_scale_of_zero_is_read(tmp_path: Path) -> None:
    """Old stores have it: they open, and the next write mends it."""
    group = zarr.open_group(tmp_path / "s.zarr", mode="w", zarr_format=2)
    group.create_array(
        "0", shape=(2, 1, 1, 2, 2), dtype="u1", chunk_key_encoding={"name": "v2", "separator": "/"}
    )
    group.attrs["multiscales"] = [
        {
            "version": "0.4",
            "axes": [
                {"name": n, "type": t}
                for n, t in zip("TCZYX", ["time", "channel", *["space"] * 3], strict=True)
            ],
            "datasets": [
                {
                    "path": "0",
                    "coordinateTransformations": [{"type": "scale", "scale": [0, 1, 1, 1, 1]}],
                }
            ],
        }
    ]
    with open_ome_zarr(tmp_path / "s.zarr", mode="r+") as node:
        assert node.scale[0] == 0
        assert node["0"].frames == 2
        node.to_xarray()
        node.set_scale("0", "t", 5)
        assert node.scale[0] == 5


def test_iohub_368_two_dimensions_become_five_without_loss(tmp_path: Path, version: str) -> None:
    data = np.arange(12, dtype="u2").reshape(3, 4)
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
    ) as node:
        node["0"] = data[None, None, None]
        assert np.array_equal(node["0"][0, 0, 0], data)


def test_iohub_296_dask_read_zeros_for_a_missing_separator(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "s.zarr", mode="w", zarr_format=2)
    array = group.create_array(
        "0",
        shape=(4, 4),
        chunks=(2, 2),
        dtype="u1",
        chunk_key_encoding={"name": "v2", "separator": "."},
    )
    array[...] = 7
    path = tmp_path / "s.zarr" / "0" / ".zarray"
    document = json.loads(path.read_text())
    document.pop("dimension_separator", None)
    path.write_text(json.dumps(document))
    image = open_ome_zarr(tmp_path / "s.zarr", layout="fov")["0"]
    assert (image[...] == 7).all()
    assert (image.dask_array().compute() == 7).all()


def test_iohub_376_prime_numbers_of_slices(tmp_path: Path, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
    ) as node:
        node.create_zeros("0", (1, 1, 997, 2048, 2048), "u2")
        assert np.prod(node["0"].chunks, dtype=object) * 2 <= 500_000_000


def test_iohub_193_products_do_not_overflow(tmp_path: Path, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
    ) as node:
        shape = (2**20, 1, 2**12, 2**20, 2**20)
        node.create_zeros("0", shape, "u8")
        assert node["0"].size == 2**72
        assert node["0"].nbytes == 2**75
        assert node["0"][-1, 0, -1, -1, -3:].tolist() == [0, 0, 0]
        assert repr(node)
        assert node._repr_html_()


def test_iohub_379_opening_one_position_parsed_the_whole_plate(plate: Any) -> None:
    from iohub.testing.counting import CountingBytes

    store = CountingBytes(plate.url)
    opened = open_ome_zarr(store)
    store.clear()
    _ = opened["B/2/0"].scale
    assert all(key.startswith("B/2/0") for key in store.keys("get"))


def test_iohub_reprs_were_those_of_object(plate: Any) -> None:
    for node in (plate, plate["A"], plate["A/1"], plate["A/1/0"], plate["A/1/0/0"]):
        assert " object at 0x" not in repr(node)


def test_iohub_key_errors_were_bare(plate: Any) -> None:
    with pytest.raises(KeyError) as caught:
        plate["Z/9/9"]
    assert "plate" in str(caught.value)
    assert "KeysView" not in str(caught.value)


def test_iohub_421_a_new_plate_gave_a_scary_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plate = open_ome_zarr(
            tmp_path / "p.zarr", layout="hcs", mode="a", channel_names=["a"], version="0.5"
        )
        plate.create_position("A", "1", "0")
        plate.print_tree()


def test_iohub_from_positions_was_not_implemented(tmp_path: Path, fov: Any) -> None:
    made = Plate.from_positions(tmp_path / "p.zarr", {"A/1/0": fov})
    assert np.array_equal(made["A/1/0/0"][...], fov["0"][...])


def test_iohub_axes_were_uppercase(fov: Any) -> None:
    axes = fov.maybe_wrapped_ome_attrs["multiscales"][0].get("axes")
    if axes is not None:  # in 0.6 they are in the coordinate systems
        assert [axis["name"] for axis in axes] == list("tczyx")
    assert fov["0"].zarr_array().metadata.to_dict().get("dimension_names") in (
        None,
        tuple("tczyx"),
        list("tczyx"),
    )


def test_iohub_209_a_url_was_taken_for_a_local_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="nowhere"):
        open_ome_zarr("nowhere://bucket/x.zarr")
    assert list(tmp_path.iterdir()) == []


# ---- others ----------------------------------------------------------------------------------


def test_ngio_unaligned_dask_writes_lost_pixels(fov: Any) -> None:
    expected = fov["0"][...]
    piece = np.arange(2 * 2 * 2 * 5 * 5, dtype="u2").reshape(2, 2, 2, 5, 5)
    fov["0"][:, :, 1:, 2:7, 1:6] = da.from_array(piece, chunks=(1, 2, 1, 2, 3))
    expected[:, :, 1:, 2:7, 1:6] = piece
    assert np.array_equal(fov["0"][...], expected)


def test_ngio_255_channels_in_another_order_were_written_in_stored_order(fov: Any) -> None:
    before = fov["0"][...]
    piece = fov.to_xarray().sel(c=["GFP", "DAPI"]).isel(z=[1, 0])
    fov.write_xarray(piece.copy(data=piece.values))
    assert np.array_equal(fov["0"][...], before)
    swapped = piece.copy(data=piece.values[:, ::-1])
    fov.write_xarray(swapped)
    assert np.array_equal(fov["0"][:, 0, :2], before[:, 1, :2])


def test_ngio_231_setting_units_wiped_channels(fov: Any) -> None:
    before = fov.metadata.omero
    fov.set_scale("0", "x", 2)
    fov.write_xarray(fov.to_xarray())
    assert fov.metadata.omero == before


def test_ngio_negative_and_cancelling_translations_were_dropped(fov: Any) -> None:
    for shift in ([0, 0, -1.5, 0, 0], [0, 0, 2, -2, 0]):
        fov.set_transform("0", [TransformationMeta(type="translation", translation=shift)])
        assert open_ome_zarr(fov.url).get_effective_translation("0") == shift


def test_ngio_74_a_window_of_no_width(fov: Any) -> None:
    with pytest.raises(ValueError, match=r"start|end"):
        fov.set_contrast_limits("DAPI", {"start": 5, "end": 5, "min": 0, "max": 9})


def test_ngff_zarr_592_large_arrays_are_written_whole(fov: Any) -> None:
    lazy = da.ones((2, 2, 30, 101, 97), chunks=(1, 1, 7, 33, 50), dtype="u1")
    image = fov.create_image("large", lazy, chunks=(1, 1, 8, 32, 32))
    assert int(image.dask_array().sum()) == 2 * 2 * 30 * 101 * 97


def test_ngff_zarr_719_halving_33_by_35_keeps_the_last_row(tmp_path: Path, version: str) -> None:
    data = np.zeros((1, 1, 1, 33, 35), "u1")
    data[..., -1, :] = data[..., -1] = 9
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
    ) as node:
        node["0"] = data
        node.compute_pyramid(2, "max")
        assert node["1"].shape[-2:] == (17, 18)
        assert (node["1"][..., -1, :] == 9).all()


def test_ome_zarr_254_the_method_was_ignored(fov: Any) -> None:
    found = set()
    for method in ("mean", "min", "max", "stride"):
        fov.delete_pyramid()
        fov.compute_pyramid(2, method)
        found.add(fov["1"][...].tobytes())
    assert len(found) == 4


def test_zarr_2867_updating_attributes_deleted_the_rest(fov: Any) -> None:
    before = fov.zattrs.asdict()
    fov.zattrs.update(a=1)
    assert fov.zattrs.asdict() == {**before, "a": 1}
    fov["0"].attrs["a"] = 1
    fov["0"].attrs.update(b=2)
    assert dict(fov["0"].attrs) == {"a": 1, "b": 2}


def test_zarr_2111_updating_attributes_changed_the_separator(fov: Any) -> None:
    before = fov["0"][...]
    fov["0"].attrs["a"] = 1
    assert np.array_equal(open_ome_zarr(fov.url)["0"][...], before)


def test_zarr_3061_mode_a_deleted_what_was_there(fov: Any, version: str) -> None:
    before = fov["0"][...]
    with open_ome_zarr(
        fov.url, layout="fov", mode="a", channel_names=["x"], version=version
    ) as again:
        assert np.array_equal(again["0"][...], before)


def test_villa_1700_no_v2_group_beside_a_v3_one(tmp_path: Path) -> None:
    """Mode "a" with the other version opens what is there."""
    for first, second, stray in (("0.5", "0.4", ".zgroup"), ("0.4", "0.5", "zarr.json")):
        path = tmp_path / f"{first}.zarr"
        open_ome_zarr(path, layout="hcs", mode="w-", channel_names=["a"], version=first).close()
        with open_ome_zarr(
            path, layout="hcs", mode="a", channel_names=["a"], version=second
        ) as plate:
            plate.create_position("A", "1", "0").create_zeros("0", (1, 1, 1, 2, 2), "u1")
        assert list(path.rglob(stray)) == []


def test_zarr_4226_consolidated_metadata_do_not_go_stale(fov: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(fov.url)
    fov.zattrs["new"] = 1
    fov.create_zeros("1", (2, 2, 3, 9, 7), "u1")
    group = zarr.open_group(fov.url, mode="r")
    assert group.attrs["new"] == 1
    assert group["1"].shape == (2, 2, 3, 9, 7)


def test_faim_74_a_plate_lists_no_well_that_was_not_written(empty_plate: Any) -> None:
    with pytest.raises(ValueError, match="letters"):
        empty_plate.create_positions([("A", "1", "0"), ("B", "2", "no/field")])
    assert list(empty_plate.wells()) == []


def test_sd_1091_a_single_scale_stays_one(fov: Any) -> None:
    fov.write_xarray(fov.to_xarray())
    fov.dump_meta()
    assert list(fov) == ["0"]


def test_msi_115_units_go_out_and_come_back(tmp_path: Path, fov: Any, version: str) -> None:
    labelled = fov.to_xarray()
    with open_ome_zarr(
        tmp_path / "b.zarr",
        layout="fov",
        mode="w-",
        channel_names=["DAPI", "GFP"],
        version=version,
    ) as node:
        node.write_xarray(labelled)
        for dim in "tzyx":
            assert (
                node.to_xarray().coords[dim].attrs["units"] == labelled.coords[dim].attrs["units"]
            )
        assert type(node) is Position
