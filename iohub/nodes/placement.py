"""Verbs of a position about where its pixels are: scale, translation, transforms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from iohub.errors import ConflictError, IohubError, MissingNodeError
from iohub.metadata import edits_image, edits_labels, own
from iohub.metadata.edits_levels import is_smaller
from iohub.metadata.transforms import TransformationMeta, compose
from iohub.nodes import arguments
from iohub.nodes.base import NGFFNode
from iohub.nodes.levels import is_reduced, numbered
from iohub.storage.array import ZarrArray
from iohub.storage.drafts import Draft
from iohub.storage.transaction import Transaction

if TYPE_CHECKING:
    from iohub.metadata.image import ImageMeta
    from iohub.nodes.label_levels import LabelLevels
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject


class PlacementVerbs(NGFFNode):
    """Scale and translation of one image or of the whole FOV."""

    def _image_document(self) -> ImageMeta:
        """Return the document of the position.

        Raises
        ------
        MissingNodeError
            If there is no image yet.
        """
        document: ImageMeta | None = self._document()
        if document is None:
            raise MissingNodeError("0", f"{self._kind} {self.url}", (), "It has no image yet.")
        return document

    def _check_image(self, image: str) -> str:
        name = arguments.name(image, "image")
        paths = self._image_document().multiscales[0].get_dataset_paths()
        if name != "*" and name not in paths:
            raise MissingNodeError(
                name, f"{self._kind} {self.url}", paths, "'*' names the whole FOV."
            )
        return name

    @property
    def scale(self) -> list[float]:
        """Pixel size of the highest resolution level, per axis, in the unit of each axis."""
        document = self._image_document()
        first = document.multiscales[0].datasets[0].path
        return list(edits_image.effective(document, first)[0])

    @property
    def translation(self) -> list[float]:
        """Position of the first pixel's centre of the highest resolution level, per axis."""
        document = self._image_document()
        first = document.multiscales[0].datasets[0].path
        return list(edits_image.effective(document, first)[1])

    def get_effective_scale(self, image: str | Literal["*"]) -> list[float]:
        """Get the effective coordinate scale metadata for one image array or the whole FOV.

        Parameters
        ----------
        image : str
            Name of one image array (e.g. "0") to query, or "*" for the whole FOV.

        Returns
        -------
        list of float
            Total scale for each axis: the one of the image times the one of the FOV, or for "*"
            the one of the FOV alone.

        Raises
        ------
        MissingNodeError
            If there is no such image; a :class:`KeyError`.
        """
        scale, _ = edits_image.effective(self._image_document(), self._check_image(image))
        return list(scale)

    def get_effective_translation(self, image: str | Literal["*"]) -> list[float]:
        """Get the effective coordinate translation metadata for one image or the whole FOV.

        Parameters
        ----------
        image : str
            Name of one image array (e.g. "0") to query, or "*" for the whole FOV.

        Returns
        -------
        list of float
            Total translation for each axis. Transforms are applied in order, first those of the
            image, then those of the FOV, so a scale of the FOV also scales the translation of the
            image (OME-Zarr 0.5, multiscales).

        Raises
        ------
        MissingNodeError
            If there is no such image; a :class:`KeyError`.
        """
        _, translation = edits_image.effective(self._image_document(), self._check_image(image))
        return list(translation)

    def set_transform(
        self, image: str | Literal["*"], transform: Sequence[TransformationMeta]
    ) -> None:
        """Set the coordinate transformations metadata for one image array or the whole FOV.

        The transforms that were there are kept under ``zattrs["iohub"]["previous_transforms"]``.
        Lower levels of the pyramid and label images follow the highest resolution level, as in
        :meth:`set_scale`.

        Parameters
        ----------
        image : str
            Name of one image array (e.g. "0") to transform, or "*" for the whole FOV.
        transform : list of TransformationMeta
            Transformations to apply, in order. They are stored as the specification wants them:
            one scale, then at most one translation; a translation before a scale is multiplied
            by it.

        Raises
        ------
        MissingNodeError
            If there is no such image; a :class:`KeyError`.
        ShapeError
            If a vector does not have one entry per axis; a :class:`ValueError`.
        """
        name = self._check_image(image)
        given = arguments.all_of(transform, TransformationMeta, "transform")
        self._change_transforms(lambda doc: edits_image.place(doc, name, given))

    def set_scale(self, image: str | Literal["*"], axis_name: str, new_scale: float) -> None:
        """Set the scale for a named axis. Either one image array or the whole FOV.

        Setting the scale of the highest resolution level keeps the lower levels of the pyramid in
        proportion. Setting that of "*" sets the scale of the transform that applies to the whole
        FOV. What was there is kept under ``zattrs["iohub"]["previous_transforms"]``.

        In both cases label images, with their pyramids, stay on the pixels that they label: they
        are scaled alike, in the same edit. One that a transformation of the image leads to (from
        OME-Zarr 0.6 on) has a space of its own and stays. Setting the scale of a label image
        changes that one only.

        Parameters
        ----------
        image : str
            Name of one image array (e.g. "0") to transform, or "*" for the whole FOV.
        axis_name : str
            Name of the axis to set. Case insensitive.
        new_scale : float
            Value of the new scale, positive, in the unit of the axis.

        Raises
        ------
        MissingNodeError
            If there is no such image; a :class:`KeyError`.
        AxisError, ShapeError
            If there is no such axis, or the scale is not positive; a :class:`ValueError`.
        ArgumentError
            If the scale is no number; a :class:`TypeError`.
        """
        name = self._check_image(image)
        axis = self.get_axis_index(axis_name)
        value = arguments.number(new_scale, "new_scale")
        self._change_transforms(lambda doc: edits_image.set_scale(doc, name, axis, value))

    def _label_names(self) -> tuple[str, ...]:
        """Return the names of the label images, as far as they can be read."""
        return ()

    def _label_levels(
        self, document: ImageMeta, specs: Mapping[str, ArraySpec] | None = None
    ) -> list[LabelLevels]:
        """Return what is to change of label images, when the image is as these say."""
        return []

    def _check_labels(
        self, document: ImageMeta, path: str, replaced: Sequence[object], spec: ArraySpec
    ) -> None:
        """Refuse a level 0 that label images do not fit."""

    def _followers(self) -> Sequence[tuple[str, PlacementVerbs]]:
        """Return the images that share this one's space, with their paths from here."""
        return ()

    def _change_transforms(self, edit: Callable[[ImageMeta], ImageMeta]) -> None:
        """Write changed transforms, recording in the same document what they were.

        Label images stay on the pixels that they label, in the same edit.
        """
        self._session.check_writable()
        if not self._followers():
            self._group.edit_attrs(lambda attrs: self._transformed(attrs, edit))
            return
        with ExitStack() as held, self._transaction() as transaction:
            attrs = self._group.attrs()
            before: Any = self._parsed_from(attrs)
            after = edit(before)
            if after == before:
                return
            transaction.put_attrs("", self._transformed(attrs, edit))
            for path, label in self._followers():
                held.enter_context(label._group.lock())
                own_attrs = label._group.attrs()
                new = label._transformed(
                    own_attrs, lambda doc: edits_labels.moved_along(doc, before, after)
                )
                if new is not own_attrs:
                    transaction.put_attrs(path, new)

    def _transformed(self, attrs: JsonObject, edit: Callable[[ImageMeta], ImageMeta]) -> JsonObject:
        """Return attributes with changed transforms, and a record of what they were."""
        before: Any = self._parsed_from(attrs)
        after = edit(before)
        if after == before:
            return attrs
        new = self._dump(after, attrs)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for name in (edits_image.WHOLE, *before.multiscales[0].get_dataset_paths()):
            old = edits_image.own_transforms(before, name)
            if old != edits_image.own_transforms(after, name):
                new = own.record_transforms(new, name, old, now)
        return new

    def _shapes(self, document: ImageMeta) -> list[tuple[int, ...] | None]:
        """Return the shapes of the images that a document lists; None where one is unreadable."""
        found = self._group.load_arrays(document.multiscales[0].get_dataset_paths())
        return [None if isinstance(array, IohubError) else array.spec.shape for array in found]

    def _level_paths(
        self, document: ImageMeta, shapes: Sequence[tuple[int, ...] | None] | None = None
    ) -> list[str]:
        """Return which images are the levels of the pyramid, the first one first.

        A position may hold more images, such as a mask or a crop. A lower level is one that is
        as much smaller as its pixels are larger, or one that is smaller and named in sequence.
        `shapes` are those of all images, read if not given.
        """
        multiscale = document.multiscales[0]
        paths, ndim = multiscale.get_dataset_paths(), len(multiscale.axes)
        if len(paths) == 1:
            return paths
        scales = [compose(d.coordinate_transformations, ndim)[0] for d in multiscale.datasets]
        shapes = self._shapes(document) if shapes is None else shapes
        in_sequence = numbered(paths[0], len(paths))
        levels = paths[:1]
        for path, scale, shape in zip(paths[1:], scales[1:], shapes[1:], strict=True):
            factors = [a / b if b > 0 else 1.0 for a, b in zip(scale, scales[0], strict=True)]
            smaller = is_smaller(shape, shapes[0])
            if (smaller and path in in_sequence) or is_reduced(shape, shapes[0], factors):
                levels.append(path)
        return levels

    def _below(
        self,
        document: ImageMeta | None,
        path: str,
        shapes: Sequence[tuple[int, ...] | None] | None = None,
    ) -> list[str]:
        """Return the levels that were made of an image, which must not outlive it."""
        if document is None:
            return []
        first, *lower = self._level_paths(document, shapes)
        return lower if path == first else []

    @staticmethod
    def _effective(document: ImageMeta, image: str) -> edits_image.Vectors:
        return edits_image.effective(document, image)

    def _draft(self) -> Draft:
        """Prepare pixels while others may change the position; a transaction takes them."""
        self._session.check_writable()
        return Draft(self._group)

    def _staged(self, draft: Draft, path: str, spec: ArraySpec) -> ZarrArray:
        """Return a new array to write pixels into, before a transaction takes it."""
        full = draft.stage_array(path, spec)
        return ZarrArray(self._group.store, full, spec, self._session.engine)

    def _conflict(self, what: str) -> ConflictError:
        return ConflictError(
            f"{what} of {self.url} was changed by someone else meanwhile; nothing was done, "
            "call it again"
        )

    def _transaction(self) -> Transaction:
        """Edit several arrays and documents together; what is read inside is what is on disk."""
        self._session.check_writable()
        return Transaction(self._group)
