"""``iohub formats``."""

from __future__ import annotations

import sys

import pytest

from iohub.formats import registry
from iohub.formats import zarr as zarr_format


class Other:
    """A format whose reader is not installed."""

    name, title, suffixes = "other", "Other images", (".oth",)
    packages, extra = ("no_such_package",), ""

    @staticmethod
    def sniff(location):
        return location.url.endswith(".oth")


@pytest.fixture
def other(monkeypatch):
    monkeypatch.setattr(registry, "_others", lambda: (Other,))


def test_the_table(run, other):
    lines = {line.split()[0]: line for line in run("formats").stdout.splitlines() if line.split()}
    assert "OME-Zarr" in lines["zarr"]
    assert "ready" in lines["zarr"]
    assert "needs no_such_package" in lines["other"]
    assert "pip install no_such_package" in lines["other"]


def test_a_missing_package_of_an_extra(run, monkeypatch):
    monkeypatch.setattr(zarr_format, "packages", ("zarr", "other"))
    monkeypatch.setattr(zarr_format, "extra", "tiff")
    monkeypatch.setitem(sys.modules, "other", None)
    said = run("formats").stdout
    assert "needs other" in said
    assert 'pip install "iohub[tiff]"' in said


def test_which_format_a_path_is(run, plate, other, tmp_path):
    (tmp_path / "a.oth").write_bytes(b"")
    (tmp_path / "a.txt").write_bytes(b"")
    said = run("formats", plate, "*.oth", "a.txt", code=1)
    assert said.stdout == "plate.zarr: zarr (OME-Zarr)\na.oth: other (Other images)\n"
    assert "a.txt that iohub recognises" in said.stderr
