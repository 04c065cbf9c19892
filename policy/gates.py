"""The gates an order passes before it may leave, as one table of gate by class of order.

The trader calls `evaluate` with everything it read for this one decision; every gate that applies
gives a verdict with its numbers, and an order leaves only when all of them passed. A gate that
cannot be evaluated says no. Nothing may bypass a gate except by the table below.

    gate  planner drip manual emergency fx   says no when
    G0       x     x     x       x      x    the mode is not live
    G0b      x     x     x       x      x    a halt latch stands, or the broker is not reachable
    AGE      x     x     x       x      x    it was decided longer ago than a plan may live
    SNAP     x     x     x       x      x    the account was not read completely within a minute
    BOOKS    x     x     –       x      x    books and broker differ
    L7       x     x     x       x      x    the instrument is unknown, inactive or unconfirmed
    G3       x     x     f       x      –    the owner does not allow this side
    G4       x     x     x       x      x    the quantity is not a positive multiple of the lot
    G5       x     x     x       –      –    the order is larger than one order may be
    G13      x     x     x       x      x    another order of ours is in flight
    L3       x     x     x       x      x    the broker has a live order on the symbol
    L1       x     x     x       x      x    the market is not open
    G9       x     x     x       x      x    the quote is old, or moved since the decision
    G10      x     x     x       x      x    no limit price: one side missing, or a wide spread
    L5       x     x     x       x      –    a sale exceeds what is held and not already for sale
    L6       x     x     x       x      x    cash would fall below its reserve at the limit price

    x applies · – exempt · f applies unless the owner names it in `force`, which is recorded
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from ledger.fact import is_pair
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import Intent, OrderClass, OrderState, Verdict
from policy.gate_context import GateContext, worst_cost
from policy.pricing import drift

# When a gate cannot say itself when to come back.
RETRY = timedelta(minutes=15)


Check = Callable[[GateContext], Verdict]


def _pass(gate: str, detail: str) -> Verdict:
    return Verdict(gate, True, detail)


def _fail(gate: str, detail: str, retry_after: datetime | None = None) -> Verdict:
    return Verdict(gate, False, detail, retry_after)


def g0_mode(ctx: GateContext) -> Verdict:
    if ctx.mode == "live":
        return _pass("G0", "mode is live")
    return _fail("G0", f"mode is {ctx.mode or 'unreadable'}")


def g0b_halt(ctx: GateContext) -> Verdict:
    if ctx.latches is None:
        return _fail("G0b", "the halt latches could not be read")
    if ctx.latches:
        standing = ", ".join(f"{latch.name} ({latch.reason})" for latch in ctx.latches)
        return _fail("G0b", f"halted: {standing}")
    if ctx.account is None:
        return _fail("G0b", "the broker is not reachable")
    return _pass("G0b", "no halt, broker reachable")


def age_of_decision(ctx: GateContext) -> Verdict:
    age, bound = ctx.now - ctx.proposed_at, ctx.limits.plan_life
    return Verdict("AGE", age <= bound, f"decided {age} ago, at most {bound}")


def snap_fresh(ctx: GateContext) -> Verdict:
    if ctx.account is None:
        return _fail("SNAP", "the account could not be read")
    age_s = ctx.now_s - ctx.account.read_at_s
    if not ctx.account.complete:
        return _fail("SNAP", "the account snapshot is incomplete")
    if not 0 <= age_s <= ctx.limits.max_snapshot_age_s:
        bound = ctx.limits.max_snapshot_age_s
        return _fail("SNAP", f"the account was read {age_s:.0f} s ago, at most {bound:.0f}")
    return _pass("SNAP", f"account read {age_s:.1f} s ago")


def books_agree(ctx: GateContext) -> Verdict:
    blocking = [item for item in ctx.differences if item.blocking]
    if blocking:
        named = ", ".join(f"{item.account} {item.key} (#{item.item_id})" for item in blocking)
        return _fail("BOOKS", f"books and broker differ: {named}")
    return _pass("BOOKS", "books agree with the broker")


def l7_instrument(ctx: GateContext) -> Verdict:
    symbol = ctx.proposal.symbol
    if ctx.fx:
        return _pass("L7", f"{symbol} is a route") if ctx.pair else _fail("L7", f"no {symbol}")
    if ctx.security is None:
        return _fail("L7", f"{symbol} is not in the universe")
    if ctx.security.currency != ctx.proposal.currency:
        return _fail("L7", f"{symbol} trades in {ctx.security.currency}")
    if not ctx.security.tradable:
        return _fail("L7", f"{symbol} is not tradable")
    if not ctx.security.confirmed:
        return _fail("L7", f"{symbol} waits for the owner's confirmation")
    return _pass("L7", f"{symbol} is known and active")


def g3_allowed(ctx: GateContext) -> Verdict:
    side, security = ctx.proposal.side, ctx.security
    if security is None:
        return _fail("G3", "the instrument is unknown")
    allowed = security.allow_buy if side == "BUY" else security.allow_sell
    return Verdict("G3", allowed, f"{side} is {'' if allowed else 'not '}allowed")


def g4_lot(ctx: GateContext) -> Verdict:
    quantity, lot = ctx.proposal.quantity, ctx.lot
    if lot is None:
        return _fail("G4", "the lot is unknown")
    if quantity.micro <= 0 or not quantity.is_multiple_of(lot):
        return _fail("G4", f"{quantity} is not a positive multiple of the lot {lot}")
    return _pass("G4", f"{quantity} is a multiple of {lot}")


def g5_size(ctx: GateContext) -> Verdict:
    value = _value_eur(ctx)
    if value is None or ctx.total_eur is None:
        return _fail("G5", "the order's share of the portfolio is unknown")
    share = Money.half_even(ctx.total_eur.amount * ctx.limits.max_order_share, "EUR")
    bound = max(share, ctx.limits.max_order_floor)
    return Verdict("G5", value <= bound, f"value {value}, at most {bound}")


def _value_eur(ctx: GateContext) -> Money | None:
    price = ctx.limit.price
    if price is None:
        return None
    return ctx.rates.to_eur(price.times(ctx.proposal.quantity, Rounding.CEIL))


def g13_alone(ctx: GateContext) -> Verdict:
    if ctx.in_flight:
        other = ctx.in_flight[0]
        return _fail("G13", f"order {other.client_order_id} is {other.state}")
    return _pass("G13", "nothing else is in flight")


def l3_no_live_order(ctx: GateContext) -> Verdict:
    if ctx.open_orders is None:
        return _fail("L3", "the broker's open orders could not be read")
    touched = _currencies(ctx.proposal.symbol) if ctx.fx else frozenset[str]()
    for order in ctx.open_orders:
        clash = order.symbol == ctx.proposal.symbol or bool(
            touched and is_pair(order.symbol) and touched & _currencies(order.symbol)
        )
        if order.live and clash:
            return _fail("L3", f"the broker has a live order on {order.symbol}")
    return _pass("L3", f"no live order on {ctx.proposal.symbol}")


def _currencies(pair: str) -> frozenset[str]:
    return frozenset(pair.split("/"))


def l1_open(ctx: GateContext) -> Verdict:
    broker_says = ctx.quote.market_open if ctx.quote else None
    if ctx.market_open and broker_says is not False:
        return _pass("L1", "the market is open")
    if ctx.market_open is None:
        return _fail("L1", "the market's hours are unknown")
    if not ctx.market_open:
        return _fail("L1", "the market is closed", ctx.next_open)
    return _fail("L1", "the broker says that the market is closed")


def g9_quote(ctx: GateContext) -> Verdict:
    quote, limits = ctx.quote, ctx.limits
    if quote is None:
        return _fail("G9", f"no quote for {ctx.proposal.symbol}")
    age = ctx.now - quote.at
    bound = limits.max_fx_quote_age if ctx.fx else limits.max_quote_age
    if not timedelta(0) <= age <= bound:
        return _fail("G9", f"the quote is {age} old, at most {bound}")
    moved = drift(ctx.proposal.decision_price, quote.last)
    if moved > limits.quarantine_drift:
        return _fail("G9", f"the price moved {moved:.2%}: quarantined")
    if moved > limits.max_drift:
        return _fail("G9", f"the price moved {moved:.2%}, at most {limits.max_drift:.2%}")
    return _pass("G9", f"quote {age.total_seconds():.0f} s old, moved {moved:.2%}")


def g10_limit(ctx: GateContext) -> Verdict:
    return Verdict("G10", ctx.limit.price is not None, ctx.limit.detail)


def l5_held(ctx: GateContext) -> Verdict:
    proposal = ctx.proposal
    if proposal.side == "BUY":
        return _pass("L5", "a purchase")
    if ctx.account is None or ctx.open_orders is None:
        return _fail("L5", "the holding could not be read")
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
        return _fail("L6", "the worst-case cost is unknown")
    if ctx.fee is None:
        return _fail("L6", "the fee is unknown")
    costs = _costs(ctx, price)
    for currency, cost in costs.items():
        free = _free(ctx, currency)
        reserve = ctx.reserves.get(currency)
        if free is None or reserve is None:
            return _fail("L6", f"the {currency} balance or its reserve is unknown")
        if free - cost < reserve:
            return _fail("L6", f"{free} free − {cost} is below the reserve of {reserve}")
    spent = ", ".join(str(cost) for cost in costs.values()) or "nothing"
    return _pass("L6", f"{spent} fits")


def _costs(ctx: GateContext, price: Price) -> dict[str, Money]:
    """What the order can take at worst, by currency; a sale's fee comes out of its proceeds."""
    proposal, fee = ctx.proposal, ctx.fee
    assert fee is not None
    cost = worst_cost(proposal, price)
    costs = {cost.currency: cost} if cost.minor else {}
    covered = proposal.side == "SELL" and not ctx.fx and fee.currency == price.currency
    if fee.minor and not covered:
        costs[fee.currency] = costs.get(fee.currency, Money.zero(fee.currency)) + fee
    return costs


def _free(ctx: GateContext, currency: str) -> Money | None:
    """The smaller of books and broker, less what live orders have already been promised."""
    assert ctx.account is not None
    at_broker = ctx.account.cash.get(currency)
    available = at_broker.available.minor if at_broker else 0
    books = ctx.books_cash.get(currency, 0)
    return Money(min(books, available) - ctx.reserved.get(currency, 0), currency)


PIPELINE: tuple[tuple[str, Check], ...] = (
    ("G0", g0_mode),
    ("G0b", g0b_halt),
    ("AGE", age_of_decision),
    ("SNAP", snap_fresh),
    ("BOOKS", books_agree),
    ("L7", l7_instrument),
    ("G3", g3_allowed),
    ("G4", g4_lot),
    ("G5", g5_size),
    ("G13", g13_alone),
    ("L3", l3_no_live_order),
    ("L1", l1_open),
    ("G9", g9_quote),
    ("G10", g10_limit),
    ("L5", l5_held),
    ("L6", l6_cash),
)

EXEMPT: dict[OrderClass, frozenset[str]] = {
    "planner": frozenset(),
    "drip": frozenset(),
    "manual": frozenset({"BOOKS"}),
    "emergency": frozenset({"G5"}),
    "fx": frozenset({"G3", "G5", "L5"}),
}
# Gates that say the same of every order, whatever it is.
GENERAL = frozenset({"G0", "G0b", "SNAP", "BOOKS"})
FORCEABLE: dict[OrderClass, frozenset[str]] = {"manual": frozenset({"G3"})}


def _applies(gate: str, ctx: GateContext) -> bool:
    if gate in EXEMPT[ctx.proposal.order_class]:
        return False
    # A currency pair has neither owner flags nor a holding, whatever the class of its order.
    return not (ctx.fx and gate in EXEMPT["fx"])


def evaluate(ctx: GateContext) -> tuple[Verdict, ...]:
    """Every verdict that applies, in order; an order may leave only when all passed."""
    verdicts: list[Verdict] = []
    forceable = FORCEABLE.get(ctx.proposal.order_class, frozenset[str]())
    for gate, check in PIPELINE:
        if not _applies(gate, ctx):
            continue
        verdict = check(ctx)
        if not verdict.passed and gate in ctx.proposal.force & forceable:
            verdict = replace(verdict, passed=True, forced=True)
        verdicts.append(verdict)
    return tuple(verdicts)


def blocked_by(verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    return tuple(verdict for verdict in verdicts if not verdict.passed)


def all_must_wait(newest: Intent | None, now: datetime) -> bool:
    """The newest order was refused for what any other would be refused for until it may retry."""
    if newest is None or newest.state is not OrderState.REFUSED or newest.retry_after is None:
        return False
    return now < newest.retry_after and any(v.gate in GENERAL for v in newest.blocked_by)


def retry_after(verdicts: tuple[Verdict, ...], now: datetime) -> datetime:
    """When the refused order may be thought of again: the latest of what its gates said."""
    stated = [v.retry_after for v in blocked_by(verdicts) if v.retry_after is not None]
    return max([now + RETRY, *stated])
