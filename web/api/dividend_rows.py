"""A dividend as it leaves and as the owner tells of it: the shapes, and what is checked."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.currency import BASE, is_known
from ledger.dividend import DividendNote, DividendRecord
from ledger.errors import BadData
from ledger.money import Money
from web.api.orders import LARGEST_ID, Symbol
from web.context import here
from web.encode import amount
from web.errors import Problem, invalid

# How far the owner's value in EUR may be from that at the rate of the payment day.
MAX_EUR_DEVIATION = Decimal("0.03")
FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2199, 12, 31)
MOST = 10**12
_FINEST = -12
CashFlowId = Annotated[int, Meta(ge=1, le=LARGEST_ID)]
Isin = Annotated[str, Meta(pattern="^[A-Z]{2}[A-Z0-9]{9}[0-9]$")]


class DividendRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dividend, net, in `currency`; `amount_eur` at the rate of the payment day.

    `state` is received, accumulating, reserved, reinvested, released or cancelled; `unreinvested`
    is what waits, `residual` what a purchase left over. `pending_bonus` is EUR.
    """

    id: int
    symbol: str
    isin: str | None
    cash_flow_id: int | None
    amount: Decimal | None
    currency: str | None
    amount_eur: Decimal | None
    payment_date: date
    state: str
    reinvested: bool
    reinvested_at: datetime | None
    reinvested_quantity: Decimal | None
    unreinvested: Decimal | None
    unreinvested_eur: Decimal | None
    residual: Decimal | None
    pending_bonus: Decimal | None
    bonus_cleared: bool
    cleared_at: datetime | None
    created_at: datetime
    broker: str
    paper: bool


class DividendBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dividend that the broker did not report. With `cash_flow_id` its money is that of this
    cash flow and may be reinvested; without one it is only a record.
    """

    symbol: Symbol
    amount: Decimal
    amount_eur: Decimal
    currency: Annotated[str, Meta(pattern="^[A-Za-z]{3}$")]
    payment_date: date
    isin: Isin | None = None
    cash_flow_id: CashFlowId | None = None


async def told_of(asked: DividendBody) -> DividendNote:
    """What the owner tells, checked; raises Problem 422."""
    currency = asked.currency.upper()
    if not is_known(currency):
        raise _wrong("currency", currency, "is not a currency known here")
    symbol = asked.symbol.strip().upper()
    if not symbol:
        raise _wrong("symbol", asked.symbol, "must not be empty")
    if not FIRST_DAY <= asked.payment_date <= LAST_DAY:
        text = f"must be from {FIRST_DAY} to {LAST_DAY}"
        raise _wrong("payment_date", str(asked.payment_date), text)
    note = DividendNote(
        symbol=symbol,
        isin=asked.isin,
        money=money_of("amount", asked.amount, currency),
        eur=money_of("amount_eur", asked.amount_eur, BASE),
        payment_date=asked.payment_date,
        cash_flow_id=asked.cash_flow_id,
    )
    rates = await here().views.dividends.rates_on(note.payment_date)
    known = rates.to_eur(note.money)
    if known is not None and abs(note.eur.minor - known.minor) > MAX_EUR_DEVIATION * known.minor:
        text = f"is not what {note.money} are worth at that day's rate: {known}"
        raise _wrong("amount_eur", asked.amount_eur, text)
    return note


def money_of(field: str, value: Decimal, currency: str, *, above: int | None = 0) -> Money:
    check_amount(field, value, above=above)
    try:
        return Money.of(value, currency)
    except BadData as error:
        raise _wrong(field, value, str(error)) from None


def check_amount(field: str, value: Decimal, *, above: int | None = 0) -> None:
    """Raise 422 unless `value` is a number above `above`, or at least 0, and not absurd."""
    least_text = "at least 0" if above is None else f"above {above}"
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < _FINEST:
        raise _wrong(field, None, "is not an amount")
    if value > MOST or value < 0 or (above is not None and value <= above):
        raise _wrong(field, value, f"must be {least_text} and at most {MOST}")


def _wrong(field: str, value: Decimal | str | None, text: str) -> Problem:
    shown = None if value is None else str(value)[:100]
    return invalid([{"field": field, "value": shown, "message": text}])


def row_of(record: DividendRecord) -> DividendRow:
    web, quantity = here(), record.reinvested_quantity
    return DividendRow(
        id=record.dividend_id,
        symbol=record.symbol,
        isin=record.isin,
        cash_flow_id=record.cash_flow_id,
        amount=amount(record.amount),
        currency=None if record.amount is None else record.amount.currency,
        amount_eur=amount(record.amount_eur),
        payment_date=record.payment_date,
        state=record.state.value,
        reinvested=record.reinvested,
        reinvested_at=record.reinvested_at,
        reinvested_quantity=None if quantity is None else quantity.units,
        unreinvested=amount(record.left),
        unreinvested_eur=amount(record.left_eur),
        residual=amount(record.residual),
        pending_bonus=amount(record.pending_bonus),
        bonus_cleared=record.bonus_cleared,
        cleared_at=record.cleared_at,
        created_at=record.created_at,
        broker=web.broker,
        paper=web.paper,
    )
