"""The owner's universe: everything sync answers about securities, over a real store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.errors import Busy, Conflict, Missing, Refused, Unavailable
from ledger.money import Quantity
from ledger.portfolio import PortfolioSnapshot
from ledger.security import Instrument, Security, SecurityPatch, find_security
from tests.actors.rig import Rig
from tests.support.builders import eur, security
from wire.messages import Nudge, RunJob
from wire.security_asks import (
    AddSecurity,
    DeleteSecurity,
    FoundSecurity,
    SearchSecurities,
    UpdateSecurity,
)

ISIN_A, ISIN_B, ISIN_C = "DE0007164600", "US0378331005", "NL0010273215"
ASK_S = 30.0


def listed(symbol: str, isin: str, **changes: Any) -> Instrument:
    return replace(security(symbol, **changes).instrument, isin=isin, name="Demo")


async def ask(rig: Rig, request: Any) -> Any:
    return await rig.system.asks.sync.ask(request, deadline_s=ASK_S)


async def search(rig: Rig, text: str) -> tuple[FoundSecurity, ...]:
    found: tuple[FoundSecurity, ...] = await ask(rig, SearchSecurities(text))
    return found


async def update(rig: Rig, which: str, /, **patch: Any) -> Security:
    made: Security = await ask(rig, UpdateSecurity(which, SecurityPatch(**patch), "test"))
    return made


async def add(rig: Rig, identifier: str, **how: Any) -> Security:
    patch = how.pop("patch", SecurityPatch(allow_buy=True, allow_sell=True))
    made: Security = await ask(rig, AddSecurity(identifier, patch, "test", **how))
    return made


def board(rig: Rig) -> PortfolioSnapshot:
    found: PortfolioSnapshot = rig.boards.portfolio.value
    return found


async def ready(rig: Rig) -> None:
    """DEMO-A.EU is held and in the universe; the broker lists more since."""
    rig.broker.listed = [listed("DEMO-A.EU", ISIN_A)]
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync")
    rig.broker.listed += [
        listed("DEMO-B.US", ISIN_B, currency="USD", mic="XNYS"),
        listed("DEMO-C.EU", ISIN_C, product_type="UNKNOWN"),
    ]


async def test_a_search_tells_what_is_in_the_universe(rig: Rig) -> None:
    await ready(rig)
    found = {one.instrument.symbol: one.known for one in await search(rig, "Demo")}
    assert set(found) == {"DEMO-A.EU", "DEMO-B.US", "DEMO-C.EU"}
    assert found["DEMO-A.EU"] == board(rig).universe[0]
    assert found["DEMO-B.US"] is None


async def test_what_is_added_is_confirmed_shown_and_fetched(rig: Rig) -> None:
    await ready(rig)
    made = await add(rig, ISIN_B)
    assert (made.symbol, made.active, made.confirmed, made.allow_sell) == (
        "DEMO-B.US",
        True,
        True,
        True,
    )
    assert made in board(rig).universe
    assert (made.quote_symbol, made.created_at) == ("DEMO-B", rig.clock.market_now())
    assert await rig.system.nudges["prices"].receive_within(1) == Nudge(
        "DEMO-B.US was changed", made.security_id
    )
    assert rig.events("SECURITY_CHANGED")[-1].data["what"] == "added"


async def test_what_nobody_can_classify_is_added_without_being_active(rig: Rig) -> None:
    await ready(rig)
    made = await add(rig, "demo-c.eu")
    assert (made.active, made.needs_classification) == (False, True)
    told = await update(rig, "DEMO-C.EU", product_type="EQUITY", active=True)
    assert told.live


@pytest.mark.parametrize(
    ("identifier", "how", "code"),
    [
        ("", {}, "identifier"),
        ("US0378331006", {}, "isin"),
        ("AAPL", {}, "quote_symbol"),
        ("NONE.US", {}, "unresolvable"),
        ("DEMO-B.US", {"isin": ISIN_C}, "isin_mismatch"),
        ("DEMO-B.US", {"currency": "EUR"}, "unresolvable"),
        ("DEMO-A.EU", {}, "exists"),
        (ISIN_A, {}, "exists"),
    ],
)
async def test_what_cannot_be_added_is_refused_with_the_reason(
    rig: Rig, identifier: str, how: dict[str, Any], code: str
) -> None:
    await ready(rig)
    with pytest.raises((Refused, Conflict)) as caught:
        await add(rig, identifier, **how)
    assert isinstance(caught.value, Refused | Conflict)
    assert caught.value.code == code
    assert len(await rig.store.securities.all()) == 1


async def test_several_listings_are_named_and_told_apart(rig: Rig) -> None:
    await ready(rig)
    rig.broker.listed.append(listed("DEMO-B.EU", ISIN_B))
    with pytest.raises(Conflict) as caught:
        await add(rig, ISIN_B)
    assert caught.value.code == "ambiguous"
    assert "DEMO-B.EU" in str(caught.value)
    assert "DEMO-B.US" in str(caught.value)
    assert (await add(rig, ISIN_B, currency="EUR")).symbol == "DEMO-B.EU"
    assert (await add(rig, ISIN_B, mic="XNYS")).symbol == "DEMO-B.US"
    with pytest.raises(Conflict):
        await update(rig, ISIN_B, name="Which")


async def test_a_broker_that_is_away_is_said_to_be_and_nothing_is_added(rig: Rig) -> None:
    await ready(rig)
    rig.broker.hung.add("find")
    with pytest.raises(Unavailable):
        await add(rig, "DEMO-B.US")
    rig.broker.hung.clear()
    rig.broker.errors["find"] = Unavailable("no line")
    with pytest.raises(Unavailable):
        await search(rig, "Demo")
    del rig.broker.errors["find"]
    assert (await add(rig, "DEMO-B.US")).confirmed


async def test_what_is_taken_out_stays_valued_and_counts(rig: Rig) -> None:
    await ready(rig)
    before = board(rig).total_eur
    await ask(rig, DeleteSecurity(ISIN_A, "test"))
    assert not board(rig).positions[0].security.active
    after = await rig.sync()
    assert after.total_eur == before
    assert after.positions[0].value == eur("300")
    again: Security = await ask(rig, DeleteSecurity("DEMO-A.EU", "test"))
    assert not again.active
    back = await add(rig, "DEMO-A.EU")
    assert (back.security_id, back.live) == (again.security_id, True)


async def test_a_rename_keeps_position_value_and_orders(rig: Rig) -> None:
    await ready(rig)
    before = board(rig)
    told = await update(rig, ISIN_A, symbol="OTHER.EU")
    assert (told.name_now, told.symbol) == ("OTHER.EU", "DEMO-A.EU")
    assert rig.clock.jump_to(rig.clock.market_now() + timedelta(days=1))
    after = await rig.sync()
    assert after.differences == ()
    assert after.total_eur == before.total_eur
    assert after.positions[0].quantity == Quantity.of(3)
    assert after.positions[0].security.name_now == "OTHER.EU"
    assert len({one.instrument.isin for one in after.universe}) == len(after.universe) == 3
    for name in ("OTHER.EU", "DEMO-A.EU", ISIN_A):
        assert find_security(after.universe, name).security_id == told.security_id


async def test_a_rename_by_the_broker_keeps_position_value_and_orders(rig: Rig) -> None:
    await ready(rig)
    before = board(rig)
    rig.broker.listed[0] = replace(rig.broker.listed[0], symbol="NEW.EU")
    rig.broker.held = {"NEW.EU": "3"}
    rig.broker.quoted["NEW.EU"] = replace(rig.broker.quoted.pop("DEMO-A.EU"), symbol="NEW.EU")
    assert rig.clock.jump_to(rig.clock.market_now() + timedelta(days=1))
    after = await rig.sync()
    assert after.differences == ()
    assert after.total_eur == before.total_eur
    (held,) = after.positions
    assert (held.security.symbol, held.security.name_now) == ("DEMO-A.EU", "NEW.EU")
    assert held.security.security_id == before.positions[0].security.security_id
    assert held.security.live
    assert (await add(rig, "DEMO-B.US")).confirmed


@pytest.mark.parametrize("taken", ["DEMO-B.US", "ISIN", "two words", "lower.eu", "A/B"])
async def test_a_symbol_that_cannot_be_is_refused(rig: Rig, taken: str) -> None:
    await ready(rig)
    await add(rig, "DEMO-B.US")
    with pytest.raises((Conflict, Refused)):
        await update(rig, "DEMO-A.EU", symbol=ISIN_C if taken == "ISIN" else taken)
    assert find_security(board(rig).universe, ISIN_A).alias is None


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ({}, "no_updates"),
        ({"bucket_id": "nowhere"}, "unknown_bucket"),
        ({"quote_symbol": ISIN_A}, "quote_symbol"),
        ({"min_target": Decimal("0.2"), "max_target": Decimal("0.1")}, "targets"),
    ],
)
async def test_a_change_that_cannot_be_is_refused(
    rig: Rig, patch: dict[str, Any], code: str
) -> None:
    await ready(rig)
    with pytest.raises(Refused) as caught:
        await update(rig, "DEMO-A.EU", **patch)
    assert caught.value.code == code


async def test_a_change_shows_at_once_and_wakes_who_scores(rig: Rig) -> None:
    await ready(rig)
    version = rig.boards.portfolio.version
    told = await update(rig, "DEMO-A.EU", priority=Decimal("2"), bucket_id="core")
    assert rig.boards.portfolio.version == version + 1
    assert board(rig).positions[0].security == told
    assert told.priority == 2
    nudge = await rig.system.nudges["score"].receive_within(1)
    assert nudge is not None
    assert nudge.only == told.security_id


async def test_a_holding_that_joined_by_itself_is_confirmed_by_the_owner(rig: Rig) -> None:
    await ready(rig)
    assert rig.clock.jump_to(rig.clock.market_now() + timedelta(days=1))
    await rig.sync()
    joined = find_security(board(rig).universe, "DEMO-B.US")
    assert (joined.confirmed, joined.allow_buy, joined.allow_sell) == (False, False, False)
    told = await update(rig, "DEMO-B.US", confirmed=True)
    assert (told.confirmed, told.allow_sell) == (True, False)


async def test_what_is_unknown_is_missing(rig: Rig) -> None:
    await ready(rig)
    for request in (UpdateSecurity("X.EU", SecurityPatch(), "t"), DeleteSecurity("X.EU", "t")):
        with pytest.raises(Missing):
            await ask(rig, request)


async def test_a_run_for_one_security_is_one_for_all_when_more_waits(rig: Rig) -> None:
    await rig.start("schedule")
    asks, nudges = rig.system.asks.schedule, rig.system.nudges
    run = await asks.ask(RunJob("prices", "api", only=7), deadline_s=5)
    with pytest.raises(Busy) as caught:
        await asks.ask(RunJob("prices", "api", only=8), deadline_s=5)
    assert caught.value.run_id == run.run_id
    nudges["score"].nudge(Nudge("routine"))
    await asks.ask(RunJob("score", "api", only=7), deadline_s=5)
    assert (await nudges["prices"].receive()).only == 7
    assert (await nudges["score"].receive()).only is None
