"""OME-TIFFs for the tests: pages written by tifffile, with XML written here."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import quoteattr

import numpy as np
import tifffile

from iohub.testing.examples import Example, Image

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def element(_name: str, *_inside: str, **attributes: Any) -> str:
    """Text of an XML element."""
    said = "".join(f" {key}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<{_name}{said}>{''.join(_inside)}</{_name}>"


def ome(*inside: str, **attributes: Any) -> str:
    """Text of an OME-XML document."""
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return head + element("OME", *inside, xmlns=NAMESPACE, Creator="tests", **attributes)


def pixels(shape: Sequence[int], *inside: str, order: str = "XYZCT", **attributes: Any) -> str:
    """Text of the element Pixels of an image (T, C, Z, Y, X)."""
    sizes = {f"Size{axis}": size for axis, size in zip("TCZYX", shape, strict=True)}
    fixed = {"ID": "Pixels:0", "DimensionOrder": order, "Type": "uint16"}
    return element("Pixels", *inside, **{**fixed, **sizes, **attributes})


def image(number: int, inside: str, *more: str, name: str = "") -> str:
    """Text of an element Image."""
    named = {"Name": name} if name else {}
    return element("Image", *more, inside, ID=f"Image:{number}", **named)


def identifier(name: str) -> str:
    """UUID of a file, always the same."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, name)}"


def tiff_data(file: str = "", uuid: str = "", **attributes: Any) -> str:
    """Text of an element TiffData."""
    inside = [element("UUID", uuid or identifier(file), FileName=file)] if file else []
    return element("TiffData", *inside, **attributes)


def write(path: Path, planes: Iterable[np.ndarray], xml: str, **options: Any) -> Path:
    """Write pages; the XML is the first one's description."""
    with tifffile.TiffWriter(
        path, **{k: options.pop(k) for k in ("bigtiff",) if k in options}
    ) as out:
        description: bytes | None = xml.encode()
        for plane in planes:
            out.write(plane, description=description, metadata=None, contiguous=False, **options)
            description = None
    return path


def noise(shape: Sequence[int], dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    """Pixels that are all different enough to tell planes apart."""
    return np.random.default_rng(seed).integers(0, 200, shape).astype(dtype)


# ---- examples ---------------------------------------------------------------------------------


def write_tifffile(folder: Path) -> Example:
    """By tifffile, with metadata of its own; compressed strips."""
    path, data = folder / "one.ome.tif", noise((3, 2, 4, 40, 50))
    metadata = {
        "axes": "TCZYX",
        "PhysicalSizeX": 0.25,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 250,
        "PhysicalSizeYUnit": "nm",
        "PhysicalSizeZ": 2,
        "TimeIncrement": 500,
        "TimeIncrementUnit": "ms",
        "Channel": {"Name": ["GFP", "DAPI"]},
        "Plane": {
            "PositionX": [7.5] * 24,
            "PositionXUnit": ["mm"] * 24,
            "PositionY": [-2.0] * 24,
            "PositionYUnit": ["mm"] * 24,
            "ExposureTime": [0.1] * 24,
        },
    }
    tifffile.imwrite(path, data, metadata=metadata, compression="zlib", rowsperstrip=16)
    found = Image(
        data,
        channel_names=["GFP", "DAPI"],
        scale=(500, 1, 2, 250, 0.25),
        units={"t": "millisecond", "z": "micrometer", "y": "nanometer", "x": "micrometer"},
        stage=(7.5, -2.0, None),
        frames=24,
    )
    return Example(path, {"": found})


def write_plain(folder: Path) -> Example:
    """Not compressed, big-endian, planes in another order."""
    path, data = folder / "plain.ome.tiff", noise((2, 3, 2, 30, 20), "float32")
    tifffile.imwrite(path, data.transpose(2, 1, 0, 3, 4), metadata={"axes": "ZCTYX"}, byteorder=">")
    return Example(path, {"": Image(data)})


def write_pyramid(folder: Path) -> Example:
    """Tiles, and two lower resolutions as SubIFDs."""
    path, data = folder / "pyramid.ome.tif", noise((1, 2, 1, 160, 144), "uint8")
    with tifffile.TiffWriter(path, bigtiff=True) as out:
        options = {"tile": (32, 48), "compression": "zlib"}
        out.write(data[0, :, 0], subifds=2, metadata={"axes": "CYX"}, **options)
        for step in (2, 4):
            out.write(data[0, :, 0, ::step, ::step], subfiletype=1, **options)
    lower = [data[..., ::step, ::step] for step in (2, 4)]
    return Example(path, {"": Image(data, levels=lower, units={"x": None})})


def write_colors(folder: Path) -> Example:
    """Samples of a pixel are channels, whether they lie together or not."""
    path, data = folder / "rgb.ome.tif", noise((2, 3, 2, 20, 24), "uint8")
    together = data.transpose(0, 2, 3, 4, 1)
    metadata = {"axes": "TZYXS"}
    tifffile.imwrite(path, together, photometric="rgb", metadata=metadata, compression="zlib")
    found = Image(data, channel_names=["Red", "Green", "Blue"])
    return Example(path, {"": found})


def write_set(folder: Path) -> Example:
    """Two images in four files, which a companion file describes."""
    data = noise((2, 2, 1, 3, 16, 18))
    images = []
    for number, t in itertools.product(range(2), range(2)):
        file = f"part-{number}-{t}.ome.tif"
        only = ome(element("BinaryOnly", MetadataFile="set.companion.ome", UUID=identifier("set")))
        write(folder / file, data[number, t, 0], only)
    for number in range(2):
        places = [
            tiff_data(f"part-{number}-{t}.ome.tif", FirstT=t, IFD=0, PlaneCount=3) for t in range(2)
        ]
        images.append(image(number, pixels(data.shape[1:], *places), name=f"site {number}"))
    path = folder / "set.companion.ome"
    path.write_text(ome(*images, UUID=identifier("set")), encoding="utf-8")
    found = {f"site {number}": Image(data[number]) for number in range(2)}
    names = [file.name for file in folder.glob("*.tif")]
    return Example(path, found, "Series", names)


def plate_xml(sizes: tuple[int, ...], **attributes: Any) -> str:
    """XML of two wells with two fields and one field; each image is one page."""
    wells = [
        element(
            "Well",
            *(
                element(
                    "WellSample",
                    element("ImageRef", ID=f"Image:{number}"),
                    ID=f"WellSample:0:{number}",
                    Index=2 - number,
                )
                for number in fields
            ),
            ID=f"Well:{row}",
            Row=row,
            Column=column,
        )
        for row, column, fields in ((0, 1, (1, 0)), (26, 11, (2,)))
    ]
    images = [
        image(number, pixels(sizes, tiff_data(IFD=number, PlaneCount=1)), name=f"F{number}")
        for number in range(3)
    ]
    return ome(element("Plate", *wells, ID="Plate:0", Name="trial", **attributes), *images)


def write_plate(folder: Path) -> Example:
    """A plate in one file; fields are in the order of their index."""
    data = noise((3, 16, 18))
    sizes = (1, 1, 1, 16, 18)
    path = write(folder / "plate.ome.tif", data, plate_xml(sizes))
    found = [Image(plane[None, None, None]) for plane in data]
    images = {"A/2/0": found[1], "A/2/1": found[0], "AA/12/0": found[2]}
    return Example(path, images, "Plate")


def write_directories_last(folder: Path) -> Example:
    """As Bio-Formats writes: big-endian, a strip per row, directories and XML behind the pixels."""
    path, data = folder / "last.ome.tiff", noise((3, 1, 1, 12, 17), "int8")
    places = [tiff_data(path.name, IFD=t, FirstT=t, PlaneCount=1) for t in range(3)]
    xml = ome(image(0, pixels(data.shape, *places, BigEndian="true", Type="int8"))).encode()
    body, directories = bytearray(8), []
    for plane in data[:, 0, 0]:
        strips = []
        for row in plane:
            strips.append(len(body))
            body += row.tobytes()
        directories.append(strips)
    where, following = len(body), 4  # of the text, and of what names the next directory
    body += xml + bytes(len(xml) % 2)
    for strips in directories:
        lists = len(body)
        body += struct.pack(f">{len(strips)}I", *strips)
        body += struct.pack(f">{len(strips)}I", *[17] * len(strips))
        entries = [
            *((256, 4, 1, 17), (257, 4, 1, 12), (258, 3, 1, 8 << 16), (259, 3, 1, 1 << 16)),
            *((262, 3, 1, 1 << 16), (270, 2, len(xml), where), (273, 4, len(strips), lists)),
            *((277, 3, 1, 1 << 16), (278, 4, 1, 1), (279, 4, len(strips), lists + 4 * len(strips))),
            (339, 3, 1, 2 << 16),
        ]
        struct.pack_into(">I", body, following, len(body))
        body += struct.pack(">H", len(entries))
        for entry in entries:
            body += struct.pack(">HHII", *entry)
        following = len(body)
        body += bytes(4)
    body[:4] = b"MM\0*"
    path.write_bytes(body)
    with tifffile.TiffFile(path) as file:
        np.testing.assert_array_equal(file.asarray(), data[:, 0, 0])
    return Example(path, {"": Image(data)})
