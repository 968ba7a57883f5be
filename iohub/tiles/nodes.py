"""What the verbs of nodes do: tiles into a plate, tiles as an image, positions stitched to one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub._open import open_ome_zarr
from iohub.errors import ArgumentError, TilingError
from iohub.nodes import arguments
from iohub.nodes.plate import Plate
from iohub.nodes.position import Position
from iohub.tiles.acquisition import AcquisitionDetails
from iohub.tiles.aggregation import tiles_aggregation_pipeline
from iohub.tiles.assemble import AssemblyPlan, Blend
from iohub.tiles.compose import probe_tiles
from iohub.tiles.image_document import axis_of
from iohub.tiles.images import plan_image, write_tiled_image
from iohub.tiles.label_sources import Labels, labels_of_images, without_label_columns
from iohub.tiles.labels import check_fit, check_labels, write_labels
from iohub.tiles.many_objects import uncollected
from iohub.tiles.options import ConverterOptions
from iohub.tiles.places import places_of, positions_at, write_conditions
from iohub.tiles.refine import Refinement, refine
from iohub.tiles.registration import (
    apply_registration_pipeline,
    build_default_registration_pipeline,
)
from iohub.tiles.run import check_work, executor, side_by_side
from iohub.tiles.runtime import work_of
from iohub.tiles.tile import Tile
from iohub.tiles.windows import share_windows
from iohub.tiles.write import MEMORY, When

if TYPE_CHECKING:
    import pandas as pd

    from iohub.tiles.tiled_image import TiledImage
    from iohub.types import PathLikeStr

_WHENS = ("no", "extend", "overwrite")
_SIDE_BY_SIDE = 4  # images at a time, where others do the work


@dataclass(frozen=True)
class TilesJob:
    """Images as they will be written; made by :func:`registered`.

    Attributes
    ----------
    images : tuple of TiledImage
        The images, registered.
    refinements : tuple of (Refinement or None)
        How positions were corrected by their pixels.
    options : ConverterOptions
        How they are written.
    """

    images: tuple[TiledImage[Any, Any], ...]
    refinements: tuple[Refinement | None, ...]
    options: ConverterOptions

    def plans(self, *, blend: Blend = "last", resource: Any = None) -> list[AssemblyPlan]:
        """Return the plan of each image.

        Parameters
        ----------
        blend : {"last", "linear"}
            What is seen where tiles overlap.
        resource : object, optional
            For the loaders.
        """
        stored = self.options.omezarr_options
        return [plan_image(image, stored, blend=blend, resource=resource) for image in self.images]

    def check(
        self, *, blend: Blend = "last", resource: Any = None, probe: int | None = 1
    ) -> list[AssemblyPlan]:
        """Return the plan of each image, after a look at some of its tiles.

        Parameters
        ----------
        blend : {"last", "linear"}
            What is seen where tiles overlap.
        resource : object, optional
            For the loaders.
        probe : int, optional
            How many tiles of each image; all if None.

        Raises
        ------
        ShapeError, DTypeError, FormatError, NotFoundError
            If one is not as it was said to be; image, tile and file are named.
        """
        plans = self.plans(blend=blend, resource=resource)
        for plan, image in zip(plans, self.images, strict=True):
            loaders = [region.image_loader for region in image.regions]
            probe_tiles(plan, loaders, resource, first=probe)
        return plans


@uncollected()
def registered(
    tiles: Iterable[Tile[Any, Any]],
    options: ConverterOptions | Mapping[str, Any] | None = None,
    *,
    filters: Sequence[Any] | None = None,
    validators: Sequence[Any] | None = None,
    resource: Any = None,
    refined: bool | Mapping[str, Any] = False,
) -> TilesJob:
    """Return the images that tiles make, with every tile where it goes; nothing is written.

    Parameters
    ----------
    tiles : iterable of Tile
        The tiles.
    options : ConverterOptions or mapping, optional
        How tiles are placed and images stored.
    filters, validators : sequence, optional
        Which tiles are kept, and what images must hold.
    resource : object, optional
        For the loaders.
    refined : bool or mapping
        Whether positions are corrected by what overlaps show, with arguments of
        :func:`~iohub.tiles.refine.refine`.

    Raises
    ------
    TilingError
        If tiles do not go together, would be lost, or cannot be put side by side.
    """
    settings = _options(options)
    found = tiles_aggregation_pipeline(
        list(tiles),
        converter_options=settings,
        filters=_steps(filters, "filters"),
        validators=_steps(validators, "validators"),
        resource=resource,
    )
    steps = build_default_registration_pipeline(
        settings.alignment_correction, settings.tiling_mode, settings.tiling_tolerance
    )
    images, refinements = [], []
    for image in found:
        placed = apply_registration_pipeline(image, steps)
        refinement = None
        if refined is not False:
            more = {} if refined is True else dict(refined)
            loaders = [region.image_loader for region in placed.regions]
            refinement = refine(placed.table(), loaders, resource, **more)
            placed = placed.placed(refinement.table)
        images.append(placed)
        refinements.append(refinement)
    return TilesJob(tuple(images), tuple(refinements), settings)


def add_tiles(
    plate: Plate,
    tiles: Iterable[Tile[Any, Any]] | pd.DataFrame,
    options: ConverterOptions | Mapping[str, Any] | None = None,
    *,
    acquisition_details: AcquisitionDetails | Mapping[str, Any] | None = None,
    acquisition_id: int = 0,
    when: When = "no",
    blend: Blend = "last",
    refined: bool | Mapping[str, Any] = False,
    filters: Sequence[Any] | None = None,
    validators: Sequence[Any] | None = None,
    resource: Any = None,
    probe: int | None = 1,
    share_limits: bool = False,
    labels: Labels | None = None,
    unique_labels: bool = True,
    memory: int = MEMORY,
    workers: int | None = None,
    run: object = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Position]:
    """Do what :meth:`Plate.add_tiles` says."""
    plate._session.check_writable()
    arguments.choice(when, _WHENS, "when")
    check_work(workers, memory)
    called = plate.name or _last(plate.url)
    tiles, masks = without_label_columns(_counted(tiles), labels or {})
    listed = tile_list(tiles, acquisition_details, acquisition_id=acquisition_id, plate=called)
    job = registered(
        listed, options, filters=filters, validators=validators, resource=resource, refined=refined
    )
    # Every check before anything is written.
    plans = job.check(blend=blend, resource=resource, probe=probe)
    places = places_of(plate, job.images)
    known = labels_of_images(job.images, listed, masks)
    there = {name for name, _ in plate.positions()}
    for place, plan, own in zip(places, plans, known, strict=True):
        check_labels(plan, own, resource=resource)
        if when == "overwrite" and place in there:
            check_fit(plate[place], plan, own)
    more: dict[str, Any] = {"resource": resource, "when": when, "blend": blend, "memory": memory}
    if run is None and workers is None:
        asked = work_of(job.options.runtime_settings.dask_scheduler)
        run, workers = asked.get("run"), asked["workers"]
    with executor(run, workers) as pool:
        positions = positions_at(plate, places, job.images, when)
        _write_all(positions, job, plans, progress, pool=pool, workers=workers, **more)
    for position, plan, own in zip(positions, plans, known, strict=True):
        write_labels(position, plan, own, resource=resource, when=when, unique=unique_labels)
    if share_limits:
        share_windows(positions)
    write_conditions(plate, places, job.images)
    return positions


def _write_all(
    positions: Sequence[Position],
    job: TilesJob,
    plans: Sequence[AssemblyPlan],
    progress: Callable[[int, int], None] | None,
    *,
    pool: Any,
    workers: int | None,
    **more: Any,
) -> None:
    """Write images one after the other, or some at a time where others do the work."""
    sizes = [int(np.prod(plan.shape)) for plan in plans]
    done = [0] * len(sizes)

    def told(number: int, count: int) -> None:
        done[number] = count
        if progress is not None:
            progress(sum(done), sum(sizes))

    def write(number: int) -> None:
        write_tiled_image(
            positions[number],
            job.images[number],
            job.options,
            probe=0,  # they were looked at before
            plan=plans[number],
            workers=workers,
            run=pool,
            progress=lambda count, _: told(number, count),
            **more,
        )
        told(number, sizes[number])

    count = 1 if pool is None else min(_SIDE_BY_SIDE, len(sizes))
    for _ in side_by_side(write, range(len(sizes)), count):
        pass


def from_tiles(
    store_path: PathLikeStr,
    tiles: Iterable[Tile[Any, Any]] | pd.DataFrame,
    options: ConverterOptions | Mapping[str, Any] | None = None,
    *,
    acquisition_details: AcquisitionDetails | Mapping[str, Any] | None = None,
    when: When = "no",
    blend: Blend = "last",
    refined: bool | Mapping[str, Any] = False,
    resource: Any = None,
    version: str | None = None,
    probe: int | None = 1,
    labels: Labels | None = None,
    unique_labels: bool = True,
    **more: Any,
) -> Position:
    """Do what :meth:`Position.from_tiles` says."""
    check_work(more.get("workers"), more.get("memory"))
    path = os.fspath(arguments.one_of(store_path, (str, os.PathLike), "store_path"))
    tiles, masks = without_label_columns(_counted(tiles), labels or {})
    listed = tile_list(tiles, acquisition_details, image=_last(path))
    job = registered(listed, options, resource=resource, refined=refined)
    if len(job.images) != 1:
        paths = ", ".join(image.path for image in job.images)
        raise TilingError(
            f"these tiles make {len(job.images)} images ({paths}); give those of one, or add all "
            "to a plate with plate.add_tiles(tiles)"
        )
    (plan,) = job.check(blend=blend, resource=resource, probe=probe)
    image = job.images[0]
    (own,) = labels_of_images(job.images, listed, masks)
    check_labels(plan, own, resource=resource)
    wanted = version or str(job.options.omezarr_options.ngff_version)
    names = [info.channel_label for info in image.channels or ()] or None
    position: Position = open_ome_zarr(
        path,
        layout="fov",
        mode="a",  # what is there is looked at by the writer
        version=wanted,
        channel_names=names or (["0"] if "c" in image.axes else None),
        axes=[axis_of(name) for name in image.axes],
    )
    if when == "overwrite":
        check_fit(position, plan, own)
    if more.get("run") is None and more.get("workers") is None:
        more |= work_of(job.options.runtime_settings.dask_scheduler)
    write_tiled_image(
        position,
        image,
        job.options,
        resource=resource,
        when=when,
        blend=blend,
        probe=0,
        plan=plan,
        **more,
    )
    write_labels(position, plan, own, resource=resource, when=when, unique=unique_labels)
    return position


def _counted(tiles: Any) -> Any:
    """Return tiles that may be counted, if they may be gone through."""
    gone_through = isinstance(tiles, Iterable) and not hasattr(tiles, "columns")
    return list(tiles) if gone_through else tiles


def tile_list(
    tiles: Iterable[Tile[Any, Any]] | pd.DataFrame,
    details: AcquisitionDetails | Mapping[str, Any] | None = None,
    *,
    acquisition_id: int = 0,
    plate: str = "",
    image: str = "",
) -> list[Tile[Any, Any]]:
    """Return tiles as a list, of a table if they are one.

    Parameters
    ----------
    tiles : iterable of Tile or pandas.DataFrame
        The tiles; a table has one row per tile.
    details : AcquisitionDetails or mapping, optional
        What holds for every tile of a table.
    acquisition_id : int
        Of a table with rows and columns.
    plate, image : str
        What the plate, or the image, is called where the table does not say.

    Raises
    ------
    ArgumentError
        If there is a table and nothing is known of the acquisition, or what is given is neither.
    """
    if not hasattr(tiles, "columns"):
        return arguments.all_of(tiles, Tile, "tiles")
    from iohub.tiles.dataframe import hcs_images_from_dataframe, single_images_from_dataframe

    if details is None:
        raise ArgumentError("a table of tiles needs acquisition_details=AcquisitionDetails(...)")
    if not isinstance(details, AcquisitionDetails):
        details = AcquisitionDetails.model_validate(details)
    frame: Any = tiles
    if {"row", "column"} <= set(map(str, frame.columns)):
        return hcs_images_from_dataframe(
            tiles_table=frame,
            acquisition_details=details,
            plate_name=plate.removesuffix(".zarr") or None,
            acquisition_id=acquisition_id,
        )
    if "image_path" not in frame.columns and image:
        frame = frame.assign(image_path=image)
    return single_images_from_dataframe(tiles_table=frame, acquisition_details=details)


def _last(path: str) -> str:
    """Return the last part of a path or URL."""
    return re.split(r"[\\/]", path.rstrip("/"))[-1]


def _options(options: ConverterOptions | Mapping[str, Any] | None) -> ConverterOptions:
    if options is None:
        return ConverterOptions()
    if isinstance(options, ConverterOptions):
        return options
    with arguments.checked("options"):
        return ConverterOptions.model_validate(options)


def _steps(steps: Sequence[Any] | None, what: str) -> list[Any] | None:
    """Return filters or validators: models, or mappings such as the page has them."""
    if steps is None:
        return None
    found = arguments.listed(steps, what, "models")
    for step in found:
        if not hasattr(step, "name") and not (isinstance(step, Mapping) and "name" in step):
            raise ArgumentError(
                f"{what} is a list of models, with no {arguments.shown(step)} in it"
            )
    return found
