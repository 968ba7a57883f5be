"""Data pages of the one column of a Parquet file that holds the pixels: encoded and decoded.

Each part of an image, a plane or some rows of it, is a page of its own, so that it can be read
alone. Numbers are split into streams of their bytes (BYTE_STREAM_SPLIT), which compresses them
better than in a row; bytes of chunks are as they are. See Parquet's format, "Data Pages".
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from iohub.errors import FormatError
from iohub.formats.ome_arrow import thrift
from iohub.formats.ome_arrow.thrift import I32, STRUCT
from iohub.types import NDArray

PLAIN: Final = 0
RLE: Final = 3
STREAMS: Final = 9
CODECS: Final = {"none": 0, "snappy": 1, "gzip": 2, "brotli": 4, "zstd": 6, "lz4": 7}
"""Numbers of the codecs of Parquet."""

_NAMES: Final = {0: "none", 1: "snappy", 2: "gzip", 4: "brotli", 6: "zstd", 7: "lz4_raw"}
_DATA_PAGE: Final = 0
_INT32: Final = np.dtype("<i4").itemsize
_MOST: Final = 2**31 - 1
HEADER: Final = 512
"""No header of a page that has no statistics is longer [bytes]."""


@dataclass(frozen=True)
class Levels:
    """How deep a value lies in the lists and optional fields of a column.

    Attributes
    ----------
    definition, repetition : int
        The highest levels, as Parquet counts them.
    """

    definition: int
    repetition: int


SIZES_KEY: Final = b"iohub.pages"
"""Says in the metadata of the column chunk how long each page is, with its header [bytes]."""

COUNTS_KEY: Final = b"iohub.values"
"""Says there how many values each page of numbers has."""

LISTED: Final = Levels(7, 2)
"""Of ``planes.pixels``."""

HELD: Final = Levels(5, 1)
"""Of ``chunks.pixel_bytes``."""


def number_page(values: NDArray, start: int, codec: str) -> tuple[bytes, int, int]:
    """Return a page of numbers.

    Parameters
    ----------
    values : ndarray
        Numbers of 16 bits, without axes.
    start : int
        Level of repetition of the first: 0 begins a row, 1 a plane, 2 goes on in one.
    codec : str
        Name of the compression.

    Returns
    -------
    page : bytes
    size : int
        Of the page if it were not compressed [bytes].
    count : int
        Of values.
    """
    count = values.size
    levels = _levels([(1, start), (count - 1, LISTED.repetition)], LISTED)
    body = np.zeros(len(levels) + _INT32 * count, np.uint8)
    body[: len(levels)] = np.frombuffer(levels, np.uint8)
    streams = body[len(levels) :].reshape(_INT32, count)
    low_high = values.astype("<u2", copy=False).view(np.uint8).reshape(count, 2)
    streams[0], streams[1] = low_high[:, 0], low_high[:, 1]
    raw = body if codec == "none" else pa.Codec(_NAMES[CODECS[codec]]).compress(body, asbytes=False)
    return _page(raw, body.nbytes, count, STREAMS), body.nbytes, count


def bytes_page(value: Any, start: int) -> tuple[list[Any], int, int]:
    """Return a page of the bytes of one chunk, as pieces that are written one after the other.

    Parameters
    ----------
    value : bytes-like
        The chunk.
    start : int
        Level of repetition: 0 begins a row, 1 goes on in one.
    """
    view = memoryview(value).cast("B")
    lead = _levels([(1, start)], HELD) + len(view).to_bytes(4, "little")
    size = len(lead) + len(view)
    return [_header(size, size, 1, PLAIN) + lead, view], size, 1


def empty_page(levels: Levels, codec: str) -> tuple[bytes, int, int]:
    """Return a page of a row that has no parts; that of bytes is never compressed."""
    # The list is there, and has nothing in it: two optional fields are.
    body = _run(1, 0) if levels.repetition else b""
    body = len(body).to_bytes(4, "little") + body
    defined = _run(1, 2)
    body += len(defined).to_bytes(4, "little") + defined
    raw: Any = body
    if codec != "none" and levels == LISTED:
        raw = pa.Codec(_NAMES[CODECS[codec]]).compress(body, asbytes=False)
    return _page(raw, len(body), 1, PLAIN), len(body), 1


def _levels(repeats: list[tuple[int, int]], levels: Levels) -> bytes:
    """Return both kinds of levels of values that are all there."""
    count = sum(number for number, _ in repeats)
    made = b""
    for runs in (repeats, [(count, levels.definition)]):
        coded = b"".join(_run(number, level) for number, level in runs if number)
        made += len(coded).to_bytes(4, "little") + coded
    return made


def _run(count: int, level: int) -> bytes:
    return thrift.varint(count << 1) + bytes([level])


def _page(raw: Any, size: int, count: int, encoding: int) -> bytes:
    return _header(len(raw), size, count, encoding, zlib.crc32(raw)) + bytes(raw)


def _header(stored: int, size: int, count: int, encoding: int, crc: int | None = None) -> bytes:
    if size > _MOST:
        raise FormatError(f"a page of {size} bytes is more than Parquet can have")
    data = {1: (I32, count), 2: (I32, encoding), 3: (I32, RLE), 4: (I32, RLE)}
    header = {1: (I32, _DATA_PAGE), 2: (I32, size), 3: (I32, stored), 5: (STRUCT, data)}
    if crc is not None:
        header[4] = (I32, crc - (1 << 32) if crc >> 31 else crc)
    return thrift.write(header)


@dataclass(frozen=True)
class Page:
    """A data page in a file.

    Attributes
    ----------
    start : int
        Where its content begins [bytes].
    stored, size : int
        Of the content, as it is and decompressed [bytes].
    count : int
        Of values.
    encoding : int
        Of the values.
    crc : int or None
        Of the content as it is; None if it is not known.
    """

    start: int
    stored: int
    size: int
    count: int
    encoding: int
    crc: int | None = None


def read_header(data: bytes | memoryview, at: int) -> Page | None:
    """Read the header of a page; None if it is one of a kind that is not read here.

    Parameters
    ----------
    data : bytes-like
        From the header on.
    at : int
        Where that is in the file [bytes].

    Raises
    ------
    FormatError
        If it is damaged.
    """
    reader = thrift.Reader(data)
    found = reader.struct()
    kind = found.get(1, (0, -1))[1]
    size, stored = (found.get(number, (0, -1))[1] for number in (2, 3))
    if not isinstance(size, int) or not isinstance(stored, int) or min(size, stored) < 0:
        raise FormatError("the header of a page is damaged")
    header = found.get(5, (0, None))[1]
    if kind != _DATA_PAGE or not isinstance(header, dict):
        return None
    count, encoding = (header.get(number, (0, -1))[1] for number in (1, 2))
    if (header.get(3, (0, -1))[1], header.get(4, (0, -1))[1]) != (RLE, RLE):
        return None
    crc = found.get(4, (0, None))[1]
    known = crc & 0xFFFFFFFF if isinstance(crc, int) else None
    return Page(at + reader.at, stored, size, count, encoding, known)


def content(raw: Any, page: Page, codec: int) -> memoryview:
    """Return the content of a page, decompressed.

    Raises
    ------
    FormatError
        If it cannot be decompressed, or is not what was written.
    """
    if page.crc is not None and zlib.crc32(raw) != page.crc:
        raise FormatError("a page of pixels is damaged: it has another checksum than was written")
    if not codec:
        return memoryview(raw)
    try:
        done = pa.Codec(_NAMES[codec]).decompress(raw, page.size, asbytes=False)
    except (KeyError, OSError, ValueError) as error:
        raise FormatError(f"a page of pixels cannot be decompressed: {error}") from error
    return memoryview(done)


def skip_levels(data: memoryview, count: int, levels: Levels) -> int | None:
    """Return where values begin in a page; None if not all of them are there.

    Parameters
    ----------
    data : memoryview
        Of the page.
    count : int
        Of its values.
    levels : Levels
        The highest.
    """
    repeats = int.from_bytes(data[:4], "little")
    at = 4 + repeats
    defined = int.from_bytes(data[at : at + 4], "little")
    end = at + 4 + defined
    if end > len(data) or bytes(data[at + 4 : end]) != _run(count, levels.definition):
        return None
    return end


def numbers(data: memoryview, count: int, encoding: int) -> NDArray:
    """Return the numbers in a page, in 16 bits.

    Raises
    ------
    FormatError
        If there are too few, or they are too large.
    """
    if len(data) < _INT32 * count:
        raise FormatError(f"a page of {count} pixels has {len(data)} bytes")
    if encoding == PLAIN:
        wide = np.frombuffer(data, "<u4", count)
        if wide.size and int(wide.max()) > np.iinfo(np.uint16).max:
            raise FormatError("a page of pixels has values beyond 16 bits")
        return wide.astype(np.uint16)
    streams = np.frombuffer(data, np.uint8, _INT32 * count).reshape(_INT32, count)
    if streams[2:].any():
        raise FormatError("a page of pixels has values beyond 16 bits")
    made = np.empty((count, 2), np.uint8)
    made[:, 0], made[:, 1] = streams[0], streams[1]
    return made.reshape(-1).view("<u2").astype(np.uint16, copy=False)
