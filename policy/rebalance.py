"""When to rebalance, and what the cash at hand pays for. Called by the rebalancer.

Weights are fractions of the total value, positions and cash together. Drift and idle cash start a
new plan; they never place an order themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ledger.money import Money
from ledger.plan import OPEN_STEPS, PlanStep, StoredPlan
from ledger.portfolio import PortfolioSnapshot
from ledger.rebalancing import OutsideBand, Triggers

# How far a position may be from its target, by the larger of weight and target: large positions
# are kept on a shorter leash.
LARGE, LARGE_BAND = Decimal("0.10"), Decimal("0.05")
MEDIUM, MEDIUM_BAND = Decimal("0.05"), Decimal("0.07")
SMALL_BAND = Decimal("0.10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """`drift` is a fraction, `cash_multiplier` counts smallest worthwhile trades."""

    enabled: bool
    drift: Decimal
    cash_multiplier: Decimal
    min_trade: Money


def triggers(
    portfolio: PortfolioSnapshot,
    targets: Mapping[str, Decimal],
    thresholds: Thresholds,
    *,
    cash: Money,
) -> Triggers:
    """Every reason to rebalance. `cash` in EUR is what may be spent, dividend pots left out.

    A portfolio that cannot be valued, or is worth nothing, gives no reason.
    """
    if not thresholds.enabled:
        return Triggers(False, ("event-driven rebalancing disabled",))
    total = portfolio.total_eur
    if total is None:
        return Triggers(False, (f"the value of {', '.join(portfolio.unvalued)} is not known",))
    if total.minor <= 0:
        return Triggers(False, ("the portfolio is worth nothing",))
    weights = _weights(portfolio, total)
    reasons = [*_drifts(weights, targets, thresholds.drift), *_idle(cash, thresholds)]
    return Triggers(bool(reasons), tuple(reasons), tuple(outside(weights, targets)))


def _weights(portfolio: PortfolioSnapshot, total: Money) -> dict[str, Decimal]:
    """Of every position with a value; a total is only known when all of them are."""
    return {
        position.security.symbol: Decimal(position.value_eur.minor) / total.minor
        for position in portfolio.positions
        if position.value_eur is not None and position.value_eur.minor > 0
    }


def _pairs(
    weights: Mapping[str, Decimal], targets: Mapping[str, Decimal]
) -> Iterator[tuple[str, Decimal, Decimal]]:
    """Symbol, weight and target of everything held or targeted; nothing to aim at, no pairs."""
    if targets:
        for symbol in sorted(weights.keys() | targets.keys()):
            yield symbol, weights.get(symbol, Decimal(0)), targets.get(symbol, Decimal(0))


def _drifts(
    weights: Mapping[str, Decimal], targets: Mapping[str, Decimal], threshold: Decimal
) -> Iterator[str]:
    for symbol, weight, target in _pairs(weights, targets):
        if abs(weight - target) >= threshold:
            yield f"{symbol} is {weight:.1%} of the portfolio, its target {target:.1%}"


def _idle(cash: Money, thresholds: Thresholds) -> Iterator[str]:
    needed = Money.half_even(
        thresholds.cash_multiplier * thresholds.min_trade.amount, thresholds.min_trade.currency
    )
    if cash.minor > 0 and cash >= needed:
        yield f"{cash} of cash, {needed} are enough to put to work"


def outside(
    weights: Mapping[str, Decimal], targets: Mapping[str, Decimal]
) -> Iterator[OutsideBand]:
    """Everything held or targeted that is further from its target than its band."""
    for symbol, weight, target in _pairs(weights, targets):
        width = band(weight, target)
        if abs(weight - target) > width:
            yield OutsideBand(symbol, weight, target, width)


def band(weight: Decimal, target: Decimal) -> Decimal:
    """How far `weight` and `target` may be apart."""
    size = max(weight, target)
    if size > LARGE:
        return LARGE_BAND
    return MEDIUM_BAND if size >= MEDIUM else SMALL_BAND


def spendable(portfolio: PortfolioSnapshot, asked: Money | None) -> Money | None:
    """Cash of all currencies without dividend pots, in EUR; less when only `asked` is offered.

    None while the value of some cash is not known.
    """
    if portfolio.cash_eur is None:
        return None
    free = portfolio.cash_eur - portfolio.pots_eur
    return free if asked is None or asked.minor <= 0 else min(free, asked)


def affordable(
    stored: StoredPlan | None, *, cash: Money, reserve: Money, min_trade: Money, most: int
) -> tuple[PlanStep, ...]:
    """The plan's purchases, in order, that `cash` above the `reserve` pays for with their fees.

    It stops at the first that does not fit. What a sale of the plan would bring is not there yet,
    so it counts for nothing; the cost of a conversion belongs to the purchase behind it.
    """
    if stored is None or stored.superseded or cash < min_trade:
        return ()
    most = min(most, cash.minor // max(min_trade.minor, 1))
    budget, conversions = cash - reserve, Money.zero(cash.currency)
    found: list[PlanStep] = []
    for step in (item.step for item in stored.steps if item.state in OPEN_STEPS):
        if step.kind == "fx":
            conversions += step.fee_eur
        elif step.side == "BUY":
            budget -= step.value_eur + step.fee_eur + conversions
            conversions = Money.zero(cash.currency)
            if budget.minor < 0 or len(found) == most:
                break
            found.append(step)
    return tuple(found)
