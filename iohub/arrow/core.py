"""The name of the page's `core`; no code."""

from __future__ import annotations

from iohub.arrow.image import OMEArrow

__all__ = ["OMEArrow"]
