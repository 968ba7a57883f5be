"""One position converted: part by part what is not done yet, then its documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from iohub.convert.documents import image_attributes, with_frames
from iohub.convert.parts import Parts, stamp
from iohub.convert.roots import signed
from iohub.errors import IohubError
from iohub.metadata import edits_labels
from iohub.metadata.labels import LabelsMeta
from iohub.metadata.respelling import respelled
from iohub.nodes import tables
from iohub.nodes.position import Position
from iohub.nodes.session import Session
from iohub.pyramids.build import build
from iohub.pyramids.plan import LevelPlan
from iohub.storage import grid
from iohub.storage.array import ZarrArray
from iohub.storage.group import ZarrGroup
from iohub.storage.keys import join, parents
from iohub.storage.tree_copy import copy_tree
from iohub.storage.units import UnitWriter, copy

if TYPE_CHECKING:
    from iohub.convert.notes import Note
    from iohub.convert.plan import ImagePlan, Job, Plan
    from iohub.convert.stage import Stage
    from iohub.storage.spec import ArraySpec
    from iohub.types import PyramidMethod, Region

Tell = Callable[[int], object]
"""Told how many bytes of pixels were read since it was last told."""


class Made(NamedTuple):
    """What was done for a position.

    Attributes
    ----------
    parts : int
        Parts that were converted; what was done before does not count.
    frames : int
        Frames whose metadata were written.
    """

    parts: int
    frames: int


def convert(plan: Plan, image: ImagePlan, note: Note, stage: Stage, tell: Tell) -> Made:
    """Convert a position as far as it is not done, or no longer as it was left.

    Parameters
    ----------
    plan : Plan
        The conversion.
    image : ImagePlan
        The position.
    note : Note
        What is known of it; the caller has claimed it.
    stage : Stage
        Where it is prepared.
    tell : callable
        Told of progress.
    """
    folder = join(stage.prefix, image.place)
    parts = 0
    for number, job in enumerate(image.jobs):
        targets = [_array(stage, join(folder, path), spec) for path, spec in job.targets]
        note, count = _convert_job(plan, job, number, targets, note, stage, tell)
        parts += count
    frames = _write_documents(plan, image, stage)
    stage.notes.put(note.finished())
    return Made(parts, frames)


def _array(stage: Stage, path: str, spec: ArraySpec) -> ZarrArray:
    """Return an array of the destination; made anew if there is none like it."""
    try:
        found = ZarrArray.load(stage.store, path, spec.zarr_format)
        if found.spec == spec:
            return found
    except (IohubError, OSError):
        pass
    stage.store.delete_dir(path)
    return ZarrArray.create(stage.store, path, spec)


def _convert_job(
    plan: Plan,
    job: Job,
    number: int,
    targets: Sequence[ZarrArray],
    note: Note,
    stage: Stage,
    tell: Tell,
) -> tuple[Note, int]:
    """Convert an array, and what is made of it; return the note, and how many parts it took."""
    parts, count = Parts.of(job), 0
    regions = parts.regions()
    itemsize = job.source.spec.dtype.itemsize
    known = [note.done.get(f"{number}/{index}") for index in range(len(regions))]
    valid = all(
        said is None or said == stamp(parts, region, targets)
        for said, region in zip(known, regions, strict=True)
    )
    for index, (region, said) in enumerate(zip(regions, known, strict=True)):
        size = prod(grid.region_shape(region)) * itemsize
        # Lower levels are shared between parts: if one was tampered with, all are made again.
        if said is not None and valid:
            tell(size)
            continue
        _convert_part(plan, job, targets, region, tell)
        count += 1
        note = note.with_part(f"{number}/{index}", stamp(parts, region, targets))
        stage.notes.put(note)
    return note, count


def _convert_part(
    plan: Plan, job: Job, targets: Sequence[ZarrArray], region: Region, tell: Tell
) -> None:
    spec, source = targets[0].spec, job.source
    itemsize = source.spec.dtype.itemsize
    if not job.plans and source.spec.same_encoding(spec) and isinstance(source, ZarrArray):
        with UnitWriter(plan.options.workers, plan.memory // 4) as writer:
            copy(source, targets[0], writer=writer, region=region)
        size = prod(grid.region_shape(region)) * itemsize
        tell(size)
        return
    told = 0

    def progress(done: int, total: int) -> None:
        nonlocal told
        tell((done - told) * itemsize)
        told = done

    # Level 0 is a level by a factor of one: read once, all levels are made of it in memory.
    same = LevelPlan(1, spec.shape, (1,) * spec.ndim, (1.0,) * spec.ndim, (0.0,) * spec.ndim)
    below = [LevelPlan(p.index + 1, p.shape, p.factors, p.scale, p.translation) for p in job.plans]
    method: PyramidMethod = job.method if job.plans else "stride"
    build(
        source,
        targets,
        [same, *below],
        method,
        region=region,
        memory=plan.memory // 2,
        workers=plan.options.workers,
        progress=progress,
    )


# ---- documents --------------------------------------------------------------------------------


def _write_documents(plan: Plan, image: ImagePlan, stage: Stage) -> int:
    """Write what the groups of a position say; its own group comes last."""
    spelling, position = plan.spelling, image.source.position
    attrs, _ = image_attributes(position, image.taken, spelling)
    attrs, frames = with_frames(attrs, position, image.taken)
    if image.labels:
        names = [path.partition("/")[2] for path, _, _ in image.labels]
        group = position.labels._group
        said = group.attrs() if group.exists() else {}
        listed = respelled(said, position._spelling, spelling)
        labels = spelling.dump_labels(LabelsMeta(labels=tuple(names)), listed)
        stage.put_group(join(image.place, edits_labels.FOLDER), labels)
        for path, label, taken in image.labels:
            for above in parents(path):
                if above and above != edits_labels.FOLDER:
                    stage.put_group(join(image.place, above), spelling.empty_group())
            stage.put_group(join(image.place, path), image_attributes(label, taken, spelling)[0])
    if image.tables:
        stage.put_group(image.place, spelling.empty_group())
        _copy_tables(plan, image, stage)
    stage.put_group(image.place, signed(attrs, plan, image.identity))
    return frames


def _copy_tables(plan: Plan, image: ImagePlan, stage: Stage) -> None:
    position, spelling = image.source.position, plan.spelling
    target = ZarrGroup(stage.store, join(stage.prefix, image.place), spelling.zarr_format)
    stage.store.delete_dir(join(target.path, tables.FOLDER))
    source = position.tables
    same = position._group.zarr_format == spelling.zarr_format
    rewritten = [] if same else tables.with_text_arrays(source)
    with UnitWriter() as writer:
        copy_tree(
            source._group,
            target,
            tables.FOLDER,
            attrs=lambda attrs, path: attrs,
            writer=writer,
            skip=rewritten,
        )
    session = Session(url=stage.store.url, mode="r+")
    made = Position(target, False, version=spelling.version, session=session)
    for name in rewritten:
        made.tables.put(name, source[name], source.info(name))
