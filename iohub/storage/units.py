"""The one way that whole chunks and shards are composed, encoded and written once.

A *unit* is a chunk, or a shard where there are shards. :func:`plan` says which pieces of work
there are, :class:`UnitWriter` writes them in threads within a memory budget, :class:`Composer`
collects blocks that arrive in any order and shape into units; :func:`copy`, :func:`copy_axis`
and :func:`write_array` write whole arrays. This file only gathers these names.
"""

from __future__ import annotations

from iohub.storage.axis_copy import copy_axis
from iohub.storage.composer import Composer
from iohub.storage.copying import Source, copy, write_array
from iohub.storage.pieces import Unit, piece_shape, plan
from iohub.storage.unit_writer import UnitWriter

__all__ = [
    "Composer",
    "Source",
    "Unit",
    "UnitWriter",
    "copy",
    "copy_axis",
    "piece_shape",
    "plan",
    "write_array",
]
