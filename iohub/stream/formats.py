"""Formats and backends that frames are streamed into, by name; which one a file name means."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic import PositiveInt, model_validator

from iohub.errors import MissingDependencyError
from iohub.metadata.versions import VIRTUAL_VERSION, spelling
from iohub.optional import have
from iohub.stream.plates import Setting

ZarrBackend: TypeAlias = Literal[
    "auto", "iohub", "tensorstore", "acquire-zarr", "zarrs-python", "zarr-python"
]


class Backend(NamedTuple):
    """Who writes the pixels.

    Attributes
    ----------
    name : str
        As users say it.
    format : str
        Name of the format that it writes.
    needs : str
        Import name of the package that it needs beside those of iohub.
    extra : str
        The extra of iohub that brings it.
    compressions : tuple of str
        That it knows.
    """

    name: str
    format: str
    needs: str = ""
    extra: str = ""
    compressions: tuple[str, ...] = ("none",)


_OF_ZARR = ("blosc-zstd", "blosc-lz4", "zstd", "none")
BACKENDS: Mapping[str, Backend] = {
    known.name: known
    for known in (
        Backend("iohub", "ome-zarr", compressions=_OF_ZARR),
        Backend("tensorstore", "ome-zarr", compressions=_OF_ZARR),
        Backend(
            "acquire-zarr",
            "ome-zarr",
            "acquire_zarr",
            "acquire",
            compressions=("blosc-zstd", "blosc-lz4", "none"),
        ),
        Backend("zarrs-python", "ome-zarr", compressions=_OF_ZARR),
        Backend("zarr-python", "ome-zarr", compressions=_OF_ZARR),
        Backend("tifffile", "ome-tiff", "tifffile", "tiff", compressions=("lzw", "none")),
        Backend("scratch", "scratch", compressions=("none",)),
    )
}
"""All backends by name; the first of a format is the one of ``"auto"``."""

_SUFFIXES = {
    "ome-zarr": (".ome.zarr", ".zarr"),
    "ome-tiff": (".ome.tiff", ".ome.tif", ".tiff", ".tif"),
}
_NAMES: Mapping[str, Mapping[str, str]] = {
    **{name: {"name": known.format, "backend": name} for name, known in BACKENDS.items()},
    "ome-zarr": {"name": "ome-zarr"},
    "zarr": {"name": "ome-zarr"},
    "ome-tiff": {"name": "ome-tiff"},
    "tiff": {"name": "ome-tiff"},
    "memory": {"name": "scratch"},
}


class OmeZarrFormat(Setting):
    """OME-Zarr.

    Attributes
    ----------
    backend : {"auto", "iohub", "tensorstore", "acquire-zarr", "zarrs-python", "zarr-python"}
        Who writes the pixels; "auto" is iohub's own way.
    suffix : str
        That a path without one gets.
    version : str or None
        Of OME-Zarr; by default the newest that is not in draft.
    """

    name: Literal["ome-zarr"] = "ome-zarr"
    backend: ZarrBackend = "auto"
    suffix: str = ".ome.zarr"
    version: str | None = None

    @model_validator(mode="after")
    def _check_version(self) -> OmeZarrFormat:
        spelling(self.spelled_version)
        return self

    @property
    def spelled_version(self) -> str:
        """The version of OME-Zarr that is written."""
        return VIRTUAL_VERSION if self.version is None else self.version

    def get_output_path(self, root_path: str, *, num_positions: int = 1) -> str:
        """Return where the file is written: the suffix is added if the path has none of Zarr."""
        return _with_suffix(root_path, self.suffix, self.name)


class OmeTiffFormat(Setting):
    """OME-TIFF.

    Attributes
    ----------
    backend : {"auto", "tifffile"}
        Who writes the pixels.
    suffix : str
        That a path without one gets.
    prefer_single_file : {"auto", "always", "never"}
        Whether one file holds all: "auto" if there is one position. True and False stand for
        "always" and "never".
    multi_file_metadata : {"redundant", "master-tiff", "companion-file"}
        Which of several files hold the metadata: all, the first, or a file of its own.
    companion_file : str
        Name of that file.
    """

    name: Literal["ome-tiff"] = "ome-tiff"
    backend: Literal["auto", "tifffile"] = "auto"
    suffix: str = ".ome.tiff"
    prefer_single_file: Literal["auto", "always", "never"] = "auto"
    multi_file_metadata: Literal["redundant", "master-tiff", "companion-file"] = "redundant"
    companion_file: str = "companion.ome"

    @model_validator(mode="before")
    @classmethod
    def _cast_preference(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and isinstance(value.get("prefer_single_file"), bool):
            single = "always" if value["prefer_single_file"] else "never"
            return {**value, "prefer_single_file": single}
        return value

    def get_output_path(self, root_path: str, *, num_positions: int = 1) -> str:
        """Return the file, or the folder of the files if there are several positions."""
        path = _with_suffix(root_path, self.suffix, self.name)
        if num_positions == 1 and self.prefer_single_file != "never":
            return path
        if num_positions > 1 and self.prefer_single_file == "always":
            return path
        return _without_suffix(path, self.suffix)


class ScratchFormat(Setting):
    """Memory, and a folder of raw files where there is more than fits.

    Attributes
    ----------
    max_memory_bytes : int
        What may be held in memory [bytes].
    suffix : str
        That a path without one gets.
    spill_to_disk : bool
        Whether more is written to files; else it is a :class:`MemoryError`.
    """

    name: Literal["scratch"] = "scratch"
    backend: Literal["scratch"] = "scratch"
    max_memory_bytes: PositiveInt = 4 * 2**30
    suffix: str = ""
    spill_to_disk: bool = True

    def get_output_path(self, root_path: str, *, num_positions: int = 1) -> str:
        """Return the folder; empty if all stays in memory."""
        return root_path


Format: TypeAlias = OmeZarrFormat | OmeTiffFormat | ScratchFormat
MODELS: Mapping[str, type[Format]] = {
    "ome-zarr": OmeZarrFormat,
    "ome-tiff": OmeTiffFormat,
    "scratch": ScratchFormat,
}


def cast_format(value: Any, root_path: str) -> tuple[Format, bool]:
    """Return the format that a user means, and whether it had to be guessed.

    Parameters
    ----------
    value : Format, mapping or str
        A format, its members, or the name of a format or a backend; ``"auto"`` goes by the path.
    root_path : str
        Where frames are to be written.

    Raises
    ------
    ValueError
        If there is no such format, or no such backend of it.
    """
    if isinstance(value, Setting):
        if not isinstance(value, OmeZarrFormat | OmeTiffFormat | ScratchFormat):
            raise ValueError(f"{value!r} is no format")
        return value, False
    guessed = False
    if isinstance(value, str):
        name = value
        if value == "auto":
            name = format_of_path(root_path) or ("ome-zarr" if root_path else "scratch")
            guessed = bool(root_path) and format_of_path(root_path) is None
        if name not in _NAMES:
            known = ", ".join(map(repr, ("auto", *_NAMES)))
            raise ValueError(f"there is no format or backend {name!r}; there are {known}")
        value = _NAMES[name]
    if not isinstance(value, Mapping) or value.get("name") not in MODELS:
        names = ", ".join(map(repr, MODELS))
        raise ValueError(
            f"a format is one of {names}, or a mapping with such a name: {value!r:.80}"
        )
    given = dict(value)
    if "suffix" not in given and (own := suffix_of(root_path)) and given["name"] != "scratch":
        given["suffix"] = own
    return MODELS[given["name"]].model_validate(given), guessed


def format_of_path(path: str) -> str | None:
    """Return the name of the format that the end of a path means, None if it means none."""
    lower = path.rstrip("/").lower()
    for name, suffixes in _SUFFIXES.items():
        if lower.endswith(suffixes):
            return name
    return None


def suffix_of(path: str) -> str:
    """Return the suffix of a known format at the end of a path, as it is written there."""
    base = path.rstrip("/")
    for suffixes in _SUFFIXES.values():
        for suffix in suffixes:
            if base.lower().endswith(suffix):
                return base[len(base) - len(suffix) :]
    return ""


def resolve_backend(form: Format) -> Backend:
    """Return who writes the pixels of a format.

    Raises
    ------
    MissingDependencyError
        If its package is not installed; the message says how to.
    """
    if form.backend != "auto":
        backend = BACKENDS[form.backend]
    else:
        backend = next(known for known in BACKENDS.values() if known.format == form.name)
    if backend.needs and not have(backend.needs):
        raise MissingDependencyError(
            f"the backend {backend.name!r} needs {backend.needs!r}, which is not installed: "
            f'pip install "iohub[{backend.extra}]"',
            name=backend.needs,
        )
    return backend


def _with_suffix(path: str, suffix: str, name: str) -> str:
    if not path or suffix_of(path) or format_of_path(path) == name:
        return path
    return path if suffix and path.endswith(suffix) else path + suffix


def _without_suffix(path: str, suffix: str) -> str:
    own = suffix if suffix and path.endswith(suffix) else suffix_of(path)
    return path[: len(path) - len(own)] if own else os.path.splitext(path)[0]
