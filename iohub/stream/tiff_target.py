"""Streams into OME-TIFF: one file for each position, every page in its chain as it is written."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from iohub.errors import ArgumentError, ExistsError
from iohub.optional import need
from iohub.storage import files as storage_files
from iohub.stream.buffer import FrameQueue
from iohub.stream.claims import replace_files
from iohub.stream.journal import Journal
from iohub.stream.notes import check_namespace, plain
from iohub.stream.ordered_sink import OrderedSink
from iohub.stream.planes import Planes
from iohub.stream.running import StreamRun
from iohub.stream.starting import channel_axis, header_of, states_of
from iohub.stream.stream import OMEStream
from iohub.stream.tiff_file import TiffFile, describe
from iohub.stream.tiff_xml import Pages, binary_only, final_xml, first_xml, letters_of

if TYPE_CHECKING:
    from iohub.stream.ending import PositionState
    from iohub.stream.formats import OmeTiffFormat
    from iohub.stream.plan import StreamPlan
    from iohub.stream.sink import Frame
    from iohub.types import JsonObject, NDArray, Shape


class TiffTarget:
    """The files of a stream.

    Parameters
    ----------
    plan : StreamPlan
        Into OME-TIFF.
    """

    nodes = ()

    def __init__(self, plan: StreamPlan):
        self._plan = plan
        form: OmeTiffFormat = plan.settings.format  # type: ignore[assignment]  # by its backend
        target = os.path.abspath(os.path.expanduser(plan.output_path))
        single = len(plan.arrays) == 1 and form.prefer_single_file != "never"
        self.folder = os.path.dirname(target) if single else target
        base = os.path.basename(target)
        self.files = (
            [base]
            if single
            else [f"{base}_p{array.position:03d}{form.suffix}" for array in plan.arrays]
        )
        self._mode = "redundant" if single else form.multi_file_metadata
        self._companion = form.companion_file
        _make_room(self.folder, self.files, target, single, plan.settings.overwrite)
        self.uuids = [f"urn:uuid:{uuid.uuid4()}" for _ in self.files]
        self._own = f"urn:uuid:{uuid.uuid4()}"
        self._notes: dict[str, Mapping[str, Any]] = {}
        self._edited: bytes | None = None
        self._indexes: list[dict[Shape, int]] = [{} for _ in self.files]
        self._states: Sequence[PositionState] = ()
        self._closed = False
        named = self.files if not single else [""]
        first = first_xml(plan, named, self.uuids, self._own)
        self._first = first
        encode = _lzw() if plan.settings.compression == "lzw" else None
        self._open = [
            TiffFile(
                os.path.join(self.folder, name),
                array.frame_shape,
                array.dtype,
                self._text(number, first),
                encode,
            )
            for number, (name, array) in enumerate(zip(self.files, plan.arrays, strict=True))
        ]
        if self._mode == "companion-file":
            self._write_companion(first)

    @property
    def header(self) -> JsonObject:
        """What a journal needs to know beyond what every stream has."""
        return {
            "files": self.files,
            "uuids": self.uuids,
            "letters": letters_of(self._plan.arrays[0]),
            "mode": self._mode,
            "companion": self._companion,
        }

    def put(self, frame: Frame, pixels: NDArray) -> None:
        """Append a page; a frame that was written before gets a new one."""
        file = self._open[frame.position]
        file.append(pixels, self._states[frame.position].number(frame.index))
        if self._plan.options.fsync == "chunk":
            file.sync()  # before the journal says that the page is there
        self._indexes[frame.position][frame.index] = len(file.places) - 1

    def end(self) -> None:
        """Close the files."""
        for file in self._open:
            file.close(sync=self._plan.options.fsync != "never")
        self._closed = True

    def finish(self, run: StreamRun) -> None:
        """Complete the descriptions."""
        self._describe(self._complete())

    def begin(self, states: Sequence[PositionState]) -> None:
        """Take up how far the stream is; their sizes go into the description."""
        self._states = states

    def readable(self, position: int) -> Planes:
        """Return the pages of a position as an array."""
        array, indexes = self._plan.arrays[position], self._indexes[position]
        path = os.path.join(self.folder, self.files[position])
        file = self._open[position]

        def plane(index: Shape) -> NDArray | None:
            page = indexes.get(index)
            return None if page is None else file.read_from(path, page)

        def shape() -> Shape:
            return (*sizes_of(self._states[position]), *array.frame_shape)

        return Planes(shape, array.dtype, plane)

    def get_metadata(self) -> Any:
        """Return the description as an object of ome-types."""
        ome_types = need("ome_types", extra="ome", why="metadata of OME-TIFF")
        return ome_types.from_xml(self._complete().decode("ascii"))

    def update_metadata(self, metadata: Any) -> None:
        """Replace the description; before closing it is written when the stream is closed."""
        text = (
            metadata if isinstance(metadata, str) else getattr(metadata, "to_xml", lambda: None)()
        )
        if not isinstance(text, str):
            raise ArgumentError(
                f"metadata of OME-TIFF is an ome_types.OME or OME-XML, not {metadata!r:.80}"
            )
        self._edited = text.encode("ascii", "xmlcharrefreplace")
        if self._closed:
            self._describe(self._complete())

    def set_global_metadata(self, namespace: str, metadata: Mapping[str, Any]) -> None:
        """Note something of the whole acquisition, as an annotation with its namespace."""
        if not isinstance(metadata, Mapping):
            raise ArgumentError(f"metadata is a dict, not {metadata!r:.80}")
        self._notes[check_namespace(namespace)] = plain(metadata, namespace)
        if self._closed:
            self._describe(self._complete())

    def _complete(self) -> bytes:
        images = [
            Pages(
                sizes_of(state),
                letters_of(self._plan.arrays[number]),
                list(indexes),
                noted_of(state),
                "" if self.files[0] == self.files[-1] and self._mode == "redundant" else name,
                own,
                list(indexes.values()),
            )
            for number, (state, indexes, name, own) in enumerate(
                zip(self._states, self._indexes, self.files, self.uuids, strict=True)
            )
        ]
        return final_xml(self._edited or self._first, images, self._notes, self._own)

    def _describe(self, text: bytes) -> None:
        for number, (name, file) in enumerate(zip(self.files, self._open, strict=True)):
            if file.places:
                describe(os.path.join(self.folder, name), self._text(number, text))
        if self._mode == "companion-file":
            self._write_companion(text)

    def _text(self, number: int, text: bytes) -> bytes:
        return text_of(number, text, self._mode, self.files, self.uuids, self._companion, self._own)

    def _write_companion(self, text: bytes) -> None:
        with open(os.path.join(self.folder, self._companion), "wb") as file:
            file.write(text)


def text_of(
    number: int,
    text: bytes,
    mode: str,
    files: Sequence[str],
    uuids: Sequence[str],
    companion: str,
    own: str,
) -> bytes:
    """Return the description of one of the files: all of it, or where it is."""
    if mode == "companion-file":
        return binary_only(companion, own, uuids[number])
    if mode == "master-tiff" and number:
        return binary_only(files[0], uuids[0], uuids[number])
    return text.replace(own.encode(), uuids[number].encode(), 1)


def open_tiff(plan: StreamPlan) -> OMEStream:
    """Return a stream into new OME-TIFF files.

    Parameters
    ----------
    plan : StreamPlan
        Into OME-TIFF.

    Raises
    ------
    ExistsError
        If something is there and is not to be overwritten; a :class:`FileExistsError`.
    DTypeError
        If OME has no such type of pixels.
    """
    shapes = [array.shape for array in plan.arrays]
    states = states_of(plan, shapes)
    target = TiffTarget(plan)
    target.begin(states)
    header = {**header_of(plan, states), **target.header}
    journal = Journal(target.folder, header, sync=plan.options.fsync == "chunk")
    run = StreamRun(
        plan.options, states, plan.num_frames, journal, target.finish, channel_axis(plan)
    )
    most = max(array.frame_bytes for array in plan.arrays)
    queue = FrameQueue(max(plan.memory, 2 * most), plan.options.on_full, piece=most)
    run.sink = OrderedSink(
        target.put,
        queue,
        run.written,
        target.end,
        nbytes=most,
        slow=plan.settings.compression not in (None, "none") or plan.options.fsync == "chunk",
    )
    return OMEStream(plan, target, run)


def noted_of(state: PositionState) -> list[JsonObject]:
    """Return metadata of frames, in the order in which frames come."""
    return [entry for _, entry in sorted(state.metadata, key=itemgetter(0))]


def sizes_of(state: PositionState) -> Shape:
    """Return the sizes of a position along the axes before (Y, X), as they are now."""
    lead = list(state.lead)
    if state.growing is not None:
        lead[state.growing] = state.size
    return tuple(lead)


def _make_room(
    folder: str, files: Sequence[str], target: str, single: bool, overwrite: bool
) -> None:
    if os.path.lexists(target):
        if not overwrite:
            raise ExistsError(f"there is something at {target}; pass overwrite=True to replace it")
        if single and os.path.isdir(target):
            raise ExistsError(f"{target} is a folder; choose another path")
    storage_files.make_folder(folder)
    replace_files(folder, files)
    for name in [*files, *_former(folder, files, single)]:
        storage_files.remove(os.path.join(folder, name))


def _former(folder: str, files: Sequence[str], single: bool) -> list[str]:
    """Return files of further positions, of a run in this folder that is to be replaced."""
    if single:
        return []
    head, _, tail = files[0].rpartition("_p000")
    pattern = re.compile(re.escape(head) + r"_p\d{3,}" + re.escape(tail))
    return [name for name in os.listdir(folder) if pattern.fullmatch(name) and name not in files]


def _lzw() -> Any:
    return need("imagecodecs", extra="tiff", why='compression="lzw"').lzw_encode
