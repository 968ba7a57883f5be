"""Documents of groups and arrays, read in batches; equal documents are parsed and judged once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

from iohub.errors import DocumentError, DTypeError, IohubError, LayoutError, Problem, VersionError
from iohub.metadata import versions
from iohub.metadata.documents import Findings
from iohub.models.validator.members import Image, images_in
from iohub.storage import hierarchy
from iohub.storage.documents import parse_document
from iohub.storage.protocol import ByteStore
from iohub.storage.spec import ArraySpec
from iohub.types import JsonObject

What: TypeAlias = Literal["group", "array", "missing", "broken", "foreign"]

_REMEMBERED = 2048
_NO_JSON = (b"NaN", b"Infinity")
_MARK = b'{"zarr_format": 2}'
_Raw: TypeAlias = "bytes | OSError | None"


class Want(NamedTuple):
    """What is to be read.

    Attributes
    ----------
    path : str
        Below what is validated.
    what : {"group", "array", "any"}
        What should be there.
    optional : bool
        Whether nothing may be there.
    """

    path: str
    what: Literal["group", "array", "any"] = "group"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Meta:
    """What the attributes of a group say.

    Attributes
    ----------
    attrs : dict
        As they are stored.
    kind : str or None
        Of metadata; None if there are none of OME.
    version : str or None
        None if it is not known.
    ome : mapping
        The members of OME, in the released shape.
    root : tuple of str
        Keys from the attributes to them.
    findings : Findings
        What is wrong in them; pointers are relative to the attributes.
    images : tuple of Image
        Those that are described.
    """

    attrs: JsonObject
    kind: str | None = None
    version: str | None = None
    ome: Any = field(default_factory=dict)
    root: tuple[str, ...] = ()
    findings: Findings = field(default_factory=Findings.none)
    images: tuple[Image, ...] = ()


_NOTHING = Meta({})


@dataclass(frozen=True, slots=True)
class Node:
    """What lies at a path.

    Attributes
    ----------
    path : str
        Below what is validated.
    what : str
        "group" or "array", "missing", "broken" (its document), or "foreign": of another kind or
        another Zarr format.
    zarr_format : int
        2 or 3.
    document : str
        Name of the file with the attributes of a group, or with the description of an array.
    meta : Meta
        Of a group.
    spec : ArraySpec or None
        Of an array.
    problems : tuple of Problem
        Why it is broken, or what it is instead; pointers are into the document.
    """

    path: str
    what: What
    zarr_format: int
    document: str = ""
    meta: Meta = _NOTHING
    spec: ArraySpec | None = None
    problems: tuple[Problem, ...] = ()


class _Parsed(NamedTuple):
    """A document, or why there is none."""

    what: What
    content: Any
    problems: tuple[Problem, ...] = ()


class Documents:
    """Reads the documents of a hierarchy.

    Parameters
    ----------
    store : ByteStore
        The bytes.
    root : str
        Path in the store of what is validated.
    zarr_format : int
        2 or 3.
    """

    def __init__(self, store: ByteStore, root: str, zarr_format: int):
        self.store, self.root, self.zarr_format = store, root, zarr_format
        self._array_at: Callable[..., _Parsed] = lru_cache(_REMEMBERED)(_parse_array)
        self._group_at: Callable[..., _Parsed] = lru_cache(_REMEMBERED)(_parse_group)

    def key(self, path: str, name: str = "") -> str:
        """Return the key of a document, or of a node, in the store.

        Parameters
        ----------
        path : str
            Of the node, below what is validated.
        name : str
            Of the document.
        """
        # Every document of a store comes through here.
        place = f"{self.root}/{path}" if self.root and path else self.root or path
        return f"{place}/{name}" if place and name else place or name

    def load(self, wants: Sequence[Want]) -> list[Node]:
        """Read what is wanted, in one batch; what is not there is looked at more closely.

        Parameters
        ----------
        wants : sequence of Want
            What is to be read.
        """
        keys = [
            [(name, self.key(want.path, name)) for name in self._names(want.what)] for want in wants
        ]
        unique = list(dict.fromkeys(key for few in keys for _, key in few))
        raws = dict(zip(unique, self._get_many(unique), strict=True))
        held = [{name: raws[key] for name, key in few} for few in keys]
        found = [self._node(want, each) for want, each in zip(wants, held, strict=True)]
        self._look_closer(wants, found, held)
        return found

    def _names(self, what: str) -> tuple[str, ...]:
        if self.zarr_format == 3:
            return ("zarr.json",)
        if what == "any":
            return (".zgroup", ".zarray", ".zattrs")
        return (".zgroup", ".zattrs") if what == "group" else (".zarray", ".zattrs")

    def _get_many(self, keys: Sequence[str]) -> list[bytes | OSError | None]:
        try:
            return list(self.store.get_many(keys))
        except OSError:
            return [self._get(key) for key in keys]

    def _get(self, key: str) -> bytes | OSError | None:
        try:
            return self.store.get(key)
        except OSError as error:
            return error

    def _node(self, want: Want, raws: dict[str, _Raw]) -> Node:
        path, form = want.path, self.zarr_format
        for name, raw in raws.items():
            if isinstance(raw, OSError):
                text = f"cannot be read: {raw.strerror or raw}"
                problem = Problem("", text, "unreadable")
                return Node(path, "broken", form, name, problems=(problem,))
        whole = {name: raw for name, raw in raws.items() if not isinstance(raw, OSError)}
        if form == 3:
            raw = whole["zarr.json"]
            if raw is None:
                return Node(path, "missing", form)
            parsed = self._group_at(3, raw, None)
            if parsed.what == "foreign":
                parsed = self._array_at(3, raw, None)
            return self._made(want, "zarr.json", parsed)
        attrs = whole[".zattrs"]
        if whole.get(".zarray") is not None:
            return self._made(want, ".zarray", self._array_at(2, whole[".zarray"], attrs))
        if whole.get(".zgroup") is not None:
            return self._made(want, ".zattrs", self._group_at(2, whole[".zgroup"], attrs))
        return Node(path, "missing", form)

    def _made(self, want: Want, document: str, parsed: _Parsed) -> Node:
        path, form = want.path, self.zarr_format
        if parsed.what == "broken":
            return Node(path, "broken", form, document, problems=parsed.problems)
        if want.what not in ("any", parsed.what):
            article = "an array" if parsed.what == "array" else "a group"
            problem = Problem("", f"is {article}", "group-kind")
            return Node(path, "foreign", form, document, problems=(problem,))
        if parsed.what == "array":
            return Node(path, "array", form, document, spec=parsed.content)
        return Node(path, "group", form, document, meta=parsed.content, problems=parsed.problems)

    def _look_closer(
        self, wants: Sequence[Want], found: list[Node], held: Sequence[dict[str, _Raw]]
    ) -> None:
        """Tell what is at the places where what was wanted is not."""
        absent = [
            index
            for index, (want, node) in enumerate(zip(wants, found, strict=True))
            if node.what == "missing" and (not want.optional or self.store.has_tokens)
        ]
        if not absent:
            return
        paths = [self.key(wants[index].path) for index in absent]
        for index, kind in zip(absent, hierarchy.kinds(self.store, paths), strict=True):
            if kind is not None:
                problem = Problem("", f"is {kind}", "group-kind")
                node = Node(wants[index].path, "foreign", kind.zarr_format, problems=(problem,))
                found[index] = node
        for index in absent:
            attrs = held[index].get(".zattrs")
            if found[index].what == "missing" and isinstance(attrs, bytes):
                node = self._made(wants[index], ".zattrs", self._group_at(2, _MARK, attrs))
                text = "there are attributes, and no .zgroup"
                problem = Problem("", text, "zgroup-missing")
                if node.what == "group":
                    found[index] = replace(node, problems=(*node.problems, problem))


def _parse_group(zarr_format: int, raw: bytes, attrs: bytes | None) -> _Parsed:
    try:
        document = parse_document(raw, "")
        if zarr_format == 3:
            attributes, holder = hierarchy.group_attributes(document, ""), raw
        else:
            if document.get("zarr_format") != 2:
                text = f"must be 2, found {document.get('zarr_format')!r}"
                return _Parsed("broken", None, (Problem("", f".zgroup: {text}", "zarr-format"),))
            attributes, holder = ({} if attrs is None else parse_document(attrs, "")), attrs or b""
    except LayoutError:
        return _Parsed("foreign", None)
    except DocumentError as error:
        return _Parsed("broken", None, error.problems)
    odd = [word.decode() for word in _NO_JSON if word in holder and _has_constant(holder, word)]
    problems = tuple(Problem("", f"{word} is no JSON", "json-nan") for word in odd)
    return _Parsed("group", meta_of(attributes, zarr_format), problems)


def _parse_array(zarr_format: int, raw: bytes, attrs: bytes | None) -> _Parsed:
    name = "zarr.json" if zarr_format == 3 else ".zarray"
    try:
        return _Parsed("array", ArraySpec.parse({name: raw, ".zattrs": attrs}))
    except DocumentError as error:
        return _Parsed("broken", None, error.problems)
    except DTypeError as error:
        text = str(error).partition(": ")[2] or str(error)
        where = "/data_type" if zarr_format == 3 else "/dtype"
        return _Parsed("broken", None, (Problem(where, text, "array-dtype"),))
    except IohubError as error:
        return _Parsed("broken", None, (Problem("", str(error), "array-document"),))


def _has_constant(raw: bytes, word: bytes) -> bool:
    """Whether a word stands there outside of quotes."""
    return b'"' not in raw or any(
        index % 2 == 0 and word in part
        for index, part in enumerate(raw.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"'))
    )


def meta_of(attrs: JsonObject, zarr_format: int) -> Meta:
    """Judge the attributes of a group.

    Parameters
    ----------
    attrs : dict
        As they are stored.
    zarr_format : int
        2 or 3.
    """
    kind = versions.kind(attrs, zarr_format)
    try:
        known = versions.spelling(versions.detect(attrs, zarr_format))
    except VersionError as error:
        found = Findings([Problem(_version_pointer(attrs), str(error), "version-unknown")], [])
        return Meta(attrs, kind, findings=found)
    try:
        found = known.findings(attrs)
        ome = known.ome(attrs)
    except DocumentError as error:
        return Meta(attrs, kind, known.version, {}, known.root, Findings(list(error.problems), []))
    if known.zarr_format != zarr_format and kind is not None:
        text = (
            f"OME-Zarr {known.version} is written on Zarr v{known.zarr_format}, not v{zarr_format}"
        )
        found.must.append(Problem("", text, "zarr-format"))
    return Meta(attrs, kind, known.version, ome, known.root, found, tuple(images_in(ome)))


def _version_pointer(attrs: JsonObject) -> str:
    ome = attrs.get("ome")
    return "/ome/version" if isinstance(ome, dict) and "version" in ome else ""
