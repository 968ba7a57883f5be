"""The validator on levels: there, of the right sizes and types, with the right names."""

from __future__ import annotations

import json
import shutil

import pytest

from iohub import open_ome_zarr
from iohub.models import validate

LEVELS = {
    "level-missing": lambda image, files: shutil.rmtree(image / "1"),
    "level-kind": lambda image, files: files.edit(
        image, lambda ome: ome["multiscales"][0]["datasets"][1].update(path="labels")
    ),
    "array-document": lambda image, files: files.rewrite(
        files.array(image / "1"), lambda d: d.pop("shape")
    ),
    "json": lambda image, files: files.array(image / "1").write_text("{"),
    "level-order": lambda image, files: files.rewrite(
        files.array(image / "1"), lambda d: d.update(shape=[1, 2, 3, 32, 8])
    ),
    "array-dtype": lambda image, files: files.rewrite(
        files.array(image / "1"),
        lambda d: d.update({"data_type": "string"} if "data_type" in d else {"dtype": "|O"}),
    ),
}


@pytest.mark.parametrize("code", sorted(LEVELS))
def test_levels(image, files, code):
    if code == "level-kind":
        files.add_label(image)
    LEVELS[code](image, files)
    report = validate(image)
    assert code in {each.code for each in report.errors}
    assert all(each.rule.demand == "must" for each in report.errors)


def test_number_of_dimensions(image, files, version):
    def flatter(document):
        document["shape"] = document["shape"][1:]
        if "chunks" in document:
            document["chunks"] = document["chunks"][1:]
        else:
            grid = document["chunk_grid"]["configuration"]
            grid["chunk_shape"] = grid["chunk_shape"][1:]
            document["dimension_names"] = document["dimension_names"][1:]

    files.rewrite(files.array(image / "1"), flatter)
    [found] = [each for each in validate(image).errors if each.code == "level-ndim"]
    assert (found.path, found.pointer) == ("1", "/shape")
    assert found.document == (".zarray" if version == "0.4" else "zarr.json")


def test_types_of_levels(image, files, version):
    files.rewrite(
        files.array(image / "1"),
        lambda d: d.update({"data_type": "int32"} if "data_type" in d else {"dtype": "<i4"}),
    )
    [found] = validate(image).findings
    assert found.code == "level-dtype"
    assert found.severity == ("error" if version == "0.6" else "warning")


def test_scales_beside_sizes(image, files):
    def wrong(ome):
        text = json.dumps(ome["multiscales"]).replace("[1.0, 1.0, 2.0, 1.0, 1.0]", "[1,1,2,2,1]")
        ome["multiscales"] = json.loads(text.replace("[1, 1, 2, 1, 1]", "[1,1,2,2,1]"))

    files.edit(image, wrong)
    [found] = validate(image).findings
    assert (found.code, found.severity) == ("level-scale", "warning")
    assert "dimension 3" in found.message
    assert not validate(image, strict=True).valid


def test_names_of_dimensions(image, files, version, codes):
    if version == "0.4":
        files.rewrite(image / "0" / ".zarray", lambda d: None)
        (image / "0" / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["c", "t", "z", "y", "x"]}')
        assert [(f.code, f.severity) for f in validate(image)] == [("dimension-names", "warning")]
        return
    files.rewrite(image / "0" / "zarr.json", lambda d: d.pop("dimension_names"))
    absent = validate(image)
    files.rewrite(image / "0" / "zarr.json", lambda d: d.update(dimension_names=list("ctzyx")))
    wrong = validate(image)
    if version == "0.5":
        assert {f.code for f in absent.errors} == {f.code for f in wrong.errors}
        assert {f.code for f in absent.errors} == {"dimension-names"}
    else:
        assert absent.findings == ()
        assert [(f.code, f.severity) for f in wrong] == [("dimension-names", "warning")]
    files.rewrite(image / "0" / "zarr.json", lambda d: d.update(dimension_names=["y"]))
    assert "array-names" in codes(image)


def test_channels(image, files, codes):
    files.edit(image, lambda ome: ome["omero"]["channels"].pop())
    assert codes(image) == {"channel-count"}


def test_separators(image, files, version, codes):
    if version == "0.4":
        files.rewrite(image / "0" / ".zarray", lambda d: d.update(dimension_separator="."))
        assert codes(image) == {"separator", "separator-disagrees"}
        return

    def dotted(document):
        document["chunk_key_encoding"]["configuration"] = {"separator": "."}

    files.rewrite(image / "0" / "zarr.json", dotted)
    [found] = validate(image).findings
    assert (found.code, found.severity, found.rule.standard) == (
        "separator-disagrees",
        "error",
        "Zarr v3",
    )


def test_ragged_shards(tmp_path, files, codes):
    path = tmp_path / "a.zarr"
    with open_ome_zarr(path, "fov", "w-", ["a"], version="0.5") as node:
        node.create_zeros("0", (1, 1, 1, 8, 8), "u1", chunks=(1, 1, 1, 2, 2), shards_ratio=(2,) * 5)

    def ragged(document):
        document["codecs"][0]["configuration"]["chunk_shape"] = [1, 1, 1, 3, 3]

    files.rewrite(path / "0" / "zarr.json", ragged)
    assert "shard-shape" in codes(path)


def test_levels_of_equal_pixels_have_equal_sizes(image, files):
    """A level that has lost a channel, or one of three slices."""
    assert "level-scale" not in validate(image).codes()

    def shrink(document):
        document["shape"] = [1, 1, 2, *document["shape"][3:]]

    files.rewrite(files.array(image / "1"), shrink)
    found = [each for each in validate(image).findings if each.code == "level-scale"]
    assert [each.message[:29] for each in found] == [
        "'1' has 1 of 2 pixels along d",
        "'1' has 2 of 3 pixels along d",
    ]


@pytest.mark.parametrize(("size", "now", "fits"), [
    (5, 3, True), (5, 2, True), (5, 1, False), (5, 4, False), (1, 1, True), (1, 2, False),
])  # fmt: skip
def test_sizes_are_rounded_up_or_down(image, files, size, now, fits):
    for level, number in (("0", size), ("1", now)):
        file = files.array(image / level)
        files.rewrite(file, lambda d, n=number: d.update(shape=[*d["shape"][:4], n]))
    found = [each.message for each in validate(image).findings if each.code == "level-scale"]
    assert bool(found) != fits


def test_documents_of_both_zarr_formats(image, files, version):
    """Left from an upgrade by other means: programs disagree on which they read."""
    assert "zarr-formats" not in validate(image).codes()
    marks = {"1": "zarr.json"} if version == "0.4" else {"": ".zgroup", "1": ".zarray"}
    for path, name in marks.items():
        (image / path / name).write_text("{}")
    found = [each for each in validate(image).findings if each.code == "zarr-formats"]
    assert [(each.path, each.severity) for each in found] == [(path, "warning") for path in marks]
    assert not validate(image, strict=True).valid
