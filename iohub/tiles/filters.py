"""Which tiles are converted: the functions that decide, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from iohub.errors import TilingError
from iohub.tiles.collections import ImageInPlate
from iohub.tiles.filter_models import AttributeFilter, ChannelFilter, FilterModel
from iohub.tiles.registries import Registry
from iohub.tiles.tile import Tile


class FilterFunctionProtocol(Protocol):
    """Decides about one tile."""

    __name__: str

    def __call__(self, tile: Tile[Any, Any], filter_params: Any, /) -> bool:
        """Whether the tile is converted."""


_REGISTRY: Registry[Callable[..., bool]] = Registry("filter", "add_filter")


def add_filter(
    *, function: FilterFunctionProtocol, name: str | None = None, overwrite: bool = False
) -> None:
    """Register a filter.

    Parameters
    ----------
    function : callable
        Called with a tile and its :class:`FilterModel`; returns whether the tile is converted.
    name : str, optional
        Its name, which the model has as ``name``; that of the function if not given.
    overwrite : bool
        Whether it may take the place of another.

    Raises
    ------
    RegistryError
        If the name is taken; a :class:`ValueError`.
    """
    _REGISTRY.add(function, name, overwrite)


def apply_filter_pipeline(
    tiles: list[Tile[Any, Any]], *, filters_config: Sequence[FilterModel]
) -> list[Tile[Any, Any]]:
    """Return the tiles that every filter keeps, in their order.

    Parameters
    ----------
    tiles : list of Tile
        The tiles.
    filters_config : sequence of FilterModel
        The filters, in the order in which they are asked.

    Raises
    ------
    RegistryError
        If there is no filter of a name; a :class:`ValueError`.
    TilingError
        If a filter of plates meets a tile that is in none; a :class:`ValueError`.
    """
    for params in filters_config:
        keeps = _REGISTRY.get(params.name)
        tiles = [tile for tile in tiles if keeps(tile, params)]
    return tiles


def _in_plate(tile: Tile[Any, Any], params: FilterModel) -> ImageInPlate:
    if not isinstance(tile.collection, ImageInPlate):
        raise TilingError(
            f"{params.name!r} needs images in a plate, but {tile.describe()} goes to a "
            f"{type(tile.collection).__name__}; leave out the filter"
        )
    return tile.collection


def _well(name: str) -> str:
    """Return the name of a well without separators and leading zeros of the column."""
    match = re.fullmatch(r"\s*(.*?)\s*/?\s*0*(\d+)\s*", name)
    return f"{match[1]}{match[2]}" if match else name


def _is_in(tile: Tile[Any, Any], wells: list[str], params: FilterModel) -> bool:
    return _well(_in_plate(tile, params).well) in {_well(name) for name in wells}


def _path_matches(tile: Tile[Any, Any], params: Any) -> bool:
    return re.search(params.regex, tile.collection.path()) is not None


def _is_included(found: bool, params: Any) -> bool:
    return found is (params.mode == "Include")


def _attributes_match(tile: Tile[Any, Any], params: AttributeFilter) -> bool:
    values = tile.attributes.get(params.key) or [None]
    return any(wanted.holds(value) for value in values for wanted in params.values)


def _channels_match(tile: Tile[Any, Any], params: ChannelFilter) -> bool:
    channels = tile.acquisition_details.channels
    if channels is None:
        raise TilingError(
            f"{params.name!r} needs names of channels, but acquisition_details.channels of "
            f"{tile.describe()} is None"
        )
    own = channels[tile.start_c : tile.start_c + tile.length_c]
    return any(channel.channel_label in params.channel_labels for channel in own)


def _is_within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


_IMPLEMENTED: dict[str, Callable[[Any, Any], bool]] = {
    "Path Regex Filter": lambda t, p: _is_included(_path_matches(t, p), p),
    "Path Regex Include Filter": _path_matches,
    "Path Regex Exclude Filter": lambda t, p: not _path_matches(t, p),
    "Well Filter": lambda t, p: _is_included(_is_in(t, p.wells, p), p),
    "Well Include Filter": lambda t, p: _is_in(t, p.wells_to_include, p),
    "Well Exclude Filter": lambda t, p: not _is_in(t, p.wells_to_remove, p),
    "FOV Name Filter": lambda t, p: _is_included(re.search(p.regex, t.fov_name) is not None, p),
    "Acquisition Filter": lambda t, p: _is_included(
        _in_plate(t, p).acquisition in p.acquisitions, p
    ),
    "Attribute Filter": lambda t, p: _is_included(_attributes_match(t, p), p),
    "Channel Filter": lambda t, p: _is_included(_channels_match(t, p), p),
    "Z Range Filter": lambda t, p: _is_within(t.start_z, p.min_z, p.max_z),
    "Time Range Filter": lambda t, p: _is_within(t.start_t, p.min_t, p.max_t),
}
for _name, _function in _IMPLEMENTED.items():
    _REGISTRY.add(_function, _name)
