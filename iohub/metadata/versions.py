"""The table of OME-Zarr versions: which there are, which one a group has, and its spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias

from iohub.errors import Problem, VersionError
from iohub.metadata.documents import Findings
from iohub.metadata.image import ImageMeta
from iohub.metadata.labels import ImageLabelMeta, LabelsMeta
from iohub.metadata.plate import PlateMeta, WellGroupMeta
from iohub.metadata.scene import SceneMeta
from iohub.metadata.v04 import Spelling04
from iohub.metadata.v05 import Spelling05
from iohub.metadata.v06 import READ_AS_06, Spelling06
from iohub.types import JsonMapping, JsonObject

Kind: TypeAlias = Literal["plate", "image", "labels", "well", "scene", "bioformats2raw", "series"]


class Spelling(Protocol):
    """How one version of OME-Zarr writes the documents."""

    @property
    def version(self) -> str:
        """The version, such as ``"0.5"``."""

    @property
    def zarr_format(self) -> int:
        """The Zarr format that it is written on, 2 or 3."""

    @property
    def root(self) -> tuple[str, ...]:
        """Keys from the attributes to that mapping which :meth:`ome` returns."""

    def ome(self, attrs: JsonMapping) -> JsonMapping:
        """Return the mapping that holds ``multiscales``, ``plate`` and the like."""

    def with_ome(self, attrs: JsonMapping, ome: JsonMapping) -> JsonObject:
        """Return new attributes with another such mapping; other attributes are kept."""

    def empty_group(self, attrs: JsonMapping | None = None) -> JsonObject:
        """Return the attributes of a group that has no metadata of its own."""

    def has(self, attrs: JsonMapping, member: str) -> bool:
        """Whether a group has such metadata; null is none."""

    def check_field(self, name: str) -> str:
        """Return the name of a new field of view; PathError if the version does not allow it."""

    def findings(self, attrs: JsonMapping) -> Findings:
        """Return everything that is wrong in the metadata of a group."""

    def parse_image(self, attrs: JsonMapping, strict: bool = False) -> ImageMeta:
        """Return the document of an image; DocumentError lists all its problems."""

    def parse_plate(self, attrs: JsonMapping, strict: bool = False) -> PlateMeta:
        """Return the document of a plate; DocumentError lists all its problems."""

    def parse_well(self, attrs: JsonMapping, strict: bool = False) -> WellGroupMeta:
        """Return the document of a well; DocumentError lists all its problems."""

    def parse_labels(self, attrs: JsonMapping, strict: bool = False) -> LabelsMeta:
        """Return the list of label images; DocumentError lists all its problems."""

    def parse_image_label(self, attrs: JsonMapping, strict: bool = False) -> ImageLabelMeta:
        """Return what a label image says of itself; DocumentError lists all its problems."""

    def dump_image(self, doc: ImageMeta | None, attrs: JsonMapping) -> JsonObject:
        """Return new attributes of an image's group; None takes the metadata away."""

    def dump_plate(self, doc: PlateMeta, attrs: JsonMapping) -> JsonObject:
        """Return new attributes of a plate's group."""

    def dump_well(self, doc: WellGroupMeta, attrs: JsonMapping) -> JsonObject:
        """Return new attributes of a well's group."""

    def dump_labels(self, doc: LabelsMeta, attrs: JsonMapping) -> JsonObject:
        """Return new attributes of the group ``labels``."""


class SceneSpelling(Spelling, Protocol):
    """How a version writes the documents that has scenes too."""

    def parse_scene(self, attrs: JsonMapping, strict: bool = False) -> SceneMeta:
        """Return the document of a scene; DocumentError lists all its problems."""

    def dump_scene(self, doc: SceneMeta | None, attrs: JsonMapping) -> JsonObject:
        """Return new attributes of a scene's group; None takes the metadata away."""


_WITH_SCENES: dict[str, SceneSpelling] = {known.version: known for known in (Spelling06(),)}
_SPELLINGS: dict[str, Spelling] = {
    **{known.version: known for known in (Spelling04(), Spelling05())},
    **_WITH_SCENES,
}
VERSIONS: tuple[str, ...] = tuple(_SPELLINGS)
"""The versions that iohub reads and writes, oldest first."""

DEFAULT_VERSION = "0.4"
"""The version that new stores get unless another is asked for."""

VIRTUAL_VERSION = "0.5"
"""The version that files of other formats are shown in: the newest that is not in draft."""

# Of groups that carry several, the first in this order says what they are.
_KINDS: tuple[tuple[str, Kind], ...] = (
    ("plate", "plate"),
    ("multiscales", "image"),
    ("labels", "labels"),
    ("well", "well"),
    ("scene", "scene"),
    ("bioformats2raw.layout", "bioformats2raw"),
    ("series", "series"),
)
MEMBERS = frozenset({"ome", "omero", "image-label", *(member for member, _ in _KINDS)})
"""Names at the top of attributes that are those of OME-Zarr, in some version."""

_VERSIONED = ("multiscales", "plate", "well", "image-label")


def spelling(version: str) -> Spelling:
    """Return how a version writes the documents.

    Parameters
    ----------
    version : str
        Such as ``"0.5"``.

    Raises
    ------
    VersionError
        If iohub does not know it; newer ones are called so.
    """
    known = _known(version)
    if known is None:
        raise VersionError(f"{_describe(version)}; known versions are {', '.join(VERSIONS)}")
    return known


def scene_spelling(version: str) -> SceneSpelling:
    """Return how a version writes the documents, those of scenes among them.

    Parameters
    ----------
    version : str
        Such as ``"0.6"``.

    Raises
    ------
    VersionError
        If iohub does not know it, or it has no scenes.
    """
    spelling(version)
    if version not in _WITH_SCENES:
        having = ", ".join(_WITH_SCENES)
        raise VersionError(f"OME-Zarr {version} has no scenes; those that have are {having}")
    return _WITH_SCENES[version]


def _known(version: object) -> Spelling | None:
    return _SPELLINGS.get(version) if isinstance(version, str) else None


def _describe(version: object) -> str:
    number = _number(version)
    newest, oldest = _number(VERSIONS[-1]), _number(VERSIONS[0])
    if number is not None and newest is not None and number > newest:
        return f"OME-Zarr {version} is newer than this iohub knows"
    if number is not None and oldest is not None and number < oldest:
        return f"OME-Zarr {version} is older than iohub reads"
    return f"{version!r} is no version of OME-Zarr that iohub knows"


def _number(version: object) -> tuple[int, ...] | None:
    match = re.match(r"(\d+)\.(\d+)", version) if isinstance(version, str) else None
    return (int(match[1]), int(match[2])) if match else None


def detect(attrs: JsonMapping, zarr_format: int) -> str:
    """Return the OME-Zarr version of a group.

    Parameters
    ----------
    attrs : mapping
        Attributes of the group.
    zarr_format : int
        2 or 3; decides where the attributes say nothing.

    Raises
    ------
    VersionError
        If the group has a version that iohub does not know, or one that is written elsewhere.
    """
    ome = attrs.get("ome")
    if isinstance(ome, Mapping) and (zarr_format != Spelling04.zarr_format or "version" in ome):
        stated = ome.get("version")
        version = _unstated(ome) if stated is None else stated
        if isinstance(version, str) and version in READ_AS_06:
            return Spelling06.version
        if spelling(version).version == Spelling04.version:
            raise VersionError(
                f"the key 'ome' says version {version}, which does not have that key"
            )
        return spelling(version).version
    stated = _stated_version(attrs)
    if stated is not None:
        if spelling(stated).version != Spelling04.version:
            raise VersionError(
                f"the metadata say version {stated} but are not under the key 'ome', as it wants"
            )
        return spelling(stated).version
    if zarr_format == Spelling05.zarr_format and not any(_present(attrs, m) for m in _VERSIONED):
        return Spelling05.version
    return Spelling04.version


def _unstated(ome: JsonMapping) -> str:
    images = ome.get("multiscales")
    first = images[0] if isinstance(images, list) and images else None
    new = isinstance(first, Mapping) and _present(first, "coordinateSystems")
    return Spelling06.version if new or _present(ome, "scene") else Spelling05.version


def _stated_version(attrs: JsonMapping) -> Any:
    for member in _VERSIONED:
        holder = attrs.get(member)
        if isinstance(holder, list) and holder:
            holder = holder[0]
        if isinstance(holder, Mapping) and holder.get("version") is not None:
            return holder["version"]
    return None


def _present(ome: JsonMapping, member: str) -> bool:
    return ome.get(member) is not None


def kind(attrs: JsonMapping, zarr_format: int) -> Kind | None:
    """Return what a group is, by its metadata; its version need not be known.

    Parameters
    ----------
    attrs : mapping
        Attributes of the group.
    zarr_format : int
        2 or 3.

    Returns
    -------
    str or None
        The first that applies of "plate", "image", "labels", "well", "scene", "bioformats2raw"
        and "series"; None if the group has no OME metadata.
    """
    ome = attrs.get("ome")
    holders = [ome, attrs] if zarr_format == Spelling05.zarr_format else [attrs, ome]
    for holder in holders:
        if isinstance(holder, Mapping):
            for member, name in _KINDS:
                if _present(holder, member):
                    return name
    return None


def problems_of(attrs: JsonMapping, zarr_format: int) -> list[Problem]:
    """Return what a group's metadata should have otherwise, although they can be read.

    Parameters
    ----------
    attrs : mapping
        Attributes of the group.
    zarr_format : int
        2 or 3.

    Raises
    ------
    VersionError
        If the group has a version that iohub does not know.
    """
    known = spelling(detect(attrs, zarr_format))
    problems = known.findings(attrs).should
    if known.zarr_format != zarr_format and kind(attrs, zarr_format) is not None:
        text = f"OME-Zarr {known.version} belongs on Zarr v{known.zarr_format}, not v{zarr_format}"
        problems.insert(0, Problem("", text, "zarr-format"))
    return problems
