"""Servers on the loopback interface: one of files over HTTP, and one that speaks S3."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest


class WebServer(http.server.ThreadingHTTPServer):
    """Files below a directory, over HTTP; it lists nothing.

    Attributes
    ----------
    requests : list of (method, path)
        What was asked for.
    most : int
        How many requests were in flight at once.
    latency : float
        How long an answer takes [s].
    absent : int
        How it answers for what is not there.
    answer : callable
        Takes a path, returns another status, or None.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, root: Path):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root, self.latency, self.absent = root, 0.0, 404
        self.answer: Callable[[str], int | None] = lambda path: None
        self.requests: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.lock, self.now, self.most = threading.Lock(), 0, 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def count(self) -> Counter[str]:
        """How often each method was used."""
        return Counter(method for method, _ in self.requests)

    def clear(self) -> None:
        self.requests.clear()
        self.most = 0


class _Handler(http.server.BaseHTTPRequestHandler):
    server: WebServer
    protocol_version = "HTTP/1.1"
    wbufsize = 2**16

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        server = self.server
        with server.lock:
            server.requests.append((self.command, self.path))
            server.headers.append({name.lower(): value for name, value in self.headers.items()})
            server.now += 1
            server.most = max(server.most, server.now)
        try:
            self._reply(server)
        finally:
            with server.lock:
                server.now -= 1

    def _reply(self, server: WebServer) -> None:
        time.sleep(server.latency)
        path = unquote(self.path)
        status, body = server.answer(path), b"said the server"
        if status is None and self.command == "PROPFIND":
            status = 405
        if status is None:
            file = server.root / path.lstrip("/")
            status = 200 if file.is_file() else server.absent
            body = file.read_bytes() if status == 200 else body
        wanted = self.headers.get("Range")
        if wanted and status == 200:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first) if first else len(body) - int(last)
            stop = int(last) + 1 if first and last else len(body)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(body)}")
            body = body[start:stop]
        else:
            self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_PROPFIND = do_PUT = do_GET  # noqa: N815


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    """Serve the files below ``tmp_path / "www"``."""
    root = tmp_path / "www"
    root.mkdir()
    server = WebServer(root)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Bucket(NamedTuple):
    """A bucket of the S3 server, empty at first.

    Attributes
    ----------
    url : str
        ``s3://…``
    endpoint : str
        Of the server.
    client : boto3 client
        To look at it otherwise.
    """

    url: str
    endpoint: str
    client: object

    @property
    def name(self) -> str:
        return self.url.removeprefix("s3://")

    def listed(self) -> list[str]:
        """All keys, those of iohub's own too."""
        found = self.client.list_objects_v2(Bucket=self.name)  # type: ignore[attr-defined]
        return [entry["Key"] for entry in found.get("Contents", [])]

    def put(self, key: str, value: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=value)  # type: ignore[attr-defined]

    def get(self, key: str) -> bytes:
        found = self.client.get_object(Bucket=self.name, Key=key)  # type: ignore[attr-defined]
        return bytes(found["Body"].read())

    def document(self, key: str) -> dict[str, object]:
        return dict(json.loads(self.get(key)))


@pytest.fixture(scope="session")
def _s3_endpoint() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1"]
    with subprocess.Popen(
        [*command, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        endpoint = f"http://127.0.0.1:{port}"
        for _ in range(1200):
            try:
                urllib.request.urlopen(endpoint, timeout=5).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.05)
        yield endpoint
        process.kill()


_COUNT = iter(range(10**6))


@pytest.fixture
def bucket(_s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Make an empty bucket on a server that speaks S3, and set the environment for it."""
    import boto3

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "user")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", _s3_endpoint)
    client = boto3.client("s3", endpoint_url=_s3_endpoint)
    name = f"bucket-{os.getpid()}-{next(_COUNT)}"
    client.create_bucket(Bucket=name)
    return Bucket(f"s3://{name}", _s3_endpoint, client)
