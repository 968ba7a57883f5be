"""Label images have as many levels as their image: they follow when its pyramid changes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from iohub.errors import AxisError, CorruptNodeWarning, IohubError, ShapeError
from iohub.metadata import edits_image, edits_labels
from iohub.metadata.transforms import compose
from iohub.nodes.base import join
from iohub.nodes.label import KEEPS_IDS
from iohub.nodes.label_creation import Parent, levels_like
from iohub.nodes.levels import level_names
from iohub.nodes.pyramid import details, spec_like, with_levels
from iohub.pyramids.build import build
from iohub.pyramids.plan import LevelPlan
from iohub.storage.array import ZarrArray
from iohub.storage.drafts import Draft
from iohub.storage.transaction import Transaction

if TYPE_CHECKING:
    from iohub.metadata.image import ImageMeta
    from iohub.nodes.label import Label
    from iohub.nodes.position import Position
    from iohub.storage.spec import ArraySpec
    from iohub.types import PyramidMethod


class LabelLevels(NamedTuple):
    """The levels that a label image is to have.

    Attributes
    ----------
    label : Label
        The label image.
    path : str
        Its path from the image.
    document : ImageMeta
        Its document, as it is to be.
    source : ZarrArray
        Its level 0.
    plans : sequence of LevelPlan
        Level 0 and those that are to be made; empty if none is.
    names : sequence of str
        Of these.
    gone : sequence of str
        Levels that are there and go.
    method : str
        How the lower ones are made.
    """

    label: Label
    path: str
    document: ImageMeta
    source: ZarrArray
    plans: Sequence[LevelPlan]
    names: Sequence[str]
    gone: Sequence[str]
    method: PyramidMethod

    def state(self) -> tuple[object, ...]:
        """Return what must stay the same for pixels that were made to be right."""
        factors = [(plan.shape, plan.factors) for plan in self.plans]
        return self.path, factors, self.names, self.gone, self.method, self.source.mark

    def build(self, draft: Draft, memory: int, workers: int | None) -> None:
        """Make the pixels.

        Parameters
        ----------
        draft : Draft
            Of the image; gets the new levels.
        memory, workers
            As in :meth:`iohub.ngff.Position.compute_pyramid`.
        """
        if not self.plans:
            return
        store, engine, targets = self.label._group.store, self.label._session.engine, []
        for name, plan in zip(self.names[1:], self.plans[1:], strict=True):
            spec = spec_like(self.source.spec, plan)
            full = draft.stage_array(join(self.path, name), spec)
            targets.append(ZarrArray(store, full, spec, engine))
        build(self.source, targets, self.plans, self.method, memory=memory, workers=workers)

    def commit(self, edit: Transaction, held: ExitStack) -> None:
        """Put the document in place, and remove the levels that go.

        Parameters
        ----------
        edit : Transaction
            Of the image, which takes the draft with the new levels.
        held : ExitStack
            Gets the lock of the label image.
        """
        held.enter_context(self.label._group.lock())
        for name in self.gone:
            edit.delete(join(self.path, name))
        edit.put_attrs(self.path, self.label._dump(self.document, self.label._group.attrs()))


def label_levels(
    image: Position, document: ImageMeta, specs: Mapping[str, ArraySpec] | None
) -> list[LabelLevels]:
    """Return what is to change of label images that have another number of levels.

    What cannot be read, or does not fit the image, is named by a warning and stays.

    Parameters
    ----------
    image : Position
        The image.
    document : ImageMeta
        Its document, as it is to be.
    specs : mapping of str to ArraySpec or None
        Its levels, as they are to be, level 0 first; None if levels are only taken away.
    """
    paths = document.multiscales[0].get_dataset_paths()
    parent = None
    if specs is not None:
        first = next(iter(specs.values()))
        parent = Parent(image.url, document, [specs.get(path, first) for path in paths])
    found = []
    for name in image._label_names():
        label = image.labels._label(name)
        try:
            planned = _planned(label, join(edits_labels.FOLDER, name), len(paths), parent)
        except IohubError as error:
            text = f"the label image {name!r} keeps its levels: {error}"
            warnings.warn(text, CorruptNodeWarning, stacklevel=4)
            continue
        if planned is not None:
            found.append(planned)
    return found


def check_labels_fit(image: Position, document: ImageMeta, spec: ArraySpec) -> None:
    """Refuse a new level 0 in the place of another that label images would not fit.

    Parameters
    ----------
    image : Position
        The image.
    document : ImageMeta
        Its document, as it is to be.
    spec : ArraySpec
        Its level 0, as it is to be.

    Raises
    ------
    ShapeError
        If there are such label images; all are named.
    """
    parent, wrong = Parent(image.url, document, [spec]), []
    for name in image._label_names():
        label = image.labels._label(name)
        try:
            whole = label._image_document().multiscales[0]
            first = label._level(whole.get_dataset_paths()[0])
        except IohubError:
            continue  # what cannot be read says nothing of its size
        try:
            parent.chosen(first.spec.shape, whole.get_axis_names())
        except (ShapeError, AxisError):
            wrong.append(name)
    if wrong:
        raise ShapeError(
            f"an image of shape {spec.shape} in the place of the one in {image.url} would not fit "
            f"its label images {', '.join(map(repr, wrong))}; delete them first, as in "
            f"del position.labels[{wrong[0]!r}], or give the new image another name"
        )


def _planned(label: Label, path: str, count: int, parent: Parent | None) -> LabelLevels | None:
    document = label._image_document()
    whole = document.multiscales[0]
    names = whole.get_dataset_paths()
    if count == len(names):
        return None
    method: Any = whole.type if whole.type in KEEPS_IDS else "mode"
    source, kept = label._level(names[0]), count
    plans: Sequence[LevelPlan] = ()
    if count > len(names):
        kept = 1
        plans = _plans(document, source, parent, method) if parent is not None else ()
        if len(plans) <= len(names):
            return None  # there is nothing left to reduce
    after = edits_image.remove_datasets(document, names[kept:])
    new = level_names(after, names[:1], len(plans)) if plans else []
    if plans:
        after = with_levels(after, new, plans)
        after = edits_image.set_method(after, method, details(method, plans))
    elif kept == 1:
        after = edits_image.set_method(after, None)
    there = zip(names[kept:], label._group.load_arrays(names[kept:]), strict=True)
    gone = [name for name, array in there if not isinstance(array, IohubError)]
    return LabelLevels(label, path, after, source, plans, new, gone, method)


def _plans(
    document: ImageMeta, source: ZarrArray, parent: Parent, method: PyramidMethod
) -> tuple[LevelPlan, ...]:
    """Plan levels by the factors of the image, in the place that the label image has."""
    whole = document.multiscales[0]
    index = parent.chosen(source.spec.shape, whole.get_axis_names())
    plans = levels_like(parent, index, source.spec, whole.axes, None, method)
    scale, shift = compose(whole.datasets[0].coordinate_transformations, len(whole.axes))
    ratio = [own / theirs for own, theirs in zip(scale, plans[0].scale, strict=True)]
    return tuple(
        replace(
            plan,
            scale=tuple(a * b for a, b in zip(plan.scale, ratio, strict=True)),
            translation=tuple(
                own + (there - first) * by
                for own, there, first, by in zip(
                    shift, plan.translation, plans[0].translation, ratio, strict=True
                )
            ),
        )
        for plan in plans
    )
