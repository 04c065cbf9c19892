"""Purchases of what is good: more of a holding that became cheaper, or simply the best there is."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ledger.security import Security
from policy.plan_text import percent
from policy.planning.calculators.trades import Buyer, buyable, gain, liking, quality
from policy.planning.candidates import Candidate, Idea, Scene


def averaging_down(scene: Scene, buyer: Buyer) -> Iterator[Candidate]:
    """Holdings below their cost by at least `dip_threshold`, though less than `max_drawdown`.

    Strength: (quality + loss) × the owner's priority of the security.
    """
    asked = scene.config.calculators.averaging_down
    amount = asked.base_trade_amount_eur or scene.min_trade
    for security in buyable(scene):
        held, good = scene.holdings.get(security.symbol), quality(scene, security)
        gained = None if held is None or held.quantity.micro <= 0 else gain(scene, held)
        if gained is None or good < asked.min_quality_score:
            continue
        if asked.max_drawdown < gained <= asked.dip_threshold:
            yield from buyer.purchases(security, amount, _cheaper(security, good, -gained))


def opportunity_buys(scene: Scene, buyer: Buyer) -> Iterator[Candidate]:
    """Whatever is good enough. Strength: quality × the owner's priority of the security."""
    asked = scene.config.calculators.opportunity_buys
    amount = asked.base_trade_amount_eur or scene.min_trade
    for security in buyable(scene):
        good = quality(scene, security)
        if good >= asked.min_quality_score:
            yield from buyer.purchases(security, amount, _good(security, good))


def _cheaper(security: Security, good: float, loss: Decimal) -> Idea:
    words = f"{security.symbol} is {percent(loss)} below its average cost, its quality {good:.2f}"
    return Idea(
        "averaging_down",
        (good + float(loss)) * liking(security),
        lambda value: f"{words}: buying {value} lowers that cost",
        ("averaging_down", "buy_low"),
    )


def _good(security: Security, good: float) -> Idea:
    return Idea(
        "opportunity_buys",
        good * liking(security),
        lambda value: f"{security.symbol} has a quality of {good:.2f}: buying {value}",
        ("quality", "opportunity"),
    )
