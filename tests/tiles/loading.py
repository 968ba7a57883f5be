"""Loaders for tests: pixels from memory that count how often they are asked for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from iohub.tiles.layout import TileTable
from iohub.tiles.planning import plan_assembly
from iohub.tiles.register import register


class Memory:
    """Pixels in memory."""

    def __init__(self, pixels: Any, name: str = "memory"):
        self.pixels, self.name, self.loads = np.asarray(pixels), name, 0

    def load_data(self, resource: Any = None) -> Any:
        self.loads += 1
        return self.pixels

    def probe(self, resource: Any = None) -> Any:
        return self.pixels.shape, self.pixels.dtype

    def find_data_type(self, resource: Any = None) -> str:
        return str(self.pixels.dtype)

    def describe_source(self, resource: Any = None) -> str:
        return self.name


class Slow(Memory):
    """Pixels that take a while; a file says when the first was asked for."""

    def load_data(self, resource: Any = None) -> Any:
        Path(resource).write_text("begun")
        time.sleep(0.2)
        return super().load_data(resource)


def cut(scene: Any, step: int, size: int, *, kind: type[Memory] = Memory) -> tuple[Any, list[Any]]:
    """Cut a scene (c, z, y, x) into overlapping tiles, one per plane; return table and loaders."""
    names, starts, lengths, loaders = [], [], [], []
    channels, depth, height, width = scene.shape
    for y in range(0, height - size + 1, step):
        for x in range(0, width - size + 1, step):
            for c in range(channels):
                for z in range(depth):
                    names.append(f"F{y}-{x}")
                    starts.append((0, c, z, y, x))
                    lengths.append((1, 1, 1, size, size))
                    pixels = scene[c, z, y : y + size, x : x + size]
                    loaders.append(kind(pixels, f"file-{y}-{x}-{c}-{z}"))
    return TileTable.of(names, starts, lengths), loaders


def planned(table: TileTable, dtype: Any = "uint16", **more: Any) -> Any:
    """Return a plan of tiles that stay where they are."""
    more = {"axes": "czyx", "levels": 3, "chunks": {"z": 2, "y": 32, "x": 32}} | more
    return plan_assembly(register(table, tiling="inplace"), dtype=dtype, name="scene", **more)
