"""Every chunk and every index of a shard is decoded; the pixels themselves are not looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iohub.models.validator.collector import Collector
from iohub.models.validator.decoding import broken_units
from iohub.models.validator.loading import Documents, Node
from iohub.storage import grid
from iohub.storage.keys import DOCUMENTS, OWN_PREFIX, join
from iohub.storage.protocol import ByteStore
from iohub.storage.spec import ArraySpec

_SHOWN = 20


def check_pixels(documents: Documents, node: Node, out: Collector) -> int:
    """Decode an array from end to end.

    Parameters
    ----------
    documents : Documents
        Says where it lies.
    node : Node
        The array.
    out : Collector
        Gets what is wrong.

    Returns
    -------
    int
        How many units, which are chunks or whole shards, there should be.
    """
    spec = node.spec
    if spec is None:
        return 0
    key = documents.key(node.path)
    broken = list(broken_units(documents.store, key, spec))
    for name, reason in broken[:_SHOWN]:
        out.array(node, "chunk-corrupt", f"{name} cannot be decoded: {reason:.200}")
    if len(broken) > _SHOWN:
        text = f"{len(broken) - _SHOWN} more chunks cannot be decoded"
        out.array(node, "chunk-corrupt", text)
    _check_outside(documents.store, key, node, spec, out)
    return grid.count_units(grid.full(spec.shape), spec.unit)


def _check_outside(store: ByteStore, key: str, node: Node, spec: ArraySpec, out: Collector) -> None:
    """Look for files that are no chunk of the array; only where listing is cheap."""
    if not store.has_tokens:
        return
    strange = []
    for name in _files_below(store, key):
        if not _is_unit(name, spec):
            strange.append(name)
    if strange:
        shown = ", ".join(sorted(strange)[:5])
        text = f"{len(strange)} files are no chunks of the array: {shown}"
        out.array(node, "chunk-outside", text, weight="may")


def _files_below(store: ByteStore, key: str, below: str = "") -> Iterator[str]:
    folders, files = store.list_dir(join(key, below))
    for name in files:
        if not name.startswith(OWN_PREFIX) and (below or name not in DOCUMENTS):
            yield join(below, name)
    for name in folders:
        yield from _files_below(store, key, join(below, name))


def _is_unit(name: str, spec: ArraySpec) -> bool:
    parts: Sequence[str] = name.split(spec.separator)
    if spec.key_prefix:
        if parts[0] != spec.key_prefix:
            return False
        parts = parts[1:]
    if spec.ndim == 0:
        return name == spec.unit_key(())
    counts = spec.unit_grid
    return len(parts) == len(counts) and all(
        part.isascii() and part.isdecimal() and str(int(part)) == part and int(part) < count
        for part, count in zip(parts, counts, strict=True)
    )
