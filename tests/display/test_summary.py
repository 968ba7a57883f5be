from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from iohub.display import Fields, Names, Notes, PageSummary, Summary


def test_problems_come_first_and_own_fields_after_the_known() -> None:
    page = PageSummary(
        kind="Scene",
        url="memory://a",
        version="0.6",
        fields=(("images", "3"),),
        problems=("broken",),
        page=(Names("images", ("a",)),),
    )
    pairs = (("location", "memory://a"), ("format", "OME-Zarr 0.6"), ("images", "3"))
    assert page.blocks() == (Notes(("broken",)), Fields(pairs), Names("images", ("a",)))


def test_format_name() -> None:
    assert PageSummary(format="ND2").format_name == "ND2"
    assert PageSummary(format="OME-TIFF", version="2016-06").format_name == "OME-TIFF 2016-06"
    assert PageSummary().format_name == ""


def test_a_summary_is_frozen(every_kind: list[Summary]) -> None:
    for summary in every_kind:
        with pytest.raises(FrozenInstanceError):
            summary.title = "other"
