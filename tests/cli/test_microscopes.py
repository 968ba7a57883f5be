"""``iohub info`` and ``iohub convert`` of what microscopes write, one of each format."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.models import validate
from tests.formats import (
    test_clear_control,
    test_micro_manager,
    test_micro_manager_sequence,
    test_nd2,
    test_ndtiff,
    test_sequences,
    test_tiff_plain,
)

WRITERS: list[tuple[str, Callable[[Path], Any]]] = [
    ("ClearControl", test_clear_control.write_raw),
    ("Micro-Manager", test_micro_manager.write_plate),
    ("Micro-Manager", test_micro_manager_sequence.write_series),
    ("ND2", test_nd2.write_plate),
    ("NDTiff", test_ndtiff.write_plate),
    ("TIFF", test_sequences.write_plate),
    ("TIFF", test_tiff_plain.write_imagej),
]


@pytest.mark.parametrize(
    ("title", "write"), WRITERS, ids=lambda each: getattr(each, "__module__", None)
)
def test_shown_and_converted_and_back(run, tmp_path, monkeypatch, title, write):
    monkeypatch.chdir(tmp_path)
    os.mkdir("source")
    example = write(Path("source").absolute())
    said = run("info", example.path, "-v").stdout
    assert title in said
    for word in (
        "on disk",
        "open_ome_zarr(",
        "scale",
        *(next(iter(example.images.values())).channel_names or ()),
    ):
        assert word in said
    planned = run("convert", example.path, "out.zarr", "-n", "-l", 2).stdout
    assert f"{len(example.images)} position" in planned
    run("convert", example.path, "out.zarr", "-l", 2, "--chunks", "plane", "--version", "0.5")
    assert validate("out.zarr").valid
    run("convert", "out.zarr", "out.ome.tif")
    with open_ome_zarr(example.path) as source:
        expected = dict(_positions(source))
        for name in ("out.zarr", "out.ome.tif"):
            with open_ome_zarr(name) as made:
                for (key, position), before in zip(
                    _positions(made), expected.values(), strict=True
                ):
                    np.testing.assert_array_equal(position["0"][:], before["0"][:], key)
                    assert position.channel_names == before.channel_names
                    assert position.stage_position == before.stage_position
                    np.testing.assert_allclose(position.scale, before.scale)
                    assert len(position.frame_metadata) == len(before.frame_metadata)


def _positions(node: Any) -> list[tuple[str, Any]]:
    return list(node.positions()) if hasattr(node, "positions") else [("", node)]
