"""The plan of a repair: what each document is to be; gathered first, then written together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from iohub.errors import DocumentError
from iohub.metadata.documents import thaw
from iohub.metadata.versions import Spelling
from iohub.models.mending.changes import Change
from iohub.models.validator.loading import Documents, Node, Want
from iohub.storage.documents import encode_document, parse_document
from iohub.storage.hierarchy import attributes_name, group_documents, where
from iohub.storage.keys import join
from iohub.types import JsonObject


def reason(node: Node) -> str:
    """Return why what lies at a place is not what it should be.

    Parameters
    ----------
    node : Node
        As it was read.
    """
    if node.what == "broken":
        return f"its document: {node.problems[0].what}"
    if node.what == "foreign":
        return f"what is there {node.problems[0].what}"
    return "there is no document" if node.what == "missing" else "its metadata describe no image"


@dataclass
class Plan:
    """Collects changes.

    Attributes
    ----------
    documents : Documents
        Reads the hierarchy.
    spelling : Spelling
        The version that documents are written in.
    changes : list of Change
        What is changed.
    left : list of str
        What cannot be repaired.
    """

    documents: Documents
    spelling: Spelling
    changes: list[Change] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    _puts: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def puts(self) -> list[tuple[str, bytes]]:
        """Documents to write, by keys relative to what is repaired."""
        return self._puts

    def load(self, *paths: str) -> list[Node]:
        """Read groups.

        Parameters
        ----------
        *paths : str
            Below what is repaired.
        """
        return self.documents.load([Want(path, optional=True) for path in paths])

    def folders(self, path: str) -> list[str]:
        """Return the folders right below a group.

        Parameters
        ----------
        path : str
            Of the group.
        """
        return self.documents.store.list_dir(self.documents.key(path))[0]

    def held(self, paths: Iterable[str]) -> dict[str, str]:
        """Return places where something lies, with what is wrong with it; pixels may be there.

        Parameters
        ----------
        paths : iterable of str
            Places where no group of an image was found.
        """
        places = list(paths)
        nodes = zip(places, self.load(*places), strict=True)
        return {
            path: reason(node) for path, node in nodes if node.what != "missing" or self.holds(path)
        }

    def holds(self, path: str) -> bool:
        """Whether there is any folder or file below a path.

        Parameters
        ----------
        path : str
            Below what is repaired.
        """
        return any(self.documents.store.list_dir(self.documents.key(path)))

    def group(self, node: Node, attrs: JsonObject, what: list[str]) -> None:
        """Give a group these attributes.

        Parameters
        ----------
        node : Node
            As it was read; a missing or broken document is written anew.
        attrs : dict
            All its attributes.
        what : list of str
            What is changed; nothing is if it is empty and the attributes are as before.
        """
        form = self.documents.zarr_format
        store, name = self.documents.store, attributes_name(form)
        key = self.documents.key(node.path, name)
        if node.what == "group":
            unmarked = any(problem.code == "zgroup-missing" for problem in node.problems)
            if unmarked:
                mark = {"zarr_format": 2}
                why = ("the document that makes it a group is written",)
                self.changes.append(Change(node.path, ".zgroup", why, None, mark))
                self._puts.append((join(node.path, ".zgroup"), encode_document(mark, key)))
            if attrs == node.meta.attrs:
                return
            raw = store.get(key)
            before = thaw(node.meta.attrs)
            document: JsonObject = attrs
            if form == 3:
                document = {**parse_document(raw or b"", key), "attributes": attrs}
                document.pop("consolidated_metadata", None)
            said = tuple(what) or ("the metadata are brought into accord with each other",)
            self.changes.append(Change(node.path, name, said, before, attrs))
            place = join(node.path, name)
            self._puts.append((place, encode_document(document, where(store, key), raw or b"")))
            return
        made = dict(group_documents(node.path, form, attrs))
        leftover = self.documents.key(node.path, ".zattrs")
        if form == 2 and not attrs and store.get(leftover) is not None:
            made[join(node.path, ".zattrs")] = encode_document({}, leftover)
        for place, value in made.items():
            if self._is_there(place, value):
                continue
            anew = ("the document of the group is written anew", *what)
            file = place.rpartition("/")[2]
            self.changes.append(Change(node.path, file, anew, None, parse_document(value, place)))
            self._puts.append((place, value))

    def _is_there(self, place: str, value: bytes) -> bool:
        """Whether a document says already what it is to say."""
        raw = self.documents.store.get(self.documents.key(place))
        with suppress(DocumentError):
            return raw is not None and parse_document(raw, place) == parse_document(value, place)
        return False

    def array(
        self, node: Node, what: list[str], change: Callable[[JsonObject], JsonObject]
    ) -> None:
        """Change the document of an array.

        Parameters
        ----------
        node : Node
            As it was read.
        what : list of str
            What is changed.
        change : callable
            Takes the document, returns the new one.
        """
        store = self.documents.store
        key = self.documents.key(node.path, node.document)
        raw = store.get(key) or b""
        try:
            before = parse_document(raw, key)
        except DocumentError:
            return
        after = change(parse_document(raw, key))
        if after != before:
            self.changes.append(Change(node.path, node.document, tuple(what), before, after))
            place = join(node.path, node.document)
            self._puts.append((place, encode_document(after, where(store, key), raw)))
