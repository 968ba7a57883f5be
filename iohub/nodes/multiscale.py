"""A multiscale image: one document, and its resolution levels as arrays; of any kind of image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from iohub.errors import IohubError, MissingNodeError, PyramidError
from iohub.metadata import edits_channels, edits_image, own
from iohub.metadata.image import ImageMeta
from iohub.metadata.telling import told_to
from iohub.nodes.base import NGFFNode
from iohub.nodes.coordinates import CoordinateVerbs
from iohub.nodes.image_array import ImageArray
from iohub.nodes.pyramid import PyramidVerbs
from iohub.storage.keys import DOCUMENTS, join

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from iohub.metadata.axes import AxisMeta
    from iohub.types import JsonObject


class MultiscaleNode(CoordinateVerbs, PyramidVerbs):
    """The group level that holds the arrays of one image, whatever the image shows.

    See :class:`NGFFNode` for the parameters; `defaults` is the node whose channels and axes a
    first image takes over.
    """

    _kind: ClassVar[str] = "image"
    _image_type: ClassVar[type[ImageArray]] = ImageArray

    def __init__(self, *args: Any, defaults: NGFFNode | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._defaults = defaults

    # ---- the document -------------------------------------------------------------------------

    def _parse(self, attrs: JsonObject) -> ImageMeta | None:
        if not self._spelling.has(attrs, "multiscales"):
            return None
        with told_to(self._session.listener(self.url)):
            return self._spelling.parse_image(attrs, strict=self._session.strict)

    def _dump(self, document: ImageMeta | None, attrs: JsonObject) -> JsonObject:
        return self._spelling.dump_image(document, attrs)

    @property
    def metadata(self) -> ImageMeta | None:
        """The image's document: multiscales and omero; None before the first image."""
        document: ImageMeta | None = self._document()
        return document

    @property
    def channel_names(self) -> list[str]:
        """Channel names; numbers for channels that nothing names."""
        document = self._document()
        if document is None:
            return self._default_channels(self._attrs())
        if document.omero is not None and document.omero.channels:
            return edits_channels.channel_names(document)
        noted, count = self._noted_channels(), self._channel_count(document)
        if noted and len(noted) == count:
            return noted
        return edits_channels.channel_names(document, count)

    def _channel_count(self, document: ImageMeta) -> int:
        """Return the size of the channel axis; the number of names where it has none."""
        multiscale = document.multiscales[0]
        axis = edits_image.channel_axis(document)
        if axis is None or self._session.closed:
            return len(document.omero.channels) if document.omero is not None else 0
        array = self._group.load_arrays([multiscale.datasets[0].path])[0]
        if isinstance(array, IohubError):
            return len(document.omero.channels) if document.omero is not None else 0
        return array.spec.shape[axis] if axis < array.spec.ndim else 0

    @property
    def axes(self) -> list[AxisMeta]:
        """Axes metadata; before the first image, those that it will have."""
        document = self._document()
        if document is not None:
            return list(document.multiscales[0].axes)
        return list(self._default_axes(self._attrs()))

    @property
    def axis_names(self) -> list[str]:
        """Lowercase names of the axes of the highest resolution level."""
        return [axis.name.lower() for axis in self.axes]

    # ---- images -------------------------------------------------------------------------------

    def _names(self) -> list[str]:
        document = self._document()
        return document.multiscales[0].get_dataset_paths() if document is not None else []

    @property
    def data(self) -> ImageArray:
        """The array named "0", which is usually the raw data (finest resolution of a pyramid).

        Where no array has that name, the first level that the metadata name.

        Raises
        ------
        MissingNodeError
            If there is no image; a :class:`KeyError`.
        """
        names = self._names()
        return self["0" if "0" in names or not names else names[0]]

    def __getitem__(self, key: int | str | tuple[int | str, ...]) -> ImageArray:
        """Get an image array member of the position, e.g. a resolution level.

        Parameters
        ----------
        key : int or str
            Name or path to the image array. An integer is converted to a name.

        Returns
        -------
        ImageArray
            Container object for image stored as a zarr array (up to 5D).

        Raises
        ------
        MissingNodeError
            If there is no such array; a :class:`KeyError` that names the nearest ones.
        """
        self._session.check_open()
        path = "/".join(self._split(key))
        if not path:
            raise self._missing(key)
        found = self._group.load_arrays([path])[0]
        if isinstance(found, MissingNodeError):
            raise self._missing(path) from None
        if isinstance(found, IohubError):
            raise found
        return self._image(found)

    def __setitem__(self, key: int | str, value: ArrayLike) -> None:
        """Write an up-to-5D image with default settings.

        Parameters
        ----------
        key : int or str
            Name of the new image.
        value : array-like
            Pixels by the axes of the position.

        Raises
        ------
        ExistsError
            If there is such an image and the store was not opened with
            ``overwriting_creation=True``; write into it with ``position[key][...] = value``.
        """
        self.create_image("/".join(self._split(key)), value)

    def __delitem__(self, key: int | str) -> None:
        """Delete an image array, and what the metadata say of it.

        After the last one a position keeps its axes and channels, and how these are shown, for the
        next image. An array that cannot be read is deleted too, if the metadata name it.

        Parameters
        ----------
        key : int or str
            Name of the image.

        Raises
        ------
        MissingNodeError
            If there is no such image; a :class:`KeyError`.
        PyramidError
            If it is the image that lower levels were made of; a :class:`ValueError`.
        """
        name = "/".join(self._split(key))
        if name not in self._names():
            self[name]
        with self._transaction() as edit:
            there, document = self._is_there(name), self._document()
            if not there and name not in self._names():
                raise self._missing(name)
            if there:
                edit.delete(self._alone(name))
            if name in self._names():
                if lower := self._below(document, name):
                    raise PyramidError(
                        f"the levels {lower} of {self.url} were made of {name!r}; "
                        "delete_pyramid() first"
                    )
                attrs, after = self._group.attrs(), edits_image.remove_dataset(document, name)
                if after is None:
                    attrs = self._emptied(attrs)
                edit.put_attrs("", self._dump(after, attrs))

    def _alone(self, name: str) -> str:
        """Return the topmost group without attributes that holds nothing but this image."""
        store = self._group.store
        while "/" in name:
            above, _, last = name.rpartition("/")
            folders, names = store.list_dir(join(self._group.path, above))
            bare = self._group.load_many([above]) == [{}]
            if not bare or folders != [last] or not set(names) <= set(DOCUMENTS):
                break
            name = above
        return name

    def _emptied(self, attrs: JsonObject) -> JsonObject:
        """Return attributes that note what the next image needs of the last one, which goes."""
        document = self._image_document()
        shown = document.omero.channels if document.omero is not None else ()
        attrs = own.write_defaults(attrs, self.channel_names, self.axes, shown)
        return own.write_layout(attrs, "fov") if self.is_root() else attrs

    def images(self) -> Iterator[tuple[str, ImageArray]]:
        """Return a generator over name and value of all the image arrays in the group.

        Yields
        ------
        tuple of (str, ImageArray)
            Name and image array object.
        """
        for name in self._names():
            yield name, self[name]
