"""Where each frame goes: from the order in which frames come to an index in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, count, islice, product, repeat
from math import prod
from operator import itemgetter
from typing import TypeAlias

from iohub.errors import ArgumentError, BoundsError
from iohub.stream.settings import AcquisitionSettings

Place: TypeAlias = tuple[int, tuple[int, ...]]
"""Which position, and the index along the stored dimensions but those of a frame."""


class FrameRouter(Iterator[Place]):
    """Iterates over (position index, storage index) in the order in which frames come.

    All iteration is in C (about 0.1 µs a frame). ``iter(router)`` starts anew.

    Parameters
    ----------
    settings : AcquisitionSettings
        With dimensions.
    start : int
        Index along the first dimension that the first frame has.

    Attributes
    ----------
    num_frames : int or None
        How many frames there are; None if the first dimension is unbounded.
    first : int
        Number of the frame that iteration starts with.
    sizes : tuple of (int or None)
        Sizes of all dimensions but those of a frame, as frames come.

    Examples
    --------
    >>> for position, index in FrameRouter(settings):
    ...     arrays[position][index] = next(frames)
    """

    def __init__(self, settings: AcquisitionSettings, start: int = 0):
        dims = settings.dimensions[:-2] if settings.dimensions else settings.index_dimensions
        self._names = tuple(dim.name for dim in dims)
        self.sizes = tuple(dim.count for dim in dims)
        self._position = settings.position_dimension_index
        index = [i for i in range(len(dims)) if i != self._position]
        self._order = tuple(index[i] for i in settings.storage_places)
        self.num_frames = settings.num_frames
        self._start = start
        self.first = start * prod(size or 1 for size in self.sizes[1:])
        self._places = self._iterate()

    def __iter__(self) -> FrameRouter:
        self.reset()
        return self

    def __next__(self) -> Place:
        return next(self._places)

    def reset(self) -> None:
        """Start with the first frame again."""
        self._places = self._iterate()

    def skip(self, frames: int = 1) -> None:
        """Leave out some frames.

        Raises
        ------
        ArgumentError
            If it is less than one; a :class:`ValueError`.
        BoundsError
            If there are not as many left; an :class:`IndexError`.
        """
        if frames < 1:
            raise ArgumentError(f"frames must be positive, not {frames}")
        done = sum(1 for _ in islice(self._places, frames))
        if done < frames:
            raise BoundsError(f"{frames} frames cannot be skipped: only {done} were left")

    # ---- single frames ------------------------------------------------------------------------

    def at(self, number: int) -> Place:
        """Return where a frame goes.

        Parameters
        ----------
        number : int
            Of the frame, from 0, in the order in which they come.

        Raises
        ------
        BoundsError
            If there is no such frame; an :class:`IndexError`.
        """
        if number < 0 or (self.num_frames is not None and number >= self.num_frames):
            raise BoundsError(f"there is no frame {number} among {self.num_frames}")
        return self._place(self.indices(number))

    def indices(self, number: int) -> tuple[int, ...]:
        """Return the index of a frame along every dimension but its own, as frames come."""
        found = []
        for size in reversed(self.sizes[1:]):
            number, index = divmod(number, size or 1)
            found.append(index)
        return (number, *reversed(found)) if self.sizes else ()

    def locate(self, at: Mapping[str, int]) -> tuple[int, Place]:
        """Return the number of a frame, and where it goes, by names of dimensions.

        Parameters
        ----------
        at : mapping of str to int
            An index for each dimension of more than one, from 0.

        Raises
        ------
        ArgumentError
            If a dimension is not known, or one is missing; a :class:`ValueError`.
        BoundsError
            If an index is out of bounds; an :class:`IndexError`.
        """
        if unknown := sorted(set(at) - set(self._names)):
            raise ArgumentError(
                f"there is no dimension {', '.join(unknown)}; there are {', '.join(self._names)}"
            )
        indices = []
        for name, size in zip(self._names, self.sizes, strict=True):
            if name not in at and size != 1:
                raise ArgumentError(f"at={dict(at)} says nothing of {name!r}; give its index")
            index = at.get(name, 0)
            if isinstance(index, bool) or not hasattr(index, "__index__"):
                raise ArgumentError(f"the index along {name!r} must be an integer, not {index!r}")
            index = index.__index__()
            if index < 0 or (size is not None and index >= size):
                raise BoundsError(f"{name}={index} is out of bounds; the size is {size}")
            indices.append(index)
        sizes = [size or 0 for size in self.sizes]
        number = sum(index * prod(sizes[i + 1 :]) for i, index in enumerate(indices))
        return number, self._place(tuple(indices))

    def _place(self, indices: tuple[int, ...]) -> Place:
        position = 0 if self._position is None else indices[self._position]
        return position, tuple(indices[i] for i in self._order)

    def _iterate(self) -> Iterator[Place]:
        positions: Iterator[int] = repeat(0)
        if self._position is not None:
            positions = chain.from_iterable(self._along((self._position,)))
        return zip(positions, self._along(self._order), strict=False)

    def _along(self, order: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """Iterate over the indexes of all frames, some of their dimensions only."""
        if not self.sizes:
            return iter([()])
        every: Iterator[tuple[int, ...]]
        inner = [range(size or 1) for size in self.sizes[1:]]
        if self.sizes[0] is None:
            every = chain.from_iterable(product((i,), *inner) for i in count(self._start))
        else:
            every = product(range(self._start, self.sizes[0]), *inner)
        if not order:
            return map(_nothing, every)
        # An item getter of one index gives no tuple.
        if len(order) == 1:
            return zip(map(itemgetter(*order), every), strict=True)
        return map(itemgetter(*order), every)


def _nothing(_: tuple[int, ...]) -> tuple[int, ...]:
    return ()
