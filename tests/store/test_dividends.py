"""Dividend money: reserved by an order, spent by its executions, free again when it ends."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.dividend import PotShare, PotState
from ledger.errors import Conflict, IllegalMove, Missing
from ledger.fact import Fact
from ledger.money import Money, Price, Quantity
from ledger.order import OrderState
from store.settle import divide_shares, pro_rata
from store.store import Store, open_store
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
    split,
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


@pytest.mark.parametrize("currency", ["EUR", "USD"])
async def test_k6_a_partial_execution_spends_the_whole_fee_that_it_paid(
    store: Store, currency: str
) -> None:
    """What the order costs however little of it executes is not given back to the pot."""
    cash = flow("m", "dividend", Money.of("110", currency), reference="d1")
    await store.facts.record([dividend("d1"), cash], **TIMES)
    price = Price.of("10", currency)
    wanted = replace(
        proposal(order_class="drip"),
        currency=currency, decision_price=price, value_eur=eur("80" if currency == "USD" else 100),
    )  # fmt: skip
    share = PotShare(1, Money.of("104", currency))
    intent = await store.orders.propose(wanted, mode="live", at=NOW, shares=[share])
    limit = {"limit": price, "reserved": Money.of("100", currency)}
    await store.orders.begin_submit(intent.intent_id, **submission(**limit))
    await store.orders.accepted(intent.intent_id, "b1", at=NOW)
    part = replace(
        fill("f1", units=2, fees=(eur("2"),)), price=price, gross=Money.of("20", currency)
    )
    await store.facts.record([part], **TIMES)
    await store.orders.apply_view(intent.intent_id, view("cancelled", filled=2), at=NOW)
    # 20.00 of shares and 2.00 EUR of fee, which are 2.50 USD at the rate of the decision.
    paid_out = 22_00 if currency == "EUR" else 22_50
    assert await lefts(store) == [110_00 - paid_out]


async def test_a_filled_order_has_spent_its_pots(store: Store) -> None:
    intent_id = await reserved(store)
    await store.orders.begin_submit(intent_id, **submission())
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1")], **TIMES)
    assert (await store.orders.get(intent_id)).state is OrderState.FILLED
    assert await store.dividends.pots() == ()
    records = await store.views.dividends.newest(10)
    assert {record.state for record in records} == {PotState.REINVESTED}


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
    record = await store.views.dividends.one(first.dividend_id)
    assert record is not None
    assert (record.state, record.left, record.reinvested) == (PotState.RELEASED, eur(0), False)


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


async def test_a_debt_is_repaid_by_the_next_dividend_of_the_same_security(store: Store) -> None:
    intent_id = await reserved(store)
    await store.orders.begin_submit(intent_id, **submission())
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1")], **TIMES)
    back = flow("back", "dividend", eur("-70"), reference="d1", at=after(1))
    other = dividend("d4", symbol="BBB.EU")
    await store.facts.record([back, dividend("d3"), *paid("d3"), other, *paid("d4")], **TIMES)
    assert await lefts(store) == [-7_000, 10_000, 10_000]
    assert await store.dividends.earmarked() == {"EUR": 20_000}
    for _ in range(2):
        await store.dividends.repay(after(2))
        assert await lefts(store) == [3_000, 10_000]
    assert await store.dividends.earmarked() == {"EUR": 13_000}


async def test_a_reversal_before_anything_was_bought_cancels(store: Store) -> None:
    back = flow("back", "dividend", eur("-100"), reference="d1", at=after(1))
    await store.facts.record([dividend("d1"), *paid("d1"), back], **TIMES)
    assert await store.dividends.pots() == ()
    (record,) = await store.views.dividends.all()
    assert (record.state, record.amount, record.left) == (PotState.CANCELLED, eur(0), eur(0))


async def test_what_the_broker_reported_is_read_by_security(store: Store) -> None:
    await store.facts.record([dividend("d1"), split(), dividend("d2", symbol="CCC.EU")], **TIMES)
    found = await store.dividends.actions(["AAA.EU", "ZZZ.EU"])
    assert [a.kind for a in found["AAA.EU"]] == ["dividend", "split"]
    assert found["ZZZ.EU"] == ()
    assert "CCC.EU" not in found


async def test_two_currencies_are_never_summed_in_one_pot(store: Store) -> None:
    foreign_tax = flow("t", "tax", Money.of("-3", "USD"), reference="d1")
    await store.facts.record([dividend("d1"), paid("d1")[0], foreign_tax], **TIMES)
    (pot,) = await store.dividends.pots()
    assert pot.net == eur("120")


@pytest.mark.parametrize("action_first", [True, False])
async def test_k5_tax_that_is_still_to_come_is_no_money_of_the_pot(
    store: Store, *, action_first: bool
) -> None:
    """The gross of an announced dividend is there, its tax is a flow of another day."""
    gross, tax = paid("d1", gross="12.30", tax="-2.30")
    news: list[Fact] = [dividend("d1"), gross]
    for fact in news if action_first else reversed(news):
        await store.facts.record([fact], **TIMES)
    assert await lefts(store) == [10_00]
    await store.facts.record([tax], **TIMES)
    assert await lefts(store) == [10_00]
    refund = flow("refund", "tax", eur("2.30"), reference="d1", at=after(1))
    await store.facts.record([refund], **TIMES)
    assert await lefts(store) == [12_30]


async def test_what_is_paid_net_has_no_tax_to_come(store: Store) -> None:
    await store.facts.record([dividend("d1"), paid("d1", gross="10")[0]], **TIMES)
    assert await lefts(store) == [10_00]


async def test_a_dividend_taken_back_before_its_tax_came_owes_nothing(store: Store) -> None:
    back = flow("back", "dividend", eur("-12.30"), reference="d1", at=after(1))
    await store.facts.record([dividend("d1"), paid("d1", gross="12.30")[0], back], **TIMES)
    assert await lefts(store) == []


Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["propose", "fill", "cancel", "refuse", "tax", "again", "release", "mark", "repay"]
        ),
        st.integers(1, 9),
    ),
    max_size=14,
)


class Owner:
    """Does one thing after the other to one dividend of 100.00 and one of 50.00."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made = 0
        self._open: int | None = None

    async def do(self, what: str, number: int) -> None:
        with suppress(Conflict, IllegalMove):
            await getattr(self, f"_{what}")(number)

    async def _propose(self, number: int) -> None:
        self._made += 1
        shares = [PotShare(1, eur(10 * number)), PotShare(2, eur(5 * number))]
        wanted = proposal(source=f"s{self._made}", order_class="drip")
        intent = await self._store.orders.propose(wanted, mode="live", at=NOW, shares=shares)
        if self._open is None:
            self._open = intent.intent_id
            await self._store.orders.begin_submit(intent.intent_id, **submission())
            await self._store.orders.accepted(intent.intent_id, f"b{intent.intent_id}", at=NOW)
        else:
            await self._store.orders.refuse(intent.intent_id, verdicts=[], retry_after=None, at=NOW)

    async def _fill(self, number: int) -> None:
        if self._open is None:
            return
        self._made += 1
        order = await self._store.orders.get(self._open)
        rest = 10 - int(order.filled.units)
        done = fill(f"f{self._made}", units=min(number, rest), order=f"b{self._open}")
        await self._store.facts.record([done], **TIMES)
        if min(number, rest) == rest:
            self._open = None

    async def _cancel(self, _: int) -> None:
        if self._open is None:
            return
        shown = view("cancelled", order=f"b{self._open}")
        await self._store.orders.apply_view(self._open, shown, at=NOW)
        self._open = None

    async def _refuse(self, number: int) -> None:
        intent = await self._store.orders.propose(
            proposal(source=f"r{number}", order_class="drip"),
            mode="live", at=NOW, shares=[PotShare(1, eur(number))],
        )  # fmt: skip
        await self._store.orders.refuse(intent.intent_id, verdicts=[], retry_after=None, at=NOW)

    async def _tax(self, number: int) -> None:
        self._made += 1
        late = flow(f"t{self._made}", "tax", eur(-number), reference="d1")
        await self._store.facts.record([late], **TIMES)

    async def _again(self, _: int) -> None:
        """The broker tells everything once more."""
        await self._store.facts.record(_two_dividends(), **TIMES)

    async def _release(self, number: int) -> None:
        await self._store.dividends.release(1 + number % 2, NOW)

    async def _mark(self, number: int) -> None:
        if number == 9:
            await self._store.dividends.mark_reinvested(2, Quantity.of(1), at=NOW)

    async def _repay(self, _: int) -> None:
        await self._store.dividends.repay(NOW)


def _two_dividends() -> list[Fact]:
    return [
        dividend("d1"), *paid("d1"),
        dividend("d2"), *paid("d2", gross="60", tax="-10"),
    ]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_k5_a_dividend_is_reinvested_at_most_once_whatever_happens(steps: list[Step]) -> None:
    """What orders hold or spent never exceeds what arrived before it was taken back."""

    async def main() -> None:
        with TemporaryDirectory() as folder:
            async with open_store(Path(folder), engine="inline") as store:
                await store.settings.set_mode("live", "test", NOW)
                await store.facts.record(_two_dividends(), **TIMES)
                owner = Owner(store)
                for what, number in steps:
                    await owner.do(what, number)
                    await _check_k5(store)

    trio.run(main)


async def _check_k5(store: Store) -> None:
    rows = await store.ledger.read(lambda tx: tx.all("SELECT * FROM pot"))
    arrived = {"d1": 10_000, "d2": 5_000}
    for row in rows:
        used = row["reserved_minor"] + row["reinvested_minor"]
        gone = used + row["released_minor"] - row["repaid_minor"]
        assert used <= arrived[row["action_id"]]
        if row["marked_ms"] is None:
            assert gone + row["left_minor"] == row["net_minor"]
        else:
            assert row["left_minor"] <= 0


@pytest.mark.parametrize("crash", ["before_commit", "after_commit"])
async def test_k5_a_crash_while_proposing_buys_once(tmp_path: Path, crash: str) -> None:
    """The intent and its part of the pots are there together or not at all."""
    armed = False

    async def checkpoint(where: str) -> None:
        if armed and where == crash:
            raise RuntimeError(where)

    async with open_store(tmp_path, engine="inline", checkpoint=checkpoint) as store:
        shares = await two_pots(store)
        wanted = proposal(order_class="drip")
        armed = True
        with pytest.raises(RuntimeError):
            await store.orders.propose(wanted, mode="live", at=NOW, shares=shares)
        armed = False
        kept = crash == "after_commit"
        assert len(await store.orders.recent(10)) == int(kept)
        assert await lefts(store) == ([0, 0] if kept else [10_000, 5_001])
    async with open_store(tmp_path, engine="inline") as store:
        for _ in range(2):
            await store.orders.propose(wanted, mode="live", at=NOW, shares=shares)
        assert len(await store.orders.recent(10)) == 1
        assert await store.dividends.earmarked() == {"EUR": 15_001}


amounts = st.lists(st.integers(1, 10**9), min_size=1, max_size=6)
parts = st.integers(0, 12)


@given(amounts=amounts, part=parts, whole=st.integers(12, 20))
def test_shares_sum_to_the_floor_and_stay_within_their_amounts(
    amounts: list[int], part: int, whole: int
) -> None:
    shares = pro_rata(amounts, part, whole)
    assert sum(shares) == sum(amounts) * part // whole
    assert all(0 <= share <= amount for share, amount in zip(shares, amounts, strict=True))


@given(
    amounts=amounts,
    filled=parts,
    claimed=parts,
    final=st.booleans(),
    cost=st.integers(0, 400_000),
)
def test_what_waits_and_what_is_spent_never_exceeds_what_was_set_aside(
    amounts: list[int], filled: int, claimed: int, final: bool, cost: int
) -> None:
    shares = divide_shares(
        amounts, filled=filled, claimed=claimed, quantity=12, final=final, cost=cost
    )
    assert sum(spent for _, spent in shares) >= min(cost, sum(amounts))
    for amount, (waiting, spent) in zip(amounts, shares, strict=True):
        assert waiting >= 0
        assert spent >= 0
        assert waiting + spent <= amount
        if not final:
            assert waiting + spent == amount
    if final and claimed <= filled:
        assert all(waiting == 0 for waiting, _ in shares)
