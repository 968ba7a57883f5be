"""Streams into memory, and into raw files where there is more than fits; for trials and viewers.

A folder has a manifest (settings, shapes), ``pos_N.dat`` with the frames of a position in the order
in which they came, and ``frames.jsonl`` with where each belongs.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.display.quantities import human_bytes
from iohub.errors import ArgumentError, ExistsError, MemoryLimitError
from iohub.storage import files
from iohub.stream.buffer import FrameQueue
from iohub.stream.notes import check_namespace, plain
from iohub.stream.ordered_sink import OrderedSink
from iohub.stream.planes import Planes
from iohub.stream.running import StreamRun
from iohub.stream.starting import channel_axis, states_of
from iohub.stream.stream import OMEStream

if TYPE_CHECKING:
    from iohub.stream.ending import PositionState
    from iohub.stream.formats import ScratchFormat
    from iohub.stream.plan import StreamPlan
    from iohub.stream.sink import Frame
    from iohub.types import JsonObject, NDArray, Shape

_MANIFEST, _FRAMES = "manifest.json", "frames.jsonl"


class ScratchTarget:
    """Frames in memory, or one after the other in a raw file for each position.

    Parameters
    ----------
    plan : StreamPlan
        Into scratch.
    states : sequence of PositionState
        One for each position.
    """

    nodes = ()

    def __init__(self, plan: StreamPlan, states: Sequence[PositionState]):
        self._plan, self._states = plan, states
        form: ScratchFormat = plan.settings.format  # type: ignore[assignment]  # by its backend
        self._form = form
        self._held: list[dict[Shape, NDArray]] = [{} for _ in plan.arrays]
        self._places: list[dict[Shape, int]] = [{} for _ in plan.arrays]
        self._bytes = 0
        self._notes: dict[str, Any] = {}
        self._metadata: dict[str, JsonObject] = {array.path: {} for array in plan.arrays}
        self._folder = ""
        self._files: list[int] = []
        self._log = -1
        if plan.output_path:
            self._spill(os.path.abspath(os.path.expanduser(plan.output_path)))

    def _spill(self, folder: str) -> None:
        manifest = os.path.join(folder, _MANIFEST)
        if os.path.lexists(folder) and os.path.isdir(folder) and os.listdir(folder):
            if not self._plan.settings.overwrite or not os.path.exists(manifest):
                raise ExistsError(f"there is something at {folder}; choose another path")
            files.remove(folder)
        files.make_folder(folder)
        self._folder = folder
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
        self._files = [os.open(self._data(i), flags, 0o666) for i in range(len(self._held))]
        self._log = os.open(os.path.join(folder, _FRAMES), flags | os.O_APPEND, 0o666)
        self._write_manifest()

    def put(self, frame: Frame, pixels: NDArray) -> None:
        """Keep a frame in memory, or append it to its file."""
        if not self._files and self._bytes + pixels.nbytes > self._form.max_memory_bytes:
            if not self._form.spill_to_disk:
                raise MemoryLimitError(
                    f"frames take {human_bytes(self._bytes)}, and max_memory_bytes allows "
                    f"{human_bytes(self._form.max_memory_bytes)}; spill_to_disk=True writes more "
                    "to files"
                )
            self._spill(tempfile.mkdtemp(prefix="iohub-stream-"))
        if not self._files:
            self._bytes += pixels.nbytes
            self._held[frame.position][frame.index] = pixels.copy()
            return
        places = self._places[frame.position]
        number = len(places)
        offset = places[frame.index] if frame.index in places else number * pixels.nbytes
        rest = np.ascontiguousarray(pixels).reshape(-1).view(np.uint8).data
        while rest:
            done = os.pwrite(self._files[frame.position], rest, offset + pixels.nbytes - len(rest))
            rest = rest[done:]
        places[frame.index] = offset
        line = json.dumps([frame.position, list(frame.index), offset, frame.metadata]) + "\n"
        os.write(self._log, line.encode())

    def end(self) -> None:
        """Close the files; they are opened again for reading."""
        for file in (*self._files, *([self._log] if self._log >= 0 else [])):
            if self._plan.options.fsync != "never":
                os.fsync(file)
            os.close(file)

    def finish(self, run: StreamRun) -> None:
        """Write the manifest with exact shapes."""
        if self._folder:
            self._write_manifest()

    def readable(self, position: int) -> Planes:
        """Return the frames of a position as an array."""
        array, state = self._plan.arrays[position], self._states[position]

        def plane(index: Shape) -> NDArray | None:
            held = self._held[position].get(index)
            if held is not None:
                return held
            offset = self._places[position].get(index)
            if offset is None:
                return None
            count = array.frame_shape[0] * array.frame_shape[1]
            found = np.fromfile(self._data(position), array.dtype, count, offset=offset)
            return found.reshape(array.frame_shape)

        return Planes(lambda: (*_lead(state), *array.frame_shape), array.dtype, plane)

    def get_metadata(self) -> dict[str, JsonObject]:
        """Return metadata by position; empty but for what was put there."""
        return {path: dict(said) for path, said in self._metadata.items()}

    def update_metadata(self, metadata: Any) -> None:
        """Replace metadata of positions."""
        if not isinstance(metadata, Mapping):
            raise ArgumentError("metadata is a dict by position, as get_metadata() gives it")
        self._metadata.update({str(k): plain(v, str(k)) for k, v in metadata.items()})

    def set_global_metadata(self, namespace: str, metadata: Mapping[str, Any]) -> None:
        """Note something of the whole acquisition in the manifest."""
        if not isinstance(metadata, Mapping):
            raise ArgumentError(f"metadata is a dict, not {metadata!r:.80}")
        self._notes[check_namespace(namespace)] = plain(metadata, namespace)
        if self._folder:
            self._write_manifest()

    def _data(self, position: int) -> str:
        return os.path.join(self._folder, f"pos_{position}.dat")

    def _write_manifest(self) -> None:
        manifest = {
            "settings": self._plan.settings.model_dump(mode="json"),
            "position_shapes": [
                [*_lead(state), *self._plan.arrays[0].frame_shape] for state in self._states
            ],
            "positions": {state.path: state.record() for state in self._states},
            "global_metadata": self._notes,
        }
        path = os.path.join(self._folder, _MANIFEST)
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            json.dump(manifest, file)
        os.replace(f"{path}.new", path)


def open_scratch(plan: StreamPlan) -> OMEStream:
    """Return a stream into memory, or a folder of raw files.

    Parameters
    ----------
    plan : StreamPlan
        Into scratch.

    Raises
    ------
    ExistsError
        If something is at its path.
    """
    states = states_of(plan, [array.shape for array in plan.arrays])
    target = ScratchTarget(plan, states)
    run = StreamRun(plan.options, states, plan.num_frames, None, target.finish, channel_axis(plan))
    most = max(array.frame_bytes for array in plan.arrays)
    queue = FrameQueue(max(plan.memory, 2 * most), plan.options.on_full, piece=most)
    run.sink = OrderedSink(target.put, queue, run.written, target.end, nbytes=most)
    return OMEStream(plan, target, run)


def _lead(state: PositionState) -> Shape:
    lead = list(state.lead)
    if state.growing is not None:
        lead[state.growing] = state.size
    return tuple(lead)
