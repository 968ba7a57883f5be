"""Images of tiles as JSON, by which the init task hands them to the compute tasks."""

from __future__ import annotations

import logging
import os
import time
from typing import Any, cast
from uuid import uuid4

from pydantic import ValidationError

from iohub.errors import ArgumentError, DocumentError, FormatError, NotFoundError, Problem
from iohub.tiles.collections import CollectionInterface
from iohub.tiles.loader_interface import ImageLoaderInterface
from iohub.tiles.tiled_image import TiledImage
from iohub.tiles.urls import filesystem_for_url, join_url_paths, parent_url, read_bytes

logger = logging.getLogger(__name__)

RETRIES = "CONVERTERS_TOOLS_NUM_RETRIES"
"""Variable of the environment: how often a file is looked for that is not there yet, by default 5.

Shared file systems may show a file to other machines only after a while.
"""


def dump_to_json(temp_json_url: str, tiled_image: TiledImage[Any, Any]) -> str:
    """Write an image as JSON and return where it is.

    Parameters
    ----------
    temp_json_url : str
        Directory, a path or URL; made if needed.
    tiled_image : TiledImage
        The image.

    Raises
    ------
    ArgumentError
        If one of its loaders has no JSON, such as an array; a :class:`TypeError`.
    """
    return dump_json_str(temp_json_url, json_str(tiled_image))


def json_str(tiled_image: TiledImage[Any, Any]) -> str:
    """Return an image as JSON text.

    Parameters
    ----------
    tiled_image : TiledImage
        The image.

    Raises
    ------
    ArgumentError
        If one of its loaders has no JSON, such as an array; a :class:`TypeError`.
    """
    try:
        return tiled_image.model_dump_json()
    except ValueError as error:
        raise ArgumentError(f"image {tiled_image.path!r} has no JSON: {error}") from error


def dump_json_str(temp_json_url: str, json_str: str) -> str:
    """Write JSON text under a new name and return where it is.

    Parameters
    ----------
    temp_json_url : str
        Directory, a path or URL; made if needed.
    json_str : str
        The text.
    """
    files = filesystem_for_url(temp_json_url, "Dumping JSON")
    files.makedirs(temp_json_url, exist_ok=True)
    url = join_url_paths(temp_json_url, f"{uuid4()}.json")
    with files.open(url, "wb") as file:
        file.write(json_str.encode())
    return url


def tiled_image_from_json(
    tiled_image_json_dump_url: str,
    collection_type: type[CollectionInterface],
    image_loader_type: type[ImageLoaderInterface],
) -> TiledImage[Any, Any]:
    """Read an image from JSON; a file that is not there is waited for.

    Parameters
    ----------
    tiled_image_json_dump_url : str
        Where it is.
    collection_type : type
        Kind of its collection.
    image_loader_type : type
        Kind of its loaders.

    Raises
    ------
    NotFoundError
        If it is still not there after some tries; a :class:`FileNotFoundError`. The variable
        CONVERTERS_TOOLS_NUM_RETRIES of the environment says how many, by default 5.
    DocumentError
        If it is no image, or has loaders of another kind; a :class:`ValueError`.
    """
    text = _waited_for(tiled_image_json_dump_url)
    return tiled_image_from_json_str(
        text, collection_type, image_loader_type, where=tiled_image_json_dump_url
    )


def tiled_image_from_json_str(
    json_str: str | bytes,
    collection_type: type[CollectionInterface],
    image_loader_type: type[ImageLoaderInterface],
    where: str = "",
) -> TiledImage[Any, Any]:
    """Read an image from JSON text, of either generation's names.

    Parameters
    ----------
    json_str : str or bytes
        The text.
    collection_type : type
        Kind of its collection.
    image_loader_type : type
        Kind of its loaders.
    where : str
        Where the text comes from, for messages.

    Raises
    ------
    DocumentError
        If it is no image, or has loaders of another kind; a :class:`ValueError`.
    """
    kind = TiledImage.__class_getitem__((collection_type, image_loader_type))
    try:
        return cast(type[TiledImage[Any, Any]], kind).model_validate_json(json_str)
    except ValidationError as error:
        problems = [Problem("/" + "/".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        raise DocumentError(problems, where) from error


def remove_json(tiled_image_json_dump_url: str) -> None:
    """Remove an image's JSON, and its directory if that is empty; what cannot be is logged.

    Parameters
    ----------
    tiled_image_json_dump_url : str
        Where it is.
    """
    try:
        files = filesystem_for_url(tiled_image_json_dump_url, "Cleaning up JSON")
        files.rm(tiled_image_json_dump_url)
    except (OSError, ValueError) as error:
        logger.error("%s cannot be removed: %s", tiled_image_json_dump_url, error)
        return
    try:
        files.rmdir(parent_url(tiled_image_json_dump_url))
    except (OSError, ValueError):
        return  # Others still wait there.


def cleanup_if_exists(temp_json_url: str) -> None:
    """Remove the directory of images that wait as JSON; what cannot be removed is logged.

    Parameters
    ----------
    temp_json_url : str
        The directory; nothing happens if there is none.

    Raises
    ------
    FormatError
        If it is a file; a :class:`ValueError`.
    """
    files = filesystem_for_url(temp_json_url, "Cleanup")
    if not files.exists(temp_json_url):
        return
    if not files.isdir(temp_json_url):
        raise FormatError(f"Expected a directory for a cleanup, but got a file: {temp_json_url}")
    others = [name for name in files.ls(temp_json_url, detail=False) if not _is_ours(name)]
    if others:
        logger.error("%s holds other files and stays: %s", temp_json_url, ", ".join(others[:5]))
        return
    try:
        files.rm(temp_json_url, recursive=True)
    except OSError as error:
        logger.error("%s cannot be removed: %s", temp_json_url, error)


def _is_ours(name: str) -> bool:
    return name.rstrip("/").endswith(".json")


def _waited_for(url: str) -> bytes:
    """Return what a file holds, after a while if it is not there yet."""
    text = os.environ.get(RETRIES, "5")
    if not text.isdigit() or int(text) < 1:
        raise ArgumentError(f"{RETRIES}={text!r} must be a whole number greater than 0")
    tries = int(text)
    for number in range(tries):
        if number:
            time.sleep(2**number)
        try:
            return read_bytes(url, "Loading JSON")
        except NotFoundError:
            logger.warning("%s is not there (try %d of %d)", url, number + 1, tries)
    raise NotFoundError(
        f"there is no JSON file {url!r}, also after {tries} tries; if the task was done before, "
        "the image is written already"
    )
