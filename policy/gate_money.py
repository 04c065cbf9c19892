"""Gates about price, holding and cash: what an order may cost, and whether it is there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from ledger.currency import BASE
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import OrderView, Verdict
from ledger.quote import Quote
from policy.fx import padded
from policy.gate_context import GateContext, least_brought, worst_cost
from policy.price_checks import live_price_verdict
from policy.pricing import day_move_absurd, drift
from policy.verdicts import failed, passed

# A repair sells a tenth more than the need, and prices move until its order is judged.
NEED_MARGIN = Decimal("0.15")


def g9_quote(ctx: GateContext) -> Verdict:
    quote, limits = ctx.quote, ctx.limits
    if quote is None:
        return failed("G9", f"no quote for {ctx.proposal.symbol}")
    age = ctx.now - quote.at
    bound = limits.max_fx_quote_age if ctx.fx else limits.max_quote_age
    if not timedelta(0) <= age <= bound:
        return failed("G9", f"the quote is {age} old, at most {bound}")
    doubt = _doubt(quote, ctx)
    if doubt is not None:
        return failed("G9", f"{doubt}: quarantined")
    moved = drift(ctx.proposal.decision_price, quote.last)
    if moved > limits.quarantine_drift:
        return failed("G9", f"the price moved {moved:.2%}: quarantined")
    if moved > limits.max_drift:
        return failed("G9", f"the price moved {moved:.2%}, at most {limits.max_drift:.2%}")
    return passed("G9", f"quote {age.total_seconds():.0f} s old, moved {moved:.2%}")


def _doubt(quote: Quote, ctx: GateContext) -> str | None:
    """Why the price is not believed: a decision made at that very price does not see its error."""
    if day_move_absurd(quote):
        return f"{quote.last} after a close at {quote.previous_close}"
    if ctx.pair is None:
        found = live_price_verdict(quote.last.micro, ctx.mean_close)
        return found.text if found.kind == "block" else None
    rate = ctx.rates.rate(ctx.pair.base, ctx.pair.quote)
    if rate is None:
        return f"{quote.last} without a reference rate that is young enough"
    off, bound = abs(quote.last.value / rate.value - 1), ctx.limits.max_fx_deviation
    return f"{quote.last} is {off:.2%} from the reference rate" if off > bound else None


def g10_limit(ctx: GateContext) -> Verdict:
    return Verdict("G10", ctx.limit.price is not None, ctx.limit.detail)


def l5_held(ctx: GateContext) -> Verdict:
    proposal = ctx.proposal
    if proposal.side == "BUY":
        return passed("L5", "a purchase")
    if ctx.account is None or ctx.open_orders is None:
        return failed("L5", "the holding could not be read")
    at_broker = ctx.account.holdings.get(proposal.symbol)
    held = min(ctx.books_held.micro, at_broker.quantity.micro if at_broker else 0)
    selling = sum(
        (order.quantity - order.filled).micro
        for order in ctx.open_orders
        if order.live and order.side == "SELL" and order.symbol == proposal.symbol
    )
    free = Quantity(held - selling)
    return Verdict("L5", proposal.quantity <= free, f"sells {proposal.quantity} of {free} free")


def l6_cash(ctx: GateContext) -> Verdict:
    """Worst case: the whole quantity at the limit price, and the fee in its own currency."""
    price = ctx.limit.price
    if ctx.account is None or price is None:
        return failed("L6", "the worst-case cost is unknown")
    if ctx.fee is None:
        return failed("L6", "the fee is unknown")
    costs = _costs(ctx, price)
    boundless = next((order for order in ctx.open_orders or () if _boundless(order)), None)
    if costs and boundless is not None:
        return failed("L6", f"the open purchase of {boundless.symbol} without a limit may take all")
    for currency, cost in costs.items():
        free = _free(ctx, currency)
        reserve = ctx.reserves.get(currency)
        if free is None or reserve is None:
            return failed("L6", f"the {currency} balance or its reserve is unknown")
        if free - cost < reserve:
            return failed("L6", f"{free} free − {cost} is below the reserve of {reserve}")
    spent = ", ".join(str(cost) for cost in costs.values()) or "nothing"
    return passed("L6", f"{spent} fits")


def _boundless(order: OrderView) -> bool:
    """Not one of ours, which all have a limit."""
    return order.live and order.side == "BUY" and order.limit is None


def _costs(ctx: GateContext, price: Price) -> dict[str, Money]:
    """What the order can take at worst, by currency; a fee may come out of what it brings."""
    proposal, fee = ctx.proposal, ctx.fee
    assert fee is not None
    cost = worst_cost(proposal, price)
    costs = {cost.currency: cost} if cost.minor else {}
    # Cash below zero is what an emergency sale cures: the broker takes its fee from the proceeds.
    repairs = proposal.order_class == "emergency"
    sells = proposal.side == "SELL" and not ctx.fx
    covered = sells and (repairs or fee.currency == price.currency)
    if ctx.fx:
        brought = least_brought(proposal, price)
        covered = fee.currency == brought.currency and fee < brought
    if fee.minor and not covered:
        costs[fee.currency] = costs.get(fee.currency, Money.zero(fee.currency)) + fee
    return costs


def _free(ctx: GateContext, currency: str) -> Money | None:
    """The smaller of books and broker, less what live orders have already been promised.

    In research, where nothing leaves, also the money that the owner lets orders be tried with.
    """
    assert ctx.account is not None
    at_broker = ctx.account.cash.get(currency)
    available = at_broker.available.minor if at_broker else 0
    books = ctx.books_cash.get(currency, 0)
    tried = ctx.mode == "research" and currency == BASE
    more = ctx.limits.virtual_test_cash.minor if tried else 0
    return Money(min(books, available) + more - ctx.reserved.get(currency, 0), currency)


def need_of_cash(ctx: GateContext) -> Verdict:
    """The account as it is now, less what open orders may still take: is so much needed?

    A deposit may have come since the decision; what would bring more than the rest of the need,
    its margins and one lot is decided anew.
    """
    if ctx.account is None or not ctx.account.complete:
        return failed("NEED", "the account could not be read")
    free = {
        currency: balance.available - Money(ctx.reserved.get(currency, 0), currency)
        for currency, balance in ctx.account.cash.items()
    }
    short = {currency: money for currency, money in free.items() if money.minor < 0}
    if not short:
        return failed("NEED", "no balance is below zero any more")
    below, most = ", ".join(sorted(map(str, short.values()))), _most_needed(ctx, short)
    if most is None or ctx.value_eur is None:
        return failed("NEED", f"{below} below zero, what that or the order is worth is unknown")
    return Verdict("NEED", ctx.value_eur <= most, f"{below} below zero, at most {most} for that")


def _most_needed(ctx: GateContext, short: Mapping[str, Money]) -> Money | None:
    """What an order may bring in EUR: all needs with their margins and a lot; None when unknown."""
    needs = (
        ctx.rates.convert(keep - money, BASE, Rounding.CEIL)
        for currency, money in short.items()
        if (keep := ctx.reserves.get(currency)) is not None
    )
    known = [need for need in needs if need is not None]
    if not known or ctx.limit.price is None or ctx.lot is None:
        return None
    lot = ctx.rates.convert(ctx.limit.price.times(ctx.lot, Rounding.CEIL), BASE, Rounding.CEIL)
    whole = padded(sum(known, Money.zero(BASE)), NEED_MARGIN)
    return None if lot is None else whole + lot
