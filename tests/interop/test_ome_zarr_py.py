"""ome-zarr-py reads what iohub writes, and the other way round."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from ome_zarr.writer import (
    write_image,
    write_label_metadata,
    write_labels,
    write_plate_metadata,
    write_well_metadata,
)

from iohub.ngff import Plate, open_ome_zarr

FORMATS = {"0.4": FormatV04(), "0.5": FormatV05()}
SCALE = {"t": 3.0, "c": 1.0, "z": 2.0, "y": 0.5, "x": 0.25}
OMERO = {
    "channels": [
        {"label": name, "color": color, "window": {"start": 1, "end": 9, "min": 0, "max": 99}}
        for name, color in (("DAPI", "0000FF"), ("GFP", "00FF00"))
    ]
}

pytestmark = [
    pytest.mark.filterwarnings("ignore:Scale value not provided"),
    # Its own default for an argument that it says not to give.
    pytest.mark.filterwarnings("ignore:\\s*The 'scaler' argument is deprecated:DeprecationWarning"),
]


def nodes(path):
    return list(Reader(parse_url(str(path)))())


def made(path, version):
    return zarr.create_group(path, zarr_format=FORMATS[version].zarr_format)


@pytest.fixture
def image_of_ome_zarr(tmp_path, pixels):
    def make(version, letters="czyx", labels=False):
        path = tmp_path / "o.zarr"
        data = pixels(letters)
        group = made(path, version)
        write_image(
            data,
            group,
            axes=letters,
            fmt=FORMATS[version],
            scale_factors=[{"y": 2, "x": 2}, {"y": 4, "x": 4}],
            scale={letter: SCALE[letter] for letter in letters},
            axes_units={k: "nanometer" for k in letters if k in "zyx"},
            **({"omero": OMERO} if "c" in letters else {}),
        )
        if labels:
            write_labels(
                data[0].astype("int32"),
                group,
                name="cells",
                axes=letters[1:],
                fmt=FORMATS[version],
                scale_factors=[2, 4],
                method="nearest",
            )
            write_label_metadata(
                group["labels"],
                "cells",
                colors=[{"label-value": 1, "rgba": [1, 2, 3, 4]}],
                fmt=FORMATS[version],
            )
        return path, data

    return make


def test_it_reads_an_image(tmp_path, version, letters, write_image):
    data = write_image(tmp_path / "a.zarr", version, letters)
    (node,) = nodes(tmp_path / "a.zarr")
    assert [axis["name"] for axis in node.metadata["axes"]] == list(letters)
    assert np.array_equal(node.data[0].compute(), data)
    with open_ome_zarr(tmp_path / "a.zarr") as position:
        for name, image in position.images():
            assert np.array_equal(node.data[int(name)].compute(), image[:])
            scale = node.metadata["coordinateTransformations"][int(name)][0]["scale"]
            assert scale == position.get_effective_scale(name)
    if "c" in letters:
        assert node.metadata["channel_names"] == ["DAPI", "GFP"]
        assert node.metadata["contrast_limits"] == [[0, 65535]] * 2


def test_it_reads_sharded_images(tmp_path, letters, write_image):
    data = write_image(tmp_path / "a.zarr", "0.5", letters, sharded=True)
    (node,) = nodes(tmp_path / "a.zarr")
    assert np.array_equal(node.data[0].compute(), data)


def test_it_reads_an_image_after_edits(tmp_path, version, write_image):
    data = write_image(tmp_path / "a.zarr", version)
    with open_ome_zarr(tmp_path / "a.zarr", mode="r+") as position:
        position.remove_channel("DAPI")
        position.append_channel("Cy5")
        position.set_contrast_limits("Cy5", {"start": 2, "end": 3, "min": 0, "max": 9})
        position.set_channel_color("Cy5", "FF0000")
        position.set_scale("0", "z", 0.5)
    (node,) = nodes(tmp_path / "a.zarr")
    assert node.metadata["channel_names"] == ["GFP", "Cy5"]
    assert node.metadata["contrast_limits"][1] == [2, 3]
    assert node.metadata["colormap"][1][-1] == [1, 0, 0]
    assert np.array_equal(node.data[0].compute()[:, :1], data[:, 1:])
    assert node.metadata["coordinateTransformations"][0][0]["scale"][2] == 0.5


def test_it_reads_a_plate(tmp_path, version, pixels):
    """Its reader joins the first fields of all wells, and knows plates that are full."""
    data = {f"{row}/{column}": pixels("tczyx", seed=ord(row)) for row in "AB" for column in "12"}
    path = tmp_path / "p.zarr"
    with open_ome_zarr(path, "hcs", "w-", channel_names=["a", "b"], version=version) as plate:
        for name, each in data.items():
            plate.create_position(*name.split("/"), "0").create_image("0", each)
    (node,) = nodes(path)
    rows = [np.concatenate([data[f"{row}/{column}"] for column in "12"], -1) for row in "AB"]
    assert np.array_equal(node.data[0].compute(), np.concatenate(rows, -2))


def test_images_of_it(image_of_ome_zarr, version, letters, check_store):
    path, data = image_of_ome_zarr(version, letters)
    with open_ome_zarr(path, mode="r+") as position:
        names = [name for name, _ in position.images()]
        assert len(names) == 3
        assert np.array_equal(position.data[:], data)
        assert np.array_equal(position[names[0]][:], data)
        sizes = dict(zip(letters, position.scale, strict=True))
        assert sizes == {letter: SCALE[letter] for letter in letters}
        assert position.axes[-1].unit == "nanometer"
        # Odd numbers of pixels: the true scale of its levels, which lose the last.
        assert position.get_effective_scale(names[1])[-1] == 0.5
        assert position.to_xarray().coords["x"].attrs["units"] == "nanometer"
        if "c" in letters:
            assert position.channel_names == ["DAPI", "GFP"]
            position.append_channel("Cy5")
        position.delete_pyramid()
        position.compute_pyramid(3)
        position.set_scale("*", "x", 2)
        assert position.get_effective_scale(names[0])[-1] == 0.5
    check_store(path, version)
    (node,) = nodes(path)
    assert len(node.data) == 3
    assert np.array_equal(node.data[0].compute()[tuple(map(slice, data.shape))], data)


# It makes the pyramid of a label as deep as it likes.
NOT_OURS = frozenset({"label-levels"})


def test_labels_of_it(image_of_ome_zarr, version, check_store):
    path, data = image_of_ome_zarr(version, labels=True)
    kinds = check_store(path, version, NOT_OURS)
    assert sorted(kinds) == ["image", "image", "labels"]
    with open_ome_zarr(path, mode="r+") as position:
        first = position.zgroup["labels/cells"]
        name = sorted(first.array_keys())[0]
        assert np.array_equal(position[f"labels/cells/{name}"][:], data[0])
        assert "cells" in position._repr_html_()
        position.append_channel("Cy5")
        position.delete_pyramid()
        position.zattrs["note"] = 1
    with open_ome_zarr(path / "labels/cells", mode="r+") as label:
        assert label.axis_names == ["z", "y", "x"]
        label.delete_pyramid()
        label.compute_pyramid(2, method="mode")
        assert set(np.unique(label[name[:-1] + "1"][:])) <= set(np.unique(data))
    assert sorted(check_store(path, version, NOT_OURS)) == ["image", "image", "labels"]
    image, _, label = nodes(path)
    assert image.data[0].shape[0] == 3
    assert np.array_equal(label.data[0].compute(), data[0])
    assert label.metadata["color"][1][3] == pytest.approx(4 / 255)


def test_a_plate_of_it(tmp_path, version, pixels, check_store):
    path = tmp_path / "p.zarr"
    fmt = FORMATS[version]
    root = made(path, version)
    write_plate_metadata(root, ["A", "B"], ["1", "2"], ["A/1", "B/2"], fmt=fmt, name="theirs")
    data = {}
    for seed, name in enumerate(["A/1", "B/2"]):
        well = root.create_group(name)
        write_well_metadata(well, ["0", "1"], fmt=fmt)
        for field in ("0", "1"):
            data[f"{name}/{field}"] = pixels("czyx", seed=seed)
            write_image(
                data[f"{name}/{field}"],
                well.create_group(field),
                axes="czyx",
                fmt=fmt,
                scale_factors=[{"y": 2, "x": 2}],
                omero=OMERO,
            )
    with open_ome_zarr(path, mode="r+") as plate:
        assert isinstance(plate, Plate)
        assert [name for name, _ in plate.positions()] == list(data)
        assert plate.channel_names == ["DAPI", "GFP"]
        assert len(plate.to_dataframe()) == 4
        for name, position in plate.positions():
            assert np.array_equal(position.data[:], data[name])
        plate.rename_channel("GFP", "488")
        plate.rename_well("A/1", "A/2")
        plate.create_position("B", "1", "0").create_image("0", data["A/1/0"])
    check_store(path, version)
    with open_ome_zarr(path) as plate:
        assert plate.metadata.name == "theirs"
        names = [name for name, _ in plate.positions()]
        assert sorted(names) == ["A/2/0", "A/2/1", "B/1/0", "B/2/0", "B/2/1"]
        assert plate["A/2/1"].channel_names == ["DAPI", "488"]
