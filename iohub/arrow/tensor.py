"""The names of the page's `tensor`; no code."""

from __future__ import annotations

from iohub.arrow.lazy_tensor import LazyTensorView
from iohub.arrow.tensor_view import TensorView

__all__ = ["LazyTensorView", "TensorView"]
