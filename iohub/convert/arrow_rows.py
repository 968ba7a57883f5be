"""The positions of a plan as rows of a table of OME-Arrow; whoever writes them is not known here.

A position is a row; its lower resolutions and label images are rows after those of all positions,
as readers that take the first row want the full resolution of the first image there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from iohub.convert.documents import image_attributes, with_frames
from iohub.convert.tables_beside import files_of_tables, travel
from iohub.formats.ome_arrow.described import Laid, description
from iohub.formats.ome_arrow.image import AXES
from iohub.formats.ome_arrow.rows_to_write import Row
from iohub.formats.ome_arrow.siblings import NOTE, Note
from iohub.formats.ome_arrow.table_files import TABLES, dump_files
from iohub.metadata import edits_labels
from iohub.metadata.acquisition import read_acquisition
from iohub.metadata.documents import thaw
from iohub.metadata.labels import LabelsMeta
from iohub.metadata.respelling import respelled
from iohub.nodes.plate import Plate
from iohub.pyramids.reduce import reduce
from iohub.storage.keys import join, parents, place_name

if TYPE_CHECKING:
    from iohub.convert.plan import ImagePlan, Job, Plan
    from iohub.types import JsonObject, NDArray

Tell = Callable[[int], object]

BLOCK_BYTES: Final = 64 << 20
"""Images up to this size are read at once, others by some planes at a time [bytes]."""


def rows(plan: Plan, tell: Tell, above: Mapping[str, JsonObject] | None = None) -> Iterator[Row]:
    """Return the rows of a plan: full resolutions of all positions, then all else.

    Parameters
    ----------
    plan : Plan
        What is taken.
    tell : callable
        Told how many bytes of pixels were read.
    above : mapping of str to dict, optional
        Attributes of the groups above the positions, where a format has no other place for them.
    """
    images = [
        _Image(plan, image, tell, (above or {}) if number == 0 else {})
        for number, image in enumerate(plan.images)
    ]
    for image in images:
        yield from image.rows(first=True)
    for image in images:
        yield from image.rows(first=False)


@dataclass(frozen=True)
class _Image:
    """A position that becomes rows."""

    plan: Plan
    image: ImagePlan
    tell: Tell
    above: Mapping[str, JsonObject]

    def rows(self, *, first: bool) -> Iterator[Row]:
        """Return its row of full resolution, or all others."""
        groups: dict[str, JsonObject] | None = None
        for job in self.image.jobs:
            for level, (path, _) in enumerate(job.targets):
                above, _, name = path.rpartition("/")
                names = self._names(above)
                is_first = not above and name == names[0]
                if is_first == first:
                    groups = groups or self._groups()
                    yield self._row(job, level, path, groups)

    def _row(self, job: Job, level: int, path: str, groups: Mapping[str, JsonObject]) -> Row:
        plan, place = self.plan, self.image.place
        above, _, name = path.rpartition("/")
        document = plan.spelling.parse_image(groups[above])
        names = self._names(above)
        number = names.index(name)
        axes = document.multiscales[0].axes
        laid = Laid.of(axes, self.image.source.position.url)
        spec = job.targets[level][1]
        sizes = laid.sizes(spec.shape)
        known = self.image.source.position.name or place_name(plan.node.url).partition(".")[0]
        position = place or known or "image"
        said = description(
            document,
            number,
            laid,
            sizes,
            spec.dtype.newbyteorder("=").name,
            image_id=position if not above and number == 0 else join(position, path),
            name=above.partition("/")[2] or document.multiscales[0].name or position,
            image_type="label" if above else "image",
            record=read_acquisition(groups[""]),
        )
        kept = self._kept(above, number, groups)
        over = {} if above or number else self.above
        note = Note(
            laid.letters,
            laid.names,
            tuple(names) if kept else (),
            kept,
            over,
            thaw(spec.attributes),
            spec.big_endian,
        )
        parts = place.split("/") if plan.layout == "hcs" else [None, None, place or None]
        siblings: dict[str, Any] = dict(zip(("row", "column", "fov"), parts, strict=True))
        siblings |= {
            "plate": plate_name(plan),
            "array": path,
            "level": number,
            "image_type": said.image_type,
            "label_of": position if above else None,
            NOTE: note.dump(),
        }
        if not above and not number and self.image.tables:
            siblings[TABLES] = self._tables
        return Row(said, lambda: _planes(job, level, laid, self.tell), siblings)

    def _tables(self) -> str | None:
        """Return the tables of the position as text; None if they are too large."""
        position = self.image.source.position
        if not travel(position):
            return None
        return dump_files(files_of_tables(position, self.plan.spelling))

    def _names(self, above: str) -> list[str]:
        """Return the paths of all levels of the image, or of a label image."""
        paths = [path for job in self.image.jobs for path, _ in job.targets]
        return [path.rpartition("/")[2] for path in paths if path.rpartition("/")[0] == above]

    def _kept(
        self, above: str, number: int, groups: Mapping[str, JsonObject]
    ) -> dict[str, JsonObject]:
        """Return the groups whose attributes a row notes."""
        if number:
            return {}
        if above:
            return {above: groups[above]}
        labels = [path for path, _, _ in self.image.labels]
        return {path: attrs for path, attrs in groups.items() if path not in labels}

    def _groups(self) -> dict[str, JsonObject]:
        """Return the attributes of the position and of the groups below it."""
        spelling, position, image = self.plan.spelling, self.image.source.position, self.image
        attrs, _ = image_attributes(position, image.taken, spelling)
        attrs, _ = with_frames(attrs, position, image.taken)
        groups = {"": attrs}
        if not image.labels:
            return groups
        names = tuple(path.partition("/")[2] for path, _, _ in image.labels)
        group = position.labels._group
        said = group.attrs() if group.exists() else {}
        listed = respelled(said, position._spelling, spelling)
        groups[edits_labels.FOLDER] = spelling.dump_labels(LabelsMeta(labels=names), listed)
        for path, label, taken in image.labels:
            for above in parents(path):
                if above and above not in groups:
                    groups[above] = spelling.empty_group()
            groups[path] = image_attributes(label, taken, spelling)[0]
        return groups


def _planes(job: Job, level: int, laid: Laid, tell: Tell) -> Iterator[NDArray]:
    """Return the planes (Y, X) of a level, in the order of t, c and z."""
    for block in _blocks(job, level, tell):
        kept = [letter for letter in AXES if letter in laid.letters]
        ordered = block.transpose([laid.letters.index(letter) for letter in kept])
        missing = tuple(i for i, letter in enumerate(AXES) if letter not in laid.letters)
        whole = np.ascontiguousarray(np.expand_dims(ordered, missing))
        yield from whole.reshape(-1, *whole.shape[3:])


def _blocks(job: Job, level: int, tell: Tell) -> Iterator[NDArray]:
    """Return the pixels of a level in blocks that follow each other in a record."""
    source = job.source
    shape, itemsize = source.spec.shape, source.spec.dtype.itemsize
    if level or source.spec.nbytes <= BLOCK_BYTES:
        whole = source.read(tuple(slice(0, size) for size in shape))
        if not level:
            tell(whole.nbytes)
        for plan in job.plans[:level]:
            whole = reduce(whole, plan.factors, job.method)
        yield whole
        return
    # One index of the outer axes at a time, and as many planes as fit: the chunks of a plane are
    # decoded together, and those of a stack as far as the budget reaches.
    inner = max(1, len(shape) - 3)
    plane = prod(shape[-2:]) * itemsize
    step = max(1, BLOCK_BYTES // plane)
    outer = [range(size) for size in shape[:inner]] if len(shape) > 3 else [range(0, 1)]
    for index in product(*outer):
        fixed = tuple(slice(i, i + 1) for i in index) if len(shape) > 3 else ()
        depth = shape[-3] if len(shape) > 2 else 1
        for first in range(0, depth, step):
            rest = [slice(first, min(depth, first + step))] if len(shape) > 2 else []
            region = (*fixed, *rest, *(slice(0, size) for size in shape[-2:]))
            block = source.read(region)
            tell(block.nbytes)
            yield block


def plate_name(plan: Plan) -> str | None:
    """Return the name of the plate that is converted."""
    return plan.node.metadata.name if isinstance(plan.node, Plate) else None
