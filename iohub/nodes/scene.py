"""A scene: images, and where they lie to each other; ways lead through their systems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from iohub.display import PageSummary, Summary, TreeSummary
from iohub.errors import (
    ExistsError,
    IohubError,
    TransformError,
)
from iohub.metadata import own, versions
from iohub.metadata.axes import AxisMeta, require_axes
from iohub.metadata.edits_channels import check_channel_names
from iohub.metadata.names import check_image_path
from iohub.metadata.scene import SceneMeta
from iohub.metadata.telling import told_to
from iohub.nodes import arguments
from iohub.nodes.position import Position
from iohub.nodes.scene_transforms import SceneTransforms, described, needs, several

if TYPE_CHECKING:
    from iohub.types import JsonObject


class Scene(SceneTransforms):
    """The group level of several images with known places to each other.

    See :class:`NGFFNode` for the parameters. Its children are images, by their paths.

    Examples
    --------
    >>> scene = open_ome_zarr("scene.zarr", layout="scene", mode="w-", version="0.6")
    >>> scene.create_image("light", ["GFP"])["0"] = light
    >>> scene.create_image("electrons", ["EM"])["0"] = electrons
    >>> scene.add_transform(affine, ("physical", "electrons"), ("physical", "light"))
    >>> scene.resample("electrons", like="light")
    """

    _kind: ClassVar[str] = "scene"

    # ---- the document -------------------------------------------------------------------------

    def _parse(self, attrs: JsonObject) -> SceneMeta | None:
        if not self._spelling.has(attrs, "scene"):
            return None
        known = versions.scene_spelling(self._spelling.version)
        with told_to(self._session.listener(self.url)):
            return known.parse_scene(attrs, strict=self._session.strict)

    def _dump(self, document: SceneMeta | None, attrs: JsonObject) -> JsonObject:
        return versions.scene_spelling(self._spelling.version).dump_scene(document, attrs)

    @property
    def metadata(self) -> SceneMeta | None:
        """The scene's document; None as long as there are no transformations."""
        document: SceneMeta | None = self._document()
        return document

    @property
    def axes(self) -> list[AxisMeta]:
        """Axes of the scene's first own system, the common reference; else of its first image.

        A scene without either has those for images to come.
        """
        for system in self.coordinate_systems.values():
            return list(system.axes)
        for path in self._names():
            axes: list[AxisMeta] = self[path].axes
            return axes
        return super().axes

    @property
    def channel_names(self) -> list[str]:
        """Channel names of the images, each once; a scene without images has those to come."""
        paths = self._names()
        if not paths:
            return self._noted_channels()
        return list(dict.fromkeys(name for path in paths for name in self[path].channel_names))

    # ---- images -------------------------------------------------------------------------------

    def _names(self) -> list[str]:
        return self._paths(self._document())

    def _paths(self, document: SceneMeta | None) -> list[str]:
        """Return the paths of the images: those of a document, and those noted beside it."""
        named = document.get_image_paths() if document is not None else []
        noted = own.images(self._parsed[0]) if self._parsed is not None else []
        return list(dict.fromkeys([*named, *noted]))

    def __getitem__(self, key: Any) -> Any:
        """Get an image, or an array in one.

        Parameters
        ----------
        key : str
            Path of the image, such as ``"light"`` or ``"raw/light"``; a level may follow it.

        Raises
        ------
        MissingNodeError
            If there is none; a :class:`KeyError`.
        """
        self._session.check_open()
        names = self._split(key)
        for count in range(len(names), 0, -1):
            path = "/".join(names[:count])
            group = self._group.group(path)
            if group.exists():
                image = Position(group, parse_meta=False, session=self._session)
                if names[count:] and image.metadata is None:
                    break
                return image[tuple(names[count:])] if names[count:] else image
        raise self._missing("/".join(names))

    def __delitem__(self, key: Any) -> None:
        """Delete an image, or something else below, that no transformation needs.

        Raises
        ------
        TransformError
            If one leads from or to it, or has its parameters there; see :meth:`remove_transform`.
        MissingNodeError
            If there is no such image; a :class:`KeyError`.
        """
        self._session.check_writable()
        path = "/".join(self._split(key))
        with self._group.lock():
            needing = [way for way in self.transforms if needs(way, path)]
            if needing:
                raise TransformError(
                    f"{path!r} of {self.url} is needed by the {several(needing)}; take "
                    f"{'it' if len(needing) == 1 else 'them'} away with remove_transform() first"
                )
            self._group.edit_attrs(lambda attrs: _without(attrs, path))
            super().__delitem__(path)

    def images(self) -> Iterator[tuple[str, Position]]:
        """Return a generator over path and node of the images.

        They are those that transformations name, and those that :meth:`create_image` made.

        Yields
        ------
        tuple of (str, Position)
            Path and image.
        """
        for path in self._names():
            yield path, self[path]

    def create_image(
        self,
        path: str,
        channel_names: Sequence[str] | None = None,
        axes: Sequence[AxisMeta] | None = None,
    ) -> Position:
        """Create the group of an image, whose pixels are then written with its own verbs.

        Parameters
        ----------
        path : str
            Where, below the scene.
        channel_names : sequence of str, optional
            Names of its channels; by default those that were given when the scene was made.
        axes : sequence of AxisMeta, optional
            Its axes; by default those that were given when the scene was made, else T, C, Z, Y, X.

        Raises
        ------
        ExistsError
            If something is there already, or it would lie in an image.
        PathError
            If the path leads out of the scene, or has the name of what holds something else, such
            as "labels".
        """
        self._session.check_writable()
        attrs = own.write_layout(self._spelling.empty_group(), "fov")
        channels = self._given_channels if channel_names is None else channel_names
        names = None if channels is None else check_channel_names(channels)
        chosen = self._given_axes if axes is None else axes
        given = None if chosen is None else require_axes(chosen)
        attrs = own.write_defaults(attrs, names, given)
        place = check_image_path(arguments.name(path, "path"))
        with self._group.lock():
            self._check_above(place)
            group = self._group.create_group(place, attrs)
            self._group.edit_attrs(lambda mine: own.write_images(mine, [*own.images(mine), place]))
        return Position(group, parse_meta=False, session=self._session)

    def _check_above(self, path: str) -> None:
        """Refuse a place in an image: its members are its levels, labels and tables."""
        parts = path.split("/")
        for count in range(1, len(parts)):
            above = self._group.group("/".join(parts[:count]))
            if above.exists() and self._is_image(above.attrs()):
                raise ExistsError(f"{path!r} would lie in the image {'/'.join(parts[:count])!r}")

    def _is_image(self, attrs: JsonObject) -> bool:
        return self._spelling.has(attrs, "multiscales") or own.layout(attrs) == "fov"

    # ---- how it looks -------------------------------------------------------------------------

    def _summary(self, *, brief: bool = False) -> Summary:
        from iohub.nodes import summaries

        head = summaries.head(self)
        try:
            document: SceneMeta | None = self._parsed_document()
        except IohubError as error:
            return PageSummary(**head, problems=(str(error),), says=("unreadable",))
        paths = self._paths(document)
        systems = document.get_system_names() if document is not None else []
        ways = document.coordinate_transformations if document is not None else ()
        count = len(paths)
        said = (
            ("images", ", ".join(paths)),
            ("systems", ", ".join(systems)),
            ("transformations", ", ".join(described(way) for way in ways)),
        )
        fields = tuple(pair for pair in said if pair[1])
        says = (f"{count} image{'' if count == 1 else 's'}",)
        return PageSummary(**head, fields=fields, says=says)

    def _tree(self, level: int | None) -> TreeSummary:
        from iohub.nodes import summaries

        below = () if level == 0 else tuple(self._branches(None if level is None else level - 1))
        return TreeSummary(summaries.title_of(self.path, self.url), below)

    def _branches(self, level: int | None) -> Iterator[TreeSummary]:
        for path in self._names():
            try:
                found = self[path]._tree(level)
            except IohubError as error:
                yield TreeSummary(path, detail=str(error))
            else:
                yield TreeSummary(path, found.children, found.detail, found.hidden)


def _without(attrs: JsonObject, path: str) -> JsonObject:
    """Return attributes that note no image at a path or below."""
    images = own.images(attrs)
    kept = [each for each in images if each != path and not each.startswith(f"{path}/")]
    return attrs if kept == images else own.write_images(attrs, kept)
