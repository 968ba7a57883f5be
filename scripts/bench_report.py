"""How the benchmarks measure and report: interleaved medians, peak memory, rows and a table.

It knows nothing of iohub; `bench_nodes.py` says what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

Contestants = Mapping[str, Callable[[], object]]


@dataclass
class Row:
    """One line of the report.

    Attributes
    ----------
    what : str
        What was measured.
    target : str
        Figure to reach, in words.
    value : float
        Figure that was reached.
    reached : bool
        Whether that will do.
    figures : dict
        Everything that was measured: seconds, bytes, counts.
    """

    what: str
    target: str
    value: float
    reached: bool
    figures: dict[str, float] = field(default_factory=dict)


@dataclass
class Report:
    """The rows; each is printed as one line of JSON as soon as it is there."""

    rows: list[Row] = field(default_factory=list)

    def add(self, what: str, limit: str, value: float, figures: Mapping[str, float]) -> None:
        """Add a row.

        Parameters
        ----------
        what : str
            What was measured.
        limit : str
            Figure to reach, such as ``">= 5 x"``: a sign, a number, perhaps words.
        value : float
            Figure that was reached.
        figures : mapping of str to float
            Everything that was measured.
        """
        sign, number = limit.split()[:2]
        reached = value >= float(number) if sign == ">=" else value <= float(number)
        row = Row(
            what, limit, round(value, 3), reached, {k: round(v, 6) for k, v in figures.items()}
        )
        self.rows.append(row)
        print(json.dumps(asdict(row), ensure_ascii=False), flush=True)

    def table(self) -> str:
        """Return all rows for people."""
        lines = [("", "what", "target", "figure", "measured")]
        for row in self.rows:
            measured = ", ".join(f"{name} {_short(x)}" for name, x in row.figures.items())
            mark = "ok" if row.reached else "!!"
            lines.append((mark, row.what, row.target, f"{row.value:.3g}", measured))
        widths = [max(len(line[i]) for line in lines) for i in range(4)]
        return "\n".join(
            "  ".join([*(line[i].ljust(widths[i]) for i in range(4)), line[4]]) for line in lines
        )


def medians(
    contestants: Contestants,
    repeats: int,
    *,
    before: Callable[[], object] | None = None,
    warm: bool = True,
    processor: dict[str, float] | None = None,
) -> dict[str, float]:
    """Time things in turn, again and again, so that a busy machine treats all alike.

    Parameters
    ----------
    contestants : mapping of str to callable
        What to time.
    repeats : int
        Rounds; the order of a round is turned by one each time.
    before : callable, optional
        What to do before each run, not timed.
    warm : bool
        Whether to run each once beforehand.
    processor : dict, optional
        Gets the medians of processor time, of all threads [s]; others on the machine do not
        change it much.

    Returns
    -------
    dict of str to float
        Median of each [s].
    """
    names = list(contestants)
    times: dict[str, list[float]] = {name: [] for name in names}
    worked: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(-1 if warm else 0, repeats):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            if before is not None:
                before()
            start, begun = time.perf_counter(), time.process_time()
            contestants[name]()
            if turn >= 0:
                times[name].append(time.perf_counter() - start)
                worked[name].append(time.process_time() - begun)
    if processor is not None:
        processor.update({name: statistics.median(found) for name, found in worked.items()})
    return {name: statistics.median(found) for name, found in times.items()}


def reset_peak() -> int:
    """Forget the peak of resident memory, where the system can; return what is resident [bytes]."""
    if os.path.exists("/proc/self/clear_refs"):
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    return peak()


def peak() -> int:
    """Peak of resident memory [bytes]."""
    if os.path.exists("/proc/self/status"):
        # Not ru_maxrss: on Linux a child begins with that of its parent.
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024


def in_child(code: str, *arguments: str) -> dict[str, float]:
    """Run Python code in a fresh interpreter; its last line of output is JSON.

    Parameters
    ----------
    code : str
        What to run; finds this directory on its path.
    *arguments : str
        For ``sys.argv[1:]``.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {here!r})\n{code}", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return found


def children(codes: Mapping[str, str], repeats: int) -> dict[str, dict[str, float]]:
    """Run several pieces of code in turn, each in fresh interpreters; medians of what they print.

    Parameters
    ----------
    codes : mapping of str to str
        What to run, see :func:`in_child`.
    repeats : int
        Rounds.
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in codes}
    for _ in range(repeats):
        for name, code in codes.items():
            found[name].append(in_child(code))
    return {name: _median_of_each(runs) for name, runs in found.items()}


def _median_of_each(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def run(said: str, rows: Mapping[str, Callable[[Report, Path, int], None]]) -> None:
    """Run the rows that the command line asks for, each in a folder of its own, and print a table.

    Parameters
    ----------
    said : str
        What the benchmark is, for `--help`; its first line counts.
    rows : mapping of str to callable
        Takes a report, a folder, and how often to repeat.
    """
    parser = argparse.ArgumentParser(description=said.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=list(rows), default=list(rows))
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
            rows[name](report, own, options.repeats)
            shutil.rmtree(own)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print()
    print(report.table())
    print(f"\n{time.perf_counter() - begun:.0f} s on {os.cpu_count()} processors")
