"""The state of the market: price over its 200-day mean, read as bull, bear or sideways.

A pure replay over the index bars: nothing is stored, the same bars give the same answer. Per index
d = close / SMA200(close) - 1; a day's figure is the mean over the indices that have a young bar.
A day at or beyond a threshold belongs to that side, and a side that is held is left only when the
mean is more than HYSTERESIS inside of its threshold; it takes SWITCH_DAYS days in a row to change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from kernels.checks import Floats, Ints
from kernels.series import Series, distinct
from ledger.money import Money
from ledger.regime import Regime, RegimeName
from ledger.security import Security
from policy.limits import Limits

WINDOW = 200
HYSTERESIS = 0.01
SWITCH_DAYS = 3
FULL_CONFIDENCE = 0.05
"""Distance of the mean from the nearest threshold from which nothing is doubted."""
MAX_AGE_DAYS = 7
"""Calendar days a bar may be old: the longest holidays of the large exchanges are shorter."""


class _Thresholds(NamedTuple):
    bull: float
    bear: float

    def plain(self, mean: float) -> RegimeName:
        if mean >= self.bull:
            return "bull"
        return "bear" if mean <= self.bear else "sideways"

    def held(self, mean: float, state: RegimeName) -> RegimeName:
        """Like `plain`, with the side that is held reaching a little further into the middle."""
        found = self.plain(mean)
        if found != "sideways":
            return found
        if state == "bull" and mean >= self.bull - HYSTERESIS:
            return "bull"
        if state == "bear" and mean <= self.bear + HYSTERESIS:
            return "bear"
        return found


def benchmark_symbols(universe: Iterable[Security], limits: Limits) -> tuple[str, ...]:
    """Those the owner names, as far as they are known; else every index, sorted."""
    known = {security.symbol: security for security in universe if security.active}
    wanted = tuple(symbol for symbol in limits.benchmark_symbols if symbol in known)
    if wanted:
        return wanted
    return tuple(sorted(s for s, one in known.items() if one.instrument.product_type == "INDEX"))


def detect(indices: Mapping[str, Series | None], *, today: date, limits: Limits) -> Regime:
    """The regime after the close of the newest bar up to `today`.

    `indices` are closes by symbol, each in any one currency. An index that is wanted but has no
    usable bars is None and halves the confidence, as does disagreement between those that have.
    """
    if not limits.market_regime_detection:
        return _unknown("detection is switched off", stale=False)
    distances = {
        symbol: _distances(series.between(1, today.toordinal()))
        for symbol, series in sorted(indices.items())
        if series is not None
    }
    known = {symbol: series for symbol, series in distances.items() if len(series)}
    if not known:
        return _unknown(f"no index has {WINDOW} daily closes", stale=True)
    days, means = _means(tuple(known.values()))
    thresholds = _Thresholds(
        float(limits.market_regime_bull_threshold), float(limits.market_regime_bear_threshold)
    )
    age = today.toordinal() - int(days[-1])
    young = {
        symbol: float(series.values[-1])
        for symbol, series in known.items()
        if days[-1] - series.days[-1] <= MAX_AGE_DAYS
    }
    mean, as_of = float(means[-1]), date.fromordinal(int(days[-1]))
    if age > MAX_AGE_DAYS:
        reason = f"the newest index bar is {age} days old"
        return Regime("sideways", 0.0, mean, young, as_of, True, reason)
    state = _replayed(means, thresholds)
    confidence, doubt = _confidence(mean, young, len(indices), thresholds)
    return Regime(state, confidence, mean, young, as_of, False, doubt)


def reserve_with(regime: Regime, total: Money, limits: Limits) -> Money:
    """Cash to keep of a total value in EUR: the fixed reserve or the regime's share, the larger."""
    share = cash_share(regime, limits)
    return max(
        limits.min_cash_reserve, Money.half_even(max(total.amount, Decimal(0)) * share, "EUR")
    )


def cash_share(regime: Regime, limits: Limits) -> Decimal:
    """The fraction of the total value the regime keeps in cash; 0 while it is not watched."""
    if not limits.market_regime_detection:
        return Decimal(0)
    return {
        "bull": limits.market_regime_bull_reserve,
        "bear": limits.market_regime_bear_reserve,
        "sideways": limits.market_regime_sideways_reserve,
    }[regime.regime]


def _unknown(reason: str, *, stale: bool) -> Regime:
    return Regime("sideways", 0.0, None, {}, None, stale, reason)


def _distances(closes: Series) -> Series:
    """close / SMA200 - 1 on every day that has 200 closes."""
    if len(closes) < WINDOW:
        return Series(closes.days[:0], closes.values[:0])
    sums = np.cumsum(np.concatenate(([0.0], closes.values)))
    means = (sums[WINDOW:] - sums[:-WINDOW]) / WINDOW
    days, values = closes.days[WINDOW - 1 :], closes.values[WINDOW - 1 :]
    good = (means > 0.0) & (values > 0.0)
    return Series(days[good], np.ascontiguousarray(values[good] / means[good] - 1.0))


def _means(series: tuple[Series, ...]) -> tuple[Ints, Floats]:
    """Every day on which an index has a figure, and the mean over those with a young one."""
    days = distinct(np.concatenate([one.days for one in series]))
    sums, counts = np.zeros(len(days)), np.zeros(len(days))
    for one in series:
        at = np.searchsorted(one.days, days, side="right") - 1
        found = at >= 0
        found &= days - one.days[np.maximum(at, 0)] <= MAX_AGE_DAYS
        sums[found] += one.values[at[found]]
        counts[found] += 1.0
    return days, sums / counts


def _replayed(means: Floats, thresholds: _Thresholds) -> RegimeName:
    """The state after all days: it moves once another one has shown SWITCH_DAYS times in a row."""
    values = means.tolist()
    state = thresholds.plain(values[0])
    coming, seen = state, 0
    for mean in values[1:]:
        found = thresholds.held(mean, state)
        seen = seen + 1 if found == coming else 1
        coming = found
        if found != state and seen >= SWITCH_DAYS:
            state = found
    return state


def _confidence(
    mean: float, young: Mapping[str, float], wanted: int, thresholds: _Thresholds
) -> tuple[float, str | None]:
    nearest = min(abs(mean - thresholds.bull), abs(mean - thresholds.bear))
    confidence = min(1.0, nearest / FULL_CONFIDENCE)
    if len(young) < wanted:
        return confidence / 2, f"{wanted - len(young)} of {wanted} indices have no figure"
    if len({thresholds.plain(distance) for distance in young.values()}) > 1:
        return confidence / 2, "the indices disagree"
    return confidence, None
