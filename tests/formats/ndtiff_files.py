"""Writes NDTiff data sets: by ndtiff's own writer, and what that cannot write by hand."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from ndtiff import NDTiffDataset
from ndtiff.ndtiff_file import SingleNDTiffWriter

Frame = tuple[Mapping[str, Any], np.ndarray, Mapping[str, Any]]


def pages(shape: tuple[int, ...], dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype)


def frame_metadata(position: str = "", **more: Any) -> dict[str, Any]:
    return {"PixelSizeUm": 0.65, "Exposure-ms": 20.0, "PositionName": position, **more}


def write(folder: Path, frames: Iterable[Frame], summary: Mapping[str, Any], name: str) -> Path:
    """Write a data set of version 3 by ndtiff itself; frames of uint16."""
    data_set = NDTiffDataset(str(folder), name=name, summary_metadata=dict(summary), writable=True)
    write_image = SingleNDTiffWriter.write_image

    def write_now(self: SingleNDTiffWriter, *args: Any) -> Any:
        """Its reader opens the file at once, and would find nothing of small frames."""
        written = write_image(self, *args)
        self.file.flush()
        self.reader.close()  # which it forgets
        return written

    with mock.patch.object(SingleNDTiffWriter, "write_image", write_now):
        for axes, pixels, metadata in frames:
            data_set.put_image(dict(axes), pixels, dict(metadata))
    data_set.finish()
    data_set.close()
    return Path(data_set.path)


def write_by_hand(
    folder: Path, frames: Iterable[Frame], summary: Mapping[str, Any], version: int = 3
) -> Path:
    """Write a data set of version 2 or 3 in one file, of 8 and 16 bit and of colors.

    Source: the specification of NDTiff; ndtiff's reader is the judge.
    """
    inner = folder / "Full resolution" if version == 2 else folder
    inner.mkdir(parents=True, exist_ok=True)
    said = json.dumps(summary).encode()
    head = struct.pack("<2sHIII", b"II", 42, 0, 483729, version)
    head += struct.pack("<I", 2) if version == 3 else b""
    data = bytearray(head + struct.pack("<II", 2355492, len(said)) + said)
    index = bytearray()
    for axes, pixels, metadata in frames:
        kind = 2 if pixels.ndim == 3 else int(pixels.dtype == np.uint16)
        noted = json.dumps(metadata).encode()
        offset = len(data)
        data += pixels.tobytes() + noted
        fields = (offset, *pixels.shape[1::-1], kind, 0, len(data) - len(noted), len(noted), 0)
        for text in (json.dumps(axes).encode(), b"stack.tif"):
            index += struct.pack("<I", len(text)) + text
        index += struct.pack("<8I", *fields)
    (inner / "stack.tif").write_bytes(data)
    (inner / "NDTiff.index").write_bytes(index)
    return folder
