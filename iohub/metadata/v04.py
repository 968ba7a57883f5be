"""How OME-Zarr 0.4 spells the documents: at the top of the attributes, each with its version."""

from __future__ import annotations

from iohub.errors import Problem
from iohub.metadata.check_plate import read_plate
from iohub.metadata.documents import Findings, pointer, validate
from iohub.metadata.plate import PlateMeta
from iohub.metadata.spelling import BaseSpelling
from iohub.types import JsonMapping, JsonObject


class Spelling04(BaseSpelling):
    """OME-Zarr 0.4, on Zarr v2."""

    version = "0.4"
    zarr_format = 2

    def ome(self, attrs: JsonMapping) -> JsonMapping:
        """Return the attributes: they hold the metadata themselves.

        Parameters
        ----------
        attrs : mapping
            Attributes of a group.
        """
        return attrs

    def with_ome(self, attrs: JsonMapping, ome: JsonMapping) -> JsonObject:
        """Return new attributes.

        Parameters
        ----------
        attrs, ome : mapping
            Attributes of before and of now.
        """
        return dict(ome)

    def _plate(self, attrs: JsonMapping) -> tuple[PlateMeta, Findings]:
        ome = self._group(attrs, "plate")
        self._require_plate(ome)
        doc, found = read_plate(validate(PlateMeta, ome["plate"], "plate"))
        found = self._placed(found, "plate")
        self._check_versions(ome, ("plate",), found)
        return doc, found

    def _check_versions(self, ome: JsonMapping, members: tuple[str, ...], found: Findings) -> None:
        for name in members:
            holders = ome.get(name)
            for index, holder in enumerate(holders if isinstance(holders, list) else [holders]):
                where = (name, index) if isinstance(holders, list) else (name,)
                if holder is not None:
                    self._check_version(holder, pointer(*where, "version"), name, found)

    def _check_version(self, holder: JsonMapping, where: str, name: str, found: Findings) -> None:
        version = holder.get("version")
        if version is None:
            if name != "omero":
                found.should.append(Problem(where, "should be there", "version-missing"))
        elif version != self.version and name == "omero":
            text = f"should be {self.version!r}, found {version!r}"
            found.should.append(Problem(where, text, "version"))
        elif version != self.version:
            text = f"must be {self.version!r}, found {version!r}"
            found.must.append(Problem(where, text, "version"))

    def _stamp(self, member: JsonObject, *, add: bool = True) -> None:
        if not add and "version" not in member:
            return
        rest = {name: value for name, value in member.items() if name != "version"}
        member.clear()
        member["version"] = self.version
        member.update(rest)
