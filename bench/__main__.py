"""Every budget in one run: `make bench`, or `python -m bench [SECTION …] [--write]`.

Takes about five minutes, uses nothing but this machine, and stops whatever it started. With
`--write` the tables of docs/performance.md are replaced by those of this run.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from bench import (
    idle,
    kernels,
    latency,
    loop_lag,
    market,
    memory,
    metrics,
    optimizer,
    planning,
    scoring,
    start,
    store_hops,
    writes,
)
from bench.process import ROOT
from bench.report import Section, as_markdown, as_text

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

Run = Callable[[], Section]


def _runs(folder: Path) -> dict[str, Run]:
    """Every section by name; the large market is written when the first of them needs it."""
    large = folder / "market"

    def on_large(measure: Callable[[Path, Path, str], Section]) -> Section:
        if not large.exists():
            market.write_market(large)
        return measure(folder, large, market.START)

    return {
        "kernels": kernels.measure,
        "metrics": metrics.measure,
        "planning": planning.measure,
        "optimizer": optimizer.measure,
        "scoring": partial(scoring.measure, folder),
        "store": partial(store_hops.measure, folder),
        "start": partial(start.measure, folder),
        "memory": partial(on_large, memory.measure),
        "idle": partial(idle.measure, folder),
        "writes": partial(writes.measure, folder),
        "loop": partial(on_large, loop_lag.measure),
        "requests": partial(on_large, latency.measure),
    }


def _measured(chosen: Sequence[str]) -> Iterator[Section]:
    with tempfile.TemporaryDirectory(prefix="trimtab-bench-") as folder:
        for name, run in _runs(Path(folder)).items():
            if not chosen or name in chosen:
                yield run()


def _machine(date: str | None) -> str:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    lines = [
        f"- Machine: {platform.machine()}, {_processor()}, {os.cpu_count()} cores,"
        f" {platform.system()} {platform.release()}",
        f"- Python {platform.python_version()}; load average at the end of the run: {load}",
    ]
    return "\n".join([*lines, *([f"- Date: {date}"] if date else [])])


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return "unknown processor"
    names = (line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line)
    return next(names, "unknown processor")


def _write(sections: Sequence[Section], date: str | None) -> None:
    page = PAGE.read_text("utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE} has no place for the tables: {BEGIN} … {END}")
    tables = f"{_machine(date)}\n\n{as_markdown(sections)}"
    PAGE.write_text(f"{before}{begin}\n\n{tables}\n{end}{after}", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was chosen; 1 when a floor was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[[], *_runs(Path())], metavar="SECTION")
    parser.add_argument("--write", action="store_true", help="replace the tables of the page")
    parser.add_argument("--date", help="noted on the page")
    arguments = parser.parse_args(argv)
    if arguments.write and arguments.sections:
        parser.error("--write needs a run of all sections")
    sections: list[Section] = []
    for section in _measured(arguments.sections):
        print(as_text(section), flush=True)
        sections.append(section)
    if arguments.write:
        _write(sections, arguments.date)
    missed = [m.name for section in sections for m in section.measurements if m.verdict == "missed"]
    print(f"Floors missed: {', '.join(missed)}" if missed else "Every floor is kept.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
