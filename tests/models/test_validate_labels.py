"""The validator on label images: listed, integers, of the size of their image."""

from __future__ import annotations

import shutil

import pytest

from iohub import open_ome_zarr
from iohub.models import repair, validate

LABELS = {
    "label-missing": lambda group, files: shutil.rmtree(group / "cells"),
    "labels-absent": lambda group, files: files.edit(group, lambda ome: ome.pop("labels")),
    "label-image": lambda group, files: files.edit(
        group / "cells", lambda ome: ome.pop("multiscales")
    ),
    "path": lambda group, files: files.edit(
        group, lambda ome: ome.update(labels=["cells", "../../.."])
    ),
    "label-levels": lambda group, files: files.edit(
        group / "cells", lambda ome: ome["multiscales"][0]["datasets"].pop()
    ),
    "label-unique": lambda group, files: files.edit(
        group / "cells",
        lambda ome: ome["image-label"].update(colors=[{"label-value": 1}, {"label-value": 1}]),
    ),
    "type": lambda group, files: files.edit(
        group / "cells", lambda ome: ome["image-label"]["colors"][0].update(rgba=["0", 0, 0, 0])
    ),
}


@pytest.mark.parametrize("code", sorted(LABELS))
def test_labels(image, files, code):
    files.add_label(image)
    LABELS[code](image / "labels", files)
    assert code in {each.code for each in validate(image).errors}


def test_a_label_that_is_listed_twice_is_a_warning(image, files):
    files.add_label(image)
    files.edit(image / "labels", lambda ome: ome.update(labels=["cells", "cells"]))
    report = validate(image)
    assert (report.valid, "labels-unique" in report.codes()) == (True, True)
    assert not validate(image, strict=True).valid
    with open_ome_zarr(image) as position:
        assert list(position.labels) == ["cells"]


def test_label_types(image, files, version):
    files.add_label(image, dtype="f4")
    report = validate(image)
    assert set(report.codes()) == {"label-dtype"}
    assert report.valid == (version == "0.4")


def test_label_sizes(image, files):
    path = files.add_label(image)
    files.rewrite(files.array(path / "0"), lambda d: d.update(shape=[1, 1, 3, 16, 12]))
    [found] = [each for each in validate(image) if each.code == "label-shape"]
    assert "'x'" in found.message  # one channel for two is allowed


def test_label_sources(image, files):
    path = files.add_label(image)
    for stated, text in (("../", "labels"), ("../../../..", "outside of the store")):
        files.edit(path, lambda ome, s=stated: ome["image-label"].update(source={"image": s}))
        [found] = validate(image).findings
        assert found.code == "label-source"
        assert text in found.message


def test_unlisted_labels(image, files, version, codes):
    files.add_label(image, "other")
    files.add_label(image, "cells")
    assert codes(image) == (set() if version == "0.4" else {"label-unlisted"})


def test_the_group_of_labels_without_its_document(image, files, version):
    """Readers find no label image then; nothing is there to list, nothing is wrong."""
    (image / "labels").mkdir()
    assert validate(image).valid
    shutil.rmtree(image / "labels")
    files.add_label(image)
    for name in ("zarr.json", ".zgroup", ".zattrs"):
        (image / "labels" / name).unlink(missing_ok=True)
    [found] = validate(image).errors
    assert (found.code, found.path) == ("group-absent", "labels")
    repair(image)
    assert validate(image).valid
