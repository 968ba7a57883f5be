"""What images of tiles must hold before they are written: functions by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypedDict, cast

import numpy as np
from pydantic import BaseModel, ConfigDict

from iohub.errors import ArgumentError, DTypeError, ShapeError
from iohub.tiles.pasting import boxes
from iohub.tiles.registries import Registry, step_parts
from iohub.tiles.tile_groups import TileSlice
from iohub.tiles.tiled_image import TiledImage


class ValidatorStep(TypedDict):
    """A validator by name, and what it is given.

    Attributes
    ----------
    name : str
        Name under which its function is registered.
    params : dict
        Keyword arguments of the function.
    """

    name: str
    params: dict[str, Any]


class ValidatorModel(BaseModel):
    """A validator and what it is given; make a model of this for a validator of another kind.

    Attributes
    ----------
    name : str
        Name under which its function is registered.
    """

    model_config = ConfigDict(extra="allow")

    name: Any


class ShapeDtypeProbeValidator(ValidatorModel):
    """Look at the first tile of each image: it must have the size and type that are stated.

    Attributes
    ----------
    name : str
        "Shape and Dtype Probe".
    tiles : int or None
        How many tiles of each image are looked at; None for all.
    """

    name: Literal["Shape and Dtype Probe"] = "Shape and Dtype Probe"
    tiles: int | None = 1


ImplementedValidators = ShapeDtypeProbeValidator

_REGISTRY: Registry[Callable[..., Any]] = Registry("validator", "add_validator")


def add_validator(
    function: Callable[..., Any], name: str | None = None, overwrite: bool = False
) -> None:
    """Register a validator.

    Parameters
    ----------
    function : callable
        Called with an image; raises an error, or returns the image, another one or None. A step
        that is a mapping gives its ``params`` as keywords; a :class:`ValidatorModel` is given as
        ``validator_params``, along with ``resource``.
    name : str, optional
        Its name; that of the function if not given.
    overwrite : bool
        Whether it may take the place of another.

    Raises
    ------
    RegistryError
        If the name is taken; a :class:`ValueError`.
    """
    _REGISTRY.add(function, name, overwrite)


def apply_validator_pipeline(
    tiles: list[TiledImage[Any, Any]],
    validators_config: Sequence[ValidatorStep | ValidatorModel],
    resource: Any | None = None,
) -> list[TiledImage[Any, Any]]:
    """Return images after every validator has seen them.

    Parameters
    ----------
    tiles : list of TiledImage
        The images.
    validators_config : sequence of ValidatorStep or ValidatorModel
        The validators, in their order.
    resource : object, optional
        What loaders are given.

    Raises
    ------
    RegistryError
        If there is no validator of a name; a :class:`ValueError`.
    Exception
        What a validator raises.
    """
    for step in validators_config:
        tiles = [_validated(image, step, resource) for image in tiles]
    return tiles


def _validated(
    image: TiledImage[Any, Any], step: ValidatorStep | ValidatorModel, resource: Any | None
) -> TiledImage[Any, Any]:
    if isinstance(step, ValidatorModel):
        function = _REGISTRY.get(step.name)
        known = inspect.signature(function).parameters
        given = {"validator_params": step, "resource": resource}
        open_ended = any(each.kind is each.VAR_KEYWORD for each in known.values())
        kept = {name: value for name, value in given.items() if open_ended or name in known}
        found = function(image, **kept)
    else:
        name, params = step_parts(step)
        found = _REGISTRY.get(name)(image, **params)
    if found is None or isinstance(found, bool):
        if found is False:
            raise ArgumentError(f"image {image.path!r} does not pass {step!r}")
        return image
    return cast(TiledImage[Any, Any], found)


def probe_shape_and_dtype(
    image: TiledImage[Any, Any],
    validator_params: ShapeDtypeProbeValidator | None = None,
    resource: Any | None = None,
    tiles: int | None = 1,
) -> TiledImage[Any, Any]:
    """Return an image whose tiles have the sizes and the type that are stated.

    Parameters
    ----------
    image : TiledImage
        The image.
    validator_params : ShapeDtypeProbeValidator, optional
        Says how many tiles.
    resource : object, optional
        What loaders are given.
    tiles : int, optional
        How many tiles are looked at, without `validator_params`; None for all.

    Raises
    ------
    ShapeError
        If a tile has another size; a :class:`ValueError`.
    DTypeError
        If it has a type that does not fit into that of the image; a :class:`TypeError`.
    IohubError
        If it cannot be read.
    """
    count = tiles if validator_params is None else validator_params.tiles
    regions: list[TileSlice[Any]] = image.regions[:count]
    if not regions:
        return image
    _, lengths = boxes([region.roi for region in regions], image.axes, image.pixel_size)
    for region, row in zip(regions, np.rint(lengths).astype(int).tolist(), strict=True):
        region.image_loader.preflight(resource)
        found = region.image_loader.probe(resource)
        where = f"{region.describe(resource)} of image {image.path!r}"
        if region.fitted_shape(found.shape, image.axes, resource) != tuple(row):
            raise ShapeError(
                f"{where} has the shape {found.shape}, but its lengths along "
                f"{', '.join(image.axes)} say {tuple(row)}"
            )
        if not np.can_cast(found.dtype, np.dtype(image.data_type), "safe"):
            raise DTypeError(
                f"{where} holds {found.dtype}, but the image {image.data_type}: pixels would "
                "change; give data_type in acquisition_details, or convert the files"
            )
    return image


add_validator(probe_shape_and_dtype, "Shape and Dtype Probe")
