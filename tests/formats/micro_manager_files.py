"""Writes what Micro-Manager writes: image stacks byte by byte, and folders of single images.

Source: "Micro-Manager File Formats" (micro-manager.org); tifffile's reader is the judge of stacks.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

# Time, channel, depth and position; pixels; metadata.
Index = tuple[int, int, int, int]
Frame = tuple[Index, np.ndarray, Mapping[str, Any]]

SUMMARY_14 = {
    "MicroManagerVersion": "1.4.22",
    "MetadataVersion": 10,
    "PixelSize_um": 0.65,
    "z-step_um": -2.0,
    "Interval_ms": 500.0,
    "Time": "2015-03-04 10:11:12 -0800",
    "Prefix": "run_1",
    "SlicesFirst": True,
}
SUMMARY_2 = {
    "MicroManagerVersion": "2.0.1-20220920",
    "MetadataVersion": "1.0.0",
    "z-step_um": 2.0,
    "Interval_ms": 0.0,
    "StartTime": "2022-10-01 10:11:12.250 +0200",
    "Prefix": "run_2",
    "AxisOrder": ["position", "time", "channel", "z"],
}


def noise(shape: Sequence[int], dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 250, shape).astype(dtype)


def metadata_14(at: Index, label: str = "", **more: Any) -> dict[str, Any]:
    """Metadata of a frame as version 1.4 writes them."""
    t, c, z, p = at
    said = {"FrameIndex": t, "Frame": t, "ChannelIndex": c, "SliceIndex": z, "Slice": z}
    said |= {"PositionIndex": p, "PixelSizeUm": 0.65, "Exposure-ms": 20.0 + c}
    return {**said, **({"PositionName": label} if label else {}), **more}


def metadata_2(at: Index, label: str = "", **more: Any) -> dict[str, Any]:
    """Metadata of a frame as version 2 writes them, with types beside some values."""
    noted = {"Camera-Binning": {"PropVal": "1", "PropType": "STRING"}, "BitDepth": 16}
    return metadata_14(at, label) | noted | {"ElapsedTime-ms": 100.0 + 250 * at[0], **more}


def frames_of(
    pixels: np.ndarray, labels: Sequence[str] = ("",), metadata: Any = metadata_14, **more: Any
) -> list[Frame]:
    """Frames of pixels (P, T, C, Z, Y, X[, S])."""
    return [
        ((t, c, z, p), pixels[p, t, c, z], metadata((t, c, z, p), labels[p % len(labels)], **more))
        for p, t, c, z in np.ndindex(*pixels.shape[:4])
    ]


def write_stack(
    path: Path,
    frames: Iterable[Frame],
    summary: Mapping[str, Any],
    *,
    display: Sequence[Any] | None = None,
    comments: Mapping[str, Any] | None = None,
    finished: bool = True,
) -> Path:
    """Write a file of a stack; one that is not finished has no index, and its pages go on."""
    said = json.dumps(summary).encode()
    data = bytearray(struct.pack("<2sHI", b"II", 42, 40 + len(said)) + bytes(24))
    data += struct.pack("<II", 2355492, len(said)) + said
    index, link = bytearray(), 4
    for (t, c, z, p), pixels, metadata in frames:
        struct.pack_into("<I", data, link, len(data))
        index += struct.pack("<5I", c, z, t, p, len(data))
        link = _add_page(data, pixels, metadata)
    # Before it is finished, the last page names the place of the next.
    struct.pack_into("<I", data, link, 0 if finished else len(data))
    places = [0, 0, 0]
    if finished:
        places[0] = len(data)
        data += struct.pack("<II", 3453623, len(index) // 20) + index
        for number, (mark, content) in enumerate([(347834724, display), (84720485, comments)], 1):
            if content is not None:
                raw = json.dumps(content).encode()
                places[number] = len(data)
                data += struct.pack("<II", mark, len(raw)) + raw
    for number, mark in enumerate((54773648, 483765892, 99384722)):
        struct.pack_into("<II", data, 8 + 8 * number, mark, places[number])
    path.write_bytes(data)
    return path


def _add_page(data: bytearray, pixels: np.ndarray, metadata: Mapping[str, Any]) -> int:
    """Add a directory, its pixels and metadata; return where the place of the next one stands."""
    said = json.dumps(metadata).encode() + b"\0"
    samples = pixels.shape[2] if pixels.ndim == 3 else 1
    bits = pixels.dtype.itemsize * 8
    height, width = pixels.shape[:2]
    count = 12
    start = len(data) + 2 + 12 * count + 4
    extra = struct.pack("<3H", *[bits] * 3) if samples == 3 else b""
    place = start + len(extra)
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, samples, start if extra else bits),
        (259, 3, 1, 1),
        (262, 3, 1, 2 if samples == 3 else 1),
        (273, 4, 1, place),
        (277, 3, 1, samples),
        (278, 3, 1, height),
        (279, 4, 1, pixels.nbytes),
        (296, 3, 1, 3),
        (51122, 4, 1, 0),
        (51123, 2, len(said), place + pixels.nbytes),
    ]
    assert len(tags) == count
    data += struct.pack("<H", count) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    link = len(data)
    data += struct.pack("<I", 0) + extra + pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    data += said + b"\0" * (len(said) % 2)
    return link


def write_sequence(
    folder: Path,
    frames: Iterable[Frame],
    summary: Mapping[str, Any],
    *,
    version: int = 1,
    finished: bool = True,
    display: Sequence[Any] | None = None,
) -> Path:
    """Write a folder of single images for each position, named by version 1.4 or 2."""
    texts: dict[str, list[str]] = {}
    names = summary.get("ChNames", ["Default"])
    for (t, c, z, p), pixels, metadata in frames:
        label = metadata.get("PositionName") or ("Default" if version == 2 else "")
        place = folder / label
        place.mkdir(parents=True, exist_ok=True)
        if version == 2:
            file = f"img_channel{c:03}_position{p:03}_time{t:09}_z{z:03}.tif"
            coords = {"position": p, "time": t, "z": z, "channel": c}
            entries = [(f"Coords-{label}/{file}", coords)]
            said = {k: v for k, v in metadata.items() if not k.endswith("Index")}
            entries += [(f"Metadata-{label}/{file}", said)]
        else:
            file = f"img_{t:09}_{names[c]}_{z:03}.tif"
            entries = [(f"FrameKey-{t}-{c}-{z}", {**metadata, "FileName": file})]
        tifffile.imwrite(place / file, pixels, metadata=None, photometric="minisblack")
        parts = texts.setdefault(label, [f'"Summary": {json.dumps(summary, indent=2)}'])
        parts += [f"{json.dumps(key)}: {json.dumps(value, indent=2)}" for key, value in entries]
    for label, parts in texts.items():
        end = "\n}\n" if finished else ",\n"
        (folder / label / "metadata.txt").write_text("{\n" + ",\n".join(parts) + end)
        if display is not None:
            shown = {"Channels": list(display), "Comments": {"Summary": "seen"}}
            (folder / label / "display_and_comments.txt").write_text(json.dumps(shown))
    return folder
