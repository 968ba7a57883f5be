"""Where an image goes: alone, or into the well of a plate; only paths, no file is touched."""

from __future__ import annotations

import re
import string
from abc import ABC, abstractmethod
from typing import Any, TypeVar

from pydantic import BaseModel, Field, PrivateAttr, field_validator

from iohub.errors import PathError

_NAME = re.compile(r"(?! )(?!__)(?!\.+$)[A-Za-z0-9_. -]+(?<! )")
_MENDED = ".zarr"


def check_name(name: str) -> str:
    """Return a name, if a group of a store may have it.

    Parameters
    ----------
    name : str
        One part of a path.

    Raises
    ------
    PathError
        If it has other signs than letters, digits, ``_``, ``-``, ``.`` and space, starts or ends
        with a space, starts with two underscores, or is of dots only; a :class:`ValueError`.
    """
    if not _NAME.fullmatch(name):
        raise PathError(
            f"{name!r} cannot name a group: give letters, digits, '_', '-', '.' and spaces, none "
            "of these at an end, no '__' at the start, and not dots only"
        )
    return name


class CollectionInterface(BaseModel, ABC):
    """Where an image goes; make a model of this to put images elsewhere."""

    _suffix: str = PrivateAttr(default="")

    @abstractmethod
    def path(self) -> str:
        """Return the path of the image below the directory of the conversion."""

    def set_suffix(self, suffix: str) -> None:
        """Set what the name of the image ends with.

        Parameters
        ----------
        suffix : str
            Such as the name of a field of view; "" for none.
        """
        self._suffix = suffix


CollectionInterfaceType = TypeVar("CollectionInterfaceType", bound=CollectionInterface)


class SingleImage(CollectionInterface):
    """An image that stands alone.

    Attributes
    ----------
    image_path : str
        Its name; ``.zarr`` is added.
    """

    image_path: str

    @field_validator("image_path")
    @classmethod
    def _allowed(cls, name: str) -> str:
        return check_name(name)

    def path(self) -> str:
        """Return the path of the image below the directory of the conversion."""
        return f"{check_name(self.image_path.removesuffix(_MENDED) + self._suffix)}{_MENDED}"


class ImageInPlate(CollectionInterface):
    """An image in a well of a plate.

    Attributes
    ----------
    plate_name : str
        Name of the plate; ``.zarr`` is added.
    row : str
        Name of the row; a whole number from 1 to 26 becomes a letter.
    column : int
        Number of the column, from 1.
    acquisition : int
        Number of the acquisition, from 0; the name of the image in its well.
    """

    plate_name: str
    row: str
    column: int = Field(ge=1)
    acquisition: int = Field(default=0, ge=0)

    @field_validator("row", mode="before")
    @classmethod
    def row_to_str(cls, v: Any) -> Any:
        """Return the name of a row, of a number the letter.

        Parameters
        ----------
        v : str or int
            As given.

        Raises
        ------
        ValueError
            If it is a number that has no letter.
        """
        if isinstance(v, str) or v is None or isinstance(v, bool):
            return v
        try:
            number = int(v)
        except (TypeError, ValueError):
            return v
        if number != v or not 1 <= number <= len(string.ascii_uppercase):
            raise ValueError(f"row {v!r} is no whole number from 1 to 26; give its name")
        return string.ascii_uppercase[number - 1]

    @field_validator("plate_name", "row")
    @classmethod
    def _allowed(cls, name: str) -> str:
        return check_name(name)

    @property
    def well(self) -> str:
        """Name of the well, such as "A01"."""
        return f"{self.row}{self.column:02d}"

    def plate_path(self) -> str:
        """Return the path of the plate below the directory of the conversion."""
        return f"{check_name(self.plate_name.removesuffix(_MENDED))}{_MENDED}"

    def well_path(self) -> str:
        """Return the path of the well in the plate."""
        return f"{check_name(self.row)}/{self.column:02d}"

    def path_in_well(self) -> str:
        """Return the name of the image in its well."""
        return check_name(f"{self.acquisition}{self._suffix}")

    def image_in_well_path(self) -> str:
        """Return the path of the image in the plate."""
        return f"{self.well_path()}/{self.path_in_well()}"

    def path(self) -> str:
        """Return the path of the image below the directory of the conversion."""
        return f"{self.plate_path()}/{self.image_in_well_path()}"
