"""Verbs of a scene about its transformations: which there are, and edits of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from iohub.errors import ArgumentError, DocumentError, ExistsError, MissingNodeError
from iohub.metadata import own
from iohub.metadata.check_v06 import DEMANDED
from iohub.metadata.coordinate_systems import CoordinateSystem, SystemReference
from iohub.metadata.documents import validate
from iohub.metadata.scene import SceneMeta, check_scene
from iohub.metadata.transform_types import Transform
from iohub.nodes import arguments
from iohub.nodes.scene_ways import SceneWays
from iohub.transforms.parameters import parameter_paths

if TYPE_CHECKING:
    from iohub.types import JsonObject


class SceneTransforms(SceneWays):
    """Transformations between the systems of a scene and of its images."""

    @property
    def coordinate_systems(self) -> dict[str, CoordinateSystem]:
        """The scene's own coordinate systems by name; those of its images are theirs."""
        document: SceneMeta | None = self._document()
        systems = document.coordinate_systems if document is not None else ()
        return {system.name: system for system in systems}

    @property
    def transforms(self) -> list[Transform]:
        """Transformations between the systems of the scene and of its images."""
        document: SceneMeta | None = self._document()
        return list(document.coordinate_transformations) if document is not None else []

    def add_transform(
        self,
        transform: Transform,
        source: tuple[str, str | None] | str,
        target: tuple[str, str | None] | str,
        systems: Sequence[CoordinateSystem] = (),
        *,
        overwrite: bool = False,
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
        overwrite : bool
            Whether it takes the place of one with the same ends.

        Raises
        ------
        ExistsError
            If there is one with the same ends already.
        DocumentError
            If a system does not exist, the transformation does not fit the axes, there is a
            system of that name, or a system is left unconnected.
        """
        arguments.one_of(transform, Transform, "transform")
        ends = {"input": _reference(source, "source"), "output": _reference(target, "target")}
        systems = arguments.all_of(systems, CoordinateSystem, "systems")
        replace = arguments.flag(overwrite, "overwrite")

        def edit(document: SceneMeta | None) -> SceneMeta:
            before = document or SceneMeta(coordinate_transformations=())
            ways = list(before.coordinate_transformations)
            same = [index for index, way in enumerate(ways) if _has_ends(way, ends)]
            if same and not replace:
                raise ExistsError(
                    f"there is already the {several([ways[i] for i in same])} in {self.url}; "
                    "pass overwrite=True"
                )
            first = same[0] if same else len(ways)
            kept = [way for index, way in enumerate(ways) if index not in same]
            return before.replace(
                coordinate_systems=(*before.coordinate_systems, *systems),
                coordinate_transformations=(
                    *kept[:first],
                    transform.replace(**ends),
                    *kept[first:],
                ),
            )

        self._change(edit)

    def remove_transform(
        self, source: tuple[str, str | None] | str, target: tuple[str, str | None] | str
    ) -> None:
        """Remove the transformation from one system to another.

        Systems of the scene that no other transformation leads from or to go with it. An image
        that no other leads from or to stays in the scene, and may be deleted then.

        Parameters
        ----------
        source, target : (name, path) or str
            As for :meth:`add_transform`.

        Raises
        ------
        MissingNodeError
            If there is none; a :class:`KeyError`.
        DocumentError
            If systems lose their way to others with it; all problems are listed.
        """
        ends = {"input": _reference(source, "source"), "output": _reference(target, "target")}

        def edit(document: SceneMeta | None) -> SceneMeta | None:
            ways = document.coordinate_transformations if document is not None else ()
            kept = tuple(way for way in ways if not _has_ends(way, ends))
            if document is None or len(kept) == len(ways):
                asked = f"transformation from {' to '.join(e.describe() for e in ends.values())}"
                hint = f"There are: {', '.join(map(described, ways))}." if ways else ""
                raise MissingNodeError(asked, f"scene {self.url}", hint=hint)
            if not kept:
                return None
            named = {end.name for way in kept for end in _ends(way) if end.path is None}
            gone = {end.name for end in ends.values() if end.path is None} - named
            systems = [s for s in document.coordinate_systems if s.name not in gone]
            return document.replace(
                coordinate_systems=tuple(systems), coordinate_transformations=kept
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
        transforms = arguments.all_of(transforms, Transform, "transforms")
        systems = arguments.all_of(systems, CoordinateSystem, "systems")

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
                # What others wrote may break a demand already: it is no reason to refuse.
                before = check_scene(document).should if document is not None else []
                known = [problem.what for problem in before]
                broken = [p for p in found.should if p.code in DEMANDED and p.what not in known]
                if found.must or broken:
                    raise DocumentError([*found.must, *broken], self.url)
            return new

        def change(attrs: JsonObject) -> JsonObject:
            before = self._parsed_from(attrs)
            new = checked(before)
            named, still = (d.get_image_paths() if d is not None else [] for d in (before, new))
            after = self._dump(new, attrs)
            if left := [path for path in named if path not in still]:
                after = own.write_images(after, [*own.images(after), *left])
            return own.write_layout(after, "scene") if new is None else after

        self._session.check_writable()
        self._group.edit_attrs(change)

    def _systems_of(self, path: str) -> Mapping[str, CoordinateSystem]:
        try:
            systems: Mapping[str, CoordinateSystem] = self[path].coordinate_systems
        except MissingNodeError:
            return {}
        return systems


def _reference(end: tuple[str, str | None] | str, what: str) -> SystemReference:
    parts: Any = (end, None) if isinstance(end, str) else end
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        raise ArgumentError(
            f"{what} is the name of a system, or (name, path of its image), not "
            f"{arguments.shown(end)}"
        )
    name, path = parts
    where = None if path is None else arguments.text(path, f"the path in {what}")
    known = arguments.text(name, f"the name in {what}")
    return validate(SystemReference, {"name": known, "path": where}, what)


def described(way: Transform) -> str:
    """Return a transformation in words: what it is, and between what."""
    ends = [end.describe() if end is not None else "?" for end in (way.input, way.output)]
    return f"{way.type} from {ends[0]} to {ends[1]}"


def several(ways: Sequence[Transform]) -> str:
    """Return several transformations in words, to follow "the"."""
    return " and the ".join(map(described, ways))


def _ends(way: Transform) -> list[SystemReference]:
    return [end for end in (way.input, way.output) if end is not None]


def _has_ends(way: Transform, ends: Mapping[str, SystemReference]) -> bool:
    return (_key(way.input), _key(way.output)) == (_key(ends["input"]), _key(ends["output"]))


def _key(end: SystemReference | None) -> tuple[str | None, str | None] | None:
    return None if end is None else (end.name, end.path)


def needs(way: Transform, path: str) -> bool:
    """Return whether a transformation leads to what is at a path or below, or is stored there."""
    named = [end.path for end in _ends(way)] + parameter_paths([way])
    return any(p is not None and (p == path or p.startswith(f"{path}/")) for p in named)
