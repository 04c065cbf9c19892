"""Cash by currency and what came and went: known figures with their age, never made-up ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from ledger.cash_flow import FlowRow, FlowStatus
from ledger.fact import FlowCategory
from ledger.money import Money
from store.flow_views import CashFlowRow
from tests.web.world import NOW, World, empty_world, eur, full_world, portfolio, rates


def flow(
    number: int, category: FlowCategory, money: Money, status: FlowStatus = "completed"
) -> CashFlowRow:
    at = NOW - timedelta(days=number)
    row = FlowRow(f"t{number}", category, category, status, money, at, description=f"no. {number}")
    table = rates()
    worth, rate = table.to_eur(money), table.rate(money.currency, "EUR")
    return CashFlowRow(number, None, row, at.date(), at, at, at, worth, rate)


async def read(world: World, path: str, status: int = 200) -> Any:
    response = await world.app().test_client().get(f"/api/portfolio/{path}")
    assert response.status_code == status
    return await response.get_json()


async def test_deposits_and_withdrawals_are_listed_apart_with_positive_amounts() -> None:
    world = full_world()
    world.views.flows.rows = (
        flow(1, "withdrawal", eur("-40")),
        flow(2, "deposit", Money.of("108.50", "USD")),
        flow(3, "dividend", eur("7")),
        flow(4, "deposit", eur("9"), "pending"),
        flow(5, "deposit", eur("1")),
    )
    shown = await read(world, "transactions")
    assert shown["withdrawals"] == [
        {
            "date": "2026-03-01",
            "amount": 40,
            "amount_eur": 40,
            "currency": "EUR",
            "description": "no. 1",
        }
    ]
    assert [(row["amount"], row["amount_eur"]) for row in shown["deposits"]] == [
        (108.5, 100),
        (1, 1),
    ]
    assert (shown["total_withdrawals"], shown["total_deposits"]) == (40, 101)
    assert shown["note"]


async def test_a_flow_without_a_rate_makes_its_total_unknown_only() -> None:
    world = full_world()
    lost = replace(flow(1, "deposit", Money.of("5", "GBP")), in_eur=None, rate=None)
    world.views.flows.rows = (lost, flow(2, "withdrawal", eur("-3")))
    shown = await read(world, "transactions")
    assert (shown["total_deposits"], shown["total_withdrawals"]) == (None, 3)
    assert shown["deposits"][0]["amount_eur"] is None


async def test_without_flows_the_totals_are_zero() -> None:
    shown = await read(empty_world(), "transactions")
    assert (shown["total_deposits"], shown["withdrawals"], shown["deposits"]) == (0, [], [])


async def test_cash_is_told_by_currency_with_where_it_comes_from() -> None:
    shown = await read(full_world(), "cash-breakdown")
    assert {row["currency"]: row["amount"] for row in shown["balances"]} == {
        "EUR": 1843.27, "USD": 212.05, "CHF": -3.1,
    }  # fmt: skip
    assert shown["total_eur"] == round(sum(row["amount_eur"] for row in shown["balances"]), 2)
    assert (shown["source"], shown["stale"]) == ("live", None)


async def test_cash_that_could_not_be_read_anew_says_so() -> None:
    world = full_world()
    world.boards.portfolio.publish(replace(portfolio(), stale="broker: no answer"))
    shown = await read(world, "cash-breakdown")
    assert (shown["source"], shown["stale"]) == ("last_known", "broker: no answer")
    assert shown["balances"]


async def test_before_anything_is_known_cash_is_503_and_not_nothing() -> None:
    assert (await read(empty_world(), "cash-breakdown", 503))["code"] == "starting"


async def test_a_total_that_needs_an_unknown_rate_is_unknown() -> None:
    world = full_world()
    known = portfolio()
    euro, *foreign = known.cash
    cash = (euro, *(replace(one, value_eur=None) for one in foreign))
    world.boards.portfolio.publish(replace(known, cash=cash, cash_eur=None, total_eur=None))
    shown = await read(world, "cash-breakdown")
    assert shown["total_eur"] is None
    assert [row["amount_eur"] for row in shown["balances"]] == [1843.27, None, None]
