"""How fast the optimizer is and what memory it takes, beside PyPortfolioOpt where it is there."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bench.optimizer_case import LARGEST, ROWS, SECURITIES, TARGET, ours, returns
from bench.process import ROOT
from bench.report import Measurement, Section, as_text
from kernels.checks import Floats
from policy.optimizer.blend import blended
from policy.optimizer.run import optimize
from tests.policy.optimizer_cases import given_of, many, weekly_returns

WHOLE_FLOOR_MS, WHOLE_GOAL_MS = 5.0, 1.0
MEMORY_FLOOR_MIB, MEMORY_GOAL_MIB = 8.0, 2.0
REPEATS = 20


def oracle() -> Callable[[Floats, Floats], Floats] | None:
    """The same by PyPortfolioOpt, without the projection it does not have; None without it."""
    if importlib.util.find_spec("pypfopt") is None:
        return None
    pandas, pypfopt = (importlib.import_module(name) for name in ("pandas", "pypfopt"))

    def run(history: Floats, expected: Floats) -> Floats:
        frame: Any = pandas.DataFrame(history)
        shrinkage = pypfopt.risk_models.CovarianceShrinkage(frame, returns_data=True)
        frontier = pypfopt.EfficientFrontier(
            expected, shrinkage.ledoit_wolf(), weight_bounds=(0.0, LARGEST)
        )
        mean = np.array(list(frontier.efficient_return(TARGET).values()))
        found = pypfopt.HRPOpt(frame).optimize()
        parity = np.array([found[column] for column in frame.columns])
        return blended(mean, parity, 0.5)

    return run


def best_ms(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """The least disturbed of several runs."""
    times: list[float] = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times) * 1e3


_CHILD = """
import numpy, numpy.linalg
def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1])
import ledger.optimization
history = numpy.random.default_rng(7).normal(0.0003, 0.01, ({rows}, {columns}))
expected = numpy.linspace(0.02, 0.2, {columns})
history.T @ history
before = resident()
from bench.optimizer_case import ours
ours(history, expected)
print(resident() - before)
"""


def added_mib() -> float | None:
    """What importing and running it once adds to a process that has numpy; None if unreadable."""
    code = _CHILD.format(rows=ROWS, columns=SECURITIES)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return int(done.stdout) / 1024 if done.returncode == 0 else None


def _case_lines() -> Iterator[Measurement]:
    history, expected = returns(), np.linspace(0.02, 0.2, SECURITIES)
    mine = best_ms(lambda: ours(history, expected))
    name = f"{ROWS:,} × {SECURITIES}: covariance, mean-variance, risk parity, blend"
    yield Measurement(name, mine, "ms", floor=WHOLE_FLOOR_MS, goal=WHOLE_GOAL_MS)
    other = oracle()
    if other is not None:
        theirs = best_ms(lambda: other(history, expected), repeats=5)
        yield Measurement("the same by PyPortfolioOpt", theirs, "ms")
        yield Measurement("PyPortfolioOpt over ours", theirs / mine, "×", more_is_better=True)
    memory = added_mib()
    if memory is not None:
        yield Measurement(
            "memory added by it", memory, "MiB", floor=MEMORY_FLOOR_MIB, goal=MEMORY_GOAL_MIB
        )


def _run_lines() -> Iterator[Measurement]:
    groups = dict.fromkeys(("Iron", "Cloth", "Salt", "Wine"), "0.25")
    countries = {"East": "0.4", "West": "0.3", "North": "0.3"}
    for count in (30, 200):
        case = given_of(many(count), weekly_returns(count), countries=countries, industries=groups)
        name = f"whole run, {count} securities, 5 years of weeks, 7 bands"
        yield Measurement(name, best_ms(lambda case=case: optimize(case), repeats=5), "ms")


def measure() -> Section:
    return Section(
        "Optimizer",
        f"Target weights of {SECURITIES} securities from {ROWS:,} days of returns, each at most"
        f" {LARGEST}, for a return of {TARGET} a year; then whole runs as the planner makes them,"
        " with costs and the bands of groups. Memory is what importing and running it adds to the"
        " peak of a process that has numpy already.",
        (*_case_lines(), *_run_lines()),
    )


def main() -> None:
    print(as_text(measure()))


if __name__ == "__main__":
    main()
