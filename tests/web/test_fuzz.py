"""Whatever is sent, the answer is one that is documented, and never 500."""

from __future__ import annotations

import json
from typing import Any

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.allocation import Groups
from ledger.bucket import Autonomy
from ledger.decision import Choice, Decision
from ledger.order import OrderState
from ledger.planner_config import ConfigRefused
from ledger.run import RunStatus
from policy.allocation import group_name, member_names, wanted_weights
from tests.web.chart_answers import CHART, SPARKLINES
from tests.web.planner_world import WRONG, config, difference, past, telling
from tests.web.test_scoring import SCORE
from tests.web.world import BEARER, NOW, full_world, intent, owner_latch, plan, portfolio, run
from wire.allocation_asks import GroupView, PutGroup, PutGroupTargets
from wire.chart_asks import PriceChart, Sparklines
from wire.mailbox import AskBox, serving
from wire.messages import Decide, ProposeStep, RunJob, SetMode
from wire.order_asks import CancelOrder, PlaceOrder, Resolve
from wire.planner_asks import (
    ApplyConfig,
    ApprovePlan,
    CreateConfig,
    DismissStep,
    PlanAgain,
    PostponePlan,
    RejectPlan,
    SetAutonomy,
    ShowDifference,
    UpdateConfig,
    ValidateConfig,
)
from wire.scoring_asks import ScoreSeries
from wire.security_asks import AddSecurity, DeleteSecurity, SearchSecurities, UpdateSecurity
from wire.setting_asks import ListSettings, PutSetting, SettingView

POSTS = (
    "/api/system/halt", "/api/system/resume", "/api/settings/trading-mode",
    "/api/trades/execute", "/api/trades/recommendations/execute",
    "/api/trades/orders/68000000003/cancel", "/api/system/decisions/order:7",
    "/api/securities", "/api/securities/add-by-identifier", "/api/securities/refresh-all",
    "/api/securities/IBE.EU/refresh", "/api/securities/IBE.EU/refresh-data",
    "/api/scoring/score",
    "/api/planners", "/api/planners/validate", "/api/planners/c-core/apply",
    "/api/planner/regenerate-sequences", "/api/trades/recommendations/P-1/dismiss",
    "/api/planner/plans/P/approve", "/api/planner/plans/P/postpone", "/api/planner/plans/P/reject",
)  # fmt: skip
PUTS = (
    "/api/settings/max_trades_per_day", "/api/allocation/groups/country",
    "/api/allocation/groups/industry", "/api/allocation/groups/targets/country",
    "/api/allocation/groups/targets/industry", "/api/securities/IBE.EU",
    "/api/planners/c-core", "/api/planner/autonomy",
)  # fmt: skip
GETS = (
    "/api/trades", "/api/trades/orders", "/api/trades/allocation", "/api/system/decisions",
    "/api/trades/orders/3", "/api/settings", "/api/portfolio/history", "/api/system/runs",
    "/api/events/stream", "/login", "/api/cash-flows", "/api/cash-flows/summary",
    "/api/allocation/current", "/api/allocation/groups/country", "/api/portfolio/transactions",
    "/api/charts/sparklines", "/api/charts/securities/IBE.EU",
    "/api/securities", "/api/securities/search", "/api/securities/IBE.EU",
    "/api/planner/status", "/api/planner/autonomy", "/api/planner/plans/P", "/api/planners",
    "/api/planners/c-core", "/api/planners/c-core/history", "/api/planner/status/stream",
    "/api/trades/recommendations/stream",
)  # fmt: skip
WORDS = st.sampled_from(
    [
        "reason", "reasons", "confirm", "trading_mode", "live", "research", "owner", "books", "x",
        "symbol", "side", "BUY", "quantity", "limit_price", "force", "L2", "plan_id", "step",
        "choice", "placed", "value", "group_name", "country_names", "industry_names", "targets",
    ]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
# Bodies that come close to an order, a step, a decision or a setting.
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "symbol": st.text(max_size=12) | SCALARS,
        "side": st.sampled_from(["BUY", "SELL", "HOLD"]),
        "quantity": st.integers() | st.floats() | st.sampled_from(["NaN", "1e-9999999", "-0"]),
        "limit_price": st.floats() | st.sampled_from(["sNaN", "1e9999999", None]),
        "force": st.lists(WORDS, max_size=3),
        "plan_id": st.text(max_size=70),
        "step": st.integers(),
        "choice": WORDS,
        "confirm": st.booleans(),
        "value": SCALARS,
    },
) | st.fixed_dictionaries(
    {},
    optional={
        "symbol": st.text(max_size=50),
        "name": SCALARS,
        "identifier": st.sampled_from(["US0378331005", "US0378331006", "X", "A.US"]) | SCALARS,
        "new_symbol": st.text(max_size=50) | SCALARS,
        "yahoo_symbol": SCALARS,
        "product_type": st.sampled_from(["ETF", "UNKNOWN", "", None, "FX"]),
        "min_lot": st.integers() | st.floats(),
        "priority_multiplier": st.floats() | st.sampled_from(["sNaN", "1e9999999", "-1e-9999999"]),
        "min_portfolio_target": st.floats() | st.sampled_from(["NaN", "1e-9999999", "-0", None]),
        "active": st.booleans() | st.none(),
        "currency": st.sampled_from(["EUR", "eur", "EUR\n", None]),
    },
)
# And those that come close to a group.
GROUPS = st.fixed_dictionaries(
    {},
    optional={
        "group_name": st.text(max_size=90),
        "country_names": st.lists(st.text(max_size=12), max_size=4),
        "industry_names": st.lists(st.text(max_size=12), max_size=4),
        "targets": st.dictionaries(
            st.sampled_from(["EU", "eu ", "", "X"]),
            st.floats() | st.integers() | st.sampled_from(["NaN", "sNaN", "1e-9999999", "-0"]),
            max_size=3,
        ),
    },
)
# And those that come close to prices.
PRICES = st.fixed_dictionaries(
    {
        "symbol": st.text(max_size=45),
        "daily_prices": st.lists(st.floats(0, 1e13) | SCALARS, max_size=4),
    },
    optional={
        "monthly_prices": st.lists(
            st.fixed_dictionaries(
                {
                    "year_month": st.sampled_from(["2024-02", "0000-01", "2024-1", "9999-12"]),
                    "avg_adj_close": st.floats(),
                }
            ),
            max_size=3,
        ),
        "target_annual_return": st.floats() | SCALARS,
        "market_avg_pe": st.floats() | SCALARS,
        "upside_pct": st.floats() | SCALARS,
        "max_drawdown": st.floats() | SCALARS,
    },
)
# And those that come close to the owner's word on a plan, or to a configuration.
PLANNING = st.fixed_dictionaries(
    {},
    optional={
        "step": st.integers() | SCALARS,
        "until": st.datetimes().map(str)
        | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30"])
        | SCALARS,
    },
) | st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=110) | SCALARS,
        "toml": st.text(max_size=50) | SCALARS,
        "toml_config": st.sampled_from(["[planner]", "[" * 400, "a = 1979-05-27T07:32:00+99:99"])
        | SCALARS,
        "bucket_id": st.text(max_size=70) | SCALARS,
        "dry_run": st.booleans() | SCALARS,
        "autonomy": st.sampled_from(["advise", "approve", "act_below", "act", "ask"]),
        "act_below_eur": st.floats() | st.sampled_from(["NaN", "sNaN", "1e9999999", "1e-9999999"]),
    },
)
NAMES = st.sampled_from(
    [
        "limit", "days", "symbol", "side", "before_id", "types", "code", "start_date", "end_date",
        "state", "mode", "source", "order_class", "key", "meta", "q", "inactive",
        "points", "range", "interval",
    ]
)  # fmt: skip
DOCUMENTED = {
    200, 201, 202, 204, 303, 400, 401, 403, 404, 405, 409, 412, 413, 422, 423, 429, 502, 503,
}  # fmt: skip
VIEW = SettingView("max_trades_per_day", "6", "int", "", "4", "1", "50", "on one day")
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


ORDER = intent(3, "IBE.EU", "BUY", OrderState.ACTIVE)
SECURITY = portfolio().universe[0]
# What the actor that is asked would answer.
SAID: dict[type, object] = {
    SetMode: "live",
    ListSettings: (VIEW,),
    PutSetting: VIEW,
    Resolve: "done",
    **dict.fromkeys((PlaceOrder, CancelOrder, ProposeStep, Decide), ORDER),
    **dict.fromkeys((AddSecurity, UpdateSecurity, DeleteSecurity), SECURITY),
    SearchSecurities: (),
    ScoreSeries: SCORE,
    RunJob: run(1, "prices", RunStatus.QUEUED),
    Sparklines: SPARKLINES,
    PriceChart: CHART,
    PlanAgain: "01HRUN",
    ShowDifference: difference("P"),
    ValidateConfig: WRONG,
    SetAutonomy: Autonomy("act"),
    **dict.fromkeys((ApprovePlan, PostponePlan, RejectPlan, DismissStep), plan("P")),
    **dict.fromkeys((CreateConfig, UpdateConfig, ApplyConfig), config()),
}


def _said(request: object) -> object:
    match request:
        case PutGroup():
            return GroupView(group_name(request.name, Groups()), member_names(request.members))
        case PutGroupTargets():
            return Groups(wanted=wanted_weights(request.weights)).targets
        case CreateConfig(toml=toml) | UpdateConfig(toml=toml) if toml and "[" in toml:
            raise ConfigRefused(WRONG.errors)
        case _:
            return SAID.get(type(request), (owner_latch(),))


async def _answer_asks(box: AskBox) -> None:
    while True:
        ask = await box.receive()
        async with serving(ask):
            ask.slot.answer(_said(ask.request))


async def _send(method: str, path: str, **kwargs: Any) -> int:
    world = full_world()
    world.views.plans["P"] = telling(plan("P"))
    world.views.configs = (config(),)
    world.views.past = (past(1),)
    choices = (Choice("placed", "it is followed"),)
    world.views.questions = (Decision("order:7", "order", "Placed?", "why", choices, NOW),)
    async with trio.open_nursery() as nursery:
        asks = world.asks
        for box in (asks.schedule, asks.planner, asks.trader, asks.sync, asks.analyst):
            nursery.start_soon(_answer_asks, box)
        world.shutdown.set()
        response = await world.app().test_client().open(path, method=method, **kwargs)
        await response.get_data()
        nursery.cancel_scope.cancel()
    return response.status_code


def send(method: str, path: str, **kwargs: Any) -> int:
    async def main() -> int:
        return await _send(method, path, **kwargs)

    return trio.run(main)


@QUICK
@given(path=st.sampled_from(POSTS + PUTS), value=VALUES | NEARLY | GROUPS | PRICES | PLANNING)
def test_no_json_body_is_a_fault_of_ours(path: str, value: Any) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    method = "PUT" if path in PUTS else "POST"
    assert send(method, path, headers=headers, data=json.dumps(value)) in DOCUMENTED


@QUICK
@given(path=st.sampled_from(POSTS), data=st.binary(max_size=200))
def test_no_bytes_are_a_fault_of_ours(path: str, data: bytes) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    assert send("POST", path, headers=headers, data=data) in DOCUMENTED


@QUICK
@given(
    path=st.sampled_from(GETS),
    query=st.dictionaries(NAMES, st.text(max_size=30) | st.integers().map(str), max_size=4),
)
def test_no_query_is_a_fault_of_ours(path: str, query: dict[str, str]) -> None:
    assert send("GET", path, query_string=query) in DOCUMENTED


def test_a_body_nested_beyond_reason_is_refused() -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    for data in (b'{"reason":' + b"[" * 30_000, b"[" * 60_000, b'{"x":' * 9_000):
        assert send("POST", "/api/system/halt", headers=headers, data=data) in {400, 422}
