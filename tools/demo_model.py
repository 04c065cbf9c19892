"""The invented instruments of the demo market and the seeded model that moves them.

One world factor with calm and troubled years drives all of them, each with its own sensitivity,
own noise, in its own currency and only on the sessions of its exchange. Noise is centred, so that
the weather and the drift decide where a price ends, not luck. Floats are fine here: the result is
rounded to the tick and written down once.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from policy.market_hours import Calendars

FIRST = date(2004, 1, 2)
LAST = date(2013, 3, 1)
SEED = 20090105
DAYS_PER_YEAR = 252
WORLD_VOLATILITY = 0.15
PAYS_AFTER_DAYS = 21

# (from, volatility multiplier, yearly drift of the factor beyond each instrument's own)
WEATHER = (
    (FIRST, 0.75, 0.08),
    (date(2007, 7, 16), 1.2, -0.18),
    (date(2008, 9, 8), 2.6, -0.85),
    (date(2009, 3, 10), 1.4, 0.40),
    (date(2010, 1, 4), 1.0, 0.04),
    (date(2011, 7, 25), 1.8, -0.45),
    (date(2011, 12, 5), 0.9, 0.10),
)


@dataclass(frozen=True, slots=True)
class Invented:
    """One instrument of the model. Rates are per year; `drift` includes what leaves as dividends.

    `start` is the price on the first day, `volume` the units of an ordinary day.
    """

    symbol: str
    isin: str
    name: str
    currency: str
    mic: str
    country: str
    industry: str
    product_type: str
    min_lot: int
    start: float
    drift: float
    beta: float
    own_volatility: float
    volume: float
    yield_rate: float = 0.0
    pays_in: tuple[int, ...] = ()


INVENTED = (
    Invented("DEMO-EURO.EU", "XF0000DEMO17", "DEMO (synthetic) Euro Equity Fund", "EUR", "XETR",
             "Germany", "Broad Market", "ETF", 1, 31.0, 0.05, 1.0, 0.04, 90_000, 0.025, (5,)),
    Invented("DEMO-BOND.EU", "XF0000DEMO25", "DEMO (synthetic) Euro Bond Fund", "EUR", "XETR",
             "Germany", "Government Bonds", "ETF", 1, 104.0, 0.036, -0.06, 0.032, 40_000, 0.028,
             (2, 8)),
    Invented("DEMO-GOLD.EU", "XF0000DEMO33", "DEMO (synthetic) Gold Holding", "EUR", "XETR",
             "Germany", "Precious Metals", "ETF", 1, 33.0, 0.10, -0.10, 0.165, 60_000),
    Invented("DEMO-POWER.EU", "XF0000DEMO41", "DEMO (synthetic) Power and Water SA", "EUR", "XPAR",
             "France", "Utilities", "EQUITY", 1, 22.0, 0.06, 0.75, 0.13, 250_000, 0.045, (5, 11)),
    Invented("DEMO-CHIP.EU", "XF0000DEMO58", "DEMO (synthetic) Chip Machines NV", "EUR", "XAMS",
             "Netherlands", "Semiconductors", "EQUITY", 1, 17.0, 0.09, 1.35, 0.22, 700_000, 0.012,
             (4,)),
    Invented("DEMO-BANK.UK", "XF0000DEMO66", "DEMO (synthetic) Bank of the Shires plc", "GBP",
             "XLON", "United Kingdom", "Banks", "EQUITY", 1, 6.2, 0.04, 1.4, 0.20, 2_500_000,
             0.038, (3, 8)),
    Invented("DEMO-FOOD.UK", "XF0000DEMO74", "DEMO (synthetic) Home Counties Food plc", "GBP",
             "XLON", "United Kingdom", "Food Products", "EQUITY", 1, 9.4, 0.085, 0.6, 0.12, 900_000,
             0.033, (2, 5, 8, 11)),
    Invented("DEMO-PORT.AS", "XF0000DEMO82", "DEMO (synthetic) Pearl Ports Ltd", "HKD", "XHKG",
             "Hong Kong", "Transportation", "EQUITY", 100, 14.0, 0.08, 1.1, 0.20, 3_000_000, 0.03,
             (5, 9)),
    Invented("DEMO-WORLD.IDX", "XF0000DEMO90", "DEMO (synthetic) World Index", "EUR", "XETR",
             "Germany", "Index", "INDEX", 1, 1000.0, 0.05, 1.0, 0.015, 0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelBar:
    """Prices as text on the tick of a cent."""

    day: date
    open: str
    high: str
    low: str
    close: str
    volume: int


@dataclass(frozen=True, slots=True)
class ModelDividend:
    ex_date: date
    pay_date: date
    amount: str


def world_factor() -> dict[date, float]:
    """The factor's daily log return on every weekday."""
    noise = random.Random(SEED)
    ends = [phase[0] for phase in WEATHER[1:]] + [LAST + timedelta(days=1)]
    returns: dict[date, float] = {}
    for (start, multiplier, drift), end in zip(WEATHER, ends, strict=True):
        days = [start + timedelta(days=n) for n in range((end - start).days)]
        days = [day for day in days if day.weekday() < 5]
        daily = WORLD_VOLATILITY * multiplier / math.sqrt(DAYS_PER_YEAR)
        for day, shock in zip(days, _shocks(noise, len(days)), strict=True):
            returns[day] = drift / DAYS_PER_YEAR + daily * shock
    return returns


def history(
    item: Invented, calendars: Calendars, factor: dict[date, float]
) -> tuple[list[ModelBar], list[ModelDividend]]:
    """Every session of the instrument's exchange, and the dividends that came off its price."""
    noise = random.Random(f"{SEED}:{item.symbol}")
    moves = _session_moves(item, calendars, factor, noise=noise)
    bars: list[ModelBar] = []
    dividends: list[ModelDividend] = []
    price = item.start
    unpaid = {(year, month) for year in range(FIRST.year, LAST.year + 1) for month in item.pays_in}
    for day, move in moves.items():
        before, price = price, price * math.exp(move)
        if day.day >= 8 and (day.year, day.month) in unpaid:
            unpaid.remove((day.year, day.month))
            amount = round(price * item.yield_rate / len(item.pays_in), 3)
            price, before = price - amount, before - amount
            dividends.append(ModelDividend(day, _pay_date(item, day, calendars), f"{amount:.3f}"))
        bars.append(_bar(item, day, before=before, close=price, noise=noise))
    return bars, dividends


def _session_moves(
    item: Invented, calendars: Calendars, factor: dict[date, float], *, noise: random.Random
) -> dict[date, float]:
    """Log return of every session; what the world did on holidays arrives with the next one."""
    sessions = [day for day in factor if calendars.session(item.mic, day) is not None]
    shocks = dict(zip(sessions, _shocks(noise, len(sessions)), strict=True))
    daily = item.own_volatility / math.sqrt(DAYS_PER_YEAR)
    moves: dict[date, float] = {}
    pending = 0.0
    for day, move in factor.items():
        pending += item.beta * move
        if day in shocks:
            moves[day] = pending + item.drift / DAYS_PER_YEAR + daily * shocks[day]
            pending = 0.0
    return moves


def _shocks(noise: random.Random, count: int) -> list[float]:
    """Centred noise of variance one in which one day in twenty is twice as wild."""
    scale = 1 / math.sqrt(0.95 + 0.05 * 4.0)
    raw = [noise.gauss(0.0, 2.0 if noise.random() < 0.05 else 1.0) * scale for _ in range(count)]
    mean = sum(raw) / count
    return [value - mean for value in raw]


def _bar(
    item: Invented, day: date, *, before: float, close: float, noise: random.Random
) -> ModelBar:
    spread = (abs(item.beta) * WORLD_VOLATILITY + item.own_volatility) / math.sqrt(DAYS_PER_YEAR)
    gap = noise.uniform(0.1, 0.6)
    opens = before * (close / before) ** gap
    high = max(opens, close) * (1 + spread * abs(noise.gauss(0.0, 0.35)))
    low = min(opens, close) * (1 - spread * abs(noise.gauss(0.0, 0.35)))
    busy = item.volume * math.exp(noise.gauss(0.0, 0.4))
    volume = int(float(f"{busy:.2g}"))
    return ModelBar(day, f"{opens:.2f}", f"{high:.2f}", f"{low:.2f}", f"{close:.2f}", volume)


def _pay_date(item: Invented, ex_date: date, calendars: Calendars) -> date:
    return first_session_from(item.mic, ex_date + timedelta(days=PAYS_AFTER_DAYS), calendars)


def first_session_from(mic: str, day: date, calendars: Calendars) -> date:
    while calendars.session(mic, day) is None:
        day += timedelta(days=1)
    return day


def invented_histories(
    calendars: Calendars,
) -> Iterator[tuple[Invented, list[ModelBar], list[ModelDividend]]]:
    factor = world_factor()
    for item in INVENTED:
        bars, dividends = history(item, calendars, factor)
        yield item, bars, dividends
