"""The JSON of an array's document: whether members have the types and ranges of Zarr.

The meaning of what passes is in spec.py.

Source: Zarr specifications v2 ("Metadata") and v3 ("Array metadata", "Sharding codec").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from iohub.errors import Problem

_SEPARATORS = ("/", ".")
# A NumPy type with its byte order; "|" is for types that have none.
_TYPESTR = re.compile(r"[<>][biufcmMSUV]\d+(\[.*\])?|\|([biu]1|b1|[SV]\d+|O)")
# These turn pixels into pixels or bytes into bytes: none of them can stand alone.
_NO_SERIALIZER = frozenset(["transpose", "blosc", "zstd", "gzip", "crc32c"])
_ONE_BYTE = frozenset(["bool", "int8", "uint8"])
_MANY_BYTES = re.compile(r"(u?int|float|complex)\d+")


def problems_in_array(document: Mapping[str, Any], zarr_format: int) -> list[Problem]:
    """Return what is wrong in the document of an array; pointers are into it.

    Parameters
    ----------
    document : mapping
        ``zarr.json`` or ``.zarray``.
    zarr_format : {2, 3}
        Of the store.
    """
    return list(_v3(document) if zarr_format == 3 else _v2(document))


def _wrong(where: str, wanted: str, found: Any) -> Problem:
    return Problem(where, f"must be {wanted}, found {found!r:.80}", "array-document")


def _is_int(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _are_sizes(value: Any, least: int) -> bool:
    return isinstance(value, list) and all(_is_int(size, least) for size in value)


def _members(
    document: Mapping[str, Any], rules: Mapping[str, tuple[Callable[[Any], bool], str]]
) -> Iterator[Problem]:
    for name, (is_right, wanted) in rules.items():
        if name not in document:
            yield Problem(f"/{name}", "is required and missing", "array-document")
        elif not is_right(document[name]):
            yield _wrong(f"/{name}", wanted, document[name])


def _sizes(document: Mapping[str, Any], chunks: Any, where: str) -> Iterator[Problem]:
    shape = document.get("shape")
    if _are_sizes(shape, 0) and _are_sizes(chunks, 1) and len(shape or ()) != len(chunks):
        text = f"has {len(chunks)} values, and 'shape' {len(shape or ())}"
        yield Problem(where, text, "array-document")


def _is_codec(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and isinstance(value.get("id"), str))


_V2: dict[str, tuple[Callable[[Any], bool], str]] = {
    "zarr_format": (lambda value: _is_int(value, 2) and value == 2, "2"),
    "shape": (lambda value: _are_sizes(value, 0), "an array of numbers from 0 on"),
    "chunks": (lambda value: _are_sizes(value, 1), "an array of numbers from 1 on"),
    "dtype": (
        lambda value: (
            isinstance(value, list)
            or (isinstance(value, str) and _TYPESTR.fullmatch(value) is not None)
        ),
        "a type with its byte order such as '<u2', or an array of fields",
    ),
    "compressor": (_is_codec, "null, or an object with an 'id'"),
    "order": (lambda value: value in ("C", "F"), "'C' or 'F'"),
    "filters": (
        lambda value: value is None or (isinstance(value, list) and all(map(_is_codec, value))),
        "null, or an array of objects with an 'id'",
    ),
    "fill_value": (lambda value: not isinstance(value, dict), "a number, text or null"),
}


def _v2(document: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _members(document, _V2)
    yield from _sizes(document, document.get("chunks"), "/chunks")
    separator = document.get("dimension_separator", ".")
    if separator not in _SEPARATORS:
        yield _wrong("/dimension_separator", "'/' or '.'", separator)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


_V3: dict[str, tuple[Callable[[Any], bool], str]] = {
    "zarr_format": (lambda value: _is_int(value, 3) and value == 3, "3"),
    "node_type": (lambda value: value == "array", "'array'"),
    "shape": (lambda value: _are_sizes(value, 0), "an array of numbers from 0 on"),
    "data_type": (lambda value: isinstance(value, str | dict), "text or an object"),
    "chunk_grid": (_is_object, "an object"),
    "chunk_key_encoding": (_is_object, "an object"),
    "fill_value": (lambda value: value is not None, "a value"),
    "codecs": (lambda value: isinstance(value, list) and bool(value), "an array of codecs"),
}


_V3_OPTIONAL = frozenset(["attributes", "dimension_names", "storage_transformers"])


def _v3(document: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _members(document, _V3)
    attributes = document.get("attributes")
    if attributes is not None and not isinstance(attributes, dict):
        yield _wrong("/attributes", "an object", attributes)
    names, shape = document.get("dimension_names"), document.get("shape")
    texts = isinstance(names, list) and all(isinstance(n, str | None) for n in names)
    if names is not None and not texts:
        yield _wrong("/dimension_names", "an array of text", names)
    elif names is not None and isinstance(shape, list) and len(names) != len(shape):
        text = f"has {len(names)} values, and 'shape' {len(shape)}"
        yield Problem("/dimension_names", text, "array-names")
    if document.get("storage_transformers"):
        yield _wrong("/storage_transformers", "absent or empty", document["storage_transformers"])
    for name in document.keys() - _V3.keys() - _V3_OPTIONAL:
        member = document[name]
        if not isinstance(member, dict) or member.get("must_understand") is not False:
            text = "is no member of Zarr v3, nor says that it need not be understood"
            yield Problem(f"/{name}", text, "array-document")
    grid, encoding = document.get("chunk_grid"), document.get("chunk_key_encoding")
    if isinstance(grid, dict):
        yield from _grid(document, grid)
    if isinstance(encoding, dict):
        yield from _encoding(encoding)
    if isinstance(document.get("codecs"), list):
        yield from _codecs(document, document["codecs"], "/codecs", document.get("data_type"))


def _chunk_shape(grid: Any) -> Any:
    settings = grid.get("configuration") if isinstance(grid, dict) else None
    return settings.get("chunk_shape") if isinstance(settings, dict) else None


def _grid(document: Mapping[str, Any], grid: Mapping[str, Any]) -> Iterator[Problem]:
    chunks = _chunk_shape(grid)
    where = "/chunk_grid/configuration/chunk_shape"
    if grid.get("name") == "regular" and not _are_sizes(chunks, 1):
        yield _wrong(where, "an array of numbers from 1 on", chunks)
    yield from _sizes(document, chunks, where)


def _encoding(encoding: Mapping[str, Any]) -> Iterator[Problem]:
    if encoding.get("name") not in ("default", "v2"):
        yield _wrong("/chunk_key_encoding/name", "'default' or 'v2'", encoding.get("name"))
    settings = encoding.get("configuration")
    if settings is not None and not isinstance(settings, dict):
        yield _wrong("/chunk_key_encoding/configuration", "an object", settings)
    elif isinstance(settings, dict) and settings.get("separator", "/") not in _SEPARATORS:
        where = "/chunk_key_encoding/configuration/separator"
        yield _wrong(where, "'/' or '.'", settings["separator"])


def _codecs(
    document: Mapping[str, Any], codecs: list[Any], where: str, data_type: Any
) -> Iterator[Problem]:
    names = []
    for index, codec in enumerate(codecs):
        place = f"{where}/{index}"
        if not isinstance(codec, dict) or not isinstance(codec.get("name"), str):
            yield _wrong(place, "an object with a 'name'", codec)
            return
        names.append(codec["name"])
        settings = codec.get("configuration", {})
        if not isinstance(settings, dict):
            yield _wrong(f"{place}/configuration", "an object", settings)
        elif codec["name"] == "sharding_indexed":
            yield from _sharding(document, settings, f"{place}/configuration")
        elif codec["name"] == "bytes":
            yield from _endian(settings, f"{place}/configuration", data_type)
    if names and _NO_SERIALIZER.issuperset(names):
        text = f"has no codec that turns pixels into bytes, such as 'bytes': {names}"
        yield Problem(where, text, "array-document")


def _endian(settings: Mapping[str, Any], where: str, data_type: Any) -> Iterator[Problem]:
    endian = settings.get("endian", ...)
    if endian is ...:
        many = isinstance(data_type, str) and _MANY_BYTES.fullmatch(data_type)
        if many and data_type not in _ONE_BYTE:
            text = f"is required for {data_type}, and missing"
            yield Problem(f"{where}/endian", text, "array-document")
    elif endian not in ("little", "big"):
        yield _wrong(f"{where}/endian", "'little' or 'big'", endian)


def _sharding(
    document: Mapping[str, Any], settings: Mapping[str, Any], where: str
) -> Iterator[Problem]:
    chunks = settings.get("chunk_shape")
    if not _are_sizes(chunks, 1):
        yield _wrong(f"{where}/chunk_shape", "an array of numbers from 1 on", chunks)
    yield from _sizes(document, chunks, f"{where}/chunk_shape")
    shards = _chunk_shape(document.get("chunk_grid"))
    whole = _are_sizes(chunks, 1) and _are_sizes(shards, 1) and where.count("/codecs/") == 1
    if whole and any(a % b for a, b in zip(shards, chunks or (), strict=False)):
        text = f"{chunks} does not divide the shards {shards}"
        yield Problem(f"{where}/chunk_shape", text, "shard-shape")
    # The index is made of 64-bit integers.
    for name, data_type in (("codecs", document.get("data_type")), ("index_codecs", "uint64")):
        inner = settings.get(name)
        if not isinstance(inner, list) or not inner:
            yield _wrong(f"{where}/{name}", "an array of codecs", inner)
        else:
            yield from _codecs(document, inner, f"{where}/{name}", data_type)
    if settings.get("index_location", "end") not in ("start", "end"):
        yield _wrong(f"{where}/index_location", "'start' or 'end'", settings["index_location"])
