"""zarr's own functions take an image for the array that it is; and what an image is when closed."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from iohub import open_ome_zarr
from iohub.errors import ClosedError, EventLoopError
from iohub.storage.zarr_bytes import ZarrBytes

VALUES = np.arange(2 * 2 * 6 * 8, dtype="u2").reshape(2, 2, 1, 6, 8)

# Each gets an image (or zarr's own array of it) and a vacant place.
CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "create_array": lambda image, place: zarr.create_array(place, data=image),
    "from_array": lambda image, place: zarr.from_array(place, data=image),
    "from_array, other chunks": lambda image, place: zarr.from_array(
        place, data=image, chunks=(1, 1, 1, 3, 8)
    ),
    "from_array, other format": lambda image, place: zarr.from_array(
        place, data=image, zarr_format=3, chunks=image.chunks, compressors="auto", filters="auto"
    ),
    "Group.create_array": lambda image, place: zarr.create_group(place).create_array(
        "raw", data=image
    ),
    "array": lambda image, place: zarr.array(image, store=place),
    "array, in memory": lambda image, _: zarr.array(image),
    "zeros_like": lambda image, place: zarr.zeros_like(image, store=place),
    "ones_like": lambda image, place: zarr.ones_like(image, store=place),
    "full_like": lambda image, place: zarr.full_like(image, fill_value=3, store=place),
    "empty_like": lambda image, place: zarr.empty_like(image, store=place)[...] * 0,
    "open_like": lambda image, place: zarr.open_like(image, path="raw", store=place, mode="w"),
    "save": lambda image, place: zarr.save(place, image),
    "save_group": lambda image, place: zarr.save_group(place, raw=image),
    "Group[...] =": lambda image, place: zarr.create_group(place).__setitem__("raw", image),
    "async_array": lambda image, _: image._async_array.shape,
    "metadata": lambda image, _: image.metadata.to_dict(),
    "blocks": lambda image, _: image.blocks[0, 1],
    "nchunks_initialized": lambda image, _: image.nchunks_initialized,
}


def outcome(call: Callable[[Any, Any], Any], image: Any, place: Any) -> Any:
    """Return what a call of zarr gives, or which error."""
    try:
        found = call(image, place)
    except (TypeError, ValueError, zarr.errors.BaseZarrError) as error:
        return type(error)
    if hasattr(found, "chunks"):
        return found.shape, found.chunks, str(found.dtype), found[...].tolist()
    return found.tolist() if hasattr(found, "tolist") else found


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return tmp_path / "s.zarr" if request.param == "local" else MemoryStore()


def written(store: Any, version: str = "0.5") -> Any:
    node = open_ome_zarr(store, layout="fov", mode="w-", channel_names=["a", "b"], version=version)
    node.create_image("0", VALUES, chunks=(1, 1, 1, 6, 4))
    return node


@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")
@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
@pytest.mark.parametrize("mode", ["r", "r+"])
def test_zarr_does_with_an_image_what_it_does_with_its_array(
    store: Any, version: str, mode: str, tmp_path: Path
) -> None:
    written(store, version)
    image = open_ome_zarr(store, mode=mode)["0"]
    copy = zarr.from_array(MemoryStore(), data=image)
    assert np.array_equal(copy[...], VALUES)
    assert copy.chunks == image.chunks
    for index, (name, call) in enumerate(CALLS.items()):
        for real, ours in (
            (MemoryStore(), MemoryStore()),
            (tmp_path / f"a{index}", tmp_path / f"b{index}"),
        ):
            expected = outcome(call, image.zarr_array(), real)
            assert outcome(call, image, ours) == expected, name


def test_zarrs_array_is_made_without_reading(store: Any, version: str) -> None:
    """It has the document of now; changing it through zarr is seen, and spares what is held."""
    image = written(store, version)["0"]
    held = image.spec.attributes
    image.zarr_array().update_attributes({"a": [1]})
    assert held == {} or "a" not in held
    assert image.attrs["a"] == [1]
    image.zarr_array().resize((3, *VALUES.shape[1:]))
    assert image.shape[0] == image.zarr_array().shape[0] == 3
    assert np.array_equal(image.zarr_array()[:2], VALUES)


def test_a_store_that_is_asked_inside_zarrs_loop() -> None:
    """Waiting for an answer there would wait for ever."""
    store = ZarrBytes(MemoryStore())
    store.set("a", b"1")

    async def ask() -> None:
        store.get("a")

    with pytest.raises(EventLoopError, match="event loop"):
        zarr.core.sync.sync(ask())


# ---- closed ----------------------------------------------------------------------------------


def test_an_image_after_its_store_was_closed(store: Any, version: str) -> None:
    node = written(store, version)
    image, said = node["0"], repr(node["0"])
    lazy, real, labelled = image.dask_array(), image.zarr_array(), node.to_xarray()
    copy = pickle.loads(pickle.dumps(image)) if isinstance(store, Path) else None
    node.close()
    for call in (
        lambda: image[0],
        image.numpy,
        lambda: np.asarray(image),
        lambda: image.oindex[[0]],
        lambda: image.vindex[(0,) * 5],
        lambda: next(iter(image)),
        lambda: image.__setitem__(0, 1),
        lambda: image.append(VALUES),
        lambda: image.resize(VALUES.shape),
        lambda: image.attrs,
        image.dask_array,
        image.zarr_array,
        image.tensorstore,
        lambda: image.nchunks,
    ):
        with pytest.raises(ClosedError, match="closed; open it again"):
            call()
    # What it is, it still says.
    assert (image.shape, image.dtype, image.chunks) == (VALUES.shape, "u2", (1, 1, 1, 6, 4))
    assert repr(image).replace("closed", "") != said
    assert "closed" in repr(image)
    assert "closed" in image._repr_html_()
    image.__rich__()
    # What other libraries have got is theirs.
    for theirs in (lazy, real, labelled, copy):
        if theirs is not None:
            assert np.array_equal(np.asarray(theirs[...]), VALUES)


@pytest.mark.parametrize("kind", ["fov", "tiled"])
def test_an_attribute_that_no_image_has(tmp_path: Path, kind: str) -> None:
    """The message names the image's own class, and where NumPy's attributes are."""
    written(tmp_path / "s.zarr").close()
    image = open_ome_zarr(tmp_path / "s.zarr", layout=kind)["0"]
    name = {"fov": "ImageArray", "tiled": "TiledImageArray"}[kind]
    with pytest.raises(AttributeError, match=rf"^'{name}' object has no attribute 'sdgf'$"):
        image.sdgf  # noqa: B018 - asking is what raises
    with pytest.raises(AttributeError, match=rf"'{name}' .*image\.numpy\(\)\.astype"):
        image.astype  # noqa: B018 - asking is what raises
