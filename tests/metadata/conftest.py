"""Images that several tests of this room edit and write."""

from __future__ import annotations

import pytest

from iohub.metadata.axes import axes_for
from iohub.metadata.edits_levels import add_dataset
from iohub.metadata.transforms import scale_translation


@pytest.fixture
def pyramid():
    """Make an image of two-fold levels with half-pixel translations, as binning makes them."""

    def make(levels=3, *, names=("DAPI", "GFP"), ndim=5, scale=0.5):
        doc = None
        spatial = min(ndim, 3)
        for level in range(levels):
            factor = 2**level
            sizes = [1.0] * (ndim - spatial) + [scale * factor] * spatial
            shifts = [0.0] * (ndim - spatial) + [scale * (factor - 1) / 2] * spatial
            doc = add_dataset(
                doc,
                str(level),
                scale_translation(sizes, shifts if level else None),
                axes_for(ndim),
                channel_names=names,
                dtype="uint16",
                name="cells",
            )
        return doc

    return make
