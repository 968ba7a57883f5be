"""A format of another package, for the tests of the registry and of the suite: ``.npz`` archives.

Each array is an image. One named ``A1-…`` is a field of the well A/1; a second level is named as
the first with ``@1`` behind it.
"""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path

import numpy as np

from iohub.formats.handles import Handle
from iohub.formats.images import Channel, ImageSource, virtual_store, well_of
from iohub.metadata.acquisition import AcquisitionRecord, StagePosition
from iohub.optional import need
from iohub.storage.group import ZarrGroup
from iohub.storage.virtual import VirtualBytes

name = "npz"
title = "NumPy archive"
suffixes = (".npz",)
packages = ("iohub_npz_reader",)
extra = ""

LOCK = threading.Lock()


class Reader:
    """An array of an archive; it can only be decoded whole."""

    def __init__(self, archive, member, shape, dtype):
        self.archive, self.member = archive, member
        self.shape, self.dtype = shape, dtype
        self.chunks = (1,) * (len(shape) - 2) + shape[-2:]

    def chunk(self, index):
        with LOCK:  # zipfile is not for several threads
            return self.archive.get()[self.member][index[:-2]].reshape(self.chunks)


def sniff(location):
    path = location.local_path
    if path is None or not path.endswith(".npz") or not Path(path).is_file():
        return False
    with Path(path).open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def open_group(location, *, engine=None):
    return ZarrGroup(store_of(location.local_path), "", 3, engine=engine)


def store_of(path: str) -> VirtualBytes:
    reader = need("iohub_npz_reader")
    archive = Handle(lambda: reader.load(path), lambda file: file.close(), path)
    images = []
    with zipfile.ZipFile(path) as members:
        heads = {}
        for member in members.namelist():
            with members.open(member) as file:
                version = np.lib.format.read_magic(file)
                assert version == (1, 0)
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
                heads[member.removesuffix(".npy")] = (shape, dtype)
    for key in [key for key in heads if "@" not in key]:
        levels = [Reader(archive, k, *heads[k]) for k in (key, f"{key}@1") if k in heads]
        shape, _ = heads[key]
        axes = "tczyx"[-len(shape) :]
        images.append(
            ImageSource(
                key,
                axes,
                levels,
                scale={"y": 0.5, "x": 0.25},
                channels=[Channel(f"ch{i}") for i in range(shape[axes.find("c")])],
                acquisition=AcquisitionRecord(name=key, stage=StagePosition(x=1, y=2)),
                frames=lambda n=shape[0]: [{"t": t, "at": t * 1.5} for t in range(n)],
                well=well_of(key),
            )
        )
    return virtual_store(path, images, reopen=(store_of, (path,)), close=archive.close)
