"""Gates about the order itself and whether it may leave at all: mode, market, instrument, size."""

from __future__ import annotations

from datetime import timedelta

from ledger.bucket import BucketStatus
from ledger.currency import is_known
from ledger.fact import is_pair
from ledger.money import Money, Quantity, Rounding
from ledger.order import Side, Verdict
from ledger.security import FxPair, Security
from policy import windows
from policy.gate_context import GateContext, base_of
from policy.limits import Limits
from policy.market_hours import FX, STRICT_MICS
from policy.verdicts import failed, passed, until

# No order is larger than this, whatever it is worth: a slip of the finger, or of a parser.
MAX_QUANTITY = Quantity.of(1_000_000)
SIDES: frozenset[Side] = frozenset({"BUY", "SELL"})

# What each status of a bucket permits; one that only simulates is stopped by its mode.
PERMITTED: dict[BucketStatus, frozenset[Side]] = {
    "research": SIDES,
    "accumulating": SIDES,
    "active": SIDES,
    "hibernating": frozenset({"SELL"}),
    "paused": frozenset(),
    "retired": frozenset(),
}


def g0_mode(ctx: GateContext) -> Verdict:
    if ctx.mode != "live":
        return failed("G0", f"mode is {ctx.mode or 'unreadable'}")
    if ctx.bucket is None:
        return failed("G0", f"the bucket {ctx.proposal.bucket_id} is unknown")
    if ctx.bucket.status == "research":
        return failed("G0", f"the bucket {ctx.bucket.bucket_id} is in research")
    return passed("G0", "mode is live")


def g0b_halt(ctx: GateContext) -> Verdict:
    if ctx.latches is None:
        return failed("G0b", "the halt latches could not be read")
    if ctx.latches:
        standing = ", ".join(f"{latch.name} ({latch.reason})" for latch in ctx.latches)
        return failed("G0b", f"halted: {standing}")
    if ctx.account is None:
        return failed("G0b", "the broker is not reachable")
    return _clock(ctx)


def _clock(ctx: GateContext) -> Verdict:
    """CLK: windows, sessions and ages mean nothing on a clock that is wrong."""
    skew, bound = ctx.clock_skew, ctx.limits.max_clock_skew
    if skew is None:
        return failed("G0b", "the broker's clock could not be read")
    if skew > bound:
        return failed("G0b", f"clock skew: {skew} from the broker's clock, at most {bound}")
    return passed("G0b", f"no halt, broker reachable, clock within {bound.total_seconds():g} s")


def age_of_decision(ctx: GateContext) -> Verdict:
    """What was decided by a clock that was ahead has no known age."""
    age, bound = ctx.now - ctx.proposed_at, ctx.limits.plan_life
    if -age > ctx.limits.max_clock_skew:
        return failed("AGE", f"decided {-age} from now: the clock was set back since")
    return Verdict("AGE", age <= bound, f"decided {age} ago, at most {bound}")


def snap_fresh(ctx: GateContext) -> Verdict:
    if ctx.account is None:
        return failed("SNAP", "the account could not be read")
    age_s = ctx.now_s - ctx.account.read_at_s
    if not ctx.account.complete:
        return failed("SNAP", "the account snapshot is incomplete")
    if not 0 <= age_s <= ctx.limits.max_snapshot_age_s:
        bound = ctx.limits.max_snapshot_age_s
        return failed("SNAP", f"the account was read {age_s:.0f} s ago, at most {bound:.0f}")
    return _all_booked(ctx, f"account read {age_s:.1f} s ago")


def _all_booked(ctx: GateContext, read: str) -> Verdict:
    """What was traded elsewhere counts for pace and windows, so it must be in the books first."""
    if ctx.unbooked is None:
        return failed("SNAP", "the executions could not be read")
    if ctx.unbooked:
        named = ", ".join(f"{fill.side} {fill.quantity} {fill.symbol}" for fill in ctx.unbooked[:3])
        return failed("SNAP", f"{len(ctx.unbooked)} executions are not in the books yet: {named}")
    return passed("SNAP", read)


def books_agree(ctx: GateContext) -> Verdict:
    blocking = [item for item in ctx.differences if item.blocking]
    if blocking:
        named = ", ".join(f"{item.account} {item.key} (#{item.item_id})" for item in blocking)
        return failed("BOOKS", f"books and broker differ: {named}")
    return passed("BOOKS", "books agree with the broker")


def l7_instrument(ctx: GateContext) -> Verdict:
    no = _stranger(ctx)
    if no is not None:
        return failed("L7", no)
    return passed("L7", f"{ctx.proposal.symbol} is known and active")


def _stranger(ctx: GateContext) -> str | None:
    """What is not known about the order; None when everything is."""
    proposal, security = ctx.proposal, ctx.security
    if proposal.side not in SIDES:
        return f"{proposal.side!r} is no side of an order"
    if not is_known(proposal.currency):
        return f"the currency {proposal.currency} is unknown"
    if ctx.fx:
        return None if ctx.pair else f"no {proposal.symbol}"
    if proposal.order_class == "fx":
        return f"{proposal.symbol} is no currency pair"
    return _unusable(proposal.symbol, proposal.currency, security)


def _unusable(symbol: str, currency: str, security: Security | None) -> str | None:
    if security is None:
        return f"{symbol} is not in the universe"
    if security.currency != currency:
        return f"{symbol} trades in {security.currency}"
    if not security.tradable:
        return f"{symbol} is not tradable"
    return None if security.confirmed else f"{symbol} waits for the owner's confirmation"


def g3_allowed(ctx: GateContext) -> Verdict:
    side, security = ctx.proposal.side, ctx.security
    if security is None:
        return failed("G3", "the instrument is unknown")
    allowed = security.allow_buy if side == "BUY" else security.allow_sell
    return Verdict("G3", allowed, f"{side} is {'' if allowed else 'not '}allowed")


def g4_lot(ctx: GateContext) -> Verdict:
    quantity, lot = ctx.proposal.quantity, ctx.lot
    if lot is None:
        return failed("G4", "the lot is unknown")
    if quantity.micro <= 0 or not quantity.is_multiple_of(lot):
        return failed("G4", f"{quantity} is not a positive multiple of the lot {lot}")
    return passed("G4", f"{quantity} is a multiple of {lot}")


def g5_size(ctx: GateContext) -> Verdict:
    quantity, value = ctx.proposal.quantity, ctx.value_eur
    if quantity > MAX_QUANTITY:
        return failed("G5", f"{quantity} is more than {MAX_QUANTITY}")
    # Negative cash is repaired in small orders even while some other value is unknown.
    least = Money.zero("EUR") if ctx.proposal.order_class == "emergency" else None
    total = least if ctx.total_eur is None else ctx.total_eur
    if value is None or total is None:
        return failed("G5", "the order's share of the portfolio is unknown")
    if ctx.pair is not None and not ctx.pair.proven and not _small_enough(ctx, ctx.pair):
        first = ctx.limits.fx_first_amount
        return failed("G5", f"{ctx.pair.symbol} is not proven yet: at most {first} on it")
    bound = order_cap(total, ctx.limits, conversion=ctx.fx)
    return Verdict("G5", value <= bound, f"value {value}, at most {bound}")


def _small_enough(ctx: GateContext, pair: FxPair) -> bool:
    """Whether the order is no more than a first conversion on `pair` may be."""
    most = ctx.rates.convert(ctx.limits.fx_first_amount, pair.base, Rounding.FLOOR)
    return most is not None and base_of(pair.symbol, ctx.proposal.quantity) <= most


def order_cap(total: Money, limits: Limits, *, conversion: bool) -> Money:
    """The most one order may be worth; a conversion also carries the buffer of what it funds."""
    share = Money.half_even(total.amount * limits.max_order_share, "EUR")
    cap = max(share, limits.max_order_floor)
    return Money(cap.minor + cap.minor // 10, cap.currency) if conversion else cap


def g12_bucket(ctx: GateContext) -> Verdict:
    bucket, side = ctx.bucket, ctx.proposal.side
    if bucket is None:
        return failed("G12", f"the bucket {ctx.proposal.bucket_id} is unknown")
    may = side in PERMITTED[bucket.status]
    return Verdict("G12", may, f"{bucket.bucket_id} is {bucket.status}: {side} {_yes_no(may)}")


def _yes_no(may: bool) -> str:
    return "permitted" if may else "not permitted"


def g13_alone(ctx: GateContext) -> Verdict:
    if ctx.in_flight:
        other = ctx.in_flight[0]
        ended = "" if other.in_flight else ", yet the broker shows it as live"
        return failed("G13", f"order {other.client_order_id} is {other.state}{ended}")
    return passed("G13", "nothing else is in flight")


def l3_no_double(ctx: GateContext) -> Verdict:
    """Neither a live order at the broker nor the same order again soon after in our books."""
    if ctx.open_orders is None:
        return failed("L3", "the broker's open orders could not be read")
    symbol, side = ctx.proposal.symbol, ctx.proposal.side
    touched = _currencies(symbol) if ctx.fx else frozenset[str]()
    for order in ctx.open_orders:
        clash = order.symbol == symbol or bool(
            touched and is_pair(order.symbol) and touched & _currencies(order.symbol)
        )
        if order.live and clash:
            return failed("L3", f"the broker has a live order on {order.symbol}")
    end = windows.repeat_until(ctx.history, symbol, side, guard=_repeat_guard(ctx), now=ctx.now)
    free = f"no live order on {symbol}, nor the same again"
    return until("L3", end, waits=f"{side} {symbol} was ordered just now: not", free=free)


def _repeat_guard(ctx: GateContext) -> timedelta:
    owner_sells = ctx.proposal.order_class == "manual" and ctx.proposal.side == "SELL"
    return ctx.limits.manual_sell_guard if owner_sells else ctx.limits.repeat_guard


def _currencies(pair: str) -> frozenset[str]:
    return frozenset(pair.split("/"))


def l1_open(ctx: GateContext) -> Verdict:
    """The calendar and the broker must both say so, and the close must not be too near.

    What does not rest into the close is not sent just before it either; and no order may be on
    its way when the bell rings.
    """
    if ctx.market_open is None:
        return failed("L1", "the market's hours are unknown")
    if not ctx.market_open:
        if _waits_for_open(ctx):
            return passed("L1", "the market is closed: the purchase waits for its open")
        return failed("L1", "the market is closed", ctx.next_open)
    broker_says = ctx.quote.market_open if ctx.quote else None
    if broker_says is None:
        return failed("L1", "the broker does not say whether the market is open")
    if not broker_says:
        return failed("L1", "the broker says that the market is closed")
    return _before_the_close(ctx)


def _before_the_close(ctx: GateContext) -> Verdict:
    if ctx.closes_at is None:
        return failed("L1", "when the market closes is unknown")
    left, limits = ctx.closes_at - ctx.now, ctx.limits
    repairs = ctx.proposal.order_class == "emergency"
    least = limits.repair_before_close if repairs else limits.before_close
    if left <= least:
        return failed("L1", f"the market closes in {left}, at least {least}", ctx.next_open)
    return passed("L1", "the market is open")


def _waits_for_open(ctx: GateContext) -> bool:
    security = ctx.security
    return (
        security is not None
        and not ctx.fx
        and may_wait_for_open(ctx.proposal.side, security.instrument.mic, ctx.limits)
    )


def may_wait_for_open(side: Side, mic: str, limits: Limits) -> bool:
    """Whether such an order may be sent while its market is closed, to wait at the broker."""
    flexible = mic not in STRICT_MICS and mic != FX
    return limits.allow_offhours_buy and side == "BUY" and flexible
