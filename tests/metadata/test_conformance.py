"""Official cases of OME-Zarr 0.4 and 0.5: what is valid is read, the invalid is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iohub.errors import DocumentError
from iohub.metadata.versions import detect, kind, problems_of, spelling

CASES = Path(__file__).parents[1] / "data" / "conformance"

# Official verdict valid; by the text of the specification they are not.
COLUMN_BEFORE_ROW = "the paths of the wells are column/row: ome/ngff#325, mended in 0.5 only"
CONTRADICTIONS = {
    "0.4/valid/spec/image/mismatch_axes_units.json": "the scale has 2 values for 3 axes",
    "0.4/valid/strict/plate/strict_no_acquisitions.json": COLUMN_BEFORE_ROW,
    "0.4/valid/strict/plate/strict_acquisitions.json": COLUMN_BEFORE_ROW,
}
READABLE_CONTRADICTIONS = {
    "0.4/valid/spec/plate/minimal_no_acquisitions.json",
    "0.4/valid/spec/plate/minimal_acquisitions.json",
    "0.4/valid/spec/plate/non_alphanumeric_row.json",
    "0.4/valid/strict/plate/strict_no_acquisitions.json",
    "0.4/valid/strict/plate/strict_acquisitions.json",
}
PARSERS = {
    "image": "parse_image",
    "label": "parse_image_label",
    "plate": "parse_plate",
    "well": "parse_well",
}


def names(verdict):
    return sorted(
        path.relative_to(CASES).as_posix() for path in CASES.glob(f"0.[45]/{verdict}/*/*/*.json")
    )


def read(name, *, strict=None):
    version, _, level, document, _ = name.split("/")
    attrs = json.loads((CASES / name).read_text())
    parse = getattr(spelling(version), PARSERS[document])
    return parse(attrs, strict=level == "strict" if strict is None else strict)


def test_all_cases_are_there():
    assert len(names("valid")) == 43
    assert len(names("invalid")) == 135


@pytest.mark.parametrize("name", [n for n in names("valid") if n not in CONTRADICTIONS])
def test_valid(name):
    read(name)


@pytest.mark.parametrize("name", names("invalid"))
def test_invalid(name):
    with pytest.raises(DocumentError):
        read(name)


@pytest.mark.parametrize("name", sorted(CONTRADICTIONS))
def test_contradictions_are_refused_when_strict(name):
    with pytest.raises(DocumentError):
        read(name, strict=True)


@pytest.mark.parametrize("name", sorted(READABLE_CONTRADICTIONS))
def test_column_before_row_is_read_and_mended(name):
    plate = read(name, strict=False)
    well = plate.wells[0]
    assert well.path == "/".join(
        (plate.rows[well.row_index].name, plate.columns[well.column_index].name)
    )
    attrs = json.loads((CASES / name).read_text())
    assert "well-path" in {problem.code for problem in problems_of(attrs, 2)}


WELLS = [name for name in names("invalid") if name.startswith("0.5/invalid/spec/well")]


# In the 0.5 suite these lie outside the key "ome": they are refused whatever they say.
@pytest.mark.parametrize("name", WELLS)
def test_well_cases_are_refused_for_what_they_say(name):
    attrs = {"ome": {"version": "0.5", **json.loads((CASES / name).read_text())}}
    with pytest.raises(DocumentError) as caught:
        spelling("0.5").parse_well(attrs)
    assert all(p.where.startswith("/ome/well/images") for p in caught.value.problems)


WRITABLE = [
    name
    for name in names("valid")
    if "/label/" not in name and name not in READABLE_CONTRADICTIONS | set(CONTRADICTIONS)
]


@pytest.mark.parametrize("name", WRITABLE)
def test_valid_cases_round_trip_unchanged_in_meaning(name):
    version, _, _, document, _ = name.split("/")
    attrs = json.loads((CASES / name).read_text())
    known = spelling(version)
    doc = getattr(known, PARSERS[document])(attrs)
    written = getattr(known, f"dump_{document}")(doc, attrs)
    assert unversioned(written) == unversioned(attrs)


def unversioned(value):
    if isinstance(value, dict):
        return {k: unversioned(v) for k, v in value.items() if k != "version" or k in "metadata"}
    return [unversioned(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", [n for n in names("valid") if "/label/" not in n])
def test_kind_and_version_are_found(name):
    version, _, _, document, _ = name.split("/")
    attrs = json.loads((CASES / name).read_text())
    zarr_format = 2 if version == "0.4" else 3
    assert detect(attrs, zarr_format) == version
    assert kind(attrs, zarr_format) == document
