"""The two Fractal tasks: one that prepares plates and lists images, one that writes an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import get_context
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from iohub._open import open_ome_zarr
from iohub.errors import LayoutError, NotFoundError
from iohub.nodes.position import Position
from iohub.tiles.collection_setup import image_url, plate_path, setup_ome_zarr_collection
from iohub.tiles.collections import CollectionInterface, ImageInPlate
from iohub.tiles.creation import write_noted
from iohub.tiles.fractal_json import (
    dump_json_str,
    json_str,
    remove_json,
    tiled_image_from_json,
    tiled_image_from_json_str,
)
from iohub.tiles.fractal_models import ConvertParallelInitArgs, ImageListUpdateDict, UpdateDict
from iohub.tiles.loader_interface import ImageLoaderInterface
from iohub.tiles.options import ConverterOptions, NgffVersions, OverwriteMode
from iohub.tiles.registration import (
    apply_registration_pipeline,
    build_default_registration_pipeline,
)
from iohub.tiles.resume import noted_mark
from iohub.tiles.spellings import TilesModel
from iohub.tiles.tiled_image import TiledImage
from iohub.tiles.urls import filesystem_for_url


def setup_images_for_conversion(
    tiled_images: Sequence[TiledImage[Any, Any]],
    *,
    zarr_dir: str,
    collection_type: str,
    converter_options: ConverterOptions,
    overwrite_mode: OverwriteMode = OverwriteMode.NO_OVERWRITE,
    ngff_version: NgffVersions | None = None,
) -> list[dict[str, Any]]:
    """Prepare plates, and return what each compute task is given.

    Parameters
    ----------
    tiled_images : sequence of TiledImage
        The images.
    zarr_dir : str
        Directory of the conversion, a path or URL.
    collection_type : str
        "ImageInPlate", "SingleImage", or what was registered.
    converter_options : ConverterOptions
        How images are written.
    overwrite_mode : OverwriteMode
        What happens to what is there.
    ngff_version : str, optional
        OME-Zarr version, that of the options if not given; both tasks use it.

    Returns
    -------
    list of dict
        ``{"zarr_url": …, "init_args": {…}}`` for each image, of plain values.

    Raises
    ------
    RegistryError, ExistsError, TilingError, VersionError
        As :func:`~iohub.tiles.setup_ome_zarr_collection`.
    ArgumentError
        If an image has a loader that has no JSON; a :class:`TypeError`.
    """
    stored = converter_options.omezarr_options
    version = stored.ngff_version if ngff_version is None else ngff_version
    options = converter_options.model_copy(
        update={"omezarr_options": stored.model_copy(update={"ngff_version": version})}
    )
    texts = [json_str(image) for image in tiled_images]
    setup_ome_zarr_collection(
        tiled_images=tiled_images,
        collection_type=collection_type,
        zarr_dir=zarr_dir,
        ngff_version=version,
        overwrite_mode=overwrite_mode,
    )
    temporary = options.temp_json_options
    in_memory = temporary.use_in_memory(sum(map(len, texts)))
    listed = []
    for image, text in zip(tiled_images, texts, strict=True):
        waiting = (
            {"tiled_image_json_str": text}
            if in_memory
            else {
                "tiled_image_json_dump_url": dump_json_str(
                    temporary.format_temp_url(zarr_dir), text
                )
            }
        )
        args = ConvertParallelInitArgs.model_validate(
            {**waiting, "converter_options": options, "overwrite_mode": overwrite_mode}
        )
        url = image_url(image, zarr_dir, version)
        plain = args.model_dump(mode="json", exclude_none=True)
        listed.append({"zarr_url": url, "init_args": plain})
    return listed


def generic_compute_task(
    *,
    zarr_url: str,
    init_args: ConvertParallelInitArgs | Mapping[str, Any],
    collection_type: type[CollectionInterface],
    image_loader_type: type[ImageLoaderInterface],
    resource: Any | None = None,
) -> ImageListUpdateDict:
    """Write an image that the init task listed.

    Repeated after it was interrupted, it writes the image anew. Repeated after it came to its end,
    it says the same again and leaves the image as it is (unless that is to be overwritten and the
    image came in the arguments: then it is written once more). The JSON is removed when the image
    is complete.

    Parameters
    ----------
    zarr_url : str
        Where to.
    init_args : ConvertParallelInitArgs or mapping
        What the init task listed.
    collection_type : type
        Kind of the image's collection.
    image_loader_type : type
        Kind of its loaders.
    resource : object, optional
        What loaders are given.

    Returns
    -------
    ImageListUpdateDict
        What Fractal is told of the image.

    Raises
    ------
    NotFoundError
        If its JSON is not there; a :class:`FileNotFoundError`.
    DocumentError
        If it is no image; a :class:`ValueError`.
    IohubError
        As :func:`~iohub.tiles.tiled_image_creation_pipeline`.
    """
    args = (
        init_args
        if isinstance(init_args, ConvertParallelInitArgs)
        else ConvertParallelInitArgs.model_validate(init_args)
    )
    kinds = (collection_type, image_loader_type)
    url = args.tiled_image_json_dump_url
    done = None if url is None else _done_before(zarr_url, url)
    if done is not None:
        return done
    image = (
        tiled_image_from_json_str(args.tiled_image_json_str or "", *kinds)
        if url is None
        else tiled_image_from_json(url, *kinds)
    )
    options = args.converter_options
    steps = build_default_registration_pipeline(
        options.alignment_correction, options.tiling_mode, options.tiling_tolerance
    )
    attributes = _attributes(image)
    noted = {"attributes": attributes} | ({"task": url} if url is not None else {})
    position = write_noted(
        zarr_url,
        apply_registration_pipeline(image, steps),
        options,
        # The init task saw that nothing was there: what is, an earlier try has made.
        "overwrite" if args.overwrite_mode is OverwriteMode.OVERWRITE else "extend",
        resource,
        noted,
    )
    with position:
        found = _update(zarr_url, position, attributes)
    if url is not None:
        remove_json(url)
    return found


def _done_before(zarr_url: str, json_url: str) -> ImageListUpdateDict | None:
    """Return what an earlier try of the same task said, if it came to its end."""
    if filesystem_for_url(json_url, "Loading JSON").exists(json_url):
        return None
    try:
        found = open_ome_zarr(zarr_url, mode="r")
    except (NotFoundError, LayoutError):  # nothing, or no image yet
        return None
    with found as position:
        mark = noted_mark(position) if isinstance(position, Position) else None
        if mark is None or mark.get("task") != json_url:
            return None
        return _update(zarr_url, position, mark["attributes"])


def _update(
    zarr_url: str, position: Position, attributes: Mapping[str, Any]
) -> ImageListUpdateDict:
    shape = dict(zip(position.axis_names, position["0"].shape, strict=True))
    types = {"is_3D": shape.get("z", 1) > 1}
    if shape.get("t", 1) > 1:
        types["is_time_series"] = True
    update: UpdateDict = {"zarr_url": zarr_url, "types": types, "attributes": dict(attributes)}
    return {"image_list_updates": [update]}


def _attributes(image: TiledImage[Any, Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        name: " & ".join(map(str, values)) for name, values in image.attributes.items()
    }
    place = image.collection
    if isinstance(place, ImageInPlate):
        attributes.update(plate=plate_path(image), well=place.well, acquisition=place.acquisition)
    return attributes


# ---- both tasks in one call -------------------------------------------------------------------


class SequentialRunner(TilesModel):
    """One image after the other."""

    mode: Literal["Synchronous"] = "Synchronous"


class ThreadedRunner(TilesModel):
    """Several images at a time, in threads.

    Attributes
    ----------
    mode : str
        "Threaded".
    num_threads : int
        How many.
    """

    mode: Literal["Threaded"] = "Threaded"
    num_threads: int = Field(default=4, gt=0)


class MultiprocessingRunner(TilesModel):
    """Several images at a time, in processes.

    Attributes
    ----------
    mode : str
        "Multiprocessing".
    num_processes : int
        How many.
    """

    mode: Literal["Multiprocessing"] = "Multiprocessing"
    num_processes: int = Field(default=4, gt=0)


RunnerType: TypeAlias = Annotated[
    SequentialRunner | ThreadedRunner | MultiprocessingRunner, Field(discriminator="mode")
]


def exec_compound_task(
    init_task_fn: Callable[..., Mapping[str, Any]],
    compute_task_fn: Callable[..., ImageListUpdateDict],
    init_task_kwargs: Mapping[str, Any],
    compute_task_kwargs: Mapping[str, Any] | None = None,
    runner: RunnerType | None = None,
) -> list[ImageListUpdateDict]:
    """Run the init task and then the compute task for each image that it lists.

    Parameters
    ----------
    init_task_fn : callable
        Returns ``{"parallelization_list": [{"zarr_url": …, "init_args": …}, …]}``.
    compute_task_fn : callable
        Called with ``zarr_url``, ``init_args`` and `compute_task_kwargs`.
    init_task_kwargs : mapping
        Keyword arguments of the init task.
    compute_task_kwargs : mapping, optional
        More keyword arguments of the compute task.
    runner : SequentialRunner or ThreadedRunner or MultiprocessingRunner, optional
        How many images at a time; one after the other if not given.

    Returns
    -------
    list of ImageListUpdateDict
        In the order of the list.

    Raises
    ------
    Exception
        What one of the tasks raises.
    """
    listed = init_task_fn(**init_task_kwargs)["parallelization_list"]
    more = dict(compute_task_kwargs or {})
    with _pool(runner) as pool:
        if pool is None:
            return [compute_task_fn(**item, **more) for item in listed]
        waiting = [pool.submit(compute_task_fn, **item, **more) for item in listed]
        return [each.result() for each in waiting]


def _pool(runner: RunnerType | None) -> AbstractContextManager[Executor | None]:
    if isinstance(runner, ThreadedRunner):
        return ThreadPoolExecutor(runner.num_threads)
    if isinstance(runner, MultiprocessingRunner):
        return ProcessPoolExecutor(runner.num_processes, mp_context=get_context("spawn"))
    return nullcontext()
