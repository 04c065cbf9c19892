"""The universe: numbers never change and the owner's flags are the owner's."""

from __future__ import annotations

import pytest

from ledger.errors import Conflict, Missing
from store.store import Store
from tests.store.builders import instrument


async def test_new_instruments_get_the_flags_and_come_back_whole(inline_store: Store) -> None:
    wanted = [
        instrument("BBB.EU", country=None, lot=None),
        instrument("AAA.EU", synthetic=True, industry="Energy", product_type="ETF"),
    ]
    found = await inline_store.securities.upsert(wanted, allow_trading=True, confirmed=False)
    assert [s.instrument for s in found] == wanted
    assert all(s.allow_buy and s.allow_sell and s.active and not s.confirmed for s in found)
    assert [s.symbol for s in await inline_store.securities.all()] == ["AAA.EU", "BBB.EU"]


async def test_known_ones_keep_number_and_flags(inline_store: Store) -> None:
    securities = inline_store.securities
    (first,) = await securities.upsert([instrument()], allow_trading=True, confirmed=False)
    await securities.set_flags(first.security_id, allow_sell=False, confirmed=True)
    renamed = instrument(name="New Name")
    (again,) = await securities.upsert([renamed], allow_trading=False, confirmed=False)
    assert again.security_id == first.security_id
    assert again.instrument == renamed
    assert (again.allow_buy, again.allow_sell, again.confirmed) == (True, False, True)


async def test_a_new_symbol_of_a_known_listing_is_the_same_security(inline_store: Store) -> None:
    securities = inline_store.securities
    (first,) = await securities.upsert(
        [instrument("OLD.EU", isin="DE1")], allow_trading=True, confirmed=True
    )
    (moved,) = await securities.upsert(
        [instrument("NEW.EU", isin="DE1")], allow_trading=True, confirmed=True
    )
    assert (moved.security_id, moved.symbol) == (first.security_id, "NEW.EU")
    assert len(await securities.all()) == 1


async def test_a_symbol_cannot_become_another_known_listing(inline_store: Store) -> None:
    securities = inline_store.securities
    both = [instrument("A.EU", isin="DE1"), instrument("B.EU", isin="DE2")]
    await securities.upsert(both, allow_trading=True, confirmed=True)
    with pytest.raises(Conflict) as caught:
        await securities.upsert(
            [instrument("A.EU", isin="DE2")], allow_trading=True, confirmed=True
        )
    assert caught.value.code == "security_identity"


async def test_instruments_without_isin_are_told_apart_by_symbol(inline_store: Store) -> None:
    both = [instrument("IDX1", isin=""), instrument("IDX2", isin="")]
    found = await inline_store.securities.upsert(both, allow_trading=False, confirmed=True)
    assert len({s.security_id for s in found}) == 2
    assert not any(s.allow_buy or s.allow_sell for s in found)


async def test_flags_of_nothing_are_missing(inline_store: Store) -> None:
    with pytest.raises(Missing):
        await inline_store.securities.set_flags(1, active=False)
