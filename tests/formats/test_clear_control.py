from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import numpy as np
import pytest
from numcodecs import Blosc

from iohub import open_ome_zarr
from iohub.errors import FormatError, MetadataWarning, MissingFramesWarning
from iohub.formats import clear_control
from iohub.nodes.series import Series
from iohub.testing.adapters import AdapterSuite
from iohub.testing.examples import Example, Image


def stacks(shape: tuple[int, ...], dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    """Pixels that can be compressed."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, min(4000, np.iinfo(dtype).max), shape, dtype)


def write(
    folder: Path,
    channels: Mapping[str, Sequence[np.ndarray]],
    *,
    chunk: int | None = None,
    codec: Blosc | None = None,
    metadata: bool = True,
) -> Path:
    """Write a folder; with a codec, a Blosc file of chunks of so many bytes for each stack."""
    folder.mkdir(parents=True, exist_ok=True)
    for channel, arrays in channels.items():
        inside = folder / "stacks" / channel
        inside.mkdir(parents=True)
        index, noted = [], []
        for number, array in enumerate(arrays):
            z, y, x = array.shape
            index.append(f"{number}\t{0.5 * number + 10:.4f}\t{x}, {y}, {z}\t{channel}")
            noted.append(
                json.dumps({"VoxelDimX": 0.4, "VoxelDimY": 0.4, "VoxelDimZ": 1.5, "Stack": number})
            )
            data = array.tobytes()
            if codec is None:
                (inside / f"{number:06}.raw").write_bytes(data)
            else:
                size = chunk or len(data)
                parts = [data[at : at + size] for at in range(0, len(data), size)]
                encoded = b"".join(codec.encode(np.frombuffer(part, "u2")) for part in parts)
                (inside / f"{number:06}.blc").write_bytes(encoded)
        (folder / f"{channel}.index.txt").write_text("\n".join(index) + "\n")
        if metadata:
            (folder / f"{channel}.metadata.txt").write_text("\n".join(noted) + "\n")
    return folder


def write_raw(folder: Path) -> Example:
    array = stacks((3, 2, 4, 15, 12))
    path = write(folder / "raw", {"C0L0": array[:, 0], "C0L1": array[:, 1]})
    image = Image(
        array, channel_names=["C0L0", "C0L1"], scale=(0.5, 1, 1.5, 0.4, 0.4), units={}, frames=6
    )
    return Example(path, {"": image})


def write_blosc(folder: Path) -> Example:
    array = stacks((2, 1, 5, 40, 50))
    codec = Blosc("lz4", 5, Blosc.SHUFFLE, blocksize=4096)
    path = write(folder / "blosc", {"default": array[:, 0]}, codec=codec, chunk=9000)
    return Example(path, {"": Image(array, frames=2)})


def write_bytes(folder: Path) -> Example:
    array = stacks((2, 1, 3, 8, 9), "uint8")
    path = write(folder / "bytes", {"only": array[:, 0]}, metadata=False)
    return Example(path, {"": Image(array, scale=(0.5, 1, 1, 1, 1))})


class TestSuite(AdapterSuite):
    adapter = clear_control
    examples: ClassVar[Mapping[str, Any]] = {
        "raw": write_raw,
        "blosc": write_blosc,
        "bytes": write_bytes,
    }


def test_channels_of_unequal_length(tmp_path: Path) -> None:
    """The longest one says how many time points there are; what others lack is known."""
    long, short = stacks((4, 2, 6, 5)), stacks((2, 2, 6, 5), seed=1)
    path = write(tmp_path / "x", {"a": long, "b": short})
    with pytest.warns(MissingFramesWarning, match=r"different numbers of stacks \(a: 4, b: 2\)"):
        node = open_ome_zarr(path)
    with node:
        assert node["0"].shape == (4, 2, 2, 6, 5)
        np.testing.assert_array_equal(node["0"][:, 0], long)
        np.testing.assert_array_equal(node["0"][:2, 1], short)
        assert not node["0"][2:, 1].any()
        assert node.acquisition.missing == 4
        there = [(row["t"], row["c"]) for row in node.frame_metadata]
        assert there == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (3, 0)]


def test_stacks_of_different_sizes_are_a_series(tmp_path: Path) -> None:
    large, small = stacks((2, 3, 6, 5)), stacks((2, 1, 4, 4), seed=1)
    path = write(tmp_path / "x", {"a": large, "b": small})
    with open_ome_zarr(path) as node:
        assert isinstance(node, Series)
        assert [name for name, _ in node.positions()] == ["5x6x3", "4x4x1"]
        assert node["4x4x1"].channel_names == ["b"]
        np.testing.assert_array_equal(node["4x4x1"]["0"][:, 0], small)


def test_stack_that_is_not_there(tmp_path: Path) -> None:
    array = stacks((3, 2, 6, 5))
    path = write(tmp_path / "x", {"a": array})
    (path / "stacks/a/000001.raw").unlink()
    with pytest.warns(MissingFramesWarning, match="not there or were cut \\(1 of a\\)"):
        node = open_ome_zarr(path)
    with node:
        assert not node["0"][1].any()
        np.testing.assert_array_equal(node["0"][2, 0], array[2])
        assert [row["Stack"] for row in node.frame_metadata] == [0, 2]


def test_stack_that_was_cut_in_half(tmp_path: Path) -> None:
    """It is not one of 8 bit."""
    array = stacks((3, 2, 6, 5))
    path = write(tmp_path / "x", {"a": array})
    file = path / "stacks/a/000000.raw"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.warns(MissingFramesWarning, match=r"were cut \(1 of a\)"):
        node = open_ome_zarr(path)
    with node:
        assert node["0"].dtype == np.uint16
        np.testing.assert_array_equal(node["0"][1:, 0], array[1:])


def test_index_opens_the_folder(tmp_path: Path) -> None:
    example = write_raw(tmp_path)
    with open_ome_zarr(example.path / "C0L1.index.txt") as node:
        np.testing.assert_array_equal(node["0"][...], example.images[""].pixels)


def test_last_line_that_was_cut(tmp_path: Path) -> None:
    array = stacks((3, 2, 6, 5))
    path = write(tmp_path / "x", {"a": array})
    index = path / "a.index.txt"
    index.write_text(index.read_text()[:-9])
    with pytest.warns(MetadataWarning, match="a.index.txt: its last line was cut"):
        node = open_ome_zarr(path)
    with node:
        np.testing.assert_array_equal(node["0"][:, 0], array[:2])


def test_line_that_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "x", {"a": stacks((3, 2, 6, 5))})
    index = path / "a.index.txt"
    index.write_text(index.read_text().replace("1\t10.5", "one\t10.5"))
    with pytest.raises(FormatError, match=r"a.index.txt is damaged in line 2"):
        open_ome_zarr(path)


@pytest.mark.parametrize("size", [59, 61, 150, 240])
def test_pixels_of_other_sizes_are_refused(size: int, tmp_path: Path) -> None:
    path = write(tmp_path / "x", {"a": stacks((1, 2, 6, 5))})
    (path / "stacks/a/000000.raw").write_bytes(bytes(size))
    with pytest.raises(FormatError, match=r"000000.raw has \d+ bytes"):
        open_ome_zarr(path)


@pytest.mark.parametrize("shuffle", [Blosc.NOSHUFFLE, Blosc.SHUFFLE, Blosc.BITSHUFFLE])
@pytest.mark.parametrize("level", [0, 5])
@pytest.mark.parametrize(("chunk", "block"), [(None, 4096), (None, 0), (9000, 4096), (64, 0)])
def test_ranges_of_blosc_stacks(
    shuffle: int, level: int, chunk: int | None, block: int, tmp_path: Path
) -> None:
    """Any rows are those of NumPy, whatever the chunks and their blocks."""
    array = stacks((1, 7, 33, 29))
    codec = Blosc("zstd", level, shuffle, blocksize=block)
    path = write(tmp_path / "x", {"a": array}, codec=codec, chunk=chunk)
    rng = np.random.default_rng(0)
    with open_ome_zarr(path) as node:
        image = node["0"]
        np.testing.assert_array_equal(image[:, 0], array)
        for _ in range(40):
            z = int(rng.integers(0, 7))
            y0, y1 = sorted(rng.integers(0, 34, 2))
            x0, x1 = sorted(rng.integers(0, 30, 2))
            np.testing.assert_array_equal(image[0, 0, z, y0:y1, x0:x1], array[0, z, y0:y1, x0:x1])


def test_a_plane_decodes_its_blocks_alone(tmp_path: Path) -> None:
    """A stack that is one Blosc chunk is not decoded for a plane of it."""
    array = stacks((1, 80, 64, 64))
    codec = Blosc("lz4", 5, Blosc.SHUFFLE, blocksize=8192)
    path = write(tmp_path / "x", {"a": array}, codec=codec)
    from numcodecs import blosc

    real, decoded = blosc.decompress, []

    def noting(data: Any, out: Any = None) -> Any:
        decoded.append(int.from_bytes(bytes(data[4:8]), "little"))
        return real(data) if out is None else real(data, out)

    with open_ome_zarr(path) as node, mock.patch.object(blosc, "decompress", noting):
        np.testing.assert_array_equal(node["0"][0, 0, 50], array[0, 50])
    block = int.from_bytes((path / "stacks/a/000000.blc").read_bytes()[8:12], "little")
    assert sum(decoded) <= 2 * block <= array.nbytes / 2


def test_cut_blosc_stack_names_itself(tmp_path: Path) -> None:
    example = write_blosc(tmp_path)
    file = example.path / "stacks/default/000001.blc"
    file.write_bytes(file.read_bytes()[:-500])
    with open_ome_zarr(example.path) as node:
        np.testing.assert_array_equal(node["0"][0], example.images[""].pixels[0])
        with pytest.raises(FormatError, match=r"000001.blc"):
            node["0"][1]


def test_metadata_that_are_no_json(tmp_path: Path) -> None:
    path = write(tmp_path / "x", {"a": stacks((2, 2, 6, 5))})
    (path / "a.metadata.txt").write_text('{"VoxelDimX": 2.0}\nnot json\n')
    with pytest.warns(MetadataWarning, match="1 lines"):
        node = open_ome_zarr(path)
    with node:
        assert node.scale[-1] == 2
        with pytest.warns(MetadataWarning):
            assert len(node.frame_metadata) == 2
