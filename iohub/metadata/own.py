"""The key ``iohub`` of the attributes: what iohub notes beside the OME metadata.

It holds transformations of before (``previous_transforms``), the channel names and axes that were
asked for, and how the channels of a deleted image were shown, as long as a group has no image to
carry them, what is known of a plate as long as it has no wells (``plate``), and the paths of a
scene's images (``images``), which need no transformation. It lies at the top of the attributes in
every version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from iohub.errors import DocumentError, Problem
from iohub.metadata.axes import AxisMeta
from iohub.metadata.documents import thaw, validate
from iohub.metadata.names import path_problem
from iohub.metadata.omero import ChannelMeta
from iohub.metadata.plate import PlateMeta
from iohub.metadata.transforms import TransformationMeta
from iohub.types import JsonMapping, JsonObject

KEY = "iohub"
_CHANNELS, _AXES, _PREVIOUS = "channel_names", "axes", "previous_transforms"
_SHOWN = "channels"
_LAYOUT, _LAYOUTS = "layout", ("fov", "hcs", "scene")
_PLATE = "plate"
_IMAGES = "images"


class Defaults(NamedTuple):
    """What the first image of a group will have.

    Attributes
    ----------
    channel_names : tuple of str or None
        None if not noted.
    axes : tuple of AxisMeta or None
        None if not noted.
    channels : tuple of ChannelMeta
        How the channels of the last image were shown; channels of these names will be so.
    """

    channel_names: tuple[str, ...] | None = None
    axes: tuple[AxisMeta, ...] | None = None
    channels: tuple[ChannelMeta, ...] = ()


def _own(attrs: JsonMapping) -> JsonObject:
    own = attrs.get(KEY)
    if own is None:
        return {}
    if not isinstance(own, dict):
        raise DocumentError([Problem(f"/{KEY}", f"must be an object, found {own!r:.80}", "type")])
    return dict(own)


def _with_own(attrs: JsonMapping, own: JsonMapping) -> JsonObject:
    rest = {name: value for name, value in attrs.items() if name != KEY}
    if not own:
        return rest
    return {**attrs, KEY: dict(own)}


def _list(own: JsonMapping, name: str) -> list[Any]:
    value = own.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        where = f"/{KEY}/{name}"
        raise DocumentError([Problem(where, f"must be an array, found {value!r:.80}", "type")])
    return value


def read_defaults(attrs: JsonMapping) -> Defaults:
    """Return what was noted for images to come.

    Parameters
    ----------
    attrs : mapping
        Attributes of a group.

    Raises
    ------
    DocumentError
        If the note has the wrong type.
    """
    own = _own(attrs)
    names = _list(own, _CHANNELS)
    for index, name in enumerate(names):
        if not isinstance(name, str):
            where = f"/{KEY}/{_CHANNELS}/{index}"
            raise DocumentError([Problem(where, f"must be a string, found {name!r:.80}", "type")])
    axes = [validate(AxisMeta, a, KEY, _AXES, i) for i, a in enumerate(_list(own, _AXES))]
    shown = [validate(ChannelMeta, c, KEY, _SHOWN, i) for i, c in enumerate(_list(own, _SHOWN))]
    noted = own.get(_CHANNELS) is not None
    return Defaults(tuple(names) if noted else None, tuple(axes) or None, tuple(shown))


def write_defaults(
    attrs: JsonMapping,
    channel_names: Sequence[str] | None = None,
    axes: Sequence[AxisMeta] | None = None,
    channels: Sequence[ChannelMeta] = (),
) -> JsonObject:
    """Return new attributes with another note for images to come.

    Parameters
    ----------
    attrs : mapping
        Attributes of a group.
    channel_names : sequence of str or None
        None takes the note of them away.
    axes : sequence of AxisMeta or None
        None takes the note of them away.
    channels : sequence of ChannelMeta
        How channels are to be shown; none takes the note of it away.

    Raises
    ------
    DocumentError
        If the key ``iohub`` is something else than an object.
    """
    own = _own(attrs)
    for name in (_CHANNELS, _AXES, _SHOWN):
        own.pop(name, None)
    if channel_names is not None:
        own[_CHANNELS] = list(channel_names)
    if axes is not None:
        own[_AXES] = [axis.to_json() for axis in axes]
    if channels:
        own[_SHOWN] = [channel.to_json() for channel in channels]
    return _with_own(attrs, own)


def rename_defaults(
    attrs: JsonMapping, channel_names: Sequence[str], old: str = "", new: str = ""
) -> JsonObject:
    """Return new attributes with other channel names for images to come.

    Parameters
    ----------
    attrs : mapping
        Attributes of a group.
    channel_names : sequence of str
        All names.
    old, new : str
        Name of before and of now, of a channel that stays what it is.

    Raises
    ------
    DocumentError
        If the note has the wrong type.
    """
    _, axes, channels = read_defaults(attrs)
    shown = [each.replace(label=new) if old and each.label == old else each for each in channels]
    return write_defaults(attrs, channel_names, axes, shown)


def previous_transforms(attrs: JsonMapping) -> list[JsonObject]:
    """Return the transformations of before, oldest first.

    Parameters
    ----------
    attrs : mapping
        Attributes of an image's group.

    Returns
    -------
    list of dict
        With ``image`` (path of a level, or ``"*"``), ``transforms`` and perhaps ``date``.

    Raises
    ------
    DocumentError
        If the note has the wrong type.
    """
    previous: list[JsonObject] = thaw(_list(_own(attrs), _PREVIOUS))
    return previous


def record_transforms(
    attrs: JsonMapping,
    image: str,
    transforms: Iterable[TransformationMeta],
    date: str | None = None,
) -> JsonObject:
    """Return new attributes that also note transformations which are about to be replaced.

    Parameters
    ----------
    attrs : mapping
        Attributes of an image's group.
    image : str
        Path of the level that they were of, or ``"*"``.
    transforms : iterable of TransformationMeta
        As they were.
    date : str or None
        When they were replaced, in ISO 8601.

    Raises
    ------
    DocumentError
        If the key ``iohub`` has the wrong type: nothing is overwritten.
    """
    own = _own(attrs)
    entry: JsonObject = {"image": image, "transforms": [each.to_json() for each in transforms]}
    if date is not None:
        entry["date"] = date
    own[_PREVIOUS] = [*_list(own, _PREVIOUS), entry]
    return _with_own(attrs, own)


def layout(attrs: JsonMapping) -> str | None:
    """Return what a group without OME metadata was created as.

    Parameters
    ----------
    attrs : mapping
        Attributes of a group.

    Returns
    -------
    str or None
        ``"fov"``, ``"hcs"`` or ``"scene"``; None if nothing is noted.
    """
    noted = _own(attrs).get(_LAYOUT)
    return noted if noted in _LAYOUTS else None


def write_layout(attrs: JsonMapping, layout: str | None) -> JsonObject:
    """Return new attributes that note what a group without OME metadata is.

    Parameters
    ----------
    attrs : mapping
        Attributes of a group.
    layout : {"fov", "hcs", "scene"} or None
        None takes the note away.
    """
    own = _own(attrs)
    own.pop(_LAYOUT, None)
    if layout is not None:
        own[_LAYOUT] = layout
    return _with_own(attrs, own)


def member(attrs: JsonMapping, name: str) -> Any:
    """Return a member of the key ``iohub``, None if there is none.

    Parameters
    ----------
    attrs : mapping
        Attributes of a group.
    name : str
        Of the member.

    Raises
    ------
    DocumentError
        If the key ``iohub`` is something else than an object.
    """
    return _own(attrs).get(name)


def with_member(attrs: JsonMapping, name: str, value: Any) -> JsonObject:
    """Return new attributes with another member of the key ``iohub``; None takes it away.

    Parameters
    ----------
    attrs : mapping
        Attributes of a group.
    name : str
        Of the member.
    value : JSON value
        What it becomes.
    """
    own = _own(attrs)
    own.pop(name, None)
    if value is not None:
        own[name] = value
    return _with_own(attrs, own)


def read_plate(attrs: JsonMapping) -> PlateMeta:
    """Return what was noted of a plate without wells; an empty document if nothing was.

    Parameters
    ----------
    attrs : mapping
        Attributes of a plate's group.

    Raises
    ------
    DocumentError
        If the note has the wrong type.
    """
    noted = _own(attrs).get(_PLATE)
    return PlateMeta() if noted is None else validate(PlateMeta, noted, KEY, _PLATE)


def write_plate(attrs: JsonMapping, plate: PlateMeta | None) -> JsonObject:
    """Return new attributes that note what is known of a plate without wells.

    Parameters
    ----------
    attrs : mapping
        Attributes of a plate's group.
    plate : PlateMeta or None
        None takes the note away.

    Raises
    ------
    DocumentError
        If the key ``iohub`` is something else than an object.
    """
    own = _own(attrs)
    own.pop(_PLATE, None)
    known = {} if plate is None else plate.to_json()
    if noted := {name: value for name, value in known.items() if value and name != "version"}:
        own[_PLATE] = noted
    return _with_own(attrs, own)


def images(attrs: JsonMapping) -> list[str]:
    """Return the paths of the images that were created in a scene, in that order.

    Parameters
    ----------
    attrs : mapping
        Attributes of a scene's group; what is no path there is left out.
    """
    own = attrs.get(KEY)
    noted = own.get(_IMAGES) if isinstance(own, Mapping) else None
    paths = noted if isinstance(noted, list | tuple) else ()
    return [path for path in paths if isinstance(path, str) and path_problem(path) is None]


def write_images(attrs: JsonMapping, paths: Iterable[str]) -> JsonObject:
    """Return new attributes that note the paths of a scene's images, each once.

    Parameters
    ----------
    attrs : mapping
        Attributes of a scene's group.
    paths : iterable of str
        All of them.
    """
    return with_member(attrs, _IMAGES, list(dict.fromkeys(paths)) or None)
