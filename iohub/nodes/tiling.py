"""Verbs of plates and positions for tiles; the room ``tiles``, above, does what they say."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from iohub.nodes import arguments

if TYPE_CHECKING:
    import pandas as pd

    from iohub.nodes.position import Position
    from iohub.types import PathLikeStr

# Who does it; found by name, as formats are, since it stands above the nodes.
_NODES, _STITCH = "iohub.tiles.nodes", "iohub.tiles.stitch"


def _check_sources(labels: Any) -> None:
    """Label images have names, and a column or sources each."""
    if labels is not None:
        for name, sources in arguments.one_of(labels, Mapping, "labels").items():
            arguments.text(name, "a name in labels")
            if not isinstance(sources, str):
                arguments.listed(sources, f"labels[{name!r}]", "sources, or the name of a column")


class PlateTileVerbs:
    """Put tiles into a plate, and its positions together."""

    def add_tiles(
        self,
        tiles: Iterable[Any] | pd.DataFrame,
        options: Any = None,
        *,
        acquisition_details: Any = None,
        acquisition_id: int = 0,
        when: Literal["no", "extend", "overwrite"] = "no",
        blend: Literal["last", "linear"] = "last",
        refined: bool | Mapping[str, Any] = False,
        filters: Sequence[Any] | None = None,
        validators: Sequence[Any] | None = None,
        resource: Any = None,
        probe: int | None = 1,
        share_limits: bool = False,
        labels: Mapping[str, str | Sequence[Any]] | None = None,
        unique_labels: bool = True,
        memory: int = 256 << 20,
        workers: int | None = None,
        run: Any = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Position]:
        """Add images made of tiles: registered, stitched, with levels, windows and tables.

        All is planned and checked before anything is written. Each image appears as a whole; a
        call that was interrupted is repeated with ``when="extend"``.

        Parameters
        ----------
        tiles : iterable of iohub.tiles.Tile, or pandas.DataFrame
            The tiles. A table has one row per tile, with ``file_path``, ``row``, ``column``,
            ``fov_name``, ``start_x``, ``start_y``, ``length_x``, ``length_y`` …; further columns
            are attributes, which go to the condition table.
        options : iohub.tiles.ConverterOptions or mapping, optional
            How tiles are placed and images stored; the version of OME-Zarr is the plate's.
        acquisition_details : iohub.tiles.AcquisitionDetails or mapping, optional
            Needed for a table: pixel sizes, channels, axes.
        acquisition_id : int
            Of the plate, for a table.
        when : {"no", "extend", "overwrite"}
            What happens to images that are there: an error before anything is written; complete
            ones of the same tiles are kept and the others made; or all are replaced.
        blend : {"last", "linear"}
            Where tiles overlap the last one is seen, or they fade into each other.
        refined : bool or mapping
            Whether positions are corrected by what overlaps show (phase correlation); a mapping
            has arguments of :func:`iohub.tiles.refine.refine`, such as ``max_shift``.
        filters, validators : sequence, optional
            Which tiles are kept, and what images must hold.
        resource : object, optional
            For loaders: the directory that relative paths start from.
        probe : int, optional
            How many tiles of an image are looked at before it is written even if that means to
            read their pixels; all if None. Those whose size and type are known from the start of
            a local file, or of an array, are always looked at.
        share_limits : bool
            Whether channels of one name get the same contrast limits in all these images.
        labels : mapping of str to (str or sequence), optional
            Label images that are put together as the tiles are: by name the column of the table
            that holds the file with the labels of each tile, or as many sources (path, array,
            node, function) as there are tiles; none (None, an empty cell) where a tile has none.
        unique_labels : bool
            Whether labels of each field of view are counted on from those of the one before, so
            that no two objects share one; else they stay as they are.
        memory : int
            Decoded pixels to hold at a time [bytes], and as much again of tiles.
        workers : int, optional
            Threads or processes; if not given what the options say, else one per processor.
        run : {"threads", "processes"} or executor or dask.distributed.Client, optional
            Who does the work; threads of this process if not given.
        progress : callable, optional
            Told pixels done and pixels in all.

        Returns
        -------
        list of Position
            One for each image, in the order of the tiles.

        Raises
        ------
        TilingError
            If tiles do not go together, would hide each other, or cannot be put side by side.
        ExistsError
            If there is an image already, see `when`.
        ShapeError, DTypeError, FormatError, NotFoundError
            If a tile is not as it was said to be, or cannot be read; image, tile and file are
            named. That image is not there then; those before it are.

        Examples
        --------
        >>> details = {"pixelsize": 0.325, "channels": [{"channel_label": "DAPI"}]}
        >>> plate.add_tiles(pandas.read_csv("tiles.csv"), acquisition_details=details)
        """
        _check_sources(labels)
        made: list[Position] = importlib.import_module(_NODES).add_tiles(
            self,
            tiles,
            options,
            acquisition_details=acquisition_details,
            acquisition_id=acquisition_id,
            when=when,
            blend=blend,
            refined=refined,
            filters=filters,
            validators=validators,
            resource=resource,
            probe=probe,
            share_limits=share_limits,
            labels=labels,
            unique_labels=unique_labels,
            memory=memory,
            workers=workers,
            run=run,
            progress=progress,
        )
        return made

    def stitch(
        self,
        positions: Sequence[Position | str] | None = None,
        name: str = "stitched",
        *,
        well: str | None = None,
        tiling: Literal["inplace", "auto", "grid", "corners"] = "inplace",
        tolerance: float = 1.0,
        orientation: Mapping[str, bool] | None = None,
        refined: bool | Mapping[str, Any] = False,
        blend: Literal["last", "linear"] = "last",
        levels: int = 5,
        labels: bool | Sequence[str] = True,
        unique_labels: bool = True,
        when: Literal["no", "extend", "overwrite"] = "no",
        memory: int = 256 << 20,
        workers: int | None = None,
        run: Any = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Position:
        """Put positions together to one image of the plate, by where the stage was.

        Parameters
        ----------
        positions : sequence of Position or str, optional
            Of this plate, by path, or of any other file that iohub opens; all of the well (or of
            the plate, if it has one well) if not given. Where no stage position was noted, the
            translation of the image counts.
        name : str
            Of the new image in its well.
        well : str, optional
            Where the image goes, such as "A/1"; that of the positions if not given.
        tiling : {"inplace", "auto", "grid", "corners"}
            Where the stage was, or side by side; see :func:`iohub.tiles.register.tile`.
        tolerance : float
            How much steps of a grid may differ [pixels].
        orientation : mapping, optional
            ``flip_x``, ``flip_y``, ``swap_xy``: how the axes of the stage lie to those of images.
        refined, blend, when, memory, workers, run, progress
            See :meth:`add_tiles`.
        levels : int
            Levels of the pyramid, the full resolution included.
        labels : bool or sequence of str
            Which label images of the positions are put together alike: all, none, or those named.
            What is said of single labels (colours, properties) is not taken along.
        unique_labels : bool
            See :meth:`add_tiles`.

        Returns
        -------
        Position
            The new image.

        Raises
        ------
        ArgumentError
            If there are no positions, or those of several wells and no `well`.
        TilingError, ShapeError
            If positions differ in axes, type, channels or pixel size, or two lie at one place.
        ExistsError
            If there is such an image.

        Examples
        --------
        >>> plate.stitch(well="A/1", blend="linear")
        """
        made: Position = importlib.import_module(_STITCH).stitch(
            self,
            positions,
            name,
            well=well,
            tiling=tiling,
            tolerance=tolerance,
            orientation=orientation,
            refined=refined,
            blend=blend,
            levels=levels,
            labels=labels,
            unique_labels=unique_labels,
            when=when,
            memory=memory,
            workers=workers,
            run=run,
            progress=progress,
        )
        return made


class PositionTileVerbs:
    """Make an image of tiles."""

    @classmethod
    def from_tiles(
        cls,
        store_path: PathLikeStr,
        tiles: Iterable[Any] | pd.DataFrame,
        options: Any = None,
        *,
        acquisition_details: Any = None,
        when: Literal["no", "extend", "overwrite"] = "no",
        blend: Literal["last", "linear"] = "last",
        refined: bool | Mapping[str, Any] = False,
        resource: Any = None,
        version: str | None = None,
        probe: int | None = 1,
        labels: Mapping[str, str | Sequence[Any]] | None = None,
        unique_labels: bool = True,
        memory: int = 256 << 20,
        workers: int | None = None,
        run: Any = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Position:
        """Make a new store with one image of tiles.

        Parameters
        ----------
        store_path : path-like
            Where to.
        tiles, options, acquisition_details
            See :meth:`Plate.add_tiles`; all of one image.
        when, blend, refined, resource, probe, labels, unique_labels
            See :meth:`Plate.add_tiles`.
        memory, workers, run, progress
            See :meth:`Plate.add_tiles`.
        version : str, optional
            Of OME-Zarr; what the options say if not given.

        Returns
        -------
        Position
            The image, open for writing.

        Raises
        ------
        TilingError
            If the tiles make several images.
        ExistsError, ShapeError, DTypeError, FormatError, NotFoundError
            See :meth:`Plate.add_tiles`.

        Examples
        --------
        >>> Position.from_tiles("scan.zarr", tiles, {"tiling_mode": "Inplace"})
        """
        _check_sources(labels)
        made: Position = importlib.import_module(_NODES).from_tiles(
            store_path,
            tiles,
            options,
            acquisition_details=acquisition_details,
            when=when,
            blend=blend,
            refined=refined,
            resource=resource,
            version=version,
            probe=probe,
            labels=labels,
            unique_labels=unique_labels,
            memory=memory,
            workers=workers,
            run=run,
            progress=progress,
        )
        return made
