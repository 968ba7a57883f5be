"""Which arrays are made of one image: what is taken, chunks and shards, lower levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, prod
from typing import TYPE_CHECKING, Final

from iohub.convert.documents import Taken, begun
from iohub.convert.options import SAME, Options, codec
from iohub.convert.plan import Job
from iohub.convert.sizes import taken as indexes
from iohub.convert.views import Picks, shape_of, view
from iohub.errors import (
    ArgumentError,
    ChannelError,
    IohubError,
    MissingNodeError,
    NotFoundError,
    ShapeError,
    VersionError,
)
from iohub.metadata.transforms import compose
from iohub.nodes.levels import numbered
from iohub.nodes.pyramid import spec_like
from iohub.pyramids.plan import max_levels, plan_levels
from iohub.storage import grid
from iohub.storage.codecs import DEFAULT as DEFAULT_COMPRESSION
from iohub.storage.spec import ArraySpec
from iohub.storage.tree_copy import spec_in
from iohub.storage.virtual import VirtualBytes

if TYPE_CHECKING:
    from iohub.metadata.axes import AxisMeta
    from iohub.metadata.versions import Spelling
    from iohub.nodes.multiscale import MultiscaleNode
    from iohub.storage.array import ZarrArray
    from iohub.storage.protocol import Array
    from iohub.types import Shape

CHUNK_BYTES: Final = 64 * 2**20
"""Largest chunk, unless sizes are given: eight of them fit into the memory of a conversion."""

_Made = tuple[Taken, list[Job], list[str]]


def image_jobs(
    image: MultiscaleNode,
    path: str,
    options: Options,
    spelling: Spelling,
    *,
    above: Taken | None = None,
) -> _Made:
    """Return what is taken of an image, the arrays that are made, and what is left out.

    Parameters
    ----------
    image : MultiscaleNode
        A position, or a label image.
    path : str
        Of a label image below the position.
    options : Options
        What was asked for.
    spelling : Spelling
        Version of the destination.
    above : Taken, optional
        What is taken of the image that a label image belongs to.

    Raises
    ------
    IohubError
        If an array cannot be read, or what was asked for does not fit it.
    """
    document = image._document().multiscales[0]
    axes = tuple(name.lower() for name in document.get_axis_names())
    names = document.get_dataset_paths()
    arrays = _load(image, names)
    shape = arrays[0].spec.shape
    picks = _picks(image, axes, shape, options) if above is None else _along(axes, shape, above)
    taken = Taken.of(axes, picks, shape, names=tuple(names))
    levels = image._level_paths(image._document())
    cropped = any(
        axis in "zyx" and len(part) != size
        for axis, part, size in zip(axes, picks, shape, strict=True)
    )
    wanted = options.levels if above is None else len(above.plans) or None
    if wanted is None and not cropped:
        made = [_like(axes, picks, shape, array) for array in arrays]
        jobs = [
            Job(
                seen,
                ((_join(path, name), _spec(array, seen.spec.shape, options, spelling, image)),),
            )
            for name, array, seen in zip(names, arrays, made, strict=True)
        ]
        return taken, jobs, []
    count = wanted or len(levels)
    spec = _spec(arrays[0], shape_of(picks), options, spelling, image)
    most = max_levels(spec.shape, axes, downscale=options.downscale)
    if above is not None or options.levels is None:
        count = min(count, most)
    method = options.method if above is None else "mode"
    scale, origin = compose(document.datasets[0].coordinate_transformations, len(axes))
    plans = plan_levels(
        spec.shape,
        axes,
        scale,
        begun(taken, scale, origin),
        count,
        downscale=options.downscale,
        method=method,
        chunks=spec.chunks,
        shards=spec.shards,
    )
    paths = numbered(names[0], len(plans))
    taken = replace(taken, names=tuple(paths), plans=plans, method=method)
    specs = [spec, *(spec_like(spec, plan) for plan in plans[1:])]
    targets = tuple((_join(path, n), s) for n, s in zip(paths, specs, strict=True))
    lost = [f"array {n!r}, which is no level of the image" for n in names if n not in levels]
    return taken, [Job(view(arrays[0], picks), targets, plans[1:], method)], lost


def _load(image: MultiscaleNode, names: Sequence[str]) -> list[ZarrArray]:
    found = []
    for name, array in zip(names, image._group.load_arrays(names), strict=True):
        if isinstance(array, NotFoundError | MissingNodeError):
            raise NotFoundError(
                f"the metadata of {image.url} name an array {name!r}, and there is none; "
                f"'iohub validate {image._session.url}' says what else is missing"
            ) from array
        if isinstance(array, IohubError):
            raise array
        found.append(array)
    return found


# ---- what is taken ----------------------------------------------------------------------------


def _picks(image: MultiscaleNode, axes: Sequence[str], shape: Shape, options: Options) -> Picks:
    """Return the indexes of level 0 that were asked for."""
    spans = {"t": options.t, "z": options.z}
    picks: list[tuple[int, ...] | range] = []
    for axis, size in zip(axes, shape, strict=True):
        if axis == "c" and options.channels is not None:
            picks.append(_channel_picks(image, options.channels, size))
        else:
            picks.append(indexes(spans.get(axis), size, f"axis {axis} of {image.url}"))
    for name in ("t", "z"):
        if spans[name] is not None and name not in axes:
            raise ArgumentError(f"{name} was given, but {image.url} has the axes {', '.join(axes)}")
    if options.channels is not None and "c" not in axes:
        raise ArgumentError(f"channels were given, but {image.url} has no axis of channels")
    return tuple(picks)


def _channel_picks(
    image: MultiscaleNode, wanted: Sequence[str | int], count: int
) -> tuple[int, ...] | range:
    names = image.channel_names
    found = []
    for each in wanted:
        if isinstance(each, str) and each in names:
            found.append(names.index(each))
            continue
        number = int(each) if isinstance(each, int) or each.isdecimal() else -1
        if not 0 <= number < count:
            raise ChannelError(f"no channel {each!r} in {image.url}; its channels are {names}")
        found.append(number)
    if len(set(found)) != len(found):
        raise ChannelError(f"channels are given twice: {list(wanted)}")
    return range(count) if found == list(range(count)) else tuple(found)


def _along(axes: Sequence[str], shape: Shape, above: Taken) -> Picks:
    """Return the same indexes of a label image as are taken of its image."""
    picks: list[tuple[int, ...] | range] = []
    for axis, size in zip(axes, shape, strict=True):
        part = above.along(axis)
        # An axis of one index may stand for all, as that of channels does.
        if part is None or (size == 1 and max(part) >= 1):
            picks.append(range(size))
        elif max(part) < size:
            picks.append(tuple(part) if not isinstance(part, range) else part)
        else:
            raise ShapeError(
                f"a label image has {size} indexes along {axis}, fewer than its image: it cannot "
                "be cropped with it"
            )
    return tuple(picks)


def _like(axes: Sequence[str], picks: Picks, shape: Shape, array: ZarrArray) -> Array:
    """Return another array of the image with the same time points and channels taken."""
    parts: list[tuple[int, ...] | range] = []
    own = array.spec.shape
    for axis, part, size, here in zip(axes, picks, shape, own, strict=True):
        if axis in "zyx" or (isinstance(part, range) and len(part) == size):
            parts.append(range(here))
        elif here != size:
            raise ShapeError(
                f"{array.url} has {here} indexes along {axis} and level 0 has {size}: they cannot "
                "be cropped alike; pass levels=1 to leave it out"
            )
        else:
            parts.append(part)
    return view(array, tuple(parts))


# ---- how it is stored -------------------------------------------------------------------------


def _spec(
    array: ZarrArray,
    shape: Shape,
    options: Options,
    spelling: Spelling,
    image: MultiscaleNode,
) -> ArraySpec:
    """Describe an array of the destination."""
    axes = image._document().multiscales[0].axes
    found = array.spec
    names = tuple(axis.name for axis in axes)
    is_zarr = not isinstance(image._group.store, VirtualBytes)
    asked = options.chunks is not None or options.shard_size is not None
    if is_zarr and not asked and _is_same(options):
        return spec_in(found, spelling.zarr_format, names).resized(shape)
    chunks = _chunks(found, shape, options, axes, is_zarr)
    shards = None
    if options.shard_size is not None:
        if spelling.zarr_format == 2:
            raise VersionError(
                f"OME-Zarr {spelling.version} has no shards; choose version='0.5', or leave "
                "shard_size out"
            )
        shards = shard_shape(shape, chunks, found.dtype.itemsize, options.shard_size)
    elif is_zarr and options.chunks is None and spelling.zarr_format == 3:
        shards = found.shards
    compression = codec(options.compression)
    if _is_same(options):
        same = spec_in(found, spelling.zarr_format, names) if is_zarr else None
        compression = DEFAULT_COMPRESSION if same is None else same.compressor
    return ArraySpec.create(
        shape,
        found.dtype.newbyteorder(">") if found.big_endian else found.dtype,
        zarr_format=spelling.zarr_format,
        chunks=chunks,
        shards=shards,
        compression=compression,
        fill_value=found.fill_value,
        dimension_names=names if spelling.zarr_format == 3 else None,
        attributes=found.attributes,
    )


def _chunks(
    found: ArraySpec,
    shape: Shape,
    options: Options,
    axes: Sequence[AxisMeta],
    is_zarr: bool,
) -> Shape:
    wanted = options.chunks
    if wanted is not None and not isinstance(wanted, str):
        sizes = grid.check_chunks(wanted, shape)
        return tuple(min(n, max(1, size)) for n, size in zip(sizes, shape, strict=True))
    if wanted is None and is_zarr:
        return found.chunks
    itemsize = found.dtype.itemsize
    kinds: list[str | None] = [axis.type for axis in axes]
    if wanted == "plane":
        space = [number for number, kind in enumerate(kinds) if kind == "space"]
        for number in space[:-2]:
            kinds[number] = None
    # Each has to fit into memory several times, and to be read without the rest of a volume.
    return grid.default_chunks(shape, itemsize, axis_types=kinds, limit=CHUNK_BYTES)


def shard_shape(shape: Shape, chunks: Shape, itemsize: int, size: int) -> Shape:
    """Return the shape of shards of about a size, of whole chunks, grown from the last axis.

    Raises
    ------
    ArgumentError
        If not even one chunk fits.
    """
    chunk = prod(chunks) * itemsize
    if chunk > size:
        raise ArgumentError(
            f"shard_size of {size:,} bytes is less than a chunk, {chunks} of {chunk:,} bytes"
        )
    most = tuple(ceil(n / c) * c if n else c for n, c in zip(shape, chunks, strict=True))
    grown = grid.grouped_unit(shape, chunks, itemsize, size)
    return tuple(map(min, most, grown))


def _is_same(options: Options) -> bool:
    return isinstance(options.compression, str) and options.compression == SAME


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
