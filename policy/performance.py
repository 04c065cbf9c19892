"""How the portfolio did: time-weighted returns by day, month and year, and their risk."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import groupby

import numpy as np

from ledger.analytics import DayReturn, Performance, PeriodReturn, Turnover
from ledger.currency import BASE
from ledger.money import Money
from policy.linking import annual, compounded
from policy.reconstruction import Reconstruction
from policy.risk_figures import risk_figures
from policy.rolling_figures import rolling_figures

YEAR = 365
TURNOVER_WARNING = 0.5
TURNOVER_CRITICAL = 1.0
NO_CLOSES = "there are no two closes with a known value"


def performance(
    closes: Reconstruction, *, days: int, risk_free: float, turnover: Turnover | None = None
) -> Performance:
    """The returns of `closes`; unavailable with a reason when there is none.

    `risk_free` is a rate per year; `turnover` is that of a year, whatever the range.
    """
    returns = closes.returns
    if not len(returns):
        return Performance(
            available=False,
            reason=NO_CLOSES,
            days=days,
            turnover=turnover,
            unknown=closes.unknown,
        )
    rows, (first, last) = closes.counted, closes.span
    total = compounded(returns)
    yearly = annual(total, len(returns))
    daily = tuple(
        DayReturn(date.fromordinal(day), value)
        for day, value in zip(closes.days[rows].tolist(), returns.tolist(), strict=True)
    )
    return Performance(
        available=True,
        days=days,
        first=first,
        last=last,
        daily=daily,
        monthly=_periods(daily, len("2026-03")),
        yearly=_periods(daily, len("2026")),
        total=total,
        annual=yearly,
        risk=risk_figures(closes.index, risk_free=risk_free, growth=yearly),
        turnover=turnover,
        start_value=_money(float(closes.values[rows[0] - 1])),
        end_value=_money(float(closes.values[rows[-1]])),
        flows=_money(float(closes.flows[rows[0] : rows[-1] + 1].sum())),
        rolling=rolling_figures(closes.index, risk_free=risk_free),
        unknown=closes.unknown,
    )


def turnover_of(closes: Reconstruction) -> Turnover:
    """Of the 365 days up to the last close: (purchases + sales) / 2 / mean value at the closes."""
    if not len(closes.days):
        return Turnover(None, "unknown", "no value of the account is known")
    recent = closes.days > closes.days[-1] - YEAR
    moved, mean = float(closes.turnover[recent].sum()), float(closes.values[recent].mean())
    if not moved:
        return Turnover(None, "unknown", "nothing was bought or sold in 365 days")
    if mean <= 0.0:
        return Turnover(None, "unknown", "the account was worth nothing")
    year = moved / mean
    text = f"{year:.2%} of the mean value was turned over in 365 days"
    if year >= TURNOVER_CRITICAL:
        return Turnover(year, "critical", text)
    return Turnover(year, "warning" if year >= TURNOVER_WARNING else "normal", text)


def _periods(daily: Iterable[DayReturn], digits: int) -> tuple[PeriodReturn, ...]:
    """Compounded by the first `digits` of the ISO date."""
    return tuple(
        PeriodReturn(period, compounded(np.array([one.value for one in days])))
        for period, days in groupby(daily, key=lambda one: one.day.isoformat()[:digits])
    )


def _money(value: float) -> Money:
    return Money.half_even(Decimal(value), BASE)
