"""OME-TIFF that was exported with all that OME has no place for, as other readers see it."""

from __future__ import annotations

import numpy as np
import ome_types
import tifffile

from iohub import open_ome_zarr
from tests.convert.sources import CHANNELS, stack


def test_annotations_of_ours_do_not_disturb_others(plate, tmp_path):
    path = tmp_path / "out.ome.tif"
    with open_ome_zarr(plate, mode="r+") as source:
        source["A/1/0"].zattrs["mine"] = {"text": "<µ & ]]>", "number": 1e300}
        source.export(path, levels=1)
    with tifffile.TiffFile(path) as file:
        document = ome_types.from_xml(file.ome_metadata, validate=True)
        assert [len(image.pixels.channels) for image in document.images] == [2, 2, 2]
        assert [c.name for c in document.images[0].pixels.channels] == CHANNELS
        assert {note.namespace for note in document.structured_annotations} == {
            "iohub",
            "iohub/groups",
        }
        for seed, series in enumerate(file.series):
            np.testing.assert_array_equal(series.asarray(), stack(seed))
