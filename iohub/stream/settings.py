"""What an acquisition is to become: dimensions in the order of frames, file, type, compression."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, cast

import numpy as np
from pydantic import ValidationInfo, field_validator, model_validator

from iohub.stream.dimensions import Dimension
from iohub.stream.formats import (
    BACKENDS,
    Format,
    OmeTiffFormat,
    OmeZarrFormat,
    ScratchFormat,
    cast_format,
)
from iohub.stream.plates import Plate, Position, Setting

MIN_DIMENSIONS, MAX_DIMENSIONS = 2, 5
"""Without that of positions."""

_RANK = {"time": 0, "channel": 1, "other": 2, "space": 3}
_SPACE_ORDER = {"z": 0, "y": 1, "x": 2}


class AcquisitionSettings(Setting):
    """Declares an acquisition: in which order frames come, and what is made of them.

    Attributes
    ----------
    root_path : str
        File, folder or URL to write; may be empty for ``ScratchFormat``.
    dimensions : tuple of Dimension
        Slowest first, in the order that frames come; the last two are those of a frame. 2 to 5,
        and one of positions.
    dtype : str
        NumPy name of the type of pixels.
    format : OmeZarrFormat, OmeTiffFormat or ScratchFormat
        Also as a mapping, or the name of a format or a backend; "auto" goes by the path.
    compression : {"blosc-zstd", "blosc-lz4", "zstd", "lzw", "none"} or None
        Of the pixels.
    storage_order : {"ome", "acquisition"} or list of str
        Order of the axes in the file: that of OME, that of the frames, or the names of all. The
        axes of OME-Zarr are time, channel, space by its rules; "acquisition" comes as near as
        these allow.
    plate : Plate or None
        Makes a plate; every position needs a row and a column then.
    overwrite : bool
        Whether to replace what is there.

    Raises
    ------
    pydantic.ValidationError
        If members do not fit each other; a :class:`ValueError`.
    """

    root_path: str = ""
    dimensions: tuple[Dimension, ...] = ()
    dtype: str = ""
    # A name, which its validator resolves.
    format: Format = cast(Format, "auto")
    compression: Literal["blosc-zstd", "blosc-lz4", "zstd", "lzw", "none"] | None = None
    storage_order: Literal["acquisition", "ome"] | list[str] = "ome"
    plate: Plate | None = None
    overwrite: bool = False

    @model_validator(mode="before")
    @classmethod
    def _refuse_backend(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and "backend" in value:
            raise ValueError(
                "backend is no member of AcquisitionSettings: say format='tensorstore', or "
                "format=OmeZarrFormat(backend='tensorstore')"
            )
        return value

    @field_validator("format", mode="before")
    @classmethod
    def _resolve_format(cls, value: Any, info: ValidationInfo) -> Any:
        path = info.data.get("root_path", "")
        form, guessed = cast_format(value, path)
        if guessed:
            warnings.warn(
                f"the name {path!r} does not say which format is meant; {form.name!r} is written. "
                "Say format=..., or end the path in .ome.zarr or .ome.tiff",
                UserWarning,
                stacklevel=2,
            )
        return form

    @field_validator("root_path", mode="before")
    @classmethod
    def _path_as_text(cls, value: Any) -> Any:
        return os.fspath(value) if isinstance(value, os.PathLike) else value

    @field_validator("dtype", mode="before")
    @classmethod
    def _name_of_type(cls, value: Any) -> Any:
        if isinstance(value, str) and not value:
            return value
        try:
            return np.dtype(value).name
        except TypeError as error:
            raise ValueError(f"{value!r} is no NumPy data type: {error}") from error

    @field_validator("dimensions", mode="after")
    @classmethod
    def _check_dimensions(cls, dims: tuple[Dimension, ...]) -> tuple[Dimension, ...]:
        return check_dimensions(dims) if dims else dims

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        known = next(
            iter(b.compressions for b in BACKENDS.values() if b.format == self.format.name)
        )
        if self.compression is not None and self.compression not in known:
            raise ValueError(
                f"{self.format.name} has no compression {self.compression!r}; there are "
                f"{', '.join(map(repr, known))}"
            )
        if self.dimensions:
            _check_order(self.storage_order, self.dimensions)
            self._check_plate()
        return self

    def _check_plate(self) -> None:
        if self.plate is None:
            return
        without = [p.name for p in self.positions if p.plate_row is None]
        if self.position_dimension_index is None:
            raise ValueError("a plate needs a dimension of positions with rows and columns")
        if without:
            raise ValueError(f"positions of a plate need a row and a column; none has {without}")
        for position in self.positions:
            row, column = position.plate_row, position.plate_column
            if row not in self.plate.row_names or column not in self.plate.column_names:
                warnings.warn(
                    f"position {position.name!r} lies in the well {row}/{column}, which the plate "
                    "does not name; its row and column are added to the plate",
                    UserWarning,
                    stacklevel=2,
                )

    def _known(self, what: str) -> tuple[Dimension, ...]:
        if not self.dimensions:
            raise ValueError(f"{what} is not known before dimensions are set")
        return self.dimensions

    # ---- what follows from it -----------------------------------------------------------------

    @property
    def output_path(self) -> str:
        """Where it is written, with the suffix of the format."""
        self._known("output_path")
        return self.format.get_output_path(self.root_path, num_positions=len(self.positions))

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Sizes of all dimensions as frames come; None where it is not known."""
        return tuple(dim.count for dim in self._known("shape"))

    @property
    def is_unbounded(self) -> bool:
        """Whether the size of the first dimension is not known."""
        return self._known("is_unbounded")[0].count is None

    @property
    def num_frames(self) -> int | None:
        """How many frames come in all; None if that is not known."""
        counts = [dim.count for dim in self._known("num_frames")[:-2]]
        return None if None in counts else math.prod(count or 1 for count in counts)

    @property
    def positions(self) -> tuple[Position, ...]:
        """All positions; one called "0" if there is no dimension of them."""
        for dim in self._known("positions"):
            if dim.type == "position":
                return tuple(p for p in dim.coords or () if isinstance(p, Position))
        return (Position(name="0"),)

    @property
    def position_dimension_index(self) -> int | None:
        """Where the positions are among the dimensions; None if there are none."""
        types = [dim.type for dim in self._known("position_dimension_index")]
        return types.index("position") if "position" in types else None

    @property
    def frame_dimensions(self) -> tuple[Dimension, ...]:
        """The two dimensions of a frame."""
        return self._known("frame_dimensions")[-2:]

    @property
    def index_dimensions(self) -> tuple[Dimension, ...]:
        """Dimensions along which frames are numbered, without that of positions."""
        dims = self._known("index_dimensions")[:-2]
        return tuple(dim for dim in dims if dim.type != "position")

    @property
    def array_dimensions(self) -> tuple[Dimension, ...]:
        """Dimensions of one position's array, as frames come."""
        return self.index_dimensions + self.frame_dimensions

    @property
    def storage_index_permutation(self) -> tuple[int, ...] | None:
        """Which of :attr:`index_dimensions` each stored one is; None if they keep their order."""
        found = self.storage_places
        return None if found == tuple(range(len(found))) else found

    @property
    def storage_places(self) -> tuple[int, ...]:
        """For each stored index dimension, which of :attr:`index_dimensions` it is."""
        dims = self.index_dimensions
        places = range(len(dims))
        if isinstance(self.storage_order, list):
            names = [name for name in self.storage_order if name in {dim.name for dim in dims}]
            return tuple(sorted(places, key=lambda i: names.index(dims[i].name)))
        if isinstance(self.format, OmeZarrFormat):
            ome = self.storage_order == "ome"
            return tuple(sorted(places, key=lambda i: _rank(dims[i], by_name=ome)))
        if isinstance(self.format, OmeTiffFormat) and self.storage_order == "ome":
            # OME-TIFF knows time, channels and z, in any order; others come last.
            return tuple(sorted(places, key=lambda i: dims[i].type in {None, "other"}))
        return tuple(places)

    @property
    def storage_index_dimensions(self) -> tuple[Dimension, ...]:
        """Dimensions along which frames are numbered, as they are stored."""
        dims = self.index_dimensions
        return tuple(dims[i] for i in self.storage_places)

    @property
    def array_storage_dimensions(self) -> tuple[Dimension, ...]:
        """Dimensions of one position's array, as they are stored."""
        return self.storage_index_dimensions + self.frame_dimensions

    def validate_stream_ready(self) -> Literal[True]:
        """Return True if a stream can be made of it.

        Raises
        ------
        ValueError
            If dimensions, the data type, or the path are not set.
        """
        if not self.dimensions:
            raise ValueError("dimensions must be set before a stream is created")
        if not self.dtype:
            raise ValueError("dtype must be set before a stream is created")
        if not self.root_path and not isinstance(self.format, ScratchFormat):
            raise ValueError(f"root_path must be set to write {self.format.name}")
        return True


def check_dimensions(dims: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """Return dimensions that an acquisition may have; the last two become those of space.

    Raises
    ------
    ValueError
        If there are too few or too many, a name twice, or one that cannot be where it is.
    """
    names = [dim.name for dim in dims]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"names of dimensions must be unique; {', '.join(twice)} is there twice")
    positions = [dim.name for dim in dims if dim.type == "position"]
    if len(positions) > 1:
        raise ValueError(f"only one dimension may be of positions, not {', '.join(positions)}")
    count = len(dims) - len(positions)
    if not MIN_DIMENSIONS <= count <= MAX_DIMENSIONS:
        raise ValueError(
            f"there must be {MIN_DIMENSIONS} to {MAX_DIMENSIONS} dimensions beside that of "
            f"positions, usually y and x among them; there are {count}"
        )
    if endless := [dim.name for dim in dims[1:] if dim.count is None]:
        raise ValueError(
            f"only the first dimension may be unbounded (count=None), not {', '.join(endless)}"
        )
    return (*dims[:-2], *(_of_frame(dim) for dim in dims[-2:]))


def _of_frame(dim: Dimension) -> Dimension:
    if dim.type is None:
        warnings.warn(
            f"the dimension {dim.name!r} has no type and is taken for one of space, since it is "
            "one of the last two; say type='space'",
            UserWarning,
            stacklevel=3,
        )
        return dim.model_copy(update={"type": "space"})
    if dim.type != "space":
        raise ValueError(
            f"the last two dimensions are those of a frame and of space; {dim.name!r} has the "
            f"type {dim.type!r}"
        )
    return dim


def _check_order(order: str | list[str], dims: Sequence[Dimension]) -> None:
    if isinstance(order, str):
        return
    names = [dim.name for dim in dims]
    without = [dim.name for dim in dims if dim.type != "position"]
    if sorted(order) not in (sorted(names), sorted(without)):
        raise ValueError(f"storage_order {order} does not name the dimensions {without}, each once")
    if order[-2:] != names[-2:]:
        raise ValueError(f"storage_order must end with the dimensions of a frame, {names[-2:]}")


def _rank(dim: Dimension, *, by_name: bool) -> tuple[int, int]:
    kind = dim.type or "other"
    rank = _RANK[kind]
    order = _SPACE_ORDER.get(dim.name.lower(), 0) if by_name and kind == "space" else 0
    return rank, order
