"""A file that is not Zarr, made of NumPy arrays, for the tests of what is not about any format."""

from __future__ import annotations

import numpy as np

from iohub.storage.virtual import VirtualArray, VirtualBytes


class Reader:
    """Decodes chunks of an array, and notes which."""

    def __init__(self, pixels, chunks):
        self.pixels, self.chunks = np.asarray(pixels), tuple(chunks)
        self.shape, self.dtype = self.pixels.shape, self.pixels.dtype
        self.decoded = []

    def chunk(self, index):
        self.decoded.append(tuple(index))
        parts = tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, self.chunks, strict=True))
        return self.pixels[parts].copy()


class FrozenReader(Reader):
    """One that gives away what must not be changed, as a memory map does."""

    def chunk(self, index):
        block = super().chunk(index)
        block.setflags(write=False)
        return block


class MappedReader(Reader):
    """One that has a faster way for regions that begin at 0."""

    def region(self, region, out):
        if region[0].start:
            return None
        self.decoded.append("region")
        found = self.pixels[region]
        if out is None:
            return found.copy()
        out[...] = found
        return out


def store(**readers) -> VirtualBytes:
    """Arrays by their names in one group, ``a/b`` as ``a__b``."""
    paths = {name.replace("__", "/"): reader for name, reader in readers.items()}
    arrays = {
        path: VirtualArray(reader, "tczyx"[-len(reader.shape) :], {"of": path})
        for path, reader in paths.items()
    }
    return VirtualBytes("some.file", {"": {"is": "root"}}, arrays, reopen=(reopened, ()))


def reopened() -> VirtualBytes:
    """What another process gets."""
    return store(a=Reader(np.arange(12, dtype="u2").reshape(3, 4), (2, 3)))
