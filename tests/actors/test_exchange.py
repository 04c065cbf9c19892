"""What sync keeps of currency exchange: routes, proofs and rates that count."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from actors.exchange import Exchange
from daemon.clock import ReplayClock, simulated_wall
from daemon.fx_routes import FxRoute
from daemon.wiring import wire
from ledger.errors import StartError
from ledger.fact import Fill
from ledger.money import Money, Price, Quantity
from ledger.portfolio import BookDifference
from ledger.rate import Rate, RateTable
from policy.limits import DEFAULTS, Limits
from store.backup import BackupReport
from store.store import Store, open_store
from tests.actors.rig import MACHINE, Rig
from tests.actors.rig import _parts as parts_of
from tests.support.builders import EURUSD, NOW, proposal, quote
from tests.support.scripted_broker import ScriptedBroker
from wire.board import Latest
from wire.messages import Decide

TODAY = NOW.date()


@dataclass
class Desk:
    store: Store
    rules: Latest[Limits] = field(default_factory=Latest[Limits])

    def exchange(self, *, trusted: bool = False) -> Exchange:
        self.rules.publish(DEFAULTS)
        return Exchange(
            (EURUSD,),
            trusted=trusted,
            proofs=self.store.fx_proofs,
            market=self.store.market,
            rules=self.rules,
        )

    async def convert(self, side: str = "SELL", step: int = 1, *, tagged: bool = True) -> None:
        """An order that asked to sell 20 EUR, filled as `side`."""
        wanted = proposal(
            symbol="EUR/USD",
            security_id=None,
            order_class="fx",
            side="SELL",
            quantity=Quantity.of(20),
            currency="USD",
            step=step,
        )
        orders = self.store.orders
        intent = await orders.propose(wanted, mode="live", at=NOW)
        limit = Price.of("1.25", "USD")
        sent = await orders.begin_submit(
            intent.intent_id,
            limit=limit,
            reserved=Money.of("20", "EUR"),
            reserved_fee=Money.of("0", "EUR"),
            verdicts=(),
            mode="live",
            at=NOW,
            machine_at=NOW,
        )
        await orders.accepted(sent.intent_id, f"b{step}", at=NOW)
        tag = sent.client_order_id if tagged else None
        fill = Fill(
            f"f{step}", f"b{step}", tag, "EUR/USD", side,  # type: ignore[arg-type]
            Quantity.of(20), limit, Money.of("25", "USD"), (), NOW,
        )  # fmt: skip
        await self.store.facts.record([fill], at=NOW, machine_at=NOW)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk]:
    async with open_store(tmp_path, engine="inline") as store:
        await store.settings.set_mode("live", "test", NOW)
        yield Desk(store)


async def proven(exchange: Exchange) -> bool:
    (pair,) = await exchange.pairs()
    return pair.proven


async def test_on_paper_every_pair_is_proven(desk: Desk) -> None:
    trusted = desk.exchange(trusted=True)
    assert await proven(trusted)
    await trusted.prove((), at=NOW)
    assert await desk.store.fx_proofs.proven() == frozenset()


async def test_c4_a_pair_is_proven_by_a_conversion_after_which_the_books_agree(desk: Desk) -> None:
    exchange = desk.exchange()
    await exchange.prove((), at=NOW)
    assert not await proven(exchange)
    await desk.convert()
    off = BookDifference(1, "cash", "USD", 0, 5000, True, NOW)
    await exchange.prove((off,), at=NOW)
    assert not await proven(exchange)
    await exchange.prove((), at=NOW)
    assert await proven(exchange)


async def test_c4_an_execution_that_does_not_show_our_tag_proves_its_pair_too(desk: Desk) -> None:
    exchange = desk.exchange()
    await desk.convert(tagged=False)
    await exchange.prove((), at=NOW)
    assert await proven(exchange)


async def test_a_proof_outlives_the_daemon_and_is_found_after_a_crash(desk: Desk) -> None:
    await desk.convert()
    later = desk.exchange()
    await later.prove((), at=NOW)
    assert await proven(desk.exchange())


async def test_c4_a_conversion_the_wrong_way_round_proves_nothing(desk: Desk) -> None:
    exchange = desk.exchange()
    await desk.convert("BUY")
    await exchange.prove((), at=NOW)
    assert not await proven(exchange)


def table(value: str, day: date = TODAY) -> RateTable:
    return RateTable({"USD": Rate("EUR", "USD", Decimal(value), day, "test")})


async def read(exchange: Exchange, value: str, day: date, at: datetime = NOW) -> Decimal:
    found = await exchange.accept(table(value, day), {}, at=at)
    return found.per_eur["USD"].value


async def test_c10_a_rate_that_jumped_waits_until_the_pair_confirms_it(desk: Desk) -> None:
    exchange, today = desk.exchange(), TODAY
    tomorrow = today + timedelta(days=1)
    assert await read(exchange, "1.25", today) == Decimal("1.25")
    later = NOW + timedelta(days=1)
    assert await read(exchange, "1.50", tomorrow, later) == Decimal("1.25")
    assert [held.rate.value for held in await desk.store.market.rates_held()] == [Decimal("1.50")]
    confirming = {"EUR/USD": replace(quote("EUR/USD", "1.49", currency="USD"), at=later)}
    found = await exchange.accept(table("1.50", tomorrow), confirming, at=later)
    assert found.per_eur["USD"].value == Decimal("1.50")
    assert await desk.store.market.rates_held() == ()


async def test_the_last_accepted_rate_is_remembered_over_a_restart(desk: Desk) -> None:
    await read(desk.exchange(), "1.25", NOW.date())
    later = NOW + timedelta(days=1)
    assert await read(desk.exchange(), "2.50", later.date(), later) == Decimal("1.25")


async def test_rates_are_written_when_they_change_and_not_with_every_sync(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange, market = desk.exchange(), desk.store.market
    writes, put = list[int](), market.put_rates

    async def counted(rates: RateTable, **kwargs: object) -> None:
        writes.append(len(rates.per_eur))
        await put(rates, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(market, "put_rates", counted)
    for value in ("1.25", "1.25", "1.26", "9", "9", "1.26"):
        await exchange.accept(table(value), {}, at=NOW)
    assert writes == [1, 1, 0, 0]


async def test_the_portfolio_carries_rates_that_count_and_holds_others_back(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.table = table("2.5")
    portfolio = await rig.sync()
    assert portfolio.rates.per_eur["USD"].value == Decimal("1.25")
    (held,) = await rig.store.market.rates_held()
    assert "from the live quote 1.25" in held.reason


async def test_a_conversion_needs_a_route_that_is_in_force(rig: Rig) -> None:
    """The trader takes for a pair what the portfolio carries."""
    await rig.start("sync", "trader")
    portfolio = await rig.sync()
    assert portfolio.pairs == rig.broker.pairs
    rig.boards.portfolio.publish(replace(portfolio, pairs=()))
    intent = await rig.propose(
        symbol="EUR/USD", security_id=None, order_class="fx", currency="USD",
        decision_price=Price.of("1.25", "USD"), quantity=Quantity.of(20),
    )  # fmt: skip
    refused = await rig.system.asks.trader.ask(Decide(intent.intent_id), deadline_s=60)
    assert "L7" in {verdict.gate for verdict in refused.blocked_by}
    assert rig.broker.placed == []


async def test_a_configured_route_the_broker_does_not_have_stops_the_start(tmp_path: Path) -> None:
    clock = ReplayClock(NOW, rate=1.0, wall=simulated_wall(MACHINE))
    async with open_store(tmp_path, engine="inline") as store:
        parts = parts_of(store, ScriptedBroker(clock.market_now), clock, tmp_path, no_backup)
        assert wire(parts).actors
        with pytest.raises(StartError, match="EUR/JPY: no pair of the broker; it has EUR/USD"):
            wire(replace(parts, routes=(FxRoute("EUR/JPY"),)))


async def no_backup(at: datetime) -> BackupReport:
    raise AssertionError(f"no backup is made here ({at})")
