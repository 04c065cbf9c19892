"""How much speaks for selling part of a position, and how much of it to sell.

Something may forbid a sale altogether; else five components are mixed by fixed weights. Where the
rules know bands ("between 20 and 30 % above its average"), the score of a band holds in its middle
and runs straight from one middle to the next. A component that is not known counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from ledger.money import Money, Quantity
from ledger.opinion import SellOpinion
from policy.limits import Limits
from policy.metric_registry import Metrics
from policy.scoring.mappings import Corners, along, clamp
from policy.scoring.mix import mix_named

READS = frozenset(
    {
        "VOLATILITY_60D", "VOLATILITY_ANNUAL", "DISTANCE_FROM_EMA_200", "CURRENT_DRAWDOWN",
        "DAYS_IN_DRAWDOWN",
    }
)  # fmt: skip
WEIGHTS: Final[Mapping[str, float]] = {
    "underperformance": 0.35,
    "time_held": 0.18,
    "portfolio_balance": 0.18,
    "instability": 0.14,
    "drawdown": 0.15,
}
_BALANCE: Final[Mapping[str, float]] = {"country": 0.5, "industry": 0.3, "concentration": 0.2}
_INSTABILITY: Final[Mapping[str, float]] = {"rate": 0.40, "volatility": 0.30, "stretch": 0.30}

# By the return a year: losers go first, and what earns 8 to 15 % stays.
UNDERPERFORMANCE: Final[Corners] = (
    (-0.075, 0.9), (-0.025, 0.7), (0.04, 0.5), (0.115, 0.1), (0.20, 0.3),
)  # fmt: skip
TIME_HELD: Final[Corners] = (
    (45.0, 0.0), (135.0, 0.3), (272.5, 0.6), (547.5, 0.8), (912.5, 1.0),
)  # fmt: skip
COUNTRY: Final[Corners] = ((0.0, 0.0), (0.50, 1.0))
INDUSTRY: Final[Corners] = ((0.0, 0.0), (0.30, 1.0))
CONCENTRATION: Final[Corners] = ((0.0, 0.0), (0.15, 1.0))
RATE: Final[Corners] = ((0.10, 0.1), (0.25, 0.4), (0.40, 0.7), (0.60, 1.0))
VOLATILITY_SPIKE: Final[Corners] = ((1.1, 0.1), (1.35, 0.4), (1.75, 0.7), (2.25, 1.0))
STRETCH: Final[Corners] = ((0.05, 0.1), (0.15, 0.4), (0.25, 0.7), (0.35, 1.0))
# A great profit is never quite safe.
PROFIT_FLOOR: Final[Corners] = ((0.50, 0.0), (0.75, 0.1), (1.0, 0.2))
DRAWDOWN_AT_20: Final[Corners] = ((45.0, 0.5), (135.0, 0.7), (225.0, 0.9))

SHORT_YEARS = 0.25
DAYS_PER_YEAR = 365.0
# A rate over a few days says nothing of a year.
RATE_FROM_DAYS = 30
LEAST_SHARE, SCORE_SHARE, MOST_SHARE = 0.10, 0.40, 0.50


@dataclass(frozen=True, slots=True, kw_only=True)
class SellFacts:
    """A position as its sale sees it; shares are fractions of the total value.

    `profit` is on the average cost, in the security's own currency. `oldest_buy` is the purchase of
    the oldest open lot, `last_buy` and `last_sell` the newest fills that start a waiting time.
    `price_eur` is what one share is worth; None: unknown, then nothing is sold. `bar` is what
    stands in the way of any sale, whatever the owner allows.
    """

    symbol: str
    allow_sell: bool
    quantity: Quantity
    lot: Quantity | None
    price_eur: Decimal | None
    profit: float | None
    oldest_buy: date | None
    last_buy: date | None
    last_sell: date | None
    weight: float
    country_weight: float | None
    industry_weights: tuple[float, ...]
    bar: str | None = None


def sell_score(facts: SellFacts, metrics: Metrics, *, limits: Limits, today: date) -> SellOpinion:
    """The whole judgement on the market day `today`."""
    days = None if facts.oldest_buy is None else (today - facts.oldest_buy).days
    components = {
        "underperformance": _underperformance(facts.profit, days, limits),
        "time_held": None if days is None else along(TIME_HELD, float(days)),
        "portfolio_balance": _balance(facts),
        "instability": _instability(facts.profit, days, metrics),
        "drawdown": _drawdown(metrics),
    }
    mixed = mix_named(WEIGHTS, components)
    total = mixed.shrunk
    share = 0.0 if total is None else clamp(LEAST_SHARE + SCORE_SHARE * total, high=MOST_SHARE)
    quantity = _quantity(facts, share)
    value = _value(facts, quantity)
    block = next(_blocks(facts, total, value, limits, today), None)
    eligible = block is None
    return SellOpinion(
        symbol=facts.symbol,
        eligible=eligible,
        block_reason=block,
        components=components,
        total=total if eligible else 0.0,
        coverage=mixed.known,
        sell_share=share if eligible else 0.0,
        quantity=quantity if eligible else Quantity(0),
        value_eur=value if eligible else Money.zero("EUR"),
        profit=facts.profit,
        days_held=days,
    )


def _blocks(
    facts: SellFacts, total: float | None, value: Money, limits: Limits, today: date
) -> Iterator[str]:
    """What forbids the sale, the weightiest first; what is not known forbids it, too."""
    if not facts.allow_sell:
        yield "its owner does not let it be sold"
    if facts.bar is not None:
        yield facts.bar
    if facts.profit is None or facts.price_eur is None or facts.lot is None:
        yield "its cost, price or lot is not known"
    elif facts.profit < -float(limits.max_sell_loss):
        yield f"its loss of {-facts.profit:.1%} is beyond {limits.max_sell_loss:.1%}"
    if facts.last_buy is not None and today - facts.last_buy < limits.min_hold:
        yield f"bought on {facts.last_buy}, it is held for {limits.min_hold.days} days"
    if facts.last_sell is not None and today - facts.last_sell < limits.sell_cooldown:
        yield f"sold on {facts.last_sell}, it rests for {limits.sell_cooldown.days} days"
    if total is None:
        yield "nothing about it is known"
    if value.minor == 0 or value < limits.min_sell_value:
        yield f"below minimum sell value of {limits.min_sell_value}"


def _quantity(facts: SellFacts, share: float) -> Quantity:
    """Whole lots of the position's `share`, such that at least one lot remains."""
    if facts.lot is None:
        return Quantity(0)
    wanted = Decimal(facts.quantity.micro) * Decimal(str(share))
    most = min(int(wanted.to_integral_value(ROUND_FLOOR)), facts.quantity.micro - facts.lot.micro)
    return Quantity(max(most, 0) // facts.lot.micro * facts.lot.micro)


def _value(facts: SellFacts, quantity: Quantity) -> Money:
    if facts.price_eur is None:
        return Money.zero("EUR")
    return Money.half_even(facts.price_eur * quantity.units, "EUR")


def yearly(profit: float, days: int) -> float:
    """`profit` as a rate per year; as it is when held for less than a quarter of one."""
    years = days / DAYS_PER_YEAR
    if years < SHORT_YEARS or profit <= -1:
        return profit
    return float((1 + profit) ** (1 / years) - 1)


def _underperformance(profit: float | None, days: int | None, limits: Limits) -> float | None:
    if profit is None or days is None:
        return None
    if profit < -float(limits.max_sell_loss):
        return 0.0
    return along(UNDERPERFORMANCE, yearly(profit, days))


def _balance(facts: SellFacts) -> float | None:
    shares = [along(INDUSTRY, weight) for weight in facts.industry_weights]
    country = facts.country_weight
    values = {
        "country": None if country is None else along(COUNTRY, country),
        "industry": sum(shares) / len(shares) if shares else None,
        "concentration": along(CONCENTRATION, facts.weight),
    }
    return mix_named(_BALANCE, values).value


def _instability(profit: float | None, days: int | None, metrics: Metrics) -> float | None:
    rate = None
    if profit is not None and days is not None and days > RATE_FROM_DAYS:
        rate = along(RATE, yearly(profit, days))
    now, usual = metrics["VOLATILITY_60D"], metrics["VOLATILITY_ANNUAL"]
    above = metrics["DISTANCE_FROM_EMA_200"]
    values = {
        "rate": rate,
        "volatility": along(VOLATILITY_SPIKE, now / usual) if usual and now is not None else None,
        "stretch": None if above is None else along(STRETCH, above),
    }
    found = mix_named(_INSTABILITY, values).value
    if found is None or profit is None:
        return found
    return max(found, along(PROFIT_FLOOR, profit))


def _drawdown(metrics: Metrics) -> float | None:
    """By the depth of the fall and, around 20 %, by how long it has lasted, in bars."""
    depth, bars = metrics["CURRENT_DRAWDOWN"], metrics["DAYS_IN_DRAWDOWN"]
    if depth is None or bars is None:
        return None
    lasting = along(DRAWDOWN_AT_20, bars)
    return along(((0.05, 0.1), (0.125, 0.3), (0.20, lasting), (0.30, 1.0)), abs(depth))
