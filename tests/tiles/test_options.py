"""Options under the names of both generations, each with its own defaults."""

import pytest
from pydantic import ValidationError

from iohub.tiles import (
    AutoTiling,
    BackendType,
    ConverterOptions,
    MosaicGrouping,
    NamedLevels,
    NumberOfLevels,
    OmeZarrOptions,
    PerFovGrouping,
    RuntimeSettings,
    SnapToCornersTiling,
    SnapToGridTiling,
    StagePositionCorrections,
    TempJsonOptions,
    TilingMode,
    WriterMode,
)
from iohub.tiles.options import AlignmentCorrections, as_strategy

FIRST = ConverterOptions(
    tiling_mode="Snap to Grid",
    tiling_tolerance=3,
    alignment_correction={"align_xy": True},
    omezarr_options={"num_levels": 2, "table_backend": "json"},
)
LATER = ConverterOptions(
    grouping={"mode": "Mosaic", "tiling_strategy": {"mode": "Snap to Grid", "tolerance": 3}},
    stage_position_corrections={"remove_xy_jitter": True},
    omezarr_options={
        "levels": {"mode": "Number of Levels", "num_levels": 2},
        "table_backend": "json",
    },
    temp_json_options={"serialization": "JSON"},
)


def test_both_generations_say_the_same() -> None:
    assert FIRST == LATER
    assert LATER.grouping == MosaicGrouping(tiling_strategy=SnapToGridTiling(tolerance=3))
    assert LATER.stage_position_corrections.remove_xy_jitter is True
    assert FIRST.omezarr_options.levels == NumberOfLevels(num_levels=2)


@pytest.mark.parametrize(
    "options",
    [ConverterOptions(), FIRST, LATER, ConverterOptions(grouping=PerFovGrouping())],
)
def test_json_round_trip(options: ConverterOptions) -> None:
    assert ConverterOptions.model_validate_json(options.model_dump_json()) == options
    assert ConverterOptions.model_validate(options.model_dump()) == options


def test_defaults_of_the_page() -> None:
    options = ConverterOptions()
    assert options.tiling_tolerance == 0
    assert options.alignment_correction.align_xy is False
    assert options.omezarr_options.table_backend is BackendType.ANNDATA
    assert options.temp_json_options.serialization == "JSON"


@pytest.mark.parametrize(
    "later",
    [{"grouping": MosaicGrouping()}, {"runtime_settings": {}}, {"stage_position_corrections": {}}],
)
def test_defaults_of_later_names(later: dict) -> None:
    options = ConverterOptions(**later)
    assert options.tiling_tolerance == 1
    assert options.alignment_correction.align_xy is ("stage_position_corrections" not in later)
    assert options.omezarr_options.table_backend is BackendType.CSV
    assert options.temp_json_options.serialization == "Auto"


def test_one_later_correction_brings_its_defaults() -> None:
    assert StagePositionCorrections(remove_xy_offset="Keep").align_xy is True
    assert StagePositionCorrections(remove_xy_offset="Keep", align_xy=False).align_xy is False
    assert OmeZarrOptions(shards={"mode": "None"}).table_backend is BackendType.CSV
    assert AlignmentCorrections is StagePositionCorrections


@pytest.mark.parametrize(
    ("mode", "strategy"),
    [
        ("Auto", AutoTiling(tolerance=2)),
        ("Snap to Grid", SnapToGridTiling(tolerance=2)),
        ("Snap to Corners", SnapToCornersTiling()),
    ],
)
def test_tiling_by_mode_or_strategy(mode: str, strategy) -> None:
    options = ConverterOptions(tiling_mode=mode, tiling_tolerance=2)
    assert options.grouping.tiling_for_registration() == strategy
    assert as_strategy(mode, 2) == strategy
    assert as_strategy(strategy, 5) == strategy


def test_no_tiling_is_one_image_per_field_of_view() -> None:
    options = ConverterOptions(grouping={"mode": "Per-FOV"})
    assert options.tiling_mode is TilingMode.NO_TILING
    assert ConverterOptions(tiling_mode="No Tiling").grouping == PerFovGrouping()
    assert options.grouping.split_per_fov is True
    assert options.grouping.tiling_for_registration().mode == "Inplace"


def test_named_levels() -> None:
    options = OmeZarrOptions(levels=NamedLevels(level_names=["full", "half"]))
    assert (options.num_levels, options.level_names) == (2, ["full", "half"])
    assert options.levels == NamedLevels(level_names=["full", "half"])
    with pytest.raises(ValidationError, match="3 levels want as many different names"):
        OmeZarrOptions(num_levels=3, level_names=["a", "a", "b"])


@pytest.mark.parametrize(
    ("model", "values", "said"),
    [
        (ConverterOptions, {"grouping": {"mode": "Mosaic"}, "tiling_mode": "Auto"}, "one thing"),
        (OmeZarrOptions, {"levels": {"mode": "Number of Levels"}, "num_levels": 2}, "one thing"),
        (StagePositionCorrections, {"align_xy": True, "remove_xy_jitter": True}, "one thing"),
        (ConverterOptions, {"tilling_mode": "Auto"}, "Extra inputs"),
        (ConverterOptions, {"tiling_tolerance": -1}, "greater than or equal"),
        (ConverterOptions, {"tiling_tolerance": float("nan")}, "finite"),
        (OmeZarrOptions, {"ngff_version": "0.9"}, "0.4"),
        (
            ConverterOptions,
            {
                "temp_json_options": {"temp_url": "/a"},
                "runtime_settings": {"temp_json_options": {"temp_url": "/b"}},
            },
            "differ",
        ),
    ],
)
def test_contradictions_and_unknown_names_are_refused(model, values: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        model(**values)


def test_json_options_are_one_object_under_both_names() -> None:
    inner = TempJsonOptions(temp_url="{zarr_dir}/wait", serialization="JSON")
    for options in (
        ConverterOptions(temp_json_options=inner),
        ConverterOptions(runtime_settings=RuntimeSettings(temp_json_options=inner)),
    ):
        assert options.temp_json_options == inner
        assert options.runtime_settings.temp_json_options is options.temp_json_options
    assert inner.format_temp_url("/out/") == "/out/wait"


def test_size_decides_where_images_wait() -> None:
    options = TempJsonOptions(serialization="Auto", max_in_memory_bytes=10)
    assert [options.use_in_memory(n) for n in (10, 11)] == [True, False]
    assert TempJsonOptions(serialization="Memory").use_in_memory(10**9)
    assert not TempJsonOptions().use_in_memory(1)


def test_other_names_can_be_set() -> None:
    options = ConverterOptions()
    options.stage_position_corrections = StagePositionCorrections(align_xy=True)
    assert options.alignment_correction.align_xy
    options.writer_mode = WriterMode.IN_MEMORY
    assert options.writer_mode == "In Memory"


def test_offsets_by_axis() -> None:
    corrections = StagePositionCorrections(remove_xy_offset="Keep", remove_z_offset="Per-FOV")
    assert corrections.offsets() == {"t": "Global", "z": "Per-FOV", "y": "Keep", "x": "Keep"}
    aligned = StagePositionCorrections(align_z=True, align_t=True).offsets()
    assert (aligned["z"], aligned["t"]) == ("Per-FOV", "Per-FOV")
