"""The label images of a position: a mapping by path, kept in step with the list in its document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from iohub.display import Column, PageSummary, Summary, Table, TreeSummary, human_shape
from iohub.errors import IohubError, NotFoundError
from iohub.metadata import edits_labels
from iohub.metadata.labels import LabelsMeta
from iohub.nodes import label_creation as creation
from iohub.nodes.base import join
from iohub.nodes.label import Label
from iohub.nodes.label_moves import LabelMoveVerbs
from iohub.storage.codecs import DEFAULT as DEFAULT_COMPRESSION
from iohub.storage.transaction import Transaction

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

    from iohub.nodes.position import Position
    from iohub.types import JsonObject, PyramidMethod


class Labels(LabelMoveVerbs):
    """The label images of a position, by path.

    Found as ``position.labels``, also where there are none yet: the group is made with the first
    one, and goes with the last one.

    Examples
    --------
    >>> position.labels.create("cells", ids)  # (Z, Y, X) or the image's axes
    >>> position.labels["cells"].to_xarray()
    >>> for path, label in position.labels.items():
    ...     print(path, label.data.shape)
    >>> del position.labels["cells"]
    """

    _kind: ClassVar[str] = "labels"

    @classmethod
    def of(cls, image: Position) -> Labels:
        """Return the label images of a position; nothing is read."""
        return cls(
            image._group.group(edits_labels.FOLDER),
            False,
            version=image.version,
            session=image._session,
            image=image,
        )

    # ---- the document -------------------------------------------------------------------------

    def _attrs(self) -> JsonObject:
        try:
            return super()._attrs()
        except NotFoundError:
            return {}

    def _parse(self, attrs: JsonObject) -> LabelsMeta:
        if not self._spelling.has(attrs, "labels"):
            return LabelsMeta(labels=())
        return self._spelling.parse_labels(attrs, strict=self._session.strict)

    def _dump(self, document: LabelsMeta, attrs: JsonObject) -> JsonObject:
        return self._spelling.dump_labels(document, attrs)

    @property
    def metadata(self) -> LabelsMeta:
        """The list of label images."""
        document: LabelsMeta = self._document()
        return document

    # ---- navigation ---------------------------------------------------------------------------

    def _names(self) -> list[str]:
        return list(self._document().labels)

    def _label(self, path: str) -> Label:
        return Label(
            self._group.group(path),
            parse_meta=False,
            version=self.version,
            session=self._session,
            image=self._image,
        )

    def __getitem__(self, key: Any) -> Any:
        """Get a label image ("cells", "original/0"), or a level of one ("cells/0").

        Parameters
        ----------
        key : str, int or tuple
            A path, or its parts. A label image that exists without being listed is found too.

        Raises
        ------
        MissingNodeError
            If there is no such label image; a :class:`KeyError` that names the nearest ones.
        """
        names = self._split(key)
        path = "/".join(names)
        listed = self._names()
        for count in range(len(names), 0, -1):
            found = "/".join(names[:count])
            label = self._label(found)
            if not label._group.exists():
                if found in listed:
                    raise self._missing(found, "It is listed but missing.")
                continue
            if found in listed or self._spelling.has(label._group.attrs(), "multiscales"):
                return label[tuple(names[count:])] if count < len(names) else label
        raise self._missing(path)

    def __setitem__(self, key: str, value: ArrayLike) -> None:
        """Create a label image with default settings; see :meth:`create`."""
        self.create("/".join(self._split(key)), value)

    def items(self) -> Iterator[tuple[str, Label]]:
        """Return a generator over path and value of the label images that are listed.

        Yields
        ------
        tuple of (str, Label)
            Path and label image.
        """
        for path in self._names():
            yield path, self[path]

    def values(self) -> Iterator[Label]:
        """Return a generator over the label images that are listed."""
        return (label for _, label in self.items())

    # ---- making and removing ------------------------------------------------------------------

    def create(
        self,
        path: str,
        data: ArrayLike,
        *,
        axes: Sequence[str] | None = None,
        levels: int | None = None,
        method: PyramidMethod = "mode",
        chunks: Sequence[int] | None = None,
        shards_ratio: Sequence[int] | None = None,
        compression: object = DEFAULT_COMPRESSION,
    ) -> Label:
        """Create a label image with its pyramid, which has no ids that `data` has not.

        The label image is there with all its levels, or, if the call is interrupted, not at all.

        Parameters
        ----------
        path : str
            Where it is to be, such as "cells" or "original/0".
        data : array-like
            Integers: the label of each pixel, 0 for none. Along each axis as long as the image,
            or 1. A dask array is written block by block; a labelled xarray.DataArray says by its
            dimensions which axes it has.
        axes : sequence of str, optional
            Which of the image's axes `data` has. If not given: all, if there are as many; else
            the last ones, without the channel axis.
        levels : int, optional
            Number of levels; as many as the image has if not given.
        method : {"mode", "stride", "min", "max"}
            How lower levels are made, by default of the most frequent label.
        chunks : tuple of int, optional
            Chunk size; that of the image (and its shards) if not given.
        shards_ratio : tuple of int, optional
            Chunks per shard along each axis.
        compression : optional
            As in :meth:`Position.create_image`.

        Returns
        -------
        Label
            The new label image.

        Raises
        ------
        ExistsError
            If there is such a label image, and the store was not opened with
            ``overwriting_creation=True``.
        DTypeError
            If `data` are no integers.
        ShapeError, AxisError, PathError
            If the shape does not fit the image, or the path is not allowed.
        MissingNodeError
            If the position has no image yet, or the labels were opened without their position.
        PyramidError
            If the method would make ids that no object has.
        """
        values = data if hasattr(data, "shape") and hasattr(data, "dtype") else np.asarray(data)
        dims = getattr(values, "dims", None)
        if dims is not None and hasattr(values, "data"):
            axes = [str(dim) for dim in dims] if axes is None else axes
            values = values.data
        return self._create(
            path,
            values.shape,
            values.dtype,
            values,
            axes=axes,
            levels=levels,
            method=method,
            chunks=chunks,
            shards_ratio=shards_ratio,
            compression=compression,
        )

    def create_zeros(
        self,
        path: str,
        shape: Sequence[int] | None = None,
        dtype: DTypeLike = "uint32",
        *,
        axes: Sequence[str] | None = None,
        levels: int | None = None,
        chunks: Sequence[int] | None = None,
        shards_ratio: Sequence[int] | None = None,
        compression: object = DEFAULT_COMPRESSION,
    ) -> Label:
        """Create a label image of zeros, to be written into later; no pixel is written.

        Write level 0 with ``label["0"][...] = ids``, then fill the others with
        ``label.compute_pyramid()``.

        Parameters
        ----------
        path : str
            Where it is to be.
        shape : tuple of int, optional
            Its shape; that of the image without the channel axis if not given.
        dtype : dtype-like
            An integer type, by default uint32.
        axes, levels, chunks, shards_ratio, compression
            As in :meth:`create`.

        Returns
        -------
        Label
            The new label image.

        Raises
        ------
        ExistsError, DTypeError, ShapeError, AxisError, PathError, MissingNodeError
            As in :meth:`create`.
        """
        if shape is None:
            image = self._position(path)
            names = None if axes is None else [str(name).lower() for name in axes]
            shape = [
                size
                for axis, size in zip(image.axes, image.data.shape, strict=True)
                if (axis.type != "channel" if names is None else axis.name.lower() in names)
            ]
        return self._create(
            path,
            shape,
            dtype,
            None,
            axes=axes,
            levels=levels,
            method="mode",
            chunks=chunks,
            shards_ratio=shards_ratio,
            compression=compression,
        )

    def _create(
        self, path: str, shape: Sequence[int], dtype: DTypeLike, values: Any, **how: Any
    ) -> Label:
        """Plan, then write in one edit of the position's group."""
        self._session.check_writable()
        image = self._position(path)
        name = str(path)
        others = [n for n in self._names() if n != name or not self._session.overwriting]
        edits_labels.check_label_path(name, others)
        parent = creation.Parent.of(image)
        plan = creation.plan_label(
            parent, name, shape, dtype, zarr_format=self._group.zarr_format, **how
        )
        attrs = self._spelling.dump_image(plan.document, self._spelling.empty_group())
        folder = edits_labels.FOLDER
        with Transaction(image._group) as edit:
            others = [n for n in self._names() if n != name or not self._session.overwriting]
            edits_labels.check_label_path(name, others)
            place = join(folder, name)
            if self._session.overwriting and self._group.group(name).exists():
                edit.replace(place)
            creation.write_label(self._group, edit.stage(place), plan, attrs, values)
            self._make_between(edit, name)
            listed = edits_labels.add_label(self._document(), name)
            edit.put_attrs(folder, self._dump(listed, self._attrs() or self._empty()))
        return self._label(name)

    def _empty(self) -> JsonObject:
        return self._spelling.empty_group()

    # ---- how it looks -------------------------------------------------------------------------

    def _summary(self, *, brief: bool = False) -> Summary:
        from iohub.nodes import summaries

        head = summaries.head(self)
        try:
            names = list(self._parsed_document().labels) if self._parsed_document() else []
            rows = [] if brief or self._session.closed else [self._row(name) for name in names]
        except IohubError as error:
            return PageSummary(**head, problems=(str(error),), says=("unreadable",))
        columns = tuple(map(Column, ("label", "shape", "dtype", "levels", "problem")))
        page = (Table("labels", columns, tuple(rows)).trimmed(),) if rows else ()
        says = (", ".join(names[:5]) + (", …" if len(names) > 5 else ""),) if names else ("none",)
        return PageSummary(**head, says=says, page=page)

    def _row(self, name: str) -> tuple[str, ...]:
        try:
            label = self[name]
            names = label._names()
            spec = label.data.spec
        except IohubError as error:
            return (name, "", "", "", str(error).splitlines()[0])
        shape = human_shape(spec.shape, label.axis_names)
        return (name, f"({shape})", str(spec.dtype), str(len(names)), "")

    def _tree(self, level: int | None) -> TreeSummary:
        children = []
        for name in self._names() if level != 0 else []:
            try:
                children.append(self[name]._tree(None if level is None else level - 1))
            except IohubError as error:
                children.append(TreeSummary(name, detail=str(error).splitlines()[0]))
        return TreeSummary(self.name or "/", children=tuple(children))
