"""A plan as a picture: tiles, where they overlap, what stays empty, and the grid of chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.optional import need

if TYPE_CHECKING:
    from iohub.tiles.assemble import AssemblyPlan


def plot(
    plan: AssemblyPlan, ax: Any = None, *, plane: int | None = None, names: bool = True
) -> Any:
    """Draw a plan along y and x.

    Parameters
    ----------
    plan : AssemblyPlan
        What to draw.
    ax : matplotlib.axes.Axes, optional
        Where to; a new figure if not given.
    plane : int, optional
        Only tiles that have this index along z; all if not given.
    names : bool
        Whether fields of view are named.

    Returns
    -------
    matplotlib.axes.Axes
        With one translucent box per field of view, darker where several overlap, on a grid of
        chunks; what stays white has no tile.

    Raises
    ------
    MissingDependencyError
        If Matplotlib is not installed.
    """
    if ax is None:
        pyplot = need("matplotlib.pyplot", extra="view", why="drawing a plan")
        ax = pyplot.figure(figsize=(6, 6)).add_subplot()
    patches = need("matplotlib.patches", extra="view", why="drawing a plan")
    y, x = plan.axes.index("y"), plan.axes.index("x")
    tiles = np.arange(len(plan.fov))
    if plane is not None and "z" in plan.axes:
        z = plan.axes.index("z")
        tiles = tiles[(plan.starts[:, z] <= plane) & (plan.stops[:, z] > plane)]
    for fov in np.unique(plan.fov[tiles]):
        boxes = {
            (*plan.starts[tile, [x, y]].tolist(), *plan.stops[tile, [x, y]].tolist())
            for tile in tiles[plan.fov[tiles] == fov]
        }
        for left, top, right, bottom in sorted(boxes):
            ax.add_patch(
                patches.Rectangle(
                    (left, top),
                    right - left,
                    bottom - top,
                    facecolor="tab:blue",
                    edgecolor="black",
                    alpha=0.35,
                )
            )
            if names:
                middle = (left + right) / 2, (top + bottom) / 2
                ax.text(*middle, plan.fov_names[fov], ha="center", va="center", fontsize=7)
    height, width = plan.shape[y], plan.shape[x]
    for edge in range(0, width + 1, plan.chunks[x]):
        ax.axvline(edge, color="0.8", linewidth=0.5, zorder=0)
    for edge in range(0, height + 1, plan.chunks[y]):
        ax.axhline(edge, color="0.8", linewidth=0.5, zorder=0)
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal", xlabel="x [px]", ylabel="y [px]")
    ax.set_title(f"{plan.name or 'image'}: {plan.overlap():.1%} overlap")
    return ax
