"""Object-oriented navigation of microscopy images; names are resolved when they are first used.

``iohub.open_ome_zarr(path)`` returns a node (plate, row, well, position, image array), of OME-Zarr
and of what microscopes write; ``iohub.read_images(path)`` its positions. Importing this package
loads none of the packages that read pixels.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iohub import ngff
    from iohub._open import open_ome_zarr
    from iohub._read import read_images
    from iohub.storage.settings import get_options, set_options

__version__ = "0.1.0.dev0"

__all__ = ["__version__", "get_options", "ngff", "open_ome_zarr", "read_images", "set_options"]

# Where each name is; a name whose home is itself is a submodule.
_HOMES = {
    "get_options": "iohub.storage.settings",
    "ngff": "iohub.ngff",
    "open_ome_zarr": "iohub._open",
    "read_images": "iohub._read",
    "set_options": "iohub.storage.settings",
}


def __getattr__(name: str) -> object:
    """Import what a public name stands for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_HOMES[name])
    value = module if module.__name__ == f"{__name__}.{name}" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, for completion."""
    return sorted(__all__)
