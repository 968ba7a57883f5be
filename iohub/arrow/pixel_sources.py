"""Where the pixels of a tensor come from: a record, a loader of planes, a dataset or an image."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from iohub.errors import FormatError, MissingNodeError, ShapeError
from iohub.formats.ome_arrow.casting import cast
from iohub.formats.ome_arrow.pixel_values import take
from iohub.formats.ome_arrow.pixels import Stored, dtype_of
from iohub.formats.ome_arrow.records import Description, as_record, describe, stored

if TYPE_CHECKING:
    import pyarrow as pa

    from iohub.arrow.selection import Cut, Selection
    from iohub.formats.ome_arrow.dataset import Dataset
    from iohub.nodes.position import Position
    from iohub.types import NDArray


_WHY = "give another dtype= to keep them"


class PixelSource(Protocol):
    """Something that has pixels of which parts can be read."""

    @property
    def said(self) -> Description:
        """Shape, data type and chunks of the image."""

    @property
    def by_region(self) -> bool:
        """Whether a part of a plane is read without the rest of it."""

    def read(self, part: Selection) -> NDArray:
        """Return pixels (T, C, Z, Y, X) of a part; a view where that can be."""


@dataclass
class Pixels:
    """Pixels of a part of an image, read when they are first asked for, by one thread."""

    source: PixelSource
    part: Selection
    dtype: np.dtype[Any]
    _values: NDArray | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def values(self) -> NDArray:
        """Return the pixels (T, C, Z, Y, X)."""
        with self._lock:
            if self._values is None:
                found = self.source.read(self.part)
                self._values = cast(found, self.dtype, clamp=False, why=_WHY)
            return self._values

    def of(self, cut: Cut) -> Pixels:
        """Return those of a part: out of what was read already, or to be read alone."""
        part = self.part.part(cut)
        held = self._values
        return Pixels(self.source, part, self.dtype, None if held is None else held[cut])


@dataclass(frozen=True)
class RecordPixels:
    """Pixels of a record."""

    said: Description
    stored: Stored
    by_region: ClassVar[bool] = False

    def read(self, part: Selection) -> NDArray:
        """Return the pixels of a part; see :meth:`check`."""
        self.check(part)
        return self.stored.region(part.t, part.c, part.z, part.y, part.x)

    def check(self, part: Selection) -> None:
        """Refuse a part that is not there.

        Raises
        ------
        FormatError
            If the record does not have all its planes.
        """
        here = take(self.stored.present(), part.t, part.c, part.z)
        if not here.all():
            t, c, z = (int(each[0]) for each in np.nonzero(~here))
            raise FormatError(
                f"the record has no plane at t={part.t[t]}, c={part.c[c]}, z={part.z[z]}"
            )


@dataclass(frozen=True)
class LoadedPlanes:
    """Pixels that a function returns plane by plane."""

    said: Description
    plane: Callable[[int, int, int], NDArray]
    by_region: ClassVar[bool] = False

    def read(self, part: Selection) -> NDArray:
        """Return the pixels of a part; each plane is asked for once."""
        out: NDArray | None = None
        whole = self.said.shape[3:]
        known: dict[tuple[int, int, int], NDArray] = {}
        for i, t in enumerate(part.t):
            for j, c in enumerate(part.c):
                for k, z in enumerate(part.z):
                    if (t, c, z) not in known:
                        plane = np.asarray(self.plane(t, c, z))
                        if plane.shape != whole:
                            raise ShapeError(
                                f"the plane at t={t}, c={c}, z={z} is of shape {plane.shape}, "
                                f"not {whole}"
                            )
                        known[t, c, z] = plane[part.y, part.x]
                    if out is None:
                        out = np.empty(part.shape, known[t, c, z].dtype)
                    out[i, j, k] = known[t, c, z]
        return np.zeros(part.shape, dtype_of(self.said.dtype)) if out is None else out


@dataclass(frozen=True)
class DatasetPixels:
    """Pixels of an image of a dataset; only chunks are read that are needed."""

    dataset: Dataset
    image: int
    by_region: ClassVar[bool] = True

    @property
    def said(self) -> Description:
        """What the dataset says of the image."""
        return self.dataset.images[self.image]

    def read(self, part: Selection) -> NDArray:
        """Return the pixels of a part."""
        lists = (part.t, part.c, part.z)
        low = [min(each, default=0) for each in lists]
        bounds = (slice(a, max(each, default=-1) + 1) for a, each in zip(low, lists, strict=True))
        values = self.dataset.read(self.image, (*bounds, part.y, part.x))
        return take(values, *([n - a for n in each] for a, each in zip(low, lists, strict=True)))


@dataclass(frozen=True)
class ImagePixels:
    """Pixels of an image of any format that iohub opens; only regions are read that are needed."""

    said: Description
    position: Position
    by_region: ClassVar[bool] = True

    def read(self, part: Selection) -> NDArray:
        """Return the pixels of a part."""
        names = self.position.axis_names
        lists = {"t": part.t, "c": part.c, "z": part.z}
        low = {axis: min(each, default=0) for axis, each in lists.items()}
        bounds = {axis: slice(low[axis], max(each, default=-1) + 1) for axis, each in lists.items()}
        bounds |= {"y": part.y, "x": part.x}
        values = np.asarray(self.position.data[tuple(bounds[name] for name in names)])
        order = [names.index(name) for name in "tczyx" if name in names]
        missing = tuple(axis for axis, name in enumerate("tczyx") if name not in names)
        block = np.expand_dims(values.transpose(order), missing)
        # An axis that the image does not have is of one pixel, of which an index may be empty.
        places = ([n - low[axis] for n in each] for axis, each in lists.items())
        return take(block, *places)


def record_pixels(record: pa.StructScalar) -> RecordPixels:
    """Return the pixels of a record.

    Raises
    ------
    MissingNodeError, FormatError
        If the record is damaged.
    """
    said = describe(record)
    return RecordPixels(said, stored(record, said.shape))


def loaded_planes(
    data: Mapping[str, Any], plane: Callable[[int, int, int], NDArray]
) -> LoadedPlanes:
    """Return pixels that a function returns plane by plane.

    Parameters
    ----------
    data : mapping
        A record, of which only ``pixels_meta`` and ``chunk_grid`` count.
    plane : callable
        Returns a plane (Y, X) by t, c and z.

    Raises
    ------
    MissingNodeError
        If it has no ``pixels_meta``.
    """
    meta = data.get("pixels_meta")
    if meta is None:
        raise MissingNodeError("pixels_meta", "the record", list(data))
    plain = {"pixels_meta": meta, "chunk_grid": data.get("chunk_grid")}
    return LoadedPlanes(describe(as_record(plain)), plane)
