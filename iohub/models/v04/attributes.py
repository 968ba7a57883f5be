"""The attributes of OME-Zarr 0.4 groups: the metadata lie at their top, beside all others."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from iohub.metadata.documents import Document
from iohub.metadata.image import ImageMeta
from iohub.metadata.labels import LabelsMeta
from iohub.metadata.plate import PlateMeta, WellGroupMeta

ImageAttrs = ImageMeta
"""Attributes of an image."""

ImageLabelAttrs = ImageMeta
"""Attributes of a label image."""

LabelsAttrs = LabelsMeta
"""Attributes of the group that lists label images."""


class HCSAttrs(Document):
    """Attributes of a plate.

    Attributes
    ----------
    plate : PlateMeta
        Its document.
    """

    plate: PlateMeta


class WellAttrs(Document):
    """Attributes of a well.

    Attributes
    ----------
    well : WellGroupMeta
        Its document.
    """

    well: WellGroupMeta


class BioFormats2RawAttrs(Document):
    """Attributes of the uppermost group of the layout of bioformats2raw.

    Attributes
    ----------
    bioformats2raw_layout : {3}
        Number of the layout.
    plate : PlateMeta or None
        If there is one, images are where it says.
    """

    bioformats2raw_layout: Literal[3] = Field(alias="bioformats2raw.layout")
    plate: PlateMeta | None = None
