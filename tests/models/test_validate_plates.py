"""The validator on plates: wells, fields of view and acquisitions that are listed, or not."""

from __future__ import annotations

import shutil

import pytest

from iohub.models import validate


def test_wells_that_are_not_there_are_allowed(plate):
    shutil.rmtree(plate / "B")
    [found] = validate(plate, strict=True).findings
    assert (found.code, found.severity, found.rule.demand) == ("well-missing", "warning", "may")


def test_rows_without_a_document(plate, files):
    for name in ("zarr.json", ".zgroup"):
        (plate / "B" / name).unlink(missing_ok=True)
    [found] = validate(plate).errors
    assert (found.code, found.path) == ("group-absent", "B")


def test_groups_without_their_mark(plate, version, codes):
    if version == "0.4":
        (plate / "A" / "1" / ".zgroup").unlink()
        assert codes(plate) == {"zgroup-missing"}


def test_fields(plate, files, codes):
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


def test_number_of_fields(plate, files, codes):
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
