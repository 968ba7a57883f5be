"""Edits of an image's channels: a document in, a new document out.

Only the metadata change here; whoever calls keeps the arrays in step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from iohub.errors import ChannelError
from iohub.metadata.axes import AxisMeta, axis_of_type
from iohub.metadata.image import ImageMeta
from iohub.metadata.omero import (
    ChannelMeta,
    OMEROMeta,
    RDefsMeta,
    WindowDict,
    default_channel,
    parse_color,
    require_window,
)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def check_channel_names(names: Iterable[str], known: Iterable[str] = ()) -> tuple[str, ...]:
    """Return channel names that may be added.

    Parameters
    ----------
    names : iterable of str
        New names.
    known : iterable of str
        Names that are taken.

    Raises
    ------
    ChannelError
        If a name is empty, no string, or there already.
    """
    if isinstance(names, str):
        raise ChannelError(f"channel names must be a list of strings, not the string {names!r}")
    if not isinstance(names, Iterable):
        raise ChannelError(f"channel names must be a list of strings, not {names!r}")
    taken = set(known)
    checked = []
    for name in names:
        if not _is_name(name):
            raise ChannelError(f"a channel name must be a string that is not empty, not {name!r}")
        if name in taken:
            raise ChannelError(f"there is a channel {name!r} already: channel names are unique")
        taken.add(name)
        checked.append(name)
    return tuple(checked)


def new_omero(
    names: Sequence[str],
    axes: Sequence[AxisMeta],
    *,
    dtype: Any = None,
    name: str = "",
    shape: Sequence[int] | None = None,
) -> OMEROMeta:
    """Return the ``omero`` metadata of a new image.

    Parameters
    ----------
    names : sequence of str
        Names of the channels.
    axes : sequence of AxisMeta
        Of the image.
    dtype : numpy data type or str or None
        Of the image; gives the contrast limits.
    name : str
        Of the image.
    shape : sequence of int or None
        Of the image; the plane in the middle is shown first.

    Raises
    ------
    ChannelError
        If the names are repeated, or not as many as there are channels.
    """
    names = check_channel_names(names)
    axis = axis_of_type(axes, "channel")
    count = 1 if axis is None else None
    if axis is not None and shape is not None:
        count = shape[axis]
    if count is not None and len(names) != count:
        raise ChannelError(
            f"{len(names)} channel names for an image with {count} channel(s): {', '.join(names)}"
        )
    depth = 1
    for index, meta in enumerate(axes):
        if meta.name.casefold() == "z" and shape is not None:
            depth = shape[index]
    return OMEROMeta(
        name=name or None,
        channels=tuple(default_channel(label, i, dtype) for i, label in enumerate(names)),
        rdefs=RDefsMeta(default_t=0, default_z=depth // 2, model="color", projection="normal"),
    )


def shown_alike(doc: ImageMeta, channels: Iterable[ChannelMeta]) -> ImageMeta:
    """Show channels as others of the same names are: colours, contrast limits and the rest.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    channels : iterable of ChannelMeta
        Those to be like; names that the image has not do not matter.
    """
    known = {channel.label: channel for channel in channels}
    if doc.omero is None or not known:
        return doc
    return _with_channels(doc, (known.get(each.label, each) for each in doc.omero.channels))


def channel_names(doc: ImageMeta | None, count: int | None = None) -> list[str]:
    """Return one name for each channel.

    Parameters
    ----------
    doc : ImageMeta or None
        The image.
    count : int or None
        Number of channels in the array; None takes as many as the metadata name.

    Returns
    -------
    list of str
        Labels; the index where there is none.
    """
    channels = doc.omero.channels if doc is not None and doc.omero is not None else ()
    count = len(channels) if count is None else count
    return numbered_names([channel.label for channel in channels], count)


def numbered_names(labels: Sequence[str | None], count: int) -> list[str]:
    """Return one name for each channel: its label, else its number, made unique.

    Parameters
    ----------
    labels : sequence of (str or None)
        Labels that there are, perhaps fewer or more than channels.
    count : int
        Number of channels.
    """
    labels = [labels[i] if i < len(labels) else None for i in range(count)]
    taken = {label for label in labels if label}
    names = []
    for index, label in enumerate(labels):
        name = label or str(index)
        while not label and name in taken:
            name += "_"
        taken.add(name)
        names.append(name)
    return names


def channel_index(doc: ImageMeta, name: str, count: int | None = None) -> int:
    """Return the index of a channel.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    name : str
        Of the channel, as in :func:`channel_names`.
    count : int or None
        Number of channels in the array.

    Raises
    ------
    ChannelError
        If no channel is called so, or several are.
    """
    names = channel_names(doc, count)
    if names.count(name) == 1:
        return names.index(name)
    if name in names:
        raise ChannelError(
            f"{names.count(name)} channels are called {name!r}: edit their labels in zattrs first"
        )
    near = get_close_matches(str(name), names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(map(repr, names))}"
    raise ChannelError(f"no channel {name!r}" + (hint if names else ": no channel has a name"))


def _known_channels(doc: ImageMeta, count: int | None) -> list[ChannelMeta]:
    """Return a document for every channel, made where the image says nothing of it."""
    names = channel_names(doc, count)
    channels = list(doc.omero.channels) if doc.omero is not None else []
    for index, name in enumerate(names[: len(channels)]):
        if not channels[index].label:
            channels[index] = channels[index].replace(label=name)
    made = [default_channel(names[i], i) for i in range(len(channels), len(names))]
    return (channels + made)[: len(names)]


def _with_channels(doc: ImageMeta, channels: Iterable[ChannelMeta]) -> ImageMeta:
    omero = doc.omero or OMEROMeta()
    return doc.replace(omero=omero.replace(channels=tuple(channels)))


def _channel_at(doc: ImageMeta, index: int, count: int | None) -> list[ChannelMeta]:
    channels = _known_channels(doc, count)
    if not 0 <= index < len(channels):
        raise ChannelError(f"no channel {index}: the image has {len(channels)} channel(s)")
    return channels


def rename_channel(doc: ImageMeta, old: str, new: str, *, count: int | None = None) -> ImageMeta:
    """Give a channel another name; how it is shown stays.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    old, new : str
        Name of before and of now.
    count : int or None
        Number of channels in the array, for images whose metadata do not name all.

    Raises
    ------
    ChannelError
        If there is no channel `old`, or one `new` already.
    """
    index = channel_index(doc, old, count)
    channels = _known_channels(doc, count)
    check_channel_names([new], (c.label or "" for i, c in enumerate(channels) if i != index))
    channels[index] = channels[index].replace(label=new)
    return _with_channels(doc, channels)


def insert_channels(
    doc: ImageMeta,
    index: int,
    names: Sequence[str],
    *,
    dtype: Any = None,
    count: int | None = None,
) -> ImageMeta:
    """Add channels.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    index : int
        Where the first of them will be; the number of channels appends.
    names : sequence of str
        Their names.
    dtype : numpy data type or str or None
        Of the image; gives their contrast limits.
    count : int or None
        Number of channels in the array of before, for images whose metadata do not name all.

    Raises
    ------
    AxisError, ChannelError
        If `index` is out of range, or a name is there already.
    """
    channels = _known_channels(doc, count)
    if not 0 <= index <= len(channels):
        raise ChannelError(f"cannot insert at {index}: the image has {len(channels)} channel(s)")
    names = check_channel_names(names, (channel.label or "" for channel in channels))
    made = [default_channel(name, index + i, dtype) for i, name in enumerate(names)]
    return _with_channels(doc, channels[:index] + made + channels[index:])


def remove_channel(doc: ImageMeta, index: int, *, count: int | None = None) -> ImageMeta:
    """Take a channel away.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    index : int
        Which.
    count : int or None
        Number of channels in the array, for images whose metadata do not name all.

    Raises
    ------
    ChannelError
        If there is no such channel, or it is the only one.
    """
    channels = _channel_at(doc, index, count)
    if len(channels) == 1:
        raise ChannelError("the only channel of an image cannot be removed")
    del channels[index]
    return _with_channels(doc, channels)


def reorder_channels(
    doc: ImageMeta, order: Sequence[int], *, count: int | None = None
) -> ImageMeta:
    """Put channels into another order.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    order : sequence of int
        For each new place the index of before: every index once.
    count : int or None
        Number of channels in the array, for images whose metadata do not name all.

    Raises
    ------
    ChannelError
        If `order` is not a permutation of the indexes.
    """
    channels = _known_channels(doc, count)
    if sorted(order) != list(range(len(channels))):
        raise ChannelError(
            f"the order must have each index from 0 to {len(channels) - 1} once, not {list(order)}"
        )
    return _with_channels(doc, [channels[index] for index in order])


def set_window(
    doc: ImageMeta,
    channel_index: int,
    window: WindowDict | dict[str, Any],
    *,
    count: int | None = None,
) -> ImageMeta:
    """Set the contrast limits of a channel.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    channel_index : int
        Which channel.
    window : WindowDict
        Limits, in pixel values; what is left out stays as it is.
    count : int or None
        Number of channels in the array, for images whose metadata do not name all.

    Raises
    ------
    ChannelError
        If there is no such channel, or the limits make no sense.
    """
    channels = _channel_at(doc, channel_index, count)
    channel = channels[channel_index]
    channels[channel_index] = channel.replace(window=require_window(window, channel.window))
    return _with_channels(doc, channels)


def set_color(
    doc: ImageMeta, channel_index: int, color: str, *, count: int | None = None
) -> ImageMeta:
    """Set the display colour of a channel.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    channel_index : int
        Which channel.
    color : str
        Six hexadecimal digits, with or without ``#``, or the name of a basic colour.
    count : int or None
        Number of channels in the array, for images whose metadata do not name all.

    Raises
    ------
    ChannelError
        If there is no such channel, or it is no colour.
    """
    channels = _channel_at(doc, channel_index, count)
    channels[channel_index] = channels[channel_index].replace(color=parse_color(color))
    return _with_channels(doc, channels)
