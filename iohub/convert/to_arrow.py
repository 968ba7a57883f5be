"""OME-Arrow as the target of a conversion: Parquet, Vortex and dataset directories, and tables."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from iohub.convert.arrow_rows import Tell, rows
from iohub.convert.notes import Note as Noted
from iohub.convert.options import SAME, read_options, refuse_unknown
from iohub.convert.plan import counted
from iohub.convert.planning import make
from iohub.convert.report import Report
from iohub.convert.roots import acquisition_of, root_groups
from iohub.convert.tables_beside import files_of_tables, plate_with_tables, travel
from iohub.errors import ArgumentError, DTypeError, ExistsError, PathError
from iohub.formats.ome_arrow import writing
from iohub.formats.ome_arrow.columns import COLUMN
from iohub.formats.ome_arrow.rows_to_write import Row, check_row, is_listable
from iohub.formats.ome_arrow.siblings import GROUPS_KEY, SIBLINGS, WITH_TABLES, dump_groups
from iohub.nodes.outer import check_outside
from iohub.storage.location import exists

if TYPE_CHECKING:
    import pyarrow as pa

    from iohub.convert.plan import Plan
    from iohub.nodes.base import NGFFNode
    from iohub.storage.location import Location
    from iohub.types import JsonObject

_LISTED, _BYTES, _AUTO = "planes", "bytes", "auto"


def write_parquet(plan: Plan, location: Location, options: Mapping[str, Any], tell: Tell) -> Report:
    """Write a plan as a Parquet file.

    Parameters
    ----------
    plan : Plan
        What to write.
    location : Location
        Where to; on the local disk.
    options : mapping
        ``encoding``: "planes" writes pixels as lists of numbers, which every release of ome-arrow
        reads, "bytes" as bytes of chunks, which hold all data types; "auto" takes the first where
        all pixels are of uint8 or uint16. ``column``: name of the column of records.
    tell : callable
        Told how many bytes of pixels were read.

    Raises
    ------
    PathError
        If it is not on the local disk.
    ExistsError
        If something is there, unless it is to be replaced.
    DTypeError
        If pixels are to be lists and are of another type.
    ShapeError
        If an image is too large for a row of Parquet.
    ArgumentError
        If an option is none of the format's.
    """
    path = _check(plan, location, options, ("encoding", "column"))
    made = list(rows(plan, tell))
    listed = _is_listed(made, options.get("encoding", _AUTO))
    for row in made:
        check_row(row, listed)
    began = time.monotonic()
    writing.write_table(
        path,
        made,
        listed=listed,
        column=options.get("column", COLUMN),
        siblings=_siblings(plan),
        metadata=_metadata(plan),
        codec=_codec(plan),
        replace=plan.options.overwrite,
        workers=plan.options.workers,
    )
    return _report(plan, location, began)


def write_vortex(plan: Plan, location: Location, options: Mapping[str, Any], tell: Tell) -> Report:
    """Write a plan as a Vortex file; all pixels are in memory at once.

    Parameters
    ----------
    plan, location, options, tell
        As for :func:`write_parquet`; the only option is ``column``.

    Raises
    ------
    DTypeError
        If pixels are of other types than uint8 and uint16, which Vortex would lose.
    PathError, ExistsError, ArgumentError
        As for :func:`write_parquet`.
    MissingDependencyError
        If vortex-data is not installed.
    """
    from iohub.formats.ome_arrow.tables import make_table
    from iohub.formats.ome_arrow.vortex import write_table

    path = _check(plan, location, options, ("column",))
    made = list(rows(plan, tell, _above(plan)))  # Vortex keeps no metadata of tables
    _is_listed(made, _LISTED)
    began = time.monotonic()
    table = make_table(
        made,
        listed=True,
        column=options.get("column", COLUMN),
        siblings=_siblings(plan),
    )
    write_table(table, path)
    return _report(plan, location, began)


def write_dataset(plan: Plan, location: Location, options: Mapping[str, Any], tell: Tell) -> Report:
    """Write a plan as a dataset directory, which holds images of any size and data type.

    Parameters
    ----------
    plan, location, options, tell
        As for :func:`write_parquet`; the only option is ``chunk``, the size of a chunk (Z, Y, X).

    Raises
    ------
    PathError, ExistsError, ArgumentError
        As for :func:`write_parquet`.
    """
    from iohub.formats.ome_arrow import dataset_write

    path = _check(plan, location, options, ("chunk",))
    began = time.monotonic()
    dataset_write.write_dataset(
        path,
        rows(plan, tell),
        chunk=options.get("chunk", dataset_write.CHUNK),
        siblings=_besides(plan),
        metadata=_metadata(plan),
        codec=None if _codec(plan) == "none" else _codec(plan),
        overwrite=plan.options.overwrite,
    )
    return _report(plan, location, began)


def table(node: NGFFNode, *, encoding: str = _AUTO, **options: Any) -> pa.Table:
    """Return the positions of a node as a table in memory.

    Parameters
    ----------
    node : NGFFNode
        What has the positions.
    encoding : {"auto", "planes", "bytes"}
        As for :func:`write_parquet`.
    **options
        Which positions, channels, time points and planes, and how many levels; as for
        :meth:`iohub.ngff.nodes.NGFFNode.export`.

    Raises
    ------
    IohubError
        If something of it is not possible.
    """
    from iohub.formats.ome_arrow.tables import make_table

    chosen, rest = read_options(options)
    refuse_unknown(rest, "Arrow", ("encoding",))
    plan = make(node, node.url, "ome-parquet", chosen)
    _check_storage(plan)
    made = list(rows(plan, lambda size: None))
    return make_table(
        made,
        listed=_is_listed(made, encoding),
        siblings=_siblings(plan),
        metadata=_metadata(plan),
    )


# ---- what is asked for ------------------------------------------------------------------------


def _check(plan: Plan, location: Location, options: Mapping[str, Any], known: Sequence[str]) -> str:
    if location.local_path is None:
        raise PathError(f"{location.url}: this format is written to the local disk, then copied")
    if exists(location) and not plan.options.overwrite:
        raise ExistsError(
            f"there is something at {location.url}; choose another path, or pass overwrite=True "
            "(--overwrite) to replace it"
        )
    check_outside(location)
    refuse_unknown(options, plan.format, known)
    _check_storage(plan)
    return location.local_path


def _check_storage(plan: Plan) -> None:
    if plan.options.chunks is not None or plan.options.shard_size is not None:
        raise ArgumentError("tables have no chunks and shards of Zarr; leave chunks and shard_size")
    for image in plan.images:
        for job in image.jobs:
            if job.plans and job.source.spec.nbytes > plan.memory:
                raise ArgumentError(
                    f"{image.source.position.url}: levels of an image that is larger than "
                    "max_memory are made before: call compute_pyramid(...), or export to OME-Zarr "
                    "with levels first"
                )


def _codec(plan: Plan) -> str:
    wanted = plan.options.compression
    if wanted == SAME:
        return "zstd"
    if wanted is None or isinstance(wanted, str):
        return (wanted or "none").lower()
    raise ArgumentError(f"tables are compressed by names such as 'zstd' or None, not {wanted!r}")


def _is_listed(made: Sequence[Row], encoding: str) -> bool:
    if encoding not in (_AUTO, _LISTED, _BYTES):
        raise ArgumentError(f"encoding={encoding!r}; there are 'auto', 'planes' and 'bytes'")
    others = sorted({row.dtype.name for row in made if not is_listable(row.dtype)})
    if encoding == _LISTED and others:
        raise DTypeError(
            f"pixels of {', '.join(others)} cannot be lists of numbers of 16 bits: write Parquet "
            "with encoding='bytes', or the directory form"
        )
    return encoding != _BYTES and not others


def _metadata(plan: Plan) -> dict[str, str]:
    groups, owner = _above(plan), plate_with_tables(plan)
    if not groups:
        return {}
    held = files_of_tables(owner, plan.spelling) if owner is not None and travel(owner) else {}
    return {GROUPS_KEY.decode(): dump_groups(groups, held)}


def _above(plan: Plan) -> dict[str, JsonObject]:
    """Return the attributes of the groups above the positions."""
    if plan.layout == "fov":
        return {}
    notes = [
        Noted(image.place, image.identity, image.source.order, acquisition_of(plan, image))
        for image in plan.images
    ]
    return dict(root_groups(plan, notes))


def _siblings(plan: Plan) -> pa.Schema:
    """Return the columns beside the records."""
    return WITH_TABLES if any(image.tables for image in plan.images) else SIBLINGS


def _besides(plan: Plan) -> pa.Schema:
    """Return the columns that a dataset's table of images does not have itself."""
    import pyarrow as pa

    return pa.schema([field for field in _siblings(plan) if field.name != "image_type"])


def _report(plan: Plan, location: Location, began: float) -> Report:
    lost = [what for image in plan.images for what in image.lost]
    lost += [
        "tables, as there are more than 64 MiB of them"
        for image in plan.images
        if image.tables and not travel(image.source.position)
    ]
    owner = plate_with_tables(plan)
    if owner is not None and (plan.format == "ome-vortex" or not travel(owner)):
        lost.append("the tables of the plate")
    return Report(
        location.url,
        plan.format,
        positions=len(plan.images),
        nbytes=plan.nbytes,
        seconds=time.monotonic() - began,
        lost=(*counted(lost), *plan.left),
    )
