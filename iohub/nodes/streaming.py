"""Verbs of nodes that take frames of a camera; the room ``stream``, above, does it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from iohub.nodes import arguments

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from iohub.stream.dimensions import Dimension
    from iohub.stream.plates import Position as Spot
    from iohub.stream.stream import OMEStream

_HOME = "iohub.stream.verbs"
"""Who makes streams; found by name, since it stands above the nodes."""


class PositionStreamVerbs:
    """Stream frames into a position."""

    def create_stream(
        self,
        dims: Sequence[Dimension] | Mapping[str, Any],
        dtype: DTypeLike,
        *,
        compression: str | None = None,
        storage_order: str | list[str] = "ome",
        backend: str = "auto",
        **options: Any,
    ) -> OMEStream:
        """Make the image of this position, and return what takes its frames.

        Parameters
        ----------
        dims : sequence of Dimension, or mapping of str to size
            In the order that frames come; a mapping as in
            :func:`iohub.stream.dims_from_standard_axes`. No dimension of positions.
        dtype : dtype-like
            Type of the pixels.
        compression : {"blosc-zstd", "blosc-lz4", "zstd", "none"}, optional
            None by default, which is fastest.
        storage_order : {"ome", "acquisition"} or list of str
            Order of the axes in the file.
        backend : str
            Who writes the pixels; iohub itself by default.
        **options
            See :class:`iohub.stream.StreamOptions`.

        Returns
        -------
        OMEStream
            To be closed, best with ``with``.

        Raises
        ------
        ConflictError
            If another stream writes there, or was killed and is not recovered.
        ExistsError
            If the position has an image.
        ReadOnlyError
            If it is open for reading only.
        ValueError
            If dimensions and the rest do not fit each other.

        Examples
        --------
        >>> with position.create_stream({"t": None, "y": 512, "x": 512}, "uint16") as stream:
        ...     for frame in camera:
        ...         stream.append(frame)
        """
        stream: OMEStream = importlib.import_module(_HOME).stream_position(
            self,
            dims,
            dtype,
            compression=compression,
            storage_order=storage_order,
            backend=backend,
            options=options,
        )
        return stream


class PlateStreamVerbs:
    """Stream frames into positions of a plate."""

    def create_stream(
        self,
        dims: Sequence[Dimension] | Mapping[str, Any],
        dtype: DTypeLike,
        *,
        positions: Sequence[str | Spot] | None = None,
        compression: str | None = None,
        storage_order: str | list[str] = "ome",
        backend: str = "auto",
        **options: Any,
    ) -> OMEStream:
        """Make positions of this plate, and return what takes their frames.

        Each camera, whose frames have a shape and a type of their own, gets a stream of its own;
        several may be open at the same time.

        Parameters
        ----------
        dims : sequence of Dimension, or mapping of str to size
            In the order that frames come. One may be of positions with rows and columns; else
            `positions` are gone through after the first dimension, as ``t`` usually is.
        dtype : dtype-like
            Type of the pixels.
        positions : sequence of (str or iohub.stream.Position), optional
            Such as ``"A/1/0"``. Wells are made as needed; positions that are there must be empty.
        compression, storage_order, backend, **options
            As in :meth:`Position.create_stream`.

        Returns
        -------
        OMEStream
            To be closed, best with ``with``.

        Raises
        ------
        ExistsError
            If a position has an image.
        ReadOnlyError
            If the plate is open for reading only.
        ValueError
            If dimensions and the rest do not fit each other.

        Examples
        --------
        >>> wells = ["A/1/0", "A/2/0"]
        >>> with plate.create_stream(
        ...     {"t": 10, "y": 512, "x": 512}, "uint16", positions=wells
        ... ) as stream:
        ...     for frame in camera:
        ...         stream.append(frame)
        """
        stream: OMEStream = importlib.import_module(_HOME).stream_plate(
            self,
            dims,
            dtype,
            positions=positions,
            compression=compression,
            storage_order=storage_order,
            backend=backend,
            options=options,
        )
        return stream


class ArrayStreamVerbs:
    """Stream frames to the end of an array."""

    def stream(self, axis: str = "t", **options: Any) -> OMEStream:
        """Return what appends frames to this array; it grows along one axis.

        Frames come with `axis` slowest, and other axes in their order. The position's metadata
        stay as they are, but for the record of frames; lower resolutions of y and x grow as well.

        Parameters
        ----------
        axis : str
            Which axis grows; none of a frame, nor that of the channels.
        **options
            See :class:`iohub.stream.StreamOptions`; no `levels`, which are those there are.

        Returns
        -------
        OMEStream
            To be closed, best with ``with``.

        Raises
        ------
        ArgumentError
            If `levels` are asked for; a :class:`ValueError`.
        AxisError
            If there is no such axis, or it is one of a frame or that of the channels.
        ConflictError
            If a stream into this array still runs, or was killed and is not recovered.
        PyramidError
            If there are resolutions of other axes, which cannot be made while frames come.
        ReadOnlyError
            If the array is open for reading only.

        Examples
        --------
        >>> with position.data.stream(axis="t") as stream:
        ...     for frame in camera:
        ...         stream.append(frame)
        """
        home = importlib.import_module(_HOME)
        stream: OMEStream = home.stream_array(self, arguments.text(axis, "axis"), options)
        return stream
