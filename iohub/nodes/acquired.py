"""What a microscope noted of a position: stage, optics, times, and the metadata of its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iohub.metadata.acquisition import (
    AcquisitionRecord,
    StagePosition,
    frame_rows,
    read_acquisition,
    streamed_frames,
    write_acquisition,
)
from iohub.nodes.base import NGFFNode
from iohub.storage.virtual import FRAMES, VirtualBytes

if TYPE_CHECKING:
    from iohub.types import JsonObject


class AcquisitionVerbs(NGFFNode):
    """Metadata of the acquisition, which OME-Zarr has no place for; see :class:`Position`."""

    @property
    def acquisition(self) -> AcquisitionRecord | None:
        """What was noted when the position was imaged, None if nothing was.

        It lies under the key ``iohub`` of the attributes; assign a record to write it, None to
        remove it.
        """
        return read_acquisition(self._attrs())

    @acquisition.setter
    def acquisition(self, value: AcquisitionRecord | None) -> None:
        self._session.check_writable()
        self._group.edit_attrs(lambda attrs: write_acquisition(attrs, value))

    @property
    def stage_position(self) -> StagePosition | None:
        """Where the stage was, in the unit that it says; None if that is not known."""
        record = self.acquisition
        return None if record is None else record.stage

    @property
    def frame_metadata(self) -> list[JsonObject]:
        """Metadata of single frames, as the microscope wrote them; empty if there are none.

        Each has the indexes of its frame along the axes that it is one of several along, such as
        ``t``, ``c`` and ``z``. Read when asked for: ``pandas.DataFrame(position.frame_metadata)``
        makes a table. Those of a stream have ``storage_index``, the index of the frame in the
        image, but for y and x.
        """
        self._session.check_open()
        store: Any = self._group.store
        if isinstance(store, VirtualBytes):
            found: list[JsonObject] | None = store.extra(self._group.path, FRAMES)
            if found is not None:
                return found
        record = self.acquisition
        columns = None if record is None else record.frames
        return frame_rows(columns) if columns else streamed_frames(self._attrs())
