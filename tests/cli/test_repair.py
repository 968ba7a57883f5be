"""``iohub repair``: every change is told, and nothing is written on a dry run."""

from __future__ import annotations

import json
import shutil


def test_repair(run, plate):
    shutil.rmtree(plate / "B")
    said = run("repair", "--dry-run", plate).stdout
    assert "the well 'B/10' is dropped: it is not there" in said
    assert "would change 1 document" in said
    assert "would change" in run("repair", "-n", plate).stdout
    assert "changed 1 document" in run("repair", plate).stdout
    assert "changed 0 documents" in run("repair", plate).stdout
    run("validate", plate)


def test_json(run, plate):
    shutil.rmtree(plate / "A/1/1")
    done = json.loads(run("repair", "--dry-run", "--json", plate).stdout)
    assert done["dry_run"] is True
    [change] = done["changes"]
    assert change["path"] == "A/1"
    assert change["what"] == ["the field of view '1' is dropped: it is not there"]
    assert change["before"] != change["after"]


def test_what_cannot_be_repaired(run, plate):
    said = run("repair", plate / "A", code=1)
    assert "not a plate, well or image" in said.stderr
