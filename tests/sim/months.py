"""Many device-months: `python -m tests.sim.months [--count N] [--first SEED] [--workers N]`.

Each seed is one month of one device with its own market, rules, faults, crashes, wrong clocks and
whims of its owner. A month in which an invariant is broken prints the command that replays it. At
the end every invariant is listed with how many worlds put it to the test, and how often; then the
gates with what they refused, and the faults, crashes and whims with how often they struck.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from daemon.clock import monotonic_us
from tests.sim.campaign import Campaign, Outcome, run

MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Month:
    """`error` is why the month could not be lived to its end."""

    seed: int
    outcome: Outcome | None
    error: str


@dataclass(slots=True)
class Tally:
    """How often each of many things happened, and in how many worlds."""

    times: Counter[str] = field(default_factory=Counter[str])
    worlds: Counter[str] = field(default_factory=Counter[str])

    def add(self, counts: Mapping[str, int]) -> None:
        """What one world saw."""
        self.times.update(counts)
        self.worlds.update(name for name, times in counts.items() if times)

    def show(self, verb: str, *, key: Callable[[str], Any] = str) -> None:
        for name in sorted(self.worlds, key=key):
            print(f"{name:20} {verb} in {self.worlds[name]} worlds, {self.times[name]} times")


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
    wanted = parser.parse_args()
    seeds = range(wanted.first, wanted.first + wanted.count)
    asked, refused, struck, totals = Tally(), Tally(), Tally(), Counter[str]()
    failed: list[int] = []
    began_us = monotonic_us()
    for number, month in enumerate(months(seeds, wanted.workers), 1):
        if problems_of(month):
            failed.append(month.seed)
            for problem in problems_of(month):
                print(f"\nseed {month.seed}: {problem}")
            print(f"replay: python -m tests.sim.replay {month.seed} --month", flush=True)
        if month.outcome is not None:
            asked.add(month.outcome.asked)
            refused.add(month.outcome.refused)
            struck.add(month.outcome.struck)
            totals.update(lives=month.outcome.lives, fills=month.outcome.filled)
        spent_s = (monotonic_us() - began_us) / 1e6
        left_s = spent_s / number * (len(seeds) - number)
        line = f"{number} of {len(seeds)} months, {len(failed)} failed, {left_s / 60:.0f} min left"
        print(f"\r{line}", end="", file=sys.stderr, flush=True)
    print(f"\n{len(seeds)} device-months, {totals['lives']} lives, {totals['fills']} fills")
    asked.show("asked", key=lambda name: (name[0], int(name[1:])))
    refused.show("refused")
    struck.show("struck")
    print(f"{len(failed)} failed: {sorted(failed)}" if failed else "nothing lost, nothing doubled")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
