"""Development shapes of OME-Zarr 0.6, brought into the shape that was released.

Source: OME-Zarr specification, changes between 0.6.dev1 and 0.6rc0. What cannot be told apart is
left as it is, for the checks to find.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from iohub.types import JsonMapping, JsonObject

DRAFTS = ("0.6.dev1", "0.6.dev2", "0.6.dev3", "0.6.dev4")
"""Versions whose shape is another than the released one."""

STRING_ENDS = "'input' and 'output' are names instead of objects"
SNAKE_AXES = "'input_axes' and 'output_axes' instead of 'inputAxes' and 'outputAxes'"
FLAT_ITEMS = "parts of 'byDimension' have no 'transformation' of their own"
NAMED_AXES = "parts of 'byDimension' name axes instead of numbering them"
ARRAY_SYSTEM = "'arrayCoordinateSystem' describes the array"

_Systems = Mapping[str, list[str]]


class DraftOme(dict[str, Any]):
    """Metadata in the released shape, and what had to be changed.

    Attributes
    ----------
    shapes : tuple of str
        Each change, in words.
    """

    shapes: tuple[str, ...] = ()


def modernise(ome: JsonMapping) -> DraftOme:
    """Return metadata of a development version in the released shape.

    Parameters
    ----------
    ome : mapping
        What the key ``ome`` holds; it is not changed.
    """
    shapes: list[str] = []
    made = DraftOme(ome)
    images = ome.get("multiscales")
    if isinstance(images, list):
        made["multiscales"] = [_image(image, shapes) for image in images]
    if isinstance(ome.get("scene"), Mapping):
        made["scene"] = _scene(ome["scene"], shapes)
    made.shapes = tuple(dict.fromkeys(shapes))
    return made


def _image(image: Any, shapes: list[str]) -> Any:
    if not isinstance(image, Mapping):
        return image
    made = dict(image)
    if made.pop("arrayCoordinateSystem", None) is not None:
        shapes.append(ARRAY_SYSTEM)
    systems = _axis_names(made.get("coordinateSystems"))
    if isinstance(made.get("datasets"), list):
        made["datasets"] = [_level(level, systems, shapes) for level in made["datasets"]]
    return _with_transforms(made, lambda name: {"name": name}, systems, shapes)


def _level(level: Any, systems: _Systems, shapes: list[str]) -> Any:
    if not isinstance(level, Mapping):
        return level
    path = level.get("path")

    def end(name: str) -> JsonObject:
        if isinstance(path, str) and name.strip("/") == path.strip("/"):
            return {"path": path}
        return {"name": name}

    return _with_transforms(dict(level), end, systems, shapes)


def _scene(scene: JsonMapping, shapes: list[str]) -> JsonObject:
    systems = _axis_names(scene.get("coordinateSystems"))

    def end(name: str) -> JsonObject:
        path, _, last = name.strip("/").rpartition("/")
        return {"name": name} if name in systems or not path else {"path": path, "name": last}

    return _with_transforms(dict(scene), end, systems, shapes)


def _with_transforms(
    holder: JsonObject, end: Callable[[str], JsonObject], systems: _Systems, shapes: list[str]
) -> JsonObject:
    transforms = holder.get("coordinateTransformations")
    if isinstance(transforms, list):
        holder["coordinateTransformations"] = [
            _transform(transform, end, systems, shapes) for transform in transforms
        ]
    return holder


def _transform(
    transform: Any, end: Callable[[str], JsonObject], systems: _Systems, shapes: list[str]
) -> Any:
    if not isinstance(transform, Mapping):
        return transform
    made = dict(transform)
    for name in ("input", "output"):
        if isinstance(made.get(name), str):
            made[name] = end(made[name])
            shapes.append(STRING_ENDS)
    parts = made.get("transformations")
    if isinstance(parts, list):
        if made.get("type") == "byDimension":
            known = [_axes_at(made.get(name), systems) for name in ("input", "output")]
            parts = [_item(part, known, shapes) for part in parts]
        made["transformations"] = [
            _item_inside(part, end, systems, shapes)
            if made.get("type") == "byDimension"
            else _transform(part, end, systems, shapes)
            for part in parts
        ]
    for name in ("forward", "inverse"):
        if name in made:
            made[name] = _transform(made[name], end, systems, shapes)
    return made


def _item_inside(
    item: Any, end: Callable[[str], JsonObject], systems: _Systems, shapes: list[str]
) -> Any:
    if not isinstance(item, Mapping):
        return item
    made = dict(item)
    if "transformation" in made:
        made["transformation"] = _transform(made["transformation"], end, systems, shapes)
    return made


def _item(item: Any, known: list[list[str]], shapes: list[str]) -> Any:
    """Nest a flat part of ``byDimension``, and number its axes."""
    if not isinstance(item, Mapping):
        return item
    made = dict(item)
    for snake, camel in (("input_axes", "inputAxes"), ("output_axes", "outputAxes")):
        if snake in made and camel not in made:
            made[camel] = made.pop(snake)
            shapes.append(SNAKE_AXES)
    axes = {name: made.pop(name) for name in ("inputAxes", "outputAxes") if name in made}
    for (name, value), names in zip(axes.items(), known, strict=False):
        if isinstance(value, list) and value and all(each in names for each in value):
            axes[name] = [names.index(each) for each in value]
            shapes.append(NAMED_AXES)
    if "transformation" not in made and "type" in made:
        made = {"transformation": made}
        shapes.append(FLAT_ITEMS)
    return {**made, **axes}


def _axis_names(systems: Any) -> _Systems:
    if not isinstance(systems, list):
        return {}
    return {
        system["name"]: [
            str(axis.get("name")) for axis in system["axes"] if isinstance(axis, Mapping)
        ]
        for system in systems
        if isinstance(system, Mapping)
        and isinstance(system.get("name"), str)
        and isinstance(system.get("axes"), list)
    }


def _axes_at(end: Any, systems: _Systems) -> list[str]:
    name = end.get("name") if isinstance(end, Mapping) else None
    return systems.get(name, []) if isinstance(name, str) else []
