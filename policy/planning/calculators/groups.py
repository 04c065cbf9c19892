"""Country groups that are far from their target: sales out of the heavy, purchases for the light.

A group's weight is that of its holdings in the total value. One without a target has target 0; a
holding that has neither a target of its own nor one of its group is left to its owner.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ledger.security import Security
from policy.plan_text import percent
from policy.planning.calculators.trades import (
    Buyer,
    buyable,
    group_weights,
    liking,
    lots_worth,
    quality,
    sale,
    sellable,
)
from policy.planning.candidates import Candidate, Idea, Scene, share_of

DISTANCE_WEIGHT, QUALITY_WEIGHT = 2.0, 0.5


def rebalance_sells(scene: Scene) -> Iterator[Candidate]:
    """Strength: 2 × overweight ÷ the owner's priority of the security.

    Each sells up to its share of the position or all of the overweight, whichever is less; that
    all of them together sell no more than the overweight is seen to by `Candidate.group`.
    """
    asked, targets = scene.config.calculators.rebalance_sells, scene.targets
    weights = group_weights(scene)
    for position, _ in sellable(scene):
        security = position.security
        group = targets.country_of.get(security.symbol)
        if not group or not (security.symbol in targets.weights or group in targets.countries):
            continue
        over = weights[group] - targets.countries.get(group, Decimal(0))
        if over <= asked.overweight_threshold:
            continue
        amount = min(
            share_of(scene.value(security), asked.max_sell_pct), share_of(scene.total, over)
        )
        idea = _heavy(security, group, over, weights[group])
        taken = sale(scene, position, lots_worth(scene, security, amount), idea)
        if taken is not None:
            yield taken


def rebalance_buys(scene: Scene, buyer: Buyer) -> Iterator[Candidate]:
    """Strength: (2 × underweight + 0.5 × quality) × the owner's priority of the security."""
    asked, targets = scene.config.calculators.rebalance_buys, scene.targets
    weights = group_weights(scene)
    amount = asked.base_trade_amount_eur or scene.min_trade
    for security in buyable(scene):
        group = targets.country_of.get(security.symbol)
        if not group:
            continue
        weight = weights.get(group, Decimal(0))
        under = targets.countries.get(group, Decimal(0)) - weight
        if under > asked.underweight_threshold:
            idea = _light(security, group, under, weight, quality(scene, security))
            yield from buyer.purchases(security, amount, idea)


def _heavy(security: Security, group: str, over: Decimal, weight: Decimal) -> Idea:
    words = f"{group} is {percent(weight)} of the portfolio, {percent(over)} above its target"
    return Idea(
        "rebalance_sells",
        DISTANCE_WEIGHT * float(over) / liking(security),
        lambda value: f"{words}: selling {value} of {security.symbol} reduces it",
        ("rebalance", f"overweight_{group.lower()}"),
        group,
    )


def _light(security: Security, group: str, under: Decimal, weight: Decimal, good: float) -> Idea:
    words = f"{group} is {percent(weight)} of the portfolio, {percent(under)} below its target"
    return Idea(
        "rebalance_buys",
        (DISTANCE_WEIGHT * float(under) + QUALITY_WEIGHT * good) * liking(security),
        lambda value: f"{words}: buying {value} of {security.symbol} adds to it",
        ("rebalance", f"underweight_{group.lower()}"),
    )
