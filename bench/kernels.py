"""How fast the kernels are: `python -m bench.kernels` from the root of the checkout.

One run measures the compiled kernel, its numpy twin and the plain-Python oracle on the same
portfolio, so the ratios hold whatever the machine.  `measure` is for the larger bench script.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np

from bench.report import Measurement, Section, as_text
from kernels import risk, search, sequences
from kernels.checks import Ints
from kernels.choose import RiskKernel, load
from kernels.packing import NamedAxis, NamedProblem, Trade, pack, pack_sequences
from kernels.problem import ScoreWeights
from kernels.series import Series
from kernels.workload import Workload, prepare
from tests.kernels import oracle

DEPTH = 5
COUNTRY_GROUPS, INDUSTRY_GROUPS = 5, 8
CANDIDATES, MANY = 40, 120
PACKED = 10_000  # sequences for which the packing is done once
RATE_FLOOR, RATE_GOAL, RATIO_FLOOR = 1_000_000.0, 5_000_000.0, 20.0
SUMMARY_FLOOR_US, SUMMARY_GOAL_US = 50.0, 10.0
TRIPLES_GOAL_MS = 1000.0
BACKENDS = (("cython", "compiled"), ("numpy", "numpy twin"))
# What a portfolio is ranked by: mostly what its holdings are worth, a quarter how they spread.
RANKED_BY = ScoreWeights(country=0.14, industry=0.11, quality=0.0, worth=1.0, constant=0.025)


@dataclass(frozen=True, slots=True)
class Case:
    """`rows` sequences are enough to be measured for the compiled kernel, a tenth for its twin."""

    positions: int
    securities: int
    rows: int

    def __str__(self) -> str:
        return f"({self.positions}, {self.securities}, {DEPTH})"


CASES = (Case(25, 50, 200_000), Case(100, 200, 100_000), Case(400, 1000, 50_000))


def named_case(
    case: Case, seed: int = 1, *, candidates: int = CANDIDATES
) -> tuple[NamedProblem, list[Trade]]:
    """A portfolio of some of the securities, and candidate trades over them, sales first."""
    rng = np.random.default_rng(seed)
    symbols = [f"S{number:04d}" for number in range(case.securities)]
    held = symbols[: case.positions]
    positions = {symbol: float(rng.uniform(500, 5000)) for symbol in held}
    trades = [
        Trade(
            symbol=str(rng.choice(held if side == "SELL" else symbols)),
            side=side,
            value=float(rng.uniform(100, 400)),
        )
        for side in sorted(rng.choice(["BUY", "SELL"], candidates).tolist(), reverse=True)
    ]
    named = NamedProblem(
        positions=positions,
        country=_axis(rng, symbols, COUNTRY_GROUPS),
        industry=_axis(rng, symbols, INDUSTRY_GROUPS),
        scores={symbol: float(rng.random()) for symbol in symbols},
        yields={symbol: float(rng.uniform(0, 0.06)) for symbol in symbols},
        total=sum(positions.values()) + 2500.0,
        cash=2500.0,
        worth={symbol: float(rng.uniform(0.35, 0.6)) for symbol in symbols},
    )
    return named, trades


def _axis(rng: np.random.Generator, symbols: list[str], groups: int) -> NamedAxis:
    names = [f"G{number}" for number in range(groups)]
    labels = {symbol: f"L{int(rng.integers(0, 2 * groups))}" for symbol in symbols}
    return NamedAxis(
        targets=dict.fromkeys(names, 1.0 / groups),
        groups={f"L{number}": names[number % groups] for number in range(2 * groups)},
        labels=labels,
        records=dict(labels),
    )


def best_seconds(work: Callable[[], object], *, repeats: int = 5) -> float:
    """Best of several runs: the least disturbed one."""
    times: list[float] = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


# Sequences


def _sequence_rates(case: Case) -> Iterator[Measurement]:
    named, trades = named_case(case)
    packed = pack(named, trades)
    work = prepare(packed.problem, packed.actions, mode="compatibility")
    rng = np.random.default_rng(2)
    rows = rng.integers(0, len(trades), (case.rows, DEPTH), dtype=np.int32)
    rates: dict[str, float] = {}
    for backend, count in (("cython", case.rows), ("numpy", case.rows // 10)):
        once = partial(sequences.run, work, rows[:count], kernel=load(backend).sequences)
        rates[backend] = count / best_seconds(once)
    few = rows[:1000].tolist()
    plain = partial(_plain_python, named, trades, few)
    rates["python"] = len(few) / best_seconds(plain, repeats=3)
    yield from _rate_lines(case, rates)
    yield from _packed_rates(case, named, trades, rows[:PACKED].tolist())


def _rate_lines(case: Case, rates: dict[str, float]) -> Iterator[Measurement]:
    unit, first = "sequences/s", case is CASES[0]
    yield Measurement(
        f"sequences {case}, compiled",
        rates["cython"],
        unit,
        RATE_FLOOR if first else None,
        RATE_GOAL if first else None,
        more_is_better=True,
    )
    yield Measurement(f"sequences {case}, numpy twin", rates["numpy"], unit)
    yield Measurement(f"sequences {case}, plain Python", rates["python"], unit)
    over_python, over_numpy = (rates["cython"] / rates[name] for name in ("python", "numpy"))
    yield Measurement(
        f"compiled over plain Python {case}",
        over_python,
        "×",
        floor=RATIO_FLOOR if first else None,
        more_is_better=True,
    )
    yield Measurement(f"compiled over numpy twin {case}", over_numpy, "×")


def _packed_rates(
    case: Case, named: NamedProblem, trades: list[Trade], rows: list[list[int]]
) -> Iterator[Measurement]:
    """From names and trades to scores: numbering, checks and layout included."""
    for backend, name in BACKENDS:
        once = partial(_packed, named, trades, rows, backend)
        rate = len(rows) / best_seconds(once, repeats=3)
        yield Measurement(f"sequences with packing {case}, {name}", rate, "sequences/s")


def _packed(named: NamedProblem, trades: list[Trade], rows: list[list[int]], backend: str) -> None:
    packed = pack(named, trades)
    work = prepare(packed.problem, packed.actions, mode="compatibility")
    sequences.run(work, pack_sequences(rows), kernel=load(backend).sequences)


def _plain_python(named: NamedProblem, trades: list[Trade], rows: list[list[int]]) -> None:
    for row in rows:
        oracle.compatible(named, [trades[number] for number in row])


# Search


def _search_rates(case: Case) -> Iterator[Measurement]:
    """Pairs extended by every later one of 120 candidates, with bounds for two more steps."""
    named, trades = named_case(case, candidates=MANY)
    named = replace(named, weights=RANKED_BY)
    packed = pack(named, trades)
    work = prepare(packed.problem, packed.actions, mode="strict", smooth=True)
    pairs = np.array(list(combinations(range(MANY), 2)), dtype=np.int32)
    few = np.ascontiguousarray(pairs[:: len(pairs) // 200])
    for (backend, name), rows in zip(BACKENDS, (few, few[::10].copy()), strict=True):
        once = partial(_extended, work, rows, 3, backend)
        yield Measurement(
            f"sets extended and bounded {case}, {name}", once() / best_seconds(once), "sets/s"
        )
    plain = partial(_plainly_extended, named, trades, few[:10].tolist())
    yield Measurement(
        f"sets extended {case}, plain Python", plain() / best_seconds(plain, repeats=2), "sets/s"
    )
    everything = partial(_extended, work, pairs, 1, "cython")
    yield Measurement(
        f"all sets of three of {MANY} candidates {case}, compiled",
        best_seconds(everything) * 1e3,
        "ms",
        goal=TRIPLES_GOAL_MS if case is CASES[0] else None,
    )


def _extended(work: Workload, parents: Ints, steps_left: int, backend: str) -> int:
    free = np.zeros((MANY, MANY), dtype=np.bool_)
    kernel = load(backend).search
    found = search.extend(work, parents, steps_left=steps_left, blocked=free, kernel=kernel)
    return int(np.count_nonzero(np.isfinite(found.net)))


def _plainly_extended(named: NamedProblem, trades: list[Trade], parents: list[list[int]]) -> int:
    """How many are feasible; worth alone, no bound."""
    found = 0
    for parent in parents:
        for action in range(parent[-1] + 1, len(trades)):
            members = [trades[number] for number in (*parent, action)]
            found += oracle.strict(named, members, smooth=True).feasible
    return found


# Risk


def _summary_times() -> Iterator[Measurement]:
    prices = price_series()
    for backend, name in BACKENDS:
        hundred = partial(_summaries, prices, kernel=load(backend).risk, times=100)
        yield Measurement(
            f"12 risk metrics of {len(prices):,} rows, {name}",
            best_seconds(hundred) * 1e4,
            "µs",
            floor=SUMMARY_FLOOR_US if backend == "cython" else None,
            goal=SUMMARY_GOAL_US if backend == "cython" else None,
        )


def _summaries(prices: Series, *, kernel: RiskKernel, times: int) -> None:
    for _ in range(times):
        risk.summary(prices, kernel=kernel)


def price_series(rows: int = 1260, seed: int = 3) -> Series:
    """Five years of daily prices that wander."""
    rng = np.random.default_rng(seed)
    days = np.arange(731_000, 731_000 + rows, dtype=np.int32)
    return Series(days, 100.0 * np.exp(np.cumsum(rng.normal(0.0003, 0.01, rows))))


def measure() -> Section:
    """Every figure of the kernels; about twenty seconds."""
    return Section(
        "Kernels",
        "Scoring of trade sequences, (25, 50, 5) being positions held, securities and trades per"
        f" sequence: the kernel alone, and from names to scores for {PACKED:,} sequences. Sets of"
        f" {MANY} candidates extended by one trade. And the twelve risk metrics of five years of"
        " prices in one pass. The three back ends work on the same data in the same run.",
        (
            *(line for case in CASES for line in _sequence_rates(case)),
            *(line for case in CASES for line in _search_rates(case)),
            *_summary_times(),
        ),
    )


def main() -> None:
    print(as_text(measure()))


if __name__ == "__main__":
    main()
