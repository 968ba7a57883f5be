"""A store whose pixels must not be read: to prove that something needs metadata only."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NoReturn

from iohub._open import open_ome_zarr
from iohub.storage.engines import register_engine
from iohub.storage.keys import DOCUMENTS, OWN_PREFIX
from iohub.storage.local import LocalBytes
from iohub.storage.protocol import ByteStore
from iohub.storage.spec import ArraySpec
from iohub.types import PathLikeStr


class PixelsTouchedError(AssertionError):
    """Pixels were asked for where metadata should do; no error of iohub, so nothing hides it."""


class UntouchableBytes(LocalBytes):
    """A local store that gives documents away, and raises when it is asked for a chunk."""

    def with_read_only(self, read_only: bool = True) -> UntouchableBytes:
        """Return the same directory, as untouchable."""
        return UntouchableBytes(self.root, read_only)

    def get_with_token(self, key: str) -> tuple[bytes, Hashable] | None:
        """Read a document.

        Raises
        ------
        PixelsTouchedError
            If the key is not that of a document.
        """
        own = key.rpartition("/")[0].rpartition("/")[2].startswith(OWN_PREFIX)
        if key.rpartition("/")[2] not in DOCUMENTS and not own:
            raise PixelsTouchedError(f"chunk {key!r} of {self.url} was read")
        return super().get_with_token(key)


class UntouchableEngine:
    """An engine that opens any array and raises when pixels are asked for."""

    name = "untouchable"

    def refuses(self, store: ByteStore, spec: ArraySpec) -> str | None:
        """Refuse nothing."""
        return None

    def open(self, store: ByteStore, path: str, spec: ArraySpec) -> NoReturn:
        """Raise: arrays are opened when pixels are needed.

        Raises
        ------
        PixelsTouchedError
            Always.
        """
        raise PixelsTouchedError(f"pixels of {path!r} in {store.url} were asked for")


ENGINE = UntouchableEngine()


def open_untouchable(store_path: PathLikeStr, **kwargs: Any) -> Any:
    """Open a local store so that touching a pixel raises :class:`PixelsTouchedError`.

    Parameters
    ----------
    store_path : path-like
        An existing store.
    **kwargs
        For :func:`iohub.open_ome_zarr`; not ``engine``.

    Returns
    -------
    Plate, Position or Well
        The node.
    """
    register_engine(ENGINE)
    return open_ome_zarr(UntouchableBytes(store_path), engine=ENGINE.name, **kwargs)
