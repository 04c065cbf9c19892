"""/api/cash-flows: the list, the totals, and a trigger that two methods share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import trio

from ledger.cash_flow import FlowRow, FlowStatus
from ledger.errors import ActorUnavailable, Busy
from ledger.fact import FlowCategory
from ledger.money import Money
from ledger.rate import Rate
from ledger.run import RunStatus
from store.flow_views import CashFlowRow
from tests.web.world import BEARER, CODE, NOW, World, full_world, run
from web.access import COOKIE
from wire.messages import BrokerLink, RunJob

SYNC = "/api/cash-flows/sync"
USD = Rate("USD", "EUR", Decimal("0.92"), NOW.date(), "ecb")


def shown(
    number: int,
    category: FlowCategory,
    amount: str,
    currency: str = "EUR",
    *,
    status: FlowStatus = "completed",
    type_: str | None = None,
    known: bool = True,
) -> CashFlowRow:
    money = Money.of(amount, currency)
    word = category if type_ is None else type_
    in_eur = money if currency == "EUR" else Money.half_even(money.amount * USD.value, "EUR")
    return CashFlowRow(
        id=number,
        supersedes=None if number % 2 else number - 1,
        flow=FlowRow(f"T{number}", word, category, status, money, NOW, description="d"),
        day=NOW.date(),
        created_at=NOW,
        updated_at=NOW + timedelta(minutes=1),
        processed_at=NOW if status == "completed" else None,
        in_eur=in_eur if known else None,
        rate=USD if known and currency != "EUR" else None,
    )


ROWS = (
    shown(9, "deposit", "1000"),
    shown(8, "deposit", "100", "USD"),
    shown(7, "withdrawal", "-250"),
    shown(6, "fee", "-2.50", type_="withdrawal_fee"),
    shown(5, "dividend", "12"),
    shown(4, "tax", "-3"),
    shown(3, "interest", "0.40"),
    shown(2, "other", "5", type_=""),
    shown(1, "deposit", "7777", status="pending"),
)


def world_with(*rows: CashFlowRow) -> World:
    world = full_world()
    world.views.flows.rows = rows
    return world


async def get(world: World, path: str, **query: Any) -> Any:
    response = await world.app().test_client().get(path, query_string=query)
    return response.status_code, await response.get_json()


async def test_a_row_says_everything_about_its_newest_version() -> None:
    _, rows = await get(world_with(ROWS[1]), "/api/cash-flows")
    assert rows == [
        {
            "id": 8,
            "transaction_id": "T8",
            "type_doc_id": None,
            "transaction_type": "deposit",
            "category": "deposit",
            "date": "2026-03-02",
            "amount": 100.0,
            "currency": "USD",
            "amount_eur": 92.0,
            "rate_used": 0.92,
            "rate_source": "ecb",
            "status": "completed",
            "status_c": 3,
            "symbol": None,
            "reference": None,
            "description": "d",
            "created_at": "2026-03-02T14:30:00Z",
            "updated_at": "2026-03-02T14:31:00Z",
            "processed_at": "2026-03-02T14:30:00Z",
            "supersedes": 7,
        }
    ]


async def test_nothing_is_an_empty_list() -> None:
    assert await get(world_with(), "/api/cash-flows") == (200, [])


async def test_an_unknown_rate_and_a_missing_word_are_null() -> None:
    odd = shown(1, "other", "1", "USD", type_="", known=False)
    _, (row,) = await get(world_with(odd), "/api/cash-flows")
    assert [row[name] for name in ("amount_eur", "rate_used", "rate_source")] == [None] * 3
    assert row["transaction_type"] is None


async def test_every_filter_reaches_the_store_alone_and_together() -> None:
    world = world_with()
    first, last = date(2026, 1, 1), date(2026, 2, 1)
    await get(world, "/api/cash-flows")
    await get(world, "/api/cash-flows", start_date="2026-01-01")
    await get(world, "/api/cash-flows/", end_date="2026-02-01")
    await get(
        world,
        "/api/cash-flows",
        limit=10_000,
        transaction_type="card",
        start_date="2026-01-01",
        end_date="2026-02-01",
    )
    assert world.views.flows.asked == [
        (None, None, None, None),
        (None, None, first, None),
        (None, None, None, last),
        (10_000, "card", first, last),
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 10_001}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"start_date": "02.03.2026"}, "start_date"),
        ({"end_date": "2026-02-30"}, "end_date"),
        ({"start_date": "2026-02-02", "end_date": "2026-02-01"}, "start_date"),
        ({"transaction_type": ""}, "transaction_type"),
        ({"before": 1}, "before"),
    ],
)
async def test_a_bad_filter_is_named(query: Mapping[str, Any], field: str) -> None:
    status, problem = await get(full_world(), "/api/cash-flows", **query)
    assert (status, problem["errors"][0]["field"]) == (422, field)


async def test_k7_the_summary_counts_completed_flows_and_keeps_fees_apart() -> None:
    status, summary = await get(world_with(*ROWS), "/api/cash-flows/summary")
    assert status == 200
    by_type, by_currency = summary.pop("by_type"), summary.pop("by_currency")
    assert summary == {
        "total_transactions": 8,
        "total_deposits": 1092.0,
        "total_withdrawals": 250.0,
        "net_cash_flow": 842.0,
        "dividends": 12.0,
        "fees": 2.5,
        "taxes": 3.0,
        "interest": 0.4,
        "unknown_rates": [],
    }
    assert by_type["deposit"] == {"count": 2, "total": 1092.0}
    assert by_type["withdrawal"] == {"count": 1, "total": -250.0}
    assert by_type["withdrawal_fee"] == {"count": 1, "total": -2.5}
    assert by_type["unknown"] == {"count": 1, "total": 5.0}
    assert by_currency["USD"]["deposits"] == by_currency["USD"]["total"] == 100.0
    assert (by_currency["EUR"]["count"], by_currency["EUR"]["total"]) == (7, 761.9)


async def test_k7_flows_without_a_type_and_flows_of_the_type_unknown_share_one_total() -> None:
    rows = (shown(1, "other", "5", type_=""), shown(2, "other", "7", type_="unknown"))
    _, summary = await get(world_with(*rows), "/api/cash-flows/summary")
    assert summary["by_type"] == {"unknown": {"count": 2, "total": 12.0}}


async def test_a_total_that_needs_an_unknown_rate_is_null_and_names_the_currency() -> None:
    rows = (*ROWS, shown(11, "deposit", "1", "USD", known=False))
    _, summary = await get(world_with(*rows), "/api/cash-flows/summary")
    assert summary["total_deposits"] is None
    assert summary["net_cash_flow"] is None
    assert summary["by_type"]["deposit"] == {"count": 3, "total": None}
    assert (summary["total_withdrawals"], summary["fees"]) == (250.0, 2.5)
    assert summary["by_currency"]["USD"]["deposits"] == 101.0
    assert summary["unknown_rates"] == ["USD"]


async def test_no_flows_add_up_to_zero() -> None:
    _, summary = await get(world_with(), "/api/cash-flows/summary")
    assert (summary["total_transactions"], summary["net_cash_flow"]) == (0, 0)
    assert summary["by_type"] == summary["by_currency"] == {}


async def trigger(world: World, method: str, answer: object) -> tuple[int, Any, Any]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.answer, world.asks.schedule, answer)
        client = world.app().test_client()
        response = await client.open(SYNC, method=method, headers=BEARER)
        nursery.cancel_scope.cancel()
    return response.status_code, await response.get_json(), response.headers


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_both_methods_start_the_same_run(method: str) -> None:
    world = full_world()
    asked: list[object] = []

    async def play() -> None:
        ask = await world.asks.schedule.receive()
        asked.append(ask.request)
        ask.slot.answer(run(7, "sync", RunStatus.QUEUED))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        client = world.app().test_client()
        response = await client.open(SYNC, method=method, headers=BEARER)
    assert response.status_code == 202
    answer = await response.get_json()
    assert (answer["job"], answer["run_id"]) == ("sync", run(7, "sync", RunStatus.QUEUED).run_id)
    assert asked == [RunJob("sync", "api")]
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_running_sync_is_named(method: str) -> None:
    busy = Busy("sync is already running", run_id="R1")
    status, problem, _ = await trigger(full_world(), method, busy)
    assert (status, problem["code"], problem["run_id"]) == (409, "already_running", "R1")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_without_a_broker_nothing_is_started(method: str) -> None:
    world = full_world()
    world.boards.link.publish(BrokerLink(False, NOW, "no route to host", 3))
    client = world.app().test_client()
    response = await client.open(SYNC, method=method, headers=BEARER)
    problem = await response.get_json()
    assert (response.status_code, problem["code"]) == (503, "broker_unavailable")
    assert "no route" in problem["detail"]


async def test_an_actor_that_is_away_is_told() -> None:
    status, problem, _ = await trigger(full_world(), "POST", ActorUnavailable("restarting"))
    assert (status, problem["code"]) == (503, "actor_unavailable")


@pytest.mark.parametrize("path", [SYNC, f"{SYNC}/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_reading_the_trigger_needs_the_token_and_no_session_will_do(
    path: str, method: str
) -> None:
    client = full_world().app().test_client()
    assert (await client.open(path, method=method)).status_code == 401
    login = await client.get(f"/login?code={CODE}")
    assert COOKIE in login.headers["Set-Cookie"]
    csrf = {"X-CSRF-Token": "csrf-of-session"}
    assert (await client.open(path, method=method, headers=csrf)).status_code == 401
    wrong = {"Authorization": "Bearer guess"}
    assert (await client.open(path, method=method, headers=wrong)).status_code == 401


async def test_a_session_may_post_with_its_proof() -> None:
    world = full_world()
    client = world.app().test_client()
    await client.get(f"/login?code={CODE}")
    assert (await client.post(SYNC)).status_code == 403
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.answer, world.asks.schedule, run(7, "sync", RunStatus.QUEUED))
        response = await client.post(SYNC, headers={"X-CSRF-Token": "csrf-of-session"})
    assert response.status_code == 202


async def test_reading_the_trigger_counts_as_a_change() -> None:
    client = full_world().app().test_client()
    codes = [(await client.get(SYNC)).status_code for _ in range(61)]
    assert codes == [401] * 60 + [429]
