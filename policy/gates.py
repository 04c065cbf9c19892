"""The gates an order passes before it may leave, as one table of gate by class of order.

The trader calls `evaluate` with everything it read for this one decision; every gate that applies
gives a verdict with its numbers, and an order leaves only when all of them passed. A gate that
cannot be evaluated says no. Nothing may bypass a gate except by the table below.

    gate  planner drip manual emergency fx   says no when
    G0       x     x     x       x      x    the mode is not live, or the bucket only simulates
    G0b      x     x     x       x      x    a halt stands, no broker, or the clocks differ (CLK)
    AGE      x     x     x       x      x    it was decided longer ago than a plan may live
    SNAP     x     x     x       x      x    the account was not read completely within a minute,
                                                 or executed something the books do not hold yet
    BOOKS    x     x     –       x      x    books and broker differ
    L7       x     x     x       x      x    instrument, side or currency unknown or unconfirmed
    G3       x     x     f       x      –    the owner does not allow this side
    G4       x     x     x       x      x    the quantity is not a positive multiple of the lot
    G5       x     x     x       x      x    the order is larger than one order may be
    G12      x     x     x       –      –    the status of its bucket does not permit it
    NEED     –     –     –       x      –    no balance is below zero any more, or not by so much
    G13      x     x     x       x      x    another order of ours is in flight
    L3       x     x     x       x      x    a live order on the symbol, or the same again so soon
    L1       x     x     x       x      x    calendar and broker do not both call the market open,
                                                 or it closes too soon for the order to rest
    G9       x     x     x       x      x    the quote is old, absurd, or moved since the decision
    G10      x     x     x       x      x    no limit price: one side missing, or a wide spread
    L5       x     x     x       x      –    a sale exceeds what is held and not already for sale
    L6       x     x     x       x      x    cash would fall below its reserve at the limit price
    L4       x     x     f       –      –    it was bought too recently to be sold
    G7       x     –     f       –      –    it was sold too recently, or the size is unwise
    G6       x     x     f       –      –    the sale would realise too large a loss
    L2       x     x     f       –      –    it was bought too recently to be bought again
    G8       x     x     f       –      –    the position would be too large a part of the portfolio
    G11      x     x     f       –      –    the fee is too large a part of the order
    G1       x     x     f       –      –    trades would follow each other too fast
    G2       x     x     x       –      –    the account lost too much since the last day

    x applies · – exempt · f applies unless the owner names it in `force`, which is recorded

A currency pair is exempt from what `fx` is exempt from, whatever the class of its order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from ledger.order import Intent, OrderClass, OrderState, Verdict
from policy import gate_checks, gate_money, gate_trade_rules
from policy.gate_context import GateContext

# When a gate cannot say itself when to come back.
RETRY = timedelta(minutes=15)

Check = Callable[[GateContext], Verdict]

PIPELINE: tuple[tuple[str, Check], ...] = (
    ("G0", gate_checks.g0_mode),
    ("G0b", gate_checks.g0b_halt),
    ("AGE", gate_checks.age_of_decision),
    ("SNAP", gate_checks.snap_fresh),
    ("BOOKS", gate_checks.books_agree),
    ("L7", gate_checks.l7_instrument),
    ("G3", gate_checks.g3_allowed),
    ("G4", gate_checks.g4_lot),
    ("G5", gate_checks.g5_size),
    ("G12", gate_checks.g12_bucket),
    ("NEED", gate_money.need_of_cash),
    ("G13", gate_checks.g13_alone),
    ("L3", gate_checks.l3_no_double),
    ("L1", gate_checks.l1_open),
    ("G9", gate_money.g9_quote),
    ("G10", gate_money.g10_limit),
    ("L5", gate_money.l5_held),
    ("L6", gate_money.l6_cash),
    ("L4", gate_trade_rules.l4_hold),
    ("G7", gate_trade_rules.g7_sale),
    ("G6", gate_trade_rules.g6_loss),
    ("L2", gate_trade_rules.l2_cooloff),
    ("G8", gate_trade_rules.g8_concentration),
    ("G11", gate_trade_rules.g11_fee),
    ("G1", gate_trade_rules.g1_pace),
    ("G2", gate_trade_rules.g2_breaker),
)

_HASTE = frozenset({"L2", "L4", "G1", "G2", "G6", "G7", "G8", "G11", "G12"})
# What a currency pair has neither of, whatever the class of its order: owner flags, a holding.
_OF_PAIRS = _HASTE | {"G3", "L5"}
EXEMPT: dict[OrderClass, frozenset[str]] = {
    "planner": frozenset({"NEED"}),
    "drip": frozenset({"G7", "NEED"}),
    "manual": frozenset({"BOOKS", "NEED"}),
    "emergency": _HASTE,
    "fx": _OF_PAIRS | {"NEED"},
}
FORCEABLE: dict[OrderClass, frozenset[str]] = {
    "manual": frozenset({"L2", "L4", "G1", "G3", "G6", "G7", "G8", "G11"})
}
# Gates that say the same of any order, whatever it is.
GENERAL = frozenset({"G0", "G0b", "SNAP", "BOOKS", "G1", "G2"})
# What is said of a sale alone: a smaller loss stops only sales.
OF_SALES = frozenset({"G2"})


def _applies(gate: str, ctx: GateContext) -> bool:
    if gate in EXEMPT[ctx.proposal.order_class]:
        return False
    return not (ctx.fx and gate in _OF_PAIRS)


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


def simulates(ctx: GateContext, verdicts: tuple[Verdict, ...]) -> bool:
    """Whether research, of the account or of the bucket, is all that keeps the order from leaving.

    Such an order is simulated and never reaches a broker.
    """
    research = ctx.mode == "research" or (
        ctx.mode is not None and ctx.bucket is not None and ctx.bucket.status == "research"
    )
    return research and [verdict.gate for verdict in blocked_by(verdicts)] == ["G0"]


def all_must_wait(newest: Intent | None, now: datetime) -> bool:
    """The newest order was refused for what any other would be refused for until it may retry."""
    if newest is None or newest.state is not OrderState.REFUSED or newest.retry_after is None:
        return False
    general = GENERAL - OF_SALES if newest.proposal.side == "SELL" else GENERAL
    return now < newest.retry_after and any(v.gate in general for v in newest.blocked_by)


def retry_after(verdicts: tuple[Verdict, ...], now: datetime) -> datetime:
    """When the refused order may be thought of again: the latest of what its gates said."""
    stated = [v.retry_after for v in blocked_by(verdicts) if v.retry_after is not None]
    return max([now + RETRY, *stated])
