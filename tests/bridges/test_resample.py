"""Pixels on another grid, block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from iohub.bridges.resample import Resampling
from iohub.errors import DTypeError, TransformError
from iohub.metadata.transform_types import Affine, Coordinates, Identity
from iohub.transforms.fields import Field
from iohub.transforms.mapping import PointMap

IMAGE = np.random.default_rng(1).random((3, 20, 24))
MATRIX = np.array([[1, 0, 0, 0], [0, 0.8, -0.5, 3], [0, 0.5, 0.9, -2]])


def resampling(source: Any = IMAGE, matrix: Any = MATRIX, **kwargs: Any) -> Resampling:
    way = PointMap(Affine(affine=tuple(map(tuple, matrix.tolist()))), matrix.shape[1] - 1)
    return Resampling(source, way, kwargs.pop("shape", source.shape), **kwargs)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("passing", [{}, {0: 0}])
def test_as_scipy_does(order: int, passing: dict[int, int]) -> None:
    found = resampling(order=order, passing=passing).lazily((2, 7, 9)).compute()
    wanted = ndimage.affine_transform(
        IMAGE, MATRIX[:, :3], MATRIX[:, 3], order=order, mode="nearest"
    )
    points = np.moveaxis(np.indices(IMAGE.shape), 0, -1) @ MATRIX[:, :3].T + MATRIX[:, 3]
    inside = ((points >= -0.5) & (points <= np.array(IMAGE.shape) - 0.5)).all(axis=-1)
    assert inside.any()
    assert np.allclose(found[inside], wanted[inside], atol=1e-4)
    assert (found[~inside] == 0).all()


def test_integers_do_not_wrap() -> None:
    """Cubic splines overshoot at edges."""
    steps = np.zeros((1, 12, 12), "u1")
    steps[:, :, 6:] = 255
    shift = np.eye(3, 4)
    shift[2, 3] = 0.5
    found = resampling(steps, shift, order=3).lazily((1, 12, 12)).compute()
    assert (found[0, 0, :4] <= 30).all()
    assert (found[0, 0, 7:-1] >= 220).all()


def test_number_of_axes_may_differ() -> None:
    plane = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], dtype=float)
    found = resampling(IMAGE, plane, shape=(20, 24)).lazily((8, 8)).compute()
    assert np.allclose(found, IMAGE[1])


def test_fields() -> None:
    """Where a field has no value there is no image."""
    vectors = np.stack(np.indices((4, 4)), axis=-1) + np.array([0.0, 1.0])
    way = PointMap(Coordinates(path="field"), 2, lambda path: Field(vectors))
    found = Resampling(IMAGE[0], way, (6, 6), fill_value=-1).lazily((3, 3)).compute()
    assert np.allclose(found[:4, :4], IMAGE[0][:4, 1:5])
    assert (found[5:] == -1).all()


def test_empty_and_refused() -> None:
    assert resampling(IMAGE[:, :0], shape=(3, 4, 4)).lazily((3, 4, 4)).compute().shape == (3, 4, 4)
    with pytest.raises(TransformError, match="order"):
        resampling(order=7)
    with pytest.raises(TransformError, match="order=0"):
        resampling(IMAGE > 0.5)
    with pytest.raises(DTypeError, match="fill_value"):
        resampling(IMAGE.astype("u1"), fill_value=-1)
    with pytest.raises(DTypeError, match="fill_value"):
        resampling(IMAGE.astype("u1"), fill_value=np.nan)
    assert np.isnan(resampling(fill_value=np.nan).lazily((3, 20, 24)).compute()).any()


def test_identity_reads_blocks_only() -> None:
    asked = []

    class Spy:
        shape, dtype = IMAGE.shape, IMAGE.dtype

        def __getitem__(self, key: Any) -> Any:
            asked.append(key)
            return IMAGE[key]

    lazy = Resampling(Spy(), PointMap(Identity(), 3), IMAGE.shape).lazily((1, 10, 12))
    assert asked == []
    assert np.allclose(lazy[0, :10, :12].compute(scheduler="synchronous"), IMAGE[0, :10, :12])
    assert all(part.stop - part.start <= 12 + 2 for key in asked for part in key)
