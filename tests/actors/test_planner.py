"""The planner: one step at a time, conversions first, and plans that follow the situation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import trio

from actors.planner import UNSEEN
from ledger.errors import Conflict, Missing, Unavailable
from ledger.halt import Latch
from ledger.money import Price, Quantity
from ledger.order import Intent, OrderDraft, OrderState
from ledger.plan import StepState, StoredPlan
from ledger.regime import UNKNOWN_REGIME
from tests.actors.rig import Rig
from tests.store.test_plans import plan as earlier_plan
from tests.support.builders import eur, proposal, rates, security
from wire.messages import Nudge, PlannerStatus, ProposeStep, RunJob, TradingState
from wire.planner_asks import ApplyConfig, UpdateConfig

US = security(
    "DEMO-U.US", currency="USD", mic="XNYS", country="United States", industry="Energy"
).instrument


async def _orders(rig: Rig) -> list[Intent]:
    return list(reversed(await rig.store.orders.recent(500)))


async def _plan(rig: Rig) -> StoredPlan:
    found = await rig.store.plans.current("core")
    assert found is not None
    return found


async def _american(rig: Rig) -> None:
    """Only a share in dollars can be bought, and all the money is in euros."""
    assert rig.clock.jump_to(rig.clock.market_now().replace(hour=15))
    rig.broker.listed = [replace(US, isin="XF0000000002")]
    rig.broker.price("DEMO-U.US", "50", "USD")
    rig.broker.cash = {"EUR": "10000", "USD": "10"}


async def test_the_next_step_is_handed_over_by_itself(rig: Rig) -> None:
    await rig.start("sync", "trader", "planner")
    await rig.settle()
    (order,) = await _orders(rig)
    assert order.proposal.order_class == "planner"
    sent = await rig.until_state(order, OrderState.ACTIVE)
    plan = await _plan(rig)
    assert sent.proposal.source_id == plan.plan.plan_id
    assert plan.steps[0].state is StepState.SUBMITTED


async def test_only_one_step_is_on_its_way(rig: Rig) -> None:
    await rig.start("sync", "trader", "planner")
    for _ in range(5):
        await rig.sync()
        await trio.sleep(30)
    assert len(await _orders(rig)) == 1
    assert len(rig.broker.placed) == 1


async def test_a_filled_purchase_is_followed_by_a_new_plan(rig: Rig) -> None:
    await rig.start("sync", "trader", "planner")
    await rig.settle()
    (order,) = await _orders(rig)
    await rig.until_state(order, OrderState.ACTIVE)
    first = await _plan(rig)
    rig.broker.fill("B1")
    await rig.until_state(order, OrderState.FILLED)
    await trio.sleep(30)
    before = await rig.store.plans.get(first.plan.plan_id)
    assert before.superseded
    assert before.steps[0].state is StepState.FILLED
    assert (await _plan(rig)).plan.plan_id != first.plan.plan_id


async def test_a_conversion_goes_first_and_its_fill_goes_on_with_the_plan(rig: Rig) -> None:
    await _american(rig)
    await rig.start("sync", "trader", "planner")
    await rig.settle()
    (conversion,) = await _orders(rig)
    assert conversion.proposal.symbol == "EUR/USD"
    plan = await _plan(rig)
    assert [step.step.kind for step in plan.steps][:2] == ["fx", "trade"]
    await rig.until_state(conversion, OrderState.ACTIVE)
    rig.broker.fill("B1")
    await rig.until_state(conversion, OrderState.FILLED)
    await trio.sleep(30)
    purchase = (await _orders(rig))[-1]
    assert purchase.proposal.symbol == "DEMO-U.US"
    assert purchase.proposal.source_id == plan.plan.plan_id
    assert purchase.proposal.step == 2


async def test_a_conversion_waits_for_the_market_of_the_purchase_that_it_funds(rig: Rig) -> None:
    await _american(rig)
    assert rig.clock.jump_to(rig.clock.market_now().replace(hour=22))
    await rig.start("sync", "trader", "planner")
    await trio.sleep(60)
    assert (await _plan(rig)).steps
    assert await _orders(rig) == []


async def test_a_refused_step_ends_its_plan_and_is_not_proposed_again_at_once(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.errors["open_orders"] = Unavailable("away")
    await rig.start("trader", "planner")
    await trio.sleep(60)
    refused = await _orders(rig)
    assert [intent.state for intent in refused] == [OrderState.REFUSED]
    old = await rig.store.plans.get(refused[0].proposal.source_id)
    assert old.superseded
    assert old.steps[0].state is StepState.REFUSED
    rig.broker.errors.clear()
    await trio.sleep(timedelta(minutes=16).total_seconds())
    assert len(await _orders(rig)) == 2


async def test_a_broker_that_cannot_be_seen_refuses_once_and_not_every_security(rig: Rig) -> None:
    """Another security would be refused for the very same reason."""
    one = security().instrument
    rig.broker.listed = [
        replace(one, symbol=f"DEMO-{n}.EU", isin=f"XF000000010{n}", industry=f"Kind {n}")
        for n in range(8)
    ]
    for n in range(8):
        rig.broker.price(f"DEMO-{n}.EU", "100")
    await rig.start("sync")
    rig.broker.errors["snapshot"] = Unavailable("away")
    await rig.start("trader", "planner")
    await trio.sleep(240)
    assert len(await _orders(rig)) == 1


async def test_nothing_is_handed_over_in_research_or_while_halted(rig: Rig) -> None:
    await rig.start("sync", "trader")
    rig.publish_trading("research")
    await rig.start("planner")
    await trio.sleep(30)
    latch = Latch("owner", "asked to", rig.clock.machine_now())
    rig.boards.trading.publish(TradingState("live", "scripted", (latch,)))
    await trio.sleep(30)
    assert (await _plan(rig)).steps
    assert await _orders(rig) == []


async def test_a_deposit_makes_a_new_plan(rig: Rig) -> None:
    rig.publish_trading("research")
    await rig.start("sync", "planner")
    await rig.settle()
    first = await _plan(rig)
    await rig.sync()
    await rig.settle()
    assert (await _plan(rig)).plan.plan_id == first.plan.plan_id
    rig.broker.deposit("5000")
    await rig.sync()
    await rig.settle()
    assert (await _plan(rig)).plan.plan_id != first.plan.plan_id
    assert (await rig.store.plans.get(first.plan.plan_id)).superseded


async def test_a_price_that_moved_makes_a_new_plan(rig: Rig) -> None:
    rig.publish_trading("research")
    await rig.start("sync", "planner")
    await rig.settle()
    first = (await _plan(rig)).plan.plan_id
    rig.broker.price("DEMO-A.EU", "100.9")
    await rig.sync()
    await rig.settle()
    assert (await _plan(rig)).plan.plan_id == first
    rig.broker.price("DEMO-A.EU", "101.1")
    await rig.sync()
    await rig.settle()
    assert (await _plan(rig)).plan.plan_id != first


@pytest.mark.parametrize("rig", [60.0], indirect=True)
async def test_a_plan_lives_for_an_hour_of_an_open_market(rig: Rig) -> None:
    await rig.store.settings.set_mode("research", "test", rig.clock.machine_now())
    await rig.start("schedule", "sync", "planner")
    await rig.settle()
    first = await _plan(rig)
    await trio.sleep(58)
    assert (await _plan(rig)).plan.plan_id == first.plan.plan_id
    await trio.sleep(25)
    assert (await _plan(rig)).plan.plan_id != first.plan.plan_id


async def test_an_asked_plan_is_made_even_when_the_old_one_would_do(rig: Rig) -> None:
    await rig.store.settings.set_mode("research", "test", rig.clock.machine_now())
    await rig.start("schedule", "sync", "planner")
    await rig.settle()
    first = await _plan(rig)
    run = await rig.system.asks.schedule.ask(RunJob("plan", "api"), deadline_s=5)
    ended = await rig.until_run_ends(run.run_id)
    assert ended.result == (await _plan(rig)).plan.narrative
    assert (await _plan(rig)).plan.plan_id != first.plan.plan_id


async def test_a_foreign_order_keeps_its_symbol_and_its_cash_out_of_a_new_plan(rig: Rig) -> None:
    rig.publish_trading(mode="research")
    await rig.start("sync", "trader", "planner")
    await rig.settle()
    before = await _plan(rig)
    assert [step.step.symbol for step in before.steps] == ["DEMO-A.EU"]
    limit = Price.of("100", "EUR")
    rig.broker.place_foreign(OrderDraft(1, "DEMO-A.EU", "BUY", Quantity.of(2), limit))
    await rig.sync()
    await rig.settle()
    beside = await _plan(rig)
    assert beside.plan.portfolio_hash != before.plan.portfolio_hash
    assert beside.steps == ()
    money, left = before.plan.new_money, beside.plan.new_money
    assert money is not None
    assert left is not None
    assert left.free_eur < money.free_eur - eur("200")
    rig.broker.end("X1", "cancelled")
    await rig.sync()
    await rig.settle()
    after = await _plan(rig)
    assert after.plan.portfolio_hash == before.plan.portfolio_hash
    assert [step.step.symbol for step in after.steps] == ["DEMO-A.EU"]


async def test_executing_a_stale_plan_is_a_conflict(rig: Rig) -> None:
    rig.publish_trading("research")
    await rig.start("sync", "planner")
    await rig.settle()
    plan = await _plan(rig)
    ask = rig.system.asks.planner.ask
    with pytest.raises(Conflict) as stale:
        await ask(ProposeStep("older", 1, "test"), deadline_s=5)
    assert stale.value.code == "stale_plan"
    with pytest.raises(Conflict):
        await ask(ProposeStep(plan.plan.plan_id, 2, "test"), deadline_s=5)
    first = await ask(ProposeStep(plan.plan.plan_id, 1, "test"), deadline_s=5)
    again = await ask(ProposeStep(plan.plan.plan_id, 1, "test"), deadline_s=5)
    assert first.intent_id == again.intent_id


async def test_o1_a_key_that_became_an_order_of_the_owner_never_becomes_a_step(rig: Rig) -> None:
    """Nor one that became a step of an earlier plan, also across restarts."""
    rig.publish_trading("research")
    await rig.start("sync", "planner")
    await rig.settle()
    plan = await _plan(rig)
    own = proposal(order_class="manual", source_id="key:k")
    at = rig.clock.market_now()
    await rig.store.orders.propose(own, mode="research", at=at, key="k")
    step = ProposeStep(plan.plan.plan_id, 1, "test", "k")
    with pytest.raises(Conflict) as reused:
        await rig.system.asks.planner.ask(step, deadline_s=5)
    assert reused.value.code == "key_reused"
    fresh = replace(step, key="l")
    intent = await rig.system.asks.planner.ask(fresh, deadline_s=5)
    assert intent.proposal.source_id == plan.plan.plan_id


async def test_executing_without_a_plan_is_missing(rig: Rig) -> None:
    await rig.start("planner")
    with pytest.raises(Missing):
        await rig.system.asks.planner.ask(ProposeStep("any", 1, "test"), deadline_s=5)


async def test_no_plan_is_made_on_old_figures(rig: Rig) -> None:
    rig.publish_trading("research")
    await rig.start("sync")
    rig.broker.errors["rates"] = Unavailable("away")
    await rig.sync()
    await rig.start("planner")
    await trio.sleep(60)
    assert await rig.store.plans.current("core") is None


async def test_no_decision_is_made_on_figures_that_nobody_renews(rig: Rig) -> None:
    """Sync may be dead without having been able to say so."""
    await rig.start("sync", "trader")
    rig.publish_trading("research")
    await trio.sleep(timedelta(minutes=20).total_seconds())
    assert rig.boards.portfolio.value.stale is None
    await rig.start("planner")
    await trio.sleep(60)
    assert await rig.store.plans.current("core") is None


async def test_a_held_security_whose_last_quote_is_too_old_stops_planning(rig: Rig) -> None:
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync", "trader")
    del rig.broker.quoted["DEMO-A.EU"]
    later = rig.clock.market_now() + timedelta(days=11)
    rig.broker.table = rates(later.date())
    assert rig.clock.jump_to(later)
    await rig.sync()
    await rig.start("planner")
    await trio.sleep(30)
    assert "DEMO-A.EU" in (await _plan(rig)).plan.narrative
    assert await _orders(rig) == []


async def test_a_step_whose_order_ends_while_its_plan_is_replaced_is_closed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.start("sync", "planner")
    await rig.settle()
    (order,) = await _orders(rig)
    orders, at = rig.store.orders, rig.clock.market_now()
    ready = orders.ready

    async def refused_just_before() -> tuple[Intent, ...]:
        if (await orders.get(order.intent_id)).state is OrderState.PROPOSED:
            await orders.refuse(order.intent_id, verdicts=(), retry_after=None, at=at)
        return await ready()

    monkeypatch.setattr(orders, "ready", refused_just_before)
    rig.broker.deposit("5000")
    await rig.sync()
    await rig.settle()
    old = await rig.store.plans.get(order.proposal.source_id)
    assert old.superseded
    assert old.steps[0].state is StepState.REFUSED


# Nothing but the reasons there are makes a new plan


async def _applied(rig: Rig, text: str) -> None:
    """The owner changes what core plans by, and applies it."""
    core = next(one for one in await rig.store.planner_configs.all() if one.bucket_id == "core")
    ask = rig.system.asks.planner.ask
    await ask(UpdateConfig(core.config_id, None, text, None, None), deadline_s=5)
    await ask(ApplyConfig(core.config_id), deadline_s=5)


async def test_nothing_new_makes_no_new_plan(rig: Rig) -> None:
    rig.publish_trading("research")
    await rig.start("sync", "planner")
    await rig.settle()
    first = (await _plan(rig)).plan.plan_id
    for _ in range(5):
        await trio.sleep(timedelta(minutes=10).total_seconds())
        await rig.sync()
    await rig.settle()
    assert (await _plan(rig)).plan.plan_id == first


async def test_a_price_of_what_is_neither_held_nor_may_be_bought_makes_no_new_plan(
    rig: Rig,
) -> None:
    rig.publish_trading("research")
    index = replace(security("DEMO-I.EU").instrument, isin="XF0000000009", product_type="INDEX")
    rig.broker.listed = [security().instrument, index]
    rig.broker.price("DEMO-I.EU", "100")
    await rig.start("sync", "planner")
    await rig.settle()
    first = (await _plan(rig)).plan.plan_id
    rig.broker.price("DEMO-I.EU", "150")
    await rig.sync()
    await rig.settle()
    assert (await _plan(rig)).plan.plan_id == first


async def test_new_scores_make_a_new_plan_and_the_same_ones_do_not(rig: Rig) -> None:
    rig.publish_trading("research")
    await rig.start("sync", "planner")
    await rig.settle()
    first = (await _plan(rig)).plan.plan_id
    scores = rig.boards.scores.value
    rig.boards.scores.publish(replace(scores))
    await rig.sync()
    await rig.settle()
    assert (await _plan(rig)).plan.plan_id == first
    paid = {"DIVIDEND_YIELD": 0.07}
    changed = {
        key: replace(one, metrics={**one.metrics, **paid}) for key, one in scores.by_id.items()
    }
    rig.boards.scores.publish(replace(scores, by_id=changed))
    await rig.sync()
    await rig.settle()
    assert (await _plan(rig)).plan.plan_id != first


async def test_an_applied_configuration_makes_a_new_plan_by_itself(rig: Rig) -> None:
    rig.publish_trading("research")
    await rig.start("sync", "planner")
    await rig.settle()
    first = (await _plan(rig)).plan
    await _applied(rig, "[planner]\nallow_buy = false\n")
    await rig.settle()
    second = (await _plan(rig)).plan
    assert (len(first.steps), len(second.steps)) == (1, 0)
    assert second.config_hash != first.config_hash


async def test_without_planning_in_the_background_plans_are_made_when_asked_for_only(
    rig: Rig,
) -> None:
    await rig.store.settings.set_mode("research", "test", rig.clock.machine_now())
    await rig.start("schedule", "sync", "planner")
    await rig.settle()
    await _applied(rig, "[planner]\nenable_batch_generation = false\n")
    await rig.settle()
    assert await rig.store.plans.current("core") is None
    run = await rig.system.asks.schedule.ask(RunJob("plan", "api"), deadline_s=5)
    await rig.until_run_ends(run.run_id)
    asked = (await _plan(rig)).plan.plan_id
    await rig.sync()
    await rig.settle()
    assert (await _plan(rig)).plan.plan_id == asked
    rig.broker.deposit("5000")
    await rig.sync()
    await rig.settle()
    assert await rig.store.plans.current("core") is None
    assert rig.boards.plan.value.superseded


async def test_an_order_that_was_not_filled_in_time_ends_its_plan(rig: Rig) -> None:
    await rig.start("sync", "trader", "planner")
    await rig.settle()
    (order,) = await _orders(rig)
    first = await _plan(rig)
    await trio.sleep(timedelta(minutes=21).total_seconds())
    assert rig.broker.cancelled == ["B1"]
    rig.broker.end("B1", "cancelled")
    await rig.until_state(order, OrderState.CANCELLED)
    await rig.sync()
    await rig.settle()
    old = await rig.store.plans.get(first.plan.plan_id)
    assert old.superseded
    assert old.steps[0].state is StepState.EXPIRED
    assert (await _plan(rig)).plan.plan_id != first.plan.plan_id


async def test_the_end_of_a_plan_that_was_replaced_is_noted_too(rig: Rig) -> None:
    await rig.start("sync", "trader", "planner")
    await rig.settle()
    (order,) = await _orders(rig)
    first = await _plan(rig)
    await rig.store.plans.supersede(first.plan.plan_id)
    await rig.until_state(order, OrderState.ACTIVE)
    rig.broker.fill("B1")
    await rig.until_state(order, OrderState.FILLED)
    await trio.sleep(30)
    old = await rig.store.plans.get(first.plan.plan_id)
    assert old.steps[0].state is StepState.FILLED


async def test_what_the_analyst_finds_bit_by_bit_makes_one_plan(rig: Rig) -> None:
    rig.publish_trading("research")
    await rig.start("sync", "planner")
    await rig.settle()
    planner = rig.actor("planner").__self__  # type: ignore[attr-defined]
    first = (await _plan(rig)).plan.plan_id
    async with planner._p.jobs.run("score", Nudge("test")):
        for regime in ("bull", "bear"):
            rig.boards.regime.publish(replace(UNKNOWN_REGIME, regime=regime))
            await rig.sync()
            await rig.settle()
            assert (await _plan(rig)).plan.plan_id == first
    planner._p.analyst.done.publish("test")
    await rig.settle()
    assert (await _plan(rig)).plan.plan_id != first


async def test_a_nudge_that_nobody_waits_for_is_put_off_while_the_analyst_works(rig: Rig) -> None:
    rig.publish_trading("research")
    await rig.start("sync", "planner")
    await rig.settle()
    planner = rig.actor("planner").__self__  # type: ignore[attr-defined]
    first = (await _plan(rig)).plan.plan_id
    async with planner._p.jobs.run("score", Nudge("test")):
        rig.system.nudges["plan"].nudge(Nudge("rebalancing"))
        await rig.settle()
        assert (await _plan(rig)).plan.plan_id == first
        planner._p.jobs.queue(await rig.open_run("plan"))
        rig.system.nudges["plan"].nudge(Nudge("its owner asks"))
        await rig.settle()
        asked = (await _plan(rig)).plan.plan_id
        assert asked != first
        rig.system.nudges["plan"].nudge(Nudge("rebalancing"))
        await rig.settle()
        assert (await _plan(rig)).plan.plan_id == asked
    planner._p.analyst.done.publish("test")
    await rig.settle()
    assert (await _plan(rig)).plan.plan_id != asked


async def test_the_work_of_the_analyst_ends_with_a_word_to_the_planner(rig: Rig) -> None:
    rig.publish_trading("research")
    await rig.start("sync", "planner")
    await rig.settle()
    analyst = rig.actor("planner").__self__._p.analyst  # type: ignore[attr-defined]
    version = analyst.done.version
    rig.system.nudges["score"].nudge(Nudge("new bars"))
    assert await analyst.done.wait_newer(version) == (version + 1, "new bars")
    assert not analyst.working


async def test_what_has_to_happen_before_the_first_plan_is_shown(rig: Rig) -> None:
    """And the plan of an earlier life stands meanwhile."""
    board = rig.boards.planner
    await rig.store.plans.commit(earlier_plan())
    shown: list[PlannerStatus] = []

    async def watch() -> None:
        version = 0
        while True:
            version, status = await board.wait_newer(version)
            shown.append(status)

    rig.nursery.start_soon(watch)
    await rig.start("sync", "planner")
    await rig.settle()
    assert (shown[0].state, shown[0].portfolio_hash) == ("idle", earlier_plan().portfolio_hash)
    assert shown[1].notes == (UNSEEN,)
    assert shown[1].portfolio_hash == earlier_plan().portfolio_hash
    assert all(UNSEEN not in status.notes for status in shown[2:])
    assert shown[-1].state == "complete"
