"""Archives on servers: what is asked for, what is in them, what is said of damaged ones."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import AccessError, FormatError, NotFoundError
from iohub.storage.remote_archive import split_url

pytest.importorskip("obstore")
PIXELS = np.random.default_rng(2).integers(0, 4000, (2, 2, 4, 128, 128), "u2")


@pytest.fixture
def served(web: Any) -> Any:
    with open_ome_zarr(
        web.root / "plate.ozx", layout="hcs", mode="w", channel_names=["a", "b"], version="0.5"
    ) as plate:
        for name in ("A/1/0", "B/2/0"):
            position = plate.create_position(*name.split("/"))
            position.create_image("0", PIXELS, chunks=(1, 1, 1, 64, 64))
    web.clear()
    return web


@pytest.mark.parametrize("name", ["plate.ozx", "other.zip"])
def test_pixels_and_names(served: Any, name: str) -> None:
    (served.root / "plate.ozx").rename(served.root / name)
    with open_ome_zarr(f"{served.url}/{name}") as plate:
        assert [path for path, _ in plate.positions()] == ["A/1/0", "B/2/0"]
        assert plate["B/2/0"].channel_names == ["a", "b"]
        assert np.array_equal(plate["B/2/0/0"][1, :, 2:, 30:70, 60:], PIXELS[1, :, 2:, 30:70, 60:])
    with open_ome_zarr(f"{served.url}/{name}/A/1/0") as position:
        assert np.array_equal(position["0"][...], PIXELS)
        assert np.array_equal(position.zgroup["0"][0, 1], PIXELS[0, 1])


def test_nothing_but_what_is_needed_is_asked_for(served: Any) -> None:
    nbytes = (served.root / "plate.ozx").stat().st_size
    with open_ome_zarr(f"{served.url}/plate.ozx") as plate:
        image = plate["A/1/0/0"]
        repr(plate)
        before = served.count()["GET"]
        assert before <= 6
        image[1, 1, 3, :10, :10]
        assert served.count()["GET"] <= before + 2
    asked = [head["range"] for head in served.headers if "range" in head]
    spans = [[int(n) for n in text.removeprefix("bytes=").split("-")] for text in asked]
    assert sum(stop - start for start, stop in spans) < nbytes
    assert served.count()["HEAD"] <= 2


def test_requests_are_in_flight_together(served: Any) -> None:
    with open_ome_zarr(f"{served.url}/plate.ozx") as plate:
        store = plate._group.store
        keys = [key for key in store.directory().entries if "/c/" in key]
        served.latency, served.most = 0.05, 0
        values = store.get_many(keys)
        assert served.most > 4
    with zipfile.ZipFile(served.root / "plate.ozx") as archive:
        assert values == [archive.read(key) for key in keys]


def test_deflated_and_with_its_folder(web: Any, tmp_path: Path) -> None:
    with open_ome_zarr(
        tmp_path / "a.zarr", layout="fov", mode="w", channel_names=["a", "b"], version="0.4"
    ) as node:
        node["0"] = PIXELS
    with zipfile.ZipFile(web.root / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (tmp_path / "a.zarr").rglob("*"):
            archive.write(file, file.relative_to(tmp_path))
    with open_ome_zarr(f"{web.url}/a.zip") as node:
        assert np.array_equal(node["0"][...], PIXELS)


def test_it_goes_to_other_processes(served: Any) -> None:
    with open_ome_zarr(f"{served.url}/plate.ozx") as plate:
        again = pickle.loads(pickle.dumps(plate["A/1/0/0"]))
        assert np.array_equal(again[0], PIXELS[0])


def test_what_is_not_there_or_damaged(served: Any) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        open_ome_zarr(f"{served.url}/nowhere.ozx")
    raw = (served.root / "plate.ozx").read_bytes()
    (served.root / "cut.ozx").write_bytes(raw[:-100])
    with pytest.raises(FormatError, match="truncated"):
        open_ome_zarr(f"{served.url}/cut.ozx")
    served.answer = lambda path: 403
    with pytest.raises(AccessError, match=r"plate\.ozx"):
        open_ome_zarr(f"{served.url}/plate.ozx")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://a.org/b.ozx", ("https://a.org/b.ozx", "")),
        ("s3://a.zip/b.ZIP/A/1/", ("s3://a.zip/b.ZIP", "A/1")),
        ("s3://a.zip/b.zarr", None),
        ("https://a.org", None),
    ],
)
def test_urls_of_archives(url: str, found: tuple[str, str] | None) -> None:
    assert split_url(url) == found
