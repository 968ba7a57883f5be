"""A scene: images, and where they lie to each other; ways lead through their systems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from iohub.display import PageSummary, Summary, TreeSummary
from iohub.errors import (
    DocumentError,
    IohubError,
    MissingNodeError,
)
from iohub.metadata import own, versions
from iohub.metadata.coordinate_systems import CoordinateSystem, SystemReference
from iohub.metadata.names import check_member_path
from iohub.metadata.scene import SceneMeta, check_scene
from iohub.nodes.position import Position
from iohub.nodes.scene_ways import SceneWays

if TYPE_CHECKING:
    from iohub.metadata.axes import AxisMeta
    from iohub.metadata.transform_types import Transform
    from iohub.types import JsonObject


class Scene(SceneWays):
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
        return known.parse_scene(attrs, strict=self._session.strict)

    def _dump(self, document: SceneMeta | None, attrs: JsonObject) -> JsonObject:
        return versions.scene_spelling(self._spelling.version).dump_scene(document, attrs)

    @property
    def metadata(self) -> SceneMeta | None:
        """The scene's document; None as long as there are no transformations."""
        document: SceneMeta | None = self._document()
        return document

    @property
    def coordinate_systems(self) -> dict[str, CoordinateSystem]:
        """The scene's own coordinate systems by name; those of its images are theirs."""
        document = self.metadata
        systems = document.coordinate_systems if document is not None else ()
        return {system.name: system for system in systems}

    @property
    def transforms(self) -> list[Transform]:
        """Transformations between the systems of the scene and of its images."""
        document = self.metadata
        return list(document.coordinate_transformations) if document is not None else []

    # ---- images -------------------------------------------------------------------------------

    def _names(self) -> list[str]:
        document = self.metadata
        return document.get_image_paths() if document is not None else []

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

    def images(self) -> Iterator[tuple[str, Position]]:
        """Return a generator over path and node of the images that transformations name.

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

        The scene names it from the first transformation on that leads from or to it.

        Parameters
        ----------
        path : str
            Where, below the scene.
        channel_names : sequence of str, optional
            Names of its channels.
        axes : sequence of AxisMeta, optional
            Its axes, by default T, C, Z, Y, X.

        Raises
        ------
        ExistsError
            If something is there already.
        PathError
            If the path leads out of the scene.
        """
        self._session.check_writable()
        attrs = own.write_layout(self._spelling.empty_group(), "fov")
        names = None if channel_names is None else [str(name) for name in channel_names]
        attrs = own.write_defaults(attrs, names, axes)
        group = self._group.create_group(check_member_path(path), attrs)
        return Position(group, parse_meta=False, session=self._session)

    # ---- transformations ----------------------------------------------------------------------

    def add_transform(
        self,
        transform: Transform,
        source: tuple[str, str | None] | str,
        target: tuple[str, str | None] | str,
        systems: Sequence[CoordinateSystem] = (),
    ) -> None:
        """Say how one system lies in another.

        Parameters
        ----------
        transform : Transform
            From `source` to `target`.
        source, target : (name, path) or str
            Name of the system and path of its image; a string alone names a system of the scene.
        systems : sequence of CoordinateSystem
            New systems of the scene itself.

        Raises
        ------
        DocumentError
            If a system does not exist, the transformation does not fit the axes, or there is a
            system of that name.
        """

        def edit(document: SceneMeta | None) -> SceneMeta:
            before = document or SceneMeta(coordinate_transformations=())
            placed = transform.replace(input=_reference(source), output=_reference(target))
            return SceneMeta(
                **{
                    **dict(before),
                    "coordinate_systems": (*before.coordinate_systems, *systems),
                    "coordinate_transformations": (*before.coordinate_transformations, placed),
                }
            )

        self._change(edit)

    def set_metadata(
        self, transforms: Sequence[Transform], systems: Sequence[CoordinateSystem] = ()
    ) -> None:
        """Replace all transformations and systems of the scene.

        Parameters
        ----------
        transforms : sequence of Transform
            Each with input and output; none at all take the scene's metadata away.
        systems : sequence of CoordinateSystem
            Systems of the scene itself.

        Raises
        ------
        DocumentError
            As for :meth:`add_transform`; all problems are listed.
        """

        def edit(document: SceneMeta | None) -> SceneMeta | None:
            if not transforms and not systems:
                return None
            members = {} if document is None else (document.model_extra or {})
            return SceneMeta(
                coordinate_systems=tuple(systems),
                coordinate_transformations=tuple(transforms),
                **members,
            )

        self._change(edit)

    def _change(self, edit: Any) -> None:
        def checked(document: SceneMeta | None) -> SceneMeta | None:
            new: SceneMeta | None = edit(document)
            if new is not None:
                images = {path: self._systems_of(path) for path in new.get_image_paths()}
                found = check_scene(new, images)
                if found.must:
                    raise DocumentError(found.must, self.url)
            return new

        self._commit(checked)

    def _systems_of(self, path: str) -> Mapping[str, CoordinateSystem]:
        try:
            systems: Mapping[str, CoordinateSystem] = self[path].coordinate_systems
        except MissingNodeError:
            return {}
        return systems

    # ---- how it looks -------------------------------------------------------------------------

    def _summary(self, *, brief: bool = False) -> Summary:
        from iohub.nodes import summaries

        head = summaries.head(self)
        try:
            document: SceneMeta | None = self._parsed_document()
        except IohubError as error:
            return PageSummary(**head, problems=(str(error),), says=("unreadable",))
        paths = document.get_image_paths() if document is not None else []
        systems = document.get_system_names() if document is not None else []
        ways = document.coordinate_transformations if document is not None else ()
        count = len(paths)
        said = (
            ("images", ", ".join(paths)),
            ("systems", ", ".join(systems)),
            ("transformations", ", ".join(_described(way) for way in ways)),
        )
        fields = tuple(pair for pair in said if pair[1])
        says = (f"{count} image{'' if count == 1 else 's'}",)
        return PageSummary(**head, fields=fields, says=says)

    def _tree(self, level: int | None) -> TreeSummary:
        below = () if level == 0 else tuple(self._branches(None if level is None else level - 1))
        return TreeSummary(self.path or self.url.rstrip("/").rpartition("/")[2], below)

    def _branches(self, level: int | None) -> Iterator[TreeSummary]:
        for path in self._names():
            try:
                found = self[path]._tree(level)
            except IohubError as error:
                yield TreeSummary(path, detail=str(error))
            else:
                yield TreeSummary(path, found.children, found.detail, found.hidden)


def _reference(end: tuple[str, str | None] | str) -> SystemReference:
    name, path = (end, None) if isinstance(end, str) else end
    return SystemReference(name=name, path=path)


def _described(way: Transform) -> str:
    ends = [end.describe() if end is not None else "?" for end in (way.input, way.output)]
    return f"{way.type} from {ends[0]} to {ends[1]}"
