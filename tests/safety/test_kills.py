"""A process is killed in the middle of an edit: the store opens, and is as before or as after."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import InterruptedEditWarning
from iohub.storage import journal

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no SIGKILL")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers need not wait for a writer that is dead."""
    monkeypatch.setattr(journal, "_PATIENCE", 0.0)


def command(*arguments: object) -> list[str]:
    """Return the command of a child that edits."""
    return [sys.executable, str(Path(__file__).with_name("edits.py")), *map(str, arguments)]


@pytest.fixture(scope="module")
def killer() -> Iterator[Callable[[str, Path], list[int]]]:
    """Return a function that has an edit killed at some steps, and returns the steps."""
    with subprocess.Popen(
        command("each"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        to, back = child.stdin, child.stdout

        def kill(name: str, root: Path) -> list[int]:
            print(name, root, file=to, flush=True)
            steps: list[int] = json.loads(back.readline())
            return steps

        yield kill
        to.close()


def look(path: Path) -> None:
    """Open a store for reading only: it opens, and says if an edit is to be completed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterruptedEditWarning)
        with open_ome_zarr(path) as plate:
            repr(plate)


def test_killed_at_any_step(
    edit: Any, edits: Any, template: Path, tmp_path: Path, killer: Any
) -> None:
    before = edits.snapshot(template)
    copy = Path(shutil.copytree(template, tmp_path / "copy.zarr"))
    edit.act(copy)
    after = edits.snapshot(copy)
    assert after != before
    done = []
    for step in killer(edit.name, tmp_path):
        path = tmp_path / f"{step}.zarr"
        if edit.whole == "retry":
            edit.act(path)
            assert edits.snapshot(path) == after, step
            continue
        if edit.name != "from_positions_05":  # of the other Zarr format: not readable in between
            look(path)
        found = edits.snapshot(path, "r+")
        if edit.whole == "all":
            assert found in (before, after), step
        else:
            assert found.keys() == before.keys()
            assert all(value in (before[key], after[key]) for key, value in found.items()), step
        done.append(found == after)
        if found != after:
            edit.act(path)
            assert edits.snapshot(path) == after, step
    # Once it is decided it stays so; and both happen.
    assert done == sorted(done)
    assert edit.whole == "retry" or (done[0], done[-1]) == (False, True)


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments_while_working(edits: Any, tmp_path: Path, seed: int) -> None:
    """Everything that was said to be done is there to the bit, and no more looks done."""
    moments = random.Random(seed)
    path = tmp_path / "plate.zarr"
    open_ome_zarr(path, "hcs", "w-", ["DAPI", "GFP"], version=("0.4", "0.5", "0.6")[seed]).close()
    said: list[list[Any]] = []
    for _ in range(2):
        with subprocess.Popen(command("work", path, seed), stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline()]
            time.sleep(moments.uniform(0, 0.4))
            child.kill()
            lines += child.stdout.readlines()
        said += [json.loads(line) for line in lines if line.endswith(b"]\n")]
        with open_ome_zarr(path, mode="r+") as plate:
            found = dict(plate.positions())
            names = list(dict.fromkeys(name for name, *_ in said))
            # One more may have been made without its being said.
            assert names == list(found)[: len(names)] or set(names) <= set(found)
            assert len(found) - len(names) in (0, 1)
            for name in names:
                check(edits, found[name], [what for other, *what in said if other == name])


def check(edits: Any, position: Any, said: list[list[Any]]) -> None:
    """Compare a position with what was said of it; the next step may be done as well."""
    done = {what: more for what, *more in said}
    if "image" not in done:
        assert len(position) in (0, 1)
        return
    expected = edits.pixels(*done["image"])
    names = position.channel_names
    assert names[:2] == ["DAPI", "GFP"]
    assert ("Cy5" in names) >= ("appended" in done)
    image = position["0"][:]
    assert image.shape[1] == len(names)
    np.testing.assert_array_equal(image[:, 0], expected[:, 0])
    # Pixels are written in place; a chunk is old or new, and here one chunk is one channel.
    overwritten = (image[:, 1] == 7).all()
    assert overwritten or (image[:, 1] == expected[:, 1]).all()
    assert overwritten >= ("written" in done)
    assert (image[:, 2:] == 0).all()
    assert (len(position) == 2) >= ("pyramid" in done)
    if "pyramid" in done:
        low = np.pad(expected, [(0, 0), (0, 0), (0, 1), (0, 0), (0, 1)])
        low = low.reshape(1, 2, 2, 2, 3, 2, 3, 2).max((3, 5, 7))
        np.testing.assert_array_equal(position["1"][:, :2], low)


@pytest.mark.parametrize("engine", ["tensorstore", "zarr-python", "zarrs"])
def test_killed_while_writing_pixels(edits: Any, tmp_path: Path, engine: str) -> None:
    """Each chunk or shard is of one generation, the last that was said or the one after it."""
    moments = random.Random(3)
    path, noise = tmp_path / "image.zarr", edits.NOISE
    with open_ome_zarr(path, "fov", "w-", ["a", "b"], version="0.5") as position:
        chunks = (1, 1, 4, 64, 64)
        position.create_image("0", noise, chunks=chunks)
        position.create_image("1", noise, chunks=chunks, shards_ratio=(1, 2, 2, 1, 1))
    for _ in range(2):
        with subprocess.Popen(
            command("overwrite", path, engine), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline()]
            time.sleep(moments.uniform(0, 0.2))
            child.kill()
            lines += child.stdout.readlines()
        said = [json.loads(line)[0] for line in lines if line.endswith(b"]\n")]
        assert said
        with open_ome_zarr(path) as position:
            for _, image in position.images():
                sizes = image.shards or image.chunks
                for corner in np.ndindex(*np.floor_divide(image.shape, sizes)):
                    at = tuple(
                        slice(i * n, (i + 1) * n) for i, n in zip(corner, sizes, strict=True)
                    )
                    unit = image[at]
                    generation = unit.flat[0] // noise[at].flat[0]
                    assert generation in (said[-1], said[-1] + 1)
                    assert (unit == generation * noise[at]).all()
