"""Documents of label images and of the group that lists them, with their rules."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from iohub.errors import Problem
from iohub.metadata.documents import Document, Findings, Int, Many, Str, pointer
from iohub.metadata.names import path_problem

_Byte = Annotated[Int, Field(ge=0, le=255)]


class LabelsMeta(Document):
    """The label images of an image.

    Attributes
    ----------
    labels : tuple of str
        Paths of their groups, relative to the group ``labels``.
    """

    labels: Many[Str]


class LabelColorMeta(Document):
    """The colour of one label.

    Attributes
    ----------
    label_value : int
        Pixel value of the label.
    rgba : tuple of int or None
        Red, green, blue and opacity, 0 to 255.
    """

    label_value: Int
    rgba: Annotated[Many[_Byte], Field(min_length=4, max_length=4)] | None = None


class LabelPropertyMeta(Document):
    """What is known of one label, in members of any name.

    Attributes
    ----------
    label_value : int
        Pixel value of the label.
    """

    label_value: Int


class LabelSourceMeta(Document):
    """Where a label image comes from.

    Attributes
    ----------
    image : str or None
        Path of the image, relative to the label image's group; ``"../../"`` if absent.
    """

    image: Str | None = None


class ImageLabelMeta(Document):
    """What a label image says about its labels.

    Attributes
    ----------
    version : str or None
        As read from OME-Zarr 0.4.
    colors : tuple of LabelColorMeta or None
        At most one per label.
    properties : tuple of LabelPropertyMeta or None
        In any number.
    source : LabelSourceMeta or None
        The image that was labelled.
    """

    version: Str | None = None
    colors: Many[LabelColorMeta] | None = None
    properties: Many[LabelPropertyMeta] | None = None
    source: LabelSourceMeta | None = None


def check_image_label(doc: ImageLabelMeta) -> Findings:
    """Check the rules of ``image-label`` (specification 0.4, "labels").

    Parameters
    ----------
    doc : ImageLabelMeta
        What is checked; pointers are relative to it.
    """
    found = Findings.none()
    for name, items in (("colors", doc.colors), ("properties", doc.properties)):
        if items == ():
            found.must.append(Problem(pointer(name), "must not be empty; omit it", "label-empty"))
    seen: set[int] = set()
    for index, color in enumerate(doc.colors or ()):
        if color.label_value in seen:
            place = pointer("colors", index, "label-value")
            text = f"label {color.label_value} has a colour already"
            found.must.append(Problem(place, text, "label-unique"))
        seen.add(color.label_value)
    if doc.colors is None:
        found.should.append(Problem(pointer("colors"), "should be there", "label-colors"))
    return found


def check_labels(doc: LabelsMeta) -> Findings:
    """Check that each label image is at a path inside the group, and listed once (SHOULD).

    Parameters
    ----------
    doc : LabelsMeta
        What is checked; pointers are relative to its array.
    """
    found = Findings.none()
    seen: set[str] = set()
    for index, path in enumerate(doc.labels):
        problem = path_problem(path)
        if problem:
            found.must.append(Problem(pointer(index), f"the path {path!r} {problem}", "path"))
        if path in seen:
            text = f"{path!r} is there twice"
            found.should.append(Problem(pointer(index), text, "labels-unique"))
        seen.add(path)
    return found
