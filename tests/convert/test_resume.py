"""Conversions that are interrupted, repeated, changed, or shared by several processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from zarr.storage import MemoryStore

from iohub import open_ome_zarr
from iohub.convert import work
from iohub.convert.parts import Parts
from iohub.convert.plan import Job
from iohub.convert.stage import Stage
from iohub.errors import ExistsError, IohubError
from iohub.models import validate
from iohub.nodes.plate import Plate
from iohub.pyramids.plan import plan_levels
from iohub.storage import grid
from iohub.storage.spec import ArraySpec
from tests.convert.sources import image_source, stack

# Kills itself when so many files have been renamed to their names, by system calls from Python.
KILLED = """
import os, signal, sys
from iohub import open_ome_zarr
left = int(sys.argv[1])
def count(event, arguments):
    global left
    if event == "os.rename":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
with open_ome_zarr("plate.zarr") as node:
    node.export("out.zarr", version="0.5", levels=2, chunks="plane", **eval(sys.argv[2]))
print(left)
"""


def child(folder: Path, code: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    with process:
        said, errors = process.communicate(timeout=120)
    return process.returncode, said, errors


def hidden(folder: Path) -> Path:
    return folder / ".out.zarr.iohub-convert"


def check_whole(folder: Path, source: Any) -> None:
    with open_ome_zarr(folder / "out.zarr") as made:
        assert sorted(key for key, _ in made.positions()) == ["A/1/0", "A/1/1", "B/3/0"]
        for key, position in source.positions():
            np.testing.assert_array_equal(made[key]["0"][:], position["0"][:])
            np.testing.assert_array_equal(made[key]["1"][:], position["1"][:])
        np.testing.assert_array_equal(
            made["A/1/0"].labels["cells"]["0"][:], source["A/1/0"].labels["cells"]["0"][:]
        )
    assert validate(folder / "out.zarr").valid
    assert sorted(os.listdir(folder)) == ["out.zarr", "plate.zarr"]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_at_any_moment_nothing_looks_complete_and_the_next_call_completes_it(
    plate, tmp_path
):
    out = tmp_path / "out.zarr"
    code, said, errors = finish(child(tmp_path, KILLED, "1000000", "{}"))
    assert code == 0, errors
    renames = 1000000 - int(said)
    assert renames > 20
    with open_ome_zarr(plate) as source:
        check_whole(tmp_path, source)
        for number in [1, 3, renames // 3, 2 * renames // 3, *range(renames - 5, renames + 1)]:
            shutil.rmtree(out)
            assert finish(child(tmp_path, KILLED, str(number), "{}"))[0] == -signal.SIGKILL
            if out.exists():  # the very last step: nothing but the leftovers are to be removed
                assert number >= renames - 4
                assert validate(out).valid
            report = source.export(out, version="0.5", levels=2, chunks="plane")
            assert report.complete
            check_whole(tmp_path, source)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_while_replacing_the_old_or_the_new_store_is_there(plate, tmp_path):
    out = tmp_path / "out.zarr"
    options = "{'overwrite': True}"
    with open_ome_zarr(plate) as source:
        source["B/3/0"].export(out, version="0.5")
        renames = 1000000 - int(finish(child(tmp_path, KILLED, "1000000", options))[1])
        for number in range(renames - 6, renames + 1):
            source["B/3/0"].export(out, version="0.5", overwrite=True)
            finish(child(tmp_path, KILLED, str(number), options))
            with open_ome_zarr(out, mode="r+") as found:  # completes what was decided
                assert type(found).__name__ in ("Plate", "Position")
            source.export(out, version="0.5", levels=2, chunks="plane", overwrite=True)
            check_whole(tmp_path, source)


def interrupted(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let a conversion fail when it begins another part, after some are done."""
    real, count = work._convert_part, [0]

    def part(*arguments: Any) -> None:
        count[0] += 1
        if count[0] > after:
            raise IohubError("interrupted")
        real(*arguments)

    monkeypatch.setattr(work, "_convert_part", part)


def small_parts(monkeypatch: pytest.MonkeyPatch, size: int) -> list[Any]:
    """Cut into small parts; return a list that gets the regions that are converted."""
    real, of, done = work._convert_part, Parts.of, []

    def part(plan: Any, job: Job, targets: Any, region: Any, tell: Any) -> None:
        done.append(region)
        real(plan, job, targets, region, tell)

    monkeypatch.setattr(work, "_convert_part", part)
    monkeypatch.setattr(Parts, "of", lambda job, unused=0: of(job, size))
    return done


def test_parts_that_are_done_are_not_done_again(show, tmp_path, monkeypatch):
    pixels = stack(5, (4, 2, 4, 32, 32))
    node = show(image_source("Pos0", pixels, (0, 0)))
    options: dict[str, Any] = {"levels": 2, "chunks": "plane"}
    done = small_parts(monkeypatch, pixels[0].nbytes)
    with monkeypatch.context() as patch:
        interrupted(patch, 2)
        with pytest.raises(IohubError, match="interrupted"):
            node.export(tmp_path / "out.zarr", **options)
    assert not (tmp_path / "out.zarr").exists()
    assert len(done) == 2
    node.export(tmp_path / "out.zarr", **options)
    assert [region[0] for region in done] == [slice(t, t + 1) for t in range(4)]
    with open_ome_zarr(tmp_path / "out.zarr") as made:
        np.testing.assert_array_equal(made["0"][:], pixels)


@pytest.mark.parametrize("harm", ["deleted", "cut", "changed"])
def test_a_chunk_that_is_not_as_it_was_left_is_made_again(show, tmp_path, monkeypatch, harm):
    pixels = stack(5, (3, 2, 4, 32, 32))
    node = show(image_source("Pos0", pixels, (0, 0)))
    small_parts(monkeypatch, pixels[0].nbytes)
    with monkeypatch.context() as patch:
        interrupted(patch, 2)
        with pytest.raises(IohubError, match="interrupted"):
            node.export(tmp_path / "out.zarr", levels=2, chunks="plane")
    chunk = hidden(tmp_path) / "store" / "1" / "c" / "0" / "1" / "0" / "0" / "0"
    raw = chunk.read_bytes()
    if harm == "deleted":
        chunk.unlink()
    else:
        chunk.write_bytes(raw[:-3] if harm == "cut" else raw[:-1] + b"x")
    node.export(tmp_path / "out.zarr", levels=2, chunks="plane")
    node.export(tmp_path / "other.zarr", levels=2, chunks="plane")
    with open_ome_zarr(tmp_path / "out.zarr") as a, open_ome_zarr(tmp_path / "other.zarr") as b:
        for level in ("0", "1"):
            np.testing.assert_array_equal(a[level][:], b[level][:])


def test_lower_levels_that_parts_share_are_right(show, tmp_path, monkeypatch):
    # Chunks of the lower levels reach over several parts, also when they are done in two calls.
    pixels = stack(8, (1, 1, 32, 32, 32))
    node = show(image_source("Pos0", pixels, (0, 0)))
    done = small_parts(monkeypatch, pixels.nbytes // 4)
    options: dict[str, Any] = {"levels": 3, "chunks": (1, 1, 8, 32, 32)}
    with monkeypatch.context() as patch:
        interrupted(patch, 1)
        with pytest.raises(IohubError, match="interrupted"):
            node.export(tmp_path / "out.zarr", **options)
    node.export(tmp_path / "out.zarr", **options)
    assert len(done) == 4
    monkeypatch.undo()
    node.export(tmp_path / "whole.zarr", **options)
    with open_ome_zarr(tmp_path / "out.zarr") as a, open_ome_zarr(tmp_path / "whole.zarr") as b:
        for level in ("0", "1", "2"):
            np.testing.assert_array_equal(a[level][:], b[level][:])


def test_each_unit_belongs_to_the_last_part_that_reaches_into_it():
    shape, chunks = (2, 1, 33, 40, 40), (1, 1, 4, 40, 40)
    plans = plan_levels(shape, "tczyx", (1,) * 5, None, 3, chunks=chunks)
    targets = tuple(
        (str(p.index), ArraySpec.create(p.shape, "u2", zarr_format=3, chunks=p.chunks or chunks))
        for p in plans
    )
    source: Any = None
    parts = Parts.of(Job(source, targets, plans[1:]), 4 * 40 * 40 * 2)
    regions = parts.regions()
    assert len(regions) > 10
    for level, (_, spec) in enumerate(targets):
        found = [unit for region in regions for unit in parts.units(level, region, spec)]
        assert sorted(found) == sorted(grid.units_of(grid.full(spec.shape), spec.unit))


def test_changed_options_restart_what_they_affect(plate, tmp_path, monkeypatch):
    out = tmp_path / "out.zarr"
    with open_ome_zarr(plate) as source:
        with monkeypatch.context() as patch:
            interrupted(patch, 1)
            with pytest.raises(IohubError, match="interrupted"):
                source.export(out, positions=["A/1/1", "B/3/0"], levels=1, version="0.5")
        kept = hidden(tmp_path) / "store" / "A" / "1" / "1" / "0" / "zarr.json"
        before = kept.stat().st_mtime_ns
        done = small_parts(monkeypatch, 2**30)
        source.export(out, positions=["A/1/1"], levels=1, version="0.5")
        assert not done  # complete before
        report = source.export(out, positions=["B/3/0"], levels=2, version="0.5")
        assert report.complete
        assert len(done) == 1
        with open_ome_zarr(out) as made:
            assert made["A/1/1"]["0"].shape == source["A/1/1"]["0"].shape
            assert [len(position) for _, position in made.positions()] == [1, 2]
    assert (out / "A" / "1" / "1" / "0" / "zarr.json").stat().st_mtime_ns == before


def test_a_call_that_leaves_another_unfinished_says_so(plate, tmp_path, monkeypatch):
    out = tmp_path / "out.zarr"
    with open_ome_zarr(plate) as source:
        with monkeypatch.context() as patch:
            interrupted(patch, 0)
            with pytest.raises(IohubError, match="interrupted"):
                source.export(out, positions="A")
        report = source.export(out, positions="B")
        assert not report.complete
        assert list(report.waits_for) == ["A/1/0", "A/1/1"]
        assert "A/1/0" in report.describe()
        assert not out.exists()
        assert source.export(out, positions="B", restart=True).complete
        with open_ome_zarr(out) as made:
            assert [key for key, _ in made.positions()] == ["B/3/0"]


def test_a_source_that_changed_is_converted_anew(tmp_path, show):
    out = tmp_path / "out.zarr"
    show(image_source("Pos0", stack(1), (0, 0))).export(out)
    with pytest.raises(ExistsError):
        show(image_source("Pos0", stack(2, (2, 2, 5, 40, 50)), (0, 0))).export(out)


WORKER = """
import sys
from iohub import open_ome_zarr
with open_ome_zarr("plate.zarr") as node:
    report = node.export("out.zarr", version="0.5", levels=2, positions=sys.argv[1:] or None)
"""


@pytest.mark.parametrize(
    "workers",
    [
        [["A/1/0"], ["A/1/1"], ["B/3/0"]],
        [[], []],
        [["A"], []],
    ],
    ids=["parts", "same", "overlap"],
)
def test_workers_share_a_destination(plate, tmp_path, workers):
    running = [child(tmp_path, WORKER, *positions) for positions in workers]
    for process in running:
        code, _, errors = finish(process)
        assert code == 0, errors
    with open_ome_zarr(plate) as source:
        check_whole(tmp_path, source)


def test_positions_are_added_to_what_an_earlier_call_made(plate, tmp_path):
    out = tmp_path / "out.zarr"
    with open_ome_zarr(plate) as source:
        for positions in ("B/3/0", "A/1/1", "A"):
            report = source.export(out, version="0.5", positions=positions, levels=2)
            assert report.complete
        assert report.resumed == 1
        check_whole(tmp_path, source)
        with pytest.raises(ExistsError):
            source.export(out, version="0.5", positions="A/1/1", levels=1)


def test_others_at_work_with_other_options_are_not_disturbed(plate, tmp_path, monkeypatch):
    from iohub.convert.notes import Notes
    from iohub.storage import locks
    from iohub.storage.local import LocalBytes

    out = tmp_path / "out.zarr"
    with open_ome_zarr(plate) as source:
        with monkeypatch.context() as patch:
            interrupted(patch, 1)
            with pytest.raises(IohubError, match="interrupted"):
                source.export(out, version="0.5", levels=1)
        store = LocalBytes(hidden(tmp_path))
        with locks.idle_lock(store.path(Notes(store, "notes").claim("A/1/0"))) as mine:
            assert mine
            with pytest.raises(ExistsError, match="other options"):
                source.export(out, version="0.4")
        assert source.export(out, version="0.4").complete


def test_killed_after_an_archive_took_its_place_the_next_call_only_tidies(
    plate, tmp_path, monkeypatch
):
    out = tmp_path / "out.ozx"
    with open_ome_zarr(plate) as source:
        with monkeypatch.context() as patch:
            patch.setattr(Stage, "_clean", lambda self: None)
            source.export(out, version="0.5")
        before = out.stat()
        assert (tmp_path / ".out.ozx.iohub-convert").exists()
        assert source.export(out, version="0.5").resumed == 3
        assert sorted(os.listdir(tmp_path)) == ["out.ozx", "plate.zarr"]
        assert out.stat() == before
        with pytest.raises(ExistsError, match="overwrite"):
            source.export(out, version="0.5")
        assert source.export(out, version="0.5", overwrite=True).complete


def test_killed_while_positions_are_added_all_are_there_after_the_next_call(
    plate, tmp_path, monkeypatch
):
    out = tmp_path / "out.zarr"
    with open_ome_zarr(plate) as source:
        source.export(out, version="0.5", levels=2, positions="B/3/0")
        for name in ("create_positions", "_clean"):
            place = Plate if name == "create_positions" else Stage
            with monkeypatch.context() as patch:

                def stop(*arguments: Any, **more: Any) -> None:
                    raise IohubError("interrupted")

                patch.setattr(place, name, stop)
                with pytest.raises(IohubError, match="interrupted"):
                    source.export(out, version="0.5", levels=2)
            assert validate(out).valid
        assert source.export(out, version="0.5", levels=2).complete
        check_whole(tmp_path, source)


def test_a_store_without_names_of_files_is_added_to_and_not_mixed(plate):
    memory = MemoryStore()
    with open_ome_zarr(plate) as source:
        source.export(memory, version="0.5", positions="A")
        report = source.export(memory, version="0.5")
        assert (report.positions, report.resumed) == (3, 2)
        with pytest.raises(ExistsError, match="other pixels"):
            source.export(memory, version="0.5", levels=1)
        with open_ome_zarr(plate, mode="r+") as node:
            node["A/1/0"].zattrs["note"] = 1
        with pytest.raises(ExistsError, match="before it was changed"):
            source.export(memory, version="0.5")
        assert source.export(memory, version="0.5", overwrite=True).resumed == 0
        with open_ome_zarr(memory) as made:
            for key, position in source.positions():
                np.testing.assert_array_equal(made[key]["0"][:], position["0"][:])
