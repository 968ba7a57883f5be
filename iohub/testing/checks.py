"""What the suite of the adapters asks of a node and of the pixels in it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from iohub._open import open_ome_zarr
from iohub.nodes.position import Position
from iohub.testing.examples import Example, Image
from iohub.types import NDArray

_TRIES: Final = 100
_PAUSE: Final = 0.02
"""Between two looks at what is open [s]."""


def positions(node: Any) -> dict[str, Position]:
    """Positions of a node by their paths, ``""`` for the node itself."""
    return {"": node} if isinstance(node, Position) else dict(node.positions())


def at(node: Any, path: str) -> Any:
    """Position of a node, or the node itself."""
    return node[path] if path else node


def same(found: NDArray, wanted: NDArray) -> None:
    """Compare pixels: shape, type and values, NaN equal to NaN."""
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def check_metadata(position: Position, image: Image) -> None:
    """Compare what a position tells with what its image is."""
    assert "".join(axis.name for axis in position.axes) == image.axes
    assert position.keys() == [str(number) for number in range(len(image.all_levels))]
    for number, level in enumerate(image.all_levels):
        found = position[str(number)]
        assert (found.shape, found.dtype) == (level.shape, level.dtype)
        sizes = [m / n for m, n in zip(image.pixels.shape, level.shape, strict=True)]
        ratios = np.divide(position.get_effective_scale(str(number)), position.scale)
        np.testing.assert_allclose(ratios, np.round(sizes), rtol=0.05)
    if image.channel_names is not None:
        assert position.channel_names == list(image.channel_names)
    if image.scale is not None:
        np.testing.assert_allclose(position.scale, image.scale, rtol=1e-6)
    for axis in position.axes:
        if axis.name in image.units:
            assert axis.unit == image.units[axis.name]
    if image.stage is not None:
        stage = position.stage_position
        assert stage is not None
        assert (stage.x, stage.y, stage.z) == pytest.approx(image.stage)
    if image.frames is not None:
        frames = position.frame_metadata
        assert len(frames) == image.frames
        for frame in frames:
            assert all(0 <= frame[n] < s for n, s in _sizes(image).items() if n in frame)
    assert position.labels.keys() == []


def _sizes(image: Image) -> dict[str, int]:
    sizes = dict(zip(image.axes, image.pixels.shape, strict=True))
    return {name: size for name, size in sizes.items() if name in "tcz"}


def check_selections(found: Any, wanted: NDArray, rng: np.random.Generator) -> None:
    """Compare a random region, outer product and list of points with NumPy's."""
    key = tuple(_random_part(rng, size) for size in wanted.shape)
    same(np.asarray(found[key]), np.asarray(wanted[key]))
    lines = [rng.integers(0, size, rng.integers(1, min(size, 9) + 1)) for size in wanted.shape]
    same(found.oindex[tuple(lines)], wanted[np.ix_(*lines)])
    points = tuple(rng.integers(0, size, 12) for size in wanted.shape)
    same(found.vindex[points], wanted[points])
    line = rng.integers(-wanted.shape[0], wanted.shape[0], 3)
    same(found[line], wanted[line])


def _random_part(rng: np.random.Generator, size: int) -> int | slice:
    start, stop = sorted(int(n) for n in rng.integers(0, size + 1, 2))
    kind = rng.integers(0, 4)
    if kind == 0:
        return int(rng.integers(-size, size))
    if kind == 1:
        return slice(stop, start, -int(rng.integers(1, 4)))
    return slice(start, stop, int(rng.integers(1, 4)) if kind == 2 else None)


def read_all(example: Example, *, close: bool = True) -> dict[str, NDArray]:
    """Open an example and read level 0 of every position."""
    node = open_ome_zarr(example.path)
    try:
        for position in positions(node).values():
            _ = position.acquisition, position.frame_metadata
        return {path: position["0"][...] for path, position in positions(node).items()}
    finally:
        if close:
            node.close()


def open_files(example: Example) -> list[str]:
    """Files of an example that this process has open; none where the system does not tell.

    Those count that stay so: threads of a library may let go of a file somewhat later.
    """
    if not os.path.isdir("/proc/self/fd"):
        return []
    found = _open_now(example)
    for _ in range(_TRIES):
        if not found:
            break
        time.sleep(_PAUSE)
        found = _open_now(example)
    return found


def _open_now(example: Example) -> list[str]:
    folder, found = str(example.path.parent), []
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # the descriptor of the listing itself
            continue
        if target.startswith(folder):
            found.append(target)
    return found


def files_of(example: Example) -> list[Path]:
    """All files of an example; of a pattern, those of its folder."""
    if example.path.is_file():
        return [example.path]
    folder = example.path if example.path.is_dir() else example.path.parent
    return sorted(path for path in folder.rglob("*") if path.is_file())


def contents(example: Example) -> dict[Path, bytes]:
    """Bytes of all files of an example."""
    return {path: path.read_bytes() for path in files_of(example)}


def damageable(example: Example) -> list[Path]:
    """Files of an example that are cut off or damaged in tests."""
    folder = example.path if example.path.is_dir() else example.path.parent
    if example.truncatable:
        return [folder / name for name in example.truncatable]
    return [max(files_of(example), key=lambda path: path.stat().st_size)]
