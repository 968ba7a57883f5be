"""Writes ND2 files of version 3, byte by byte: nd2 only reads them.

A file is a list of named chunks, each at a multiple of 4096 bytes, and a map of them at its end.
Metadata are "CLX lite" variants: type, name and value, nested by level. The judge is nd2 itself.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

_MAGIC, _ALIGNMENT = 0x0ABECEDA, 4096
_END, _MAP = b"ND2 CHUNK MAP SIGNATURE 0000001!", b"ND2 FILEMAP SIGNATURE NAME 0001!"
_SIGNATURE = b"ND2 FILE SIGNATURE CHUNK NAME01!"


class Unsigned(int):
    """An integer of 32 bits without a sign."""


def variant(name: str, value: Any) -> bytes:
    """Encode a value."""
    kind, data = _encoded(value)
    text = (name + "\0").encode("utf-16-le")
    head = struct.pack("<BB", kind, len(name) + 1) + text
    if not isinstance(value, Mapping):
        return head + data
    # The length counts from the beginning of the record; a table of offsets follows.
    length = len(head) + 12 + len(data)
    return head + struct.pack("<IQ", len(value), length) + data + bytes(8 * len(value))


def _encoded(value: Any) -> tuple[int, bytes]:
    if isinstance(value, bool):
        return 1, struct.pack("<B", value)
    if isinstance(value, Unsigned):
        return 3, struct.pack("<I", value)
    if isinstance(value, int):
        return 2, struct.pack("<i", value)
    if isinstance(value, float):
        return 6, struct.pack("<d", value)
    if isinstance(value, str):
        return 8, (value + "\0").encode("utf-16-le")
    if isinstance(value, bytes):
        return 9, struct.pack("<Q", len(value)) + value
    return 11, b"".join(variant(key, each) for key, each in value.items())


def listed(values: Sequence[Any]) -> dict[str, Any]:
    return {f"i{number:010}": value for number, value in enumerate(values)}


def time_loop(count: int, period: float = 1000.0, average: float = 0.0) -> dict[str, Any]:
    return {
        "eType": 1,
        "uLoopPars": {
            "uiCount": Unsigned(count),
            "dStart": 0.0,
            "dPeriod": period,
            "dDuration": 0.0,
            "dAvgPeriodDiff": average,
            "dMaxPeriodDiff": 0.0,
            "dMinPeriodDiff": 0.0,
        },
    }


def uneven_time_loop(*counts: int, period: float = 1000.0) -> dict[str, Any]:
    phases = [time_loop(count, period)["uLoopPars"] for count in counts]
    pars = {"pPeriod": listed(phases), "pPeriodValid": bytes([1] * len(counts))}
    return {"eType": 8, "uLoopPars": pars}


def position_loop(points: Sequence[tuple[str, float, float, float]]) -> dict[str, Any]:
    made = [{"dPosX": x, "dPosY": y, "dPosZ": z, "pPosName": name} for name, x, y, z in points]
    return {"eType": 2, "uLoopPars": {"bUseZ": True, "Points": listed(made)}}


def z_loop(count: int, step: float, home: int = 0) -> dict[str, Any]:
    pars = {
        "uiCount": Unsigned(count),
        "dZLow": 0.0,
        "dZHigh": step * (count - 1),
        "dZStep": step,
        "dZHome": step * home,
        "iType": 2,
    }
    return {"eType": 4, "uLoopPars": pars}


def custom_loop(count: int) -> dict[str, Any]:
    return {"eType": 7, "uLoopPars": {"uiCount": Unsigned(count)}}


def plane(name: str, color: int = 0, samples: int = 1, emission: float = 0.0) -> dict[str, Any]:
    """Describe a channel; the color is that of NIS-Elements, blue first."""
    point = {"Point0": {"dTValue": 1.0, "dWavelength": emission, "eType": 1}}
    return {
        "uiCompCount": Unsigned(samples),
        "uiModalityMask": Unsigned(1),
        "pFluorescentProbe": {"m_EmissionSpectrum": {"uiCount": Unsigned(1), "pPoint": point}},
        "uiColor": Unsigned(color),
        "sDescription": name,
    }


def write(
    path: Path,
    frames: Mapping[int, np.ndarray],
    loops: Sequence[Mapping[str, Any]] = (),
    planes: Sequence[Mapping[str, Any]] = ({"uiCompCount": Unsigned(1), "sDescription": "Mono"},),
    *,
    calibration: float = 0.5,
    compressed: bool = False,
    row_padding: int = 0,
    columns: Mapping[str, Sequence[float]] = {},
    text: Mapping[str, str] = {},
    **metadata: Any,
) -> Path:
    """Write a file.

    Parameters
    ----------
    path : pathlib.Path
        Where to.
    frames : mapping of int to numpy.ndarray
        Frames ``(Y, X, C)`` by their numbers.
    loops : sequence of dict
        The outermost first.
    planes : sequence of dict
        The channels.
    calibration : float
        Pixel size; 0 if the objective was not calibrated.
    compressed : bool
        Whether frames are deflated.
    row_padding : int
        Bytes behind each row.
    columns : mapping of str to sequence of float
        What was recorded of each frame.
    text : mapping of str to str
        Descriptions, such as ``{"TextInfoItem_9": "the date"}``.
    **metadata
        Of the picture, such as ``dXPos=1.0``.
    """
    first = next(iter(frames.values()))
    height, width, count = first.shape
    attributes = {
        "uiWidth": Unsigned(width),
        "uiWidthBytes": Unsigned(width * count * first.itemsize + row_padding),
        "uiHeight": Unsigned(height),
        "uiComp": Unsigned(count),
        "uiBpcInMemory": Unsigned(8 * first.itemsize),
        "uiBpcSignificant": Unsigned(8 * first.itemsize),
        "uiSequenceCount": Unsigned(len(frames)),
        "eCompression": 0 if compressed else 2,
        "dCompressionParam": 0.0,
    }
    picture = {
        "bCalibrated": calibration > 0,
        "dCalibration": calibration,
        "dTimeAbsolute": 2460000.5,
        "dObjectiveNA": 1.4,
        "wsObjectiveName": "Plan Apo",
        "sPicturePlanes": {
            "uiCount": Unsigned(len(planes)),
            "sPlaneNew": {f"a{number}": dict(each) for number, each in enumerate(planes)},
        },
        **metadata,
    }
    experiment: dict[str, Any] = {}
    for loop in reversed(loops):
        experiment = {**loop, **({"ppNextLevelEx": listed([experiment])} if experiment else {})}
    total = max(frames) + 1
    chunks = {
        "ImageAttributesLV!": variant("SLxImageAttributes", attributes),
        "ImageMetadataSeqLV|0!": variant("SLxPictureMetadata", picture),
        "ImageTextInfoLV!": variant("SLxImageTextInfo", text),
        "CustomData|AcqTimesCache!": np.arange(total, dtype="<f8").tobytes(),
    }
    if experiment:
        chunks["ImageMetadataLV!"] = variant("SLxExperiment", experiment)
    if columns:
        tags = {
            f"Tag{number}": {
                "ID": name.replace(" ", "_"),
                "Desc": name,
                "Unit": "",
                "Type": 3,
                "Size": len(values),
            }
            for number, (name, values) in enumerate(columns.items())
        }
        described = variant("CustomTagDescription_v1.0", tags)
        chunks["CustomDataVar|CustomDataV2_0!"] = described
        for name, values in columns.items():
            key = f"CustomData|{name.replace(' ', '_')}!"
            chunks[key] = np.asarray(values, "<f8").tobytes()
    for number, frame in frames.items():
        data = frame.reshape(height, -1).view("u1")
        data = np.pad(data, ((0, 0), (0, row_padding))).tobytes()
        packed = zlib.compress(data) if compressed else data
        chunks[f"ImageDataSeq|{number}!"] = struct.pack("<d", number) + packed
    path.write_bytes(_container(chunks))
    return path


def _container(chunks: Mapping[str, bytes]) -> bytes:
    file = bytearray(struct.pack("<IIQ", _MAGIC, 32, 64) + _SIGNATURE + b"Ver3.0".ljust(64, b"\0"))
    places = b""
    for name, data in chunks.items():
        file += bytes(-len(file) % _ALIGNMENT)
        places += name.encode() + struct.pack("<QQ", len(file), len(data))
        # The time of a frame comes before its pixels, which are aligned.
        reserved = _ALIGNMENT - 16 - (8 if name.startswith("ImageDataSeq") else 0)
        file += struct.pack("<IIQ", _MAGIC, reserved, len(data))
        file += name.encode().ljust(reserved, b"\0") + data
    file += bytes(-len(file) % _ALIGNMENT)
    end = _END + struct.pack("<Q", len(file))
    places += end
    file += struct.pack("<IIQ", _MAGIC, 32, len(places)) + _MAP + places
    return bytes(file)
