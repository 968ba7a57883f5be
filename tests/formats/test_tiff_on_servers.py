"""TIFF files on servers: opened by their directories, read page by page."""

from __future__ import annotations

import functools
import http.server
import os
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.errors import AccessError, FormatError, NotFoundError, UnreachableError
from iohub.storage.remote_file import BLOCK

pytest.importorskip("obstore")
PIXELS = np.random.default_rng(2).integers(0, 4000, (3, 2, 4, 128, 128), "u2")
OME: dict[str, Any] = {"ome": True, "metadata": {"axes": "TCZYX", "Channel": {"Name": ["a", "b"]}}}


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files with ranges; what was asked for is noted at the server."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if self.server.refuses or not path.is_file():
            self.send_error(403 if self.server.refuses else 404)
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
            self.server.given += len(body)
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    given, refuses = 0, False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[_Server]:
    made = _Server(("127.0.0.1", 0), functools.partial(_Handler, directory=str(tmp_path)))
    made.url = f"http://127.0.0.1:{made.server_port}"
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib", "tile": (64, 64)}, {"bigtiff": True}], ids=str
)
def test_ome_tiff(server: Any, tmp_path: Path, options: dict[str, Any]) -> None:
    tifffile.imwrite(tmp_path / "a.ome.tif", PIXELS, **OME, **options)
    with open_ome_zarr(f"{server.url}/a.ome.tif") as node:
        assert node.channel_names == ["a", "b"]
        assert node["0"].shape == PIXELS.shape
        assert server.given < 8 * BLOCK
        before = server.given
        assert np.array_equal(node["0"][0, 0, 1], PIXELS[0, 0, 1])
        assert server.given - before < 6 * PIXELS[0, 0, 0].nbytes
        assert np.array_equal(node["0"][...], PIXELS)
        again = pickle.loads(pickle.dumps(node["0"]))
        assert np.array_equal(again[1, 0, 0], PIXELS[1, 0, 0])


def test_a_set_of_files(server: Any, tmp_path: Path) -> None:
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w", channel_names=["a", "b"], version="0.5"
    ) as node:
        node["0"] = PIXELS
        node.export(tmp_path / "s.ome.tif", progress=False)
    with open_ome_zarr(f"{server.url}/s.ome.tif") as node:
        assert np.array_equal(node["0"][...], PIXELS)


def test_files_beside_the_one_with_the_xml(server: Any, tmp_path: Path) -> None:
    planes = "".join(
        f'<TiffData IFD="0" FirstT="{t}" PlaneCount="1"><UUID FileName="{t}.ome.tif">'
        f"urn:uuid:{t}</UUID></TiffData>"
        for t in range(2)
    )
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'UUID="urn:uuid:0"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
        f'Type="uint16" SizeX="128" SizeY="128" SizeZ="1" SizeC="1" SizeT="2">{planes}</Pixels>'
        "</Image></OME>"
    )
    for t in range(2):
        tifffile.imwrite(tmp_path / f"{t}.ome.tif", PIXELS[t, 0, 0], description=xml, metadata=None)
    with open_ome_zarr(f"{server.url}/0.ome.tif") as node:
        assert np.array_equal(node["0"][:, 0, 0], PIXELS[:2, 0, 0])
    (tmp_path / "1.ome.tif").unlink()
    with (
        open_ome_zarr(f"{server.url}/0.ome.tif") as node,
        pytest.raises(NotFoundError, match=r"1\.ome\.tif"),
    ):
        node["0"][...]


def test_imagej(server: Any, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, imagej=True, metadata={"axes": "TZCYX"})
    with open_ome_zarr(f"{server.url}/a.tif") as node:
        found = np.asarray(node["0"][...])
    assert found.size == PIXELS.size
    with open_ome_zarr(tmp_path / "a.tif") as node:
        assert np.array_equal(node["0"][...], found)


def test_what_cannot_be_read(server: Any, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.ome.tif", PIXELS, **OME)
    with pytest.raises(NotFoundError, match="TIFF files are read from servers"):
        open_ome_zarr(f"{server.url}/absent.ome.tif")
    with open_ome_zarr(f"{server.url}/a.ome.tif") as node:
        os.truncate(tmp_path / "a.ome.tif", 300_000)
        with pytest.raises((FormatError, UnreachableError), match=r"a\.ome\.tif"):
            node["0"][1, :, :, 3:]
    server.refuses = True
    with pytest.raises(AccessError, match=r"a\.ome\.tif"):
        open_ome_zarr(f"{server.url}/a.ome.tif")
