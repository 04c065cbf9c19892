"""How fast the kernels are: `python -m bench.kernels` from the root of the checkout.

One run measures the compiled kernel, its numpy twin and the plain-Python oracle on the same
portfolio, so the ratios hold whatever the machine.  `measure` is for the larger bench script.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from bench.report import Measurement, Section, as_text
from kernels import risk, sequences
from kernels.checks import Ints
from kernels.choose import RiskKernel, load
from kernels.packing import NamedAxis, NamedProblem, Trade, pack
from kernels.series import Series
from kernels.workload import Workload, prepare
from tests.kernels import oracle

POSITIONS, SECURITIES, DEPTH = 25, 50, 5
COUNTRY_GROUPS, INDUSTRY_GROUPS = 5, 8
CANDIDATES = 40
CASE = f"({POSITIONS}, {SECURITIES}, {DEPTH})"
RATE_FLOOR, RATE_GOAL, RATIO_FLOOR = 1_000_000.0, 5_000_000.0, 20.0
SUMMARY_FLOOR_US, SUMMARY_GOAL_US = 50.0, 10.0


def named_case(seed: int = 1) -> tuple[NamedProblem, list[Trade]]:
    """A portfolio of 25 of 50 securities, and 40 candidate trades over them."""
    rng = np.random.default_rng(seed)
    symbols = [f"S{number:02d}" for number in range(SECURITIES)]
    positions = {symbol: float(rng.uniform(500, 5000)) for symbol in symbols[:POSITIONS]}
    trades = [
        Trade(
            symbol=symbols[int(rng.integers(0, POSITIONS if side == "SELL" else SECURITIES))],
            side=side,
            value=float(rng.uniform(100, 400)),
        )
        for side in rng.choice(["BUY", "SELL"], CANDIDATES).tolist()
    ]
    named = NamedProblem(
        positions=positions,
        country=_axis(rng, symbols, COUNTRY_GROUPS),
        industry=_axis(rng, symbols, INDUSTRY_GROUPS),
        scores={symbol: float(rng.random()) for symbol in symbols},
        yields={symbol: float(rng.uniform(0, 0.06)) for symbol in symbols},
        total=sum(positions.values()) + 2500.0,
        cash=2500.0,
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


def _case() -> tuple[NamedProblem, list[Trade], Workload, Ints]:
    named, trades = named_case()
    packed = pack(named, trades)
    rng = np.random.default_rng(2)
    rows = rng.integers(0, len(trades), (200_000, DEPTH), dtype=np.int32)
    return named, trades, prepare(packed.problem, packed.actions, mode="compatibility"), rows


def _sequence_rates() -> Iterator[Measurement]:
    named, trades, work, rows = _case()
    rates: dict[str, float] = {}
    for backend, count in (("cython", len(rows)), ("numpy", 20_000)):
        kernel = load(backend).sequences
        once = partial(sequences.run, work, rows[:count], kernel=kernel)
        rates[backend] = count / best_seconds(once)
    plain = partial(_plain_python, named, trades, rows[:3000].tolist())
    rates["python"] = 3000 / best_seconds(plain, repeats=3)
    yield from _rate_lines(rates)


def _rate_lines(rates: dict[str, float]) -> Iterator[Measurement]:
    unit = "sequences/s"
    yield Measurement(
        f"sequences {CASE}, compiled",
        rates["cython"],
        unit,
        RATE_FLOOR,
        RATE_GOAL,
        more_is_better=True,
    )
    yield Measurement(f"sequences {CASE}, numpy twin", rates["numpy"], unit)
    yield Measurement(f"sequences {CASE}, plain Python", rates["python"], unit)
    over_python, over_numpy = (rates["cython"] / rates[name] for name in ("python", "numpy"))
    yield Measurement(
        "compiled over plain Python", over_python, "×", floor=RATIO_FLOOR, more_is_better=True
    )
    yield Measurement("compiled over numpy twin", over_numpy, "×")


def _plain_python(named: NamedProblem, trades: list[Trade], rows: list[list[int]]) -> None:
    for row in rows:
        oracle.compatible(named, [trades[number] for number in row])


def _summary_times() -> Iterator[Measurement]:
    prices = price_series()
    for backend, name in (("cython", "compiled"), ("numpy", "numpy twin")):
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
    """Every figure of the kernels; about five seconds."""
    return Section(
        "Kernels",
        f"Scoring of trade sequences, {CASE} being positions held, securities and trades per"
        " sequence, and the twelve risk metrics of five years of prices in one pass. The three"
        " back ends work on the same data in the same run.",
        (*_sequence_rates(), *_summary_times()),
    )


def main() -> None:
    print(as_text(measure()))


if __name__ == "__main__":
    main()
