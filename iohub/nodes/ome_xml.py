"""The OME-XML beside images, as bioformats2raw writes it and as OME-TIFFs have it; for reading."""

from __future__ import annotations

from typing import Any

from iohub.errors import DocumentError, Problem
from iohub.metadata import series as layout
from iohub.nodes.base import NGFFNode, join
from iohub.optional import need
from iohub.storage.keys import parents


class OmeXmlVerbs(NGFFNode):
    """The OME-XML of a node; see :class:`Series`, where it can be written too."""

    @property
    def ome_xml(self) -> str | None:
        """Text of ``OME/METADATA.ome.xml`` of the node, or of what it lies in; None without one.

        Raises
        ------
        DocumentError
            If it is no text.
        """
        return self._read_ome_xml()

    @property
    def ome(self) -> Any:
        """The same as an ``ome_types.OME``, None if there is none.

        Thousands of planes take seconds to parse.

        Raises
        ------
        MissingDependencyError
            If ome-types is not installed.
        DocumentError
            If the file is no OME-XML.
        """
        return self._read_ome()

    def _read_ome_xml(self) -> str | None:
        self._session.check_open()
        for path in (self._group.path, *parents(self._group.path)):
            raw = self._group.store.get(join(path, layout.FOLDER, layout.XML))
            if raw is not None:
                try:
                    return raw.decode("utf-8-sig")
                except UnicodeDecodeError as error:
                    raise self._no_xml(f"is not in UTF-8: {error}") from error
        return None

    def _read_ome(self) -> Any:
        text = self._read_ome_xml()
        if text is None:
            return None
        ome_types = need("ome_types", extra="ome", why="OME-XML")
        self._check_xml(text.encode())
        try:
            return ome_types.from_xml(text)
        except ValueError as error:
            raise self._no_xml(f"does not follow its schema: {error}") from error

    def _check_xml(self, raw: bytes) -> None:
        problem = layout.xml_problem(raw)
        if problem is not None:
            raise self._no_xml(problem)

    def _no_xml(self, problem: str) -> DocumentError:
        where = join(self.url, layout.FOLDER, layout.XML)
        return DocumentError([Problem("", f"the XML {problem}", "series-xml-form")], where)
