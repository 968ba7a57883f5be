"""Assemble a plate of real images, add a channel, read it as xarray, and draw a montage of it.

Everything that is done with the plate is done as a user of iohub would do it. What the images
are and what is assumed about them is in ``SOURCES``.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.table import Table
from skimage import data, filters, io

from iohub import open_ome_zarr
from iohub.ngff import Position, TransformationMeta, WindowDict

ROOT = Path(__file__).resolve().parent.parent
HUMAN = ROOT / "tests" / "data" / "examplehuman"
MARK = ".iohub-demo.json"
COMPUTED = "Objects"


# ---- real images ----------------------------------------------------------------------------


class Source(NamedTuple):
    """An image, where it goes in the plate, and what is known about it."""

    place: tuple[str, str, str]
    what: str
    # Name, colour, and percentiles of the pixels that are shown as black and as full colour.
    channels: list[tuple[str, str, tuple[float, float]]]
    pixel_size: float  # [micrometer]
    pixel_size_is: str
    load: Callable[[], NDArray[np.uint8]]  # (C, Y, X)
    # From the pixels, what to make a threshold of: bright where the objects are (Y, X).
    objects: Callable[[NDArray[np.uint8]], NDArray[np.floating]]


def human_cells() -> NDArray[np.uint8]:
    return np.stack([io.imread(path) for path in sorted(HUMAN.glob("*.tif"))])


def blue_dye(rgb: NDArray[np.uint8]) -> NDArray[np.floating]:
    """How much blue dye (haematoxylin) there is, which stains nuclei."""
    from skimage.color import rgb2hed

    return rgb2hed(np.moveaxis(rgb, 0, -1))[..., 0]


SOURCES = [
    Source(
        ("D", "3", "0"),  # as the files' names say
        "Human cells (HT29), fluorescence",
        [
            ("DNA", "5B7BFF", (1, 99)),
            ("Phospho-histone H3", "FF3DAE", (50, 99.8)),
            ("Actin", "3DDC84", (1, 99)),
        ],
        1.0,
        "assumed: nuclei become 10 µm wide",
        human_cells,
        lambda pixels: pixels[0].astype(float),
    ),
    Source(
        ("D", "4", "0"),
        "Colon tissue, stained for FHL2",
        [
            ("Red", "FF0000", (0, 100)),
            ("Green", "00FF00", (0, 100)),
            ("Blue", "0000FF", (0, 100)),
        ],
        0.5,
        "assumed: a 20× objective",
        lambda: np.moveaxis(data.immunohistochemistry(), -1, 0),
        blue_dye,
    ),
    Source(
        ("E", "3", "0"),
        "Cell in saline, phase (hologram)",
        [("Phase", "FFFFFF", (1, 99.9))],
        0.107,
        "as scikit-image says",
        lambda: data.cell()[np.newaxis],
        lambda pixels: pixels[0].astype(float),
    ),
]


# ---- the main job ---------------------------------------------------------------------------


def assemble(path: Path) -> None:
    """Write the images as a plate: channels, colours, contrast, pixel sizes, pyramids."""
    names = [name for name, *_ in SOURCES[0].channels]
    with open_ome_zarr(path, layout="hcs", mode="w-", channel_names=names, version="0.5") as plate:
        positions = plate.create_positions([source.place for source in SOURCES])
        for source, position in zip(SOURCES, positions, strict=True):
            name_channels(position, [name for name, *_ in source.channels])
            pixels = source.load()
            size = source.pixel_size
            position.create_image(
                "0",
                pixels[np.newaxis, :, np.newaxis],  # TCZYX
                chunks=(1, 1, 1, 256, 256),
                transform=[TransformationMeta(type="scale", scale=[1, 1, 1, size, size])],
            )
            for (name, color, shown), plane in zip(source.channels, pixels, strict=True):
                position.set_channel_color(name, color)
                start, end = np.percentile(plane, shown)
                position.set_contrast_limits(name, window(start, end))
            position.compute_pyramid(levels=3)


def name_channels(position: Position, names: list[str]) -> None:
    """Give a position, still without an image, other channels than those of its plate."""
    for i, old in enumerate(position.channel_names):
        if i < len(names):
            position.rename_channel(old, names[i])
        else:
            position.remove_channel(old)


def window(start: float, end: float) -> WindowDict:
    return {"start": float(start), "end": float(end), "min": 0.0, "max": 255.0}


def add_objects(path: Path) -> None:
    """Append a computed channel to every position: 255 where Otsu's threshold finds objects."""
    with open_ome_zarr(path, mode="r+") as plate:
        plate.append_channel(COMPUTED)
        by_place = {"/".join(source.place): source for source in SOURCES}
        for name, position in plate.positions():
            pixels = position["0"].numpy()[0, :-1, 0]
            bright = filters.gaussian(by_place[name].objects(pixels), 1)
            found = np.where(bright > filters.threshold_otsu(bright), 255, 0).astype("uint8")
            position.update_channel(COMPUTED, "0", found[np.newaxis, np.newaxis])
            position.set_channel_color(COMPUTED, "FFC400")
            position.set_contrast_limits(COMPUTED, window(0, 255))
            position.compute_pyramid()  # the levels that are there, now with the new channel


def statistics(image: xr.DataArray) -> xr.Dataset:
    """Mean of each channel, over the image and over the objects in it."""
    objects = image.sel(c=COMPUTED) > 0
    space = ["t", "z", "y", "x"]
    return xr.Dataset(
        {
            "mean": image.mean(space),
            "in objects": image.where(objects).mean(space),
            "elsewhere": image.where(~objects).mean(space),
        }
    ).compute()


# ---- what is printed ------------------------------------------------------------------------


def table_of_positions(path: Path) -> Table:
    table = Table("position", "image", "pixels (Y × X)", "pixel size", "levels", "channels")
    with open_ome_zarr(path) as plate:
        rows = plate.to_dataframe().set_index("path")
    for source in SOURCES:
        row = rows.loc["/".join(source.place)]
        size = f"{row.scale[-1]:g} µm\n[dim]{source.pixel_size_is}[/]"
        shape = "{} × {}".format(*row["shape"][-2:])
        channels = "\n".join(row.channels)
        table.add_row(row.name, source.what, shape, size, str(row.levels), channels)
    return table


def table_of_statistics(found: xr.Dataset) -> Table:
    table = Table("channel", *(str(name) for name in found))
    for name in found.c.values:
        values = (found[column].sel(c=name).item() for column in found)
        table.add_row(str(name), *(f"{value:.1f}" for value in values))
    for column in table.columns[1:]:
        column.justify = "right"
    return table


# ---- the montage ----------------------------------------------------------------------------

TILE, GAP, EDGE, CAPTION = 250, 10, 28, 22
INK, FAINT, PAPER = (238, 240, 244), (150, 156, 168), (18, 20, 26)


def colored(plane: NDArray, color: str, limits: WindowDict) -> NDArray[np.floating]:
    """Show a plane (Y, X) as its metadata say: RGB from 0 to 1 (Y, X, 3)."""
    gray = (plane.astype(float) - limits["start"]) / max(limits["end"] - limits["start"], 1e-9)
    rgb = [int(color[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    return np.clip(gray, 0, 1)[..., np.newaxis] * np.array(rgb)


def panels(position: Position) -> list[tuple[str, Image.Image]]:
    """All channels but the computed one together, then each, from the second pyramid level."""
    planes = position["1"].numpy()[0, :, 0]
    shown = [
        (channel.label, colored(plane, channel.color, channel.window))
        for channel, plane in zip(position.metadata.omero.channels, planes, strict=True)
    ]
    given = [rgb for label, rgb in shown if label != COMPUTED]
    if len(given) > 1:
        shown.insert(0, ("All together", np.clip(sum(given), 0, 1)))
    return [(label, picture(rgb)) for label, rgb in shown]


def picture(rgb: NDArray[np.floating]) -> Image.Image:
    """An image that fits a tile."""
    image = Image.fromarray(np.round(rgb * 255).astype("uint8"))
    image.thumbnail((TILE, TILE), Image.Resampling.LANCZOS)
    return image


def scale_bar(draw: ImageDraw.ImageDraw, corner: tuple[int, int], pixel: float) -> None:
    """Draw a bar of a round length, of about a quarter of a tile; `pixel` in micrometer."""
    longest = TILE * pixel / 3
    length = max(n * 10**e for e in range(-1, 4) for n in (1, 2, 5) if n * 10**e <= longest)
    right, bottom = corner
    left = right - round(length / pixel)
    draw.rectangle((left, bottom - 3, right, bottom), fill=INK, outline=PAPER)
    font = ImageFont.load_default(12)
    draw.text(
        ((left + right) / 2, bottom - 6),
        f"{length:g} um",  # the font of Pillow has no Greek letter
        INK,
        font,
        "mb",
        stroke_width=2,
        stroke_fill=PAPER,
    )


def montage(path: Path, target: Path) -> None:
    """One row of panels per position, one panel per channel, with captions and scale bars."""
    with open_ome_zarr(path) as plate:
        rows = [
            (name, position.scale, position["0"].shape, panels(position))
            for name, position in plate.positions()
        ]
    what = {"/".join(source.place): source.what for source in SOURCES}
    columns = max(len(found) for *_, found in rows)
    heights = [max(image.height for _, image in found) for *_, found in rows]
    width = 2 * EDGE + columns * TILE + (columns - 1) * GAP
    height = 2 * EDGE + sum(heights) + len(rows) * (2 * CAPTION + 8) + (len(rows) - 1) * EDGE
    canvas = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(canvas)
    top = EDGE
    for (name, scale, shape, found), tallest in zip(rows, heights, strict=True):
        draw.text((EDGE, top), what[name], INK, ImageFont.load_default(17))
        draw.text((width - EDGE, top + 2), name, FAINT, ImageFont.load_default(14), "ra")
        top += CAPTION + 8
        for i, (label, image) in enumerate(found):
            left = EDGE + i * (TILE + GAP)
            canvas.paste(image, (left, top))
            draw.text((left, top + tallest + 5), label, FAINT, ImageFont.load_default(13))
            if i == 0:
                pixel = scale[-1] * shape[-1] / image.width
                scale_bar(draw, (left + image.width - 8, top + image.height - 8), pixel)
        top += tallest + CAPTION + EDGE
    canvas.save(target)


# ---- where it goes --------------------------------------------------------------------------


def written_before(folder: Path) -> list[str] | None:
    """Names that an earlier run wrote into a folder; None if it is not one of the demo's."""
    try:
        return list(json.loads((folder / MARK).read_text(encoding="utf-8"))["wrote"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def prepare(folder: Path, names: list[str]) -> None:
    """Make a folder ready for output of the given names; delete only what the demo wrote there.

    Raises
    ------
    FileExistsError
        If there is something that the demo has not written.
    """
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; give --out a folder that is empty or new")
    ours = written_before(folder)
    if ours is None and folder.exists() and any(folder.iterdir()):
        raise FileExistsError(
            f"{folder} is not empty and was not made by this demo; nothing was changed there. "
            "Give --out a folder that is empty or new"
        )
    for name in names:
        if name not in (ours or ()) and (folder / name).exists():
            raise FileExistsError(
                f"{folder / name} was not written by this demo; nothing was changed there. Move "
                "it, or give --out another folder"
            )
    folder.mkdir(parents=True, exist_ok=True)
    for path in [folder / name for name in names]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    note = "Written by iohub's scripts/demo, which replaces these when it runs again."
    mark = json.dumps({"note": note, "wrote": names}, indent=2)
    (folder / MARK).write_text(mark, encoding="utf-8")


def show(path: Path, console: Console) -> None:
    """Open the plate again: what is in it, and one position as xarray."""
    with open_ome_zarr(path) as plate:
        console.print(plate)
        plate.print_tree()
        console.rule("3  One position as xarray, and a statistic per channel", align="left")
        image = plate["D/3/0"].to_xarray()
        console.print(repr(image), soft_wrap=True, markup=False)
        console.print(table_of_statistics(statistics(image)))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "demo-output",
        metavar="DIR",
        help="where to write plate.zarr and montage.png (default: demo-output/ in the source "
        "tree); a folder that is new, empty, or of an earlier run, whose files are replaced",
    )
    folder = parser.parse_args(arguments).out.expanduser().absolute()
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 110
    start = time.monotonic()
    try:
        prepare(folder, ["plate.zarr", "montage.png"])
    except FileExistsError as error:
        print(f"scripts/demo: {error}", file=sys.stderr)
        return 2
    path = folder / "plate.zarr"

    console.rule("1  Real images become a plate (OME-Zarr 0.5)", align="left")
    assemble(path)
    console.print(table_of_positions(path))
    console.rule(f"2  A computed channel is appended: {COMPUTED}", align="left")
    add_objects(path)
    show(path, console)
    montage(path, folder / "montage.png")
    console.rule(f"Done in {time.monotonic() - start:.1f} s", align="left")
    program = Path(sys.executable).with_name("iohub")
    print(f"plate    {path}\nmontage  {folder / 'montage.png'}")
    print(f"look     {shlex.quote(str(program))} info {shlex.quote(str(path))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
