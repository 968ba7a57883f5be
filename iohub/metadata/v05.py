"""How OME-Zarr 0.5 spells the documents: under the key ``ome``, with one version for the group."""

from __future__ import annotations

from collections.abc import Mapping

from iohub.errors import DocumentError, Problem
from iohub.metadata.documents import Findings, pointer
from iohub.metadata.spelling import BaseSpelling
from iohub.types import JsonMapping, JsonObject


class Spelling05(BaseSpelling):
    """OME-Zarr 0.5, on Zarr v3."""

    version = "0.5"
    zarr_format = 3
    root = ("ome",)

    def ome(self, attrs: JsonMapping) -> JsonMapping:
        """Return the member ``ome``, an empty mapping if there is none.

        Parameters
        ----------
        attrs : mapping
            Attributes of a group.

        Raises
        ------
        DocumentError
            If the member is something else than an object.
        """
        ome = attrs.get("ome")
        if ome is None:
            return {}
        if not isinstance(ome, Mapping):
            raise DocumentError([Problem("/ome", f"must be an object, found {ome!r:.80}", "type")])
        return ome

    def with_ome(self, attrs: JsonMapping, ome: JsonMapping) -> JsonObject:
        """Return new attributes with another member ``ome``, which gets the version.

        Parameters
        ----------
        attrs, ome : mapping
            Attributes of a group; the new member.
        """
        rest = {name: value for name, value in ome.items() if name != "version"}
        return {**attrs, "ome": {"version": self.version, **rest}}

    def _check_versions(self, ome: JsonMapping, members: tuple[str, ...], found: Findings) -> None:
        version = ome.get("version")
        where = pointer("ome", "version")
        if version is None:
            found.should.append(Problem(where, "must be there", "version-missing"))
        elif version != self.version:
            text = f"must be {self.version!r}, found {version!r}"
            found.must.append(Problem(where, text, "version"))

    def _stamp(self, member: JsonObject, *, add: bool = True) -> None:
        member.pop("version", None)
