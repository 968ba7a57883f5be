"""Made-up tiles."""

import numpy as np

from iohub.tiles import SingleImage, StartPosition, Tile, TileShape, build_dummy_tile
from iohub.tiles.dummy_tiles import DummyLoader
from tests.tiles.making import acquired


def test_made_up_tile() -> None:
    details = acquired(axes=["t", "c", "z", "y", "x"])
    made = build_dummy_tile(
        fov_name="F",
        start=StartPosition(x=3, c=1),
        shape=TileShape(x=8, y=6, z=2, t=3),
        collection=SingleImage(image_path="i"),
        acquisition_details=details,
    )
    assert (made.start_x, made.start_c, made.length_y, made.length_t) == (3, 1, 6, 3)
    data = made.image_loader.load_data()
    assert made.image_loader.probe() == (data.shape, data.dtype) == ((3, 1, 2, 6, 8), np.uint8)
    assert (data[..., 0, :] == 255).all()
    assert (data[..., -1] == 255).all()
    assert len(np.unique(data[..., 2, 2])) == 6
    kind = Tile[SingleImage, DummyLoader]
    assert kind.model_validate_json(made.model_dump_json()) == made
