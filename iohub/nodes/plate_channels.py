"""Verbs about channels for a whole plate: each position wholly, and again until all are done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from iohub.errors import AxisError, ChannelError
from iohub.metadata import own
from iohub.nodes.base import NGFFNode
from iohub.nodes.channels import renamed_defaults


class PlateChannelVerbs(NGFFNode):
    """The same for every position of a plate.

    Each position changes wholly or not at all. A call that was interrupted, or that failed at one
    position, is repeated to complete it: positions that are as they should be are left alone.
    """

    def append_channel(self, chan_name: str, resize_arrays: bool = True) -> None:
        """Append a channel to every position.

        Parameters
        ----------
        chan_name : str
            Name of the new channel.
        resize_arrays : bool
            Whether to resize all the image arrays for the new channel, by default True.

        Raises
        ------
        ChannelError
            If every position has such a channel; a :class:`ValueError`.
        """
        self._each(
            lambda names: chan_name not in names,
            lambda position: position.append_channel(chan_name, resize_arrays),
            f"there is a channel {chan_name!r} in every position of {self.url}",
            lambda names: [*names, chan_name],
        )

    def insert_channel(self, index: int, chan_name: str) -> None:
        """Insert a channel of zeros before an index in every position.

        Parameters
        ----------
        index : int
            Where the new channel will be; negative counts from the end.
        chan_name : str
            Name of the new channel.

        Raises
        ------
        ChannelError
            If every position has such a channel; a :class:`ValueError`.
        """

        def inserted(names: list[str]) -> list[str]:
            at = range(len(names) + 1)[index]
            return [*names[:at], chan_name, *names[at:]]

        self._each(
            lambda names: chan_name not in names,
            lambda position: position.insert_channel(index, chan_name),
            f"there is a channel {chan_name!r} in every position of {self.url}",
            inserted,
        )

    def rename_channel(self, old: str, new: str) -> None:
        """Rename a channel in every position.

        Parameters
        ----------
        old, new : str
            Current and new name of the channel.

        Raises
        ------
        ChannelError
            If no position has a channel `old`; a :class:`ValueError`.
        """
        self._each(
            lambda names: old in names,
            lambda position: position.rename_channel(old, new),
            f"no position of {self.url} has a channel {old!r}",
            lambda names: [new if name == old else name for name in names],
        )

    def remove_channel(self, chan_name: str) -> None:
        """Remove a channel and its pixels from every position.

        Parameters
        ----------
        chan_name : str
            Name of the channel.

        Raises
        ------
        ChannelError
            If no position has such a channel; a :class:`ValueError`.
        """
        self._each(
            lambda names: chan_name in names,
            lambda position: position.remove_channel(chan_name),
            f"no position of {self.url} has a channel {chan_name!r}",
            lambda names: [name for name in names if name != chan_name],
        )

    def reorder_channels(self, order: Sequence[str]) -> None:
        """Put the channels of every position in another order.

        Parameters
        ----------
        order : sequence of str
            All channels, by name.

        Raises
        ------
        ChannelError
            If a channel is missing, unknown or named twice in some position.
        """
        wanted = [str(name) for name in order]
        self._each(
            lambda names: names != wanted,
            lambda position: position.reorder_channels(wanted),
            "",
            lambda names: wanted,
        )

    def _each(
        self,
        applies: Callable[[list[str]], bool],
        edit: Callable[[Any], None],
        nothing: str,
        default: Callable[[list[str]], list[str]],
    ) -> None:
        """Edit each position that an edit applies to, then the names the plate keeps itself."""
        self._session.check_writable()
        found = list(self.positions())
        todo = [position for _, position in found if applies(position.channel_names)]
        kept = own.read_defaults(self._attrs()).channel_names
        if not todo and nothing and not (kept and applies(list(kept))):
            raise ChannelError(nothing)
        for position in todo:
            # One without images and names of its own may have got them from the plate by now.
            if applies(position.channel_names):
                edit(position)
        if kept and applies(list(kept)):
            self._group.edit_attrs(lambda attrs: renamed_defaults(attrs, default(list(kept))))

    def positions(self) -> Any:
        """Return a generator over path and value of the positions."""
        raise AxisError("a plate says which positions it has")
