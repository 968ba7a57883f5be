"""The demo does what it says, and deletes nothing that it has not written."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from skimage import io

from iohub import open_ome_zarr

SCRIPT = Path(__file__).parent.parent / "scripts" / "demo.py"


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where the demo wrote to, and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    result = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT, "--out", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return folder, result.stdout


def test_it_says_where_things_are(ran: tuple[Path, str]) -> None:
    folder, printed = ran
    assert str(folder / "plate.zarr") in printed
    assert str(folder / "montage.png") in printed
    for part in ("├── 3", "D/3/0", "Phospho-histone H3", "<xarray.DataArray", "in objects"):
        assert part in printed


def test_the_plate_holds_the_images(ran: tuple[Path, str], human_tiffs: list[Path]) -> None:
    with open_ome_zarr(ran[0] / "plate.zarr") as plate:
        assert plate.version == "0.5"
        assert [path for path, _ in plate.positions()] == ["D/3/0", "D/4/0", "E/3/0"]
        position = plate["D/3/0"]
        assert position.channel_names == ["DNA", "Phospho-histone H3", "Actin", "Objects"]
        for pixels, path in zip(position["0"].numpy()[0, :, 0], human_tiffs, strict=False):
            np.testing.assert_array_equal(pixels, io.imread(path))
        assert plate["D/4/0"].channel_names == ["Red", "Green", "Blue", "Objects"]
        assert plate["E/3/0"].channel_names == ["Phase", "Objects"]
        assert plate["E/3/0"].scale == [1, 1, 1, 0.107, 0.107]


def test_channels_have_colours_limits_and_pyramids(ran: tuple[Path, str]) -> None:
    with open_ome_zarr(ran[0] / "plate.zarr") as plate:
        for _, position in plate.positions():
            assert [name for name, _ in position.images()] == ["0", "1", "2"]
            for channel in position.metadata.omero.channels:
                assert len(channel.color) == 6
                assert channel.window["start"] < channel.window["end"]
            objects = position.get_channel_index("Objects")
            for name in "012":
                # The computed channel is in every level.
                assert 0 < position[name].numpy()[:, objects].mean() < 128
            assert set(np.unique(position["0"].numpy()[:, objects])) == {0, 255}


def test_the_montage_is_a_picture(ran: tuple[Path, str]) -> None:
    with Image.open(ran[0] / "montage.png") as picture:
        assert picture.size[0] > 1000
        assert picture.size[1] > 700
        assert len(picture.getcolors(2**24)) > 1000


@pytest.fixture
def quick(demo: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The demo without images: where they go is what counts."""
    monkeypatch.setattr(demo, "assemble", lambda path: path.mkdir())
    for name in ("table_of_positions", "add_objects", "show"):
        monkeypatch.setattr(demo, name, lambda *arguments: "")
    monkeypatch.setattr(demo, "montage", lambda path, target: target.write_text("picture"))
    return demo


def test_it_replaces_what_it_wrote_and_keeps_the_rest(quick: ModuleType, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    assert quick.main(["--out", str(out)]) == 0
    (out / "montage.png").write_text("an old one")
    (out / "plate.zarr" / "old").touch()
    (out / "notes.txt").write_text("mine")
    assert quick.main(["--out", str(out)]) == 0
    assert (out / "montage.png").read_text() == "picture"
    assert list((out / "plate.zarr").iterdir()) == []
    assert (out / "notes.txt").read_text() == "mine"


def test_an_empty_folder_is_taken(quick: ModuleType, tmp_path: Path) -> None:
    assert quick.main(["--out", str(tmp_path)]) == 0


@pytest.mark.parametrize("name", ["notes.txt", "plate.zarr", "montage.png", ".hidden"])
def test_a_foreign_folder_is_refused(
    demo: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / name).write_text("mine")
    assert demo.main(["--out", str(tmp_path)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"
    printed = capsys.readouterr()
    assert "was not made by this demo" in printed.err
    assert str(tmp_path) in printed.err
    assert printed.out == ""


def test_a_foreign_file_in_its_folder_is_refused(
    demo: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / demo.MARK).write_text('{"wrote": ["plate.zarr"]}')
    (tmp_path / "montage.png").write_text("mine")
    (tmp_path / "plate.zarr").mkdir()
    assert demo.main(["--out", str(tmp_path)]) == 2
    assert (tmp_path / "montage.png").read_text() == "mine"
    assert (tmp_path / "plate.zarr").is_dir()
    assert "montage.png was not written by this demo" in capsys.readouterr().err


def test_a_file_is_no_folder(
    demo: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    assert demo.main(["--out", str(path)]) == 2
    assert path.read_text() == "mine"
    assert "is a file" in capsys.readouterr().err


def test_a_strange_mark_is_refused(
    demo: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / demo.MARK).write_text("no JSON")
    (tmp_path / "plate.zarr").mkdir()
    assert demo.main(["--out", str(tmp_path)]) == 2
    assert (tmp_path / "plate.zarr").is_dir()
    assert "was not made by this demo" in capsys.readouterr().err


def test_a_link_is_not_followed(demo: ModuleType, tmp_path: Path) -> None:
    """Of a link to the data of someone else, the link goes and the data stay."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "data").write_text("mine")
    out = tmp_path / "out"
    demo.prepare(out, ["plate.zarr"])
    (out / "plate.zarr").symlink_to(tmp_path / "mine", target_is_directory=True)
    demo.prepare(out, ["plate.zarr"])
    assert (tmp_path / "mine" / "data").read_text() == "mine"
    assert not (out / "plate.zarr").exists()
