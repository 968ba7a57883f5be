"""The program as a whole: help, version, exit codes, what an error looks like, what is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import click
import pytest

import iohub
from iohub.cli import main
from iohub.errors import NotFoundError

COMMANDS = [
    "info",
    "tree",
    "formats",
    "convert",
    "tiles",
    "validate",
    "set-scale",
    "rename-wells",
    "rename-channel",
    "compute-pyramid",
    "repair",
    "recover",
    "upgrade",
    "conformance",
]
HEAVY = {"dask", "numpy", "pandas", "pydantic", "rich", "tensorstore", "xarray", "zarr", "zarrs"}


def shell(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own, in which warnings of Python are errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "iohub.cli", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def test_commands_in_the_order_in_which_people_meet_them(run):
    assert list(main.commands) == COMMANDS
    said = run("--help").stdout
    assert [line.split()[0] for line in said.splitlines() if line[2:].startswith(tuple(COMMANDS))]
    listed = said.partition("Commands:")[2]
    assert sorted(COMMANDS, key=lambda name: listed.index(f"\n  {name} ")) == COMMANDS
    assert "..." not in listed


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_examples(run, command, option):
    said = run(command, option).stdout
    assert f"  iohub {command} " in said.partition("Examples:")[2]


def test_examples_can_be_parsed():
    """What the help shows is a command line of this program."""
    context = click.Context(main, info_name="iohub")
    for name in COMMANDS:
        command = main.commands[name]
        for _, line in command.examples:
            words = [word.strip("'") for word in line.rpartition("| ")[2].split()]
            assert words[:2] == ["iohub", name]
            given = [word if not word.endswith(".csv") else os.devnull for word in words[2:]]
            command.make_context(name, given, parent=context).close()


def test_version(run):
    assert run("--version").stdout == f"iohub {iohub.__version__}\n"
    assert run("-V").stdout == f"iohub {iohub.__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([name, "-h"] for name in COMMANDS)])
def test_help_loads_nothing_heavy(words):
    code = (
        "import sys, json, iohub.cli\n"
        f"try: iohub.cli.main({words!r})\n"
        "finally: print(json.dumps([*sys.modules]), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert HEAVY.isdisjoint(json.loads(done.stderr))


def test_the_installed_command():
    """The entry point is the program."""
    from importlib.metadata import entry_points

    (entry,) = entry_points(group="console_scripts", name="iohub")
    assert entry.load() is main


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["info"],
        ["tree", "--level", "-1", "x.zarr"],
        ["tree", "--level", "two", "x.zarr"],
        ["validate"],
        ["repair", "--dry-run"],
        ["conformance", "nonsense"],
        ["conformance", "attributes", "x.json", "--zarr-format", "4"],
        ["conformance", "transform", "x.zarr", "a", "b"],
        ["conformance", "transform", "x.zarr", "a", "b", "[[1,"],
        ["set-scale", "x.zarr"],
        ["set-scale", "-z", "1"],
        ["set-scale", "x.zarr", "-z", "0"],
        ["set-scale", "x.zarr", "-z", "-1"],
        ["set-scale", "x.zarr", "-z", "much"],
        ["set-scale", "x.zarr", "-z", "1", "--axis", "Z", "2"],
        ["rename-wells", "x.zarr"],
        ["rename-wells", "x.zarr", "no-such.csv"],
        ["rename-channel", "x.zarr", "old"],
        ["compute-pyramid", "x.zarr", "--levels", "0"],
        ["compute-pyramid", "x.zarr", "--method", "sum"],
        ["compute-pyramid", "x.zarr", "--downscale", "y,,x"],
        ["compute-pyramid", "x.zarr", "--downscale", "y=two"],
        ["compute-pyramid", "x.zarr", "--downscale", "y,y"],
        ["compute-pyramid", "x.zarr", "--workers", "0"],
    ],
)
def test_usage_errors(run, words):
    result = run(*words, code=2)
    assert result.stdout == ""
    assert "Usage: " in result.stderr
    assert "Error: " in result.stderr


def test_a_command_that_is_nearly_right(run):
    assert "did you mean rename-wells" in run("rename-well", code=2).stderr


@pytest.mark.parametrize(
    "words",
    [
        ["info"],
        ["tree"],
        ["validate"],
        ["repair"],
        ["set-scale", "-z", "1"],
        ["compute-pyramid", "-l", "2"],
        ["rename-channel", "{}", "a", "b"],
        ["rename-wells", "{}", os.devnull],
    ],
)
def test_what_is_not_there(run, words, tmp_path):
    path = tmp_path / "nothing.zarr"
    given = [word.format(path) for word in words]
    result = run(*given, *([] if str(path) in given else [path]), code=1)
    assert result.stdout == ""
    assert words[0] == "rename-wells" or f"no such file or folder: {path}" in result.stderr


def test_an_error_is_a_line_unless_debugging(tmp_path):
    path = tmp_path / "nothing.zarr"
    done = shell("info", path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"failed: no such file or folder: {path}",
        "Error: 1 failed",
    ]
    for words in (["--debug", "info", path], ["info", "--debug", path]):
        done = shell(*words)
        assert done.returncode == 1
        assert "Traceback" in done.stderr
        assert NotFoundError.__name__ in done.stderr


def test_a_real_run(plate):
    done = shell("tree", "--level", "1", plate)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "plate.zarr\n├── A\n└── B\n"


def test_a_stream_that_cannot_write_every_sign(plate):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = shell("tree", "--level", "1", plate, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "plate.zarr\n|-- A\n`-- B\n"


def test_a_reader_that_has_seen_enough(plate):
    with subprocess.Popen(
        [sys.executable, "-m", "iohub.cli", "tree", str(plate)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
