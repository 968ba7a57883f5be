"""Plates and wells without data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar, Self, TypeVar

from iohub.errors import ArgumentError, DocumentError, Problem, WellGroupNotFoundError
from iohub.metadata.documents import validate
from iohub.metadata.edits_plate import add_wells
from iohub.metadata.names import split_well
from iohub.metadata.plate import AcquisitionMeta, PlateMeta, WellGroupMeta
from iohub.models.described import DescribedGroup
from iohub.models.groups import Node, find, put
from iohub.models.image import ImageGroup
from iohub.models.loading import Named
from iohub.models.ome_group import as_kind, make, typed
from iohub.storage.group import ZarrGroup

M = TypeVar("M", bound=ImageGroup)
W = TypeVar("W", bound="WellGroup")


class WellGroup(DescribedGroup):
    """A well: its fields of view."""

    kind = "well"
    document = "well"
    key = "well"
    image_class: ClassVar[type[ImageGroup]]

    @classmethod
    def named(cls, attributes: Any, group: ZarrGroup) -> Named:
        """Return the paths of the fields of view.

        Parameters
        ----------
        attributes : Document
            Of :meth:`read_attributes`.
        group : ZarrGroup
            Where it is.
        """
        return Named(groups=dict.fromkeys(_well(attributes).get_image_paths(), cls.image_class))

    @classmethod
    def fit(cls, attributes: Any, members: Mapping[str, Node]) -> Mapping[str, Node]:
        """Return the members, the fields of view as images.

        Parameters
        ----------
        attributes : Document
            Of the group.
        members : mapping of str to GroupSpec or ArraySpec
            By name.

        Raises
        ------
        LayoutError
            If a field of view is an array.
        """
        paths = tuple(_well(attributes).get_image_paths())
        return put(members, typed(members, cls.image_class, paths))

    def absent(self) -> list[str]:
        """Return the paths of fields of view that the metadata list and that are not there."""
        return [
            path for path in _well(self.attributes).get_image_paths() if path not in self.members
        ]

    @classmethod
    def new(
        cls, *, images: Mapping[str, ImageGroup], acquisitions: Mapping[str, int] | None = None
    ) -> Self:
        """Make a well from its fields of view.

        Parameters
        ----------
        images : mapping of str to Image
            By name.
        acquisitions : mapping of str to int, optional
            By name, the acquisitions of those that have one.

        Raises
        ------
        DocumentError
            If there is no image, or a name is not allowed.
        LayoutError, VersionError
            If one is no image of this version.
        """
        of = acquisitions or {}
        fields = ({"path": path, "acquisition": of.get(path)} for path in images)
        doc = validate(WellGroupMeta, {"images": list(fields)}, "well")
        attributes = cls.spelling().dump_well(doc, {})
        return make(cls, attributes=attributes, members=dict(images))

    @property
    def image_paths(self) -> list[str]:
        """Paths of the fields of view that are there, in the order of the metadata."""
        listed = _well(self.attributes).get_image_paths()
        return [path for path in listed if find(self.members, path) is not None]

    @property
    def n_images(self) -> int:
        """Number of fields of view that the metadata list."""
        return len(_well(self.attributes).images)

    def _images(self, kind: type[M]) -> dict[str, M]:
        return {
            path: as_kind(kind, find(self.members, path), path, "the well")
            for path in self.image_paths
        }


class PlateGroup(DescribedGroup):
    """A plate: its wells.

    Indexes of rows and columns that do not agree with the paths of the wells are mended when it is
    written.
    """

    kind = "plate"
    document = "plate"
    key = "plate"
    well_class: ClassVar[type[WellGroup]]

    @classmethod
    def named(cls, attributes: Any, group: ZarrGroup) -> Named:
        """Return the paths of the wells.

        Parameters
        ----------
        attributes : Document
            Of :meth:`read_attributes`.
        group : ZarrGroup
            Where it is.
        """
        return Named(groups=dict.fromkeys(_plate(attributes).get_well_paths(), cls.well_class))

    @classmethod
    def fit(cls, attributes: Any, members: Mapping[str, Node]) -> Mapping[str, Node]:
        """Return the members, the wells as such; wells may be listed that are not there.

        Parameters
        ----------
        attributes : Document
            Of the group.
        members : mapping of str to GroupSpec or ArraySpec
            By name.

        Raises
        ------
        LayoutError
            If a well is an array.
        DocumentError
            If a field of view is of an acquisition that the plate does not list.
        """
        return fit_wells(cls.well_class, _plate(attributes), members)

    @classmethod
    def new(
        cls,
        *,
        wells: Mapping[str, WellGroup],
        name: str | None = None,
        acquisitions: Sequence[AcquisitionMeta] = (),
    ) -> Self:
        """Make a plate from its wells.

        Rows and columns are those that wells are in, in their order.

        Parameters
        ----------
        wells : mapping of str to Well
            By path, such as ``"A/1"``.
        name : str, optional
            Of the plate.
        acquisitions : sequence of AcquisitionMeta
            Runs of the microscope.

        Raises
        ------
        PathError
            If a path is not that of a well.
        DocumentError
            If there is no well, or fields of view are of other acquisitions.
        LayoutError, VersionError
            If one is no well of this version.
        """
        count = max((well.n_images for well in wells.values()), default=None)
        plate = PlateMeta(name=name, acquisitions=tuple(acquisitions), field_count=count)
        plate = add_wells(plate, [(*split_well(path), None, None) for path in wells])
        if not plate.wells:
            raise DocumentError([Problem("/plate/wells", "must have at least one", "wells-empty")])
        attributes = cls.spelling().dump_plate(plate, {})
        return make(cls, attributes=attributes, members=dict(wells))

    @property
    def n_wells(self) -> int:
        """Number of wells that the metadata list."""
        return len(_plate(self.attributes).wells)

    def _wells(self, kind: type[W]) -> Iterator[W]:
        for path in _plate(self.attributes).get_well_paths():
            found = find(self.members, path)
            if found is not None:
                yield as_kind(kind, found, path, "the plate")

    def _well(self, kind: type[W], index: int) -> W:
        asked: Any = index
        if isinstance(asked, bool) or not isinstance(asked, Integral):
            raise ArgumentError(
                f"i is the number of a well in the metadata, not {index!r:.60}; by its path a "
                "well is plate.member('A/1')"
            )
        path = _plate(self.attributes).wells[int(index)].path
        found = find(self.members, path)
        if found is None:
            raise WellGroupNotFoundError(f"the plate lists the well {path!r}, which has no group")
        return as_kind(kind, found, path, "the plate")


def _ome(attributes: Any) -> Any:
    return getattr(attributes, "ome", attributes)


def _well(attributes: Any) -> WellGroupMeta:
    found = _ome(attributes).well
    assert isinstance(found, WellGroupMeta), "attributes of a well have one"
    return found


def _plate(attributes: Any) -> PlateMeta:
    found = _ome(attributes).plate
    assert isinstance(found, PlateMeta), "attributes of a plate have one"
    return found


def fit_wells(
    kind: type[WellGroup], plate: PlateMeta, members: Mapping[str, Node]
) -> Mapping[str, Node]:
    """Return members with the wells as such.

    Parameters
    ----------
    kind : type of WellGroup
        What wells are.
    plate : PlateMeta
        That lists them.
    members : mapping of str to GroupSpec or ArraySpec
        By name.

    Raises
    ------
    LayoutError
        If a well is an array.
    DocumentError
        If a field of view is of an acquisition that the plate does not list.
    """
    found = typed(members, kind, tuple(plate.get_well_paths()))
    known = {acquisition.id for acquisition in plate.acquisitions}
    problems = []
    for path, well in found.items():
        for index, image in enumerate(_well(well.attributes).images if known else ()):
            if image.acquisition is not None and image.acquisition not in known:
                text = f"must be one of the plate's, {sorted(known)}, found {image.acquisition}"
                where = f"{path}: /well/images/{index}/acquisition"
                problems.append(Problem(where, text, "acquisition-unknown"))
    if problems:
        raise DocumentError(problems)
    return put(members, found)
