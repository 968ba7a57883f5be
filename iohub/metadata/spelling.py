"""What the spellings of all versions have in common; where they differ is in one module each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TypeVar

from iohub.errors import DocumentError, Problem
from iohub.metadata.check_image import check_image, unspeakable
from iohub.metadata.check_plate import check_plate, check_well
from iohub.metadata.documents import Document, Findings, pointer, validate
from iohub.metadata.image import DatasetMeta, ImageMeta, MultiScaleMeta
from iohub.metadata.labels import ImageLabelMeta, LabelsMeta, check_image_label, check_labels
from iohub.metadata.names import check_field
from iohub.metadata.plate import REQUIRED, PlateMeta, WellGroupMeta
from iohub.metadata.transforms import canonical_form, is_canonical
from iohub.types import JsonMapping, JsonObject

D = TypeVar("D", bound=Document)


class BaseSpelling(ABC):
    """Parse and dump documents; a subclass says where they are and how they carry the version."""

    version = ""
    zarr_format = 0
    root: tuple[str, ...] = ()
    image_members = ("multiscales", "omero", "image-label")
    check_field = staticmethod(check_field)

    @abstractmethod
    def ome(self, attrs: JsonMapping) -> JsonMapping:
        """Return the mapping that holds ``multiscales``, ``plate`` and the like.

        It is part of `attrs`, to be read only; an empty one if there is none.

        Parameters
        ----------
        attrs : mapping
            Attributes of a group.
        """

    @abstractmethod
    def with_ome(self, attrs: JsonMapping, ome: JsonMapping) -> JsonObject:
        """Return new attributes with another such mapping; other attributes are kept.

        Parameters
        ----------
        attrs, ome : mapping
            Attributes of a group; what :meth:`ome` is to return of the result.
        """

    def empty_group(self, attrs: JsonMapping | None = None) -> JsonObject:
        """Return the attributes of a group that has no metadata of its own.

        Parameters
        ----------
        attrs : mapping or None
            Attributes to keep.
        """
        return self.with_ome(attrs or {}, self.ome(attrs or {}))

    def has(self, attrs: JsonMapping, member: str) -> bool:
        """Whether a group has such metadata; null is none.

        Parameters
        ----------
        attrs : mapping
            Attributes of a group.
        member : str
            ``"multiscales"``, ``"plate"``, ``"well"``, ``"labels"`` …
        """
        return self.ome(attrs).get(member) is not None

    # -- parsing ---------------------------------------------------------------------------

    def parse_image(self, attrs: JsonMapping, strict: bool = False) -> ImageMeta:
        """Return the document of an image.

        Parameters
        ----------
        attrs : mapping
            Attributes of its group.
        strict : bool
            Refuse also what is merely not as recommended.

        Raises
        ------
        DocumentError
            If there is none or it breaks the rules; all problems are listed.
        """
        return self._accept(self._image(attrs, recommended=strict), strict)

    def parse_plate(self, attrs: JsonMapping, strict: bool = False) -> PlateMeta:
        """Return the document of a plate; otherwise as :meth:`parse_image`."""
        return self._accept(self._plate(attrs), strict)

    def parse_well(self, attrs: JsonMapping, strict: bool = False) -> WellGroupMeta:
        """Return the document of a well; otherwise as :meth:`parse_image`."""
        return self._accept(self._well(attrs), strict)

    def parse_labels(self, attrs: JsonMapping, strict: bool = False) -> LabelsMeta:
        """Return the list of label images; otherwise as :meth:`parse_image`."""
        return self._accept(self._labels(attrs), strict)

    def parse_image_label(self, attrs: JsonMapping, strict: bool = False) -> ImageLabelMeta:
        """Return what a label image says of itself; otherwise as :meth:`parse_image`."""
        return self._accept(self._image_label(attrs), strict)

    def findings(self, attrs: JsonMapping) -> Findings:
        """Return everything that is wrong in the metadata of a group.

        Parameters
        ----------
        attrs : mapping
            Attributes of a group; every document in it is checked.
        """
        found = Findings.none()
        ome = self.ome(attrs)
        for member, read in self._readers():
            if member == "image-label" and ome.get("multiscales") is not None:
                continue  # checked with the image
            if ome.get(member) is not None:
                try:
                    part = read(attrs)[1]
                except DocumentError as error:
                    found.must.extend(error.problems)
                else:
                    found.must.extend(part.must)
                    found.should.extend(part.should)
        return Findings(list(dict.fromkeys(found.must)), list(dict.fromkeys(found.should)))

    def _readers(self) -> list[tuple[str, Callable[[JsonMapping], tuple[Document, Findings]]]]:
        return [
            ("plate", self._plate),
            ("multiscales", self._image),
            ("labels", self._labels),
            ("well", self._well),
            ("image-label", self._image_label),
        ]

    def _accept(self, read: tuple[D, Findings], strict: bool) -> D:
        doc, found = read
        problems = found.must + (found.should if strict else [])
        if problems:
            raise DocumentError(problems)
        return doc

    def _image(self, attrs: JsonMapping, *, recommended: bool = True) -> tuple[ImageMeta, Findings]:
        ome = self._group(attrs, "multiscales")
        members = {name: ome[name] for name in self.image_members if name in ome}
        doc = validate(ImageMeta, members, *self.root)
        found = self._placed(check_image(doc, recommended=recommended))
        self._check_versions(ome, self.image_members, found)
        return doc, found

    def _plate(self, attrs: JsonMapping) -> tuple[PlateMeta, Findings]:
        self._require_plate(self._group(attrs, "plate"))
        return self._member(attrs, "plate", PlateMeta, check_plate)

    def _require_plate(self, ome: JsonMapping) -> None:
        plate = ome["plate"]
        if isinstance(plate, Mapping):
            where = pointer(*self.root, "plate")
            absent = [name for name in REQUIRED if plate.get(name) is None]
            problems = [
                Problem(f"{where}/{name}", "is required and missing", "missing") for name in absent
            ]
            if problems:
                raise DocumentError(problems)

    def _well(self, attrs: JsonMapping) -> tuple[WellGroupMeta, Findings]:
        return self._member(attrs, "well", WellGroupMeta, self._check_well)

    def _check_well(self, doc: WellGroupMeta) -> Findings:
        return check_well(doc)

    def _image_label(self, attrs: JsonMapping) -> tuple[ImageLabelMeta, Findings]:
        return self._member(attrs, "image-label", ImageLabelMeta, check_image_label)

    def _labels(self, attrs: JsonMapping) -> tuple[LabelsMeta, Findings]:
        ome = self._group(attrs, "labels")
        doc = validate(LabelsMeta, {"labels": ome["labels"]}, *self.root)
        found = self._placed(check_labels(doc), "labels")
        self._check_versions(ome, (), found)
        return doc, found

    def _member(
        self, attrs: JsonMapping, name: str, model: type[D], check: Callable[[D], Findings]
    ) -> tuple[D, Findings]:
        ome = self._group(attrs, name)
        doc = validate(model, ome[name], *self.root, name)
        found = self._placed(check(doc), name)
        self._check_versions(ome, (name,), found)
        return doc, found

    def _group(self, attrs: JsonMapping, member: str) -> JsonMapping:
        ome = self.ome(attrs)
        if ome.get(member) is None:
            where = pointer(*self.root, member)
            raise DocumentError([Problem(where, "is required and missing", "missing")])
        return ome

    def _placed(self, found: Findings, *where: str) -> Findings:
        """Make the pointers of findings absolute."""
        prefix = pointer(*self.root, *where)
        if not prefix:
            return found
        return Findings(
            [p._replace(where=prefix + p.where) for p in found.must],
            [p._replace(where=prefix + p.where) for p in found.should],
        )

    @abstractmethod
    def _check_versions(self, ome: JsonMapping, members: tuple[str, ...], found: Findings) -> None:
        """Check the versions that the metadata, or these members of them, state."""

    # -- dumping ---------------------------------------------------------------------------

    def dump_image(self, doc: ImageMeta | None, attrs: JsonMapping) -> JsonObject:
        """Return new attributes of an image's group.

        Parameters
        ----------
        doc : ImageMeta or None
            What is to be written; None takes the image's metadata away.
        attrs : mapping
            Attributes of before; every member that is not the image's is kept.

        Raises
        ------
        DocumentError
            If the document breaks the rules; all problems are listed.
        """
        ome = dict(self.ome(attrs))
        if doc is None:
            for name in self.image_members:
                ome.pop(name, None)
            return self.with_ome(attrs, ome)
        written = self._spell_image(doc)
        for image in written["multiscales"]:
            self._stamp(image)
        for name in ("omero", "image-label"):
            if name in written:
                self._stamp(written[name], add=name == "image-label")
            else:
                ome.pop(name, None)
        ome.update(written)
        return self.with_ome(attrs, ome)

    def _spell_image(self, doc: ImageMeta) -> JsonObject:
        lost = unspeakable(doc, self.version)
        self._accept((doc, self._placed(check_image(doc, recommended=False))), strict=False)
        if lost:
            raise DocumentError(self._placed(Findings(lost, [])).must)
        return doc.replace(multiscales=tuple(map(_canonical, doc.multiscales))).to_json()

    def dump_plate(self, doc: PlateMeta, attrs: JsonMapping) -> JsonObject:
        """Return new attributes of a plate's group; otherwise as :meth:`dump_image`.

        A plate without wells is written with empty arrays: that is not valid by the schema, which
        knows no empty plate, but says to every reader what is there.

        Parameters
        ----------
        doc : PlateMeta
            What is to be written.
        attrs : mapping
            Attributes of before; every other member is kept.

        Raises
        ------
        DocumentError
            If the document breaks the rules; all problems are listed.
        """
        self._accept((doc, self._placed(check_plate(doc), "plate")), strict=False)
        return self._with_member(attrs, "plate", doc)

    def dump_well(self, doc: WellGroupMeta, attrs: JsonMapping) -> JsonObject:
        """Return new attributes of a well's group; otherwise as :meth:`dump_image`.

        A well without fields of view has no metadata, as the specification wants at least one.

        Parameters
        ----------
        doc : WellGroupMeta
            What is to be written.
        attrs : mapping
            Attributes of before; every other member is kept.

        Raises
        ------
        DocumentError
            If the document breaks the rules; all problems are listed.
        """
        if not doc.images:
            ome = dict(self.ome(attrs))
            ome.pop("well", None)
            return self.with_ome(attrs, ome)
        self._accept((doc, self._placed(self._check_well(doc), "well")), strict=False)
        return self._with_member(attrs, "well", doc)

    def dump_labels(self, doc: LabelsMeta, attrs: JsonMapping) -> JsonObject:
        """Return new attributes of the group ``labels``; otherwise as :meth:`dump_image`.

        Parameters
        ----------
        doc : LabelsMeta
            What is to be written.
        attrs : mapping
            Attributes of before; every other member is kept.

        Raises
        ------
        DocumentError
            If the document breaks the rules; all problems are listed.
        """
        self._accept((doc, self._placed(check_labels(doc), "labels")), strict=False)
        return self.with_ome(attrs, {**self.ome(attrs), **doc.to_json()})

    def _with_member(self, attrs: JsonMapping, name: str, doc: Document) -> JsonObject:
        written = doc.to_json()
        self._stamp(written)
        return self.with_ome(attrs, {**self.ome(attrs), name: written})

    @abstractmethod
    def _stamp(self, member: JsonObject, *, add: bool = True) -> None:
        """Give a written member the version, or take it away."""
        """Check the versions that the metadata, or these members of them, state."""


def _canonical(image: MultiScaleMeta) -> MultiScaleMeta:
    """Spell transformations as the specification wants them, with the same meaning."""
    ndim = len(image.axes)
    changes: dict[str, object] = {}
    if not all(is_canonical(dataset.coordinate_transformations) for dataset in image.datasets):
        changes["datasets"] = tuple(_canonical_level(level, ndim) for level in image.datasets)
    whole = image.coordinate_transformations
    if whole and not is_canonical(whole):
        changes["coordinate_transformations"] = canonical_form(whole, ndim)
    return image.replace(**changes) if changes else image


def _canonical_level(level: DatasetMeta, ndim: int) -> DatasetMeta:
    transforms = canonical_form(level.coordinate_transformations, ndim)
    return level.replace(coordinate_transformations=transforms)
