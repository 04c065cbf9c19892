"""Sync: the books follow facts only, differences have names, and old figures say that they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import trio

from actors.universe import MOST_LOOKED_UP
from ledger.errors import (
    Busy,
    Conflict,
    Missing,
    OutcomeUnknown,
    Refused,
    Unavailable,
    UnknownCurrency,
)
from ledger.fact import Fill
from ledger.lot import Pick
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import OrderState
from ledger.security import Instrument
from store.facts import Facts
from store.readd import Readded
from tests.actors.rig import Rig
from tests.support.builders import NOW, eur, rates, security
from wire.ledger_asks import ChooseLots, Lots
from wire.messages import Decide, Nudge
from wire.order_asks import Resolve

READS = (
    "snapshot",
    "quotes",
    "rates",
    "fills_since",
    "cash_flows_since",
    "corporate_actions_since",
)


async def test_an_empty_ledger_opens_with_what_the_account_holds(rig: Rig) -> None:
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync")
    portfolio = rig.boards.portfolio.value
    assert portfolio.cash_in("EUR") == eur("10000")
    assert [(p.security.symbol, p.quantity.units) for p in portfolio.positions] == [
        ("DEMO-A.EU", 3)
    ]
    assert portfolio.differences == ()
    before = await rig.store.facts.last_seq()
    await rig.sync()
    assert await rig.store.facts.last_seq() == before


async def test_what_was_there_before_is_not_opened_twice(rig: Rig) -> None:
    """Flows of the past explain a part of the balance; the opening is only the rest."""
    rig.broker.deposit("500")
    await rig.start("sync")
    assert rig.boards.portfolio.value.cash_in("EUR") == eur("10500")
    assert rig.boards.portfolio.value.differences == ()


async def test_an_account_that_cannot_be_read_opens_nothing(rig: Rig) -> None:
    rig.broker.complete = False
    await rig.start("sync")
    assert not await rig.store.facts.has_opening()
    assert rig.boards.portfolio.value is None
    assert not rig.boards.link.value.connected
    rig.broker.complete = True
    assert (await rig.sync()).cash_in("EUR") == eur("10000")


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("hangs", [False, True])
async def test_a_failed_read_keeps_the_old_figures_and_marks_them(
    rig: Rig, read: str, hangs: bool
) -> None:
    await rig.start("sync")
    before = rig.boards.portfolio.value
    rig.broker.price("DEMO-A.EU", "200")
    if hangs:
        rig.broker.hung.add(read)
    else:
        rig.broker.errors[read] = Unavailable("away")
    after = await rig.sync()
    assert after == replace(before, stale=after.stale)
    assert after.stale
    assert rig.boards.link.value.consecutive_failures == 1
    rig.broker.errors.clear()
    rig.broker.hung.clear()
    assert (await rig.sync()).stale is None
    assert rig.boards.link.value.connected


async def test_a_broker_that_hangs_does_not_make_sync_look_dead(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.hung.add("cash_flows_since")
    version = rig.boards.portfolio.version
    rig.system.nudges["sync"].nudge(Nudge("test"))
    late = False
    while rig.boards.portfolio.version == version:
        await trio.sleep(1)
        beat = rig.system.health.get("sync")
        late = late or (beat is not None and beat.late(trio.current_time()))
    assert not late


@pytest.mark.parametrize("rig", [20.0], indirect=True)
async def test_an_hour_without_a_broker_loses_nothing(rig: Rig) -> None:
    await rig.start("schedule", "sync", "trader")
    intent = await rig.propose()
    await rig.until_state(intent, OrderState.ACTIVE)
    for read in (*READS, "open_orders", "orders_since"):
        rig.broker.errors[read] = Unavailable("away")
    rig.broker.fill("B1", "1")
    rig.broker.deposit("250")
    await trio.sleep(3600 / 20)
    rig.broker.fill("B1")
    rig.broker.errors.clear()
    done = await rig.until_state(intent, OrderState.FILLED, within_s=600)
    assert done.filled == done.proposal.quantity
    portfolio = await rig.sync()
    assert portfolio.differences == ()
    assert portfolio.stale is None


async def test_a_difference_of_a_holding_has_a_name_and_blocks(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.held = {"DEMO-A.EU": "1"}
    (item,) = (await rig.sync()).differences
    assert (item.account, item.key, item.books, item.broker) == (
        "holding",
        "DEMO-A.EU",
        0,
        1_000_000,
    )
    assert item.blocking
    (again,) = (await rig.sync()).differences
    assert again.item_id == item.item_id
    rig.broker.held = {}
    assert (await rig.sync()).differences == ()
    assert await rig.store.books.open_items() == ()


async def test_a_difference_of_more_than_one_unit_of_cash_blocks_and_is_not_booked(
    rig: Rig,
) -> None:
    await rig.start("sync")
    rig.broker.cash["EUR"] = "9998.99"
    (item,) = (await rig.sync()).differences
    assert item.blocking
    assert (await rig.store.facts.balances()).cash["EUR"] == 10_000_00


async def test_a_difference_of_at_most_one_unit_is_booked_with_its_name(rig: Rig) -> None:
    await rig.start("sync")
    before = await rig.store.facts.last_seq()
    rig.broker.cash["EUR"] = "9999.00"
    portfolio = await rig.sync()
    assert portfolio.differences == ()
    assert await rig.store.facts.last_seq() == before + 1
    assert (await rig.sync()).cash_in("EUR") == eur("9999")


async def test_a_new_instrument_waits_for_the_owner(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.listed.append(security("DEMO-B.EU").instrument)
    rig.broker.listed[-1] = replace(rig.broker.listed[-1], isin="XF0000000002")
    assert rig.clock.jump_to(rig.clock.market_now().replace(day=6))
    universe = {s.symbol: s for s in (await rig.sync()).universe}
    assert universe["DEMO-A.EU"].confirmed
    assert not universe["DEMO-B.EU"].confirmed
    assert not universe["DEMO-B.EU"].allow_buy


async def test_a_list_that_tells_two_securities_as_one_is_not_believed(rig: Rig) -> None:
    await rig.start("sync")
    (known,) = await rig.store.securities.all()
    told = known.instrument
    rig.broker.listed = [
        replace(told, isin="XF0000000009"),
        replace(told, symbol="DEMO-B.EU"),
    ]
    assert rig.clock.jump_to(rig.clock.market_now().replace(day=6))
    portfolio = await rig.sync()
    assert portfolio.stale is not None
    assert "cannot be told apart" in portfolio.stale
    assert await rig.store.securities.all() == (known,)
    rig.broker.listed = [told]
    assert (await rig.sync()).stale is None


async def test_a_list_that_is_too_short_drops_nothing_and_hides_no_holding(rig: Rig) -> None:
    def told(number: int) -> Instrument:
        made = security(f"DEMO-{number}.EU").instrument
        return replace(made, isin=f"XF00000001{number:02}")

    rig.broker.listed = [told(number) for number in range(MOST_LOOKED_UP + 5)]
    await rig.start("sync")
    rig.broker.listed = [*rig.broker.listed[:3], security("DEMO-H.EU").instrument]
    rig.broker.left_out = {"DEMO-1.EU", "DEMO-2.EU", "DEMO-H.EU"}
    assert rig.clock.jump_to(rig.clock.market_now().replace(day=6))
    universe = {s.symbol: s for s in (await rig.sync()).universe}
    assert universe["DEMO-1.EU"].listed
    assert universe["DEMO-2.EU"].listed
    # Fourteen were missed and ten of them asked for; the rest has to wait for another look.
    assert sum(not one.listed for one in universe.values()) == MOST_LOOKED_UP - 2
    rig.broker.price("DEMO-H.EU", "50")
    rig.broker.fills.append(bought("DEMO-H.EU", "2"))
    rig.broker.held, rig.broker.cash["EUR"] = {"DEMO-H.EU": "2"}, "9900"
    universe = {s.symbol: s for s in (await rig.sync()).universe}
    assert universe["DEMO-H.EU"].listed
    assert not universe["DEMO-H.EU"].confirmed
    assert sum(not one.listed for one in universe.values()) == 12


async def test_what_nobody_can_classify_joins_without_being_active(rig: Rig) -> None:
    unclear = security("DEMO-U.EU", product_type="UNKNOWN").instrument
    fund = replace(security("DEMO-F.EU", product_type="UNKNOWN").instrument, name="Some ETF")
    rig.broker.listed += [
        replace(one, isin=f"XF000000010{n}") for n, one in enumerate((unclear, fund))
    ]
    await rig.start("sync")
    universe = {s.symbol: s for s in (await rig.sync()).universe}
    assert universe["DEMO-U.EU"].needs_classification
    assert not universe["DEMO-U.EU"].active
    assert universe["DEMO-F.EU"].instrument.product_type == "ETF"
    assert universe["DEMO-F.EU"].live
    assert (universe["DEMO-F.EU"].quote_symbol, universe["DEMO-F.EU"].quote_source) == (
        "DEMO-F.DE",
        "derived",
    )


@pytest.mark.parametrize(("days", "valued"), [(9, True), (11, False)])
async def test_a_held_security_that_is_not_listed_any_more_counts_at_its_last_price_for_a_while(
    rig: Rig, days: int, valued: bool
) -> None:
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync")
    rig.broker.listed = [replace(security("DEMO-B.EU").instrument, isin="XF0000000002")]
    del rig.broker.quoted["DEMO-A.EU"]
    later = rig.clock.market_now() + timedelta(days=days)
    rig.broker.table = rates(later.date())
    assert rig.clock.jump_to(later)
    portfolio = await rig.sync()
    (held,) = portfolio.positions
    assert held.security.active
    assert not held.security.live
    assert held.quantity == Quantity.of(3)
    assert (held.value == eur("300")) is valued
    assert (portfolio.total_eur is not None) is valued
    assert portfolio.unvalued == (() if valued else ("DEMO-A.EU",))
    assert "DEMO-A.EU" not in portfolio.quotes


async def test_what_is_held_is_quoted_whether_or_not_it_is_active(rig: Rig) -> None:
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync")
    (known,) = await rig.store.securities.all()
    await rig.store.securities.set_flags(known.security_id, active=False)
    assert rig.clock.jump_to(rig.clock.market_now() + timedelta(days=1))
    rig.broker.price("DEMO-A.EU", "110")
    assert (await rig.sync()).positions[0].value == eur("330")


async def test_a_stranger_that_is_held_joins_with_everything_off(rig: Rig) -> None:
    await rig.start("sync")
    stranger = replace(security("DEMO-C.EU").instrument, isin="XF0000000003")
    rig.broker.listed.append(stranger)
    rig.broker.price("DEMO-C.EU", "50")
    rig.broker.fills.append(bought("DEMO-C.EU", "2"))
    rig.broker.held, rig.broker.cash["EUR"] = {"DEMO-C.EU": "2"}, "9900"
    portfolio = await rig.sync()
    (held,) = portfolio.positions
    assert held.security.instrument == stranger
    allowed = held.security.allow_buy, held.security.allow_sell, held.security.confirmed
    assert allowed == (False, False, False)
    assert (held.value, portfolio.differences) == (eur("100"), ())


async def test_a_stranger_that_nobody_lists_is_looked_for_once_a_day(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.fills.append(bought("GONE.EU", "2"))
    rig.broker.held, rig.broker.cash["EUR"] = {"GONE.EU": "2"}, "9900"
    for _ in range(3):
        assert (await rig.sync()).unvalued == ("GONE.EU",)
    assert rig.broker.calls.count("instruments") == 2


def bought(symbol: str, units: str, name: str = "X1") -> Fill:
    """Units at 50 EUR, which somebody bought at the broker without us."""
    price = Price.of("50", "EUR")
    gross = price.times(Quantity.of(units), Rounding.HALF_EVEN)
    return Fill(name, "B-X", None, symbol, "BUY", Quantity.of(units), price, gross, (), NOW)


async def test_k9_the_shown_portfolio_is_never_empty_whatever_fails_while_it_is_replaced(
    rig: Rig,
) -> None:
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync")
    shown: list[tuple[int, bool]] = []

    async def watch() -> None:
        version = 0
        while True:
            version, portfolio = await rig.boards.portfolio.wait_newer(version)
            shown.append((len(portfolio.positions), bool(portfolio.cash)))

    rig.nursery.start_soon(watch)
    for read in READS:
        rig.broker.errors[read] = Unavailable("away")
        await rig.sync()
        rig.broker.errors.clear()
        await rig.sync()
    await rig.settle()
    assert len(shown) >= 2 * len(READS)
    assert set(shown) == {(1, True)}


# Rows that cannot be booked


async def test_a_row_that_cannot_be_booked_is_kept_apart_and_stops_its_stream_alone(
    rig: Rig,
) -> None:
    await rig.start("sync")
    bad = replace(bought("DEMO-A.EU", "2", "BAD"), fees=(Money(1, "ZZZ"),))
    rig.broker.fills += [bought("DEMO-A.EU", "2"), bad]
    rig.broker.held, rig.broker.cash["EUR"] = {"DEMO-A.EU": "2"}, "9900"
    rig.broker.deposit("250")
    for _ in range(3):
        portfolio = await rig.sync()
        assert "cannot book fill:BAD" in (portfolio.stale or "")
    balances = await rig.store.facts.balances()
    assert (balances.cash["EUR"], balances.holdings) == (10_150_00, {"DEMO-A.EU": 2_000_000})
    (row,) = await rig.store.quarantine.open_rows()
    assert (row.stream, row.source_key) == ("fills", "fill:BAD")
    assert "ZZZ" in row.error
    told = [e for e in rig.events("ERROR_OCCURRED") if e.data["text"] == "BROKER ROW NOT BOOKED"]
    assert len(told) == 1
    assert len(rig.events("TRADE_EXECUTED")) == 1
    rig.broker.fills[-1] = replace(rig.broker.fills[0], fill_id="BAD")
    rig.broker.held, rig.broker.cash["EUR"] = {"DEMO-A.EU": "4"}, "10050"
    assert (await rig.sync()).stale is None
    assert await rig.store.quarantine.open_rows() == ()


@pytest.mark.parametrize("minor", [10**18 + 1, 10**20, 10**40])
async def test_a_figure_that_no_account_can_hold_is_kept_apart_and_sync_goes_on(
    rig: Rig, minor: int
) -> None:
    await rig.start("sync")
    rig.broker.deposit("5")
    whole = rig.broker.flows[-1]
    rig.broker.flows[-1] = replace(whole, money=Money(minor, "EUR"))
    assert "cannot book flow:" in ((await rig.sync()).stale or "")
    (row,) = await rig.store.quarantine.open_rows()
    assert f"above {10**18}" in row.error
    rig.broker.flows[-1] = whole
    assert (await rig.sync()).stale is None
    assert await rig.store.quarantine.open_rows() == ()


@pytest.mark.parametrize("what", ["cash", "holding", "price"])
async def test_an_account_or_a_quote_that_cannot_be_true_fails_its_read_and_not_sync(
    rig: Rig, what: str
) -> None:
    await rig.start("sync")
    absurd, fine = "100000000000000000000", dict(rig.broker.quoted)
    if what == "cash":
        rig.broker.cash["EUR"] = absurd
    elif what == "holding":
        rig.broker.held = {"DEMO-A.EU": absurd}
    else:
        rig.broker.price("DEMO-A.EU", absurd)
    before = await rig.store.facts.last_seq()
    assert (await rig.sync()).stale is not None
    assert await rig.store.facts.last_seq() == before
    rig.broker.cash["EUR"], rig.broker.held, rig.broker.quoted = "10000", {}, fine
    assert (await rig.sync()).stale is None


@pytest.mark.parametrize("tagged", [True, False])
async def test_an_execution_is_foreign_when_no_order_of_ours_made_it(
    rig: Rig, tagged: bool
) -> None:
    await rig.start("sync", "trader")
    intent = await rig.propose()
    await rig.system.asks.trader.ask(Decide(intent.intent_id), deadline_s=60)
    rig.broker.fill("B1")
    if not tagged:
        rig.broker.fills = [replace(fill, client_order_id=None) for fill in rig.broker.fills]
    stranger = bought("DEMO-A.EU", "2")
    rig.broker.fills.append(replace(stranger, client_order_id=7 if tagged else None))
    await rig.sync()
    assert [event.data["foreign"] for event in rig.events("TRADE_EXECUTED")] == [False, True]


@pytest.mark.parametrize("read", READS)
async def test_numbers_that_make_no_sense_fail_the_read_and_not_sync(rig: Rig, read: str) -> None:
    await rig.start("sync")
    rig.broker.errors[read] = UnknownCurrency("ZZZ")
    assert "ZZZ" in ((await rig.sync()).stale or "")
    rig.broker.errors.clear()
    assert (await rig.sync()).stale is None


async def test_o11_a_holding_in_an_unknown_currency_stops_neither_sync_nor_a_repair(
    rig: Rig,
) -> None:
    odd = replace(security("ODD.XX", currency="QQQ").instrument, isin="XF0000000009")
    rig.broker.listed.append(odd)
    rig.broker.price("ODD.XX", "100", "QQQ")
    rig.broker.held = {"ODD.XX": "3"}
    rig.broker.cash["EUR"] = "-50"
    await rig.start("sync", "trader", "rebalancer", "schedule")
    portfolio = await rig.sync()
    assert (portfolio.stale, portfolio.unvalued) == (None, ("ODD.XX",))
    assert portfolio.total_eur is None
    for _ in range(4):
        await trio.sleep(30)
        await rig.sync()
    assert [draft.symbol for draft in rig.broker.placed] == ["EUR/USD"]


# Differences and their bound


async def test_small_differences_of_a_month_settle_up_to_five_units(rig: Rig) -> None:
    await rig.start("sync")
    for minor in range(99, 600, 99):
        rig.broker.cash["EUR"] = str(Decimal("10000") - Decimal(minor).scaleb(-2))
        portfolio = await rig.sync()
        assert bool(portfolio.differences) == (minor > 500)
    (item,) = portfolio.differences
    assert (item.blocking, item.broker - item.books) == (True, -99)
    later = rig.clock.market_now() + timedelta(days=31)
    rig.broker.table = rates(later.date())
    assert rig.clock.jump_to(later)
    assert (await rig.sync()).differences == ()


async def test_a_journal_that_contradicts_itself_halts_and_is_named(rig: Rig) -> None:
    await rig.start("schedule", "sync")
    await rig.store.ledger.write("UPDATE balance SET amount = amount + 1 WHERE key = 'EUR'")
    assert (await rig.sync()).differences == ()
    rig.broker.deposit("250")
    (item,) = (await rig.sync()).differences
    assert (item.account, item.key, item.blocking) == ("journal", "core:cash:EUR", True)
    assert (item.books, item.broker) == (10_250_01, 10_250_00)
    (latch,) = await rig.store.settings.latches()
    assert (latch.name, "core cash EUR" in latch.reason) == ("books", True)
    assert await resolve(rig, f"books:{item.item_id}", "adjust")
    assert (await rig.sync()).differences == ()
    assert (await rig.store.facts.balances()).cash["EUR"] == 10_250_00
    assert len(await rig.store.settings.latches()) == 1


async def test_the_journal_is_added_up_again_only_when_it_grew(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = 0
    readd = Facts.readd

    async def counting(facts: Facts) -> Readded:
        nonlocal counted
        counted += 1
        return await readd(facts)

    monkeypatch.setattr(Facts, "readd", counting)
    await rig.start("sync")
    at_start = counted
    assert at_start >= 1
    await rig.sync()
    assert counted == at_start
    rig.broker.deposit("1")
    await rig.sync()
    assert counted == at_start + 1


async def resolve(rig: Rig, name: str, choice: str, *, confirm: bool = True) -> str:
    asked = Resolve(name, choice, confirm=confirm, by="test")
    return await rig.system.asks.sync.ask(asked, deadline_s=60)


async def test_the_owner_settles_a_difference_of_cash_as_it_stands_now(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.cash["EUR"] = "9900"
    (item,) = (await rig.sync()).differences
    rig.broker.cash["EUR"] = "9850"
    assert "-150.00 EUR" in await resolve(rig, f"books:{item.item_id}", "adjust")
    portfolio = rig.boards.portfolio.value
    assert (portfolio.differences, portfolio.cash_in("EUR")) == ((), eur("9850"))
    with pytest.raises(Missing):
        await resolve(rig, f"books:{item.item_id}", "adjust")
    rig.broker.cash["EUR"] = "9849.10"
    assert (await rig.sync()).differences == ()


async def test_the_owner_settles_a_difference_of_a_holding(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.held = {"DEMO-A.EU": "3"}
    (item,) = (await rig.sync()).differences
    assert "3 DEMO-A.EU" in await resolve(rig, f"books:{item.item_id}", "adjust")
    (held,) = rig.boards.portfolio.value.positions
    assert (held.quantity.units, held.average_cost) == (3, None)
    assert rig.boards.portfolio.value.differences == ()


async def test_looking_again_books_nothing_and_closes_what_agrees(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.held = {"DEMO-A.EU": "3"}
    (item,) = (await rig.sync()).differences
    seq = await rig.store.facts.last_seq()
    await resolve(rig, f"books:{item.item_id}", "recheck", confirm=False)
    assert rig.boards.portfolio.value.differences == (item,)
    rig.broker.held = {}
    assert "nothing was booked" in await resolve(rig, f"books:{item.item_id}", "adjust")
    assert rig.boards.portfolio.value.differences == ()
    assert await rig.store.facts.last_seq() == seq


@pytest.mark.parametrize(
    ("name", "choice", "confirm", "error"),
    [
        ("books:{item}", "adjust", False, Refused),
        ("books:{item}", "forget", True, Refused),
        ("books:99", "adjust", True, Missing),
        ("books:99", "recheck", True, Missing),
        ("books:", "adjust", True, Missing),
        ("order:1", "adjust", True, Missing),
    ],
)
async def test_what_was_not_decided_clearly_changes_nothing(
    rig: Rig, name: str, choice: str, confirm: bool, error: type[Exception]
) -> None:
    await rig.start("sync")
    rig.broker.cash["EUR"] = "9900"
    (item,) = (await rig.sync()).differences
    with pytest.raises(error):
        await resolve(rig, name.format(item=item.item_id), choice, confirm=confirm)
    assert await rig.store.books.open_items() == (item,)


@pytest.mark.parametrize("lost", [False, True])
async def test_nothing_is_settled_while_an_orders_fate_is_open(rig: Rig, lost: bool) -> None:
    """The account shows what an order executed before the list of executions does."""
    await rig.start("sync", "trader")
    if lost:
        rig.broker.errors["place"] = OutcomeUnknown("reset")
    sent = await rig.system.asks.trader.ask(Decide((await rig.propose()).intent_id), deadline_s=60)
    assert sent.state is (OrderState.UNKNOWN if lost else OrderState.ACCEPTED)
    rig.broker.held = {"DEMO-A.EU": "3"}
    (item,) = (await rig.sync()).differences
    with pytest.raises(Conflict, match=f"fate of order {sent.client_order_id}"):
        await resolve(rig, f"books:{item.item_id}", "adjust")
    rig.broker.held = {}
    if lost:
        await rig.until_state(sent, OrderState.NOT_PLACED)
    else:
        rig.broker.fill("B1")
        assert (await rig.sync()).differences == ()
        await rig.until_state(sent, OrderState.FILLED)
    rig.broker.held = {"DEMO-A.EU": "9"}
    (item,) = (await rig.sync()).differences
    assert await resolve(rig, f"books:{item.item_id}", "adjust")


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_broker_that_fails_while_the_owner_decides_is_told_and_nothing_is_booked(
    rig: Rig, hangs: bool
) -> None:
    await rig.start("sync")
    rig.broker.cash["EUR"] = "9900"
    (item,) = (await rig.sync()).differences
    if hangs:
        rig.broker.hung.add("snapshot")
    else:
        rig.broker.errors["snapshot"] = Unavailable("away")
    with pytest.raises(Unavailable):
        await resolve(rig, f"books:{item.item_id}", "adjust")
    rig.broker.hung.clear()
    rig.broker.errors.clear()
    assert (await rig.sync()).differences == (item,)


async def test_the_owner_does_not_wait_long_for_a_sync_that_hangs(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.cash["EUR"] = "9900"
    (item,) = (await rig.sync()).differences
    rig.broker.hung.add("quotes")
    rig.system.nudges["sync"].nudge(Nudge("test"))
    await trio.sleep(1)
    with pytest.raises(Busy):
        await resolve(rig, f"books:{item.item_id}", "adjust")


# Lots


async def test_the_owner_chooses_the_lots_of_a_sale(rig: Rig) -> None:
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync")
    sale = replace(bought("DEMO-A.EU", "1", "S1"), side="SELL", executed_at=NOW + timedelta(days=1))
    rig.broker.fills += [
        replace(bought("DEMO-A.EU", "2"), executed_at=NOW + timedelta(hours=1)),
        sale,
    ]
    rig.broker.held, rig.broker.cash["EUR"] = {"DEMO-A.EU": "4"}, "9950"
    assert (await rig.sync()).differences == ()
    box = rig.system.asks.sync
    before = await box.ask(Lots("DEMO-A.EU"), deadline_s=10)
    assert [lot.quantity.units for lot in before.books["chosen"].lots] == [2, 2]
    pick = (Pick("fill:X1", Quantity.of(1)),)
    number = before.trade_ids["S1"]
    with pytest.raises(Refused, match="confirm"):
        await box.ask(ChooseLots(number, pick, confirm=False, by="test"), deadline_s=10)
    more = (Pick("fill:X1", Quantity.of(2)),)
    with pytest.raises(Refused, match="at most 1 were sold"):
        await box.ask(ChooseLots(number, more, confirm=True, by="test"), deadline_s=10)
    wrong = before.trade_ids["X1"]
    with pytest.raises(Missing):
        await box.ask(ChooseLots(wrong, pick, confirm=True, by="test"), deadline_s=10)
    after = await box.ask(ChooseLots(number, pick, confirm=True, by="test"), deadline_s=10)
    assert [lot.quantity.units for lot in after.books["chosen"].lots] == [3, 1]
    assert after.books["chosen"].sales[0].gain == eur("0")
    assert after.books["fifo"] == before.books["fifo"]
    assert after.choices == {"S1": [*pick]}


async def test_lots_are_found_by_isin_unless_several_listings_have_it(rig: Rig) -> None:
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync")
    box, isin = rig.system.asks.sync, security().instrument.isin
    found = await box.ask(Lots(isin), deadline_s=10)
    assert (found.symbol, found.books["fifo"].quantity) == ("DEMO-A.EU", Quantity.of(3))
    assert (await box.ask(Lots("NEVER"), deadline_s=10)).symbol == "NEVER"
    rig.broker.listed.append(security("DEMO-A.US", currency="USD").instrument)
    later = rig.clock.market_now() + timedelta(days=1)
    rig.broker.table = rates(later.date())
    assert rig.clock.jump_to(later)
    await rig.sync()
    with pytest.raises(Conflict, match=r"DEMO-A\.EU, DEMO-A\.US"):
        await box.ask(Lots(isin), deadline_s=10)


async def test_every_fact_is_announced_once(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.deposit("250")
    for _ in range(3):
        await rig.sync()
    (event,) = rig.events("DEPOSIT_PROCESSED")
    assert (event.data["amount"], event.data["currency"]) == ("250.00", "EUR")
