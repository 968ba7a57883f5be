"""The validator on series of bioformats2raw, and on scenes."""

from __future__ import annotations

import shutil

import pytest
import zarr

from iohub import open_ome_zarr
from iohub.models import validate


@pytest.fixture
def series(tmp_path, image, version, files):
    """Two images in a row, with OME-XML."""
    path = tmp_path / "series.zarr"
    files.write_group(path, version, {"bioformats2raw.layout": 3})
    for name in ("0", "1"):
        shutil.copytree(image, path / name)
    files.write_group(path / "OME", version, {"series": ["0", "1"]})
    xml = (
        '<OME xmlns:ome="x"><!-- <Image ID="x"> --><Image ID="a"></Image><ome:Image ID="b"/></OME>'
    )
    (path / "OME" / "METADATA.ome.xml").write_text(xml)
    return path


def test_series(series, files, codes):
    assert validate(series, strict=True, deep=True).findings == ()
    files.edit(series / "OME", lambda ome: ome.pop("series"))
    report = validate(series, strict=True)
    assert report.findings == ()
    assert report.arrays == 4
    (series / "OME" / "METADATA.ome.xml").write_text("<OME><Image/></OME>")
    assert codes(series) == {"series-count"}
    for wrong in ("<OME><Image></OME>", "no xml", "<Other/>"):
        (series / "OME" / "METADATA.ome.xml").write_text(wrong)
        assert codes(series) == {"series-xml-form"}
    (series / "OME" / "METADATA.ome.xml").unlink()
    assert codes(series) == {"series-xml"}


def test_series_that_are_wrong(series, files):
    files.edit(series / "OME", lambda ome: ome.update(series=["0", "../x", 3, "0", "nothing"]))
    files.edit(series, lambda ome: ome.update({"bioformats2raw.layout": "3"}))
    shutil.rmtree(series / "0" / "1")
    found = {each.code for each in validate(series).errors}
    assert found == {"path", "series-image", "series-missing", "layout-version", "level-missing"}


def test_series_without_images(series, files, codes):
    for name in ("0", "1", "OME"):
        shutil.rmtree(series / name)
    assert codes(series) == {"series-missing", "series-xml"}


# -- scenes and stored parameters ----------------------------------------------------------

AXES = [{"name": n, "type": "space"} for n in "yx"]


def scene_of(*transforms):
    return {
        "scene": {
            "coordinateSystems": [{"name": "world", "axes": AXES}],
            "coordinateTransformations": list(transforms),
        }
    }


@pytest.fixture
def scene(tmp_path, files):
    path = tmp_path / "scene.zarr"
    axes = [SpaceAxis(n) for n in "yx"]
    with open_ome_zarr(path / "g" / "a", "fov", "w-", axes=axes, version="0.6") as node:
        node.create_zeros("0", (8, 8), "u1")
    name = files.read(path / "g" / "a")["multiscales"][0]["coordinateSystems"][0]["name"]
    source = {"path": "g/a", "name": name}
    affine = {"type": "affine", "path": "coordinateTransformations/a"}
    transform = {**affine, "input": source, "output": {"name": "world"}}
    files.write_group(path, "0.6", scene_of(transform))
    files.write_group(path / "coordinateTransformations", "0.6", {})
    array = zarr.create_array(path / "coordinateTransformations" / "a", shape=(2, 3), dtype="f8")
    array[:] = [[1, 0, 0], [0, 1, 0]]
    return path


def SpaceAxis(name):  # noqa: N802 - as the class that it stands for
    from iohub.ngff.models import SpaceAxisMeta

    return SpaceAxisMeta(name=name)


def test_scenes(scene):
    report = validate(scene, deep=True)
    assert report.errors == ()
    assert report.arrays == 2


def test_scenes_with_parameters_that_do_not_fit(scene, codes):
    zarr.create_array(
        scene / "coordinateTransformations" / "a", shape=(3,), dtype="f8", overwrite=True
    )
    assert "parameters-shape" in codes(scene)
    shutil.rmtree(scene / "coordinateTransformations")
    assert "parameters-missing" in codes(scene)


def test_scenes_with_other_images(scene, files):
    def rename(ome):
        ome["scene"]["coordinateTransformations"][0]["input"]["name"] = "nowhere"

    files.edit(scene, rename)
    [found] = validate(scene).errors
    assert found.code == "system-unknown"
    assert found.pointer == "/attributes/ome/scene/coordinateTransformations/0/input/name"
    shutil.rmtree(scene / "g" / "a")
    assert {each.code for each in validate(scene).errors} == {"scene-image"}


def test_links_to_label_images(tmp_path, files):
    path = tmp_path / "a.zarr"
    axes = [SpaceAxis(n) for n in "yx"]
    with open_ome_zarr(path, "fov", "w-", axes=axes, version="0.6") as node:
        node.create_zeros("0", (8, 8), "u2")
    label = files.add_label(path, levels=1)
    name = files.read(label)["multiscales"][0]["coordinateSystems"][0]["name"]
    link = {
        "type": "identity",
        "input": {"name": name},
        "output": {"path": "labels/cells", "name": name},
    }
    files.edit(path, lambda ome: ome["multiscales"][0].update(coordinateTransformations=[link]))
    assert validate(path).errors == ()
    link["output"]["name"] = "nowhere"
    files.edit(path, lambda ome: ome["multiscales"][0].update(coordinateTransformations=[link]))
    assert {each.code for each in validate(path).errors} == {"system-unknown"}
    shutil.rmtree(path / "labels")
    assert {each.code for each in validate(path).errors} == {"label-missing"}
