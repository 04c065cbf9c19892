"""The daily loss breaker: how far the account fell since the last day, and what that stops.

Total equity is compared, cash and positions together, without the money that came in or went out
since: neither a deposit nor a withdrawal nor a trade moves the figure, only gains, losses and
costs do. A figure that cannot be known stops everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ledger.currency import BASE
from ledger.money import Money
from ledger.order import Side
from ledger.rate import RateTable
from policy.limits import Limits


def equity_change(
    total: Money | None, base: Money | None, flows: Iterable[Money], rates: RateTable
) -> Decimal | None:
    """(total − flows − base) ÷ base as a fraction; None when a part of it is not known.

    `base` is the total at the end of an earlier day, `flows` the deposits (+) and withdrawals (−)
    since, each in its own currency.
    """
    if total is None or base is None or base.minor <= 0:
        return None
    gain = total - base
    for flow in flows:
        value = rates.to_eur(flow) if flow.minor else Money.zero(BASE)
        if value is None:
            return None
        gain -= value
    return Decimal(gain.minor) / base.minor


def objection(side: Side, change: Decimal | None, limits: Limits) -> str | None:
    """Why an order of this side must wait for another day; None when it need not."""
    if change is None:
        return "the change of equity since the last day is unknown"
    words = f"equity changed {change:.2%} since the last day"
    if change <= -limits.daily_loss_full_halt:
        return f"{words}: nothing is traded at −{limits.daily_loss_full_halt:.0%}"
    if side == "SELL" and change <= -limits.daily_loss_sell_halt:
        return f"{words}: nothing is sold at −{limits.daily_loss_sell_halt:.0%}"
    return None
