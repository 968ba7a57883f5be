"""Tables of positions and plates: written, read, replaced and removed, in every backend."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from iohub import open_ome_zarr
from iohub.errors import (
    DocumentError,
    DTypeError,
    EngineError,
    ExistsError,
    MissingDependencyError,
    MissingNodeError,
    PathError,
    ReadOnlyError,
)
from iohub.ngff import Plate, Position, Tables
from iohub.optional import have

BACKENDS = ["csv", "json", "anndata", "parquet"]


@pytest.fixture(params=["0.4", "0.5", "0.6"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    if request.param == "parquet" and not have("pyarrow"):
        pytest.skip("pyarrow is not installed")
    return str(request.param)


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "well": ["A01", "03", None],
            "text": ['a "quoted", one', "two\nlines", "µm"],
            "count": [1, -2, 3],
            "big": np.array([2**60, 2, 3], "uint64"),
            "dose": [0.1, np.nan, 1e-300],
            "good": [True, False, True],
        }
    )


ROIS = {
    "x_micrometer": [0.0],
    "y_micrometer": [1.0],
    "len_x_micrometer": [2.0],
    "len_y_micrometer": [3.0],
}


def listed(path: Path, version: str) -> Any:
    if version == "0.4":
        return json.loads((path / "tables/.zattrs").read_text())["tables"]
    return json.loads((path / "tables/zarr.json").read_text())["attributes"]["tables"]


def test_nothing_there(fov: Position) -> None:
    assert isinstance(fov.tables, Tables)
    assert list(fov.tables) == []
    assert "x" not in fov.tables
    with pytest.raises(MissingNodeError):
        fov.tables["x"]
    assert fov.group_keys() == []
    assert "none" in repr(fov.tables)


def test_round_trip(
    fov: Position, tmp_path: Path, version: str, frame: pd.DataFrame, backend: str
) -> None:
    fov.tables.write("first", frame, backend=backend)
    fov.tables.write("second", frame.set_index("count"), backend=backend)
    assert listed(tmp_path / "fov.zarr", version) == ["first", "second"]
    found = fov.tables["first"]
    order = list(frame.columns)
    # None and NaN are both "nothing here", and pandas 2 warns where they meet.
    same = found[order].astype(object).where(found[order].notna(), None)
    wanted = frame.astype(object).where(frame.notna(), None)
    pd.testing.assert_frame_equal(same, wanted, check_dtype=False, check_index_type=False)
    assert found["well"].tolist()[:2] == ["A01", "03"]
    assert found["count"].dtype == "int64"
    assert found["good"].dtype == bool
    assert found["dose"].dtype == "float64"
    second = fov.tables["second"]
    assert second.index.name == "count"
    assert second.index.tolist() == [1, -2, 3]
    assert [name for name, _ in fov.tables.items()] == ["first", "second"]


def test_empty_tables(fov: Position, frame: pd.DataFrame, backend: str) -> None:
    fov.tables.write("rows", frame.iloc[:0], backend=backend)
    assert sorted(fov.tables["rows"].columns) == sorted(frame.columns)
    assert len(fov.tables["rows"]) == 0


@pytest.mark.parametrize("values", [[1, None, 3], [True, None, False]])
def test_gaps_keep_the_type(fov: Position, backend: str, values: list[Any]) -> None:
    if backend == "csv" and values[0] is not True:
        pytest.skip("CSV has no types")
    dtype = "boolean" if values[0] is True else "Int64"
    fov.tables.write("gaps", pd.DataFrame({"a": pd.array(values, dtype=dtype)}), backend=backend)
    found = fov.tables["gaps"]["a"].astype(dtype)
    assert found.isna().tolist() == [False, True, False]
    assert found.dropna().tolist() == [values[0], values[2]]


def test_regions(fov: Position, backend: str) -> None:
    fov.tables.write("rois", pd.DataFrame(ROIS, index=["one"]), type="roi_table", backend=backend)
    info = fov.tables.info("rois")
    assert (info["type"], info["table_version"]) == ("roi_table", "1")
    assert (info["index_key"], info["index_type"]) == ("FieldIndex", "str")
    found = fov.tables["rois"]
    assert found.index.tolist() == ["one"]
    assert found.loc["one", "len_y_micrometer"] == 3.0


def test_tables_of_labels(fov: Position, backend: str) -> None:
    fov.labels.create("cells", np.ones((9, 7), "uint8"))
    frame = pd.DataFrame({"area": [1.5]}, index=pd.Index([1], name="label"))
    fov.tables.write("sizes", frame, type="feature_table", label="cells", backend=backend)
    info = fov.tables.info("sizes")
    assert info["region"] == {"path": "../labels/cells"}
    assert info["instance_key"] == info["index_key"] == "label"
    pd.testing.assert_frame_equal(fov.tables["sizes"], frame, check_dtype=False)
    with pytest.raises(MissingNodeError, match="nuclei"):
        fov.tables.write("more", frame, type="feature_table", label="nuclei")
    assert "cells" in fov.tables._repr_html_()


def test_tables_that_lack_columns(fov: Position) -> None:
    with pytest.raises(DocumentError, match="len_x_micrometer"):
        fov.tables.write("rois", pd.DataFrame({"x_micrometer": [1.0]}), type="roi_table")
    with pytest.raises(DocumentError, match="label of each row"):
        fov.tables.write("sizes", pd.DataFrame({"area": [1.0]}), type="feature_table")
    assert list(fov.tables) == []
    assert fov.group_keys() == []


@pytest.mark.parametrize(
    "column",
    [
        pd.to_datetime(["2024-01-01"]),
        pd.Series([1 + 2j]),
        pd.Series([{"a": 1}]),
        pd.Series(["a", 1]),
        pd.Series([b"raw"]),
    ],
)
def test_columns_that_no_table_holds(fov: Position, column: Any) -> None:
    for backend in ("csv", "json", "anndata"):
        with pytest.raises(DTypeError, match="'odd'"):
            fov.tables.write("odd", pd.DataFrame({"odd": column}), backend=backend)
    assert fov.group_keys() == []


def test_categories_are_written_as_what_they_are(fov: Position, backend: str) -> None:
    fov.tables["kinds"] = pd.DataFrame({"kind": pd.Categorical(["a", "b", "a"])})
    assert fov.tables["kinds"]["kind"].tolist() == ["a", "b", "a"]


def test_nothing_is_overwritten(fov: Position, tmp_path: Path, backend: str) -> None:
    one, two = pd.DataFrame({"a": [1]}), pd.DataFrame({"b": ["x"]})
    fov.tables.write("t", one, backend=backend)
    with pytest.raises(ExistsError, match="overwrite=True"):
        fov.tables["t"] = two
    assert list(fov.tables["t"].columns) == ["a"]
    fov.tables.write("t", two, overwrite=True)
    assert list(fov.tables["t"].columns) == ["b"]
    assert list(fov.tables) == ["t"]
    with open_ome_zarr(tmp_path / "fov.zarr", mode="r+", overwriting_creation=True) as again:
        again.tables["t"] = one
        assert list(again.tables["t"].columns) == ["a"]


def test_removed(fov: Position, tmp_path: Path, version: str) -> None:
    fov.tables["a"], fov.tables["b"] = pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})
    del fov.tables["a"]
    assert listed(tmp_path / "fov.zarr", version) == ["b"]
    assert not (tmp_path / "fov.zarr/tables/a").exists()
    with pytest.raises(MissingNodeError):
        del fov.tables["a"]


@pytest.mark.parametrize("name", ["../x", "a/b", "zarr.json", "", "labels"])
def test_names_that_are_not_allowed(fov: Position, name: str) -> None:
    with pytest.raises(PathError):
        fov.tables[name] = pd.DataFrame({"a": [1]})


def test_unknown_backends(fov: Position, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"a": [1]})
    with pytest.raises(EngineError, match="csv, json, parquet, anndata"):
        fov.tables.write("t", frame, backend="excel")
    fov.tables["t"] = frame
    fov.zgroup["tables/t"].attrs["backend"] = "experimental_csv_v1"
    assert fov.tables["t"]["a"].tolist() == [1]
    fov.zgroup["tables/t"].attrs["backend"] = "excel"
    with pytest.raises(EngineError, match="excel"):
        fov.tables["t"]
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingDependencyError, match=r"iohub\[tables\]"):
        fov.tables.write("p", frame, backend="parquet")
    assert list(fov.tables) == ["t"]


def test_read_only(fov: Position, tmp_path: Path) -> None:
    fov.tables["t"] = pd.DataFrame({"a": [1]})
    with open_ome_zarr(tmp_path / "fov.zarr") as position:
        assert position.tables["t"]["a"].tolist() == [1]
        with pytest.raises(ReadOnlyError):
            position.tables["u"] = pd.DataFrame({"a": [1]})
        with pytest.raises(ReadOnlyError):
            del position.tables["t"]


def test_of_a_plate(plate: Plate, tmp_path: Path) -> None:
    frame = pd.DataFrame({"row": ["A", "B"], "column": ["01", "2"], "drug": ["x", "y"]})
    plate.tables.write("conditions", frame, type="condition_table", backend="csv")
    with open_ome_zarr(tmp_path / "plate.zarr") as again:
        pd.testing.assert_frame_equal(again.tables["conditions"], frame, check_dtype=False)
        assert [path for path, _ in again.positions()] == ["A/1/0", "A/1/1", "A/2/0", "B/2/0"]
    with pytest.raises(MissingNodeError):
        plate.tables.write("t", frame, label="cells")


def test_edits_of_the_image_leave_tables_alone(fov: Position, frame: pd.DataFrame) -> None:
    for backend in ("csv", "json", "anndata"):
        fov.tables.write(backend, frame, backend=backend)
    before = {name: table.to_csv() for name, table in fov.tables.items()}
    fov.append_channel("Cy5")
    fov.compute_pyramid(2)
    fov.rename_channel("Cy5", "Cy7")
    fov.remove_channel("DAPI")
    assert {name: table.to_csv() for name, table in fov.tables.items()} == before


def test_documents_that_are_wrong(fov: Position) -> None:
    fov.tables.write("t", pd.DataFrame({"a": [1]}), backend="json")
    fov.zgroup["tables/t/table"].attrs["b"] = [1, 2]
    with pytest.raises(DocumentError, match="differ in length"):
        fov.tables["t"]
    fov.zgroup["tables"].attrs["tables"] = "t"
    with pytest.raises(DocumentError, match="array of names"):
        list(fov.tables)
    assert "unreadable" in repr(fov.tables)


def test_an_interrupted_write_leaves_nothing(
    fov: Position, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iohub.bridges import table_text

    def fail(frame: pd.DataFrame) -> bytes:
        raise OSError("the disk is full")

    fov.tables["t"] = pd.DataFrame({"a": [1]})
    monkeypatch.setattr(table_text, "to_csv", fail)
    with pytest.raises(OSError, match="disk is full"):
        fov.tables.write("t", pd.DataFrame({"b": [1]}), overwrite=True)
    assert fov.tables["t"]["a"].tolist() == [1]


def test_in_memory(version: str, backend: str, frame: pd.DataFrame) -> None:
    where = f"memory://tables-{version}-{backend}/a.zarr"
    with open_ome_zarr(where, "fov", "w-", channel_names=["a"], version=version) as position:
        position.tables.write("t", frame, backend=backend)
        assert position.tables["t"]["count"].tolist() == [1, -2, 3]


def test_small_tables_load_no_large_library(fov: Position, tmp_path: Path) -> None:
    for backend in ("csv", "json", "anndata"):
        fov.tables.write(backend, pd.DataFrame({"a": [1.5], "b": ["x"]}), backend=backend)
    code = (
        "import sys; from iohub import open_ome_zarr\n"
        f"print(len(dict(open_ome_zarr({str(tmp_path / 'fov.zarr')!r}).tables.items())))\n"
        "print({'anndata', 'pyarrow.parquet', 'polars', 'xarray'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "set()"]


@pytest.mark.parametrize("backend", ["csv", "json", "anndata"])
@pytest.mark.parametrize("index", [["x", "y"], [3, 5], [0.5, 1.5]])
def test_an_index_without_a_name_is_kept(fov: Any, backend: str, index: list[Any]) -> None:
    frame = pd.DataFrame({"area": [1.5, 2.5]}, index=index)
    fov.tables.write("t", frame, backend=backend)
    found = fov.tables["t"]
    assert found.index.name == "index"
    as_text = backend == "anndata" and isinstance(index[0], float)
    assert found.index.tolist() == (list(map(str, index)) if as_text else index)
    assert found["area"].tolist() == [1.5, 2.5]
    fov.tables.write("rows", frame.reset_index(drop=True), backend=backend)
    assert list(fov.tables["rows"].columns) == ["area"]
    assert "index_key" not in fov.tables.info("rows")


def test_an_index_beside_a_column_that_names_rows(fov: Any) -> None:
    frame = pd.DataFrame({"label": [1, 2], "area": [1.5, 2.5]})
    fov.tables.write("left", frame[frame.area > 2], type="feature_table")
    assert list(fov.tables["left"].columns) == ["area"]
    fov.tables.write("named", frame.set_axis(["x", "y"]), type="feature_table")
    assert fov.tables["named"]["index"].tolist() == ["x", "y"]
    with pytest.raises(DTypeError, match="both called 'area'"):
        fov.tables.write("t", frame.rename_axis("area"))


def test_what_json_cannot_say_is_named(fov: Any) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [0.0, -np.inf]})
    with pytest.raises(DTypeError, match=r"table 't': column 'b' is -inf in row 1.*'csv'"):
        fov.tables.write("t", frame, backend="json")
    assert list(fov.tables) == []
    for backend in ("csv", "anndata"):
        fov.tables.write(backend, frame, backend=backend)
        assert fov.tables[backend]["b"].tolist() == [0.0, -np.inf]


def test_assigning_to_a_table_that_is_there(fov: Any) -> None:
    fov.tables["t"] = pd.DataFrame({"a": [1]})
    with pytest.raises(ExistsError, match=r"tables\.write\('t', frame, overwrite=True\)"):
        fov.tables["t"] = pd.DataFrame({"a": [2]})
    assert fov.tables["t"]["a"].tolist() == [1]


def test_tables_by_path(fov: Position) -> None:
    """They were no key of their position, and could not be deleted that way."""
    with pytest.raises(MissingNodeError):
        fov["tables"]
    fov.tables.write("sizes", pd.DataFrame({"a": [1, 2]}))
    assert list(fov["tables"]) == ["sizes"]
    assert fov["tables/sizes"]["a"].tolist() == [1, 2]
    del fov["tables/sizes"]
    assert list(fov.tables) == []
