"""Many device-months: `python -m tests.sim.months [--count N] [--first SEED] [--workers N]`.

Each seed is one month of one device with its own market, rules, faults, crashes, wrong clocks and
whims of its owner. A month in which an invariant is broken prints the command that replays it. At
the end every invariant is listed with how many worlds it was asked in, and how often.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from daemon.clock import monotonic_us
from tests.sim.campaign import Campaign, Outcome, run

MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Month:
    """`error` is why the month could not be lived to its end."""

    seed: int
    outcome: Outcome | None
    error: str


def live(seed: int) -> Outcome:
    """One month in a folder of its own, which is thrown away."""
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place, prefix="trimtab-") as folder:
        return run(Campaign.month(seed), Path(folder))


def months(seeds: range, workers: int) -> Iterator[Month]:
    """Every month as it ends, in no set order."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        seed_of = {pool.submit(live, seed): seed for seed in seeds}
        for done in as_completed(seed_of):
            error = done.exception()
            outcome = done.result() if error is None else None
            yield Month(seed_of[done], outcome, "" if error is None else repr(error))


def problems_of(month: Month) -> tuple[str, ...]:
    return (month.error,) if month.outcome is None else month.outcome.problems


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.months", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.count)
    worlds, times, totals = Counter[str](), Counter[str](), Counter[str]()
    failed: list[int] = []
    began_us = monotonic_us()
    for number, month in enumerate(months(seeds, asked.workers), 1):
        if problems_of(month):
            failed.append(month.seed)
            for problem in problems_of(month):
                print(f"\nseed {month.seed}: {problem}")
            print(f"replay: python -m tests.sim.replay {month.seed} --month", flush=True)
        if month.outcome is not None:
            times.update(month.outcome.asked)
            worlds.update(month.outcome.asked.keys())
            totals.update(lives=month.outcome.lives, fills=month.outcome.filled)
        spent_s = (monotonic_us() - began_us) / 1e6
        left_s = spent_s / number * (len(seeds) - number)
        line = f"{number} of {len(seeds)} months, {len(failed)} failed, {left_s / 60:.0f} min left"
        print(f"\r{line}", end="", file=sys.stderr, flush=True)
    print(f"\n{len(seeds)} device-months, {totals['lives']} lives, {totals['fills']} fills")
    for name in sorted(worlds, key=lambda n: (n[0], int(n[1:]))):
        print(f"{name:4} asked in {worlds[name]} worlds, {times[name]} times")
    print(f"{len(failed)} failed: {sorted(failed)}" if failed else "nothing lost, nothing doubled")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
