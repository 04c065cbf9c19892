"""Mode and latches survive, are audited, and fail to the safe side."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.errors import Conflict, Refused
from ledger.halt import Latch
from store.store import Store, open_store
from tests.store.builders import NOW, after, proposal, submission

OWNER = Latch("owner", "holiday", NOW)
BOOKS = Latch("books", "cash differs", after(1))


async def audit(store: Store) -> list[tuple[str, str, str | None, str | None]]:
    rows = await store.ledger.read(lambda tx: tx.all("SELECT * FROM audit ORDER BY audit_id"))
    return [(row["who"], row["what"], row["before"], row["after"]) for row in rows]


async def test_an_absent_or_unreadable_mode_is_research(tmp_path: Path) -> None:
    async with open_store(tmp_path, engine="inline") as store:
        assert await store.settings.mode() == "research"
        await store.ledger.write("INSERT INTO setting VALUES ('trading_mode', 'LIVE!')")
        assert await store.settings.mode() == "research"


async def test_a_change_of_mode_is_audited(inline_store: Store) -> None:
    await inline_store.settings.set_mode("research", "owner", NOW)
    assert await inline_store.settings.mode() == "research"
    assert (await audit(inline_store))[-1] == ("owner", "trading_mode", "live", "research")


async def test_nobody_goes_live_while_an_order_is_in_flight(inline_store: Store) -> None:
    settings, orders = inline_store.settings, inline_store.orders
    intent = await orders.propose(proposal(), mode="live", at=NOW)
    await orders.begin_submit(intent.intent_id, **submission())
    await settings.set_mode("research", "owner", NOW)
    with pytest.raises(Conflict) as caught:
        await settings.set_mode("live", "owner", NOW)
    assert caught.value.code == "order_in_flight"
    assert await settings.mode() == "research"


async def test_asking_for_the_mode_in_force_waits_for_no_order(inline_store: Store) -> None:
    intent = await inline_store.orders.propose(proposal(), mode="live", at=NOW)
    await inline_store.orders.begin_submit(intent.intent_id, **submission())
    await inline_store.settings.set_mode("live", "owner", NOW)
    assert await inline_store.settings.mode() == "live"


async def test_latches_stand_until_they_are_named(inline_store: Store) -> None:
    """S4: a halt survives everything but being cleared by name."""
    settings = inline_store.settings
    assert await settings.set_latch(OWNER, "web") == (OWNER,)
    assert await settings.set_latch(BOOKS, "sync") == (OWNER, BOOKS)
    again = Latch("owner", "another reason", after(9))
    assert await settings.set_latch(again, "web") == (OWNER, BOOKS)
    assert await settings.clear_latches(["owner", "restore"], "owner", after(10)) == (BOOKS,)
    assert await settings.latches() == (BOOKS,)
    assert (await audit(inline_store))[-3:] == [
        ("web", "latch owner", None, "holiday"),
        ("sync", "latch books", None, "cash differs"),
        ("owner", "latch owner", "holiday", None),
    ]


async def test_latches_survive_a_restart(tmp_path: Path) -> None:
    async with open_store(tmp_path, engine="inline") as store:
        await store.settings.set_latch(OWNER, "web")
    async with open_store(tmp_path, engine="inline") as store:
        assert await store.settings.latches() == (OWNER,)


async def test_ordinary_settings_are_text(inline_store: Store) -> None:
    assert await inline_store.settings.get("led_brightness") is None
    await inline_store.settings.put("led_brightness", "40")
    await inline_store.settings.put("led_brightness", "50")
    assert await inline_store.settings.get("led_brightness") == "50"


async def test_the_mode_is_not_an_ordinary_setting(inline_store: Store) -> None:
    with pytest.raises(Refused):
        await inline_store.settings.put("trading_mode", "research")
    assert await inline_store.settings.mode() == "live"
