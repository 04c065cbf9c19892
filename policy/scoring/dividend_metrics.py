"""What a security really paid: yield, growth and cuts, from the two price series.

The total return reinvests every dividend at the close of its ex-date, so what was paid per share of
today is what that series gained over the other one.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np

from kernels.checks import Floats
from policy.dividend_history import growth, years_since_cut
from policy.metric_registry import Metrics, names_of
from policy.price_history import PriceHistory

PRODUCES = names_of("dividends")
YEAR_DAYS = 365
# A yield beyond this is a wrong unit rather than a dividend.
BELIEVABLE_YIELD = 0.30
# What two series differ by in computing, as a part of the price.
NOISE = 1e-9
# A year counts as complete when the first bar is from its first days.
FIRST_DAYS = 7
PLACES = Decimal("0.000001")


def from_dividends(history: PriceHistory, *, reported_yield: float | None = None) -> Metrics:
    """Every name of PRODUCES.

    DIVIDEND_YIELD is what was paid in the 365 days up to the last bar by its close; where the bars
    know of no dividend at all it is what was reported, and 0 without that. It takes a year of bars.
    Growth is per year over complete calendar years, from the first that paid. Where dividends had
    to be left out of the series only what was reported is known.
    """
    close = history.close
    if history.notes:
        return {**dict.fromkeys(PRODUCES), "DIVIDEND_YIELD": reported_yield}
    if len(close) < 2 or close.values.min() <= 0:
        return dict.fromkeys(PRODUCES)
    paid = paid_per_share(history)
    totals = annual_totals(close.days, paid)
    rate = growth(totals)
    cut = years_since_cut(totals)
    trailing = _trailing(history, paid)
    if trailing is not None and not paid.any() and reported_yield is not None:
        trailing = reported_yield
    return {
        "DIVIDEND_YIELD": trailing,
        "DIVIDEND_GROWTH": None if rate is None else float(rate),
        "YEARS_SINCE_DIVIDEND_CUT": None if cut is None else float(cut),
    }


def paid_per_share(history: PriceHistory) -> Floats:
    """What each day paid per share of today, in the security's currency; 0 on most days."""
    close, total = history.close.values, history.total.values
    paid = np.zeros(len(close))
    paid[1:] = total[1:] / total[:-1] * close[:-1] - close[1:]
    paid[paid <= NOISE * close] = 0.0
    return paid


def annual_totals(days: np.ndarray[tuple[int], np.dtype[np.int32]], paid: Floats) -> list[Decimal]:
    """Per complete calendar year from the first that paid; the last bar's year is not over."""
    first, last = date.fromordinal(int(days[0])), date.fromordinal(int(days[-1]))
    start = first.year if first.timetuple().tm_yday <= FIRST_DAYS else first.year + 1
    bounds = [date(year, 1, 1).toordinal() for year in range(start, last.year + 1)]
    marks = np.searchsorted(days, bounds)
    sums = [float(paid[a:b].sum()) for a, b in pairwise(marks)]
    paying = [index for index, total in enumerate(sums) if total > 0]
    return [Decimal(total).quantize(PLACES) for total in sums[paying[0] :]] if paying else []


def _trailing(history: PriceHistory, paid: Floats) -> float | None:
    days = history.close.days
    year_ago = int(days[-1]) - YEAR_DAYS
    if days[0] > year_ago:
        return None
    since = int(np.searchsorted(days, year_ago, side="right"))
    found = float(paid[since:].sum()) / float(history.close.values[-1])
    return found if found <= BELIEVABLE_YIELD else None
