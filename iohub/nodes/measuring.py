"""Measurements of the regions of a label image: which pixels, in which channels, joined how."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.bridges.regions import measure
from iohub.errors import AxisError, MissingNodeError, ShapeError

if TYPE_CHECKING:
    import pandas as pd

    from iohub.nodes.image_array import ImageArray
    from iohub.nodes.label import Label
    from iohub.nodes.multiscale import MultiscaleNode
    from iohub.types import NDArray


def measured(
    label: Label,
    properties: Sequence[str],
    channels: Sequence[str] | None,
    level: int,
    physical: bool,
    extra_properties: Sequence[Callable[..., Any]],
) -> pd.DataFrame:
    """Return the table that :meth:`iohub.nodes.label.Label.regionprops` describes."""
    import pandas as pd

    names = label._names()
    if not -len(names) <= level < len(names):
        raise MissingNodeError(level, f"levels of {label.url}", names)
    array = label[names[level]]
    axes = _roles(label)
    space = [name for name in axes if name not in ("t", "c")]
    # A single slice is measured as the plane that it is: half of the properties are for planes.
    kept = [name for name in space if array.shape[axes.index(name)] > 1 or name in "yx"]
    times = array.shape[axes.index("t")] if "t" in axes else 1
    scale = dict(zip(axes, label.get_effective_scale(names[level]), strict=True))
    tables = []
    for time, stack in _stacks(array, axes, kept, times):
        intensity = None
        if channels is not None:
            intensity = _intensities(label, level, channels, kept, (time, times), stack.shape)
        table = measure(
            stack,
            intensity,
            properties=properties,
            spacing=[scale[name] for name in kept] if physical else None,
            extra_properties=extra_properties,
        )
        if times > 1:
            table.insert(0, "t", time)
        tables.append(table)
    return pd.concat(tables).rename_axis("label-value")


def _roles(node: MultiscaleNode) -> list[str]:
    """Return the axes as "t", "c" or their own names."""
    short = {"time": "t", "channel": "c"}
    return [short.get(axis.type or "", axis.name.lower()) for axis in node.axes]


def _stacks(
    array: ImageArray, axes: Sequence[str], kept: Sequence[str], times: int
) -> Iterator[tuple[int, NDArray]]:
    """Spatial pixels of each time point."""
    if "c" in axes and array.shape[axes.index("c")] != 1:
        raise AxisError(f"labels {array.path!r} differ by channel; measure one channel at a time")
    for time in range(times):
        yield time, np.asarray(array[_key(axes, kept, {"t": time})])


def _key(axes: Sequence[str], kept: Sequence[str], at: dict[str, int]) -> tuple[Any, ...]:
    return tuple(slice(None) if name in kept else at.get(name, 0) for name in axes)


def _intensities(
    label: Label,
    level: int,
    channels: Sequence[str],
    kept: Sequence[str],
    when: tuple[int, int],
    shape: tuple[int, ...],
) -> NDArray:
    """Pixels of the labelled image by the axes of the labels, channels last."""
    image = label.image
    paths = image._level_paths(image._image_document())
    if not -len(paths) <= level < len(paths):
        raise MissingNodeError(level, f"levels of {image.url}", paths)
    array, axes = image[paths[level]], _roles(image)
    time, times = when
    sizes = dict(zip(axes, array.shape, strict=True))
    outside = [name for name in axes if name not in (*kept, "t", "c") and sizes[name] != 1]
    found = tuple(sizes.get(name, 1) for name in kept)
    if outside or found != shape or sizes.get("t", 1) != times:
        raise ShapeError(
            f"labels {label.path!r} of {', '.join(kept)} {shape} do not cover image "
            f"{array.path!r} of {', '.join(axes)} {array.shape}; intensities cannot be measured"
        )
    picked = [
        array[_key(axes, kept, {"t": time, "c": image.get_channel_index(name)})]
        for name in channels
    ]
    return np.stack(picked, axis=-1)


def merged(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Join new columns to the properties there are; a column in both is the new one.

    Parameters
    ----------
    old, new : pandas.DataFrame
        Indexed by ``label-value``; with a column ``t`` where a label has one row per time.

    Returns
    -------
    pandas.DataFrame
        Every label of both.
    """
    key = ["t"] if "t" in old.columns and "t" in new.columns else []
    rest = old.drop(columns=[name for name in old.columns if name in new.columns and name != "t"])
    if not len(rest.columns):
        rest = rest.iloc[:0] if old.index.isin(new.index).all() else rest
    if not len(rest):
        return new
    if "t" in rest.columns and not key:
        return _nullable(rest).join(_nullable(new), how="outer")
    left, right = _nullable(new), _nullable(rest)
    if key:
        left, right = (part.set_index(key, append=True) for part in (left, right))
    joined = left.join(right, how="outer")
    return joined.reset_index(level=key) if key else joined


def _nullable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose integers stay integers where a join leaves gaps."""
    whole = [name for name in frame.columns if frame[name].dtype.kind in "iu"]
    return frame.astype(dict.fromkeys(whole, "Int64"))
