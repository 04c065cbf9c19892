"""Negative cash in one currency, repaired from another while the rest of the daemon trades."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from broker.market_data import OpeningCash
from tests.sim import invariants
from tests.sim.faults import Weather, fault_plan
from tests.sim.life import Life
from tests.sim.market import SmallMarket, small_market
from tests.sim.test_submission import finish
from tests.sim.world import World

RESERVE_EUR = 5
CURED = "SELECT 1 FROM intent WHERE order_class = 'emergency' AND state = 'filled'"


@dataclass(frozen=True, slots=True)
class Conversion:
    """One executed conversion, in minor units, with both balances after it."""

    source: str
    given: int
    source_left: int
    target: str
    got: int


def market_of(currency: str, minor: int, *, seed: int) -> SmallMarket:
    places = {"USD": "XNYS", "GBP": "XLON", "HKD": "XHKG"}
    cash = (OpeningCash("EUR", 9_000_00), OpeningCash(currency, minor))
    return small_market(
        seed, days=6, mics=("XETR", places[currency]), opening_cash=cash, eventful=False
    )


def conversions(folder: Path, market: SmallMarket) -> Iterator[Conversion]:
    """The exchange's fills in order, with the cash they left behind."""
    cash = {row.currency: row.amount_minor for row in market.data.opening_cash}
    sql = (
        "SELECT symbol, side, quantity_micro, gross_minor, currency, fee_minor, fee_currency"
        " FROM paper.fills ORDER BY number"
    )
    for symbol, side, micro, gross, currency, fee, fee_currency in invariants.rows(folder, sql):
        sign = 1 if side == "BUY" else -1
        cash[currency] = cash.get(currency, 0) - sign * gross
        cash[fee_currency] = cash.get(fee_currency, 0) - fee
        if "/" in symbol:
            base, quote = symbol.split("/")
            units = micro // 10_000
            cash[base] = cash.get(base, 0) + sign * units
            if sign > 0:
                yield Conversion(quote, gross, cash[quote], base, units)
            else:
                yield Conversion(base, units, cash[base], quote, gross)


@pytest.mark.parametrize("currency", ["USD", "GBP", "HKD"])
@pytest.mark.parametrize("weather", ["calm", pytest.param("storm", marks=pytest.mark.slow)])
def test_c4_c6_c7_negative_cash_is_cured_once_by_exchange_and_its_source_keeps_its_reserve(
    folder: Path, currency: str, weather: Weather
) -> None:
    minor = {"USD": -600_00, "GBP": -450_00, "HKD": -4_500_00}[currency]
    market = market_of(currency, minor, seed=11)
    world = World(folder, market, seed=2, rate=1200.0)

    async def until_cured_and_a_day(life: Life) -> None:
        await life.when(CURED, within_s=1200)
        await life.until(life.clock.market_now() + timedelta(days=1))

    plan = fault_plan(f"c4 {currency}", weather, rate=world.rate)
    world.live(until_cured_and_a_day, plan=plan)
    finish(world)
    done = list(conversions(folder, market))
    assert done
    for one in done:
        rate = market.data.rate_at(one.source, market.first_day)
        keep = int(RESERVE_EUR * (rate.per_eur if rate else Decimal(1)) * 95)
        assert one.given > 0
        assert one.got > 0
        assert one.source_left >= keep, one
    repaired = "SELECT count(*) FROM intent WHERE order_class = 'emergency' AND filled_micro > 0"
    assert invariants.count(folder, repaired) == 1
    assert invariants.count(folder, "SELECT count(*) FROM paper.cash WHERE minor < 0") == 0
    sold = "SELECT count(*) FROM intent WHERE side = 'SELL' AND instr(symbol, '/') = 0"
    assert invariants.count(folder, sold) == 0


def test_c7_a_repair_whose_fill_is_recorded_late_is_not_made_twice(folder: Path) -> None:
    """Many orders of tasks, many commits under way: one deficit, one conversion."""
    market = market_of("USD", -600_00, seed=11)
    for order_seed in range(6):
        place = folder / str(order_seed)
        place.mkdir()
        world = World(place, market, seed=order_seed, rate=1200.0, hops=order_seed % 4)

        async def until_cured(life: Life) -> None:
            await life.when("SELECT 1 FROM intent WHERE state = 'filled'")
            await life.until(life.clock.market_now() + timedelta(minutes=30))

        world.live(until_cured)
        repairs = "SELECT count(*) FROM intent WHERE order_class = 'emergency'"
        assert invariants.count(place, repairs) == 1
        assert world.violations == []
