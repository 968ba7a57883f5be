"""Benchmarks of formats: each figure of iohub beside the format's own library in the same run.

    python scripts/bench_formats.py [--only WORDS] [--repeats N] [--folder DIR]

Prints one line of JSON per row, then a table. Ratios count, not seconds: all contestants of a row
take turns. The rows are in the files `bench_formats_*.py` beside this one: functions of a report, a
folder and how often to repeat, by name in `ROWS`. Files are in the system's cache, so decoding,
copying and system calls are measured, not the disk.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from bench_report import Report, run

Row = Callable[[Report, Path, int], None]


def rows() -> dict[str, Row]:
    """All rows there are, by name."""
    found: dict[str, Row] = {}
    for path in sorted(Path(__file__).parent.glob("bench_formats_*.py")):
        found.update(importlib.import_module(path.stem).ROWS)
    return found


if __name__ == "__main__":
    run(__doc__, rows())
