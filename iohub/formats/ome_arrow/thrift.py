"""Thrift's compact protocol, in which Parquet's footers and page headers are; both ways.

A struct is a mapping from the number of a field to its type and value; so what is not understood is
written back as it was read. See the compact protocol's specification of Apache Thrift.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from iohub.errors import FormatError

Struct: TypeAlias = "dict[int, tuple[int, Any]]"

TRUE: Final = 1
FALSE: Final = 2
BYTE: Final = 3
I16: Final = 4
I32: Final = 5
I64: Final = 6
DOUBLE: Final = 7
BINARY: Final = 8
LIST: Final = 9
SET: Final = 10
STRUCT: Final = 12

_DEPTH = 64  # no footer is nested so deep, and Python's own limit is not met


class Reader:
    """Reads structs from bytes.

    Parameters
    ----------
    data : bytes-like
        Where they are.
    at : int
        Where the first one begins.
    """

    def __init__(self, data: bytes | memoryview, at: int = 0):
        self.data, self.at = data, at

    def struct(self, depth: int = 0) -> Struct:
        """Read a struct.

        Raises
        ------
        FormatError
            If it is cut short, or none.
        """
        try:
            return self._struct(depth)
        except (IndexError, OverflowError) as error:
            raise FormatError("a header of Parquet is damaged or cut short") from error

    def _struct(self, depth: int) -> Struct:
        if depth > _DEPTH:
            raise FormatError("a header of Parquet is nested too deep")
        found: Struct = {}
        number = 0
        while True:
            first = self.data[self.at]
            self.at += 1
            if not first:
                return found
            step, kind = first >> 4, first & 15
            number = number + step if step else self._zigzag()
            found[number] = (kind, self._value(kind, depth))

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind in (I16, I32, I64):
            return self._zigzag()
        if kind == BYTE:
            return self._take(1)[0]
        if kind == DOUBLE:
            return self._take(8)
        if kind == BINARY:
            return self._take(self._varint())
        if kind in (LIST, SET):
            return self._list(depth)
        if kind == STRUCT:
            return self._struct(depth + 1)
        raise FormatError(f"a header of Parquet has a member of unknown type {kind}")

    def _list(self, depth: int) -> tuple[int, list[Any]]:
        first = self._take(1)[0]
        count, kind = first >> 4, first & 15
        count = self._varint() if count == 15 else count
        if count > len(self.data) - self.at:
            raise FormatError("a list in a header of Parquet is longer than the file")
        if kind in (TRUE, FALSE):
            return kind, [byte == TRUE for byte in self._take(count)]
        return kind, [self._value(kind, depth + 1) for _ in range(count)]

    def _take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise FormatError("a header of Parquet is cut short")
        taken = bytes(self.data[self.at : end])
        self.at = end
        return taken

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise FormatError("a number in a header of Parquet is too long")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)


def varint(value: int) -> bytes:
    """Return a number in groups of seven bits, the lowest first."""
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


def write(struct: Mapping[int, tuple[int, Any]]) -> bytes:
    """Return the bytes of a struct."""
    made = bytearray()
    last = 0
    for number in sorted(struct):
        kind, value = struct[number]
        if kind in (TRUE, FALSE):
            kind = TRUE if value else FALSE
        step = number - last
        made += bytes([step << 4 | kind]) if 0 < step < 16 else bytes([kind]) + _zigzag(number)
        if kind not in (TRUE, FALSE):
            made += _written(kind, value)
        last = number
    return bytes(made) + b"\0"


def _zigzag(value: int) -> bytes:
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _written(kind: int, value: Any) -> bytes:
    if kind in (I16, I32, I64):
        return _zigzag(value)
    if kind == BYTE:
        return bytes([value])
    if kind == DOUBLE:
        return bytes(value)
    if kind == BINARY:
        return varint(len(value)) + bytes(value)
    if kind == STRUCT:
        return write(value)
    inner, items = value
    head = bytes([len(items) << 4 | inner]) if len(items) < 15 else bytes([240 | inner])
    head += varint(len(items)) if len(items) >= 15 else b""
    if inner in (TRUE, FALSE):
        return head + bytes(TRUE if item else FALSE for item in items)
    return head + b"".join(_written(inner, item) for item in items)
