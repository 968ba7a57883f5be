"""One image of tiles written: composed once, all levels on the way, in place when it is whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from iohub.bridges.tables import backend
from iohub.errors import ArgumentError, ExistsError
from iohub.metadata import own
from iohub.nodes.pyramid import spec_like
from iohub.nodes.table_index import flat_table, said_of
from iohub.nodes.tables import FOLDER
from iohub.storage import grid
from iohub.storage.codecs import Blosc
from iohub.storage.hierarchy import group_documents, writable
from iohub.storage.keys import join
from iohub.storage.spec import ArraySpec
from iohub.tiles.compose import probe_tiles
from iohub.tiles.image_document import Channel, check_channels, image_document
from iohub.tiles.parts import Part, independent_regions, run_part
from iohub.tiles.resume import is_complete, mark_of, with_mark
from iohub.tiles.roi_tables import TableOf
from iohub.tiles.run import check_work, executor, in_order
from iohub.tiles.windows import Sample

if TYPE_CHECKING:
    from iohub.nodes.position import Position
    from iohub.storage.drafts import Draft
    from iohub.storage.transaction import Transaction
    from iohub.tiles.assemble import AssemblyPlan
    from iohub.types import JsonObject

When: TypeAlias = Literal["no", "extend", "overwrite"]
MODES = ("By Tile", "By FOV", "By FOV (Using Dask)", "By Tile (Using Dask)", "In Memory")
"""Names of the public package's ways to write: here they only say how many tiles are kept."""

COMPRESSION = Blosc("lz4", 5, "shuffle")
"""What chunks are compressed with, as the public package does in Zarr v2."""

MEMORY = 256 << 20
"""Decoded pixels that are held at a time [bytes], and as much again of tiles."""


@dataclass(frozen=True)
class Written:
    """What was done for an image.

    Attributes
    ----------
    url : str
        Where it is.
    kept : bool
        Whether it was complete before, so that nothing was done.
    tiles : int
        How many tiles it is made of.
    nbytes : int
        Size of its full resolution [bytes].
    seconds : float
        How long it took [s].
    """

    url: str
    kept: bool
    tiles: int
    nbytes: int
    seconds: float

    def __str__(self) -> str:
        if self.kept:
            return f"{self.url}: complete already, kept"
        size = self.nbytes / 2**20
        return f"{self.url}: {self.tiles} tiles, {size:,.1f} MiB in {self.seconds:.2f} s"


def write_image(
    position: Position,
    plan: AssemblyPlan,
    loaders: Sequence[Any],
    *,
    resource: Any = None,
    channels: Sequence[Channel] | None = None,
    tables: Mapping[str, TableOf] | None = None,
    when: When = "no",
    mode: str = "By FOV",
    probe: int | None = 1,
    memory: int = MEMORY,
    workers: int | None = None,
    run: object = None,
    compression: object = COMPRESSION,
    progress: Callable[[int, int], None] | None = None,
    noted: Mapping[str, Any] | None = None,
) -> Written:
    """Write an image of tiles with its levels, contrast limits and tables.

    It is prepared beside its place and appears as a whole: an interrupted call leaves what was
    there before.

    Parameters
    ----------
    position : Position
        Where to; without an image, unless `when` says otherwise.
    plan : AssemblyPlan
        What to write.
    loaders : sequence of ImageLoaderInterface
        What the plan's sources are.
    resource : object, optional
        For the loaders.
    channels : sequence of Channel, optional
        One for each channel; named by numbers if not given.
    tables : mapping of str to TableOf, optional
        Tables beside the image.
    when : {"no", "extend", "overwrite"}
        What happens to an image that is there: it is an error, it is kept if it is complete and
        made of the same plan, or it is replaced.
    mode : {"By Tile", "By FOV", "By FOV (Using Dask)", "By Tile (Using Dask)", "In Memory"}
        How many tiles are kept meanwhile: those of one region, up to `memory`, or all.
    probe : int, optional
        How many tiles are looked at before anything is written; all if None.
    memory : int
        Decoded pixels to hold at a time [bytes], and as much again of tiles; one chunk and one
        tile in any case.
    workers : int, optional
        Threads, or processes; one per processor if not given.
    run : {"threads", "processes"} or executor or dask.distributed.Client, optional
        Who does the work; see :func:`iohub.tiles.run.executor`.
    compression : optional
        Of the chunks; Blosc with LZ4 if not given.
    progress : callable, optional
        Told pixels done and pixels in all.
    noted : mapping, optional
        More for the mark of completion; JSON.

    Returns
    -------
    Written
        What was done.

    Raises
    ------
    ExistsError
        If there is an image that is neither to be replaced nor this one, complete.
    ShapeError, DTypeError, FormatError, NotFoundError, UnreadableError
        If a tile is not as planned, or cannot be read; image, tile and file are named.
    ChannelError, ArgumentError
        If there are not as many channels as in the plan, or there is no such mode.
    """
    began = time.monotonic()
    if mode not in MODES:
        raise ArgumentError(f"no writer mode {mode!r}; there are {', '.join(MODES)}")
    check_work(workers, memory)
    check_channels(plan, channels)
    tables = dict(tables or {})
    specs = _specs(position, plan, compression)
    there = position.metadata is not None
    if there and when == "no":
        raise ExistsError(
            f"there is an image at {position.url}; choose Overwrite to replace it, or Extend to "
            "keep it if it is complete"
        )
    mark = mark_of(plan, loaders, channels)
    if when == "extend" and is_complete(position, plan, specs, tables, mark):
        return Written(position.url, True, len(plan.fov), plan.nbytes, time.monotonic() - began)
    probe_tiles(plan, loaders, resource, first=probe)
    keep = 0 if mode.startswith("By Tile") else None if mode == "In Memory" else memory
    with position._draft() as draft, executor(run, workers) as pool:
        arrays = [
            position._staged(draft, name, spec)
            for name, spec in zip(plan.level_names, specs, strict=True)
        ]
        whole = Part(
            plan, tuple(loaders), resource, arrays, grid.full(plan.shape), keep, memory, workers
        )
        sample = whole.run(progress) if pool is None else _elsewhere(pool, whole, progress)
        for name, table in tables.items():
            _stage_table(position, draft, name, table)
        mark.update(noted or {})
        _publish(position, plan, draft, channels, sample, list(tables), mark)
    return Written(position.url, False, len(plan.fov), plan.nbytes, time.monotonic() - began)


# ---- pixels -----------------------------------------------------------------------------------


def _elsewhere(pool: Any, whole: Part, progress: Callable[[int, int], None] | None) -> Sample:
    """Let others do the parts of an image."""
    plan = whole.plan
    regions = independent_regions(plan, [array.spec.unit for array in whole.arrays])
    parts = [
        Part(plan, whole.loaders, whole.resource, whole.arrays, region, whole.keep, whole.memory, 1)
        for region in regions
    ]
    sample, done = Sample(plan.axes, plan.shape), 0
    total = int(np.prod(plan.shape))
    for part, made in zip(parts, in_order(pool, run_part, parts), strict=True):
        sample.merge(made)
        done += int(np.prod(grid.region_shape(part.region)))
        if progress is not None:
            progress(done, total)
    return sample


def _specs(position: Position, plan: AssemblyPlan, compression: object) -> list[ArraySpec]:
    zarr_format = position._group.zarr_format
    first = ArraySpec.create(
        plan.shape,
        plan.dtype,
        zarr_format=zarr_format,
        chunks=plan.chunks,
        shards=plan.shards,
        compression=compression,
        dimension_names=plan.axes if zarr_format == 3 else None,
    )
    return [first, *(spec_like(first, level) for level in plan.level_plans[1:])]


# ---- metadata ---------------------------------------------------------------------------------


def _publish(
    position: Position,
    plan: AssemblyPlan,
    draft: Draft,
    channels: Sequence[Channel] | None,
    sample: Sample,
    tables: Sequence[str],
    mark: Mapping[str, Any],
) -> None:
    """Let arrays, tables and metadata take their places together."""
    with ExitStack() as held, position._transaction() as edit:
        before = position._document()
        name = position.name or position._session.title or plan.name or "image"
        document = image_document(plan, channels, sample, name)
        lower = [] if before is None else before.multiscales[0].get_dataset_paths()
        for name in dict.fromkeys([*plan.level_names, *lower]):
            if position._is_there(name):
                (edit.replace if name in plan.level_names else edit.delete)(name)
        for name in tables:
            if position.tables._group.group(name).exists():
                edit.replace(join(FOLDER, name))
        edit.take(draft)
        _list_tables(position, edit, tables)
        attrs = with_mark(position._dump(document, position._group.attrs()), mark)
        # Notes for a first image are not needed any more.
        attrs = own.write_layout(own.write_defaults(attrs), None)
        edit.put_attrs("", attrs)
        if before is not None:
            for label in position._label_levels(document):
                label.commit(edit, held)


# ---- tables -----------------------------------------------------------------------------------


def _stage_table(position: Position, draft: Draft, name: str, table: TableOf) -> None:
    """Prepare a table beside the arrays."""
    flat, key = flat_table(table.frame, table.type)
    way, store = backend(table.backend), writable(position._group.store)
    staged, zarr_format = draft.stage(join(FOLDER, name)), position._group.zarr_format
    attrs: JsonObject = {
        **way.attributes(),
        "backend": table.backend,
        **said_of(flat, key, table.type),
    }
    for document, value in group_documents(staged, zarr_format, attrs):
        store.set(document, value)
    way.write(store, staged, zarr_format, flat, key)


def _list_tables(position: Position, edit: Transaction, names: Sequence[str]) -> None:
    if names:
        tables = position.tables
        listed = tuple(dict.fromkeys([*tables._names(), *names]))
        edit.put_attrs(FOLDER, tables._dump(listed, tables._attrs()))
