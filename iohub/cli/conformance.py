"""``iohub conformance``: the contracts of public test suites, one line of JSON each.

Source: the conformance runner of the OME-Zarr specification (``attributes`` and ``zarr``), and
``ome-zarr-transformations-conformance`` (``transform``).
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from iohub.cli.output import say
from iohub.cli.teaching import Taught, TaughtGroup
from iohub.errors import DocumentError, IohubError, NotFoundError, Problem

if TYPE_CHECKING:
    from iohub.models.validator.report import Report


@click.group(
    cls=TaughtGroup,
    short_help="Speak the contracts of public conformance suites.",
    examples=[
        (
            "The metadata of a group, in a file of their own",
            "iohub conformance attributes case.json",
        ),
        ("The metadata of a group of Zarr", "iohub conformance zarr case.zarr"),
        (
            "Points, from one coordinate system of a scene to another",
            "iohub conformance transform scene.zarr camera world '[[1,2]]'",
        ),
    ],
)
def conformance() -> None:
    """Answer one question of a public conformance suite with a line of JSON on stdout.

    `attributes` and `zarr` say whether metadata are valid; the exit code is 0 in either case. They
    do not look at arrays, which those suites do not have: `iohub validate` does.
    """


def _strict_option(function: Any) -> Any:
    return click.option("--strict", is_flag=True, help="Demand recommendations too.")(function)


@conformance.command(
    cls=Taught,
    examples=[("A case of the suite", "iohub conformance attributes case.json")],
)
@click.argument("path", type=click.Path())
@_strict_option
@click.option(
    "--zarr-format",
    type=click.Choice(["2", "3"]),
    help="Of the group; by default, 3 if there is a member 'ome'.",
)
def attributes(path: str, strict: bool, zarr_format: str | None) -> None:
    """Say whether the JSON file PATH holds valid attributes of a group."""
    try:
        attrs, form = _attributes_in(path)
    except (IohubError, OSError) as error:
        _answer(str(error))
        return
    _judge(path, attrs, int(zarr_format or form), strict)


@conformance.command(
    cls=Taught, examples=[("A case of the suite", "iohub conformance zarr case.zarr")]
)
@click.argument("path", type=click.Path())
@_strict_option
def zarr(path: str, strict: bool) -> None:
    """Say whether the group of Zarr at PATH has valid metadata."""
    from iohub.storage.group import open_group
    from iohub.storage.location import locate

    try:
        location = locate(path, writable=False)
        group = open_group(location.store, location.path)
        attrs = group.attrs()
    except (IohubError, OSError) as error:
        _answer(str(error))
        return
    _judge(path, attrs, group.zarr_format, strict)


def _judge(path: str, attrs: dict[str, Any], zarr_format: int, strict: bool) -> None:
    from iohub.models.validator.validate import validate_attributes

    report: Report = validate_attributes(attrs, zarr_format, strict=strict, source=path)
    _answer("; ".join(str(each) for each in report.errors))


def _answer(message: str) -> None:
    """Print the verdict: what is wrong, nothing if it is valid."""
    said = {"valid": not message} | ({"message": message} if message else {})
    say(json.dumps(said))


def _attributes_in(path: str) -> tuple[dict[str, Any], int]:
    """Read the attributes in a file, which may be a whole document of a group of Zarr v3."""
    from iohub.storage.documents import parse_document

    if not os.path.isfile(os.path.expanduser(path)):
        raise NotFoundError(f"no such file: {path}")
    with open(os.path.expanduser(path), "rb") as file:
        document = parse_document(file.read(), path)
    document.pop("_conformance", None)  # what the suite says of the case
    if document.get("node_type") == "group" or set(document) == {"attributes"}:
        document = document.get("attributes") or {}
    if not isinstance(document, dict):
        raise DocumentError([Problem("/attributes", "must be an object", "attributes")], path)
    return document, 3 if "ome" in document else 2


@conformance.command(
    cls=Taught,
    examples=[
        (
            "Two points of a scene",
            "iohub conformance transform scene.zarr camera world '[[1,2],[3,4]]'",
        )
    ],
)
@click.argument("path", type=click.Path())
@click.argument("source")
@click.argument("target")
@click.argument("coordinates")
def transform(path: str, source: str, target: str, coordinates: str) -> None:
    """Say where points of the coordinate system SOURCE of a scene or an image are in TARGET.

    COORDINATES is a JSON array of points. A system of an image in a scene is path:name.
    """
    from iohub.models.mapping import map_points

    try:
        points = json.loads(coordinates)
    except ValueError as error:
        raise click.BadParameter(f"no JSON: {error}", param_hint="COORDINATES") from error
    say(json.dumps({"coordinates": map_points(path, source, target, points)}))
