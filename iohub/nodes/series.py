"""A series of images in one group, as bioformats2raw and camera streams write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from iohub.display import (
    Block,
    Column,
    PageSummary,
    Summary,
    Table,
    TreeSummary,
    human_quantity,
    human_shape,
)
from iohub.display.tables import channel_table
from iohub.errors import ArgumentError, IohubError
from iohub.metadata import series as layout
from iohub.nodes import arguments
from iohub.nodes.base import join
from iohub.nodes.ome_xml import OmeXmlVerbs
from iohub.nodes.plate_reading import ahead, series_dataframe
from iohub.nodes.position import Position
from iohub.storage.hierarchy import writable
from iohub.storage.transaction import Transaction, moving

if TYPE_CHECKING:
    import pandas as pd

    from iohub.storage.group import ZarrGroup
    from iohub.types import JsonObject


class Series(OmeXmlVerbs):
    """Several images in one group, in the layout of bioformats2raw.

    The order is that of the list in the group ``OME``; without one, images are ``0``, ``1`` and so
    on. See :class:`NGFFNode` for the parameters.

    Examples
    --------
    >>> series = open_ome_zarr("slide.zarr")
    >>> for name, position in series.positions():
    ...     print(name, position.data.shape)
    >>> series.ome.images[0].name  # of the OME-XML, with ome-types
    """

    _kind: ClassVar[str] = "series"

    def _parse(self, attrs: JsonObject) -> None:
        layout.check_layout(self._spelling, attrs)

    # ---- navigation ---------------------------------------------------------------------------

    def _listed(self) -> tuple[str, ...] | None:
        """Return the paths that the group ``OME`` lists, None if it lists none."""
        self._document()
        group = self._group.group(layout.FOLDER)
        if not group.exists():
            return None
        return layout.read_series(self._spelling, group.attrs())

    def _names(self) -> list[str]:
        listed = self._listed()
        return list(listed) if listed is not None else self._consecutive()

    def _consecutive(self) -> list[str]:
        """Return "0", "1" … as far as there are such groups; nothing is listed."""
        names: list[str] = []
        size = 4
        while True:
            batch = [str(i) for i in range(len(names), len(names) + size)]
            for name, group in zip(batch, self._group.load_groups(batch), strict=True):
                if isinstance(group, IohubError) and isinstance(group, LookupError | OSError):
                    return names
                names.append(name)
            size *= 2

    def _position(self, path: str, group: ZarrGroup | None = None) -> Position:
        return Position(
            self._group.group(path) if group is None else group,
            parse_meta=False,
            channel_names=self._given_channels,
            axes=self._given_axes,
            version=self.version,
            session=self._session,
            defaults=self,
        )

    def __getitem__(self, key: Any) -> Any:
        """Get an image by path or by number ("0", 0), or a level of one ("0/0").

        Parameters
        ----------
        key : str, int or tuple
            A path, or its parts.

        Raises
        ------
        MissingNodeError
            If there is no such image; a :class:`KeyError` that names the nearest ones.
        """
        names = self._split(key)
        known = self._names()
        for count in range(len(names), 0, -1):
            path = "/".join(names[:count])
            if path in known:
                position = self._position(path)
                if not position._group.exists():
                    raise self._missing(path, self._absent(path))
                return position[tuple(names[count:])] if count < len(names) else position
        raise self._missing("/".join(names))

    def positions(self) -> Iterator[tuple[str, Position]]:
        """Return a generator over path and value of all images, in order.

        Yields
        ------
        tuple of (str, Position)
            Path and position. One that is listed but missing or unreadable is named by a
            :class:`CorruptNodeWarning`, and the others go on.
        """
        return ahead(self, self._names())

    def to_dataframe(self) -> pd.DataFrame:
        """Return a table with one row per image; no pixel is read.

        Returns
        -------
        pandas.DataFrame
            Columns ``path``, ``shape``, ``dtype``, ``chunks``, ``shards``, ``axes``, ``scale``,
            ``channels``, ``levels`` and ``nbytes`` (decoded, of the first level). What cannot be
            read is missing, and named by a :class:`CorruptNodeWarning`.
        """
        return series_dataframe(self)

    # ---- what the images are to have ----------------------------------------------------------

    @property
    def channel_names(self) -> list[str]:
        """Channel names of the first image, else those given when the series was made."""
        first = self._first()
        return first.channel_names if first is not None else super().channel_names

    @property
    def axes(self) -> list[Any]:
        """Axes of the first image, else those given when the series was made."""
        first = self._first()
        return first.axes if first is not None else super().axes

    def _first(self) -> Position | None:
        for name in self._names()[:1]:
            position = self._position(name)
            if position._group.exists() and position._document() is not None:
                return position
        return None

    # ---- OME-XML ------------------------------------------------------------------------------

    @property
    def ome_xml(self) -> str | None:
        """Text of ``OME/METADATA.ome.xml``, None if there is none; assign a text to write it.

        Raises
        ------
        ArgumentError
            If what is assigned is no text.
        DocumentError
            If it, or what is stored, is no well-formed XML with the element ``OME``; nothing is
            written then.
        """
        return self._read_ome_xml()

    @ome_xml.setter
    def ome_xml(self, text: str) -> None:
        self._session.check_writable()
        raw = arguments.text(text, "ome_xml").encode()
        self._check_xml(raw)
        need_group = not self._group.group(layout.FOLDER).exists()
        if need_group:
            empty = self._spelling.empty_group()
            self._group.create_groups([(layout.FOLDER, empty)], exist_ok=True)
        writable(self._group.store).set(self._xml_key, raw)

    @property
    def ome(self) -> Any:
        """The OME-XML as an ``ome_types.OME``, None if there is none; assign one to write it.

        Raises
        ------
        MissingDependencyError
            If ome-types is not installed.
        DocumentError
            If the file is no OME-XML.
        ArgumentError
            If what is assigned is no ``ome_types.OME``.
        """
        return self._read_ome()

    @ome.setter
    def ome(self, value: Any) -> None:
        if not hasattr(value, "to_xml"):
            raise ArgumentError(f"ome is an ome_types.OME, not {arguments.shown(value)}")
        self.ome_xml = value.to_xml()

    @property
    def _xml_key(self) -> str:
        return join(self._group.path, layout.FOLDER, layout.XML)

    # ---- making images ------------------------------------------------------------------------

    def create_position(self, name: str | None = None) -> Position:
        """Create an image at the end of the series, empty until pixels are written.

        Parameters
        ----------
        name : str, optional
            Its path; the next number if not given.

        Returns
        -------
        Position
            The new position.

        Raises
        ------
        ExistsError
            If there is such an image.
        PathError
            If the path is not allowed.
        """
        return self.create_positions([name])[0]

    def create_positions(self, names: Sequence[str | None]) -> list[Position]:
        """Create several images at the end of the series, each document written once.

        Parameters
        ----------
        names : sequence of (str or None)
            Their paths in order; None for the next number.

        Returns
        -------
        list of Position
            The new positions.

        Raises
        ------
        ExistsError, PathError
            As in :meth:`create_position`; nothing is written then.
        """
        self._session.check_writable()
        wanted = arguments.listed(names, "names", "names, or None for the next number")
        with self._group.lock():
            known = self._names()
            made: list[str] = []
            for name in wanted:
                path = self._next([*known, *made]) if name is None else "/".join(self._split(name))
                made.append(layout.check_series_path(path, [*known, *made]))
            empty = self._spelling.empty_group()
            self._group.create_groups([(path, empty) for path in made], exist_ok=True)
            with Transaction(self._group) as edit:
                folder = self._group.group(layout.FOLDER)
                attrs = folder.attrs() if folder.exists() else empty
                listed = layout.write_series(self._spelling, attrs, [*known, *made])
                edit.put_attrs(layout.FOLDER, listed)
        return [self._position(path) for path in made]

    @staticmethod
    def _next(known: Sequence[str]) -> str:
        number = len(known)
        while str(number) in known:
            number += 1
        return str(number)

    def __delitem__(self, key: Any) -> None:
        """Delete an image, and its entry in the list; the others keep their names.

        Parameters
        ----------
        key : str or int
            Its path.

        Raises
        ------
        MissingNodeError
            If there is no such image; a :class:`KeyError`.
        """
        self._session.check_writable()
        path = "/".join(self._split(key))
        with moving(self._group, [path]) as edit:
            known = self._names()
            if path not in known:
                raise self._missing(path)
            if self._group.group(path).exists():
                edit.delete(path)
            folder = self._group.group(layout.FOLDER)
            attrs = folder.attrs() if folder.exists() else self._spelling.empty_group()
            rest = [name for name in known if name != path]
            edit.put_attrs(layout.FOLDER, layout.write_series(self._spelling, attrs, rest))

    # ---- how it looks -------------------------------------------------------------------------

    def _summary(self, *, brief: bool = False) -> Summary:
        from iohub.nodes import summaries

        head = summaries.head(self)
        if self._session.closed:
            return PageSummary(**head)
        try:
            names = self._names()
            rows = [] if brief else [self._row(name) for name in names]
        except IohubError as error:
            return PageSummary(**head, problems=(str(error),), says=("unreadable",))
        known = {channels for *_, channels in rows if channels}
        if len(known) == 1:  # said once, below
            rows = [row[:-1] for row in rows]
        titles = ("image", "shape", "dtype", "scale", "stage", "levels", "problem", "channels")
        columns = tuple(map(Column, titles[: len(rows[0]) if rows else None]))
        page: tuple[Block, ...] = ()
        if rows:
            page = (Table("images", columns, tuple(rows)).trimmed(),)
        first = next((row[0] for row in rows if row[1]), None) if len(known) == 1 else None
        if first is not None:
            page = (*page, channel_table(summaries.channels(self[first])))
        return PageSummary(**head, says=(f"{len(names)} images",), page=page)

    def _row(self, name: str) -> tuple[str, ...]:
        try:
            position = self[name]
            levels = position._names()
            if not levels:
                return (name, "", "", "", "", "0", "", "")
            spec = position.data.spec
            scale, stage = position.scale, position.stage_position
        except IohubError as error:
            return (name, "", "", "", "", "", str(error).splitlines()[0], "")
        axes = position.axis_names
        sizes = (
            f"{axis} {human_quantity(size, known.unit)}"
            for axis, size, known in zip(axes, scale, position.axes, strict=True)
            if known.type == "space"
        )
        at = () if stage is None else (("y", stage.y), ("x", stage.x), ("z", stage.z))
        where = (f"{n} {human_quantity(v, stage.unit)}" for n, v in at if stage and v is not None)
        return (
            name,
            f"({human_shape(spec.shape, axes)})",
            str(spec.dtype),
            ", ".join(sizes),
            ", ".join(where),
            str(len(levels)),
            "",
            ", ".join(position.channel_names),
        )

    def _tree(self, level: int | None) -> TreeSummary:
        from iohub.nodes import summaries

        name = summaries.title_of(self.name, self.url)
        children = []
        for path in self._names() if level != 0 else []:
            try:
                below = None if level is None else level - 1
                children.append(summaries.position_tree(self[path], below, path))
            except IohubError as error:
                children.append(TreeSummary(path, detail=str(error).splitlines()[0]))
        return TreeSummary(name, children=tuple(children))
