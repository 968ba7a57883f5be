"""Values that are assigned to a selection, as NumPy treats them: broadcast; the last one stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from iohub.types import NDArray, Shape


def broadcast(value: NDArray, shape: Shape) -> NDArray:
    """Broadcast a value as NumPy does in an assignment: leading axes of size 1 may be dropped.

    Parameters
    ----------
    value : numpy.ndarray
        What is assigned.
    shape : tuple of int
        Shape of what it is assigned to.

    Raises
    ------
    ValueError
        If it does not broadcast.
    """
    while value.ndim > len(shape) and value.shape[0] == 1:
        value = value[0]
    if value.shape == shape:
        return value
    try:
        return np.broadcast_to(value, shape)
    except ValueError as error:
        raise ValueError(
            f"could not broadcast input array from shape {value.shape} into shape {shape}"
        ) from error


def last_wins(index: tuple[Any, ...], value: NDArray) -> tuple[tuple[Any, ...], NDArray]:
    """Drop all but the last of positions that occur twice in a vector.

    Parameters
    ----------
    index : tuple of (slice or numpy.ndarray)
        One entry per axis.
    value : numpy.ndarray
        What is written there.
    """
    unique = list(index)
    for axis, part in enumerate(index):
        if isinstance(part, slice):
            continue
        _, last = np.unique(part[::-1], return_index=True)
        if last.size < part.size:
            keep = np.sort(part.size - 1 - last)
            unique[axis] = part[keep]
            value = np.take(value, keep, axis)
    return tuple(unique), value


def last_point_wins(
    coords: tuple[NDArray, ...], value: NDArray
) -> tuple[tuple[NDArray, ...], NDArray]:
    """Drop all but the last of points that occur twice.

    Parameters
    ----------
    coords : tuple of numpy.ndarray
        One array per axis, all of one shape.
    value : numpy.ndarray
        What is written there, of that shape.
    """
    flat = np.stack([c.ravel() for c in coords])
    _, last = np.unique(flat[:, ::-1], axis=1, return_index=True)
    keep = np.sort(flat.shape[1] - 1 - last)
    return tuple(flat[:, keep]), value.ravel()[keep]


def outer_lines(index: tuple[slice | NDArray, ...]) -> list[NDArray]:
    """Return the positions along each axis that an outer product takes.

    Parameters
    ----------
    index : tuple of (slice or numpy.ndarray)
        One entry per axis.
    """
    return [np.arange(p.start, p.stop, p.step or 1) if isinstance(p, slice) else p for p in index]


def by_unit(line: NDArray, step: int) -> list[NDArray]:
    """Return indexes into a vector of positions, one array for each unit that they fall in.

    Parameters
    ----------
    line : numpy.ndarray
        Positions along an axis.
    step : int
        Size of a unit.
    """
    unit = line // step
    order = np.argsort(unit, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(unit[order])) + 1)
