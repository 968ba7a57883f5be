"""Verbs of a position about where its pixels are: scale, translation, transforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from iohub.errors import MissingNodeError
from iohub.metadata import edits_image, own
from iohub.nodes.base import NGFFNode
from iohub.storage.transaction import Transaction

if TYPE_CHECKING:
    from iohub.metadata.image import ImageMeta
    from iohub.metadata.transforms import TransformationMeta
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
        name = str(image)
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
        given = list(transform)
        self._change_transforms(lambda doc: edits_image.set_transforms(doc, name, given))

    def set_scale(self, image: str | Literal["*"], axis_name: str, new_scale: float) -> None:
        """Set the scale for a named axis. Either one image array or the whole FOV.

        Setting the scale of the highest resolution level keeps the lower levels of the pyramid in
        proportion. Setting that of "*" sets the scale of the transform that applies to the whole
        FOV. What was there is kept under ``zattrs["iohub"]["previous_transforms"]``.

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
        AxisError, ValueError
            If there is no such axis, or the scale is not a positive number.
        """
        name = self._check_image(image)
        axis = self.get_axis_index(axis_name)
        value = float(new_scale)
        self._change_transforms(lambda doc: edits_image.set_scale(doc, name, axis, value))

    def _change_transforms(self, edit: Callable[[ImageMeta], ImageMeta]) -> None:
        """Write changed transforms, recording in the same document what they were."""
        self._session.check_writable()

        def change(attrs: JsonObject) -> JsonObject:
            before: Any = self._parse(attrs)
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

        self._group.edit_attrs(change)

    @staticmethod
    def _effective(document: ImageMeta, image: str) -> edits_image.Vectors:
        return edits_image.effective(document, image)

    def _transaction(self) -> Transaction:
        """Edit several arrays and documents together; what is read inside is what is on disk."""
        self._session.check_writable()
        return Transaction(self._group)
