"""Which library reads and writes an array's pixels: a table of names, and the choice among them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from iohub.errors import EngineError
from iohub.storage import forks
from iohub.storage.ozx import ArchiveBytes
from iohub.storage.ozx_draft_units import UnitsDraft
from iohub.storage.virtual import VirtualBytes

if TYPE_CHECKING:
    from iohub.storage.protocol import ByteStore, Engine
    from iohub.storage.spec import ArraySpec

# Module and attribute; imported when first needed. In order of preference.
_TABLE: dict[str, tuple[str, str]] = {
    "tensorstore": ("iohub.storage.tensorstore_engine", "ENGINE"),
    "zarr-python": ("iohub.storage.zarr_engine", "ZARR_PYTHON"),
    "zarrs": ("iohub.storage.zarr_engine", "ZARRS"),
}
_DEFAULTS = ("tensorstore", "zarr-python")
_ARCHIVE = ("iohub.storage.archive_pixels", "ENGINE")
_DRAFT = ("iohub.storage.draft_pixels", "ENGINE")
# Files of other formats are read by their own decoder, unless an engine is asked for by name.
_FILE = ("iohub.storage.virtual_pixels", "ENGINE")
_registered: dict[str, Engine] = {}


def engine_names() -> list[str]:
    """Names that an engine can be chosen by."""
    return [*_TABLE, *(name for name in _registered if name not in _TABLE)]


def register_engine(engine: Engine) -> None:
    """Make an engine of one's own available by its name.

    Parameters
    ----------
    engine : Engine
        See :class:`iohub.storage.protocol.Engine`.

    Raises
    ------
    EngineError
        If the name is taken by another engine.
    """
    known = _registered.get(engine.name)
    if engine.name in _TABLE or (known is not None and known is not engine):
        raise EngineError(f"there is an engine named {engine.name!r} already")
    _registered[engine.name] = engine


def engine_named(name: str) -> Engine:
    """Return an engine.

    Parameters
    ----------
    name : str
        One of :func:`engine_names`.

    Raises
    ------
    EngineError
        If there is none of that name.
    """
    if name in _registered:
        return _registered[name]
    if name not in _TABLE:
        raise EngineError(f"no engine {name!r}; there are {', '.join(engine_names())}")
    return _load(_TABLE[name])


def _load(place: tuple[str, str]) -> Engine:
    module, attribute = place
    found: Engine = getattr(importlib.import_module(module), attribute)
    return found


def choose(name: str | None, store: ByteStore, spec: ArraySpec) -> Engine:
    """Return the engine for an array.

    In a forked child, an engine whose threads were lost in the fork is replaced by zarr-python.

    Parameters
    ----------
    name : str, optional
        The engine wanted; None takes the first that can open the array: ``"tensorstore"``, then
        ``"zarr-python"``.
    store : ByteStore
        Where the array is.
    spec : ArraySpec
        What it is.

    Raises
    ------
    EngineError
        If there is no such engine, or it (or, for None, each) cannot open the array.
    """
    if name is None and isinstance(store, VirtualBytes):
        return _load(_FILE)
    if name is None and isinstance(store, ArchiveBytes):
        archive = _load(_ARCHIVE)
        if archive.refuses(store, spec) is None:
            return archive
    if name is None and isinstance(store, UnitsDraft):
        draft = _load(_DRAFT)
        if draft.refuses(store, spec) is None:
            return draft
    return for_files(store, spec, name)


def for_files(store: ByteStore, spec: ArraySpec, name: str | None = None) -> Engine:
    """Return the engine for an array whose chunks are values of a store; see :func:`choose`."""
    reasons = []
    for candidate in _DEFAULTS if name is None else (name,):
        usable = "zarr-python" if forks.lost(candidate) else candidate
        engine = engine_named(usable)
        reason = engine.refuses(store, spec)
        if reason is None:
            return engine
        reasons.append(f"{candidate}: {reason}")
    raise EngineError(f"no engine opens this array of {store.url}: {'; '.join(reasons)}")
