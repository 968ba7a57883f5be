"""From a tiled image and options to a plan, and to the image that is written of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.tiles.assemble import AssemblyPlan, Blend
from iohub.tiles.chunking import ChunkMultipleSharding
from iohub.tiles.image_document import Channel
from iohub.tiles.loader_interface import told_of
from iohub.tiles.options import ConverterOptions, OmeZarrOptions
from iohub.tiles.planning import plan_assembly
from iohub.tiles.roi_tables import image_tables
from iohub.tiles.write import MEMORY, When, Written, write_image

if TYPE_CHECKING:
    from iohub.nodes.position import Position
    from iohub.tiles.tiled_image import TiledImage
    from iohub.types import NDArray


def plan_image(
    image: TiledImage[Any, Any],
    options: OmeZarrOptions | None = None,
    *,
    blend: Blend = "last",
    resource: Any = None,
) -> AssemblyPlan:
    """Plan an image whose tiles are registered.

    Parameters
    ----------
    image : TiledImage
        The image; its tiles are where they go.
    options : OmeZarrOptions, optional
        How it is stored.
    blend : {"last", "linear"}
        Where tiles overlap the last one is seen, or they fade into each other.
    resource : object, optional
        For the loaders; the first tile is looked at, to see whether another data type was asked
        for.

    Raises
    ------
    TilingError, AxisError, ShapeError, DTypeError
        See :func:`~iohub.tiles.planning.plan_assembly`.
    """
    options = options or OmeZarrOptions()
    table = image.table()
    first: dict[str, float] = dict(zip("tczyx", table.lengths[0].tolist(), strict=True))
    shards: dict[str, int] | None = None
    if isinstance(options.shards, ChunkMultipleSharding):
        shards = {axis: options.shards.get_factor(axis) for axis in image.axes}
    size = image.pixel_size
    declared = np.dtype(image.data_type)
    with told_of(f"{image.regions[0].describe(resource)} of image {image.path!r}"):
        found = np.dtype(image.regions[0].image_loader.find_data_type(resource))
    return plan_assembly(
        table,
        axes=image.axes,
        dtype=declared,
        name=image.path,
        pixel_size={axis: size.get(axis) for axis in image.axes},
        translation=dict(zip(image.axes, image.translation or (), strict=False)),
        chunks={axis: options.chunks.size(axis, int(first[axis])) for axis in image.axes},
        shards=shards,
        levels=options.num_levels,
        blend=blend,
        channels=len(image.channels) if image.channels else None,
        casts=found.newbyteorder("=") != declared,
        level_names=options.level_names,
    )


def write_tiled_image(
    position: Position,
    image: TiledImage[Any, Any],
    options: ConverterOptions | None = None,
    *,
    resource: Any = None,
    when: When = "no",
    blend: Blend = "last",
    probe: int | None = 1,
    memory: int = MEMORY,
    workers: int | None = None,
    run: object = None,
    progress: Callable[[int, int], None] | None = None,
    noted: Mapping[str, Any] | None = None,
    plan: AssemblyPlan | None = None,
) -> Written:
    """Write an image whose tiles are registered, with levels, contrast limits and tables.

    Parameters
    ----------
    position : Position
        Where to.
    image : TiledImage
        The image.
    options : ConverterOptions, optional
        How it is stored, and how many tiles are kept meanwhile.
    resource, when, blend, probe, memory, workers, run, progress, noted
        See :func:`~iohub.tiles.write.write_image`.
    plan : AssemblyPlan, optional
        That of :func:`plan_image`, where it was made before.

    Raises
    ------
    ExistsError, TilingError, ShapeError, DTypeError, FormatError, NotFoundError
        See :func:`~iohub.tiles.write.write_image`.
    """
    options = options or ConverterOptions()
    stored = options.omezarr_options
    plan = plan or plan_image(image, stored, blend=blend, resource=resource)
    tables = image_tables(
        plan,
        originals=_originals(image, plan),
        conditions=[
            dict(zip(image.attributes, values, strict=True))
            for values in zip(*image.attributes.values(), strict=True)
        ],
        backend=str(stored.table_backend.value),
    )
    return write_image(
        position,
        plan,
        [region.image_loader for region in image.regions],
        resource=resource,
        channels=channels_of(image),
        tables=tables,
        when=when,
        mode=str(options.writer_mode.value),
        probe=probe,
        memory=memory,
        workers=workers,
        run=run,
        progress=progress,
        noted=noted,
    )


def channels_of(image: TiledImage[Any, Any]) -> Sequence[Channel] | None:
    """Return what the metadata say of an image's channels; None where nothing is known.

    Parameters
    ----------
    image : TiledImage
        The image.
    """
    return [
        Channel(
            info.channel_label,
            info.digits(number),
            {"wavelength_id": info.wavelength_id or info.channel_label},
        )
        for number, info in enumerate(image.channels or ())
    ] or None


def _originals(image: TiledImage[Any, Any], plan: AssemblyPlan) -> dict[str, NDArray]:
    """Return by axis where the stage had each field of view [micrometer]."""
    first = np.unique(plan.fov, return_index=True)[1]
    extras = [image.regions[plan.sources[tile]].roi.model_extra or {} for tile in first]
    return {
        axis: np.array([float(extra[f"{axis}_micrometer_original"]) for extra in extras])
        for axis in "zyx"
        if all(f"{axis}_micrometer_original" in extra for extra in extras)
    }
