"""Measurements of labelled regions by scikit-image, as a pandas DataFrame; nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import ArgumentError

if TYPE_CHECKING:
    import pandas as pd

    from iohub.types import NDArray

# scikit-image keeps a list as long as the largest label.
_LARGE = 1 << 20


def measure(
    labels: NDArray,
    intensity: NDArray | None = None,
    *,
    properties: Sequence[str] = ("area", "centroid", "bbox"),
    spacing: Sequence[float] | None = None,
    extra_properties: Sequence[Callable[..., Any]] = (),
) -> pd.DataFrame:
    """Measure each labelled region of one stack.

    Parameters
    ----------
    labels : numpy.ndarray
        Integers ``(Z, Y, X)`` or ``(Y, X)``; 0 is background.
    intensity : numpy.ndarray, optional
        Pixels of the image, with the axes of `labels` and perhaps channels behind.
    properties : sequence of str
        As :func:`skimage.measure.regionprops_table` takes them; the label itself always comes.
    spacing : sequence of float, optional
        Size of a pixel by axis; pixels are the unit if not given.
    extra_properties : sequence of callable
        Functions of a region's mask, or of its mask and intensities, called as they are named.

    Returns
    -------
    pandas.DataFrame
        One row per label, indexed by ``label``; columns as scikit-image names them.
    """
    import pandas as pd
    from skimage import measure as skimage_measure

    regionprops_table: Callable[..., dict[str, Any]] = skimage_measure.regionprops_table
    compact, ids = _compact(labels)
    wanted = ["label", *(name for name in properties if name != "label")]
    try:
        table = regionprops_table(
            compact,
            intensity_image=intensity,
            properties=tuple(wanted),
            extra_properties=tuple(extra_properties) or None,
            spacing=None if spacing is None else tuple(spacing),
        )
    except AttributeError as error:
        if "intensity_image" in str(error):
            raise ArgumentError(
                f"intensities need channels, as in channels=['GFP'] ({error})"
            ) from error
        unknown = [name for name in wanted if repr(name) in str(error)]
        if not unknown:
            raise
        regionprops: Callable[..., list[Any]] = skimage_measure.regionprops
        known = dir(regionprops(np.ones((1, 1), dtype=int))[0])
        near = get_close_matches(unknown[0], [n for n in known if n[0] != "_"], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ", see skimage.measure.regionprops"
        raise ArgumentError(f"scikit-image measures no property {unknown[0]!r}{hint}") from error
    except RuntimeError as error:  # what scikit-image has for planes only
        if "not implemented" not in str(error):
            raise
        raise ArgumentError(f"scikit-image: {error}") from error
    frame = pd.DataFrame({name: _column(values) for name, values in table.items()})
    if ids is not None:
        frame["label"] = ids[frame["label"].to_numpy() - 1]
    return frame.set_index("label")


def _compact(labels: NDArray) -> tuple[NDArray, NDArray | None]:
    """Return labels that scikit-image takes, and the true ones if they had to be renumbered."""
    if not labels.size:
        return labels.astype(np.int64), None
    if int(labels.min()) >= 0 and int(labels.max()) <= _LARGE:
        return labels.astype(np.int32, copy=False), None
    ids, inverse = np.unique(labels, return_inverse=True)
    kept = ids[ids != 0]
    number = np.zeros(len(ids), dtype=np.int32)
    number[ids != 0] = np.arange(1, len(kept) + 1)
    return number[inverse].reshape(labels.shape), kept


def _column(values: Any) -> Any:
    """Return a column that pandas takes: arrays in cells stay objects."""
    array = np.asarray(values)
    return list(values) if array.ndim > 1 else array
