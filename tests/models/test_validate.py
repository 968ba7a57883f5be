"""The validator on whole stores: what is right passes, each thing that is wrong is found."""

from __future__ import annotations

import json
import shutil
import warnings

import pytest
import zarr

from iohub import open_ome_zarr
from iohub.errors import DocumentError, NotFoundError, PathError
from iohub.models import validate
from iohub.testing.counting import CountingBytes


def codes(path, **options):
    return set(validate(path, **options).codes())


def test_images_without_a_fault(image):
    report = validate(image, strict=True, deep=True)
    assert report.findings == ()
    assert report.valid
    assert (report.groups, report.arrays, report.chunks) == (1, 2, 2 * 4 + 2 * 1)


def test_plates_without_a_fault(plate, version):
    report = validate(plate, strict=True, deep=True)
    assert report.findings == ()
    assert (report.version, report.groups, report.arrays) == (version, 1 + 2 + 3 + 4, 8)


def test_labels_without_a_fault(image, files):
    files.add_label(image)
    report = validate(image, strict=True, deep=True)
    assert report.findings == ()
    assert report.groups == 3


def test_nested_labels(image, files):
    files.add_label(image, "original/0")
    assert validate(image, strict=True).findings == ()
    shutil.rmtree(image / "labels" / "original" / "0" / "1")
    assert codes(image) == {"level-missing"}


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


def test_names_of_dimensions(image, files, version):
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


def test_channels(image, files):
    files.edit(image, lambda ome: ome["omero"]["channels"].pop())
    assert codes(image) == {"channel-count"}


def test_separators(image, files, version):
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


def test_ragged_shards(tmp_path, files):
    path = tmp_path / "a.zarr"
    with open_ome_zarr(path, "fov", "w-", ["a"], version="0.5") as node:
        node.create_zeros("0", (1, 1, 1, 8, 8), "u1", chunks=(1, 1, 1, 2, 2), shards_ratio=(2,) * 5)

    def ragged(document):
        document["codecs"][0]["configuration"]["chunk_shape"] = [1, 1, 1, 3, 3]

    files.rewrite(path / "0" / "zarr.json", ragged)
    assert "shard-shape" in codes(path)


# -- labels --------------------------------------------------------------------------------

LABELS = {
    "label-missing": lambda group, files: shutil.rmtree(group / "cells"),
    "labels-absent": lambda group, files: files.edit(group, lambda ome: ome.pop("labels")),
    "label-image": lambda group, files: files.edit(
        group / "cells", lambda ome: ome.pop("multiscales")
    ),
    "labels-unique": lambda group, files: files.edit(
        group, lambda ome: ome.update(labels=["cells", "cells"])
    ),
    "path": lambda group, files: files.edit(
        group, lambda ome: ome.update(labels=["cells", "../../.."])
    ),
    "label-levels": lambda group, files: files.edit(
        group / "cells", lambda ome: ome["multiscales"][0]["datasets"].pop()
    ),
    "label-unique": lambda group, files: files.edit(
        group / "cells",
        lambda ome: ome["image-label"].update(colors=[{"label-value": 1}, {"label-value": 1}]),
    ),
    "type": lambda group, files: files.edit(
        group / "cells", lambda ome: ome["image-label"]["colors"][0].update(rgba=["0", 0, 0, 0])
    ),
}


@pytest.mark.parametrize("code", sorted(LABELS))
def test_labels(image, files, code):
    files.add_label(image)
    LABELS[code](image / "labels", files)
    assert code in {each.code for each in validate(image).errors}


def test_label_types(image, files, version):
    files.add_label(image, dtype="f4")
    report = validate(image)
    assert set(report.codes()) == {"label-dtype"}
    assert report.valid == (version == "0.4")


def test_label_sizes(image, files):
    path = files.add_label(image)
    files.rewrite(files.array(path / "0"), lambda d: d.update(shape=[1, 1, 3, 16, 12]))
    [found] = [each for each in validate(image) if each.code == "label-shape"]
    assert "'x'" in found.message  # one channel for two is allowed


def test_label_sources(image, files):
    path = files.add_label(image)
    for stated, text in (("../", "labels"), ("../../../..", "outside of the store")):
        files.edit(path, lambda ome, s=stated: ome["image-label"].update(source={"image": s}))
        [found] = validate(image).findings
        assert found.code == "label-source"
        assert text in found.message


def test_unlisted_labels(image, files, version):
    files.add_label(image, "other")
    files.add_label(image, "cells")
    assert codes(image) == (set() if version == "0.4" else {"label-unlisted"})


# -- plates --------------------------------------------------------------------------------


def test_wells_that_are_not_there_are_allowed(plate):
    shutil.rmtree(plate / "B")
    [found] = validate(plate, strict=True).findings
    assert (found.code, found.severity, found.rule.demand) == ("well-missing", "warning", "may")


def test_rows_without_a_document(plate, files):
    for name in ("zarr.json", ".zgroup"):
        (plate / "B" / name).unlink(missing_ok=True)
    [found] = validate(plate).errors
    assert (found.code, found.path) == ("group-absent", "B")


def test_groups_without_their_mark(plate, version):
    if version == "0.4":
        (plate / "A" / "1" / ".zgroup").unlink()
        assert codes(plate) == {"zgroup-missing"}


def test_fields(plate, files):
    shutil.rmtree(plate / "A/1/1")
    [found] = validate(plate).errors
    assert (found.code, found.path) == ("field-missing", "A/1")
    assert found.pointer.endswith("/well/images/1")
    files.edit(plate / "A/1/0", lambda ome: ome.pop("multiscales"))
    assert {each.code for each in validate(plate).errors} == {"field-missing", "field-image"}
    files.edit(plate / "A/2", lambda ome: ome.pop("well"))
    assert "well-metadata" in codes(plate)


def test_acquisitions(plate, files):
    runs = [{"id": 3, "name": "a", "maximumfieldcount": 1}, {"id": 5, "name": "b"}]
    files.edit(plate, lambda ome: ome["plate"].update(acquisitions=runs))
    images = [{"path": "0", "acquisition": 3}, {"path": "1", "acquisition": 3}]
    files.edit(plate / "A/1", lambda ome: ome["well"].update(images=images))
    files.edit(plate / "A/2", lambda ome: ome["well"].update(images=[{"path": "0"}]))
    images = [{"path": "0", "acquisition": 4}]
    files.edit(plate / "B/1", lambda ome: ome["well"].update(images=images))
    report = validate(plate)
    wrong = [each for each in report if each.code == "acquisition-unknown"]
    assert [each.path for each in wrong] == ["A/2", "B/1"]
    assert [each.code for each in report.warnings] == ["field-count-missing", "field-count"]


def test_number_of_fields(plate, files):
    files.edit(plate, lambda ome: ome["plate"].update(field_count=1))
    assert "field-count" in codes(plate)


def test_what_is_not_listed(plate, files):
    def forget(ome):
        ome["plate"]["wells"] = [w for w in ome["plate"]["wells"] if w["path"] != "A/2"]

    files.edit(plate, forget)
    files.edit(plate / "A/1", lambda ome: ome["well"]["images"].pop())
    report = validate(plate, strict=True)
    assert report.valid
    assert set(report.codes()) == {"well-unlisted", "field-unlisted"}


def test_wells_that_disagree_with_themselves(plate, files):
    files.edit(plate, lambda ome: ome["plate"]["wells"][1].update(rowIndex=1))
    report = validate(plate)
    assert set(report.codes()) == {"well-index"}
    assert report.findings[0].rule.demand == "must"
    assert not validate(plate, strict=True).valid


@pytest.mark.parametrize("content", ["", "{", "[1]", "\x00"])
def test_broken_documents_hide_nothing_else(plate, files, content):
    files.group(plate / "A/1/0").write_text(content)
    shutil.rmtree(plate / "B/1/0/1")
    report = validate(plate)
    assert {(each.path, each.code) for each in report.errors} == {
        ("A/1/0", "json"),
        ("B/1/0", "level-missing"),
    }


def test_numbers_that_are_no_json(image, files):
    file = files.group(image)
    file.write_text(file.read_text().replace('"x[::2]"', '{"NaN": "say \\"NaN\\"", "a": 1}'))
    assert validate(image).findings == ()
    file.write_text(file.read_text().replace('"a": 1', '"a": NaN'))
    [found] = validate(image).findings
    assert found.code == "json-nan"


def test_unreadable_files(image, files, monkeypatch):
    store = CountingBytes(image, read_only=True)

    def refuse(key):
        if key.startswith("1/"):
            raise PermissionError(13, "Permission denied")
        return get(key)

    get = store.get
    monkeypatch.setattr(store, "get", refuse)
    monkeypatch.setattr(store, "get_many", lambda keys: [refuse(key) for key in keys])
    report = validate(store)
    assert "unreadable" in report.codes()


# -- versions and formats ------------------------------------------------------------------


def test_mixed_versions(plate, files, version):
    if version == "0.4":
        return
    other = "0.6" if version == "0.5" else "0.5"
    files.edit(plate / "A/1", lambda ome: ome.update(version=other))
    [found] = validate(plate).errors
    assert (found.code, found.path) == ("version-mixed", "A/1")


def test_unknown_versions(image, files, version):
    if version == "0.4":
        files.edit(image, lambda ome: ome["multiscales"][0].update(version="0.9"))
    else:
        files.edit(image, lambda ome: ome.update(version="0.9"))
    [found] = validate(image).errors
    assert found.code == "version-unknown"
    assert "newer" in found.message
    assert validate(image).version is None


def test_one_format_below_the_other(plate, version, files):
    target = plate / "A/2"
    shutil.rmtree(target)
    files.write_group(target, "0.5" if version == "0.4" else "0.4", {"well": {"images": []}})
    assert "group-kind" in {each.code for each in validate(plate).errors}


def test_the_wrong_format_for_a_version(tmp_path, files):
    files.write_group(tmp_path / "a.zarr", "0.4", {})
    ome = {"version": "0.5", "labels": []}
    (tmp_path / "a.zarr/.zattrs").write_text(json.dumps({"ome": ome}))
    [found] = validate(tmp_path / "a.zarr").errors
    assert found.code == "zarr-format"


def test_places_without_images(tmp_path, image):
    with pytest.raises(NotFoundError, match="nothing at"):
        validate(tmp_path / "nothing.zarr")
    with pytest.raises(PathError):
        validate(3)
    (tmp_path / "empty.zarr").mkdir()
    assert codes(tmp_path / "empty.zarr") == {"group-missing"}
    assert codes(image / "0") == {"group-kind"}
    zarr.create_group(tmp_path / "plain.zarr", attributes={"a": 1})
    assert codes(tmp_path / "plain.zarr") == {"metadata-absent"}


# -- bioformats2raw ------------------------------------------------------------------------


@pytest.fixture
def series(tmp_path, image, version, files):
    """Two images in a row, with OME-XML."""
    path = tmp_path / "series.zarr"
    files.write_group(path, version, {"bioformats2raw.layout": 3})
    for name in ("0", "1"):
        shutil.copytree(image, path / name)
    files.write_group(path / "OME", version, {"series": ["0", "1"]})
    xml = '<OME><!-- <Image ID="x"> --><Image ID="a"></Image><ome:Image ID="b"/></OME>'
    (path / "OME" / "METADATA.ome.xml").write_text(xml)
    return path


def test_series(series, files):
    assert validate(series, strict=True, deep=True).findings == ()
    files.edit(series / "OME", lambda ome: ome.pop("series"))
    report = validate(series, strict=True)
    assert report.findings == ()
    assert report.arrays == 4
    (series / "OME" / "METADATA.ome.xml").write_text("<OME><Image></OME>")
    assert codes(series) == {"series-count"}
    (series / "OME" / "METADATA.ome.xml").unlink()
    assert codes(series) == {"series-xml"}


def test_series_that_are_wrong(series, files):
    files.edit(series / "OME", lambda ome: ome.update(series=["0", "../x", 3, "0", "nothing"]))
    files.edit(series, lambda ome: ome.update({"bioformats2raw.layout": "3"}))
    shutil.rmtree(series / "0" / "1")
    found = {each.code for each in validate(series).errors}
    assert found == {"path", "series-image", "series-missing", "layout-version", "level-missing"}


def test_series_without_images(series, files):
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


def test_scenes_with_parameters_that_do_not_fit(scene):
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
        node.create_zeros("0", (8, 8), "u1")
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


# -- where it reads from, and how much -----------------------------------------------------


def test_groups_nodes_and_stores(plate):
    expected = validate(plate).to_json()["findings"]
    group = zarr.open_group(plate, mode="r")
    with open_ome_zarr(plate) as node:
        for source in (group, group.store, group.store_path, node, str(plate)):
            report = validate(source)
            assert report.to_json()["findings"] == expected
            assert report.arrays == 8
        assert validate(node["A/1/0"]).arrays == 2
    assert validate(group["A/1"]).groups == 3


def test_every_document_is_read_once(plate, version):
    store = CountingBytes(plate, read_only=True)
    report = validate(store)
    assert report.valid
    read = [each.key for each in store.operations if each.kind == "get" and each.is_document]
    twice = {key for key in read if read.count(key) > 1 and not key.startswith((".z", "zarr"))}
    assert twice == set()
    missing = [key for key in read if not (plate / key).exists()]
    # Groups of labels that are not there, and attributes of arrays that have none.
    assert len(missing) <= 4 + 8 * (version == "0.4") + 4 * (version == "0.4") + 6
    assert all("/c/" not in key for key in read)


def test_remote_plates_are_read_in_few_batches(plate, monkeypatch):
    import asyncio

    from iohub.storage.zarr_bytes import ZarrBytes

    memory = zarr.storage.MemoryStore()
    for file in plate.rglob("*"):
        if file.is_file():
            buffer = zarr.core.buffer.default_buffer_prototype().buffer.from_bytes(
                file.read_bytes()
            )
            asyncio.run(memory.set(file.relative_to(plate).as_posix(), buffer))
    batches = []
    get_many = ZarrBytes.get_many

    def counted(self, keys):
        batches.append(len(keys))
        return get_many(self, keys)

    def unlistable(self, prefix):
        raise NotFoundError("a web server lists nothing")

    monkeypatch.setattr(ZarrBytes, "get_many", counted)
    monkeypatch.setattr(ZarrBytes, "list_dir", unlistable)
    report = validate(memory)
    assert report.findings == ()
    assert (report.groups, report.arrays) == (10, 8)
    # What the root is, consolidated copies, the root, wells, fields, levels.
    assert len(batches) <= 9
    assert validate(memory, deep=True).findings == ()


def test_consolidated_copies(image, files, version):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(
            zarr.storage.LocalStore(image), zarr_format=2 if version == "0.4" else 3
        )
    assert validate(image).findings == ()
    files.edit(image, lambda ome: ome["multiscales"][0].update(name="other"))
    if version == "0.4":
        assert codes(image) == {"consolidated-stale"}
    files.rewrite(files.array(image / "1"), lambda d: d.update(shape=[1, 2, 3, 9, 9]))
    assert "consolidated-stale" in codes(image)


# -- the report ----------------------------------------------------------------------------


def test_the_report(image, files):
    shutil.rmtree(image / "1")
    files.edit(image, lambda ome: ome["multiscales"][0].pop("name"))
    report = validate(image)
    assert [each.severity for each in report] == ["error", "warning"]
    assert len(report) == 2
    written = json.loads(json.dumps(report.to_json()))
    assert written["valid"] is False
    assert [each["code"] for each in written["findings"]] == ["level-missing", "name-missing"]
    [error] = report.errors
    document = json.loads((image / error.document).read_text())
    for part in error.pointer.strip("/").split("/"):
        document = document[int(part) if part.isdecimal() else part]
    assert document == "1"
    text = str(report)
    assert "[level-missing]" in text
    assert "MUST" in text
    assert text.splitlines()[-1] == report.summary()
    assert "not valid" in repr(report)
    with pytest.raises(DocumentError, match="no array '1'"):
        report.raise_for_errors()


def test_equal_findings_are_told_once(plate, files):
    for place in ("A/1/0", "A/1/1", "A/2/0", "B/1/0"):
        files.edit(plate / place, lambda ome: ome["multiscales"][0].pop("name"))
    report = validate(plate)
    assert len(report) == 4
    assert str(report).count("[name-missing]") == 1
    assert "The same in 3 more nodes: A/1/1, A/2/0, B/1/0" in str(report)
    report.raise_for_errors()


def test_lists_that_are_empty(plate, files):
    files.edit(plate / "A/1", lambda ome: ome["well"].update(images=[]))
    assert {"images-empty", "field-unlisted"} <= codes(plate)
    files.edit(plate, lambda ome: ome["plate"].update(wells=[]))
    assert {"wells-empty", "well-unlisted"} <= codes(plate)
