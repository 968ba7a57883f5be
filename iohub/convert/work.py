"""One position converted: part by part what is not done yet, then its documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

from iohub.convert.documents import image_attributes, with_frames
from iohub.convert.parts import Parts, stamp
from iohub.convert.states import image_state, job_stamps
from iohub.convert.tables_beside import copy_tables
from iohub.errors import ConflictError, IohubError
from iohub.metadata import edits_labels
from iohub.metadata.labels import LabelsMeta
from iohub.metadata.respelling import respelled
from iohub.pyramids.build import build
from iohub.pyramids.plan import LevelPlan
from iohub.storage import grid
from iohub.storage.array import ZarrArray
from iohub.storage.keys import join, parents
from iohub.storage.local import LocalBytes
from iohub.storage.unit_encoding import unit_encoder
from iohub.storage.units import UnitWriter, copy

if TYPE_CHECKING:
    from iohub.convert.notes import Note
    from iohub.convert.plan import ImagePlan, Job, Plan
    from iohub.convert.stage import Stage
    from iohub.storage.spec import ArraySpec
    from iohub.types import PyramidMethod, Region

_SMALL: Final = 4 << 20
"""What is sooner converted anew than noted before its position is complete [bytes]."""

_FEW: Final = 64
"""Chunks of what is written past the engine, at most."""

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

    Raises
    ------
    ConflictError
        If the source was changed meanwhile; the next call makes anew what that affects.
    """
    folder = join(stage.prefix, image.place)
    parts = 0
    stamps = [job_stamps(job) for job in image.jobs]
    state = image_state(image, stamps)
    for number, job in enumerate(image.jobs):
        targets = [_array(stage, join(folder, path), spec) for path, spec in job.targets]
        work = _Work(plan, job, number, targets, stamps[number])
        note, count = _convert_job(work, note, stage, tell)
        parts += count
    frames = _write_documents(plan, image, stage)
    if image_state(image) != state:
        raise ConflictError(
            f"{image.source.position.url} was changed while it was converted; repeat the call: "
            "what was changed is converted anew"
        )
    stage.notes.put(note.finished(state))
    return Made(parts, frames)


class _Work(NamedTuple):
    """A job with its number, its arrays, and stamps of what each part reads."""

    plan: Plan
    job: Job
    number: int
    targets: Sequence[ZarrArray]
    stamps: Sequence[str]


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


def _convert_job(work: _Work, note: Note, stage: Stage, tell: Tell) -> tuple[Note, int]:
    """Convert an array, and what is made of it; return the note, and how many parts it took."""
    job, targets = work.job, work.targets
    parts, count = Parts.of(job), 0
    regions = parts.regions()
    itemsize = job.source.spec.dtype.itemsize
    keys = [f"{work.number}/{index}" for index in range(len(regions))]

    def now(index: int) -> str:
        return f"{stamp(parts, regions[index], targets)}/{work.stamps[index]}"

    # Lower levels are shared between parts: if one is not as it was left, or was made of other
    # pixels, all are made again.
    valid = all(
        key not in note.done or note.done[key] == now(index) for index, key in enumerate(keys)
    )
    for index, (region, key) in enumerate(zip(regions, keys, strict=True)):
        if valid and key in note.done:
            tell(prod(grid.region_shape(region)) * itemsize)
            continue
        _convert_part(work.plan, job, targets, region, tell)
        count += 1
        note = note.with_part(key, now(index))
        if len(regions) > 1 or job.nbytes > _SMALL:
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
    if job.nbytes <= _SMALL and _write_small(job, targets):
        tell(job.nbytes)
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


def _write_small(job: Job, targets: Sequence[ZarrArray]) -> bool:
    """Write an array without lower levels chunk by chunk, if it is on the local disk.

    That is several times faster than to have an engine open an array for a few chunks. Nobody else
    writes to what is prepared; False if its codecs are not known here.
    """
    array, spec = targets[0], targets[0].spec
    store = array.store
    encode = unit_encoder(spec) if isinstance(store, LocalBytes) else None
    if job.plans or encode is None or job.units > _FEW or not isinstance(store, LocalBytes):
        return False
    whole = job.source.read(grid.full(spec.shape))
    for index in grid.units_of(grid.full(spec.shape), spec.unit):
        encoded = encode(whole[grid.unit_region(index, spec.shape, spec.unit)])
        key = array.unit_key(index)
        if encoded is None:  # all of it is the fill value
            store.delete(key)
        else:
            store.set(key, encoded)
    return True


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
        copy_tables(position, stage.store, join(stage.prefix, image.place), spelling)
    stage.put_group(image.place, attrs)
    return frames
