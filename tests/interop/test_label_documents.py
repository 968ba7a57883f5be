"""Documents of labels and series are valid by the official schemas, in all versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from iohub.metadata.versions import kind
from iohub.ngff import open_ome_zarr

SCHEMAS = {
    "image": ["image"],
    "bioformats2raw": ["bf2raw"],
    "series": ["ome"],
    "labels": [],
}


def groups(root: Path, version: str) -> list[tuple[str, dict[str, Any]]]:
    name = ".zgroup" if version == "0.4" else "zarr.json"
    found = []
    for file in sorted(root.rglob(name)):
        document = json.loads(file.read_text())
        if version == "0.4":
            attrs = file.with_name(".zattrs")
            found.append(
                (str(file.parent), json.loads(attrs.read_text()) if attrs.exists() else {})
            )
        elif document["node_type"] == "group":
            found.append((str(file.parent), document.get("attributes", {})))
    return found


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_labels_and_series(tmp_path: Path, version: str, schema_errors: Any) -> None:
    path = tmp_path / "s.zarr"
    with open_ome_zarr(path, "series", "w-", channel_names=["a"], version=version) as series:
        position = series.create_position("first")
        position.create_image("0", np.zeros((1, 1, 4, 16, 16), "uint8"))
        position.compute_pyramid(3)
        ids = np.zeros((4, 16, 16), "uint16")
        ids[1:, 2:8, 3:9] = 7
        label = position.labels.create("cells", ids)
        label.colors = {7: "red", 9: (1, 2, 3, 4)}
        label.regionprops()
        position.labels.create_zeros("original/0")
        position.labels.create("flat", ids[0], levels=1)
        position.labels.rename("flat", "by/hand")
        position.tables.write("sizes", pd.DataFrame({"label": [7]}), type="feature_table")
    checked = []
    for folder, attrs in groups(path, version):
        what = kind(attrs, 2 if version == "0.4" else 3)
        if what is None:
            continue
        checked.append(what)
        ome = attrs if version == "0.4" else attrs["ome"]
        names = SCHEMAS[what] + (["label"] if "image-label" in ome else [])
        # The schemas that there are of 0.6 are those of its candidate.
        said = {"ome": {**ome, "version": "0.6rc0"}} if version == "0.6" else attrs
        for name in names:
            errors = schema_errors(said, version, name)
            assert [f"{folder}: {name}: {error.message}" for error in errors] == []
    assert sorted(checked) == ["bioformats2raw", *["image"] * 4, "labels", "series"]
