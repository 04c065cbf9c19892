"""Portfolios and candidate trades for the search kernel: small enough to try every set."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from kernels.checks import Bools, Floats
from kernels.problem import KEEP, Actions, Axis, Problem, ScoreWeights
from kernels.workload import Workload, prepare

END_STATE = ScoreWeights(country=0.14, industry=0.11, quality=0.0, worth=1.0, constant=0.025)
DIVERSIFICATION = ScoreWeights()


@dataclass(frozen=True, slots=True)
class SearchCase:
    problem: Problem
    actions: Actions
    toll: Floats
    blocked: Bools
    slack: float

    @property
    def work(self) -> Workload:
        return prepare(
            self.problem,
            self.actions,
            mode="strict",
            smooth=True,
            toll=self.toll,
            slack=self.slack,
        )


def shared_axis(rng: np.random.Generator, symbols: int, groups: int, *, several: bool) -> Axis:
    """Every symbol in one group, or in one to three of them, some of it outside every target."""
    group = rng.integers(0, groups + 1, symbols, dtype=np.int32)
    shares = None
    if several:
        shares = np.zeros((symbols, groups + 1))
        for row in shares:
            count = int(rng.integers(1, 4))
            row[rng.choice(groups + 1, min(count, groups + 1), replace=False)] = 1.0
        shares /= shares.sum(axis=1, keepdims=True)
    return Axis(
        targets=rng.dirichlet(np.ones(groups)) if groups else np.zeros(0),
        group=group,
        bought=np.full(symbols, KEEP, dtype=np.int32),
        labelled=bool(rng.random() < 0.9),
        shares=shares,
    )


def search_case(seed: int, *, actions: int = 9) -> SearchCase:
    """A random portfolio, tight or with plenty of cash, with a mix of right and wrong candidates.

    Amounts are large beside the gaps as often as not, so that trades overshoot their targets.
    """
    rng = np.random.default_rng(seed)
    symbols = int(rng.integers(2, 12))
    held = rng.random(symbols) < 0.7
    value = np.where(held, rng.uniform(10, 3000, symbols).round(2), 0.0)
    cash = float(rng.choice([0.0, 400.0, 3000.0]))
    sell = np.sort(rng.random(actions) < rng.choice([0.2, 0.5]))[::-1].copy()
    symbol = rng.integers(0, symbols, actions, dtype=np.int32)
    amount = rng.uniform(1, float(rng.choice([100, 1200])), actions).round(2)
    whole = sell & (rng.random(actions) < 0.4)
    amount = np.where(whole, value[symbol], amount)
    several = bool(rng.random() < 0.5)

    def gaps(high: float) -> Floats:
        missing = rng.random(symbols) < rng.choice([0.0, 0.3, 1.0])
        return np.where(missing, np.nan, rng.random(symbols) * high)

    problem = Problem(
        value=value,
        held=held,
        score=gaps(1.0),
        income=gaps(float(rng.choice([0.05, 0.3]))),
        country=shared_axis(rng, symbols, int(rng.integers(0, 4)), several=several),
        industry=shared_axis(rng, symbols, int(rng.integers(0, 6)), several=several),
        total=float(value.sum()) + cash + 100.0,
        cash=cash,
        fee_fixed=float(rng.choice([0.0, 2.0])),
        fee_percent=float(rng.choice([0.0, 0.002])),
        cost_factor=float(rng.choice([0.0, 0.1])),
        worth=rng.random(symbols),
        weights=END_STATE if rng.random() < 0.5 else DIVERSIFICATION,
    )
    table = Actions(symbol=symbol, sell=sell, value=amount, adjusted=amount)
    blocked = rng.random((actions, actions)) < 0.1
    if rng.random() < 0.7:
        blocked |= symbol[:, np.newaxis] == symbol
    toll = rng.random(actions) * float(rng.choice([0.0, 0.01]))
    return SearchCase(problem, table, toll, blocked, float(rng.choice([0.0, 0.03, 50.0])))


def every_set(actions: int, depth: int) -> list[tuple[int, ...]]:
    return [combo for size in range(1, depth + 1) for combo in combinations(range(actions), size)]


def allowed(case: SearchCase, combo: tuple[int, ...]) -> bool:
    """Nothing in it blocks anything else; money and holdings are left to the kernel."""
    return not any(case.blocked[one, other] for one, other in combinations(combo, 2))
