"""What the metadata of an image of tiles say: axes, levels, channels, contrast limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import ChannelError
from iohub.metadata import edits_image
from iohub.metadata.axes import AxisMeta, ChannelAxisMeta, SpaceAxisMeta, TimeAxisMeta
from iohub.metadata.transforms import scale_translation
from iohub.nodes.pyramid import details, with_levels
from iohub.tiles.windows import Sample, window

if TYPE_CHECKING:
    from iohub.metadata.image import ImageMeta
    from iohub.tiles.assemble import AssemblyPlan


@dataclass(frozen=True)
class Channel:
    """A channel of a new image.

    Attributes
    ----------
    label : str
        Its name.
    color : str or None
        Six hexadecimal digits.
    members : mapping
        More for its metadata, such as ``wavelength_id``.
    """

    label: str
    color: str | None = None
    members: Mapping[str, Any] = field(default_factory=dict)


def image_document(
    plan: AssemblyPlan, channels: Sequence[Channel] | None, sample: Sample, name: str
) -> ImageMeta:
    """Return the document of the image.

    Parameters
    ----------
    plan : AssemblyPlan
        The image.
    channels : sequence of Channel or None
        One for each channel; named by numbers if None.
    sample : Sample
        Pixels for the contrast limits.
    name : str
        Of the image.
    """
    axes = [axis_of(name) for name in plan.axes]
    first = plan.level_plans[0]
    moved = any(first.translation)
    document = edits_image.add_dataset(
        None,
        plan.level_names[0],
        scale_translation(first.scale, first.translation if moved else None),
        axes,
        channel_names=[channel.label for channel in _channels(plan, channels)],
        dtype=plan.dtype,
        name=name,
        shape=plan.shape,
    )
    document = with_levels(document, plan.level_names, plan.level_plans, [plan.shape])
    if plan.levels > 1:
        said = details(plan.method, plan.level_plans)
        document = edits_image.set_method(document, plan.method, said)
    dtype = np.dtype(plan.dtype)
    for number, (channel, limits) in enumerate(
        zip(_channels(plan, channels), sample.limits(), strict=True)
    ):
        if limits is not None:
            document = edits_image.set_window(document, number, window(limits, dtype))
        if channel.color:
            document = edits_image.set_color(document, number, channel.color)
        if channel.members:
            document = _with_members(document, number, channel.members)
    return document


def _with_members(document: ImageMeta, number: int, members: Mapping[str, Any]) -> ImageMeta:
    omero = document.omero
    if omero is None or omero.channels is None:
        return document
    listed = list(omero.channels)
    listed[number] = listed[number].replace(**members)
    return document.replace(omero=omero.replace(channels=tuple(listed)))


def axis_of(name: str) -> AxisMeta:
    """Return the metadata of an axis, one of t, c, z, y, x [second, micrometer]."""
    if name == "t":
        return TimeAxisMeta()
    return ChannelAxisMeta() if name == "c" else SpaceAxisMeta(name=name)


def _count(plan: AssemblyPlan) -> int:
    return plan.shape[plan.axes.index("c")] if "c" in plan.axes else 1


def _channels(plan: AssemblyPlan, channels: Sequence[Channel] | None) -> Sequence[Channel]:
    return channels or [Channel(f"channel_{number}") for number in range(_count(plan))]


def check_channels(plan: AssemblyPlan, channels: Sequence[Channel] | None) -> None:
    """Refuse another number of channels than the image has.

    Raises
    ------
    ChannelError
        If there are not as many.
    """
    if channels and len(channels) != _count(plan):
        names = ", ".join(channel.label for channel in channels)
        raise ChannelError(
            f"image {plan.name!r} has {_count(plan)} channels, but {len(channels)} are named: "
            f"{names}"
        )
