"""A broker that renames an instrument changes nothing for whoever knows it by its old symbol."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from broker.port import Broker
from broker.renamed import RenamedBroker
from ledger.cash_flow import FlowRow
from ledger.errors import MalformedAnswer
from ledger.fact import CorporateAction, Fill
from ledger.money import Price, Quantity
from ledger.order import OrderDraft
from ledger.security import Security
from tests.support.builders import NOW, eur, quote, security
from tests.support.scripted_broker import ScriptedBroker

OLD, NEW = "OLD.EU", "NEW.EU"
LATER = datetime(2009, 1, 6, 10, 0, tzinfo=UTC)


def renamed() -> Security:
    return replace(security(OLD), broker_symbol=NEW, alias=NEW)


@pytest.fixture
def inner() -> ScriptedBroker:
    """Holds three NEW.EU, which it lists and quotes, and one DEMO-A.EU."""
    broker = ScriptedBroker(lambda: NOW)
    broker.listed = [security(NEW).instrument, security().instrument]
    broker.held = {NEW: "3", "DEMO-A.EU": "1"}
    broker.quoted = {NEW: quote(NEW), "DEMO-A.EU": quote()}
    return broker


@pytest.fixture
def broker(inner: ScriptedBroker) -> Broker:
    made = RenamedBroker(inner)
    made.learn([renamed(), security()])
    return made


async def test_holdings_and_quotes_come_under_our_symbol(broker: Broker) -> None:
    held = (await broker.snapshot()).holdings
    assert {symbol: one.symbol for symbol, one in held.items()} == {
        OLD: OLD,
        "DEMO-A.EU": "DEMO-A.EU",
    }
    quotes = await broker.quotes([OLD, "DEMO-A.EU"])
    assert {symbol: one.symbol for symbol, one in quotes.items()} == {
        OLD: OLD,
        "DEMO-A.EU": "DEMO-A.EU",
    }


async def test_the_list_speaks_as_the_broker_does(broker: Broker) -> None:
    assert [one.symbol for one in await broker.instruments()] == [NEW, "DEMO-A.EU"]
    assert [one.symbol for one in await broker.find(NEW)] == [NEW]


async def test_an_order_leaves_under_their_symbol_and_is_followed_under_ours(
    inner: ScriptedBroker, broker: Broker
) -> None:
    draft = OrderDraft(1000, OLD, "BUY", Quantity.of(1), Price.of("100", "EUR"))
    await broker.place(draft)
    assert [one.symbol for one in inner.placed] == [NEW]
    assert [one.symbol for one in await broker.open_orders()] == [OLD]
    assert [one.symbol for one in await broker.orders_since(NOW)] == [OLD]


async def test_what_happened_is_told_under_our_symbol(
    inner: ScriptedBroker, broker: Broker
) -> None:
    inner.fills.append(
        Fill("f1", "B1", None, NEW, "BUY", Quantity.of(1), Price.of("1", "EUR"), eur("1"), (), NOW)
    )
    fills, _ = await broker.fills_since(None)
    assert [fill.symbol for fill in fills] == [OLD]
    inner.actions.append(CorporateAction("a1", "split", NEW, NOW.date(), None, LATER, Decimal(2)))
    actions, _ = await broker.corporate_actions_since(None)
    assert [action.symbol for action in actions] == [OLD]
    flows: list[FlowRow] = inner.flows
    assert (await broker.cash_flows_since(None))[0] == flows == []


async def test_two_names_of_one_holding_make_no_sense(
    inner: ScriptedBroker, broker: Broker
) -> None:
    inner.held = {NEW: "3", OLD: "2"}
    with pytest.raises(MalformedAnswer):
        await broker.snapshot()


async def test_a_quote_under_a_name_nobody_asked_for_makes_no_sense(
    inner: ScriptedBroker, broker: Broker
) -> None:
    inner.quoted[NEW] = quote("DEMO-A.EU")
    with pytest.raises(MalformedAnswer):
        await broker.quotes([OLD])
