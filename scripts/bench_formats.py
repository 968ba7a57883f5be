"""Benchmarks of formats: each figure of iohub beside the format's own library in the same run.

    python scripts/bench_formats.py [--only WORDS] [--repeats N] [--folder DIR]

Prints one line of JSON per row, then a table. Ratios count, not seconds: all contestants of a row
take turns. The rows are in the files `bench_formats_*.py` beside this one: functions of a report, a
folder and how often to repeat, by name in `ROWS`. Files are in the system's cache, so decoding,
copying and system calls are measured, not the disk.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench_report import Report

Row = Callable[[Report, Path, int], None]


def rows() -> dict[str, Row]:
    """All rows there are, by name."""
    found: dict[str, Row] = {}
    for path in sorted(Path(__file__).parent.glob("bench_formats_*.py")):
        found.update(importlib.import_module(path.stem).ROWS)
    return found


def main() -> None:
    """Run what is asked for."""
    known = rows()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=list(known), default=list(known))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to make the temporary folder")
    options = parser.parse_args()
    report = Report()
    begun = time.perf_counter()
    folder = Path(tempfile.mkdtemp(prefix="iohub-bench-", dir=options.folder))
    try:
        for name in options.only:
            own = folder / name
            own.mkdir()
            known[name](report, own, options.repeats)
            shutil.rmtree(own)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print()
    print(report.table())
    print(f"\n{time.perf_counter() - begun:.0f} s on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
