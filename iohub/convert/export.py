"""The door: a node, a destination and options in, a plan or a report out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from iohub.convert.options import read_options, refuse_unknown
from iohub.convert.planning import make
from iohub.convert.progress import told
from iohub.convert.targets import Target, target_of
from iohub.errors import LayoutError, PathError
from iohub.nodes.base import NGFFNode
from iohub.storage.local import LocalBytes
from iohub.storage.location import Location, locate

if TYPE_CHECKING:
    from iohub.convert.plan import Plan
    from iohub.convert.progress import Progress
    from iohub.convert.report import Report
    from iohub.storage.location import StoreLike


def _destination(path: StoreLike, format: str | None) -> tuple[Target, Location]:
    """Return the format and the place; a file is never taken for a store that could be opened."""
    if not isinstance(path, str | os.PathLike):
        location = locate(path, writable=True)
        return target_of(location.url, format), location
    text = os.fspath(path)
    target = target_of(text, format)
    if target.name == "ome-zarr" or "://" in text:
        return target, locate(path, writable=True)
    store = LocalBytes(os.path.expanduser(text))
    return target, Location(store, "", store.root)


def _check_apart(node: NGFFNode, location: Location) -> None:
    """Refuse a destination that holds the source: replacing it would delete what is beside it.

    Raises
    ------
    LayoutError
        If the source is an array.
    PathError
        If the source lies below the destination.
    """
    if not isinstance(node, NGFFNode):
        raise LayoutError(f"{node!r} is an array: convert the position that it is a level of")
    source, target = node.url, location.url
    if location.local_path is not None and "://" not in source:
        source, target = os.path.realpath(source), os.path.realpath(location.local_path)
    source, target = source.replace("\\", "/").rstrip("/"), target.replace("\\", "/").rstrip("/")
    if source.startswith(f"{target}/"):
        raise PathError(
            f"{location.url} holds {node.url}, which is to be exported: choose a path outside of it"
        )


def plan(node: NGFFNode, path: StoreLike, format: str | None = None, **options: Any) -> Plan:
    """Plan an export without writing anything.

    Parameters
    ----------
    node : NGFFNode
        What to export.
    path, format, **options
        As for :meth:`iohub.ngff.nodes.NGFFNode.export`.

    Returns
    -------
    Plan
        What would be done: print it.

    Raises
    ------
    IohubError
        If something of it is not possible.
    """
    target, location = _destination(path, format)
    _check_apart(node, location)
    chosen, rest = read_options(options)
    refuse_unknown(rest, target.name, target.options)
    return make(node, location.url, target.name, chosen)


def export(
    node: NGFFNode,
    path: StoreLike,
    format: str | None = None,
    *,
    progress: Progress = None,
    **options: Any,
) -> Report:
    """Write a node in another format; see :meth:`iohub.ngff.nodes.NGFFNode.export`.

    Parameters
    ----------
    node : NGFFNode
        What to export.
    path, format, progress, **options
        As there.

    Returns
    -------
    Report
        What was done.

    Raises
    ------
    IohubError
        If something of it is not possible; what was written before is used by the next call.
    """
    target, location = _destination(path, format)
    _check_apart(node, location)
    chosen, rest = read_options(options)
    refuse_unknown(rest, target.name, target.options)
    planned = make(node, location.url, target.name, chosen)
    with told(progress, planned.nbytes, location.name) as tell:
        report = target.load()(planned, location, rest, tell)
    location.finish()
    return report
