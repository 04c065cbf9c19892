"""Proofs of currency pairs, and rates that are held back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ledger.order import Side
from ledger.rate import HeldRate, Rate, RateTable
from store.fx_proofs import OwnConversion
from store.store import Store
from tests.store.builders import NOW, TIMES, after, fill, proposal, submission


async def order(store: Store, symbol: str, side: Side, step: int) -> int:
    """The tag of a submitted order of ours."""
    wanted = proposal(symbol, side=side, units=20, order_class="fx", step=step)
    intent = await store.orders.propose(wanted, mode="live", at=NOW)
    sent = await store.orders.begin_submit(intent.intent_id, **submission())
    assert sent.client_order_id is not None
    return sent.client_order_id


async def test_a_proof_stays_with_the_execution_that_gave_it(store: Store) -> None:
    proofs = store.fx_proofs
    assert await proofs.proven() == frozenset()
    await proofs.prove(fill("f1", symbol="EUR/USD"), at=NOW)
    await proofs.prove(fill("f2", symbol="EUR/USD"), at=after(5))
    assert await proofs.proven() == {"EUR/USD"}
    row = await store.ledger.read(lambda tx: tx.one("SELECT * FROM fx_proof"))
    assert row is not None
    assert row["fill_id"] == "f1"


async def test_the_newest_conversion_of_ours_on_each_pair_is_found(store: Store) -> None:
    tag = await order(store, "EUR/USD", "SELL", 1)
    ours = [
        fill("f1", symbol="EUR/USD", side="SELL", units=5, price="1.1", tag=tag, order="b1"),
        fill("f2", symbol="EUR/USD", side="SELL", units=15, price="1.1", tag=tag, order="b1"),
    ]
    foreign = fill("f3", symbol="EUR/GBP", side="BUY", price="0.8", order="b2")
    await store.facts.record([*ours, foreign], **TIMES)
    found = await store.fx_proofs.newest_conversions(["EUR/USD", "EUR/GBP", "HKD/EUR"])
    assert found == (OwnConversion(ours[1], "SELL"),)
    assert await store.fx_proofs.newest_conversions(["HKD/EUR"]) == ()


def rate(value: str, day: int, currency: str = "USD") -> Rate:
    return Rate("EUR", currency, Decimal(value), date(2026, 3, day), "ecb")


def held(value: str, day: int, currency: str = "USD") -> HeldRate:
    return HeldRate(rate(value, day, currency), "nothing confirms it", NOW)


async def test_what_is_held_back_is_kept_apart_and_never_valued_with(store: Store) -> None:
    market = store.market
    await market.put_rates(RateTable({"USD": rate("1.1", 1)}), at=NOW)
    waiting = (held("0.2", 2, "GBP"), held("9.9", 2))
    await market.put_rates(RateTable({}), at=after(5), held=waiting)
    assert await market.rates_held() == waiting
    assert (await market.rates()).per_eur == {"USD": rate("1.1", 1)}
    tables = await market.rates_on([date(2026, 3, 2)])
    assert tables[date(2026, 3, 2)].rate("EUR", "USD") == rate("1.1", 1)


async def test_a_rate_that_was_confirmed_is_no_longer_held_back(store: Store) -> None:
    market = store.market
    await market.put_rates(RateTable({}), at=NOW, held=[held("1.5", 2)])
    await market.put_rates(RateTable({"USD": rate("1.5", 2)}), at=after(5))
    assert await market.rates_held() == ()
    assert (await market.rates()).per_eur == {"USD": rate("1.5", 2)}


@pytest.mark.parametrize("day", [1, 2])
async def test_a_rate_remembers_when_it_was_read(inline_store: Store, day: int) -> None:
    await inline_store.market.put_rates(RateTable({"USD": rate("1.1", day)}), at=after(day))
    row = await inline_store.prices.read(lambda tx: tx.one("SELECT fetched_ms FROM rate"))
    assert row is not None
    assert row["fetched_ms"] == int(after(day).timestamp() * 1000)


async def test_rates_of_the_past_fill_in_what_is_unknown_and_judge_nothing(store: Store) -> None:
    market = store.market
    await market.put_past_rates([rate("1.0", 1)], at=NOW)
    assert (await market.rates()).per_eur == {}  # nobody has judged any yet
    believed = RateTable({"USD": rate("1.1", 10)})
    await market.put_rates(believed, at=NOW, held=[held("9", 5)])
    past = [rate("1.0", 1), rate("1.05", 5), rate("1.2", 10), rate("1.3", 11), rate("7", 1, "HKD")]
    await market.put_past_rates(past, at=after(5))
    await market.put_past_rates([rate("1.4", 1)], at=after(6))
    days = [date(2026, 3, day) for day in (1, 6, 12)]
    found = await market.rates_on(days)
    assert [found[day].per_eur for day in days] == [
        {"USD": rate("1.0", 1)},
        {},
        {"USD": rate("1.1", 10)},
    ]
