"""Which exchange rates may be believed: reference rates against live quotes, quotes together.

Sync passes every reference rate it reads through `accept`, and only what comes out is stored and
published. A rate that is held back leaves the last accepted one in place, which ages until it
counts as unknown; there is never a constant in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import combinations

from ledger.currency import BASE
from ledger.quote import Quote
from ledger.rate import HeldRate, Rate, RateTable
from ledger.security import FxPair
from policy.limits import Limits


@dataclass(frozen=True, slots=True)
class Live:
    """The second source: units of each currency for one EUR, by the quotes of `at`."""

    per_eur: Mapping[str, Decimal]
    at: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """`table` is what may be used from now on; `held` what was read and is not believed."""

    table: RateTable
    held: tuple[HeldRate, ...]


def middle(quote: Quote) -> Decimal | None:
    """Half way between bid and ask; None unless both are there and in order."""
    if quote.bid is None or quote.ask is None or quote.ask < quote.bid:
        return None
    return (quote.bid.value + quote.ask.value) / 2


def live_rates(
    pairs: Iterable[FxPair], quotes: Mapping[str, Quote], *, now: datetime, limits: Limits
) -> Live:
    """What fresh quotes of the pairs with EUR say; stale, closed and one-sided ones say nothing."""
    per_eur: dict[str, Decimal] = {}
    for pair in pairs:
        quote = quotes.get(pair.symbol)
        if quote is None or quote.last.currency != pair.quote or quote.market_open is False:
            continue
        value = middle(quote)
        if value is None or abs(now - quote.at) > limits.max_fx_quote_age:
            continue
        if pair.base == BASE:
            per_eur[pair.quote] = value
        elif pair.quote == BASE:
            per_eur[pair.base] = 1 / value
    return Live(per_eur, now)


def accept(new: RateTable, last: RateTable, live: Live, *, limits: Limits) -> Judged:
    """`new` where it is believed, `last` everywhere else.

    A rate is believed when the live quote is within `max_fx_deviation` of it; without a live quote
    when it is within `max_rate_jump` of the last accepted one, or when it is the first. One of a
    day to come is never believed: it would not age, and hide every later one.
    """
    today = live.at.date()
    table = {c: rate for c, rate in last.per_eur.items() if rate.as_of <= today}
    held: list[HeldRate] = []
    for currency, rate in new.per_eur.items():
        known = table.get(currency)
        if rate.as_of > today:
            held.append(HeldRate(rate, f"of {rate.as_of}, a day to come", live.at))
            continue
        if known is not None and (known == rate or rate.as_of < known.as_of):
            continue
        doubt = _doubt(rate, known, live.per_eur.get(currency), limits)
        if doubt is None:
            table[currency] = rate
        else:
            held.append(HeldRate(rate, doubt, live.at))
    return Judged(RateTable(table), tuple(held))


def _doubt(rate: Rate, known: Rate | None, live: Decimal | None, limits: Limits) -> str | None:
    """Why the rate is not believed; None when it is."""
    if live is not None:
        off = _off(rate.value, live)
        agrees = off <= limits.max_fx_deviation
        return None if agrees else f"{off:.1%} from the live quote {live:.6g}"
    if known is None:
        return None
    off = _off(rate.value, known.value)
    if off <= limits.max_rate_jump:
        return None
    return f"{off:.1%} from the last one, {known.value:.6g} of {known.as_of}; nothing confirms it"


def _off(value: Decimal, reference: Decimal) -> Decimal:
    return abs(value / reference - 1)


def inconsistent(
    pairs: Iterable[FxPair], quotes: Mapping[str, Quote], limits: Limits
) -> frozenset[str]:
    """The pairs of every triangle of three currencies whose live quotes do not close.

    Once around the triangle one unit must become one again, within `max_triangle_error`. Quotes
    that were not taken within one quote life of each other prove nothing either way.
    """
    wrong: set[str] = set()
    for corners in _triangles(pairs):
        error = _closing_error(corners, quotes, limits)
        if error is not None and error > limits.max_triangle_error:
            wrong |= {pair.symbol for pair in corners}
    return frozenset(wrong)


def _triangles(pairs: Iterable[FxPair]) -> Iterator[tuple[FxPair, FxPair, FxPair]]:
    """Three pairs over three currencies, each currency in two of them."""
    for corners in combinations(pairs, 3):
        sides = {frozenset({pair.base, pair.quote}) for pair in corners}
        if len(sides) == 3 and len(frozenset[str]().union(*sides)) == 3:
            yield corners


def _closing_error(
    corners: tuple[FxPair, FxPair, FxPair], quotes: Mapping[str, Quote], limits: Limits
) -> Decimal | None:
    """How far from one a unit comes back; None when a quote is missing, one-sided or too old."""
    found = [quotes[pair.symbol] for pair in corners if pair.symbol in quotes]
    instants = [quote.at for quote in found]
    if len(found) < 3 or max(instants) - min(instants) > limits.max_fx_quote_age:
        return None
    amount, currency, ahead = Decimal(1), corners[0].base, list(zip(corners, found, strict=True))
    while ahead:
        pair, quote = step = next(s for s in ahead if currency in {s[0].base, s[0].quote})
        value = middle(quote)
        if value is None:
            return None
        forward = currency == pair.base
        amount = amount * value if forward else amount / value
        currency = pair.quote if forward else pair.base
        ahead.remove(step)
    return abs(amount - 1)
