"""Frames as they come from a camera, written where they belong: fast, crash-safe, nothing lost.

The names of the public ``ome_writers`` package work here with the import line changed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iohub import __version__ as __version__
    from iohub.stream.backends import ArrayBackend
    from iohub.stream.dimensions import Channel, Dimension, PositionDimension
    from iohub.stream.events import CoordUpdate
    from iohub.stream.formats import OmeTiffFormat, OmeZarrFormat, ScratchFormat
    from iohub.stream.opening import create_stream
    from iohub.stream.options import StreamOptions
    from iohub.stream.own_backend import stream_through
    from iohub.stream.plan import StreamPlan, plan_stream
    from iohub.stream.plates import Plate, Position
    from iohub.stream.recover import recover_stream
    from iohub.stream.route import FrameRouter
    from iohub.stream.settings import AcquisitionSettings
    from iohub.stream.standard_axes import StandardAxis, dims_from_standard_axes
    from iohub.stream.stream import OMEStream
    from iohub.stream.useq import dims_from_useq, useq_indexer, useq_to_acquisition_settings
    from iohub.stream.view import StreamView

__all__ = [
    "AcquisitionSettings",
    "ArrayBackend",
    "Channel",
    "CoordUpdate",
    "Dimension",
    "FrameRouter",
    "OMEStream",
    "OmeTiffFormat",
    "OmeZarrFormat",
    "Plate",
    "Position",
    "PositionDimension",
    "ScratchFormat",
    "StandardAxis",
    "StreamOptions",
    "StreamPlan",
    "StreamView",
    "__version__",
    "create_stream",
    "dims_from_standard_axes",
    "dims_from_useq",
    "plan_stream",
    "recover_stream",
    "stream_through",
    "useq_indexer",
    "useq_to_acquisition_settings",
]

_HOMES = {
    "AcquisitionSettings": "settings",
    "ArrayBackend": "backends",
    "Channel": "dimensions",
    "CoordUpdate": "events",
    "Dimension": "dimensions",
    "FrameRouter": "route",
    "OMEStream": "stream",
    "OmeTiffFormat": "formats",
    "OmeZarrFormat": "formats",
    "Plate": "plates",
    "Position": "plates",
    "PositionDimension": "dimensions",
    "ScratchFormat": "formats",
    "StandardAxis": "standard_axes",
    "StreamOptions": "options",
    "StreamPlan": "plan",
    "StreamView": "view",
    "create_stream": "opening",
    "dims_from_standard_axes": "standard_axes",
    "dims_from_useq": "useq",
    "plan_stream": "plan",
    "recover_stream": "recover",
    "stream_through": "own_backend",
    "useq_indexer": "useq",
    "useq_to_acquisition_settings": "useq",
}


def __getattr__(name: str) -> object:
    """Import what a public name stands for (PEP 562)."""
    if name == "__version__":
        return importlib.import_module("iohub").__version__
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, for completion."""
    return sorted(__all__)
