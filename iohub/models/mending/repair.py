"""``repair``: the metadata of a store are brought into accord with what is on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from iohub.errors import LayoutError, NotFoundError, VersionError
from iohub.metadata import versions
from iohub.models.mending.changes import Change, Repair
from iohub.models.mending.images import mend_image
from iohub.models.mending.plan import Plan
from iohub.models.mending.plates import is_image, mend_plate, mend_well, natural, wells_on_disk
from iohub.models.validator.loading import Documents, Node, Want
from iohub.storage import hierarchy
from iohub.storage import location as place
from iohub.storage.group import ZarrGroup
from iohub.storage.keys import join
from iohub.storage.transaction import Transaction

if TYPE_CHECKING:
    from iohub.storage.location import Location, StoreLike
    from iohub.storage.protocol import ByteStore

__all__ = ["Change", "Repair", "repair"]

_Role: TypeAlias = Literal["plate", "well", "image", None]


def repair(path: StoreLike, *, dry_run: bool = False) -> Repair:
    """Mend the metadata of a store by what is on disk; pixels are never touched.

    Lists of plates, wells and labels are written anew: entries of what is not there are dropped,
    what is there and in no list is listed, indexes and paths of wells are made to agree. Documents
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
        If it is nothing that can be repaired.
    VersionError
        If it is of a version that iohub does not know.
    ReadOnlyError
        If it cannot be written.
    """
    location = place.locate(path, writable=not dry_run)
    if not place.exists(location):
        raise NotFoundError(f"nothing at {location.url}: check the path")
    plan = _planned(location)
    if not dry_run and plan.changes:
        form = plan.documents.zarr_format
        with Transaction(ZarrGroup(location.store, location.path, form)) as edit:
            plan = _planned(location)  # as things are now that nobody else edits
            for key, value in plan.puts:
                edit.put(key, value)
    return Repair(location.url, tuple(plan.changes), tuple(plan.left), dry_run)


def _planned(location: Location) -> Plan:
    store, path = location.store, location.path
    documents = Documents(store, path, _zarr_format(store, path, location.url))
    plan = Plan(documents, versions.spelling(versions.DEFAULT_VERSION))
    [root] = documents.load([Want("", optional=True)])
    role = _role(plan, root)
    if role is None:
        raise LayoutError(f"{location.url}: this is no plate, well or image that can be repaired")
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
    if wells_on_disk(plan, ""):
        return "plate"
    return "well" if _images_below(plan, "") else None


_ROLES: dict[str, _Role] = {"plate": "plate", "well": "well", "multiscales": "image"}


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
