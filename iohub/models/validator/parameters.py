"""Arrays and images that hold the parameters of transformations.

Source: OME-Zarr specification 0.6, section "coordinateTransformations".
"""

from __future__ import annotations

from iohub.models.validator.collector import Collector
from iohub.models.validator.loading import Node
from iohub.models.validator.members import Place

_MATRICES = {"affine", "rotation"}


def check_parameters(
    group: Node, kind: str, path: str, where: Place, stored: Node, out: Collector
) -> None:
    """Check that stored parameters are there and have a shape that fits.

    Parameters
    ----------
    group : Node
        Whose metadata name them.
    kind, path : str
        Type of the transformation, and the path that it gives.
    where : tuple
        Names and indexes from the OME metadata to the path.
    stored : Node
        What lies there.
    out : Collector
        Gets what is wrong.
    """
    if stored.what == "broken":
        out.document(stored)
    elif stored.what in ("missing", "foreign"):
        out.member(group, "parameters-missing", f"there is nothing at {path!r}", *where)
    elif kind in _MATRICES:
        if stored.spec is None:
            text = f"{path!r} is a group, where the matrix should be an array"
            out.member(group, "parameters-missing", text, *where)
            return
        shape = stored.spec.shape
        if len(shape) != 2 or (kind == "rotation" and shape[0] != shape[1]):
            wanted = "N x N" if kind == "rotation" else "M x (N + 1)"
            text = f"the array of a matrix must be {wanted}, and {path!r} is {shape}"
            out.member(group, "parameters-shape", text, *where)
    elif stored.what == "group" and stored.meta.ome.get("multiscales") is None:
        text = f"{path!r} is a group without 'multiscales'"
        out.member(group, "parameters-missing", text, *where)
