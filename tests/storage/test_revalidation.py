"""Array documents: equal ones are parsed once, a changed one is read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from iohub.errors import DocumentError, NotFoundError
from iohub.storage import revalidation
from iohub.storage.array import ZarrArray
from iohub.storage.local import LocalBytes
from iohub.storage.revalidation import parse_spec, read_document
from iohub.storage.spec import ArraySpec


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_equal_documents_are_one_spec(tmp_path: Path, zarr_format: int) -> None:
    store = LocalBytes(tmp_path)
    spec = ArraySpec.create((4, 4), "u2", zarr_format=zarr_format, chunks=(2, 2))
    for path in ("a", "b"):
        ZarrArray.create(store, path, spec)
    a, b = (ZarrArray.load(store, path, zarr_format) for path in ("a", "b"))
    assert a.spec is b.spec
    a.resize((6, 4))
    assert (a.shape, b.shape) == ((6, 4), (4, 4))
    a.edit_attrs(lambda attrs: {**attrs, "x": 1})
    assert (a.attrs(), b.attrs()) == ({"x": 1}, {})


def test_errors_name_the_place() -> None:
    for source in ("x/0", "y/0"):
        with pytest.raises(DocumentError, match=source):
            parse_spec({"zarr.json": b"{"}, source)
        with pytest.raises(NotFoundError, match=source):
            parse_spec({"zarr.json": None}, source)


def test_few_specs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revalidation, "_parsed", {})
    for size in range(1, 2 * revalidation._PARSED):
        spec = ArraySpec.create((size,), "u1", zarr_format=3, chunks=(1,))
        assert parse_spec(spec.documents(), "x").shape == (size,)
    assert len(revalidation._parsed) <= revalidation._PARSED


def test_what_is_known_is_kept_until_it_changes(tmp_path: Path) -> None:
    store = LocalBytes(tmp_path)
    spec = ArraySpec.create((4,), "u1", zarr_format=3, chunks=(2,))
    array = ZarrArray.create(store, "0", spec)
    known = read_document(store, "0", 3, None)
    assert read_document(store, "0", 3, known) is known
    array.resize((5,))
    assert read_document(store, "0", 3, known).spec.shape == (5,)
