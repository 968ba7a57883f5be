"""The Zarr store that a file of another format could be: documents, chunks, listing."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from iohub.errors import FormatError, NotFoundError, ReadOnlyError, UnreadableError
from iohub.storage import chunk_pool
from iohub.storage.group import ZarrGroup
from iohub.storage.hierarchy import writable
from iohub.storage.virtual import VirtualBytes, how_to_write
from tests.storage.virtual_files import Reader, reopened, store

PIXELS = np.arange(12, dtype="u2").reshape(3, 4)


def test_documents():
    bytes_ = store(a=Reader(PIXELS, (2, 3)), deep__er__b=Reader(PIXELS, (3, 4)))
    root = json.loads(bytes_.get("zarr.json"))
    assert (root["node_type"], root["attributes"]) == ("group", {"is": "root"})
    array = json.loads(bytes_.get("a/zarr.json"))
    assert (array["shape"], array["data_type"]) == ([3, 4], "uint16")
    assert array["chunk_grid"]["configuration"]["chunk_shape"] == [2, 3]
    assert (array["dimension_names"], array["attributes"]) == (["y", "x"], {"of": "a"})
    between = json.loads(bytes_.get("deep/er/zarr.json"))
    assert (between["node_type"], between.get("attributes", {})) == ("group", {})
    assert bytes_.get("nothing/zarr.json") is None
    assert bytes_.get_many(["zarr.json", "x"]) == [bytes_.get("zarr.json"), None]


def test_listing():
    bytes_ = store(a=Reader(PIXELS, (2, 3)), deep__b=Reader(PIXELS, (3, 4)))
    assert bytes_.list_dir("") == (["a", "deep"], ["zarr.json"])
    assert bytes_.list_dir("deep") == (["b"], ["zarr.json"])
    assert bytes_.list_dir("a") == ([], ["zarr.json"])
    assert bytes_.list_dir("nothing") == ([], [])


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "f4", "c8", "?"])
def test_chunks_are_as_the_document_says(dtype):
    """Padded at the border, little-endian, not compressed."""
    pixels = np.arange(12).reshape(3, 4).astype(dtype).astype(np.dtype(dtype).newbyteorder("="))
    bytes_ = store(a=Reader(pixels, (2, 3)))
    padded = np.zeros((2, 3), np.dtype(dtype).newbyteorder("<"))
    padded[:1, :1] = pixels[2:, 3:]
    assert bytes_.get("a/c/1/1") == padded.tobytes()
    assert bytes_.get("a/c/0/0") == pixels[:2, :3].astype(padded.dtype).tobytes()


def test_what_is_no_chunk():
    bytes_ = store(a=Reader(PIXELS, (2, 3)))
    for key in ("a/c/2/0", "a/c/0", "a/c/0/0/0", "a/d/0/0", "a/c/-1/0", "a/c/00/0", "a/c/x/0"):
        assert bytes_.get(key) is None, key
        assert bytes_.token(key) is None
        assert bytes_.size(key) is None
        assert not bytes_.exists(key)
    assert bytes_.get("b/c/0/0") is None
    assert bytes_.get("c/0/0") is None


def test_a_look_at_a_chunk_decodes_nothing():
    reader = Reader(PIXELS, (2, 3))
    bytes_ = store(a=reader)
    assert bytes_.exists("a/c/1/1")
    assert bytes_.token("a/c/1/1")
    assert bytes_.size("a/c/1/1") == 12
    assert reader.decoded == []
    assert len(bytes_.get("a/c/1/1")) == 12
    assert reader.decoded == [(1, 1)]
    assert bytes_.size("a/zarr.json") == len(bytes_.get("a/zarr.json"))
    assert bytes_.exists("a")
    assert bytes_.exists("")
    assert not bytes_.exists("b")


def test_extras_are_made_when_asked_for():
    made = []
    bytes_ = VirtualBytes(
        "f",
        {"": {}},
        {},
        extras={("", "frames"): lambda: made.append(1) or [1]},
        reopen=(reopened, ()),
    )
    assert made == []
    assert bytes_.extra("", "frames") == [1]
    assert bytes_.extra("", "other") is None
    assert bytes_.extra("a", "frames") is None


def test_it_is_sent_by_how_it_is_opened():
    again = pickle.loads(pickle.dumps(store(other=Reader(PIXELS, (1, 1)))))
    assert again.list_dir("")[0] == ["a"]
    assert again == reopened()
    assert hash(again) == hash(reopened())
    assert again != VirtualBytes("elsewhere", {}, {}, reopen=(reopened, ()))
    assert again != "some.file"


def test_nothing_is_written():
    bytes_ = store(a=Reader(PIXELS, (2, 3)))
    assert bytes_.with_read_only() is bytes_
    for write in (lambda: bytes_.with_read_only(False), lambda: writable(bytes_)):
        with pytest.raises(ReadOnlyError, match=r"some\.file"):
            write()
    with pytest.raises(ReadOnlyError, match=r"export\(...\)"):
        ZarrGroup(bytes_, "", 3).array("a")[0] = 1
    assert "export(...)" in how_to_write(bytes_)


def test_closing_forgets_the_pixels_and_releases_the_file():
    closed = []
    reader = Reader(PIXELS, (2, 3))
    array = store(a=reader)._arrays["a"]
    bytes_ = VirtualBytes(
        "f", {}, {"a": array}, reopen=(reopened, ()), close=lambda: closed.append(1)
    )
    chunk_pool.get(reader, (0, 0))
    bytes_.close()
    assert closed == [1]
    chunk_pool.get(reader, (0, 0))
    assert reader.decoded == [(0, 0), (0, 0)]
    chunk_pool.drop(reader)


class Broken(Reader):
    """A reader of a damaged file."""

    error = ValueError("bad strip")

    def chunk(self, index):
        raise self.error


READS = {
    "region": lambda array: array[:, 1],
    "outer": lambda array: array.oindex[[0, 2], [1, 1]],
    "points": lambda array: array.vindex[[0, 2], [1, 1]],
    "bytes": lambda array: array.store.get("a/c/0/0"),
    "zarr": lambda array: array.zarr_array()[0],
    "tensorstore": lambda array: array.tensorstore()[0].read().result(),
}


@pytest.mark.parametrize("read", READS)
def test_errors_of_decoders_name_the_file(read):
    array = ZarrGroup(store(a=Broken(PIXELS, (2, 3))), "", 3).array("a")
    with pytest.raises(FormatError, match=r"some\.file.*ValueError: bad strip") as caught:
        READS[read](array)
    assert read == "tensorstore" or isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (FileNotFoundError("b.tif"), NotFoundError),
        (PermissionError("b.tif"), UnreadableError),
        (NotFoundError("as it is"), NotFoundError),
        (KeyError("k"), FormatError),
        (EOFError(), FormatError),
        (SyntaxError("XML"), FormatError),
    ],
)
def test_kinds_of_errors(raised, kind):
    reader = Broken(PIXELS, (2, 3))
    reader.error = raised
    with pytest.raises(kind):
        ZarrGroup(store(a=reader), "", 3).array("a")[0]


def test_what_is_no_damage_goes_through():
    reader = Broken(PIXELS, (2, 3))
    for error in (KeyboardInterrupt(), MemoryError(), Warning("a warning as an error")):
        reader.error = error
        with pytest.raises(type(error)):
            ZarrGroup(store(a=reader), "", 3).array("a")[0]
