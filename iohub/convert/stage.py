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

from iohub.convert.notes import Note, Notes
from iohub.convert.roots import acquisition_of, root_groups, signature
from iohub.errors import ExistsError, IohubError, NotFoundError
from iohub.nodes.plate import Plate
from iohub.nodes.series import Series
from iohub.nodes.session import Session
from iohub.storage import hierarchy, locks
from iohub.storage.drafts import draft_path
from iohub.storage.group import ZarrGroup
from iohub.storage.keys import OWN_PREFIX, join
from iohub.storage.local import LocalBytes
from iohub.storage.location import exists, has_zarr_document, is_empty, wipe
from iohub.storage.ozx import open_archive
from iohub.storage.replacement import replace_content

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from iohub.convert.plan import ImagePlan, Plan
    from iohub.storage.location import Location
    from iohub.storage.protocol import ByteStore, WritableByteStore

_STORE, _NOTES = "store", "notes"


class Stage:
    """What is being prepared for one destination.

    Parameters
    ----------
    plan : Plan
        What this call is to make.
    location : Location
        The destination, writable.
    pack : callable, optional
        Turns a complete directory store into a file, for destinations that are one.
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
        """
        plan = self._plan
        with self._lock():
            published = self._published()
            settings = self.notes.settings()
            if settings.get("id", plan.identity) != plan.identity or plan.options.restart:
                self._refuse_living()
                self._forget()
            replaces = settings.get("replaces", False) or plan.options.overwrite
            self.notes.put_settings({"id": plan.identity, "replaces": replaces})
            wanted = []
            for image in plan.images:
                if image.place in published:
                    if published[image.place] != image.identity:
                        what = f"position {image.place!r}" if image.place else "an image"
                        raise self._exists(f"{what} of other pixels")
                    continue
                if published and self._pack is not None:
                    raise self._exists("an archive without some of these positions")
                wanted.append(image)
                note = self.notes.get(image.place)
                if note is not None and note.identity != image.identity:
                    self._refuse_living(note)
                    self.store.delete_dir(join(self.prefix, image.place) or self.prefix)
                    note = None
                if note is None:
                    acquisition = acquisition_of(plan, image.place)
                    order = image.source.order
                    self.notes.put(Note(image.place, image.identity, order, acquisition))
        return wanted

    def _published(self) -> dict[str, str | None]:
        """Return the positions that the destination has, if it may be added to."""
        location, plan = self._location, self._plan
        if not exists(location) or is_empty(location):
            return {}
        attrs = self._root_attributes()
        if attrs is None and not self._hidden and self.notes.settings():
            return {}  # what is there is what was being prepared
        if plan.options.overwrite:
            local = location.local_path
            is_file = self._pack is not None and local is not None and os.path.isfile(local)
            if not is_file and not has_zarr_document(location):
                raise ExistsError(f"{location.url} holds no Zarr metadata, so it is not replaced")
            if not self._hidden:
                wipe(location)
            return {}
        if attrs is None or signature(attrs)[0] != plan.identity:
            raise self._exists("something")
        if plan.layout == "fov":
            return {"": signature(attrs)[1]}
        node = self._node()
        names = [name for name, _ in node.positions()]
        return {name: signature(node[name]._attrs())[1] for name in names}

    def _root_attributes(self) -> dict[str, object] | None:
        try:
            return self._group().attrs()
        except (IohubError, OSError):
            return None

    def _group(self) -> ZarrGroup:
        """Return the root of the destination, be it there or not."""
        location, local = self._location, self._location.local_path
        store: ByteStore = location.store
        if self._pack is not None and local is not None and os.path.isfile(local):
            store = open_archive(local)
        return ZarrGroup(store, location.path, self._plan.spelling.zarr_format)

    def _exists(self, what: str) -> ExistsError:
        return ExistsError(
            f"there is {what} at {self._location.url}; choose another path, or pass "
            "overwrite=True (--overwrite) to replace it"
        )

    def _refuse_living(self, *notes: Note) -> None:
        """Refuse to drop what somebody is at."""
        for note in notes or self.notes.all():
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

    def _publish(self, notes: Sequence[Note]) -> None:
        location, spelling = self._location, self._plan.spelling
        replaces = self.notes.settings().get("replaces", False)
        there = exists(location) and not is_empty(location)
        joined = self._root_attributes() is not None and not replaces
        if there and joined and self._plan.layout != "fov":
            self._join(notes)
            return
        if self._plan.layout == "fov" and not self._hidden:
            return  # its own document came last
        for path, attrs in root_groups(self._plan, notes):
            self.put_group(path, attrs)
        if spelling.zarr_format == 2 and not self._hidden:
            return
        if self._hidden:
            self._take_place(there)

    def _take_place(self, there: bool) -> None:
        target = self._location.local_path or ""
        made = os.path.join(self._hidden, _STORE)
        if self._pack is not None:
            self._pack(made, target)
            return
        folder, name = os.path.split(target)
        parent = LocalBytes(folder)
        source = f"{os.path.basename(self._hidden)}/{_STORE}"
        if there:
            draft = draft_path("")
            parent.move(source, f"{name}/{draft}")
            replace_content(LocalBytes(target), "", draft)
            return
        with suppress(OSError):
            os.rmdir(target)  # an empty directory is as good as none
        parent.move(source, name)

    def _join(self, notes: Sequence[Note]) -> None:
        """Add positions to a destination that another call has completed."""
        node = self._node()
        known = {name for name, _ in node.positions()}
        new = [note for note in notes if note.place not in known]
        location = self._location
        if self._hidden:
            folder, name = os.path.split(location.local_path or "")
            parent = LocalBytes(folder)
            for note in new:
                with suppress(NotFoundError):  # moved by a call that was killed then
                    hidden = os.path.basename(self._hidden)
                    parent.move(f"{hidden}/{_STORE}/{note.place}", f"{name}/{note.place}")
        if isinstance(node, Series):
            node.create_positions([note.place for note in new])
        elif new:
            specs = [(*n.place.split("/"), None, None, n.acquisition or 0) for n in new]
            node.create_positions(specs)

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
