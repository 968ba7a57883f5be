"""Tensors over records: which pixels, in which order, and from whose memory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.arrow import LazyTensorView, OMEArrow, TensorView, from_numpy, to_ome_arrow
from iohub.errors import ArgumentError, DeviceError, FormatError, IohubWarning

PIXELS = np.random.default_rng(0).integers(0, 65536, (2, 3, 4, 20, 30), np.uint16)
# T, Z, C, Y, X: the order of a tensor that has several times or planes.
SHOWN = PIXELS.transpose(0, 2, 1, 3, 4)
RECORD = from_numpy(PIXELS, chunk_shape=(1, 8, 16))
PLANES = from_numpy(PIXELS, build_chunks=False)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, SHOWN),
        ({"t": 1}, SHOWN[1:]),
        ({"t": -1, "z": np.int64(2)}, SHOWN[1, 2]),
        ({"t": [1, 0, 0]}, SHOWN[[1, 0, 0]]),
        ({"c": (0, 2), "z": slice(None, None, -1)}, SHOWN[:, ::-1, ::2]),
        ({"z": np.array([3, 1])}, SHOWN[:, [3, 1]]),
        ({"t": []}, SHOWN[:0]),
        ({"t": slice(5, 9)}, SHOWN[:0]),
        ({"roi": (3, 5, 20, 10)}, SHOWN[..., 5:15, 3:23]),
        ({"roi3d": (3, 5, 1, 20, 10, 2)}, SHOWN[:, 1:3, :, 5:15, 3:23]),
        ({"roi_nd": (5, 3, 15, 23)}, SHOWN[..., 5:15, 3:23]),
        ({"roi_nd": (1, 5, 3, 2, 15, 23), "roi_type": "2d_timelapse"}, SHOWN[1:, ..., 5:15, 3:23]),
        ({"roi_nd": (1, 5, 3, 2, 15, 23), "roi_type": "3d"}, SHOWN[:, 1:2, :, 5:15, 3:23]),
        ({"roi_nd": (1, 1, 5, 3, 2, 3, 15, 23)}, SHOWN[1:, 1:3, :, 5:15, 3:23]),
        ({"tile": (2, 1)}, SHOWN[..., 16:, 16:]),
        ({"t": 0, "z": 1, "layout": "YXC"}, PIXELS[0, :, 1].transpose(1, 2, 0)),
        ({"t": 0, "layout": "zcxy"}, SHOWN[0].swapaxes(-1, -2)),
        ({"t": 0, "z": 0, "layout": "HW", "channel_policy": "first"}, PIXELS[0, 0, 0]),
    ],
)
@pytest.mark.parametrize("record", [RECORD, PLANES], ids=["chunks", "planes"])
def test_what_is_asked_for_is_shown(record, asked, expected):
    if "tile" in asked and record is PLANES:
        with pytest.raises(ArgumentError, match="chunk_grid"):
            TensorView(record, **asked)
        return
    view = TensorView(record, **asked)
    assert view.shape == expected.shape
    assert np.array_equal(view.to_numpy(), expected)
    assert np.array_equal(np.asarray(view), expected)
    assert view.strides == view.to_numpy().strides
    assert (view.device, view.dtype, len(view.layout)) == ("cpu", np.uint16, len(view.shape))


axis = st.one_of(
    st.none(),
    st.slices(4),
    st.integers(-2, 1),
    st.lists(st.integers(0, 1), max_size=3),
)


@given(t=axis, z=axis, c=axis, box=st.tuples(*[st.integers(0, 19)] * 2, *[st.integers(1, 11)] * 2))
def test_a_part_is_that_of_the_array(t, z, c, box):
    x, y, width, height = box
    expected = PIXELS
    for number, index in ((0, t), (1, c), (2, z)):
        if index is not None:
            kept = index if isinstance(index, slice) else np.atleast_1d(np.array(index, int))
            expected = expected[(slice(None),) * number + (kept,)]
    height = min(height, 20 - y)
    expected = expected[..., y : y + height, x : x + width]
    for record in (RECORD, PLANES):
        view = TensorView(record, t=t, z=z, c=c, roi=(x, y, width, height), layout="TCZYX")
        assert np.array_equal(view.to_numpy(), expected)


@pytest.mark.parametrize(
    "asked",
    [
        {"t": 2},
        {"t": "0"},
        {"t": 0.5},
        {"roi": (0, 0, 31, 1)},
        {"roi": (-1, 0, 3, 3)},
        {"roi": (0, 0, 0, 1)},
        {"roi": (0, 0, 1)},
        {"roi": (0, 0, 1.5, 1)},
        {"roi": (0, 0, 1, 1), "tile": (0, 0)},
        {"roi3d": (0, 0, 0, 1, 1, 1), "z": 0},
        {"roi3d": (0, 0, 3, 1, 1, 2)},
        {"roi_nd": (0, 0, 0, 1, 1, 1)},
        {"roi_nd": (0, 0, 1, 1), "roi_type": "3d"},
        {"roi_nd": (0, 0, 1, 1), "roi_type": "5d"},
        {"roi_nd": (0, 0, 0)},
        {"roi_nd": (3, 3, 1, 1)},
        {"roi_type": "2d"},
        {"tile": (3, 0)},
        {"tile": (-1, 0)},
        {"layout": "YX"},
        {"layout": "YYX"},
        {"layout": "YXQ"},
        {"t": 0, "z": 0, "layout": "YX"},
        {"chunk_policy": "both"},
        {"channel_policy": "last"},
    ],
)
def test_what_is_not_there_is_refused(asked):
    with pytest.raises(ValueError):  # noqa: PT011
        TensorView(RECORD, **asked)
    plan = LazyTensorView(loader=lambda: RECORD, **asked)
    with pytest.raises(ValueError):  # noqa: PT011
        plan.collect()


def test_a_scene_other_than_the_first_is_refused():
    assert OMEArrow(RECORD).tensor_view(scene=0).shape == SHOWN.shape
    with pytest.raises(ValueError, match="scene"):
        OMEArrow(RECORD).tensor_view(scene=1)


def test_other_data_types():
    view = TensorView(RECORD, dtype=np.float32)
    assert view.to_numpy().dtype == np.float32
    with pytest.warns(IohubWarning, match="dtype="):
        assert TensorView(RECORD, dtype=np.uint8).to_numpy().dtype == np.uint8
    floats = from_numpy(PIXELS / 7, clamp_to_uint16=False)
    assert np.array_equal(TensorView(floats, layout="TCZYX").to_numpy(), PIXELS / 7)


@pytest.mark.parametrize(
    ("policy", "kind"),
    [("auto", pa.ChunkedArray), ("keep", pa.ChunkedArray), ("combine", pa.StructArray)],
)
def test_arrays_of_chunks(policy, kind):
    array = pa.array(OMEArrow(PLANES))
    view = TensorView(pa.chunked_array([array, array]), chunk_policy=policy)
    assert isinstance(view.data, kind)
    assert np.shares_memory(view.to_numpy(), PIXELS) == (policy != "combine")
    alone = TensorView(pa.chunked_array([array]), chunk_policy=policy)
    assert isinstance(alone.data, pa.ChunkedArray if policy == "keep" else pa.StructArray)


def test_planes_of_a_loader_are_asked_for_once_each():
    asked = []

    def plane(t, c, z):
        asked.append((t, c, z))
        return PIXELS[t, c, z]

    meta = RECORD["pixels_meta"].as_py()
    view = TensorView({"pixels_meta": meta}, plane_loader=plane, t=[0, 0], c=1, z=[2, 3])
    assert asked == []
    assert np.array_equal(view.to_numpy(), SHOWN[[0, 0], 2:, 1:2])
    assert asked == [(0, 1, 2), (0, 1, 3)]
    wrong = TensorView({"pixels_meta": meta}, plane_loader=lambda *_: PIXELS[0, 0])
    with pytest.raises(ValueError, match="shape"):
        wrong.to_numpy()


def test_a_plane_that_is_missing_is_named():
    record = to_ome_arrow(
        size_z=2, size_x=2, planes=[{"t": 0, "c": 0, "z": 1, "pixels": [1, 2]}], build_chunks=False
    )
    assert TensorView(record, z=1).to_numpy().ravel().tolist() == [1, 2]
    with pytest.raises(FormatError, match="z=0"):
        TensorView(record).to_numpy()


# memory


def test_numpy_shares_the_memory_of_a_record():
    view = TensorView(PLANES, t=1, c=2)
    for shown in (view.to_numpy(), np.from_dlpack(view), np.from_dlpack(view)):
        assert np.shares_memory(shown, PIXELS)
        assert np.array_equal(shown, SHOWN[1:, :, 2:])
    one = np.from_dlpack(TensorView(PLANES, t=1, c=2, z=3).to_dlpack())
    assert one.ctypes.data == PIXELS[1, 2, 3].ctypes.data
    assert np.array_equal(one, PIXELS[1, 2, 3].ravel())


def test_a_tile_that_is_a_chunk_is_not_copied():
    chunk = np.from_dlpack(TensorView(RECORD, t=1, c=2, z=3, tile=(1, 0)).to_dlpack())
    assert np.array_equal(chunk, PIXELS[1, 2, 3, 8:16, :16].ravel())
    buffer = RECORD["chunks"].values.field("pixels").values.to_numpy()
    assert np.shares_memory(chunk, buffer)


@pytest.mark.parametrize("dtype", ["u2", "f4", "i4"])
def test_torch_shares_the_memory_of_a_record(dtype):
    torch = pytest.importorskip("torch")
    pixels = PIXELS.astype(dtype)
    record = from_numpy(pixels, clamp_to_uint16=False, build_chunks=False)
    flat = TensorView(record).to_torch()
    assert flat.data_ptr() == pixels.ctypes.data
    assert tuple(flat.shape) == (pixels.size,)
    view = TensorView(record, c=1)
    strided = view.to_torch(mode="numpy", contiguous=False)
    assert strided.data_ptr() == pixels[:, 1].ctypes.data
    assert np.array_equal(strided.numpy(), view.to_numpy())
    copied = view.to_torch(mode="numpy")
    assert copied.is_contiguous()
    assert torch.equal(copied, strided)
    assert torch.from_dlpack(view).data_ptr() == strided.data_ptr()


def test_jax_shares_the_memory_of_a_record():
    pytest.importorskip("jax")
    memory = np.zeros(PIXELS.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    pixels = memory[start : start + PIXELS.nbytes].view(np.uint16).reshape(PIXELS.shape)
    pixels[...] = PIXELS
    pixels.flags.writeable = False
    record = from_numpy(pixels, build_chunks=False)
    for mode in ("arrow", "numpy"):
        made = TensorView(record, layout="TCZYX").to_jax(mode=mode)
        assert made.unsafe_buffer_pointer() == pixels.ctypes.data
        assert np.array_equal(np.asarray(made).ravel(), pixels.ravel())
    part = TensorView(record, c=1)
    assert np.array_equal(np.asarray(part.to_jax(mode="numpy")), SHOWN[:, :, 1:2])
    with pytest.raises(ValueError, match="gaps"):
        part.to_jax(mode="numpy", contiguous=False)


def test_memory_outlives_its_record():
    made = np.from_dlpack(TensorView(from_numpy(PIXELS.copy(), build_chunks=False)).to_dlpack())
    np.full(PIXELS.shape, 7, np.uint16)  # takes the memory, if it was let go
    assert np.array_equal(made, PIXELS.ravel())


def test_a_tensor_is_given_once():
    exported = TensorView(PLANES).to_dlpack()
    np.from_dlpack(exported)
    with pytest.raises(RuntimeError, match="given away"):
        np.from_dlpack(exported)


def test_pixels_with_gaps_are_copied_only_if_that_is_allowed():
    view = TensorView(PLANES, roi=(0, 0, 5, 5))
    flat = np.from_dlpack(view.to_dlpack())
    assert np.array_equal(flat, PIXELS[..., :5, :5].ravel())
    with pytest.raises(ValueError, match="contiguous=True"):
        view.to_dlpack(contiguous=False)
    with pytest.raises(ValueError, match="backward"):
        TensorView(PLANES, t=[1, 0]).to_dlpack(contiguous=False, mode="numpy")


def test_devices_and_modes_that_are_not_there():
    view = TensorView(PLANES)
    with pytest.raises(ValueError, match="tpu"):
        view.to_dlpack(device="tpu")
    with pytest.raises(ValueError, match="mode"):
        view.to_torch(mode="list")
    with pytest.raises(ValueError, match="mode='numpy'"):
        view.to_jax(device="cuda")
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="CUDA"):
            view.to_dlpack(device="cuda", mode="numpy")


def test_jax_without_a_cuda_device():
    pytest.importorskip("jax")
    with pytest.raises(RuntimeError, match="no device 'cuda'"):
        TensorView(PLANES).to_jax(device="cuda", mode="numpy")


# iteration


def taken(iterator):
    return [np.from_dlpack(each) for each in iterator]


@pytest.mark.parametrize("prefetch", [0, 1, 9])
def test_batches_and_tiles_are_the_whole(prefetch):
    view = TensorView(RECORD)
    batches = taken(view.iter_dlpack(batch_size=1, mode="numpy", prefetch=prefetch))
    assert [each.shape[0] for each in batches] == [1, 1]
    assert np.array_equal(np.concatenate(batches), SHOWN)
    tiles = taken(view.iter_dlpack(tile_size=(16, 16), mode="numpy", prefetch=prefetch))
    assert [each.shape[-2:] for each in tiles] == [(16, 16), (16, 14), (4, 16), (4, 14)]
    assert np.array_equal(np.block([tiles[:2], tiles[2:]]), SHOWN)
    boxes = taken(view.iter_tiles_3d(tile_size=(3, 20, 30), prefetch=prefetch))
    assert [each.shape[:2] for each in boxes] == [(1, 3), (1, 1)] * 2
    flat = taken(TensorView(PLANES).iter_dlpack(batch_size=1, prefetch=prefetch))
    assert np.shares_memory(flat[1], PIXELS)
    assert np.array_equal(np.concatenate(flat), PIXELS.ravel())


def test_the_order_is_random_but_that_of_the_seed():
    view = TensorView(RECORD, t=0, z=0)

    def order(**options):
        return [each.tobytes() for each in taken(view.iter_dlpack(tile_size=(4, 5), **options))]

    plain = order()
    first = order(shuffle=True, seed=3)
    assert first == order(shuffle=True, seed=3, prefetch=2)
    assert first != plain
    assert sorted(first) == sorted(plain)


def test_parts_are_read_ahead_in_other_threads_and_no_further():
    import threading

    asked, there = [], threading.Semaphore(0)

    def plane(t, c, z):
        asked.append((t, threading.current_thread() is threading.main_thread()))
        there.release()
        return PIXELS[0, 0, 0]

    meta = from_numpy(np.zeros((6, 1, 1, 20, 30), np.uint16))["pixels_meta"].as_py()
    view = TensorView({"pixels_meta": meta}, plane_loader=plane)
    each = view.iter_dlpack(batch_size=1, prefetch=2)
    next(each)
    for _ in range(3):
        assert there.acquire(timeout=30)
    assert sorted(asked) == [(0, False), (1, False), (2, False)]
    each.close()


def test_tiles_of_a_plane_ask_for_it_once():
    asked = []

    def plane(t, c, z):
        asked.append((t, c, z))
        return PIXELS[t, c, z]

    meta = RECORD["pixels_meta"].as_py()
    view = TensorView({"pixels_meta": meta}, plane_loader=plane, t=0, c=0)
    assert len(taken(view.iter_dlpack(tile_size=(5, 5), prefetch=4))) == 24
    assert sorted(asked) == [(0, 0, z) for z in range(4)]


def test_errors_of_what_is_read_ahead_come_in_their_place():
    def plane(t, c, z):
        if t == 1:
            raise FormatError("it is damaged")
        return PIXELS[0, 0, 0]

    meta = from_numpy(np.zeros((3, 1, 1, 20, 30), np.uint16))["pixels_meta"].as_py()
    each = TensorView({"pixels_meta": meta}, plane_loader=plane).iter_dlpack(
        batch_size=1, prefetch=3
    )
    next(each)
    with pytest.raises(FormatError, match="damaged"):
        next(each)


@pytest.mark.parametrize(
    "asked",
    [
        {"batch_size": 0},
        {"tile_size": (0, 1)},
        {"tile_size": (1, 1, 1)},
        {"prefetch": -1},
        {"mode": "list"},
    ],
)
def test_wrong_iteration_is_refused_at_once(asked):
    with pytest.raises(ValueError):  # noqa: PT011
        TensorView(RECORD).iter_dlpack(**asked)


def test_former_names_and_modes():
    view = TensorView(RECORD)
    with pytest.warns(DeprecationWarning, match="tile_size"):
        assert len(taken(view.iter_dlpack(tiles=(20, 15)))) == 2
    both = pytest.raises(ValueError, match="not both")
    with pytest.warns(DeprecationWarning, match="tile"), both:
        view.iter_dlpack(tiles=(20, 15), tile_size=(20, 15))
    with pytest.raises(ValueError, match="numpy"):
        view.iter_tiles_3d(tile_size=(1, 2, 2), mode="arrow")


# plans


def test_plans_read_once_and_stay_as_they_are():
    loaded = []
    plan = LazyTensorView(loader=lambda: loaded.append(1) or RECORD, t=0, c=1)
    assert (plan.device, loaded) == ("cpu", [])
    assert "not read" in repr(plan)
    part = plan.select(z=2, c=None).with_layout("YXC")
    assert part.layout == "YXC"
    assert loaded == []
    assert np.array_equal(part.to_numpy(), PIXELS[0, :, 2].transpose(1, 2, 0))
    assert np.array_equal(plan.to_numpy(), SHOWN[:1, :, 1:2])
    assert plan.collect() is plan.collect()
    assert loaded == [1]
    assert (plan.shape, plan.layout, plan.dtype) == ((1, 4, 1, 20, 30), "TZCHW", np.uint16)
    assert np.array_equal(np.from_dlpack(plan), plan.to_numpy())
    assert len(list(plan.iter_tiles_3d(tile_size=(2, 20, 30)))) == 2
    assert len(list(plan.iter_dlpack(batch_size=1))) == 1


def test_a_view_keeps_its_pixels_for_other_layouts():
    view = TensorView(RECORD, t=0, z=0)
    other = view.with_layout("YXC")
    assert np.shares_memory(other.to_numpy(), view.to_numpy())
    assert other.to_numpy(contiguous=True).flags.c_contiguous
    assert not other.to_numpy().flags.c_contiguous
    assert "HWC (20, 30, 3) uint16" in repr(other)
