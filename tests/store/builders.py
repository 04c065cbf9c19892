"""Values for store tests, each in one line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ledger.fact import CashFlow, CorporateAction, Fill, FlowCategory, Opening
from ledger.money import Money, Price, Quantity
from ledger.order import (
    BrokerOrderState,
    Mode,
    OrderClass,
    OrderView,
    Proposal,
    Side,
    Verdict,
)
from ledger.security import Instrument
from store.engine import Engine

OpenEngine = Callable[..., AbstractAsyncContextManager[Engine]]

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MACHINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TIMES: dict[str, Any] = {"at": NOW, "machine_at": MACHINE}


def eur(amount: str | int) -> Money:
    return Money.of(amount, "EUR")


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def instrument(symbol: str = "AAA.EU", **changes: Any) -> Instrument:
    values: dict[str, Any] = {
        "symbol": symbol,
        "isin": f"DE{symbol}",
        "name": f"{symbol} AG",
        "currency": "EUR",
        "mic": "XETR",
        "country": "Germany",
        "industry": None,
        "product_type": "EQUITY",
        "lot": Quantity.of(1),
        "tick": Price.of("0.01", "EUR"),
    }
    return Instrument(**{**values, **changes})


def proposal(
    symbol: str = "AAA.EU",
    *,
    side: Side = "BUY",
    units: int = 10,
    source: str = "plan-1",
    order_class: OrderClass = "planner",
    step: int = 1,
    attempt: int = 1,
    bucket: str = "core",
) -> Proposal:
    return Proposal(
        order_class=order_class,
        source_id=source,
        step=step,
        attempt=attempt,
        bucket_id=bucket,
        symbol=symbol,
        security_id=None,
        side=side,
        quantity=Quantity.of(units),
        currency="EUR",
        decision_price=Price.of("10", "EUR"),
        value_eur=eur(units * 10),
        reason="because",
        force=frozenset({"L4", "G1"}),
    )


def submission(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "limit": Price.of("10.05", "EUR"),
        "reserved": eur("100.50"),
        "reserved_fee": eur("2.20"),
        "verdicts": (Verdict("L6", passed=True, detail="enough cash"),),
        "mode": "live",
        **TIMES,
    }
    return {**values, **changes}


def fill(
    fill_id: str = "f1",
    *,
    symbol: str = "AAA.EU",
    side: Side = "BUY",
    units: int = 10,
    price: str = "10",
    tag: int | None = None,
    order: str = "b1",
    fees: tuple[Money, ...] = (),
    at: datetime = NOW,
) -> Fill:
    quote = symbol.split("/")[1] if "/" in symbol else "EUR"
    return Fill(
        fill_id=fill_id,
        broker_order_id=order,
        client_order_id=tag,
        symbol=symbol,
        side=side,
        quantity=Quantity.of(units),
        price=Price.of(price, quote),
        gross=Money.half_even(units * Decimal(price), quote),
        fees=fees,
        executed_at=at,
    )


def flow(
    flow_id: str,
    category: FlowCategory,
    money: Money,
    *,
    reference: str | None = None,
    at: datetime = NOW,
) -> CashFlow:
    return CashFlow(flow_id, category, money, at, None, reference, f"a {category}")


def dividend(action_id: str = "d1", *, symbol: str = "AAA.EU") -> CorporateAction:
    return CorporateAction(
        action_id=action_id,
        kind="dividend",
        symbol=symbol,
        ex_date=date(2026, 2, 20),
        pay_date=date(2026, 3, 2),
        effective_at=NOW,
        per_share=Price.of("1.23", "EUR"),
        held=Quantity.of(10),
        gross=eur("12.30"),
        tax=eur("2.30"),
        net=eur("10"),
    )


def paid(action_id: str = "d1", *, gross: str = "120", tax: str = "-20") -> tuple[CashFlow, ...]:
    return (
        flow(f"{action_id}-money", "dividend", eur(gross), reference=action_id),
        flow(f"{action_id}-tax", "tax", eur(tax), reference=action_id),
    )


def split(symbol: str = "AAA.EU", *, ratio: str = "2", delta: int = 10) -> CorporateAction:
    return CorporateAction(
        action_id="s1",
        kind="split",
        symbol=symbol,
        ex_date=date(2026, 3, 2),
        pay_date=None,
        effective_at=NOW,
        ratio=Decimal(ratio),
        quantity_delta=Quantity.of(delta),
    )


def opening_cash(amount: str = "1000", currency: str = "EUR") -> Opening:
    return Opening(currency, Money.of(amount, currency), None, None, None, NOW)


def opening_position(symbol: str = "AAA.EU", units: int = 5, cost: str = "8") -> Opening:
    return Opening(symbol, None, symbol, Quantity.of(units), Price.of(cost, "EUR"), NOW)


def view(
    state: BrokerOrderState = "active",
    *,
    tag: int | None = None,
    order: str = "b1",
    filled: int = 0,
    side: Side = "BUY",
) -> OrderView:
    return OrderView(
        broker_order_id=order,
        client_order_id=tag,
        symbol="AAA.EU",
        side=side,
        quantity=Quantity.of(10),
        filled=Quantity.of(filled),
        limit=Price.of("10.05", "EUR"),
        state=state,
        reason=None,
        created_at=NOW,
    )


LIVE: Mode = "live"
