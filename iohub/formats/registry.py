"""Which formats there are, and which one a location holds.

A format is a module, or any object with the members of :class:`Adapter`. Those of other packages
are found by the entry point group ``iohub.formats``.
"""

from __future__ import annotations

import importlib
import warnings
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol, cast

from iohub import optional
from iohub.errors import FormatWarning, MissingDependencyError, NotFoundError
from iohub.storage.damage import named_errors
from iohub.storage.journal import remedy
from iohub.storage.virtual import VirtualBytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iohub.storage.group import ZarrGroup
    from iohub.storage.location import Location

ENTRY_POINTS = "iohub.formats"

# In the order in which they are tried: what recognises more exactly comes first.
_MODULES: tuple[str, ...] = (
    "ozx",
    "zarr",
    "ndtiff",
    "nd2",
    "ome_parquet",
    "ome_vortex",
    "ome_arrow_dataset",
    "clear_control",
    "micro_manager",
    "micro_manager_sequence",
    "ome_tiff",
    "tiff_sequence",
    "pictures",
    "tiff_plain",
)


class Adapter(Protocol):
    """How a format is recognised and opened.

    Attributes
    ----------
    name : str
        Short name, such as ``"ome-tiff"``.
    title : str
        What people call it.
    suffixes : tuple of str
        How names of such files end; empty if they are told by what is in them.
    packages : tuple of str
        Import names of the packages that reading needs beside iohub's own.
    extra : str
        The extra of iohub that brings them, ``""`` if there is none.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    packages: tuple[str, ...]
    extra: str

    def sniff(self, location: Location) -> bool:
        """Whether the location holds this format, from names and a few bytes.

        Only the standard library is used; nothing is raised for what cannot be read.
        """

    def open_group(self, location: Location, *, engine: str | None = None) -> ZarrGroup:
        """Show it as a group, without reading a pixel."""


@cache
def _own(module: str) -> Adapter:
    return cast(Adapter, importlib.import_module(f"iohub.formats.{module}"))


@cache
def _others() -> tuple[Adapter, ...]:
    found: list[Adapter] = []
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        try:
            found.append(cast(Adapter, point.load()))
        except (ImportError, AttributeError) as error:
            package = point.dist.name if point.dist else point.value
            warnings.warn(
                f"the format {point.name!r} of the package {package} cannot be loaded and is "
                f"left out: {error}",
                FormatWarning,
                stacklevel=2,
            )
    return tuple(found)


def adapters() -> Iterator[Adapter]:
    """Every format that is known, in the order in which they are tried."""
    for module in _MODULES:
        yield _own(module)
    yield from _others()


def adapter_for(location: Location) -> Adapter:
    """Return the format that a location holds.

    Raises
    ------
    NotFoundError
        If no adapter recognises it; those that were tried are named.
    """
    for adapter in adapters():
        if adapter.sniff(location):
            return adapter
    tried = ", ".join(adapter.name for adapter in adapters())
    alike = [adapter for adapter in adapters() if location.url.lower().endswith(adapter.suffixes)]
    hint = "give the path of a store, of a position in it, or of a file that a microscope wrote"
    if alike:
        hint = f"it is named like {alike[0].title}, but what is in it is something else or damaged"
    hint = remedy(location.store, location.path) or hint
    raise NotFoundError(
        f"no images at {location.url} that iohub recognises (tried: {tried}); {hint}"
    )


def missing_packages(adapter: Adapter) -> list[str]:
    """Return the import names of the packages that a format needs and that are not installed."""
    return [name for name in adapter.packages if not optional.have(name)]


def install_command(adapter: Adapter) -> str:
    """Return what brings the packages that a format needs."""
    if adapter.extra:
        return f'pip install "iohub[{adapter.extra}]"'
    return f"pip install {' '.join(adapter.packages)}"


def open_group(location: Location, *, engine: str | None = None, **options: Any) -> ZarrGroup:
    """Open what is at a location as a group.

    Parameters
    ----------
    location : Location
        Where it is.
    engine : str, optional
        Name of the engine for pixels.
    **options
        For the adapter.

    Raises
    ------
    NotFoundError
        If nothing is there, or nothing that an adapter recognises.
    MissingDependencyError
        If a package that reads the format is not installed.
    FormatError
        If the format's reader fails on it.
    """
    adapter = adapter_for(location)
    missing = missing_packages(adapter)
    if missing:
        raise MissingDependencyError(
            f"{location.url} is of the format {adapter.title}; to read it, "
            f"{', '.join(map(repr, missing))} is needed and not installed: "
            f"{install_command(adapter)}",
            name=missing[0],
        )
    if adapter.name == "zarr":  # it has errors of its own
        return adapter.open_group(location, engine=engine, **options)
    with named_errors(location.url):
        group = adapter.open_group(location, engine=engine, **options)
    if isinstance(group.store, VirtualBytes):
        group.store.format = adapter.title
    return group
