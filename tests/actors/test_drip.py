"""DRIP: dividends buy shares once, and what cannot be spent is given back."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
import trio

from actors.drip import Drip
from actors.situation import Situation
from ledger.bucket import Autonomy
from ledger.dividend import DividendNote, PotState
from ledger.errors import Conflict, Missing, Refused, Unavailable
from ledger.fact import CashFlow
from ledger.money import Money, Quantity
from ledger.order import Intent, OrderState
from ledger.rate import Rate, RateTable
from ledger.run import RunStatus
from policy.market_hours import Calendars
from tests.actors.rig import ALL_HOURS, Rig
from tests.support.builders import eur
from wire.dividend_asks import ClearBonus, MarkReinvested, NoteDividend, SetPendingBonus
from wire.messages import Nudge
from wire.order_asks import Resolve


async def _purchases(rig: Rig) -> list[Intent]:
    return list(reversed(await rig.store.orders.recent(100)))


async def _dividend(rig: Rig, amount: str = "310", *actors: str) -> None:
    """One share is held, and pays."""
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync", *(actors or ("trader", "drip")))
    rig.broker.dividend("DEMO-A.EU", amount)
    await rig.sync()
    await rig.settle()


def _next_days_rates(rig: Rig) -> RateTable:
    today = rig.clock.market_now().date()
    known = rig.broker.table.per_eur
    return RateTable({c: Rate("EUR", c, rate.value, today, "test") for c, rate in known.items()})


async def _left(rig: Rig) -> Money:
    pots = await rig.store.dividends.pots()
    return Money(sum(pot.left.minor for pot in pots), "EUR")


async def test_a_pot_is_reserved_for_its_order_and_spent_by_its_fills(rig: Rig) -> None:
    await _dividend(rig)
    (order,) = await _purchases(rig)
    assert order.proposal.order_class == "drip"
    assert (await rig.store.dividends.pots())[0].state is PotState.RESERVED
    await rig.until_state(order, OrderState.ACTIVE)
    rig.broker.fill("B1")
    done = await rig.until_state(order, OrderState.FILLED)
    assert done.limit is not None
    (pot,) = await rig.store.dividends.pots()
    assert eur("0") <= pot.left < eur("100")
    assert pot.state is PotState.ACCUMULATING


async def test_a_pot_is_never_spent_twice(rig: Rig) -> None:
    await _dividend(rig)
    for _ in range(4):
        await rig.sync()
        await rig.settle()
    assert len(await _purchases(rig)) == 1


async def test_a_withdrawn_order_gives_its_pot_back(rig: Rig) -> None:
    await _dividend(rig)
    (order,) = await _purchases(rig)
    await rig.until_state(order, OrderState.ACTIVE)
    rig.broker.end("B1", "cancelled")
    await rig.until_state(order, OrderState.CANCELLED)
    assert await _left(rig) == eur("310")
    await trio.sleep(timedelta(minutes=16).total_seconds())
    await rig.sync()
    await rig.settle()
    assert len(await _purchases(rig)) == 2


async def test_a_refused_purchase_is_tried_again_when_it_may(rig: Rig) -> None:
    """Without waiting for another fact of the broker."""
    rig.broker.errors["probe"] = Unavailable("away")
    await _dividend(rig)
    (first,) = await _purchases(rig)
    await rig.until_state(first, OrderState.REFUSED)
    assert await _left(rig) == eur("310")
    rig.broker.errors.clear()
    await trio.sleep(timedelta(minutes=16).total_seconds())
    await rig.sync()
    await rig.settle()
    second = (await _purchases(rig))[-1]
    assert second.intent_id != first.intent_id
    await rig.until_state(second, OrderState.ACTIVE)


async def test_too_little_waits(rig: Rig) -> None:
    await _dividend(rig, "200")
    assert await _purchases(rig) == []
    assert await _left(rig) == eur("200")


@pytest.mark.parametrize("rig", [ALL_HOURS], indirect=True)
async def test_the_opening_minutes_are_left_to_others(rig: Rig) -> None:
    assert rig.clock.jump_to(rig.clock.market_now().replace(day=6, hour=8, minute=10))
    rig.broker.table = _next_days_rates(rig)
    await _dividend(rig)
    assert await _purchases(rig) == []
    await trio.sleep(timedelta(minutes=25).total_seconds())
    await rig.sync()
    await rig.settle()
    assert len(await _purchases(rig)) == 1


async def test_a_pot_unspent_after_ninety_days_is_given_back(rig: Rig) -> None:
    await _dividend(rig, "200")
    assert await rig.store.dividends.earmarked() == {"EUR": 200_00}
    assert rig.clock.jump_to(rig.clock.market_now() + timedelta(days=91))
    rig.broker.table = _next_days_rates(rig)
    await rig.sync()
    await rig.settle()
    assert await rig.store.dividends.pots() == ()
    assert await rig.store.dividends.earmarked() == {}


async def test_research_reinvests_nothing(rig: Rig) -> None:
    await rig.store.settings.set_mode("research", "test", rig.clock.machine_now())
    rig.publish_trading("research")
    await _dividend(rig)
    assert await _purchases(rig) == []


def _drip(rig: Rig, **changes: Any) -> Drip:
    """The wired actor with other ports."""
    wired = rig.actor("drip").__self__  # type: ignore[attr-defined]
    return Drip(replace(wired._p, **changes))


async def _nudged(rig: Rig) -> str:
    """What a run of the job says, without any time passing."""
    jobs = rig.actor("drip").__self__._p.jobs  # type: ignore[attr-defined]
    jobs.queue(await rig.open_run("drip"))
    rig.system.nudges["drip"].nudge(Nudge("asked"))
    await rig.settle()
    record = await rig.store.runs.get("RUN")
    assert record.status is RunStatus.SUCCEEDED
    assert record.result is not None
    return record.result


async def test_a_nudge_is_answered_at_once(rig: Rig) -> None:
    await _dividend(rig, "200")
    asked_at = trio.current_time()
    assert "waits for" in await _nudged(rig)
    assert trio.current_time() == asked_at


async def test_where_it_only_advises_it_says_what_it_would_buy(rig: Rig) -> None:
    await rig.set_autonomy(Autonomy("advise"))
    await _dividend(rig)
    assert (await _nudged(rig)).startswith("would BUY")
    await rig.sync()
    await rig.settle()
    assert await _purchases(rig) == []
    assert await _left(rig) == eur("310")


async def test_where_it_only_advises_old_money_is_given_back_all_the_same(rig: Rig) -> None:
    await rig.set_autonomy(Autonomy("advise"))
    await _dividend(rig)
    assert rig.clock.jump_to(rig.clock.market_now() + timedelta(days=91))
    rig.broker.table = _next_days_rates(rig)
    await rig.sync()
    await rig.settle()
    assert await rig.store.dividends.earmarked() == {}


async def _resolve(rig: Rig, choice: str, *, confirm: bool = True) -> str:
    (decision,) = await rig.store.views.decisions()
    asked = Resolve(decision.decision_id, choice, confirm=confirm, by="owner")
    return await rig.system.asks.drip.ask(asked, deadline_s=5)


async def test_a_purchase_waits_for_its_owner_and_is_made_once_he_approves(rig: Rig) -> None:
    await rig.set_autonomy(Autonomy("approve"))
    await _dividend(rig)
    for _ in range(3):
        await rig.sync()
        await rig.settle()
    assert await _purchases(rig) == []
    (decision,) = await rig.store.views.decisions()
    assert decision.kind == "reinvest"
    await _resolve(rig, "approve")
    await rig.settle()
    (order,) = await _purchases(rig)
    assert order.proposal.order_class == "drip"
    await rig.until_state(order, OrderState.ACTIVE)
    rig.broker.end("B1", "cancelled")
    await rig.until_state(order, OrderState.CANCELLED)
    await trio.sleep(timedelta(minutes=16).total_seconds())
    await rig.sync()
    await rig.settle()
    assert len(await _purchases(rig)) == 1
    assert len(await rig.store.views.decisions()) == 1


async def test_a_rejected_purchase_is_not_asked_for_again(rig: Rig) -> None:
    await rig.set_autonomy(Autonomy("approve"))
    await _dividend(rig)
    await _resolve(rig, "reject")
    await rig.sync()
    await rig.settle()
    assert await _purchases(rig) == []
    assert await rig.store.views.decisions() == ()
    assert await _left(rig) == eur("310")


async def test_only_a_purchase_below_the_owners_amount_is_made_alone(rig: Rig) -> None:
    await rig.set_autonomy(Autonomy("act_below", eur("300")))
    await _dividend(rig)
    assert await _purchases(rig) == []
    await rig.set_autonomy(Autonomy("act_below", eur("300.01")))
    await rig.sync()
    await rig.settle()
    assert len(await _purchases(rig)) == 1
    assert await rig.store.views.decisions() == ()


async def test_a_question_goes_with_its_reason(rig: Rig) -> None:
    await rig.set_autonomy(Autonomy("approve"))
    await _dividend(rig)
    assert len(await rig.store.views.decisions()) == 1
    await rig.set_autonomy(Autonomy("advise"))
    await rig.sync()
    await rig.settle()
    assert await rig.store.views.decisions() == ()


async def test_a_word_on_a_purchase_is_one_of_two_and_confirmed(rig: Rig) -> None:
    await rig.set_autonomy(Autonomy("approve"))
    await _dividend(rig)
    with pytest.raises(Refused):
        await _resolve(rig, "perhaps")
    with pytest.raises(Refused):
        await _resolve(rig, "approve", confirm=False)
    for unknown in ("reinvest:99", "reinvest:x", "sale:1"):
        with pytest.raises(Missing):
            await rig.system.asks.drip.ask(
                Resolve(unknown, "approve", confirm=True, by="owner"), deadline_s=5
            )
    assert await _purchases(rig) == []


async def test_nobody_buys_before_it_is_known_what_may_leave(rig: Rig) -> None:
    rig.boards.buckets.publish(())
    await _dividend(rig)
    assert await _purchases(rig) == []


class _TooSoon(Situation):
    """A situation in which the last trade was just now."""

    async def pace(self) -> datetime | None:
        return self.clock.market_now() + timedelta(hours=1)


async def test_nothing_is_proposed_before_the_pace_allows_it(rig: Rig) -> None:
    await _dividend(rig, "310", "trader")
    known = rig.actor("drip").__self__._p.situation  # type: ignore[attr-defined]
    hasty = _TooSoon(**{field.name: getattr(known, field.name) for field in fields(known)})
    rig.nursery.start_soon(_drip(rig, situation=hasty).run)
    await rig.settle()
    assert "the next trade may be made at" in await _nudged(rig)
    assert await _purchases(rig) == []


async def test_an_exchange_whose_hours_are_known_no_longer_is_not_waited_for(rig: Rig) -> None:
    await _dividend(rig, "310", "trader")
    known = rig.actor("drip").__self__._p.situation  # type: ignore[attr-defined]
    table = json.loads(files("policy").joinpath("calendars.json").read_text("utf-8"))
    table["exchanges"]["XETR"]["valid_until"] = "2009-01-02"
    ended = replace(known, calendars=Calendars.from_json(json.dumps(table)))
    portfolio = rig.boards.portfolio.value
    assert {security.instrument.mic for security in portfolio.universe} == {"XETR"}
    assert (await known.now(portfolio)).markets == {"XETR"}
    assert (await ended.now(portfolio)).markets == set()
    rig.nursery.start_soon(_drip(rig, situation=ended).run)
    await rig.settle()
    assert "does not buy a lot of anything" in await _nudged(rig)


async def test_a_high_yield_buys_the_payer_and_says_what_is_known_of_it(rig: Rig) -> None:
    """The yield is that of what the broker reported, at the price of now."""
    for _ in range(4):
        rig.broker.dividend("DEMO-A.EU", "5")
    await _dividend(rig)
    (order,) = await _purchases(rig)
    assert order.proposal.symbol == "DEMO-A.EU"
    assert "it yields 5.0%" in order.proposal.reason
    assert "DEMO-A.EU: significantly above average" in order.proposal.reason


async def test_k5_a_restart_after_the_reservation_buys_nothing_twice(rig: Rig) -> None:
    await _dividend(rig, "310", "drip")
    (first,) = await _purchases(rig)
    assert first.state is OrderState.PROPOSED
    for _ in range(3):
        rig.nursery.start_soon(_drip(rig).run)
        await rig.sync()
        await rig.settle()
    assert await _purchases(rig) == [first]
    await rig.start("trader")
    await rig.until_state(first, OrderState.ACTIVE)
    assert len(rig.broker.placed) == 1


async def test_k6_a_price_that_rose_meanwhile_costs_no_more_than_the_pots(rig: Rig) -> None:
    await _dividend(rig, "310", "drip")
    (order,) = await _purchases(rig)
    given = Money.of("310", "EUR") - await _left(rig)
    symbol = order.proposal.symbol
    seen = rig.broker.quoted[symbol]
    dearer = {
        side: getattr(seen, side).scaled(Decimal("1.0099")) for side in ("bid", "ask", "last")
    }
    rig.broker.quoted[symbol] = replace(seen, **dearer)
    await rig.start("trader")
    sent = await rig.until_state(order, OrderState.ACTIVE)
    assert sent.limit is not None
    assert sent.reserved is not None
    assert sent.reserved_fee is not None
    assert sent.reserved + sent.reserved_fee <= given


async def test_a_debt_is_repaid_before_anything_is_bought(rig: Rig) -> None:
    await _dividend(rig, "200", "drip")
    flows = rig.store.facts
    pots = await rig.store.dividends.pots()
    back = CashFlow(
        "back", "dividend", eur("-500"), rig.clock.market_now(), None, pots[0].action_id, "reversed"
    )
    times = {"at": rig.clock.market_now(), "machine_at": rig.clock.machine_now()}
    await flows.record([back], **times)
    assert await _left(rig) == eur("-300")
    rig.broker.dividend("DEMO-A.EU", "320")
    await rig.sync()
    await rig.settle()
    assert await _left(rig) == eur("20")
    assert await _purchases(rig) == []


async def test_the_owners_notes_are_committed_before_the_reply(rig: Rig) -> None:
    await rig.start("drip")
    told = DividendNote(
        symbol="DEMO-A.EU",
        isin=None,
        money=eur("12"),
        eur=eur("12"),
        payment_date=rig.clock.market_now().date(),
        cash_flow_id=None,
    )
    asks = rig.system.asks.drip
    number = await asks.ask(NoteDividend(told, by="test"), deadline_s=5)
    await asks.ask(SetPendingBonus(number, eur("5")), deadline_s=5)
    record = await rig.store.views.dividends.one(number)
    assert record is not None
    assert record.pending_bonus == eur("5")
    assert await asks.ask(ClearBonus("DEMO-A.EU"), deadline_s=5) == 1
    await asks.ask(MarkReinvested(number, Quantity.of(2)), deadline_s=5)
    with pytest.raises(Conflict):
        await asks.ask(MarkReinvested(number, Quantity.of(2)), deadline_s=5)
    with pytest.raises(Missing):
        await asks.ask(MarkReinvested(99, Quantity.of(2)), deadline_s=5)
    done = await rig.store.views.dividends.one(number)
    assert done is not None
    assert (done.reinvested, done.reinvested_quantity) == (True, Quantity.of(2))


async def test_money_that_the_owner_marked_is_not_spent(rig: Rig) -> None:
    assert rig.clock.jump_to(rig.clock.market_now().replace(day=6, hour=8, minute=10))
    rig.broker.table = _next_days_rates(rig)
    await _dividend(rig)
    (pot,) = await rig.store.dividends.pots()
    asks = rig.system.asks.drip
    await asks.ask(MarkReinvested(pot.dividend_id, Quantity.of(1)), deadline_s=5)
    await trio.sleep(timedelta(minutes=50).total_seconds())
    await rig.sync()
    await rig.settle()
    assert await _purchases(rig) == []
