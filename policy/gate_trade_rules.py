"""Gates about good trading: pace, holds, cool-downs, losses, concentration and costs.

They protect a long-term portfolio from haste, and their windows are those of `policy.windows`, by
which the planner leaves out what they would refuse.
"""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

from ledger.currency import BASE, is_known
from ledger.money import Money, Price, Rounding
from ledger.order import Verdict
from policy import breaker, windows
from policy.gate_context import GateContext
from policy.verdicts import failed, passed, until

# A fee is charged in whole cents, and so is its value in EUR: each may round up by one.
FEE_ROUNDING = Money(2, BASE)


def l4_hold(ctx: GateContext) -> Verdict:
    symbol = ctx.proposal.symbol
    if ctx.proposal.side == "BUY":
        return passed("L4", "a purchase")
    end = windows.hold_until(ctx.history, symbol, now=ctx.now, limits=ctx.limits)
    days = ctx.limits.min_hold.days
    free = f"{symbol} was not bought within {days} days"
    return until("L4", end, waits=f"{symbol} is held for {days} days after a purchase:", free=free)


def g7_sale(ctx: GateContext) -> Verdict:
    """The pause between two sales; a planned one is also neither tiny nor most of the position."""
    proposal, symbol = ctx.proposal, ctx.proposal.symbol
    if proposal.side == "BUY":
        return passed("G7", "a purchase")
    end = windows.cooldown_until(ctx.history, symbol, now=ctx.now, limits=ctx.limits)
    days = ctx.limits.sell_cooldown.days
    free = f"{symbol} was not sold within {days} days"
    verdict = until("G7", end, waits=f"{symbol} was sold within {days} days: not", free=free)
    if verdict.passed and proposal.order_class == "planner":
        return _planned_sale(ctx, free)
    return verdict


def _planned_sale(ctx: GateContext, free: str) -> Verdict:
    quantity, held, value = ctx.proposal.quantity, ctx.books_held, ctx.value_eur
    least, most = ctx.limits.min_sell_value, ctx.limits.max_planned_sell_share
    if value is None:
        return failed("G7", "the value of the sale is unknown")
    if value < least and quantity < held:
        return failed("G7", f"a sale of {value} is below {least}")
    if quantity.micro > most * held.micro:
        return failed("G7", f"sells {quantity} of {held}, at most {most:.0%}")
    return passed("G7", f"{free}, sells {quantity} of {held} for {value}")


def g6_loss(ctx: GateContext) -> Verdict:
    symbol, position = ctx.proposal.symbol, ctx.position
    if ctx.proposal.side == "BUY":
        return passed("G6", "a purchase")
    cost = position.average_cost if position else None
    price = ctx.quote.last if ctx.quote else None
    if cost is None or price is None or cost.currency != price.currency:
        return failed("G6", f"what {symbol} gained or lost is unknown")
    gain, bound = _gain(cost, price), -ctx.limits.max_sell_loss
    return Verdict("G6", gain >= bound, f"gain {gain:.2%} on its cost, at least {bound:.2%}")


def _gain(cost: Price, price: Price) -> Decimal:
    return Decimal(price.micro - cost.micro) / cost.micro


def l2_cooloff(ctx: GateContext) -> Verdict:
    symbol = ctx.proposal.symbol
    if ctx.proposal.side == "SELL":
        return passed("L2", "a sale")
    end = windows.cooloff_until(ctx.history, symbol, now=ctx.now, limits=ctx.limits)
    days = ctx.limits.buy_cooldown.days
    free = f"{symbol} was not bought within {days} days"
    return until("L2", end, waits=f"{symbol} was bought within {days} days: not", free=free)


def g8_concentration(ctx: GateContext) -> Verdict:
    """What is held at the price of now, and what is bought at its limit."""
    if ctx.proposal.side == "SELL":
        return passed("G8", "a sale")
    held, bought, total = _held_eur(ctx), ctx.value_eur, ctx.total_eur
    if held is None or bought is None or total is None or total.minor <= 0:
        return failed("G8", "the position's share of the portfolio is unknown")
    share = Decimal((held + bought).minor) / total.minor
    bound = ctx.limits.max_position_share
    return Verdict("G8", share <= bound, f"{share:.2%} of the portfolio, at most {bound:.2%}")


def _held_eur(ctx: GateContext) -> Money | None:
    if not ctx.books_held.micro:
        return Money.zero(BASE)
    if ctx.quote is None or not is_known(ctx.quote.last.currency):
        return None
    return ctx.rates.to_eur(ctx.quote.last.times(ctx.books_held, Rounding.CEIL))


def g11_fee(ctx: GateContext) -> Verdict:
    fee = None if ctx.fee is None else ctx.rates.convert(ctx.fee, BASE, Rounding.CEIL)
    value = _traded_eur(ctx)
    if fee is None or value is None:
        return failed("G11", "the fee's share of the order is unknown")
    bound = Money.half_even(value.amount * ctx.limits.max_fee_share, BASE)
    may = fee - FEE_ROUNDING <= bound
    return Verdict("G11", may, f"fee {fee}, at most {bound} of {value}")


def _traded_eur(ctx: GateContext) -> Money | None:
    """At the limit or the last price, whichever is more: the fee is that of the dearer one."""
    limit, quote = ctx.limit.price, ctx.quote
    if limit is None or quote is None or quote.last.currency != limit.currency:
        return None
    return ctx.rates.to_eur(max(limit, quote.last).times(ctx.proposal.quantity, Rounding.CEIL))


def g1_pace(ctx: GateContext) -> Verdict:
    limits = ctx.limits
    if not limits.trade_frequency_limits:
        return passed("G1", "the pace of trading is not limited")
    end = windows.next_trade_at(ctx.history, now=ctx.now, limits=limits, zone=ctx.zone)
    pace = (
        f"one trade in {limits.min_time_between_trades}, {limits.max_trades_per_day} a day,"
        f" {limits.max_trades_per_week} a week"
    )
    return until("G1", end, waits=f"at most {pace}: none", free=pace)


def g2_breaker(ctx: GateContext) -> Verdict:
    change = ctx.equity_change
    no = breaker.objection(ctx.proposal.side, change, ctx.limits)
    if no is None:
        assert change is not None
        return passed("G2", f"equity changed {change:.2%} since the last day")
    return failed("G2", no, None if change is None else windows.day_after(ctx.now, UTC))
