"""Verbs about channels, for one position and for a whole plate: arrays and metadata in step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iohub.errors import AxisError, ChannelError, ShapeError
from iohub.metadata import edits_channels, edits_image, own
from iohub.nodes import arguments
from iohub.nodes.image_array import ImageArray
from iohub.nodes.placement import PlacementVerbs
from iohub.storage.array import ZarrArray
from iohub.storage.units import copy_axis

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from iohub.metadata.image import ImageMeta
    from iohub.metadata.omero import WindowDict
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject


@dataclass(frozen=True)
class Arrangement:
    """New channels of an image.

    Attributes
    ----------
    order : sequence of int or None
        For each new channel the index of the old one, None for zeros.
    names : list of str
        Names of the new channels.
    edit : callable
        Takes the document and the data type, returns the new document.
    """

    order: Sequence[int | None]
    names: list[str]
    edit: Callable[[ImageMeta, Any], ImageMeta]

    @classmethod
    def inserted(cls, names: list[str], index: int, name: str) -> Arrangement:
        """Return old channels with a new one before an index."""
        count = len(names)
        at = arguments.place(index, count + 1, "channel index")
        order = list(range(count))
        return cls(
            [*order[:at], None, *order[at:]],
            [*names[:at], name, *names[at:]],
            lambda doc, dtype: edits_channels.insert_channels(
                doc, at, [name], dtype=dtype, count=count
            ),
        )


class ChannelVerbs(PlacementVerbs):
    """Append, insert, rename, remove, reorder and fill channels of a position."""

    def append_channel(self, chan_name: str, resize_arrays: bool = True) -> None:
        """Append a channel to the end of the channel list.

        Parameters
        ----------
        chan_name : str
            Name of the new channel.
        resize_arrays : bool
            Whether to resize all the image arrays for the new channel, by default True. The new
            channel is filled with zeros and takes no space. No pixels are copied, unless the last
            chunk (shard) along the channels has room for more of them.

        Raises
        ------
        ChannelError
            If there is such a channel; a :class:`ValueError`.
        AxisError
            If the images have no channel axis.
        """

        def plan(names: list[str]) -> Arrangement:
            return Arrangement.inserted(names, len(names), chan_name)

        self._rearrange(plan, resize=arguments.flag(resize_arrays, "resize_arrays"))

    def insert_channel(self, index: int, chan_name: str, data: ArrayLike | None = None) -> None:
        """Insert a channel before an index, moving those behind it.

        Parameters
        ----------
        index : int
            Where the new channel will be; negative counts from the end.
        chan_name : str
            Name of the new channel.
        data : array-like, optional
            Pixels of the new channel in the highest resolution level, without the channel axis;
            zeros if not given. Compute the pyramid again afterwards.

        Raises
        ------
        ChannelError
            If there is such a channel; a :class:`ValueError`.
        """
        self._rearrange(lambda names: Arrangement.inserted(names, index, chan_name), data=data)

    def remove_channel(self, chan_name: str) -> None:
        """Remove a channel and its pixels, in every level.

        Parameters
        ----------
        chan_name : str
            Name of the channel.

        Raises
        ------
        ChannelError
            If there is no such channel, or it is the only one; a :class:`ValueError`.
        """

        def plan(names: list[str]) -> Arrangement:
            at = self._index_in(names, chan_name)
            if len(names) == 1:
                raise ChannelError(f"{chan_name!r} is the only channel of {self.url}")
            order = [i for i in range(len(names)) if i != at]
            return Arrangement(
                order,
                [names[i] for i in order],
                lambda doc, dtype: edits_channels.remove_channel(doc, at, count=len(names)),
            )

        self._rearrange(plan)

    def reorder_channels(self, order: Sequence[str | int]) -> None:
        """Put the channels in another order, in every level.

        Parameters
        ----------
        order : sequence of str or int
            All channels, by name or by present index.

        Raises
        ------
        ChannelError
            If a channel is missing, unknown or named twice; a :class:`ValueError`.
        """
        wanted = arguments.listed(order, "order", "channel names or indices")

        def plan(names: list[str]) -> Arrangement:
            index = [
                self._index_in(names, i)
                if isinstance(i, str)
                else arguments.place(i, len(names), "channel index")
                for i in wanted
            ]
            if sorted(index) != list(range(len(names))):
                raise ChannelError(f"{wanted} is not every channel of {names} once")
            return Arrangement(
                index,
                [names[i] for i in index],
                lambda doc, dtype: edits_channels.reorder_channels(doc, index, count=len(names)),
            )

        self._rearrange(plan)

    def rename_channel(self, old: str, new: str) -> None:
        """Rename a channel in the channel list.

        Parameters
        ----------
        old : str
            Current name of the channel.
        new : str
            New name of the channel.

        Raises
        ------
        ChannelError
            If there is no channel `old`, or there is one called `new`; a :class:`ValueError`.
        """
        self._session.check_writable()
        names = self.channel_names
        at = self._index_in(names, old)
        if arguments.text(new, "new") in names and new != old:
            raise ChannelError(f"there is a channel {new!r} in {self.url} already")
        renamed = [new if i == at else name for i, name in enumerate(names)]

        def edit(attrs: JsonObject) -> JsonObject:
            document = self._parse(attrs)
            if document is None:
                return own.rename_defaults(attrs, renamed, old, new)
            document = edits_channels.rename_channel(document, old, new, count=len(names))
            return self._dump(document, attrs)

        self._group.edit_attrs(edit)

    def update_channel(self, chan_name: str, target: str, data: ArrayLike) -> None:
        """Update a channel slice of the target image array with new data.

        The incoming data shape needs to be the same as the target array except for the
        non-existent channel dimension. For example a TCZYX array of shape (2, 3, 4, 1024, 2048)
        can be updated with data of shape (2, 4, 1024, 2048).

        Parameters
        ----------
        chan_name : str
            Channel name.
        target : str
            Name of the image array to update.
        data : array-like
            New data array to write.

        Raises
        ------
        ChannelError
            If there is no such channel, or the image has no pixels of it yet; a
            :class:`ValueError`.
        ShapeError
            If the shape does not fit; a :class:`ValueError`.
        DTypeError
            If the image's data type cannot hold a value.

        Notes
        -----
        This method is a syntactical variation of assigning values to the slice with the ``=``
        operator, and users are encouraged to use array indexing directly.
        """
        image = self[target]
        index = self._index_in(self.channel_names, chan_name)
        _fill_channel(image, target, self._channel_axis(), index, data)

    def set_contrast_limits(self, channel_name: str, window: WindowDict) -> None:
        """Set the contrast limits for a channel.

        Parameters
        ----------
        channel_name : str
            Name of the channel to set.
        window : WindowDict
            Contrast limit (min, max, start, end), in pixel values.

        Raises
        ------
        ChannelError
            If there is no such channel, or the limits make no sense; a :class:`ValueError`.
        """
        self._edit_channel(
            channel_name,
            lambda doc, at, count: edits_channels.set_window(doc, at, window, count=count),
        )

    def set_channel_color(self, channel_name: str, color: str) -> None:
        """Set the display colour of a channel.

        Parameters
        ----------
        channel_name : str
            Name of the channel to set.
        color : str
            Six hexadecimal digits such as "00FF00", or the name of a basic colour.

        Raises
        ------
        ChannelError
            If there is no such channel, or it is no colour; a :class:`ValueError`.
        """
        self._edit_channel(
            channel_name,
            lambda doc, at, count: edits_channels.set_color(doc, at, color, count=count),
        )

    # ---- how ----------------------------------------------------------------------------------

    def _index_in(self, names: Sequence[str], name: str) -> int:
        if arguments.text(name, "a channel name") not in names:
            raise ChannelError(f"no channel {name!r} in {self.url}; its channels are {list(names)}")
        return list(names).index(name)

    def _channel_axis(self) -> int:
        axis = edits_image.channel_axis(self._image_document())
        if axis is None:
            raise AxisError(f"{self.url} has no channel axis; its axes are {self._axis_list()}")
        return axis

    def _axis_list(self) -> str:
        return ", ".join(axis.name for axis in self.axes)

    def _edit_channel(self, name: str, edit: Callable[[ImageMeta, int, int], ImageMeta]) -> None:
        self._image_document()
        names = self.channel_names
        index = self._index_in(names, name)
        self._commit(lambda doc: edit(doc, index, len(names)))

    def _rearrange(
        self,
        plan: Callable[[list[str]], Arrangement],
        resize: bool = True,
        data: ArrayLike | None = None,
    ) -> None:
        """Give every level new channels, in one edit of arrays and document."""
        self._session.check_writable()
        before = self._rearranged(plan, resize, data)
        count = len(before.names)
        # Where nothing moves only the documents change.
        moved = data is not None or list(before.order[:count]) != list(range(count))
        moved = moved or before.has_padding()
        with self._draft() as draft:
            for index, (path, source) in enumerate(before.arrays.items()) if moved else ():
                staged = self._staged(draft, path, before.spec(path))
                copy_axis(source, staged, before.axis, before.order)
                if data is not None and index == 0:
                    image = ImageArray(staged, self.axes, self._session)
                    _fill_channel(image, path, before.axis, list(before.order).index(None), data)
            with self._transaction() as edit:
                now = self._rearranged(plan, resize, data)
                if moved and now.state() != before.state():
                    raise self._conflict("a channel or an image")
                for path in now.arrays:
                    if moved:
                        edit.replace(path)
                    else:
                        for key, value in now.spec(path).documents().items():
                            edit.put(f"{path}/{key}", value)
                edit.take(draft)
                edit.put_attrs("", now.attrs)

    def _rearranged(
        self, plan: Callable[[list[str]], Arrangement], resize: bool, data: ArrayLike | None
    ) -> _Rearranged:
        """Return what is to become of the position as it is now; all is checked."""
        names = self.channel_names
        arrangement = plan(names)
        edits_channels.check_channel_names(arrangement.names)
        attrs = self._group.attrs()
        if self._document() is None and data is None:
            after = own.rename_defaults(attrs, arrangement.names)
            return _Rearranged(names, arrangement.order, 0, {}, after)
        document = self._image_document()
        paths = document.multiscales[0].get_dataset_paths()
        after = self._dump(arrangement.edit(document, self[paths[0]].dtype), attrs)
        if not resize:
            return _Rearranged(names, arrangement.order, 0, {}, after)
        axis = self._channel_axis()
        arrays = {path: self._group.array(path) for path in paths}
        for path, array in arrays.items():
            if array.spec.shape[axis] != len(names):
                raise ShapeError(
                    f"image {path!r} of {self.url} has {array.spec.shape[axis]} channels, the "
                    f"metadata name {len(names)}; mend one of them first "
                    "(append_channel(..., resize_arrays=False) adds a name)"
                )
        return _Rearranged(names, arrangement.order, axis, arrays, after)


@dataclass(frozen=True)
class _Rearranged:
    """Channels before and their new order along an axis; images to change; new attributes."""

    names: list[str]
    order: Sequence[int | None]
    axis: int
    arrays: dict[str, ZarrArray]
    attrs: JsonObject

    def spec(self, path: str) -> ArraySpec:
        """Return the new spec of an image."""
        old = self.arrays[path].spec
        count = len(self.order)
        return old.resized([count if i == self.axis else n for i, n in enumerate(old.shape)])

    def has_padding(self) -> bool:
        """Whether stored chunks reach beyond the channels, with whatever pixels are in there.

        Another tool that made the array smaller may have left some, which would come back.
        """
        specs = [array.spec for array in self.arrays.values()]
        return any(spec.shape[self.axis] % spec.unit[self.axis] for spec in specs)

    def state(self) -> tuple[object, ...]:
        """Return what must stay the same for pixels that were copied to be right."""
        return self.names, self.order, [(path, a.mark) for path, a in self.arrays.items()]


def _fill_channel(image: ImageArray, name: str, axis: int, index: int, data: ArrayLike) -> None:
    """Write the pixels of one channel, which have the shape of the image without that axis."""
    expected = tuple(n for i, n in enumerate(image.shape) if i != axis)
    values = arguments.pixels(data)
    if index >= image.shape[axis]:
        sizes = [index + 1 if i == axis else n for i, n in enumerate(image.shape)]
        raise ChannelError(
            f"image {name!r} has {image.shape[axis]} channel(s) and no pixels of channel {index}, "
            f"which the metadata name; make room with position[{name!r}].resize({tuple(sizes)})"
        )
    if tuple(values.shape) != expected:
        raise ShapeError(
            f"data of shape {tuple(values.shape)} do not fit a channel of image {name!r}, which "
            f"wants {expected}"
        )
    image[tuple(index if i == axis else slice(None) for i in range(image.ndim))] = values
