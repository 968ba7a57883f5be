"""The layout of bioformats2raw: images in a row, told by a list or by their numbers.

Source: OME-Zarr specification, section "bioformats2raw.layout".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from iohub.metadata.series import xml_problem
from iohub.models.validator.collector import Collector
from iohub.models.validator.loading import Node
from iohub.models.validator.members import followed

XML = "OME/METADATA.ome.xml"
"""Where the OME-XML is."""

LAYOUT = "bioformats2raw.layout"
_STEP = 16
_IMAGE = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?Image[\s>]")
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)


class SeriesSearch:
    """Finds the images: those that are listed, or all from 0 to the first that is not there.

    Parameters
    ----------
    group : Node
        The group with the layout.
    """

    def __init__(self, group: Node):
        self.group = group
        self.paths: list[str] = []
        self.listed: list[object] | None = None
        self.probing = False

    def next_paths(self, about: Node, found: Sequence[Node]) -> list[str]:
        """Return where to look next; empty if all is found.

        Parameters
        ----------
        about : Node
            The group ``OME``.
        found : sequence of Node
            What was found so far.
        """
        if not self.paths:
            stated = about.meta.ome.get("series")
            if isinstance(stated, list):
                self.listed = stated
                self.paths = [path for path in stated if followed(path)]
                return self.paths
            self.probing = True
        if not self.probing or any(node.what == "missing" for node in found):
            return []
        fresh = [str(index) for index in range(len(self.paths), len(self.paths) + _STEP)]
        self.paths += fresh
        return fresh


def check_layout(group: Node, out: Collector) -> None:
    """Check the number of the layout.

    Parameters
    ----------
    group : Node
        The group with the layout.
    out : Collector
        Gets what is wrong.
    """
    stated = group.meta.ome.get(LAYOUT)
    if stated != 3 or isinstance(stated, bool) or not isinstance(stated, int):
        out.member(group, "layout-version", f"must be the number 3, found {stated!r:.80}", LAYOUT)


def check_series(
    group: Node,
    about: Node,
    search: SeriesSearch,
    found: Sequence[Node],
    xml: bytes | None,
    out: Collector,
) -> list[Node]:
    """Check the images of the layout.

    Parameters
    ----------
    group, about : Node
        The group with the layout, and the group ``OME`` in it.
    search : SeriesSearch
        Where was looked.
    found : sequence of Node
        What was found.
    xml : bytes or None
        The OME-XML.
    out : Collector
        Gets what is wrong.

    Returns
    -------
    list of Node
        The images, to be checked themselves.
    """
    if search.listed is not None:
        _check_list(about, search.listed, out)
    else:
        ends = (index for index, node in enumerate(found) if node.what == "missing")
        found = found[: next(ends, len(found))]
    images = []
    for path, node in zip(search.paths, found, strict=False):
        if node.what in ("missing", "foreign"):
            holder = about if search.listed is not None else group
            out.member(holder, "series-missing", f"there is no image {path!r}", "series")
        elif node.what == "group" and node.meta.version and _is_no_image(node):
            out.member(node, "series-image", "must have 'multiscales'", "multiscales")
        else:
            images.append(node)
    if not images and search.listed is None:
        text = "there are no images: neither OME/series nor a group '0'"
        out.member(group, "series-missing", text, LAYOUT)
    if xml is None:
        text = f"there is no {XML}"
        out.member(group, "series-xml", text, LAYOUT, weight="should")
    else:
        problem = xml_problem(xml)
        if problem is not None:
            out.member(group, "series-xml-form", f"{XML} {problem}", LAYOUT)
            return images
        count = len(_IMAGE.findall(_COMMENT.sub(b"", xml)))
        if count != len(search.paths if search.listed is not None else found):
            text = f"{XML} describes {count} images, and there are {len(images)}"
            out.member(group, "series-count", text, LAYOUT, weight="should")
    return images


def _is_no_image(node: Node) -> bool:
    return node.meta.ome.get("multiscales") is None


def _check_list(about: Node, listed: Sequence[object], out: Collector) -> None:
    seen: set[object] = set()
    for index, path in enumerate(listed):
        if not followed(path):
            text = f"must be the path of a group, found {path!r:.80}"
            out.member(about, "path", text, "series", index)
        elif path in seen:
            out.member(about, "series-image", f"{path!r} is there twice", "series", index)
        seen.add(path if isinstance(path, str) else None)
