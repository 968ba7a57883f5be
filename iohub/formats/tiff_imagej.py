"""What ImageJ writes in TIFF files: the description of a stack, and tags of its own.

Source: ``ij.io.FileInfo`` and ``ij.io.TiffEncoder`` of ImageJ 1.53 (public domain). Texts are
UTF-16, in the byte order of the file.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from iohub.errors import FormatError

if TYPE_CHECKING:
    from iohub.formats.tiff_header import Directory, TiffStructure

_COUNTS, _CONTENT = 50838, 50839
_LUT = 256


@dataclass(frozen=True)
class ImageJ:
    """What ImageJ says of a stack.

    Attributes
    ----------
    fields : mapping of str to str
        Lines of the description, such as ``slices=5``.
    labels : sequence of str
        One for each page; empty if there are none.
    colors : sequence of str
        Brightest color of each channel, six hexadecimal digits.
    ranges : sequence of (float, float)
        What is shown darkest and brightest, of each channel.
    info : str
        Whatever else people or plugins noted.
    """

    fields: Mapping[str, str]
    labels: Sequence[str] = ()
    colors: Sequence[str] = ()
    ranges: Sequence[tuple[float, float]] = ()
    info: str = ""

    def count(self, name: str) -> int:
        """Return a number of pages, 1 if it is not given."""
        try:
            return max(1, int(self.fields.get(name, "1")))
        except ValueError:
            return 1

    def number(self, name: str) -> float | None:
        """Return a number, None if there is none of this name."""
        try:
            return float(self.fields[name])
        except (KeyError, ValueError):
            return None


def is_imagej(description: str) -> bool:
    """Whether the description of a page is ImageJ's."""
    return description.startswith("ImageJ=")


def read_imagej(structure: TiffStructure, directory: Directory, description: str) -> ImageJ:
    """Read what ImageJ says of a file.

    Parameters
    ----------
    structure : TiffStructure
        The file.
    directory : Directory
        Of the first page.
    description : str
        Of the first page.

    Raises
    ------
    FormatError
        If the file ends in ImageJ's tags.
    """
    lines = (line.partition("=") for line in description.splitlines())
    fields = {key.strip(): value.strip() for key, sign, value in lines if sign}
    counts, content = directory.entries.get(_COUNTS), directory.entries.get(_CONTENT)
    if counts is None or content is None:
        return ImageJ(fields)
    sizes = structure.numbers(counts).tolist()
    try:
        parts = _parts(structure.raw(content), sizes, structure.order)
    except struct.error as error:
        raise FormatError(f"{structure.name} is damaged: metadata of ImageJ ({error})") from error
    encoding = "utf-16-le" if structure.order == "<" else "utf-16-be"
    texts = [part.decode(encoding, errors="replace") for part in parts.get("info", [])]
    ranges = b"".join(parts.get("rang", []))[:65536]
    values = struct.unpack(f"{structure.order}{len(ranges) // 8}d", ranges[: len(ranges) // 8 * 8])
    return ImageJ(
        fields,
        _texts(parts.get("labl", []), encoding),
        [_color(part) for part in parts.get("luts", [])],
        list(zip(values[::2], values[1::2], strict=False)),
        "\n".join(texts),
    )


def _texts(parts: Sequence[bytes], encoding: str) -> list[str]:
    """Decode many short texts at once; one by one if a letter in them takes more than 2 bytes."""
    whole = b"".join(parts).decode(encoding, errors="replace")
    ends = np.cumsum([0, *map(len, parts)])
    if 2 * len(whole) != ends[-1] or (ends % 2).any():
        return [part.decode(encoding, errors="replace") for part in parts]
    return [whole[a:b] for a, b in itertools.pairwise((ends // 2).tolist())]


def _parts(raw: bytes, sizes: Sequence[int], order: str) -> dict[str, list[bytes]]:
    """Cut the tag into its parts, by kind: a header says how many there are of each kind."""
    found: dict[str, list[bytes]] = {}
    at, number = sizes[0] if sizes else 0, 1
    for place in range(4, min(at, len(raw)) - 7, 8):
        kind, count = struct.unpack_from(order + "4sI", raw, place)
        name = (kind[::-1] if order == "<" else kind).decode("latin-1")
        ends = list(itertools.accumulate(sizes[number : number + count], initial=at))
        found.setdefault(name, []).extend([raw[a:b] for a, b in itertools.pairwise(ends)])
        at = ends[-1]
        number += count
    return found


def _color(lut: bytes) -> str:
    """Return the last entry of a table of colors: all red, all green, all blue."""
    return "".join(f"{lut[n]:02X}" for n in range(_LUT - 1, min(len(lut), 3 * _LUT), _LUT))
