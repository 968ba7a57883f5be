"""The tables of a position or a plate, copied to another store or taken as keys and values."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from iohub.formats.ome_arrow.table_files import MOST
from iohub.nodes import tables
from iohub.nodes.plate import Plate
from iohub.nodes.position import Position
from iohub.nodes.session import Session
from iohub.storage.group import ZarrGroup
from iohub.storage.hierarchy import group_documents
from iohub.storage.keys import join
from iohub.storage.local import LocalBytes
from iohub.storage.tree_copy import copy_tree
from iohub.storage.units import UnitWriter

if TYPE_CHECKING:
    from iohub.convert.plan import Plan
    from iohub.metadata.versions import Spelling
    from iohub.storage.protocol import ByteStore, WritableByteStore


def copy_tables(
    node: Position | Plate, store: WritableByteStore, path: str, spelling: Spelling
) -> None:
    """Copy the tables of a node below a group of another store, replacing those that are there.

    Parameters
    ----------
    node : Position or Plate
        Whose tables.
    store : WritableByteStore
        Where to.
    path : str
        The group there that gets them; it exists.
    spelling : Spelling
        Version of that group.
    """
    target = ZarrGroup(store, path, spelling.zarr_format)
    store.delete_dir(join(path, tables.FOLDER))
    source = node.tables
    same = node._group.zarr_format == spelling.zarr_format
    rewritten = [] if same else tables.with_text_arrays(source)
    with UnitWriter() as writer:
        copy_tree(
            source._group,
            target,
            tables.FOLDER,
            attrs=lambda attrs, path: attrs,
            writer=writer,
            skip=rewritten,
        )
    session = Session(url=store.url, mode="r+")
    made = type(node)(target, False, version=spelling.version, session=session)
    for name in rewritten:
        made.tables.put(name, source[name], source.info(name))


def plate_with_tables(plan: Plan) -> Plate | None:
    """Return the plate whose tables a destination gets; None if it has none, or is no plate."""
    node = plan.node
    return node if isinstance(node, Plate) and plan.layout == "hcs" and len(node.tables) else None


def travel(node: Position | Plate) -> bool:
    """Whether the tables of a node are small enough to be held in a column of text."""
    return _size(node._group.store, node.tables._group.path) <= MOST


def files_of_tables(node: Position | Plate, spelling: Spelling) -> dict[str, bytes]:
    """Return the tables of a node as keys and values of a store.

    Parameters
    ----------
    node : Position or Plate
        Whose tables.
    spelling : Spelling
        Version that the documents among them are of.
    """
    with TemporaryDirectory(prefix="iohub-tables-") as folder:
        store = LocalBytes(folder)
        for key, value in group_documents("", spelling.zarr_format, {}):
            store.set(key, value)
        copy_tables(node, store, "", spelling)
        found = {key: store.get(key) for key in _keys(store, tables.FOLDER)}
    return {key: value for key, value in found.items() if value is not None}


def _keys(store: ByteStore, path: str) -> list[str]:
    folders, names = store.list_dir(path)
    below = [key for name in folders for key in _keys(store, join(path, name))]
    return [*(join(path, name) for name in names), *below]


def _size(store: ByteStore, path: str) -> int:
    return sum(len(store.get(key) or b"") for key in _keys(store, path))
