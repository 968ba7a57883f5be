"""The attributes of a group as another OME-Zarr version spells them; nothing is lost unsaid."""

from __future__ import annotations

from collections.abc import Callable

from iohub.errors import DocumentError, Problem, VersionError
from iohub.metadata import versions
from iohub.metadata.documents import pointer
from iohub.metadata.versions import Spelling
from iohub.types import JsonMapping, JsonObject

# Members of OME-Zarr in the order in which a group is written.
_PASSED_ON = ("bioformats2raw.layout", "series")
_READ = ("multiscales", "omero", "image-label", "plate", "well", "labels", "scene")
_MEMBERS = (*_READ, *_PASSED_ON, "version", "_creator")


def respelled(attrs: JsonMapping, ours: Spelling, theirs: Spelling) -> JsonObject:
    """Return attributes of a group as another version spells them.

    Members that OME-Zarr does not know stay where they are: beside the metadata, or within the
    key that holds them in both versions.

    Parameters
    ----------
    attrs : mapping
        All attributes of the group.
    ours, theirs : Spelling
        The version that they have, and the one that they get.

    Raises
    ------
    DocumentError
        If the metadata break the rules, or say what the other version cannot: each problem of the
        code ``inexpressible`` names what would be lost.
    """
    ome = ours.ome(attrs)
    bare, kept = _foreign(attrs, ours, theirs)
    new: JsonObject = theirs.empty_group(bare)
    said = {name: ome[name] for name in _PASSED_ON if ome.get(name) is not None}
    if kept or said:
        new = theirs.with_ome(new, {**theirs.ome(new), **kept, **said})
    lost: list[Problem] = []
    for dump in _dumps(attrs, ours, theirs):
        try:
            new = dump(new)
        except DocumentError as error:
            lost.extend(error.problems)
    if ours.has(attrs, "scene"):
        try:
            target = versions.scene_spelling(theirs.version)
        except VersionError:
            lost.append(_lost(ours, theirs, "scene", "the scene and its transformations"))
        else:
            scene = versions.scene_spelling(ours.version).parse_scene(attrs)
            new = target.dump_scene(scene, new)
    lost.extend(_names_lost(attrs, new, ours, theirs))
    if lost:
        raise DocumentError(lost)
    return new


def _lost(ours: Spelling, theirs: Spelling, member: str, what: str) -> Problem:
    text = f"OME-Zarr {theirs.version} cannot say this, it would be lost: {what}"
    return Problem(pointer(*ours.root, member), text, "inexpressible")


def _foreign(attrs: JsonMapping, ours: Spelling, theirs: Spelling) -> tuple[JsonObject, JsonObject]:
    """Return what is no OME metadata: beside them, and (if there is such a key) within theirs."""
    ome = ours.ome(attrs)
    members = set(_MEMBERS)
    if ours.has(attrs, "multiscales"):
        members.discard("labels")  # no list of label images has its place on an image
    unknown = {name: value for name, value in ome.items() if name not in members}
    if not ours.root:
        unknown.update({name: ome[name] for name in ("_creator", "version") if name in ome})
        return unknown, {}
    if "_creator" in ome:
        unknown["_creator"] = ome["_creator"]
    bare = {name: value for name, value in attrs.items() if name not in ours.root}
    if theirs.root:
        return bare, unknown
    both = sorted(unknown.keys() & bare.keys())
    if both:
        raise DocumentError([_lost(ours, theirs, name, f"one of two {name!r}") for name in both])
    return {**bare, **unknown}, {}


def _dumps(
    attrs: JsonMapping, ours: Spelling, theirs: Spelling
) -> list[Callable[[JsonMapping], JsonObject]]:
    """Return the steps that write the documents of a group."""
    steps: list[Callable[[JsonMapping], JsonObject]] = []
    if ours.has(attrs, "multiscales"):
        image = ours.parse_image(attrs)
        steps.append(lambda new: theirs.dump_image(image, new))
    else:
        rest = {n: ours.ome(attrs)[n] for n in ("omero", "image-label") if ours.has(attrs, n)}
        if rest:
            steps.append(lambda new: theirs.with_ome(new, {**theirs.ome(new), **rest}))
    if ours.has(attrs, "plate"):
        plate = ours.parse_plate(attrs)
        steps.append(lambda new: theirs.dump_plate(plate, new))
    if ours.has(attrs, "well"):
        well = ours.parse_well(attrs)
        steps.append(lambda new: theirs.dump_well(well, new))
    if ours.has(attrs, "labels") and not ours.has(attrs, "multiscales"):
        labels = ours.parse_labels(attrs)
        steps.append(lambda new: theirs.dump_labels(labels, new))
    return steps


def _names_lost(
    attrs: JsonMapping, new: JsonMapping, ours: Spelling, theirs: Spelling
) -> list[Problem]:
    """Return names that are fine in one version only, such as those of fields."""
    if not ours.has(attrs, "well") or not theirs.has(new, "well"):
        return []
    before = {problem.where for problem in ours.findings(attrs).should}
    return [
        Problem(problem.where, f"OME-Zarr {theirs.version}: {problem.what}", "inexpressible")
        for problem in theirs.findings(new).should
        if problem.code == "field-name" and problem.where not in before
    ]
