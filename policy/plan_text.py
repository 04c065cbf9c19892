"""Figures in sentences: shares, amounts without decimals, and why money is exchanged.

The sentences about whole plans are in `policy.planning.narrative`.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from ledger.money import Money
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
