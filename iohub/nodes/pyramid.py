"""Verbs of a position about its resolution levels: plan, fill, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple

from iohub.errors import IohubError, PyramidError
from iohub.metadata import edits_image
from iohub.metadata.transforms import compose, scale_translation
from iohub.nodes.levels import level_names, rounded_up
from iohub.nodes.placement import PlacementVerbs
from iohub.pyramids.build import MEMORY, build
from iohub.pyramids.plan import DOWNSCALE, LevelPlan, check_method, plan_existing, plan_levels
from iohub.storage.array import ZarrArray
from iohub.storage.spec import ArraySpec

if TYPE_CHECKING:
    from iohub.metadata.image import ImageMeta
    from iohub.pyramids.plan import Downscale
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
        check_levels(levels)
        if levels == 1:
            return
        present = self._level_paths(document)
        if len(present) > 1:
            raise PyramidError(
                f"{self.url} has a pyramid of {len(present)} levels already; delete_pyramid() "
                "first, or compute_pyramid() without levels to fill it again"
            )
        with self._transaction() as edit:
            planned = self._planned(1, levels, downscale, "mean")
            for name, spec in planned.specs.items():
                edit.stage_array(name, spec)
            edit.put_attrs("", self._dump(planned.after(), self._group.attrs()))

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
        old ones when all are complete, so an interrupted call changes nothing, and others may
        change the position in the meantime. Other images of the position, which are no lower
        resolution of the first one, are left alone. Label images that have another number of levels
        get as many in the same edit, each made as its own levels were, else by "mode".

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
        ConflictError
            If someone changed the size of an image, or replaced it, in the meantime; nothing has
            changed then.

        Examples
        --------
        >>> position.compute_pyramid(levels=4)
        >>> position.compute_pyramid(method="max")  # the same levels again
        """
        check_method(method)
        self._session.check_writable()
        document = self._pyramid_document()
        count = len(self._level_paths(document))
        check_levels(levels)
        if levels == 1 and count == 1:
            return
        if levels is None and count == 1:
            raise PyramidError(
                f"{self.url} has no pyramid yet; say how many levels, as in "
                "compute_pyramid(levels=3)"
            )
        if levels is not None and count > 1 and levels != count:
            raise self._other_levels(count, levels)
        before = self._planned(count, levels, downscale, method)
        with self._draft() as draft:
            source = self._level(before.names[0])
            targets = [self._staged(draft, name, spec) for name, spec in before.specs.items()]
            build(
                source,
                targets,
                before.plans,
                method,
                memory=memory,
                workers=workers,
                progress=progress,
            )
            labels = self._label_levels(before.after(), before.every())
            for label in labels:
                label.build(draft, memory, workers)
            with ExitStack() as held, self._transaction() as edit:
                now = self._planned(count, levels, downscale, method)
                if now.state() != before.state():
                    raise self._conflict("an image")
                labels_now = self._label_levels(now.after(), now.every())
                if [each.state() for each in labels_now] != [each.state() for each in labels]:
                    raise self._conflict("a label image")
                for name in now.replaced:
                    edit.replace(name)
                edit.take(draft)
                # Scales are those of the document as it is now.
                after = edits_image.set_method(now.after(), method, details(method, now.plans))
                edit.put_attrs("", self._dump(after, self._group.attrs()))
                for label in labels_now:
                    label.commit(edit, held)

    def delete_pyramid(self) -> None:
        """Delete all dataset pyramid levels except the base (level 0) array.

        Use this before calling compute_pyramid() with different levels on a position that already
        has a pyramid structure. This method removes both the zarr arrays and updates the OME-NGFF
        multiscales metadata to reflect the deletion. Other images of the position, which are no
        lower resolution of the first one, are left alone. Label images lose the levels that the
        image has not any more.

        Raises
        ------
        PyramidError
            If there is no image; a :class:`ValueError`.
        """
        self._session.check_writable()
        with ExitStack() as held, self._transaction() as edit:
            document = self._pyramid_document()
            paths = self._level_paths(document)[1:]
            present = self._group.load_arrays(paths)
            for path, array in zip(paths, present, strict=True):
                # What is listed but already gone needs no deleting.
                if not isinstance(array, KeyError):
                    edit.delete(path)
            if paths:
                after = edits_image.remove_pyramid(document, paths)
                edit.put_attrs("", self._dump(after, self._group.attrs()))
                for label in self._label_levels(after):
                    label.commit(edit, held)

    # ---- how ----------------------------------------------------------------------------------

    def _pyramid_document(self) -> ImageMeta:
        document: ImageMeta | None = self._document()
        if document is None:
            raise PyramidError(f"{self.url} has no image to make a pyramid of")
        return document

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
        mended = rounded_up(shapes)
        if mended != shapes:
            # Another tool rounded down and lost the last pixels: the new levels keep them.
            shapes, scales = mended, None
        return plan_existing(shapes, own[0][0], own[0][1], scales=scales, method=method)

    def _planned(
        self, count: int, levels: int | None, downscale: Downscale, method: PyramidMethod
    ) -> _Planned:
        """Plan the levels of the position as it is on disk now, which has `count` of them."""
        document = self._pyramid_document()
        shapes = self._shapes(document)
        present = self._level_paths(document, shapes)
        if len(present) != count:
            raise self._other_levels(len(present), levels or count)
        plans = (
            self._old_plans(document, present, method)
            if count > 1
            else self._new_plans(document, levels or 1, downscale, method)
        )
        names = level_names(document, present, len(plans))
        known = document.multiscales[0].get_dataset_paths()
        first = self._level(names[0])
        specs: dict[str, ArraySpec] = {}
        replaced = []
        marks = [first.mark]
        found = self._group.load_arrays(names)
        for plan, name, old in zip(plans[1:], names[1:], found[1:], strict=True):
            if isinstance(old, IohubError):
                # In the form of level 0; one that is there, in its own.
                specs[name] = spec_like(first.spec, plan)
            elif name not in known:
                raise PyramidError(
                    f"there is an array {name!r} in {self.url} that is no level of the pyramid; "
                    "move it away or delete it"
                )
            else:
                specs[name] = old.spec.resized(plan.shape)
                replaced.append(name)
                marks.append(old.mark)
        return _Planned(document, shapes, names, plans, first.spec, specs, replaced, marks)


class _Planned(NamedTuple):
    """Levels to be made: specs of the lower ones, which of them exist, and in which state."""

    document: ImageMeta
    shapes: Sequence[tuple[int, ...] | None]
    names: Sequence[str]
    plans: Sequence[LevelPlan]
    first: ArraySpec
    specs: dict[str, ArraySpec]
    replaced: Sequence[str]
    marks: Sequence[object]

    def state(self) -> tuple[object, ...]:
        """Return what must stay the same for pixels that were made to be right."""
        factors = [(plan.shape, plan.factors) for plan in self.plans]
        return self.names, factors, self.replaced, self.marks

    def after(self) -> ImageMeta:
        """Return the document with these levels."""
        return with_levels(self.document, self.names, self.plans, self.shapes)

    def every(self) -> dict[str, ArraySpec]:
        """Return the specs of all levels, level 0 first."""
        return {self.names[0]: self.first, **self.specs}


def details(method: str, plans: Sequence[LevelPlan]) -> dict[str, Any]:
    """Return how the levels were made, for the document (OME-Zarr 0.5, multiscales metadata)."""
    return {
        "description": f"each level is the {method} of the pixels of the level above it",
        "method": f"iohub.compute_pyramid, method={method!r}",
        "factors": [list(plan.factors) for plan in plans[1:]],
    }


def check_levels(levels: Any) -> None:
    """Refuse what is no number of levels.

    Raises
    ------
    PyramidError
        If it is no integer, or smaller than 1.
    """
    if levels is not None and (isinstance(levels, bool) or not isinstance(levels, Integral)):
        raise PyramidError(f"levels is a whole number, not {levels!r}")
    if levels is not None and levels < 1:
        raise PyramidError(f"a pyramid has at least one level, not {levels}; level 0 counts")


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


def with_levels(
    document: ImageMeta,
    names: Sequence[str],
    plans: Sequence[LevelPlan],
    shapes: Sequence[tuple[int, ...] | None] = (),
) -> ImageMeta:
    """Return the document with the planned levels; those that were there get new transforms.

    `shapes` are those of the images that the document has.
    """
    known = document.multiscales[0].get_dataset_paths()
    sizes = dict(zip(known, shapes or [None] * len(known), strict=True))
    sizes |= {name: plan.shape for plan, name in zip(plans, names, strict=True)}
    for plan, name in zip(plans[1:], names[1:], strict=True):
        moved = any(plan.translation)
        transforms = scale_translation(plan.scale, plan.translation if moved else None)
        if name in known:
            document = edits_image.set_transforms(document, name, transforms)
        else:
            there = [sizes[path] for path in document.multiscales[0].get_dataset_paths()]
            document = edits_image.add_dataset(
                document, name, transforms, shape=plan.shape, shapes=there
            )
    return document
