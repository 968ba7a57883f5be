"""Label images of tiles, put together as the tiles of their image were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.bridges.dask import as_dask
from iohub.errors import ArgumentError, DTypeError, ExistsError, ShapeError
from iohub.metadata import own
from iohub.storage import grid
from iohub.storage.spec import ArraySpec
from iohub.tiles.compose import Mosaic, TileLoader, probe_tiles
from iohub.tiles.planning import of_labels
from iohub.tiles.resume import MARK, mark_of

if TYPE_CHECKING:
    from iohub.nodes.label import Label
    from iohub.nodes.position import Position
    from iohub.tiles.assemble import AssemblyPlan
    from iohub.types import JsonObject, NDArray

Sources = Sequence[TileLoader | None]
"""Who gives the labels of each tile of an image; None for a tile without labels."""


def add_labels(
    position: Position,
    plan: AssemblyPlan,
    name: str,
    loaders: Sources,
    *,
    resource: Any = None,
    unique: bool = True,
) -> Label:
    """Add a label image to an image of tiles, from label images of its tiles.

    Where tiles overlap the labels of the last one are seen, as its pixels are. Lower levels hold
    the most frequent label of each cell.

    Parameters
    ----------
    position : Position
        The image.
    plan : AssemblyPlan
        By which it was made.
    name : str
        Of the label image.
    loaders : sequence of TileLoader or None
        As many as the image has. Of tiles that only differ in their channel, those of the first
        channel that has some are used; 0 stands for no label.
    resource : object, optional
        For the loaders.
    unique : bool
        Whether labels of each field of view are counted on from those of the one before, so that
        two objects never share one; else they are kept as they are.

    Returns
    -------
    Label
        The label image.

    Raises
    ------
    ArgumentError
        If there are not as many loaders as sources of the plan, or none at all.
    DTypeError
        If labels are no integers, or are negative.
    ExistsError
        If there is such a label image.
    """
    made, sources = _planned(plan, name, loaders, resource)
    if unique:
        made, sources = of_labels(made, np.uint32), _counted_on(made, sources, resource)
    spec = ArraySpec.create(made.shape, made.dtype, zarr_format=3, chunks=made.chunks)
    mosaic = _Sliced(made, sources, spec, resource)
    return position.labels.create(name, as_dask(mosaic, made.chunks, None), axes=made.axes)


def check_labels(
    plan: AssemblyPlan, labels: Mapping[str, Sources], *, resource: Any = None
) -> None:
    """Look at label images of tiles before anything is written.

    Parameters
    ----------
    plan : AssemblyPlan
        By which the image is made.
    labels : mapping of str to sequence of TileLoader or None
        By name of the label image, see :func:`add_labels`.
    resource : object, optional
        For the loaders.

    Raises
    ------
    DTypeError, ShapeError, FormatError, NotFoundError
        If one is not as its tile, or holds no integers; image, tile and file are named.
    """
    for name, loaders in labels.items():
        made, sources = _planned(plan, name, loaders, resource)
        probe_tiles(made, sources, resource)


def check_fit(position: Position, plan: AssemblyPlan, replaced: Iterable[str] = ()) -> None:
    """Refuse to replace an image by one of another size, on which its label images do not fit.

    Parameters
    ----------
    position : Position
        The image.
    plan : AssemblyPlan
        Of the new one.
    replaced : iterable of str
        Label images that are replaced too.

    Raises
    ------
    ShapeError
        If there are such label images; all are named.
    """
    if position.metadata is None or position.data.shape == plan.shape:
        return
    stale = [name for name in position.labels._names() if name not in set(replaced)]
    if stale:
        raise ShapeError(
            f"the image at {position.url} would be replaced by one of another size, on which its "
            f"label images ({', '.join(stale)}) do not fit; delete them before, with "
            f"del position.labels[{stale[0]!r}]"
        )


def write_labels(
    position: Position,
    plan: AssemblyPlan,
    labels: Mapping[str, Sources],
    *,
    resource: Any = None,
    when: str = "no",
    unique: bool = True,
) -> None:
    """Make the label images of an image of tiles that was just written, or kept.

    Parameters
    ----------
    position : Position
        The image.
    plan : AssemblyPlan
        By which it was made.
    labels : mapping of str to sequence of TileLoader or None
        By name of the label image, see :func:`add_labels`.
    resource : object, optional
        For the loaders.
    when : {"no", "extend", "overwrite"}
        What happens to those that are there: it is an error; they are kept if they are made of
        the same tiles and complete; or they are replaced.
    unique : bool
        See :func:`add_labels`.

    Raises
    ------
    ExistsError
        If there is one that is neither to be replaced nor this one, complete.
    ArgumentError, DTypeError, ShapeError
        See :func:`add_labels`.
    """
    for name, loaders in labels.items():
        made, sources = _planned(plan, name, loaders, resource)
        mark = {**mark_of(made, sources), "unique": unique}
        if name in position.labels:
            found = own.member(position.labels[name]._attrs(), MARK)
            if when == "extend" and found == mark:
                continue
            if when != "overwrite":
                raise ExistsError(
                    f"there is a label image {name!r} at {position.url}, and nothing says that "
                    "it was made of these tiles; delete it, or choose Overwrite"
                )
            del position.labels[name]
        label = add_labels(position, plan, name, loaders, resource=resource, unique=unique)
        label._group.edit_attrs(partial(_marked, mark))


def _marked(mark: JsonObject, attrs: JsonObject) -> JsonObject:
    return own.with_member(attrs, MARK, mark)


def _planned(
    plan: AssemblyPlan, name: str, loaders: Sources, resource: Any
) -> tuple[AssemblyPlan, list[TileLoader]]:
    """Return the plan of a label image, of the type of its first tile, and all its sources."""
    if len(loaders) <= int(plan.sources.max()):
        raise ArgumentError(f"{len(loaders)} loaders for {int(plan.sources.max()) + 1} sources")
    there = np.array([loaders[source] is not None for source in plan.sources])
    if not there.any():
        raise ArgumentError(f"no tile of image {plan.name!r} has labels {name!r}")
    made = of_labels(plan, plan.dtype, there)
    nothing = _Nothing()
    sources = [loader or nothing for loader in loaders]
    first = sources[made.sources[0]]
    look = getattr(first, "probe", None)
    dtype = np.dtype(look(resource)[1] if look else np.asarray(first.load_data(resource)).dtype)
    if dtype.kind not in "iu":
        raise DTypeError(
            f"labels {name!r} of image {plan.name!r} are {dtype} in "
            f"{first.describe_source(resource)}: they must be integers"
        )
    return of_labels(made, dtype), sources


class _Nothing:
    """Stands where a tile has no labels; the plan does not ask for it."""

    def load_data(self, resource: Any = None) -> NDArray:
        raise ArgumentError("this tile has no labels")

    def describe_source(self, resource: Any = None) -> str:
        return "no labels"


class _Sliced(Mosaic):
    """A mosaic that is sliced as arrays are, for dask."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.plan.shape

    @property
    def ndim(self) -> int:
        return len(self.plan.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.plan.dtype)

    def __getitem__(self, key: tuple[slice, ...]) -> NDArray:
        return self.read(grid.check_region(key, self.plan.shape))


class _CountedOn:
    """A loader whose labels are counted on from a number; 0 stays 0."""

    def __init__(self, loader: TileLoader, offset: int):
        self._loader, self._offset = loader, offset

    def load_data(self, resource: Any = None) -> NDArray:
        labels = np.asarray(self._loader.load_data(resource)).astype(np.uint32)
        return np.where(labels > 0, labels + np.uint32(self._offset), np.uint32(0))

    def describe_source(self, resource: Any = None) -> str:
        return self._loader.describe_source(resource)


def _counted_on(
    plan: AssemblyPlan, loaders: Sequence[TileLoader], resource: Any
) -> list[TileLoader]:
    """Return loaders by which no two fields of view share a label; each tile is read for it."""
    largest = np.zeros(len(plan.fov_names), np.int64)
    for fov, source in zip(plan.fov, plan.sources, strict=True):
        labels = np.asarray(loaders[source].load_data(resource))
        if labels.dtype.kind not in "iu" or (labels.size and labels.min() < 0):
            where = loaders[source].describe_source(resource)
            raise DTypeError(f"labels of {where} are {labels.dtype}: they must be counted from 0")
        largest[fov] = max(largest[fov], int(labels.max(initial=0)))
    offsets = np.concatenate([[0], np.cumsum(largest)])
    if offsets[-1] > np.iinfo(np.uint32).max:
        raise DTypeError(
            f"{int(offsets[-1])} labels are more than uint32 counts; pass unique=False"
        )
    made = list(loaders)
    for fov, source in zip(plan.fov, plan.sources, strict=True):
        made[source] = _CountedOn(loaders[source], int(offsets[fov]))
    return made
