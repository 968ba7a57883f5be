"""Rows of `bench_formats.py`: a plate of 384 wells on a server that answers after 20 ms."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench_report import Report

from iohub import open_ome_zarr

SAMPLED = 7  # one document of so many is asked for one at a time
ROWS_OF_PLATE, COLUMNS, LATENCY = "ABCDEFGHIJKLMNOP", 24, 0.02
SERVER = """
import http.server, sys, time
root, latency = sys.argv[1], float(sys.argv[2])
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", 65536
    def log_message(self, *_): pass
    def do_GET(self):
        time.sleep(latency)
        try:
            with open(root + self.path, "rb") as file:
                status, body = 200, file.read()
        except OSError:
            status, body = 404, b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
class Server(http.server.ThreadingHTTPServer):
    request_queue_size, daemon_threads = 256, True
server = Server(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[int]:
    """Serve a folder from another process; its port."""
    command = [sys.executable, "-c", SERVER, str(folder), str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


def make(path: Path) -> list[str]:
    """Make the plate; the keys of its documents below the root."""
    with open_ome_zarr(
        path, layout="hcs", mode="w-", channel_names=["a", "b"], version="0.5"
    ) as plate:
        names = [(row, str(column + 1), "0") for row in ROWS_OF_PLATE for column in range(COLUMNS)]
        for position in plate.create_positions(names):
            position.create_zeros("0", (1, 2, 1, 64, 64), "uint16")
    keys = []
    for row, column, field in names:
        well = f"{row}/{column}"
        keys += [f"{key}/zarr.json" for key in (well, f"{well}/{field}", f"{well}/{field}/0")]
    return keys


def iterate(url: str) -> None:
    """Shapes and channels of all positions, by iterating."""
    found = [(pos["0"].shape, pos.channel_names) for _, pos in open_ome_zarr(url).positions()]
    assert len(found) == len(ROWS_OF_PLATE) * COLUMNS


def tabulate(url: str) -> None:
    """The same, as a table."""
    assert len(open_ome_zarr(url).to_dataframe()) == len(ROWS_OF_PLATE) * COLUMNS


def one_at_a_time(port: int, name: str, keys: list[str]) -> float:
    """Ask for one document after the other [s]; measured on some of them, as all take alike."""
    asked = keys[::SAMPLED]
    connection, start = http.client.HTTPConnection("127.0.0.1", port), time.perf_counter()
    for key in asked:
        connection.request("GET", f"/{name}/{key}")
        connection.getresponse().read()
    return (time.perf_counter() - start) / len(asked) * len(keys)


def plate_on_a_server(report: Report, folder: Path, repeats: int) -> None:
    """A 384-well plate over HTTP: all shapes and channels."""
    import pandas as pd  # noqa: F401 - what the table is made of is loaded once, and not timed

    keys = make(folder / "plate.zarr")
    ways: dict[str, Callable[[str], None]] = {"positions()": iterate, "to_dataframe()": tabulate}
    with served(folder) as port:
        url = f"http://127.0.0.1:{port}/plate.zarr"
        alone = one_at_a_time(port, "plate.zarr", keys)
        for name, way in ways.items():
            times = []
            for _ in range(repeats):
                start = time.perf_counter()
                way(url)
                times.append(time.perf_counter() - start)
            taken = sorted(times)[len(times) // 2]
            report.add(
                f"384 positions at {LATENCY * 1000:.0f} ms, {name}",
                "<= 2 s",
                taken,
                {"iohub": taken, "one at a time": alone, "processors": os.cpu_count() or 1},
            )


ROWS = {"remote-plate": plate_on_a_server}
