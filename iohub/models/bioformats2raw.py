"""The layout of bioformats2raw without data: images in a row, or those of a plate."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, ClassVar, Self, TypeVar

from iohub.errors import DocumentError, LayoutError, NotFoundError, Problem
from iohub.metadata.documents import Document, pointer
from iohub.metadata.names import path_problem
from iohub.metadata.plate import PlateMeta
from iohub.models.groups import GroupSpec, Node, find, put
from iohub.models.hcs import WellGroup, fit_wells
from iohub.models.image import ImageGroup
from iohub.models.loading import Named
from iohub.models.ome_group import OmeGroup, as_kind, make, thaw_attributes, typed
from iohub.storage.group import ZarrGroup
from iohub.types import JsonMapping, JsonObject

M = TypeVar("M", bound=ImageGroup)

LAYOUT = 3
KEY = "bioformats2raw.layout"
OME = "OME"
_PROBED = 16


class BioFormats2RawGroup(OmeGroup):
    """A group that bioformats2raw made, or one like it."""

    kind = "bioformats2raw layout"
    image_class: ClassVar[type[ImageGroup]]
    well_class: ClassVar[type[WellGroup]]

    @classmethod
    def check(cls, attrs: JsonMapping) -> JsonObject:
        """Return the metadata if they follow the rules.

        Parameters
        ----------
        attrs : mapping
            Attributes of the group.

        Raises
        ------
        DocumentError
            If there are none or they break the rules; all problems are listed.
        """
        known = cls.spelling()
        ome = dict(known.ome(attrs))
        layout = ome.get(KEY)
        if layout != LAYOUT or isinstance(layout, bool):
            text = f"must be {LAYOUT}, found {layout!r}"
            raise DocumentError([Problem(pointer(*known.root, KEY), text, "layout")])
        if known.has(attrs, "plate"):
            known.parse_plate(attrs)
        return ome

    @classmethod
    def dump(cls, attrs: JsonObject) -> JsonObject:
        """Return the attributes as they are written.

        Parameters
        ----------
        attrs : dict
            Attributes that follow the rules for reading.

        Raises
        ------
        DocumentError
            If they do not follow those for writing; all problems are listed.
        """
        known = cls.spelling()
        if known.has(attrs, "plate"):
            return known.dump_plate(known.parse_plate(attrs), attrs)
        return known.with_ome(attrs, known.ome(attrs))

    @classmethod
    def applies(cls, attrs: JsonMapping) -> bool:
        """Whether a group says that it has this layout.

        Parameters
        ----------
        attrs : mapping
            Attributes of the group.
        """
        return cls.spelling().has(attrs, KEY)

    @classmethod
    def named(cls, attributes: Any, group: ZarrGroup) -> Named:
        """Return the paths of the wells, or of the images in the order of the series.

        Parameters
        ----------
        attributes : Document
            Of :meth:`read_attributes`.
        group : ZarrGroup
            Where it is; where the order is not stated, images are looked for at 0, 1, 2 …
        """
        plate = _plate(attributes)
        if plate is not None:
            return Named(
                groups={OME: None, **dict.fromkeys(plate.get_well_paths(), cls.well_class)}
            )
        found = group.load_many([OME])[0]
        series = cls._series(found) if isinstance(found, dict) else None
        if isinstance(found, DocumentError):
            raise found
        paths = _numbered(group) if series is None else series
        return Named(groups={OME: None, **dict.fromkeys(paths, cls.image_class)})

    @classmethod
    def _series(cls, attrs: JsonMapping) -> list[str] | None:
        known = cls.spelling()
        series = known.ome(attrs).get("series")
        if series is None:
            return None
        where = pointer(*known.root, "series")
        if not isinstance(series, list) or not all(isinstance(path, str) for path in series):
            raise DocumentError([Problem(where, "must be an array of paths", "type")], OME)
        problems = [
            Problem(f"{where}/{index}", f"the path {path!r} {path_problem(path)}", "path")
            for index, path in enumerate(series)
            if path_problem(path)
        ]
        if problems:
            raise DocumentError(problems, OME)
        return list(dict.fromkeys(series))

    @classmethod
    def fit(cls, attributes: Any, members: Mapping[str, Node]) -> Mapping[str, Node]:
        """Return the members, wells or images as such.

        Parameters
        ----------
        attributes : Document
            Of the group.
        members : mapping of str to GroupSpec or ArraySpec
            By name.

        Raises
        ------
        LayoutError
            If an image that is listed is not there.
        """
        plate = _plate(attributes)
        if plate is not None:
            return fit_wells(cls.well_class, plate, members)
        paths = cls._paths(members)
        absent = [path for path in paths if find(members, path) is None]
        if absent:
            raise LayoutError(f"images are listed that are not there: {', '.join(absent)}")
        return put(members, typed(members, cls.image_class, tuple(paths)))

    @classmethod
    def _paths(cls, members: Mapping[str, Node]) -> list[str]:
        ome = members.get(OME)
        series = cls._series(thaw_attributes(ome)) if isinstance(ome, GroupSpec) else None
        if series is not None:
            return series
        paths: list[str] = []
        for number in count():
            if not isinstance(members.get(str(number)), GroupSpec):
                return paths
            paths.append(str(number))
        raise AssertionError("numbers do not end")

    @classmethod
    def new(cls, *, images: Mapping[str, ImageGroup]) -> Self:
        """Make a group of images in a row, and the group that says their order.

        Parameters
        ----------
        images : mapping of str to Image
            By path, in order.

        Raises
        ------
        DocumentError
            If a path is not allowed.
        LayoutError, VersionError
            If one is no image of this version.
        """
        known = cls.spelling()
        order = GroupSpec(
            zarr_format=2 if known.zarr_format == 2 else 3,
            attributes=known.with_ome({}, {"series": list(images)}),
        )
        attributes = known.with_ome({}, {KEY: LAYOUT})
        return make(cls, attributes=attributes, members={OME: order, **images})

    @property
    def image_paths(self) -> list[str]:
        """Paths of all images: of a plate in the order of its wells, else in that of the series."""
        plate = _plate(self.attributes)
        if plate is None:
            return self._paths(self.members)
        paths = []
        for path in plate.get_well_paths():
            well = find(self.members, path)
            if isinstance(well, WellGroup):
                paths += [f"{path}/{image}" for image in well.image_paths]
        return paths

    def _images(self, kind: type[M]) -> dict[str, M]:
        return {
            path: as_kind(kind, find(self.members, path), path, "the series")
            for path in self.image_paths
        }


def _plate(attributes: Document) -> PlateMeta | None:
    holder: Any = getattr(attributes, "ome", attributes)
    plate: PlateMeta | None = holder.plate
    return plate


def _numbered(group: ZarrGroup) -> list[str]:
    """Look for images at consecutive numbers, a few at a time: nothing is listed."""
    paths: list[str] = []
    for first in count(0, _PROBED):
        names = [str(number) for number in range(first, first + _PROBED)]
        for name, found in zip(names, group.load_many(names), strict=True):
            if isinstance(found, NotFoundError):
                return paths
            paths.append(name)
    raise AssertionError("numbers do not end")
