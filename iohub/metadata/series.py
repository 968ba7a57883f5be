"""The layout of bioformats2raw: several images in one group, and the list that orders them.

Source: OME-Zarr specification, section "bioformats2raw.layout" (transitional), all versions.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.parsers import expat

from iohub.errors import DocumentError, ExistsError, Problem
from iohub.metadata.documents import pointer
from iohub.metadata.names import check_member_path, path_problem
from iohub.metadata.versions import Spelling
from iohub.types import JsonMapping, JsonObject

LAYOUT = "bioformats2raw.layout"
LAYOUT_VERSION = 3
"""The only version of the layout there is."""

FOLDER = "OME"
"""Name of the group that holds the list, and the file with the OME-XML."""

XML = "METADATA.ome.xml"
"""Name of the file in it with the OME-XML."""

_SERIES = "series"


def write_layout(spelling: Spelling, attrs: JsonMapping) -> JsonObject:
    """Return new attributes of a group that say it has this layout.

    Parameters
    ----------
    spelling : Spelling
        How its version writes them.
    attrs : mapping
        Attributes of before.
    """
    return spelling.with_ome(attrs, {**spelling.ome(attrs), LAYOUT: LAYOUT_VERSION})


def check_layout(spelling: Spelling, attrs: JsonMapping) -> None:
    """Refuse a version of the layout that there is not.

    Parameters
    ----------
    spelling : Spelling
        How the group's version writes the metadata.
    attrs : mapping
        Attributes of the group.

    Raises
    ------
    DocumentError
        If it is another one than 3.
    """
    found = spelling.ome(attrs).get(LAYOUT)
    if found is not None and (isinstance(found, bool) or found != LAYOUT_VERSION):
        where = pointer(*spelling.root, LAYOUT)
        text = f"must be {LAYOUT_VERSION}, found {found!r:.80}"
        raise DocumentError([Problem(where, text, "bioformats2raw")])


def read_series(spelling: Spelling, attrs: JsonMapping) -> tuple[str, ...] | None:
    """Return the paths of the images in order; None if the group ``OME`` lists none.

    Parameters
    ----------
    spelling : Spelling
        How its version writes the metadata.
    attrs : mapping
        Attributes of the group ``OME``; the list at the top, as 0.4 has it, is read in any version.

    Raises
    ------
    DocumentError
        If it is no array of paths inside the layout, each once; all problems are listed.
    """
    listed = spelling.ome(attrs).get(_SERIES)
    where: tuple[str, ...] = (*spelling.root, _SERIES)
    if listed is None and attrs.get(_SERIES) is not None:
        listed, where = attrs[_SERIES], (_SERIES,)
    if listed is None:
        return None
    if not isinstance(listed, list):
        text = f"must be an array of paths, found {listed!r:.80}"
        raise DocumentError([Problem(pointer(*where), text, "series")])
    problems, seen = [], set()
    for index, path in enumerate(listed):
        wrong = path_problem(path) if isinstance(path, str) else "is no string"
        wrong = wrong or ("is there twice" if path in seen else None)
        if wrong:
            text = f"the path {path!r:.80} {wrong}"
            problems.append(Problem(pointer(*where, index), text, "series"))
        elif isinstance(path, str):
            seen.add(path)
    if problems:
        raise DocumentError(problems)
    return tuple(listed)


def write_series(spelling: Spelling, attrs: JsonMapping, series: Iterable[str]) -> JsonObject:
    """Return new attributes of the group ``OME`` with another list.

    Parameters
    ----------
    spelling : Spelling
        How its version writes the metadata.
    attrs : mapping
        Attributes of before.
    series : iterable of str
        Paths of the images in order.
    """
    return spelling.with_ome(attrs, {**spelling.ome(attrs), _SERIES: list(series)})


def xml_problem(text: bytes) -> str | None:
    """Return why a text is no OME-XML, None if it may be; its schema is not looked at.

    Parameters
    ----------
    text : bytes
        The file.
    """
    roots: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, _: None if roots else roots.append(name)
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        return f"is not well-formed: {error}"
    name = roots[0].rpartition(" ")[2]
    return None if name == "OME" else f"begins with the element {name!r} rather than 'OME'"


def check_series_path(path: str, known: Iterable[str]) -> str:
    """Return the path of a new image if it is allowed.

    Parameters
    ----------
    path : str
        Relative to the group with the layout.
    known : iterable of str
        Paths of the images there are.

    Raises
    ------
    PathError
        If it leads out of the group, or into the group ``OME``.
    ExistsError
        If there is such an image, or it would lie inside of one, or one inside of it.
    """
    first = check_member_path(path).split("/", maxsplit=1)[0]
    for other in (*known, *([FOLDER] if first == FOLDER else [])):
        if path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/"):
            raise ExistsError(f"{path!r} is taken, or would lie in {other!r}")
    return path
