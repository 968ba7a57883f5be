from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from iohub.stream import Plate, Position


@pytest.mark.parametrize("pair", [("plate_row", "plate_column"), ("grid_row", "grid_column")])
@pytest.mark.parametrize("which", [0, 1])
def test_pairs_are_both_or_none(pair: tuple[str, str], which: int) -> None:
    value: Any = "1"
    with pytest.raises(ValidationError, match="must both be set"):
        Position(name="a", **{pair[which]: value})


def test_a_text_is_a_position() -> None:
    assert Position.model_validate("a") == Position(name="a")
    with pytest.raises(ValidationError):
        Position(name="")


@pytest.mark.parametrize(
    ("wells", "rows", "columns"),
    [(6, 2, 3), (12, 3, 4), (24, 4, 6), (48, 6, 8), (96, 8, 12), (384, 16, 24), (1536, 32, 48)],
)
def test_standard_plates(wells: int, rows: int, columns: int) -> None:
    plate = Plate.from_standard_wells(wells)
    assert (len(plate.row_names), len(plate.column_names)) == (rows, columns)
    assert plate.row_names[:2] == ["A", "B"]
    assert plate.column_names[:2] == ["1", "2"]


def test_plates_by_shape() -> None:
    assert Plate.from_standard_wells((28, 2)).row_names[-3:] == ["Z", "AA", "BB"]


def test_odd_plates_are_refused() -> None:
    with pytest.raises(ValueError, match="no standard plate has 7 wells"):
        Plate.from_standard_wells(7)
    with pytest.raises(ValidationError, match="must be unique"):
        Plate(row_names=["A", "A"], column_names=["1"])
