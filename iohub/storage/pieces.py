"""The plan of work on an array: pieces that share no unit; only data, nothing runs here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from iohub.storage import grid, settings

if TYPE_CHECKING:
    from iohub.storage.spec import ArraySpec
    from iohub.types import Region, Shape

_PIECE_BYTES = 16 * 2**20  # long against its overhead, short against the budget


class Unit(NamedTuple):
    """A piece of work: whole units of one array. Plain data, to be printed, sorted or sent.

    Attributes
    ----------
    path : str
        Path of the array in its store.
    start : tuple of int
        First pixel along each axis.
    shape : tuple of int
        Size along each axis.
    """

    path: str
    start: Shape
    shape: Shape

    @property
    def region(self) -> Region:
        """The same as slices."""
        return grid.region_at(self.start, self.shape)


def piece_shape(spec: ArraySpec, memory: int | None = None) -> Shape:
    """Shape of a piece of work: whole units that make up a few MiB, or one unit if it is larger.

    Parameters
    ----------
    spec : ArraySpec
        The array.
    memory : int, optional
        Budget of all pieces in flight [bytes]; the process's setting by default.
    """
    now = settings.get_options()
    budget = now.write_bytes if memory is None else memory
    target = min(_PIECE_BYTES, budget // (now.workers + 1))
    return grid.grouped_unit(spec.shape, spec.unit, spec.dtype.itemsize, target)


def plan(
    spec: ArraySpec, region: Region | None = None, *, path: str = "", memory: int | None = None
) -> list[Unit]:
    """Cut an array, or a region of it, into pieces of work that share no unit.

    Parameters
    ----------
    spec : ArraySpec
        The array.
    region : tuple of slice, optional
        What to cut; pieces at its border hold parts of units if it is not aligned to them.
    path : str
        Path of the array, kept in each piece.
    memory : int, optional
        Budget of all pieces in flight [bytes].

    Returns
    -------
    list of Unit
        In C order; they cover the region exactly once.

    Raises
    ------
    ShapeError
        If the region leaves the array.
    """
    whole = grid.check_region(region or grid.full(spec.shape), spec.shape)
    pieces = grid.split(whole, spec.shape, piece_shape(spec, memory))
    return [Unit(path, tuple(s.start for s in p), grid.region_shape(p)) for p in pieces]
