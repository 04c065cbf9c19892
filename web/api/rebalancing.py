"""/api/rebalancing: what speaks for it, what the cash pays for, and starting it."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec
from quart import Blueprint, Response

from ledger.currency import BASE
from ledger.money import Money
from ledger.plan import PlanStep
from ledger.rebalancing import OutsideBand
from web.asking import body, query
from web.context import here
from web.encode import amount, price
from web.errors import invalid
from web.guard import asked_by
from web.openapi import describe
from web.reply import reply
from wire.rebalancing import CalculateTrades, CheckNegative, CheckTriggers, ExecuteRebalance

ASK_DEADLINE_S = 10.0
# Beyond this no account goes; it keeps amounts within what a balance can hold.
LARGEST = Decimal(10**12)
SHARE = Decimal("0.0001")
bp = Blueprint("rebalancing", __name__, url_prefix="/api/rebalancing")


class TriggersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out comes from the settings. Shares are fractions, sizes EUR."""

    enabled: bool | None = None
    drift_threshold: Decimal | None = None
    cash_threshold_multiplier: Decimal | None = None
    min_trade_size: Decimal | None = None


class OutsideRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A security further from its target than its band; fractions of the total value."""

    symbol: str
    weight: Decimal
    target: Decimal
    deviation: Decimal
    band: Decimal


class TriggersView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`reasons` speak for rebalancing when it is triggered, else they say why it is not."""

    triggered: bool
    reasons: list[str]
    outside: list[OutsideRow]


class CashQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In EUR; 0 or less counts the cash of all currencies."""

    available_cash: Decimal | None = None


class TradeRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A purchase. The price is in `currency`, the value in EUR."""

    symbol: str
    name: str
    side: str
    quantity: Decimal
    estimated_price: Decimal | None
    estimated_value: Decimal
    currency: str
    reason: str


class TradesView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    trades: list[TradeRow]


class ShortfallsView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each currency is short of its reserve; the total is null while a rate is unknown."""

    has_negative: bool
    below_minimum: bool
    shortfalls: dict[str, Decimal]
    total_shortfall_eur: Decimal | None


class ExecuteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of the cash, in EUR, only so much counts as idle; 0 or nothing counts all of it."""

    available_cash: Decimal | None = None


class Started(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    success: bool
    message: str
    run_id: str


@bp.get("/check-triggers")
@describe(query=TriggersQuery, answer=TriggersView)
async def check_triggers() -> Response:
    """Whether drift or idle cash would start a new plan now; asking starts nothing."""
    asked = query(TriggersQuery)
    size = _positive("min_trade_size", asked.min_trade_size)
    request = CheckTriggers(
        enabled=asked.enabled,
        drift=_positive("drift_threshold", asked.drift_threshold, most=Decimal(1)),
        cash_multiplier=_positive("cash_threshold_multiplier", asked.cash_threshold_multiplier),
        min_trade_eur=None if size is None else Money.half_even(size, BASE),
    )
    found = await here().asks.rebalancer.ask(request, deadline_s=ASK_DEADLINE_S)
    rows = [_outside(one) for one in found.outside]
    return reply(TriggersView(found.triggered, list(found.reasons), rows))


@bp.get("/calculate-trades")
@describe(query=CashQuery, answer=TradesView)
async def calculate_trades() -> Response:
    """The purchases of the current plan that the cash pays for; nothing is ordered."""
    cash = _cash(query(CashQuery).available_cash)
    steps = await here().asks.rebalancer.ask(CalculateTrades(cash), deadline_s=ASK_DEADLINE_S)
    return reply(TradesView([_trade(step) for step in steps]))


@bp.post("/check-negative-balances")
@describe(answer=ShortfallsView)
async def check_negative_balances() -> Response:
    """How far cash is below its reserve, by currency; repairs nothing."""
    found = await here().asks.rebalancer.ask(CheckNegative(), deadline_s=ASK_DEADLINE_S)
    return reply(
        ShortfallsView(
            has_negative=found.has_negative,
            below_minimum=found.below_minimum,
            shortfalls={currency: money.amount for currency, money in found.shortfalls.items()},
            total_shortfall_eur=amount(found.total_eur),
        )
    )


@bp.post("/execute-rebalance")
@describe(body=ExecuteBody, answer=Started)
async def execute_rebalance() -> Response:
    """Repair negative cash, then plan anew when a trigger fires; the run says what came of it."""
    cash = _cash((await body(ExecuteBody, optional=True)).available_cash)
    request = ExecuteRebalance(cash, asked_by())
    run = await here().asks.rebalancer.ask(request, deadline_s=ASK_DEADLINE_S)
    return reply(Started(True, "rebalancing has started", run.run_id), status=202)


def _positive(name: str, value: Decimal | None, *, most: Decimal = LARGEST) -> Decimal | None:
    """`value`, above 0 and at most `most`; raises Problem 422."""
    if value is None:
        return None
    if not value.is_finite() or value <= 0:
        raise _out_of_bounds(name, value, "must be above 0", 0)
    if value > most:
        raise _out_of_bounds(name, value, f"must be at most {most}", int(most))
    return value


def _cash(value: Decimal | None) -> Money | None:
    """An amount of EUR; None when it is absent, 0 or less. Raises Problem 422."""
    if value is None:
        return None
    if not value.is_finite() or abs(value) > LARGEST:
        raise _out_of_bounds("available_cash", value, f"must be at most {LARGEST}", int(LARGEST))
    return Money.half_even(value, BASE) if value > 0 else None


def _out_of_bounds(name: str, value: Decimal, message: str, bound: int) -> Exception:
    shown = str(value)[:100]
    return invalid([{"field": name, "value": shown, "message": message, "bound": bound}])


def _outside(one: OutsideBand) -> OutsideRow:
    return OutsideRow(
        symbol=one.symbol,
        weight=one.weight.quantize(SHARE, ROUND_HALF_EVEN),
        target=one.target.quantize(SHARE, ROUND_HALF_EVEN),
        deviation=(one.weight - one.target).quantize(SHARE, ROUND_HALF_EVEN),
        band=one.band,
    )


def _trade(step: PlanStep) -> TradeRow:
    return TradeRow(
        symbol=step.symbol,
        name=step.name,
        side=step.side,
        quantity=step.quantity.units,
        estimated_price=price(step.price),
        estimated_value=step.value_eur.amount,
        currency=step.price.currency,
        reason=step.reason,
    )
