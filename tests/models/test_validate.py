"""The validator on whole stores: what is right passes; what it reads, and what it reports."""

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


def test_places_without_images(tmp_path, image, codes):
    with pytest.raises(NotFoundError, match="nothing at"):
        validate(tmp_path / "nothing.zarr")
    with pytest.raises(PathError):
        validate(3)
    (tmp_path / "empty.zarr").mkdir()
    assert codes(tmp_path / "empty.zarr") == {"group-missing"}
    assert codes(image / "0") == {"group-kind"}
    zarr.create_group(tmp_path / "plain.zarr", attributes={"a": 1})
    assert codes(tmp_path / "plain.zarr") == {"metadata-absent"}


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


def test_consolidated_copies(image, files, version, codes):
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


def test_lists_that_are_empty(plate, files, codes):
    files.edit(plate / "A/1", lambda ome: ome["well"].update(images=[]))
    assert {"images-empty", "field-unlisted"} <= codes(plate)
    files.edit(plate, lambda ome: ome["plate"].update(wells=[]))
    assert {"wells-empty", "well-unlisted"} <= codes(plate)
