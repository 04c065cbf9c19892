"""What one security risks, by itself and as a part of the portfolio."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from kernels.checks import Floats
from kernels.relations import MIN_OBSERVATIONS, align, beta, correlation
from kernels.risk import PERIODS
from kernels.series import Series
from ledger.analytics import Correlated, PositionRisk
from policy.risk_figures import risk_figures
from policy.rolling_figures import rolling_figures

HIGH_CORRELATION = 0.80
MOST_PAIRS = 5
_SHARED = ("portfolio_volatility", "risk_contribution", "risk_share")


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What a security is compared with; all levels are total returns in EUR.

    `weights` are fractions of the total value by symbol, of everything that is held, None when that
    is not known; `levels` of as many of those as have prices. `benchmark` None without one.
    """

    weights: Mapping[str, float] | None = field(default_factory=dict[str, float])
    levels: Mapping[str, Series] = field(default_factory=dict[str, Series])
    benchmark: Series | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Together:
    """Daily returns (n, m) of `symbols` on the days that all have; n is 0 when they are too few."""

    symbols: tuple[str, ...]
    returns: Floats
    left_out: tuple[str, ...]


def position_risk(
    symbol: str, levels: Series, around: Surroundings, *, first: date, days: int, risk_free: float
) -> PositionRisk:
    """Risk of `levels`, the total return of `symbol` in EUR, from `first` on.

    What looks back a year takes it from the newest levels, however few days are asked for.
    """
    asked = levels.between(first.toordinal(), date.max.toordinal())
    if len(asked) < 2:
        text = f"{len(asked)} closes since {first} that are known in EUR, 2 needed"
        return PositionRisk(symbol=symbol, available=False, reason=text, days=days)
    held, benchmark = around.weights or {}, around.benchmark
    together = _together(symbol, levels, around)
    volatility, contribution = _contribution(symbol, together, held)
    found = PositionRisk(
        symbol=symbol,
        available=True,
        days=days,
        first=date.fromordinal(int(asked.days[0])),
        last=date.fromordinal(int(asked.days[-1])),
        total=float(asked.values[-1] / asked.values[0]) - 1.0,
        observations=len(asked) - 1,
        risk=risk_figures(asked, risk_free=risk_free),
        rolling=rolling_figures(asked, risk_free=risk_free, benchmark=benchmark),
        beta=None if benchmark is None else beta(levels, benchmark),
        benchmark_correlation=None if benchmark is None else correlation(levels, benchmark),
        portfolio_correlation=_with_the_rest(symbol, together, held),
        high_correlations=_high(symbol, levels, around.levels),
        weight=None if around.weights is None else held.get(symbol, 0.0),
        concentration=None
        if around.weights is None
        else math.fsum(part * part for part in held.values()),
        risk_contribution=contribution,
        risk_share=None if contribution is None or not volatility else contribution / volatility,
        portfolio_volatility=volatility,
        left_out=together.left_out,
    )
    return replace(found, missing=tuple(_missing(found, around, together)))


def _together(symbol: str, levels: Series, around: Surroundings) -> _Together:
    """The newest year of the security and of everything that is held and has prices for it."""
    chosen, left_out = {symbol: levels}, list[str]()
    for other in sorted((around.weights or {}).keys() - {symbol}):
        theirs = around.levels.get(other)
        if theirs is None or len(align(levels.last(PERIODS + 1), theirs)[0]) <= MIN_OBSERVATIONS:
            left_out.append(other)
        else:
            chosen[other] = theirs
    common = levels
    for one in chosen.values():
        common, _ = align(common, one)
    common = common.last(PERIODS + 1)
    columns = np.column_stack([align(one, common)[0].values for one in chosen.values()])
    returns: Floats = columns[1:] / columns[:-1] - 1.0
    if len(returns) < MIN_OBSERVATIONS:
        returns = returns[:0]
    return _Together(tuple(chosen), returns, tuple(left_out))


def _contribution(
    symbol: str, together: _Together, weights: Mapping[str, float]
) -> tuple[float | None, float | None]:
    """σ_p = sqrt(w'Σw) and w_i (Σw)_i / σ_p, both per year; cash is taken for riskless."""
    if not len(together.returns):
        return None, None
    w = np.array([weights.get(name, 0.0) for name in together.symbols])
    covariance = np.atleast_2d(np.cov(together.returns, rowvar=False)) * PERIODS
    pull = covariance @ w
    variance = float(w @ pull)
    if variance <= 0.0:
        return None, None
    at = together.symbols.index(symbol)
    return math.sqrt(variance), float(w[at] * pull[at]) / math.sqrt(variance)


def _with_the_rest(symbol: str, together: _Together, weights: Mapping[str, float]) -> float | None:
    """Pearson's r with everything else that is held, at its weights now."""
    w = np.array([0.0 if name == symbol else weights.get(name, 0.0) for name in together.symbols])
    if not len(together.returns) or not w.any():
        return None
    own, rest = together.returns[:, together.symbols.index(symbol)], together.returns @ w
    days = np.arange(1, len(own) + 2, dtype=np.int32)
    return correlation(
        Series(days, np.concatenate(([1.0], (1.0 + own).cumprod()))),
        Series(days, np.concatenate(([1.0], (1.0 + rest).cumprod()))),
    )


def _high(symbol: str, levels: Series, others: Mapping[str, Series]) -> tuple[Correlated, ...]:
    """The held securities that move most alike or most opposite, the closest first."""
    found = [
        Correlated(other, value)
        for other, theirs in others.items()
        if other != symbol and (value := correlation(levels, theirs)) is not None
    ]
    high = [one for one in found if abs(one.correlation) >= HIGH_CORRELATION]
    return tuple(sorted(high, key=lambda one: (-abs(one.correlation), one.symbol))[:MOST_PAIRS])


def _missing(
    found: PositionRisk, around: Surroundings, together: _Together
) -> Iterator[tuple[str, str]]:
    for name in ("beta", "benchmark_correlation"):
        if getattr(found, name) is None:
            few = f"fewer than {MIN_OBSERVATIONS} returns with the benchmark, or none deviates"
            yield name, "there is no series of a benchmark" if around.benchmark is None else few
    apart = f"fewer than {MIN_OBSERVATIONS} days on which everything held has a price"
    for name in ("weight", "concentration", "portfolio_correlation", *_SHARED):
        if around.weights is None:
            yield name, "the value of the account at the last closes is not known"
        elif getattr(found, name) is None:
            alone = "nothing is at risk" if name in _SHARED else "nothing else is held"
            yield name, alone if len(together.returns) else apart
