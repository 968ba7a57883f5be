"""What is on disk and in no list; looked for only where listing is cheap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from iohub.models.validator.collector import Collector, Weight
from iohub.models.validator.loading import Documents, Node, Want
from iohub.storage.keys import join

_WHAT = {
    "well": ("well", ("plate", "wells"), "the well {!r} is there and not listed"),
    "field": ("multiscales", ("well", "images"), "the image {!r} is there and not listed"),
    "label": ("multiscales", ("labels",), "the label image {!r} is there and not listed"),
}


def check_unlisted(
    documents: Documents,
    group: Node,
    listed: Sequence[str],
    what: Literal["well", "field", "label"],
    out: Collector,
) -> None:
    """Look for wells, fields of view or label images that no list names.

    Parameters
    ----------
    documents : Documents
        Reads the hierarchy.
    group : Node
        Whose list it is.
    listed : sequence of str
        What is listed, relative to the group.
    what : {"well", "field", "label"}
        What is looked for.
    out : Collector
        Gets what is wrong.
    """
    if not documents.store.has_tokens:
        return
    member, where, text = _WHAT[what]
    for path in unlisted(documents, group.path, listed, depth=2 if what == "well" else 1):
        [node] = documents.load([Want(join(group.path, path), optional=True)])
        if node.what == "group" and node.meta.ome.get(member) is not None:
            weight: Weight = "should" if what == "label" else "may"
            out.member(group, f"{what}-unlisted", text.format(path), *where, weight=weight)


def unlisted(documents: Documents, base: str, listed: Sequence[str], depth: int) -> list[str]:
    """Return folders below a group that are not listed, nor above or below what is.

    Parameters
    ----------
    documents : Documents
        Reads the hierarchy.
    base : str
        Path of the group.
    listed : sequence of str
        What is listed, relative to the group.
    depth : int
        How far below the group to look.
    """
    known = set(listed)
    above = {
        path.rsplit("/", count)[0] for path in listed for count in range(1, path.count("/") + 1)
    }
    found = [""]
    for _ in range(depth):
        found = [
            join(path, name)
            for path in found
            if path not in known
            for name in documents.store.list_dir(documents.key(join(base, path)))[0]
        ]
    return [path for path in found if path not in known and path not in above]
