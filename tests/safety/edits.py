"""Edits of a small plate that are interrupted in every way; run as a script it is the victim.

``python edits.py each`` reads lines ``NAME ROOT``, and kills one child for each of some steps of
the edit, each on its own copy of ``ROOT/template.zarr``. ``python edits.py work PATH SEED`` works
until it is killed, ``python edits.py overwrite PATH ENGINE`` writes pixels until then.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from iohub import open_ome_zarr
from iohub.storage import files, locks, tensorstore_engine
from iohub.storage.local import LocalBytes

SHAPE, CHUNKS = (1, 2, 3, 6, 5), (1, 1, 3, 6, 5)
# Some 100 kB a chunk, so that a kill may come in the middle of one.
NOISE = np.random.default_rng(5).integers(1, 2**32, (2, 2, 8, 64, 64), "u8")
POSITIONS = ("A/1/0", "A/1/1", "B/2/0")


def pixels(seed: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 60000, shape).astype("u2")


def prepare(path: Path, version: str) -> None:
    """Make the plate that all edits start from; the first position has a pyramid."""
    channels = ["DAPI", "GFP"]
    with open_ome_zarr(path, "hcs", "w-", channels, version=version) as plate:
        made = plate.create_positions([name.split("/") for name in POSITIONS])
        for seed, position in enumerate(made):
            position.create_image("0", pixels(seed), chunks=CHUNKS)
        made[0].compute_pyramid(2)
        plate.create_well("C", "1")


def leaf(position: Any) -> tuple[object, ...]:
    """Return everything about a position, so that two can be compared."""
    attrs = json.dumps(position.zattrs.asdict(), sort_keys=True)
    images = [
        (name, image.shape, str(image.dtype), image.numpy().tobytes(), str(dict(image.attrs)))
        for name, image in position.images()
    ]
    for _, *what in images:
        assert position.axis_names == ["t", "c", "z", "y", "x"]
        assert what[0][1] == len(position.channel_names)
    return (attrs, *images)


def snapshot(path: Path, mode: str = "r") -> dict[str, object]:
    """Everything that a store holds: its root, each well, each position with its pixels."""
    with open_ome_zarr(path, mode=mode) as node:
        attrs = node.zattrs.asdict()
        # A new plate is called as its folder is, and the copies lie in different ones.
        attrs.get("ome", attrs).get("plate", {}).pop("name", None)
        found: dict[str, object] = {"": json.dumps(attrs, sort_keys=True)}
        for name, well in node.wells():
            found[name] = json.dumps(well.zattrs.asdict(), sort_keys=True)
        found.update((name, leaf(position)) for name, position in node.positions())
        return found


class Edit(NamedTuple):
    """One edit of the plate.

    Attributes
    ----------
    name : str
        For people.
    act : callable
        Does it, in the plate at a path.
    version : str
        Of the plate.
    whole : {"all", "parts", "retry"}
        Whether all of it happens or nothing; or each position by itself; or what was there is to
        be deleted anyway, and only repeating it must succeed.
    """

    name: str
    act: Callable[[Path], None]
    version: str = "0.5"
    whole: str = "all"


def _position(act: Callable[[Any], object], name: str = "A/1/0") -> Callable[[Path], None]:
    def on_path(path: Path) -> None:
        with open_ome_zarr(path, mode="r+") as plate:
            act(plate[name])

    return on_path


def _plate(act: Callable[[Any], object]) -> Callable[[Path], None]:
    def on_path(path: Path) -> None:
        with open_ome_zarr(path, mode="r+") as plate:
            act(plate)

    return on_path


def _write_xarray(position: Any) -> None:
    labelled = position.to_xarray()
    position.write_xarray(labelled.copy(data=pixels(9)).assign_attrs(units="nm"), "raw")


def _assemble(path: Path) -> None:
    from iohub.ngff import Plate

    with open_ome_zarr(path) as plate:
        sources = {"C/3/0": plate["A/1/0"], "D/4/1": plate["B/2/0"]}
        Plate.from_positions(path, sources, overwrite=True, version="0.5").close()


def _new_store(path: Path) -> None:
    with open_ome_zarr(path, "hcs", "w", ["DAPI"], version="0.5") as plate:
        plate.create_position("A", "1", "0")


NEW = [("A", "1", "2"), ("A", "3", "0"), ("B", "2", "5", None, None, 1), ("E", "1", "0")]

EDITS = [
    Edit("create_positions", _plate(lambda p: p.create_positions(NEW))),
    Edit("create_well", _plate(lambda p: p.create_well("D", "7")), "0.4"),
    Edit("create_image", _position(lambda p: p.create_image("raw", pixels(7), chunks=CHUNKS))),
    Edit("create_zeros", _position(lambda p: p.create_zeros("raw", SHAPE, "u2"), "B/2/0"), "0.4"),
    Edit("append_channel", _position(lambda p: p.append_channel("Cy5"))),
    Edit("append_to_all", _plate(lambda p: p.append_channel("Cy5")), "0.4", "parts"),
    Edit("remove_channel", _position(lambda p: p.remove_channel("DAPI"))),
    Edit("insert_channel", _position(lambda p: p.insert_channel(1, "Cy5", pixels(8)[:, 0]))),
    Edit("reorder_channels", _position(lambda p: p.reorder_channels(["GFP", "DAPI"])), "0.4"),
    Edit("rename_channel", _plate(lambda p: p.rename_channel("GFP", "EGFP")), "0.5", "parts"),
    Edit("new_pyramid", _position(lambda p: p.compute_pyramid(3), "B/2/0")),
    Edit("old_pyramid", _position(lambda p: p.compute_pyramid(method="max")), "0.4"),
    Edit("delete_pyramid", _position(lambda p: p.delete_pyramid())),
    Edit("rename_well", _plate(lambda p: p.rename_well("A/1", "D/4"))),
    Edit("remove_well", _plate(lambda p: p.remove_well("A/1")), "0.4"),
    Edit("remove_position", _plate(lambda p: p.remove_position("A/1/0"))),
    Edit("remove_last_position", _plate(lambda p: p.remove_position("B/2/0")), "0.4"),
    Edit("delete_image", _position(lambda p: p.__delitem__("1"))),
    Edit("write_xarray", _position(_write_xarray)),
    Edit("from_positions", _assemble),
    Edit("from_positions_05", _assemble, "0.4"),
    Edit("mode_w", _new_store, "0.4", "retry"),
]
# What differs in 0.6 is how images are described.
_DESCRIBING = {"create_image", "append_channel", "old_pyramid", "write_xarray", "from_positions"}
EDITS += [
    edit._replace(name=f"{edit.name}_06", version="0.6")
    for edit in EDITS
    if edit.name in _DESCRIBING
]


# being killed


STEPS: list[tuple[Any, str]] = [
    *((LocalBytes, name) for name in ("_rename_over", "_rename", "_discard", "delete")),
    (files, "write_all"),
    (tensorstore_engine.TensorStorePixels, "write"),
]
"""Everything that changes something on disk."""


@contextmanager
def at_step(number: int, act: Callable[..., None], more: Sequence[tuple[Any, str]] = ()) -> Any:
    """Call a function before the n-th step; gives a counter of the steps."""
    count = itertools.count()
    with ExitStack() as stack:
        for owner, name in (*STEPS, *more):
            real = getattr(owner, name)

            def step(*args: Any, _name: str = name, _real: Any = real) -> Any:
                if next(count) == number:
                    act(_name, *args)
                return _real(*args)

            stack.callback(setattr, owner, name, real)
            setattr(owner, name, step)
        yield count


def _die(name: str, *args: Any) -> None:
    if name == "write_all":  # in the middle of it
        os.write(args[0], args[1][: len(args[1]) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at_steps(name: str, root: Path, most: int = 9) -> None:
    """Print at which steps the edit was killed: the first, the last, and some between."""
    edit = next(edit for edit in EDITS if edit.name == name)
    more = [(files, "remove"), (locks, "_release")]

    def in_child(number: int) -> int:
        path = root / f"{number}.zarr"
        shutil.copytree(root / "template.zarr", path)
        child = os.fork()
        if child == 0:
            with at_step(number, _die, more) as count:
                edit.act(path)
            os._exit(next(count))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    steps = in_child(1000)
    chosen = sorted({round(i * (steps - 1) / (most - 1)) for i in range(most)})
    assert [in_child(number) for number in chosen] == [-signal.SIGKILL] * len(chosen)
    say(*chosen)


# working until killed


def work(path: Path, seed: int) -> None:
    """Edit a plate for ever, saying what was done once it is done."""
    choose = random.Random(seed)
    plate = open_ome_zarr(path, mode="r+")
    number = sum(1 for _ in plate.positions())
    while True:
        name = f"{'ABCDEFGH'[number % 8]}/{number // 8 + 1}/0"
        number += 1
        position = plate.create_position(*name.split("/"))
        say(name, "made")
        position.create_image("0", pixels(number), chunks=CHUNKS)
        say(name, "image", number)
        if choose.random() < 0.5:
            position.compute_pyramid(2, "max")
            say(name, "pyramid")
        if choose.random() < 0.5:
            position.append_channel("Cy5")
            say(name, "appended")
        position["0"][:, 1] = 7
        say(name, "written")


def overwrite(path: Path, engine: str) -> None:
    """Write one generation of pixels after the other for ever."""
    position = open_ome_zarr(path, mode="r+", engine=engine)
    generation = int(position["0"][0, 0, 0, 0, 0] // NOISE.flat[0])
    while True:
        generation += 1
        for _, image in position.images():
            image[...] = generation * NOISE
        say(generation)


def say(*words: object) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "each":
        for module in ("bridges.dask", "bridges.xarray", "nodes.assembly", "pyramids.build"):
            importlib.import_module(f"iohub.{module}")  # once, not in each child
        for line in sys.stdin:
            edit_name, _, folder = line.strip().partition(" ")
            kill_at_steps(edit_name, Path(folder))
    elif sys.argv[1] == "work":
        work(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        overwrite(Path(sys.argv[2]), sys.argv[3])
