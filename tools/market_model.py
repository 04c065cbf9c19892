"""The model behind `tools.make_market`: invented securities, and paths from a seed.

One world factor drives all securities, one factor each sector, and noise of its own each of them:

    daily log return = drift + beta · world + sector + own noise − dividend on its day

Noise of sectors and securities is centred, so that drift and the world decide where a price ends.
Floats are fine here: the result is rounded to the tick and written down once.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.isin import check_digit
from policy.market_hours import Calendars

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Row = tuple[str, ...]

DAYS_PER_YEAR = 252
WORLD_VOLATILITY, SECTOR_VOLATILITY = 0.14, 0.08
LEAST_PRICE = 0.50
PAYS_AFTER = timedelta(days=21)
# Every so many securities one is split, one is a fund, and one stands in two industries.
SPLIT_EVERY, FUND_EVERY, TWO_EVERY = 11, 20, 9
# Suffix, currency, exchange, country, and how many shares are a lot.
PLACES: Final = (
    ("EU", "EUR", "XETR", "Germany", (1,)),
    ("US", "USD", "XNAS", "United States", (1,)),
    ("UK", "GBP", "XLON", "United Kingdom", (1,)),
    ("FR", "EUR", "XPAR", "France", (1,)),
    ("US", "USD", "XNYS", "United States", (1,)),
    ("AS", "HKD", "XHKG", "Hong Kong", (100, 200, 500)),
    ("NL", "EUR", "XAMS", "Netherlands", (1,)),
)
SECTORS: Final = (
    "Software",
    "Banks",
    "Pharma",
    "Energy",
    "Retail",
    "Utilities",
    "Chemicals",
    "Insurance",
    "Machinery",
    "Telecoms",
)
# Units for one EUR on the first day; the Hong Kong dollar follows the American one.
PER_EUR: Final = {"USD": 1.12, "GBP": 0.86}
HKD_PER_USD, RATE_VOLATILITY = 7.8, 0.08
INDICES: Final = (
    ("WORLD.IDX", "EUR", "XETR", "Germany", 1.0, 0.05),
    ("AMERICA.IDX", "USD", "XNYS", "United States", 1.05, 0.06),
)


@dataclass(frozen=True, slots=True)
class Size:
    """How many securities there are besides the indices, and which days they have."""

    securities: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Invented:
    """One instrument. Rates are per year; `quality` from 0 to 1 stands behind its fundamentals."""

    number: int
    symbol: str
    name: str
    currency: str
    mic: str
    country: str
    industry: str
    product: str
    lot: int
    price: float
    drift: float
    beta: float
    volatility: float
    yield_rate: float
    payments: int
    quality: float

    @property
    def isin(self) -> str:
        """Of a country that does not exist."""
        body = f"XF{self.number:09d}"
        return f"{body}{check_digit(body)}"


@dataclass(frozen=True, slots=True)
class History:
    """One instrument's sessions as numbers of `Model.days`; prices are raw, as they were traded.

    `ratio` is by how much a share was split since the first day.
    """

    sessions: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Ints
    ratio: Floats
    dividends: tuple[tuple[int, float], ...]


class Model:
    """Everything that one seed makes of one size; the same on every call."""

    def __init__(self, size: Size, seed: int, calendars: Calendars) -> None:
        self.size, self.seed, self.calendars = size, seed, calendars
        span = (size.last - size.first).days + 1
        every = (size.first + timedelta(days=n) for n in range(span))
        self.days: tuple[date, ...] = tuple(day for day in every if day.weekday() < 5)
        factors = self.noise(0)
        count = len(self.days)
        self._world = factors.normal(0.0, WORLD_VOLATILITY / np.sqrt(DAYS_PER_YEAR), count)
        self._sectors = {
            name: _centred(factors.normal(0.0, SECTOR_VOLATILITY / np.sqrt(DAYS_PER_YEAR), count))
            for name in SECTORS
        }
        self._sessions: dict[str, Ints] = {}
        self.securities = tuple(_security(n, self.noise(1, n)) for n in range(size.securities))
        self.indices = tuple(_index(size.securities + n, row) for n, row in enumerate(INDICES))

    def noise(self, *stream: int) -> np.random.Generator:
        """An independent source of noise for each purpose."""
        return np.random.default_rng((self.seed, *stream))

    def sessions(self, mic: str) -> Ints:
        """Numbers of the days on which an exchange has a session."""
        if mic not in self._sessions:
            numbers = (
                n for n, day in enumerate(self.days) if self.calendars.session(mic, day) is not None
            )
            self._sessions[mic] = np.fromiter(numbers, dtype=np.int64)
        return self._sessions[mic]

    def history(self, item: Invented) -> History:
        rng = self.noise(2, item.number)
        sessions = self.sessions(item.mic)
        own = _centred(rng.normal(0.0, item.volatility / np.sqrt(DAYS_PER_YEAR), len(self.days)))
        moves = item.drift / DAYS_PER_YEAR + item.beta * self._world + own
        moves += self._sectors.get(item.industry.split(",")[0], 0.0)
        payments = self._payments(item, sessions)
        if item.payments:
            moves[payments] += np.log1p(-item.yield_rate / item.payments)
        whole = np.maximum(item.price * np.exp(np.cumsum(moves)), LEAST_PRICE)
        ratio = self._ratio(item, sessions, rng)
        close = whole[sessions]
        before = np.concatenate((close[:1], close[:-1]))
        opened = before * (close / before) ** rng.uniform(0.1, 0.6, len(close))
        width = item.volatility / np.sqrt(DAYS_PER_YEAR)
        high = np.maximum(opened, close) * (1 + width * np.abs(rng.normal(0, 0.3, len(close))))
        low = np.minimum(opened, close) * (1 - width * np.abs(rng.normal(0, 0.3, len(close))))
        volume = (1e6 * np.exp(rng.normal(0, 0.5, len(close)))).astype(np.int64)
        paid = tuple(
            (day, float(whole[day - 1] / ratio[day]) * item.yield_rate / item.payments)
            for day in payments.tolist()
        )
        by = ratio[sessions]
        return History(sessions, opened / by, high / by, low / by, close / by, volume, by, paid)

    def _payments(self, item: Invented, sessions: Ints) -> Ints:
        """The ex-days: `payments` a year, evenly spread over the sessions of each year."""
        if not item.payments:
            return sessions[:0]
        step = DAYS_PER_YEAR // item.payments
        return sessions[(item.number * 7) % step + 1 :: step]

    def _ratio(self, item: Invented, sessions: Ints, rng: np.random.Generator) -> Floats:
        """By day, how many shares one of the first day has become."""
        ratio = np.ones(len(self.days))
        if item.number % SPLIT_EVERY == 0 and item.product == "EQUITY" and len(sessions) > 2:
            at = int(sessions[int(rng.integers(len(sessions) // 4, len(sessions)))])
            ratio[at:] *= int(rng.integers(2, 5))
        return ratio

    def rates(self) -> dict[str, Floats]:
        """Units for one EUR by day."""
        rng = self.noise(3)
        daily = RATE_VOLATILITY / np.sqrt(DAYS_PER_YEAR)
        found = {
            currency: level * np.exp(np.cumsum(_centred(rng.normal(0, daily, len(self.days)))))
            for currency, level in PER_EUR.items()
        }
        found["HKD"] = HKD_PER_USD * found["USD"]
        return found

    def pay_day(self, mic: str, ex_day: int) -> date | None:
        """The first session three weeks after the ex-day; None when the market ends before."""
        sessions, wanted = self.sessions(mic), self.days[ex_day] + PAYS_AFTER
        at = bisect_left(sessions, wanted, key=lambda number: self.days[int(number)])
        return self.days[int(sessions[at])] if at < len(sessions) else None


def _centred(noise: Floats) -> Floats:
    centred: Floats = noise - noise.mean()
    return centred


def _security(number: int, rng: np.random.Generator) -> Invented:
    suffix, currency, mic, country, lots = PLACES[number % len(PLACES)]
    # One step further after each round, so that every place has every sector.
    sector = SECTORS[(number + number // len(SECTORS)) % len(SECTORS)]
    fund = number % FUND_EVERY == FUND_EVERY - 1
    industry = sector
    if fund:
        industry = "Broad Market"
    elif number % TWO_EVERY == TWO_EVERY - 1:
        industry = f"{sector}, {SECTORS[(SECTORS.index(sector) + 3) % len(SECTORS)]}"
    quality = float(rng.uniform(0.1, 0.95))
    pays = bool(rng.random() < 0.7)
    # Where a lot is many shares a share costs little.
    least, most = (4.0, 80.0) if len(lots) > 1 else (8.0, 250.0)
    return Invented(
        number=number + 1,
        symbol=f"{sector[:3].upper()}{number + 1:03d}.{suffix}",
        name=f"{sector} {number + 1} {'Fund' if fund else 'Company'} (synthetic)",
        currency=currency,
        mic=mic,
        country=country,
        industry=industry,
        product="ETF" if fund else "EQUITY",
        lot=int(rng.choice(np.array(lots))),
        price=math.exp(rng.uniform(math.log(least), math.log(most))),
        drift=0.01 + 0.10 * quality + float(rng.normal(0, 0.02)),
        beta=float(rng.uniform(0.5, 1.5)),
        volatility=0.06 if fund else float(rng.uniform(0.14, 0.34)),
        yield_rate=float(rng.uniform(0.01, 0.055)) if pays else 0.0,
        payments=int(rng.choice(np.array((1, 2, 4)))) if pays else 0,
        quality=quality,
    )


def _index(number: int, row: tuple[str, str, str, str, float, float]) -> Invented:
    symbol, currency, mic, country, beta, drift = row
    name = f"{symbol.partition('.')[0].capitalize()} Index (synthetic)"
    return Invented(
        number + 1, symbol, name, currency, mic, country, "Index", "INDEX", 1,
        1000.0, drift, beta, 0.01, 0.0, 0, 0.5,
    )  # fmt: skip


def dates(model: Model, numbers: Sequence[int] | Ints) -> Iterator[str]:
    return (model.days[int(number)].isoformat() for number in numbers)
