"""How OME-Zarr 0.6 spells the documents: as 0.5, with coordinate systems and scenes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from iohub.errors import DocumentError, Problem
from iohub.metadata.check_image import check_label_and_channels
from iohub.metadata.check_plate import check_well, read_plate
from iohub.metadata.check_v06 import check_multiscale
from iohub.metadata.documents import Document, Findings, Many, pointer, validate
from iohub.metadata.drafts import DRAFTS, DraftOme, modernise
from iohub.metadata.image import ImageMeta
from iohub.metadata.labels import ImageLabelMeta
from iohub.metadata.names import check_free_field
from iohub.metadata.omero import OMEROMeta
from iohub.metadata.plate import PlateMeta, WellGroupMeta
from iohub.metadata.scene import SceneMeta, check_scene
from iohub.metadata.telling import tell
from iohub.metadata.v05 import Spelling05
from iohub.metadata.v06_image import Multiscale, from_neutral, to_neutral
from iohub.types import JsonMapping, JsonObject

D = TypeVar("D", bound=Document)

RELEASED = ("0.6", "0.6rc0")
"""Versions of one and the same shape, the first of which is written."""

READ_AS_06 = frozenset((*RELEASED, *DRAFTS))
"""Versions that are read as 0.6."""


class StoredImage(Document):
    """The members of an image's group, as they are stored.

    Attributes
    ----------
    multiscales : tuple of Multiscale
        Usually one.
    omero : OMEROMeta or None
        Channels and rendering defaults.
    image_label : ImageLabelMeta or None
        Colours and properties of labels.
    """

    multiscales: Many[Multiscale]
    omero: OMEROMeta | None = None
    image_label: ImageLabelMeta | None = None


class Spelling06(Spelling05):
    """OME-Zarr 0.6, on Zarr v3."""

    version = RELEASED[0]
    check_field = staticmethod(check_free_field)

    def ome(self, attrs: JsonMapping) -> JsonMapping:
        """Return the member ``ome`` in the released shape, an empty mapping if there is none.

        Parameters
        ----------
        attrs : mapping
            Attributes of a group.

        Raises
        ------
        DocumentError
            If the member is something else than an object.
        """
        ome = super().ome(attrs)
        return modernise(ome) if ome.get("version") in DRAFTS else ome

    # -- parsing ---------------------------------------------------------------------------

    def parse_scene(self, attrs: JsonMapping, strict: bool = False) -> SceneMeta:
        """Return the document of a scene.

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
        return self._accept(self._member(attrs, "scene", SceneMeta, check_scene), strict)

    def _readers(self) -> list[tuple[str, Callable[[JsonMapping], tuple[Document, Findings]]]]:
        readers = dict(super()._readers())
        readers["multiscales"] = self._stored_image
        readers["scene"] = lambda attrs: self._member(attrs, "scene", SceneMeta, check_scene)
        return list(readers.items())

    def _accept(self, read: tuple[D, Findings], strict: bool) -> D:
        doc = super()._accept(read, strict)
        for problem in read[1].should:
            if problem.code in _WARNED:
                tell(problem.what)
        return doc

    def _check_versions(self, ome: JsonMapping, members: tuple[str, ...], found: Findings) -> None:
        version = ome.get("version")
        where = pointer(*self.root, "version")
        if version in DRAFTS:
            shapes = ome.shapes if isinstance(ome, DraftOme) else ()
            text = f"OME-Zarr {version} is a draft of {self.version} and read as such"
            if shapes:
                text += f", although {'; '.join(shapes)}"
            found.should.append(Problem(where, text, "version-draft"))
        elif version not in RELEASED:
            super()._check_versions(ome, members, found)

    def _image(self, attrs: JsonMapping, *, recommended: bool = True) -> tuple[ImageMeta, Findings]:
        stored, found = self._stored_image(attrs, recommended=recommended)
        # What breaks the rules has no neutral form; the findings say all there is to say.
        images = () if found.must else tuple(map(to_neutral, stored.multiscales))
        doc = ImageMeta(multiscales=images, omero=stored.omero, image_label=stored.image_label)
        return doc, found

    def _stored_image(
        self, attrs: JsonMapping, *, recommended: bool = True
    ) -> tuple[StoredImage, Findings]:
        ome = self._group(attrs, "multiscales")
        members = {name: ome[name] for name in self.image_members if name in ome}
        stored = validate(StoredImage, members, *self.root)
        found = self._placed(_check_stored(stored, recommended=recommended))
        self._check_versions(ome, self.image_members, found)
        return stored, found

    def _plate(self, attrs: JsonMapping) -> tuple[PlateMeta, Findings]:
        ome = self._group(attrs, "plate")
        self._require_plate(ome)
        doc, found = read_plate(validate(PlateMeta, ome["plate"], *self.root, "plate"))
        found = self._placed(found, "plate")
        self._check_versions(ome, ("plate",), found)
        return doc, found

    def _check_well(self, doc: WellGroupMeta) -> Findings:
        found = check_well(doc)
        # Names that are new in 0.6 are as good as others.
        should = [problem for problem in found.should if problem.code != "field-name"]
        for index, image in enumerate(doc.images):
            if image.path.startswith("__"):
                text = f"must not start with '__', found {image.path!r}"
                found.must.append(Problem(pointer("images", index, "path"), text, "field-name"))
        return Findings(found.must, should)

    # -- dumping ---------------------------------------------------------------------------

    def dump_scene(self, doc: SceneMeta | None, attrs: JsonMapping) -> JsonObject:
        """Return new attributes of a scene's group.

        Parameters
        ----------
        doc : SceneMeta or None
            What is to be written; None takes the scene's metadata away.
        attrs : mapping
            Attributes of before; every other member is kept.

        Raises
        ------
        DocumentError
            If the document breaks the rules; all problems are listed.
        """
        if doc is None:
            ome = dict(self.ome(attrs))
            ome.pop("scene", None)
            return self.with_ome(attrs, ome)
        self._require_written(self._placed(check_scene(doc), "scene"))
        return self._with_member(attrs, "scene", doc)

    def _spell_image(self, doc: ImageMeta) -> JsonObject:
        stored = StoredImage(
            multiscales=tuple(map(from_neutral, doc.multiscales)),
            omero=doc.omero,
            image_label=doc.image_label,
        )
        found = self._placed(_check_stored(stored, recommended=False))
        self._require_written(found)
        return stored.to_json()

    def _require_written(self, found: Findings) -> None:
        """Refuse to write what is read out of leniency only."""
        lenient = [problem for problem in found.should if problem.code in _NEVER_WRITTEN]
        if found.must or lenient:
            raise DocumentError(found.must + lenient)


# Said when a document is read, since not all of it can be used.
_WARNED = {"transform-unknown", "version-draft"}

# The schemas refuse these.
_NEVER_WRITTEN = {"axes-count", "axes-space", "reference-members", "scale-positive"}


def _check_stored(stored: StoredImage, *, recommended: bool) -> Findings:
    found = Findings.none()
    if not stored.multiscales:
        text = "must have at least one image"
        found.must.append(Problem("/multiscales", text, "multiscales-empty"))
    for index, image in enumerate(stored.multiscales):
        part = check_multiscale(image, pointer("multiscales", index), recommended=recommended)
        found.must.extend(part.must)
        found.should.extend(part.should)
    check_label_and_channels(stored.omero, stored.image_label, found, recommended=recommended)
    return found
