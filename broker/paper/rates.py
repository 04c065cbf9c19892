"""The reference rates that are known at an instant: a rate dated d is published at 15:00 UTC of d.

Nobody sees a rate before it was published, so a replay cannot trade on tomorrow's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from broker.market_data import MarketData
from broker.paper.instants import DAY, at_utc
from broker.port import RATE_DAYS
from ledger.currency import BASE
from ledger.rate import Rate, RateTable

PUBLISHED = time(15)
SOURCE = "ECB"


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A table and the half-open stretch of time in which it is the newest."""

    since: datetime
    until: datetime
    table: RateTable


class KnownRates:
    def __init__(self, market: MarketData, currencies: Iterable[str]) -> None:
        self._market = market
        self._currencies = sorted(set(currencies) - {BASE})
        self._known: _Stretch | None = None

    def at(self, instant: datetime) -> RateTable:
        """Every rate known at `instant`, each with the date it was published for."""
        known = self._known
        if known is None or not known.since <= instant < known.until:
            since = publication(instant)
            known = _Stretch(since, since + DAY, self.published_by(since.date()))
            self._known = known
        return known.table

    def history(self, since: date, instant: datetime) -> Iterator[Rate]:
        """Rates that are published by then, of the first day with any that is `since` or later
        and of RATE_DAYS days in all: by currency, oldest first.
        """
        last = publication(instant).date()
        listed = {code: self._market.rates.get(code) for code in self._currencies}
        known = {code: series for code, series in listed.items() if series is not None}
        begins = [series.first_from(since) for series in known.values()]
        first = min((day for day in begins if day is not None), default=date.max)
        last = min(last, first + (RATE_DAYS - 1) * DAY) if first < last else last
        for code, series in known.items():
            for rate in series.each_between(first, last):
                yield Rate(BASE, code, rate.per_eur, rate.day, SOURCE)

    def published_by(self, day: date) -> RateTable:
        """The table as it stood after the publication of `day`."""
        found = ((code, self._market.rate_at(code, day)) for code in self._currencies)
        return RateTable(
            {
                code: Rate(BASE, code, rate.per_eur, rate.day, SOURCE)
                for code, rate in found
                if rate is not None
            }
        )


def publication(instant: datetime) -> datetime:
    """The latest publication time at or before `instant`."""
    today = at_utc(instant.date(), PUBLISHED)
    return today if today <= instant else today - DAY
