"""Purchases from dividends that wait for the owner: asked once, and a yes buys once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ledger.bucket import Autonomy
from ledger.decision import Decision
from ledger.errors import Conflict, Missing
from ledger.order import Intent
from store.proposals import Circumstances
from store.reinvestment_asks import NO_STANDS, ReinvestmentAsk
from store.store import Store
from tests.store.builders import NOW, eur, proposal

APPROVE = Autonomy("approve")
PURCHASE = proposal(order_class="drip", source="pots:1")


async def ask(store: Store, symbol: str = "AAA.EU", value: str = "100") -> ReinvestmentAsk:
    return await store.reinvestments.ask("core", symbol, eur(value), detail="why", at=NOW)


async def buy(
    store: Store, value: str | None = "100", *, attempt: int = 1, default: Autonomy = APPROVE
) -> Intent:
    worth = None if value is None else eur(value)
    wanted = replace(PURCHASE, value_eur=worth, attempt=attempt)
    return await store.reinvestments.hand_over(
        wanted, Circumstances("live", NOW), shares=(), default=default
    )


async def decisions(store: Store) -> tuple[Decision, ...]:
    return await store.views.decisions()


async def test_an_open_ask_is_a_decision_of_its_owner(inline_store: Store) -> None:
    asked = await ask(inline_store)
    (decision,) = await decisions(inline_store)
    assert (decision.decision_id, decision.kind) == (f"reinvest:{asked.ask_id}", "reinvest")
    assert [choice.choice for choice in decision.choices] == ["approve", "reject"]
    assert "AAA.EU" in decision.title
    await inline_store.reinvestments.answer(asked.ask_id, "approve", NOW)
    assert await decisions(inline_store) == ()


async def test_the_same_purchase_is_asked_for_once(inline_store: Store) -> None:
    first = await ask(inline_store)
    assert await ask(inline_store, value="101.99") == first
    assert len(await decisions(inline_store)) == 1


async def test_another_purchase_takes_the_place_of_the_one_before(inline_store: Store) -> None:
    first = await ask(inline_store)
    await inline_store.reinvestments.answer(first.ask_id, "approve", NOW)
    await ask(inline_store, "BBB.EU")
    with pytest.raises(Conflict):
        await buy(inline_store)
    (decision,) = await decisions(inline_store)
    assert "BBB.EU" in decision.title


async def test_an_answer_that_comes_late_meets_no_other_purchase(inline_store: Store) -> None:
    first = await ask(inline_store)
    for symbol, value in (("BBB.EU", "100"), ("BBB.EU", "120"), ("AAA.EU", "100")):
        shown = await ask(inline_store, symbol, value)
        await ask(inline_store, "CCC.EU")
        with pytest.raises(Missing):
            await inline_store.reinvestments.answer(shown.ask_id, "approve", NOW)
    smaller = await ask(inline_store)
    larger = await ask(inline_store, value="120")
    assert len({first.ask_id, smaller.ask_id, larger.ask_id}) == 3
    with pytest.raises(Missing):
        await inline_store.reinvestments.answer(smaller.ask_id, "approve", NOW)


async def test_without_a_yes_nothing_is_bought(inline_store: Store) -> None:
    with pytest.raises(Conflict) as missing:
        await buy(inline_store)
    assert missing.value.code == "not_approved"
    await ask(inline_store)
    with pytest.raises(Conflict):
        await buy(inline_store)
    assert await inline_store.orders.recent(10) == ()


async def test_a_yes_covers_one_order_up_to_two_percent_more(inline_store: Store) -> None:
    asked = await ask(inline_store)
    await inline_store.reinvestments.answer(asked.ask_id, "approve", NOW)
    with pytest.raises(Conflict):
        await buy(inline_store, "102.01")
    await buy(inline_store, "102")
    with pytest.raises(Conflict):
        await buy(inline_store, "10", attempt=2)
    assert len(await inline_store.orders.recent(10)) == 1


async def test_a_larger_purchase_is_asked_for_anew(inline_store: Store) -> None:
    asked = await ask(inline_store)
    await inline_store.reinvestments.answer(asked.ask_id, "approve", NOW)
    again = await ask(inline_store, value="120")
    assert (again.value, again.answer) == (eur("120"), None)
    with pytest.raises(Conflict):
        await buy(inline_store, "100")


async def test_a_no_stands_for_a_month(inline_store: Store) -> None:
    asked = await ask(inline_store)
    await inline_store.reinvestments.answer(asked.ask_id, "reject", NOW)
    rejected = inline_store.reinvestments.rejected
    assert await rejected("core", NOW + NO_STANDS - timedelta(seconds=1)) == {"AAA.EU"}
    assert await rejected("core", NOW + NO_STANDS) == frozenset()
    with pytest.raises(Conflict):
        await buy(inline_store)
    assert (await ask(inline_store)).ask_id != asked.ask_id


async def test_an_answer_is_given_once(inline_store: Store) -> None:
    asked = await ask(inline_store)
    await inline_store.reinvestments.answer(asked.ask_id, "approve", NOW)
    with pytest.raises(Missing):
        await inline_store.reinvestments.answer(asked.ask_id, "reject", NOW)
    with pytest.raises(Missing):
        await inline_store.reinvestments.answer(99, "approve", NOW)


async def test_advice_buys_nothing_even_with_a_yes(inline_store: Store) -> None:
    asked = await ask(inline_store)
    await inline_store.reinvestments.answer(asked.ask_id, "approve", NOW)
    await inline_store.buckets.set_autonomy("core", Autonomy("advise"), at=NOW)
    with pytest.raises(Conflict):
        await buy(inline_store)


async def test_what_leaves_alone_needs_no_ask_unless_its_value_is_unknown(
    inline_store: Store,
) -> None:
    await buy(inline_store, default=Autonomy("act"))
    with pytest.raises(Conflict):
        await buy(inline_store, None, attempt=2, default=Autonomy("act"))


async def test_what_is_not_wanted_any_more_is_asked_by_nobody(inline_store: Store) -> None:
    await ask(inline_store)
    assert await inline_store.reinvestments.withdraw("core") == 1
    assert await decisions(inline_store) == ()
