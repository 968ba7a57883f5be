from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from iohub.errors import MissingDependencyError
from iohub.stream import OmeTiffFormat, OmeZarrFormat, ScratchFormat
from iohub.stream import formats as module
from iohub.stream.formats import BACKENDS, cast_format, resolve_backend


@pytest.mark.parametrize(
    ("name", "format_name", "backend"),
    [
        ("ome-zarr", "ome-zarr", "auto"),
        ("zarr", "ome-zarr", "auto"),
        ("tensorstore", "ome-zarr", "tensorstore"),
        ("acquire-zarr", "ome-zarr", "acquire-zarr"),
        ("zarrs-python", "ome-zarr", "zarrs-python"),
        ("zarr-python", "ome-zarr", "zarr-python"),
        ("iohub", "ome-zarr", "iohub"),
        ("ome-tiff", "ome-tiff", "auto"),
        ("tiff", "ome-tiff", "auto"),
        ("tifffile", "ome-tiff", "tifffile"),
        ("scratch", "scratch", "scratch"),
        ("memory", "scratch", "scratch"),
    ],
)
def test_names(name: str, format_name: str, backend: str) -> None:
    form, guessed = cast_format(name, "a")
    assert (form.name, form.backend, guessed) == (format_name, backend, False)


@pytest.mark.parametrize(
    ("path", "format_name", "suffix"),
    [
        ("a.ome.zarr", "ome-zarr", ".ome.zarr"),
        ("a.ZARR", "ome-zarr", ".ZARR"),
        ("s3://bucket/a.zarr/", "ome-zarr", ".zarr"),
        ("a.ome.tif", "ome-tiff", ".ome.tif"),
        ("a.TIF", "ome-tiff", ".TIF"),
        ("", "scratch", ""),
    ],
)
def test_auto_goes_by_the_path(path: str, format_name: str, suffix: str) -> None:
    form, guessed = cast_format("auto", path)
    assert (form.name, form.suffix, guessed) == (format_name, suffix, False)
    assert cast_format("auto", "a.bar")[1]


@pytest.mark.parametrize("value", ["bogus", {"name": "bogus"}, {"backend": "tensorstore"}, 3])
def test_unknown_formats_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="format"):
        cast_format(value, "a.zarr")


def test_unknown_version_is_refused() -> None:
    with pytest.raises(ValidationError, match="known versions"):
        OmeZarrFormat(version="9.9")


@pytest.mark.parametrize(
    ("form", "root", "many", "path"),
    [
        (OmeZarrFormat(), "a", 1, "a.ome.zarr"),
        (OmeZarrFormat(), "a.zarr", 3, "a.zarr"),
        (OmeZarrFormat(), "s3://b/a", 1, "s3://b/a.ome.zarr"),
        (OmeZarrFormat(suffix=""), "a/b", 1, "a/b"),
        (OmeTiffFormat(), "a", 1, "a.ome.tiff"),
        (OmeTiffFormat(), "a.tif", 1, "a.tif"),
        (OmeTiffFormat(), "a.ome.tiff", 2, "a"),
        (OmeTiffFormat(prefer_single_file=False), "a.ome.tiff", 1, "a"),
        (OmeTiffFormat(prefer_single_file=True), "a.ome.tiff", 2, "a.ome.tiff"),
        (ScratchFormat(), "a", 2, "a"),
    ],
)
def test_output_path(form: Any, root: str, many: int, path: str) -> None:
    assert form.get_output_path(root, num_positions=many) == path


def test_backends() -> None:
    assert resolve_backend(OmeZarrFormat()).name == "iohub"
    assert resolve_backend(OmeTiffFormat()).name == "tifffile"
    for backend in BACKENDS.values():
        assert backend.compressions[-1] == "none"


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "have", lambda name: False)
    with pytest.raises(MissingDependencyError, match=r'pip install "iohub\[acquire\]"'):
        resolve_backend(OmeZarrFormat(backend="acquire-zarr"))
