"""The verb ``export`` of every node: what it is asked; the room ``convert``, above, does it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    from iohub.convert.report import Report
    from iohub.storage.location import StoreLike
    from iohub.types import PyramidMethod

_HOME = "iohub.convert"
"""Who writes other formats; found by name, as formats are, since it stands above the nodes."""


class ExportVerbs:
    """Write a node in another format."""

    def export(
        self,
        path: StoreLike,
        format: str | None = None,
        *,
        version: str | None = None,
        layout: str = "auto",
        positions: Sequence[str] | str | None = None,
        channels: Sequence[str | int] | str | None = None,
        t: slice | range | int | str | tuple[int, int] | None = None,
        z: slice | range | int | str | tuple[int, int] | None = None,
        chunks: str | Sequence[int] | None = None,
        shard_size: int | str | None = None,
        compression: object = "same",
        levels: int | None = None,
        method: PyramidMethod = "mean",
        downscale: Sequence[str] | Mapping[str, int] = ("z", "y", "x"),
        wells: str | os.PathLike[str] | Mapping[str, str] | None = None,
        grid_layout: bool = False,
        max_memory: int | str | None = None,
        workers: int | None = None,
        overwrite: bool = False,
        restart: bool = False,
        progress: bool | Callable[[int, int], object] | None = None,
        **options: Any,
    ) -> Report:
        """Write the node, with its pixels, in another format or with other chunks.

        The destination appears when all of it is complete. A call that was interrupted is repeated:
        what is done and unchanged, here and in the source, is not done again. Several processes may
        make different positions of one destination at the same time, with ``positions``; it appears
        with the last.

        Parameters
        ----------
        path : path-like, URL or store
            The destination.
        format : {"ome-zarr", "ozx", "ome-tiff"}, optional
            By the ending of the destination if not given.
        version : {"0.4", "0.5", "0.6"}, optional
            Of OME-Zarr; that of the source, or 0.5 if that is no OME-Zarr.
        layout : {"auto", "hcs", "fov", "series"}
            What is made: a plate, an image or a series of images; by default what the source is. A
            series whose labels all name wells becomes a plate.
        positions : list of str, optional
            Keys, labels or globs, such as ``"A/1/0"``, ``"B"`` (the row) and ``"*/3/*"``.
        channels : list of (str or int), optional
            Names or numbers, in their new order.
        t, z : slice, str or int, optional
            Time points and planes, such as ``"0:10"``.
        chunks : {"plane", "volume"} or sequence of int, optional
            What is read together: single planes, whole stacks (both are halved until a chunk is
            at most 64 MiB), or a size per axis. By default those of the source if it is Zarr, else
            ``"volume"``.
        shard_size : int or str, optional
            About how large a shard is, such as ``"1 GiB"``; without it there are none, or those
            of the source. Each is written once.
        compression : optional
            Blosc, Zstd, Gzip, a codec's JSON, ``"blosc"``, ``"zstd"`` or ``"gzip"``, perhaps with a
            level as in ``"zstd:5"``, or None; by default that of the source if it is Zarr, else
            Blosc-Zstd. Other formats have names of their own.
        levels : int, optional
            Makes a pyramid of so many levels, the full resolution included, which is read once. By
            default the levels of the source are copied.
        method : {"mean", "median", "mode", "min", "max", "stride"}
            How pixels of lower levels are made; for label images it is "mode".
        downscale : sequence of str or mapping of str to int
            Axes that are halved, or their factors.
        wells : {"labels", "grid", "stage"}, mapping or CSV file, optional
            Makes a plate, and says where positions go: by their labels, row by row, where the
            stage was, or from keys or labels to wells (``{"Pos0": "A/1"}``).
        grid_layout : bool
            The same as ``wells="stage"``.
        max_memory : int or str, optional
            What pixels may take, 512 MiB by default, and more only if one shard needs more.
        workers : int, optional
            Threads; by default one per processor.
        overwrite : bool
            Whether to replace what is at the destination, once the new one is complete.
        restart : bool
            Whether to forget what interrupted calls have prepared for this destination.
        progress : bool or callable, optional
            A bar is drawn if stderr is a terminal; True always and False never draws it. A
            callable is called with bytes done and bytes in all.
        **options
            For the format: those of OME-TIFF.

        Returns
        -------
        Report
            What was done, what is kept under the key ``iohub`` since the format has no other place
            for it, and what was left out: print it. ``complete`` is False while other calls are at
            positions of the same destination.

        Raises
        ------
        ExistsError
            If something else is at the destination.
        ArgumentError, LayoutError, VersionError, ChannelError, ShapeError
            If something that was asked for is not possible; nothing is written then.
        ConflictError
            If the source was changed while it was converted; repeat the call then.

        Examples
        --------
        >>> with open_ome_zarr("scan.ome.tif") as images:
        ...     print(images.export("scan.zarr", levels=4, chunks="plane"))
        >>> plate.export("part.zarr", positions=["A/*"], channels=["DAPI"], t="0:10")
        >>> plate.export("sharded.zarr", version="0.5", chunks="plane", shard_size="1 GiB")
        """
        convert = importlib.import_module(_HOME)
        report: Report = convert.export(
            self,
            path,
            format,
            version=version,
            layout=layout,
            positions=positions,
            channels=channels,
            t=t,
            z=z,
            chunks=chunks,
            shard_size=shard_size,
            compression=compression,
            levels=levels,
            method=method,
            downscale=downscale,
            wells=wells,
            grid_layout=grid_layout,
            max_memory=max_memory,
            workers=workers,
            overwrite=overwrite,
            restart=restart,
            progress=progress,
            **options,
        )
        return report
