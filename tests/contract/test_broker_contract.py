"""What sync and trader rely on with any broker: one suite of claims, one subject per adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from broker.paper.faults import Blow, Chance, Fault, FaultPlan, FaultyBroker
from broker.port import Broker
from ledger.cash_flow import STAGE
from ledger.errors import BrokerNotFound, NotCancelable, RejectedByBroker
from ledger.fact import is_pair, source_key
from ledger.order import OrderDraft, OrderView
from tests.broker.paper_rig import CALM, LIVELY, NOON, US, Rig, booked, opening, shown


@dataclass(frozen=True, slots=True)
class Subject:
    """A broker with an open market, some cash and a holding.

    `buy` and `sell` draft orders that fill soon, `bid` one that stays open, `convert` a currency
    order, `excess` one that nobody can pay; each has a fresh tag. `wait` lets seconds pass.
    """

    broker: Broker
    symbol: str
    before: dict[tuple[str, str], int]
    since: datetime
    buy: Callable[[], OrderDraft]
    sell: Callable[[], OrderDraft]
    bid: Callable[[], OrderDraft]
    convert: Callable[[], OrderDraft]
    excess: Callable[[], OrderDraft]
    wait: Callable[[float], None]


def paper() -> Subject:
    rig = Rig(market=CALM)
    return _subject(rig, rig.broker)


def paper_on_a_stuttering_line() -> Subject:
    """Every list repeats its rows in another order."""
    rig = Rig(market=CALM)
    always = (Chance(Blow(Fault.DUPLICATE), 1.0), Chance(Blow(Fault.REORDER), 1.0))
    lists = ("fills_since", "cash_flows_since", "corporate_actions_since", "open_orders")
    plan = FaultPlan(chances=dict.fromkeys((*lists, "orders_since"), always))
    return _subject(rig, FaultyBroker(rig.broker, plan, _no_sleep))


async def _no_sleep(seconds: float) -> None:
    assert seconds >= 0


def _subject(rig: Rig, broker: Broker) -> Subject:
    return Subject(
        broker=broker,
        symbol=US,
        before=opening(rig.market),
        since=NOON - timedelta(days=1),
        buy=lambda: rig.draft("BUY", US, 3, "101"),
        sell=lambda: rig.draft("SELL", US, 2, "99.50"),
        bid=lambda: rig.draft("BUY", US, 1, "98"),
        convert=lambda: rig.draft("SELL", "EUR/USD", 100, "1.0500"),
        excess=lambda: rig.draft("BUY", US, 1_000_000, "101"),
        wait=lambda seconds: rig.wait(seconds=seconds),
    )


@pytest.fixture(params=[paper, paper_on_a_stuttering_line], ids=lambda make: make.__name__)
def subject(request: pytest.FixtureRequest) -> Subject:
    make: Callable[[], Subject] = request.param
    return make()


async def _view(subject: Subject, broker_order_id: str) -> OrderView:
    views = await subject.broker.orders_since(subject.since)
    found = {view for view in views if view.broker_order_id == broker_order_id}
    assert len(found) == 1, "an order has one state at a time"
    return found.pop()


async def _placed(subject: Subject, draft: OrderDraft) -> str:
    return (await subject.broker.place(draft)).broker_order_id


async def test_capabilities_name_the_account_and_its_fees(subject: Subject) -> None:
    capabilities = subject.broker.capabilities
    assert capabilities.kind
    assert capabilities.account_ref
    assert capabilities.fees.currency == "EUR"
    assert all(is_pair(pair.symbol) for pair in capabilities.pairs)


async def test_a_snapshot_is_complete_and_says_when_it_was_read(subject: Subject) -> None:
    at = await subject.broker.probe()
    snapshot = await subject.broker.snapshot()
    assert snapshot.complete
    assert snapshot.as_of >= at
    assert all(code == cash.available.currency for code, cash in snapshot.cash.items())
    assert all(name == holding.symbol for name, holding in snapshot.holdings.items())


async def test_a_read_changes_nothing(subject: Subject) -> None:
    await _placed(subject, subject.buy())
    subject.wait(10)
    first, second = await subject.broker.snapshot(), await subject.broker.snapshot()
    assert (first.cash, first.holdings) == (second.cash, second.holdings)
    fills = [set((await subject.broker.fills_since(None))[0]) for _ in range(2)]
    assert fills[0] == fills[1]
    assert len(fills[0]) > 0


async def test_facts_explain_every_balance_at_all_times(subject: Subject) -> None:
    for draft in (subject.buy, subject.convert, subject.bid, subject.sell):
        await _placed(subject, draft())
        for _ in range(4):
            subject.wait(2)
            assert await shown(subject.broker) == await booked(subject.broker, subject.before)


async def test_reading_on_from_a_cursor_repeats_but_never_misses(subject: Subject) -> None:
    await _placed(subject, subject.buy())
    subject.wait(10)
    rows, cursor = await subject.broker.fills_since(None)
    await _placed(subject, subject.sell())
    subject.wait(10)
    later, _ = await subject.broker.fills_since(cursor)
    everything = {source_key(fill) for fill in (await subject.broker.fills_since(None))[0]}
    assert {source_key(fill) for fill in (*rows, *later)} == everything
    assert {source_key(fill) for fill in rows} <= {source_key(fill) for fill in later}


async def test_one_tag_is_one_order(subject: Subject) -> None:
    draft = subject.buy()
    order = await _placed(subject, draft)
    with pytest.raises(RejectedByBroker) as refused:
        await subject.broker.place(draft)
    assert refused.value.broker_code == "duplicate_tag"
    subject.wait(10)
    tagged = {
        view.broker_order_id
        for view in await subject.broker.orders_since(subject.since)
        if view.client_order_id == draft.client_order_id
    }
    assert tagged == {order}


async def test_the_tag_comes_back_on_the_order_and_its_fills(subject: Subject) -> None:
    draft = subject.buy()
    order = await _placed(subject, draft)
    subject.wait(10)
    assert (await _view(subject, order)).client_order_id == draft.client_order_id
    fills = set((await subject.broker.fills_since(None))[0])
    assert {(fill.broker_order_id, fill.client_order_id) for fill in fills} == {
        (order, draft.client_order_id)
    }
    assert sum(fill.quantity.micro for fill in fills) == draft.quantity.micro


async def test_an_order_says_what_was_sent(subject: Subject) -> None:
    draft = subject.bid()
    view = await _view(subject, await _placed(subject, draft))
    assert (view.symbol, view.side, view.quantity) == (draft.symbol, draft.side, draft.quantity)
    assert view.limit == draft.limit
    assert view.live
    assert view.filled.micro == 0


async def test_a_refused_order_leaves_no_trace(subject: Subject) -> None:
    before = await shown(subject.broker)
    with pytest.raises(RejectedByBroker):
        await subject.broker.place(subject.excess())
    subject.wait(10)
    assert await shown(subject.broker) == before
    assert await subject.broker.orders_since(subject.since) == ()
    assert (await subject.broker.fills_since(None))[0] == ()


async def test_open_orders_are_the_live_ones(subject: Subject) -> None:
    waiting = await _placed(subject, subject.bid())
    await _placed(subject, subject.buy())
    subject.wait(10)
    live = await subject.broker.open_orders()
    assert {view.broker_order_id for view in live} == {waiting}
    everything = await subject.broker.orders_since(subject.since)
    assert {view for view in everything if view.live} == set(live)


async def test_a_cancelled_order_ends_as_the_view_says(subject: Subject) -> None:
    order = await _placed(subject, subject.bid())
    subject.wait(10)
    await subject.broker.cancel(order)
    subject.wait(5)
    view = await _view(subject, order)
    assert view.state == "cancelled"
    assert view.filled.micro == 0
    assert await subject.broker.open_orders() == ()


async def test_a_final_order_cannot_be_cancelled(subject: Subject) -> None:
    order = await _placed(subject, subject.buy())
    subject.wait(10)
    assert (await _view(subject, order)).state == "filled"
    with pytest.raises(NotCancelable):
        await subject.broker.cancel(order)


@pytest.mark.parametrize("unknown", ["P000000999", "nonsense", "", "P1"])
async def test_an_unknown_order_is_not_found(subject: Subject, unknown: str) -> None:
    with pytest.raises(BrokerNotFound):
        await subject.broker.cancel(unknown)


async def test_nothing_is_an_empty_answer(subject: Subject) -> None:
    assert (await subject.broker.fills_since(None))[0] == ()
    assert await subject.broker.open_orders() == ()
    assert await subject.broker.quotes([]) == {}


async def test_a_symbol_without_a_quote_is_absent(subject: Subject) -> None:
    quotes = await subject.broker.quotes([subject.symbol, "NO.SUCH"])
    assert set(quotes) == {subject.symbol}


async def test_a_quote_brackets_the_last_price(subject: Subject) -> None:
    pairs = [pair.symbol for pair in subject.broker.capabilities.pairs]
    quotes = await subject.broker.quotes([subject.symbol, *pairs])
    assert set(quotes) == {subject.symbol, *pairs}
    for quote in quotes.values():
        assert quote.bid is not None
        assert quote.ask is not None
        assert quote.bid < quote.last < quote.ask
        assert quote.market_open
        assert quote.at == await subject.broker.probe()


async def test_every_instrument_is_listed_once_with_its_terms(subject: Subject) -> None:
    instruments = await subject.broker.instruments()
    symbols = [instrument.symbol for instrument in instruments]
    assert len(symbols) == len(set(symbols))
    assert subject.symbol in symbols
    assert all(i.lot is None or i.lot.micro > 0 for i in instruments)
    assert all(i.tick.currency == i.currency for i in instruments)


async def test_rates_are_per_euro_and_dated(subject: Subject) -> None:
    table = await subject.broker.rates()
    today = (await subject.broker.probe()).date()
    assert "USD" in table.per_eur
    for code, rate in table.per_eur.items():
        assert (rate.base, rate.quote) == ("EUR", code)
        assert rate.as_of <= today


async def test_every_cash_flow_is_one_transaction_in_the_status_it_has_now() -> None:
    rig = Rig(market=LIVELY)
    rig.wait(days=60)
    rows, cursor = await rig.broker.cash_flows_since(None)
    assert rows
    assert len({row.transaction_id for row in rows}) == len(rows)
    assert {row.status for row in rows} <= set(STAGE)
    assert all(row.transaction_id and row.booked_at.tzinfo is not None for row in rows)
    assert all(row.money.minor < 0 for row in rows if row.category in {"withdrawal", "fee"})
    again, _ = await rig.broker.cash_flows_since(cursor)
    assert set(again) <= set(rows)


async def test_what_is_read_at_one_instant_fits_together() -> None:
    """Weeks of deposits, dividends and splits, looked at every few hours."""
    rig = Rig(market=LIVELY)
    for _ in range(60):
        rig.wait(hours=7)
        assert await shown(rig.broker) == await booked(rig.broker, opening(LIVELY))
    actions, _ = await rig.broker.corporate_actions_since(None)
    assert {action.kind for action in actions} == {"split", "dividend"}
