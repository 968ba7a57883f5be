"""ngio reads tables and labels that iohub writes, and the other way round."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ngio
import ngio.tables as ngio_tables
import numpy as np
import pandas as pd
import pytest

from iohub.ngff import Plate, open_ome_zarr
from iohub.nodes.upgrade import upgrade

BACKENDS = ["csv", "json", "parquet", "anndata"]

pytestmark = [
    pytest.mark.filterwarnings("ignore:'version' field not specified in plate metadata"),
    pytest.mark.filterwarnings("ignore:Writing zarr v2 data will no longer be the default"),
    pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part"),
    pytest.mark.filterwarnings("ignore:The 'future.infer_string' option is deprecated"),
    # What anndata and zarr say of text and of names.
    pytest.mark.filterwarnings("ignore:The data type"),
    pytest.mark.filterwarnings("ignore:The codec"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:Transforming to str index"),
    pytest.mark.filterwarnings("ignore:Converting string index"),
]

ROIS = pd.DataFrame(
    {
        "x_micrometer": [0.0, 4.0],
        "y_micrometer": [1.0, 2.0],
        "z_micrometer": [0.0, 0.0],
        "len_x_micrometer": [2.0, 3.0],
        "len_y_micrometer": [4.0, 5.0],
        "len_z_micrometer": [1.0, 1.0],
    },
    index=pd.Index(["one", "two"], name="FieldIndex"),
)
FEATURES = pd.DataFrame(
    {"area": [1.5, 2.5], "name": ["a", "b"], "count": [3, 4]}, index=pd.Index([1, 5], name="label")
)
CONDITIONS = pd.DataFrame({"row": ["A", "B"], "drug": ["x", "y"], "dose": [0.5, 1.5]})


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def image(tmp_path: Path, version: str, write_image: Any) -> Path:
    write_image(tmp_path / "a.zarr", version, "czyx")
    ids = np.zeros((5, 33, 30), "uint32")
    ids[1, 2:9, 3:11], ids[2:, 20:, :6] = 1, 5
    with open_ome_zarr(tmp_path / "a.zarr", mode="r+") as position:
        position.labels.create("cells", ids)
    return tmp_path / "a.zarr"


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Equal but for the order of columns and the kind of numbers."""
    assert sorted(found.columns) == sorted(expected.columns)
    if found.index.name is None:
        found = found.reset_index(drop=True)
    pd.testing.assert_frame_equal(
        found[list(expected.columns)], expected, check_dtype=False, check_index_type=False
    )


def test_ngio_reads_our_labels(image: Path) -> None:
    container = ngio.open_ome_zarr_container(image, mode="r", validate_arrays=True)
    assert container.list_labels() == ["cells"]
    with open_ome_zarr(image) as position:
        label = position.labels["cells"]
        for path, level in label.images():
            theirs = container.get_label("cells", path=path)
            assert np.array_equal(theirs.get_as_numpy(), level[:])
            size = theirs.pixel_size
            assert (size.z, size.y, size.x) == tuple(label.get_effective_scale(path))


def test_ngio_reads_our_tables(image: Path, backend: str) -> None:
    with open_ome_zarr(image, mode="r+") as position:
        tables = position.tables
        tables.write("rois", ROIS, type="roi_table", backend=backend)
        tables.write("sizes", FEATURES, type="feature_table", backend=backend, label="cells")
        tables.write("drugs", CONDITIONS, type="condition_table", backend=backend)
        tables.write("other", CONDITIONS, backend=backend)
    container = ngio.open_ome_zarr_container(image, mode="r")
    assert container.list_tables() == ["rois", "sizes", "drugs", "other"]
    rois = container.get_roi_table("rois")
    assert [roi.name for roi in rois.rois()] == ["one", "two"]
    same(rois.dataframe, ROIS)
    sizes = container.get_feature_table("sizes")
    assert sizes.reference_label == "cells"
    same(sizes.dataframe, FEATURES)
    same(container.get_condition_table("drugs").dataframe, CONDITIONS)
    same(container.get_table("other").dataframe, CONDITIONS)


def test_we_read_tables_of_ngio(image: Path, backend: str) -> None:
    container = ngio.open_ome_zarr_container(image, mode="r+")
    container.add_table("masks", container.build_masking_roi_table("cells"), backend=backend)
    container.add_table("whole", container.build_image_roi_table("all"), backend=backend)
    features = ngio_tables.FeatureTable(FEATURES, reference_label="cells")
    container.add_table("sizes", features, backend=backend)
    container.add_table("drugs", ngio_tables.ConditionTable(CONDITIONS), backend=backend)
    with open_ome_zarr(image) as position:
        assert list(position.tables) == ["masks", "whole", "sizes", "drugs"]
        assert list(position.tables["masks"].index) == [1, 5]
        assert position.tables["masks"].loc[5, "len_x_micrometer"] == 6 * 0.25
        assert list(position.tables["whole"].index) == ["all"]
        same(position.tables["sizes"], FEATURES)
        same(position.tables["drugs"], CONDITIONS)
        assert position.tables.info("sizes")["region"] == {"path": "../labels/cells"}


def test_both_write_tables_of_a_plate(
    tmp_path: Path, version: str, backend: str, write_plate: Any
) -> None:
    path = tmp_path / "p.zarr"
    write_plate(path, version)
    theirs = ngio.open_ome_zarr_plate(path, mode="r+")
    theirs.add_table("theirs", ngio_tables.ConditionTable(CONDITIONS), backend=backend)
    with open_ome_zarr(path, mode="r+") as plate:
        plate.tables.write("ours", CONDITIONS, type="condition_table", backend=backend)
        assert list(plate.tables) == ["theirs", "ours"]
        same(plate.tables["theirs"], CONDITIONS)
    theirs = ngio.open_ome_zarr_plate(path, mode="r")
    assert theirs.list_tables() == ["theirs", "ours"]
    same(theirs.get_condition_table("ours").dataframe, CONDITIONS)


def test_a_renamed_label_keeps_its_tables(image: Path) -> None:
    with open_ome_zarr(image, mode="r+") as position:
        position.tables.write("sizes", FEATURES, type="feature_table", label="cells")
        position.labels.rename("cells", "nuclei")
    container = ngio.open_ome_zarr_container(image, mode="r")
    assert container.list_labels() == ["nuclei"]
    assert container.get_feature_table("sizes").reference_label == "nuclei"


@pytest.mark.parametrize("target", ["0.4", "0.5"])
def test_tables_of_ngio_are_copied(tmp_path: Path, image: Path, backend: str, target: str) -> None:
    container = ngio.open_ome_zarr_container(image, mode="r+")
    features = ngio_tables.FeatureTable(FEATURES, reference_label="cells")
    container.add_table("sizes", features, backend=backend)
    with open_ome_zarr(image) as position:
        Plate.from_positions(tmp_path / "q.zarr", {"A/1/0": position}, version=target).close()
    with open_ome_zarr(tmp_path / "q.zarr") as plate:
        same(plate["A/1/0"].tables["sizes"], FEATURES)
        assert plate["A/1/0"].labels["cells"].data.dtype == "uint32"
    copied = ngio.open_ome_zarr_container(tmp_path / "q.zarr/A/1/0", mode="r")
    same(copied.get_feature_table("sizes").dataframe, FEATURES)
    assert copied.list_labels() == ["cells"]


@pytest.mark.parametrize("to", ["0.4", "0.5"])
def test_ngio_reads_tables_after_an_upgrade(
    image: Path, version: str, to: str, backend: str
) -> None:
    container = ngio.open_ome_zarr_container(image, mode="r+")
    table = ngio_tables.FeatureTable(FEATURES, reference_label="cells")
    container.add_table("theirs", table, backend=backend)
    with open_ome_zarr(image, mode="r+") as position:
        position.tables.write(
            "ours", FEATURES, backend=backend, type="feature_table", label="cells"
        )
    # ngio puts the arrays of anndata into shards, which 0.4 has not.
    upgrade(image, to, rewrite=True)
    container = ngio.open_ome_zarr_container(image, mode="r")
    assert sorted(container.list_tables()) == ["ours", "theirs"]
    for name in ("ours", "theirs"):
        same(container.get_table(name).dataframe, FEATURES)
    with open_ome_zarr(image) as position:
        assert position.version == to
        assert sorted(position.tables["theirs"]["area"]) == [1.5, 2.5]
