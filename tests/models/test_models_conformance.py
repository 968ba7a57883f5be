"""Official cases as groups with arrays: what is valid round trips, what is not is refused."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest

from iohub.errors import DocumentError, VersionError
from iohub.metadata.versions import spelling
from iohub.models.arrays import ArraySpec

CASES = Path(__file__).parents[1] / "data" / "conformance"
KINDS = {
    "image": "Image",
    "transforms": "Image",
    "label": "ImageLabel",
    "plate": "HCS",
    "well": "Well",
}
# By the text of the specification these are not valid.
CONTRADICTIONS = {
    "0.4/valid/spec/image/mismatch_axes_units.json",
    "0.6/valid/spec/image/mismatch_axes_units.json",
    "0.6/valid/strict/image/image_omero.json",
}


def names(verdict):
    found = [
        path.relative_to(CASES).as_posix()
        for path in CASES.glob(f"0.[456]/{verdict}/*/*/*.json")
        if path.parent.name in KINDS
    ]
    return sorted(found)


def load(name):
    attrs = json.loads((CASES / name).read_text())
    attrs = attrs.get("attributes", attrs)
    attrs.pop("_conformance", None)
    if "ome" in attrs:
        stated = attrs["ome"].get("version", "0.6")
        attrs["ome"]["version"] = "0.6" if stated.startswith("0.6rc") else stated
    return attrs


def without_null(value):
    if isinstance(value, dict):
        return {k: without_null(v) for k, v in value.items() if v is not None}
    return [without_null(v) for v in value] if isinstance(value, list) else value


def build(name):
    """Make the group of a case, with arrays where it has levels."""
    version, _, _, document, _ = name.split("/")
    models = import_module(f"iohub.models.v{version.replace('.', '')}")
    attrs = load(name)
    members = {}
    if KINDS[document] in ("Image", "ImageLabel") and spelling(version).has(attrs, "multiscales"):
        doc = spelling(version).parse_image(attrs)
        for image in doc.multiscales:
            for path in image.get_dataset_paths():
                shape = [1] * len(image.axes)
                zarr_format = 2 if version == "0.4" else 3
                members[path] = ArraySpec.create(shape, "uint8", zarr_format=zarr_format)
    return getattr(models, KINDS[document])(attributes=attrs, members=members), attrs


def has_levels(name):
    return "/label/" not in name or "multiscales" in json.dumps(load(name))


@pytest.mark.parametrize(
    "name", [n for n in names("valid") if n not in CONTRADICTIONS and has_levels(n)]
)
def test_valid_cases_round_trip(name):
    model, attrs = build(name)
    assert model.attributes.to_json() == without_null(attrs)
    assert type(model).model_validate(model.model_dump()).attributes == model.attributes


@pytest.mark.parametrize("name", [n for n in names("invalid") if "/strict/" not in n])
def test_invalid_cases_are_refused(name):
    with pytest.raises((ValueError, DocumentError, VersionError)):
        build(name)
