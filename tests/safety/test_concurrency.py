"""Several processes and handles change one plate at the same time: nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr

ENGINES = ["tensorstore", "zarr-python", "zarrs"]

# Each waits until all are there, so that they do work at the same time.
TOGETHER = """
import sys, time
import numpy as np
from pathlib import Path
from iohub import open_ome_zarr

path, number, engine = sys.argv[1], int(sys.argv[2]), sys.argv[3]
node = open_ome_zarr(path, mode="r+", engine=engine)
print("here", flush=True)
sys.stdin.readline()
"""

WELLS = f"""{TOGETHER}
for column in range(24):
    position = node.create_position("ABCD"[number], str(column + 1), "0")
    position.create_image("0", np.full((1, 1, 1, 4, 4), 100 * number + column, "u2"))
"""

SAME_WELL = f"""{TOGETHER}
for field in range(12):
    node.create_position("A", "1", f"{{number}}x{{field}}").create_zeros("0", (1, 1, 1, 4, 4), "u2")
"""

CHANNELS = f"""{TOGETHER}
rng = np.random.default_rng(number)
for time in range(node["0"].shape[0]):
    node["0"][time, number] = rng.integers(1, 60000, node["0"].shape[2:]).astype("u2")
"""

ATTRIBUTES = f"""{TOGETHER}
for index in range(30):
    node.zattrs[f"{{number}}-{{index}}"] = {{"value": index}}
    node.zattrs["shared"][f"{{number}}-{{index}}"] = index
"""


def run_together(script: str, path: Path, count: int, engine: str = "tensorstore") -> None:
    """Run a script in several processes at the same time."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path), str(number), engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    for child in children:
        _, errors = child.communicate()
        assert child.returncode == 0, errors


def no_strays(path: Path) -> None:
    """Nothing of iohub's own is left: no lock, no stage, no temporary file."""
    assert [p for p in path.rglob("*") if p.name.startswith((".__iohub", ".iohub"))] == []


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_four_processes_each_creating_24_wells(tmp_path: Path, version: str) -> None:
    path = tmp_path / "plate.zarr"
    open_ome_zarr(path, "hcs", "w-", ["DAPI"], version=version).close()
    run_together(WELLS, path, 4)
    expected = {f"{'ABCD'[i]}/{j + 1}": 100 * i + j for i in range(4) for j in range(24)}
    with open_ome_zarr(path) as plate:
        assert {well.path for well in plate.metadata.wells} == expected.keys()
        assert [row.name for row in plate.metadata.rows] != []
        assert {row.name for row in plate.metadata.rows} == set("ABCD")
        assert len(plate.metadata.columns) == 24
        found = {name: position["0"].numpy() for name, position in plate.positions()}
    assert found.keys() == {f"{well}/0" for well in expected}
    for well, value in expected.items():
        assert (path / well / "0").is_dir()
        assert (found[f"{well}/0"] == value).all()
    group = zarr.open_group(path, mode="r")
    assert all((group[f"{well}/0/0"][...] == expected[well]).all() for well in ("A/1", "D/24"))
    no_strays(path)


def test_processes_adding_fields_to_one_well(tmp_path: Path) -> None:
    path = tmp_path / "plate.zarr"
    open_ome_zarr(path, "hcs", "w-", ["DAPI"], version="0.5").close()
    run_together(SAME_WELL, path, 3)
    with open_ome_zarr(path) as plate:
        names = set(plate["A/1"].keys())
        assert names == {f"{number}x{field}" for number in range(3) for field in range(12)}
        assert len(list(plate.positions())) == 36
    no_strays(path)


def test_two_handles_in_one_process(tmp_path: Path) -> None:
    path = tmp_path / "plate.zarr"
    one = open_ome_zarr(path, "hcs", "w-", ["DAPI"], version="0.5")
    two = open_ome_zarr(path, mode="r+")
    for column in range(6):
        one.create_position("A", str(column), "0")
        two.create_position("A", str(column), "1")
        two.create_well("B", str(column))
    one.zattrs["note"] = 1
    two.rename_well("A/0", "C/0")
    one.create_position("C", "0", "2")
    for plate in (one, two, open_ome_zarr(path)):
        assert len(plate.metadata.wells) == 12
        assert plate["C/0"].keys() == ["0", "1", "2"]
        assert all(plate[f"A/{column}"].keys() == ["0", "1"] for column in range(1, 6))
        assert plate.zattrs["note"] == 1


def test_two_handles_in_threads(tmp_path: Path) -> None:
    path = tmp_path / "plate.zarr"
    open_ome_zarr(path, "hcs", "w-", ["DAPI", "GFP"], version="0.4").close()
    errors: list[BaseException] = []

    def add(row: str) -> None:
        try:
            with open_ome_zarr(path, mode="r+") as plate:
                for column in range(10):
                    position = plate.create_position(row, str(column), "0")
                    position.create_zeros("0", (1, 2, 1, 2, 2), "u1")
                    position.set_scale("0", "x", 2.0)
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=add, args=(row,)) for row in "ABC"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with open_ome_zarr(path) as plate:
        found = [position.scale[-1] for _, position in plate.positions()]
    assert found == [2.0] * 30
    no_strays(path)


def test_two_handles_on_one_image_see_each_others_pixels_and_channels(tmp_path: Path) -> None:
    path = tmp_path / "image.zarr"
    one = open_ome_zarr(path, "fov", "w-", ["DAPI"], version="0.5")
    image = one.create_zeros("0", (1, 1, 2, 4, 4), "u2")
    two = open_ome_zarr(path, mode="r+")
    other = two["0"]
    assert other[0, 0, 0, 0, 0] == 0
    image[...] = 5
    assert (other[...] == 5).all()
    two.append_channel("GFP")
    other[:, 1] = 6
    assert one.channel_names == ["DAPI", "GFP"]
    assert image.shape == other.shape == (1, 2, 2, 4, 4)
    assert (image[:, 1] == 6).all()
    one.reorder_channels(["GFP", "DAPI"])
    assert (other[:, 0] == 6).all()
    assert two.channel_names == ["GFP", "DAPI"]


@pytest.mark.parametrize("engine", ENGINES)
def test_processes_writing_channels_of_one_image(tmp_path: Path, engine: str) -> None:
    path, shape = tmp_path / "image.zarr", (3, 3, 2, 16, 16)
    with open_ome_zarr(path, "fov", "w-", list("abc"), version="0.5") as position:
        position.create_zeros("0", shape, "u2")
    run_together(CHANNELS, path, 3, engine)
    check_channels(path, shape)


def test_processes_writing_parts_of_one_chunk(tmp_path: Path) -> None:
    """Each part is written by another process; TensorStore writes a chunk conditionally."""
    path, shape = tmp_path / "image.zarr", (4, 3, 2, 16, 16)
    with open_ome_zarr(path, "fov", "w-", list("abc"), version="0.5") as position:
        position.create_zeros("0", shape, "u2", chunks=shape)
    run_together(CHANNELS, path, 3, "tensorstore")
    check_channels(path, shape)


def check_channels(path: Path, shape: Sequence[int]) -> None:
    with open_ome_zarr(path) as position:
        image = position["0"].numpy()
    for number in range(shape[1]):
        rng = np.random.default_rng(number)
        for time in range(shape[0]):
            expected = rng.integers(1, 60000, shape[2:]).astype("u2")
            np.testing.assert_array_equal(image[time, number], expected)


def test_processes_writing_attributes(tmp_path: Path) -> None:
    path = tmp_path / "image.zarr"
    with open_ome_zarr(path, "fov", "w-", ["a"], version="0.5") as position:
        position.zattrs["shared"] = {}
    run_together(ATTRIBUTES, path, 3)
    with open_ome_zarr(path) as position:
        attrs = position.zattrs.asdict()
    keys = {f"{number}-{index}" for number in range(3) for index in range(30)}
    assert attrs["shared"].keys() == keys
    assert keys < attrs.keys()


def test_a_reader_never_sees_half_a_document(tmp_path: Path) -> None:
    """While one thread rewrites the plate's document, another reads it the whole time."""
    path = tmp_path / "plate.zarr"
    with open_ome_zarr(path, "hcs", "w-", ["DAPI"], version="0.5") as plate:
        plate.create_positions([("A", str(i), "0") for i in range(50)])
        stop = threading.Event()
        seen: list[int] = []

        def read() -> None:
            while not stop.is_set():
                with open_ome_zarr(path) as other:
                    seen.append(len(other.metadata.wells))

        errors: list[BaseException] = []

        def reading() -> None:
            try:
                read()
            except BaseException as error:
                errors.append(error)
                raise

        thread = threading.Thread(target=reading)
        thread.start()
        for i in range(40):
            plate.create_well("B", str(i))
        stop.set()
        thread.join()
    assert errors == []
    assert seen == sorted(seen)
    assert min(seen) >= 50
