"""How a label image is made: its levels planned like the image's, then written all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iohub.errors import AxisError, PyramidError, ShapeError
from iohub.metadata import edits_image, edits_labels
from iohub.metadata.image import CoordinateSpaceMeta, DatasetMeta, ImageMeta, MultiScaleMeta
from iohub.metadata.transforms import scale_translation
from iohub.nodes.label import check_label_dtype, check_label_method
from iohub.nodes.pixels import write_pixels
from iohub.nodes.pyramid import check_levels, details, spec_like
from iohub.pyramids.build import build
from iohub.pyramids.plan import LevelPlan, max_levels, plan_existing, plan_levels
from iohub.storage import grid
from iohub.storage.array import ZarrArray
from iohub.storage.hierarchy import writable
from iohub.storage.keys import join
from iohub.storage.spec import ArraySpec

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from iohub.metadata.axes import AxisMeta
    from iohub.nodes.position import Position
    from iohub.storage.group import ZarrGroup
    from iohub.types import PyramidMethod


@dataclass(frozen=True)
class Parent:
    """What a label image takes over from the image that it labels.

    Attributes
    ----------
    url : str
        Where the image is, for messages.
    document : ImageMeta
        Its document.
    specs : sequence of ArraySpec
        Its levels.
    """

    url: str
    document: ImageMeta
    specs: Sequence[ArraySpec]

    @classmethod
    def of(cls, image: Position) -> Parent:
        """Read what is needed of an image.

        Raises
        ------
        MissingNodeError
            If it has no image yet, or a level that is listed is missing.
        """
        document: ImageMeta = image._image_document()
        paths = document.multiscales[0].get_dataset_paths()
        return cls(image.url, document, [image[path].spec for path in paths])

    def chosen(self, shape: Sequence[int], axes: Sequence[str] | None) -> list[int]:
        """Return which of the image's axes a label image of this shape has.

        Raises
        ------
        AxisError
            If an axis is not one of the image, or the number of axes fits no choice.
        ShapeError
            If a size is neither the image's nor 1.
        """
        ours = self.document.multiscales[0].axes
        names = [axis.name.lower() for axis in ours]
        if axes is not None:
            unknown = [name for name in axes if str(name).lower() not in names]
            if unknown:
                raise AxisError(f"no axis {unknown[0]!r} in {self.url}; its axes are {names}")
            index = [names.index(str(name).lower()) for name in axes]
            if index != sorted(set(index)):
                raise AxisError(f"axes {list(axes)} are not in the order of the image: {names}")
        else:
            every = list(range(len(ours)))
            without = [i for i in every if ours[i].type != "channel"]
            index = (
                every if len(shape) == len(ours) else without[max(0, len(without) - len(shape)) :]
            )
        if len(index) != len(shape):
            raise AxisError(
                f"labels of shape {tuple(shape)} do not have the axes {[names[i] for i in index]} "
                f"of {self.url}; say which they have, as in axes=['y', 'x']"
            )
        full = self.specs[0].shape
        wrong = [names[i] for i, n in zip(index, shape, strict=True) if n not in (full[i], 1)]
        if wrong:
            raise ShapeError(
                f"labels of shape {tuple(shape)} do not fit the image {full} of {self.url} along "
                f"{', '.join(wrong)}: a size is the image's or 1"
            )
        return index


@dataclass(frozen=True)
class LabelPlan:
    """Everything about a new label image but its pixels.

    Attributes
    ----------
    document : ImageMeta
        Its document.
    levels : sequence of LevelPlan
        Its levels.
    specs : mapping of str to ArraySpec
        Their arrays, level 0 first.
    method : str
        How the lower ones are made.
    """

    document: ImageMeta
    levels: Sequence[LevelPlan]
    specs: Mapping[str, ArraySpec]
    method: PyramidMethod

    def state(self) -> tuple[object, ...]:
        """Return what must stay the same for pixels that were written to be right."""
        specs = [(name, spec.metadata) for name, spec in self.specs.items()]
        return specs, [(level.shape, level.factors) for level in self.levels]


def plan_label(
    parent: Parent,
    path: str,
    shape: Sequence[int],
    dtype: DTypeLike,
    *,
    axes: Sequence[str] | None,
    chunks: Sequence[int] | None,
    shards_ratio: Sequence[int] | None,
    compression: object,
    levels: int | None,
    method: PyramidMethod,
    zarr_format: int,
) -> LabelPlan:
    """Plan a label image; everything is checked, nothing is written.

    Parameters
    ----------
    parent : Parent
        The image.
    path : str
        Of the label image, relative to the group ``labels``.
    shape, dtype, axes, chunks, shards_ratio, compression, levels, method
        As in :meth:`iohub.nodes.labels.Labels.create`.
    zarr_format : {2, 3}
        Of the store.
    """
    kind = check_label_dtype(dtype)
    check_label_method(method)
    sizes = grid.as_shape(shape)
    index = parent.chosen(sizes, axes)
    first = parent.specs[0]
    chosen = [parent.document.multiscales[0].axes[i] for i in index]
    shards = None
    if chunks is None:
        inner = tuple(min(first.chunks[i], max(1, n)) for i, n in zip(index, sizes, strict=True))
        if shards_ratio is None and first.shards is not None:
            ratio = [first.shards[i] // first.chunks[i] for i in index]
            shards = grid.shard_shape(sizes, inner, ratio)
    else:
        inner = grid.check_chunks(chunks, sizes)
    if shards_ratio is not None:
        shards = grid.shard_shape(sizes, inner, shards_ratio)
    spec = ArraySpec.create(
        sizes,
        kind,
        zarr_format=zarr_format,
        chunks=inner,
        shards=shards,
        compression=compression,
        dimension_names=[axis.name for axis in chosen] if zarr_format == 3 else None,
    )
    plans = levels_like(parent, index, spec, chosen, levels, method)
    names = _names(parent, len(plans))
    specs = {
        names[0]: spec,
        **{n: spec_like(spec, p) for n, p in zip(names[1:], plans[1:], strict=True)},
    }
    return LabelPlan(_document(parent, path, chosen, names, plans, method), plans, specs, method)


def levels_like(
    parent: Parent,
    index: Sequence[int],
    spec: ArraySpec,
    axes: Sequence[AxisMeta],
    levels: int | None,
    method: PyramidMethod,
) -> tuple[LevelPlan, ...]:
    """Plan levels of the image's sizes where the labels can have them, else by its factors.

    Parameters
    ----------
    parent : Parent
        The image.
    index : sequence of int
        Which of its axes the labels have.
    spec : ArraySpec
        Level 0 of the labels.
    axes : sequence of AxisMeta
        Their axes.
    levels : int or None
        How many; None for as many as the image has, while there is something left to reduce.
    method : {"mode", "stride", "min", "max"}
        How they will be made.
    """
    multiscale = parent.document.multiscales[0]
    vectors = [edits_image.effective(parent.document, d.path) for d in multiscale.datasets]
    scales = [[scale[i] for i in index] for scale, _ in vectors]
    origin = [vectors[0][1][i] for i in index]
    check_levels(levels)
    names = [axis.name for axis in axes]
    factors = _factors(scales, names) if len(scales) > 1 else None
    more: dict[str, Any] = {} if factors is None else {"downscale": factors}
    count = levels
    if count is None:  # those of the image, as far as there is something left to reduce
        count = min(len(multiscale.datasets), max_levels(spec.shape, names, **more))
    planned = plan_levels(
        spec.shape,
        names,
        scales[0],
        origin,
        count,
        method=method,
        chunks=spec.chunks,
        shards=spec.shards,
        **more,
    )
    shapes = [
        tuple(1 if n == 1 else level.shape[i] for i, n in zip(index, spec.shape, strict=True))
        for level in parent.specs
    ]
    if count != len(shapes) or shapes == [plan.shape for plan in planned]:
        return planned
    try:
        same = plan_existing(shapes, scales[0], origin, scales=scales, method=method)
    except PyramidError:
        return planned  # the image's levels lost pixels at the edge; those of the labels do not
    grids = zip(same, planned, strict=True)
    return tuple(
        LevelPlan(s.index, s.shape, s.factors, s.scale, s.translation, p.chunks, p.shards)
        for s, p in grids
    )


def _factors(scales: Sequence[Sequence[float]], names: Sequence[str]) -> dict[str, int]:
    """Return by how much each axis shrinks from level 0 to 1 of the image."""
    steps = [below / above for above, below in zip(scales[0], scales[1], strict=True)]
    return {name: max(1, round(step)) for name, step in zip(names, steps, strict=True)}


def _names(parent: Parent, count: int) -> list[str]:
    """Return names of the levels: the image's as far as it has some that are plain numbers."""
    paths = parent.document.multiscales[0].get_dataset_paths()
    return paths if len(paths) == count else [str(i) for i in range(count)]


def _document(
    parent: Parent,
    path: str,
    axes: Sequence[AxisMeta],
    names: Sequence[str],
    plans: Sequence[LevelPlan],
    method: PyramidMethod,
) -> ImageMeta:
    space = parent.document.multiscales[0].space
    image = MultiScaleMeta(
        axes=tuple(axes),
        datasets=tuple(
            DatasetMeta(
                path=name,
                coordinate_transformations=tuple(
                    scale_translation(
                        plan.scale, plan.translation if any(plan.translation) else None
                    )
                ),
            )
            for name, plan in zip(names, plans, strict=True)
        ),
        name=path.rpartition("/")[2],
        # One system for both: without a transformation between them it is the same (0.6).
        coordinate_space=CoordinateSpaceMeta(intrinsic=space.intrinsic),
    )
    document = edits_labels.set_source(ImageMeta(multiscales=(image,)), edits_labels.way_up(path))
    if len(plans) == 1:
        return document
    return edits_image.set_method(document, method, details(method, plans))


def write_label(group: ZarrGroup, staged: str, plan: LabelPlan, values: Any) -> None:
    """Write the arrays of a planned label image where a draft has them.

    Parameters
    ----------
    group : ZarrGroup
        Any group of the store.
    staged : str
        Path in the store.
    plan : LabelPlan
        What to write.
    values : array-like or None
        Pixels of level 0; None writes none.
    """
    store = writable(group.store)
    arrays = []
    for name, spec in plan.specs.items():
        for key, value in spec.documents().items():
            store.set(join(join(staged, name), key), value)
        arrays.append(ZarrArray(store, join(staged, name), spec, group.engine))
    if values is None:
        return
    write_pixels(values, arrays[0])
    if len(arrays) > 1:
        build(arrays[0], arrays[1:], plan.levels, plan.method)
