"""Colours in a terminal, none in a pipe; bars on stderr; warnings of one line."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import pytest

from iohub.cli.output import progress, spoken_warnings
from iohub.errors import NameWarning

pty = pytest.importorskip("pty", reason="needs terminals of POSIX")


def in_terminal(*words: object) -> tuple[str, int]:
    """Run the program with a terminal as stdout and stderr; what it wrote, and its exit code."""
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    main, other = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "iohub.cli", *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=other,
        stderr=other,
        env=environment,
    ) as process:
        os.close(other)
        said = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # Linux says so that the other end is closed
                break
            if not part:
                break
            said += part
    os.close(main)
    return said.decode(), process.returncode


def test_colours(plate):
    said, code = in_terminal("info", plate)
    assert code == 0
    assert "\x1b[" in said
    said, _ = in_terminal("tree", plate)
    assert "\x1b[" in said
    assert "B" in said


def test_a_bar(plate):
    said, code = in_terminal("compute-pyramid", plate, "-l", "2")
    assert code == 0
    assert "4/4" in said
    assert "computed 4 pyramids" in said


def test_the_bar_is_told_how_far_it_is(capsys):
    with progress(4, "work [1]", shown=True) as update:
        update(1.5, "A/1/[0]")
        update(4, "")
    written = capsys.readouterr()
    assert written.out == ""
    assert "4/4" in written.err
    with progress(4, "work") as update:
        update(1, "")
    assert capsys.readouterr().err == ""


def test_a_warning_is_said_once(capsys):
    with spoken_warnings():
        for _ in range(3):
            warnings.warn("mind this", NameWarning, stacklevel=1)
    assert capsys.readouterr().err == "warning: mind this\n"


def test_names_that_collide(run, plate):
    result = run("rename-wells", plate, "-", stdin="B/10,a/1\n")
    assert result.stderr == (
        "warning: the row names 'A' and 'a' differ by case only and collide on Windows and macOS\n"
    )
