"""Groups: a member is in one of its kind, whatever its case, and a change is whole or nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ledger.allocation import AllocationBook, GroupKind, Groups
from ledger.errors import Conflict, Refused
from store.store import Store
from tests.store.builders import MACHINE

BY: dict[str, Any] = {"by": "owner", "at": MACHINE}


async def put(
    store: Store, name: str, *members: str, kind: GroupKind = "country"
) -> AllocationBook:
    return await store.allocation.put_group(kind, name, members, **BY)


async def want(store: Store, **weights: str) -> AllocationBook:
    wanted = {name: Decimal(text) for name, text in weights.items()}
    return await store.allocation.put_wanted("country", wanted, **BY)


async def test_a_new_ledger_has_no_groups(store: Store) -> None:
    assert await store.allocation.book() == AllocationBook()


async def test_groups_and_members_come_back_by_name(store: Store) -> None:
    await put(store, "West", "US", "Canada")
    book = await put(store, "Europe", "Spain", "France")
    assert book == await store.allocation.book()
    assert list(book.country.members.items()) == [
        ("Europe", ("France", "Spain")),
        ("West", ("Canada", "US")),
    ]
    assert book.industry == Groups()


async def test_putting_a_group_replaces_its_members_and_may_leave_none(inline_store: Store) -> None:
    await put(inline_store, "Europe", "Spain", "France")
    assert (await put(inline_store, "Europe", "Italy")).country.members == {"Europe": ("Italy",)}
    assert (await put(inline_store, "Europe")).country.members == {"Europe": ()}


@pytest.mark.parametrize("spelling", ["EUROPE", " europe ", "Eur\u006fpe"])
async def test_a_group_is_found_in_any_spelling_and_keeps_its_weight(
    inline_store: Store, spelling: str
) -> None:
    await put(inline_store, "Europe", "Spain")
    await want(inline_store, Europe="0.4")
    book = await put(inline_store, spelling, "SPAIN")
    assert book.country.members == {spelling: ("SPAIN",)}
    assert book.country.wanted == {spelling: Decimal("0.4")}


@pytest.mark.parametrize("member", ["Österreich", "ÖSTERREICH", " österreich", "O\u0308sterreich"])
async def test_a_member_of_another_group_is_refused_and_that_group_named(
    inline_store: Store, member: str
) -> None:
    before = await put(inline_store, "DACH", "Österreich", "Schweiz")
    with pytest.raises(Conflict, match="Österreich is in DACH") as refused:
        await put(inline_store, "South", "Italy", member)
    assert refused.value.code == "member_taken"
    assert await inline_store.allocation.book() == before


async def test_a_name_may_be_a_country_and_an_industry(inline_store: Store) -> None:
    await put(inline_store, "One", "Georgia")
    book = await put(inline_store, "Two", "Georgia", kind="industry")
    assert (book.country.group_of("georgia"), book.industry.group_of("GEORGIA")) == ("One", "Two")


async def test_a_group_that_goes_takes_members_and_weight_along(store: Store) -> None:
    await put(store, "Europe", "Spain")
    await put(store, "Asia", "Japan")
    await want(store, Europe="0.5", Asia="0.5")
    book = await store.allocation.delete_group("country", "EUROPE", **BY)
    assert book.country == Groups({"Asia": ("Japan",)}, {"Asia": Decimal("0.5")})
    assert await store.allocation.delete_group("country", "Europe", **BY) == book
    assert (await put(store, "South", "Spain")).country.group_of("Spain") == "South"


async def test_what_is_wanted_replaces_all_that_was(inline_store: Store) -> None:
    for name in ("A", "B", "C"):
        await put(inline_store, name)
    await want(inline_store, A="0.2", B="0.6")
    book = await want(inline_store, b="0.333333", C="0")
    assert book.country.wanted == {"B": Decimal("0.333333"), "C": 0}
    assert book.country.targets == {"B": 1}


async def test_every_unknown_group_is_named_and_nothing_changes(inline_store: Store) -> None:
    with pytest.raises(Refused) as refused:
        await want(inline_store, A="1")
    assert refused.value.code == "no_groups"
    await put(inline_store, "A")
    before = await want(inline_store, A="0.7")
    with pytest.raises(Refused, match="X, Y") as refused:
        await want(inline_store, X="0.1", A="0.2", Y="0.3")
    assert refused.value.code == "unknown_groups"
    assert await inline_store.allocation.book() == before


async def test_every_change_says_who_made_it(inline_store: Store) -> None:
    await put(inline_store, "Europe", "Spain")
    await want(inline_store, Europe="1")
    await inline_store.allocation.delete_group("country", "Europe", **BY)
    await inline_store.allocation.delete_group("country", "Europe", **BY)
    rows = await inline_store.ledger.read(
        lambda tx: tx.all("SELECT who, what FROM audit WHERE who = 'owner' ORDER BY audit_id")
    )
    assert [tuple(row) for row in rows] == [
        ("owner", "country group Europe"),
        ("owner", "country targets"),
        ("owner", "country group Europe"),
    ]
