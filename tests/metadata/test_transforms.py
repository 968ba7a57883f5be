from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from iohub.errors import ShapeError, VersionError
from iohub.metadata.transforms import (
    TransformationMeta,
    canonical_form,
    compose,
    is_canonical,
    normalise,
)


def scale(*values):
    return TransformationMeta(type="scale", scale=values)


def move(*values):
    return TransformationMeta(type="translation", translation=values)


IDENTITY = TransformationMeta(type="identity")
positive = st.floats(1e-3, 1e3)
shifts = st.floats(-1e3, 1e3)
transforms = st.lists(
    st.one_of(
        st.just(IDENTITY),
        st.tuples(positive, positive).map(lambda v: scale(*v)),
        st.tuples(shifts, shifts).map(lambda v: move(*v)),
    ),
    max_size=4,
)


@pytest.mark.parametrize(
    "members",
    [
        {"type": "scale"},
        {"type": "translation"},
        {"type": "translation", "scale": [1, 1]},
        {"type": "scale", "scale": [1], "translation": [1]},
        {"type": "scale", "scale": [1], "path": "p"},
        {"type": "identity", "scale": [1]},
        {"type": "identity", "path": "p"},
        {"type": "affine"},
        {},
    ],
)
def test_invalid(members):
    with pytest.raises(ValidationError):
        TransformationMeta(**members)


def test_order_matters():
    assert compose([scale(2, 2), move(3, 0)], 2) == ((2, 2), (3, 0))
    assert compose([move(3, 0), scale(2, 2)], 2) == ((2, 2), (6, 0))
    assert compose([scale(1, 4), move(0, 10), scale(1, 4)], 2) == ((1, 16), (0, 40))
    assert compose(None, 2) == compose([IDENTITY], 2) == ((1, 1), (0, 0))


@given(transforms, st.tuples(shifts, shifts))
def test_composition_is_application(chain, point):
    applied = np.array(point)
    for step in chain:
        if step.type == "scale":
            applied = applied * step.scale
        elif step.type == "translation":
            applied = applied + step.translation
    s, t = compose(chain, 2)
    np.testing.assert_allclose(np.array(point) * s + t, applied, rtol=1e-9, atol=1e-3)


@given(transforms)
def test_normalising_keeps_the_meaning(chain):
    written = normalise(chain, 2)
    assert is_canonical(written)
    assert compose(written, 2) == compose(chain, 2)
    assert normalise(written, 2) == written


def test_normalised_forms():
    assert normalise(None, 2) == normalise([], 2) == normalise([IDENTITY], 2) == (scale(1, 1),)
    assert normalise([move(3, 0), scale(2, 2)], 2) == (scale(2, 2), move(6, 0))
    assert normalise([move(3, 0)], 2) == (scale(1, 1), move(3, 0))
    assert normalise([scale(1, 1), move(0, 0)], 2) == (scale(1, 1), move(0, 0))


def test_unknown_members_stay_where_nothing_changes():
    given_ = TransformationMeta(type="scale", scale=[1, 2], note="measured")
    assert normalise([given_], 2)[0].note == "measured"


def test_lengths():
    with pytest.raises(ShapeError, match=r"3 value.* 2 axes"):
        normalise([scale(1, 1, 1)], 2)


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_scales_are_positive_when_written_only(bad):
    with pytest.raises(ShapeError, match="positive"):
        normalise([scale(1, bad)], 2)
    assert canonical_form([scale(1, bad)], 2) == (scale(1, bad),)


def test_overflow_is_refused():
    with pytest.raises(ShapeError, match="finite"):
        normalise([scale(1e300, 1), scale(1e300, 1)], 2)


def test_stored_vectors():
    stored = TransformationMeta(type="scale", path="params")
    with pytest.raises(VersionError, match="params"):
        normalise([stored], 2)
