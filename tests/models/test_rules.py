"""The table of rules has every code that a check gives."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import iohub
from iohub.models.validator.rules import RULES, entry_of

ROOT = Path(iohub.__file__).parent


def texts(value):
    constant = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return {value.value} if constant else set()


def codes():
    """Every code that is written down in a check of documents, arrays or structure."""
    found = set()
    folders = [ROOT / "metadata", ROOT / "storage", ROOT / "models" / "validator"]
    for path in sorted(file for folder in folders for file in folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                at = {"Problem": 2, "PydanticCustomError": 0, "member": 1, "array": 1}.get(name)
                if at is not None and len(node.args) > at:
                    found |= texts(node.args[at])
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
                found |= texts(node.value)
    return found


def test_there_are_codes():
    assert {"axes-order", "level-missing", "rotation-matrix", "json"} <= codes()


@pytest.mark.parametrize("code", sorted(codes()))
def test_every_code_is_in_the_table(code):
    assert code in RULES


@pytest.mark.parametrize("code", sorted(RULES))
def test_every_code_has_a_section(code):
    assert entry_of(code, "/ome/multiscales/0").section
    assert code == code.lower().replace("_", "-")


@pytest.mark.parametrize(
    ("pointer", "section"),
    [
        ("/ome/multiscales/0/axes/1/name", "axes"),
        (
            "/multiscales/0/datasets/0/coordinateTransformations/0/scale",
            "coordinateTransformations",
        ),
        ("/multiscales/0/datasets/0/path", "multiscales"),
        ("/plate/wells/3", "plate"),
        ("/ome/scene/coordinateSystems/0", "coordinateSystems"),
        ("/well/images", "well"),
        ("", "metadata"),
    ],
)
def test_sections_of_rules_that_hold_in_many_places(pointer, section):
    assert entry_of("type", pointer).section == section
