"""What can be said of a conversion, checked; nothing is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Final, Literal, TypeAlias, get_args

from iohub.convert.sizes import read_bytes, read_span
from iohub.errors import ArgumentError, LayoutError
from iohub.metadata import versions
from iohub.nodes import arguments
from iohub.pyramids.plan import DOWNSCALE, Downscale, check_method
from iohub.storage.codecs import Blosc, Gzip, Zstd
from iohub.types import PyramidMethod

DEFAULT_MEMORY: Final = 512 * 2**20
"""What a conversion may use for pixels unless told otherwise [bytes]."""

SAME: Final = "same"
"""Compression that is the source's, if that is Zarr; else the usual one."""

_CODECS: Final[dict[str, tuple[Callable[..., Blosc | Zstd | Gzip], str]]] = {
    "blosc": (Blosc, "clevel"),
    "zstd": (Zstd, "level"),
    "gzip": (Gzip, "level"),
}

Layout: TypeAlias = Literal["auto", "fov", "hcs", "series"]
Wells: TypeAlias = "str | os.PathLike[str] | Mapping[str, str]"

_INTENTS = ("plane", "volume")


@dataclass(frozen=True)
class Options:
    """Options of a conversion; :meth:`iohub.ngff.nodes.NGFFNode.export` explains them."""

    version: str | None = None
    layout: Layout = "auto"
    positions: tuple[str, ...] | None = None
    channels: tuple[str | int, ...] | None = None
    t: slice | None = None
    z: slice | None = None
    chunks: str | tuple[int, ...] | None = None
    shard_size: int | None = None
    compression: object = SAME
    levels: int | None = None
    method: PyramidMethod = "mean"
    downscale: Downscale = DOWNSCALE
    wells: Wells | None = None
    max_memory: int | None = None
    workers: int | None = None
    overwrite: bool = False
    restart: bool = False

    @property
    def memory(self) -> int:
        """What may be used for pixels [bytes]."""
        return DEFAULT_MEMORY if self.max_memory is None else self.max_memory


def read_options(given: Mapping[str, Any]) -> tuple[Options, dict[str, Any]]:
    """Return checked options, and what is left for the target format.

    Parameters
    ----------
    given : mapping
        By keyword; ``grid_layout=True`` is ``wells="stage"``.

    Raises
    ------
    IohubError
        If a value is not what the option holds.
    """
    known = {each.name for each in fields(Options)}
    mine = {name: value for name, value in given.items() if name in known}
    rest = {name: value for name, value in given.items() if name not in known}
    if arguments.flag(rest.pop("grid_layout", False), "grid_layout"):
        if mine.get("wells") is not None:
            raise ArgumentError("grid_layout and wells both say where positions go; give one")
        mine["wells"] = "stage"
    for name in ("t", "z"):
        mine[name] = read_span(mine.get(name), name)
    for name in ("shard_size", "max_memory"):
        if mine.get(name) is not None:
            mine[name] = read_bytes(mine[name], name)
    for name in ("positions", "channels"):
        mine[name] = _listed(mine.get(name), name)
    options = Options(**mine)
    _check(options)
    return options, rest


def split_level(text: str) -> tuple[str, int | None]:
    """Return the name and the level in a text such as ``"zstd:5"``, None without a level.

    Raises
    ------
    ArgumentError
        If the level is no number.
    """
    name, colon, level = text.strip().lower().partition(":")
    if colon and not level.isdecimal():
        raise ArgumentError(f"compression={text!r}: the level is a number, as in 'zstd:5'")
    return name, int(level) if colon else None


def codec(compression: object) -> object:
    """Return the codec of Zarr that a name stands for; what is no name stays as it is.

    Parameters
    ----------
    compression : str or other
        ``"blosc"``, ``"zstd"`` or ``"gzip"``, perhaps with a level, or ``"none"``.

    Raises
    ------
    ArgumentError
        If there is no codec of that name, or it has no such level.
    """
    if not isinstance(compression, str) or compression == SAME:
        return compression
    name, level = split_level(compression)
    if name == "none" and level is None:
        return None
    if name not in _CODECS:
        known = ", ".join(map(repr, (*_CODECS, "none")))
        raise ArgumentError(f"compression={compression!r}; Zarr has {known}, perhaps with ':level'")
    made, level_name = _CODECS[name]
    return made() if level is None else made(**{level_name: level})


def refuse_unknown(rest: Mapping[str, Any], target: str, known: Sequence[str] = ()) -> None:
    """Refuse options that a target format does not have; the nearest names are said."""
    names = [*(each.name for each in fields(Options)), "grid_layout", *known]
    for name in rest:
        if name not in known:
            near = get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"
            raise ArgumentError(f"export to {target} has no option {name!r}{hint}")


def _listed(value: Any, what: str) -> tuple[Any, ...] | None:
    if value is None:
        return None
    if isinstance(value, str | int):
        value = [value]
    if not isinstance(value, Sequence) or not value:
        raise ArgumentError(f"{what} is a list of names, not {value!r}")
    allowed = (str, int) if what == "channels" else (str,)
    for each in value:
        if not isinstance(each, allowed) or isinstance(each, bool):
            raise ArgumentError(f"{what} is a list of names; {each!r} is none")
    return tuple(value)


def _check(options: Options) -> None:
    if options.version is not None:
        versions.spelling(str(options.version))
    if arguments.text(options.layout, "layout") not in get_args(Layout):
        known = ", ".join(map(repr, get_args(Layout)))
        raise LayoutError(f"layout={options.layout!r}; there are {known}")
    check_method(options.method)
    usual = isinstance(options.downscale, tuple | list) and tuple(options.downscale) == DOWNSCALE
    if options.levels is None and not (usual and options.method == "mean"):
        raise ArgumentError(
            "method= and downscale= say how a pyramid is made, but the levels of the source are "
            "copied: say also how many, such as levels=4"
        )
    for name in ("levels", "workers"):
        if getattr(options, name) is not None:
            arguments.whole(getattr(options, name), name, 1)
    for name in ("overwrite", "restart"):
        arguments.flag(getattr(options, name), name)
    if options.wells is not None:
        arguments.one_of(options.wells, (str, os.PathLike, Mapping), "wells")
    chunks = options.chunks
    known_text = chunks in _INTENTS if isinstance(chunks, str) else isinstance(chunks, Sequence)
    if chunks is not None and not known_text:
        says = "chunks is 'plane', 'volume' or a size per axis"
        raise ArgumentError(f"{says}, not {arguments.shown(chunks)}")
