"""Which format a location holds, and what is said where none is recognised."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import zarr

from iohub.errors import (
    DocumentError,
    FormatError,
    LayoutError,
    MissingDependencyError,
    NotFoundError,
)
from iohub.formats import registry
from iohub.formats import zarr as zarr_format
from iohub.formats.registry import Adapter
from iohub.storage.group import ZarrGroup
from iohub.storage.location import Location, locate


@pytest.mark.parametrize("version", [2, 3])
def test_zarr_groups(tmp_path: Path, version: int) -> None:
    zarr.open_group(tmp_path / "g", mode="w", zarr_format=version).attrs["a"] = 1
    where = locate(tmp_path / "g", writable=False)
    assert zarr_format.sniff(where)
    assert registry.open_group(where).attrs() == {"a": 1}
    assert registry.open_group(where, engine="zarrs").engine == "zarrs"


def test_a_memory_store() -> None:
    store = zarr.storage.MemoryStore()
    zarr.open_group(store, path="in/side", mode="w")
    where = locate(zarr.storage.StorePath(store, "in/side"), writable=False)
    assert registry.open_group(where).path == "in/side"


def test_an_array_is_no_group(tmp_path: Path) -> None:
    for version in (2, 3):
        zarr.create_array(tmp_path / f"a{version}", shape=(1,), dtype="u1", zarr_format=version)
        with pytest.raises(LayoutError, match="array"):
            registry.open_group(locate(tmp_path / f"a{version}", writable=False))


def test_nothing_that_is_known(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    where = locate(tmp_path, writable=False)
    assert not zarr_format.sniff(where)
    with pytest.raises(NotFoundError, match=r"no images at .*\(tried: .*zarr.*give the path of"):
        registry.open_group(where)


def test_what_is_named_like_a_format_and_is_none(tmp_path: Path) -> None:
    (tmp_path / "A.ZARR").mkdir()
    with pytest.raises(NotFoundError, match=r"named like OME-Zarr, but what is in it"):
        registry.adapter_for(locate(tmp_path / "A.ZARR", writable=False))


def test_a_corrupt_document_is_zarr_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "zarr.json").write_text("{")
    with pytest.raises(DocumentError, match=r"zarr\.json"):
        registry.open_group(locate(tmp_path, writable=False))


ADAPTERS = list(registry.adapters())
each_adapter = pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.name)


@each_adapter
def test_every_adapter_keeps_the_protocol(adapter: Adapter) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", adapter.name)
    assert adapter.title.strip()
    for names in (adapter.suffixes, adapter.packages):
        assert isinstance(names, tuple)
    assert all(suffix.startswith(".") and suffix.islower() for suffix in adapter.suffixes)
    assert callable(adapter.sniff)
    assert callable(adapter.open_group)
    assert registry.install_command(adapter).startswith("pip install ")


@each_adapter
def test_the_extra_of_an_adapter_brings_its_packages(adapter: Adapter, root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    given = " ".join(project["optional-dependencies"].get(adapter.extra, []))
    for package in adapter.packages:
        homes = packages_distributions().get(package, [package])
        assert any(home.lower().replace("_", "-") in given.lower() for home in homes)


def test_adapters_are_told_apart() -> None:
    names = [adapter.name for adapter in ADAPTERS]
    assert len(set(names)) == len(names)


@each_adapter
def test_nothing_is_recognised_where_nothing_is(adapter: Adapter, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for name in ("empty", "folder", "absent", "empty/inside"):
        assert not adapter.sniff(locate(tmp_path / name, writable=False))
    store = zarr.storage.MemoryStore()
    assert not adapter.sniff(locate(store, writable=False))


class Other:
    """A format of another package."""

    name, title, suffixes = "other", "Other images", (".oth",)
    packages: tuple[str, ...] = ()
    extra = ""

    @staticmethod
    def sniff(location: Location) -> bool:
        return location.url.endswith(".oth")

    @staticmethod
    def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
        raise struct.error("unpack requires 4 bytes")


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Location:
    monkeypatch.setattr(registry, "_others", lambda: (Other,))
    (tmp_path / "scan.oth").write_bytes(b"")
    return locate(tmp_path / "scan.oth", writable=False)


def test_errors_of_a_reader_name_the_file(other: Location) -> None:
    with pytest.raises(FormatError, match=r"scan\.oth cannot be read.*unpack requires"):
        registry.open_group(other)


@pytest.mark.parametrize(("extra", "command"), [("", "no_such b"), ("tiff", '"iohub[tiff]"')])
def test_a_reader_that_is_not_installed(
    other: Location, monkeypatch: pytest.MonkeyPatch, extra: str, command: str
) -> None:
    monkeypatch.setattr(Other, "packages", ("no_such", "b"))
    monkeypatch.setattr(Other, "extra", extra)
    assert registry.missing_packages(Other) == ["no_such", "b"]
    wanted = f"scan.oth is of the format Other images; .*'no_such', 'b' .*: pip install {command}"
    with pytest.raises(MissingDependencyError, match=wanted.replace("[tiff]", r"\[tiff\]")):
        registry.open_group(other)


INSTALLED = """
import sys, warnings
from iohub.formats import registry
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(*(adapter.name for adapter in registry.adapters()))
    list(registry.adapters())
print(*(f"{each.category.__name__} {each.message}" for each in caught), sep="\\n")
"""


def test_packages_that_are_installed(tmp_path: Path, root: Path) -> None:
    """One has two formats, of which one cannot be loaded; that is said once."""
    about = tmp_path / "some_formats-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: some-formats\nVersion: 1.0\n")
    points = ["[iohub.formats]", "fine = some_formats:Fine", "bad = some_formats:Bad"]
    (about / "entry_points.txt").write_text("\n".join(points))
    (tmp_path / "some_formats.py").write_text("class Fine: name = 'fine'")
    done = subprocess.run(
        [sys.executable, "-c", INSTALLED],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"},
        capture_output=True,
        text=True,
        check=True,
    )
    names, *said = done.stdout.splitlines()
    assert names.split()[-1] == "fine"
    assert "zarr" in names.split()
    assert len(said) == 1
    assert said[0].startswith("FormatWarning the format 'bad' of the package some-formats cannot")
