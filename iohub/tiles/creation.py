"""From an image of tiles to an image on disk: registration, then writing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from iohub._open import open_ome_zarr
from iohub.errors import VersionError
from iohub.tiles.collection_setup import exists
from iohub.tiles.collections import ImageInPlate
from iohub.tiles.compose import probe_tiles
from iohub.tiles.image_document import axis_of
from iohub.tiles.images import plan_image, write_tiled_image
from iohub.tiles.labels import check_fit
from iohub.tiles.options import ConverterOptions, OverwriteMode, WriterMode
from iohub.tiles.places import place_in_plate
from iohub.tiles.registration import RegistrationStep, apply_registration_pipeline
from iohub.tiles.runtime import work_of
from iohub.tiles.tiled_image import TiledImage

if TYPE_CHECKING:
    from iohub.nodes.position import Position
    from iohub.tiles.write import When

_WHENS: dict[OverwriteMode, When] = {
    OverwriteMode.NO_OVERWRITE: "no",
    OverwriteMode.OVERWRITE: "overwrite",
    OverwriteMode.EXTEND: "extend",
}


def tiled_image_creation_pipeline(
    *,
    zarr_url: str,
    tiled_image: TiledImage[Any, Any],
    registration_pipeline: Sequence[RegistrationStep],
    converter_options: ConverterOptions,
    writer_mode: WriterMode,
    overwrite_mode: OverwriteMode,
    resource: Any | None = None,
) -> Position:
    """Correct where the tiles of an image lie, and write it.

    Parameters
    ----------
    zarr_url : str
        Where to.
    tiled_image : TiledImage
        The image.
    registration_pipeline : sequence of RegistrationStep
        How places are corrected.
    converter_options : ConverterOptions
        How it is stored.
    writer_mode : WriterMode
        With how much memory it is written.
    overwrite_mode : OverwriteMode
        What happens to an image that is there.
    resource : object, optional
        What loaders are given.

    Returns
    -------
    Position
        The image, open for writing.

    Raises
    ------
    TilingError
        If tiles would be lost, or cannot be put side by side.
    IohubError
        As :func:`write_tiled_image_as_zarr`.
    """
    return write_tiled_image_as_zarr(
        zarr_url=zarr_url,
        tiled_image=apply_registration_pipeline(tiled_image, registration_pipeline),
        converter_options=converter_options,
        writer_mode=writer_mode,
        overwrite_mode=overwrite_mode,
        resource=resource,
    )


def write_tiled_image_as_zarr(
    *,
    zarr_url: str,
    tiled_image: TiledImage[Any, Any],
    converter_options: ConverterOptions,
    writer_mode: WriterMode,
    overwrite_mode: OverwriteMode,
    resource: Any | None = None,
) -> Position:
    """Write an image whose tiles are where they belong.

    Parameters
    ----------
    zarr_url : str
        Where to; in the plate that was set up for it, or alone.
    tiled_image : TiledImage
        The image.
    converter_options : ConverterOptions
        How it is stored.
    writer_mode : WriterMode
        With how much memory it is written.
    overwrite_mode : OverwriteMode
        What happens to an image that is there: it is an error, it is replaced, or it is kept if
        it is complete and made of the same tiles.
    resource : object, optional
        What loaders are given.

    Returns
    -------
    Position
        The image, open for writing.

    Raises
    ------
    ExistsError
        If there is an image that is neither to be replaced nor this one; a
        :class:`FileExistsError`.
    ShapeError, DTypeError, FormatError, NotFoundError
        If a tile is not what is stated, or cannot be read; nothing is written then.
    VersionError
        If what is there has another version than the options.
    """
    options = converter_options.model_copy(update={"writer_mode": WriterMode(writer_mode)})
    return write_noted(
        zarr_url, tiled_image, options, _WHENS[OverwriteMode(overwrite_mode)], resource
    )


def write_noted(
    url: str,
    tiled_image: TiledImage[Any, Any],
    options: ConverterOptions,
    when: When,
    resource: Any | None,
    noted: Mapping[str, Any] | None = None,
) -> Position:
    """Do what :func:`write_tiled_image_as_zarr` says, and note more in the mark of completion.

    Parameters
    ----------
    url : str
        Where to.
    tiled_image : TiledImage
        The image.
    options : ConverterOptions
        How it is stored.
    when : {"no", "extend", "overwrite"}
        What happens to an image that is there.
    resource : object
        What loaders are given.
    noted : mapping, optional
        What is noted; JSON.

    Returns
    -------
    Position
        The image, open for writing.

    Raises
    ------
    IohubError
        As :func:`write_tiled_image_as_zarr`.
    """
    plan = plan_image(tiled_image, options.omezarr_options, resource=resource)
    loaders = [region.image_loader for region in tiled_image.regions]
    # Before the store is touched, so that a refused call leaves nothing behind.
    probe_tiles(plan, loaders, resource)
    with _position(url, tiled_image, options) as position:
        url = position.url
        if when == "overwrite":
            check_fit(position, plan)
        write_tiled_image(
            position,
            tiled_image,
            options,
            resource=resource,
            when=when,
            probe=0,
            plan=plan,
            noted=noted,
            **work_of(options.runtime_settings.dask_scheduler),
        )
    made: Position = open_ome_zarr(url, layout="fov", mode="r+")
    return made


@contextmanager
def _position(
    url: str, image: TiledImage[Any, Any], options: ConverterOptions
) -> Iterator[Position]:
    """Open where an image goes: what was set up in a plate, else a store of its own."""
    version = str(options.omezarr_options.ngff_version)
    collection = image.collection
    if isinstance(collection, ImageInPlate):
        plate_url = url.rstrip("/").rsplit("/", 3)[0]
        if exists(plate_url):
            with open_ome_zarr(plate_url, layout="hcs", mode="r+") as plate:
                _check_version(plate, version)
                place = place_in_plate(image, plate._spelling)
                if place not in {name for name, _ in plate.positions()}:
                    number = collection.acquisition
                    plate.create_positions([(*place.split("/"), None, None, number)])
                yield plate[place]
            return
    labels = [info.channel_label for info in image.channels or ()] or None
    with open_ome_zarr(
        url,
        layout="fov",
        mode="a",
        version=version,
        channel_names=labels or ["0"] * ("c" in image.axes),
        axes=[axis_of(axis) for axis in image.axes],
    ) as position:
        _check_version(position, version)
        yield position


def _check_version(node: Any, version: str) -> None:
    if node.version != version:
        raise VersionError(
            f"{node.url} is of OME-Zarr {node.version}, and {version} is asked for; give "
            f"ngff_version={node.version!r}, or write elsewhere"
        )
