"""Sizes of chunks and shards, and how many levels: what is asked for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, field_validator

from iohub.tiles.axes import CanonicalAxis
from iohub.tiles.spellings import TilesModel


class Scalings(StrEnum):
    """Size of a chunk by that of a field of view."""

    QUARTER = "0.25"
    HALF = "0.5"
    ONE = "1"
    DOUBLE = "2"
    QUADRUPLE = "4"

    def to_float(self) -> float:
        """Return the number."""
        return float(self.value)


class _Chunking(TilesModel):
    z_chunk: int = Field(default=10, ge=1, title="Chunk Size for Z")
    c_chunk: int = Field(default=1, ge=1, title="Chunk Size for C")
    t_chunk: int = Field(default=1, ge=1, title="Chunk Size for T")

    def get_xy_chunk(self, fov_xy_shape: int) -> int:
        """Return the size of a chunk along y or x [pixel]; told by every strategy."""
        return fov_xy_shape

    def size(self, axis: CanonicalAxis, fov_shape: int) -> int:
        """Return the size of a chunk along an axis [pixel].

        Parameters
        ----------
        axis : str
            One of t, c, z, y, x.
        fov_shape : int
            Size of the first field of view along that axis [pixel].
        """
        fixed = {"z": self.z_chunk, "c": self.c_chunk, "t": self.t_chunk}
        return fixed[axis] if axis in fixed else self.get_xy_chunk(fov_shape)


class FovBasedChunking(_Chunking):
    """Chunks with the size of a field of view, or a part or multiple of that.

    Attributes
    ----------
    mode : str
        "Same as FOV".
    xy_scaling : Scalings
        Size of a chunk by that of the field of view: 0.25, 0.5, 1, 2 or 4.
    z_chunk, c_chunk, t_chunk : int
        Size along the other axes [pixel].
    """

    mode: Literal["Same as FOV"] = "Same as FOV"
    xy_scaling: Scalings = Field(default=Scalings.ONE, title="XY Scaling Factor")

    @field_validator("xy_scaling", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return f"{value:g}" if number else value

    def get_xy_chunk(self, fov_xy_shape: int) -> int:
        """Return the size of a chunk along y or x [pixel].

        Parameters
        ----------
        fov_xy_shape : int
            Size of the field of view along that axis [pixel].
        """
        return max(1, int(fov_xy_shape * self.xy_scaling.to_float()))


class FixedSizeChunking(_Chunking):
    """Chunks of a given size.

    Attributes
    ----------
    mode : str
        "Fixed Size".
    xy_chunk : int
        Size along y and x [pixel].
    z_chunk, c_chunk, t_chunk : int
        Size along the other axes [pixel].
    """

    mode: Literal["Fixed Size"] = "Fixed Size"
    xy_chunk: int = Field(default=4096, ge=1, title="Chunk Size for XY")

    def get_xy_chunk(self, fov_shape: int) -> int:
        """Return the size of a chunk along y or x [pixel].

        Parameters
        ----------
        fov_shape : int
            Not used.
        """
        return self.xy_chunk


class NoSharding(TilesModel):
    """Every chunk is a file of its own."""

    mode: Literal["None"] = "None"


class ChunkMultipleSharding(TilesModel):
    """Several chunks are a file; Zarr format 3 has that, 2 has not.

    Attributes
    ----------
    mode : str
        "Multiple of Chunks".
    xy_factor, z_factor, c_factor, t_factor : int
        How many chunks along an axis.
    """

    mode: Literal["Multiple of Chunks"] = "Multiple of Chunks"
    xy_factor: int = Field(default=4, ge=1)
    z_factor: int = Field(default=1, ge=1)
    c_factor: int = Field(default=1, ge=1)
    t_factor: int = Field(default=1, ge=1)

    def get_factor(self, axis: CanonicalAxis) -> int:
        """Return how many chunks along an axis.

        Parameters
        ----------
        axis : str
            One of t, c, z, y, x.
        """
        other = {"z": self.z_factor, "c": self.c_factor, "t": self.t_factor}
        return other.get(axis, self.xy_factor)


class NumberOfLevels(TilesModel):
    """So many levels of resolution.

    Attributes
    ----------
    mode : str
        "Number of Levels".
    num_levels : int
        How many, the full resolution among them.
    """

    mode: Literal["Number of Levels"] = "Number of Levels"
    num_levels: int = Field(default=5, ge=1)


class NamedLevels(TilesModel):
    """Levels of resolution with names.

    Attributes
    ----------
    mode : str
        "Custom Names".
    level_names : list of str
        One for each level, the full resolution first.
    """

    mode: Literal["Custom Names"] = "Custom Names"
    level_names: list[str] = Field(min_length=1)


ChunkingStrategy: TypeAlias = Annotated[
    FovBasedChunking | FixedSizeChunking, Field(discriminator="mode")
]
ShardingStrategy: TypeAlias = Annotated[
    NoSharding | ChunkMultipleSharding, Field(discriminator="mode")
]
PyramidLevels: TypeAlias = Annotated[NumberOfLevels | NamedLevels, Field(discriminator="mode")]
