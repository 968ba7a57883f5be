"""What OME-Arrow's struct has fields for, of an image: from such a record, and for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from iohub.errors import ArgumentError
from iohub.formats.images import Channel, ImageSource
from iohub.formats.ome_arrow.image import AXES
from iohub.formats.ome_arrow.records import (
    MICROMETER,
    WHITE,
    Description,
    channel,
    in_utc,
)
from iohub.metadata.acquisition import AcquisitionRecord, ChannelOptics
from iohub.metadata.transforms import compose
from iohub.metadata.units import canonical, convert, si_factor

if TYPE_CHECKING:
    from iohub.formats.ome_arrow.pixels import Sizes
    from iohub.metadata.axes import AxisMeta
    from iohub.metadata.image import ImageMeta
    from iohub.storage.virtual import ChunkReader

_EPOCH: Final = datetime(1970, 1, 1)
_NANOMETERS: Final = 1000.0
"""In a micrometer, in which records say wavelengths."""


def described_source(said: Description, levels: Sequence[ChunkReader]) -> ImageSource:
    """Describe an image of which nothing but its record is known.

    Parameters
    ----------
    said : Description
        What the record says.
    levels : sequence of ChunkReader
        Its pixels; all have the axes t, c, z, y and x.
    """
    names = said.channels if len(said.channels) == said.shape[1] else ()
    return ImageSource(
        name=said.name or said.image_id or "",
        axes=AXES,
        levels=levels,
        scale=dict(zip("xyz", said.size, strict=True)),
        units={axis: canonical(unit) for axis, unit in zip("xyz", said.units, strict=True)},
        channels=[
            Channel(str(each.get("name") or ""), _color(each.get("color_rgba"))) for each in names
        ],
        acquisition=_acquisition(said, names),
    )


def _acquisition(said: Description, names: Sequence[Mapping[str, Any]]) -> AcquisitionRecord:
    optics = tuple(
        ChannelOptics(
            name=str(each.get("name") or ""),
            excitation=_nanometers(each.get("excitation_um")),
            emission=_nanometers(each.get("emission_um")),
        )
        for each in names
    )
    known = any((each.excitation, each.emission) != (None, None) for each in optics)
    return AcquisitionRecord(
        name=said.image_id or said.name,
        source="OME-Arrow",
        date=None if said.acquired is None else said.acquired.isoformat(),
        channels=optics if known else (),
    )


def _nanometers(micrometers: float | None) -> float | None:
    return round(micrometers * _NANOMETERS, 3) if micrometers else None


def _color(rgba: int | None) -> str | None:
    # White stands for a colour that nobody chose.
    return None if rgba is None or rgba == WHITE else f"{rgba >> 8 & 0xFFFFFF:06X}"


@dataclass(frozen=True)
class Laid:
    """How the axes of an array lie in a record.

    Attributes
    ----------
    letters : str
        Of ``tczyx`` for each axis of the array.
    names : tuple of str
        What its axes are called.
    """

    letters: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, axes: Sequence[AxisMeta], where: str) -> Laid:
        """Find out which axis is which.

        Raises
        ------
        ArgumentError
            If a record has no place for them.
        """
        kinds = [axis.type for axis in axes]
        space = iter("zyx"[3 - min(3, kinds.count("space")) :])
        others = iter("c")
        letters = ""
        for axis, kind in zip(axes, kinds, strict=True):
            letter = "t" if kind == "time" else next(space if kind == "space" else others, "")
            if not letter or letter in letters:
                raise ArgumentError(
                    f"{where} has the axes {', '.join(a.name for a in axes)}; a record has a "
                    f"place for time, channels, z, y and x, and none for {axis.name!r}"
                )
            letters += letter
        return cls(letters, tuple(axis.name for axis in axes))

    def sizes(self, shape: Sequence[int]) -> Sizes:
        """Return the sizes of the record (T, C, Z, Y, X)."""
        known = dict(zip(self.letters, shape, strict=True))
        t, c, z, y, x = (known.get(letter, 1) for letter in AXES)
        return t, c, z, y, x


def description(
    document: ImageMeta,
    level: int,
    laid: Laid,
    sizes: Sizes,
    dtype: str,
    *,
    image_id: str,
    name: str,
    image_type: str,
    record: AcquisitionRecord | None,
) -> Description:
    """Say in the fields of a record what they can of an image.

    Parameters
    ----------
    document : ImageMeta
        The image.
    level : int
        Number of its dataset.
    laid : Laid
        Its axes.
    sizes : tuple of int
        Of the record (T, C, Z, Y, X).
    dtype : str
        Name of the data type.
    image_id, name, image_type : str
        As the record says them.
    record : AcquisitionRecord or None
        Of its acquisition.
    """
    multiscale = document.multiscales[0]
    axes = multiscale.axes
    scale, _ = compose(multiscale.datasets[level].coordinate_transformations, len(axes))
    if multiscale.coordinate_transformations:
        more, _ = compose(multiscale.coordinate_transformations, len(axes))
        scale = tuple(a * b for a, b in zip(scale, more, strict=True))
    lengths = {
        letter: _length(size, axis.unit)
        for letter, size, axis in zip(laid.letters, scale, axes, strict=True)
    }
    x, y, z = (lengths.get(letter, (1.0, MICROMETER)) for letter in "xyz")
    date = None if record is None or record.date is None else _moment(record.date)
    return Description(
        sizes,
        dtype,
        image_id,
        name,
        image_type,
        # Records always say a time; the first of all stands for none, so that files are the same.
        date or _EPOCH,
        (x[0], y[0], z[0]),
        (x[1], y[1], z[1]),
        _channels(document, record, sizes[1]),
    )


def _length(size: float, unit: str | None) -> tuple[float, str]:
    if unit is None or si_factor(unit) is None:
        return size, unit or MICROMETER
    try:
        return convert(size, unit, "micrometer"), MICROMETER
    except ValueError:
        return size, unit


def _moment(text: str) -> datetime | None:
    try:
        return in_utc(datetime.fromisoformat(text))
    except ValueError:
        return None


def _channels(
    document: ImageMeta, record: AcquisitionRecord | None, count: int
) -> tuple[dict[str, Any], ...]:
    shown = document.omero.channels if document.omero is not None else ()
    optics = record.channels if record is not None else ()
    made = []
    for index in range(count):
        each = shown[index] if index < len(shown) else None
        color = None if each is None or each.color is None else int(each.color, 16) << 8 | 0xFF
        said = channel(
            index, each.label if each is not None else None, WHITE if color is None else color
        )
        if index < len(optics) and len(optics) == count:
            said["excitation_um"] = (optics[index].excitation or 0.0) / _NANOMETERS
            said["emission_um"] = (optics[index].emission or 0.0) / _NANOMETERS
        made.append(said)
    return tuple(made)
