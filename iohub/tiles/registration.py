"""Steps that correct where the tiles of an image lie, by name; the arithmetic is in register."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypedDict, cast

import numpy as np

from iohub.errors import ArgumentError, TilingError
from iohub.tiles import register
from iohub.tiles.many_objects import uncollected
from iohub.tiles.options import StagePositionCorrections, TilingMode, as_strategy
from iohub.tiles.placing import Placing
from iohub.tiles.registries import Registry, step_parts
from iohub.tiles.tiled_image import TiledImage
from iohub.tiles.tiling import TilingStrategy

Image = TiledImage[Any, Any]


class RegistrationStep(TypedDict):
    """A step by name, and what it is given.

    Attributes
    ----------
    name : str
        Name under which its function is registered.
    params : dict
        Keyword arguments of the function.
    """

    name: str
    params: dict[str, Any]


_REGISTRY: Registry[Callable[..., Any]] = Registry("registration step", "add_registration_func")

_TILINGS: dict[str, register.Tiling] = {
    "Auto": "auto",
    "Snap to Grid": "grid",
    "Snap to Corners": "corners",
    "Inplace": "inplace",
}


def add_registration_func(
    function: Callable[..., TiledImage[Any, Any]], name: str | None = None, overwrite: bool = False
) -> None:
    """Register a step.

    Parameters
    ----------
    function : callable
        Called with an image and the parameters of the step; returns the image or another one.
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


@uncollected()
def apply_registration_pipeline(
    tiled_image: TiledImage[Any, Any], pipeline_config: Sequence[RegistrationStep]
) -> TiledImage[Any, Any]:
    """Return an image after all steps.

    Parameters
    ----------
    tiled_image : TiledImage
        The image; it stays as it is, unless a step of your own changes it.
    pipeline_config : sequence of RegistrationStep
        The steps, in their order.

    Raises
    ------
    RegistryError
        If there is no step of a name; a :class:`ValueError`.
    TilingError
        If tiles would be lost, or cannot be put side by side; the image is named.
    """
    now: TiledImage[Any, Any] | Placing = tiled_image
    for step in pipeline_config:
        name, params = step_parts(step)
        function = _REGISTRY.get(name)
        if function not in _OWN:
            now = now.done() if isinstance(now, Placing) else now
        elif not isinstance(now, Placing):
            now = Placing.of(now)
        try:
            found = function(now, **params)
        except TilingError as error:
            if now.path in str(error):
                raise
            raise type(error)(f"image {now.path!r}: {error}") from error
        if not isinstance(found, TiledImage | Placing):
            raise ArgumentError(f"registration step {name!r} returned {found!r}, not an image")
        now = found
    return now.done() if isinstance(now, Placing) else now


def build_default_registration_pipeline(
    alignment_corrections: StagePositionCorrections,
    tiling_mode: TilingMode | TilingStrategy | str | None = None,
    tolerance: float = 0.0,
    *,
    tiling_strategy: TilingStrategy | None = None,
) -> list[RegistrationStep]:
    """Return the usual steps: offsets, pixel grid, jitter, channels, tiling.

    Parameters
    ----------
    alignment_corrections : StagePositionCorrections
        What is done to positions.
    tiling_mode : TilingMode or TilingStrategy
        Where tiles go.
    tolerance : float
        Of a mode: how far positions may be from a grid [pixel].
    tiling_strategy : TilingStrategy, optional
        In place of both.

    Raises
    ------
    ArgumentError
        If it is not said where tiles go; a :class:`TypeError`.
    """
    tiling = tiling_strategy if tiling_mode is None else tiling_mode
    if tiling is None or (tiling_mode is not None and tiling_strategy is not None):
        raise ArgumentError("give either tiling_mode and tolerance, or tiling_strategy")
    strategy = as_strategy(tiling, tolerance)
    corrections = {"corrections": alignment_corrections}
    return [
        {"name": "offset_removal", "params": dict(corrections)},
        {"name": "align_to_pixel_grid", "params": {}},
        {"name": "xy_jitter_correction", "params": dict(corrections)},
        {"name": "reindex_channels", "params": dict(corrections)},
        {"name": "tile_regions", "params": {"tiling_strategy": strategy}},
    ]


def offset_removal(image: Image, corrections: StagePositionCorrections | None = None) -> Image:
    """Let positions begin at 0 along t, z, y and x, or keep them.

    Parameters
    ----------
    image : TiledImage
        The image.
    corrections : StagePositionCorrections, optional
        Of what offsets are removed; of the image if not given.
    """
    table = image.table()
    for axis, how in (corrections or StagePositionCorrections()).offsets().items():
        if axis in image.axes:
            table = register.remove_offset(table, axis, cast(register.Offset, how.lower()))
    return image.placed(table)


def remove_offsets(image: Image) -> Image:
    """Let positions along every axis begin at 0; channels too, whose metadata follow.

    Parameters
    ----------
    image : TiledImage
        The image.
    """
    image = offset_removal(image)
    table = image.table()
    first = int(np.rint(table.starts[:, 1].min()))
    last = len(image.channels) if image.channels is not None else 0
    starts = table.starts.copy()
    starts[:, 1] -= first
    return image.placed(table.at(starts), range(first, last))


def align_to_pixel_grid(image: Image, mode: Literal["round", "floor", "ceil"] = "round") -> Image:
    """Let every tile begin and end at whole pixels; what touched before touches afterwards.

    Parameters
    ----------
    image : TiledImage
        The image.
    mode : {"round", "floor", "ceil"}
        How ends become whole.
    """
    return image.placed(register.align_to_pixel_grid(image.table(), mode))


def xy_jitter_correction(image: Image, corrections: StagePositionCorrections) -> Image:
    """Move every tile of a field of view to the y and x of its first one, if that is asked for.

    Parameters
    ----------
    image : TiledImage
        The image.
    corrections : StagePositionCorrections
        Whether it is.
    """
    if not corrections.align_xy:
        return image
    return image.placed(register.remove_xy_jitter(image.table()))


def fov_alignment_corrections(
    image: Image, alignment_corrections: StagePositionCorrections
) -> Image:
    """Align the tiles of each field of view along those axes that are asked for.

    Parameters
    ----------
    image : TiledImage
        The image.
    alignment_corrections : StagePositionCorrections
        Which axes.
    """
    table = image.table()
    for axis in "zt":
        if axis in image.axes and getattr(alignment_corrections, f"align_{axis}"):
            table = register.remove_offset(table, axis, "per-fov")
    return xy_jitter_correction(image.placed(table), alignment_corrections)


def reindex_channels(image: Image, corrections: StagePositionCorrections | None = None) -> Image:
    """Leave out channels that no tile has, of positions and of metadata.

    Parameters
    ----------
    image : TiledImage
        The image.
    corrections : StagePositionCorrections, optional
        Whether they are left out; they are if not given.
    """
    if "c" not in image.axes or (corrections is not None and not corrections.reindex_channels):
        return image
    return image.placed(*register.reindex_channels(image.table()))


def tile_regions(
    image: Image,
    tiling_strategy: TilingStrategy | None = None,
    *,
    tiling_mode: TilingMode | str | None = None,
    tolerance: float = 0.0,
) -> Image:
    """Put the fields of view side by side.

    Parameters
    ----------
    image : TiledImage
        The image.
    tiling_strategy : TilingStrategy, optional
        Where tiles go.
    tiling_mode : TilingMode, optional
        The same by name.
    tolerance : float
        Of a mode: how far positions may be from a grid [pixel].

    Raises
    ------
    TilingError
        If they cannot be, or would lie on one another.
    """
    how = tiling_strategy if tiling_mode is None else tiling_mode
    strategy = as_strategy(TilingMode.AUTO if how is None else how, tolerance)
    table = image.table()
    reach = float(getattr(strategy, "tolerance", 0.0))
    placed = register.tile(table, _TILINGS[strategy.mode], reach)
    return image.placed(replace(table, starts=placed.starts))


# They only ask for the table, which is turned into models once, after the last of them.
_OWN: tuple[Callable[..., Any], ...] = (
    offset_removal,
    remove_offsets,
    align_to_pixel_grid,
    xy_jitter_correction,
    fov_alignment_corrections,
    reindex_channels,
    tile_regions,
)
for _step in _OWN:
    add_registration_func(_step)
