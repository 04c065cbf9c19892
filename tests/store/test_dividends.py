"""Dividend money: reserved by an order, spent by its executions, free again when it ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.dividend import PotShare, PotState
from ledger.errors import Conflict, Missing
from ledger.money import Money, Price
from ledger.order import OrderState
from store.settle import divide_shares, pro_rata
from store.store import Store
from tests.store.builders import (
    NOW,
    TIMES,
    after,
    dividend,
    eur,
    fill,
    flow,
    paid,
    proposal,
    submission,
    view,
)


@pytest.fixture
def store(inline_store: Store) -> Store:
    return inline_store


async def two_pots(store: Store) -> tuple[PotShare, PotShare]:
    """A pot of 100.00 and one of 50.01, wholly wanted by one order."""
    await store.facts.record(
        [dividend("d1"), *paid("d1"), dividend("d2"), *paid("d2", gross="60.01", tax="-10")],
        **TIMES,
    )
    first, second = await store.dividends.pots()
    return PotShare(first.dividend_id, first.left), PotShare(second.dividend_id, second.left)


async def reserved(store: Store) -> int:
    """The order that reserves both pots."""
    intent = await store.orders.propose(
        proposal(order_class="drip"), mode="live", at=NOW, shares=await two_pots(store)
    )
    return intent.intent_id


async def lefts(store: Store) -> list[int]:
    return [pot.left.minor for pot in await store.dividends.pots()]


async def test_a_reservation_takes_the_money_out_of_the_pots(store: Store) -> None:
    await reserved(store)
    pots = await store.dividends.pots()
    assert [pot.state for pot in pots] == [PotState.RESERVED, PotState.RESERVED]
    assert await lefts(store) == [0, 0]
    assert await store.dividends.earmarked() == {"EUR": 15_001}


async def test_a_pot_is_never_reserved_twice(store: Store) -> None:
    """K5."""
    shares = await two_pots(store)
    await store.orders.propose(proposal(order_class="drip"), mode="live", at=NOW, shares=shares[:1])
    for bad in (
        shares[:1],
        [PotShare(shares[1].dividend_id, eur("50.02"))],
        [PotShare(shares[1].dividend_id, Money(1, "USD"))],
        [PotShare(99, eur(1))],
    ):
        wanted = proposal(source="other", order_class="drip")
        with pytest.raises(Conflict) as caught:
            await store.orders.propose(wanted, mode="live", at=NOW, shares=bad)
        assert caught.value.code == "pot_spent"
    assert len(await store.orders.recent(10)) == 1
    assert await lefts(store) == [0, 5_001]


async def test_executions_spend_pro_rata_and_the_end_frees_the_rest(store: Store) -> None:
    intent_id = await reserved(store)
    await store.orders.begin_submit(intent_id, **submission())
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1", units=3)], **TIMES)
    assert await store.dividends.earmarked() == {"EUR": 15_001 - 4_500}
    await store.orders.apply_view(intent_id, view("expired", filled=3), at=NOW)
    pots = await store.dividends.pots()
    assert [pot.state for pot in pots] == [PotState.ACCUMULATING] * 2
    assert sum(pot.left.minor for pot in pots) == 15_001 - 4_500


async def test_a_filled_order_has_spent_its_pots(store: Store) -> None:
    intent_id = await reserved(store)
    await store.orders.begin_submit(intent_id, **submission())
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1")], **TIMES)
    assert (await store.orders.get(intent_id)).state is OrderState.FILLED
    assert await store.dividends.pots() == ()
    assert {row.state for row in await store.views.dividends(10)} == {PotState.REINVESTED}


async def test_money_waits_for_executions_that_the_broker_claims(store: Store) -> None:
    """K5: a pot is not free while the fill that spent it is still on its way to us."""
    intent_id = await reserved(store)
    await store.orders.begin_submit(intent_id, **submission())
    await store.orders.apply_view(intent_id, view("cancelled", filled=4), at=NOW)
    assert sum(await lefts(store)) == 15_001 - 6_000
    assert await store.dividends.earmarked() == {"EUR": 15_001}
    await store.facts.record([fill("f1", units=4)], **TIMES)
    assert await store.dividends.earmarked() == {"EUR": 15_001 - 6_000}


@pytest.mark.parametrize("end", ["refuse", "simulate", "rejected", "not_placed"])
async def test_every_end_without_executions_frees_the_pots(store: Store, end: str) -> None:
    """O9."""
    intent_id = await reserved(store)
    orders = store.orders
    if end == "refuse":
        await orders.refuse(intent_id, verdicts=[], retry_after=None, at=NOW)
    elif end == "simulate":
        await orders.simulate(intent_id, limit=Price.of(1, "EUR"), verdicts=[], at=NOW)
    else:
        await orders.begin_submit(intent_id, **submission())
        await orders.unknown(intent_id, "timeout", at=NOW)
        await getattr(orders, end)(intent_id, "no", at=NOW)
    assert await lefts(store) == [10_000, 5_001]


async def test_a_released_pot_is_ordinary_cash(store: Store) -> None:
    first, second = await two_pots(store)
    assert await store.dividends.release(first.dividend_id, after(5)) == eur("100")
    assert await store.dividends.release(first.dividend_id, after(6)) == eur(0)
    (pot,) = await store.dividends.pots()
    assert pot.dividend_id == second.dividend_id
    with pytest.raises(Missing):
        await store.dividends.release(99, NOW)
    row = next(r for r in await store.views.dividends(10) if r.action_id == "d1")
    assert row.released_at == after(5)
    assert (row.state, row.released, row.gross) == (PotState.RELEASED, eur("100"), eur("12.30"))


async def test_a_reversal_after_reinvestment_is_owed(store: Store) -> None:
    intent_id = await reserved(store)
    await store.orders.begin_submit(intent_id, **submission())
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1")], **TIMES)
    await store.facts.record(
        [flow("back", "dividend", eur("-120"), reference="d1", at=after(1))], **TIMES
    )
    assert await lefts(store) == [-12_000]
    assert await store.dividends.earmarked() == {"EUR": 0}


async def test_two_currencies_are_never_summed_in_one_pot(store: Store) -> None:
    foreign_tax = flow("t", "tax", Money.of("-3", "USD"), reference="d1")
    await store.facts.record([dividend("d1"), paid("d1")[0], foreign_tax], **TIMES)
    (pot,) = await store.dividends.pots()
    assert pot.net == eur("120")


amounts = st.lists(st.integers(1, 10**9), min_size=1, max_size=6)
parts = st.integers(0, 12)


@given(amounts=amounts, part=parts, whole=st.integers(12, 20))
def test_shares_sum_to_the_floor_and_stay_within_their_amounts(
    amounts: list[int], part: int, whole: int
) -> None:
    shares = pro_rata(amounts, part, whole)
    assert sum(shares) == sum(amounts) * part // whole
    assert all(0 <= share <= amount for share, amount in zip(shares, amounts, strict=True))


@given(amounts=amounts, filled=parts, claimed=parts, final=st.booleans())
def test_what_waits_and_what_is_spent_never_exceeds_what_was_set_aside(
    amounts: list[int], filled: int, claimed: int, final: bool
) -> None:
    shares = divide_shares(amounts, filled=filled, claimed=claimed, quantity=12, final=final)
    for amount, (waiting, spent) in zip(amounts, shares, strict=True):
        assert waiting >= 0
        assert spent >= 0
        assert waiting + spent <= amount
        if not final:
            assert waiting + spent == amount
    if final and claimed <= filled:
        assert all(waiting == 0 for waiting, _ in shares)
