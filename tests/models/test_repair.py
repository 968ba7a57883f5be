"""Repairs: what is broken is mended by what is on disk, each change is told, no pixel changes."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.errors import LayoutError, NotFoundError, ReadOnlyError
from iohub.models import repair, validate
from iohub.storage.location import locate
from iohub.storage.transaction import Transaction

NAMES = {"zarr.json", ".zgroup", ".zattrs", ".zarray", ".zmetadata"}


def contents(path, documents=True):
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and (documents or file.name not in NAMES)
    }


def mended(path, *, valid=True):
    """Look, repair, and look again; return what was done."""
    before, pixels = contents(path), contents(path, documents=False)
    planned = repair(path, dry_run=True)
    assert contents(path) == before
    done = repair(path)
    assert done.changes == planned.changes
    assert (planned.dry_run, done.dry_run) == (True, False)
    after = contents(path)
    assert {
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    } == {change.where for change in done}
    assert contents(path, documents=False) == pixels
    again = repair(path)
    assert (again.changes, again.left) == ((), done.left)
    assert contents(path) == after
    assert validate(path, deep=True).valid == valid
    return done


def said(done):
    return "\n".join(text for change in done for text in change.what)


def test_nothing_to_do(plate, image):
    for path in (plate, image, plate / "A" / "1", plate / "A/1/0"):
        done = repair(path)
        assert not done
        assert done.left == ()
        assert str(done).endswith("changed 0 documents")


def test_wells_that_are_gone_and_wells_that_are_new(plate, files):
    shutil.move(plate / "A" / "2", plate / "B" / "10")
    files.edit(plate, lambda ome: ome["plate"].update(note={"kept": [1, None]}))
    done = mended(plate)
    assert "the well 'A/2' is dropped" in said(done)
    assert "the well 'B/10' is listed" in said(done)
    doc = files.read(plate)["plate"]
    assert [well["path"] for well in doc["wells"]] == ["A/1", "B/1", "B/10"]
    assert doc["note"] == {"kept": [1, None]}
    assert doc["name"] == "plate"
    with open_ome_zarr(plate) as node:
        assert [name for name, _ in node.positions()] == ["A/1/0", "A/1/1", "B/1/0", "B/10/0"]


@pytest.mark.parametrize("content", [None, "", "{", '{"zarr_format": 3}'])
def test_plates_whose_document_is_gone(plate, files, version, content):
    expected = files.read(plate)["plate"]["wells"]
    for name in (".zgroup", ".zattrs", "zarr.json"):
        file = plate / name
        if file.exists():
            file.unlink()
            if content is not None:
                file.write_text(content)
    done = mended(plate)
    assert "described by what is on disk" in said(done)
    assert files.read(plate)["plate"]["wells"] == expected
    assert validate(plate).version == version
    with open_ome_zarr(plate) as node:
        assert len(list(node.positions())) == 4


def test_plates_that_break_rules(plate, files):
    def muddle(ome):
        ome["plate"]["rows"].append({"name": "A"})
        ome["plate"]["rows"].append({"name": "?"})
        ome["plate"]["wells"].append({"path": "A/1", "rowIndex": 7, "columnIndex": "x"})
        ome["plate"]["field_count"] = "two"
        ome["plate"]["name"] = "kept"

    files.edit(plate, muddle)
    assert not validate(plate).valid
    done = mended(plate)
    assert "mended by what is on disk" in said(done)
    doc = files.read(plate)["plate"]
    assert [row["name"] for row in doc["rows"]] == ["A", "B"]
    assert len(doc["wells"]) == 3
    assert doc["name"] == "kept"
    assert "field_count" not in doc


def test_indexes_that_are_exchanged(plate, files):
    files.edit(plate, lambda ome: ome["plate"]["wells"][2].update(rowIndex=0, columnIndex=1))
    if validate(plate).valid:  # tolerated by the versions whose official cases have it so
        assert not validate(plate, strict=True).valid
    mended(plate)
    well = files.read(plate)["plate"]["wells"][2]
    assert (well["rowIndex"], well["columnIndex"]) == (1, 0)
    assert validate(plate, strict=True).valid


def test_the_official_plate_with_exchanged_indexes(tmp_path):
    source = Path(__file__).parents[1] / "data" / "ome-zarr-examples" / "plate-01.zarr"
    path = tmp_path / "plate.zarr"
    shutil.copytree(source, path)
    done = mended(path)
    assert "mended by the path" in said(done)
    assert "well-index" not in validate(path).codes()


def test_fields(plate, files):
    shutil.move(plate / "A/1/1", plate / "A/1/x2")
    done = mended(plate)
    assert "the field of view '1' is dropped" in said(done)
    assert "the field of view 'x2' is listed" in said(done)
    images = files.read(plate / "A/1")["well"]["images"]
    assert [image["path"] for image in images] == ["0", "x2"]


def test_fields_of_several_acquisitions(plate, files):
    runs = [{"id": i, "name": str(i), "maximumfieldcount": 2} for i in (0, 1)]
    files.edit(plate, lambda ome: ome["plate"].update(acquisitions=runs))
    for place, names in {"A/1": "01", "A/2": "0", "B/1": "0"}.items():
        images = [{"path": name, "acquisition": 1} for name in names]
        files.edit(plate / place, lambda ome, i=images: ome["well"].update(images=i))
    assert validate(plate).valid
    shutil.move(plate / "A/1/1", plate / "A/1/2")
    done = mended(plate, valid=False)
    assert done.left == ("A/1: nothing tells the acquisition of 2",)
    assert files.read(plate / "A/1")["well"]["images"][0] == {"path": "0", "acquisition": 1}


@pytest.mark.parametrize("broken", [True, False])
def test_documents_of_rows_and_wells(plate, files, broken):
    for place in ("A", "B/1"):
        for name in (".zgroup", ".zattrs", "zarr.json"):
            file = plate / place / name
            if file.exists():
                file.write_text("{") if broken else file.unlink()
    done = mended(plate)
    assert {"A", "B/1"} <= {change.path for change in done}
    with open_ome_zarr(plate) as node:
        assert len(list(node.positions())) == 4


def test_groups_without_their_mark(plate, version):
    if version == "0.4":
        (plate / "A/1/.zgroup").unlink()
        (plate / ".zgroup").unlink()
        before = json.loads((plate / ".zattrs").read_text())
        done = mended(plate)
        assert {change.where for change in done} == {".zgroup", "A/1/.zgroup"}
        assert json.loads((plate / ".zattrs").read_text()) == before


def test_wells_by_themselves(plate, files):
    files.edit(plate / "A/1", lambda ome: ome.pop("well"))
    done = mended(plate / "A" / "1")
    assert "the field of view '0' is listed" in said(done)


def test_levels_that_are_gone(image, files):
    shutil.rmtree(image / "1")
    done = mended(image)
    assert "the level '1' is dropped" in said(done)
    assert len(files.read(image)["multiscales"][0]["datasets"]) == 1
    shutil.rmtree(image / "0")
    assert repair(image).left == (".: none of the levels is there",)
    assert not repair(image).changes


@pytest.mark.parametrize("names", [None, ["c", "t", "z", "y", "x"]])
def test_names_of_dimensions(image, files, version, names):
    if version == "0.4":
        return
    for level in "01":
        files.rewrite(image / level / "zarr.json", lambda d: d.update(dimension_names=names))
        if names is None:
            files.rewrite(image / level / "zarr.json", lambda d: d.pop("dimension_names"))
    if version == "0.6" and names is not None:
        assert not repair(image)  # allowed to be so
        return
    done = mended(image)
    assert len(done) == 2
    assert "dimension_names are t, c, z, y, x" in said(done)
    assert zarr.open_array(image / "0", mode="r").metadata.dimension_names == tuple("tczyx")


def test_separators(image, files, version):
    pixels = zarr.open_array(image / "0", mode="r")[:]

    def dotted(document):
        if version == "0.4":
            document.pop("dimension_separator")  # "." then
        else:
            document["chunk_key_encoding"]["configuration"] = {"separator": "."}

    files.rewrite(files.array(image / "0"), dotted)
    assert not zarr.open_array(image / "0", mode="r")[:].any()
    done = mended(image)
    assert "separator is '/'" in said(done)
    assert np.array_equal(zarr.open_array(image / "0", mode="r")[:], pixels)


def test_labels(image, files):
    files.add_label(image, "original/0")
    files.add_label(image, "cells")
    files.edit(image / "labels", lambda ome: ome.update(labels=["gone", "cells"]))
    done = mended(image)
    assert "the label image 'gone' is dropped" in said(done)
    assert "the label image 'original/0' is listed" in said(done)
    assert files.read(image / "labels")["labels"] == ["cells", "original/0"]
    files.group(image / "labels").write_text("{")
    mended(image)
    assert sorted(files.read(image / "labels")["labels"]) == ["cells", "original/0"]


def test_other_attributes_stay(plate, files, version):
    mine = {"mine": [1, {"a": None}]}

    def add(document):
        (document["attributes"] if version != "0.4" else document).update(mine)

    for place in (plate, plate / "A/1"):
        files.rewrite(files.group(place), add)
    shutil.rmtree(plate / "A/1/1")
    shutil.rmtree(plate / "B")
    mended(plate)
    for place in (plate, plate / "A/1"):
        document = json.loads(files.group(place).read_text())
        assert (document["attributes"] if version != "0.4" else document)["mine"] == mine["mine"]


def test_what_is_broken_beyond_repair_is_told(plate, files):
    files.array(plate / "A/1/0/1").write_text("{")
    done = mended(plate, valid=False)
    assert len(done.left) == 1
    assert done.left[0].startswith("A/1/0/1: the array's document: ")
    assert str(done).startswith("left: A/1/0/1")


def test_stores_in_memory(plate):
    target = locate("memory://repair-test", writable=True).store
    target.delete_dir("")
    for name, raw in contents(plate).items():
        if not name.startswith("B/"):
            target.set(name, raw)
    done = repair("memory://repair-test")
    assert "the well 'B/1' is dropped" in said(done)
    assert validate("memory://repair-test").valid


def test_what_is_no_store(tmp_path, plate):
    with pytest.raises(NotFoundError):
        repair(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LayoutError, match="no documents"):
        repair(tmp_path / "empty")
    zarr.create_group(tmp_path / "plain.zarr")
    with pytest.raises(LayoutError, match="a plain group, not a plate, well or image"):
        repair(tmp_path / "plain.zarr")
    shutil.rmtree(plate / "B")
    store = zarr.storage.MemoryStore(read_only=True)
    with pytest.raises(ReadOnlyError):
        repair(store)


@pytest.mark.parametrize("layout", ["scene", None])
def test_groups_that_hold_images_are_no_wells(tmp_path, layout):
    """They got the metadata of a well."""
    path = tmp_path / "images.zarr"
    if layout is None:
        zarr.create_group(path)
        with open_ome_zarr(path / "a", "fov", "w-", ["E"]) as node:
            node["0"] = np.zeros((1, 1, 1, 4, 4), "u2")
    else:
        with open_ome_zarr(path, layout, "w-", version="0.6") as node:
            node.create_image("a", ["E"])["0"] = np.zeros((1, 1, 1, 4, 4), "u2")
    before = contents(path)
    with pytest.raises(LayoutError, match="a scene" if layout else "a plain group"):
        repair(path)
    assert contents(path) == before


def test_an_edit_that_fails_changes_nothing(plate, monkeypatch):
    shutil.rmtree(plate / "B")
    shutil.rmtree(plate / "A/1/1")
    before = contents(plate)

    def fail(self, key, value):
        if key.startswith("A/"):
            raise OSError("the disk is full")
        put(self, key, value)

    put = Transaction.put
    monkeypatch.setattr(Transaction, "put", fail)
    with pytest.raises(OSError, match="full"):
        repair(plate)
    assert contents(plate) == before


def test_copies_of_documents_are_dropped(plate, version):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store = zarr.storage.LocalStore(plate)
        zarr.consolidate_metadata(store, zarr_format=2 if version == "0.4" else 3)
    shutil.rmtree(plate / "B")
    repair(plate)
    assert "consolidated-stale" not in validate(plate).codes()


def documents_of(path):
    return [file for name in NAMES for file in [path / name] if file.exists()]


@pytest.mark.parametrize("fault", ["broken", "missing", "no metadata"])
def test_fields_whose_pixels_are_there_stay_listed(plate, files, fault):
    field = plate / "A/1/1"
    if fault == "no metadata":
        files.edit(field, lambda ome: ome.pop("multiscales"))
    for file in documents_of(field) if fault != "no metadata" else ():
        file.write_text("{") if fault == "broken" else file.unlink()
    shutil.rmtree(plate / "B")
    wells = files.read(plate / "A/1")["well"]
    done = mended(plate, valid=False)
    assert said(done) == "the well 'B/1' is dropped: it is not there"
    assert [left.partition(": ")[0] for left in done.left] == ["A/1/1"]
    assert done.left[0].endswith("it stays listed")
    assert files.read(plate / "A/1")["well"] == wells


def test_wells_whose_pixels_are_there_stay_listed(plate, files):
    """No document of the only field of a well can be read, nor that of the well."""
    for place in ("B/1", "B/1/0"):
        for file in documents_of(plate / place):
            file.unlink()
    before = files.read(plate)["plate"]
    done = repair(plate)
    assert files.read(plate)["plate"] == before
    assert done.left == (
        "B/1: the well has no images",
        "B/1/0: there is no document; it is not listed",
    )


def test_positions_that_wait_for_their_pixels(tmp_path, version):
    path = tmp_path / "p.zarr"
    with open_ome_zarr(path, "hcs", "w-", ["a"], version=version) as node:
        for name in ("0", "1"):
            node.create_position("A", "1", name)
        before = contents(path)
        done = repair(path)
        assert not done
        assert len(done.left) == 3
        assert contents(path) == before
        node["A/1/1"].create_zeros("0", (1, 1, 1, 8, 8), "u1")
        assert repair(path).left == ("A/1/0: its metadata describe no image; it stays listed",)
    with open_ome_zarr(path) as node:
        assert list(node["A/1"]) == ["0", "1"]


def test_levels_and_labels_whose_pixels_are_there_stay_listed(image, files):
    for name in ("cells", "nuclei"):
        files.add_label(image, name)
    files.edit(image / "labels", lambda ome: ome.update(labels=["cells", "nuclei"]))
    files.group(image / "labels/cells").write_text("{")
    for file in documents_of(image / "1"):
        file.unlink()
    before = files.read(image), files.read(image / "labels")
    done = mended(image, valid=False)
    assert not done
    assert (files.read(image), files.read(image / "labels")) == before
    assert done.left[0] == "1: there is no document; the level stays listed"
    assert done.left[1].startswith("labels/cells: its document: ")
    files.group(image / "labels").write_text("{")
    done = repair(image)
    assert files.read(image / "labels")["labels"] == ["nuclei"]
    assert done.left[1].endswith("it is not listed")


def test_what_cannot_be_listed_is_told(plate):
    shutil.copytree(plate / "B/1", plate / "C/0_7")
    shutil.copytree(plate / "B/1/0", plate / "B/1/a b")
    done = repair(plate)
    assert not done
    assert [left.partition(": ")[0] for left in done.left] == ["B/1/a b", "C/0_7"]
