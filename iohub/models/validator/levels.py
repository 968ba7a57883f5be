"""The levels of an image, and whether its arrays fit its metadata and each other.

Source: OME-Zarr specification, section "multiscales" of 0.4, 0.5 and 0.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor, isclose

from iohub.models.validator.collector import Collector, Weight
from iohub.models.validator.loading import Node
from iohub.models.validator.members import Image, Level
from iohub.storage.keys import join
from iohub.storage.protocol import ByteStore
from iohub.storage.spec import ArraySpec

Found = Sequence[tuple[Level, Node]]


def check_levels(group: Node, image: Image, found: Found, out: Collector) -> None:
    """Check the arrays of one image.

    Parameters
    ----------
    group : Node
        The image's group.
    image : Image
        What its metadata say.
    found : sequence of (Level, Node)
        Its levels, and what lies at their paths.
    out : Collector
        Gets what is wrong.
    """
    present: list[tuple[Level, Node, ArraySpec]] = []
    for level, node in found:
        if node.spec is not None:
            present.append((level, node, node.spec))
            check_array(node, node.spec, out)
        elif node.what == "broken":
            out.document(node)
        else:
            text = f"there is no array {level.path!r}"
            code = "level-missing"
            if node.what == "foreign":
                text += f": what is there {node.problems[0].what}"
                code = "level-kind"
            out.member(group, code, text, *level.where, "path")
    for _, node, spec in present:
        _check_axes(image, node, spec, out)
    _check_dtypes(group, image, [(level, spec) for level, _, spec in present], out)
    _check_shapes(group, [(level, spec) for level, _, spec in present], out)
    if present:
        _check_channels(group, image, present[0][2], out)


def check_array(node: Node, spec: ArraySpec, out: Collector) -> None:
    """Check what the document of an array says, whatever the array is for.

    Parameters
    ----------
    node : Node
        The array.
    spec : ArraySpec
        Its document.
    out : Collector
        Gets what is wrong.
    """
    if spec.zarr_format == 2 and spec.separator != "/" and spec.ndim > 1:
        text = f"the chunks are named like 0{spec.separator}0 instead of 0/0"
        out.array(node, "separator", text, "/dimension_separator", "should")


def check_keys(node: Node, key: str, store: ByteStore, out: Collector) -> None:
    """Check that the chunks have the names that the document of their array says.

    One name is asked for, that of the first chunk with the other separator.

    Parameters
    ----------
    node : Node
        The array.
    key : str
        Where it lies in the store.
    store : ByteStore
        The bytes.
    out : Collector
        Gets what is wrong.
    """
    spec = node.spec
    if spec is None or not spec.ndim or not hasattr(store, "exists"):
        return
    other = other_key(spec)
    own = spec.unit_key((0,) * spec.ndim)
    if other != own and store.exists(join(key, other)) and not store.exists(join(key, own)):
        text = (
            f"chunks lie at keys such as {other!r}, while the document says {own!r}: "
            "they are read as empty"
        )
        v3 = spec.zarr_format == 3
        out.array(
            node,
            "separator-disagrees",
            text,
            "/chunk_key_encoding/configuration/separator" if v3 else "/dimension_separator",
        )


def other_key(spec: ArraySpec) -> str:
    """Return the key of the first chunk as it is with the other separator.

    Parameters
    ----------
    spec : ArraySpec
        The document of the array.
    """
    separator = "." if spec.separator == "/" else "/"
    parts = [spec.key_prefix] if spec.key_prefix else []
    return separator.join([*parts, *["0"] * spec.ndim])


def _check_axes(image: Image, node: Node, spec: ArraySpec, out: Collector) -> None:
    if image.axes is None:
        return
    if len(image.axes) != spec.ndim:
        text = f"has {spec.ndim} dimensions, and the image {len(image.axes)} axes"
        out.array(node, "level-ndim", text, "/shape")
        return
    names, v3 = spec.dimension_names, node.zarr_format == 3
    if names is None:
        if v3 and not image.systems:
            text = f"dimension_names must be {list(image.axes)}, and are not there"
            out.array(node, "dimension-names", text, "/dimension_names")
    elif names != image.axes and len(names) == spec.ndim:
        member = "dimension_names" if v3 else "_ARRAY_DIMENSIONS"
        text = f"{member} must be {list(image.axes)}, found {list(names)}"
        weight: Weight = "must" if v3 and not image.systems else "should"
        out.array(node, "dimension-names", text, "/dimension_names" if v3 else "", weight)


def _check_dtypes(
    group: Node, image: Image, levels: list[tuple[Level, ArraySpec]], out: Collector
) -> None:
    for level, spec in levels[1:]:
        first = levels[0][1].dtype
        if spec.dtype != first:
            text = f"{level.path!r} has the type {spec.dtype}, and {levels[0][0].path!r} {first}"
            weight: Weight = "must" if image.systems else "should"
            out.member(group, "level-dtype", text, *level.where, weight=weight)


def _check_shapes(group: Node, levels: list[tuple[Level, ArraySpec]], out: Collector) -> None:
    for (before, larger), (level, spec) in pairwise(levels):
        if spec.ndim == larger.ndim and any(
            a > b for a, b in zip(spec.shape, larger.shape, strict=True)
        ):
            text = f"{level.path!r} is {spec.shape}, larger than {before.path!r}, {larger.shape}"
            out.member(group, "level-order", text, *level.where)
    if not levels:
        return
    first, top = levels[0]
    for level, spec in levels[1:]:
        if first.scale is None or level.scale is None or spec.ndim != top.ndim:
            continue
        if not len(first.scale) == len(level.scale) == spec.ndim:
            continue
        for axis, (size, now) in enumerate(zip(top.shape, spec.shape, strict=True)):
            factor = level.scale[axis] / first.scale[axis]
            if not _fits(size, now, factor):
                text = (
                    f"{level.path!r} has {now} of {size} pixels along dimension {axis}, "
                    f"while its pixels are {factor:g} times as large"
                )
                out.member(
                    group,
                    "level-scale",
                    text,
                    *level.where,
                    "coordinateTransformations",
                    weight="should",
                )


def _fits(size: int, now: int, factor: float) -> bool:
    """Whether a size is that of a level, rounded up or down at each of the levels before it."""
    whole = round(factor)
    if whole >= 1 and isclose(factor, whole, rel_tol=1e-3):
        return max(1, size // whole) <= now <= -(-size // whole)
    exact = size / factor
    return floor(exact * (1 - 1e-3)) - 1 <= now <= ceil(exact * (1 + 1e-3)) + 1


def _check_channels(group: Node, image: Image, spec: ArraySpec, out: Collector) -> None:
    omero = group.meta.ome.get("omero")
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(channels, list) or image.types.count("channel") != 1:
        return
    if len(image.types) != spec.ndim:
        return
    count = spec.shape[image.types.index("channel")]
    if len(channels) != count:
        text = f"describes {len(channels)} channels, and the image has {count}"
        out.member(group, "channel-count", text, "omero", "channels", weight="should")
