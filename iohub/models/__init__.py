"""Groups without data, per OME-Zarr version, and the structure that they must have."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iohub.models.mending.repair import Repair, repair
    from iohub.models.validator.report import Finding, Report
    from iohub.models.validator.validate import validate

__all__ = ["Finding", "Repair", "Report", "repair", "validate"]

# Where each name is; the versions are submodules.
_HOMES = {
    "Finding": "iohub.models.validator.report",
    "Repair": "iohub.models.mending.repair",
    "Report": "iohub.models.validator.report",
    "repair": "iohub.models.mending.repair",
    "validate": "iohub.models.validator.validate",
}


def __getattr__(name: str) -> object:
    """Import what a public name stands for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, for completion."""
    return sorted(__all__)
