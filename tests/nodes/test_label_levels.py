"""Label images have as many levels as their image, whatever becomes of its pyramid."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage.measure import block_reduce

from iohub import open_ome_zarr
from iohub.errors import ConflictError, CorruptNodeWarning
from iohub.models import validate
from iohub.ngff import Position

IDS = np.zeros((3, 9, 7), "uint16")
IDS[1, 2:4, 1:6], IDS[2, 5:, :2] = 7, 4000


@pytest.fixture(params=["0.4", "0.5", "0.6"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def shapes(node: Any) -> list[tuple[int, ...]]:
    return [level.shape for _, level in node.images()]


def check(fov: Position, tmp_path: Path, count: int) -> None:
    assert len(shapes(fov)) == count
    assert validate(tmp_path / "fov.zarr").codes()["label-levels"] == 0
    for label in fov.labels.values():
        assert shapes(label) == [shape[2:] for shape in shapes(fov)]
        assert label.scale == fov.scale[2:]
        ids = [int(i) for i in label.ids()]
        for name, level in label.images():
            assert set(np.unique(level[...])) <= {0, *ids}
            scale = label.get_effective_scale(name)
            assert scale == fov.get_effective_scale(name)[2:]
            assert label.get_effective_translation(name) == pytest.approx(
                fov.get_effective_translation(name)[2:]
                if label.metadata.multiscales[0].type != "stride"
                else [0, 0, 0]
            )


def test_labels_follow_the_pyramid(fov: Position, tmp_path: Path) -> None:
    fov.set_scale("0", "x", 0.25)
    cells = fov.labels.create("cells", IDS)
    fov.labels.create("of/nuclei", IDS // 7)
    first = cells["0"][...]
    fov.compute_pyramid(3)
    check(fov, tmp_path, 3)
    assert np.array_equal(fov.labels["cells/0"][...], first)
    assert fov.labels["cells/1"][...].any()
    fov.delete_pyramid()
    check(fov, tmp_path, 1)
    assert fov.labels["cells"].metadata.multiscales[0].type is None
    assert sorted(p.name for p in (tmp_path / "fov.zarr/labels/cells").glob("[0-9]")) == ["0"]
    fov.compute_pyramid(2)
    check(fov, tmp_path, 2)
    assert not list((tmp_path / "fov.zarr").rglob(".__iohub*"))


def test_each_is_made_as_it_was(fov: Position, tmp_path: Path) -> None:
    fov.labels.create("cells", IDS)
    fov.labels["cells"].compute_pyramid(2, method="max")
    fov.compute_pyramid(3)
    check(fov, tmp_path, 3)
    found = fov.labels["cells/1"][...]
    padded = np.pad(IDS, [(0, -n % 2) for n in IDS.shape])
    assert np.array_equal(found, block_reduce(padded, (2, 2, 2), np.max))


def test_labels_with_as_many_levels_stay(fov: Position) -> None:
    fov.compute_pyramid(2)
    label = fov.labels.create("cells", IDS)
    label["1"][...] = 5
    fov.compute_pyramid()
    assert (fov.labels["cells/1"][...] == 5).all()


def test_labels_that_cannot_be_read_are_named(fov: Position, tmp_path: Path) -> None:
    fov.labels.create("cells", IDS)
    fov.labels.create("nuclei", IDS)
    shutil.rmtree(tmp_path / "fov.zarr/labels/cells/0")
    with pytest.warns(CorruptNodeWarning, match="'cells' keeps its levels"):
        fov.compute_pyramid(2)
    assert len(shapes(fov)) == len(shapes(fov.labels["nuclei"])) == 2


def test_labels_that_change_meanwhile(fov: Position, tmp_path: Path) -> None:
    fov.labels.create("cells", IDS)

    def other(done: int, total: int) -> None:
        with open_ome_zarr(tmp_path / "fov.zarr", mode="r+") as same:
            if "more" not in same.labels:
                same.labels.create("more", IDS)
            label = same.labels["cells"]
            if len(label) == 1 and done == total:
                same.labels["cells"].set_scale("0", "x", 3.0)

    fov.compute_pyramid(2, progress=other)  # labels are looked at when the image is done
    assert len(shapes(fov.labels["more"])) == len(shapes(fov.labels["cells"])) == 2
    assert fov.labels["cells"].get_effective_scale("1")[-1] == 6.0


def test_a_conflict_changes_nothing(
    fov: Position, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iohub.nodes import label_levels

    fov.labels.create("cells", IDS)
    build = label_levels.build

    def other(*args: Any, **kwargs: Any) -> None:
        build(*args, **kwargs)
        with open_ome_zarr(tmp_path / "fov.zarr", mode="r+") as same:
            del same.labels["cells"]

    monkeypatch.setattr(label_levels, "build", other)
    with pytest.raises(ConflictError, match="label image"):
        fov.compute_pyramid(2)
    assert len(shapes(fov)) == 1
    assert not list((tmp_path / "fov.zarr").rglob(".__iohub*"))


def test_the_recommended_metadata_are_there(fov: Position, tmp_path: Path) -> None:
    fov.compute_pyramid(2)
    fov.labels.create("cells", IDS).colors = {7: "red"}
    found = validate(tmp_path / "fov.zarr/labels/cells", strict=True).codes()
    assert not {"metadata-missing", "type-missing"} & found.keys()
