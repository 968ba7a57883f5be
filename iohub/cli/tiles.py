"""``iohub tiles``: a table of files and stage positions becomes images of a plate, or one image."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from iohub.cli.output import progress, say
from iohub.cli.teaching import Taught


def _read_options(
    context: click.Context, option: click.Parameter, path: Path | None
) -> dict[str, Any]:
    """Read a JSON object of options."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{path} cannot be read: {error}", context, option) from error
    if not isinstance(found, dict):
        raise click.BadParameter(f"{path} holds no JSON object", context, option)
    return found


def _read_labels(
    context: click.Context, option: click.Parameter, pairs: tuple[str, ...]
) -> dict[str, str]:
    """Read names of label images and of columns."""
    found = {name: column for name, _, column in (pair.partition("=") for pair in pairs)}
    if not all(name and column for name, column in found.items()):
        raise click.BadParameter("give NAME=COLUMN, such as cells=mask_path", context, option)
    return found


def _names(context: click.Context, option: click.Parameter, text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


@click.command(
    cls=Taught,
    short_help="Make images of tiles on a stage grid.",
    examples=[
        (
            "Look first: what goes where, which tiles overlap",
            "iohub tiles tiles.csv plate.zarr --pixel-size 0.325 --plan",
        ),
        (
            "A plate of stitched images",
            "iohub tiles tiles.csv plate.zarr --pixel-size 0.325 -c DAPI,GFP",
        ),
        (
            "Go on after an interruption",
            "iohub tiles tiles.csv plate.zarr --pixel-size 0.325 -c DAPI,GFP --extend",
        ),
        (
            "Where the stage was, corrected by the pixels, faded into each other",
            "iohub tiles tiles.csv scan.zarr --tiling Inplace --refine --blend linear",
        ),
    ],
)
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("out", type=click.Path())
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be made; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="With --plan: one line of JSON per image.")
@click.option(
    "--options",
    callback=_read_options,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="JSON: members of ConverterOptions, and acquisition_details.",
)
@click.option("--pixel-size", type=float, metavar="UM", help="Of a pixel along y and x [µm].")
@click.option("--z-spacing", type=float, metavar="UM", help="Between planes [µm].")
@click.option("-c", "--channels", callback=_names, metavar="NAMES", help="Names, in their order.")
@click.option("--axes", metavar="AXES", help="Such as czyx; tczyx by default.")
@click.option(
    "--tiling",
    type=click.Choice(["Auto", "Snap to Grid", "Snap to Corners", "Inplace", "No Tiling"]),
    help="Where tiles go.",
)
@click.option("--resource", metavar="DIR", help="Where relative paths start; that of TABLE.")
@click.option(
    "--blend",
    type=click.Choice(["last", "linear"]),
    default="last",
    show_default=True,
    help="What is seen where tiles overlap.",
)
@click.option("--refine", is_flag=True, help="Correct positions by what overlaps show.")
@click.option("--share-limits", is_flag=True, help="The same contrast limits in all images.")
@click.option(
    "--labels",
    callback=_read_labels,
    multiple=True,
    metavar="NAME=COLUMN",
    help="Label images, put together alike: COLUMN holds the file with the labels of each tile.",
)
@click.option("--version", metavar="VERSION", help="Of OME-Zarr, for a new OUT.")
@click.option("--extend", is_flag=True, help="Keep complete images, make the others.")
@click.option("--overwrite", is_flag=True, help="Replace images that are there.")
@click.option("--check-all", is_flag=True, help="Look at every file before anything is written.")
@click.option("--processes", is_flag=True, help="Work in processes, not in threads.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="How many.")
def tiles(
    table: Path,
    out: str,
    only_plan: bool,
    as_json: bool,
    options: dict[str, Any],
    resource: str | None,
    refine: bool,
    labels: dict[str, str],
    extend: bool,
    overwrite: bool,
    **given: Any,
) -> None:
    """Make images of the tiles in TABLE, a CSV file, in OUT.

    TABLE has one row per tile: file_path, fov_name, start_x, start_y [µm], length_x, length_y
    [pixels], if need be start_z, start_c, start_t, length_z, length_c, length_t; row and column of
    a plate, or neither for a single image. Further columns go to the condition table.

    An image appears when all of it is written. After an interruption, the same command with
    --extend makes what is missing.
    """
    if extend and overwrite:
        raise click.UsageError("--extend and --overwrite exclude each other")
    from iohub.optional import need
    from iohub.tiles import nodes
    from iohub.tiles.label_sources import without_label_columns

    frame = need("pandas").read_csv(table)
    is_plate = "row" in frame.columns
    frame, masks = without_label_columns(frame, labels)
    details, options = _settings(options, given)
    resource = os.path.dirname(os.path.abspath(table)) if resource is None else resource
    name = os.path.basename(os.path.abspath(out))
    listed = nodes.tile_list(frame, details, plate=name, image=name)
    if only_plan:
        job = nodes.registered(listed, options, resource=resource, refined=refine)
        for plan in job.plans(blend=given["blend"], resource=resource):
            say(plan.to_json() if as_json else plan.describe())
        for found in job.refinements:
            if found is not None and not as_json:
                say(f"refined: {found}")
        if not as_json:
            say("nothing was written (plan)")
        return
    more: dict[str, Any] = {
        "resource": resource,
        "refined": refine,
        "blend": given["blend"],
        "labels": masks,
        "when": "extend" if extend else "overwrite" if overwrite else "no",
        "probe": None if given["check_all"] else 1,
        "run": "processes" if given["processes"] else None,
        "workers": given["workers"],
    }
    _write(out, listed, options, more, given, is_plate=is_plate)


def _settings(
    options: dict[str, Any], given: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is known of the acquisition, and the options, with those of the command line."""
    options = dict(options)
    details = dict(options.pop("acquisition_details", {}))
    if given["pixel_size"] is not None:
        details["pixelsize"] = given["pixel_size"]
    if given["z_spacing"] is not None:
        details["z_spacing"] = given["z_spacing"]
    if given["channels"] is not None:
        details["channels"] = [{"channel_label": name} for name in given["channels"]]
    if given["axes"] is not None:
        details["axes"] = list(given["axes"])
    if given["tiling"] is not None:
        options["tiling_mode"] = given["tiling"]
    return details, options


def _write(
    out: str,
    listed: list[Any],
    options: dict[str, Any],
    more: dict[str, Any],
    given: dict[str, Any],
    *,
    is_plate: bool,
) -> None:
    from iohub import open_ome_zarr
    from iohub.ngff import Position
    from iohub.tiles import nodes

    with progress(100, "pixels") as update:

        def told(done: int, total: int) -> None:
            update(100 * done / max(1, total), "")

        if not is_plate:
            with Position.from_tiles(
                out, listed, options, version=given["version"], progress=told, **more
            ) as image:
                say(str(image))
            return
        kind: dict[str, Any] = {"version": given["version"]} if given["version"] else {}
        if not os.path.exists(out):
            # A refused call leaves no empty plate behind.
            job = nodes.registered(listed, options, resource=more["resource"])
            job.check(blend=more["blend"], resource=more["resource"], probe=more["probe"])
            known = [info.channel_label for info in job.images[0].channels or ()]
            kind |= {"channel_names": known or ["0"]}
        with open_ome_zarr(out, layout="hcs", mode="a", **kind) as plate:
            made = plate.add_tiles(
                listed, options, share_limits=given["share_limits"], progress=told, **more
            )
            for position in made:
                say(str(position))
