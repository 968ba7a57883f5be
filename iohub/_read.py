"""``read_images``: the positions of whatever is at a path, for people who look for that name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from iohub._open import open_ome_zarr
from iohub.errors import LayoutError, MissingNodeError
from iohub.nodes.position import Position

if TYPE_CHECKING:
    from iohub.storage.location import StoreLike


def read_images(path: StoreLike, **kwargs: Any) -> Images:
    """Open images of any format that iohub knows, for reading.

    The same as :func:`open_ome_zarr`, seen as a list of positions.

    Parameters
    ----------
    path : str, Path, zarr Store or StorePath
        A file, a folder or a store; ``iohub formats`` lists the formats.
    **kwargs
        For :func:`open_ome_zarr`.

    Returns
    -------
    Images
        Its positions by name.

    Raises
    ------
    LayoutError
        If there are no positions in what is there, such as in a scene.
    IohubError
        As :func:`open_ome_zarr`.

    Examples
    --------
    >>> with read_images("scan.ome.tif") as images:
    ...     for name, position in images:
    ...         print(name, position.data.shape, position.channel_names)
    """
    return Images(open_ome_zarr(path, **kwargs))


class Images:
    """Positions of a node, as pairs of name and position.

    Parameters
    ----------
    node : Plate, Series, Well or Position
        What was opened; a position that is alone is called ``"0"``.
    """

    def __init__(self, node: Any):
        self.node = node
        if not isinstance(node, Position) and not hasattr(node, "positions"):
            node.close()
            raise LayoutError(
                f"{node.url} is a {type(node).__name__} and has no positions; open it with "
                "open_ome_zarr(...)"
            )

    def __iter__(self) -> Iterator[tuple[str, Position]]:
        if isinstance(self.node, Position):
            return iter([("0", self.node)])
        found: Iterator[tuple[str, Position]] = self.node.positions()
        return found

    def keys(self) -> list[str]:
        """Names of the positions."""
        return [name for name, _ in self]

    def __len__(self) -> int:
        return len(self.keys())

    def __getitem__(self, key: str | int) -> Position:
        """Get a position by its name, or by its number.

        Raises
        ------
        MissingNodeError
            If there is none; a :class:`KeyError`.
        """
        names = self.keys()
        if isinstance(key, int) and -len(names) <= key < len(names):
            key = names[key]
        if key not in names:
            raise MissingNodeError(key, self.node.url, names)
        position: Position = self.node if isinstance(self.node, Position) else self.node[key]
        return position

    @property
    def channel_names(self) -> list[str]:
        """Channel names, those of the first position if they differ."""
        names: list[str] = self.node.channel_names
        return names

    def close(self) -> None:
        """Close the file."""
        self.node.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Images of {self.node!r}>"
