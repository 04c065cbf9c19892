"""A world in one line: ledger values with sensible defaults, each overridable by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ledger.account import AccountSnapshot, CashBalance, Holding
from ledger.bucket import Bucket
from ledger.money import Money, Price, Quantity
from ledger.order import Intent, OrderState, Proposal
from ledger.portfolio import Position
from ledger.quote import Quote
from ledger.rate import Rate, RateTable
from ledger.security import FxPair, Instrument, Security
from ledger.trade_history import NO_TRADES
from policy.gate_context import GateContext
from policy.limits import DEFAULTS
from policy.pricing import limit_price

NOW = datetime(2009, 1, 5, 10, 0, tzinfo=UTC)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def rates(day: date = date(2009, 1, 5), **per_eur: str) -> RateTable:
    values = {"USD": "1.25", "GBP": "0.80", "HKD": "10.0"} | per_eur
    return RateTable(
        {code: Rate("EUR", code, Decimal(value), day, "test") for code, value in values.items()}
    )


def security(symbol: str = "DEMO-A.EU", **changes: Any) -> Security:
    currency = changes.pop("currency", "EUR")
    lot = changes.pop("lot", Quantity.of(1))
    instrument = Instrument(
        symbol=symbol,
        isin="XF0000000001",
        name=symbol.title(),
        currency=currency,
        mic=changes.pop("mic", "XETR"),
        country=changes.pop("country", "Germany"),
        industry=changes.pop("industry", "Software"),
        product_type=changes.pop("product_type", "EQUITY"),
        lot=lot,
        tick=Price.of("0.01", currency),
        synthetic=True,
    )
    made = Security(
        security_id=changes.pop("security_id", 1),
        instrument=instrument,
        allow_buy=True,
        allow_sell=True,
        active=True,
        confirmed=True,
    )
    return replace(made, **changes)


EURUSD = FxPair("EUR/USD", "EUR", "USD", Quantity.of(1), Price.of("0.0001", "USD"))


def quote(symbol: str = "DEMO-A.EU", last: str = "100", **changes: Any) -> Quote:
    currency = changes.pop("currency", "EUR")
    made = Quote(
        symbol=symbol,
        bid=Price.of(Decimal(last) * Decimal("0.999"), currency),
        ask=Price.of(Decimal(last) * Decimal("1.001"), currency),
        last=Price.of(last, currency),
        previous_close=None,
        at=NOW,
        market_open=True,
    )
    return replace(made, **changes)


def proposal(**changes: Any) -> Proposal:
    made = Proposal(
        order_class="planner",
        source_id="plan-1",
        step=1,
        attempt=1,
        bucket_id="core",
        symbol="DEMO-A.EU",
        security_id=1,
        side="BUY",
        quantity=Quantity.of(3),
        currency="EUR",
        decision_price=Price.of("100", "EUR"),
        value_eur=eur("300"),
        reason="below its target",
    )
    return replace(made, **changes)


def intent(state: OrderState = OrderState.PROPOSED, **changes: Any) -> Intent:
    made = Intent(
        intent_id=1,
        proposal=changes.pop("proposal", None) or proposal(),
        state=state,
        mode="live",
        proposed_at=NOW,
        client_order_id=None if state is OrderState.PROPOSED else 1000,
        limit=None,
        reserved=None,
        reserved_fee=None,
        submitted_at=None,
        submitted_machine_ms=None,
        broker_order_id=None,
        filled=Quantity(0),
        error=None,
        retry_after=None,
        blocked_by=(),
    )
    return replace(made, **changes)


def account(*, held: dict[str, str] | None = None, **cash: str) -> AccountSnapshot:
    balances = {code: Money.of(amount, code) for code, amount in cash.items()}
    return AccountSnapshot(
        as_of=NOW,
        read_at_s=100.0,
        complete=True,
        cash={code: CashBalance(money, money) for code, money in balances.items()},
        holdings={
            symbol: Holding(symbol, "XF0000000001", Quantity.of(units), None, "EUR")
            for symbol, units in (held or {}).items()
        },
    )


def gate_context(**changes: Any) -> GateContext:
    """An order that every gate lets pass: three shares at 100 EUR, 1,000 EUR in cash.

    The account holds ten shares and is worth 10,000 EUR; for an emergency it owes 500 USD.
    """
    asked: Proposal = changes.pop("proposal", None) or proposal()
    offered = changes.pop("quote", quote())
    known = changes.pop("security", security())
    pair = changes.get("pair")
    tick = pair.tick if pair else Price.of("0.01", (offered or quote()).last.currency)
    limit = changes.pop("limit", None) or limit_price(
        asked.side, offered or quote(), tick, order_class=asked.order_class, limits=DEFAULTS
    )
    short = {"USD": "-500"} if asked.order_class == "emergency" else {}
    made = GateContext(
        proposal=asked,
        proposed_at=NOW,
        mode="live",
        latches=(),
        now=NOW,
        now_s=101.0,
        account=account(EUR="1000", held={"DEMO-A.EU": "10"}, **short),
        open_orders=(),
        in_flight=(),
        security=known,
        pair=None,
        quote=offered,
        limit=limit,
        market_open=True,
        next_open=None,
        closes_at=NOW + timedelta(hours=4),
        books_cash={"EUR": 100_000},
        books_held=Quantity.of(10),
        unbooked=(),
        reserved={},
        reserves={"EUR": eur("5"), "USD": usd("6.25")},
        fee=eur("2.61"),
        total_eur=eur("10000"),
        rates=rates(),
        differences=(),
        bucket=Bucket("core", "Core", "active"),
        clock_skew=timedelta(0),
        position=held_position(),
        history=NO_TRADES,
        equity_change=Decimal(0),
        zone=UTC,
        limits=DEFAULTS,
    )
    return replace(made, **changes)


def held_position(cost: str | None = "100") -> Position:
    """Ten shares at 100 EUR each, bought at `cost`."""
    return Position(
        security=security(),
        quantity=Quantity.of(10),
        average_cost=None if cost is None else Price.of(cost, "EUR"),
        price=Price.of("100", "EUR"),
        price_at=NOW,
        value=eur("1000"),
        value_eur=eur("1000"),
        profit_eur=eur("0"),
    )
