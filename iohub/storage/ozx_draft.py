"""An archive that is written: its content lies in a hidden directory beside it until it is closed.

There everything can be changed as in any directory, by several processes too. When it is closed
the archive is written under another name and takes its place in one step, so whoever reads sees
the old archive or the new one.
"""

from __future__ import annotations

import gc
import os
import secrets
import warnings
import weakref
from collections.abc import Hashable, Iterator
from contextlib import ExitStack

from iohub.errors import (
    ClosedError,
    ConflictError,
    FormatError,
    IohubWarning,
    PathError,
    ReadOnlyError,
    VersionError,
)
from iohub.storage import files, leftovers, locks, ozx_writing, settings
from iohub.storage.keys import DRAFT_PREFIX, OWN_PREFIX
from iohub.storage.ozx import ArchiveBytes, open_archive
from iohub.storage.ozx_appending import AppendedUnits
from iohub.storage.ozx_draft_units import UnitsDraft
from iohub.storage.zip_directory import identity

_NAME = 100  # of an archive's name that is in the name of its draft


class ArchiveDraft(UnitsDraft):
    """The directory that becomes an archive when it is finished.

    Nothing is made before :meth:`begin`. A process that is killed loses what it was making and
    nothing else; the next one that writes this archive removes what it left.

    Parameters
    ----------
    archive : str
        The archive, which need not exist; absolute.
    """

    def __init__(self, archive: str):
        self.archive = archive
        self._work = _Work(archive)
        super().__init__(self._work.root, self._work.units)
        self._finished = False
        self._finalizer: weakref.finalize[[], ArchiveDraft] | None = None

    @property
    def url(self) -> str:
        """The archive."""
        return self.archive

    @property
    def begun(self) -> bool:
        """Whether the directory was made."""
        return self._finalizer is not None

    def path(self, key: str) -> str:
        """Return the file or directory of a key or a prefix.

        Raises
        ------
        ClosedError
            After :meth:`finish`: what was made is in the archive.
        """
        if self._finished:
            raise ClosedError(f"{self.url} is closed; open it again with open_ome_zarr(...)")
        return super().path(key)

    def as_it_is(self) -> ArchiveBytes:
        """Return the archive for reading, as it is until :meth:`finish`, be it damaged."""
        try:
            return open_archive(self.archive)
        except (FormatError, PathError):
            return ArchiveBytes(self.archive)

    def check_format(self, zarr_format: int) -> None:
        """Refuse what RFC-9 does not allow in an archive of this name.

        Raises
        ------
        VersionError
            If it is ``.ozx`` and of Zarr v2.
        """
        if zarr_format != 3 and self.archive.lower().endswith(".ozx"):
            raise VersionError(
                f"{self.url}: an .ozx holds Zarr v3, and this version of OME-Zarr is of Zarr v2; "
                "pass a later version=..., or name the archive .zip"
            )

    def begin(self, *, anew: bool = False) -> None:
        """Make the directory, with what is in the archive; a second call does nothing.

        Parameters
        ----------
        anew : bool
            Whether to begin without what is in the archive, if there is one.

        Raises
        ------
        ConflictError
            If the archive is being written already, by this or another process.
        ReadOnlyError
            If nothing can be written beside the archive.
        FormatError, PathError
            If the archive is damaged, or refused.
        """
        if self.begun:
            return
        self._work.begin(anew)
        self._finalizer = weakref.finalize(self, self._work.forgotten)

    def finish(self) -> None:
        """Put the archive in place if there is something new; a second call does nothing.

        Raises
        ------
        ConflictError
            If someone else has changed the archive meanwhile.
        ExistsError
            If someone else has made it meanwhile.
        OSError
            For instance if the disk is full; where the data are kept then is noted on any error.
        """
        if self._finished or self._finalizer is None:
            return
        self._finished = True
        self._finalizer.detach()
        self._work.finish()


class _Work:
    """What is done for a draft, be it by its finalizer when the draft itself is gone."""

    def __init__(self, archive: str):
        self.archive = archive
        folder, name = os.path.split(archive)
        self._start = f"{DRAFT_PREFIX}{name[:_NAME]}-"
        self._folder = os.path.join(folder, self._start + secrets.token_hex(4))
        self.root = os.path.join(self._folder, "store")
        self._temporary = os.path.join(self._folder, "archive")
        self.units = AppendedUnits(self._temporary, self.root)
        self._held = ExitStack()
        self._owner = 0
        self._before: Hashable = None
        self._unpacked: frozenset[Hashable] = frozenset()

    def begin(self, anew: bool) -> None:
        above = os.path.dirname(self.archive)
        try:
            os.makedirs(above, exist_ok=True)
            if self._is_written(above):
                gc.collect()  # a node that an earlier cell of a notebook made, and nobody holds
                if self._is_written(above):
                    raise ConflictError(
                        f"{self.archive} is being written by another node or process; close that "
                        "one first"
                    )
            self._held.enter_context(locks.claimed_directory(self._folder))
        except PermissionError as error:
            raise ReadOnlyError(
                f"cannot write in {above}, where {self.archive} is put together; open it with "
                "mode='r', or write elsewhere"
            ) from error
        self._owner = os.getpid()
        try:
            self._before = self._now()
            if self._before is not None and not anew:
                self.units.settle()  # what is unpacked is packed again anyway
                ozx_writing.unpack(self.archive, self.root)
                self._unpacked = frozenset(_states(self.root))
        except BaseException:
            self._drop()
            raise

    def finish(self) -> None:
        try:
            if self._is_new():
                self._pack()
        except BaseException as error:
            kept = self._rescue()
            error.add_note(f"What was to be written to {self.archive} is kept in {kept}.")
            raise
        self._drop()

    def forgotten(self) -> None:
        """Finish what nobody closed, at the latest when the interpreter ends."""
        if os.getpid() != self._owner:
            return  # a forked child ends before its parent does
        if not self._is_new():
            self._drop()
            return
        self.finish()
        warnings.warn(
            f"{self.archive} was never closed, so it was written only now; call close(), or use "
            "'with open_ome_zarr(...) as node:'",
            IohubWarning,
            stacklevel=2,
        )

    def _is_new(self) -> bool:
        return bool(len(self.units)) or frozenset(_states(self.root)) != self._unpacked

    def _pack(self) -> None:
        durable = settings.get_options().durability == "power"
        if not self.units.finish(durable):
            ozx_writing.pack(self.root, self._temporary, durable=durable)
        if self._before is not None and self._now() != self._before:
            raise ConflictError(
                f"someone else has changed {self.archive} meanwhile; it is left as it is"
            )
        replace = self._before is not None
        ozx_writing.publish(self._temporary, self.archive, replace=replace, durable=durable)

    def _now(self) -> Hashable:
        try:
            return identity(os.stat(self.archive))
        except FileNotFoundError:
            return None

    def _is_written(self, folder: str) -> bool:
        """Whether someone prepares this archive; what the dead have left is removed."""
        for name in os.listdir(folder):
            if name.startswith(self._start):
                leftovers.drop_dead(os.path.join(folder, name))
                if os.path.lexists(os.path.join(folder, name)):
                    return True
        return False

    def _rescue(self) -> str:
        """Move what was made to where nobody sweeps it."""
        self.units.settle()
        kept = f"{self.archive}.{secrets.token_hex(4)}.zarr"
        os.rename(self.root, kept)
        self._drop()
        return kept

    def _drop(self) -> None:
        self.units.close()
        self._held.close()
        files.remove(self._folder)


def _states(folder: str) -> Iterator[Hashable]:
    """Return by what to tell whether a file in a directory was changed."""
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if entry.name.startswith(OWN_PREFIX):
                continue
            if entry.is_dir():
                yield from _states(entry.path)
            else:
                yield entry.path, identity(entry.stat())
