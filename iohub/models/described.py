"""Groups whose metadata are one document, which the spelling of the version reads and writes."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from iohub.metadata.documents import Document
from iohub.models.ome_group import OmeGroup
from iohub.types import JsonMapping, JsonObject


class DescribedGroup(OmeGroup):
    """A group with one document."""

    document: ClassVar[Literal["image", "labels", "plate", "scene", "well"]]
    """What the spelling calls it."""

    key: ClassVar[str]
    """Member of the metadata that holds it."""

    @classmethod
    def _parse(cls, attrs: JsonMapping) -> Document:
        parse: Any = getattr(cls.spelling(), f"parse_{cls.document}")
        found: Document = parse(attrs)
        return found

    @classmethod
    def check(cls, attrs: JsonMapping) -> JsonObject:
        """Return the metadata if they follow the rules.

        Parameters
        ----------
        attrs : mapping
            Attributes of the group.

        Raises
        ------
        DocumentError
            If there are none or they break the rules; all problems are listed.
        """
        cls._parse(attrs)
        return dict(cls.spelling().ome(attrs))

    @classmethod
    def dump(cls, attrs: JsonObject) -> JsonObject:
        """Return the attributes as they are written.

        Parameters
        ----------
        attrs : dict
            Attributes that follow the rules for reading.

        Raises
        ------
        DocumentError
            If they do not follow those for writing; all problems are listed.
        """
        dump: Any = getattr(cls.spelling(), f"dump_{cls.document}")
        written: JsonObject = dump(cls._parse(attrs), attrs)
        return written

    @classmethod
    def applies(cls, attrs: JsonMapping) -> bool:
        """Whether a group has such a document.

        Parameters
        ----------
        attrs : mapping
            Attributes of the group.
        """
        return cls.spelling().has(attrs, cls.key)
