"""The routes of dividends over a real store and the actor that owns the pots."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from quart_trio import QuartTrio

from ledger.dividend import PotShare
from ledger.money import Money, Price, Quantity
from ledger.order import OrderState, Proposal
from ledger.rate import Rate, RateTable
from tests.actors.rig import Rig, open_rig
from tests.store.builders import TIMES, dividend, flow, paid
from tests.web.world import BEARER, empty_world, eur, full_world
from web.app import create_app
from web.ports import BuildInfo
from wire.events import EventRing

ROOT = "/api/dividends"


@dataclass(frozen=True, slots=True)
class Client:
    app: QuartTrio
    rig: Rig

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        response = await self.app.test_client().get(f"{ROOT}{path}", query_string=query)
        assert response.status_code == status, await response.get_data(as_text=True)
        if status != 200:
            assert response.mimetype == "application/problem+json"
        return await response.get_json(force=True)

    async def post(self, path: str, json: Any = None, *, status: int) -> Any:
        response = await self.app.test_client().post(f"{ROOT}{path}", json=json, headers=BEARER)
        assert response.status_code == status, await response.get_data(as_text=True)
        return None if status == 204 else await response.get_json(force=True)

    async def note(self, status: int = 201, **changes: Any) -> Any:
        told = {
            "symbol": "aaa.eu",
            "amount": 12.5,
            "amount_eur": 12.5,
            "currency": "EUR",
            "payment_date": "2026-03-02",
        }
        return await self.post("", {**told, **changes}, status=status)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncGenerator[Client]:
    async with open_rig(tmp_path) as rig:
        world = empty_world()
        app = create_app(
            boards=rig.system.boards,
            events=EventRing(),
            asks=rig.system.asks,
            views=rig.store.views,
            health=rig.system.health,
            clock=rig.clock,
            access=world.access,
            info=BuildInfo("1", None, "3.11", 7, "numpy", "paper"),
            shutdown=world.shutdown,
        )
        await rig.start("drip")
        yield Client(app, rig)


async def test_an_empty_ledger_answers_empty_lists(client: Client) -> None:
    for path in ("", "/", "/unreinvested", "/pending-bonuses", "/symbol/AAA.EU"):
        assert await client.get(path) == []
    assert await client.get("/analytics/total") == {}
    assert await client.get("/analytics/reinvestment-rate") == {"rate": 0}


async def test_a_dividend_told_by_the_owner_is_shown_as_it_was_told(client: Client) -> None:
    made = await client.note(isin="DE0001234560")
    assert made["id"] == 1
    assert made["symbol"] == "AAA.EU"
    assert (made["amount"], made["amount_eur"], made["currency"]) == (12.5, 12.5, "EUR")
    assert (made["payment_date"], made["isin"]) == ("2026-03-02", "DE0001234560")
    assert (made["state"], made["reinvested"], made["cash_flow_id"]) == ("received", False, None)
    assert await client.get("/1") == made
    assert await client.get("/symbol/aaa.eu") == [made]
    assert await client.get("/") == [made]
    assert await client.get("/unreinvested") == [made]
    assert await client.get("/unreinvested", min_amount_eur=12.51) == []


async def test_the_same_dividend_is_not_told_twice(client: Client) -> None:
    await client.note()
    assert (await client.note(status=409))["code"] == "duplicate"


WRONG: tuple[dict[str, Any], ...] = (
    {"symbol": ""},
    {"symbol": "  "},
    {"amount": 0},
    {"amount": -1},
    {"amount": "NaN"},
    {"amount": 1e300},
    {"amount": "1e-99999999"},
    {"amount": 0.001},
    {"amount_eur": 0},
    {"amount_eur": None},
    {"currency": "QQQ"},
    {"currency": ""},
    {"payment_date": "yesterday"},
    {"payment_date": "1999-12-31"},
    {"payment_date": "9999-12-31"},
    {"payment_date": None},
    {"isin": "DE"},
    {"cash_flow_id": 0},
    {"reinvested": True},
)


async def test_what_is_told_is_checked(client: Client) -> None:
    for changes in WRONG:
        problem = await client.note(status=422, **changes)
        assert problem["errors"][0]["field"] == next(iter(changes))
    assert await client.get("") == []


async def test_a_value_far_from_the_days_rate_is_refused(client: Client) -> None:
    """C10: never 1:1."""
    await _usd_rate(client)
    problem = await client.note(status=422, currency="USD", amount=110, amount_eur=110)
    assert "100.00 EUR" in problem["detail"]
    made = await client.note(currency="USD", amount=110, amount_eur=102.5)
    assert made["amount_eur"] == 100
    assert (await client.note(status=422, amount=100, amount_eur=104))["code"] == "invalid"


async def test_a_linked_dividend_has_the_money_of_its_cash_flow(client: Client) -> None:
    store = client.rig.store
    await store.facts.record([flow("loose", "dividend", eur("12.5"))], **TIMES)
    number = (await store.views.flows.recent(1))[0].id
    made = await client.note(cash_flow_id=number)
    assert (made["cash_flow_id"], made["state"]) == (number, "accumulating")
    assert await store.dividends.earmarked() == {"EUR": 1250}
    again = await client.note(status=409, cash_flow_id=number, payment_date="2026-03-01")
    assert again["code"] == "linked"
    assert (await client.note(status=404, cash_flow_id=99))["code"] == "missing"
    other = await client.note(status=409, cash_flow_id=number, amount=9, amount_eur=9)
    assert other["code"] == "cash_flow_mismatch"


async def test_names_win_over_numbers_and_ids_must_be_numbers(client: Client) -> None:
    assert await client.get("/unreinvested") == []
    assert (await client.get("/abc", status=400))["code"] == "not_a_number"
    for number in ("1", "-1", "0", "9" * 40):
        assert (await client.get(f"/{number}", status=404))["code"] == "missing"


async def test_a_bad_bound_is_refused_by_name(client: Client) -> None:
    for limit, bound in (("0", 1), ("-1", 1), ("1001", 1000)):
        error = (await client.get("", status=422, limit=limit))["errors"][0]
        assert (error["field"], error["bound"]) == ("limit", bound)
    for least in ("-1", "NaN", "inf", "x"):
        problem = await client.get("/unreinvested", status=422, min_amount_eur=least)
        assert problem["errors"][0]["field"] == "min_amount_eur"


async def test_a_bonus_is_set_shown_and_cleared(client: Client) -> None:
    await client.note()
    await client.note(payment_date="2026-03-01")
    await client.post("/1/pending-bonus", {"amount": 2.5}, status=204)
    await client.post("/2/pending-bonus", {"amount": 4}, status=204)
    rows = await client.get("/pending-bonuses")
    assert rows == [{"symbol": "AAA.EU", "pending_bonus": 6.5, "ratio": None}]
    cleared = await client.post("/clear-bonus/aaa.eu", status=200)
    assert cleared == {"symbol": "AAA.EU", "rows_affected": 2}
    assert await client.get("/pending-bonuses") == []
    record = await client.get("/1")
    assert record["bonus_cleared"] is True
    assert record["cleared_at"] is not None
    assert (await client.post("/clear-bonus/aaa.eu", status=200))["rows_affected"] == 0
    assert (await client.post("/9/pending-bonus", {"amount": 1}, status=404))["code"] == "missing"
    for amount in (-1, "NaN", None):
        await client.post("/1/pending-bonus", {"amount": amount}, status=422)


async def test_a_bonus_is_at_most_a_twentieth_of_the_position(client: Client) -> None:
    client.rig.boards.portfolio.publish(full_world().boards.portfolio.value)
    await client.note(symbol="IBE.EU", amount=24.86, amount_eur=24.86)
    await client.post("/1/pending-bonus", {"amount": 24.86}, status=204)
    (row,) = await client.get("/pending-bonuses")
    assert row["ratio"] == 0.01
    await client.post("/1/pending-bonus", {"amount": 2000}, status=204)
    assert (await client.get("/pending-bonuses"))[0]["ratio"] == 0.05


async def test_what_the_owner_marks_is_reinvested_once(client: Client) -> None:
    store = client.rig.store
    await store.facts.record([dividend("d1"), *paid("d1")], **TIMES)
    await client.post("/1/mark-reinvested", {"quantity": 5}, status=204)
    record = await client.get("/1")
    assert (record["reinvested"], record["reinvested_quantity"]) == (True, 5)
    assert (record["pending_bonus"], record["unreinvested"]) == (0, 0)
    assert record["reinvested_at"] is not None
    assert await store.dividends.earmarked() == {}
    assert await client.get("/unreinvested") == []
    again = await client.post("/1/mark-reinvested", {"quantity": 5}, status=409)
    assert again["code"] == "already_reinvested"
    assert await client.post("/7/mark-reinvested", {"quantity": 5}, status=404)
    for quantity in (0, -1, 1.5, "1", None):
        await client.post("/1/mark-reinvested", {"quantity": quantity}, status=422)


async def test_what_an_order_holds_cannot_be_marked(client: Client) -> None:
    store = client.rig.store
    await store.facts.record([dividend("d1"), *paid("d1")], **TIMES)
    wanted = Proposal(
        order_class="drip", source_id="s", step=1, attempt=1, bucket_id="core", symbol="AAA.EU",
        security_id=None, side="BUY", quantity=Quantity.of(1), currency="EUR",
        decision_price=Price.of("50", "EUR"), value_eur=eur("50"), reason="test",
    )  # fmt: skip
    intent = await store.orders.propose(
        wanted, mode="live", at=TIMES["at"], shares=[PotShare(1, eur("51"))]
    )
    assert intent.state is OrderState.PROPOSED
    held = await client.post("/1/mark-reinvested", {"quantity": 1}, status=409)
    assert held["code"] == "reserved"
    assert (await client.get("/1"))["state"] == "reserved"


async def test_totals_and_the_share_that_was_reinvested(client: Client) -> None:
    await client.note()
    await client.note(symbol="BBB.EU", amount=37.5, amount_eur=37.5)
    await client.post("/2/mark-reinvested", {"quantity": 1}, status=204)
    assert await client.get("/analytics/total") == {"AAA.EU": 12.5, "BBB.EU": 37.5}
    assert await client.get("/analytics/reinvestment-rate") == {"rate": 0.75}


async def test_a_total_with_an_unknown_part_is_unknown(client: Client) -> None:
    store = client.rig.store
    usd = flow("m", "dividend", Money.of("110", "USD"), reference="d1")
    await store.facts.record([dividend("d1"), usd], **TIMES)
    assert await client.get("/analytics/total") == {"AAA.EU": None}
    assert await client.get("/analytics/reinvestment-rate") == {"rate": 0}
    assert len(await client.get("/unreinvested")) == 1
    assert await client.get("/unreinvested", min_amount_eur="0.01") == []
    assert (await client.get("/pending-bonuses"))[0]["pending_bonus"] is None
    await _usd_rate(client)
    assert await client.get("/analytics/total") == {"AAA.EU": 100}


async def test_a_change_needs_the_token(client: Client) -> None:
    for path in ("", "/1/pending-bonus", "/1/mark-reinvested", "/clear-bonus/AAA.EU"):
        response = await client.app.test_client().post(f"{ROOT}{path}", json={})
        assert response.status_code == 401


async def _usd_rate(client: Client) -> None:
    rate = Rate("EUR", "USD", Decimal("1.10"), date(2026, 3, 2), "ecb")
    await client.rig.store.market.put_rates(RateTable({"USD": rate}), at=TIMES["at"])
