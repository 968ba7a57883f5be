"""Several transformations as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iohub.metadata.transform_types import Identity, Sequence, Transform


def compose(transforms: Iterable[Transform]) -> Sequence:
    """Return one sequence of transformations, the first of which is applied first.

    Sequences inside are unfolded, identities are left out. It leads from the input of the first
    to the output of the last.

    Parameters
    ----------
    transforms : iterable of Transform
        None at all make an identity.
    """
    given = tuple(transforms)
    parts = tuple(_unfolded(given)) or (Identity(),)
    return Sequence(
        transformations=parts,
        input=given[0].input if given else None,
        output=given[-1].output if given else None,
    )


def _unfolded(transforms: Iterable[Transform]) -> Iterator[Transform]:
    for transform in transforms:
        if isinstance(transform, Sequence):
            yield from _unfolded(transform.transformations)
        elif not isinstance(transform, Identity):
            # Only the whole has ends: inside of a sequence they say nothing.
            yield transform.replace(input=None, output=None)
