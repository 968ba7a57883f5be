"""The label images of a position: a mapping by path, kept in step with the list in its document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from iohub.display import Column, PageSummary, Summary, Table, TreeSummary, human_shape
from iohub.errors import IohubError, NotFoundError
from iohub.metadata import edits_labels
from iohub.metadata.labels import LabelsMeta
from iohub.metadata.names import path_problem
from iohub.nodes import arguments
from iohub.nodes import label_creation as creation
from iohub.nodes.base import join
from iohub.nodes.label import Label
from iohub.nodes.label_moves import LabelMoveVerbs
from iohub.storage.codecs import DEFAULT as DEFAULT_COMPRESSION
from iohub.storage.drafts import Draft
from iohub.storage.hierarchy import group_documents, writable
from iohub.storage.transaction import Transaction
from iohub.types import JsonObject

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

    from iohub.nodes.position import Position
    from iohub.types import PyramidMethod


# Attributes of a group that is not there.
_ABSENT: JsonObject = {}


class Labels(LabelMoveVerbs):
    """The label images of a position, by path.

    Found as ``position.labels``, also where there are none yet: the group is made with the first
    one, and goes with the last one. Where the group lists none, they are those that the image
    lists, as some programs write it, or else those that lie there; the first edit lists them.

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
            return _ABSENT

    def _document(self, *, just_read: bool = False) -> Any:
        """Return the list; where the group has none, that of the label images there are."""
        document = super()._document(just_read=just_read)
        attrs = self._attrs()
        if attrs is _ABSENT or self._spelling.has(attrs, "labels"):
            return document
        return LabelsMeta(labels=tuple(self._said_by_image() or self._lying("")))

    def _said_by_image(self) -> list[str]:
        """Return the list that some write onto the image instead, each that there is."""
        image = self._image._attrs() if self._image is not None else {}
        for attrs in (self._spelling.ome(image), image):
            said = attrs.get("labels")
            said = said.get("labels") if isinstance(said, Mapping) else said
            if isinstance(said, list):
                names = [n for n in said if isinstance(n, str) and path_problem(n) is None]
                return [name for name in names if self._group.group(name).exists()]
        return []

    def _lying(self, path: str) -> list[str]:
        """Return the label images below, by listing."""
        names = [join(path, name) for name in sorted(self._group.group(path).group_names())]
        found = []
        for name, group in zip(names, self._group.load_groups(names), strict=True):
            if isinstance(group, IohubError):
                continue  # nobody says that it is a label image
            is_image = self._spelling.has(group.attrs(), "multiscales")
            found += [name] if is_image else self._lying(name)
        return found

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
        return list(dict.fromkeys(self._document().labels))

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
                    raise self._missing(found, self._absent(found))
                continue
            if found in listed or self._spelling.has(label._group.attrs(), "multiscales"):
                return label[tuple(names[count:])] if count < len(names) else label
        raise self._missing(path)

    def __setitem__(self, key: str, value: ArrayLike) -> None:
        """Create a label image with default settings; see :meth:`create`."""
        self.create("/".join(self._split(key)), value)

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
            Number of levels; if not given as many as the image has, as long as there is something
            left to reduce.
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
        ConflictError
            If someone changed the image's sizes in the meantime; nothing has changed then.
        """
        values = arguments.pixels(data)
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
            names = None
            if axes is not None:
                names = [axis.lower() for axis in arguments.all_of(axes, str, "axes")]
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
        """Plan and write; then, in one edit of the position's group, plan anew and list it."""
        self._session.check_writable()
        image = self._position(path)
        name = arguments.name(path, "path")
        if how["axes"] is not None:
            how["axes"] = arguments.all_of(how["axes"], str, "axes")
        folder, group = edits_labels.FOLDER, self._group.group(name)

        def planned() -> creation.LabelPlan:
            others = [n for n in self._names() if n != name or not self._session.overwriting]
            if not self._session.overwriting and group.exists():
                others.append(name)
            edits_labels.check_label_path(name, others)
            parent = creation.Parent.of(image)
            return creation.plan_label(
                parent, name, shape, dtype, zarr_format=self._group.zarr_format, **how
            )

        before = planned()
        with Draft(image._group) as draft:
            staged = draft.stage(join(folder, name))
            creation.write_label(self._group, staged, before, values)
            with Transaction(image._group) as edit:
                plan = planned()
                if plan.state() != before.state():
                    raise image._conflict("an image")
                if group.exists():
                    edit.replace(join(folder, name))
                attrs = self._spelling.dump_image(plan.document, self._empty())
                for key, value in group_documents(staged, self._group.zarr_format, attrs):
                    writable(self._group.store).set(key, value)
                edit.take(draft)
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
            parsed = self._parsed_document()
            names = list(dict.fromkeys(parsed.labels)) if parsed else []
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
