"""Stores on a web server that lists nothing: found by their metadata, many documents at once."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import iohub
from iohub import open_ome_zarr
from iohub.errors import (
    AccessError,
    CorruptNodeWarning,
    IohubWarning,
    NotFoundError,
    PathError,
    ReadOnlyError,
    UnreachableError,
)
from iohub.models import validate

WELLS = [(row, str(column)) for row in "ABCD" for column in range(1, 7)]
QUICK = {"retry_config": {"max_retries": 1, "backoff": {"init_backoff": timedelta(seconds=0.001)}}}


def image() -> np.ndarray[Any, Any]:
    return np.arange(2 * 3 * 16 * 16, dtype="u2").reshape(1, 2, 3, 16, 16)


@pytest.fixture(autouse=True)
def _however_slow_the_machine_is() -> Iterator[None]:
    """Requests are counted; none is to be added because time has passed."""
    with iohub.set_options(remote_max_age=3600):
        yield


@pytest.fixture(params=["0.4", "0.5"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def plate(web: Any, version: str) -> str:
    """URL of a plate; its pixels are in the first position."""
    with open_ome_zarr(
        web.root / "plate.zarr", layout="hcs", mode="w-", channel_names=["a", "b"], version=version
    ) as plate:
        for row, column in WELLS:
            position = plate.create_position(row, column, "0")
            if (row, column) == WELLS[0]:
                position.create_image("0", image(), chunks=(1, 1, 1, 16, 8))
            else:
                position.create_zeros("0", (1, 2, 3, 16, 16), "u2")
    return f"{web.url}/plate.zarr"


def documents(version: str) -> tuple[int, int]:
    """How many requests a group and an array take."""
    return (1, 1) if version == "0.5" else (1, 2)


def test_opening_asks_for_one_document(web: Any, plate: str, version: str) -> None:
    assert type(open_ome_zarr(plate)).__name__ == "Plate"
    # Whether it is of Zarr v2 is asked only where it is not of v3.
    assert web.count() == {"GET": 1 if version == "0.5" else 4}


def test_navigation_asks_for_what_it_needs_and_lists_nothing(
    web: Any, plate: str, version: str
) -> None:
    node = open_ome_zarr(plate)
    web.clear()
    position = node["B/2/0"]
    assert position["0"].shape == (1, 2, 3, 16, 16)
    assert position.channel_names == ["a", "b"]
    assert position.axis_names == ["t", "c", "z", "y", "x"]
    assert position.scale == [1.0, 1.0, 1.0, 1.0, 1.0]
    group, array = documents(version)
    assert web.count() == {"GET": group + array}
    assert all(path.startswith("/plate.zarr/B/2/0") for _, path in web.requests)


@pytest.mark.parametrize("way", ["positions", "to_dataframe"])
def test_all_positions_are_read_in_batches(web: Any, plate: str, version: str, way: str) -> None:
    web.latency = 0.02
    node = open_ome_zarr(plate)
    web.clear()
    if way == "positions":
        found = [(pos["0"].shape, pos.channel_names) for _, pos in node.positions()]
    else:
        table = node.to_dataframe()
        found = [(shape, list(n)) for shape, n in zip(table["shape"], table.channels, strict=True)]
    assert found == [((1, 2, 3, 16, 16), ["a", "b"])] * len(WELLS)
    group, array = documents(version)
    assert web.count() == {"GET": len(WELLS) * (2 * group + array)}
    assert web.most > len(WELLS) // 2


def test_a_series_is_read_in_batches(web: Any) -> None:
    with open_ome_zarr(
        web.root / "s.zarr", layout="series", mode="w-", channel_names=["x"], version="0.5"
    ) as series:
        for name in "abcdefgh":
            series.create_position(name).create_zeros("0", (1, 1, 1, 4, 4), "u1")
    node = open_ome_zarr(f"{web.url}/s.zarr")
    web.clear()
    web.latency = 0.02
    assert [pos["0"].shape for _, pos in node.positions()] == [(1, 1, 1, 4, 4)] * 8
    assert web.most > 4
    assert web.count() == {"GET": 17}  # the group OME names them


def test_pixels(web: Any, plate: str) -> None:
    position = open_ome_zarr(plate)["A/1/0"]
    pixels = position["0"]
    np.testing.assert_array_equal(pixels[:], image())
    np.testing.assert_array_equal(pixels[0, 1, :, 3:5, ::5], image()[0, 1, :, 3:5, ::5])
    np.testing.assert_array_equal(pixels.oindex[0, [1, 0], 2], image()[0, [1, 0], 2])
    np.testing.assert_array_equal(pixels.dask_array().compute(), image())
    np.testing.assert_array_equal(position.to_xarray().values, image())
    np.testing.assert_array_equal(position.zgroup["0"][...], image())
    assert open_ome_zarr(plate)["A/2/0"]["0"][:].sum() == 0
    assert "PROPFIND" not in web.count()


def test_shards_are_read_in_part(web: Any) -> None:
    data = np.random.default_rng(0).integers(0, 2**16, (1, 1, 8, 32, 32), "u2")
    with open_ome_zarr(
        web.root / "x.zarr", layout="fov", mode="w-", channel_names=["a"], version="0.5"
    ) as position:
        position.create_image("0", data, chunks=(1, 1, 1, 32, 32), shards_ratio=(1, 1, 8, 1, 1))
    position = open_ome_zarr(f"{web.url}/x.zarr")
    web.headers.clear()
    np.testing.assert_array_equal(position["0"][0, 0, 5], data[0, 0, 5])
    ranges = [each["range"] for each in web.headers if "range" in each]
    assert len(ranges) == 2  # the index, and the chunk


def test_a_document_is_not_asked_for_again_for_a_while(web: Any, plate: str) -> None:
    position = open_ome_zarr(plate)["A/1/0"]
    pixels = position["0"]
    assert pixels.shape
    web.clear()
    for _ in range(5):
        assert pixels.shape
        assert position.channel_names
    assert web.requests == []
    with iohub.set_options(remote_max_age=0):
        assert pixels.shape
    assert web.requests != []


def test_a_change_is_seen(web: Any, plate: str) -> None:
    position = open_ome_zarr(plate)["A/1/0"]
    assert position.channel_names == ["a", "b"]
    with open_ome_zarr(web.root / "plate.zarr/A/1/0", mode="r+") as local:
        local.rename_channel("a", "c")
    assert position.channel_names == ["a", "b"]
    with iohub.set_options(remote_max_age=0):
        assert position.channel_names == ["c", "b"]


def test_what_is_not_there(web: Any, plate: str) -> None:
    with pytest.raises(NotFoundError, match="nothing at http://127"):
        open_ome_zarr(f"{web.url}/other.zarr")
    with pytest.raises(KeyError, match=r"Z/9.*A/1"):
        open_ome_zarr(plate)["Z/9"]
    with pytest.raises(KeyError, match="no '7'"):
        open_ome_zarr(plate)["A/1/0/7"]
    with pytest.raises(NotFoundError, match="cannot be listed"):
        open_ome_zarr(plate).group_keys()


def test_a_web_server_is_for_reading(web: Any, plate: str) -> None:
    for mode in ("r+", "a", "w", "w-"):
        with pytest.raises(ReadOnlyError, match="mode='r', or write to s3://"):
            open_ome_zarr(plate, layout="fov", mode=mode, channel_names=["a"])
    with pytest.raises(ReadOnlyError):
        open_ome_zarr(plate)["A/1/0"].rename_channel("a", "c")
    assert set(web.count()) == {"GET"}


# ---- what a server refuses ------------------------------------------------------------------


@pytest.mark.parametrize(("status", "said"), [(403, "403 Forbidden"), (401, "401 Unauthorized")])
def test_refused(web: Any, plate: str, status: int, said: str) -> None:
    web.answer = lambda path: status
    with pytest.raises(AccessError, match=rf"refuses access \({said}\).*storage_options") as caught:
        open_ome_zarr(plate)
    assert caught.value.status == status
    with pytest.raises(PermissionError):
        validate(plate)


def test_one_refused_position_spares_the_others(web: Any, plate: str) -> None:
    web.answer = lambda path: 403 if path.startswith("/plate.zarr/A/2/0") else None
    node = open_ome_zarr(plate)
    with pytest.warns(CorruptNodeWarning, match=r"A/2/0.*403 Forbidden"):
        assert len(dict(node.positions())) == len(WELLS) - 1
    with pytest.raises(AccessError, match="403"):
        node["A/2/0"].channel_names  # noqa: B018


def test_refused_pixels_are_an_error(web: Any, plate: str, version: str) -> None:
    chunk = "0/0/0/1/0/0" if version == "0.4" else "0/c/0/0/1/0/0"
    web.answer = lambda path: 403 if path.endswith(chunk) else None
    pixels = open_ome_zarr(plate)["A/1/0"]["0"]
    np.testing.assert_array_equal(pixels[0, 0, 0], image()[0, 0, 0])
    with pytest.raises(AccessError, match=f"{chunk}: the server refuses"):
        pixels[:]


def test_a_server_that_refuses_what_is_not_there(web: Any, plate: str, version: str) -> None:
    """As S3 does where the user may read, but not list."""
    web.absent = 403
    node = open_ome_zarr(plate)
    np.testing.assert_array_equal(node["A/1/0"]["0"][:], image())
    with pytest.warns(IohubWarning, match="taken for never written"):
        assert node["A/2/0"]["0"][:].sum() == 0
    assert node["A/2/0"]["0"][:].sum() == 0  # once is enough
    assert len(node.to_dataframe()) == len(WELLS)
    with pytest.raises(AccessError, match="403 Forbidden"):
        open_ome_zarr(f"{web.url}/other.zarr")


def test_a_server_in_trouble_is_asked_again(web: Any, plate: str) -> None:
    troubles = iter([503, 500, 429])
    web.answer = lambda path: next(troubles, None)
    assert len(open_ome_zarr(plate)) == 4
    web.answer = lambda path: 503
    with pytest.raises(UnreachableError, match="answers 503 after 1 retries; try again later"):
        open_ome_zarr(plate, storage_options=QUICK)


def test_no_server(web: Any, plate: str) -> None:
    with pytest.raises(UnreachableError, match="refuses connections") as caught:
        open_ome_zarr("http://127.0.0.1:1/x.zarr", storage_options=QUICK)
    assert isinstance(caught.value, ConnectionError)
    with pytest.raises(UnreachableError, match=r"not known \(DNS\)"):
        open_ome_zarr("https://nowhere.invalid/x.zarr", storage_options=QUICK)


# ---- options and URLs -----------------------------------------------------------------------


def test_headers_and_passwords(web: Any, plate: str) -> None:
    open_ome_zarr(plate, storage_options={"headers": {"X-Key": "k"}})
    assert web.headers[-1]["x-key"] == "k"
    node = open_ome_zarr(plate.replace("http://", "http://me:secret@"))
    assert web.headers[-1]["authorization"] == "Basic bWU6c2VjcmV0"
    assert "secret" not in f"{node!r} {node.url}"


def test_names_that_are_escaped_in_urls(web: Any) -> None:
    name = "a b+ä%.zarr"
    with open_ome_zarr(web.root / name, layout="fov", mode="w-", channel_names=["a"]) as position:
        position.create_zeros("0", (1, 1, 1, 2, 2), "u1")
    assert open_ome_zarr(f"{web.url}/a%20b+%C3%A4%25.zarr/")["0"].shape == (1, 1, 1, 2, 2)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://host/x.zarr?sig=1", "names one object"),
        ("https:///x.zarr", "no server"),
        ("s3:///x.zarr", "no bucket"),
        ("nothing://x.zarr", "supported are"),
    ],
)
def test_what_is_no_url(url: str, said: str) -> None:
    with pytest.raises(PathError, match=said):
        open_ome_zarr(url)


def test_fsspec_takes_over_where_obstore_is_not_installed(
    web: Any, plate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iohub.storage import remote_options

    monkeypatch.setattr(remote_options, "have", lambda name: name != "obstore")
    node = open_ome_zarr(plate, storage_options={"headers": {"X-Key": "k"}})
    assert web.headers[-1]["x-key"] == "k"
    np.testing.assert_array_equal(node["A/1/0"]["0"][:], image())
    assert len(node.to_dataframe()) == len(WELLS)
    with pytest.raises(NotFoundError):
        open_ome_zarr(f"{web.url}/other.zarr")
    web.answer = lambda path: 403
    with pytest.raises(AccessError, match="403 Forbidden"):
        open_ome_zarr(plate)


def test_chained_urls(web: Any, plate: str, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    node = open_ome_zarr(
        f"simplecache::{plate}", storage_options={"simplecache": {"cache_storage": cache}}
    )
    np.testing.assert_array_equal(node["A/1/0"]["0"][:], image())


# ---- the rest -------------------------------------------------------------------------------


def test_validating_asks_for_many_at_once(web: Any, plate: str) -> None:
    web.latency = 0.02
    report = validate(plate)
    assert report.valid
    assert web.most > len(WELLS) // 2
    assert set(web.count()) == {"GET"}
    (web.root / "plate.zarr/B/1/0").rename(web.root / "gone")
    assert not validate(plate).valid


def test_nodes_travel(web: Any, plate: str) -> None:
    import dask

    position = open_ome_zarr(plate)["A/1/0"]
    group = pickle.loads(pickle.dumps(position._group))
    assert group.attrs() == position._group.attrs()
    lazy = pickle.loads(pickle.dumps(position["0"].dask_array()))
    np.testing.assert_array_equal(lazy.compute(), image())
    with dask.config.set(scheduler="processes", num_workers=1):
        assert int(position["0"].dask_array().sum().compute()) == int(image().sum())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_a_forked_child_is_told(web: Any, plate: str) -> None:
    """The threads of obstore are gone there; it would wait for ever."""
    text = f"""
import os
from iohub import open_ome_zarr
node = open_ome_zarr({plate!r})
if os.fork() == 0:
    try:
        node["A/1/0"]["0"][:]
    except Exception as error:
        print(type(error).__name__, error)
    os._exit(0)
os.wait()
"""
    command = [sys.executable, "-W", "ignore", "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.startswith("ForkError obstore was used before")


def test_repr_after_close(web: Any, plate: str) -> None:
    node = open_ome_zarr(plate)
    position = node["A/1/0"]
    node.close()
    web.clear()
    assert "24 wells" in repr(node)
    assert repr(position)
    assert web.requests == []


def test_a_broken_document_is_named(web: Any, plate: str, version: str) -> None:
    name = "zarr.json" if version == "0.5" else ".zattrs"
    (web.root / "plate.zarr/A/3/0" / name).write_text("{")
    with pytest.warns(CorruptNodeWarning, match="A/3/0"):
        assert len(dict(open_ome_zarr(plate).positions())) == len(WELLS) - 1


def test_a_plain_document_is_what_was_written(web: Any, plate: str, version: str) -> None:
    name = "zarr.json" if version == "0.5" else ".zattrs"
    written = json.loads((web.root / "plate.zarr" / name).read_text())
    attrs = open_ome_zarr(plate).zattrs
    assert dict(attrs) == (written["attributes"] if version == "0.5" else written)


@pytest.mark.parametrize("region", [np.s_[:], np.s_[0, :, 1:9, 3:29, 5:27], np.s_[:, 1, :, :, 31]])
def test_many_chunks_are_on_the_way_at_once(web: Any, region: Any) -> None:
    data = np.random.default_rng(0).integers(0, 2**16, (1, 2, 10, 32, 32), "u2")
    with open_ome_zarr(
        web.root / "x.zarr", layout="fov", mode="w-", channel_names=["a", "b"], version="0.5"
    ) as position:
        position.create_image("0", data, chunks=(1, 1, 1, 16, 16))
    pixels = open_ome_zarr(f"{web.url}/x.zarr")["0"]
    web.clear()
    web.latency = 0.1  # so that a busy machine sends all before the first answer
    np.testing.assert_array_equal(pixels[region], data[region])
    assert web.most > 12  # zarr alone has ten
