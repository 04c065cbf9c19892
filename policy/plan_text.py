"""A plan in plain English: what is done, why, and what it brings. Also: why nothing is done.

The texts are made from the structured steps, which are stored and shown beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from ledger.money import Money
from ledger.plan import PlanStep
from policy.fx import Conversion

SIGNS = {"EUR": "€"}


def percent(share: Decimal) -> str:
    return f"{share:.1%}"


def whole(money: Money) -> str:
    """An amount for a sentence, without decimals: €1,250 or 1,250 USD."""
    amount = money.amount.quantize(Decimal(1), ROUND_HALF_EVEN)
    sign = SIGNS.get(money.currency)
    if sign is None:
        return f"{amount:,} {money.currency}"
    return f"-{sign}{-amount:,}" if amount < 0 else f"{sign}{amount:,}"


def conversion_reason(step: Conversion, symbol: str) -> str:
    """What is exchanged for what, and why."""
    spent, got = step.leg.source, step.leg.target
    return f"convert {spent} to {got} worth {whole(step.value_eur)} to pay for {symbol}"


def hold_text(reason: str) -> str:
    return f"Hold: {reason}."


def plan_text(steps: Sequence[PlanStep], *, current_score: float, end_score: float) -> str:
    """Strategy, what is sold and bought, and the outcome. Scores are 0–100."""
    sells = [s for s in steps if s.kind == "trade" and s.side == "SELL"]
    buys = [s for s in steps if s.kind == "trade" and s.side == "BUY"]
    conversions = len(steps) - len(sells) - len(buys)
    parts = [_strategy(sells, buys), _count(len(steps), conversions)]
    if sells:
        parts.append(f"Sell {_listed(sells)}.")
    if buys:
        parts.append(f"Buy {_listed(buys)}.")
    parts.append(_outcome(current_score, end_score))
    return " ".join(parts)


def _strategy(sells: Sequence[PlanStep], buys: Sequence[PlanStep]) -> str:
    if sells and buys:
        return "Rebalance: what grew too large pays for what is below its target."
    if sells:
        return "Reduce risk: trim what grew too large."
    if any("averaging_down" in step.tags for step in buys):
        return "Put cash to work, part of it in holdings that cost less than we paid."
    return "Put cash to work where the portfolio is below its targets."


def _count(steps: int, conversions: int) -> str:
    actions = "1 action" if steps == 1 else f"{steps} actions"
    if not conversions:
        return f"{actions}."
    exchanges = "1 currency exchange" if conversions == 1 else f"{conversions} currency exchanges"
    return f"{actions}, {exchanges} among them."


def _listed(steps: Sequence[PlanStep]) -> str:
    total = Money(sum(step.value_eur.minor for step in steps), "EUR")
    names = ", ".join(f"{step.name} ({step.symbol}, {whole(step.value_eur)})" for step in steps)
    return f"{whole(total)}: {names}" if len(steps) > 1 else names


def _outcome(current: float, end: float) -> str:
    gain = end - current
    if round(gain, 1) > 0:
        return f"The score rises by {gain:.1f} points, from {current:.1f} to {end:.1f}."
    if round(gain, 1) < 0:
        return f"The score falls by {-gain:.1f} points for now, from {current:.1f} to {end:.1f}."
    return f"The score stays at {end:.1f}, better balanced than before."
