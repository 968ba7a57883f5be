"""Every edit of an image's document in one place; no code of its own."""

from __future__ import annotations

from iohub.metadata.edits_channels import (
    channel_index,
    channel_names,
    check_channel_names,
    insert_channels,
    new_omero,
    remove_channel,
    rename_channel,
    reorder_channels,
    set_color,
    set_window,
)
from iohub.metadata.edits_levels import (
    add_dataset,
    channel_axis,
    first_image,
    level_index,
    remove_dataset,
    rename_dataset,
    set_axes,
    set_method,
    set_name,
    with_first_image,
)
from iohub.metadata.edits_transforms import (
    WHOLE,
    Vectors,
    effective,
    own_transforms,
    set_scale,
    set_transforms,
)

__all__ = [
    "WHOLE",
    "Vectors",
    "add_dataset",
    "channel_axis",
    "channel_index",
    "channel_names",
    "check_channel_names",
    "effective",
    "first_image",
    "insert_channels",
    "level_index",
    "new_omero",
    "own_transforms",
    "remove_channel",
    "remove_dataset",
    "rename_channel",
    "rename_dataset",
    "reorder_channels",
    "set_axes",
    "set_color",
    "set_method",
    "set_name",
    "set_scale",
    "set_transforms",
    "set_window",
    "with_first_image",
]
