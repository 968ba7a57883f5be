"""Verbs of a position about labelled arrays: to xarray and back, to the right place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import ArgumentError, AxisError, ShapeError
from iohub.metadata import edits_channels, edits_image
from iohub.metadata.transforms import scale_translation
from iohub.metadata.units import canonical
from iohub.nodes import arguments
from iohub.nodes.creation import CreationVerbs
from iohub.nodes.image_array import ImageArray
from iohub.storage.casting import cast_exactly

if TYPE_CHECKING:
    import xarray

    from iohub.bridges.xarray import Grid
    from iohub.metadata.axes import AxisMeta
    from iohub.metadata.transforms import TransformationMeta
    from iohub.storage.array import ZarrArray
    from iohub.types import JsonObject, NDArray

# Where an image's own attributes keep what a DataArray says beside pixels and coordinates.
_KEY = "iohub"


class LabelledVerbs(CreationVerbs):
    """Export to, and import from, ``xarray.DataArray``."""

    def to_xarray(self, image: str | None = None) -> xarray.DataArray:
        """Export full Position data as a labeled xarray.DataArray.

        The DataArray is backed by a dask array (lazy, no data loaded until ``.values`` or
        ``.compute()`` is called). Coordinate units follow CF conventions: each coordinate carries
        its own ``attrs["units"]`` (e.g. ``xa.coords["z"].attrs["units"] == "micrometer"``).
        ``xa.attrs`` is reserved for value-level metadata (e.g. ``xa.attrs["units"] = "nanometer"``
        for retardance).

        Parameters
        ----------
        image : str, optional
            Name of the image, any level; the highest resolution if not given.

        Returns
        -------
        xarray.DataArray
            Labeled array with coordinates derived from channel names and physical scales/units.

        Raises
        ------
        MissingNodeError
            If there is no such image; a :class:`KeyError`.
        """
        from iohub.bridges import xarray as bridge

        document = self._image_document()
        first = document.multiscales[0].datasets[0].path
        name = first if image is None else self._check_image(image)
        scale, translation = edits_image.effective(document, name)
        array = self[name]
        kept = array.spec.attributes.get(_KEY) or {}
        return bridge.to_dataarray(
            array.dask_array(),
            document.multiscales[0].axes,
            scale,
            translation,
            self.channel_names,
            name=kept.get("name"),
            attrs=kept.get("attrs"),
        )

    def write_xarray(self, data_array: xarray.DataArray, image: str = "0") -> None:
        """Write an xarray.DataArray into this Position.

        A piece that was selected by channels, times or z/y/x regions is written to its place,
        which its coordinates tell. The image array is created on first call; if the piece was cut
        from an array that :meth:`to_xarray` made, it is created in full, with the scale of the
        whole. Times that follow extend an image that has no pyramid.

        Scales, translations, axis units and the DataArray's attrs are set from the first write.
        Subsequent writes update the attrs, and, if they cover the whole image, its scale and
        translation; a part with other ones is refused. So is what lies beside the image along one
        axis, by half its length or more: it may be the next slice or tile, and would take the
        place of this one. :meth:`set_transform` moves an image anywhere.

        Pieces go in any order if they know the whole: those selected from what
        :meth:`to_xarray` returned do, as do others whose coordinates have the attrs ``scale``,
        ``translation`` and ``size``. Else the first time comes first, or the whole image is made
        before, with :meth:`create_zeros` and :meth:`set_transform`.

        Parameters
        ----------
        data_array : xarray.DataArray
            Labeled array with the axes of the position, in any order; of dask, it is written block
            by block. The "c" coordinate must be a subset of this Position's channel names. Other
            coordinates are mapped to indices via the scale and translation.
        image : str
            Name of the image array to write to, by default "0".

        Raises
        ------
        AxisError
            If the dimensions or their units are not those of the position.
        ChannelError
            If a channel is not one of the position.
        ShapeError
            If a coordinate is not a pixel of the image, or coordinates are not evenly spaced;
            nothing is written then.
        DTypeError
            If the image's data type cannot hold a value.
        """
        from iohub.bridges import xarray as bridge

        self._session.check_writable()
        image = arguments.name(image, "image")
        if not bridge.is_labelled(data_array):
            raise ArgumentError(
                f"data_array is an xarray.DataArray, not {arguments.shown(data_array)}; write "
                "plain arrays with create_image() or position[image][...] = data"
            )
        piece = bridge.arranged(data_array, self.axes)
        kept = _kept(piece)
        if image not in self._names():
            self._create_for(piece, image, kept)
            return
        target = self[image]
        index, grown, changed = self._index_of(piece, target, image)
        data = piece.data
        if isinstance(data, np.ndarray):  # what does not fit is refused before anything changes
            data = cast_exactly(data, target.dtype, target.name)
        if grown:
            target.resize(grown)
        _write_piece(target, data, index)
        if changed:
            self._move(image, changed)
        _keep(target, kept)

    # ---- how ----------------------------------------------------------------------------------

    def _create_for(self, piece: xarray.DataArray, image: str, kept: JsonObject) -> None:
        """Create the image that a labelled piece belongs to, in full, with the piece in it."""
        from iohub.bridges import xarray as bridge

        first = self._document() is None
        axes = self.axes
        names = self.channel_names
        dims = [str(dim) for dim in piece.dims]
        if first and not names:
            names = [
                str(v)
                for axis, dim in zip(axes, dims, strict=True)
                if axis.type == "channel"
                for v in np.atleast_1d(piece.coords[dim].values if dim in piece.coords else [])
            ]
        grids: list[Grid] = []
        units: list[AxisMeta] = []
        index: list[NDArray] = []
        for axis, dim in zip(axes, dims, strict=True):
            if axis.type == "channel":
                index.append(bridge.channel_index(piece, dim, names))
                grids.append(bridge.Grid(len(names)))
                units.append(axis)
                continue
            grid = bridge.grid_of(piece, dim, bridge.Grid(piece.sizes[dim], unit=axis.unit))
            grids.append(grid)
            index.append(bridge.axis_index(piece, dim, grid))
            units.append(
                axis.replace(unit=canonical(grid.unit) if grid.unit else None)
                if first
                else self._same_unit(axis, grid.unit)
            )

        def fill(array: ZarrArray) -> None:
            target = ImageArray(array, axes, self._session)
            _write_piece(target, piece.data, index)
            _keep(target, kept)

        self._create(
            image,
            [g.size for g in grids],
            piece.dtype,
            fill=fill,
            transform=self._transform_of(grids),
            check_shape=True,
            defaults=(names or None, units) if first else None,
        )

    def _transform_of(self, grids: Sequence[Grid]) -> list[TransformationMeta]:
        """Return an image's own transforms that, with those of the whole FOV, make a grid."""
        scale = [g.step for g in grids]
        origin = [g.origin for g in grids]
        document = self._document()
        if document is not None:
            outer, shift = edits_image.effective(document, edits_image.WHOLE)
            scale = [s / o for s, o in zip(scale, outer, strict=True)]
            origin = [(w - t) / o for w, t, o in zip(origin, shift, outer, strict=True)]
        return list(scale_translation(scale, origin if any(origin) else None))

    def _same_unit(self, axis: AxisMeta, unit: str | None) -> AxisMeta:
        if unit and axis.unit and canonical(unit) != canonical(axis.unit):
            raise AxisError(
                f"axis {axis.name!r} of {self.url} is in {axis.unit}, the coordinate in {unit}; "
                "convert the coordinate"
            )
        return axis

    def _index_of(
        self, piece: xarray.DataArray, target: ImageArray, image: str
    ) -> tuple[list[NDArray], list[int], dict[int, Grid]]:
        """Return what writing a piece needs, changing nothing.

        The index of each label per axis; the shape that the image must have, if it must grow; and
        the axes whose grid becomes another one.
        """
        from iohub.bridges import xarray as bridge

        scale, translation = edits_image.effective(self._image_document(), image)
        index: list[NDArray] = []
        changed = self._new_grids(piece, target, scale, translation)
        shape = list(target.shape)
        for i, (axis, dim) in enumerate(zip(self.axes, map(str, piece.dims), strict=True)):
            if axis.type == "channel":
                names = edits_channels.numbered_names(self.channel_names, target.shape[i])
                index.append(bridge.channel_index(piece, dim, names))
                continue
            grid = bridge.Grid(target.shape[i], scale[i], translation[i], axis.unit)
            if dim in piece.coords:
                self._same_unit(axis, piece.coords[dim].attrs.get("units"))
            if i in changed:
                grid = changed[i]
            elif axis.type == "time":
                longer = self._extended(piece, dim, grid, target)
                if longer.step != grid.step:
                    changed[i] = longer
                grid, shape[i] = longer, longer.size
            index.append(bridge.axis_index(piece, dim, grid))
        return index, shape if tuple(shape) != target.shape else [], changed

    def _new_grids(
        self,
        piece: xarray.DataArray,
        target: ImageArray,
        scale: Sequence[float],
        translation: Sequence[float],
    ) -> dict[int, Grid]:
        """Return the grid of each axis that a piece gives other coordinates, as it is the whole.

        None for a part, which cannot speak for the rest of the image, nor for what follows in
        time, nor for what may be the next piece along an axis.
        """
        from iohub.bridges import xarray as bridge

        if piece.shape != target.shape:
            return {}
        changed: dict[int, Grid] = {}
        beside: list[int] = []
        for i, (axis, dim) in enumerate(zip(self.axes, map(str, piece.dims), strict=True)):
            if axis.type == "channel":
                continue
            grid = bridge.Grid(target.shape[i], scale[i], translation[i], axis.unit)
            new = bridge.regrid(piece, dim, grid)
            if new is None:
                continue
            changed[i] = new
            if bridge.is_beside(new, grid):
                beside.append(i)
                if axis.type == "time":
                    return {}
        return {} if len(beside) == 1 else changed

    def _extended(self, piece: xarray.DataArray, dim: str, grid: Grid, target: ImageArray) -> Grid:
        """Return the grid that has also the times behind its end; a pyramid would stay behind."""
        from iohub.bridges import xarray as bridge

        longer = bridge.extended(piece, dim, grid)
        if longer is None:
            return grid
        if len(self._names()) > 1:
            raise ShapeError(
                f"times up to index {longer.size - 1} do not fit image {target.path!r} with "
                f"{grid.size}, and the other images of {self.url} ({', '.join(self._names())}) "
                "would stay behind; delete_pyramid() first, or delete them"
            )
        return longer

    def _move(self, image: str, changed: dict[int, Grid]) -> None:
        """Give axes another scale and translation, as labels that cover them say."""

        def edit(document: Any) -> Any:
            for axis, grid in changed.items():
                scale, _ = edits_image.effective(document, edits_image.WHOLE)
                document = edits_image.set_scale(document, image, axis, grid.step / scale[axis])
            _, shift = edits_image.effective(document, image)
            move = [changed[i].origin - v if i in changed else 0.0 for i, v in enumerate(shift)]
            paths = document.multiscales[0].get_dataset_paths()
            for path in paths if image == paths[0] else [image]:
                document = edits_image.set_transforms(document, path, _moved(document, path, move))
            return document

        self._change_transforms(edit)


def _moved(document: Any, image: str, move: Sequence[float]) -> tuple[TransformationMeta, ...]:
    """Return a level's own transforms that put it so much farther in the world."""
    scale, shift = edits_image.effective(document, image)
    outer, outer_shift = edits_image.effective(document, edits_image.WHOLE)
    return scale_translation(
        [s / o for s, o in zip(scale, outer, strict=True)],
        [
            (value + by - base) / o
            for value, by, base, o in zip(shift, move, outer_shift, outer, strict=True)
        ],
    )


def _keep(target: ImageArray, kept: JsonObject) -> None:
    """Add to an image's attributes what a DataArray says beside pixels and coordinates."""
    known = target.spec.attributes.get(_KEY) or {}
    if not kept or kept == known:
        return
    merged = {**known, "attrs": {**(known.get("attrs") or {}), **kept.get("attrs", {})}}
    if "name" in kept:
        merged["name"] = kept["name"]
    target.attrs[_KEY] = merged


def _kept(piece: xarray.DataArray) -> JsonObject:
    """Return what a DataArray says beside pixels and coordinates, as JSON.

    Raises
    ------
    ShapeError
        If an attribute cannot be JSON; nothing is written then.
    """
    import json

    kept: JsonObject = {}
    if piece.name is not None:
        kept["name"] = str(piece.name)
    if piece.attrs:
        try:
            kept["attrs"] = json.loads(json.dumps(dict(piece.attrs), default=_as_json))
        except (TypeError, ValueError) as error:
            raise ShapeError(
                f"attrs of the DataArray cannot be stored as JSON ({error}); remove them with "
                ".drop_attrs() or make them numbers, strings, lists or dicts"
            ) from error
    return kept


def _as_json(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON")


def _runs(index: NDArray) -> Iterator[tuple[slice, slice]]:
    """Split an index into ascending runs: where from in the piece, where to in the image."""
    cuts = np.flatnonzero(np.diff(index) != 1) + 1
    for start, stop in zip([0, *cuts], [*cuts, len(index)], strict=True):
        first = int(index[start])
        yield slice(int(start), int(stop)), slice(first, first + int(stop - start))


def _write_piece(target: ImageArray, data: Any, index: list[NDArray]) -> None:
    """Write a piece run by run, each a box in the image."""
    if any(len(part) == 0 for part in index):
        return
    for runs in product(*(list(_runs(part)) for part in index)):
        target[tuple(there for _, there in runs)] = data[tuple(here for here, _ in runs)]
