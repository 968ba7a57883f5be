"""How tiles become images: tiling, corrections of positions, writing; frozen in nothing but data.

:class:`ConverterOptions` holds all of it. Both generations of names are accepted; the fields have
those of the reference page, and where a later name is used the later defaults hold.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Literal, Self, TypeAlias, cast

from pydantic import Field, model_validator

from iohub.metadata.versions import DEFAULT_VERSION
from iohub.tiles.chunking import (
    ChunkingStrategy,
    FovBasedChunking,
    NamedLevels,
    NoSharding,
    NumberOfLevels,
    ShardingStrategy,
)
from iohub.tiles.runtime import RuntimeSettings, TempJsonOptions
from iohub.tiles.spellings import TilesModel
from iohub.tiles.tiling import (
    AutoTiling,
    InplaceTiling,
    MosaicGrouping,
    PerFovGrouping,
    SnapToCornersTiling,
    SnapToGridTiling,
    TilingStrategy,
)
from iohub.types import Version

NgffVersions: TypeAlias = Version
DefaultNgffVersion: Version = cast(Version, DEFAULT_VERSION)


class OverwriteMode(StrEnum):
    """What happens to what is there already."""

    NO_OVERWRITE = "No Overwrite"
    OVERWRITE = "Overwrite"
    EXTEND = "Extend"


class WriterMode(StrEnum):
    """In which order and with how much memory an image is written; the bytes are the same."""

    BY_TILE = "By Tile"
    BY_FOV = "By FOV"
    BY_FOV_DASK = "By FOV (Using Dask)"
    BY_TILE_DASK = "By Tile (Using Dask)"
    IN_MEMORY = "In Memory"


class TilingMode(StrEnum):
    """Where tiles go."""

    AUTO = "Auto"
    SNAP_TO_GRID = "Snap to Grid"
    SNAP_TO_CORNERS = "Snap to Corners"
    INPLACE = "Inplace"
    NO_TILING = "No Tiling"


class BackendType(StrEnum):
    """How tables are stored."""

    ANNDATA = "anndata"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


class StagePositionCorrections(TilesModel):
    """What is done to positions before tiles are placed.

    Later names are taken as well: ``remove_xy_jitter`` is ``align_xy``. Where a later name is used,
    its default holds: True.

    Attributes
    ----------
    align_xy : bool
        Whether every tile of a field of view moves to the y and x of its first one.
    align_z : bool
        Whether each field of view starts at z = 0 (the same as ``remove_z_offset="Per-FOV"``).
    align_t : bool
        Whether each field of view starts at t = 0.
    remove_xy_offset : {"Global", "Keep"}
        Whether the smallest y and x of an image become 0.
    remove_z_offset : {"Global", "Per-FOV", "Keep"}
        Whether the smallest z becomes 0, of the image or of each field of view.
    remove_t_offset : {"Global", "Keep"}
        Whether the smallest t becomes 0.
    reindex_channels : bool
        Whether channels that no tile has are left out, of the image and of its metadata.
    """

    renamed: ClassVar[dict[str, str]] = {"remove_xy_jitter": "align_xy"}
    later_names: ClassVar[frozenset[str]] = frozenset(
        {"remove_xy_offset", "remove_z_offset", "remove_t_offset", "reindex_channels"}
    )
    later_defaults: ClassVar[dict[str, Any]] = {"align_xy": True}

    align_xy: bool = Field(default=False, title="Align XY")
    align_z: bool = Field(default=False, title="Align Z")
    align_t: bool = Field(default=False, title="Align T")
    remove_xy_offset: Literal["Keep", "Global"] = "Global"
    remove_z_offset: Literal["Keep", "Per-FOV", "Global"] = "Global"
    remove_t_offset: Literal["Keep", "Global"] = "Global"
    reindex_channels: bool = True

    def offsets(self) -> dict[str, str]:
        """Return by axis (t, z, y, x) whether its offset is kept, or removed and of what.

        Returns
        -------
        dict of str to {"Keep", "Per-FOV", "Global"}
        """
        xy = self.remove_xy_offset
        return {
            "t": "Per-FOV" if self.align_t else self.remove_t_offset,
            "z": "Per-FOV" if self.align_z else self.remove_z_offset,
            "y": xy,
            "x": xy,
        }


AlignmentCorrections = StagePositionCorrections


class OmeZarrOptions(TilesModel):
    """How images are stored.

    Later names are taken as well: ``levels`` for ``num_levels``. Where ``levels`` or ``shards`` is
    used, tables are CSV unless said otherwise.

    Attributes
    ----------
    num_levels : int
        Levels of resolution.
    level_names : list of str or None
        Their names, the full resolution first; None for "0", "1" …
    chunks : FovBasedChunking or FixedSizeChunking
        Sizes of chunks.
    shards : NoSharding or ChunkMultipleSharding
        Sizes of shards.
    ngff_version : str
        OME-Zarr version.
    table_backend : BackendType
        How tables of regions are stored.
    """

    later_names: ClassVar[frozenset[str]] = frozenset({"shards"})
    later_defaults: ClassVar[dict[str, Any]] = {"table_backend": BackendType.CSV}

    num_levels: int = Field(default=5, ge=1)
    level_names: list[str] | None = Field(default=None, min_length=1)
    chunks: ChunkingStrategy = Field(default_factory=FovBasedChunking, title="Chunking Strategy")
    shards: ShardingStrategy = Field(default_factory=NoSharding, title="Sharding Strategy")
    ngff_version: NgffVersions = DefaultNgffVersion
    table_backend: BackendType = Field(default=BackendType.ANNDATA, title="Table Backend")

    @classmethod
    def translated(cls, values: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Take ``levels`` for the number of levels and their names."""
        if "levels" not in values:
            return values, False
        levels = values.pop("levels")
        if "num_levels" in values or "level_names" in values:
            raise ValueError("'levels' and 'num_levels' are one thing; give one of them")
        named = levels.get("level_names") if isinstance(levels, dict) else None
        if isinstance(levels, NamedLevels) or named is not None:
            names = NamedLevels.model_validate(levels).level_names
            values.update(num_levels=len(names), level_names=names)
        else:
            values["num_levels"] = NumberOfLevels.model_validate(levels).num_levels
        return values, True

    @model_validator(mode="after")
    def _one_name_each(self) -> Self:
        names = self.level_names
        if names is not None and (len(names) != self.num_levels or len(set(names)) != len(names)):
            raise ValueError(
                f"{self.num_levels} levels want as many different names, got {', '.join(names)}"
            )
        return self

    @property
    def levels(self) -> NumberOfLevels | NamedLevels:
        """Levels of resolution, as later releases call them."""
        if self.level_names is None:
            return NumberOfLevels(num_levels=self.num_levels)
        return NamedLevels(level_names=self.level_names)


class ConverterOptions(TilesModel):
    """How tiles become images.

    Later names are taken as well: ``grouping`` for ``tiling_mode`` and ``tiling_tolerance``,
    ``stage_position_corrections`` for ``alignment_correction``, and ``runtime_settings``. Where one
    is used, later defaults hold for what is not given: jitter is removed, the tolerance is one
    pixel, tables are CSV, and small images wait in the arguments of tasks.

    Attributes
    ----------
    writer_mode : WriterMode
        In which order and with how much memory an image is written.
    tiling_mode : TilingMode
        Where tiles go.
    tiling_tolerance : float
        How far positions may be from a grid [pixel].
    alignment_correction : StagePositionCorrections
        What is done to positions before.
    omezarr_options : OmeZarrOptions
        How images are stored.
    temp_json_options : TempJsonOptions
        Where images wait between the two Fractal tasks.
    runtime_settings : RuntimeSettings
        How the work runs; its ``temp_json_options`` are those above.
    """

    renamed: ClassVar[dict[str, str]] = {"stage_position_corrections": "alignment_correction"}
    later_names: ClassVar[frozenset[str]] = frozenset({"runtime_settings"})
    later_defaults: ClassVar[dict[str, Any]] = {
        "tiling_tolerance": 1.0,
        "alignment_correction": {"remove_xy_offset": "Global"},
        "omezarr_options": {"table_backend": BackendType.CSV},
        "temp_json_options": {"serialization": "Auto"},
    }

    writer_mode: WriterMode = Field(default=WriterMode.BY_FOV, title="Writer Mode")
    tiling_mode: TilingMode = Field(default=TilingMode.AUTO, title="Tiling Mode")
    tiling_tolerance: float = Field(
        default=0, ge=0, allow_inf_nan=False, title="Tiling Tolerance (in pixels)"
    )
    alignment_correction: StagePositionCorrections = Field(
        default_factory=StagePositionCorrections, title="Alignment Corrections"
    )
    omezarr_options: OmeZarrOptions = Field(
        default_factory=OmeZarrOptions, title="OME-Zarr Options"
    )
    temp_json_options: TempJsonOptions = Field(
        default_factory=TempJsonOptions, title="Temporary JSON Options"
    )
    runtime_settings: RuntimeSettings = Field(
        default_factory=RuntimeSettings, title="Runtime Settings"
    )

    @classmethod
    def translated(cls, values: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Take ``grouping`` for the tiling, and the JSON options out of ``runtime_settings``."""
        if "runtime_settings" in values:
            _share_json_options(values)
        if "grouping" not in values:
            return values, False
        if "tiling_mode" in values or "tiling_tolerance" in values:
            raise ValueError("'grouping' and 'tiling_mode' are one thing; give one of them")
        mode, tolerance = _flattened(values.pop("grouping"))
        values.update(tiling_mode=mode, tiling_tolerance=tolerance)
        return values, True

    @model_validator(mode="after")
    def _one_place_for_json(self) -> Self:
        # One object under both names, so that a change of one is seen under the other.
        self.runtime_settings = self.runtime_settings.model_copy(
            update={"temp_json_options": self.temp_json_options}
        )
        return self

    @property
    def grouping(self) -> MosaicGrouping | PerFovGrouping:
        """Where tiles go, as later releases call it."""
        if self.tiling_mode is TilingMode.NO_TILING:
            return PerFovGrouping()
        strategy = as_strategy(self.tiling_mode, self.tiling_tolerance)
        return MosaicGrouping(tiling_strategy=strategy)


def as_strategy(
    tiling: TilingMode | str | TilingStrategy, tolerance: float = 0.0
) -> TilingStrategy:
    """Return where tiles go as one object, of either generation's names.

    Parameters
    ----------
    tiling : TilingMode or str or TilingStrategy
        A mode by name, or a strategy, which is returned as it is.
    tolerance : float
        Of a mode: how far positions may be from a grid [pixel].

    Raises
    ------
    ValueError
        If there is no such mode, or the tolerance is negative.
    """
    if not isinstance(tiling, str):
        return tiling
    match TilingMode(tiling):
        case TilingMode.AUTO:
            return AutoTiling(tolerance=tolerance)
        case TilingMode.SNAP_TO_GRID:
            return SnapToGridTiling(tolerance=tolerance)
        case TilingMode.SNAP_TO_CORNERS:
            return SnapToCornersTiling()
    return InplaceTiling()


def _flattened(grouping: Any) -> tuple[TilingMode, float]:
    """Return mode and tolerance of a grouping."""
    if not isinstance(grouping, MosaicGrouping | PerFovGrouping):
        per_fov = isinstance(grouping, dict) and grouping.get("mode") == "Per-FOV"
        kind = PerFovGrouping if per_fov else MosaicGrouping
        grouping = kind.model_validate(grouping)
    if isinstance(grouping, PerFovGrouping):
        return TilingMode.NO_TILING, 1.0
    strategy = grouping.tiling_strategy
    return TilingMode(strategy.mode), getattr(strategy, "tolerance", 1.0)


def _share_json_options(values: dict[str, Any]) -> None:
    """Put the JSON options of the runtime settings where the page has them."""
    settings = RuntimeSettings.model_validate(values["runtime_settings"])
    inner = settings.temp_json_options
    outer = TempJsonOptions.model_validate(values.get("temp_json_options", inner))
    if "temp_json_options" in settings.model_fields_set and inner != outer:
        raise ValueError(
            "'temp_json_options' and 'runtime_settings.temp_json_options' differ; give one of them"
        )
    values["temp_json_options"] = outer
