"""The walk through a hierarchy, level by level, so that all documents of a level are one batch.

Each check is a generator: it yields what it needs to read and gets it when the others have said
what they need.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeAlias

from iohub.metadata import own
from iohub.models.validator import labels, plates
from iohub.models.validator.collector import Collector
from iohub.models.validator.labels import LABELS
from iohub.models.validator.levels import check_array, check_keys, check_levels
from iohub.models.validator.loading import Documents, Node, Want
from iohub.models.validator.members import (
    Image,
    Level,
    Place,
    objects,
    stored_parameters,
)
from iohub.models.validator.parameters import check_parameters
from iohub.models.validator.scenes import check_scene_images, image_paths
from iohub.models.validator.series import XML, SeriesSearch, check_layout, check_series
from iohub.models.validator.unlisted import check_unlisted
from iohub.storage.keys import join

Check: TypeAlias = Generator[Sequence[Want], list[Node], None]
Levels: TypeAlias = list[tuple[Level, Node]]
Labelled: TypeAlias = tuple[Node, Sequence[Image], list[Levels]]

_BATCH = 4096


class Walk:
    """Goes through a hierarchy by its metadata.

    Parameters
    ----------
    documents : Documents
        Reads it.
    out : Collector
        Gets what is wrong.
    """

    def __init__(self, documents: Documents, out: Collector):
        self.documents, self.out = documents, out
        self.groups: dict[str, Node] = {}
        self.arrays: dict[str, Node] = {}
        self._checks: list[Check] = []

    def run(self, root: Node) -> None:
        """Check everything from a group on.

        Parameters
        ----------
        root : Node
            The group.
        """
        self.out.version = root.meta.version
        self._count(root)
        self._start(self._group(root))
        waiting = self._checks
        while waiting:
            self._checks = []
            for start in range(0, len(waiting), _BATCH):
                self._advance(waiting[start : start + _BATCH])
            waiting = self._checks
        if self.documents.store.has_tokens:
            self._other_formats()

    def _other_formats(self) -> None:
        """Look for documents of the other Zarr format beside those that were read."""
        store, documents = self.documents.store, self.documents
        for nodes, older in ((self.groups, ".zgroup"), (self.arrays, ".zarray")):
            for node in nodes.values():
                other = older if node.zarr_format == 3 else "zarr.json"
                if store.token(documents.key(node.path, other)) is not None:
                    text = f"there is {other!r} too: readers may take either Zarr format"
                    self.out.array(node, "zarr-formats", text, weight="should")

    def _start(self, check: Check) -> None:
        self._checks.append(check)

    def _advance(self, checks: Sequence[Check]) -> None:
        """Take each check to what it needs, read all of that, and let each go on with its part."""
        begun = [(check, next(check, None)) for check in checks]
        wanted = [(check, wants) for check, wants in begun if wants is not None]
        while wanted:
            found = self.documents.load([want for _, wants in wanted for want in wants])
            for node in found:
                self._count(node)
            rest, start = [], 0
            for check, wants in wanted:
                mine = found[start : start + len(wants)]
                start += len(wants)
                try:
                    rest.append((check, check.send(mine)))
                except StopIteration:
                    continue
            wanted = rest

    def _count(self, node: Node) -> None:
        if node.what == "group":
            self.groups.setdefault(node.path, node)
        elif node.what == "array":
            self.arrays.setdefault(node.path, node)

    # -- groups ------------------------------------------------------------------------------

    def _group(self, node: Node, plate: Node | None = None) -> Check:
        """Check a group and what its metadata name."""
        if not self._own(node):
            return
        ome = node.meta.ome
        if ome.get("plate") is not None:
            yield from self._plate(node)
        if ome.get("multiscales") is not None:
            yield from self._image(node)
        if ome.get(LABELS) is not None:
            yield from self._labels(node, None)
        if ome.get("well") is not None:
            yield from self._well(node, plate)
        if ome.get("scene") is not None or own.images(node.meta.attrs):
            yield from self._scene(node)
        if ome.get("bioformats2raw.layout") is not None:
            check_layout(node, self.out)
            if ome.get("plate") is None:
                yield from self._series(node)

    def _own(self, node: Node) -> bool:
        """Check the document of a group; return whether there is more to check."""
        self.out.document(node)
        if node.what != "group":
            return False
        self.out.metadata(node)
        version, first = node.meta.version, self.out.version
        if version is not None and node.meta.kind is not None and version != first:
            text = f"is of OME-Zarr {version}, in a hierarchy of OME-Zarr {first}"
            self.out.member(node, "version-mixed", text)
        return version is not None

    def _plate(self, node: Node) -> Check:
        listed = plates.well_paths(node)
        rows = labels.in_between(node.path, [path for _, path in listed])
        wells = [Want(join(node.path, path)) for _, path in listed]
        found = yield [*map(Want, rows), *wells]
        there = found[len(rows) :]
        self._check_between(found[: len(rows)], there)
        plates.check_wells(node, listed, there, self.out)
        for well in there:
            if well.what == "broken":
                self.out.document(well)
            elif well.what == "group":
                plates.check_acquisitions(node, well, self.out)
                self._start(self._group(well, node))
        check_unlisted(self.documents, node, [path for _, path in listed], "well", self.out)

    def _well(self, node: Node, plate: Node | None) -> Check:
        listed = plates.field_paths(node)
        found = yield [Want(join(node.path, path)) for _, path in listed]
        plates.check_fields(node, listed, found, self.out)
        for field in found:
            if field.what in ("group", "broken"):
                self._start(self._group(field))
        check_unlisted(self.documents, node, [path for _, path in listed], "field", self.out)

    def _check_between(self, groups: Sequence[Node], below: Sequence[Node]) -> None:
        """Check that there are groups between one and what lies below it."""
        for group in groups:
            if group.what == "group":
                continue
            under = [n for n in below if n.path.startswith(group.path + "/")]
            if group.what != "missing":
                self.out.document(group)
            elif any(node.what in ("group", "array") for node in under):
                text = "there is something below, and no document of a group"
                self.out.array(group, "group-absent", text)

    # -- images ------------------------------------------------------------------------------

    def _image(self, node: Node) -> Check:
        """Check an image, the label images beside it, and what else it names."""
        images = node.meta.images
        [levels, group] = yield from self._levels_of(node, images, LABELS)
        self._check_images(node, images, levels)
        yield from self._parameters(node, "multiscales")
        if group is None or group.what == "missing":
            if group is not None and self.documents.store.has_tokens:
                names = self.documents.store.list_dir(self.documents.key(group.path))[0]
                below = yield [Want(join(group.path, name), "any", True) for name in names]
                self._check_between([group], below)
            for image in images:
                labels.check_links(node, image, {}, self.out)
        elif self._own(group):
            parent = (node, images, levels) if len(images) == 1 else None
            yield from self._labels(group, parent)

    def _levels_of(
        self, node: Node, images: Sequence[Image], beside: str = ""
    ) -> Generator[Sequence[Want], list[Node], tuple[list[Levels], Node | None]]:
        """Read the arrays of images, and a group beside them."""
        counts = [len(image.levels) for image in images]
        paths = [level.path for image in images for level in image.levels]
        between = labels.in_between(node.path, paths)
        wants = [Want(join(node.path, path), "array") for path in paths]
        wants += map(Want, between)
        if beside:
            wants.append(Want(join(node.path, beside), optional=True))
        found = yield wants
        self._check_between(found[len(paths) : len(paths) + len(between)], found[: len(paths)])
        levels, start = [], 0
        for image, count in zip(images, counts, strict=True):
            levels.append(list(zip(image.levels, found[start : start + count], strict=True)))
            start += count
        return levels, found[-1] if beside else None

    def _check_images(self, node: Node, images: Sequence[Image], levels: list[Levels]) -> None:
        for image, found in zip(images, levels, strict=True):
            check_levels(node, image, found, self.out)
            if self.documents.store.has_tokens:
                for _, array in found:
                    check_keys(
                        array, self.documents.key(array.path), self.documents.store, self.out
                    )

    def _parameters(self, node: Node, member: str) -> Check:
        """Check what transformations have stored."""
        ome = node.meta.ome
        named = [
            each
            for where, value in _transformations(ome, member)
            for each in stored_parameters(value, *where)
        ]
        if not named:
            return
        found = yield [Want(join(node.path, path), "any") for _, path, _ in named]
        for (kind, path, where), stored in zip(named, found, strict=True):
            check_parameters(node, kind, path, where, stored, self.out)
            if stored.spec is not None:
                check_array(stored, stored.spec, self.out)
            elif stored.what == "group":
                self._start(self._group(stored))

    # -- labels ------------------------------------------------------------------------------

    def _labels(self, group: Node, parent: Labelled | None) -> Check:
        listed = labels.label_paths(group)
        between = labels.in_between(group.path, [path for _, path in listed])
        wants = [Want(join(group.path, path)) for _, path in listed]
        found = yield [*wants, *map(Want, between)]
        there = found[: len(listed)]
        self._check_between(found[len(listed) :], there)
        labels.check_listed(group, listed, there, self.out)
        for label in there:
            if label.what in ("group", "broken"):
                self._start(self._label(label, parent))
        if parent is not None:
            node, images, _ = parent
            by_path = {
                f"{LABELS}/{path}": label for (_, path), label in zip(listed, there, strict=True)
            }
            for image in images:
                labels.check_links(node, image, by_path, self.out)
        if group.zarr_format == 3:
            check_unlisted(self.documents, group, [path for _, path in listed], "label", self.out)

    def _label(self, label: Node, parent: Labelled | None) -> Check:
        if not self._own(label) or label.meta.ome.get("multiscales") is None:
            return
        images = label.meta.images
        levels, _ = yield from self._levels_of(label, images)
        self._check_images(label, images, levels)
        yield from self._parameters(label, "multiscales")
        whole = None if parent is None else (parent[1][0], parent[2][0])
        for image, found in zip(images, levels, strict=True):
            labels.check_label(label, image, found, whole, self.out)
        labels.check_source(label, None if parent is None else parent[0].path, self.out)

    # -- scenes and series ---------------------------------------------------------------------

    def _scene(self, node: Node) -> Check:
        paths = image_paths(node)
        # Those that only iohub knows of may wait for their pixels, or be gone.
        noted = [path for path in own.images(node.meta.attrs) if path not in paths]
        wanted = [Want(join(node.path, path)) for path in paths]
        found = yield [*wanted, *(Want(join(node.path, path), optional=True) for path in noted)]
        check_scene_images(node, dict(zip(paths, found, strict=False)), self.out)
        for image in found:
            if image.what in ("group", "broken"):
                self._start(self._group(image))
        yield from self._parameters(node, "scene")

    def _series(self, node: Node) -> Check:
        search = SeriesSearch(node)
        [about] = yield [Want(join(node.path, "OME"), optional=True)]
        if about.what == "broken" or (about.what == "group" and not self._own(about)):
            self.out.document(about)
        images: list[Node] = []
        while paths := search.next_paths(about, images):
            images += yield [Want(join(node.path, path), optional=search.probing) for path in paths]
        key = self.documents.key(node.path, XML)
        xml = self.documents.store.get(key)
        images = check_series(node, about, search, images, xml, self.out)
        for image in images:
            self._start(self._group(image))


def _transformations(ome: object, member: str) -> list[tuple[Place, object]]:
    held: list[tuple[Place, object]] = []
    name = "coordinateTransformations"
    if isinstance(ome, dict) and member == "scene" and isinstance(ome.get(member), dict):
        held.append(((member, name), ome[member].get(name)))
    for index, image in objects(ome, member):
        held.append(((member, index, name), image.get(name)))
    return held
