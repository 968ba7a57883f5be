"""Arrays without pixels: their documents as pydantic models; pixels are in ``iohub.storage``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, SupportsIndex

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from iohub.errors import DocumentError, PathError, Problem
from iohub.metadata.documents import FrozenDict, JsonValue, thaw
from iohub.storage import spec as stored
from iohub.storage.codecs import DEFAULT
from iohub.storage.hierarchy import array_names
from iohub.storage.keys import join

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from iohub.types import JsonMapping, JsonObject

_WORDS = {math.inf: "Infinity", -math.inf: "-Infinity"}


def _fill_json(value: Any) -> Any:
    """Spell what JSON has no number for."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, complex):
        return [_fill_json(value.real), _fill_json(value.imag)]
    if isinstance(value, float) and not math.isfinite(value):
        return _WORDS.get(value, "NaN")
    return value


class ArraySpec(BaseModel):
    """An array without pixels: what its document says.

    Members that are not listed are kept. Made by :meth:`create` or :meth:`of`, or from the members
    of a document, which are then checked.

    Attributes
    ----------
    zarr_format : {2, 3}
        Which documents it has.
    node_type : {"array"}
        What it is.
    attributes : dict
        User attributes.
    shape : tuple of int
        Size along each axis.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    document_members: ClassVar[tuple[str, ...]] = ()

    zarr_format: Literal[2, 3]
    node_type: Literal["array"] = "array"
    attributes: JsonValue = Field(default_factory=FrozenDict)
    shape: tuple[int, ...]
    fill_value: JsonValue = 0

    @field_validator("fill_value", mode="before")
    @classmethod
    def _spell_fill(cls, value: Any) -> Any:
        return _fill_json(value)

    @model_validator(mode="after")
    def _is_an_array(self) -> Self:
        self.to_storage()
        return self

    @classmethod
    def create(
        cls,
        shape: Sequence[SupportsIndex],
        dtype: DTypeLike,
        *,
        zarr_format: int | None = None,
        chunks: Sequence[SupportsIndex] | None = None,
        shards: Sequence[SupportsIndex] | None = None,
        compression: object = DEFAULT,
        fill_value: object = 0,
        dimension_names: Sequence[str | None] | None = None,
        attributes: JsonMapping | None = None,
    ) -> Self:
        """Describe a new array.

        Parameters
        ----------
        shape : sequence of int
            Size along each axis.
        dtype : dtype-like
            Type of the pixels.
        zarr_format : {2, 3}, optional
            Not needed where the class has one of its own.
        chunks : sequence of int, optional
            Chunk size along each axis; the whole array is one chunk if not given.
        shards : sequence of int, optional
            Shard size along each axis; Zarr v3 only.
        compression : Blosc, Zstd, Gzip, mapping, codec object or None
            See :func:`iohub.storage.codecs.compressor_document`.
        fill_value : scalar
            Value of pixels that were never written.
        dimension_names : sequence of str, optional
            Name of each axis.
        attributes : mapping, optional
            User attributes.

        Raises
        ------
        ShapeError, DTypeError, EngineError
            As :meth:`iohub.storage.spec.ArraySpec.create`.
        """
        own = cls.model_fields["zarr_format"].default
        made = stored.ArraySpec.create(
            shape,
            dtype,
            zarr_format=zarr_format or (own if isinstance(own, int) else 3),
            chunks=[max(int(size), 1) for size in shape] if chunks is None else chunks,
            shards=shards,
            compression=compression,
            fill_value=fill_value,
            dimension_names=dimension_names,
            attributes=attributes,
        )
        return cls._made(cls.from_storage(made))

    @classmethod
    def of(cls, array: object) -> Self:
        """Describe an array that exists, or take over a description.

        Parameters
        ----------
        array : ArraySpec, zarr.Array, iohub array, or a model or mapping with its members
            Pixels are not read. A model may be one of pydantic-zarr.

        Raises
        ------
        PathError
            If it is nothing of that kind.
        DocumentError
            If its members are not those of an array.
        """
        if isinstance(array, ArraySpec):
            return cls._made(array)
        inner = getattr(array, "spec", array)
        if isinstance(inner, stored.ArraySpec):
            return cls._made(cls.from_storage(inner))
        members = array.model_dump() if hasattr(array, "model_dump") else array
        if isinstance(members, Mapping):
            return cls._made(_parsed(members))
        return cls._made(cls.from_storage(_stored_spec(array)))

    @staticmethod
    def from_storage(spec: stored.ArraySpec) -> ArraySpec:
        """Return the model of an array as the room of storage describes it.

        Parameters
        ----------
        spec : iohub.storage.spec.ArraySpec
            What is described.
        """
        members = {**spec.metadata, "attributes": spec.attributes, "node_type": "array"}
        # It was parsed, and may say in several ways what the check would spell in one.
        kind = ArraySpecV2 if spec.zarr_format == 2 else ArraySpecV3
        return kind.model_validate(members)

    @classmethod
    def _made(cls, spec: ArraySpec) -> Self:
        if isinstance(spec, cls):
            return spec
        wanted = cls.model_fields["zarr_format"].default
        raise DocumentError(
            [Problem("/zarr_format", f"must be {wanted}, found {spec.zarr_format}", "zarr-format")]
        )

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def to_json(self) -> JsonObject:
        """Return the array's document with its attributes; absent members are omitted."""
        members = {name: getattr(self, name) for name in type(self).model_fields}
        members |= self.__pydantic_extra__ or {}
        return {
            name: thaw(value)
            for name, value in members.items()
            if value is not None or name in self.document_members
        }

    def to_storage(self) -> stored.ArraySpec:
        """Return the array as the room of storage describes it.

        Raises
        ------
        DocumentError
            If a member is missing or wrong.
        DTypeError
            If the array holds no pixels.
        """
        document = self.to_json()
        if self.zarr_format == 3:
            return stored.ArraySpec.parse({"zarr.json": _encoded(document)})
        del document["node_type"]
        attributes = document.pop("attributes")
        return stored.ArraySpec.parse(
            {".zarray": _encoded(document), ".zattrs": _encoded(attributes)}
        )

    def __repr__(self) -> str:
        spec = self.to_storage()
        shards = "" if spec.shards is None else f", shards={spec.shards}"
        return f"ArraySpec(shape={self.shape}, {spec.dtype}, chunks={spec.chunks}{shards})"


class ArraySpecV2(ArraySpec):
    """An array of Zarr v2 without pixels.

    Attributes
    ----------
    chunks : tuple of int
        Chunk size along each axis.
    dtype : str
        Such as ``"<u2"``.
    compressor, filters : JSON value
        Codecs.
    order : str
        Of the pixels in a chunk.
    dimension_separator : str
        Between the numbers in a chunk's key.
    """

    document_members = ("compressor", "filters", "fill_value")

    zarr_format: Literal[2] = 2
    chunks: tuple[int, ...]
    dtype: JsonValue
    compressor: JsonValue = None
    filters: JsonValue = None
    order: Literal["C", "F"] = "C"
    dimension_separator: Literal[".", "/"] = "."


class ArraySpecV3(ArraySpec):
    """An array of Zarr v3 without pixels.

    Attributes
    ----------
    data_type : JSON value
        Such as ``"uint16"``.
    chunk_grid, chunk_key_encoding, codecs : JSON value
        How it is divided and encoded.
    dimension_names : tuple of (str or None), or None
        Name of each axis.
    """

    zarr_format: Literal[3] = 3
    data_type: JsonValue
    chunk_grid: JsonValue
    chunk_key_encoding: JsonValue
    codecs: JsonValue
    dimension_names: tuple[str | None, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, members: Any) -> Any:
        # Models elsewhere write the default of this member, which documents do without.
        if isinstance(members, Mapping) and not members.get("storage_transformers", True):
            return {k: v for k, v in members.items() if k != "storage_transformers"}
        return members

    def with_names(self, names: Sequence[str]) -> Self:
        """Return the same array with other dimension names.

        Parameters
        ----------
        names : sequence of str
            One for each axis.
        """
        return self.model_copy(update={"dimension_names": tuple(names)})


def _encoded(document: JsonObject) -> bytes:
    return json.dumps(document).encode()


def _parsed(members: Mapping[str, Any]) -> ArraySpec:
    kind = ArraySpecV3 if members.get("zarr_format", 3) == 3 else ArraySpecV2
    try:
        return kind.model_validate(thaw(members))
    except ValidationError as error:
        raise DocumentError(
            Problem("/" + "/".join(map(str, detail["loc"])), detail["msg"], "array-document")
            for detail in error.errors(include_url=False)
        ) from None


def _stored_spec(array: Any) -> stored.ArraySpec:
    from iohub.storage.location import locate

    found = getattr(array, "zarr_format", None) or getattr(
        getattr(array, "metadata", None), "zarr_format", None
    )
    if found not in (2, 3):
        raise PathError(f"a {type(array).__name__} describes no array; pass an ArraySpec")
    where = locate(array, writable=False)
    names = array_names(found)
    raws = where.store.get_many([join(where.path, name) for name in names])
    return stored.ArraySpec.parse(dict(zip(names, raws, strict=True)), where.url)
