"""The plan of one image: canvas, levels, chunks, and which tile goes where. Data, no pixel.

A plan is printed, drawn (:mod:`iohub.tiles.drawing`), saved as JSON, sent to a worker.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from iohub.errors import ArgumentError
from iohub.pyramids.plan import plan_levels
from iohub.storage import grid

if TYPE_CHECKING:
    from iohub.pyramids.plan import LevelPlan
    from iohub.types import JsonObject, NDArray, PyramidMethod, Region, Shape

Blend: TypeAlias = Literal["last", "linear"]

BLENDS: Final = ("last", "linear")
_FORM: Final = 1  # of the JSON


@dataclass(frozen=True, eq=False)
class AssemblyPlan:
    """How one image is made of tiles; made by :func:`~iohub.tiles.planning.plan_assembly`.

    Attributes
    ----------
    name : str
        Of the image, for messages.
    axes : tuple of str
        Axes of the image, of t, c, z, y, x.
    shape : tuple of int
        Of the canvas.
    dtype : str
        Of the pixels; every tile has it, unless `casts`.
    chunks : tuple of int
        Chunk shape of level 0.
    shards : tuple of int or None
        Shard shape of level 0.
    scale, translation : tuple of float
        Size of a pixel and centre of the first one, by axis [micrometer, second].
    levels : int
        Levels of the pyramid, the full resolution included.
    downscale : tuple of (str, int)
        Factor of each axis that is reduced from level to level.
    method : str
        How pixels are reduced.
    blend : {"last", "linear"}
        Where tiles overlap the last one is seen, or they fade into each other.
    casts : bool
        Whether tiles of another type are converted, if none of their values changes.
    level_names : tuple of str
        Name of each level's array.
    starts, stops : ndarray
        ``(N, axes)``, int64: where each tile lies [pixels].
    fov, fov_names, sources
        As in :class:`~iohub.tiles.layout.TileTable`.
    """

    name: str
    axes: tuple[str, ...]
    shape: Shape
    dtype: str
    chunks: Shape
    shards: Shape | None
    scale: tuple[float, ...]
    translation: tuple[float, ...]
    levels: int
    downscale: tuple[tuple[str, int], ...]
    method: PyramidMethod
    blend: Blend
    casts: bool
    level_names: tuple[str, ...]
    starts: NDArray
    stops: NDArray
    fov: NDArray
    fov_names: tuple[str, ...]
    sources: NDArray

    # ---- what follows from it -----------------------------------------------------------------

    @cached_property
    def level_plans(self) -> tuple[LevelPlan, ...]:
        """What each level is like, level 0 first."""
        return plan_levels(
            self.shape,
            self.axes,
            self.scale,
            self.translation,
            self.levels,
            downscale=dict(self.downscale),
            method=self.method,
            chunks=self.chunks,
            shards=self.shards,
        )

    @property
    def nbytes(self) -> int:
        """Size of level 0, decoded [bytes]."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize

    def tiles_in(self, region: Region) -> NDArray:
        """Return the numbers of the tiles that touch a region, in their order.

        Parameters
        ----------
        region : tuple of slice
            Part of the canvas.
        """
        first = np.array([part.start for part in region])
        last = np.array([part.stop for part in region])
        touches = ((self.starts < last) & (self.stops > first)).all(axis=1)
        found: NDArray = np.flatnonzero(touches)
        return found

    def region(self, tile: int) -> Region:
        """Return where a tile lies.

        Parameters
        ----------
        tile : int
            Its number.
        """
        ends = zip(self.starts[tile].tolist(), self.stops[tile].tolist(), strict=True)
        return tuple(slice(start, stop) for start, stop in ends)

    def tile_name(self, tile: int) -> str:
        """Return what to call a tile.

        Parameters
        ----------
        tile : int
            Its number.
        """
        starts = zip(self.axes, self.starts[tile].tolist(), strict=True)
        where = ", ".join(f"{axis}={start}" for axis, start in starts)
        return f"{self.fov_names[self.fov[tile]]!r} ({where})"

    def fov_boxes(self) -> tuple[NDArray, NDArray]:
        """Return where each field of view starts and stops, both ``(fields, axes)`` [pixels]."""
        order = np.argsort(self.fov, kind="stable")
        begins = np.searchsorted(self.fov[order], np.arange(len(self.fov_names)))
        return (
            np.minimum.reduceat(self.starts[order], begins, axis=0),
            np.maximum.reduceat(self.stops[order], begins, axis=0),
        )

    def validity(self) -> NDArray:
        """Return which planes of which field of view there are.

        Returns
        -------
        ndarray of bool
            By field of view and then by the axes t, c and z as far as the image has them.
        """
        planes = [number for number, axis in enumerate(self.axes) if axis in "tcz"]
        found = np.zeros(
            (len(self.fov_names), *(self.shape[number] for number in planes)), np.bool_
        )
        for tile in range(len(self.fov)):
            box = self.region(tile)
            found[(self.fov[tile], *(box[number] for number in planes))] = True
        return found

    def covered(self, region: Region | None = None) -> NDArray:
        """Return which pixels lie under a tile; the others are 0 because nothing is known of them.

        Parameters
        ----------
        region : tuple of slice, optional
            Part of the canvas; all of it if not given.

        Returns
        -------
        ndarray of bool
            Of the region's shape.
        """
        region = grid.check_region(region or grid.full(self.shape), self.shape)
        found = np.zeros(grid.region_shape(region), np.bool_)
        for tile in self.tiles_in(region).tolist():
            part = grid.intersect(region, self.region(tile))
            if part is not None:
                found[grid.relative(part, region)] = True
        return found

    def overlap(self) -> float:
        """Return which part of the pixels that tiles hold lies under other tiles, 0 to 1."""
        held = float(np.prod(self.stops - self.starts, axis=1, dtype=np.float64).sum())
        boxes = self._plane_boxes()
        covered = 0.0
        for box, count in boxes.items():
            covered += count * _area(np.array(box).reshape(-1, 4))
        return 1 - covered / held if held else 0.0

    def _plane_boxes(self) -> dict[tuple[int, ...], int]:
        """Return the boxes along y and x of each plane, and how many planes have just these."""
        planes: dict[tuple[int, ...], list[int]] = {}
        yx = [number for number, axis in enumerate(self.axes) if axis in "yx"]
        rest = [number for number, axis in enumerate(self.axes) if axis not in "yx"]
        flat = np.concatenate([self.starts[:, yx], self.stops[:, yx]], axis=1).tolist()
        for tile, box in enumerate(flat):
            ranges = [range(self.starts[tile, a], self.stops[tile, a]) for a in rest]
            for plane in np.ndindex(*map(len, ranges)):
                index = tuple(r[i] for r, i in zip(ranges, plane, strict=True))
                planes.setdefault(index, []).extend(box)
        alike: dict[tuple[int, ...], int] = {}
        for boxes in planes.values():
            alike[tuple(boxes)] = alike.get(tuple(boxes), 0) + 1
        return alike

    # ---- as text ------------------------------------------------------------------------------

    def describe(self) -> str:
        """Return what will be made, in a few lines."""
        sizes = ", ".join(
            f"{axis} {size}" for axis, size in zip(self.axes, self.shape, strict=True)
        )
        valid = self.validity()
        missing = int(valid.size - valid.sum())
        last = self.level_plans[-1].shape
        lines = [
            f"{self.name or 'image'}: {len(self.fov)} tiles, {len(self.fov_names)} fields of view",
            f"  canvas   {sizes} ({self.dtype}, {self.nbytes / 2**20:,.1f} MiB)",
            f"  levels   {self.levels}, the last one {last}",
            f"  chunks   {self.chunks}" + (f" in shards {self.shards}" if self.shards else ""),
            f"  pixel    {', '.join(f'{s:g}' for s in self.scale)}",
            f"  overlap  {self.overlap():.1%}, {self.blend}",
            f"  missing  {missing} of {valid.size} planes" if missing else "  missing  none",
        ]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.describe()

    def plot(self, ax: Any = None, *, plane: int | None = None, names: bool = True) -> Any:
        """Draw tiles, overlaps, gaps and chunks; see :func:`iohub.tiles.drawing.plot`.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to; a new figure if not given.
        plane : int, optional
            Only tiles that have this index along z.
        names : bool
            Whether fields of view are named.
        """
        from iohub.tiles import drawing

        return drawing.plot(self, ax, plane=plane, names=names)

    def to_dict(self) -> JsonObject:
        """Return the plan as JSON values."""
        values: JsonObject = {"form": _FORM}
        for field in self.__dataclass_fields__:
            value = getattr(self, field)
            values[field] = value.tolist() if isinstance(value, np.ndarray) else value
        return values

    def to_json(self) -> str:
        """Return the plan as JSON text, which :meth:`from_json` reads."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> AssemblyPlan:
        """Read a plan.

        Parameters
        ----------
        text : str or bytes
            What :meth:`to_json` gave.

        Raises
        ------
        ArgumentError
            If it is no such plan.
        """
        try:
            values: Any = json.loads(text)
        except ValueError as error:
            raise ArgumentError(f"the plan is no JSON: {error}") from error
        wanted = set(cls.__dataclass_fields__) | {"form"}
        if not isinstance(values, dict) or set(values) != wanted or values["form"] != _FORM:
            raise ArgumentError(f"this JSON is no plan of tiles: it must hold {sorted(wanted)}")
        del values["form"]
        for field in ("starts", "stops"):
            values[field] = np.array(values[field], np.int64).reshape(-1, len(values["axes"]))
        for field in ("fov", "sources"):
            values[field] = np.array(values[field], np.int64)
        for field in (
            "axes",
            "shape",
            "chunks",
            "scale",
            "translation",
            "fov_names",
            "level_names",
        ):
            values[field] = tuple(values[field])
        values["shards"] = None if values["shards"] is None else tuple(values["shards"])
        values["downscale"] = tuple((str(a), int(n)) for a, n in values["downscale"])
        return cls(**values)

    @cached_property
    def digest(self) -> str:
        """A short text that differs for every other plan: what the mark of completion holds."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:32]


def _area(boxes: NDArray) -> float:
    """Return the area that boxes ``(n, [y, x, y, x])`` cover together."""
    ys = np.unique(boxes[:, [0, 2]])
    total = 0.0
    for low, high in pairwise(ys):
        rows = boxes[(boxes[:, 0] <= low) & (boxes[:, 2] >= high)]
        if not len(rows):
            continue
        rows = rows[np.argsort(rows[:, 1])]
        reach = np.maximum.accumulate(rows[:, 3])
        begins = np.maximum(rows[1:, 1], reach[:-1])
        width = rows[0, 3] - rows[0, 1] + np.maximum(rows[1:, 3] - begins, 0).sum()
        total += float(width) * float(high - low)
    return total
