"""What every loader of a tile's pixels can do; the loaders are in other files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import numpy as np
from pydantic import BaseModel

from iohub.errors import ArgumentError, FormatError, NotFoundError, UnreadableError
from iohub.types import NDArray


class TileData(NamedTuple):
    """What is known of the pixels of a tile before they are read.

    Attributes
    ----------
    shape : tuple of int
        Lengths of its axes, the last ones y and x.
    dtype : numpy.dtype
        Data type.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class ImageLoaderInterface(BaseModel, ABC):
    """How the pixels of a tile are had; make a model of this for files of another kind."""

    @abstractmethod
    def load_data(self, resource: Any | None = None) -> NDArray:
        """Return the pixels.

        Parameters
        ----------
        resource : object, optional
            What all loaders of a conversion are given, such as a directory or an open file.

        Returns
        -------
        numpy.ndarray
            ``(Y, X)``, or with further axes before these, in the order t, c, z.
        """

    def probe(self, resource: Any | None = None) -> TileData:
        """Return shape and data type; where a file says them at its start, only that is read.

        Parameters
        ----------
        resource : object, optional
            As in :meth:`load_data`.
        """
        data = self.load_data(resource)
        return TileData(tuple(data.shape), np.dtype(data.dtype))

    def glance(self, resource: Any | None = None) -> TileData | None:
        """Return shape and data type if they are known without reading pixels, else None.

        Parameters
        ----------
        resource : object, optional
            As in :meth:`load_data`.
        """
        known = type(self).probe is not ImageLoaderInterface.probe
        return self.probe(resource) if known else None

    def find_data_type(self, resource: Any | None = None) -> str:
        """Return the name of the data type.

        Parameters
        ----------
        resource : object, optional
            As in :meth:`load_data`.
        """
        return str(self.probe(resource).dtype)

    def describe_source(self, resource: Any | None = None) -> str:
        """Return what messages call the source of the pixels.

        Parameters
        ----------
        resource : object, optional
            As in :meth:`load_data`.
        """
        return f"{type(self).__name__}({self})"

    def preflight(self, resource: Any | None = None) -> None:
        """Raise an error if the pixels cannot be had; called before anything is written.

        Parameters
        ----------
        resource : object, optional
            As in :meth:`load_data`.
        """


ImageLoaderInterfaceType = TypeVar("ImageLoaderInterfaceType", bound=ImageLoaderInterface)


@contextmanager
def told_of(where: str) -> Iterator[None]:
    """Let errors of files say which tile they are about.

    Parameters
    ----------
    where : str
        Image, tile and source.
    """
    try:
        yield
    except (ArgumentError, FormatError, NotFoundError, UnreadableError) as error:
        said = str(error)
        if said.startswith(where):
            raise
        raise type(error)(f"{where} cannot be read: {said}") from error
