"""Every document that any writer of iohub makes is valid by the official schemas, in all versions.

Of 0.6 there are the schemas of its candidate. Whatever writes has a place here: see
:func:`test_every_verb_that_writes_is_tested`.
"""

from __future__ import annotations

import inspect
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from iohub.metadata.acquisition import AcquisitionRecord
from iohub.metadata.coordinate_systems import CoordinateSystem
from iohub.metadata.transform_types import Identity, Scale, Translation
from iohub.models import repair
from iohub.ngff import (
    Label,
    Labels,
    Plate,
    Position,
    Row,
    Scene,
    Series,
    Tables,
    TiledPosition,
    TransformationMeta,
    Well,
    open_ome_zarr,
)
from iohub.nodes.upgrade import upgrade
from iohub.tiles import AcquisitionDetails, ChannelInfo, ImageInPlate, Tile

VERSIONS = ["0.4", "0.5", "0.6"]
WINDOW = {"start": 5.0, "end": 50.0, "min": 0.0, "max": 255.0}
IDS = np.zeros((5, 33, 30), "uint16")
IDS[1:, 2:8, 3:9] = 7
SIZES = pd.DataFrame({"label": [7], "size": [2.5]})


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return request.param


# -- what is written ---------------------------------------------------------------------------


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


def grown(plate: Plate) -> None:
    plate.create_position("C", "3", "0", acq_index=1).create_zeros("0", (1, 2, 3, 4, 5), "uint8")
    plate.create_well("C", "4")
    plate.add_acquisition(7, name="late", maximum_field_count=3)


def emptied(plate: Plate) -> None:
    for name, _ in list(plate.wells()):
        plate.remove_well(name)


def labelled(position: Position) -> Labels:
    labels = position.labels
    labels.create("cells", IDS)
    return labels


def label(position: Position) -> Label:
    found: Label = labelled(position)["cells"]
    found.colors = {7: "red", 9: (1, 2, 3, 4)}
    return found


def streamed(node: Plate | Position, **more: Any) -> None:
    with node.create_stream({"t": 2, "c": 2, "y": 8, "x": 9}, "uint16", **more) as stream:
        for number in range(5 - len(stream.nodes)):
            stream.append(np.full((8, 9), number, "uint16"))


def longer(position: Position) -> None:
    with position.data.stream(axis="t") as stream:
        stream.append(np.zeros(position.data.shape[-2:], position.data.dtype))


def tiles(name: str) -> list[Tile[Any, Any]]:
    """Two fields side by side."""
    details = AcquisitionDetails(
        channels=[ChannelInfo(channel_label="DAPI"), ChannelInfo(channel_label="GFP")],
        pixelsize=0.5,
    )
    return [
        Tile(
            fov_name=f"{name}{x}",
            start_x=x * 10.0,
            start_y=0.0,
            length_x=20,
            length_y=16,
            length_c=2,
            collection=ImageInPlate(plate_name="p", row="E", column=5, acquisition=0),
            image_loader=np.full((1, 2, 1, 16, 20), x, "uint16"),
            acquisition_details=details,
        )
        for x in range(2)
    ]


def another_level(label: Label) -> None:
    lowest = label["2"][:]
    del label["2"]
    label["2"] = lowest


def tables(node: Position | Plate) -> Tables:
    node.tables.write("sizes", SIZES)
    return node.tables


COARSE = {"transform": [TransformationMeta(type="scale", scale=[1, 1, 9, 9, 9])]}

# The verb, and what else tells one edit from another.
POSITION_EDITS: dict[str, Callable[[Position], Any]] = {
    "Position.rename_channel": lambda p: p.rename_channel("GFP", "488"),
    "Position.append_channel": lambda p: p.append_channel("Cy5"),
    "Position.insert_channel": lambda p: p.insert_channel(0, "Cy5"),
    "Position.remove_channel": lambda p: p.remove_channel("DAPI"),
    "Position.reorder_channels": lambda p: p.reorder_channels(["GFP", "DAPI"]),
    "Position.update_channel": lambda p: p.update_channel("GFP", "0", p["0"][:, 0]),
    "Position.set_contrast_limits": lambda p: p.set_contrast_limits("GFP", WINDOW),
    "Position.set_channel_color": lambda p: p.set_channel_color("DAPI", "12AB34"),
    "Position.zattrs": another_name,
    "Position.set_scale": lambda p: p.set_scale("0", "z", 0.7),
    "Position.set_scale of a level": lambda p: p.set_scale("1", "z", 0.7),
    "Position.set_scale of all": lambda p: p.set_scale("*", "z", 0.7),
    "Position.set_scale with labels": lambda p: (label(p), p.set_scale("0", "z", 0.7)),
    "Position.set_transform": moved,
    "Position.delete_pyramid": lambda p: p.delete_pyramid(),
    "Position.compute_pyramid": lambda p: p.compute_pyramid(method="max"),
    "Position.initialize_pyramid": lambda p: (p.delete_pyramid(), p.initialize_pyramid(4)),
    "Position.__delitem__": lambda p: p.__delitem__("1"),
    "Position.__setitem__": lambda p: p.__setitem__("full", p["0"][:]),
    "Position.create_image": lambda p: p.create_image("coarse", p["0"][..., :2, :2, :2], **COARSE),
    "Position.create_zeros": lambda p: p.create_zeros("c", (2, 2, 1, 3, 3), "uint16", **COARSE),
    "Position.write_xarray": written,
    "Position.acquisition": lambda p: setattr(p, "acquisition", AcquisitionRecord(name="a")),
    "Position.dump_meta": lambda p: p.dump_meta(),
    "Position.add_coordinate_system": lambda p: p.add_coordinate_system(
        "stage", Translation(translation=[0, 0, 1, 2, 3])
    ),
    "Position.remove_coordinate_system": lambda p: (
        p.add_coordinate_system("stage", Scale(scale=[1, 1, 1, 2, 3])),
        p.remove_coordinate_system("stage"),
    ),
    "Labels.create": lambda p: p.labels.create("flat", IDS[0]),
    "Labels.create nested": lambda p: p.labels.create("original/0", IDS, levels=3),
    "Labels.create_zeros": lambda p: p.labels.create_zeros("later"),
    "Labels.__setitem__": lambda p: p.labels.__setitem__("cells", IDS),
    "Labels.rename": lambda p: labelled(p).rename("cells", "by/hand"),
    "Labels.__delitem__": lambda p: labelled(p).__delitem__("cells"),
    "Label.colors": label,
    "Label.colors of none": lambda p: setattr(label(p), "colors", {}),
    "Label.properties": lambda p: setattr(label(p), "properties", SIZES.set_index("label")),
    "Label.source": lambda p: setattr(label(p), "source", "../../"),
    "Label.regionprops": lambda p: label(p).regionprops(),
    "Label.compute_pyramid": lambda p: label(p).compute_pyramid(3, method="stride"),
    "Label.__delitem__": lambda p: label(p).__delitem__("2") or p.__delitem__("2"),
    "Label.__setitem__": lambda p: another_level(label(p)),
    "Label.set_scale": lambda p: label(p).set_scale("0", "z", 0.7),
    "Tables.write": lambda p: p.tables.write("sizes", SIZES, type="feature_table"),
    "Tables.__setitem__": tables,
    "Tables.put": lambda p: p.tables.put("more", SIZES, tables(p).info("sizes")),
    "Tables.__delitem__": lambda p: tables(p).__delitem__("sizes"),
    "ImageArray.resize": lambda p: (p.delete_pyramid(), p["0"].resize((3, 2, 5, 33, 30))),
    "ImageArray.append": lambda p: (p.delete_pyramid(), p["0"].append(p["0"][:1])),
    "ImageArray.attrs": lambda p: p["0"].attrs.update(note=1),
}

PLATE_EDITS: dict[str, Callable[[Plate], Any]] = {
    "Plate.rename_well": lambda p: p.rename_well("A/1", "C/7"),
    "Plate.rename_well to a known row": lambda p: p.rename_well("A/1", "B/1"),
    "Plate.rename_wells": lambda p: p.rename_wells({"A/1": "B/12", "B/12": "A/1"}),
    "Plate.remove_well": lambda p: p.remove_well("A/1"),
    "Plate.remove_well of all": emptied,
    "Plate.remove_well and again": lambda p: (emptied(p), grown(p)),
    "Plate.remove_position": lambda p: p.remove_position("A/1/0"),
    "Plate.remove_position the last": lambda p: p.remove_position("B/12/0"),
    "Plate.__delitem__": lambda p: p.__delitem__("A/1/1"),
    "Plate.create_position": grown,
    "Plate.create_positions": lambda p: p.create_positions([("D", "1", "0"), ("D", "2", "0")]),
    "Plate.create_well": lambda p: p.create_well("D", "4"),
    "Plate.add_acquisition": lambda p: p.add_acquisition(3),
    "Plate.append_channel": lambda p: p.append_channel("Cy5"),
    "Plate.insert_channel": lambda p: p.insert_channel(1, "Cy5"),
    "Plate.rename_channel": lambda p: p.rename_channel("DAPI", "405"),
    "Plate.remove_channel": lambda p: p.remove_channel("DAPI"),
    "Plate.reorder_channels": lambda p: p.reorder_channels(["GFP", "DAPI"]),
    "Plate.dump_meta": lambda p: p.dump_meta(field_count=True),
    "Plate.zattrs": lambda p: p.zattrs.update(note={"a": [1]}),
    "Well.create_position": lambda p: p["A/1"].create_position("7"),
    "Well.__delitem__": lambda p: p["A/1"].__delitem__("0"),
    "Row.__delitem__": lambda p: p["A"].__delitem__("1"),
    "Well.dump_meta": lambda p: p["A/1"].dump_meta(),
    "Tables.write": tables,
    "Plate.create_stream": lambda p: streamed(p, positions=["A/1/8", "D/1/0"]),
    "Plate.add_tiles": lambda p: p.add_tiles(tiles("a")),
    "Plate.stitch": lambda p: p.stitch(p.add_tiles(tiles("a")), "8"),
    "Position.create_stream": lambda p: streamed(p.create_position("D", "1", "0")),
    "ImageArray.stream": lambda p: (grown(p), longer(p["C/3/0"])),
}


# -- what is said about it ---------------------------------------------------------------------


def test_images(tmp_path, version, letters, write_image, check_store):
    write_image(tmp_path / "a.zarr", version, letters)
    assert check_store(tmp_path / "a.zarr", version) == ["image"]


@pytest.mark.parametrize("version", ["0.5", "0.6"])
def test_sharded_images(tmp_path, version, letters, write_image, check_store):
    write_image(tmp_path / "a.zarr", version, letters, sharded=True)
    assert check_store(tmp_path / "a.zarr", version) == ["image"]


@pytest.mark.parametrize("edit", POSITION_EDITS)
def test_a_position_after_an_edit(tmp_path, version, edit, write_image, check_store):
    if "coordinate_system" in edit and version != "0.6":
        return
    path = tmp_path / "a.zarr"
    write_image(path, version)
    with open_ome_zarr(path, mode="r+") as position:
        POSITION_EDITS[edit](position)
    assert "image" in check_store(path, version)
    with open_ome_zarr(path) as position:
        assert all(image[:].shape == image.shape for _, image in position.images())


@pytest.mark.parametrize("edit", PLATE_EDITS)
def test_a_plate_after_an_edit(tmp_path, version, edit, write_plate, check_store):
    path = tmp_path / "p.zarr"
    write_plate(path, version)
    whole = Counter(check_store(path, version))
    assert whole == {"plate": 1, "well": 2, "image": 3}
    with open_ome_zarr(path, mode="r+") as plate:
        PLATE_EDITS[edit](plate)
    check_store(path, version)
    with open_ome_zarr(path) as plate:
        for name, position in plate.positions():
            for _, image in position.images():
                assert image[:].shape == image.shape, name


@pytest.mark.parametrize("source", VERSIONS)
def test_a_copied_plate(tmp_path, source, version, write_plate, write_image, check_store):
    """Plate.from_positions."""
    write_plate(tmp_path / "p.zarr", source)
    data = write_image(tmp_path / "a.zarr", source)
    with open_ome_zarr(tmp_path / "p.zarr") as plate, open_ome_zarr(tmp_path / "a.zarr") as one:
        members = {"A/1/0": plate["B/12/0"], "A/1/1": one}
        Plate.from_positions(tmp_path / "q.zarr", members, version=version).close()
    assert Counter(check_store(tmp_path / "q.zarr", version)) == {"plate": 1, "well": 1, "image": 2}
    with open_ome_zarr(tmp_path / "q.zarr") as plate:
        assert np.array_equal(plate["A/1/1/0"][:], data)


def test_empty_stores_say_nothing(tmp_path, version, check_store):
    for layout in ("fov", "hcs", "tiled", *(["scene"] if version == "0.6" else [])):
        path = tmp_path / f"{layout}.zarr"
        open_ome_zarr(path, layout, "w-", channel_names=["a"], version=version).close()
        assert check_store(path, version) == []


def test_tiles(tmp_path, version, check_store):
    """TiledPosition.make_tiles, TiledImageArray.write_tile."""
    path = tmp_path / "t.zarr"
    with open_ome_zarr(path, "tiled", "w-", channel_names=["a", "b"], version=version) as position:
        tiles = position.make_tiles("0", (2, 3), (1, 2, 3, 16, 8), "float32")
        tiles.write_tile(np.ones((1, 2, 3, 16, 8), "float32"), 1, 2)
    assert check_store(path, version) == ["image"]


def test_series(tmp_path, version, check_store):
    """Series.create_position, create_positions, ome_xml, ome and the deletion of an image."""
    path = tmp_path / "s.zarr"
    with open_ome_zarr(path, "series", "w-", channel_names=["a"], version=version) as series:
        position = series.create_position("first")
        position.create_image("0", np.zeros((1, 1, 5, 33, 30), "uint8"))
        label(position)
        for more in series.create_positions(["1", "2"]):
            more.create_zeros("0", (1, 1, 1, 4, 4), "uint8")
        series.ome_xml = "<OME/>"
        del series["1"]
    found = Counter(check_store(path, version))
    assert found == {"bioformats2raw": 1, "series": 1, "image": 3, "labels": 1}


def test_scenes(tmp_path, check_store):
    """Scene.create_image, add_transform and set_metadata."""
    path = tmp_path / "s.zarr"
    with open_ome_zarr(path, "scene", "w-", version="0.6") as scene:
        for name in ("em", "raw/light"):
            scene.create_image(name, ["a"])["0"] = np.zeros((1, 1, 4, 16, 16), "uint8")
        world = CoordinateSystem(name="world", axes=scene["em"].axes)
        ways = Identity(), Translation(translation=[0, 0, 1, 2, 3])
        scene.add_transform(ways[0], ("physical", "em"), "world", [world])
        scene.add_transform(ways[1], ("physical", "raw/light"), "world")
        assert Counter(check_store(path, "0.6")) == {"scene": 1, "image": 2}
        scene.set_metadata(scene.transforms[:1], [world])
        assert Counter(check_store(path, "0.6")) == {"scene": 1, "image": 2}
        scene.add_transform(ways[1], ("physical", "raw/light"), "world")
        scene.remove_transform(("physical", "raw/light"), "world")
        assert Counter(check_store(path, "0.6")) == {"scene": 1, "image": 2}
        del scene["raw/light"]
    assert Counter(check_store(path, "0.6")) == {"scene": 1, "image": 1}


@pytest.mark.parametrize("source", VERSIONS)
@pytest.mark.parametrize("what", ["plate", "image"])
def test_upgrades(tmp_path, source, version, what, write_plate, write_image, check_store):
    """upgrade, to newer versions and to older ones."""
    path = tmp_path / "p.zarr"
    if what == "plate":
        write_plate(path, source)
    else:
        write_image(path, source)
        with open_ome_zarr(path, mode="r+") as position:
            label(position).regionprops()
    before = Counter(check_store(path, source))
    upgrade(path, version)
    assert Counter(check_store(path, version)) == before


@pytest.mark.parametrize("source", VERSIONS)
@pytest.mark.parametrize("what", ["plate", "image"])
def test_exports(tmp_path, source, version, what, write_plate, write_image, check_store):
    """export, with another pyramid."""
    path = tmp_path / "p.zarr"
    (write_plate if what == "plate" else write_image)(path, source)
    before = Counter(check_store(path, source))
    with open_ome_zarr(path) as node:
        node.export(tmp_path / "q.zarr", version=version, levels=2)
    # By which positions can be added later; all else that is hidden is a fault.
    (tmp_path / "q.zarr/.__iohub.conversion.json").unlink()
    assert Counter(check_store(tmp_path / "q.zarr", version)) == before


@pytest.mark.parametrize("how", [Position.from_tiles, Position.from_arrow])
def test_images_of_other_things(tmp_path, version, how, write_image, check_store):
    """Tiles, and tables of Arrow once they are stored."""
    if how == Position.from_tiles:
        Position.from_tiles(tmp_path / "q.zarr", tiles("a"), version=version).close()
    else:
        write_image(tmp_path / "a.zarr", version)
        with (
            open_ome_zarr(tmp_path / "a.zarr") as node,
            Position.from_arrow(node.to_arrow()) as rows,
        ):
            rows.export(tmp_path / "q.zarr", version=version)
        (tmp_path / "q.zarr/.__iohub.conversion.json").unlink()
    assert "image" in check_store(tmp_path / "q.zarr", version)


def damaged(path: Path) -> None:
    """Take something from every list, and documents away."""
    shutil.rmtree(path / "A/1/1")
    for document in ("zarr.json", ".zattrs", ".zgroup"):
        for folder in (path, path / "B", path / "B/12"):
            (folder / document).unlink(missing_ok=True)
    shutil.rmtree(path / "A/1/0/1")


def test_repairs(tmp_path, version, write_plate, check_store):
    path = tmp_path / "p.zarr"
    write_plate(path, version)
    damaged(path)
    assert repair(path)
    assert Counter(check_store(path, version)) == {"plate": 1, "well": 2, "image": 2}


def test_models(tmp_path, version, write_plate, write_image, check_store):
    """to_zarr of every group without data."""
    module = import_module(f"iohub.models.v{version.replace('.', '')}")
    write_plate(tmp_path / "HCS.zarr", version)
    shutil.copytree(tmp_path / "HCS.zarr/A/1", tmp_path / "Well.zarr")
    write_image(tmp_path / "Image.zarr", version)
    with open_ome_zarr(tmp_path / "Image.zarr", mode="r+") as position:
        label(position).regionprops()
    shutil.copytree(tmp_path / "Image.zarr/labels", tmp_path / "Labels.zarr")
    shutil.copytree(tmp_path / "Image.zarr/labels/cells", tmp_path / "ImageLabel.zarr")
    for name in ("HCS", "Well", "Image", "Labels", "ImageLabel"):
        read = getattr(module, name).from_store(tmp_path / f"{name}.zarr")
        read.to_zarr(tmp_path / f"{name} again.zarr")
        before = Counter(check_store(tmp_path / f"{name}.zarr", version))
        assert Counter(check_store(tmp_path / f"{name} again.zarr", version)) == before


# -- that nothing is left out ------------------------------------------------------------------

NODES = (Position, TiledPosition, Label, Labels, Tables, Plate, Row, Well, Series, Scene)
# Verbs that write nothing.
_READING = """
    array_keys close get get_axis_index get_channel_index get_effective_scale
    get_effective_translation get_transform group_keys ids images info is_leaf is_root items keys of
    positions print_tree resample rows from_arrow to_arrow to_dataframe to_xarray transform_graph
    transform_to values wells
"""
# Tests of their own.
_ALONE = """
    Position.export Position.from_tiles
    Plate.from_positions TiledPosition.make_tiles Series.create_position Series.create_positions
    Series.ome Series.ome_xml Series.__delitem__ Scene.create_image Scene.add_transform
    Scene.set_metadata Scene.remove_transform Scene.__delitem__
"""


def verbs(node: type) -> Iterator[tuple[str, object]]:
    """Public methods of a class, and properties that can be set."""
    for name in dir(node):
        what = inspect.getattr_static(node, name)
        plain = name in ("__setitem__", "__delitem__") or not name.startswith("_")
        if plain and (what.fset if isinstance(what, property) else callable(getattr(node, name))):
            yield name, what


def test_every_verb_that_writes_is_tested():
    """A new verb belongs into one of the lists of edits, or to those that only read."""
    tested = {edit.split()[0] for edit in (*POSITION_EDITS, *PLATE_EDITS)}
    tested.update(_ALONE.split())
    missing = [
        f"{node.__name__}.{name}"
        for node in NODES
        for name, what in verbs(node)
        if name not in _READING.split()
        and not any(
            f"{other.__name__}.{name}" in tested
            for other in NODES
            if inspect.getattr_static(other, name, None) is what
        )
    ]
    assert missing == []
