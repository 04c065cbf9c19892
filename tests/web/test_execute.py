"""Orders over HTTP: what is asked, and which status an outcome has."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import trio

from ledger.errors import (
    ActorUnavailable,
    Conflict,
    Missing,
    Unanswered,
    Unavailable,
)
from ledger.money import Price, Quantity
from ledger.order import Intent, OrderState, Verdict
from store.order_views import OrderFill, OrderStory
from tests.web.asking import Sender
from tests.web.world import NOW, eur, full_world, intent, owner_latch, trading
from web.limits import ORDER_LIMIT
from wire.kill_switch import HALTED_BEFORE_SENT
from wire.messages import Decide, ProposeStep
from wire.order_asks import PlaceOrder

EXECUTE = "/api/trades/execute"
STEP = "/api/trades/recommendations/execute"
PLAN_ID = "01HPLAN0000000000000000001"
BUY = {"symbol": "nl0000009165", "side": "BUY", "quantity": 3}


def order(state: OrderState = OrderState.ACCEPTED, **changes: Any) -> Intent:
    return replace(intent(9, "AAA.EU", "BUY", state), **changes)


def refused(*verdicts: Verdict) -> Intent:
    return order(OrderState.REFUSED, blocked_by=verdicts)


def no(gate: str, detail: str = "no") -> Verdict:
    return Verdict(gate, passed=False, detail=detail)


async def placed(answer: object, body: Any = None, **headers: str) -> tuple[int, Any, list[Any]]:
    sender = Sender(full_world(), {"trader": (answer,)})
    status, document = await sender("POST", EXECUTE, body or BUY, **headers)
    return status, document, sender.asked


async def test_an_order_is_asked_for_exactly_as_it_was_sent() -> None:
    body = {**BUY, "quantity": 0.3, "limit_price": 10.05, "force": ["L2", "G1"]}
    status, document, asked = await placed(order(), body, Idempotency_Key="k-1")
    assert asked == [
        PlaceOrder(
            symbol="NL0000009165",
            side="BUY",
            quantity=Quantity.of("0.3"),
            limit=Decimal("10.05"),
            force=frozenset({"L2", "G1"}),
            key="k-1",
            by="http:token@<local>",
        )
    ]
    assert status == 200
    assert document["status"] == "accepted"
    assert document["client_order_id"] == 68_000_000_009
    assert document["order_id"] == "B9"
    assert document["price"] is None
    assert (document["key"], document["paper"]) == ("k-1", True)


async def test_without_a_key_every_request_is_a_new_one() -> None:
    sender = Sender(full_world(), {"trader": (order(),)})
    keys = [(await sender("POST", EXECUTE, BUY))[1]["key"] for _ in range(3)]
    assert len(set(keys)) == 3
    assert [ask.key for ask in sender.asked] == keys


async def test_o5_the_same_key_is_handed_on_so_that_nothing_is_sent_twice() -> None:
    sender = Sender(full_world(), {"trader": (order(),)})
    answers = [await sender("POST", EXECUTE, BUY, Idempotency_Key="k") for _ in range(2)]
    assert answers[0] == answers[1]
    assert {ask.key for ask in sender.asked} == {"k"}


async def test_a_key_that_comes_back_with_another_order_is_409() -> None:
    error = Conflict("the key was sent with another order", code="key_reused")
    status, document, _ = await placed(error, Idempotency_Key="k")
    assert (status, document["code"]) == (409, "key_reused")


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 201])
async def test_a_key_is_1_to_200_visible_characters(key: str) -> None:
    status, document, asked = await placed(order(), Idempotency_Key=key)
    assert (status, document["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert asked == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": 0}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": 1_000_001}, "quantity"),
        ({"quantity": 0.0000001}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": "1e-99999999"}, "quantity"),
        ({"quantity": "1e99999999"}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"limit_price": 0}, "limit_price"),
        ({"limit_price": "-inf"}, "limit_price"),
        ({"limit_price": 1e12}, "limit_price"),
        ({"side": "HOLD"}, "side"),
        ({"symbol": ""}, "symbol"),
        ({"symbol": "x" * 41}, "symbol"),
        ({"force": ["L6"]}, "force[0]"),
        ({"force": "L2"}, "force"),
        ({"confirm": True}, "confirm"),
    ],
)
async def test_a_body_that_is_no_order_is_422_and_asks_nothing(
    change: dict[str, Any], field: str
) -> None:
    status, document, asked = await placed(order(), {**BUY, **change})
    assert (status, document["code"]) == (422, "invalid")
    assert document["errors"][0]["field"] == field
    assert asked == []


@pytest.mark.parametrize(
    ("state", "status", "shown"),
    [
        (OrderState.ACCEPTED, 200, "accepted"),
        (OrderState.ACTIVE, 200, "active"),
        (OrderState.PARTIALLY_FILLED, 200, "partially_filled"),
        (OrderState.CANCELLED, 200, "cancelled"),
        (OrderState.SIMULATED, 200, "simulated"),
        (OrderState.UNKNOWN, 202, "unknown"),
        (OrderState.SUBMITTING, 202, "unknown"),
        (OrderState.ESCALATED, 202, "unknown"),
        (OrderState.PROPOSED, 202, "proposed"),
    ],
)
async def test_an_outcome_has_its_status(state: OrderState, status: int, shown: str) -> None:
    got, document, _ = await placed(order(state))
    assert (got, document["status"]) == (status, shown)


async def test_an_order_handed_over_without_an_answer_is_pending_with_its_key() -> None:
    status, document, _ = await placed(Unanswered("no answer in 30 s"), Idempotency_Key="k")
    assert status == 202
    assert (document["status"], document["key"], document["intent_id"]) == ("pending", "k", None)


async def test_a_trader_that_did_not_take_it_is_503(autojump_clock: object) -> None:
    sender = Sender(full_world())
    status, document = await sender("POST", EXECUTE, BUY)
    assert (status, document["code"]) == (503, "actor_unavailable")


async def test_a_filled_order_says_what_a_unit_cost() -> None:
    world = full_world()
    filled = order(OrderState.FILLED)
    fills = tuple(
        OrderFill(n, Quantity.of(n), Price.of(f"1{n}", "EUR"), eur("1"), (), NOW) for n in (1, 3)
    )
    world.views.stories = (OrderStory(filled, (), fills),)
    status, document = await Sender(world, {"trader": (filled,)})("POST", EXECUTE, BUY)
    assert (status, document["price"], document["filled"]) == (200, 12.5, 5)


# Which gate decides the status, the others are told all the same

HALTED = no("G0b", "halted: owner (odd fills)")
NO_BROKER = no("G0b", "the broker is not reachable")


@pytest.mark.parametrize(
    ("blocked", "status", "code"),
    [
        ([no("L7"), HALTED, no("L3"), no("L1")], 404, "unknown_security"),
        ([HALTED, no("SNAP"), no("L3"), no("L1")], 423, "halted"),
        ([no("COMMIT", "halted by owner: odd fills")], 423, "halted"),
        ([NO_BROKER, no("L3"), no("L1")], 503, "broker_unavailable"),
        ([no("SNAP", "the account could not be read"), no("L3")], 503, "broker_unavailable"),
        ([no("G9", "no quote for AAA.EU")], 503, "broker_unavailable"),
        ([no("L3", "the broker's open orders could not be read")], 503, "broker_unavailable"),
        ([no("L3", "the broker has a live order on AAA.EU"), no("L1")], 409, "in_the_way"),
        ([no("G13", "order 7 is active")], 409, "in_the_way"),
        ([no("COMMIT", "order 7 is in flight")], 409, "in_the_way"),
        ([no("AGE", "decided 2:00:00 ago")], 409, "in_the_way"),
        ([no("WORD", "the plan was postponed")], 409, "in_the_way"),
        ([no("G9", "the quote is 0:09:00 old"), no("L1")], 400, "blocked"),
        ([no("G0", "mode is research"), no("L6")], 400, "blocked"),
        ([no("L2")], 400, "blocked"),
    ],
)
async def test_the_first_reason_that_ranks_decides_and_all_are_told(
    blocked: list[Verdict], status: int, code: str
) -> None:
    got, document, _ = await placed(refused(*blocked))
    assert (got, document["code"]) == (status, code)
    assert [row["gate"] for row in document["blocked_by"]] == [one.gate for one in blocked]
    assert document["order_state"] == "refused"
    assert document["intent_id"] == 9


async def test_a_gate_says_when_it_might_say_yes() -> None:
    later = replace(no("L1", "the market is closed"), retry_after=NOW + timedelta(hours=1))
    _, document, _ = await placed(refused(later))
    assert document["blocked_by"] == [
        {"gate": "L1", "reason": "the market is closed", "retry_after": "2026-03-02T15:30:00Z"}
    ]


async def test_a_security_nobody_knows_is_404_by_its_gate() -> None:
    status, document, _ = await placed(Missing("XS1 is not in the universe"))
    assert (status, document["blocked_by"][0]["gate"]) == (404, "L7")


async def test_several_listings_of_an_isin_are_409() -> None:
    status, document, _ = await placed(Conflict("listed as A and B", code="ambiguous"))
    assert (status, document["code"]) == (409, "ambiguous")


async def test_without_a_quote_it_is_503_and_423_while_halted() -> None:
    error = Unavailable("there is no quote for AAA.EU to decide on")
    status, document, _ = await placed(error)
    assert (status, [row["gate"] for row in document["blocked_by"]]) == (503, ["G9"])
    world = full_world()
    world.boards.trading.publish(trading(owner_latch()))
    status, document = await Sender(world, {"trader": (error,)})("POST", EXECUTE, BUY)
    assert (status, [row["gate"] for row in document["blocked_by"]]) == (423, ["G0b", "G9"])


async def test_a_rejection_is_502_in_the_brokers_words() -> None:
    status, document, _ = await placed(order(OrderState.REJECTED, error="no margin"))
    assert (status, document["code"], document["detail"]) == (
        502, "rejected_by_broker", "no margin",
    )  # fmt: skip
    assert document["client_order_id"] == 68_000_000_009


async def test_an_order_stopped_by_the_switch_at_the_last_instant_is_423() -> None:
    status, document, _ = await placed(order(OrderState.REJECTED, error=HALTED_BEFORE_SENT))
    assert (status, document["blocked_by"][0]["gate"]) == (423, "G0b")


async def test_an_order_that_never_arrived_is_502() -> None:
    status, document, _ = await placed(order(OrderState.NOT_PLACED))
    assert (status, document["code"]) == (502, "not_placed")


@pytest.mark.parametrize("path", [EXECUTE, STEP])
async def test_ten_orders_a_minute_and_not_one_more(
    path: str, autojump_clock: trio.testing.MockClock
) -> None:
    sender = Sender(full_world(), {"trader": (order(),), "planner": (order(),)})
    body = BUY if path == EXECUTE else {"plan_id": PLAN_ID}
    statuses = [(await sender("POST", path, body))[0] for _ in range(ORDER_LIMIT + 1)]
    assert statuses == [200] * ORDER_LIMIT + [429]
    assert int(sender.headers["retry-after"]) > 0
    await trio.sleep(60)
    assert (await sender("POST", path, body))[0] == 200


async def test_both_ways_to_place_an_order_share_the_pace() -> None:
    sender = Sender(full_world(), {"trader": (order(),), "planner": (order(),)})
    for _ in range(ORDER_LIMIT):
        await sender("POST", EXECUTE, BUY)
    assert (await sender("POST", STEP, {"plan_id": PLAN_ID}))[0] == 429
    assert (await sender("POST", "/api/trades/orders/5/cancel"))[0] == 200


# The next step of the plan


async def test_a_step_is_proposed_and_then_decided() -> None:
    proposed = order(OrderState.PROPOSED)
    sender = Sender(full_world(), {"planner": (proposed,), "trader": (order(),)})
    status, document = await sender("POST", STEP, {"plan_id": PLAN_ID, "step": 2})
    assert sender.asked == [ProposeStep(PLAN_ID, 2, "http:token@<local>"), Decide(9)]
    assert (status, document["status"], document["step"]) == (200, "accepted", 2)
    assert document["estimated_value"] == 461.75


@pytest.mark.parametrize("error", [ActorUnavailable("trader is busy"), Unanswered("silence")])
async def test_a_step_that_was_proposed_is_never_answered_503(error: Exception) -> None:
    answers = {"planner": (order(OrderState.PROPOSED),), "trader": (error,)}
    status, document = await Sender(full_world(), answers)("POST", STEP, {"plan_id": PLAN_ID})
    assert (status, document["status"], document["intent_id"]) == (202, "proposed", 9)


async def test_a_planner_that_took_it_and_fell_silent_is_pending() -> None:
    sender = Sender(full_world(), {"planner": (Unanswered("silence"),)})
    status, document = await sender("POST", STEP, {"plan_id": PLAN_ID}, Idempotency_Key="k")
    assert (status, document["status"], document["plan_id"]) == (202, "pending", PLAN_ID)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Missing("there is no plan with a step to execute"), 404),
        (Conflict("plan X is not the current plan", code="stale_plan"), 409),
    ],
)
async def test_no_step_is_404_and_an_old_plan_409(error: Exception, status: int) -> None:
    sender = Sender(full_world(), {"planner": (error,)})
    assert (await sender("POST", STEP, {"plan_id": PLAN_ID}))[0] == status


@pytest.mark.parametrize(
    "body", [{}, {"plan_id": ""}, {"plan_id": PLAN_ID, "step": 0}, {"plan_id": PLAN_ID, "x": 1}]
)
async def test_a_step_needs_its_plan(body: dict[str, Any]) -> None:
    sender = Sender(full_world(), {"planner": (order(),)})
    assert (await sender("POST", STEP, body))[0] == 422
    assert sender.asked == []


async def test_a_step_sent_again_with_its_key_gives_its_order_even_after_the_plan() -> None:
    world = full_world()
    stale = Conflict("not the current plan", code="stale_plan")
    sender = Sender(world, {"planner": (order(), stale)})
    body = {"plan_id": PLAN_ID, "step": 1}
    assert (await sender("POST", STEP, body, Idempotency_Key="k"))[0] == 200
    world.views.steps[PLAN_ID, 1] = OrderStory(order(OrderState.CANCELLED), (), ())
    status, document = await sender("POST", STEP, body, Idempotency_Key="k")
    assert (status, document["status"]) == (200, "cancelled")
    assert len(sender.asked) == 1
    other = {"plan_id": PLAN_ID, "step": 2}
    status, document = await sender("POST", STEP, other, Idempotency_Key="k")
    assert (status, document["code"]) == (409, "key_reused")


async def test_o1_a_step_sent_again_after_a_restart_gives_its_order() -> None:
    world = full_world()
    world.views.steps[PLAN_ID, 1] = OrderStory(order(OrderState.EXPIRED), (), ())
    sender = Sender(world, {"planner": (Conflict("not current", code="stale_plan"),)})
    body = {"plan_id": PLAN_ID, "step": 1}
    status, document = await sender("POST", STEP, body, Idempotency_Key="earlier")
    assert (status, document["status"]) == (200, "expired")
    assert sender.asked == []
    assert (await sender("POST", STEP, body))[0] == 409


async def test_money_never_passes_through_a_float() -> None:
    body = b'{"symbol":"A","side":"BUY","quantity":100000.000001,"limit_price":1234567.000001}'
    world = full_world()
    asked: list[PlaceOrder] = []

    async def trader() -> None:
        ask = await world.asks.trader.receive()
        asked.append(ask.request)
        ask.slot.answer(order())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trader)
        await world.app().test_client().post(
            EXECUTE,
            data=body,
            headers={"Authorization": "Bearer the-token-of-these-tests",
                     "Content-Type": "application/json"},
        )  # fmt: skip
        nursery.cancel_scope.cancel()
    assert asked[0].quantity == Quantity(100_000_000_001)
    assert asked[0].limit == Decimal("1234567.000001")
