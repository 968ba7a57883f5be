"""Write images as OME-TIFF: tiles or strips, lower resolutions as SubIFDs, OME-XML with all of it.

A file appears under its name when it is complete. Pixels go through memory once, a few planes or
bands of a plane at a time.
"""

from __future__ import annotations

import os
import struct
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, Any, Final

from iohub.errors import ArgumentError, ExistsError, FormatError
from iohub.formats.images import unique_names
from iohub.formats.ome_tiff_files import FileJournal
from iohub.formats.ome_tiff_layout import ImageLayout, plan_image
from iohub.formats.ome_tiff_planes import COMPANION
from iohub.formats.ome_tiff_segments import (
    LEVELS,
    Encoder,
    Segments,
    check_compression,
    check_level,
)
from iohub.formats.ome_tiff_xml_write import Place, ome_xml
from iohub.optional import need
from iohub.storage import files, settings
from iohub.storage.leftovers import TEMP_PREFIX, own_name, sweep
from iohub.storage.ozx_writing import publish

if TYPE_CHECKING:
    from iohub.formats.images import ImageSource
    from iohub.formats.ome_tiff_segments import Reduce
    from iohub.types import JsonObject

DEFAULT_MEMORY: Final = 512 * 2**20
"""What pixels may take unless told otherwise [bytes]."""

_CLASSIC_BYTES: Final = 2**32 - 2**26
"""Pixels that a classic TIFF surely has room for, beside directories and XML [bytes]."""

_BIG: Final = (".tf8", ".btf")
_CREATOR: Final = "iohub"


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes
    ----------
    path : str
        The file, or the directory of a set of files.
    files : tuple of str
        All files.
    notes : tuple of str
        What is not as in the source, for people; one for each image that it is about.
    reused : tuple of str
        Names of files that an interrupted call had completed.
    """

    path: str
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()
    reused: tuple[str, ...] = ()


def write_ome_tiff(
    images: Sequence[ImageSource],
    path: str | os.PathLike[str],
    *,
    compression: str | None = "zlib",
    compression_level: int | None = None,
    tile: int | tuple[int, int] | None = None,
    levels: int | None = None,
    reduce: Reduce | None = None,
    rgb: bool | None = None,
    bigtiff: bool = False,
    split: bool = False,
    plate_name: str | None = None,
    groups: Mapping[str, JsonObject] | None = None,
    marks: Sequence[str] | None = None,
    max_memory: int = DEFAULT_MEMORY,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Callable[[int], object] | None = None,
) -> Written:
    """Write images as OME-TIFF.

    Parameters
    ----------
    images : sequence of ImageSource
        In this order; if all have a well, the XML describes a plate.
    path : path-like
        The file; with `split`, the directory.
    compression : {"zlib", "lzw", "zstd", "jpeg2000"} or None
        None of them loses anything; zlib and lzw are read by all programs.
    compression_level : int, optional
        How hard to compress, up to 9 with zlib and 22 with zstd; 1 by default.
        Others have no levels, and take none into account.
    tile : int or tuple of int, optional
        Height and width of tiles, multiples of 16. By default 512 in images with lower levels and
        in planes of more than 4096 pixels, and strips of rows in others.
    levels : int, optional
        How many resolutions, the full one included, to make with `reduce`: y and x are halved. By
        default those of the source are copied, as far as they are smaller in y and x alone;
        others are made anew, or left out without `reduce`.
    reduce : callable, optional
        Makes pixels of a lower level: ``reduce(pixels, factors)``.
    rgb : bool, optional
        Whether three or four channels are one plane of colours. By default so if they are of 8 or
        16 bits and are called Red, Green, Blue (and Alpha).
    bigtiff : bool
        Whether to write BigTIFF even if the pixels would fit into 4 GiB uncompressed.
    split : bool
        Whether to write a file for each image, which can be used alone, and a companion file that
        describes them all, into a directory.
    plate_name : str, optional
        Name of the plate.
    groups : mapping of str to dict, optional
        Attributes of the groups above the images, by path; ``""`` is the root.
    marks : sequence of str, optional
        With `split`: for each image a text that changes with its pixels, metadata and encoding.
        What a call that was interrupted has completed in ``path + ".part"`` is used again then.
    max_memory : int
        What pixels may take [bytes]; more is taken only if a row of tiles needs it.
    workers : int, optional
        Threads; the process's setting by default.
    overwrite : bool
        Whether to replace what is at `path`; with `split` nothing may be there.
    progress : callable, optional
        Told how many more bytes of the source were read; from several threads.

    Returns
    -------
    Written
        The files, and what is not as in the source.

    Raises
    ------
    ExistsError
        If something is at `path`.
    ArgumentError, AxisError, DTypeError, PyramidError, ShapeError
        If OME-TIFF cannot hold an image, or an argument is wrong; nothing is written then.
    MissingDependencyError
        If tifffile is not installed, or imagecodecs for compressions other than zlib.
    """
    name = check_compression(compression)
    level = check_level(name, compression_level) if name in LEVELS else None
    if not images:
        raise ArgumentError("there is no image to write")
    shape = _tile(tile)
    layouts = [
        plan_image(
            image,
            levels=levels,
            can_reduce=reduce is not None,
            tile=shape,
            rgb=rgb,
            compressed=name is not None,
        )
        for image in images
    ]
    target = os.path.abspath(os.path.expanduser(os.fspath(path)))
    if os.path.lexists(target) and (split or not overwrite or os.path.isdir(target)):
        more = "" if split or os.path.isdir(target) else ", or pass overwrite=True to replace it"
        raise ExistsError(f"there is something at {target}; choose another path{more}")
    writer = _Writer(
        encoders=[Encoder(name, level, layout.dtype, layout.samples) for layout in layouts],
        layouts=layouts,
        reduce=reduce,
        memory=max_memory,
        workers=settings.get_options().workers if workers is None else workers,
        progress=progress or (lambda more: None),
        bigtiff=bigtiff,
        plate_name=plate_name,
        groups=groups,
        marks=marks,
        reused=[],
    )
    made = writer.write_set(target) if split else writer.write_one(target, overwrite)
    notes = tuple(note for each in layouts for note in each.notes)
    return Written(target, tuple(made), notes, tuple(writer.reused))


@dataclass(frozen=True)
class _Writer:
    """Writes planned images; see :func:`write_ome_tiff`."""

    encoders: Sequence[Encoder]
    layouts: Sequence[ImageLayout]
    reduce: Reduce | None
    memory: int
    workers: int
    progress: Callable[[int], object]
    bigtiff: bool
    plate_name: str | None
    groups: Mapping[str, JsonObject] | None
    marks: Sequence[str] | None
    reused: list[str]

    def write_one(self, target: str, replace: bool) -> list[str]:
        """Write all images to one file."""
        durable = settings.get_options().durability == "power"
        folder = os.path.dirname(target)
        files.make_folder(folder)
        sweep(folder)
        temporary = os.path.join(folder, own_name(TEMP_PREFIX))
        places, page = [], 0
        for layout in self.layouts:
            places.append(Place(page))
            page += layout.planes
        big = self.bigtiff or target.lower().endswith(_BIG)
        numbers = range(len(self.layouts))
        try:
            self._file(temporary, numbers, self._xml(numbers, places, _urn()), big)
            if durable:
                files.sync(temporary)
            publish(temporary, target, replace=replace, durable=durable)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
        return [target]

    def write_set(self, target: str) -> list[str]:
        """Write a file for each image, and one that describes them all, to a new directory."""
        folder = os.path.dirname(target)
        files.make_folder(folder)
        kept = self.marks is not None
        temporary = f"{target}.part" if kept else os.path.join(folder, own_name(TEMP_PREFIX))
        os.makedirs(temporary, exist_ok=kept)
        journal = FileJournal(temporary, self.marks)
        names = [f"{name}.ome.tif" for name in _file_names(self.layouts)]
        places = [Place(0, name, journal.urn(number)) for number, name in enumerate(names)]
        try:
            journal.drop_others(names)
            for number, (name, place) in enumerate(zip(names, places, strict=True)):
                if journal.is_complete(name, names):
                    self.progress(sum(_nbytes(self.layouts[number].source)))
                    self.reused.append(name)
                    continue
                xml = self._xml([number], [Place()], place.uuid)
                self._file(os.path.join(temporary, name), [number], xml, self.bigtiff)
                journal.note(number, name)
            companion = os.path.basename(target) + COMPANION
            with open(os.path.join(temporary, companion), "wb") as file:
                file.write(self._xml(range(len(names)), places, _urn()))
            journal.end()
            os.rename(temporary, target)
        except OSError as error:
            if os.path.lexists(target):
                raise ExistsError(f"someone else has made {target} meanwhile") from error
            raise
        finally:
            if not kept:
                files.remove(temporary)
        return [os.path.join(target, name) for name in (companion, *names)]

    def _xml(self, numbers: Sequence[int], places: Sequence[Place], urn: str) -> bytes:
        layouts = [self.layouts[number] for number in numbers]
        groups = self.groups if len(numbers) == len(self.layouts) else None
        return ome_xml(
            layouts,
            places,
            uuid=urn,
            creator=_CREATOR,
            plate_name=self.plate_name,
            groups=groups,
        )

    def _file(self, path: str, numbers: Sequence[int], xml: bytes, big: bool) -> None:
        tifffile = need("tifffile", extra="tiff", why="OME-TIFF")
        size = sum(self.layouts[number].nbytes for number in numbers) + len(xml)
        big = big or size > _CLASSIC_BYTES
        description: bytes | None = xml
        try:
            with tifffile.TiffWriter(path, bigtiff=big, byteorder="<", ome=False) as out:
                for number in numbers:
                    self._image(out, number, description)
                    description = None
        except struct.error as error:
            raise FormatError(f"{path} has grown beyond 4 GiB; pass bigtiff=True") from error

    def _image(self, out: Any, number: int, description: bytes | None) -> None:
        layout, encoder = self.layouts[number], self.encoders[number]
        segments = Segments(
            layout,
            encoder,
            self.reduce,
            memory=self.memory,
            workers=self.workers,
            progress=self.progress,
        ).encoded()
        samples = layout.samples
        shared = {
            **encoder.options,
            "dtype": layout.dtype,
            "photometric": "rgb" if samples > 1 else "minisblack",
            "planarconfig": "contig" if samples > 1 else None,
            "extrasamples": ("unassalpha",) if samples == 4 else None,
            "metadata": None,
            "contiguous": False,
            "software": False,
        }
        each = [
            {
                **shared,
                "shape": (*level.shape, samples) if samples > 1 else level.shape,
                "tile": level.segment if level.tiled else None,
                "rowsperstrip": None if level.tiled else level.segment[0],
                "subifds": len(layout.levels) - 1 if index == 0 else None,
                "subfiletype": 1 if index else 0,
                "resolution": _resolution(layout, level.shape),
                "resolutionunit": 3,
            }
            for index, level in enumerate(layout.levels)
        ]
        try:
            for _ in range(layout.planes):
                for level, options in zip(layout.levels, each, strict=True):
                    part = islice(segments, level.count)
                    out.write(part, description=description, **options)
                    description = None
        finally:
            segments.close()


def _resolution(layout: ImageLayout, shape: tuple[int, int]) -> tuple[float, float]:
    """Return pixels per centimetre along x and y, 1 where that is not known."""
    source, found = layout.source, []
    for axis, size, top in zip("xy", shape[::-1], layout.levels[0].shape[::-1], strict=True):
        pixel = float(source.scale.get(axis) or 0.0) * top / size
        micrometers = source.units.get(axis, "micrometer") == "micrometer"
        found.append(1e4 / pixel if pixel > 1e-5 and pixel < 1e9 and micrometers else 1.0)
    return found[0], found[1]


def _nbytes(source: ImageSource) -> list[int]:
    """Return how many bytes each level of an image has."""
    return [prod(level.shape) * level.dtype.itemsize for level in source.levels]


def _urn() -> str:
    return f"urn:uuid:{uuid.uuid4()}"


def _file_names(layouts: Sequence[ImageLayout]) -> list[str]:
    """Return a name for the file of each image that every file system takes."""
    names = []
    for layout in layouts:
        source = layout.source
        name = "-".join((*(source.well or ()), source.name))
        names.append(
            "".join(c if c.isalnum() or c in "-_. " else "_" for c in name).strip(" .")[:80]
        )
    found = unique_names(names)
    if len({name.lower() for name in found}) < len(found):  # for systems that see no difference
        return [f"{number}-{name}" for number, name in enumerate(found)]
    return found


def _tile(tile: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if tile is None:
        return None
    sizes = (tile, tile) if isinstance(tile, int) else tuple(tile)
    if (
        len(sizes) != 2
        or not all(isinstance(size, int) for size in sizes)
        or any(size < 16 or size % 16 for size in sizes)
    ):
        raise ArgumentError(f"tile={tile!r}: tiles are of multiples of 16 pixels, such as 512")
    return sizes[0], sizes[1]
