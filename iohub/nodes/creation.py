"""Verbs of a position that make images: everything checked first, pixels next, metadata last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, ClassVar

from iohub.errors import (
    AxisError,
    ChannelError,
    ExistsError,
    IohubError,
    ShapeError,
)
from iohub.metadata import edits_channels, edits_image, own
from iohub.metadata.axes import default_axes, require_axes
from iohub.metadata.names import check_array_path
from iohub.metadata.transforms import TransformationMeta
from iohub.nodes import arguments
from iohub.nodes.base import join
from iohub.nodes.levels import first_transforms
from iohub.nodes.pixels import write_pixels
from iohub.nodes.placement import PlacementVerbs
from iohub.storage import grid
from iohub.storage.array import ZarrArray
from iohub.storage.codecs import DEFAULT as DEFAULT_COMPRESSION
from iohub.storage.hierarchy import kinds
from iohub.storage.spec import ArraySpec

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

    from iohub.metadata.axes import AxisMeta
    from iohub.metadata.image import ImageMeta
    from iohub.nodes.base import NGFFNode
    from iohub.nodes.image_array import ImageArray
    from iohub.types import JsonObject


class CreationVerbs(PlacementVerbs):
    """Create images in a position."""

    _defaults: NGFFNode | None
    _image_type: ClassVar[type[ImageArray]]

    def create_image(
        self,
        name: str,
        data: ArrayLike,
        chunks: Sequence[int] | None = None,
        shards_ratio: Sequence[int] | None = None,
        transform: Sequence[TransformationMeta] | None = None,
        check_shape: bool = True,
        *,
        compression: object = DEFAULT_COMPRESSION,
    ) -> ImageArray:
        """Create a new image array in the position.

        Pixels are written first and the metadata last, so an interrupted call leaves no image;
        others may change the position in the meantime.

        Parameters
        ----------
        name : str
            Name key of the new image.
        data : array-like
            Image data by the axes of the position; a dask array is written block by block.
        chunks : tuple of int, optional
            Chunk size, by default None. ZYX stack size will be used if not specified, halved along
            z, then y and x until a chunk is at most 500 MB.
        shards_ratio : tuple of int, optional
            Sharding ratio for each dimension, by default None. Each shard contains the product of
            the ratios number of chunks. No sharding will be used if not specified.
        transform : list of TransformationMeta, optional
            List of coordinate transformations, by default None: those of the first image if it
            has the same shape, else one unit per pixel. Should be specified for a non-native
            resolution level.
        check_shape : bool
            Whether to check if image shape matches dataset axes, by default True.
        compression : optional
            Blosc, Zstd, Gzip, a codec's JSON, or None; Blosc-Zstd level 1 with bit shuffling if
            not given.

        Returns
        -------
        ImageArray
            Container object for image stored as a zarr array (up to 5D).

        Raises
        ------
        ExistsError
            If there is such an image.
        ShapeError, AxisError, ChannelError
            If the shape does not fit the axes, the channels, the chunks or the shards.
        """
        values = arguments.pixels(data)
        return self._create(
            name,
            values.shape,
            values.dtype,
            fill=lambda array: write_pixels(values, array),
            chunks=chunks,
            shards_ratio=shards_ratio,
            transform=transform,
            check_shape=check_shape,
            compression=compression,
        )

    def create_zeros(
        self,
        name: str,
        shape: Sequence[int],
        dtype: DTypeLike,
        chunks: Sequence[int] | None = None,
        shards_ratio: Sequence[int] | None = None,
        transform: Sequence[TransformationMeta] | None = None,
        check_shape: bool = True,
        *,
        compression: object = DEFAULT_COMPRESSION,
    ) -> ImageArray:
        """Create a new zero-filled image array in the position.

        No pixel is written, only the array's document. This is useful for writing larger-than-RAM
        images and for writing from several processes in chunks.

        Parameters
        ----------
        name : str
            Name key of the new image.
        shape : tuple of int
            Image shape.
        dtype : dtype-like
            Data type.
        chunks, shards_ratio, transform, check_shape, compression
            As in :meth:`create_image`.

        Returns
        -------
        ImageArray
            Container object for a zero-filled image as a lazy zarr array.

        Raises
        ------
        ExistsError
            If there is such an image.
        ShapeError, AxisError, ChannelError
            If the shape does not fit the axes, the channels, the chunks or the shards.
        """
        return self._create(
            name,
            shape,
            dtype,
            fill=None,
            chunks=chunks,
            shards_ratio=shards_ratio,
            transform=transform,
            check_shape=check_shape,
            compression=compression,
        )

    # ---- how images are made ------------------------------------------------------------------

    def _create(
        self,
        name: str | int,
        shape: Sequence[int],
        dtype: DTypeLike,
        *,
        fill: Callable[[ZarrArray], None] | None,
        transform: Sequence[TransformationMeta] | None,
        check_shape: bool,
        chunks: Sequence[int] | None = None,
        shards_ratio: Sequence[int] | None = None,
        compression: object = DEFAULT_COMPRESSION,
        defaults: tuple[Sequence[str] | None, Sequence[AxisMeta]] | None = None,
    ) -> ImageArray:
        """Create an image; `defaults` are channel names and axes for a first one."""
        self._session.check_writable()
        path = check_array_path(arguments.name(name, "name"))
        check_shape = arguments.flag(check_shape, "check_shape")
        axes = self.axes
        spec = self._new_spec(shape, dtype, chunks, shards_ratio, compression, axes)
        given = None
        if transform is not None:
            given = arguments.all_of(transform, TransformationMeta, "transform")

        def document(attrs: JsonObject) -> JsonObject:
            before = self._parse(attrs)
            shown = own.read_defaults(attrs).channels if before is None else ()
            if defaults is not None:
                attrs = own.write_defaults(attrs, *defaults)
            axes = self._checked_axes(before, attrs, spec, check_shape)
            shapes = () if before is None else self._shapes(before)
            after = edits_image.add_dataset(
                before,
                path,
                transforms=first_transforms(before, shapes, spec.shape) if given is None else given,
                axes=axes,
                channel_names=self._default_channels(attrs, _channels(axes, spec)) or None,
                dtype=spec.dtype,
                name=self.name or self._session.title or "image",
                shape=spec.shape if check_shape else None,
                shapes=shapes,
                replace=self._session.overwriting,
            )
            after = edits_image.remove_pyramid(after, self._below(before, path, shapes))
            attrs = self._dump(edits_image.shown_alike(after, shown), attrs)
            self._check_labels(after, path, shapes[:1], spec)
            return own.write_layout(own.write_defaults(attrs), None)

        there, listed = self._is_there(path), path in self._names()
        if listed and there and not self._session.overwriting:
            raise self._exists(path)
        checked = self._attrs()
        made = document(checked)  # every check, before anything is written

        def after(attrs: JsonObject) -> JsonObject:
            return made if attrs == checked else document(attrs)

        if fill is not None or listed or (there and not self._leftover(path, spec)):
            return self._create_whole(path, spec, after, fill)
        array = self._create_empty(path, spec, after, there)
        return self._made(path) if array is None else self._image(array, None if defaults else axes)

    def _create_empty(
        self, path: str, spec: ArraySpec, after: Callable[[JsonObject], JsonObject], there: bool
    ) -> ZarrArray | None:
        """Create an array without pixels, or say what is `there` already of such a call.

        Two writes; if only the first is done, the same call completes it.
        """
        with self._group.lock():  # once for both
            array = None if there else self._group.create_array(path, spec)
            self._group.edit_attrs(after)
        return array

    def _create_whole(
        self,
        path: str,
        spec: ArraySpec,
        after: Callable[[JsonObject], JsonObject],
        fill: Callable[[ZarrArray], None] | None,
    ) -> ImageArray:
        """Create an image that appears with all its pixels, in the place of another if need be.

        Levels that were made of the other one go with it.
        """
        if self._is_there(path) and not self._session.overwriting:
            raise self._exists(path)
        with self._draft() as draft:
            staged = self._staged(draft, path, spec)
            if fill is not None:
                fill(staged)
            with ExitStack() as held, self._transaction() as edit:
                if self._is_there(path):
                    if not self._session.overwriting:
                        raise self._exists(path)
                    edit.replace(path)
                lower = self._below(self._document(), path)
                for name in filter(self._is_there, lower):
                    edit.delete(name)
                edit.take(draft)
                attrs = after(self._group.attrs())
                edit.put_attrs("", attrs)
                for label in self._label_levels(self._parse(attrs)) if lower else ():
                    label.commit(edit, held)
        return self._made(path)

    def _image(self, array: ZarrArray, axes: Sequence[AxisMeta] | None = None) -> ImageArray:
        return self._image_type(array, self.axes if axes is None else axes, self._session)

    def _made(self, path: str) -> ImageArray:
        image: ImageArray = self[path]
        return image

    def _leftover(self, path: str, spec: ArraySpec) -> bool:
        """Whether an interrupted call left just this empty array, which no metadata name."""
        found = self._group.load_arrays([path])[0]
        if isinstance(found, IohubError) or path in self._names():
            return False
        folders, names = self._group.store.list_dir(found.path)
        documents = spec.documents().keys() | {".zattrs"}
        return found.spec.metadata == spec.metadata and not folders and documents >= set(names)

    def _is_there(self, path: str) -> bool:
        kind = kinds(self._group.store, [join(self._group.path, path)])[0]
        return kind is not None and kind[0] == self._group.zarr_format and kind[1] != "group"

    def _exists(self, path: str) -> ExistsError:
        return ExistsError(
            f"there is an image {path!r} in {self.url}; write into it with "
            f"position[{path!r}][...] = data, delete it with del position[{path!r}], or open the "
            "store with overwriting_creation=True to replace it"
        )

    def _new_spec(
        self,
        shape: Sequence[int],
        dtype: DTypeLike,
        chunks: Sequence[int] | None,
        shards_ratio: Sequence[int] | None,
        compression: object,
        axes: Sequence[AxisMeta],
    ) -> ArraySpec:
        sizes = grid.as_shape(shape)
        fit = len(axes) == len(sizes)
        types = [axis.type for axis in axes] if fit else None
        itemsize = arguments.pixel_type(dtype).itemsize
        if chunks is None:
            chunks = grid.default_chunks(sizes, itemsize, axis_types=types)
        inner = grid.check_chunks(chunks, sizes)
        names = tuple(axis.name for axis in axes) if fit else None
        return ArraySpec.create(
            sizes,
            dtype,
            zarr_format=self._group.zarr_format,
            chunks=inner,
            shards=None if shards_ratio is None else grid.shard_shape(sizes, inner, shards_ratio),
            compression=compression,
            dimension_names=names if self._group.zarr_format == 3 else None,
        )

    def _checked_axes(
        self, document: ImageMeta | None, attrs: JsonObject, spec: ArraySpec, check_shape: bool
    ) -> tuple[AxisMeta, ...]:
        """Return the axes of a new image, checked against its shape."""
        axes = document.multiscales[0].axes if document is not None else self._default_axes(attrs)
        require_axes(axes)
        if not check_shape:
            return tuple(axes)
        if len(axes) != spec.ndim:
            names = ", ".join(axis.name for axis in axes)
            raise AxisError(
                f"shape {spec.shape} has {spec.ndim} axes, the position has {len(axes)} ({names}); "
                "give the axes when you create the store, or add axes to the data"
            )
        count = _channels(axes, spec)
        names_known = self._channel_names_in(document, attrs, count)
        if count is not None and not names_known and document is None:
            raise ChannelError(
                f"{self.url} has no channel names for {count} channels; give channel_names=[...] "
                "when you create the store"
            )
        if count is not None and names_known and count != len(names_known):
            raise ShapeError(
                f"shape {spec.shape} has {count} channels, the position has {len(names_known)}: "
                f"{names_known}"
            )
        return tuple(axes)

    def _channel_names_in(
        self, document: ImageMeta | None, attrs: JsonObject, count: int | None
    ) -> list[str]:
        if document is None:
            return self._default_channels(attrs, count)
        if document.omero is None or not document.omero.channels:
            return []
        return edits_channels.channel_names(document, len(document.omero.channels))

    def _default_channels(self, attrs: JsonObject, count: int | None = None) -> list[str]:
        """Return the names for a first image: those stored, of the plate, or given.

        Where the plate's first position has other channels by now, those that the plate was made
        with count if there are as many as the image has.
        """
        names = own.read_defaults(attrs).channel_names
        if names == ():  # noted that there are none, whatever the plate has
            return []
        if not names and self._defaults is not None:
            noted = self._defaults._noted_channels()
            names = tuple(noted if len(noted) == count else self._defaults.channel_names)
        return list(names or self._given_channels or ())

    def _noted_channels(self) -> list[str]:
        """Return the names that position or plate note, without asking other positions."""
        stored = self._noted_defaults().channel_names
        if not stored and self._defaults is not None:
            stored = tuple(self._defaults._noted_channels())
        return list(stored or self._given_channels or ())

    def _default_axes(self, attrs: JsonObject) -> tuple[AxisMeta, ...]:
        axes = own.read_defaults(attrs).axes
        if not axes and self._defaults is not None:
            axes = tuple(self._defaults.axes)
        return tuple(axes or self._given_axes or default_axes())


def _channels(axes: Sequence[AxisMeta], spec: ArraySpec) -> int | None:
    """Return the size along the channel axis; None if there is none or the axes do not fit."""
    if len(axes) != spec.ndim:
        return None
    sizes = zip(axes, spec.shape, strict=True)
    return next((size for axis, size in sizes if axis.type == "channel"), None)
