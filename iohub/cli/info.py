"""``iohub info``: what a store holds."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from iohub.cli.failures import Failures
from iohub.cli.output import say, show
from iohub.cli.selection import expand, open_node
from iohub.cli.teaching import Taught, paths_argument

if TYPE_CHECKING:
    from iohub.display import Summary
    from iohub.nodes.plate import Plate
    from iohub.nodes.series import Series


@click.command(
    cls=Taught,
    short_help="Show what is in a store: wells, axes, channels, levels.",
    examples=[
        ("A plate: its wells as a map, channels, axes", "iohub info plate.zarr"),
        ("One position: sizes, pixel sizes, levels of the pyramid", "iohub info plate.zarr/A/1/0"),
        ("A line for every position of the plate", "iohub info --verbose plate.zarr"),
    ],
)
@paths_argument
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Also list every position of a plate, and how every image of a position is stored.",
)
def info(paths: tuple[str, ...], verbose: bool) -> None:
    """Show what PATHS hold, whatever their format: wells, axes, channels, levels, sizes.

    Only metadata are read, no pixels. `iohub formats` lists the formats.
    """
    failures = Failures()
    for index, path in enumerate(expand(paths)):
        if index:
            say("")
        with failures.caught(path), ExitStack() as stack:
            node = open_node(path, "r", stack)
            with failures.corrupt_nodes(path):
                summary = node._summary()
                facts = (*summary.fields, *_facts(path, node, verbose))
                show(replace(summary, fields=facts), *(_more(node) if verbose else ()))
    failures.finish()


# So many files are counted unless all are asked for.
_COUNTED = 20_000


def _facts(path: str, node: Any, verbose: bool) -> Iterator[tuple[str, str]]:
    """Say how large it is on disk, and how Python opens it."""
    from iohub.display import human_bytes

    if "://" not in path and not _is_below_file(path):
        limit = None if verbose else _COUNTED
        store = getattr(getattr(node, "_group", None), "store", None)
        named = getattr(store, "paths", ())  # of a set that one XML describes
        size, files, complete = _on_disk(os.path.expanduser(path), limit, named)
        said = f"{human_bytes(size)} in {files:,} {'file' if files == 1 else 'files'}"
        yield "on disk", said if complete else f"more than {said}; --verbose counts all"
    yield "in Python", _python(path, node)


def _is_below_file(path: str) -> bool:
    """Whether it is a part of an archive, which takes no files of its own."""
    from iohub.formats.image_sequence import first_file

    local = os.path.expanduser(path)
    return not os.path.lexists(local) and first_file(local) is None


def _on_disk(path: str, limit: int | None, more: Sequence[str] = ()) -> tuple[int, int, bool]:
    """Bytes and number of the files at a path, and of its set; and whether these are all."""
    if not os.path.isdir(path):
        from iohub.formats.image_sequence import named_files

        named = named_files(path) or [path]
        found = {os.path.abspath(each) for each in (*named, *more) if os.path.isfile(each)}
        return sum(map(os.path.getsize, found)), len(found), True
    size = files = 0
    waiting = [path]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                    continue
                if files == limit:
                    return size, files, False
                size += entry.stat(follow_symlinks=False).st_size
                files += 1
    return size, files, True


def _python(path: str, node: Any) -> str:
    """Return the call that opens a node."""
    path = path.rstrip("/" + os.sep) or path
    key = node.path[len(node._session.base) :].strip("/")
    inner = key.replace("/", os.sep)
    if not key or not path.endswith(inner):
        return f"open_ome_zarr({json.dumps(path, ensure_ascii=False)})"
    root = json.dumps(path[: -len(inner)].rstrip("/" + os.sep), ensure_ascii=False)
    return f"open_ome_zarr({root}){json.dumps([key], ensure_ascii=False)}"


def _more(node: Any) -> Iterator[Summary]:
    """Summaries of what is in a node."""
    from iohub.nodes.plate import Plate
    from iohub.nodes.position import Position
    from iohub.nodes.series import Series

    if isinstance(node, Plate | Series):
        yield _positions(node)
    elif isinstance(node, Position):
        for _, image in node.images():
            yield image._summary()


def _positions(plate: Plate | Series) -> Summary:
    """One line for every position."""
    from iohub.display import Column, PageSummary, Table, human_bytes, human_number, human_shape

    rows = []
    for entry in plate.to_dataframe().to_dict("records"):
        says = [str(entry["path"]), "no images", *[""] * 5]
        if isinstance(entry["scale"], tuple):
            says[3] = ", ".join(map(human_number, entry["scale"]))
            says[4] = ", ".join(entry["channels"])
            says[5] = str(int(entry["levels"]))
            # The image itself may be unreadable, which a warning says.
            known = isinstance(entry["shape"], tuple)
            says[1] = human_shape(entry["shape"]) if known else ""
            says[2] = str(entry["dtype"]) if known else ""
            says[6] = human_bytes(int(entry["nbytes"])) if known else ""
        rows.append(tuple(says))
    columns = (
        Column("position"),
        Column("shape", "right"),
        Column("dtype"),
        Column("scale", "right"),
        Column("channels"),
        Column("levels", "right"),
        Column("size", "right"),
    )
    return PageSummary(
        kind="Positions", page=(Table(f"{len(rows):,} positions", columns, tuple(rows)),)
    )
