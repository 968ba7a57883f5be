"""The document of an array is kept up to date; forks, processes and other libraries are met."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import tensorstore
import zarr
from zarr.storage import MemoryStore

from iohub.errors import DocumentError, DTypeError, EngineError, NotFoundError, ShapeError
from iohub.storage import forks, settings
from iohub.storage.array import ZarrArray
from iohub.storage.local import LocalBytes
from iohub.storage.spec import ArraySpec
from iohub.storage.zarr_bytes import ZarrBytes

FORMATS = pytest.mark.parametrize("zarr_format", [2, 3])


def make(store, shape=(2, 8, 8), zarr_format=3, engine=None, **options):
    spec = ArraySpec.create(
        shape, "u2", **{"zarr_format": zarr_format, "chunks": (1, 4, 4), **options}
    )
    return ZarrArray.create(store, "a", spec, engine)


@pytest.fixture(params=["local", "memory"])
def store(request, tmp_path):
    return LocalBytes(tmp_path) if request.param == "local" else ZarrBytes(MemoryStore())


@FORMATS
def test_attributes_are_read_and_edited(store, zarr_format):
    array = make(store, zarr_format=zarr_format)
    other = ZarrArray.load(store, "a", zarr_format)
    array[0] = 5
    assert array.attrs() == {}
    assert array.edit_attrs(lambda a: {**a, "x": 1}) == {"x": 1}
    assert other.attrs() == {"x": 1}
    other.edit_attrs(lambda a: {**a, "y": [2]})
    assert array.attrs() == {"x": 1, "y": [2]}
    array.resize((3, 8, 8))
    assert other.attrs() == {"x": 1, "y": [2]}
    array.edit_attrs(lambda a: {})
    assert other.attrs() == {}
    assert other[0, 0, 0] == 5
    with pytest.raises(DocumentError):
        array.edit_attrs(lambda a: {"x": object()})
    assert dict(array.zarr_array().attrs) == {}


def test_an_edit_that_changes_nothing_writes_nothing(tmp_path):
    array = make(LocalBytes(tmp_path))
    before = array.store.token("a/zarr.json")
    array.edit_attrs(dict)
    array.resize((2, 8, 8))
    assert array.store.token("a/zarr.json") == before


@FORMATS
def test_a_missing_array(store, zarr_format):
    with pytest.raises(NotFoundError, match="no array at"):
        ZarrArray.load(store, "b", zarr_format)
    array = make(store, zarr_format=zarr_format)
    store.delete_dir("a")
    with pytest.raises(NotFoundError):
        _ = array.shape


def test_a_loaded_document_is_not_read_again(tmp_path, monkeypatch):
    store = LocalBytes(tmp_path)
    make(store)
    array = ZarrArray.load(store, "a", 3)
    monkeypatch.setattr(store, "get_many", lambda keys: pytest.fail("read again"))
    assert array.shape == (2, 8, 8)
    assert array.dtype == "u2"


def test_resize_refuses(tmp_path):
    array = make(LocalBytes(tmp_path))
    for shape in ((2, 8), (2, 8, -1), (2, 8, 1.5)):
        with pytest.raises(ShapeError):
            array.resize(shape)


def test_values_are_cast_exactly_or_refused(tmp_path):
    array = make(LocalBytes(tmp_path))
    array[0] = np.arange(64.0).reshape(8, 8)
    assert array[0, 7, 7] == 63
    for bad in (-1, 0.5, 70000, "a"):
        with pytest.raises(DTypeError):
            array[1] = bad
    assert not array[1].any()


def test_units_as_they_are_stored(store):
    array = make(store)
    assert array.encoded((0, 0, 0)) is None
    array[0, :4, :4] = 7
    other = ZarrArray.create(store, "b", array.spec)
    other.write_encoded((1, 1, 1), array.encoded((0, 0, 0)))
    assert (other[1, 4:, 4:] == 7).all()
    other.write_encoded((1, 1, 1), None)
    assert not other[...].any()


def test_the_libraries_own_objects(tmp_path):
    array = make(LocalBytes(tmp_path))
    array[...] = 3
    assert isinstance(array.zarr_array(), zarr.Array)
    assert isinstance(array.tensorstore(), tensorstore.TensorStore)
    array.tensorstore()[0, 0, 0].write(9).result()
    assert array[0, 0, 0] == 9
    array.zarr_array("r+")[0, 0, 0] = 8
    assert array[0, 0, 0] == 8
    with pytest.raises(EngineError, match="local"):
        make(ZarrBytes(MemoryStore())).tensorstore()


def test_repr_reads_nothing(tmp_path):
    spec = ArraySpec.create((2, 3), "u2", zarr_format=3, chunks=(1, 3))
    text = repr(ZarrArray(LocalBytes(tmp_path / "none"), "x", spec))
    assert "(2, 3)" in text
    assert "uint16" in text


@pytest.mark.parametrize("engine", ["tensorstore", "zarr-python", "zarrs"])
def test_pooled_reads_see_the_write_of_another_process(tmp_path, engine):
    array = make(LocalBytes(tmp_path), engine=engine)
    array[...] = 1
    assert array[0, 1:3, 1:3].sum() == 4
    code = textwrap.dedent(f"""
        from iohub.storage.array import ZarrArray
        from iohub.storage.local import LocalBytes
        array = ZarrArray.load(LocalBytes({str(tmp_path)!r}), "a", 3, {engine!r})
        array[0, 1:3, 1:3] = 5
        array.resize((3, 8, 8))
        array[2] = 6
    """)
    subprocess.run([sys.executable, "-c", code], check=True)
    assert array[0, 1:3, 1:3].sum() == 20
    assert (array[2] == 6).all()


WRITER = """
import sys
from iohub.storage.array import ZarrArray
from iohub.storage.local import LocalBytes
array = ZarrArray.load(LocalBytes(sys.argv[1]), "a", 3)
number = int(sys.argv[2])
for y in range(number, 32, 4):
    array[0, y] = y + 1
"""


def test_processes_that_write_parts_of_one_chunk_lose_nothing(tmp_path):
    array = make(LocalBytes(tmp_path), shape=(1, 32, 32), chunks=(1, 32, 32))
    array[...] = 0
    children = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(n)]) for n in range(4)
    ]
    assert [child.wait(60) for child in children] == [0] * 4
    np.testing.assert_array_equal(array[0, :, 5], np.arange(1, 33))


def _in_child(array, pipe):
    try:
        first = array[0, 1:3, 1:3]
        array[1, :4, :4] = 9
        pipe.send((int(first.sum()), int(array[1].sum()), array.engine_name))
    except BaseException as error:
        pipe.send(repr(error))
        raise


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("engine", ["tensorstore", "zarr-python", "zarrs"])
@FORMATS
def test_a_handle_works_in_a_forked_child(tmp_path, engine, zarr_format):
    array = make(LocalBytes(tmp_path), zarr_format=zarr_format, engine=engine)
    array[...] = 1
    array[0, 0, 0:2]
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_in_child, args=(array, there))
    child.start()
    assert here.poll(60), "the child hangs"
    assert here.recv() == (4, 9 * 16 + 48, "zarr-python")
    child.join(20)
    assert child.exitcode == 0
    assert array[1].sum() == 9 * 16 + 48


def _opens_tensorstore(array, pipe):
    try:
        array.tensorstore()
    except RuntimeError as error:
        pipe.send(str(error))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_tensorstores_own_object_in_a_forked_child_is_refused(tmp_path):
    array = make(LocalBytes(tmp_path))
    array[...] = 1
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(
        target=_opens_tensorstore, args=(array, there)
    )
    child.start()
    assert here.poll(60)
    assert "spawn" in here.recv()
    child.join(20)


def test_forks_are_told_by_process_id(monkeypatch):
    monkeypatch.setattr(forks, "_used_in", {})
    assert not forks.lost("x")
    forks.mark_used("x")
    assert not forks.lost("x")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert forks.lost("x")


def test_the_pool_can_be_changed_at_any_time(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "_state", [settings.Options()])
    array = make(LocalBytes(tmp_path))
    array[...] = 1
    for size in (0, 100, 10**6):
        settings.set_options(pool_bytes=size)
        assert array[0, 1:3, 1:3].sum() == 4
        assert array.oindex[[0, 1], 1, [2]].sum() == 2
    assert settings.get_options().pool_bytes == 10**6


def test_durable_stores_are_written(tmp_path):
    array = make(LocalBytes(tmp_path, durability="power"))
    array[...] = 4
    assert (array[...] == 4).all()


KILLED = """
import sys
import numpy as np
from iohub.storage.array import ZarrArray
from iohub.storage.local import LocalBytes
array = ZarrArray.load(LocalBytes(sys.argv[1]), "a", 3, sys.argv[2])
print("ready", flush=True)
for value in range(1, 10**6):
    array[...] = np.uint16(value % 60000 + 1)
"""


@pytest.mark.parametrize(
    ("engine", "shards", "moment"),
    [
        ("tensorstore", None, 0.01),
        ("tensorstore", (1, 64, 64), 0.03),
        ("zarr-python", (1, 64, 64), 0.02),
        ("zarrs", None, 0.03),
        ("zarrs", (1, 64, 64), 0.01),
    ],
)
def test_a_killed_writer_leaves_whole_chunks(tmp_path, engine, shards, moment):
    array = make(
        LocalBytes(tmp_path), shape=(2, 64, 64), chunks=(1, 32, 64), shards=shards, engine=engine
    )
    array[...] = 1
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), engine], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(moment)
    child.kill()
    child.wait(20)
    child.stdout.close()
    units = array.spec.unit
    for index in np.ndindex(array.spec.unit_grid):
        unit = array[tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, units, strict=True))]
        assert unit.min() == unit.max() > 0
