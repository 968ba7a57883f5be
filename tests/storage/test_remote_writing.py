"""Stores on a server that speaks S3: created, edited by several processes, interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import iohub
from iohub import open_ome_zarr
from iohub.errors import (
    AccessError,
    ArgumentError,
    ConflictError,
    ExistsError,
    LockTimeoutError,
    NotFoundError,
    PathError,
)
from iohub.models import validate
from iohub.storage import leases, locks
from iohub.storage.remote import remote_bytes

PIXELS = np.arange(2 * 32 * 32, dtype="u2").reshape(1, 2, 1, 32, 32)


@pytest.fixture(params=["0.4", "0.5"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def create(url: str, version: str = "0.5", **more: Any) -> Any:
    arguments = {"layout": "hcs", "mode": "w-", "channel_names": ["a", "b"], **more}
    return open_ome_zarr(url, version=version, **arguments)


def run(script: str, *arguments: str, **more: Any) -> subprocess.Popen[str]:
    """Run Python in another process, with the environment that the fixture has set."""
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, **more)


def test_verbs(bucket: Any, version: str) -> None:
    url = f"{bucket.url}/data/plate.zarr"
    with create(url, version) as plate:
        position = plate.create_position("A", "1", "0")
        image = position.create_image("0", PIXELS, chunks=(1, 1, 1, 16, 16))
        position.compute_pyramid(2)
        image[0, 0, 0, :3, :3] = 7
        plate.create_positions([("B", "2", "0"), ("B", "2", "1")])
        position.rename_channel("a", "c")
        position.append_channel("d", resize_arrays=True)
        plate.rename_well("A/1", "C/3")
        plate.remove_well("B/2")
    expected = PIXELS.copy()
    expected[0, 0, 0, :3, :3] = 7
    with open_ome_zarr(url) as plate:
        assert [path for path, _ in plate.positions()] == ["C/3/0"]
        position = plate["C/3/0"]
        assert position.channel_names == ["c", "b", "d"]
        np.testing.assert_array_equal(position["0"][:, :2], expected)
        assert position["1"].shape == (1, 3, 1, 16, 16)
        assert plate.zgroup["C/3/0/0"].shape == (1, 3, 1, 32, 32)
    assert validate(url).valid
    # Nothing is left of locks and drafts.
    assert [key for key in bucket.listed() if "iohub" in key or "/B/" in key or "/A/" in key] == []


def test_modes(bucket: Any) -> None:
    url = f"{bucket.url}/data/p.zarr"
    create(url).close()
    with pytest.raises(ExistsError, match="there is something"):
        create(url)
    with pytest.raises(PathError, match=r"inside the plate"):
        create(f"{url}/q.zarr")
    assert open_ome_zarr(url, mode="r+").channel_names == ["a", "b"]
    with create(url, mode="a", layout="hcs") as plate:
        plate.create_position("A", "1", "0")
    with create(url, mode="w", layout="fov"):
        pass
    assert bucket.listed() == ["data/p.zarr/zarr.json"]


def test_only_what_is_a_store_is_deleted(bucket: Any) -> None:
    bucket.put("data/notes.txt", b"mine")
    bucket.put("photos.zarr/cat.jpg", b"mine")
    for path, said in (("/data", "does not contain"), ("/photos.zarr", "no Zarr"), ("", "contain")):
        with pytest.raises(PathError, match=said):
            create(bucket.url + path, mode="w")
        with pytest.raises(ExistsError):
            create(bucket.url + path, mode="w-")
    assert bucket.listed() == ["data/notes.txt", "photos.zarr/cat.jpg"]


def test_neighbours_with_a_longer_name_stay(bucket: Any) -> None:
    for name in ("p.zarr", "p.zarr2"):
        create(f"{bucket.url}/{name}").close()
    create(f"{bucket.url}/p.zarr", mode="w").close()
    assert "p.zarr2/zarr.json" in bucket.listed()


def test_what_is_not_there(bucket: Any) -> None:
    with pytest.raises(NotFoundError, match="no such bucket"):
        open_ome_zarr("s3://no-such-bucket/p.zarr")
    with pytest.raises(NotFoundError, match="no such bucket"):
        create("s3://no-such-bucket/p.zarr")
    with pytest.raises(NotFoundError, match="nothing at"):
        open_ome_zarr(f"{bucket.url}/p.zarr")


def test_credentials(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"{bucket.url}/p.zarr"
    create(url).close()
    with pytest.raises(AccessError, match="403"):
        open_ome_zarr(url, storage_options={"anon": True})
    bucket.client.put_object_acl(Bucket=bucket.name, Key="p.zarr/zarr.json", ACL="public-read")
    assert open_ome_zarr(url, storage_options={"anon": True}).channel_names == ["a", "b"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    # Without any, what is public is read.
    found = open_ome_zarr(url, storage_options={"endpoint_url": bucket.endpoint})
    assert found.channel_names == ["a", "b"]
    found = open_ome_zarr(
        url,
        storage_options={
            "key": "k",
            "secret": "s",
            "client_kwargs": {"endpoint_url": bucket.endpoint, "region_name": "us-east-1"},
        },
    )
    assert found.channel_names == ["a", "b"]


@pytest.mark.parametrize(
    ("place", "options", "said"),
    [
        ("s3://bucket/x", {"spelt": "wrong"}, "spelt"),
        ("https://host/x", {"anon": True}, "'headers'"),
        ("s3://bucket/x", 3, "are a dict"),
        ("x.zarr", {"anon": True}, "are for URLs"),
    ],
)
def test_options_that_are_none(bucket: Any, place: str, options: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        open_ome_zarr(place, storage_options=options)


# ---- several at once ------------------------------------------------------------------------

ADD = """
import asyncio, sys
from iohub import open_ome_zarr
from iohub.storage.remote_store import RemoteStore
url, row = sys.argv[1:]
put = RemoteStore._put_document
async def slowly(self, key, value):  # so that without a lock they would meet
    await asyncio.sleep(0.05)
    await put(self, key, value)
RemoteStore._put_document = slowly
with open_ome_zarr(url, mode="r+") as plate:
    print("ready", flush=True)
    sys.stdin.readline()
    for column in range(1, 7):
        plate.create_position(row, str(column), "0")
"""


def test_two_processes_that_add_wells_keep_both(bucket: Any) -> None:
    url = f"{bucket.url}/p.zarr"
    create(url).close()
    workers = [run(ADD, url, row, stdin=subprocess.PIPE) for row in "AB"]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"  # type: ignore[union-attr]
    for worker in workers:
        worker.stdin.write("go\n")  # type: ignore[union-attr]
        worker.stdin.flush()  # type: ignore[union-attr]
    for worker in workers:
        worker.communicate(timeout=120)
        assert worker.returncode == 0
    plate = open_ome_zarr(url)
    assert sorted(path for path, _ in plate.positions()) == [
        f"{row}/{column}/0" for row in "AB" for column in range(1, 7)
    ]
    assert [key for key in bucket.listed() if "iohub" in key] == []


def test_threads_keep_each_others_wells(bucket: Any) -> None:
    url = f"{bucket.url}/p.zarr"
    create(url).close()
    plates = [open_ome_zarr(url, mode="r+") for _ in range(3)]

    def add(row: str, plate: Any) -> None:
        for column in "123":
            plate.create_position(row, column, "0")

    threads = [threading.Thread(target=add, args=each) for each in zip("ABC", plates, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(open_ome_zarr(url).positions())) == 9


def test_what_another_program_changed_is_not_overwritten(bucket: Any) -> None:
    """One that knows nothing of locks."""
    url = f"{bucket.url}/p.zarr"
    create(url).close()
    store = remote_bytes(url, writable=True)
    document = store.get("zarr.json")
    bucket.put("p.zarr/zarr.json", document + b" ")
    with pytest.raises(ConflictError, match=r"changed by someone else.*try again"):
        store.set("zarr.json", b"{}")
    assert bucket.get("p.zarr/zarr.json") == document + b" "
    assert store.get("zarr.json") == document + b" "
    store.set("zarr.json", b"{}")  # it was read anew
    assert bucket.get("p.zarr/zarr.json") == b"{}"
    assert store.get("0/zarr.json") is None
    bucket.put("p.zarr/0/zarr.json", b"theirs")
    with pytest.raises(ConflictError):
        store.set("0/zarr.json", b"mine")


def test_a_change_under_the_lock_is_read_anew(bucket: Any) -> None:
    url = f"{bucket.url}/p.zarr"
    one = create(url, layout="fov")
    other = open_ome_zarr(url, mode="r+")
    assert other.channel_names == one.channel_names == ["a", "b"]
    one.rename_channel("a", "c")
    other.rename_channel("b", "d")  # although what it has seen is older
    assert open_ome_zarr(url).channel_names == ["c", "d"]


def test_a_request_that_was_sent_twice_finds_its_own_work(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = remote_bytes(f"{bucket.url}/p.zarr", writable=True)
    assert store.get("zarr.json") is None
    bucket.put("p.zarr/zarr.json", b"{}")
    store.set("zarr.json", b"{}")
    assert store.get("zarr.json") == b"{}"


# ---- locks ----------------------------------------------------------------------------------

HOLD = """
import sys, time
from iohub.storage.remote import remote_bytes
with remote_bytes(sys.argv[1], writable=True).lock("A"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_lock_is_held_against_other_processes(bucket: Any) -> None:
    holder = run(HOLD, bucket.url)
    try:
        assert holder.stdout.readline() == "held\n"  # type: ignore[union-attr]
        store = remote_bytes(bucket.url, writable=True)
        with store.lock("B"):
            pass
        with pytest.raises(LockTimeoutError, match=r"the process .* has been changing s3://"):
            store.lock("A", timeout=0.3).__enter__()
    finally:
        holder.kill()
        holder.communicate()


def test_what_a_dead_process_held_is_free_after_a_while(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = run(HOLD, bucket.url)
    assert holder.stdout.readline() == "held\n"  # type: ignore[union-attr]
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert bucket.listed() == [f"A/{locks.LOCK_NAME}"]
    monkeypatch.setattr(leases, "DEAD_AFTER", 0.5)
    with remote_bytes(bucket.url, writable=True).lock("A", timeout=30):
        assert bucket.listed() == [f"A/{locks.LOCK_NAME}"]
    assert bucket.listed() == []


def test_a_lease_is_renewed_while_it_is_held(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_RENEWAL", 0.05)
    key = f"A/{locks.LOCK_NAME}"
    with remote_bytes(bucket.url, writable=True).lock("A"):
        first, end = bucket.get(key), time.monotonic() + 60
        while bucket.get(key) == first:
            assert time.monotonic() < end
            time.sleep(0.02)
    assert bucket.listed() == []


def test_a_lease_that_was_taken_over_is_left_alone(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever took the holder, which slept, for dead."""
    monkeypatch.setattr(leases, "DEAD_AFTER", 0.0)
    key = f"A/{locks.LOCK_NAME}"
    with remote_bytes(bucket.url, writable=True).lock("A"):
        bucket.put(key, b'{"owner": "another"}')
    assert bucket.get(key) == b'{"owner": "another"}'


def test_a_lock_is_reentrant_and_costs_two_requests(bucket: Any) -> None:
    store = remote_bytes(bucket.url, writable=True)
    with store.lock("A"), store.lock("A"), remote_bytes(f"{bucket.url}/A", writable=True).lock(""):
        assert bucket.listed() == [f"A/{locks.LOCK_NAME}"]
    assert bucket.listed() == []


def test_killed_while_it_writes(bucket: Any) -> None:
    """What was complete stays; the image that was being written is not there."""
    url = f"{bucket.url}/p.zarr"
    with create(url, layout="fov") as position:
        position.create_image("0", PIXELS)
    script = f"""
import os, signal
import numpy as np
from iohub import open_ome_zarr
from iohub.storage.array import ZarrArray
write = ZarrArray.write
def killed(self, *arguments):
    write(self, *arguments)
    os.kill(os.getpid(), signal.SIGKILL)
ZarrArray.write = killed
open_ome_zarr({url!r}, mode="r+").create_image("1", np.ones((1, 2, 1, 32, 32), "u2"))
"""
    worker = run(script)
    worker.communicate(timeout=120)
    assert worker.returncode == -signal.SIGKILL
    position = open_ome_zarr(url)
    assert position.keys() == ["0"]
    np.testing.assert_array_equal(position["0"][:], PIXELS)
    assert validate(url).valid


# ---- how much is asked ----------------------------------------------------------------------


def test_pixels_are_written_and_then_copied_by_the_server(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iohub.storage.objects import ObstoreObjects

    calls: list[str] = []
    for name in ("get", "put", "put_if", "copy", "delete", "children", "below", "size"):
        whole = getattr(ObstoreObjects, name)

        def counted(self: Any, *a: Any, _name: str = name, _whole: Any = whole) -> Any:
            calls.append(_name)
            return _whole(self, *a)

        monkeypatch.setattr(ObstoreObjects, name, counted)
    with create(f"{bucket.url}/p.zarr", layout="fov") as position:
        calls.clear()
        position.create_image("0", PIXELS, chunks=(1, 1, 1, 8, 8))
    assert calls.count("copy") == 32 + 1
    assert calls.count("delete") < 10
    assert calls.count("get") + calls.count("size") < 60


def test_many_positions_are_created_in_few_round_trips(bucket: Any) -> None:
    url = f"{bucket.url}/p.zarr"
    with create(url) as plate:
        plate.create_positions([("A", str(column), "0") for column in range(1, 25)])
    assert len(list(open_ome_zarr(url).positions())) == 24


def test_durations_are_checked() -> None:
    with pytest.raises(ArgumentError, match="number of seconds"):
        iohub.set_options(remote_max_age="long")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="at least 0"):
        iohub.set_options(remote_max_age=-1)
