"""Verbs about channels for a whole plate: each position wholly, and again until all are done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from iohub.errors import AxisError, ChannelError
from iohub.metadata import own
from iohub.nodes import arguments
from iohub.nodes.base import NGFFNode
from iohub.nodes.plate_reading import all_readable


class PlateChannelVerbs(NGFFNode):
    """The same for every position of a plate.

    Each position changes wholly or not at all. A call that was interrupted, or that failed at one
    position, is repeated to complete it: positions that are as they should be are left alone.
    """

    def append_channel(
        self, chan_name: str, resize_arrays: bool = True, *, skip_unreadable: bool = False
    ) -> None:
        """Append a channel to every position.

        Parameters
        ----------
        chan_name : str
            Name of the new channel.
        resize_arrays : bool
            Whether to resize all the image arrays for the new channel, by default True.
        skip_unreadable : bool
            Whether positions that cannot be read are left as they are, with a
            :class:`CorruptNodeWarning`; by default nothing is changed then.

        Raises
        ------
        ChannelError
            If every position has such a channel; a :class:`ValueError`.
        UnreadableError
            If a position cannot be read; each is named.
        """
        arguments.text(chan_name, "chan_name")
        arguments.flag(resize_arrays, "resize_arrays")
        self._each(
            lambda names: chan_name not in names,
            lambda position: position.append_channel(chan_name, resize_arrays),
            f"there is a channel {chan_name!r} in every position of {self.url}",
            lambda names: [*names, chan_name],
            skip=skip_unreadable,
            pixels=resize_arrays,
        )

    def insert_channel(self, index: int, chan_name: str, *, skip_unreadable: bool = False) -> None:
        """Insert a channel of zeros before an index in every position.

        Parameters
        ----------
        index : int
            Where the new channel will be; negative counts from the end.
        chan_name : str
            Name of the new channel.
        skip_unreadable : bool
            Whether positions that cannot be read are left as they are, with a
            :class:`CorruptNodeWarning`; by default nothing is changed then.

        Raises
        ------
        ChannelError
            If every position has such a channel; a :class:`ValueError`.
        UnreadableError
            If a position cannot be read; each is named.
        """
        arguments.text(chan_name, "chan_name")

        def inserted(names: list[str]) -> list[str]:
            at = arguments.place(index, len(names) + 1, "channel index")
            return [*names[:at], chan_name, *names[at:]]

        self._each(
            lambda names: chan_name not in names,
            lambda position: position.insert_channel(index, chan_name),
            f"there is a channel {chan_name!r} in every position of {self.url}",
            inserted,
            skip=skip_unreadable,
        )

    def rename_channel(self, old: str, new: str, *, skip_unreadable: bool = False) -> None:
        """Rename a channel in every position.

        Parameters
        ----------
        old, new : str
            Current and new name of the channel.
        skip_unreadable : bool
            Whether positions that cannot be read are left as they are, with a
            :class:`CorruptNodeWarning`; by default nothing is changed then.

        Raises
        ------
        ChannelError
            If no position has a channel `old`; a :class:`ValueError`.
        UnreadableError
            If a position cannot be read; each is named.
        """
        arguments.text(old, "old")
        arguments.text(new, "new")
        self._each(
            lambda names: old in names,
            lambda position: position.rename_channel(old, new),
            f"no position of {self.url} has a channel {old!r}",
            lambda names: [new if name == old else name for name in names],
            skip=skip_unreadable,
            pixels=False,
        )

    def remove_channel(self, chan_name: str, *, skip_unreadable: bool = False) -> None:
        """Remove a channel and its pixels from every position.

        Parameters
        ----------
        chan_name : str
            Name of the channel.
        skip_unreadable : bool
            Whether positions that cannot be read are left as they are, with a
            :class:`CorruptNodeWarning`; by default nothing is changed then.

        Raises
        ------
        ChannelError
            If no position has such a channel; a :class:`ValueError`.
        UnreadableError
            If a position cannot be read; each is named.
        """
        arguments.text(chan_name, "chan_name")
        self._each(
            lambda names: chan_name in names,
            lambda position: position.remove_channel(chan_name),
            f"no position of {self.url} has a channel {chan_name!r}",
            lambda names: [name for name in names if name != chan_name],
            skip=skip_unreadable,
        )

    def reorder_channels(self, order: Sequence[str], *, skip_unreadable: bool = False) -> None:
        """Put the channels of every position in another order.

        Parameters
        ----------
        order : sequence of str
            All channels, by name.
        skip_unreadable : bool
            Whether positions that cannot be read are left as they are, with a
            :class:`CorruptNodeWarning`; by default nothing is changed then.

        Raises
        ------
        ChannelError
            If a channel is missing, unknown or named twice in some position.
        UnreadableError
            If a position cannot be read; each is named.
        """
        wanted = arguments.all_of(order, str, "order")
        self._each(
            lambda names: names != wanted,
            lambda position: position.reorder_channels(wanted),
            "",
            lambda names: wanted,
            skip=skip_unreadable,
        )

    def _each(
        self,
        applies: Callable[[list[str]], bool],
        edit: Callable[[Any], None],
        nothing: str,
        default: Callable[[list[str]], list[str]],
        *,
        skip: bool,
        pixels: bool = True,
    ) -> None:
        """Edit each position that an edit applies to, then the names the plate keeps itself."""
        self._session.check_writable()
        skip = arguments.flag(skip, "skip_unreadable")
        found = all_readable(self.positions(), skip=skip, pixels=pixels)
        todo = [position for _, position in found if applies(position.channel_names)]
        kept = own.read_defaults(self._attrs()).channel_names
        if not todo and nothing and not (kept and applies(list(kept))):
            raise ChannelError(nothing)
        for position in todo:
            # One without images and names of its own may have got them from the plate by now.
            if applies(position.channel_names):
                edit(position)
        if kept and applies(list(kept)):
            self._group.edit_attrs(lambda attrs: own.rename_defaults(attrs, default(list(kept))))

    def positions(self) -> Any:
        """Return a generator over path and value of the positions."""
        raise AxisError("a plate says which positions it has")
