"""The one gate for optional packages: imported when needed, with an error that says which extra."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from iohub.errors import MissingDependencyError


def have(name: str) -> bool:
    """Whether a package can be imported, without importing it.

    Parameters
    ----------
    name : str
        Import name of the package.
    """
    return importlib.util.find_spec(name) is not None


def need(name: str, *, extra: str = "", why: str = "") -> ModuleType:
    """Import a package, or say how to install it.

    Parameters
    ----------
    name : str
        Import name of the module.
    extra : str
        The extra of iohub that brings it.
    why : str
        What it is needed for.

    Raises
    ------
    MissingDependencyError
        If the package is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != name.partition(".")[0]:
            raise
        target = f'"iohub[{extra}]"' if extra else name
        reason = f" for {why}" if why else ""
        raise MissingDependencyError(
            f"{name!r} is needed{reason} and is not installed: pip install {target}",
            name=name,
        ) from error
