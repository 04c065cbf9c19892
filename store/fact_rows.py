"""A fact as the rows it becomes, and back from its payload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from ledger.cash_flow import Share
from ledger.errors import BadData
from ledger.fact import (
    CORE,
    Adjustment,
    CashFlow,
    CorporateAction,
    Fact,
    Fill,
    Opening,
    happened_at,
    postings,
    source_key,
)
from store.codec import from_json, to_json, to_ms
from store.engine import Value

_KINDS: dict[str, type[Fact]] = {
    "fill": Fill,
    "flow": CashFlow,
    "action": CorporateAction,
    "opening": Opening,
    "adjustment": Adjustment,
}
# In the order in which the references between the tables allow them to be written.
TABLES = {
    "fact": "(seq, kind, source_key, happened_ms, market_ms, recorded_ms, payload)",
    "posting": "(fact_seq, bucket_id, account, key, delta)",
    "opening": "(fact_seq, currency, minor, symbol, quantity_micro)",
    "fill": "(fact_seq, fill_id, broker_order_id, client_order_id, symbol, side,"
    " quantity_micro, price_micro, price_currency, gross_minor, gross_currency, executed_ms)",
    "fill_fee": "(fact_seq, number, minor, currency)",
    "cash_flow": "(fact_seq, flow_id, category, minor, currency, booked_ms, symbol, reference,"
    " description)",
    "deposit_allocation": "(fact_seq, bucket_id, minor, currency)",
    "corporate_action": "(fact_seq, action_id, kind, symbol, ex_date, pay_date, effective_ms,"
    " gross_minor, gross_currency, tax_minor, tax_currency)",
    "dividend": "(fact_seq, action_id, symbol)",
}

TableRow = tuple[str, Sequence[Value]]


def insert_sql(table: str) -> str:
    columns = TABLES[table]
    return f"INSERT INTO {table} {columns} VALUES ({', '.join('?' * len(columns.split(',')))})"


def rows_of(
    fact: Fact, seq: int, *, at: datetime, machine_at: datetime, shares: Sequence[Share] = ()
) -> Iterator[TableRow]:
    """Every row that records `fact` as number `seq`.

    What it moves is booked to core, but a deposit as `shares` divide it between the buckets.
    """
    key = source_key(fact)
    happened, market, machine = to_ms(happened_at(fact)), to_ms(at), to_ms(machine_at)
    kind = key.split(":")[0]
    yield "fact", (seq, kind, key, happened, market, machine, to_json(fact))
    for posting in postings(fact):
        for bucket, delta in shares or ((CORE, posting.delta),):
            yield "posting", (seq, bucket, posting.account, posting.key, delta)
    match fact:
        case Fill():
            yield from _fill_rows(fact, seq)
        case CashFlow():
            yield "cash_flow", _flow_row(fact, seq)
            for bucket, minor in shares:
                yield "deposit_allocation", (seq, bucket, minor, fact.money.currency)
        case CorporateAction():
            yield "corporate_action", _action_row(fact, seq)
            if fact.kind == "dividend":
                yield "dividend", (seq, fact.action_id, fact.symbol)
        case Opening():
            yield "opening", _opening_row(fact, seq)
        case Adjustment():
            pass


def fact_of(kind: str, payload: str) -> Fact:
    """The fact that was recorded with this kind and payload."""
    if kind not in _KINDS:
        raise BadData(f"unknown kind of fact {kind!r}")
    return from_json(payload, _KINDS[kind])


def _fill_rows(fill: Fill, seq: int) -> Iterator[TableRow]:
    yield (
        "fill",
        (
            seq, fill.fill_id, fill.broker_order_id, fill.client_order_id, fill.symbol, fill.side,
            fill.quantity.micro, fill.price.micro, fill.price.currency, fill.gross.minor,
            fill.gross.currency, to_ms(fill.executed_at),
        ),
    )  # fmt: skip
    for number, fee in enumerate(fill.fees):
        yield "fill_fee", (seq, number, fee.minor, fee.currency)


def _flow_row(flow: CashFlow, seq: int) -> Sequence[Value]:
    return (
        seq, flow.flow_id, flow.category, flow.money.minor, flow.money.currency,
        to_ms(flow.booked_at), flow.symbol, flow.reference, flow.description,
    )  # fmt: skip


def _action_row(action: CorporateAction, seq: int) -> Sequence[Value]:
    gross, tax = action.gross, action.tax
    return (
        seq, action.action_id, action.kind, action.symbol, action.ex_date.isoformat(),
        None if action.pay_date is None else action.pay_date.isoformat(),
        to_ms(action.effective_at),
        None if gross is None else gross.minor, None if gross is None else gross.currency,
        None if tax is None else tax.minor, None if tax is None else tax.currency,
    )  # fmt: skip


def _opening_row(opening: Opening, seq: int) -> Sequence[Value]:
    money, quantity = opening.money, opening.quantity
    return (
        seq,
        None if money is None else money.currency,
        None if money is None else money.minor,
        opening.symbol if money is None else None,
        None if quantity is None or money is not None else quantity.micro,
    )
