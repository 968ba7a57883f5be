"""From a node and options to a plan: positions, places, chunks, levels. No pixel is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Final

from iohub.convert.arrays import image_jobs
from iohub.convert.documents import image_attributes
from iohub.convert.options import SAME, Layout, Options
from iohub.convert.plan import ImagePlan, Plan, digest
from iohub.convert.roots import left_out
from iohub.convert.sizes import show_bytes
from iohub.convert.sources import chosen, sources, unlisted
from iohub.convert.states import identity
from iohub.convert.targets import STORES
from iohub.convert.wells import name_wells, place
from iohub.errors import ArgumentError, LayoutError, VersionError
from iohub.metadata import edits_labels, versions
from iohub.nodes.plate import Plate
from iohub.nodes.position import Position
from iohub.nodes.row import Row
from iohub.nodes.series import Series
from iohub.nodes.tables import FOLDER as TABLES
from iohub.nodes.well import Well

if TYPE_CHECKING:
    from iohub.convert.documents import Taken
    from iohub.convert.sources import Source
    from iohub.metadata.versions import Spelling
    from iohub.nodes.base import NGFFNode
    from iohub.nodes.multiscale import MultiscaleNode

UNITS_HELD: Final = 4
"""How often the largest chunk or shard is in memory: as composed, twice as handed on, encoded."""


def make(node: NGFFNode, url: str, target: str, options: Options) -> Plan:
    """Plan a conversion.

    Parameters
    ----------
    node : NGFFNode
        What to convert.
    url : str
        The destination.
    target : str
        Name of its format.
    options : Options
        What was asked for.

    Raises
    ------
    IohubError
        If something of it is not possible.
    """
    found = sources(node)
    layout = _layout(node, found, options)
    plain = target == "ome-tiff"
    if plain and options.version is not None:
        raise ArgumentError("version is that of OME-Zarr, which OME-TIFF has not; leave it out")
    version = options.version or (versions.VIRTUAL_VERSION if plain else node.version)
    spelling = versions.spelling(version)
    if not plain and target not in STORES:
        spelling = _spelling_in_tables(spelling, options)
    places = _places(node, found, layout, options, spelling)
    wanted = chosen(found, options.positions)
    if layout == "fov" and len(wanted) > 1:
        raise LayoutError(
            f"{len(wanted)} positions are no single image; layout='hcs' makes a plate"
        )
    origin = identity(node)
    # The compressions of other formats are no codecs of Zarr; those that read the plan know that.
    stored = options if target in STORES else replace(options, compression=SAME)
    images = tuple(
        _image(source, places[source.order], spelling, stored, origin) for source in wanted
    )
    memory = _memory(images, options)
    shared = [origin, node.path, layout, spelling.version]
    left = left_out(node, layout, options)
    return Plan(node, url, target, layout, spelling, images, options, memory, digest(shared), left)


def _spelling_in_tables(spelling: Spelling, options: Options) -> Spelling:
    """Return the version of documents that are kept in tables, which are those of Zarr v3.

    Raises
    ------
    VersionError
        If another one was asked for.
    """
    shown = versions.spelling(versions.VIRTUAL_VERSION)
    if spelling.zarr_format == shown.zarr_format:
        return spelling
    if options.version is not None:
        raise VersionError(
            f"documents of OME-Zarr {options.version} have no place in tables; leave version out, "
            "and give it when the table is converted again"
        )
    return shown


def _layout(node: NGFFNode, found: Sequence[Source], options: Options) -> Layout:
    """Return what the destination will be."""
    if options.layout != "auto":
        if options.layout != "hcs" and options.wells is not None:
            raise LayoutError(f"layout={options.layout!r} has no wells; layout='hcs' has")
        return options.layout
    if options.wells is not None or isinstance(node, Plate | Row | Well):
        return "hcs"
    if isinstance(node, Series):
        named = name_wells([source.labelled() for source in found])
        return "series" if named is None else "hcs"
    return "fov" if isinstance(node, Position) else "series"


def _places(
    node: NGFFNode,
    found: Sequence[Source],
    layout: Layout,
    options: Options,
    spelling: Spelling,
) -> list[str]:
    """Return where each position of the node goes, those too that are not chosen."""
    if layout == "fov":
        return [""] * len(found)
    if layout == "series":
        names = [source.key for source in found]
        plain = all(name and "/" not in name for name in names)
        return names if plain else [str(source.order) for source in found]
    if options.wells is not None:
        return place([s.labelled() for s in found], options.wells, spelling.check_field)
    match node:
        case Plate():
            return [source.key for source in found]
        case Row() | Well():
            above = node.path.split("/")[-1 if isinstance(node, Row) else -2 :]
            return ["/".join([*above, source.key]) for source in found]
    labelled = [source.labelled() for source in found]
    return name_wells(labelled) or place(labelled, "grid", spelling.check_field)


# ---- one position -----------------------------------------------------------------------------


def _image(
    source: Source, place: str, spelling: Spelling, options: Options, origin: Sequence[object]
) -> ImagePlan:
    position = source.position
    taken, jobs, lost = image_jobs(position, "", options, spelling)
    labels: list[tuple[str, MultiscaleNode, Taken]] = []
    tables = list(position.tables)
    for name in position.labels:
        path, label = f"{edits_labels.FOLDER}/{name}", position.labels[name]
        made, more, _ = image_jobs(label, path, options, spelling, above=taken)
        labels.append((path, label, made))
        jobs += more
    document = position.metadata
    paths = document.multiscales[0].get_dataset_paths() if document is not None else []
    lost += [
        f"{name!r}, of which no metadata speak"
        for name in unlisted(position, [*paths, edits_labels.FOLDER, TABLES])
    ]
    kept = image_attributes(position, taken, spelling)[1]
    for _, label, made in labels:
        kept += image_attributes(label, made, spelling)[1]
    picked = [list(map(_said, made.picks)) for made in (taken, *(t for *_, t in labels))]
    identity = digest(origin, source.key, picked, [job.described() for job in jobs])
    return ImagePlan(
        source,
        place,
        taken,
        tuple(labels),
        tuple(jobs),
        tuple(tables),
        identity,
        tuple(kept),
        tuple(lost),
    )


def _said(picks: Sequence[int]) -> Sequence[int]:
    """Return indexes for an identity; a range by its ends."""
    return [picks.start, picks.stop] if isinstance(picks, range) else picks


def _memory(images: Sequence[ImagePlan], options: Options) -> int:
    """Return what pixels may take; more than the default only where one unit needs it.

    Raises
    ------
    ArgumentError
        If a shard or a chunk does not fit into what was given.
    """
    largest, what, remedy = 0, "", ""
    for image in images:
        for job in image.jobs:
            chunk = prod(job.source.spec.chunks) * job.source.spec.dtype.itemsize
            units = [
                (spec.unit_nbytes, f"a chunk or shard of {path!r}", ", or make it smaller")
                for path, spec in job.targets
            ]
            read = (chunk, f"a chunk of the source, {job.source.path or 'image'!r}", "")
            for size, name, more in (read, *units):
                if size > largest:
                    largest, what, remedy = size, name, more
    needed = UNITS_HELD * largest
    if needed <= options.memory:
        return options.memory
    if options.max_memory is not None:
        raise ArgumentError(
            f"{what} is {show_bytes(largest)}, which needs {show_bytes(needed)} of memory, more "
            f"than max_memory={show_bytes(options.max_memory)}; raise it to {needed:,} bytes at "
            f"least{remedy}"
        )
    return needed
