"""What images must hold before they are written."""

import numpy as np
import pytest

from iohub.errors import ArgumentError, DTypeError, NotFoundError, RegistryError, ShapeError
from iohub.tiles import (
    ShapeDtypeProbeValidator,
    TiledImage,
    add_validator,
    apply_validator_pipeline,
    tiled_image_from_tiles,
)
from iohub.tiles.validators import _REGISTRY, ValidatorModel
from tests.tiles.making import tile


def images(*tiles) -> list[TiledImage]:
    return tiled_image_from_tiles(tiles=list(tiles))


@pytest.mark.parametrize(
    "step", [ShapeDtypeProbeValidator(), {"name": "Shape and Dtype Probe", "params": {}}]
)
def test_probe_of_the_first_tile(step) -> None:
    """T9: before a byte is written."""
    fine = images(tile())
    assert apply_validator_pipeline(fine, [step]) == fine
    with pytest.raises(
        ShapeError, match=r"tile 'F0' .* of image 'img.zarr' has the shape \(16, 32\)"
    ):
        apply_validator_pipeline(images(tile(loader=np.zeros((16, 32), np.uint16))), [step])
    with pytest.raises(DTypeError, match="holds float64, but the image uint16"):
        apply_validator_pipeline(images(tile(loader=np.zeros((32, 32)))), [step])
    with pytest.raises(NotFoundError, match=r"gone.npy"):
        apply_validator_pipeline(images(tile(loader="gone.npy")), [step])


def test_probe_of_all_tiles() -> None:
    made = images(tile(), tile("F1", 40, loader=np.zeros((16, 32), np.uint16)))
    apply_validator_pipeline(made, [ShapeDtypeProbeValidator()])
    with pytest.raises(ShapeError, match="'F1'"):
        apply_validator_pipeline(made, [ShapeDtypeProbeValidator(tiles=None)])


def test_validators_of_your_own_in_both_generations() -> None:
    seen = []

    class Limit(ValidatorModel):
        name: str = "limit"
        most: int = 1

    def limit(image, validator_params: Limit, resource=None):
        seen.append((image.path, validator_params.most, resource))

    def rename(image, name: str):
        return image.model_copy(update={"name": name})

    add_validator(limit)
    add_validator(rename, "rename")
    add_validator(lambda image: False, name="never")
    try:
        made = images(tile())
        assert apply_validator_pipeline(made, validators_config=[Limit()], resource="r") == made
        assert seen == [("img.zarr", 1, "r")]
        (named,) = apply_validator_pipeline(made, [{"name": "rename", "params": {"name": "n"}}])
        assert named.name == "n"
        with pytest.raises(ArgumentError, match=r"img.zarr.*does not pass"):
            apply_validator_pipeline(made, [{"name": "never", "params": {}}])
        with pytest.raises(RegistryError, match="already"):
            add_validator(limit)
    finally:
        for name in ("limit", "rename", "never"):
            _REGISTRY.remove(name)
    with pytest.raises(RegistryError, match="'limit' is not registered"):
        apply_validator_pipeline(images(tile()), [Limit()])
