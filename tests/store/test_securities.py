"""The universe: numbers never change and the owner's flags are the owner's."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.errors import Conflict, Missing, Refused
from ledger.money import Quantity
from ledger.security import Instrument, Security, SecurityPatch, find_security
from store.engine import Tx
from store.inline import open_inline_engine
from store.migrate import migrate, migrations
from store.order_views import OrderQuery
from store.securities import Securities
from store.store import Store
from store.views import TradeQuery
from tests.store.builders import (
    NOW,
    TIMES,
    after,
    dividend,
    fill,
    instrument,
    paid,
    proposal,
)


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
    assert (moved.security_id, moved.symbol) == (first.security_id, "OLD.EU")
    assert (moved.name_now, moved.broker_symbol) == ("NEW.EU", "NEW.EU")
    (again,) = await securities.upsert(
        [instrument("NEW.EU", isin="DE1")], allow_trading=True, confirmed=True
    )
    assert (await securities.all()) == (again,) == (moved,)
    (back,) = await securities.upsert(
        [instrument("OLD.EU", isin="DE1")], allow_trading=True, confirmed=True
    )
    assert (back.name_now, back.broker_symbol) == ("OLD.EU", None)
    assert back.names == {"NEW.EU"}


async def test_a_symbol_cannot_become_another_known_listing(inline_store: Store) -> None:
    securities = inline_store.securities
    both = [instrument("A.EU", isin="DE1"), instrument("B.EU", isin="DE2")]
    await securities.upsert(both, allow_trading=True, confirmed=True)
    with pytest.raises(Conflict) as caught:
        await securities.upsert(
            [instrument("A.EU", isin="DE2")], allow_trading=True, confirmed=True
        )
    assert caught.value.code == "security_identity"


async def test_symbols_that_changed_places_are_not_believed(inline_store: Store) -> None:
    securities = inline_store.securities
    (known,) = await securities.upsert(
        [instrument("A.EU", isin="DE1")], allow_trading=True, confirmed=True
    )
    swapped = [instrument("A.EU", isin="DE2"), instrument("B.EU", isin="DE1")]
    twice = [instrument("C.EU", isin="DE3"), instrument("C.EU", isin="DE4")]
    for told in (swapped, twice):
        with pytest.raises(Conflict) as caught:
            await securities.upsert(told, allow_trading=True, confirmed=True)
        assert caught.value.code == "security_identity"
    assert await securities.all() == (known,)


async def test_a_row_that_comes_twice_is_one_security(inline_store: Store) -> None:
    twice = [instrument("A.EU"), instrument("B.EU"), instrument("A.EU")]
    found = await inline_store.securities.upsert(twice, allow_trading=True, confirmed=True)
    assert [one.symbol for one in found] == ["A.EU", "B.EU", "A.EU"]
    assert len(await inline_store.securities.all()) == 2


async def test_instruments_without_isin_are_told_apart_by_symbol(inline_store: Store) -> None:
    both = [instrument("IDX1", isin=""), instrument("IDX2", isin="")]
    found = await inline_store.securities.upsert(both, allow_trading=False, confirmed=True)
    assert len({s.security_id for s in found}) == 2
    assert not any(s.allow_buy or s.allow_sell for s in found)


async def test_flags_of_nothing_are_missing(inline_store: Store) -> None:
    with pytest.raises(Missing):
        await inline_store.securities.set_flags(1, active=False)


async def one(store: Store, **changes: object) -> Security:
    made = instrument(**changes)  # type: ignore[arg-type]
    (found,) = await store.securities.upsert([made], allow_trading=True, confirmed=True, at=NOW)
    return found


async def change(store: Store, security: Security, **patch: object) -> Security:
    wanted = SecurityPatch(**patch)  # type: ignore[arg-type]
    return await store.securities.update(security.security_id, wanted, at=after(1))


async def test_what_the_owner_says_stands_over_what_the_broker_says(inline_store: Store) -> None:
    known = await one(inline_store)
    await change(
        inline_store,
        known,
        name="My Name",
        country="France",
        industry="Food",
        product_type="ETC",
        exchange_name="Xetra",
        lot=Quantity.of(5),
    )
    told = await one(inline_store, name="Their Name", country="Spain", product_type="ETF")
    shown = told.instrument
    assert (shown.name, shown.country, shown.industry) == ("My Name", "France", "Food")
    assert (shown.product_type, told.exchange_name) == ("ETC", "Xetra")
    assert shown.lot == Quantity.of(5)
    assert (told.created_at, told.updated_at) == (NOW, after(1))


async def test_taking_it_back_shows_what_the_broker_says_now(inline_store: Store) -> None:
    known = await one(inline_store)
    await change(inline_store, known, name="My Name", lot=Quantity.of(5), max_target=Decimal("0.1"))
    await one(inline_store, name="Their Name")
    told = await change(inline_store, known, name=None, lot=None, max_target=None)
    assert (told.instrument.name, told.instrument.lot) == ("Their Name", Quantity.of(1))
    assert told.max_target is None


async def test_a_change_touches_what_it_names_alone(inline_store: Store) -> None:
    known = await one(inline_store)
    before = await change(inline_store, known, priority=Decimal("1.5"), allow_sell=False)
    told = await change(inline_store, known, min_target=Decimal("0.05"))
    assert (told.priority, told.allow_sell, told.allow_buy) == (Decimal("1.5"), False, True)
    assert told.instrument == before.instrument == known.instrument


async def test_an_empty_change_changes_nothing(inline_store: Store) -> None:
    known = await one(inline_store)
    assert await change(inline_store, known) == known


@pytest.mark.parametrize(
    ("asked", "kept"), [("0.01", "0.1"), ("9", "3"), ("2.25", "2.25"), (None, "1")]
)
async def test_a_priority_is_kept_between_its_bounds(
    inline_store: Store, asked: str | None, kept: str
) -> None:
    wanted = None if asked is None else Decimal(asked)
    told = await change(inline_store, await one(inline_store), priority=wanted)
    assert told.priority == Decimal(kept)


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ({"min_target": Decimal("0.2"), "max_target": Decimal("0.1")}, "targets"),
        ({"min_target": Decimal("0.21")}, "targets"),
        ({"max_target": Decimal("0.31")}, "targets"),
        ({"max_target": Decimal("-0.01")}, "targets"),
        ({"lot": Quantity.of(150)}, "lot"),
        ({"product_type": "UNKNOWN"}, "needs_classification"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_written(
    inline_store: Store, patch: dict[str, object], code: str
) -> None:
    known = await one(inline_store, lot=Quantity.of(100))
    with pytest.raises(Refused) as caught:
        await change(inline_store, known, name="Half Done", **patch)
    assert caught.value.code == code
    assert await inline_store.securities.all() == (known,)


async def test_a_bound_is_checked_against_the_one_that_stands(inline_store: Store) -> None:
    known = await one(inline_store)
    await change(inline_store, known, max_target=Decimal("0.05"))
    with pytest.raises(Refused):
        await change(inline_store, known, min_target=Decimal("0.06"))
    told = await change(inline_store, known, min_target=Decimal("0.06"), max_target=None)
    assert (told.min_target, told.max_target) == (Decimal("0.06"), None)


async def test_a_lot_of_the_owner_stays_a_multiple_of_the_brokers(inline_store: Store) -> None:
    known = await one(inline_store, lot=Quantity.of(10))
    await change(inline_store, known, lot=Quantity.of(30))
    grown = await one(inline_store, lot=Quantity.of(100))
    assert grown.instrument.lot == Quantity.of(100)
    untraded = await one(inline_store, lot=None)
    assert untraded.instrument.lot is None


async def test_nothing_without_a_kind_is_active_before_it_has_one(inline_store: Store) -> None:
    known = await one(inline_store, product_type="UNKNOWN")
    assert (known.active, known.needs_classification, known.tradable) == (False, True, False)
    with pytest.raises(Refused):
        await change(inline_store, known, active=True)
    told = await change(inline_store, known, active=True, product_type="ETF")
    assert (told.active, told.needs_classification) == (True, False)
    with pytest.raises(Refused):
        await change(inline_store, told, product_type=None)


async def test_a_kind_that_was_known_is_not_forgotten(inline_store: Store) -> None:
    await one(inline_store, product_type="ETF")
    told = await one(inline_store, product_type="UNKNOWN", name="New Name")
    assert (told.instrument.product_type, told.instrument.name) == ("ETF", "New Name")
    assert told.active


async def test_a_rename_keeps_the_security_and_every_name_it_had(inline_store: Store) -> None:
    known = await one(inline_store)
    await change(inline_store, known, symbol="NEW.EU")
    told = await change(inline_store, known, symbol="NEWER.EU")
    assert (told.security_id, told.symbol) == (known.security_id, "AAA.EU")
    assert told.name_now == "NEWER.EU"
    assert (await one(inline_store)).name_now == "NEWER.EU"
    assert told.names == {"NEW.EU", "NEWER.EU"}
    universe = await inline_store.securities.all()
    assert {find_security(universe, name) for name in (*told.names, "AAA.EU")} == {universe[0]}
    back = await change(inline_store, known, symbol="AAA.EU")
    assert (back.alias, back.name_now) == (None, "AAA.EU")


async def test_a_name_of_another_security_is_not_given_twice(inline_store: Store) -> None:
    known, other = await one(inline_store), await one(inline_store, symbol="BBB.EU", isin="DE2")
    await change(inline_store, other, symbol="WAS.EU")
    await change(inline_store, other, symbol="IS.EU")
    for taken in ("BBB.EU", "WAS.EU", "IS.EU"):
        with pytest.raises(Conflict) as caught:
            await change(inline_store, known, symbol=taken)
        assert caught.value.code == "symbol_exists"
    assert (await change(inline_store, other, symbol="WAS.EU")).name_now == "WAS.EU"


async def test_a_symbol_of_the_broker_goes_before_a_name_of_the_owner(inline_store: Store) -> None:
    known = await one(inline_store)
    await change(inline_store, known, symbol="NEW.EU")
    joined = await one(inline_store, symbol="NEW.EU", isin="DE2")
    securities = await inline_store.securities.all()
    assert find_security(securities, "NEW.EU") == joined
    assert find_security(securities, "AAA.EU").alias is None


async def test_what_the_broker_drops_is_not_listed_until_it_comes_back(
    inline_store: Store,
) -> None:
    known, other = await one(inline_store), await one(inline_store, symbol="BBB.EU", isin="DE2")
    assert await inline_store.securities.drop_others([other.security_id], at=after(5)) == 1
    gone, left = await inline_store.securities.all()
    assert (gone.listed, gone.unlisted_at, gone.live, gone.tradable) == (
        False,
        after(5),
        False,
        False,
    )
    assert (gone.active, left.listed) == (True, True)
    assert await inline_store.securities.drop_others([other.security_id], at=after(9)) == 0
    back = await one(inline_store)
    assert (back.listed, back.unlisted_at) == (True, None)
    assert back.security_id == known.security_id


def _quote(told: Instrument) -> str:
    return told.symbol.removesuffix(".EU")


async def test_a_quote_symbol_is_derived_unless_the_owner_gave_one(inline_store: Store) -> None:
    securities = inline_store.securities

    async def refreshed() -> tuple[str | None, str | None]:
        (told,) = await securities.upsert(
            [instrument()], allow_trading=True, confirmed=True, quote_of=_quote
        )
        return told.quote_symbol, told.quote_source

    assert await refreshed() == ("AAA", "derived")
    (known,) = await securities.all()
    own = SecurityPatch(quote_symbol="AAA.DE")
    await securities.update(known.security_id, own, at=NOW, quote_of=_quote)
    assert await refreshed() == ("AAA.DE", "owner")
    cleared = SecurityPatch(quote_symbol=None)
    told = await securities.update(known.security_id, cleared, at=NOW, quote_of=_quote)
    assert (told.quote_symbol, told.quote_source) == ("AAA", "derived")


async def test_adding_is_confirming_and_takes_back_in_what_was_taken_out(
    inline_store: Store,
) -> None:
    securities = inline_store.securities
    wanted = SecurityPatch(name="Mine", allow_buy=True, allow_sell=False)
    made = await securities.add(instrument(), wanted, at=NOW)
    assert (made.active, made.confirmed, made.allow_buy, made.allow_sell) == (
        True,
        True,
        True,
        False,
    )
    with pytest.raises(Conflict) as caught:
        await securities.add(instrument(), wanted, at=NOW)
    assert caught.value.code == "exists"
    await change(inline_store, made, active=False)
    again = await securities.add(instrument(), SecurityPatch(allow_sell=True), at=after(9))
    assert (again.security_id, again.active, again.allow_sell) == (made.security_id, True, True)
    unclear = instrument("UUU.EU", product_type="UNKNOWN")
    assert not (await securities.add(unclear, wanted, at=NOW)).active


async def test_a_name_leads_to_one_security_or_to_a_question(inline_store: Store) -> None:
    euro = await one(inline_store, isin="DE1")
    dollar = await one(inline_store, symbol="AAA.US", isin="DE1", currency="USD")
    both = await inline_store.securities.all()
    assert find_security(both, "AAA.US") == dollar
    with pytest.raises(Conflict) as caught:
        find_security(both, "DE1")
    assert caught.value.code == "ambiguous"
    await change(inline_store, dollar, active=False)
    assert find_security(await inline_store.securities.all(), "DE1") == euro
    for unknown in ("", "DE2"):
        with pytest.raises(Missing):
            find_security(both, unknown)


async def test_securities_and_their_orders_survive_the_new_table(tmp_path: Path) -> None:
    steps = migrations("ledger")

    async def old_rows(tx: Tx) -> None:
        await tx.execute(
            "INSERT INTO security VALUES (7, 'AAA.EU', 'DE1', 'A', 'EUR', 'XETR', NULL, NULL,"
            " 'EQUITY', 1000000, 10000, 'EUR', 0, 1, 0, 1, 1)"
        )
        await tx.execute(
            "INSERT INTO intent (intent_id, order_class, source_id, step, attempt, bucket_id,"
            " symbol, security_id, side, quantity_micro, currency, decision_micro,"
            " decision_currency, reason, force, mode, state, proposed_ms) VALUES (3, 'planner',"
            " 's', 1, 1, 'core', 'AAA.EU', 7, 'BUY', 1, 'EUR', 1, 'EUR', '', '[]', 'live',"
            " 'proposed', 0)"
        )

    async with open_inline_engine(tmp_path / "ledger.db") as engine:
        await migrate(engine, "ledger", steps[:9])
        await engine.transaction(old_rows)
        await migrate(engine, "ledger", steps)
        (known,) = await Securities(engine).all()
        assert (known.security_id, known.symbol, known.allow_buy) == (7, "AAA.EU", True)
        assert (known.allow_sell, known.live, known.priority) == (False, True, Decimal(1))
        assert await engine.read(lambda tx: tx.all("PRAGMA foreign_key_check")) == []
        (joined,) = await Securities(engine).upsert(
            [instrument("BBB.EU")], allow_trading=True, confirmed=True
        )
        assert joined.security_id == 8


async def test_trades_orders_and_dividends_are_found_under_every_name(inline_store: Store) -> None:
    known = await one(inline_store)
    await inline_store.orders.propose(
        replace(proposal(), security_id=known.security_id), mode="live", at=NOW
    )
    await inline_store.facts.record([fill("f1"), dividend(), *paid()], **TIMES)
    await change(inline_store, known, symbol="WAS.EU")
    await change(inline_store, known, symbol="NOW.EU")
    views = inline_store.views
    for name in ("AAA.EU", "WAS.EU", "NOW.EU", "DEAAA.EU"):
        (trade,) = await views.trades(TradeQuery(limit=9, symbol=name))
        assert (trade.symbol, trade.isin) == ("NOW.EU", "DEAAA.EU")
        assert len(await views.orders(OrderQuery(limit=9, symbol=name))) == 1
        assert len(await views.dividends.of(name)) == 1
    assert await views.trades(TradeQuery(limit=9, symbol="BBB.EU")) == ()
