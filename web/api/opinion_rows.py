"""What is thought of the holdings as it leaves: shares and rates are fractions, whatever the name.

`calculated_at` is the market day on which it was thought: holdings may have changed since.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

from ledger.opinion import Opinions
from ledger.score import PastScore
from ledger.security import Security
from web.encode import amount, score

PLACES = 4


class SellRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much speaks for selling it, 0 to 1, and how much of it to sell; the value is in EUR.

    A component that is not known is null, and `coverage` is the part of the weights that is known.
    What is not eligible has a `block_reason`, and nothing of it is to be sold.
    """

    symbol: str
    eligible: bool
    block_reason: str | None
    underperformance: float | None
    time_held: float | None
    portfolio_balance: float | None
    instability: float | None
    drawdown: float | None
    total_score: float | None
    coverage: float | None
    suggested_sell_pct: float | None
    suggested_sell_quantity: Decimal
    suggested_sell_value: Decimal | None
    profit_pct: float | None
    days_held: int | None
    calculated_at: date


class AdviceRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to take out of a windfall; `suggested_sell_pct` is a fraction of the position."""

    take_profits: bool
    suggested_sell_pct: float | None
    reason: str


class WindfallRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gain and how far it is beyond what the security usually earns in the time it was held.

    `historical_cagr_pct` is its growth per year; null when not known, 10 % are expected then.
    """

    current_gain_pct: float | None
    years_held: float | None
    windfall_score: float | None
    excess_gain_pct: float | None
    expected_gain_pct: float | None
    historical_cagr_pct: float | None
    recommendation: AdviceRow
    calculated_at: date


class PastScoreRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A score that held from `day` on, until the next one."""

    day: date
    total: float | None
    coverage: float
    groups: dict[str, float | None]


class HealthRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How healthy the portfolio is, 0 to 100 points: 0.4 of its spread over countries, 0.3 of its
    dividends and 0.3 of the quality of what it holds. `reasons` tell, by name, what was assumed.
    """

    total: float
    diversification: float
    dividend: float
    quality: float
    reasons: dict[str, str]
    calculated_at: date


class ComponentRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`contribution` is score times weight."""

    score: float | None
    weight: float
    contribution: float | None


class EndStateRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How good the portfolio is, 0 to 1: the sum of what its components contribute, by the weights
    of the profile `balanced`. `coverage` is the part of what is invested that rests on figures;
    `reason` tells what was assumed.
    """

    score: float | None
    components: dict[str, ComponentRow]
    coverage: float | None
    reason: str | None
    calculated_at: date


def sell_row(known: Opinions | None, security: Security) -> SellRow | None:
    """None while nothing is thought of it."""
    found = None if known is None else known.sells.get(security.security_id)
    if known is None or found is None:
        return None
    parts = found.components
    return SellRow(
        symbol=security.name_now,
        eligible=found.eligible,
        block_reason=found.block_reason,
        underperformance=score(parts["underperformance"], PLACES),
        time_held=score(parts["time_held"], PLACES),
        portfolio_balance=score(parts["portfolio_balance"], PLACES),
        instability=score(parts["instability"], PLACES),
        drawdown=score(parts["drawdown"], PLACES),
        total_score=score(found.total, PLACES),
        coverage=score(found.coverage, PLACES),
        suggested_sell_pct=score(found.sell_share, PLACES),
        suggested_sell_quantity=found.quantity.units,
        suggested_sell_value=amount(found.value_eur),
        profit_pct=score(found.profit, PLACES),
        days_held=found.days_held,
        calculated_at=known.as_of,
    )


def sell_total(known: Opinions | None, security: Security) -> float | None:
    found = None if known is None else known.sells.get(security.security_id)
    return None if found is None else score(found.total, PLACES)


def windfall_row(known: Opinions | None, security: Security) -> WindfallRow | None:
    """None while nothing is thought of it, and for a gain that is not known."""
    found = None if known is None else known.windfalls.get(security.security_id)
    if known is None or found is None:
        return None
    advice = AdviceRow(
        take_profits=found.sell_share is not None,
        suggested_sell_pct=found.sell_share,
        reason=found.reason,
    )
    return WindfallRow(
        current_gain_pct=score(found.gain, PLACES),
        years_held=score(found.years_held, PLACES),
        windfall_score=score(found.score, PLACES),
        excess_gain_pct=score(found.excess, PLACES),
        expected_gain_pct=score(found.expected, PLACES),
        historical_cagr_pct=None if found.assumed_growth else score(found.growth, PLACES),
        recommendation=advice,
        calculated_at=known.as_of,
    )


def past_row(one: PastScore) -> PastScoreRow:
    return PastScoreRow(one.day, one.total, one.coverage, dict(one.groups))


def health_row(known: Opinions | None) -> HealthRow | None:
    """None before the first scoring, and while it was made without knowing the total value."""
    if known is None or known.health is None:
        return None
    found = known.health
    return HealthRow(
        total=found.total,
        diversification=found.diversification,
        dividend=found.dividend,
        quality=found.quality,
        reasons=dict(found.reasons),
        calculated_at=known.as_of,
    )


def end_state_row(known: Opinions | None) -> EndStateRow | None:
    """None as `health_row`."""
    if known is None or known.end_state is None:
        return None
    found = known.end_state
    return EndStateRow(
        score=score(found.score, PLACES),
        components={
            name: ComponentRow(score(c.score, PLACES), c.weight, score(c.contribution, PLACES))
            for name, c in found.components.items()
        },
        coverage=score(found.coverage, PLACES),
        reason=found.reason,
        calculated_at=known.as_of,
    )
