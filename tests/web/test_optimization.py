"""/api/optimizer: the last run and the settings, and a run with all that held it back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.errors import Busy, Refused, Unavailable
from ledger.money import Money
from ledger.optimization import Correlation, OptimizerRun
from policy.optimizer.run import optimize
from tests.policy.optimizer_cases import given_of, many, member
from tests.web.asking import Sender
from tests.web.world import empty_world, eur
from wire.optimizer_asks import OptimizerState, RunOptimizer, ShowOptimizer

STATE = OptimizerState(
    blend=Decimal("0.5"),
    target_return=Decimal("0.11"),
    min_cash_reserve=eur("500"),
    min_trade=eur("250"),
    last=None,
    running=False,
)


def found() -> OptimizerRun:
    members = (
        *many(10, held=4),
        member("BAN", "0.12", allow_sell=False, column=10),
        member(
            "LOT", "0.02", lot_share=Decimal("0.02"), allow_buy=False, single_lot=True, column=11
        ),
        member("DARK", "0.05", growth=None),
    )
    case = given_of(
        members, countries={"East": "0.5", "West": "0.5"}, industries={"Iron": "1"},
        total=Money(40_000_00, "EUR"),
    )  # fmt: skip
    return optimize(case)


def sender(*answers: object) -> Sender:
    return Sender(empty_world(), {"analyst": answers})


async def test_before_the_first_run_there_are_settings_and_no_result() -> None:
    send = sender(STATE)
    status, body = await send("GET", "/api/optimizer")
    assert status == 200
    assert body == {
        "settings": {
            "optimizer_blend": 0.5,
            "optimizer_target_return": 0.11,
            "min_cash_reserve": 500.0,
            "min_trade_amount": 250.0,
        },
        "last_run": None,
        "last_run_time": None,
        "status": "ready",
    }
    assert send.asked == [ShowOptimizer()]


async def test_the_last_run_stands_beside_them_with_its_time() -> None:
    run = found()
    _, body = await sender(replace(STATE, last=run, running=True, min_trade=None))(
        "GET", "/api/optimizer/"
    )
    assert body["status"] == "running"
    assert body["last_run_time"] == "2026-03-04T13:00:00Z"
    assert body["last_run"]["run_id"] == run.run_id
    assert body["settings"]["min_trade_amount"] is None


async def test_a_run_tells_its_changes_and_what_held_it_back() -> None:
    run = found()
    send = sender(run)
    status, body = await send("POST", "/api/optimizer/run")
    assert (status, body["success"], body["timestamp"]) == (200, True, "2026-03-04T13:00:00Z")
    assert send.asked == [RunOptimizer()]
    result = body["result"]
    assert result["target_return_pct"] == 0.11
    assert sum(result["risk_contributions"].values()) == pytest.approx(
        result["achieved_volatility_pct"], abs=1e-4
    )
    assert 1 / 13 < result["concentration"] < 0.2
    assert result["total_stocks_optimized"] == 12
    constraints = result["constraints"]
    assert constraints["total_stocks"] == 13
    assert constraints["locked_positions"] == ["LOT"]
    assert constraints["buy_only"] == ["BAN"]
    assert constraints["sell_blocked"] == ["BAN"]
    assert constraints["held_without_data"] == ["DARK"]
    assert [row["name"] for row in constraints["country_constraints"]] == ["East", "West"]
    iron = constraints["industry_constraints"][0]
    assert iron["range"][0] < iron["target"] <= iron["range"][1]
    assert iron["slack"] > 0
    assert result["weights"]["DARK"] == 0.05
    assert result["weights"]["LOT"] == 0.02


async def test_changes_are_the_largest_five_in_fractions_and_whole_euros() -> None:
    run = found()
    _, body = await sender(run)("POST", "/api/optimizer/run")
    rows = body["result"]["top_adjustments"]
    assert len(rows) == 5
    sizes = [abs(row["change_pct"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    first, change = rows[0], run.adjustments[0]
    assert first["symbol"] == change.symbol
    assert first["change_eur"] == round(float(change.change) * 40_000)
    assert first["direction"] == ("buy" if change.change > 0 else "sell")
    verb = first["direction"].capitalize()
    assert body["result"]["next_action"] == f"{verb} {change.symbol} ~€{abs(first['change_eur']):,}"


async def test_a_run_without_weights_is_an_answer() -> None:
    run = optimize(given_of(()))
    status, body = await sender(run)("POST", "/api/optimizer/run", {})
    assert (status, body["success"]) == (200, False)
    assert body["result"]["error"] == "No active securities"
    assert body["result"]["top_adjustments"] == []
    assert body["result"]["next_action"] is None
    assert body["result"]["achieved_return_pct"] is None


async def test_refusals_keep_their_status() -> None:
    for error, expected, code in (
        (Refused("No securities in universe", code="no_securities"), 400, "no_securities"),
        (Busy("the optimizer is already running"), 409, "already_running"),
        (Unavailable("the account has not been read yet"), 503, "broker_unavailable"),
    ):
        status, body = await sender(error)("POST", "/api/optimizer/run")
        assert (status, body["code"]) == (expected, code)


async def test_a_run_takes_nothing_from_its_caller() -> None:
    status, body = await sender(STATE)("POST", "/api/optimizer/run", {"blend": 1})
    assert status == 422
    assert body["errors"][0]["field"] == "blend"


async def test_close_pairs_are_told_to_three_places() -> None:
    pair = Correlation("A", "B", -0.87654)
    _, body = await sender(replace(found(), correlations=(pair,)))("POST", "/api/optimizer/run")
    rows = body["result"]["high_correlations"]
    assert rows == [{"symbol1": "A", "symbol2": "B", "correlation": -0.877}]
