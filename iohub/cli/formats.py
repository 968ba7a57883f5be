"""``iohub formats``: what can be opened, and what is to be installed for the rest."""

from __future__ import annotations

import click

from iohub.cli.failures import Failures
from iohub.cli.output import say, show
from iohub.cli.selection import expand
from iohub.cli.teaching import Taught


@click.command(
    cls=Taught,
    short_help="List the file formats, and how to install their readers.",
    examples=[
        ("All formats, and which of them can be read here", "iohub formats"),
        ("Which format is this?", "iohub formats scan.ome.tif"),
    ],
)
@click.argument("paths", nargs=-1, type=click.Path())
def formats(paths: tuple[str, ...]) -> None:
    """List the formats that iohub opens, or say of which one PATHS are.

    They are listed in the order in which a file is tried for them. A format of another package is
    among them if that package is installed.
    """
    if not paths:
        _list()
        return
    from iohub.formats.registry import adapter_for
    from iohub.storage.location import locate

    failures = Failures()
    for path in expand(paths):
        with failures.caught(path):
            adapter = adapter_for(locate(path, writable=False))
            say(f"{path}: {adapter.name} ({adapter.title})")
    failures.finish()


def _with(packages: tuple[str, ...]) -> str:
    return f"(with {', '.join(packages)})" if packages else ""


def _list() -> None:
    from iohub.display import Column, PageSummary, Table
    from iohub.formats import registry

    rows = []
    for adapter in registry.adapters():
        missing = registry.missing_packages(adapter)
        state = f"needs {', '.join(missing)}" if missing else f"ready {_with(adapter.packages)}"
        install = registry.install_command(adapter) if missing else ""
        rows.append((adapter.name, adapter.title, " ".join(adapter.suffixes), state, install))
    columns = tuple(map(Column, ("name", "title", "suffixes", "here", "to install")))
    table = Table("in the order in which they are tried", columns, tuple(rows))
    show(PageSummary(kind="Formats", page=(table,)))
