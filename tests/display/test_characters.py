from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.display.characters import cells_wide, clipped, encodable, flat, padded, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("DAPI", "DAPI"),
        ("µm Ω 細胞", "µm Ω 細胞"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("two\nlines", r"two\nlines"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\ud800", r"\ud800"),
        (7, "7"),
    ],
)
def test_plain(text: object, shown: str) -> None:
    assert plain(text) == shown


@given(st.text())
def test_plain_leaves_nothing_that_steers(text: str) -> None:
    shown = plain(text)
    assert not {unicodedata.category(mark) for mark in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")


def test_width_counts_terminal_cells() -> None:
    assert cells_wide("abc") == 3
    assert cells_wide("細胞") == 4
    assert cells_wide("e\u0301") == 1


@given(st.text(st.characters(exclude_categories=["C", "Z", "M"])), st.integers(1, 10))
def test_clipped_fits(text: str, width: int) -> None:
    short = clipped(text, width)
    assert cells_wide(short) <= width
    assert short == text or short.endswith("…")


def test_flat() -> None:
    assert flat("2 problems:\n  - one\n  - two") == "2 problems: - one - two"


def test_padded() -> None:
    assert padded("細", 4) == "細  "
    assert padded("a", 3, right=True) == "  a"
    assert padded("long", 2) == "long"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", None])
@given(text=st.text())
def test_encodable(encoding: str | None, text: str) -> None:
    shown = encodable(text, encoding)
    shown.encode(encoding or "utf-8")
    if text.isascii():
        assert shown == text


def test_signs_that_a_screen_has_stay() -> None:
    assert encodable("└── 2 µm × 3…", "utf-8") == "└── 2 µm × 3…"
    assert encodable("└── 2 µm × 3…", "latin-1") == "`-- 2 µm × 3..."
    assert encodable("└── 2 µm × 3…", "ascii") == "`-- 2 um x 3..."
