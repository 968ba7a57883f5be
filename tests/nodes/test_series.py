"""Several images in one group, as bioformats2raw lays them out: opened, made and edited."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import (
    ArgumentError,
    CorruptNodeWarning,
    DocumentError,
    ExistsError,
    LayoutError,
    MissingDependencyError,
    MissingNodeError,
    PathError,
)
from iohub.models import validate
from iohub.ngff import Plate, Series
from iohub.optional import have

XML = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
  <Image ID="Image:0" Name="first">
    <Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8"
            SizeX="4" SizeY="5" SizeZ="1" SizeC="1" SizeT="1">
      <Channel ID="Channel:0:0" SamplesPerPixel="1"/>
      <MetadataOnly/>
    </Pixels>
  </Image>
</OME>
"""


@pytest.fixture(params=["0.4", "0.5", "0.6"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path(tmp_path: Path, version: str) -> Path:
    """Write a series of three images; none is where its name would sort."""
    with open_ome_zarr(
        tmp_path / "s.zarr", "series", "w-", channel_names=["a"], version=version
    ) as series:
        made = series.create_positions(["b", "a/1", None])
        for i, position in enumerate(made):
            position.create_image("0", np.full((1, 1, 2, 5, 4), i, "uint8"))
    return tmp_path / "s.zarr"


def document(path: Path, version: str, group: str = "") -> dict[str, Any]:
    if version == "0.4":
        return dict(json.loads((path / group / ".zattrs").read_text()))
    return dict(json.loads((path / group / "zarr.json").read_text())["attributes"])


def edit(path: Path, version: str, group: str, change: Any) -> None:
    """Change OME metadata with plain JSON."""
    file = path / group / (".zattrs" if version == "0.4" else "zarr.json")
    whole = json.loads(file.read_text()) if file.exists() else {}
    change(whole if version == "0.4" else whole["attributes"].setdefault("ome", {}))
    file.write_text(json.dumps(whole))


def test_what_is_written(path: Path, version: str) -> None:
    root, listed = document(path, version), document(path, version, "OME")
    if version == "0.4":
        assert root["bioformats2raw.layout"] == 3
        assert listed == {"series": ["b", "a/1", "2"]}
    else:
        assert root["ome"] == {"version": version, "bioformats2raw.layout": 3}
        assert listed == {"ome": {"version": version, "series": ["b", "a/1", "2"]}}


def test_opened_in_order(path: Path, version: str) -> None:
    with open_ome_zarr(path) as series:
        assert isinstance(series, Series)
        assert series.version == version
        assert list(series) == ["b", "a/1", "2"]
        assert series.channel_names == ["a"]
        assert [axis.name for axis in series.axes] == list("tczyx")
        for i, (name, position) in enumerate(series.positions()):
            assert name == list(series)[i]
            assert position.channel_names == ["a"]
            assert (position["0"][:] == i).all()
        assert series["a/1/0"].shape == (1, 1, 2, 5, 4)
        assert series["a", "1"] == series["a/1"]
        assert series[2] == series["2"]
        with pytest.raises(MissingNodeError, match="did you mean 'a/1'"):
            series["a/2"]
        assert "a" not in series
        assert series.ome_xml is None
        assert series.ome is None


def test_without_a_list_images_are_numbered(tmp_path: Path, version: str) -> None:
    path = tmp_path / "s.zarr"
    with open_ome_zarr(path, "series", "w-", channel_names=["a"], version=version) as series:
        assert list(series) == []
        for _ in range(11):
            series.create_position().create_zeros("0", (1, 1, 1, 2, 2), "uint8")
        series.create_position("99")
    edit(path, version, "OME", lambda ome: ome.pop("series"))
    with open_ome_zarr(path) as series:
        assert list(series) == [str(i) for i in range(11)]
        assert len(list(series.positions())) == 11


def test_a_list_at_the_top_is_read_in_any_version(path: Path, version: str) -> None:
    def move(ome: dict[str, Any]) -> None:
        ome.pop("series")

    edit(path, version, "OME", move)
    file = path / "OME" / (".zattrs" if version == "0.4" else "zarr.json")
    whole = json.loads(file.read_text())
    (whole if version == "0.4" else whole["attributes"])["series"] = ["2", "b"]
    file.write_text(json.dumps(whole))
    with open_ome_zarr(path) as series:
        assert list(series) == ["2", "b"]


def test_a_plate_takes_precedence(tmp_path: Path, version: str) -> None:
    path = tmp_path / "p.zarr"
    with open_ome_zarr(path, "hcs", "w-", channel_names=["a"], version=version) as plate:
        plate.create_position("A", "1", "0").create_zeros("0", (1, 1, 1, 2, 2), "uint8")
        plate.maybe_wrapped_ome_attrs["bioformats2raw.layout"] = 3
    with open_ome_zarr(path) as plate:
        assert isinstance(plate, Plate)


@pytest.mark.parametrize("wrong", [["../x"], ["a", "a"], "a", [1], ["/etc"]])
def test_lists_that_are_wrong(path: Path, version: str, wrong: Any) -> None:
    edit(path, version, "OME", lambda ome: ome.update(series=wrong))
    with open_ome_zarr(path) as series:
        with pytest.raises(DocumentError, match="series"):
            list(series)
        assert "unreadable" in repr(series)


def test_another_layout_version(path: Path, version: str) -> None:
    edit(path, version, "", lambda ome: ome.update({"bioformats2raw.layout": 4}))
    with pytest.raises(DocumentError, match="must be 3, found 4"):
        open_ome_zarr(path)


def test_layouts(path: Path, tmp_path: Path, version: str) -> None:
    with open_ome_zarr(path, layout="series") as series:
        assert isinstance(series, Series)
    with pytest.raises(LayoutError, match="a series of images"):
        open_ome_zarr(path, layout="fov")
    with pytest.raises(LayoutError, match="kind 'series'"):
        open_ome_zarr(path / "OME")
    other = tmp_path / "other.zarr"
    with open_ome_zarr(other, "series", "a", version=version) as series:
        assert list(series) == []
    with open_ome_zarr(other, "series", "a", version=version) as series:
        assert list(series) == []


def test_images_may_differ(tmp_path: Path, version: str) -> None:
    """A series has no channels of its own: each image may have others."""
    path = tmp_path / "s.zarr"
    with open_ome_zarr(path, "series", "w-", version=version) as series:
        position = series.create_position()
        position._given_channels = ["x", "y"]
        position.create_zeros("0", (1, 2, 1, 2, 2), "uint8")
    with open_ome_zarr(path) as series:
        assert series["0"].channel_names == ["x", "y"]


def test_edits(path: Path, version: str) -> None:
    with open_ome_zarr(path, mode="r+") as series:
        with pytest.raises(ExistsError):
            series.create_position("b")
        with pytest.raises(ExistsError):
            series.create_position("a")
        with pytest.raises(ExistsError):
            series.create_position("OME")
        with pytest.raises(PathError):
            series.create_position("../x")
        assert list(series) == ["b", "a/1", "2"]
        del series["a/1"]
        assert list(series) == ["b", "2"]
        with pytest.raises(MissingNodeError):
            del series["a/1"]
        series.create_position("a/1")
        assert list(series) == ["b", "2", "a/1"]
        series["b"].compute_pyramid(2)
        series["b"].labels.create("cells", np.ones((5, 4), "uint8"))
    with open_ome_zarr(path) as series:
        assert list(series["b"].labels) == ["cells"]


def test_missing_and_broken_images_are_named(path: Path, version: str) -> None:
    import shutil

    shutil.rmtree(path / "a")
    with open_ome_zarr(path) as series:
        with pytest.raises(MissingNodeError, match="listed but missing"):
            series["a/1"]
        with pytest.warns(CorruptNodeWarning, match="a/1"):
            assert [name for name, _ in series.positions()] == ["b", "2"]
        series.print_tree()


def test_reprs_and_trees(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_ome_zarr(path) as series:
        assert "3 images" in repr(series)
        assert "a/1" in series._repr_html_()
        series.print_tree()
    assert "└── 2" in capsys.readouterr().out
    assert "s.zarr" in repr(series)


def test_ome_xml(path: Path) -> None:
    with open_ome_zarr(path, mode="r+") as series:
        series.ome_xml = XML
        assert series.ome_xml == XML
    assert (path / "OME/METADATA.ome.xml").read_text() == XML
    with open_ome_zarr(path) as series:
        if have("ome_types"):
            assert series.ome.images[0].name == "first"
        else:
            with pytest.raises(MissingDependencyError, match=r"iohub\[ome\]"):
                assert series.ome


WRONG = ["not xml", "<OME><Image></OME>", "<Other/>", "", "<OME><x:Image/></OME>"]


@pytest.mark.parametrize("wrong", [*WRONG, 3, None, b"<OME/>"])
def test_what_is_no_ome_xml_is_not_written(path: Path, wrong: Any) -> None:
    with open_ome_zarr(path, mode="r+") as series:
        series.ome_xml = XML
        with pytest.raises(DocumentError if isinstance(wrong, str) else ArgumentError):
            series.ome_xml = wrong
        with pytest.raises((ArgumentError, MissingDependencyError)):
            series.ome = 3
        assert series.ome_xml == XML


@pytest.mark.skipif(not have("ome_types"), reason="ome-types is not installed")
@pytest.mark.parametrize("wrong", [*WRONG, "<OME><Nothing/></OME>", "\N{MICRO SIGN}"])
def test_what_is_no_ome_xml_is_said(path: Path, wrong: str) -> None:
    with open_ome_zarr(path, mode="r+") as series:
        series.ome_xml = XML
        (path / "OME/METADATA.ome.xml").write_bytes(wrong.encode("latin-1"))
        with pytest.raises(DocumentError, match=r"METADATA\.ome\.xml"):
            assert series.ome


@pytest.mark.parametrize("given", [3, None, "not xml", "<OME>", "<a/>", ""])
def test_what_is_no_ome_xml(path: Path, given: Any) -> None:
    with open_ome_zarr(path, mode="r+") as series:
        series.ome_xml = XML
        error = ArgumentError if not isinstance(given, str) else DocumentError
        with pytest.raises(error):
            series.ome_xml = given
        with pytest.raises(ArgumentError, match="ome_types"):
            series.ome = given
        assert series.ome_xml == XML
        (path / "OME/METADATA.ome.xml").write_text("not xml")
        if have("ome_types"):
            with pytest.raises(DocumentError, match=r"METADATA\.ome\.xml"):
                _ = series.ome
    assert "series-xml-form" in validate(path).codes()


@pytest.mark.skipif(not have("ome_types"), reason="ome-types is not installed")
def test_ome_is_written(path: Path) -> None:
    with open_ome_zarr(path, mode="r+") as series:
        series.ome_xml = XML
        ome = series.ome
        ome.images[0].name = "renamed"
        series.ome = ome
        assert series.ome.images[0].name == "renamed"


def test_opening_imports_no_xml(path: Path) -> None:
    code = (
        "import sys; from iohub import open_ome_zarr\n"
        f"list(open_ome_zarr({str(path)!r}).positions())\n"
        "print({'ome_types', 'pandas', 'pyarrow', 'skimage'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
