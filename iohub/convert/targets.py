"""Which formats can be written, and who writes each; a new format is one more entry here.

An entry names the format, the endings and other names by which people ask for it, its writer, and
the options that only it has: the doors, ``iohub convert`` and plans read all of that from here.

A writer is a function ``write(plan, location, options, tell) -> Report``: the plan says which
positions, channels and indexes are taken, `options` are those that the conversion itself does not
know, and `tell` is told how many bytes of pixels were read. It refuses to replace what is at the
location unless ``plan.options.overwrite``, and lets the file appear when it is complete. It is
found by name when it is needed, so that nothing is imported for formats that are not used.
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
    aliases : tuple of str
        Other names of the format.
    options : tuple of str
        Options of the writer that the conversion itself does not know.
    chunked : bool
        Whether pixels are in chunks of Zarr, compressed by its codecs.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    writer: str
    extra: str = ""
    aliases: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    chunked: bool = False

    def load(self) -> Writer:
        """Return the function that writes it."""
        module, _, name = self.writer.partition(":")
        return cast("Writer", getattr(importlib.import_module(module), name))


TARGETS: Final[dict[str, Target]] = {
    target.name: target
    for target in (
        Target(
            "ome-zarr",
            "OME-Zarr",
            (".zarr",),
            "iohub.convert.to_zarr:write",
            aliases=("zarr",),
            chunked=True,
        ),
        Target(
            "ozx",
            "zipped OME-Zarr",
            (".ozx", ".zip"),
            "iohub.convert.to_ozx:write",
            aliases=("zip",),
            chunked=True,
        ),
        Target(
            "ome-tiff",
            "OME-TIFF",
            (".ome.tif", ".ome.tiff", ".ome.tf2", ".ome.tf8", ".ome.btf", ".tif", ".tiff"),
            "iohub.convert.to_tiff:write",
            "tiff",
            ("tiff", "tif"),
            ("bigtiff", "compression_level", "rgb", "split", "tile"),
        ),
        Target(
            "ome-parquet",
            "OME-Arrow (Parquet)",
            (".parquet", ".pq"),
            "iohub.convert.to_arrow:write_parquet",
            "arrow",
            ("parquet",),
            ("encoding", "column"),
        ),
        Target(
            "ome-vortex",
            "OME-Arrow (Vortex)",
            (".vortex",),
            "iohub.convert.to_arrow:write_vortex",
            "vortex",
            ("vortex",),
            ("column",),
        ),
        Target(
            "ome-arrow-dataset",
            "OME-Arrow (dataset directory)",
            (),
            "iohub.convert.to_arrow:write_dataset",
            "arrow",
            ("arrow-dataset",),
            ("chunk",),
        ),
    )
}
"""Formats by name; OME-Zarr is what a name without a known ending stands for."""

STORES: Final = frozenset(target.name for target in TARGETS.values() if target.chunked)
"""Formats whose pixels are in chunks of Zarr."""

_ALIASES: Final = {alias: target.name for target in TARGETS.values() for alias in target.aliases}


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
            f"{endings}); say format={', '.join(map(repr, TARGETS))}"
        )
    return TARGETS["ome-zarr"]
