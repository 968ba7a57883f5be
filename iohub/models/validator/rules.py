"""The table of rules: in which section of the specification each code has its place, what to do.

Codes are stable: a code that was once given keeps its meaning.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple


class Entry(NamedTuple):
    """What is known of a code.

    Attributes
    ----------
    section : str
        Section of the specification; empty if the pointer tells.
    advice : str
        What to do.
    zarr : bool
        Whether the rule is one of Zarr itself.
    """

    section: str
    advice: str
    zarr: bool = False


_AXES, _TRANSFORMS, _IMAGE = "axes", "coordinateTransformations", "multiscales"
_SYSTEMS, _LABEL, _SCENE = "coordinateSystems", "image-label", "scene"
_REPAIR = "`iohub repair` does that"
_AGREE = f"Let path, rowIndex and columnIndex agree: {_REPAIR}."
_MATRIX = "Give the matrix in the shape that the number of axes asks for."

RULES: dict[str, Entry] = {
    # members of documents
    "missing": Entry("", "Add the member."),
    "type": Entry("", "Write the value with the JSON type that the specification gives."),
    "path": Entry("", "Use a relative path below the group."),
    "json": Entry("", "Restore the file from a copy, or write it anew.", zarr=True),
    "json-nan": Entry("", "NaN and Infinity are no JSON: write a number, or null.", zarr=True),
    "attributes": Entry("", "Attributes must be a JSON object.", zarr=True),
    "node-type": Entry("", 'Write "group" or "array".', zarr=True),
    "name-missing": Entry("", "Add a name."),
    "type-missing": Entry(_IMAGE, 'Say how the lower levels were made, such as "mean".'),
    "metadata-missing": Entry(_IMAGE, "Say how the lower levels were made."),
    "type-member": Entry(_IMAGE, ""),
    "axes-member": Entry(_IMAGE, "Take the member away."),
    "version-member": Entry(_IMAGE, "Take the member away."),
    # versions
    "version": Entry("version", "State the version of the whole hierarchy."),
    "version-missing": Entry("version", "State the version."),
    "version-draft": Entry("version", "Write the document anew in the released version."),
    "version-unknown": Entry("version", "Use a newer iohub, or correct the version."),
    "version-mixed": Entry("version", "Write all documents of a hierarchy in one version."),
    "zarr-format": Entry("storage format", "Write the store in the Zarr format of its version."),
    "zarr-formats": Entry("storage format", "Delete the documents of the older format."),
    "inexpressible": Entry("", "Write a newer version."),
    "metadata-absent": Entry("storage format", "Give the path of an OME-Zarr group."),
    # axes
    "axes-count": Entry(_AXES, "Have 2 to 5 axes."),
    "axes-space": Entry(_AXES, "Have 2 or 3 axes of the type 'space'."),
    "axes-time": Entry(_AXES, "Have one axis of the type 'time' at most."),
    "axes-channel": Entry(_AXES, "Have one axis of channels or of another type at most."),
    "axes-order": Entry(_AXES, "Order the axes and the dimensions of the arrays."),
    "axes-unique": Entry(_AXES, "Give each axis a name of its own."),
    "axes-zyx": Entry(_AXES, "Order the axes of space, and the dimensions of the arrays, z, y, x."),
    "axis-type-missing": Entry(_AXES, "Say the type: space, time, channel or another."),
    "axis-unit-missing": Entry(_AXES, "Say the unit, such as micrometer or second."),
    "unit-unknown": Entry(_AXES, "Use a UDUNITS name, such as 'micrometer'."),
    # images
    "multiscales-empty": Entry(_IMAGE, "Add an image, or take the member away."),
    "datasets-empty": Entry(_IMAGE, "List the levels."),
    "datasets-unique": Entry(_IMAGE, "List each level once."),
    "datasets-order": Entry(_IMAGE, "List the levels from the largest to the smallest."),
    "channel-color": Entry("omero", "Give each channel six hexadecimal digits."),
    "channel-window": Entry("omero", "Give each channel min, max, start and end."),
    "channel-unique": Entry("omero", "Give each channel a name of its own."),
    "channel-count": Entry("omero", "Describe one channel for each index of the channel axis."),
    # levels
    "level-missing": Entry(_IMAGE, f"Restore the array, or drop the entry: {_REPAIR}."),
    "level-kind": Entry(_IMAGE, "Name the array, not the group around it."),
    "level-ndim": Entry(_IMAGE, "Have one axis for each dimension of the array."),
    "level-dtype": Entry(_IMAGE, "Write all levels with one data type."),
    "level-order": Entry(_IMAGE, "List the levels from the largest to the smallest."),
    "level-scale": Entry(_TRANSFORMS, "Make the ratio of the scales that of the sizes."),
    "dimension-names": Entry(_IMAGE, f"Write the names of the axes: {_REPAIR}."),
    "group-absent": Entry("storage format", f"Add the document of the group: {_REPAIR}."),
    # transformations
    "transform-count": Entry(_TRANSFORMS, "Combine the transformations."),
    "transform-form": Entry(_TRANSFORMS, "Write a scale, then a translation."),
    "transform-length": Entry(_TRANSFORMS, "Have one value per axis."),
    "transform-path": Entry(_TRANSFORMS, "Write the numbers themselves."),
    "transform-scale": Entry(_TRANSFORMS, "Add a scale; 1 where nothing is known."),
    "transform-unknown": Entry(_TRANSFORMS, "Use a type of the specification."),
    "transform-intrinsic": Entry(_TRANSFORMS, "Let one end be the system of the levels."),
    "transforms-empty": Entry(_TRANSFORMS, "Omit the member."),
    "scale-positive": Entry(_TRANSFORMS, "Have positive factors."),
    "level-transform": Entry(_TRANSFORMS, "Use a scale, and at most a translation after it."),
    "level-transform-order": Entry(_TRANSFORMS, "Put the scale before the translation."),
    "label-transform": Entry(_TRANSFORMS, "Use an identity, a scale or a translation."),
    "input-missing": Entry(_TRANSFORMS, "Name the array of the level."),
    "input-path": Entry(_TRANSFORMS, "Write the path of the level."),
    "output-missing": Entry(_TRANSFORMS, "Name a coordinate system of the image."),
    "output-path": Entry(_TRANSFORMS, "Omit the path: the system is one of the image."),
    "reference-members": Entry(_TRANSFORMS, "Keep what belongs there only."),
    "intrinsic-unique": Entry(_TRANSFORMS, "Let all levels lead to one system."),
    "sequence-empty": Entry(_TRANSFORMS, "Use an identity instead."),
    "map-axis": Entry(_TRANSFORMS, "List each axis once."),
    "project-axis": Entry(_TRANSFORMS, "Name axes that there are, each once."),
    "affine-shape": Entry(_TRANSFORMS, _MATRIX),
    "affine-form": Entry(_TRANSFORMS, "Give the matrix, or the path of its array."),
    "rotation-form": Entry(_TRANSFORMS, "Give the matrix, or the path of its array."),
    "rotation-matrix": Entry(_TRANSFORMS, "Use an affine for what is no rotation."),
    "by-dimension": Entry(_TRANSFORMS, "Give each output axis to one transformation."),
    "by-dimension-coverage": Entry(_TRANSFORMS, "Give every output axis a transformation."),
    "parameters-missing": Entry(_TRANSFORMS, "Restore the array of the parameters."),
    "parameters-shape": Entry(_TRANSFORMS, _MATRIX),
    # coordinate systems and scenes
    "systems-empty": Entry(_SYSTEMS, "Have at least one coordinate system."),
    "systems-unique": Entry(_SYSTEMS, "Give each system a name of its own."),
    "systems-connected": Entry(_SYSTEMS, "Add a transformation between them."),
    "system-unknown": Entry(_SYSTEMS, "Name a system that there is."),
    "scene-transforms": Entry(_SCENE, "Add a transformation."),
    "scene-image": Entry(_SCENE, "Name images that there are."),
    # labels
    "label-empty": Entry(_LABEL, "Omit the member."),
    "label-unique": Entry(_LABEL, "Have one colour per label."),
    "label-colors": Entry(_LABEL, "Give the labels colours."),
    "labels-unique": Entry("labels", "List each label image once."),
    "labels-absent": Entry("labels", f"List the label images: {_REPAIR}."),
    "label-missing": Entry("labels", f"Restore the label image, or drop the entry: {_REPAIR}."),
    "label-image": Entry("labels", "Give the label image the metadata of an image."),
    "label-unlisted": Entry("labels", f"List the label image: {_REPAIR}."),
    "label-levels": Entry("labels", "Have as many levels as the image."),
    "label-dtype": Entry("labels", "Write labels as integers."),
    "label-shape": Entry("labels", "Have the size of the image along each axis, or 1."),
    "label-metadata": Entry(_LABEL, "Add the member 'image-label'."),
    "label-source": Entry(_LABEL, "Name the image relative to the label image."),
    # plates and wells
    "rows-unique": Entry("plate", "Give each row a name of its own."),
    "columns-unique": Entry("plate", "Give each column a name of its own."),
    "name-case": Entry("plate", "Have names that differ by more than case."),
    "wells-empty": Entry("plate", f"List the wells: {_REPAIR}."),
    "wells-unique": Entry("plate", "List each well once."),
    "well-path": Entry("plate", _AGREE),
    "well-index": Entry("plate", _AGREE),
    "well-missing": Entry("plate", f"Drop the entry, or leave it: {_REPAIR}."),
    "well-unlisted": Entry("plate", f"List the well: {_REPAIR}."),
    "well-metadata": Entry("well", f"List the fields of view: {_REPAIR}."),
    "acquisitions-unique": Entry("plate", "Give each acquisition an id of its own."),
    "acquisition-unknown": Entry("well", "Name one of the plate's acquisitions."),
    "field-count-missing": Entry("plate", "Say how many fields there are at most."),
    "field-count": Entry("plate", "Say how many fields there are at most."),
    "images-empty": Entry("well", f"List the fields of view: {_REPAIR}."),
    "images-unique": Entry("well", "List each field of view once."),
    "field-name": Entry("well", "Rename the field of view."),
    "field-missing": Entry("well", f"Restore the field of view, or drop the entry: {_REPAIR}."),
    "field-image": Entry("well", "Give the field of view the metadata of an image."),
    "field-unlisted": Entry("well", f"List the field of view: {_REPAIR}."),
    # bioformats2raw
    "bioformats2raw": Entry("bioformats2raw.layout", "Write what the layout demands."),
    "series": Entry("bioformats2raw.layout", "List the paths of the images, each once."),
    "layout-version": Entry("bioformats2raw.layout", "Write the number 3."),
    "series-missing": Entry("bioformats2raw.layout", "Restore the image, or drop its entry."),
    "series-image": Entry("bioformats2raw.layout", "Give each series the metadata of an image."),
    "series-count": Entry("bioformats2raw.layout", "Have one image per Image of the OME-XML."),
    "series-xml": Entry("bioformats2raw.layout", "Write OME/METADATA.ome.xml."),
    "series-xml-form": Entry("bioformats2raw.layout", "Write OME-XML into OME/METADATA.ome.xml."),
    # Zarr itself
    "group-missing": Entry("groups", "Restore the group.", zarr=True),
    "zgroup-missing": Entry("groups", f"Add the file: {_REPAIR}.", zarr=True),
    "group-kind": Entry("groups", "A group must be there, not an array.", zarr=True),
    "array-document": Entry("arrays", "Correct the document of the array.", zarr=True),
    "array-dtype": Entry("arrays", "Store pixels as numbers.", zarr=True),
    "array-names": Entry("arrays", "Have one name per dimension.", zarr=True),
    "array-codecs": Entry("codecs", "Use codecs that are widely known.", zarr=True),
    "shard-shape": Entry("sharding", "Make shards a multiple of chunks.", zarr=True),
    "separator": Entry("storage format", "Write chunks below folders, with '/' in their keys."),
    "separator-disagrees": Entry("chunk keys", f"Name the separator: {_REPAIR}.", zarr=True),
    "chunk-corrupt": Entry("chunks", "Restore the file from a copy; its pixels are lost.", True),
    "chunk-outside": Entry("chunks", "Delete the file: no reader finds it.", zarr=True),
    "consolidated-stale": Entry("consolidated metadata", "Consolidate the metadata anew.", True),
    "unreadable": Entry("", "Look at the permissions of the file.", zarr=True),
    "journal": Entry("", "Open the store for writing, which completes the edit.", zarr=True),
}
"""What is known of each code."""

_SECTIONS = (
    (r"/coordinateSystems/", _SYSTEMS),
    (r"/axes(/|$)", _AXES),
    (r"/scene/coordinateTransformations/", _TRANSFORMS),
    (r"/multiscales/.*coordinateTransformations", _TRANSFORMS),
    (r"/multiscales", _IMAGE),
    (r"/omero", "omero"),
    (r"/image-label", _LABEL),
    (r"/labels", "labels"),
    (r"/plate", "plate"),
    (r"/well", "well"),
    (r"/scene", _SCENE),
    (r"/bioformats2raw.layout|/series", "bioformats2raw.layout"),
    (r"/version", "version"),
)


def entry_of(code: str, pointer: str) -> Entry:
    """Return what is known of a code, with its section.

    Parameters
    ----------
    code : str
        Of a finding.
    pointer : str
        Where it was found, which tells the section of rules that hold in many places.
    """
    entry = RULES[code]
    if entry.section:
        return entry
    return entry._replace(section=_section_of(re.sub(r"\d+", "0", pointer)))


@cache
def _section_of(pointer: str) -> str:
    found = (name for pattern, name in _SECTIONS if re.search(pattern, pointer))
    return next(found, "metadata")
