"""``iohub tree``."""

from __future__ import annotations

import io

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.cli.output import say


def test_whole(run, plate):
    assert run("tree", plate).stdout.splitlines() == [
        "plate.zarr",
        "├── A",
        "│   ├── 1",
        "│   │   ├── 0",
        "│   │   │   └── 0  (t 1, c 2, z 4, y 16, x 16) uint16",
        "│   │   └── 1",
        "│   │       └── 0  (t 1, c 2, z 4, y 16, x 16) uint16",
        "│   └── 2",
        "│       └── 0",
        "│           └── 0  (t 1, c 2, z 4, y 16, x 16) uint16",
        "└── B",
        "    └── 10",
        "        └── 0",
        "            └── 0  (t 1, c 2, z 4, y 16, x 16) uint16",
    ]


@pytest.mark.parametrize(("level", "lines"), [(0, 1), (1, 3), (2, 6), (3, 10), (4, 14), (9, 14)])
def test_levels(run, plate, level, lines):
    for option in ("--level", "-L"):
        assert len(run("tree", option, level, plate).stdout.splitlines()) == lines


def test_parts_of_a_plate(run, plate):
    said = run("tree", "-L", 1, plate / "A/1", plate / "A", plate / "A/1/0").stdout
    assert said == (
        "plate.zarr/A/1\n├── 0\n└── 1\n\nplate.zarr/A\n├── 1\n└── 2\n\n"
        "plate.zarr/A/1/0\n└── 0  (t 1, c 2, z 4, y 16, x 16) uint16\n"
    )


def test_a_corrupt_position_is_marked(run, plate, break_position):
    break_position(plate, "A/1/1")
    assert "1  missing or unreadable" in run("tree", plate).stdout


def test_a_glob_that_matches_nothing(run, plate):
    assert "nothing matches 'plate.zarr/Z*'" in run("tree", "plate.zarr/Z*", code=1).stderr


def test_an_image(run, plate):
    said = run("tree", plate / "A/1/0/0").stdout
    assert said == "plate.zarr/A/1/0/0  (t 1, c 2, z 4, y 16, x 16) uint16\n"


@pytest.mark.parametrize("what", ["", "A", "A/1", "A/1/0", "A/1/0/0", "A/1/0/labels/nuc"])
def test_every_node_has_a_tree(run, plate, what):
    with open_ome_zarr(plate, mode="r+") as node:
        node["A/1/0"].labels.create("nuc", np.ones((1, 4, 16, 16), "u1"), axes=list("tzyx"))
    assert run("tree", plate / what).stdout.startswith("plate.zarr")


def test_a_screen_with_few_signs(run, plate, monkeypatch):
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", screen)
    say("├── µ → 細")
    screen.flush()
    assert screen.buffer.getvalue() == b"|-- u -> ?\n"
