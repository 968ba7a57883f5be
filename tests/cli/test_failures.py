"""What becomes of an error."""

from __future__ import annotations

import warnings

import click
import pytest

from iohub.cli.failures import Failures, describe, one_line_errors
from iohub.cli.output import spoken_warnings
from iohub.errors import ChannelError, CorruptNodeWarning, MissingNodeError, NameWarning


def test_words():
    error = OSError(28, "No space left on device", "a.zarr/0")
    error.add_note("The edit is recorded.")
    assert (
        describe(error) == "[Errno 28] No space left on device: 'a.zarr/0'\nThe edit is recorded."
    )
    assert describe(MissingNodeError("Z", "here", ["A"])) == "no 'Z' in here; there are 1: 'A'"
    assert describe(OSError()) == "OSError"


@pytest.mark.parametrize("error", [ChannelError("no such"), OSError("no such")])
def test_one_line(error):
    with pytest.raises(click.ClickException, match="no such") as caught, one_line_errors():
        raise error
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("error", [BrokenPipeError(), ZeroDivisionError()])
def test_others_pass(error):
    with pytest.raises(type(error)), one_line_errors():
        raise error
    with pytest.raises(type(error)), Failures().caught("x"):
        raise error


def test_failures(capsys):
    failures = Failures()
    failures.finish("all is well")
    with failures.caught("plate/A/1/0"):
        raise ChannelError("no such")
    with spoken_warnings(), failures.corrupt_nodes("plate"):
        warnings.warn("position /x/plate/B is broken", CorruptNodeWarning, stacklevel=1)
        warnings.warn("something else", NameWarning, stacklevel=1)
    with pytest.raises(click.ClickException, match=r"^2 failed, 3 done$"):
        failures.finish("3 done")
    assert capsys.readouterr().err.splitlines() == [
        "warning: something else",
        "failed: plate/A/1/0: no such",
        "failed: position /x/plate/B is broken",
    ]
