"""One bad position or well among many: named, and the others are there."""

from __future__ import annotations

import errno
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest

from iohub import open_ome_zarr
from iohub.errors import (
    CorruptNodeWarning,
)


def well_names(plate: Any) -> list[str]:
    return [path for path, _ in plate.wells()]


def attributes_file(folder: Path, version: str) -> Path:
    return folder / (".zattrs" if version == "0.4" else "zarr.json")


@pytest.fixture
def many(empty_plate: Any) -> Any:
    places = [(row, str(column), "0") for row in "ABCD" for column in range(1, 6)]
    for position in empty_plate.create_positions(places):
        position.create_zeros("0", (1, 2, 1, 2, 2), "u1")
    return empty_plate


def test_one_corrupt_position_does_not_hide_the_others(many: Any, version: str) -> None:
    """The public tool's ``positions()`` was empty then."""
    attributes_file(Path(many.url) / "B" / "3" / "0", version).write_text('{"zarr_format": 3,')
    with pytest.warns(CorruptNodeWarning, match=r"position .*B/3/0 cannot be read") as caught:
        found = [path for path, _ in many.positions()]
    assert len(found) == 19
    assert "B/3/0" not in found
    assert len(caught) == 1
    with pytest.warns(CorruptNodeWarning, match="B/3/0"):
        assert len(many.to_dataframe()) == 19
    with warnings.catch_warnings():
        warnings.simplefilter("error", CorruptNodeWarning)
        with pytest.raises(CorruptNodeWarning, match="B/3/0"):
            list(many.positions())
    with pytest.raises(ValueError, match=r"B/3/0"):
        many["B/3/0"].axes  # noqa: B018  reading it is what raises
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "B" in repr(many["B"]) or repr(many["B"])
        many._repr_html_()
        many.print_tree()


@pytest.mark.parametrize("what", ["field", "well", "well document", "field is an array"])
def test_what_is_listed_but_missing(many: Any, version: str, what: str) -> None:
    well = Path(many.url) / "B" / "3"
    if what == "field":
        shutil.rmtree(well / "0")
    elif what == "well":
        shutil.rmtree(well)
    elif what == "well document":
        attributes_file(well, version).write_text("[")
    else:
        shutil.rmtree(well / "0")
        shutil.copytree(Path(many.url) / "A" / "1" / "0" / "0", well / "0")
    if what == "well":  # a well that is listed and not there is normal
        assert len(list(many.positions())) == 19
    else:
        with pytest.warns(CorruptNodeWarning, match="B/3"):
            assert len(list(many.positions())) == 19
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        many.print_tree()
        many._repr_html_()
        repr(many)
    assert well_names(many)[7] == "B/3"
    many["A/1/0"]["0"][...] = 1
    many.create_position("E", "1", "0")


def test_a_document_that_the_system_refuses_to_read(
    many: Any, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = str(attributes_file(Path(many.url) / "B" / "3" / "0", version))
    opened = os.open

    def refuse(path: Any, *args: Any, **kwargs: Any) -> int:
        if path == bad:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    plate = open_ome_zarr(many.url)
    with pytest.warns(CorruptNodeWarning, match=r"B/3/0.*cannot be read: Permission denied"):
        assert len(list(plate.positions())) == 19
    with pytest.raises(OSError, match="Permission denied"):
        plate["B/3/0"].axes  # noqa: B018  reading it is what raises


def test_the_wells_iterator_warns_too(many: Any) -> None:
    shutil.rmtree(Path(many.url) / "B" / "3" / "0")
    with pytest.warns(CorruptNodeWarning, match=r"B/3/0"):
        assert list(many["B/3"].positions()) == []
