"""``repair``: the metadata of a store are brought into accord with what is on disk."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Literal, TypeAlias

from iohub.errors import IohubError, LayoutError, NotFoundError, VersionError
from iohub.metadata import own, versions
from iohub.models.mending.changes import Change, Repair
from iohub.models.mending.images import mend_image
from iohub.models.mending.plan import Plan
from iohub.models.mending.plates import is_image, mend_plate, mend_well, natural, wells_on_disk
from iohub.models.validator.loading import Documents, Node, Want
from iohub.storage import hierarchy
from iohub.storage import location as place
from iohub.storage.group import ZarrGroup, open_group
from iohub.storage.keys import join
from iohub.storage.transaction import Transaction

if TYPE_CHECKING:
    from iohub.storage.location import Location, StoreLike
    from iohub.storage.protocol import ByteStore

__all__ = ["Change", "Repair", "repair"]

_Role: TypeAlias = Literal["plate", "well", "image", None]


def repair(path: StoreLike, *, dry_run: bool = False) -> Repair:
    """Mend the metadata of a store by what is on disk; pixels are never touched.

    Lists of plates, wells and labels are written anew: entries whose folders are gone are dropped,
    what is there and in no list is listed, indexes and paths of wells are made to agree. What lies
    there and cannot be read stays listed, as its pixels may be whole, and is told. Documents
    of plates, rows and wells that are missing or no JSON are written anew. Levels that are not
    there are dropped, missing names of dimensions are filled in, and a separator of chunk keys that
    is not that of the files is corrected. All of it happens, or nothing.

    Parameters
    ----------
    path : path-like, str, zarr Store or StorePath
        A plate, a well or an image.
    dry_run : bool
        Say what would change, and write nothing.

    Returns
    -------
    Repair
        Every change, and what is left.

    Raises
    ------
    NotFoundError
        If nothing is there.
    LayoutError
        If it is nothing that can be repaired, such as a scene, or a plain group with images that
        is no well of a plate.
    VersionError
        If it is of a version that iohub does not know.
    ReadOnlyError
        If it cannot be written.
    """
    location = place.locate(path, writable=not dry_run)
    if not place.exists(location):
        raise NotFoundError(f"nothing at {location.url}: check the path")
    if not dry_run:
        location.begin()
    plan = _planned(location)
    if not dry_run and plan.changes:
        form = plan.documents.zarr_format
        with Transaction(ZarrGroup(location.store, location.path, form)) as edit:
            plan = _planned(location)  # as things are now that nobody else edits
            for key, value in plan.puts:
                edit.put(key, value)
    location.finish()
    return Repair(location.url, tuple(plan.changes), tuple(plan.left), dry_run)


def _planned(location: Location) -> Plan:
    store, path = location.store, location.path
    documents = Documents(store, path, _zarr_format(store, path, location.url))
    plan = Plan(documents, versions.spelling(versions.DEFAULT_VERSION))
    [root] = documents.load([Want("", optional=True)])
    role = _role(plan, root)
    if role is None and root.what == "group" and _may_be_well(location, root):
        role = "well" if _images_below(plan, "") else None
    if role is None:
        raise LayoutError(f"{location.url}: {_said(root)}, not a plate, well or image to repair")
    plan.spelling = versions.spelling(_version(plan, root, role))
    if role == "plate":
        images = mend_plate(plan, root)
    elif role == "well":
        images = sorted(_images_below(plan, ""), key=natural)
        mend_well(plan, "", images)
    else:
        images = [""]
    for node in plan.load(*images):
        mend_image(plan, node)
    return plan


def _zarr_format(store: ByteStore, path: str, url: str) -> int:
    """Return the format of the root, or of what lies below if the root is not to be read."""
    below = [path]
    for _ in range(4):
        for kind in hierarchy.kinds(store, below):
            if kind is not None:
                return kind.zarr_format
        below = [join(each, name) for each in below for name in store.list_dir(each)[0]]
    raise LayoutError(f"{url}: there are no documents of Zarr")


def _role(plan: Plan, root: Node) -> _Role:
    """Tell what the root is, by its metadata or else by where images lie below it."""
    if root.what == "group" and root.meta.kind is not None:
        if root.meta.version is None:
            raise VersionError(root.meta.findings.must[0].what)
        for member, role in _ROLES.items():
            if root.meta.ome.get(member) is not None:
                return role
        return None
    if own.layout(root.meta.attrs) not in (None, "hcs"):
        return None
    if wells_on_disk(plan, ""):
        return "plate"
    # A group whose document can be read may hold images for other reasons.
    return "well" if root.what != "group" and _images_below(plan, "") else None


_ROLES: dict[str, _Role] = {"plate": "plate", "well": "well", "multiscales": "image"}
_SAID = {"fov": "a position without an image", "hcs": "an empty plate", "scene": "a scene"}


def _may_be_well(location: Location, root: Node) -> bool:
    """Whether a group that does not say what it is lies where wells do: in a row of a plate."""
    if root.meta.kind is not None or own.layout(root.meta.attrs) is not None:
        return False
    for outer in islice(place.above(location), 2):
        try:
            group = open_group(outer.store, outer.path)
            kind = versions.kind(group.attrs(), group.zarr_format)
        except IohubError:
            continue  # a row that is broken, or a directory
        if kind is not None:
            return kind == "plate"
    return False


def _said(root: Node) -> str:
    """Return in words what the root is instead."""
    noted = own.layout(root.meta.attrs)
    what = f"a group of the kind {root.meta.kind!r}" if root.meta.kind else "a plain group"
    return f"this is {_SAID.get(noted or '', what)}"


def _images_below(plan: Plan, base: str) -> list[str]:
    paths = [join(base, name) for name in plan.folders(base)]
    return [path for path, node in zip(paths, plan.load(*paths), strict=True) if is_image(node)]


def _version(plan: Plan, root: Node, role: _Role) -> str:
    if root.meta.version is not None and root.meta.kind is not None:
        return root.meta.version
    if role == "plate":
        wells = wells_on_disk(plan, "")
        paths = [join(path, name) for path, names in wells.items() for name in names]
    else:
        paths = _images_below(plan, "")
    found = (node.meta.version for node in plan.load(*paths) if node.meta.version)
    return next(found, versions.DEFAULT_VERSION)
