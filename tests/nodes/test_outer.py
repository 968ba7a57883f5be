"""A new store inside of another one is refused where nothing would find it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iohub import open_ome_zarr
from iohub.errors import PathError
from iohub.ngff import Plate


def create(at: Any, layout: str = "hcs", mode: str = "w-") -> Any:
    return open_ome_zarr(at, layout=layout, mode=mode, channel_names=["a"], version="0.5")


@pytest.mark.parametrize("mode", ["w-", "a", "w"])
@pytest.mark.parametrize("below", ["inner.zarr", "A", "A/1", "A/1/0/inner.zarr", "A/1/0/x/y.zarr"])
@pytest.mark.parametrize("layout", ["hcs", "fov"])
def test_no_store_in_a_plate(plate: Any, mode: str, below: str, layout: str) -> None:
    before = sorted(Path(plate.url).rglob("*"))
    if mode == "a" and Path(plate.url, below).exists():
        pytest.skip("opened as it is")
    with pytest.raises(PathError) as caught:
        create(Path(plate.url, below), layout, mode)
    assert sorted(Path(plate.url).rglob("*")) == before
    outer = "position" if below.startswith("A/1/0") else "plate"
    assert f"lies inside the {outer} {plate.url}" in str(caught.value)


def test_a_plate_never_replaces_what_is_in_a_plate(plate: Any) -> None:
    with pytest.raises(PathError, match="lies inside the well"):
        create(Path(plate.url, "A/1/0"), "hcs", "w")
    assert plate["A/1/0/0"].shape


def test_also_in_an_empty_plate_and_in_memory(empty_plate: Any, version: str) -> None:
    with pytest.raises(PathError, match="inside the plate"):
        create(Path(empty_plate.url, "x.zarr"))
    outer = create(f"memory://outer{version}/p.zarr")
    with pytest.raises(PathError, match=r"inside the plate memory://outer.*/p\.zarr"):
        create(f"memory://outer{version}/p.zarr/inner")
    outer.close()
    create(f"memory://outer{version}/q.zarr").close()


def test_from_positions(plate: Any, tmp_path: Path) -> None:
    before = sorted(Path(plate.url).rglob("*"))
    with pytest.raises(PathError, match="inside the plate"):
        Plate.from_positions(Path(plate.url, "inner.zarr"), {"A/1/0": plate["A/1/0"]})
    assert sorted(Path(plate.url).rglob("*")) == before


def test_plain_groups_and_scenes_may_hold_stores(tmp_path: Path) -> None:
    import zarr

    zarr.create_group(tmp_path / "plain.zarr")
    with create(tmp_path / "plain.zarr/one.zarr") as plate:
        assert plate.is_root()
    open_ome_zarr(tmp_path / "scene.zarr", layout="scene", mode="w-", version="0.6").close()
    with create(tmp_path / "scene.zarr/one.zarr", "fov") as position:
        assert position.is_root()


def test_replacing_a_position_of_a_plate_is_as_before(plate: Any) -> None:
    with create(Path(plate.url, "A/1/0"), "fov", "w") as position:
        assert position.keys() == []
