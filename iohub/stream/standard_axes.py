"""The usual axes by their letters, and dimensions made of letters and sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from iohub.errors import ArgumentError
from iohub.stream.dimensions import Dimension, DimensionType
from iohub.stream.plates import Position


class StandardAxis(StrEnum):
    """A usual axis; equal to its letter.

    Examples
    --------
    >>> StandardAxis("t") is StandardAxis.TIME
    True
    """

    X = "x"
    Y = "y"
    Z = "z"
    CHANNEL = "c"
    TIME = "t"
    POSITION = "p"

    def dimension_type(self) -> DimensionType:
        """Return the type of the axis."""
        return _KNOWN[self.value][0]

    def unit(self) -> str | None:
        """Return the usual unit of the axis; None if it has none."""
        return _KNOWN[self.value][1]

    def to_dimension(
        self,
        *,
        count: int | None = None,
        scale: float | None = None,
        chunk_size: int | None = None,
        shard_size_chunks: int | None = None,
        coords: Sequence[object] | None = None,
    ) -> Dimension:
        """Return a dimension of this name, type and unit; see :class:`Dimension`."""
        return Dimension.model_validate(
            {
                "name": self.value,
                "type": self.dimension_type(),
                "unit": self.unit(),
                "count": count,
                "scale": scale,
                "chunk_size": chunk_size,
                "shard_size_chunks": shard_size_chunks,
                "coords": None if coords is None else list(coords),
            }
        )


_KNOWN: Mapping[str, tuple[DimensionType, str | None]] = {
    "x": ("space", "micrometer"),
    "y": ("space", "micrometer"),
    "z": ("space", "micrometer"),
    "c": ("channel", None),
    "t": ("time", "second"),
    "p": ("position", None),
}


def dims_from_standard_axes(
    sizes: Mapping[str, int | Sequence[str | Position] | None],
    chunk_shapes: Mapping[str | StandardAxis, int] | None = None,
    shard_shapes: Mapping[str | StandardAxis, int] | None = None,
) -> list[Dimension]:
    """Make dimensions of the usual axes, in the order given.

    Parameters
    ----------
    sizes : mapping of str to (int, list or None)
        Letters t, c, z, y, x and p in the order of the acquisition, with their sizes, with the
        names of channels or positions, or None where the size is not known.
    chunk_shapes : mapping of str to int, optional
        Chunk sizes by letter; all of y and x, and 1 of others if not given.
    shard_shapes : mapping of str to int, optional
        Chunks per shard by letter.

    Returns
    -------
    list of Dimension
        In the order of `sizes`.

    Raises
    ------
    ArgumentError
        If a letter is not a usual axis, or chunks are given for one that is not there; a
        :class:`ValueError`.

    Examples
    --------
    >>> dims_from_standard_axes({"t": None, "c": ["DAPI", "GFP"], "y": 512, "x": 512})
    """
    letters = [str(axis) for axis in StandardAxis]
    if set(map(str, sizes)) - set(letters):
        raise ArgumentError(f"standard axes are {', '.join(letters)}, not {list(map(str, sizes))}")
    chunks = _by_letter(chunk_shapes, sizes, "chunk_shapes")
    shards = _by_letter(shard_shapes, sizes, "shard_shapes")
    dims = []
    for name, size in sizes.items():
        axis = StandardAxis(str(name))
        coords = None if size is None or isinstance(size, int) else list(size)
        count = size if isinstance(size, int) else None if coords is None else len(coords)
        chunk = chunks.get(axis.value)
        if chunk is None and axis is not StandardAxis.POSITION:
            chunk = count if axis in {StandardAxis.Y, StandardAxis.X} else 1
        dims.append(
            axis.to_dimension(
                count=count,
                coords=coords,
                chunk_size=chunk,
                shard_size_chunks=shards.get(axis.value),
            )
        )
    return dims


def _by_letter(
    given: Mapping[str | StandardAxis, int] | None, sizes: Mapping[str, object], what: str
) -> dict[str, int]:
    named = {str(name): value for name, value in (given or {}).items()}
    if unknown := sorted(set(named) - set(map(str, sizes))):
        raise ArgumentError(f"{what} has {', '.join(unknown)}, which is no axis of {list(sizes)}")
    return named
