"""Verbs of a position about its resolution levels: plan, fill, delete."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from iohub.errors import IohubError, PyramidError
from iohub.metadata import edits_image
from iohub.metadata.transforms import compose, scale_translation
from iohub.nodes.placement import PlacementVerbs
from iohub.pyramids.build import MEMORY, build
from iohub.pyramids.plan import DOWNSCALE, LevelPlan, check_method, plan_existing, plan_levels
from iohub.storage.array import ZarrArray
from iohub.storage.spec import ArraySpec

if TYPE_CHECKING:
    from iohub.metadata.image import ImageMeta
    from iohub.pyramids.plan import Downscale
    from iohub.storage.transaction import Transaction
    from iohub.types import PyramidMethod


class PyramidVerbs(PlacementVerbs):
    """Make, fill and delete the lower resolution levels of a position."""

    def initialize_pyramid(self, levels: int, *, downscale: Downscale = DOWNSCALE) -> None:
        """Initialize the pyramid arrays with a down scaling of 2 per level.

        Odd sizes are rounded up. Each level has its true scale and the translation of half a
        pixel that binning makes. The levels are zeros until :meth:`compute_pyramid` fills them.

        Parameters
        ----------
        levels : int
            Number of down scaling levels, if levels is 1 nothing happens.
        downscale : sequence of str or mapping of str to int
            Axes that are halved, by default z, y and x; a mapping gives the factor of each.

        Raises
        ------
        PyramidError
            If there is no image, or a pyramid already; a :class:`ValueError`.
        """
        document = self._pyramid_document()
        self._session.check_writable()
        _check_levels(levels)
        if levels == 1:
            return
        present = self._level_paths(document)
        if len(present) > 1:
            raise self._other_levels(len(present), levels)
        plans = self._new_plans(document, levels, downscale, "mean")
        with self._transaction() as edit:
            document = self._pyramid_document()
            names = _level_names(document, self._level_paths(document), levels)
            self._stage_levels(edit, document, names, plans)
            after = _with_levels(document, names, plans)
            edit.put_attrs("", self._dump(after, self._group.attrs()))

    def compute_pyramid(
        self,
        levels: int | None = None,
        method: PyramidMethod = "mean",
        *,
        downscale: Downscale = DOWNSCALE,
        memory: int = MEMORY,
        workers: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Compute pyramid by downsampling from source level.

        Creates pyramid structure if none exists. Uses cascade downsampling where each level is
        derived from the previous level. Level 0 is read once; the new levels take the place of the
        old ones when all are complete, so an interrupted call changes nothing. Other images of the
        position, which are no lower resolution of the first one, are left alone.

        Parameters
        ----------
        levels : int, optional
            Number of pyramid levels. If None, uses existing pyramid structure.
        method : {"mean", "median", "mode", "min", "max", "stride"}
            Downsampling method, by default "mean". Means of integers are rounded half to even;
            "mode" and "stride" make no new values, as label images need.
        downscale : sequence of str or mapping of str to int
            Axes that are halved in new levels, by default z, y and x; a mapping gives the factor
            of each.
        memory : int
            Decoded pixels to hold at a time [bytes].
        workers : int, optional
            Threads; by default one per processor.
        progress : callable, optional
            Called with pixels done and pixels in all.

        Raises
        ------
        PyramidError
            If level 0 array doesn't exist, pyramid structure is invalid, or if a pyramid already
            exists with a different number of levels; a :class:`ValueError`.

        Examples
        --------
        >>> position.compute_pyramid(levels=4)
        >>> position.compute_pyramid(method="max")  # the same levels again
        """
        check_method(method)
        self._session.check_writable()
        document = self._pyramid_document()
        count = len(self._level_paths(document))
        _check_levels(levels)
        if levels == 1 and count == 1:
            return
        if levels is None and count == 1:
            raise PyramidError(
                f"{self.url} has no pyramid yet; say how many levels, as in "
                "compute_pyramid(levels=3)"
            )
        if levels is not None and count > 1 and levels != count:
            raise self._other_levels(count, levels)
        with self._transaction() as edit:
            document = self._pyramid_document()
            present = self._level_paths(document)
            if len(present) != count:
                raise self._other_levels(len(present), levels or count)
            plans = (
                self._old_plans(document, present, method)
                if count > 1
                else self._new_plans(document, levels or 1, downscale, method)
            )
            names = _level_names(document, present, len(plans))
            source = self._level(names[0])
            targets = self._stage_levels(edit, document, names, plans)
            build(source, targets, plans, method, memory=memory, workers=workers, progress=progress)
            after = _with_levels(document, names, plans)
            after = edits_image.set_method(after, method, _details(method, plans))
            edit.put_attrs("", self._dump(after, self._group.attrs()))

    def delete_pyramid(self) -> None:
        """Delete all dataset pyramid levels except the base (level 0) array.

        Use this before calling compute_pyramid() with different levels on a position that already
        has a pyramid structure. This method removes both the zarr arrays and updates the OME-NGFF
        multiscales metadata to reflect the deletion. Other images of the position, which are no
        lower resolution of the first one, are left alone.

        Raises
        ------
        PyramidError
            If there is no image; a :class:`ValueError`.
        """
        self._session.check_writable()
        with self._transaction() as edit:
            document = self._pyramid_document()
            paths = self._level_paths(document)[1:]
            present = self._group.load_arrays(paths)
            for path, array in zip(paths, present, strict=True):
                # What is listed but already gone needs no deleting.
                if not isinstance(array, KeyError):
                    edit.delete(path)
            if paths:
                after = edits_image.set_method(_without(document, paths), None)
                edit.put_attrs("", self._dump(after, self._group.attrs()))

    # ---- how ----------------------------------------------------------------------------------

    def _pyramid_document(self) -> ImageMeta:
        document: ImageMeta | None = self._document()
        if document is None:
            raise PyramidError(f"{self.url} has no image to make a pyramid of")
        return document

    def _level_paths(self, document: ImageMeta) -> list[str]:
        """Return which images are the levels of the pyramid, the first one first.

        A position may hold more images, such as a mask or a crop. A lower level is one that is
        as much smaller as its pixels are larger, or one that is smaller and named in sequence.
        """
        multiscale = document.multiscales[0]
        paths, ndim = multiscale.get_dataset_paths(), len(multiscale.axes)
        if len(paths) == 1:
            return paths
        scales = [compose(d.coordinate_transformations, ndim)[0] for d in multiscale.datasets]
        shapes = [
            None if isinstance(found, IohubError) else found.spec.shape
            for found in self._group.load_arrays(paths)
        ]
        numbered = _numbered(paths[0], len(paths))
        levels = paths[:1]
        for path, scale, shape in zip(paths[1:], scales[1:], shapes[1:], strict=True):
            factors = [a / b if b > 0 else 1.0 for a, b in zip(scale, scales[0], strict=True)]
            smaller = _is_smaller(shape, shapes[0])
            if (smaller and path in numbered) or _is_reduced(shape, shapes[0], factors):
                levels.append(path)
        return levels

    def _other_levels(self, count: int, levels: int) -> PyramidError:
        return PyramidError(
            f"{self.url} has a pyramid of {count} levels, not {levels}; delete_pyramid() first, or "
            f"compute_pyramid() without levels to fill the {count} again"
        )

    def _level(self, path: str) -> ZarrArray:
        found = self._group.load_arrays([path])[0]
        if isinstance(found, IohubError):
            raise PyramidError(f"level {path!r} of {self.url} cannot be read: {found}") from found
        return found

    def _new_plans(
        self, document: ImageMeta, levels: int, downscale: Downscale, method: PyramidMethod
    ) -> tuple[LevelPlan, ...]:
        multiscale = document.multiscales[0]
        spec = self._level(multiscale.datasets[0].path).spec
        own = multiscale.datasets[0].coordinate_transformations
        scale, translation = compose(own, len(multiscale.axes))
        return plan_levels(
            spec.shape,
            multiscale.get_axis_names(),
            scale,
            translation,
            levels,
            downscale=downscale,
            method=method,
            chunks=spec.chunks,
            shards=spec.shards,
        )

    def _old_plans(
        self, document: ImageMeta, paths: Sequence[str], method: PyramidMethod
    ) -> tuple[LevelPlan, ...]:
        ndim = len(document.multiscales[0].axes)
        own = [compose(edits_image.own_transforms(document, path), ndim) for path in paths]
        shapes = [self._level(path).spec.shape for path in paths]
        scales: list[tuple[float, ...]] | None = [scale for scale, _ in own]
        mended = _rounded_up(shapes)
        if mended != shapes:
            # Another tool rounded down and lost the last pixels: the new levels keep them.
            shapes, scales = mended, None
        return plan_existing(shapes, own[0][0], own[0][1], scales=scales, method=method)

    def _stage_levels(
        self,
        edit: Transaction,
        document: ImageMeta,
        names: Sequence[str],
        plans: Sequence[LevelPlan],
    ) -> list[ZarrArray]:
        """Prepare the arrays of the lower levels, in the form of those they replace."""
        found = self._group.load_arrays(names)
        first = self._level(names[0]).spec
        known = document.multiscales[0].get_dataset_paths()
        staged = []
        for plan, name, old in zip(plans[1:], names[1:], found[1:], strict=True):
            if isinstance(old, IohubError):
                spec = spec_like(first, plan)
            elif name not in known:
                raise PyramidError(
                    f"there is an array {name!r} in {self.url} that is no level of the pyramid; "
                    "move it away or delete it"
                )
            else:
                spec = old.spec.resized(plan.shape)
                edit.replace(name)
            path = edit.stage_array(name, spec)
            staged.append(ZarrArray(self._group.store, path, spec, self._session.engine))
        return staged


def _details(method: str, plans: Sequence[LevelPlan]) -> dict[str, Any]:
    """Return how the levels were made, for the document (OME-Zarr 0.5, multiscales metadata)."""
    return {
        "description": f"each level is the {method} of the pixels of the level above it",
        "method": f"iohub.compute_pyramid, method={method!r}",
        "factors": [list(plan.factors) for plan in plans[1:]],
    }


def _check_levels(levels: int | None) -> None:
    if levels is not None and (isinstance(levels, bool) or not isinstance(levels, int)):
        raise PyramidError(f"levels is a whole number, not {levels!r}")
    if levels is not None and levels < 1:
        raise PyramidError(f"a pyramid has at least one level, not {levels}; level 0 counts")


def _rounded_up(shapes: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Return the shapes that levels have which were reduced by the same factors, rounded up.

    A factor is taken from the sizes as they are; only a level that is one pixel short changes.
    """
    found = [tuple(shapes[0])]
    for above, shape in pairwise(shapes):
        sizes = []
        for whole, n, new in zip(above, shape, found[-1], strict=True):
            factor = max(1, round(whole / n)) if n else 1
            full = -(-new // factor)
            sizes.append(full if whole // factor == n or full == n else n)
        found.append(tuple(sizes))
    return found


def _is_smaller(shape: Sequence[int] | None, other: Sequence[int] | None) -> bool:
    if shape is None or other is None or len(shape) != len(other) or shape == other:
        return False
    return all(a <= b for a, b in zip(shape, other, strict=True))


def _is_reduced(
    shape: Sequence[int] | None, other: Sequence[int] | None, factors: Sequence[float]
) -> bool:
    """Whether a shape is another one divided by factors, of which one is more than 1."""
    if max(factors) <= 1 + 1e-6:
        return False
    if shape is None or other is None:
        return True  # a level that is listed and missing
    if shape == other or len(shape) != len(other):
        return False
    return all(abs(n - m / f) <= 1 for n, m, f in zip(shape, other, factors, strict=True))


def _numbered(first: str, count: int) -> list[str]:
    """Return names counted on from the first one: "0" "1" "2", or "raw" "raw_1" "raw_2"."""
    match = re.fullmatch(r"(.*?)(\d+)", first)
    if match is None:
        return [first, *(f"{first}_{i}" for i in range(1, count))]
    stem, number = match[1], int(match[2])
    return [f"{stem}{number + i}" for i in range(count)]


def _level_names(document: ImageMeta, present: Sequence[str], count: int) -> list[str]:
    """Return names of the levels: those there are, else counted on from the first one."""
    if len(present) > 1:
        return list(present)
    names = _numbered(present[0], count)
    if set(names[1:]).isdisjoint(document.multiscales[0].get_dataset_paths()):
        return names
    return [present[0], *(f"{present[0]}_{i}" for i in range(1, count))]


def spec_like(first: ArraySpec, plan: LevelPlan) -> ArraySpec:
    """Return the spec of a lower level, encoded as level 0 is."""
    dtype = first.dtype.newbyteorder(">") if first.big_endian else first.dtype
    return ArraySpec.create(
        plan.shape,
        dtype,
        zarr_format=first.zarr_format,
        chunks=plan.chunks or first.chunks,
        shards=plan.shards,
        compression=first.compressor,
        fill_value=first.fill_value,
        dimension_names=first.dimension_names,
        separator=first.separator,
    )


def _with_levels(
    document: ImageMeta, names: Sequence[str], plans: Sequence[LevelPlan]
) -> ImageMeta:
    """Return the document with the planned levels; those that were there get new transforms."""
    known = document.multiscales[0].get_dataset_paths()
    for plan, name in zip(plans[1:], names[1:], strict=True):
        moved = any(plan.translation)
        transforms = scale_translation(plan.scale, plan.translation if moved else None)
        if name in known:
            document = edits_image.set_transforms(document, name, transforms)
        else:
            document = edits_image.add_dataset(document, name, transforms)
    return document


def _without(document: ImageMeta, paths: Sequence[str]) -> ImageMeta:
    for path in paths:
        document = edits_image.remove_dataset(document, path) or document
    return document
