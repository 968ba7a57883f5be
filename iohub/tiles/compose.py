"""Pixels of a canvas made of tiles: each tile is loaded once and kept while it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from math import prod
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from iohub.errors import DTypeError, ShapeError
from iohub.storage import grid
from iohub.storage.casting import cast_exactly
from iohub.storage.damage import named_errors
from iohub.tiles.loader_interface import told_of
from iohub.tiles.run import side_by_side

if TYPE_CHECKING:
    from iohub.storage.spec import ArraySpec
    from iohub.tiles.assemble import AssemblyPlan
    from iohub.types import NDArray, Region, Shape

_MANY = 32
"""So many tiles in one region are looked at one by one for what they leave open."""

_LOOKING = 4
"""Threads that look at the starts of files."""


class TileLoader(Protocol):
    """Who gives the pixels of a tile: :class:`~iohub.tiles.loaders.ImageLoaderInterface`."""

    def load_data(self, resource: Any | None = None) -> NDArray:
        """Return the pixels."""

    def describe_source(self, resource: Any | None = None) -> str:
        """Return what messages call the source."""


class Mosaic:
    """An array to read from, whose pixels are those of tiles; gaps are 0.

    May be used by several threads, as long as each pixel is read once: then a tile is loaded once
    and forgotten with its last pixel. It can be read again, which loads it again.

    Parameters
    ----------
    plan : AssemblyPlan
        Which tile goes where.
    loaders : sequence of TileLoader
        What the plan's sources are.
    spec : ArraySpec
        Of level 0.
    resource : object, optional
        For the loaders.
    keep : int, optional
        Tiles that may be kept [bytes]; beyond it the one loaded first is forgotten. None keeps
        all while they are needed.
    """

    path = "tiles"

    def __init__(
        self,
        plan: AssemblyPlan,
        loaders: Sequence[TileLoader],
        spec: ArraySpec,
        resource: Any = None,
        *,
        keep: int | None = None,
    ):
        self.plan, self.spec = plan, spec
        self._loaders, self._resource, self._keep = loaders, resource, keep
        self._lock = Lock()
        self._kept: dict[int, Future[NDArray]] = {}
        self._kept_bytes = 0
        self._left = np.prod(plan.stops - plan.starts, axis=1)
        self._dtype = np.dtype(plan.dtype)
        self._sizes = np.prod(plan.stops - plan.starts, axis=1) * self._dtype.itemsize
        self.loads = 0
        """How many tiles were loaded so far."""

    def read(self, region: Region, out: NDArray | None = None) -> NDArray:
        """Return the pixels of a region.

        Parameters
        ----------
        region : tuple of slice
            Part of the canvas.
        out : ndarray, optional
            Where to put them.

        Raises
        ------
        ShapeError, DTypeError
            If a tile is of another shape or type than planned.
        FormatError, NotFoundError, UnreadableError
            If a tile cannot be loaded. Each names image, tile and file.
        """
        if out is None:
            out = np.empty(grid.region_shape(region), self._dtype)
        parts: list[tuple[Region, NDArray]] = []
        holes: list[Region] | None = [region]
        tiles = self.plan.tiles_in(region).tolist()
        for tile in tiles:
            box = self.plan.region(tile)
            part = grid.intersect(region, box)
            if part is not None:
                parts.append((part, self._use(tile, part, box)))
                if holes is not None:
                    holes = [rest for hole in holes for rest in grid.subtract(hole, part)]
                    holes = None if len(holes) > _MANY else holes
        for hole in [region] if holes is None else holes:
            out[grid.relative(hole, region)] = 0
        for part, pixels in parts:
            out[grid.relative(part, region)] = pixels
        if self.plan.blend == "linear" and len(parts) > 1:
            self._blend(region, tiles, parts, out)
        return out

    def read_orthogonal(self, index: tuple[slice | NDArray, ...]) -> NDArray:
        """Return the pixels at an outer product; all of the canvas is composed for it."""
        whole = self.read(grid.full(self.plan.shape))
        picked: NDArray = whole[np.ix_(*(np.r_[part] for part in index))]
        return picked

    def read_points(self, coords: tuple[NDArray, ...]) -> NDArray:
        """Return the pixels at points; all of the canvas is composed for it."""
        picked: NDArray = self.read(grid.full(self.plan.shape))[coords]
        return picked

    # ---- tiles --------------------------------------------------------------------------------

    def _use(self, tile: int, part: Region, box: Region) -> NDArray:
        """Return the pixels of a part of a tile, which is forgotten if it was the last one."""
        pixels = self._pixels(tile)[grid.relative(part, box)]
        with self._lock:
            self._left[tile] -= prod(grid.region_shape(part))
            if self._left[tile] <= 0:
                self._forget(tile)
            while self._keep is not None and self._kept_bytes > self._keep:
                done = next((t for t, future in self._kept.items() if future.done()), None)
                if done is None:
                    break
                self._forget(done)
        return pixels

    def _forget(self, tile: int) -> None:
        if self._kept.pop(tile, None) is not None:
            self._kept_bytes -= int(self._sizes[tile])

    def _pixels(self, tile: int) -> NDArray:
        with self._lock:
            future = self._kept.get(tile)
            mine = future is None
            if future is None:
                future = self._kept[tile] = Future()
                self._kept_bytes += int(self._sizes[tile])
                self.loads += 1
        if mine:
            try:
                future.set_result(self._load(tile))
            except BaseException as error:
                future.set_exception(error)  # others wait for the same tile
                raise
        return future.result()

    def _load(self, tile: int) -> NDArray:
        plan = self.plan
        loader = self._loaders[plan.sources[tile]]
        source = loader.describe_source(self._resource)
        where = f"tile {plan.tile_name(tile)} of image {plan.name!r}, from {source},"
        with told_of(where), named_errors(where):
            pixels = np.asarray(loader.load_data(self._resource))
        check_tile(where, pixels.shape, pixels.dtype, plan.stops[tile] - plan.starts[tile], plan)
        if pixels.dtype != self._dtype:
            pixels = cast_exactly(pixels, self._dtype, where)
        return pixels.reshape(tuple(plan.stops[tile] - plan.starts[tile]))

    # ---- blending -----------------------------------------------------------------------------

    def _blend(
        self,
        region: Region,
        tiles: Sequence[int],
        parts: Sequence[tuple[Region, NDArray]],
        out: NDArray,
    ) -> None:
        """Let tiles fade into each other where they overlap.

        A pixel is the mean of the tiles that cover it, weighted by how far it is from the nearest
        edge of each, along y times along x.
        """
        work = np.dtype(np.float32 if out.dtype.itemsize <= 2 else np.float64)
        total: NDArray = np.zeros(out.shape, work)
        weights: NDArray = np.zeros(out.shape, work)
        count: NDArray = np.zeros(out.shape, np.uint8)
        for tile, (part, pixels) in zip(tiles, parts, strict=True):
            weight = self._weight(tile, part).astype(work)
            at = grid.relative(part, region)
            np.add(total[at], pixels * weight, out=total[at])
            np.add(weights[at], weight, out=weights[at])
            count[at] = np.minimum(count[at] + 1, 2)
        overlap = count > 1
        if overlap.any():
            mean = np.divide(total[overlap], weights[overlap])
            out[overlap] = mean if out.dtype.kind == "f" else np.rint(mean)

    def _weight(self, tile: int, part: Region) -> NDArray:
        ramps = []
        for axis, along in enumerate(part):
            if self.plan.axes[axis] not in "yx":
                ramps.append(np.ones(1))
                continue
            index = np.arange(along.start, along.stop)
            first, last = self.plan.starts[tile, axis], self.plan.stops[tile, axis]
            ramps.append(np.minimum(index - first + 1, last - index))
        shape = np.ix_(*ramps)
        weight: NDArray = prod(shape[1:], start=shape[0])
        return weight


def check_tile(
    where: str,
    shape: Shape,
    dtype: np.dtype[Any],
    wanted: NDArray,
    plan: AssemblyPlan,
) -> None:
    """Refuse pixels that are not what the plan counts on.

    Parameters
    ----------
    where : str
        Image, tile and file.
    shape, dtype
        Of the pixels; axes missing in front are of length 1.
    wanted : ndarray
        Lengths along the plan's axes.
    plan : AssemblyPlan
        Says the type.

    Raises
    ------
    ShapeError, DTypeError
        Naming what is expected and what was found.
    """
    expected = tuple(int(n) for n in wanted)
    more = len(shape) - len(expected)
    filled = (1,) * -more + tuple(shape) if more <= 0 else tuple(shape)
    if more > 0 and set(shape[:more]) == {1}:
        filled = tuple(shape[more:])
    if filled != expected:
        named = ", ".join(f"{axis} {n}" for axis, n in zip(plan.axes, expected, strict=True))
        raise ShapeError(f"{where} is of shape {tuple(shape)}, expected {expected} ({named})")
    if dtype.newbyteorder("=") != np.dtype(plan.dtype) and not plan.casts:
        raise DTypeError(
            f"{where} holds {dtype}, expected {plan.dtype} as in the first tile: pixels are not "
            "converted; convert the file, or give the data type of all"
        )


def probe_tiles(
    plan: AssemblyPlan, loaders: Sequence[Any], resource: Any = None, *, first: int | None = 1
) -> None:
    """Look at tiles before anything is written: their shapes and types.

    All those are looked at whose loader knows both without reading pixels (the start of a file is
    enough for it), and the first ones in any case.

    Parameters
    ----------
    plan : AssemblyPlan
        What is expected.
    loaders : sequence of ImageLoaderInterface
        What the plan's sources are.
    resource : object, optional
        For the loaders.
    first : int, optional
        How many tiles whatever it costs; all if None, and none at all, however cheap, if 0.

    Raises
    ------
    ShapeError, DTypeError, FormatError, NotFoundError, UnreadableError
        Naming image, tile and file.
    """
    if first == 0:
        return
    count = len(plan.fov)
    some = count if first is None else first

    def look(begin: int) -> None:
        for tile in range(begin, min(begin + _MANY, count)):
            _probe(plan, loaders[plan.sources[tile]], resource, tile, whatever=tile < some)

    # Files on a network answer after a while each.
    for _ in side_by_side(look, range(0, count, _MANY), _LOOKING if count > _MANY else 1):
        pass


def _probe(plan: AssemblyPlan, loader: Any, resource: Any, tile: int, *, whatever: bool) -> None:
    source = loader.describe_source(resource)
    where = f"tile {plan.tile_name(tile)} of image {plan.name!r}, from {source},"
    look = loader.probe if whatever else getattr(loader, "glance", loader.probe)
    with told_of(where), named_errors(where):
        found = look(resource)
    if found is not None:
        wanted = plan.stops[tile] - plan.starts[tile]
        check_tile(where, tuple(found[0]), np.dtype(found[1]), wanted, plan)
