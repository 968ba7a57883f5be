"""The names of the page's `utils`; no code."""

from __future__ import annotations

from iohub.arrow.describing import describe_ome_arrow, verify_ome_arrow

__all__ = ["describe_ome_arrow", "verify_ome_arrow"]
