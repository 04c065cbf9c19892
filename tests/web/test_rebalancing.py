"""/api/rebalancing: strict questions, complete answers, problems that name field and bound."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import trio

from ledger.errors import Busy, Conflict, Refused, Unavailable
from ledger.money import Money
from ledger.rebalancing import CashShortfalls, OutsideBand, Triggers
from ledger.run import RunStatus
from tests.web.world import BEARER, World, eur, full_world, plan, run
from wire.mailbox import serving
from wire.rebalancing import CalculateTrades, CheckNegative, CheckTriggers, ExecuteRebalance

BASE = "/api/rebalancing"


@dataclass
class Rebalancer:
    """The actor behind the box: gives one answer to everything and keeps what it was asked."""

    world: World
    reply: object
    asked: list[Any] = field(default_factory=list[Any])

    async def run(self) -> None:
        while True:
            ask = await self.world.asks.rebalancer.receive()
            self.asked.append(ask.request)
            async with serving(ask):
                if isinstance(self.reply, Exception):
                    raise self.reply
                ask.slot.answer(self.reply)


@asynccontextmanager
async def answering(reply: object) -> AsyncGenerator[Rebalancer]:
    found = Rebalancer(full_world(), reply)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(found.run)
        yield found
        nursery.cancel_scope.cancel()


async def send(one: Rebalancer, method: str, path: str, **kwargs: Any) -> tuple[int, Any]:
    headers = BEARER if method == "POST" else {}
    client = one.world.app().test_client()
    answer = await client.open(f"{BASE}/{path}", method=method, headers=headers, **kwargs)
    return answer.status_code, await answer.get_json()


BAND = OutsideBand("A.EU", Decimal("0.2"), Decimal(1) / 3, Decimal("0.05"))


async def test_triggers_are_told_with_every_reason_and_band() -> None:
    async with answering(Triggers(True, ("one", "two"), (BAND,))) as one:
        status, found = await send(one, "GET", "check-triggers")
    assert status == 200
    assert found == {
        "triggered": True,
        "reasons": ["one", "two"],
        "outside": [
            {
                "symbol": "A.EU",
                "weight": 0.2,
                "target": 0.3333,
                "deviation": -0.1333,
                "band": 0.05,
            }
        ],
    }
    assert one.asked == [CheckTriggers()]


async def test_thresholds_are_passed_on_exactly() -> None:
    path = (
        "check-triggers?enabled=true&drift_threshold=1&cash_threshold_multiplier=0.5"
        "&min_trade_size=99.99"
    )
    async with answering(Triggers(False, ())) as one:
        status, _ = await send(one, "GET", path)
    assert status == 200
    assert one.asked == [
        CheckTriggers(
            enabled=True,
            drift=Decimal(1),
            cash_multiplier=Decimal("0.5"),
            min_trade_eur=eur("99.99"),
        )
    ]


@pytest.mark.parametrize(
    ("query", "name", "bound"),
    [
        ("drift_threshold=0", "drift_threshold", 0),
        ("drift_threshold=1.01", "drift_threshold", 1),
        ("drift_threshold=-0.1", "drift_threshold", 0),
        ("drift_threshold=nan", "drift_threshold", 0),
        ("drift_threshold=x", "drift_threshold", None),
        ("cash_threshold_multiplier=0", "cash_threshold_multiplier", 0),
        ("cash_threshold_multiplier=inf", "cash_threshold_multiplier", 0),
        ("min_trade_size=-5", "min_trade_size", 0),
        ("min_trade_size=1e400", "min_trade_size", 10**12),
        ("enabled=maybe", "enabled", None),
        ("drift=0.1", "drift", None),
    ],
)
async def test_a_bad_threshold_is_named_with_its_value_and_bound(
    query: str, name: str, bound: int | None
) -> None:
    async with answering(Triggers(False, ())) as one:
        status, found = await send(one, "GET", f"check-triggers?{query}")
    assert (status, found["code"]) == (422, "invalid")
    (error,) = found["errors"]
    assert (error["field"], error.get("bound")) == (name, bound)
    assert error["value"] is not None
    assert one.asked == []


async def test_the_trades_are_purchases_of_the_plan() -> None:
    buy = plan().plan.steps[1]
    async with answering((buy,)) as one:
        status, found = await send(one, "GET", "calculate-trades?available_cash=1500.5")
    assert status == 200
    assert found == {
        "trades": [
            {
                "symbol": "NOVN.EU",
                "name": "Novartis",
                "side": "BUY",
                "quantity": 10,
                "estimated_price": 92.35,
                "estimated_value": 923.5,
                "currency": "EUR",
                "reason": buy.reason,
            }
        ]
    }
    assert one.asked == [CalculateTrades(eur("1500.50"))]


@pytest.mark.parametrize("query", ["", "?available_cash=0", "?available_cash=-3"])
async def test_without_an_amount_all_cash_counts(query: str) -> None:
    async with answering(()) as one:
        assert await send(one, "GET", f"calculate-trades{query}") == (200, {"trades": []})
    assert one.asked == [CalculateTrades(None)]


@pytest.mark.parametrize("value", ["x", "nan", "1e13", "1e999999"])
async def test_an_amount_that_is_none_is_refused(value: str) -> None:
    async with answering(()) as one:
        status, found = await send(one, "GET", f"calculate-trades?available_cash={value}")
    assert status == 422
    assert found["errors"][0]["field"] == "available_cash"


async def test_shortfalls_are_told_by_currency_with_both_maps_always_there() -> None:
    short = CashShortfalls(True, True, {"HKD": Money.of("142.50", "HKD")}, eur("16.77"))
    async with answering(short) as one:
        status, found = await send(one, "POST", "check-negative-balances")
    assert (status, found) == (
        200,
        {
            "has_negative": True,
            "below_minimum": True,
            "shortfalls": {"HKD": 142.5},
            "total_shortfall_eur": 16.77,
        },
    )
    assert one.asked == [CheckNegative()]
    async with answering(CashShortfalls(False, False, {}, eur("0"))) as none:
        _, found = await send(none, "POST", "check-negative-balances")
    assert (found["shortfalls"], found["total_shortfall_eur"]) == ({}, 0)


async def test_a_total_that_cannot_be_known_is_null_and_not_zero() -> None:
    unknown = CashShortfalls(True, True, {"CHF": Money.of("1", "CHF")}, None)
    async with answering(unknown) as one:
        _, found = await send(one, "POST", "check-negative-balances")
    assert found["total_shortfall_eur"] is None


RUN = run(1, "rebalance", RunStatus.QUEUED)


@pytest.mark.parametrize(
    ("kwargs", "cash"),
    [
        ({}, None),
        ({"json": {}}, None),
        ({"json": {"available_cash": None}}, None),
        ({"json": {"available_cash": 0}}, None),
        ({"json": {"available_cash": 750.25}}, "750.25"),
    ],
)
async def test_executing_answers_with_its_run(kwargs: dict[str, Any], cash: str | None) -> None:
    async with answering(RUN) as one:
        status, found = await send(one, "POST", "execute-rebalance", **kwargs)
    assert (status, found["success"], found["run_id"]) == (202, True, RUN.run_id)
    (asked,) = one.asked
    assert isinstance(asked, ExecuteRebalance)
    assert asked.available_cash == (None if cash is None else eur(cash))
    assert asked.by.startswith("http:")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Conflict("research", code="research_mode"), 409, "research_mode"),
        (Busy("running", run_id="R1"), 409, "already_running"),
        (Refused("halted: owner", code="halted"), 423, "halted"),
        (Unavailable("no portfolio yet"), 503, "broker_unavailable"),
    ],
)
async def test_why_nothing_is_executed_is_a_problem_with_its_code(
    error: Exception, status: int, code: str
) -> None:
    async with answering(error) as one:
        found, document = await send(one, "POST", "execute-rebalance")
    assert (found, document["code"]) == (status, code)
    if isinstance(error, Busy):
        assert document["run_id"] == "R1"


@pytest.mark.parametrize(
    ("kwargs", "status"),
    [
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"json": {"cash": 3}}, 422),
        ({"json": {"available_cash": True}}, 422),
        ({"json": []}, 422),
        ({"json": {"available_cash": 1e300}}, 422),
    ],
)
async def test_a_bad_body_is_refused(kwargs: dict[str, Any], status: int) -> None:
    async with answering(RUN) as one:
        client = one.world.app().test_client()
        headers = {**BEARER, **kwargs.pop("headers", {})}
        answer = await client.post(f"{BASE}/execute-rebalance", headers=headers, **kwargs)
    assert answer.status_code == status
    assert one.asked == []


async def test_starting_something_needs_the_token() -> None:
    async with answering(RUN) as one:
        for path in ("execute-rebalance", "check-negative-balances"):
            answer = await one.world.app().test_client().post(f"{BASE}/{path}")
            assert answer.status_code == 401
    assert one.asked == []
