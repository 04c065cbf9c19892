"""The status of a refusal, from what the gates themselves say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ledger.halt import Latch
from ledger.order import OrderState
from policy import gates
from tests.policy.test_gates import view
from tests.support.builders import NOW, account, gate_context, intent, quote
from web.api.refusals import refusal

HALT = Latch("owner", "order 7 is in flight, no quote", NOW)
INCOMPLETE = replace(account(EUR="1000", held={"DEMO-A.EU": "10"}), complete=False)
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "unknown": (404, {"security": None, "latches": (HALT,)}),
    "halted": (423, {"latches": (HALT,), "account": None}),
    "halt unread": (503, {"latches": None}),
    "no account": (503, {"account": None, "in_flight": (intent(OrderState.ACTIVE),)}),
    "half an account": (503, {"account": INCOMPLETE}),
    "no clock": (503, {"clock_skew": None}),
    "no orders": (503, {"open_orders": None}),
    "no quote": (503, {"quote": None}),
    "another order": (409, {"in_flight": (intent(OrderState.ACTIVE),)}),
    "a live order": (409, {"open_orders": (view(),)}),
    "long ago": (409, {"proposed_at": NOW - timedelta(days=1)}),
    "old quote": (400, {"quote": quote(at=NOW - timedelta(hours=1))}),
    "closed": (400, {"market_open": False}),
    "too dear": (400, {"books_cash": {"EUR": 1}}),
}


@pytest.mark.parametrize("name", CASES)
def test_every_word_of_a_gate_leads_to_its_status(name: str) -> None:
    status, changes = CASES[name]
    blocked = gates.blocked_by(gates.evaluate(gate_context(**changes)))
    assert refusal(blocked).status == status
