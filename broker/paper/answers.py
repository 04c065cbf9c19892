"""Rows of the exchange as the values the port speaks in, and the cursors of its lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from broker.paper.account import Account
from broker.paper.instants import from_ms, to_ms, weekdays_before
from broker.paper.orders import order_id
from broker.paper.tables import ActionRow, FillRow, FlowEntry
from ledger.account import CashBalance, Holding
from ledger.cash_flow import FlowRow
from ledger.errors import MalformedAnswer
from ledger.fact import CorporateAction, Fill
from ledger.money import Money, Price, Quantity
from ledger.security import Instrument

OVERLAP_DAYS = 2


def cursor(now: datetime) -> str:
    """Where a list read at `now` ends; meaningful to this broker only."""
    return str(to_ms(now))


def since_ms(text: str | None) -> int:
    """Where to read on from: two market days before the cursor. Raises MalformedAnswer."""
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise MalformedAnswer(f"{text!r} is not a cursor of the paper exchange")
    return to_ms(weekdays_before(from_ms(int(text)), OVERLAP_DAYS))


def cash(account: Account, now_ms: int) -> dict[str, CashBalance]:
    return {
        currency: CashBalance(
            available=Money(minor, currency),
            settled=Money(account.settled(currency, now_ms), currency),
        )
        for currency, minor in account.cash.items()
    }


def holdings(account: Account, instruments: Mapping[str, Instrument]) -> dict[str, Holding]:
    found: dict[str, Holding] = {}
    for symbol, stake in account.stakes.items():
        instrument = instruments[symbol]
        known = stake.cost_micro is not None and stake.cost_micro > 0
        found[symbol] = Holding(
            symbol=symbol,
            isin=instrument.isin,
            quantity=Quantity(stake.quantity_micro),
            average_cost=Price(stake.cost_micro or 0, instrument.currency) if known else None,
            currency=instrument.currency,
        )
    return found


def fill(row: FillRow) -> Fill:
    fee = Money(row.fee_minor, row.fee_currency)
    return Fill(
        fill_id=f"F{row.number:09d}",
        broker_order_id=order_id(row.order_number),
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        side=row.side,
        quantity=Quantity(row.quantity_micro),
        price=Price(row.price_micro, row.currency),
        gross=Money(row.gross_minor, row.currency),
        fees=(fee,) if fee.minor else (),
        executed_at=from_ms(row.executed_ms),
    )


def cash_flow(row: FlowEntry) -> FlowRow:
    """The exchange books a flow only when it is completed."""
    return FlowRow(
        transaction_id=f"C{row.number:09d}",
        type=row.category,
        category=row.category,
        status="completed",
        money=Money(row.minor, row.currency),
        booked_at=from_ms(row.booked_ms),
        symbol=row.symbol,
        reference=row.reference,
        description=row.description,
    )


def corporate_action(row: ActionRow) -> CorporateAction:
    return _split(row) if row.kind == "split" else _dividend(row)


def _split(row: ActionRow) -> CorporateAction:
    assert row.ratio is not None
    assert row.delta_micro is not None
    return CorporateAction(
        action_id=row.action_id,
        kind="split",
        symbol=row.symbol,
        ex_date=date.fromisoformat(row.ex_date),
        pay_date=None,
        effective_at=from_ms(row.effective_ms),
        ratio=Decimal(row.ratio),
        quantity_delta=Quantity(row.delta_micro),
    )


def _dividend(row: ActionRow) -> CorporateAction:
    assert row.currency is not None
    assert row.pay_date is not None
    gross, tax = Money(row.gross_minor or 0, row.currency), Money(row.tax_minor or 0, row.currency)
    return CorporateAction(
        action_id=row.action_id,
        kind="dividend",
        symbol=row.symbol,
        ex_date=date.fromisoformat(row.ex_date),
        pay_date=date.fromisoformat(row.pay_date),
        effective_at=from_ms(row.effective_ms),
        per_share=Price(row.per_share_micro or 0, row.currency),
        held=Quantity(row.held_micro or 0),
        gross=gross,
        tax=tax,
        net=gross - tax,
    )
