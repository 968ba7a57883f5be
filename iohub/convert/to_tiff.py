"""OME-TIFF as the target of a conversion: the plan said as image sources, for their writer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from iohub.convert.documents import image_attributes, with_frames
from iohub.convert.options import SAME, refuse_unknown
from iohub.convert.plan import counted
from iohub.convert.report import Report
from iohub.convert.roots import acquisition_of
from iohub.errors import ArgumentError, ExistsError, PathError
from iohub.formats.images import Channel, ImageSource
from iohub.formats.ome_tiff_write import write_ome_tiff
from iohub.metadata import own, versions
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
    from iohub.nodes.base import NGFFNode
    from iohub.storage.location import Location
    from iohub.storage.protocol import Array
    from iohub.types import NDArray, Region, Shape

_OPTIONS: Final = ("bigtiff", "compression_level", "rgb", "split", "tile")
"""Options of the writer that the conversion itself does not know."""


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
        If an option is none of OME-TIFF's.
    """
    if location.local_path is None:
        raise PathError(f"{location.url}: OME-TIFF is written to the local disk, then copied")
    if exists(location) and not plan.options.overwrite:
        raise ExistsError(
            f"there is something at {location.url}; choose another path, or pass overwrite=True "
            "(--overwrite) to replace it"
        )
    check_outside(location)
    refuse_unknown(options, plan.format, _OPTIONS)
    if plan.options.chunks is not None or plan.options.shard_size is not None:
        raise ArgumentError("OME-TIFF has tiles rather than chunks and shards: give tile=512")
    began = time.monotonic()
    written = write_ome_tiff(
        [image_source(plan, image) for image in plan.images],
        location.local_path,
        compression=_compression(plan),
        levels=_levels(plan),
        reduce=partial(reduce, method=plan.options.method),
        plate_name=_plate_name(plan),
        max_memory=plan.memory,
        workers=plan.options.workers,
        overwrite=plan.options.overwrite,
        progress=tell,
        **options,
    )
    return Report(
        location.url,
        plan.format,
        positions=len(plan.images),
        nbytes=plan.nbytes,
        seconds=time.monotonic() - began,
        lost=tuple(counted(_lost(plan))),
        notes=tuple(counted(written.notes)),
    )


def image_source(plan: Plan, image: ImagePlan) -> ImageSource:
    """Describe what is taken of a position, as adapters describe images in files."""
    position, spelling = image.source.position, plan.spelling
    attrs, _ = image_attributes(position, image.taken, spelling)
    attrs, _ = with_frames(attrs, position, image.taken)
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


def _compression(plan: Plan) -> str | None:
    wanted = plan.options.compression
    if wanted == SAME:
        return "zlib"
    if wanted is None or isinstance(wanted, str):
        return wanted
    raise ArgumentError(f"OME-TIFF is compressed by names such as 'zlib' or None, not {wanted!r}")


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
    number = acquisition_of(plan, image.place)
    if number is None or not isinstance(plan.node, Plate):
        return None
    known = plan.node.metadata.acquisitions
    return next((run for run in known if run.id == number), AcquisitionMeta(id=number))


def _lost(plan: Plan) -> list[str]:
    found = list(plan.lost)
    for image in plan.images:
        found += ["label images"] if image.labels else []
        found += ["tables"] if image.tables else []
        found += _foreign(image.source.position)
    if isinstance(plan.node, Plate):
        found += _foreign(plan.node)
        found += [what for _, well in plan.node.wells() for what in _foreign(well)]
    return found


def _foreign(node: NGFFNode) -> list[str]:
    """Name the attributes of a node that are neither OME's nor iohub's."""
    known = {own.KEY, *versions.MEMBERS}
    return [f"the attribute {name!r}" for name in node._attrs() if name not in known]
