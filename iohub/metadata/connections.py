"""Whether coordinate systems hang together through transformations, in whichever direction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from iohub.errors import Problem
from iohub.metadata.coordinate_systems import SystemReference
from iohub.metadata.documents import Findings
from iohub.metadata.transform_types import Transform

_Key = tuple[str | None, str | None]


def check_connected(
    systems: Iterable[str], transforms: Sequence[Transform], where: str, found: Findings
) -> None:
    """Check that from every system there is a way to every other.

    The systems of another group count as one: that group connects them itself.

    Parameters
    ----------
    systems : iterable of str
        Names of the group's own systems.
    transforms : sequence of Transform
        Between them, and to systems elsewhere.
    where : str
        JSON pointer of the systems.
    found : Findings
        Gets what is wrong.
    """
    parent: dict[_Key, _Key] = {}

    def root(key: _Key) -> _Key:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    nodes: dict[_Key, str] = {(name, None): repr(name) for name in systems}
    for transform in transforms:
        if transform.input is not None and transform.output is not None:
            ends = _key(transform.input), _key(transform.output)
            for key, end in zip(ends, (transform.input, transform.output), strict=True):
                nodes.setdefault(key, end.describe())
            parent[root(ends[0])] = root(ends[1])
    first = next(iter(nodes), None)
    for key, described in nodes.items():
        if first is not None and root(key) != root(first):
            text = f"no transformation connects {described} with {nodes[first]}"
            found.should.append(Problem(where, text, "systems-connected"))
            return


def _key(end: SystemReference) -> _Key:
    return (end.name, None) if end.path is None else (None, end.path)
