"""Orders listed, told in full and withdrawn; questions and settings of the owner."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ledger.decision import Choice, Decision
from ledger.emergency import EmergencyRun, EmergencySale, EmergencyState
from ledger.errors import Conflict, Missing, Refused
from ledger.money import Price, Quantity
from ledger.order import Intent, OrderState, Verdict
from store.order_queries import OrderEvent
from store.order_views import OrderFill, OrderQuery, OrderStory
from tests.web.asking import Sender
from tests.web.world import NOW, World, eur, full_world, intent
from wire.order_asks import CancelOrder, Resolve
from wire.setting_asks import ListSettings, PutSetting, SettingView

ORDERS = "/api/trades/orders"
TAG = 68_000_000_003
BY = "http:token@<local>"
LATER = NOW + timedelta(hours=1)


def story(placed: Intent) -> OrderStory:
    spoken = (
        Verdict("L1", passed=True, detail="the market is open"),
        Verdict("L2", passed=False, detail="bought 3 days ago", forced=True),
        Verdict("G1", passed=False, detail="an order a minute ago", retry_after=LATER),
    )
    events = (
        OrderEvent(NOW, None, OrderState.PROPOSED, "under target", ()),
        OrderEvent(NOW, OrderState.PROPOSED, OrderState.SUBMITTING, "", spoken),
    )
    fills = (OrderFill(4, Quantity.of(5), Price.of("92.4", "EUR"), eur("462"), (eur("2"),), NOW),)
    return OrderStory(placed, events, fills)


def told(state: OrderState) -> World:
    world = full_world()
    world.views.stories = (story(intent(3, "IBE.EU", "BUY", state)),)
    return world


async def test_filters_reach_the_read_model() -> None:
    world = full_world()
    path = f"{ORDERS}?state=refused&symbol=xs1&order_class=manual&before_id=9&limit=3&key=k"
    assert (await Sender(world)("GET", path))[0] == 200
    assert world.views.asked == [OrderQuery(3, OrderState.REFUSED, "XS1", "manual", "k", 9)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=lost", "state"),
        ("order_class=x", "order_class"),
        ("limit=0", "limit"),
        ("before_id=99999999999999999999", "before_id"),
        ("symbol=", "symbol"),
        ("sort=up", "sort"),
    ],
)
async def test_a_bad_filter_is_named(query: str, field: str) -> None:
    status, document = await Sender(full_world())("GET", f"{ORDERS}?{query}")
    assert (status, document["errors"][0]["field"]) == (422, field)


async def test_an_order_is_told_with_its_events_verdicts_and_executions() -> None:
    status, shown = await Sender(told(OrderState.ACTIVE))("GET", f"{ORDERS}/{TAG}")
    assert status == 200
    assert [(event["before"], event["after"]) for event in shown["events"]] == [
        (None, "proposed"), ("proposed", "submitting"),
    ]  # fmt: skip
    assert shown["verdicts"] == shown["events"][1]["verdicts"]
    assert [(one["gate"], one["passed"], one["forced"]) for one in shown["verdicts"]] == [
        ("L1", True, False), ("L2", False, True), ("G1", False, False),
    ]  # fmt: skip
    assert shown["verdicts"][2]["retry_after"] == "2026-03-02T15:30:00Z"
    assert shown["fills"][0]["price"] == 92.4
    assert (shown["average_price"], shown["cancelable"]) == (92.4, True)


@pytest.mark.parametrize("state", [OrderState.FILLED, OrderState.UNKNOWN, OrderState.REFUSED])
async def test_an_order_says_when_it_cannot_be_withdrawn(state: OrderState) -> None:
    number = 3 if state is OrderState.REFUSED else TAG
    _, shown = await Sender(told(state))("GET", f"{ORDERS}/{number}")
    assert shown["cancelable"] is False


async def test_a_blocked_order_says_which_gates_and_when_again() -> None:
    world = full_world()
    stopped = replace(
        intent(3, "IBE.EU", "BUY", OrderState.REFUSED),
        retry_after=LATER,
        blocked_by=(Verdict("L1", passed=False, detail="closed", retry_after=LATER),),
    )
    world.views.stories = (story(stopped),)
    _, shown = await Sender(world)("GET", f"{ORDERS}/3")
    assert shown["retry_after"] == "2026-03-02T15:30:00Z"
    assert shown["blocked_by"] == [
        {"gate": "L1", "detail": "closed", "retry_after": "2026-03-02T15:30:00Z"}
    ]


@pytest.mark.parametrize("number", ["1", "0", "x", "-1", "1.5", "9" * 30])
async def test_an_order_nobody_knows_is_404(number: str) -> None:
    sender = Sender(told(OrderState.ACTIVE), {"trader": (Missing("no"),)})
    assert (await sender("GET", f"{ORDERS}/{number}"))[0] == 404
    assert (await sender("POST", f"{ORDERS}/{number}/cancel"))[0] == 404


async def test_withdrawing_asks_the_trader_and_shows_the_row() -> None:
    row = intent(3, "IBE.EU", "BUY", OrderState.ACTIVE)
    sender = Sender(full_world(), {"trader": (row,)})
    status, shown = await sender("POST", f"{ORDERS}/{TAG}/cancel")
    assert sender.asked == [CancelOrder(TAG, BY)]
    assert (status, shown["client_order_id"], shown["state"]) == (200, TAG, "active")
    assert (await sender("POST", f"{ORDERS}/{TAG}/cancel", {"why": "x"}))[0] == 422


@pytest.mark.parametrize("code", ["final", "unresolved"])
async def test_an_order_that_ended_or_is_unresolved_is_409(code: str) -> None:
    sender = Sender(full_world(), {"trader": (Conflict("order 3 is filled", code=code),)})
    status, document = await sender("POST", f"{ORDERS}/{TAG}/cancel")
    assert (status, document["code"]) == (409, code)


# Decisions


def asking(decision_id: str = "order:7") -> World:
    world = full_world()
    choices = (Choice("placed", "it is followed"), Choice("not_placed", "it never arrived"))
    kind: Any = decision_id.partition(":")[0]
    world.views.questions = (Decision(decision_id, kind, "Placed?", "tag 7", choices, NOW),)
    return world


async def test_open_questions_are_listed_with_their_choices() -> None:
    status, (row,) = await Sender(asking())("GET", "/api/system/decisions")
    assert (status, row["id"], row["kind"]) == (200, "order:7", "order")
    assert row["choices"][0] == {"choice": "placed", "effect": "it is followed"}
    assert (await Sender(full_world())("GET", "/api/system/decisions"))[1] == []


@pytest.mark.parametrize(
    ("decision_id", "owner"),
    [("order:7", "trader"), ("books:1", "sync"), ("sale:01HRUN", "rebalancer")],
)
async def test_an_answer_is_asked_of_whoever_owns_the_question(
    decision_id: str, owner: str
) -> None:
    sender = Sender(asking(decision_id), {owner: ("it is followed",)})
    body = {"choice": "placed", "confirm": True}
    status, shown = await sender("POST", f"/api/system/decisions/{decision_id}", body)
    assert sender.asked == [Resolve(decision_id, "placed", confirm=True, by=BY)]
    assert (status, shown["result"]) == (200, "it is followed")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"choice": "sell", "confirm": True}, "choice"),
        ({"choice": "placed"}, "confirm"),
        ({"choice": "placed", "confirm": "true"}, "confirm"),
        ({"confirm": True}, "choice"),
        ({"choice": "placed", "confirm": True, "x": 1}, "x"),
    ],
)
async def test_a_choice_not_offered_or_not_meant_is_422(body: Any, field: str) -> None:
    sender = Sender(asking(), {"trader": ("done",)})
    status, document = await sender("POST", "/api/system/decisions/order:7", body)
    assert (status, document["errors"][0]["field"]) == (422, field)
    assert sender.asked == []


async def test_a_question_that_is_not_open_is_404_and_a_moved_world_409() -> None:
    body = {"choice": "placed", "confirm": True}
    sender = Sender(asking(), {"trader": (Conflict("it was found meanwhile"),)})
    assert (await sender("POST", "/api/system/decisions/order:8", body))[0] == 404
    assert (await sender("POST", "/api/system/decisions/x", body))[0] == 404
    assert (await sender("POST", "/api/system/decisions/order:7", body))[0] == 409


# Settings

VIEWS = (
    SettingView("max_trades_per_day", "6", "int", "", "4", "1", "50", "on one day"),
    SettingView("fx_buffer_pct", "0.02", "decimal", "fraction", "0.02", "0", "0.2", "on top"),
    SettingView("core_hours_only", "true", "bool", "", "true", None, None, "the core only"),
    SettingView("benchmark_symbols", "SPY.US,^X", "symbols", "", "SPY.US", None, None, "measure"),
)


async def test_settings_are_flat_and_typed() -> None:
    sender = Sender(full_world(), {"schedule": (VIEWS,)})
    assert await sender("GET", "/api/settings") == (
        200,
        {
            "trading_mode": "live",
            "max_trades_per_day": 6,
            "fx_buffer_pct": 0.02,
            "core_hours_only": True,
            "benchmark_symbols": "SPY.US,^X",
        },
    )
    assert sender.asked == [ListSettings()]


async def test_the_catalogue_has_bounds_and_units() -> None:
    sender = Sender(full_world(), {"schedule": (VIEWS,)})
    _, rows = await sender("GET", "/api/settings?meta=true")
    assert rows[0] | {"description": ""} == {
        "key": "max_trades_per_day", "value": 6, "kind": "int", "unit": "", "default": 4,
        "low": 1, "high": 50, "description": "",
    }  # fmt: skip
    assert (rows[2]["value"], rows[2]["low"]) == (True, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6, "6"),
        ("6", "6"),
        (0.015, "0.015"),
        (True, "true"),
        (False, "false"),
        (-0.2, "-0.2"),
        ("SPY.US, 700.HK,^GSPC", "SPY.US, 700.HK,^GSPC"),
        ("true", "true"),
    ],
)
async def test_a_setting_is_put_as_the_text_of_its_value(value: Any, text: str) -> None:
    sender = Sender(full_world(), {"schedule": (VIEWS[0],)})
    status, shown = await sender("PUT", "/api/settings/max_trades_per_day", {"value": value})
    assert sender.asked == [PutSetting("max_trades_per_day", text, BY)]
    assert (status, shown) == (200, {"max_trades_per_day": 6})


@pytest.mark.parametrize(
    "value",
    [None, [], {}, "", "1e-99999999", "x y", "9" * 30, 1e300, "1.e5", "1.E9,A", "A,", "A" * 101],
)
async def test_what_is_no_value_is_422_and_asks_nothing(value: Any) -> None:
    sender = Sender(full_world(), {"schedule": (VIEWS[0],)})
    status, document = await sender("PUT", "/api/settings/max_trades_per_day", {"value": value})
    assert (status, document["errors"][0]["field"]) == (422, "value")
    assert sender.asked == []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Missing("there is no setting 'x', did you mean y?"), 400, "unknown_setting"),
        (Refused("trading_mode is not an ordinary setting", code="reserved_key"), 400,
         "reserved_key"),
        (Refused("x = '9': must be 1 to 5", code="setting_value"), 422, "invalid"),
    ],
)  # fmt: skip
async def test_a_refused_setting_names_key_and_bound(
    error: Exception, status: int, code: str
) -> None:
    sender = Sender(full_world(), {"schedule": (error,)})
    got, document = await sender("PUT", "/api/settings/x", {"value": 9})
    assert (got, document["code"], document["detail"]) == (status, code, str(error))


# Sales that cover negative cash stand before the plan


def repair(state: EmergencyState = EmergencyState.SELLING) -> EmergencyRun:
    return EmergencyRun("01HRUN", "live", state, NOW, NOW, ())


async def test_sales_for_negative_cash_come_before_the_plan_and_leave_its_totals() -> None:
    world = full_world()
    path = "/api/trades/recommendations"
    _, plain = await Sender(world)("GET", path)
    sale = EmergencySale(
        "01HRUN", 1, "AAPL.US", Quantity.of(2), Price.of("180", "USD"), eur("331.80"), "USD −300"
    )
    world.views.sales = (sale, replace(sale, number=2, symbol="ZZZ.US", intent_id=8))
    _, shown = await Sender(world)("GET", path)
    assert [step["step"] for step in shown["steps"]] == [1, 2, 3, 4, 5]
    assert [step["is_emergency"] for step in shown["steps"]] == [True] * 2 + [False] * 3
    assert [step["plan_step"] for step in shown["steps"]] == [None, None, 1, 2, 3]
    first, second = shown["steps"][:2]
    assert (first["name"], first["estimated_value"], first["state"]) == (
        "Apple", 331.8, "proposed",
    )  # fmt: skip
    assert (second["name"], second["state"], second["intent_id"]) == ("ZZZ.US", "submitting", 8)
    assert shown["next_step"] == plain["next_step"] + 2
    for total in ("depth", "total_score_improvement", "final_available_cash", "evaluated_count"):
        assert shown[total] == plain[total]


async def test_after_a_repair_the_plan_stands_alone_again() -> None:
    world = full_world()
    world.views.error = AssertionError("nothing is asked of the store")
    world.boards.emergency.publish(repair(EmergencyState.RESOLVED))
    status, shown = await Sender(world)("GET", "/api/trades/recommendations")
    assert (status, shown["steps"][0]["is_emergency"]) == (200, False)
