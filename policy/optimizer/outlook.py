"""What the market as a whole says about the year to come: one tilt of all expected returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger.quote import Quote
from ledger.score import Scores

FEAR, TEN_YEAR, THREE_MONTH = "^VIX", "^TNX", "^IRX"
"""Indices that are read when the universe has them; the yields are quoted in percent."""
PRICE_EARNINGS = "PE_RATIO"
"""The name of the figure among those of a score."""
MOST = 0.20
_DEAR, _CHEAP = 26.0, 18.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """Readings of the market, each None when it is not known.

    `vix` in points; `ten_year` and `three_month` are yields as fractions, 0.043 is 4.3 %;
    `price_earnings` is the trailing ratio of the broad market, without meaning unless positive.
    """

    vix: float | None = None
    ten_year: float | None = None
    three_month: float | None = None
    price_earnings: float | None = None


NO_OUTLOOK = Outlook()


def outlook_of(
    quotes: Mapping[str, Quote], *, scores: Scores | None = None, benchmarks: Iterable[str] = ()
) -> Outlook:
    """The readings among the quotes of now, by symbol.

    The ratio of price to earnings is that reported of the first of `benchmarks` that has one.
    """

    def last(symbol: str) -> float | None:
        quote = quotes.get(symbol)
        return None if quote is None else float(quote.last.value)

    ten_year, three_month = last(TEN_YEAR), last(THREE_MONTH)
    return Outlook(
        vix=last(FEAR),
        ten_year=None if ten_year is None else ten_year / 100.0,
        three_month=None if three_month is None else three_month / 100.0,
        price_earnings=None if scores is None else _price_earnings(scores, benchmarks),
    )


def _price_earnings(scores: Scores, benchmarks: Iterable[str]) -> float | None:
    for symbol in benchmarks:
        score = scores.of(symbol)
        found = None if score is None else score.metrics.get(PRICE_EARNINGS)
        if found is not None:
            return found
    return None


def forward_adjustment(outlook: Outlook) -> tuple[float, tuple[str, ...]]:
    """The sum of the known terms within ±0.20, and a note on each that is not known.

    Every term is continuous and has a cap on both sides.
    """
    total, notes = 0.0, list[str]()
    if outlook.vix is None or outlook.vix < 0.0:
        notes.append("no volatility index: no adjustment for fear")
    else:
        total += _fear(outlook.vix)
    if outlook.ten_year is None or outlook.three_month is None:
        notes.append("no yield curve: no adjustment for its slope")
    else:
        total += _slope(outlook.ten_year - outlook.three_month)
    if outlook.price_earnings is None or outlook.price_earnings <= 0.0:
        notes.append("no market valuation: no adjustment for price to earnings")
    else:
        total += _valuation(outlook.price_earnings)
    return max(-MOST, min(MOST, total)), tuple(notes)


def _fear(vix: float) -> float:
    """-0.10 at 50 and above, nothing between 15 and 30, +0.05 at 0."""
    if vix >= 30.0:
        return -0.10 * min(1.0, (vix - 30.0) / 20.0)
    return 0.05 * (1.0 - vix / 15.0) if vix <= 15.0 else 0.0


def _slope(slope: float) -> float:
    """-0.15 when three points inverted, nothing within one point of flat, +0.045 at three."""
    if slope <= -0.01:
        return -0.15 * min(1.0, (-slope - 0.01) / 0.02)
    return 0.045 * min(1.0, (slope - 0.01) / 0.02) if slope >= 0.01 else 0.0


def _valuation(ratio: float) -> float:
    """-0.10 at 39 and above, nothing between 18 and 26, +0.05 at 14 and below."""
    if ratio >= _DEAR:
        return -0.10 * min(1.0, (ratio - _DEAR) / 13.0)
    return 0.05 * min(1.0, (_CHEAP - ratio) / 4.0) if ratio <= _CHEAP else 0.0
