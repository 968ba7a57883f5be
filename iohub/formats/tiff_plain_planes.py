"""Which page of a TIFF file is which plane, where nothing but TIFF, ImageJ or tifffile says so.

Pages of one size are an image. ImageJ's stacks and those of tifffile say what their pages are; of
others, pages lie along z. Pages that say that they are a lower resolution are one, so are SubIFDs.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import FormatError, MissingFramesWarning
from iohub.formats.tiff_header import IMAGE_DESCRIPTION
from iohub.formats.tiff_imagej import ImageJ, is_imagej, read_imagej
from iohub.formats.tiff_layout import resolutions
from iohub.formats.tiff_pages import PageTable

if TYPE_CHECKING:
    from iohub.formats.tiff_header import Directory, TiffStructure
    from iohub.formats.tiff_layout import TiffPages

# The order of the axes of a table, and that in which axes without a name are named, last one first.
AXES = "tcz"
_UNNAMED = "zct"

_WIDTH, _HEIGHT, _BITS, _SAMPLES, _FORMAT, _KIND = 256, 257, 258, 277, 339, 254
_TOLD = (_WIDTH, _HEIGHT, _BITS, _SAMPLES, _FORMAT, _KIND)
_REDUCED = 1
_MOST_PLANES = 1 << 28


@dataclass(frozen=True)
class PlainImage:
    """An image of a file.

    Attributes
    ----------
    levels : sequence of (PageTable, int)
        Pages of each resolution, the highest first: a table (t, c, z), and which SubIFD of them.
    first : Directory
        Of the first page.
    description : str
        Of the first page.
    imagej : ImageJ, optional
        What ImageJ says.
    said : mapping
        What tifffile says.
    """

    levels: Sequence[tuple[PageTable, int]]
    first: Directory
    description: str = ""
    imagej: ImageJ | None = None
    said: Mapping[str, Any] | None = None


def plain_images(pages: TiffPages, file: int) -> list[PlainImage]:
    """Find the images of a file.

    Parameters
    ----------
    pages : TiffPages
        The files.
    file : int
        Number of the file.

    Raises
    ------
    FormatError
        If it is no TIFF, has no page, or is damaged.
    """
    structure = pages.files.structure(file)
    first = structure.page(0)
    description = _description(structure, first)
    if is_imagej(description):
        imagej = read_imagej(structure, first, description)
        stack = _imagej_table(imagej, file, first)
        return [PlainImage(_levels(pages, stack), first, description, imagej)]
    count, number = structure.count(), 0
    found: list[PlainImage] = []
    while number < count:
        first = structure.page(number)
        description = _description(structure, first)
        said = _said(description)
        if said is None:
            break
        table = _shaped_table(said, structure, first, (file, number, count))
        if table is None:
            break
        found.append(PlainImage(_levels(pages, table), first, description, None, said))
        number += int(np.ptp(table.page)) + 1
    return found + _by_size(pages, file, range(number, count))


def table_of(order: Sequence[tuple[str, int]], file: int, first: int, stored: int) -> PageTable:
    """Return the table of pages that run through axes, the last one fastest.

    Parameters
    ----------
    order : sequence of (str, int)
        Axes, of ``tcz``, and their sizes; an axis that comes twice has the product.
    file, first : int
        Number of the file, and of the first page.
    stored : int
        How many pages there are; of 1 with pixels of more planes, all are behind its own.

    Raises
    ------
    FormatError
        If there are more planes than any file has.
    """
    sizes = [size for _, size in order]
    total = math.prod(sizes)
    if total > _MOST_PLANES:
        raise FormatError(f"a stack of {total} planes is more than a file has; it is damaged")
    axes = sorted(range(len(order)), key=lambda axis: AXES.index(order[axis][0]))
    shape = [math.prod(size for name, size in order if name == axis) for axis in AXES]
    number = np.arange(total).reshape(sizes).transpose(axes).reshape(shape)
    if stored == 1 and total > 1:
        return PageTable(np.full(shape, file, np.int32), np.full(shape, first), number)
    written = np.where(number < stored, file, -1).astype(np.int32)
    return PageTable(written, np.where(number < stored, first + number, 0))


def named_axes(letters: Sequence[str]) -> list[str]:
    """Name axes by letters of any kind: t, c and z stay; others get those left, the last one z.

    Parameters
    ----------
    letters : sequence of str
        Such as those of tifffile. Where none is left, axes multiply t.
    """
    known = [letter.lower() if letter.lower() in AXES else "" for letter in letters]
    free = [name for name in _UNNAMED if name not in known]
    for place in reversed(range(len(known))):
        if not known[place]:
            known[place] = free.pop(0) if free else "t"
    return known


def warn_unwritten(name: str, table: PageTable) -> int:
    """Say so if pages are missing that a description promises; return how many."""
    lost = int(np.count_nonzero(table.file < 0))
    if lost:
        warnings.warn(
            f"{name} has {table.file.size - lost} of the {table.file.size} pages that its "
            "description promises; the others are read as zeros",
            MissingFramesWarning,
            stacklevel=2,
        )
    return lost


# steps


def _description(structure: TiffStructure, directory: Directory) -> str:
    entry = directory.entries.get(IMAGE_DESCRIPTION)
    return "" if entry is None else structure.text(entry)


def _said(description: str) -> dict[str, Any] | None:
    """Return what tifffile says of the pages that follow."""
    if not description.startswith('{"shape":'):
        return None
    try:
        said = json.loads(description)
    except (ValueError, RecursionError):
        return None
    shape = said.get("shape") if isinstance(said, dict) else None
    good = isinstance(shape, list) and all(isinstance(n, int) and n > 0 for n in shape)
    return said if good else None


def _imagej_table(imagej: ImageJ, file: int, first: Directory) -> PageTable:
    total = imagej.count("images")
    order = [(axis, imagej.count(name)) for axis, name in zip("tzc", _IMAGEJ, strict=True)]
    if math.prod(size for _, size in order) != total:
        order = [("z", total)]  # what is said of the axes does not fit
    return table_of(order, file, 0, total if first.following else 1)


_IMAGEJ = ("frames", "slices", "channels")


def _shaped_table(
    said: Mapping[str, Any],
    structure: TiffStructure,
    first: Directory,
    place: tuple[int, int, int],
) -> PageTable | None:
    """Return the table of pages that tifffile describes; None if it says something else."""
    shape = [int(size) for size in said["shape"]]
    plane = [_one(structure, first, tag) for tag in (_HEIGHT, _WIDTH)]
    samples = _one(structure, first, _SAMPLES) or 1
    axes = said.get("axes")
    if isinstance(axes, str) and len(axes) == len(shape):
        inside = "YXS" if samples > 1 else "YX"
        above = [(axis, size) for axis, size in zip(axes, shape, strict=True) if axis not in inside]
        rest = math.prod(shape) // max(1, math.prod(size for _, size in above))
    else:
        ends = [plane, [*plane, samples], [samples, *plane], [*plane, 1], [1, *plane]]
        end = next((end for end in ends if shape[-len(end) :] == end), shape)
        above = [("?", size) for size in shape[: len(shape) - len(end)]]
        rest = math.prod(end)
    if rest != math.prod(plane) * samples:
        return None
    file, number, count = place
    names = named_axes([axis for axis, _ in above])
    order = list(zip(names, (size for _, size in above), strict=True))
    total = math.prod(size for _, size in above)
    stored = 1 if said.get("truncated") else min(total, count - number)
    table = table_of(order, file, number, stored)
    warn_unwritten(structure.name, table)
    return table


def _by_size(pages: TiffPages, file: int, numbers: range) -> list[PlainImage]:
    """Make an image of the pages that are alike."""
    structure = pages.files.structure(file)
    alike: dict[tuple[Any, ...], list[int]] = {}
    firsts: dict[tuple[Any, ...], Directory] = {}
    last: list[Any] = []
    key: tuple[Any, ...] = ()
    for number in numbers:
        directory = structure.page(number)
        now = [directory.entries.get(tag) for tag in _TOLD]
        if now != last:
            last, key = now, _key(structure, directory)
        alike.setdefault(key, []).append(number)
        firsts.setdefault(key, directory)
    found: list[tuple[list[list[int]], Directory]] = []
    for key, group in alike.items():
        reduced = bool(_one(structure, firsts[key], _KIND) & _REDUCED)
        if reduced and found and len(found[-1][0][0]) == len(group):
            found[-1][0].append(group)
        else:
            found.append(([group], firsts[key]))
    images = []
    for groups, first in found:
        tables = [_stack(file, group) for group in groups]
        levels = [(table, 0) for table in tables] if len(tables) > 1 else _levels(pages, tables[0])
        images.append(PlainImage(levels, first, _description(structure, first)))
    return images


def _stack(file: int, numbers: Sequence[int]) -> PageTable:
    shape = (1, 1, len(numbers))
    return PageTable(np.full(shape, file, np.int32), np.array(numbers).reshape(shape))


def _levels(pages: TiffPages, table: PageTable) -> list[tuple[PageTable, int]]:
    """Return the resolutions of pages: the SubIFDs that are ever smaller and else alike."""
    first = table.first()
    if first is None:
        raise FormatError(f"{pages.files.url} has no page of its image")
    at = int(table.file[first]), int(table.page[first])
    layouts = [pages.page(*at, level).layout for level in range(pages.levels(*at))]
    return [(table, level) for level in range(len(resolutions(layouts)))]


def _key(structure: TiffStructure, directory: Directory) -> tuple[Any, ...]:
    """Return what tells apart pages that cannot be of one image."""
    bits, kind = directory.entries.get(_BITS), directory.entries.get(_FORMAT)
    sizes = [_one(structure, directory, tag) for tag in (_WIDTH, _HEIGHT, _SAMPLES)]
    one = int(structure.numbers(bits)[0]) if bits is not None and bits.count else 1
    form = int(structure.numbers(kind)[0]) if kind is not None and kind.count else 1
    return (*sizes, one, form, _one(structure, directory, _KIND) & _REDUCED)


def _one(structure: TiffStructure, directory: Directory, tag: int) -> int:
    """Return the number of a tag, 0 if there is none."""
    entry = directory.entries.get(tag)
    return 0 if entry is None or not entry.count else int(structure.numbers(entry)[0])
