"""One record made of many image files, whose names say where in the image they belong."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from iohub.arrow import images
from iohub.arrow.arrays import CLAMPED
from iohub.errors import (
    ArgumentError,
    FormatError,
    MissingFramesWarning,
    NotFoundError,
    ShapeError,
)
from iohub.formats.file_pattern import PatternFiles, find_files, is_pattern
from iohub.formats.ome_arrow.casting import cast
from iohub.formats.ome_arrow.records import Description, build, channel, in_utc

if TYPE_CHECKING:
    from iohub.types import NDArray

# Letters before a place, and the dimension that they mean.
_WORDS = {
    "C": ("c", "ch", "w", "channel"),
    "T": ("t", "tl", "tp", "timepoint"),
    "Z": ("z", "zs", "sec", "fp", "focal", "focalplane"),
    "S": ("s", "sp", "series"),
}
_MEANT = {word: letter for letter, words in _WORDS.items() for word in words}


def from_stack_pattern_path(
    pattern_path: str | Path,
    default_dim_for_unspecified: str = "C",
    map_series_to: str | None = "T",
    clamp_to_uint16: bool = True,
    channel_names: list[str] | None = None,
    image_id: str | None = None,
    name: str | None = None,
    image_type: str | None = None,
) -> pa.StructScalar:
    """Build a record of many files, such as ``"img_t<0-9>_<DAPI,GFP>.tif"`` or ``"z*.tif"``.

    Letters before a place say its dimension: C, CH or W; T, TL or TP; Z, ZS, SEC or FP; S, SP or
    SERIES. Pixels of files that are missing are 0.

    Parameters
    ----------
    pattern_path : path-like
        Where ``<0-9>``, ``<0-8:2>``, ``<a-c>`` and ``<a,b>`` list values, and ``*`` and ``?`` find
        them.
    default_dim_for_unspecified : {"C", "T", "Z"}
        Of places without such letters.
    map_series_to : {"T", "C", "Z"} or None
        What series are; None if there is one only.
    clamp_to_uint16 : bool
        Whether pixels become uint16; without it their type is kept.
    channel_names : list of str, optional
        By default the values that are channels, if a file has one channel.
    image_id, name, image_type : str, optional
        By default the pattern's name without and with its ending.

    Returns
    -------
    pyarrow.StructScalar
        The record.

    Raises
    ------
    NotFoundError
        If there is no such file.
    ArgumentError, FormatError, ShapeError
        If the pattern or a dimension is none, files differ in shape, or names of channels do not
        fit; ValueErrors.

    Warns
    -----
    MissingFramesWarning
        If files are missing.
    """
    pattern = os.fspath(pattern_path)
    found, axes = _arranged(pattern, default_dim_for_unspecified, map_series_to)
    values, said = _put_together(found, axes)
    if clamp_to_uint16:
        values = cast(values, np.dtype(np.uint16), clamp=True, why=CLAMPED)
    t, c, z, y, x = values.shape
    labels = channel_names or _labels(found, axes, said, c)
    if len(labels) != c:
        raise ArgumentError(f"{len(labels)} channel_names for {c} channels of {pattern!r}")
    path = Path(pattern)
    made = replace(
        said,
        shape=(t, c, z, y, x),
        dtype=values.dtype.name,
        channels=tuple(channel(index, label) for index, label in enumerate(labels)),
        chunk=(1, 512, 512),
        acquired=in_utc(None),
        image_id=image_id or path.stem,
        name=name or path.name,
        image_type=image_type,
    )
    return build(made, values)


def _arranged(pattern: str, default: str, series: str | None) -> tuple[PatternFiles, Sequence[str]]:
    """Find the files of a pattern, and the dimension of each place in it."""
    for letter, argument in ((default, "default_dim_for_unspecified"), (series, "map_series_to")):
        if letter is not None and letter.upper() not in ("C", "T", "Z"):
            raise ArgumentError(f"{argument} is C, T or Z, not {letter!r}")
    if pattern.count("<") != pattern.count(">"):
        raise FormatError(f"{pattern!r} is no pattern: a '<' is not closed")
    if not is_pattern(pattern):
        if not os.path.exists(pattern):
            raise NotFoundError(f"there is no file {pattern!r}")
        return PatternFiles((), (), (), {(): pattern}), ()
    found = find_files(pattern)
    if not found.paths:
        raise NotFoundError(f"no file matches {pattern!r}")
    count = int(np.prod([len(each) for each in found.values]))
    if count > len(found.paths):
        warnings.warn(
            f"{pattern}: {len(found.paths)} of {count} files are there; the others are zeros",
            MissingFramesWarning,
            stacklevel=4,
        )
    axes = []
    for hint, values in zip(found.hints, found.values, strict=True):
        meant = _MEANT.get(hint.lower(), default.upper())
        if meant == "S":
            if series is None and len(values) > 1:
                raise ArgumentError(
                    f"{pattern!r} has {len(values)} series, and a record has one: say what they "
                    "are by map_series_to"
                )
            meant = series.upper() if series else default.upper()
        axes.append(meant.lower())
    return replace(found, axes=axes), axes


def _put_together(found: PatternFiles, axes: Sequence[str]) -> tuple[NDArray, Description]:
    """Read files into one array (T, C, Z, Y, X); return what the first one says too."""
    outer = [found.sizes(axis) for axis in "tcz"]
    out: NDArray | None = None
    first: Description | None = None
    for at, path in sorted(found.paths.items()):
        node, position = images.open_image(path)
        with node:
            values = images.read_pixels(position)
            said = images.describe_image(position)
        if out is None or first is None:
            first = said
            shape = [a * b for a, b in zip(outer, values.shape, strict=False)]
            out = np.zeros((*shape, *values.shape[3:]), values.dtype)
        if said.shape != first.shape:
            raise ShapeError(f"{path!r} is of shape {said.shape}; the first file, of {first.shape}")
        if values.dtype != out.dtype:
            wider = np.result_type(values.dtype, out.dtype)
            out = out.astype(wider, copy=False)
        place = [found.index(at, axis) for axis in "tcz"]
        t, c, z = (
            slice(index * size, (index + 1) * size)
            for index, size in zip(place, first.shape, strict=False)
        )
        out[t, c, z] = values
    if out is None or first is None:
        raise NotFoundError("there are no files")
    return out, first


def _labels(
    found: PatternFiles, axes: Sequence[str], said: Description, count: int
) -> Sequence[str]:
    if "c" in axes and said.shape[1] == 1:
        return found.names("c")
    names = [each.get("name") for each in said.channels]
    if len(names) == count and all(names):
        return [str(each) for each in names]
    return [f"C{index}" for index in range(count)]
