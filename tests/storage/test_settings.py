"""Options of the process: set for good, or within a block."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import iohub
from iohub.errors import ArgumentError, IohubError
from iohub.storage import files, settings


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_state", [settings.Options()])


def test_for_good_and_within_a_block() -> None:
    usual = iohub.get_options()
    iohub.set_options(workers=3)
    with iohub.set_options(pool_bytes=0, durability="power") as now:
        assert (now.pool_bytes, now.workers, now.durability) == (0, 3, "power")
        with iohub.set_options(write_bytes=1):
            assert iohub.get_options().write_bytes == 1
        assert iohub.get_options().write_bytes == usual.write_bytes
    assert iohub.get_options().workers == 3
    assert iohub.get_options().pool_bytes == usual.pool_bytes
    assert "workers=3" in repr(iohub.set_options())


def test_options_come_back_after_an_error() -> None:
    before = iohub.get_options()
    with pytest.raises(ZeroDivisionError), iohub.set_options(workers=2):
        raise ZeroDivisionError
    assert iohub.get_options() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"pool_bytes": -1},
        {"pool_bytes": "1 GB"},
        {"workers": 0},
        {"workers": 1.5},
        {"write_bytes": 0},
        {"durability": "disk"},
        {"workers": 2, "durability": 3},
    ],
)
def test_wrong_options_change_nothing(wrong: dict[str, object]) -> None:
    before = iohub.get_options()
    with pytest.raises(ArgumentError, match=list(wrong)[-1]) as caught:
        iohub.set_options(**wrong)  # type: ignore[arg-type]
    assert isinstance(caught.value, IohubError | ValueError | TypeError)
    assert iohub.get_options() == before


@pytest.mark.skipif(os.name != "posix", reason="directories are synced on POSIX only")
def test_durability_is_that_of_the_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(files, "sync", synced.append)
    with iohub.open_ome_zarr(
        tmp_path / "a.zarr", layout="fov", mode="w-", channel_names=["a"]
    ) as position:
        position.create_image("0", np.ones((1, 1, 1, 4, 4), "uint8"))
        assert synced == []
        with iohub.set_options(durability="power"):
            position.set_scale("0", "x", 2)
            assert synced
        count = len(synced)
        position.set_scale("0", "x", 3)
        assert len(synced) == count
