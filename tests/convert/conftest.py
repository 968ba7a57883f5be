"""Sources to convert, as nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iohub.formats.images import ImageSource, virtual_store
from iohub.nodes.detect import node_class
from iohub.storage.group import ZarrGroup
from tests.convert.sources import make_plate


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    """A plate of three positions with two levels, and labels in the first."""
    return make_plate(tmp_path / "plate.zarr")


@pytest.fixture
def show() -> Callable[..., Any]:
    """Open images as the nodes of a file that is not Zarr."""

    def opened(*images: ImageSource) -> Any:
        store = virtual_store("scan.tif", images, reopen=(opened, images))
        group = ZarrGroup(store, "", 3)
        return node_class(group, "auto")(group)

    return opened
