"""Each security towards its own target weight: the optimizer's, or the equal one until then.

A gap is traded when it is wider than `min_gap_threshold` and worth twice what its trade costs.
What the optimizer gave no weight to is sold; what merely has no equal weight, because it may not
be bought, is left to its owner.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ledger.currency import BASE
from ledger.money import Money
from ledger.portfolio import Position
from ledger.security import Security
from policy.plan_text import percent
from policy.planning.calculators.trades import (
    Buyer,
    buyable,
    gain,
    liking,
    lots_worth,
    sale,
    sellable,
)
from policy.planning.candidates import Candidate, Idea, Kind, Scene, share_of

# A trade that closes a gap is to be worth this many times what it costs.
TIMES_COST = 2


def weight_sales(scene: Scene) -> Iterator[Candidate]:
    """Strength: weight above target ÷ the owner's priority of the security."""
    for position, _ in sellable(scene):
        over = _over(scene, position)
        if over is None or not _worth_closing(scene, over):
            continue
        security = position.security
        lots = lots_worth(scene, security, share_of(scene.total, over))
        idea = _trade_idea(scene, security, -over, "rebalance_sells")
        taken = sale(scene, position, lots, idea)
        if taken is not None:
            yield taken


def weight_purchases(scene: Scene, buyer: Buyer) -> Iterator[Candidate]:
    """Strength: weight below target × the owner's priority of the security."""
    for security in buyable(scene):
        target = scene.targets.weights.get(security.symbol)
        if target is None:
            continue
        under = target - scene.weight(security)
        if _worth_closing(scene, under):
            idea = _trade_idea(scene, security, under, _buy_kind(scene, security))
            yield from buyer.purchases(security, share_of(scene.total, under), idea)


def _over(scene: Scene, position: Position) -> Decimal | None:
    target = scene.targets.weights.get(position.security.symbol)
    if target is None and not scene.targets.optimized:
        return None
    return scene.weight(position.security) - (target or Decimal(0))


def _worth_closing(scene: Scene, gap: Decimal) -> bool:
    config = scene.config
    asked = config.calculators.weight_based
    if gap <= asked.min_gap_threshold:
        return False
    fixed, share = asked.transaction_cost_fixed, asked.transaction_cost_percent
    fixed = config.transaction_cost_fixed if fixed is None else fixed
    share = config.transaction_cost_percent if share is None else share
    value = share_of(scene.total, gap)
    cost = fixed + Money.half_even(value.amount * share, BASE)
    return value.minor >= TIMES_COST * cost.minor


def _buy_kind(scene: Scene, security: Security) -> Kind:
    held = scene.holdings.get(security.symbol)
    gained = None if held is None or held.quantity.micro <= 0 else gain(scene, held)
    return "averaging_down" if gained is not None and gained < 0 else "rebalance_buys"


def _trade_idea(scene: Scene, security: Security, gap: Decimal, kind: Kind) -> Idea:
    """`gap` is target less weight: positive to buy, negative to sell."""
    weight, buying = scene.weight(security), gap > 0
    words = f"{security.symbol} is {percent(weight)} of the portfolio, target"
    words = f"{words} {percent(weight + gap)}: {'buying' if buying else 'selling'}"
    origin = "optimizer_target" if scene.targets.optimized else "equal_target"
    liked = liking(security)
    return Idea(
        kind,
        float(gap) * liked if buying else float(-gap) / liked,
        lambda value: f"{words} {value} brings it closer",
        ("averaging_down" if kind == "averaging_down" else "rebalance", origin),
    )
