"""What the web shows of the past."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ledger.money import Money, Quantity
from ledger.order import OrderState
from ledger.rate import Rate, RateTable
from ledger.run import RunStatus
from ledger.score import Score, Scores
from store.identity import stamp
from store.order_views import OrderQuery
from store.store import Store
from store.views import TradeQuery
from tests.store.builders import (
    MACHINE,
    NOW,
    TIMES,
    after,
    eur,
    fill,
    instrument,
    proposal,
    submission,
)


async def traded(store: Store) -> None:
    await stamp(store.ledger, broker_kind="paper", account_ref="demo")
    await store.securities.upsert([instrument("AAA.EU")], allow_trading=True, confirmed=True)
    intent = await store.orders.propose(proposal(bucket="sat-1"), mode="live", at=NOW)
    sent = await store.orders.begin_submit(intent.intent_id, **submission())
    facts = [
        fill("f1", tag=sent.client_order_id, fees=(eur("2"), Money(50, "USD")), at=after(3)),
        fill("f2", symbol="EUR/USD", side="SELL", units=50, price="1.10", at=after(2)),
        fill("f3", symbol="EUR/USD", units=20, price="1.10", at=after(2)),
        fill("f4", symbol="GBP/USD", units=20, price="1.30", at=after(1)),
        fill("f5", symbol="CCC.US", at=after(0)),
    ]
    await store.facts.record(facts, **TIMES)


async def test_a_trade_is_shown_with_everything_known_about_it(inline_store: Store) -> None:
    await traded(inline_store)
    rows = await inline_store.views.trades(TradeQuery(10))
    first = rows[0]
    assert (first.symbol, first.name, first.isin) == ("AAA.EU", "AAA.EU AG", "DEAAA.EU")
    assert (first.quantity, first.currency) == (Quantity.of(10), "EUR")
    assert first.side == "BUY"
    assert (first.executed_at, first.order_id) == (after(3), "b1")
    assert first.value_eur == eur(100)
    assert first.commission == (eur("2"), Money(50, "USD"))
    assert (first.bucket_id, first.mode, first.source) == ("sat-1", "live", "paper")
    assert [row.name for row in rows[1:]] == ["USD → EUR", "EUR → USD", "USD → GBP", "CCC.US"]
    assert (rows[4].bucket_id, rows[4].isin) == ("core", None)
    assert [row.foreign for row in rows] == [False, True, True, True, True]


async def test_a_trade_without_a_rate_of_its_day_has_no_value_in_euro(
    inline_store: Store,
) -> None:
    """C10: unknown is never 1.0."""
    await traded(inline_store)
    by_name = {row.name: row.value_eur for row in await inline_store.views.trades(TradeQuery(10))}
    assert by_name["USD → EUR"] == eur(20)
    assert by_name["EUR → USD"] == eur(50)
    assert by_name["USD → GBP"] is None
    usd = Rate("EUR", "USD", Decimal("1.30"), date(2026, 3, 2), "ecb")
    await inline_store.market.put_rates(RateTable({"USD": usd}), at=NOW)
    by_name = {row.name: row.value_eur for row in await inline_store.views.trades(TradeQuery(10))}
    assert by_name["USD → GBP"] == eur(20)


async def test_trades_are_filtered_and_continued(inline_store: Store) -> None:
    await traded(inline_store)
    trades = inline_store.views.trades
    everything = await trades(TradeQuery(10))
    assert await trades(TradeQuery(2)) == everything[:2]
    assert await trades(TradeQuery(10, before_id=everything[1].id)) == everything[2:]
    sold = await trades(TradeQuery(10, "EUR/USD", "SELL"))
    assert [row.symbol for row in sold] == ["EUR/USD"]
    assert await trades(TradeQuery(10, before_id=999)) == ()
    assert await trades(TradeQuery(10, "DEAAA.EU")) == everything[:1]
    assert await trades(TradeQuery(10, mode="research")) == ()
    assert await trades(TradeQuery(10, source="paper")) == everything
    assert await trades(TradeQuery(10, source="tradernet")) == ()
    assert everything[0].state is OrderState.SUBMITTING
    assert await trades(TradeQuery(10, state=OrderState.FILLED)) == everything[1:]


async def test_orders_runs_and_counts_are_read(inline_store: Store) -> None:
    await traded(inline_store)
    await inline_store.runs.open("r1", "sync", "api", requested_at=MACHINE, market_at=NOW)
    await inline_store.runs.finish("r1", RunStatus.SUCCEEDED, at=after(1))
    assert await inline_store.views.orders(OrderQuery(5)) == await inline_store.orders.recent(5)
    assert [run.run_id for run in await inline_store.views.runs(5)] == ["r1"]
    assert await inline_store.views.runs(5, "plan") == ()
    counts = await inline_store.views.counts()
    assert (counts["fact"], counts["fill"], counts["intent"], counts["plan"]) == (5, 5, 1, 0)


async def test_the_changes_of_a_score_are_shown_newest_first(inline_store: Store) -> None:
    for day, total in enumerate((0.4, 0.5, 0.6)):
        scored = Score(
            security_id=1, symbol="AAA.EU", total=total, coverage=0.9, groups={"long_term": total},
            parts={}, metrics={}, history_years=9.0, last_bar=None,
        )  # fmt: skip
        await inline_store.scores.put(Scores(date(2026, 3, 2 + day), {1: scored}))
    shown = await inline_store.views.scores(1, 2)
    assert [(one.day.day, one.total) for one in shown] == [(4, 0.6), (3, 0.5)]
    assert await inline_store.views.scores(2, 2) == []
