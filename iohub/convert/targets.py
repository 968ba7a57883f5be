"""Which formats can be written, and who writes each; a new format is one more line here.

A writer is a function ``write(plan, location, options, tell) -> Report``: the plan says which
positions, channels and indexes are taken, `options` are those that the conversion itself does not
know, and `tell` is told how many bytes of pixels were read. It is found by name when it is needed,
so that nothing is imported for formats that are not used.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from iohub.errors import ArgumentError

if TYPE_CHECKING:
    from iohub.convert.plan import Plan
    from iohub.convert.report import Report
    from iohub.storage.location import Location

Writer: TypeAlias = "Callable[[Plan, Location, Mapping[str, Any], Callable[[int], object]], Report]"


@dataclass(frozen=True)
class Target:
    """A format that can be written.

    Attributes
    ----------
    name : str
        Short name, such as ``"ome-tiff"``.
    title : str
        What people call it.
    suffixes : tuple of str
        How names of such files end, in lower case.
    writer : str
        Module and function that write it, with a colon between.
    extra : str
        Extra of iohub that brings what it needs, ``""`` if none.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    writer: str
    extra: str = ""

    def load(self) -> Writer:
        """Return the function that writes it."""
        module, _, name = self.writer.partition(":")
        return cast("Writer", getattr(importlib.import_module(module), name))


TARGETS: Final[dict[str, Target]] = {
    target.name: target
    for target in (
        Target("ome-zarr", "OME-Zarr", (".zarr",), "iohub.convert.to_zarr:write"),
        Target("ozx", "zipped OME-Zarr", (".ozx", ".zip"), "iohub.convert.to_ozx:write"),
        Target(
            "ome-tiff",
            "OME-TIFF",
            (".ome.tif", ".ome.tiff", ".ome.tf2", ".ome.tf8", ".ome.btf", ".tif", ".tiff"),
            "iohub.convert.to_tiff:write",
            "tiff",
        ),
    )
}
"""Formats by name; OME-Zarr is what a name without a known ending stands for."""

_ALIASES: Final = {"zarr": "ome-zarr", "zip": "ozx", "tiff": "ome-tiff", "tif": "ome-tiff"}


def target_of(url: str, name: str | None) -> Target:
    """Return the format to write.

    Parameters
    ----------
    url : str
        The destination.
    name : str or None
        Name of the format; None goes by the ending of the destination.

    Raises
    ------
    ArgumentError
        If there is no such format, or the ending is that of one that cannot be written.
    """
    if name is not None:
        known = str(name).lower().replace("_", "-")
        known = _ALIASES.get(known, known)
        if known not in TARGETS:
            raise ArgumentError(f"format={name!r}; there are {', '.join(map(repr, TARGETS))}")
        return TARGETS[known]
    last = url.rstrip("/").rpartition("/")[2].lower()
    for target in TARGETS.values():
        if last.endswith(target.suffixes):
            return target
    if "." in last.strip("."):
        endings = ", ".join(suffix for target in TARGETS.values() for suffix in target.suffixes)
        raise ArgumentError(
            f"which format {url!r} is to have cannot be told from its name (known endings: "
            f"{endings}); say format='ome-zarr', 'ozx' or 'ome-tiff'"
        )
    return TARGETS["ome-zarr"]
