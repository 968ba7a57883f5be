"""Where a conversion is prepared, and how it takes its place when all of it is complete.

On the local disk that is a hidden directory beside the destination, which is renamed at the end.
Other stores cannot rename: there the arrays are written in place and the root's document last, so
that nothing can be opened before. Either way the journal lies with what is being prepared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from iohub.convert import record
from iohub.convert.notes import Note, Notes
from iohub.convert.record import Known, Record
from iohub.convert.roots import acquisition_of, root_groups
from iohub.convert.states import image_state
from iohub.convert.tables_beside import copy_tables, plate_with_tables
from iohub.errors import ExistsError, IohubError, PathError
from iohub.nodes.plate import Plate
from iohub.nodes.series import Series
from iohub.nodes.session import Session
from iohub.storage import hierarchy, locks
from iohub.storage.drafts import draft_path
from iohub.storage.group import ZarrGroup
from iohub.storage.keys import OWN_PREFIX, join, parents
from iohub.storage.local import LocalBytes
from iohub.storage.location import exists, has_zarr_document, is_empty, wipe
from iohub.storage.ozx_writing import publish
from iohub.storage.replacement import replace_content

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from iohub.convert.plan import ImagePlan, Plan
    from iohub.storage.location import Location
    from iohub.storage.protocol import WritableByteStore

_STORE, _NOTES, _ARCHIVE = "store", "notes", "archive"


class Stage:
    """What is being prepared for one destination.

    Parameters
    ----------
    plan : Plan
        What this call is to make.
    location : Location
        The destination, writable.
    pack : callable, optional
        Writes a complete directory store to a file, for destinations that are one.
    """

    def __init__(
        self, plan: Plan, location: Location, pack: Callable[[str, str], object] | None = None
    ):
        self._plan, self._location, self._pack = plan, location, pack
        local = location.local_path
        self.store: WritableByteStore
        if local is not None:
            folder, name = os.path.split(local)
            self._hidden = os.path.join(folder, f".{name}.iohub-convert")
            self.store, self.prefix = LocalBytes(self._hidden), _STORE
            self.notes = Notes(self.store, _NOTES)
        else:
            self._hidden = ""
            self.store, self.prefix = hierarchy.writable(location.store), location.path
            self.notes = Notes(self.store, join(location.path, f"{OWN_PREFIX}-convert"))

    # ---- beginning ----------------------------------------------------------------------------

    def begin(self) -> list[ImagePlan]:
        """Note what is to be made; return the positions that are not in the destination yet.

        Raises
        ------
        ExistsError
            If something else is at the destination, or others make something else there.
        PathError
            If the source itself would have to be wiped.
        """
        plan = self._plan
        with self._lock():
            published = self._published()
            settings = self.notes.settings()
            anew = settings.get("id", plan.identity) != plan.identity or plan.options.restart
            begun = {} if anew else {note.place: note for note in self.notes.all()}
            wanted = [image for image in plan.images if not self._is_done(image, published)]
            if published and wanted and self._pack is not None:
                raise self._exists("an archive without some of these positions")
            changed = [
                image
                for image in wanted
                if image.place in begun and begun[image.place].identity != image.identity
            ]
            # Nothing is written before all is known to be possible: what is refused leaves nothing.
            if anew:
                self._refuse_living(self.notes.all())
                self._forget()
            else:
                self._refuse_living([begun[image.place] for image in changed])
                for image in changed:
                    self.store.delete_dir(join(self.prefix, image.place) or self.prefix)
                    del begun[image.place]
            replaces = settings.get("replaces", False) or plan.options.overwrite
            if wanted:
                self.notes.put_settings({"id": plan.identity, "replaces": replaces})
            for image in wanted:
                if image.place not in begun:
                    acquisition = acquisition_of(plan, image)
                    order = image.source.order
                    self.notes.put(Note(image.place, image.identity, order, acquisition))
        return wanted

    def _is_done(self, image: ImagePlan, published: dict[str, Known | None]) -> bool:
        """Whether the destination has a position, of the same pixels.

        Raises
        ------
        ExistsError
            If it has one of others.
        """
        if image.place not in published:
            return False
        what = f"position {image.place!r}" if image.place else "an image"
        known = published[image.place]
        if known is None or known.identity != image.identity:
            raise self._exists(f"{what} of other pixels")
        if known.state != image_state(image):
            raise self._exists(f"{what} as the source was before it was changed")
        return True

    def _published(self) -> dict[str, Known | None]:
        """Return the positions that the destination has, if it may be added to."""
        location, plan = self._location, self._plan
        if not exists(location) or is_empty(location):
            return {}
        if not plan.options.overwrite and self._packed_here():
            return {note.place: Known(note.identity, note.state) for note in self.notes.all()}
        attrs = self._root_attributes()
        found = record.read(location.store, location.path)
        if not self._hidden and self.notes.settings() and (attrs is None or not found.positions):
            return {}  # what is there is what was being prepared
        if plan.options.overwrite:
            local = location.local_path
            is_file = self._pack is not None and local is not None and os.path.isfile(local)
            if not is_file and not has_zarr_document(location):
                raise ExistsError(f"{location.url} holds no Zarr metadata, so it is not replaced")
            if not self._hidden:
                self._refuse_source()
                wipe(location)
            return {}
        if attrs is None or found.id != plan.identity:
            raise self._exists("something")
        names = [""] if plan.layout == "fov" else [name for name, _ in self._node().positions()]
        return {name: found.known(location.store, location.path, name) for name in names}

    def _refuse_source(self) -> None:
        """Refuse to wipe what the source is read from, by whatever name that goes there.

        Raises
        ------
        PathError
            If it is.
        """
        group = self._plan.node._group
        name = f"{OWN_PREFIX}-{uuid4().hex}"
        key = join(self._location.path, name)
        self.store.set(key, b"?")
        try:
            seen = [join(path, name) for path in (group.path, *parents(group.path))]
            same = any(value is not None for value in group.store.get_many(seen))
        finally:
            self.store.delete(key)
        if same:
            raise PathError(
                f"{self._location.url} is what is to be exported, and stores of this kind cannot "
                "be replaced in one step: choose another path"
            )

    def _packed_here(self) -> bool:
        """Whether the archive is the one that was packed of what is prepared, by a killed call."""
        packed = self.notes.settings().get("packed")
        target = self._location.local_path or ""
        return packed is not None and os.path.isfile(target) and _file_state(target) == packed

    def _root_attributes(self) -> dict[str, object] | None:
        try:
            return self._group().attrs()
        except (IohubError, OSError):
            return None

    def _group(self) -> ZarrGroup:
        """Return the root of the destination, be it there or not."""
        location = self._location
        return ZarrGroup(location.store, location.path, self._plan.spelling.zarr_format)

    def _exists(self, what: str) -> ExistsError:
        return ExistsError(
            f"there is {what} at {self._location.url}; choose another path, or pass "
            "overwrite=True (--overwrite) to replace it"
        )

    def _refuse_living(self, notes: Sequence[Note]) -> None:
        """Refuse to drop what somebody is at."""
        for note in notes:
            with self.claim(note.place) as mine:
                if not mine:
                    raise ExistsError(
                        f"another process converts {note.place or 'an image'} to "
                        f"{self._location.url} with other options; wait until it is done"
                    )

    def _forget(self) -> None:
        if self._hidden:
            self.store.delete_dir(_STORE)
            self.store.delete_dir(_NOTES)
        else:
            wipe(self._location)

    # ---- working ------------------------------------------------------------------------------

    @contextmanager
    def claim(self, place: str) -> Iterator[bool]:
        """Hold a position while it is converted; whether nobody else does is yielded."""
        if not isinstance(self.store, LocalBytes):
            yield True
            return
        with locks.idle_lock(self.store.path(self.notes.claim(place))) as mine:
            yield mine

    def put_group(self, path: str, attrs: dict[str, object]) -> None:
        """Write the documents of a group below the root that is being prepared."""
        full = join(self.prefix, path)
        spelling = self._plan.spelling
        for key, value in hierarchy.group_documents(full, spelling.zarr_format, attrs):
            self.store.set(key, value)

    # ---- ending -------------------------------------------------------------------------------

    def finish(self) -> list[str]:
        """Let the destination take its place, if all is complete; return what is not.

        Returns
        -------
        list of str
            Positions that other calls have begun and nobody has completed.
        """
        if not self._hidden or os.path.isdir(self._hidden):
            with self._lock():
                notes = self.notes.all()
                waiting = [note.place for note in notes if not note.complete]
                if waiting:
                    return waiting
                if notes:
                    self._publish(notes)
                self._clean()
        return []

    def _publish(self, notes: list[Note]) -> None:
        location, plan = self._location, self._plan
        if self._packed_here():
            return
        replaces = self.notes.settings().get("replaces", False)
        there = exists(location) and not is_empty(location)
        joined = self._root_attributes() is not None and not replaces
        known = record.read(location.store, location.path) if there else Record()
        if there and joined and plan.layout != "fov" and (self._hidden or known.positions):
            self._join(notes, known)
            return
        made = Record().joined(plan, notes, self.store, self.prefix)
        if self._pack is None:
            record.write(self.store, self.prefix, made)
        if plan.layout == "fov" and not self._hidden:
            return  # its own document came last
        for path, attrs in root_groups(plan, notes):
            self.put_group(path, attrs)
        owner = plate_with_tables(plan)
        if owner is not None:
            copy_tables(owner, self.store, self.prefix, plan.spelling)
        if self._hidden:
            self._take_place(there, made)

    def _take_place(self, there: bool, made: Record) -> None:
        target = self._location.local_path or ""
        prepared = os.path.join(self._hidden, _STORE)
        if self._pack is not None:
            packed = os.path.join(self._hidden, _ARCHIVE)
            self._pack(prepared, packed)
            settings = self.notes.settings()
            self.notes.put_settings({**settings, "packed": _file_state(packed)})
            publish(packed, target, replace=settings.get("replaces", False))
            return
        folder, name = os.path.split(target)
        parent = LocalBytes(folder)
        source = f"{os.path.basename(self._hidden)}/{_STORE}"
        if there:
            draft = draft_path("")
            parent.move(source, f"{name}/{draft}")
            replace_content(LocalBytes(target), "", draft)
            record.write(LocalBytes(target), "", made)  # hidden, so it stayed behind
            return
        with suppress(OSError):
            os.rmdir(target)  # an empty directory is as good as none
        parent.move(source, name)

    def _join(self, notes: Sequence[Note], known: Record) -> None:
        """Add positions to a destination that another call has completed."""
        node, location = self._node(), self._location
        listed = {name for name, _ in node.positions()}
        new = [note for note in notes if note.place not in listed]
        target = hierarchy.writable(location.store)
        if self._hidden:
            for note in new:
                self._bring(note.place)
        record.write(target, location.path, known.joined(self._plan, new, target, location.path))
        if isinstance(node, Series):
            node.create_positions([note.place for note in new])
        elif new:
            specs = [(*n.place.split("/"), None, None, n.acquisition or 0) for n in new]
            node.create_positions(specs)

    def _bring(self, place: str) -> None:
        """Move a position into the destination, in place of what a killed call has moved there."""
        folder, name = os.path.split(self._location.local_path or "")
        if os.path.isdir(os.path.join(self._hidden, _STORE, place)):
            parent = LocalBytes(folder)
            parent.delete_dir(f"{name}/{place}")
            parent.move(f"{os.path.basename(self._hidden)}/{_STORE}/{place}", f"{name}/{place}")

    def _node(self) -> Plate | Series:
        """Return the destination that is there, for writing."""
        location, version = self._location, self._plan.spelling.version
        session = Session(url=location.url, mode="r+", base=location.path)
        kind = Series if self._plan.layout == "series" else Plate
        return kind(self._group(), False, version=version, session=session)

    def _clean(self) -> None:
        if self._hidden:
            folder, name = os.path.split(self._hidden)
            LocalBytes(folder).delete_dir(name)
        else:
            self.store.delete_dir(join(self._location.path, f"{OWN_PREFIX}-convert"))

    def _lock(self) -> AbstractContextManager[None]:
        return self.store.lock("" if self._hidden else self.prefix)


def _file_state(path: str) -> list[int]:
    """Return what tells a file from others, whatever its name."""
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns, status.st_ino]
