"""OME-TIFF as the target of a conversion: the plan said as image sources, for their writer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.convert.documents import image_attributes, with_frames
from iohub.convert.notes import Note
from iohub.convert.options import SAME, split_level
from iohub.convert.plan import counted, digest
from iohub.convert.report import Report
from iohub.convert.roots import acquisition_of, root_groups
from iohub.convert.states import image_state
from iohub.convert.tables_beside import plate_with_tables
from iohub.convert.tiff_stage import prepared
from iohub.errors import ArgumentError, ConflictError, ExistsError, PathError
from iohub.formats.further_attributes import further
from iohub.formats.images import Channel, ImageSource, made_groups
from iohub.formats.ome_tiff_segments import check_compression, check_level
from iohub.formats.ome_tiff_units import increment_of
from iohub.formats.ome_tiff_write import write_ome_tiff
from iohub.metadata import edits_image, versions
from iohub.metadata.acquisition import read_acquisition
from iohub.metadata.plate import AcquisitionMeta
from iohub.metadata.transforms import compose
from iohub.nodes.outer import check_outside
from iohub.nodes.plate import Plate
from iohub.pyramids.reduce import reduce
from iohub.storage import grid
from iohub.storage.location import exists

if TYPE_CHECKING:
    from iohub.convert.plan import ImagePlan, Plan
    from iohub.metadata.versions import Spelling
    from iohub.storage.location import Location
    from iohub.storage.protocol import Array
    from iohub.types import JsonObject, NDArray, Region, Shape


@dataclass(frozen=True)
class ArrayReader:
    """An array as image sources have it: shape, type, chunks, and regions of pixels.

    Attributes
    ----------
    array : Array
        Whose pixels they are.
    """

    array: Array

    @property
    def shape(self) -> Shape:
        """Size along each axis."""
        return self.array.spec.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.array.spec.dtype

    @property
    def chunks(self) -> Shape:
        """What is decoded at a time."""
        return self.array.spec.chunks

    def chunk(self, index: Shape) -> NDArray:
        """Return a chunk, cut at the border of the array."""
        return self.array.read(grid.unit_region(index, self.shape, self.chunks))

    def region(self, region: Region, out: NDArray | None) -> NDArray | None:
        """Return a region, in `out` if that is given."""
        return self.array.read(region, out)


def write(
    plan: Plan, location: Location, options: Mapping[str, Any], tell: Callable[[int], object]
) -> Report:
    """Write a plan as OME-TIFF.

    Parameters
    ----------
    plan : Plan
        What to write.
    location : Location
        Where to; on the local disk.
    options : mapping
        Of the format: ``bigtiff``, ``compression_level``, ``rgb``, ``split`` and ``tile``, see
        :func:`iohub.formats.ome_tiff_write.write_ome_tiff`.
    tell : callable
        Told how many bytes of pixels were read.

    Raises
    ------
    PathError
        If it is not on the local disk.
    ExistsError
        If something is there, unless it is to be replaced.
    ArgumentError
        If chunks or shards are asked for, or a compression that OME-TIFF does not have.
    ConflictError
        If the source was changed meanwhile; nothing takes its place then.
    """
    if location.local_path is None:
        raise PathError(f"{location.url}: OME-TIFF is written to the local disk, then copied")
    split = options.get("split", False) is True
    can_replace = not split and not os.path.isdir(location.local_path)
    if exists(location) and not (plan.options.overwrite and can_replace):
        more = ", or pass overwrite=True (--overwrite) to replace it" if can_replace else ""
        raise ExistsError(f"there is something at {location.url}; choose another path{more}")
    check_outside(location)
    if plan.options.chunks is not None or plan.options.shard_size is not None:
        raise ArgumentError("OME-TIFF has tiles rather than chunks and shards: give tile=512")
    began = time.monotonic()
    sources, groups = described(plan)
    encoding: dict[str, Any] = {
        **_compression(plan, options),
        "levels": _levels(plan),
        "plate_name": _plate_name(plan),
    }
    states = [image_state(image) for image in plan.images]
    marks = [
        digest(image.identity, state, plan.options.method, source.attributes, encoding)
        for image, state, source in zip(plan.images, states, sources, strict=True)
    ]
    replaces = plan.options.overwrite
    with prepared(location.local_path, split=split, replace=replaces) as target:
        written = write_ome_tiff(
            sources,
            target,
            groups=groups,
            marks=marks if split else None,
            reduce=partial(reduce, method=plan.options.method),
            max_memory=plan.memory,
            workers=plan.options.workers,
            progress=tell,
            **encoding,
        )
        for image, state in zip(plan.images, states, strict=True):
            if image_state(image) != state:
                raise ConflictError(
                    f"{image.source.position.url} was changed while it was converted; repeat the "
                    "call"
                )
    return Report(
        location.url,
        plan.format,
        positions=len(plan.images),
        resumed=len(written.reused),
        nbytes=plan.nbytes,
        seconds=time.monotonic() - began,
        lost=(*counted(_lost(plan)), *plan.left),
        notes=tuple(counted(written.notes)),
    )


def described(plan: Plan) -> tuple[list[ImageSource], dict[str, JsonObject]]:
    """Describe what is taken as adapters describe images in files.

    Returns
    -------
    sources : list of ImageSource
        The positions, with what OME has no place for.
    groups : dict of str to dict
        By path what groups above them say that OME has no place for.
    """
    spelling = versions.spelling(versions.VIRTUAL_VERSION)
    attrs = [_attributes(plan, image, spelling) for image in plan.images]
    sources = [
        image_source(plan, image, each) for image, each in zip(plan.images, attrs, strict=True)
    ]
    if any(len(source.axes) != len(source.levels[0].shape) for source in sources):
        return sources, {}  # axes that the writer refuses
    places, made = made_groups([*map(_as_read, sources)], plate_name=_plate_name(plan))
    sources = [
        replace(source, attributes=further(_truthful(each, image), made[place], spelling))
        for source, each, image, place in zip(sources, attrs, plan.images, places, strict=True)
    ]
    notes = [
        Note(image.place, image.identity, image.source.order, acquisition_of(plan, image))
        for image in plan.images
    ]
    above = {
        path: more
        for path, each in root_groups(plan, notes)
        if (more := further(each, made.get(path, {}), spelling))
    }
    return sources, above


def _as_read(source: ImageSource) -> ImageSource:
    """Return an image as its file says it: without a time step there is no unit of time."""
    if increment_of(source)[0] is not None:
        return source
    return replace(source, units={**source.units, "t": None})


def _attributes(plan: Plan, image: ImagePlan, spelling: Spelling) -> JsonObject:
    position = image.source.position
    attrs, _ = image_attributes(position, image.taken, spelling)
    return with_frames(attrs, position, image.taken)[0]


def _truthful(attrs: JsonObject, image: ImagePlan) -> JsonObject:
    """Return attributes that do not say how levels were made that are made otherwise."""
    if _is_flat(image):
        return attrs
    spelling = versions.spelling(versions.VIRTUAL_VERSION)
    document = edits_image.set_method(spelling.parse_image(attrs), None, None)
    return spelling.dump_image(document, attrs)


def _is_flat(image: ImagePlan) -> bool:
    """Whether the lower levels are smaller in y and x alone, as those of OME-TIFF are."""
    levels = [job for job in image.jobs if "/" not in job.targets[0][0]]
    shapes = [job.source.spec.shape[:-2] for job in levels]
    plans = [plan.factors[:-2] for job in levels for plan in job.plans]
    return len(set(shapes)) <= 1 and all(factor == 1 for each in plans for factor in each)


def image_source(plan: Plan, image: ImagePlan, attrs: JsonObject) -> ImageSource:
    """Describe a position, whose attributes are to be such, as far as OME says it too."""
    position = image.source.position
    spelling = versions.spelling(versions.VIRTUAL_VERSION)
    document = spelling.parse_image(attrs)
    multiscale = document.multiscales[0]
    axes = multiscale.axes
    names = [axis.name.lower() for axis in axes]
    scale, origin = compose(multiscale.datasets[0].coordinate_transformations, len(axes))
    if multiscale.coordinate_transformations:
        more, shift = compose(multiscale.coordinate_transformations, len(axes))
        scale = tuple(a * b for a, b in zip(scale, more, strict=True))
        origin = tuple(a * b + c for a, b, c in zip(origin, more, shift, strict=True))
    channels = document.omero.channels if document.omero is not None else ()
    jobs = [job for job in image.jobs if "/" not in job.targets[0][0]]
    well = image.place.split("/")[:2] if plan.layout == "hcs" else None
    return ImageSource(
        name=multiscale.name or image.source.key or position.name,
        axes="".join(names),
        levels=[ArrayReader(job.source) for job in jobs],
        scale=dict(zip(names, scale, strict=True)),
        origin=dict(zip(names, origin, strict=True)),
        units={axis.name.lower(): axis.unit for axis in axes if axis.type in ("time", "space")},
        channels=[
            Channel(channel.label or "", channel.color, channel.window) for channel in channels
        ],
        acquisition=read_acquisition(attrs),
        well=(well[0], well[1]) if well else None,
        run=_run(plan, image),
    )


def _compression(plan: Plan, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of the writer, with how pixels are compressed."""
    wanted = plan.options.compression
    if wanted == SAME:
        wanted = "zlib"
    if wanted is not None and not isinstance(wanted, str):
        says = "OME-TIFF is compressed by names such as 'zlib' or None"
        raise ArgumentError(f"{says}, not {wanted!r}")
    text, level = split_level(wanted or "none")
    more = {} if level is None else {"compression_level": level}
    encoding = {"compression": check_compression(text), **more, **options}
    check_level(encoding["compression"], encoding.get("compression_level"))
    return encoding


def _levels(plan: Plan) -> int | None:
    """Return how many levels are made; None if those of the source are copied."""
    made = [image.jobs[0] for image in plan.images if image.jobs[0].plans]
    if plan.options.levels is not None:
        return plan.options.levels
    return max((len(job.targets) for job in made), default=None)


def _plate_name(plan: Plan) -> str | None:
    return plan.node.metadata.name if isinstance(plan.node, Plate) else None


def _run(plan: Plan, image: ImagePlan) -> AcquisitionMeta | None:
    """Return the run of the microscope over the plate that a position belongs to."""
    number = acquisition_of(plan, image)
    if number is None or not isinstance(plan.node, Plate):
        return None
    known = plan.node.metadata.acquisitions
    return next((run for run in known if run.id == number), AcquisitionMeta(id=number))


def _lost(plan: Plan) -> list[str]:
    """Name what has no place in OME-TIFF, not even in an annotation of our own."""
    found = [what for image in plan.images for what in image.lost]
    found += [] if plate_with_tables(plan) is None else ["the tables of the plate"]
    for image in plan.images:
        found += ["label images"] if image.labels else []
        found += ["tables"] if image.tables else []
        document = image.source.position._document()
        if len(document.multiscales) > 1:
            found.append("images of a group after the first")
        if plan.layout == "hcs" and not image.place.rpartition("/")[2].isdecimal():
            found.append("names of fields, which are numbered")
        if not _is_flat(image) and document.multiscales[0].type:
            found.append("how lower levels were made, since they are made anew")
    return found
