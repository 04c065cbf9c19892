"""The invented shares of the scenarios and their seeded prices.

Nine shares that are held in nearly equal parts, so that planning has nothing to do and only the
event a scenario is about moves anything. Prices hardly change: what is watched is the cash.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from broker.market_fields import BadField
from broker.market_fields import isin as checked

CENT = Decimal("0.01")
DAILY_MOVE = 0.003
PER_EUR = {"USD": Decimal("1.0400"), "GBP": Decimal("0.8300"), "HKD": Decimal("8.1000")}
RATE_MOVE = 0.001


@dataclass(frozen=True, slots=True)
class Share:
    """`price` is that of the first day; `stem` the ISIN without its check digit."""

    symbol: str
    stem: str
    name: str
    currency: str
    mic: str
    country: str
    industry: str
    price: Decimal

    @property
    def isin(self) -> str:
        """The stem with the digit that completes it."""
        for digit in range(10):
            try:
                return checked(f"{self.stem}{digit}")
            except BadField:
                continue
        raise ValueError(f"{self.stem} cannot be completed")


def _share(stem: str, trade: str, place: tuple[str, str, str, str], price: str) -> Share:
    suffix, currency, mic, country = place
    return Share(
        symbol=f"{stem}.{suffix}",
        stem=f"XF00SCEN{stem[:3]}",
        name=f"{stem.capitalize()} {trade} (synthetic)",
        currency=currency,
        mic=mic,
        country=country,
        industry=trade,
        price=Decimal(price),
    )


_GERMANY = ("DE", "EUR", "XETR", "Germany")
SHARES: Mapping[str, Share] = {
    share.symbol: share
    for share in (
        _share("BAKER", "Mills", _GERMANY, "50"),
        _share("DOCKS", "Harbours", ("NL", "EUR", "XAMS", "Netherlands"), "80"),
        _share("LOOMS", "Textiles", ("FR", "EUR", "XPAR", "France"), "25"),
        _share("RAILS", "Railways", _GERMANY, "125"),
        _share("SEEDS", "Farms", ("FR", "EUR", "XPAR", "France"), "40"),
        _share("TILES", "Ceramics", ("IT", "EUR", "XMIL", "Italy"), "64"),
        _share("WINDS", "Power", _GERMANY, "20"),
        _share("LAMPS", "Lighting", ("US", "USD", "XNYS", "United States"), "52"),
        _share("KILNS", "Bricks", ("UK", "GBP", "XLON", "United Kingdom"), "8.30"),
    )
}


def weekdays(first: date, last: date) -> Iterator[date]:
    """Monday to Friday; the scenarios play in weeks without a holiday."""
    for ahead in range((last - first).days + 1):
        day = first + timedelta(days=ahead)
        if day.weekday() < 5:
            yield day


def bars(
    share: Share, days: tuple[date, ...], *, seed: int, volume: int
) -> Iterator[tuple[str, ...]]:
    """Rows of prices.csv."""
    rng = random.Random(f"{seed} {share.symbol}")
    close = share.price
    for day in days:
        opened = _moved(close, rng, DAILY_MOVE)
        close = _moved(opened, rng, DAILY_MOVE)
        high, low = max(opened, close) + 2 * CENT, min(opened, close) - 2 * CENT
        prices = (opened, high, low, close)
        yield (day.isoformat(), share.symbol, *(str(price) for price in prices), str(volume))


def rates(
    currency: str, days: tuple[date, ...], *, seed: int, gap: tuple[date, date] | None
) -> Iterator[tuple[str, ...]]:
    """Rows of fx.csv, none from the first to the last day of `gap`."""
    rng = random.Random(f"{seed} {currency}")
    for day in days:
        drift = Decimal(str(round(rng.uniform(-RATE_MOVE, RATE_MOVE), 6)))
        per_eur = (PER_EUR[currency] * (1 + drift)).quantize(Decimal("0.0001"))
        if gap is None or not gap[0] <= day <= gap[1]:
            yield (day.isoformat(), currency, str(per_eur))


def _moved(price: Decimal, rng: random.Random, most: float) -> Decimal:
    factor = Decimal(str(round(1 + rng.uniform(-most, most), 6)))
    return (price * factor).quantize(CENT, ROUND_HALF_EVEN)


def units(share: Share, value_eur: Decimal) -> int:
    """Whole shares worth about `value_eur` at the first day's price."""
    per_eur = PER_EUR.get(share.currency, Decimal(1))
    return int((value_eur * per_eur / share.price).to_integral_value(ROUND_HALF_EVEN))
