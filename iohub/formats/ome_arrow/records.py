"""Records: what one says of its image, and one made from pixels; files are not known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from iohub.errors import ArgumentError, FormatError, MissingNodeError
from iohub.formats.ome_arrow import pixels
from iohub.formats.ome_arrow.casting import holds
from iohub.formats.ome_arrow.parts import byte_chunks, chunk_places, list_chunks, list_planes
from iohub.formats.ome_arrow.schema import (
    OME_ARROW_BYTE_STRUCT,
    OME_ARROW_STRUCT,
    OME_ARROW_TAG_TYPE,
    OME_ARROW_TAG_VERSION,
)
from iohub.types import NDArray

Chunk: TypeAlias = tuple[int, int, int]

MICROMETER = "µm"
UNNAMED, UNKNOWN = "unnamed", "unknown"
WHITE = 0xFFFFFFFF

_LISTABLE = (np.dtype(np.uint8), np.dtype(np.uint16))


@dataclass(frozen=True)
class Description:
    """What a record says of its image.

    Attributes
    ----------
    shape : tuple of int
        Of the image (T, C, Z, Y, X).
    dtype : str
        NumPy's name of the data type.
    image_id, name, image_type : str or None
        What it is called, and what kind of image it is.
    acquired : datetime or None
        In UTC.
    size : tuple of float
        Of a pixel along x, y and z, in `units`.
    units : tuple of str
        Along x, y and z.
    channels : tuple of mapping
        One for each; with missing members filled in by :func:`channel`.
    chunk : tuple of int or None
        Size of a chunk (Z, Y, X); None if the record has only planes.
    tag, version, order : str
        As the record has them.
    """

    shape: pixels.Sizes
    dtype: str
    image_id: str | None = UNNAMED
    name: str | None = UNKNOWN
    image_type: str | None = None
    acquired: datetime | None = None
    size: tuple[float, float, float] = (1.0, 1.0, 1.0)
    units: tuple[str, str, str] = (MICROMETER,) * 3
    channels: tuple[Mapping[str, Any], ...] = ()
    chunk: Chunk | None = None
    tag: str = OME_ARROW_TAG_TYPE
    version: str = OME_ARROW_TAG_VERSION
    order: str = field(default="")


def channel(index: int, name: str | None = None, color: int = WHITE) -> dict[str, Any]:
    """Return a channel of which nothing else is known."""
    return {
        "id": f"ch-{index}",
        "name": f"C{index}" if name is None else name,
        "emission_um": 0.0,
        "excitation_um": 0.0,
        "illumination": "Unknown",
        "color_rgba": color,
    }


def in_utc(moment: datetime | None) -> datetime:
    """Return a time in UTC, without time zone as records have it; now if there is none."""
    if moment is None:
        moment = datetime.now(UTC)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def as_record(data: Any) -> pa.StructScalar:
    """Return a record that was given as such, or as a mapping.

    Raises
    ------
    ArgumentError
        If it is something else.
    FormatError
        If it is missing, as a row of a table may be.
    """
    # A scalar of structs is a Mapping too, of which each value would become an object.
    if isinstance(data, Mapping) and not isinstance(data, pa.StructScalar):
        parts = data.get("chunks") or ()
        in_bytes = any("pixel_bytes" in part for part in parts)
        return pa.scalar(dict(data), type=OME_ARROW_BYTE_STRUCT if in_bytes else OME_ARROW_STRUCT)
    if not isinstance(data, pa.StructScalar):
        raise ArgumentError(f"a record is a dict or a pyarrow.StructScalar, not {type(data)}")
    if not data.is_valid:
        raise FormatError("the record is missing: this row of the column is null")
    return data


def describe(record: pa.StructScalar) -> Description:
    """Return what a record says of its image; its pixels are not touched.

    Raises
    ------
    MissingNodeError
        If it has no ``pixels_meta``, or that has no sizes; a KeyError.
    FormatError
        If a size is not positive.
    """
    found = _member(record, "pixels_meta")
    if found is None or not found.is_valid:
        raise MissingNodeError("pixels_meta", "the record", record.type.names)
    said: dict[str, Any] = found.as_py()
    names = [f"size_{letter}" for letter in "tczyx"]
    for name in names:
        if said.get(name) is None:
            raise MissingNodeError(name, "pixels_meta of the record", said)
        if said[name] < 1:
            raise FormatError(f"{name} of the record is {said[name]}; sizes are 1 or more")
    t, c, z, y, x = (int(said[name]) for name in names)
    size = [said.get(f"physical_size_{letter}") for letter in "xyz"]
    units = [said.get(f"physical_size_{letter}_unit") for letter in "xyz"]
    return Description(
        (t, c, z, y, x),
        said.get("type") or "uint16",
        _plain(record, "id"),
        _plain(record, "name"),
        _plain(record, "image_type"),
        _plain(record, "acquisition_datetime"),
        (_short(size[0]), _short(size[1]), _short(size[2])),
        (units[0] or MICROMETER, units[1] or MICROMETER, units[2] or MICROMETER),
        tuple(said.get("channels") or ()),
        _chunk(record),
        _plain(record, "type") or OME_ARROW_TAG_TYPE,
        _plain(record, "version") or OME_ARROW_TAG_VERSION,
        said.get("dimension_order") or "",
    )


def stored(record: pa.StructScalar, shape: pixels.Sizes) -> pixels.Stored:
    """Find the pixels of a record, without reading them."""
    return pixels.stored(_member(record, "chunks"), _member(record, "planes"), shape)


def native(values: NDArray, dtype: str) -> NDArray:
    """Return pixels in the type that their record names, if that can say all of them."""
    wanted = pixels.dtype_of(dtype)
    if wanted is None or wanted == values.dtype or not holds(values, wanted):
        return values
    return values.astype(wanted)


def build(
    said: Description,
    values: NDArray,
    *,
    keep: NDArray | None = None,
    planes: bool = True,
    codec: str | None = None,
    listed: bool | None = None,
) -> pa.StructScalar:
    """Make a record, whose pixels are those of the array itself where that can be.

    Pixels of 8 or 16 bits without sign are lists, all others bytes. A change of the array is then
    seen in the record.

    Parameters
    ----------
    said : Description
        What it says; with a chunk size it has chunks.
    values : ndarray
        Pixels (T, C, Z, Y, X).
    keep : ndarray, optional
        Which planes (T, C, Z) the record has; by default all.
    planes : bool
        Whether lists are written as planes too, and not only as chunks.
    codec : str, optional
        Compresses each chunk, if pixels are bytes.
    listed : bool, optional
        Whether pixels are lists; by default those of 8 and 16 bits without sign are.

    Raises
    ------
    ShapeError
        If there are more pixels than a list can have.
    """
    values = np.ascontiguousarray(values)
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    in_lists = values.dtype in _LISTABLE if listed is None else listed
    struct = OME_ARROW_STRUCT if in_lists else OME_ARROW_BYTE_STRUCT
    whole = (1, said.shape[3], said.shape[4])
    chunk = said.chunk if said.chunk is not None or in_lists else whole
    places = None if chunk is None else chunk_places(said.shape, chunk, keep)
    columns: dict[str, pa.Array] = {}
    if in_lists:
        numbers = values.astype(np.uint16, copy=False)
        if planes or places is None:
            columns["planes"] = list_planes(numbers, keep)
        if places is not None:
            columns["chunks"] = list_chunks(numbers, places)
    elif places is not None:
        columns["chunks"] = byte_chunks(values, places, codec)
    for name in ("chunks", "planes"):
        kind = struct.field(name).type
        part = columns.get(name)
        # Absent planes of byte records are an empty list, as other readers expect.
        empty = pa.nulls(1, kind) if name == "chunks" else pa.array([[]], kind)
        columns[name] = empty if part is None else _one_list(part, kind)
    columns |= {
        name: pa.array([value], struct.field(name).type)
        for name, value in members(said, chunk).items()
    }
    return pa.StructArray.from_arrays([columns[f.name] for f in struct], fields=list(struct))[0]


def rebuild(
    record: pa.StructScalar, *, chunk: Chunk | None = None, codec: str | None = None
) -> pa.StructScalar:
    """Return a record of the same image in the form that files have: each pixel once."""
    said = describe(record)
    found = stored(record, said.shape)
    values = native(found.read(), said.dtype)
    here = found.present()
    keep = None if here.all() else here
    named = values.dtype.name if values.dtype.kind in "biufc" else said.dtype
    return build(replace(said, chunk=chunk, dtype=named), values, keep=keep, codec=codec)


def as_array(record: pa.StructScalar) -> pa.StructArray:
    """Return an array of one row with the buffers of a record."""
    fields = list(record.type)
    columns = []
    for each in fields:
        value = record[each.name]
        if pa.types.is_list(each.type) and value.is_valid:
            columns.append(_one_list(value.values, each.type))
        else:
            columns.append(pa.array([value.as_py()], each.type))
    return pa.StructArray.from_arrays(columns, fields=fields)


def _one_list(values: pa.Array, kind: pa.DataType) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values, type=kind)


def members(said: Description, chunk: Sequence[int] | None) -> dict[str, Any]:
    """Return what a record says beside its pixels, by field; `chunk` is the size of its chunks."""
    t, c, z, y, x = said.shape
    meta: dict[str, Any] = {
        "dimension_order": said.order or ("XYCT" if z == 1 else "XYZCT"),
        "type": said.dtype,
        "channels": [{**channel(i), **each} for i, each in enumerate(said.channels)]
        or [channel(i) for i in range(c)],
    }
    meta |= {f"size_{letter}": size for letter, size in zip("tczyx", (t, c, z, y, x), strict=True)}
    for letter, size, unit in zip("xyz", said.size, said.units, strict=True):
        meta |= {f"physical_size_{letter}": size, f"physical_size_{letter}_unit": unit}
    grid = None
    if chunk is not None:
        depth, height, width = (min(a, b) for a, b in zip(chunk, (z, y, x), strict=True))
        grid = {"order": "TCZYX", "chunk_t": 1, "chunk_c": 1, "chunk_order": "ZYX"}
        grid |= {"chunk_z": depth, "chunk_y": height, "chunk_x": width}
    return {
        "type": said.tag,
        "version": said.version,
        "id": said.image_id,
        "name": said.name,
        "image_type": said.image_type,
        "acquisition_datetime": said.acquired,
        "pixels_meta": meta,
        "chunk_grid": grid,
        "masks": None,
    }


def _member(record: pa.StructScalar, name: str) -> Any:
    return record[name] if record.type.get_field_index(name) >= 0 else None


def _plain(record: pa.StructScalar, name: str) -> Any:
    value = _member(record, name)
    return None if value is None else value.as_py()


def _chunk(record: pa.StructScalar) -> Chunk | None:
    grid = _plain(record, "chunk_grid") or {}
    depth, height, width = (grid.get(f"chunk_{letter}") or 0 for letter in "zyx")
    return (depth, height, width) if min(depth, height, width) > 0 else None


def _short(size: float | None) -> float:
    """Return the shortest number that is this one in 32 bits: 0.1 rather than 0.10000000149."""
    return 1.0 if size is None else float(str(np.float32(size)))
