"""Images that wait as JSON between the two tasks."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from iohub.errors import ArgumentError, DocumentError, NotFoundError
from iohub.tiles import (
    ConvertParallelInitArgs,
    DefaultImageLoader,
    ImageInPlate,
    SingleImage,
    Tile,
    cleanup_if_exists,
    dump_to_json,
    fractal_json,
    remove_json,
    tiled_image_from_json,
    tiled_image_from_json_str,
    tiled_image_from_tiles,
)
from tests.tiles.making import tile

KINDS = (SingleImage, DefaultImageLoader)
PAYLOADS = json.loads((Path(__file__).parents[1] / "data" / "tiles_payloads.json").read_text())
IMAGE = tiled_image_from_tiles(tiles=[tile(loader="a.npy", attributes={"drug": ["x"]})])[0]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(fractal_json.time, "sleep", slept.append)
    return slept


@pytest.mark.parametrize("base", ["{tmp}/new/folder", "memory://wait"])
def test_written_and_read(tmp_path: Path, base: str) -> None:
    folder = base.format(tmp=tmp_path)
    first, second = dump_to_json(folder, IMAGE), dump_to_json(folder, IMAGE)
    assert first != second
    assert tiled_image_from_json(first, *KINDS).model_dump() == IMAGE.model_dump()
    remove_json(first)
    assert tiled_image_from_json(second, *KINDS).path == "img.zarr"
    remove_json(second)
    if "memory" not in base:
        assert not Path(folder).exists()


def test_a_file_that_comes_late(tmp_path: Path, waits: list[float], monkeypatch) -> None:
    url = dump_to_json(str(tmp_path), IMAGE)
    hidden = Path(url).rename(tmp_path / "hidden")
    monkeypatch.setattr(
        fractal_json.time,
        "sleep",
        lambda s: (waits.append(s), len(waits) == 2 and hidden.rename(url)),
    )
    assert tiled_image_from_json(url, *KINDS).path == "img.zarr"
    assert waits == [2, 4]


def test_a_file_that_never_comes(tmp_path: Path, waits: list[float], monkeypatch) -> None:
    with pytest.raises(FileNotFoundError, match=r"none.json.*after 5 tries"):
        tiled_image_from_json(str(tmp_path / "none.json"), *KINDS)
    assert waits == [2, 4, 8, 16]
    monkeypatch.setenv("CONVERTERS_TOOLS_NUM_RETRIES", "1")
    with pytest.raises(NotFoundError):
        tiled_image_from_json(str(tmp_path / "none.json"), *KINDS)
    assert len(waits) == 4
    for wrong in ("0", "many"):
        monkeypatch.setenv("CONVERTERS_TOOLS_NUM_RETRIES", wrong)
        with pytest.raises(ValueError, match="greater than 0"):
            tiled_image_from_json("x", *KINDS)


@pytest.mark.parametrize("release", list(PAYLOADS))
def test_json_of_the_public_package(release: str) -> None:
    """Payloads of both generations are read, each with what it says."""
    payload = PAYLOADS[release]
    image = tiled_image_from_json_str(
        json.dumps(payload["image"]), ImageInPlate, DefaultImageLoader
    )
    assert image.shape() == (1, 1, 32, 60)
    assert image.channels[0].color == "#0000FF"
    assert image.attributes == {"d": ["x"]}
    tile_ = Tile.model_validate(payload["tile"])
    assert tile_.to_roi() == image.regions[0].roi
    options = ConvertParallelInitArgs.model_validate(payload["args"]).converter_options
    later = release.startswith("1")
    assert options.tiling_tolerance == (1 if later else 0)
    assert options.alignment_correction.align_xy is later
    assert options.omezarr_options.table_backend == ("csv" if later else "anndata")


def test_json_that_is_no_such_image(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"path": 1}')
    with pytest.raises(DocumentError, match=r"bad.json(.|\n)*/path") as caught:
        tiled_image_from_json(str(bad), *KINDS)
    assert len(caught.value.problems) >= 3
    with pytest.raises(DocumentError, match="/collection/plate_name"):
        tiled_image_from_json_str(IMAGE.model_dump_json(), ImageInPlate, DefaultImageLoader)


def test_pixels_in_memory_have_no_json(tmp_path: Path) -> None:
    (made,) = tiled_image_from_tiles(tiles=[tile(loader=np.zeros((2, 2)))])
    with pytest.raises(ArgumentError, match="has no JSON"):
        dump_to_json(str(tmp_path), made)
    assert list(tmp_path.iterdir()) == []


def test_cleaning_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "wait"
    cleanup_if_exists(str(folder))
    dump_to_json(str(folder), IMAGE)
    (folder / "mine.txt").write_text("precious")
    with caplog.at_level(logging.ERROR):
        cleanup_if_exists(str(folder))
    assert "mine.txt" in caplog.text
    assert (folder / "mine.txt").exists()
    (folder / "mine.txt").unlink()
    cleanup_if_exists(str(folder))
    assert not folder.exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="Expected a directory"):
        cleanup_if_exists(str(tmp_path / "file"))
    with caplog.at_level(logging.ERROR):
        remove_json(str(folder / "none.json"))
    assert "none.json cannot be removed" in caplog.text
