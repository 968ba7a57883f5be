"""``iohub convert``: any image that iohub opens, written in another format."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import click

from iohub.cli.compute_pyramid import read_downscale
from iohub.cli.output import say
from iohub.cli.selection import open_node
from iohub.cli.teaching import Taught
from iohub.types import PyramidMethod


def _names(
    context: click.Context, option: click.Parameter, texts: tuple[str, ...]
) -> list[str] | None:
    """Read names, of which an option may hold several with commas between."""
    found = [name.strip() for text in texts for name in text.split(",")]
    return [name for name in found if name] or None


def _chunks(
    context: click.Context, option: click.Parameter, text: str | None
) -> str | tuple[int, ...] | None:
    """Read ``plane``, ``volume``, or sizes with commas between."""
    if text is None or text in ("plane", "volume"):
        return text
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        says = f"{text!r} is neither plane nor volume, nor sizes such as 1,1,16,512,512"
        raise click.BadParameter(says, context, option)
    return tuple(map(int, parts))


@click.command(
    cls=Taught,
    short_help="Write images in another format.",
    examples=[
        (
            "A microscope's file as OME-Zarr with a pyramid",
            "iohub convert scan.ome.tif scan.zarr -l 4",
        ),
        ("Look first, write nothing", "iohub convert scan.ome.tif scan.zarr -l 4 --dry-run"),
        (
            "Positions on a plate, where the stage was",
            "iohub convert acquisition scan.zarr --grid-layout",
        ),
        (
            "Part of a plate",
            "iohub convert plate.zarr part.zarr -p 'A/*' -c DAPI,GFP -t 0:10",
        ),
        (
            "Single planes in large shards",
            "iohub convert a.zarr b.zarr --version 0.5 --chunks plane --shard-size 1GiB",
        ),
        ("One file to send", "iohub convert plate.zarr plate.ozx"),
        (
            "OME-TIFF, a file for each position",
            "iohub convert plate.zarr plate -f ome-tiff --split --tile 512 --compression lzw",
        ),
    ],
)
@click.argument("source", type=click.Path())
@click.argument("destination", type=click.Path())
@click.option(
    "-f",
    "--format",
    metavar="NAME",
    help="Such as ome-zarr, ozx, ome-tiff; by default as the destination's name ends.",
)
@click.option("--version", metavar="VERSION", help="Of OME-Zarr; that of the source, or 0.5.")
@click.option(
    "--layout",
    type=click.Choice(["auto", "hcs", "fov", "series"]),
    default="auto",
    show_default=True,
    help="A plate, an image, a series of images, or what the source is.",
)
@click.option(
    "-p",
    "--positions",
    multiple=True,
    callback=_names,
    metavar="NAMES",
    help="Positions by key, label or glob, such as A/1/0, B or '*/3/*'; all if not given.",
)
@click.option(
    "-c",
    "--channels",
    multiple=True,
    callback=_names,
    metavar="NAMES",
    help="Channels by name or number, in their new order.",
)
@click.option("-t", "--time", "t", metavar="RANGE", help="Time points, such as 0:10.")
@click.option("-z", "z", metavar="RANGE", help="Planes, such as 5:20.")
@click.option(
    "--chunks",
    callback=_chunks,
    metavar="SIZES",
    help="plane, volume, or a size per axis with commas between.",
)
@click.option("--shard-size", metavar="SIZE", help="About how large a shard is, such as '1 GiB'.")
@click.option(
    "--compression",
    metavar="NAME",
    help="blosc, zstd, gzip or none; in OME-TIFF zlib, lzw, zstd, jpeg2000 or none. A level may "
    "follow most, as in zstd:5. By default that of the source.",
)
@click.option(
    "-l",
    "--levels",
    type=click.IntRange(min=1),
    metavar="N",
    help="Make a pyramid of N levels, full resolution included; else levels are copied.",
)
@click.option(
    "-m",
    "--method",
    metavar="NAME",
    default="mean",
    show_default=True,
    help="mean, median, mode, min, max or stride.",
)
@click.option(
    "-d",
    "--downscale",
    callback=read_downscale,
    metavar="AXES",
    help="Axes that are halved, by default z,y,x; or their factors, as z=1,y=2,x=2.",
)
@click.option(
    "--wells",
    metavar="HOW",
    help="Make a plate: labels, grid, stage, or a CSV file of positions and wells.",
)
@click.option(
    "-g", "--grid-layout", is_flag=True, help="The same as --wells stage: where the stage was."
)
@click.option(
    "--max-memory", metavar="SIZE", help="What pixels may take, such as '2 GiB'; 512 MiB."
)
@click.option(
    "--tile",
    type=click.IntRange(min=16),
    metavar="N",
    help="OME-TIFF: tiles of N×N pixels, a multiple of 16.",
)
@click.option(
    "--rgb/--no-rgb", default=None, help="OME-TIFF: three or four channels are one plane, or not."
)
@click.option("--split", is_flag=True, help="OME-TIFF: a folder with a file for each position.")
@click.option("--bigtiff", is_flag=True, help="OME-TIFF: BigTIFF even if less than 4 GiB.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Threads.")
@click.option("--overwrite", is_flag=True, help="Replace what is at the destination.")
@click.option("--restart", is_flag=True, help="Forget what interrupted conversions prepared.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
def convert(
    source: str,
    destination: str,
    format: str | None,
    method: PyramidMethod,
    downscale: Any,
    dry_run: bool,
    **given: Any,
) -> None:
    """Write SOURCE, anything that iohub opens, to DESTINATION in another format.

    The destination appears when all of it is complete. A conversion that was interrupted goes on
    when the command is repeated. Several may make different positions of one destination at the
    same time.
    """
    from iohub import convert as room

    # What was not given is left out: other formats have no such option.
    options = {name: value for name, value in given.items() if value not in (None, False)}
    if given["rgb"] is False:
        options["rgb"] = False
    options["method"] = method
    if downscale is not None:
        options["downscale"] = downscale
    with ExitStack() as stack:
        node = open_node(source, "r", stack)
        if dry_run:
            say(room.plan(node, destination, format, **options).describe())
            say("nothing was written (dry run)")
            return
        say(room.export(node, destination, format, **options).describe())
