"""From the paths of a command line to nodes: globs, plates, wells and parts of a plate."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from iohub.cli.failures import Failures
from iohub.cli.output import warn
from iohub.errors import IohubError, LayoutError, NotFoundError

if TYPE_CHECKING:
    from iohub.nodes.position import Position
    from iohub.types import Mode

_MAGIC = re.compile(r"[*?\[]")
_DOCUMENTS: Final = frozenset({"zarr.json", ".zgroup", ".zattrs", ".zarray", ".zmetadata"})
_DEPTH: Final = 4  # row, column, field and image


class Chosen(NamedTuple):
    """A position to work on, with the path that a user would type."""

    label: str
    position: Position


def expand(patterns: Iterable[str]) -> list[str]:
    """Return the paths that arguments stand for, in natural order (A/2 before A/10).

    A shell expands ``plate.zarr/*/*/*`` itself, or leaves that to iohub if it is quoted; either way
    the documents of Zarr that lie between the nodes are left out.

    Parameters
    ----------
    patterns : iterable of str
        Paths, URLs and globs. What exists is taken as it is, whatever signs are in its name.

    Raises
    ------
    NotFoundError
        If nothing matches a glob, or only documents were given.
    """
    found: list[str] = []
    for pattern in patterns:
        path = os.path.expanduser(pattern)
        if "://" in pattern or os.path.lexists(path) or not _MAGIC.search(path):
            found.append(pattern)
            continue
        matched = [each for each in glob.glob(path, recursive=True) if _may_be_opened(each)]
        if not matched:
            raise NotFoundError(f"nothing matches {pattern!r}")
        found += sorted(matched, key=_natural)
    nodes = [path for path in found if os.path.basename(path) not in _DOCUMENTS]
    if not nodes:
        raise NotFoundError(f"{', '.join(found)}: documents of Zarr; give the folders they lie in")
    return list(dict.fromkeys(nodes))


def _may_be_opened(path: str) -> bool:
    """Whether it is a folder, or a file that is named like an image."""
    from iohub.formats.registry import adapters

    return os.path.isdir(path) or any(path.lower().endswith(each.suffixes) for each in adapters())


def _natural(path: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", path)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def existing(path: str) -> str:
    """Return a path if something is there; a URL is not asked.

    Parameters
    ----------
    path : str
        Path or URL.

    Raises
    ------
    NotFoundError
        If nothing is there.
    """
    local = os.path.expanduser(path)
    if "://" not in path and not os.path.lexists(local):
        from iohub.formats.image_sequence import first_file

        if first_file(local) is None and not _is_inside_file(local):
            raise NotFoundError(f"no such file or folder: {path}")
    return path


def _is_inside_file(path: str) -> bool:
    """Whether a path goes on below a file, such as an archive."""
    above = os.path.dirname(path)
    while above and not os.path.lexists(above):
        above = os.path.dirname(above)
    return os.path.isfile(above)


def open_node(path: str, mode: Mode, stack: ExitStack) -> Any:
    """Open a plate, row, well, position or image by its path on disk.

    Parameters
    ----------
    path : str
        Path or URL. What does not say itself what it is, such as a row, is asked of the plate
        around it.
    mode : {"r", "r+"}
        Persistence mode.
    stack : contextlib.ExitStack
        Closes the store.

    Raises
    ------
    IohubError
        If there is no such node, or it cannot be opened.
    """
    from iohub._open import open_ome_zarr

    existing(path)
    try:
        return stack.enter_context(open_ome_zarr(path, mode=mode))
    except LayoutError:
        if "://" in path:
            raise
        names: list[str] = []
        root = os.path.abspath(os.path.expanduser(path))
        for _ in range(_DEPTH):
            root, name = os.path.split(root)
            names.insert(0, name)
            with ExitStack() as tried:
                try:
                    node = tried.enter_context(open_ome_zarr(root, mode=mode))
                except IohubError:
                    continue
                stack.enter_context(tried.pop_all())
                return node["/".join(names)]
        raise


def choose(
    patterns: Sequence[str], mode: Mode, failures: Failures, stack: ExitStack
) -> list[Chosen]:
    """Open the positions that arguments stand for, each once; warn of those without an image.

    Parameters
    ----------
    patterns : sequence of str
        As for :func:`expand`; a plate, a row or a well stands for all its positions.
    mode : {"r", "r+"}
        Persistence mode.
    failures : Failures
        Takes what cannot be opened.
    stack : contextlib.ExitStack
        Closes the stores.

    Raises
    ------
    NotFoundError
        If nothing matches a glob, or what was given has no positions with an image.
    """
    chosen: dict[str, Chosen] = {}
    empty: list[str] = []
    paths = expand(patterns)
    for path in paths:
        with failures.caught(path), failures.corrupt_nodes(path):
            for key, position in positions_of(open_node(path, mode, stack)):
                label = f"{path.rstrip('/')}/{key}" if key else path
                if not len(position):
                    empty.append(label)
                    continue
                place = label if "://" in label else os.path.realpath(os.path.expanduser(label))
                chosen.setdefault(place, Chosen(label, position))
    if not chosen and not failures:
        raise NotFoundError(f"there are no positions with an image in {', '.join(paths)}")
    for label in empty:
        warn(f"{label} has no image yet and is left out")
    return list(chosen.values())


def positions_of(node: Any) -> Iterator[tuple[str, Position]]:
    """Return the positions that a node stands for, with their paths below it.

    Raises
    ------
    LayoutError
        If it is an image.
    """
    from iohub.ngff.nodes import Plate, Position, Row, Scene, Well

    match node:
        case Plate() | Well():
            yield from node.positions()
        case Scene():
            yield from node.images()
        case Row():
            for well_name, well in node.wells():
                for name, position in well.positions():
                    yield f"{well_name}/{name}", position
        case Position():
            yield "", node
        case _:
            raise LayoutError(f"{node.path} is an image; give the path of its position")
