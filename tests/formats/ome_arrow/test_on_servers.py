"""Parquet files on servers: the footer is read, and then the chunks that are needed."""

from __future__ import annotations

import functools
import http.server
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.arrow import OMEArrow
from iohub.errors import FormatError, NotFoundError
from iohub.storage.remote_file import BLOCK

pytest.importorskip("obstore")
pytest.importorskip("pyarrow")
PIXELS = np.random.default_rng(2).integers(0, 4000, (1, 2, 6, 256, 256), "u2")


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files with ranges; what was asked for is noted at the server."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        wanted = self.headers.get("Range")
        self.send_response(206 if wanted else 200)
        if wanted:
            first, last = map(int, wanted.removeprefix("bytes=").split("-"))
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
            body = body[first : last + 1]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.server.given.append(len(body))
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Any]:
    made = _Server(("127.0.0.1", 0), functools.partial(_Handler, directory=str(tmp_path)))
    made.url = f"http://127.0.0.1:{made.server_port}"
    made.given = []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Any]:
    with open_ome_zarr(
        tmp_path / "a.zarr", layout="fov", mode="w-", channel_names=["a", "b"]
    ) as made:
        made.create_image("0", PIXELS)
        yield made


@pytest.mark.parametrize("encoding", ["planes", "bytes"])
def test_an_image_is_read_by_its_chunks(
    server: Any, tmp_path: Path, image: Any, encoding: str
) -> None:
    image.export(tmp_path / "a.parquet", encoding=encoding, progress=False)
    with open_ome_zarr(f"{server.url}/a.parquet") as node:
        assert node.channel_names == ["a", "b"]
        assert node["0"].shape == PIXELS.shape
        assert sum(server.given) <= 3 * BLOCK
        before = len(server.given)
        found = node["0"][0, 1, 3, 10:20, 30:60]
        np.testing.assert_array_equal(found, PIXELS[0, 1, 3, 10:20, 30:60])
        plane = PIXELS[0, 0, 0].nbytes
        assert len(server.given) - before <= 2
        assert sum(server.given[before:]) <= 2 * plane
        np.testing.assert_array_equal(node["0"][:], PIXELS)


def test_a_region_of_what_is_not_compressed_is_read_by_its_lines(
    server: Any, tmp_path: Path, image: Any
) -> None:
    image.export(tmp_path / "a.parquet", encoding="bytes", compression=None, progress=False)
    with open_ome_zarr(f"{server.url}/a.parquet") as node:
        assert node["0"].shape == PIXELS.shape
        before = len(server.given)
        np.testing.assert_array_equal(node["0"][0, 1, 3, 10:12], PIXELS[0, 1, 3, 10:12])
        assert sum(server.given[before:]) <= 2 * BLOCK


def test_a_plate_is_opened_without_its_pixels(server: Any, tmp_path: Path) -> None:
    pixels = PIXELS[:, :, :1]
    with open_ome_zarr(
        tmp_path / "p.zarr", layout="hcs", mode="w-", channel_names=["a", "b"]
    ) as plate:
        for position in plate.create_positions([("A", str(i), "0") for i in range(1, 13)]):
            position.create_image("0", pixels)
        plate.export(tmp_path / "p.parquet", progress=False)
    with open_ome_zarr(f"{server.url}/p.parquet") as plate:
        assert len(list(plate.positions())) == 12
        assert sum(server.given) <= 4 * BLOCK
        np.testing.assert_array_equal(plate["A/7/0"]["0"][:], pixels)
        again = pickle.loads(pickle.dumps(plate["A/3/0"]["0"]))
        np.testing.assert_array_equal(again[:], pixels)


def test_a_scan_reads_its_part(server: Any, tmp_path: Path, image: Any) -> None:
    image.export(tmp_path / "a.parquet", encoding="bytes", progress=False)
    scanned = OMEArrow.scan(f"{server.url}/a.parquet")
    view = scanned.tensor_view(t=0, c=1, z=2, roi=(5, 6, 20, 10), layout="YX")
    np.testing.assert_array_equal(view.to_numpy(), PIXELS[0, 1, 2, 6:16, 5:25])
    assert sum(server.given) <= 2 * PIXELS[0, 0, 0].nbytes + 3 * BLOCK


def test_what_is_wrong_is_said(server: Any, tmp_path: Path, image: Any) -> None:
    with pytest.raises(NotFoundError, match=r"none\.parquet"):
        open_ome_zarr(f"{server.url}/none.parquet")
    with pytest.raises(NotFoundError, match=r"none\.parquet"):
        OMEArrow.scan(f"{server.url}/none.parquet").collect()
    image.export(tmp_path / "a.parquet", progress=False)
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"cut\.parquet"):
        open_ome_zarr(f"{server.url}/cut.parquet")
    with open_ome_zarr(f"{server.url}/a.parquet") as node:
        array = node["0"]
        (tmp_path / "a.parquet").unlink()
        with pytest.raises(NotFoundError, match=r"a\.parquet"):
            array[:]
