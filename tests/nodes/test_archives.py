"""Stores in which nothing can be changed or removed: what is made is written to them once."""

from __future__ import annotations

import gc
import pickle
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore, StorePath, WrapperStore, ZipStore

from iohub import open_ome_zarr
from iohub.errors import IohubWarning, ReadOnlyError
from iohub.ngff import Plate
from iohub.storage.local import LocalBytes

VALUES = np.arange(2 * 2 * 4 * 16 * 16, dtype="u2").reshape(2, 2, 4, 16, 16)
FORMATS = {"0.4": 2, "0.5": 3, "0.6": 3}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[ZipStore]:
    store = ZipStore(tmp_path / "a.zarr.zip", mode="w")
    yield store
    if store._is_open:
        store.close()


def names_in(store: ZipStore) -> list[str]:
    store.close()
    with zipfile.ZipFile(store.path) as file:
        return file.namelist()


def check_names(names: list[str]) -> None:
    """Each key once, nothing of ours, the root's document last."""
    assert len(names) == len(set(names))
    assert not [name for name in names if "iohub" in name]
    assert names[-1] in (".zgroup", "zarr.json")


def test_everything_works_until_it_is_closed(archive: ZipStore, version: str) -> None:
    """Documents are rewritten, arrays replaced and removed; the archive gets the outcome."""
    with open_ome_zarr(
        archive, layout="fov", mode="w-", channel_names=["a", "b"], version=version
    ) as node:
        node.create_image("0", VALUES[:1])
        node["0"].append(VALUES[1:])
        node["0"][0, 0] = VALUES[0, 0]
        node.create_zeros("9", VALUES.shape, "u1")
        del node["9"]
        node.compute_pyramid(levels=3)
        node.compute_pyramid(method="max")
        node.rename_channel("a", "c")
        node.append_channel("d")
        node.set_scale("0", "x", 0.25)
        node.labels.create("cells", VALUES[:, :1])
        node.zattrs["mine"] = {"a": [1]}
        assert str(archive.path) in repr(node.url)
        lazy, copy = node["0"].dask_array(), pickle.loads(pickle.dumps(node["0"]))
        assert zipfile.is_zipfile(archive.path) is False  # not a key so far
    assert np.array_equal(lazy[:, :2].compute(), VALUES)
    assert np.array_equal(copy[:, :2], VALUES)
    check_names(names_in(archive))

    node = open_ome_zarr(ZipStore(archive.path, mode="r"))
    assert node.channel_names == ["c", "b", "d"]
    assert list(node) == ["0", "1", "2"]
    assert node.scale[-1] == 0.25
    assert np.array_equal(node["0"][:, :2], VALUES)
    assert np.array_equal(node.labels["cells"]["0"][...], VALUES[:, :1])
    assert node.zattrs["mine"] == {"a": [1]}
    real = zarr.open_group(ZipStore(archive.path, mode="r"), mode="r")
    assert np.array_equal(real["0"][:, :2], VALUES)


def test_a_plate(archive: ZipStore, version: str) -> None:
    with open_ome_zarr(
        archive, layout="hcs", mode="w", channel_names=["a", "b"], version=version
    ) as plate:
        plate.create_well("B", "1")
        for position in plate.create_positions([("A", "1", "0"), ("A", "2", "0")]):
            position["0"] = VALUES
        plate.create_position("A", "3", "0")["0"] = VALUES
        plate.rename_well("A/3", "C/3")
        plate.remove_well("A/2")
    check_names(names_in(archive))
    plate = open_ome_zarr(ZipStore(archive.path, mode="r"))
    assert [path for path, _ in plate.positions()] == ["A/1/0", "C/3/0"]
    assert all(np.array_equal(p["0"][...], VALUES) for _, p in plate.positions())


def test_positions_are_put_together(archive: ZipStore, tmp_path: Path, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "p.zarr", layout="fov", mode="w-", channel_names=["a", "b"], version=version
    ) as source:
        source["0"] = VALUES
        with Plate.from_positions(archive, {"A/1/0": source, "B/1/0": source}):
            pass
    check_names(names_in(archive))
    plate = open_ome_zarr(ZipStore(archive.path, mode="r"))
    assert np.array_equal(plate["B/1/0/0"][...], VALUES)


def test_what_is_there_cannot_be_changed(archive: ZipStore, tmp_path: Path, version: str) -> None:
    """Refused before the first byte, by an error that says what to do."""
    with open_ome_zarr(
        archive, layout="fov", mode="a", channel_names=["a", "b"], version=version
    ) as node:
        node["0"] = VALUES
    names = names_in(archive)
    for mode in ("r+", "a", "w", "w-"):
        again = ZipStore(archive.path, mode="a")
        with pytest.raises(ReadOnlyError, match=r"not empty.*make_archive"):
            open_ome_zarr(again, layout="fov", mode=mode, channel_names=["a"], version=version)
        assert names_in(again) == names
    again = ZipStore(archive.path, mode="a")
    node = type(node)(zarr.open_group(again, mode="r+", zarr_format=FORMATS[version]))
    for edit in (
        lambda: node.create_image("1", VALUES),
        lambda: node.create_zeros("1", VALUES.shape, "u2"),
        lambda: node.compute_pyramid(levels=2),
        lambda: node.rename_channel("a", "z"),
        lambda: node["0"].__setitem__(0, 1),
    ):
        with pytest.raises(ReadOnlyError):
            edit()
    assert names_in(again) == names


def test_two_datasets_in_one_archive(archive: ZipStore, version: str) -> None:
    for path in ("a", "b/c"):
        with open_ome_zarr(
            StorePath(archive, path),
            layout="fov",
            mode="w-",
            channel_names=["a", "b"],
            version=version,
        ) as node:
            node["0"] = VALUES
    archive.close()
    for path in ("a", "b/c"):
        node = open_ome_zarr(StorePath(ZipStore(archive.path, mode="r"), path))
        assert np.array_equal(node["0"][...], VALUES)


def test_forgetting_to_close_is_said(archive: ZipStore, version: str) -> None:
    node = open_ome_zarr(
        archive, layout="fov", mode="w-", channel_names=["a", "b"], version=version
    )
    node["0"] = VALUES
    folder = Path(node["0"]._array.store.root)
    node.myself = node  # only a collection of garbage frees it
    del node
    with pytest.warns(IohubWarning, match=r"a\.zarr\.zip was never closed"):
        gc.collect()
    assert not folder.exists()


def test_nothing_stays_in_the_temporary_directory(archive: ZipStore, version: str) -> None:
    node = open_ome_zarr(
        archive, layout="fov", mode="w-", channel_names=["a", "b"], version=version
    )
    node["0"] = VALUES
    folder = Path(node["0"]._array.store.root).parent
    node.close()
    node.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del node
        gc.collect()
    assert not folder.exists()


class Full(WrapperStore[MemoryStore]):
    """A store that removes nothing, and takes so many keys."""

    supports_deletes = False
    room = 2

    async def set(self, key: str, value: Any) -> None:
        if not self.room:
            raise OSError(28, "No space left on device")
        self.room -= 1
        await super().set(key, value)


def test_a_failure_while_writing_says_where_the_data_are(version: str) -> None:
    memory = MemoryStore()
    node = open_ome_zarr(
        Full(memory), layout="fov", mode="w-", channel_names=["a", "b"], version=version
    )
    node["0"] = VALUES
    with pytest.raises(OSError, match="No space") as caught:
        node.close()
    (note,) = caught.value.__notes__
    kept = Path(note.split(" is kept in ")[1].rstrip("."))
    assert np.array_equal(open_ome_zarr(kept)["0"][...], VALUES)
    assert not {"zarr.json", ".zgroup"} & memory._store_dict.keys()  # nothing looks whole
    LocalBytes(kept.parent).delete_dir("")
    kept.parent.rmdir()
