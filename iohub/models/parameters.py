"""Where the parameters of transformations are stored: matrices and fields that metadata name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from iohub.errors import NotFoundError
from iohub.metadata.names import path_problem
from iohub.metadata.transform_types import Transform
from iohub.models.groups import Node, find
from iohub.models.loading import Named
from iohub.storage.group import ZarrGroup
from iohub.storage.hierarchy import kinds
from iohub.storage.keys import join
from iohub.transforms.parameters import parameter_paths


def parameters_of(transforms: Iterable[Transform], group: ZarrGroup) -> Named:
    """Return the arrays and groups that hold parameters.

    Parameters
    ----------
    transforms : iterable of Transform
        Of a group.
    group : ZarrGroup
        That group. Where a field may be an array or an image, it is looked at.
    """
    paths = [path for path in parameter_paths(transforms) if not path_problem(path)]
    if not paths:
        return Named()
    found = kinds(group.store, [join(group.path, path) for path in paths])
    arrays, groups = [], []
    for path, kind in zip(paths, found, strict=True):
        if kind is not None and kind.what == "group":
            groups.append(path)
        else:
            arrays.append(path)
    levels = []
    for path, attrs in zip(groups, group.load_many(groups), strict=True):
        if isinstance(attrs, dict):
            levels += [join(path, level) for level in _levels(attrs)]
    return Named(arrays=(*arrays, *levels), groups=dict.fromkeys(groups))


def require_parameters(
    transforms: Iterable[Transform], members: Mapping[str, Node], holder: str
) -> None:
    """Refuse transformations whose parameters are not there.

    Parameters
    ----------
    transforms : iterable of Transform
        Of a group.
    members : mapping of str to GroupSpec or ArraySpec
        Of that group.
    holder : str
        What it is, for messages.

    Raises
    ------
    NotFoundError
        If one says a path where there is nothing.
    """
    absent = [path for path in parameter_paths(transforms) if find(members, path) is None]
    if absent:
        raise NotFoundError(
            f"transformations of {holder} have their parameters at {', '.join(map(repr, absent))}, "
            "where there is nothing: give the arrays as 'parameters'"
        )


def _levels(attrs: dict[str, object]) -> list[str]:
    """Return the levels of a field, whose axes are not those of an image."""
    ome = attrs.get("ome")
    images = ome.get("multiscales") if isinstance(ome, dict) else None
    first = images[0] if isinstance(images, list) and images else None
    levels = first.get("datasets") if isinstance(first, dict) else None
    paths = (
        [level.get("path") for level in (levels or ()) if isinstance(level, dict)]
        if isinstance(levels, list)
        else []
    )
    return [path for path in paths if isinstance(path, str) and not path_problem(path)]
