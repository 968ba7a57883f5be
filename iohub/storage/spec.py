"""What an array's own document says: shape, type, chunks, codecs; parsed and written, no pixels.

The documents are Zarr v2 (``.zarray`` and ``.zattrs``) and v3 (``zarr.json``). They are written
here rather than through a library, so that creating many arrays costs one small file each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from iohub.errors import DocumentError, DTypeError, NotFoundError, Problem, ShapeError
from iohub.storage.array_checks import check_bytes, check_names, check_shards
from iohub.storage.array_documents import (
    Contents,
    v2_document,
    v3_big_endian,
    v3_document,
)
from iohub.storage.array_rules import problems_in_array
from iohub.storage.codecs import (
    DEFAULT,
    chain_of_v2,
    compressor_document,
    normal_chain,
)
from iohub.storage.documents import AS_READ, encode_document, parse_document
from iohub.storage.dtypes import (
    fill_json,
    fill_scalar,
    is_big_endian,
    pixel_type,
    type_of_v2,
    type_of_v3,
)
from iohub.storage.grid import as_shape, check_chunks, grid_shape
from iohub.storage.keys import join

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from iohub.types import JsonMapping, JsonObject, Shape

_V2_NAMES = "_ARRAY_DIMENSIONS"  # how xarray finds dimension names in Zarr v2


@dataclass(frozen=True)
class ArraySpec:
    """Everything about an array but its pixels; made by :meth:`create` or :meth:`parse`.

    Attributes
    ----------
    zarr_format : int
        2 or 3.
    shape : tuple of int
        Size along each axis.
    dtype : numpy.dtype
        Type of the pixels in memory, always in native byte order.
    big_endian : bool
        Whether the pixels are stored most significant byte first.
    chunks : tuple of int
        What is compressed as one piece; inside a shard if there are shards.
    shards : tuple of int or None
        What is one object in the store, if it holds several chunks.
    fill_value : numpy scalar
        Value of pixels that were never written.
    dimension_names : tuple of (str or None), or None
        Names of the axes in the array's own document.
    separator : str
        Between the numbers in a chunk's key: ``"/"`` or ``"."``.
    attributes : dict
        User attributes; not to be changed in place.
    metadata : dict
        The document itself without the attributes, with members unknown here; not to be changed.
    """

    zarr_format: int
    shape: Shape
    dtype: np.dtype[Any]
    big_endian: bool
    chunks: Shape
    shards: Shape | None
    fill_value: np.generic = field(compare=False)  # NaN; the document below is compared
    dimension_names: tuple[str | None, ...] | None
    separator: str
    attributes: JsonObject = field(hash=False)
    metadata: JsonObject = field(hash=False)
    key_prefix: str = ""

    @classmethod
    def create(
        cls,
        shape: Sequence[SupportsIndex],
        dtype: DTypeLike,
        *,
        zarr_format: int,
        chunks: Sequence[SupportsIndex],
        shards: Sequence[SupportsIndex] | None = None,
        compression: object = DEFAULT,
        fill_value: object = 0,
        dimension_names: Sequence[str | None] | None = None,
        attributes: JsonMapping | None = None,
        separator: str = "/",
    ) -> ArraySpec:
        """Describe a new array.

        Parameters
        ----------
        shape : sequence of int
            Size along each axis.
        dtype : dtype-like
            Type of the pixels. A big-endian type is stored big-endian; it is native in memory.
        zarr_format : int
            2 or 3.
        chunks : sequence of int
            Chunk size along each axis.
        shards : sequence of int, optional
            Shard size along each axis, a multiple of the chunk size; Zarr v3 only.
        compression : Blosc, Zstd, Gzip, mapping, codec object or None
            See :func:`iohub.storage.codecs.compressor_document`.
        fill_value : scalar
            Value of pixels that were never written.
        dimension_names : sequence of str, optional
            Name of each axis. In Zarr v2 they go to the attribute ``_ARRAY_DIMENSIONS``.
        attributes : mapping, optional
            User attributes.
        separator : {"/", "."}
            Between the numbers in a chunk's key.

        Raises
        ------
        ShapeError
            If chunks or shards do not fit the shape or each other, if there are shards in Zarr
            v2, or if a chunk is larger than Blosc can encode (2 GiB).
        DTypeError
            If the type holds no pixels, or cannot hold the fill value.
        EngineError
            If the compression is not known.
        """
        sizes = as_shape(shape)
        pixels = pixel_type(dtype)
        inner = check_chunks(chunks, sizes)
        outer = check_shards(shards, inner, sizes, zarr_format)
        names = check_names(dimension_names, sizes)
        compressor = compressor_document(compression, zarr_format, pixels.itemsize)
        check_bytes(inner, pixels, compressor)
        extra = dict(attributes or {})
        contents = Contents(
            shape=sizes,
            chunks=inner,
            shards=outer,
            dtype=pixels,
            big_endian=is_big_endian(dtype) and pixels.itemsize > 1,
            compressor=compressor,
            fill=fill_json(fill_value, pixels),
            separator=separator,
            names=names,
        )
        if zarr_format == 3:
            return cls._from_v3({**v3_document(contents), "attributes": extra})
        if names is not None:
            extra[_V2_NAMES] = list(names)
        return cls._from_v2(v2_document(contents), extra)

    @classmethod
    def parse(cls, documents: Mapping[str, bytes | None], source: str = "") -> ArraySpec:
        """Read the documents of an array.

        Parameters
        ----------
        documents : mapping
            ``zarr.json`` (preferred), or ``.zarray`` and, if there is one, ``.zattrs``; with the
            bytes of each. A value of None is as good as absent.
        source : str
            Where they are from, for messages.

        Raises
        ------
        NotFoundError
            If there is neither a ``zarr.json`` nor a ``.zarray``.
        DocumentError
            If a document is no JSON object, or none of an array; all its problems are listed.
        DTypeError
            If the array holds no pixels (text, records …).
        """
        found = {
            name: parse_document(raw, join(source, name))
            for name, raw in documents.items()
            if raw is not None
        }
        name = next((n for n in ("zarr.json", ".zarray") if n in found), None)
        if name is None:
            raise NotFoundError(f"no array at {source or 'this path'}")
        problems = problems_in_array(found[name], 3 if name == "zarr.json" else 2)
        if problems:
            raise DocumentError(problems, join(source, name))
        try:
            if name == "zarr.json":
                return cls._from_v3(found[name])
            return cls._from_v2(found[name], found.get(".zattrs", {}))
        except DTypeError as error:
            raise DTypeError(f"{source}/{name}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"member {error} is missing" if isinstance(error, KeyError) else str(error)
            raise DocumentError(
                [Problem("", what, "array-document")], join(source, name)
            ) from error

    @classmethod
    def _from_v2(cls, document: JsonObject, attributes: JsonObject) -> ArraySpec:
        dtype, big = type_of_v2(document["dtype"])
        shape = as_shape(document["shape"])
        names = attributes.get(_V2_NAMES)
        fits = isinstance(names, list) and len(names) == len(shape)
        return cls(
            zarr_format=2,
            shape=shape,
            dtype=dtype,
            big_endian=big and dtype.itemsize > 1,
            chunks=check_chunks(document["chunks"], shape),
            shards=None,
            fill_value=fill_scalar(document["fill_value"], dtype),
            dimension_names=tuple(names) if fits and names else None,
            separator=document.get("dimension_separator", "."),
            attributes=attributes,
            metadata=document,
        )

    @classmethod
    def _from_v3(cls, document: JsonObject) -> ArraySpec:
        document = dict(document)
        attributes = document.pop("attributes", None) or {}
        dtype = type_of_v3(document["data_type"])
        shape = as_shape(document["shape"])
        grid = document["chunk_grid"]
        if grid["name"] != "regular":
            raise ValueError(f"chunk grid {grid['name']!r} is not supported, only 'regular'")
        unit = check_chunks(grid["configuration"]["chunk_shape"], shape)
        codecs = document["codecs"]
        inner = unit
        if len(codecs) == 1 and codecs[0]["name"] == "sharding_indexed":
            inner = check_chunks(codecs[0]["configuration"]["chunk_shape"], shape)
        encoding = document["chunk_key_encoding"]
        classic = encoding["name"] == "v2"
        default = "." if classic else "/"
        names = document.get("dimension_names")
        return cls(
            zarr_format=3,
            shape=shape,
            dtype=dtype,
            big_endian=v3_big_endian(codecs) and dtype.itemsize > 1,
            chunks=inner,
            shards=None if inner is unit else unit,
            fill_value=fill_scalar(document["fill_value"], dtype),
            dimension_names=None if names is None else tuple(names),
            separator=(encoding.get("configuration") or {}).get("separator", default),
            attributes=attributes,
            metadata=document,
            key_prefix="" if classic else "c",
        )

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of pixels."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Size of the pixels in memory [bytes]."""
        return self.size * self.dtype.itemsize

    @property
    def unit(self) -> Shape:
        """What is written as one object: the shard if there are shards, else the chunk."""
        return self.chunks if self.shards is None else self.shards

    @property
    def unit_nbytes(self) -> int:
        """Size of one whole unit in memory [bytes]."""
        return prod(self.unit) * self.dtype.itemsize

    @property
    def unit_grid(self) -> Shape:
        """Number of units along each axis."""
        return grid_shape(self.shape, self.unit)

    @property
    def compressor(self) -> JsonObject | None:
        """Codec that compresses the chunks, as it stands in the document; None if there is none."""
        if self.zarr_format == 2:
            compressor: JsonObject | None = self.metadata.get("compressor")
            return compressor
        codecs = self.metadata["codecs"]
        if self.shards is not None:
            codecs = codecs[0]["configuration"]["codecs"]
        named = [c for c in codecs if c["name"] not in ("bytes", "transpose", "crc32c")]
        return named[-1] if named else None

    @cached_property
    def encoding(self) -> tuple[object, ...] | None:
        """What the bytes of a unit depend on, the same for both formats; None if not known."""
        if self.zarr_format == 2:
            chain = chain_of_v2(self.metadata, self.dtype.itemsize, self.big_endian)
        else:
            chain = self.metadata["codecs"]
        if chain is None:
            return None
        normal = normal_chain(chain, self.dtype.itemsize)
        text = json.dumps(normal, sort_keys=True)
        return self.dtype.str, self.unit, text, np.asarray(self.fill_value).tobytes()

    def same_encoding(self, other: ArraySpec) -> bool:
        """Whether the bytes of a unit mean the same in both arrays.

        That takes equal type, unit, codecs and fill value. Keys may be spelled differently, and
        an unsharded v2 array may equal a v3 one.

        Parameters
        ----------
        other : ArraySpec
            The other array.
        """
        return self.encoding is not None and self.encoding == other.encoding

    def unit_key(self, index: Sequence[int]) -> str:
        """Key of a unit, relative to the array: ``c/0/0/0``, ``0/0/0`` or ``0.0.0``.

        Parameters
        ----------
        index : sequence of int
            Index of the unit in the grid.
        """
        parts = [self.key_prefix] if self.key_prefix else []
        parts += [str(i) for i in index]
        return self.separator.join(parts) or "0"

    def documents(self) -> dict[str, bytes]:
        """Return the files that make the array: name to content.

        A v2 array without attributes has no ``.zattrs``. What other tools wrote into the attributes
        that is no JSON, such as ``NaN``, stays as it was read.

        Raises
        ------
        DocumentError
            If the attributes cannot be written as JSON.
        """
        if self.zarr_format == 3:
            return {
                "zarr.json": encode_document(
                    {**self.metadata, "attributes": self.attributes}, "zarr.json", AS_READ
                )
            }
        files = {".zarray": encode_document(self.metadata, ".zarray", AS_READ)}
        if self.attributes:
            files[".zattrs"] = encode_document(self.attributes, ".zattrs", AS_READ)
        return files

    def resized(self, shape: Sequence[SupportsIndex]) -> ArraySpec:
        """Return the same array with another shape.

        Parameters
        ----------
        shape : sequence of int
            New size along each axis.

        Raises
        ------
        ShapeError
            If the number of axes differs, or a size is negative.
        """
        sizes = as_shape(shape)
        if len(sizes) != self.ndim:
            raise ShapeError(f"cannot resize {self.shape} to {sizes}: the number of axes is fixed")
        return replace(self, shape=sizes, metadata={**self.metadata, "shape": list(sizes)})

    def with_attributes(self, attributes: JsonMapping) -> ArraySpec:
        """Return the same array with other attributes.

        Parameters
        ----------
        attributes : mapping
            All attributes.
        """
        return replace(self, attributes=dict(attributes))
