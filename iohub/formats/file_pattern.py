"""Names of many image files as one pattern: which there are, and along which axes they lie.

``<0-9>``, ``<000-012:3>``, ``<a-c>`` and ``<DAPI,GFP>`` list values, ``{t}``, ``{c}``, ``{z}`` and
``{p}`` find them, and so do ``*`` and ``?``. No file is opened here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from iohub.errors import FormatError

# Letters before a value, and what they mean.
_HINTS = {
    "t": ("t", "tl", "tp", "time", "timepoint", "frame"),
    "c": ("c", "ch", "w", "channel", "chan", "wavelength"),
    "z": ("z", "zs", "sec", "fp", "slice", "plane", "focal", "depth"),
    "p": ("p", "s", "sp", "pos", "position", "series", "site", "field", "xy", "well"),
}
_AXIS = {word: axis for axis, words in _HINTS.items() for word in words}
_AXES = "ptcz"

_TOKEN = re.compile(r"<[^<>/]*>|\{[a-z]\}|\*+|\?+", re.IGNORECASE)
_RANGE = re.compile(r"(\d+)-(\d+)(?::(\d+))?|([A-Za-z])-([A-Za-z])(?::(\d+))?")
_MOST_VALUES = 1 << 20
# Instead of a hint, of a place right behind another one: it is of the same axis.
_SAME = "\0"


@dataclass(frozen=True)
class PatternFiles:
    """Files of a pattern.

    Attributes
    ----------
    axes : sequence of str
        Of each place that varies: ``p``, ``t``, ``c`` or ``z``.
    hints : sequence of str
        Letters before it.
    values : sequence of sequence of str
        Its values, in order.
    paths : mapping of tuple of int to str
        Files by the number of the value at each place.
    """

    axes: Sequence[str]
    hints: Sequence[str]
    values: Sequence[Sequence[str]]
    paths: dict[tuple[int, ...], str]

    def sizes(self, axis: str) -> int:
        """Return how many there are along an axis: the product of its places."""
        count = 1
        for name, values in zip(self.axes, self.values, strict=True):
            count *= len(values) if name == axis else 1
        return count

    def index(self, at: tuple[int, ...], axis: str) -> int:
        """Return where along an axis a file is."""
        found = 0
        for name, values, number in zip(self.axes, self.values, at, strict=True):
            if name == axis:
                found = found * len(values) + number
        return found

    def names(self, axis: str) -> list[str]:
        """Return names along an axis: values, numbers with the letters before them."""
        parts = [
            [f"{hint}{value}" if value.isdecimal() else value for value in values]
            for name, hint, values in zip(self.axes, self.hints, self.values, strict=True)
            if name == axis
        ]
        return ["_".join(each) for each in product(*parts)]


def is_pattern(path: str) -> bool:
    """Whether a path is a pattern rather than the name of a file."""
    return _TOKEN.search(path) is not None


def find_files(pattern: str) -> PatternFiles:
    """Find the files of a pattern.

    Parameters
    ----------
    pattern : str
        Such as ``"dir/img_t<0-9>_<a-c>.tif"``, ``"dir/img_{t}_{c}.tif"`` or ``"dir/*.png"``.

    Raises
    ------
    FormatError
        If a range in it is none.
    """
    literals, tokens = _split(pattern)
    if all(token.startswith("<") for token in tokens):
        values = [_listed(token[1:-1], pattern) for token in tokens]
        hints = _hints(literals[:-1])
        return _arranged(hints, [""] * len(tokens), values, _existing(literals, values))
    found = _matching(literals, tokens, pattern)
    if all(token[0] in "*?" for token in tokens):
        return _by_numbers(sorted(found.values(), key=natural), found, literals)
    hints = _hints(literals[:-1])
    letters = [token[1].lower() if token[0] == "{" else "" for token in tokens]
    given = [_listed(token[1:-1], pattern) if token[0] == "<" else [] for token in tokens]
    values = [each or sorted({at[n] for at in found}, key=natural) for n, each in enumerate(given)]
    return _arranged(hints, letters, values, found)


def natural(text: str) -> list[tuple[int, str]]:
    """Order numbers in names by value: ``a10`` after ``a9``."""
    parts = re.split(r"(\d+)", text)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


# steps


def _split(pattern: str) -> tuple[list[str], list[str]]:
    return _TOKEN.split(pattern), _TOKEN.findall(pattern)


def _listed(inside: str, pattern: str) -> list[str]:
    """Return the values that are listed between brackets."""
    values: list[str] = []
    for part in inside.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            values.append(part.strip())
            continue
        first, last, step, low, high, jump = match.groups()
        if first is None:
            codes = range(ord(low), ord(high) + 1, int(jump or 1) or 1)
            found = [chr(code) for code in codes]
        else:
            if int(last) - int(first) > _MOST_VALUES:
                raise FormatError(f"{pattern}: <{part}> has too many values")
            numbers = range(int(first), int(last) + 1, int(step or 1) or 1)
            found = [f"{number:0{len(first)}}" for number in numbers]
        if not found:
            raise FormatError(f"{pattern}: the range <{part}> is empty; write the lower end first")
        values += found
    if "" in values:
        raise FormatError(f"{pattern}: <{inside}> has an empty value")
    return list(dict.fromkeys(values))


def _existing(
    literals: Sequence[str], values: Sequence[Sequence[str]]
) -> dict[tuple[str, ...], str]:
    """Return those files of a list that are there."""
    found: dict[tuple[str, ...], str] = {}
    folders: dict[str, set[str]] = {}
    count = 1
    for each in values:
        count *= len(each)
    if count > _MOST_VALUES:
        raise FormatError(f"{'<>'.join(literals)} stands for {count} files, which is too many")
    for each in product(*values):
        parts = [part for pair in zip(literals, each, strict=False) for part in pair]
        folder, name = os.path.split("".join([*parts, literals[-1]]))
        if folder not in folders:
            folders[folder] = {os.path.basename(path) for path in _walk(folder, 0)}
        if name in folders[folder]:
            found[each] = os.path.join(folder, name)
    return found


def _matching(
    literals: Sequence[str], tokens: Sequence[str], pattern: str
) -> dict[tuple[str, ...], str]:
    """Return the files in a folder whose names match, by what stands at each place."""
    regex = re.escape(literals[0])
    for token, text in zip(tokens, literals[1:], strict=True):
        if token[0] == "<":
            listed = _listed(token[1:-1], pattern)
            regex += f"({'|'.join(map(re.escape, sorted(listed, key=len, reverse=True)))})"
        elif token[0] == "{":
            regex += r"(\d+)" if token[1].lower() in "tzp" else r"([^/]+?)"
        else:
            regex += "([^/]*?)" if token[0] == "*" else f"([^/]{{{len(token)}}})"
        regex += re.escape(text)
    whole = re.compile(regex)
    folder = os.path.dirname(literals[0])
    found = {}
    for path in _walk(folder, sum(text.count("/") for text in literals[1:])):
        if match := whole.fullmatch(path):
            found[match.groups()] = path
    return found


def _walk(folder: str, depth: int) -> list[str]:
    try:
        with os.scandir(folder or ".") as entries:
            there = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
    if not depth:
        return [os.path.join(folder, entry.name) for entry in there if entry.is_file()]
    return [
        path
        for entry in there
        if entry.is_dir()
        for path in _walk(os.path.join(folder, entry.name), depth - 1)
    ]


def _by_numbers(
    paths: Sequence[str], found: dict[tuple[str, ...], str], literals: Sequence[str]
) -> PatternFiles:
    """Take names apart at the numbers in them, if they differ in nothing else."""
    start = len(os.path.dirname(literals[0]))
    split = [re.split(r"(\d+)", path[start:]) for path in paths]
    alike = len({tuple(parts[::2]) for parts in split}) == 1
    if not alike:
        order = {path: number for number, path in enumerate(paths)}
        one: dict[tuple[str, ...], str] = {(str(order[path]),): path for path in paths}
        return _arranged([""], [""], [[str(n) for n in range(len(paths))]], one)
    texts = split[0][::2]
    places = [n for n in range(1, len(split[0]), 2) if len({parts[n] for parts in split}) > 1]
    keys = {tuple(parts[n] for n in places): path for parts, path in zip(split, paths, strict=True)}
    values = [sorted({key[n] for key in keys}, key=natural) for n in range(len(places))]
    hints = _hints([texts[n // 2] for n in places])
    return _arranged(hints, [""] * len(places), values, keys)


def _hints(texts: Sequence[str]) -> list[str]:
    """Return the letters that each text ends with; behind nothing it is the place before."""
    found = []
    for number, text in enumerate(texts):
        match = re.search(r"([A-Za-z]*)[_\-. =]?$", text)
        found.append(_SAME if number and not text else match[1] if match else "")
    return found


def _arranged(
    hints: Sequence[str],
    letters: Sequence[str],
    values: Sequence[Sequence[str]],
    found: dict[tuple[str, ...], str],
) -> PatternFiles:
    """Name the axis of each place: as it says, as the letters before it say, or one that is left.

    Names that are no numbers are channels; numbers are z, then t, then c, from the last place on.
    """
    axes = [
        letter if letter and letter in _AXES else _AXIS.get(hint.lower(), "")
        for letter, hint in zip(letters, hints, strict=True)
    ]
    for number in reversed(range(len(axes))):
        if axes[number] or hints[number] == _SAME:
            continue
        text = any(not value.isdecimal() for value in values[number])
        free = [axis for axis in ("czt" if text else "ztc") if axis not in axes]
        axes[number] = free[0] if free else "p"
    for number, hint in enumerate(hints):
        if hint == _SAME and not axes[number]:
            axes[number] = axes[number - 1]
    hints = ["" if hint == _SAME else hint for hint in hints]
    places = [{value: n for n, value in enumerate(each)} for each in values]
    paths = {
        tuple(place[value] for place, value in zip(places, key, strict=True)): path
        for key, path in found.items()
    }
    return PatternFiles(axes, hints, values, paths)
