"""What the groups of a new store say, made of what the source says; no pixel is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iohub.convert.views import Picks, is_whole
from iohub.errors import DocumentError
from iohub.metadata import edits_image, own
from iohub.metadata.acquisition import (
    AcquisitionRecord,
    frame_columns,
    read_acquisition,
    write_acquisition,
)
from iohub.metadata.documents import thaw
from iohub.metadata.respelling import respelled
from iohub.metadata.transforms import compose, scale_translation
from iohub.nodes.pyramid import details
from iohub.storage.virtual import VirtualBytes

if TYPE_CHECKING:
    from iohub.metadata.image import ImageMeta
    from iohub.metadata.versions import Spelling
    from iohub.nodes.multiscale import MultiscaleNode
    from iohub.nodes.position import Position
    from iohub.pyramids.plan import LevelPlan
    from iohub.types import JsonObject

SOURCE_METADATA = "source_metadata"
"""Member of the key ``iohub`` that holds OME metadata which the version cannot say."""


@dataclass(frozen=True)
class Taken:
    """What is taken of an image, by the names of its axes and levels.

    Attributes
    ----------
    axes : tuple of str
        Name of each axis, in lower case.
    picks : tuple of sequence of int
        Indexes along each axis of level 0.
    whole : bool
        Whether that is all of it.
    names : tuple of str
        Paths of the levels that are written.
    plans : sequence of LevelPlan
        How they are made, level 0 first; empty if each is copied.
    method : str
        By which lower levels are made.
    """

    axes: tuple[str, ...]
    picks: Picks
    whole: bool
    names: tuple[str, ...]
    plans: Sequence[LevelPlan] = ()
    method: str = "mean"

    def along(self, axis: str) -> Sequence[int] | None:
        """Return the indexes along an axis; None if all are taken, or there is no such axis."""
        if self.whole or axis not in self.axes:
            return None
        return self.picks[self.axes.index(axis)]

    @classmethod
    def of(cls, axes: Sequence[str], picks: Picks, shape: Sequence[int], **more: Any) -> Taken:
        """Make one; whether all is taken is seen from the shape of level 0."""
        whole = is_whole(picks, tuple(shape))
        return cls(tuple(name.lower() for name in axes), picks, whole, **more)


def image_attributes(
    image: MultiscaleNode, taken: Taken, theirs: Spelling
) -> tuple[JsonObject, list[str]]:
    """Return the attributes of an image's group, without single frames, and what was kept.

    Parameters
    ----------
    image : MultiscaleNode
        A position or a label image of the source.
    taken : Taken
        What is taken of it.
    theirs : Spelling
        The version of the destination.

    Returns
    -------
    attributes : dict
        As they are to be written.
    kept : list of str
        What has its place only under the key ``iohub``.

    Raises
    ------
    DocumentError
        If the source's metadata break the rules.
    """
    attrs, ours = image._attrs(), image._spelling
    document = _levels(_channels(image._document(), taken), taken)
    if document != image._document():
        attrs = ours.dump_image(document, attrs)
    kept = []
    record = read_acquisition(attrs)
    if record is not None:
        record = _selected(record, taken)
        attrs = write_acquisition(attrs, record)
        if isinstance(image._group.store, VirtualBytes):
            kept += _noted(record)
    try:
        return respelled(attrs, ours, theirs), kept
    except DocumentError as error:
        if any(problem.code != "inexpressible" for problem in error.problems):
            raise
        simple = edits_image.with_first_image(document, coordinate_space=None)
        reduced = own.with_member(
            ours.dump_image(simple, attrs),
            SOURCE_METADATA,
            {"version": ours.version, "ome": thaw(ours.ome(image._attrs()))},
        )
        kept += [problem.what for problem in error.problems]
        return respelled(reduced, ours, theirs), kept


def with_frames(attrs: JsonObject, position: Position, taken: Taken) -> tuple[JsonObject, int]:
    """Return attributes with the metadata of single frames as columns, and how many there are.

    Parameters
    ----------
    attrs : dict
        Attributes for the destination.
    position : Position
        Of the source.
    taken : Taken
        What is taken of it: frames that are not taken are left out, others are numbered anew.
    """
    rows = position.frame_metadata
    if not rows:
        return attrs, 0
    places = {
        axis: {index: new for new, index in enumerate(indexes)}
        for axis in "tcz"
        if (indexes := taken.along(axis)) is not None
    }
    kept: list[JsonObject] = []
    for row in rows:
        moved = {a: places[a].get(row[a]) for a in places if a in row}
        if None not in moved.values():
            kept.append({**row, **moved})
    record = read_acquisition(attrs) or AcquisitionRecord()
    columns = frame_columns(kept) or None
    return write_acquisition(attrs, record.replace(frames=columns)), len(kept)


def _channels(document: ImageMeta, taken: Taken) -> ImageMeta:
    """Return the document with the channels, and the plane shown first, that there will be."""
    omero = document.omero
    if omero is None or taken.whole:
        return document
    channels = taken.along("c")
    if channels is not None and omero.channels:
        kept = tuple(omero.channels[i] for i in channels if i < len(omero.channels))
        omero = omero.replace(channels=kept)
    if omero.rdefs is not None:
        changes = {}
        for member, axis in (("default_t", "t"), ("default_z", "z")):
            first, indexes = getattr(omero.rdefs, member), taken.along(axis)
            if first is not None and indexes is not None:
                nearest = min(range(len(indexes)), key=lambda i: abs(indexes[i] - first))
                changes[member] = nearest
        omero = omero.replace(rdefs=omero.rdefs.replace(**changes))
    return document.replace(omero=omero)


def _levels(document: ImageMeta, taken: Taken) -> ImageMeta:
    """Return the document with the levels that there will be; what is cropped moves."""
    if not taken.plans:
        document = _moved(document, taken)
        left = [p for p in document.multiscales[0].get_dataset_paths() if p not in taken.names]
        for path in left:
            document = edits_image.remove_dataset(document, path, keep_last=True) or document
        return document
    for path in document.multiscales[0].get_dataset_paths()[1:]:
        document = edits_image.remove_dataset(document, path, keep_last=True) or document
    for plan, name in zip(taken.plans, taken.names, strict=True):
        moved = any(plan.translation)
        transforms = scale_translation(plan.scale, plan.translation if moved else None)
        if plan.index == 0:
            if not taken.whole:
                document = edits_image.set_transforms(document, name, transforms)
        else:
            document = edits_image.add_dataset(document, name, transforms)
    said = details(taken.method, taken.plans) if len(taken.plans) > 1 else None
    return edits_image.set_method(document, taken.method if said else None, said)


def _moved(document: ImageMeta, taken: Taken) -> ImageMeta:
    """Return the document with each level where its first index is now."""
    if not any(starts(taken)):
        return document
    for dataset in document.multiscales[0].datasets:
        scale, origin = compose(dataset.coordinate_transformations, len(taken.axes))
        document = edits_image.set_transforms(
            document, dataset.path, scale_translation(scale, begun(taken, scale, origin))
        )
    return document


def starts(taken: Taken) -> tuple[int, ...]:
    """Return the first index along each axis, 0 along that of channels, which has no order."""
    return tuple(
        0 if axis == "c" or not indexes else indexes[0]
        for axis, indexes in zip(taken.axes, taken.picks, strict=True)
    )


def begun(taken: Taken, scale: Sequence[float], origin: Sequence[float]) -> tuple[float, ...]:
    """Return the coordinate of the first pixel that is taken along each axis."""
    return tuple(o + s * i for o, s, i in zip(origin, scale, starts(taken), strict=True))


def _selected(record: AcquisitionRecord, taken: Taken) -> AcquisitionRecord:
    channels = taken.along("c")
    if channels is None or not record.channels:
        return record
    return record.replace(
        channels=tuple(record.channels[i] for i in channels if i < len(record.channels))
    )


def _noted(record: AcquisitionRecord) -> list[str]:
    """Name what a record holds."""
    stage = record.stage
    held = {
        "stage positions": stage is not None and (stage.x, stage.y, stage.z) != (None,) * 3,
        "wavelengths and exposure times of channels": any(
            (c.excitation, c.emission, c.exposure) != (None,) * 3 for c in record.channels
        ),
        "dates": record.date is not None,
        "time increments": record.time_increment is not None,
        "the instrument": record.instrument is not None,
        "the format's own description of the acquisition": record.summary is not None,
    }
    return [what for what, there in held.items() if there]
