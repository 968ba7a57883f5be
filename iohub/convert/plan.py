"""What a conversion will do, before it does anything: data that can be printed and tested."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iohub.convert.documents import Taken
from iohub.convert.sizes import show_bytes

if TYPE_CHECKING:
    from iohub.convert.options import Options
    from iohub.convert.sources import Source
    from iohub.metadata.versions import Spelling
    from iohub.nodes.base import NGFFNode
    from iohub.nodes.multiscale import MultiscaleNode
    from iohub.pyramids.plan import LevelPlan
    from iohub.storage.protocol import Array
    from iohub.storage.spec import ArraySpec
    from iohub.types import PyramidMethod, Shape


@dataclass(frozen=True)
class Job:
    """Arrays that are made from one reading of one array.

    Attributes
    ----------
    source : Array
        What is read.
    targets : tuple of (str, ArraySpec)
        Paths below the position, and what the arrays are like; level 0 first.
    plans : tuple of LevelPlan
        Of the targets after the first.
    method : str
        By which they are made.
    """

    source: Array
    targets: tuple[tuple[str, ArraySpec], ...]
    plans: tuple[LevelPlan, ...] = ()
    method: PyramidMethod = "mean"

    @property
    def nbytes(self) -> int:
        """Pixels that are read [bytes]."""
        return self.source.spec.nbytes

    @property
    def units(self) -> int:
        """Chunks, or shards, that are written at most."""
        return sum(_product(spec.unit_grid) for _, spec in self.targets)

    def described(self) -> list[object]:
        """Return what decides the stored bytes; JSON."""
        return [
            [[path, spec.shape, spec.dtype.str, spec.metadata] for path, spec in self.targets],
            [plan.factors for plan in self.plans],
            self.method if self.plans else "",
        ]


@dataclass(frozen=True)
class ImagePlan:
    """How a position is converted.

    Attributes
    ----------
    source : Source
        Where from.
    place : str
        Path in the destination, ``""`` for its root.
    taken : Taken
        What is taken of the image.
    labels : tuple of (str, MultiscaleNode, Taken)
        Paths of label images, and what is taken of them.
    jobs : tuple of Job
        The arrays.
    tables : tuple of str
        Names of tables, which are copied.
    identity : str
        Changes whenever the stored pixels would be others.
    kept, lost : tuple of str
        Metadata without a place of their own; what is left out.
    """

    source: Source
    place: str
    taken: Taken
    labels: tuple[tuple[str, MultiscaleNode, Taken], ...]
    jobs: tuple[Job, ...]
    tables: tuple[str, ...]
    identity: str
    kept: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Pixels that are read [bytes]."""
        return sum(job.nbytes for job in self.jobs)


@dataclass(frozen=True)
class Plan:
    """A conversion that can be run; :meth:`describe` says what it will do.

    Attributes
    ----------
    node : NGFFNode
        What is converted.
    url : str
        The destination.
    format : str
        Name of its format.
    layout : str
        ``"hcs"``, ``"fov"`` or ``"series"``.
    spelling : Spelling
        Version of OME-Zarr in which it is described.
    images : tuple of ImagePlan
        Its positions.
    options : Options
        As they were given.
    memory : int
        What pixels may take [bytes].
    identity : str
        Same for all calls that may write to one destination together.
    left : tuple of str
        What is left out of the groups above its positions.
    """

    node: NGFFNode
    url: str
    format: str
    layout: str
    spelling: Spelling
    images: tuple[ImagePlan, ...]
    options: Options
    memory: int
    identity: str
    left: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Pixels that are read [bytes]."""
        return sum(image.nbytes for image in self.images)

    @property
    def kept(self) -> list[str]:
        """What the format has no place for and is kept under the key ``iohub``."""
        return counted(what for image in self.images for what in image.kept)

    @property
    def lost(self) -> list[str]:
        """What is left out."""
        each = counted(what for image in self.images for what in image.lost)
        return [*each, *dict.fromkeys(self.left)]

    def describe(self) -> str:
        """Return the plan as some lines of text."""
        names = {"hcs": "a plate", "fov": "an image", "series": "a series of images"}
        count = len(self.images)
        units = sum(job.units for image in self.images for job in image.jobs)
        lines = [
            f"{self.node.url} → {self.url}",
            f"as {names[self.layout]} in {self.format}: {count:,} position{'s' * (count != 1)}, "
            f"{show_bytes(self.nbytes)} to read, at most {units:,} chunks or shards to write, "
            f"{show_bytes(self.memory)} of memory for pixels",
        ]
        known: dict[str, list[ImagePlan]] = {}
        for image in self.images:
            known.setdefault("\n".join(_lines(image)), []).append(image)
        for text, images in known.items():
            places = [
                f"{image.source.key or '.'} → {image.place or '.'}"
                if image.source.key != image.place
                else image.place or "."
                for image in images
            ]
            more = f" and {len(places) - 3:,} more" if len(places) > 3 else ""
            lines += [", ".join(places[:3]) + more + ":", text]
        lines += [f"kept under the key 'iohub': {what}" for what in self.kept]
        lines += [f"left out: {what}" for what in self.lost]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.describe()


def counted(texts: Iterable[str]) -> list[str]:
    """Return each text once, with how many positions it is about."""
    counts = Counter(texts)
    return [
        f"{text} ({count:,} positions)" if count > 1 else text for text, count in counts.items()
    ]


def digest(*parts: object) -> str:
    """Return a short text that is another one for other parts; JSON, or what says itself."""
    raw = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(raw.encode(), digest_size=12).hexdigest()


def _lines(image: ImagePlan) -> list[str]:
    lines = []
    for job in image.jobs:
        for path, spec in job.targets:
            shards = f", shards {_sizes(spec.shards)}" if spec.shards else ""
            size = f"{_sizes(spec.shape)} {spec.dtype}"
            lines.append(f"  {path}: {size}, chunks {_sizes(spec.chunks)}{shards}")
    lines += [f"  table {name}" for name in image.tables]
    return lines


def _sizes(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _product(sizes: Shape) -> int:
    count = 1
    for size in sizes:
        count *= size
    return count
