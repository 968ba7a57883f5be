"""Values are cast when they stay what they are, else refused with the range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from iohub.errors import DTypeError
from iohub.storage.casting import cast_exactly

TYPES = ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "c8", "c16"]


@given(st.data())
def test_integers_are_kept_or_refused(data):
    source, target = (np.dtype(data.draw(st.sampled_from(TYPES))) for _ in range(2))
    values = data.draw(npst.arrays(source, npst.array_shapes(max_dims=2, max_side=3)))
    try:
        cast = cast_exactly(values, target)
    except DTypeError:
        with np.errstate(all="ignore"):
            lossy = values.astype(complex if values.dtype.kind == "c" else object)
        assert lossy.size
        return
    assert cast.dtype == target
    if source.kind in "biu":
        as_integers = cast.real if target.kind == "c" else cast
        assert [int(v) for v in as_integers.ravel().tolist()] == [
            int(v) for v in values.ravel().tolist()
        ]
    elif target.kind in "biu":
        assert (cast == values).all()


@pytest.mark.parametrize(
    ("values", "target"),
    [([256], "u1"), ([-1], "u2"), ([2], "?"), ([0.5], "i4"), ([np.nan], "i4"), ([1e6], "f2"),
     ([2**53 + 1], "f8"), ([70000], "f2"), ([1e300], "f4"), ([1 + 1j], "f8"), ([2**63], "i8"),
     (["a"], "u1"), ([-0.5], "u2"), ([2.0**64], "u8"), ([2**64], "u8")],
)  # fmt: skip
def test_refused(values, target):
    with pytest.raises(DTypeError):
        cast_exactly(values, np.dtype(target), "store/0")


@pytest.mark.parametrize(
    ("values", "target"),
    [([255, 0], "u1"), ([True], "u2"), ([0, 1], "?"), ([3.0], "i4"), ([np.inf, np.nan], "f2"),
     ([0.1], "f4"), ([2**53], "f8"), ([2**60], "f4"), ([1 + 0j], "f4"), ([2**63 - 1], "i8"),
     ([], "u1")],
)  # fmt: skip
def test_accepted(values, target):
    result = cast_exactly(values, np.dtype(target))
    assert result.dtype == target
    np.testing.assert_allclose(result, values, rtol=1e-3)


def test_the_message_says_what_to_do():
    with pytest.raises(DTypeError) as caught:
        cast_exactly(np.array([-5, 70000]), np.dtype("u2"), "plate/A/1/0/0")
    for part in ("plate/A/1/0/0", "uint16", "int64", "from -5 to 70000", ".astype('uint16')"):
        assert part in str(caught.value)


def test_nothing_is_copied_that_fits_already():
    values = np.arange(3, dtype="u2")
    assert cast_exactly(values, values.dtype) is values
    assert cast_exactly(values.astype(">u2"), values.dtype).dtype.isnative
