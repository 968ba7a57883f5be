"""Official cases and stores: the validator agrees with the verdict, or with the prose."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from iohub.models import validate
from iohub.models.validator.validate import validate_attributes

DATA = Path(__file__).parents[1] / "data"
CASES = DATA / "conformance"
# Official verdict valid; by the text of the specification they are not.
CONTRADICTIONS = {
    "0.4/valid/spec/image/mismatch_axes_units.json": {"transform-length"},
    "0.4/valid/strict/plate/strict_acquisitions.json": {"well-path"},
    "0.4/valid/strict/plate/strict_no_acquisitions.json": {"well-path"},
    "0.6/valid/spec/image/mismatch_axes_units.json": {"transform-length"},
    "0.6/valid/strict/image/image_omero.json": {"system-unknown"},
    "0.6/valid/strict/image/multiscales_example.json": {"input-path"},
    "0.6/valid/strict/plate/strict_acquisitions.json": {"well-path"},
    "0.6/valid/strict/plate/strict_no_acquisitions.json": {"well-path"},
    "0.6-groups/valid/strict/plate/strict_acquisitions.json": {"well-path"},
    "0.6-groups/valid/strict/plate/strict_no_acquisitions.json": {"well-path"},
}
# Of these a lenient look says what is wrong, and a strict one refuses them.
TOLERATED = {
    "0.4/valid/spec/plate/minimal_acquisitions.json": "well-path",
    "0.4/valid/spec/plate/minimal_no_acquisitions.json": "well-path",
    "0.4/valid/spec/plate/non_alphanumeric_row.json": "well-path",
    "0.6/valid/spec/plate/minimal_acquisitions.json": "well-path",
    "0.6/valid/spec/plate/minimal_no_acquisitions.json": "well-path",
    "0.6/valid/spec/plate/non_alphanumeric_row.json": "well-path",
    "0.6/valid/spec/image/multiscales_transform_additional_transforms.json": (
        "by-dimension-coverage"
    ),
}


def names(verdict):
    return sorted(
        path.relative_to(CASES).as_posix() for path in CASES.glob(f"0.*/{verdict}/*/*/*.json")
    )


def judge(name, **options):
    attrs = json.loads((CASES / name).read_text())
    attrs = attrs.get("attributes", attrs)
    attrs.pop("_conformance", None)
    strict = name.split("/")[2] == "strict"
    zarr_format = 2 if name.startswith("0.4") else 3
    return validate_attributes(attrs, zarr_format, **{"strict": strict, **options})


def test_all_cases_are_there():
    assert (len(names("valid")), len(names("invalid"))) == (91, 303)


@pytest.mark.parametrize("name", [n for n in names("valid") if n not in CONTRADICTIONS])
def test_valid(name):
    assert judge(name).errors == ()


@pytest.mark.parametrize("name", names("invalid"))
def test_invalid(name):
    report = judge(name)
    assert not report.valid
    for finding in report:
        assert finding.pointer == "" or finding.pointer.startswith("/")
        assert finding.rule.section
        assert finding.advice


@pytest.mark.parametrize("name", sorted(CONTRADICTIONS))
def test_contradictions_follow_the_prose(name):
    assert CONTRADICTIONS[name] <= {each.code for each in judge(name, strict=True).errors}


@pytest.mark.parametrize("name", sorted(TOLERATED))
def test_tolerated_cases_are_refused_if_strict(name):
    [found] = [each for each in judge(name).warnings if each.code == TOLERATED[name]]
    assert found.rule.demand == "must"
    assert TOLERATED[name] in {each.code for each in judge(name, strict=True).errors}


@pytest.mark.parametrize("path", sorted((DATA / "ome-zarr-examples").glob("*.zarr")), ids=str)
def test_example_stores(path):
    report = validate(path, deep=True)
    assert report.errors == ()
    assert report.version == "0.4"
    assert report.chunks
    # Indexes of two wells of the official plate are exchanged.
    wrong = report.codes()["well-index"]
    assert wrong == (2 if path.name == "plate-01.zarr" else 0)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("no metadata", "metadata-absent"),
        ("no images", "multiscales-empty"),
        ("no array", "level-missing"),
        ("two dimensions for three axes", "level-ndim"),
        ("another type", "level-dtype"),
    ],
)
def test_invalid_example_stores(tmp_path, name, code):
    """Of the kinds that the official examples of invalid stores are."""
    path = tmp_path / "a.zarr"
    shutil.copytree(DATA / "ome-zarr-examples" / "image-04.zarr", path)
    document = json.loads((path / ".zattrs").read_text())
    array = json.loads((path / "1" / ".zarray").read_text())
    match name:
        case "no metadata":
            document = {}
        case "no images":
            document["multiscales"] = []
        case "no array":
            shutil.rmtree(path / "1")
        case "two dimensions for three axes":
            array = {**array, "shape": array["shape"][1:], "chunks": array["chunks"][1:]}
        case "another type":
            array["dtype"] = "<f4"
    (path / ".zattrs").write_text(json.dumps(document))
    if name != "no array":
        (path / "1" / ".zarray").write_text(json.dumps(array))
    report = validate(path)
    assert code in report.codes()
    assert report.valid == (code == "level-dtype")
    assert not validate(path, strict=True).valid
