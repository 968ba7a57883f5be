"""Verbs of the labels of a position that move and remove them, with all that refers to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iohub.errors import MissingNodeError
from iohub.metadata import edits_labels
from iohub.nodes.base import NGFFNode, join
from iohub.nodes.tables import moved_regions
from iohub.storage.transaction import Transaction, moving

if TYPE_CHECKING:
    from iohub.nodes.label import Label
    from iohub.nodes.position import Position
    from iohub.storage.group import ZarrGroup


class LabelMoveVerbs(NGFFNode):
    """Rename and remove label images.

    See :class:`NGFFNode` for the parameters; `image` is the position that was labelled.
    """

    def __init__(self, *args: Any, image: Position | None = None, **kwargs: Any):
        self._image = image
        super().__init__(*args, **kwargs)

    def _label(self, path: str) -> Label:
        raise self._missing(path)

    def _position(self, path: object) -> Position:
        """Return the position that the labels are of."""
        if self._image is None:
            hint = "Open the position to change its labels."
            raise MissingNodeError(path, f"labels {self.url}", (), hint)
        return self._image

    def _make_between(self, edit: Transaction, name: str) -> None:
        """Make the groups above a nested label image, which carry no metadata."""
        parts = name.split("/")
        for count in range(1, len(parts)):
            between = "/".join(parts[:count])
            if not self._group.group(between).exists():
                edit.put_attrs(join(edits_labels.FOLDER, between), {})

    def __delitem__(self, key: Any) -> None:
        """Delete a label image, and what the metadata say of it.

        Parameters
        ----------
        key : str
            Its path.

        Raises
        ------
        MissingNodeError
            If there is no such label image; a :class:`KeyError`.
        """
        self._session.check_writable()
        name = "/".join(self._split(key))
        image = self._position(name)
        with moving(image._group, [join(edits_labels.FOLDER, name)]) as edit:
            there = self._group.group(name).exists()
            if name not in self._names() and not (there and isinstance(self[name], Label)):
                raise self._missing(name)
            listed = edits_labels.remove_label(self._document(), name)
            folder = edits_labels.FOLDER
            if there and not listed.labels and self._only(name):
                edit.delete(folder)
            else:
                if there:
                    edit.delete(join(folder, self._emptied(name)))
                edit.put_attrs(folder, self._dump(listed, self._attrs()))
            self._move_links(edit, name, None)

    def _emptied(self, name: str) -> str:
        """Return the topmost group that holds nothing but this label image."""
        parts = name.split("/")
        while len(parts) > 1:
            above = self._group.group("/".join(parts[:-1]))
            if above.group_names() != [parts[-1]] or above.array_names():
                break
            parts.pop()
        return "/".join(parts)

    def _only(self, name: str) -> bool:
        """Whether the group of the labels holds nothing but what goes with this one."""
        own = self._emptied(name)
        others = [group for group in self._group.group_names() if group != own]
        return all(_is_hollow(self._group.group(group)) for group in others)

    def rename(self, old: str, new: str) -> Label:
        """Rename a label image, with what refers to it: the list, links and tables.

        Parameters
        ----------
        old, new : str
            Its path before and now.

        Returns
        -------
        Label
            The label image under its new path.

        Raises
        ------
        MissingNodeError
            If there is no label image `old`; a :class:`KeyError`.
        ExistsError
            If there is a label image `new`.
        PathError
            If the new path is not allowed.
        """
        self._session.check_writable()
        before, after = "/".join(self._split(old)), str(new)
        image = self._position(before)
        folder = edits_labels.FOLDER
        with moving(image._group, [join(folder, before)]) as edit:
            if before not in self._names():
                raise self._missing(before)
            listed = edits_labels.rename_label(self._document(), before, after)
            label = self[before]
            if before != after:
                edit.move(join(folder, before), join(folder, after))
                self._make_between(edit, after)
                attrs = label._group.attrs()
                renamed = _renamed(label._document(), before, after)
                edit.put_attrs(
                    join(folder, after),
                    attrs if renamed is None else label._dump(renamed, attrs),
                    source=join(folder, before),
                )
                edit.put_attrs(folder, self._dump(listed, self._attrs()))
                self._move_links(edit, before, after)
                for path, changed in moved_regions(image._group, before, after):
                    edit.put_attrs(path, changed)
        return self._label(after)

    def _move_links(self, edit: Transaction, old: str, new: str | None) -> None:
        """Let the image's own transformations follow a label image."""
        image = self._position(old)
        document = image._document()
        if document is None:
            return
        moved = edits_labels.moved_links(document, old, new)
        if moved is not document:
            edit.put_attrs("", image._dump(moved, image._group.attrs()))


def _renamed(document: Any, old: str, new: str) -> Any:
    """Return a label image's document with another path, where that is said in it."""
    if document is None:
        return None
    source = edits_labels.label_of(document).source
    if source is not None and (source.image or "").rstrip("/") == edits_labels.way_up(old)[:-1]:
        document = edits_labels.set_source(document, edits_labels.way_up(new))
    first = document.multiscales[0]
    if first.name == old.rpartition("/")[2]:
        image = first.replace(name=new.rpartition("/")[2])
        document = document.replace(multiscales=(image, *document.multiscales[1:]))
    return document


def _is_hollow(group: ZarrGroup) -> bool:
    """Whether a group was between others only: no metadata, no array, nothing below."""
    below = [] if group.attrs() or group.array_names() else group.group_names()
    empty = not group.attrs() and not group.array_names()
    return empty and all(_is_hollow(group.group(name)) for name in below)
