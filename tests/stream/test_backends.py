from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from iohub.errors import UnsupportedError
from iohub.stream import (
    AcquisitionSettings,
    ArrayBackend,
    FrameRouter,
    dims_from_standard_axes,
    stream_through,
)


class Memory(ArrayBackend):
    """Keeps frames in a dictionary."""

    def is_incompatible(self, settings: AcquisitionSettings) -> Any:
        return False if settings.dtype == "uint8" else "only uint8"

    def prepare(self, settings: AcquisitionSettings, router: FrameRouter) -> None:
        self.frames: dict[Any, np.ndarray] = {}
        self.left_out: list[Any] = []
        self.closed = 0

    def write(
        self,
        position_index: int,
        index: tuple[int, ...],
        frame: np.ndarray,
        *,
        frame_metadata: dict[str, Any] | None = None,
    ) -> None:
        self.frames[position_index, index] = frame

    def advance(self, indices: Any) -> None:
        self.left_out += indices

    def finalize(self) -> None:
        self.closed += 1

    def set_global_metadata(self, namespace: str, metadata: Any) -> None:
        pass


def test_a_backend_of_ones_own() -> None:
    settings = AcquisitionSettings(
        dimensions=dims_from_standard_axes({"z": 2, "c": 2, "y": 4, "x": 4}), dtype="uint8"
    )
    backend, router = Memory(), FrameRouter(settings)
    assert backend.is_incompatible(settings) is False
    backend.prepare(settings, router)
    for number, (position, index) in enumerate(router):
        backend.write(position, index, np.full((4, 4), number, "uint8"))
    backend.finalize()
    assert {key: int(f[0, 0]) for key, f in backend.frames.items()} == {
        (0, (0, 0)): 0,
        (0, (0, 1)): 1,
        (0, (1, 0)): 2,
        (0, (1, 1)): 3,
    }
    assert backend.get_metadata() == {}
    for verb in (backend.get_arrays, lambda: backend.update_metadata({})):
        with pytest.raises(UnsupportedError):
            verb()


def test_the_protocol_is_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        ArrayBackend()  # type: ignore[abstract]


def settings_of(dtype: str = "uint8") -> AcquisitionSettings:
    dims = dims_from_standard_axes({"t": 3, "y": 4, "x": 4})
    return AcquisitionSettings(dimensions=dims, dtype=dtype)


def test_stream_through_it() -> None:
    backend, camera = Memory(), np.zeros((4, 4), "uint8")
    with stream_through(backend, settings_of()) as stream:
        camera[:] = 1
        stream.append(camera)
        stream.skip()
        camera[:] = 2  # its memory is used again
        stream.append(camera)
        assert (stream.frames_written, stream.nodes) == (2, ())
        with pytest.raises(IndexError):
            stream.append(camera)
        with pytest.raises(ValueError, match="shape"):
            stream.append(camera[:2], at={"t": 1})
    assert {key: int(f[0, 0]) for key, f in backend.frames.items()} == {(0, (0,)): 1, (0, (2,)): 2}
    assert backend.left_out == [(0, (1,))]
    assert backend.closed == 1


def test_what_it_cannot_write_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="Memory does not support settings: only uint8"):
        stream_through(Memory(), settings_of("uint16"))
