"""The rules that no linter knows: names, sizes and words in the source, and what is packaged."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "iohub"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
# Tests of the whole, which mirror no module.
OF_THE_WHOLE = {"test_demo", "test_docs", "test_house", "test_imports"}
FOLDERS_OF_THE_WHOLE = {Path(), Path("interop"), Path("safety")}
# Modules that the public pages name so; they have the names and no code.
PAGE_MODULES = {"arrow/core.py", "arrow/utils.py", "tiles/core.py"}
MAX_FILE, MAX_FUNCTION = 400, 60
VERSIONS = {"0.1", "0.2", "0.3", "0.4", "0.5", "0.6"}

sources = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def walk(path: Path, kind: type | tuple[type, ...]) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, kind))


def docstring_lines(node: ast.AST) -> int:
    """How many lines the docstring of a function takes."""
    first = node.body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return first.end_lineno - first.lineno + 1 if is_text else 0


@sources
def test_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree(path))


@sources
def test_annotations_are_lazy(path: Path) -> None:
    imports = [node for node in tree(path).body if isinstance(node, ast.ImportFrom)]
    only_text = all(isinstance(node, ast.Expr) for node in tree(path).body)
    assert only_text or imports[0].module == "__future__"


@sources
def test_file_is_named_by_its_subject(path: Path) -> None:
    if str(path.relative_to(PACKAGE)) in PAGE_MODULES:
        kinds = (ast.Expr, ast.ImportFrom, ast.Assign)
        assert all(isinstance(node, kinds) for node in tree(path).body), "only names, no code"
    else:
        assert path.stem not in {"common", "core", "helpers", "misc", "util", "utils"}


@sources
def test_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE


@sources
def test_functions_are_short(path: Path) -> None:
    long = {
        node.name: size
        for node in walk(path, (ast.FunctionDef, ast.AsyncFunctionDef))
        if (size := node.end_lineno - node.lineno + 1 - docstring_lines(node)) > MAX_FUNCTION
    }
    assert long == {}


@sources
def test_nothing_is_a_stub(path: Path) -> None:
    raised = {ast.unparse(node.exc) for node in walk(path, ast.Raise) if node.exc}
    assert not any(each.startswith("NotImplementedError") for each in raised)


@sources
def test_version_is_a_spelling(path: Path) -> None:
    """No code outside ``metadata`` and ``models`` compares with a version of the specification."""
    if path.relative_to(PACKAGE).parts[0] in {"metadata", "models"}:
        pytest.skip("this is where versions are spelled")
    compared = [
        node.lineno
        for node in walk(path, (ast.Compare, ast.MatchValue))
        if any(isinstance(each, ast.Constant) and each.value in VERSIONS for each in ast.walk(node))
    ]
    assert compared == []


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_mirror_the_package(path: Path) -> None:
    room = path.parent.relative_to(ROOT / "tests")
    if path.stem in OF_THE_WHOLE:
        assert room == Path()
    else:
        known = room in FOLDERS_OF_THE_WHOLE or (PACKAGE / room).is_dir()
        assert known, f"there is no room {room}"


def test_no_path_of_a_machine_is_named() -> None:
    """What is true on one computer only is in no file."""
    pattern = re.compile(r"(?<![\w.$}])/(?:home|root|Users|work)/\w")
    kinds = {".md", ".py", ".sh", ".toml", ""}
    files = [*ROOT.glob("*.*"), ROOT / ".ci/run"]
    for folder in ("docs", "iohub", "scripts", "tests"):
        files += [p for p in (ROOT / folder).rglob("*") if "data" not in p.parts]
    named = {
        str(path.relative_to(ROOT))
        for path in files
        if path.is_file() and path.suffix in kinds and path != Path(__file__)
        if pattern.search(path.read_text(encoding="utf-8"))
    }
    assert named == set()


def test_every_extra_that_an_error_names_exists() -> None:
    """``need("x", extra="tiff")`` must not send people to an extra that is not there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    asked = {
        keyword.value.value
        for path in SOURCES
        for call in walk(path, ast.Call)
        if ast.unparse(call.func).split(".")[-1] == "need"
        for keyword in call.keywords
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Constant)
    }
    assert asked - {""} <= extras


def test_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()
