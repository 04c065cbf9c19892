"""What could be traded, and why: three calculators over one snapshot.

    weight_based      a security is below its target weight: buy up to the target
    opportunity_buys  it is below its target and cheaper than it was: buy half of what is missing.
                      Cheaper means below its average cost when held, or below its previous close.
                      Until securities carry quality scores, a fall within bounds stands for them
    rebalance_sells   a position is far above its target: sell part of the excess. A holding
                      without a target (one that may not be bought) is left to its owner

Each keeps its strongest few, with priorities scaled to 0–1 within the kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from ledger.money import Money
from ledger.portfolio import Position
from ledger.security import Security
from policy.plan_text import percent
from policy.planning.candidates import (
    Candidate,
    Idea,
    Scene,
    affordable,
    candidate,
    largest,
    lots_for,
    share_of,
    worthwhile_lots,
)
from policy.targets import is_buyable


def opportunities(scene: Scene) -> tuple[Candidate, ...]:
    """Every candidate: sales first, then purchases; within a kind by priority, then by symbol."""
    sells = rebalance_sells(scene)
    more_cash = bool(sells)
    buys = (
        *weight_based(scene, more_cash=more_cash),
        *opportunity_buys(scene, more_cash=more_cash),
    )
    unique: dict[bytes, Candidate] = {}
    for found in (*sells, *buys):
        unique.setdefault(found.key, found)
    return tuple(unique.values())


def weight_based(scene: Scene, *, more_cash: bool) -> tuple[Candidate, ...]:
    """Purchases that close a gap. `more_cash`: sales may pay for what cash alone cannot."""
    found: list[Candidate] = []
    for security, gap in _gaps(scene):
        if gap <= scene.limits.min_weight_gap:
            continue
        idea = _gap_idea(scene, security, gap)
        amount = share_of(scene.total, gap)
        found += _sized_buys(scene, security, amount, idea, more_cash=more_cash)
    return _strongest(scene, found)


def opportunity_buys(scene: Scene, *, more_cash: bool) -> tuple[Candidate, ...]:
    """Purchases of what fell, as long as it is below its target."""
    found: list[Candidate] = []
    for security, gap in _gaps(scene):
        idea = _dip_idea(scene, security)
        if gap <= 0 or idea is None:
            continue
        missing = share_of(scene.total, gap)
        half = share_of(missing, Decimal("0.5"))
        amount = half if half >= scene.min_trade else missing
        found += _sized_buys(scene, security, amount, idea, more_cash=more_cash)
    return _strongest(scene, found)


def rebalance_sells(scene: Scene) -> tuple[Candidate, ...]:
    """Sales of a bounded part of what is far above its target; at least one lot stays."""
    found: list[Candidate] = []
    for position in scene.snapshot.positions:
        security = position.security
        target = scene.targets.weights.get(security.symbol)
        if target is None or not scene.may(security, "SELL") or _deep_loss(scene, position):
            continue
        over = scene.weight(security) - target
        if over <= scene.limits.max_overweight:
            continue
        idea = _overweight_idea(scene, security, over, target)
        sale = candidate(scene, security, "SELL", _sell_lots(scene, position, over), idea)
        if sale is not None:
            found.append(sale)
    return _strongest(scene, found)


def _gaps(scene: Scene) -> Iterable[tuple[Security, Decimal]]:
    """Every security that may be bought now, with its distance below target."""
    for security in scene.snapshot.universe:
        target = scene.targets.weights.get(security.symbol)
        if target is not None and is_buyable(security) and scene.may(security, "BUY"):
            yield security, target - scene.weight(security)


def _sized_buys(
    scene: Scene, security: Security, amount: Money, idea: Idea, *, more_cash: bool
) -> list[Candidate]:
    """The purchase of `amount`, and when cash alone is too short for it, of what cash allows."""
    lots = worthwhile_lots(scene, security, amount, idea)
    possible = largest(scene, security, lots, idea, lambda wanted: affordable(scene, wanted))
    full = candidate(scene, security, "BUY", lots, idea) if more_cash else None
    sizes = {found.key: found for found in (full, possible) if found is not None}
    return list(sizes.values())


def _sell_lots(scene: Scene, position: Position, over: Decimal) -> int:
    lot, price = position.security.instrument.lot, scene.price(position.security)
    if lot is None or price is None:
        return 0
    value = scene.value(position.security)
    amount = min(
        share_of(scene.total, over),
        share_of(value, scene.limits.max_sell_share),
        scene.order_cap(),
    )
    kept_one = (position.quantity.micro - lot.micro) // lot.micro
    return min(kept_one, lots_for(scene, position.security, amount, price))


def _deep_loss(scene: Scene, position: Position) -> bool:
    """Unknown counts as deep: without a cost nobody can say what a sale would realise."""
    cost, price = position.average_cost, scene.price(position.security)
    if cost is None or price is None or cost.currency != price.currency:
        return True
    return Decimal(cost.micro - price.micro) / cost.micro > scene.limits.max_sell_loss


def _strongest(scene: Scene, found: list[Candidate]) -> tuple[Candidate, ...]:
    """The best few of one kind, priorities scaled by the largest; sizes of a security together."""
    ranked = sorted(found, key=lambda c: (-c.priority, c.symbol, -c.quantity.micro))
    kept = ranked[: scene.limits.max_candidates_per_kind]
    top = kept[0].priority if kept else 1.0
    return tuple(replace(c, priority=c.priority / top) for c in kept)


def _gap_idea(scene: Scene, security: Security, gap: Decimal) -> Idea:
    weight = scene.weight(security)
    words = f"{percent(weight)} of the portfolio, target {percent(weight + gap)}"
    held = scene.snapshot.held(security.symbol)
    price = scene.price(security)
    cheaper = (
        held is not None
        and held.average_cost is not None
        and price is not None
        and held.average_cost.micro > price.micro
    )
    tag = "averaging_down" if cheaper else "rebalance"
    return Idea(
        "weight_based",
        float(gap),
        lambda value: f"{security.symbol} is {words}: buying {value} brings it closer",
        (tag, "optimizer_target", *_group_tags(security, "underweight")),
    )


def _dip_idea(scene: Scene, security: Security) -> Idea | None:
    """The larger of two falls, from average cost and from the previous close, within bounds."""
    price = scene.price(security)
    if price is None:
        return None
    held = scene.snapshot.held(security.symbol)
    close = scene.snapshot.quotes[security.symbol].previous_close
    falls = [
        (Decimal(then.micro - price.micro) / then.micro, words, tags)
        for then, words, tags in (
            (
                held.average_cost if held else None,
                "its average cost",
                ("averaging_down", "buy_low"),
            ),
            (close, "its previous close", ("opportunity", "buy_low")),
        )
        if then is not None and then.currency == price.currency
    ]
    if not falls:
        return None
    fall, since, tags = max(falls)
    if not scene.limits.min_dip <= fall <= scene.limits.max_dip:
        return None
    return Idea(
        "opportunity_buys",
        float(fall),
        lambda value: (
            f"{security.symbol} at {price} is {percent(fall)} below {since}"
            f" and below its target weight: buying {value}"
        ),
        tags,
    )


def _overweight_idea(scene: Scene, security: Security, over: Decimal, target: Decimal) -> Idea:
    weight = scene.weight(security)
    words = f"{percent(weight)} of the portfolio, target {percent(target)}"
    return Idea(
        "rebalance_sells",
        float(over),
        lambda value: f"{security.symbol} is {words}: selling {value} trims the excess",
        ("rebalance", "optimizer_target", *_group_tags(security, "overweight")),
    )


def _group_tags(security: Security, word: str) -> tuple[str, ...]:
    country = security.instrument.country
    return (f"{word}_{country.lower()}",) if country else ()
