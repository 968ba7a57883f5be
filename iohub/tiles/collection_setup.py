"""The plates that images go into: made, extended or replaced before the first pixel is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from iohub._open import open_ome_zarr
from iohub.errors import ArgumentError, ExistsError, NotFoundError, TilingError, VersionError
from iohub.metadata import versions
from iohub.tiles.collections import ImageInPlate
from iohub.tiles.options import DefaultNgffVersion, NgffVersions, OverwriteMode
from iohub.tiles.places import place_in_plate, write_conditions
from iohub.tiles.registries import Registry
from iohub.tiles.tiled_image import TiledImage
from iohub.tiles.urls import join_url_paths

if TYPE_CHECKING:
    from iohub.nodes.plate import Plate

_REGISTRY: Registry[Callable[..., Any]] = Registry(
    "collection setup handler", "add_collection_handler"
)


def add_collection_handler(
    *,
    function: Callable[..., Any],
    collection_type: str | None = None,
    overwrite: bool = False,
) -> None:
    """Register a function that prepares what images of a kind go into.

    Parameters
    ----------
    function : callable
        Called with the keywords ``zarr_dir``, ``tiled_images``, ``ngff_version`` and
        ``overwrite_mode``.
    collection_type : str, optional
        Name of the kind of collection; that of the function if not given.
    overwrite : bool
        Whether it may take the place of another.

    Raises
    ------
    RegistryError
        If the name is taken; a :class:`ValueError`.
    """
    _REGISTRY.add(function, collection_type, overwrite)


def setup_ome_zarr_collection(
    *,
    tiled_images: Sequence[TiledImage[Any, Any]],
    collection_type: str,
    zarr_dir: str,
    ngff_version: NgffVersions = DefaultNgffVersion,
    overwrite_mode: OverwriteMode = OverwriteMode.NO_OVERWRITE,
) -> None:
    """Prepare what images go into: plates with their wells, or nothing for images that stand alone.

    Parameters
    ----------
    tiled_images : sequence of TiledImage
        The images.
    collection_type : str
        "ImageInPlate", "SingleImage", or what was registered.
    zarr_dir : str
        Directory of the conversion, a path or URL.
    ngff_version : str
        OME-Zarr version.
    overwrite_mode : OverwriteMode
        What happens to a plate that is there: it is an error, it is replaced, or it gets those
        images that it has not. A plate that is replaced loses the images that it is not to have;
        the others stay until each is written anew.

    Raises
    ------
    RegistryError
        If there is no such kind; a :class:`ValueError`.
    ExistsError
        If there is a plate or an image, and it is neither to be replaced nor extended; a
        :class:`FileExistsError`.
    TilingError
        If two images have one path.
    VersionError
        If a plate is to be extended that has another version.
    """
    handler = _REGISTRY.get(collection_type)
    handler(
        zarr_dir=str(zarr_dir),
        tiled_images=list(tiled_images),
        ngff_version=ngff_version,
        overwrite_mode=OverwriteMode(overwrite_mode),
    )


def setup_singleimage(
    zarr_dir: str,
    tiled_images: Sequence[TiledImage[Any, Any]],
    ngff_version: NgffVersions = DefaultNgffVersion,
    overwrite_mode: OverwriteMode = OverwriteMode.NO_OVERWRITE,
) -> None:
    """Check that images which stand alone can be written; nothing is made.

    Parameters
    ----------
    zarr_dir : str
        Directory of the conversion.
    tiled_images : sequence of TiledImage
        The images.
    ngff_version : str
        OME-Zarr version.
    overwrite_mode : OverwriteMode
        What happens to images that are there.

    Raises
    ------
    ExistsError
        If there is one, and it is neither to be replaced nor kept.
    TilingError
        If two images have one path.
    """
    _check_paths(tiled_images)
    if overwrite_mode is not OverwriteMode.NO_OVERWRITE:
        return
    for image in tiled_images:
        url = join_url_paths(zarr_dir, image.path)
        if exists(url):
            raise ExistsError(
                f"there is an image at {url}; choose Overwrite to replace it, or Extend to keep it"
            )


def setup_plates(
    zarr_dir: str,
    tiled_images: Sequence[TiledImage[Any, Any]],
    ngff_version: NgffVersions = DefaultNgffVersion,
    overwrite_mode: OverwriteMode = OverwriteMode.NO_OVERWRITE,
) -> None:
    """Make the plates that images go into, with their wells and a table of conditions.

    Parameters
    ----------
    zarr_dir : str
        Directory of the conversion.
    tiled_images : sequence of TiledImage
        The images.
    ngff_version : str
        OME-Zarr version.
    overwrite_mode : OverwriteMode
        What happens to plates that are there.

    Raises
    ------
    ExistsError, TilingError, VersionError
        As :func:`setup_ome_zarr_collection`.
    """
    _check_paths(tiled_images)
    plates: dict[str, list[TiledImage[Any, Any]]] = {}
    for image in tiled_images:
        plates.setdefault(plate_path(image), []).append(image)
    urls = {path: join_url_paths(zarr_dir, path) for path in plates}
    there = {path: exists(url) for path, url in urls.items()}
    for path, url in urls.items():
        if there[path] and overwrite_mode is OverwriteMode.NO_OVERWRITE:
            raise ExistsError(
                f"there is a plate at {url}; choose Overwrite to replace it, or Extend to add to it"
            )
    for path, images in plates.items():
        _setup_plate(urls[path], images, ngff_version, overwrite_mode, there[path])


def _setup_plate(
    url: str,
    images: Sequence[TiledImage[Any, Any]],
    version: NgffVersions,
    mode: OverwriteMode,
    there: bool,
) -> None:
    spelling = versions.spelling(version)
    wanted: dict[str, TiledImage[Any, Any]] = {}
    for image in images:
        place = place_in_plate(image, spelling)
        if place in wanted:
            raise TilingError(
                f"images {wanted[place].path!r} and {image.path!r} would both be {place}"
            )
        wanted[place] = image
    with open_plate(url, version, mode, there) as plate:
        known = {name for name, _ in plate.positions()}
        if mode is OverwriteMode.OVERWRITE:
            for name in sorted(known - set(wanted)):
                del plate[name]
        plate.create_positions(
            [
                (*place.split("/"), None, None, image.collection.acquisition)
                for place, image in wanted.items()
                if place not in known
            ]
        )
        write_conditions(plate, list(wanted), list(wanted.values()))


def open_plate(url: str, version: NgffVersions, mode: OverwriteMode, there: bool) -> Plate:
    """Open a plate for writing, or make it.

    Parameters
    ----------
    url : str
        Where it is.
    version : str
        OME-Zarr version.
    mode : OverwriteMode
        Whether one of another version is replaced.
    there : bool
        Whether there is something.

    Raises
    ------
    VersionError
        If it has another version, and is not to be replaced.
    LayoutError
        If there is something that is no plate; a :class:`ValueError`.
    """
    if there:
        plate: Plate = open_ome_zarr(url, layout="hcs", mode="r+")
        if plate.version == version:
            return plate
        found = plate.version
        plate.close()
        if mode is not OverwriteMode.OVERWRITE:
            raise VersionError(
                f"the plate at {url} is of OME-Zarr {found}, and {version} is asked for; give "
                f"ngff_version={found!r}, or choose Overwrite"
            )
    made: Plate = open_ome_zarr(
        url, layout="hcs", mode="w" if there else "w-", channel_names=[], version=version
    )
    return made


def plate_path(image: TiledImage[Any, Any]) -> str:
    """Return the path of the plate that an image goes into.

    Parameters
    ----------
    image : TiledImage
        The image.

    Raises
    ------
    TilingError
        If it goes into none.
    """
    if not isinstance(image.collection, ImageInPlate):
        raise TilingError(
            f"image {image.path!r} goes to a {type(image.collection).__name__}, not into a plate; "
            "choose the collection type of that name"
        )
    return image.collection.plate_path()


def image_url(image: TiledImage[Any, Any], zarr_dir: str, version: NgffVersions) -> str:
    """Return where an image will be.

    Parameters
    ----------
    image : TiledImage
        The image.
    zarr_dir : str
        Directory of the conversion.
    version : str
        OME-Zarr version.
    """
    if not isinstance(image.collection, ImageInPlate):
        return join_url_paths(zarr_dir, image.path)
    place = place_in_plate(image, versions.spelling(version))
    return join_url_paths(zarr_dir, image.collection.plate_path(), place)


def exists(url: str) -> bool:
    """Whether there is something in a place.

    Parameters
    ----------
    url : str
        A path or URL.
    """
    try:
        open_ome_zarr(url, mode="r").close()
    except NotFoundError:
        return False
    except (ArgumentError, OSError, ValueError):
        return True
    return True


def _check_paths(images: Sequence[TiledImage[Any, Any]]) -> None:
    seen: set[str] = set()
    for image in images:
        if image.path in seen:
            raise TilingError(
                f"two images have the path {image.path!r}; give their tiles other wells, "
                "acquisitions or names"
            )
        seen.add(image.path)


add_collection_handler(function=setup_plates, collection_type="ImageInPlate")
add_collection_handler(function=setup_singleimage, collection_type="SingleImage")
