"""Lots the owner chose: kept by sale, replaced as a whole, and found under the trade's number."""

from __future__ import annotations

import pytest

from ledger.errors import Missing
from ledger.lot import Pick
from ledger.money import Quantity
from store.store import Store
from tests.store.builders import TIMES, fill

ONE, TWO = Pick("fill:f1", Quantity.of(1)), Pick("opening:AAA.EU", Quantity.of("2.5"))


async def traded(store: Store) -> None:
    await store.facts.record(
        [fill("f1"), fill("f2", side="SELL", units=5), fill("f3", symbol="BBB.EU")], **TIMES
    )


async def test_a_choice_is_kept_replaced_and_taken_back(store: Store) -> None:
    await traded(store)
    assert await store.lots.choices() == {}
    await store.lots.choose("f2", [TWO, ONE])
    assert await store.lots.choices() == {"f2": [ONE, TWO]}
    await store.lots.choose("f2", [TWO])
    assert await store.lots.choices() == {"f2": [TWO]}
    await store.lots.choose("f2", [])
    assert await store.lots.choices() == {}


@pytest.mark.parametrize("name", ["f1", "nothing"])
async def test_only_a_sale_has_a_choice(store: Store, name: str) -> None:
    await traded(store)
    with pytest.raises(Missing):
        await store.lots.choose(name, [ONE])


async def test_a_sale_is_found_under_the_number_of_its_trade(store: Store) -> None:
    await traded(store)
    ids = await store.lots.trade_ids("AAA.EU")
    assert set(ids) == {"f1", "f2"}
    assert await store.lots.sale(ids["f2"]) == ("f2", "AAA.EU")
    for number in (ids["f1"], 0, max(ids.values()) + 100):
        with pytest.raises(Missing):
            await store.lots.sale(number)
