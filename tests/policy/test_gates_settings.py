"""Every setting that a gate reads: changing it alone changes what the gate says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.money import Price, Quantity
from ledger.trade_history import Trade, TradeHistory
from policy import gates
from policy.limits import DEFAULTS, Limits
from policy.pricing import limit_price
from policy.settings import limits_with
from tests.support.builders import (
    EURUSD,
    NOW,
    eur,
    gate_context,
    held_position,
    proposal,
    quote,
)

BOUGHT = TradeHistory({"DEMO-A.EU": NOW - timedelta(days=20)}, {}, ())
SOLD = TradeHistory({}, {"DEMO-A.EU": NOW - timedelta(days=20)}, ())


def trades(*hours_ago: float) -> TradeHistory:
    instants = (NOW - timedelta(hours=hours) for hours in hours_ago)
    return TradeHistory(
        {}, {}, tuple(Trade("DEMO-B.EU", "BUY", "planner", at, live=False) for at in instants)
    )


SALE = proposal(side="SELL", quantity=Quantity.of(4))
UNPROVEN: dict[str, Any] = {
    "proposal": proposal(
        order_class="fx",
        symbol="EUR/USD",
        security_id=None,
        side="SELL",
        quantity=Quantity.of(25),
        currency="USD",
        decision_price=Price.of("1.25", "USD"),
    ),
    "pair": replace(EURUSD, proven=False),
    "security": None,
    "quote": quote("EUR/USD", "1.25", currency="USD"),
    "fee": eur("0"),
}
# The setting, two values of it, and the gate that says yes to the first and no to the second.
READ: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("trade_frequency_limits_enabled", "false", "true", "G1", {"history": trades(0.5)}),
    ("min_time_between_trades_minutes", "29", "31", "G1", {"history": trades(0.5)}),
    ("max_trades_per_day", "3", "2", "G1", {"history": trades(1.5, 2)}),
    ("max_trades_per_week", "3", "2", "G1", {"history": trades(30, 60)}),
    ("buy_cooldown_days", "19", "21", "L2", {"history": BOUGHT}),
    ("min_hold_days", "19", "21", "L4", {"history": BOUGHT, "proposal": SALE}),
    ("sell_cooldown_days", "19", "21", "G7", {"history": SOLD, "proposal": SALE}),
    ("max_loss_threshold", "-0.5", "-0.49", "G6",
     {"proposal": SALE, "position": held_position("200")}),
    ("min_sell_value_eur", "399.60", "400", "G7", {"proposal": SALE}),
    ("daily_loss_sell_halt", "0.04", "0.03", "G2",
     {"proposal": SALE, "equity_change": Decimal("-0.03")}),
    ("daily_loss_full_halt", "0.04", "0.03", "G2", {"equity_change": Decimal("-0.03")}),
    ("max_price_age_minutes", "3", "2", "G9", {"now": NOW + timedelta(minutes=3)}),
    ("fx_first_amount_eur", "25", "24.99", "G5", UNPROVEN),
    ("max_position_share", "0.131", "0.13", "G8", {}),
    ("max_order_share", "0.12", "0.11", "G5",
     {"proposal": proposal(quantity=Quantity.of(12)), "total_eur": eur("10010")}),
    ("virtual_test_cash", "10000", "0", "L6", {"books_cash": {"EUR": 0}, "mode": "research"}),
)  # fmt: skip


@pytest.mark.parametrize(("key", "may", "may_not", "gate", "changes"), READ, ids=str)
def test_a_setting_decides_what_its_gate_says(
    key: str, may: str, may_not: str, gate: str, changes: dict[str, Any]
) -> None:
    def says_no(text: str) -> bool:
        context = gate_context(**changes, limits=limits_with({key: text}))
        return gate in {verdict.gate for verdict in gates.blocked_by(gates.evaluate(context))}

    assert (says_no(may), says_no(may_not)) == (False, True)


def test_the_distance_of_a_limit_from_the_last_price_is_the_owners() -> None:
    wide = quote(bid=Price.of("99.8", "EUR"), ask=Price.of("100.2", "EUR"))

    def limits_at(text: str) -> tuple[str, str]:
        limits: Limits = limits_with({"limit_order_buffer_percent": text})
        found = [
            limit_price(side, wide, Price.of("0.01", "EUR"), order_class="planner", limits=limits)
            for side in ("BUY", "SELL")
        ]
        return str(found[0].price), str(found[1].price)

    assert limits_at("0.001") == ("100.1 EUR", "99.9 EUR")
    assert limits_at(str(DEFAULTS.band)) == ("100.2 EUR", "99.8 EUR")
