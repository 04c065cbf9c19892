"""The scenario folders are what is written about them, and the player judges what it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from broker.market_folder import load_market_folder
from daemon.config import load
from policy.market_hours import FX, Calendars
from tools.build_scenarios import TARGET, files
from tools.play_scenario import names
from tools.scenario_list import SCENARIOS, Scenario
from tools.scenario_watch import Event, Expectation, Order, Reading, missing, read, wrong

TABLE = (Path(__file__).parents[2] / "policy" / "calendars.json").read_text(encoding="utf-8")
CALENDARS = Calendars.from_json(TABLE)
NOON = datetime(2025, 2, 4, 12, tzinfo=UTC)
each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)


@each_scenario
def test_the_folder_is_what_the_builder_writes(scenario: Scenario) -> None:
    folder = TARGET / scenario.name
    found = {
        str(path.relative_to(folder)): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == files(scenario)


def test_every_folder_can_be_played() -> None:
    assert set(names()) == {scenario.name for scenario in SCENARIOS}


@each_scenario
def test_the_market_and_the_configuration_can_be_loaded(scenario: Scenario) -> None:
    folder = TARGET / scenario.name
    config = load(folder / "demo.toml", data=Path("unused"), demo=False, environ={"HOME": "/"})
    assert config.paper.market == folder / "market"
    start = datetime.fromisoformat(scenario.start)
    assert config.paper.start == start
    market = load_market_folder(folder / "market")
    assert {row.symbol for row in market.opening_positions} == set(scenario.shares)
    assert len(market.outages) == len(scenario.outages)
    assert market.last_day > start.date()


@each_scenario
def test_no_holiday_falls_into_the_recorded_weeks(scenario: Scenario) -> None:
    """A bar on a day without a session would never be traded on, a session without one neither."""
    market = load_market_folder(TARGET / scenario.name / "market")
    first = datetime.fromisoformat(scenario.start).date()
    day = first
    while day <= scenario.last:
        for symbol, row in market.securities.items():
            session = CALENDARS.session(row.exchange, day)
            assert (session is None) == (market.bar_on(symbol, day) is None), f"{symbol} {day}"
        day += timedelta(days=1)


@each_scenario
def test_a_deficit_exists_or_arises(scenario: Scenario) -> None:
    total: dict[str, Decimal] = {code: Decimal(amount) for code, amount in scenario.cash.items()}
    for _, code, amount in scenario.flows:
        total[code] = total.get(code, Decimal(0)) + Decimal(amount)
    assert min(total.values()) < 0


def test_the_closed_market_is_closed() -> None:
    scenario = next(s for s in SCENARIOS if s.name == "market-closed")
    market = load_market_folder(TARGET / scenario.name / "market")
    start = datetime.fromisoformat(scenario.start)
    mics = {row.exchange for row in market.securities.values()}
    assert not any(CALENDARS.is_open(mic, start) for mic in mics)
    assert CALENDARS.is_open(FX, start)
    opens = {CALENDARS.trading(mic, start, core_only=True).next_open for mic in mics}
    assert min(at for at in opens if at) == datetime.fromisoformat(scenario.expected.asleep_until)


def test_the_missing_rate_comes_back_on_the_first_day() -> None:
    market = load_market_folder(TARGET / "rate-missing" / "market")
    before = market.rate_at("GBP", date(2025, 2, 3))
    assert before is not None
    assert before.day == date(2025, 1, 30)
    back = market.rate_at("GBP", date(2025, 2, 4))
    assert back is not None
    assert back.day == date(2025, 2, 4)


# The judge

WANTED = Expectation(
    runs=("resolved",),
    covered=("EUR",),
    sales=(1, 1),
    pairs=("EUR/USD",),
    recommended=0,
    asleep_until=None,
    partial=False,
    outage=False,
    mode="",
    decide="",
)


def order(
    symbol: str = "BAKER.DE", *, filled: int = 5, side: str = "SELL", at: datetime | None = NOON
) -> Order:
    return Order(symbol, side, "filled", "emergency", 5_000_000, filled * 1_000_000, at)


def reading(
    *orders: Order, runs: tuple[str, ...] = ("resolved",), cash: Mapping[str, str] | None = None
) -> Reading:
    amounts = {"EUR": "1.00"} if cash is None else cash
    return Reading(
        runs=runs,
        orders=orders,
        cash={code: Decimal(amount) for code, amount in amounts.items()},
        recommended=0,
        silences=0,
        events=(),
    )


GOOD = reading(order(), order("EUR/USD"))


def test_a_good_end_misses_nothing() -> None:
    assert (missing(GOOD, WANTED), wrong(GOOD, WANTED)) == ([], [])


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (reading(order(), order("EUR/USD"), runs=("selling",)), "repairs end resolved"),
        (reading(order(), order("EUR/USD"), cash={"EUR": "-0.01"}), "EUR at zero or more"),
        (reading(order(), order("EUR/USD", filled=0)), "a conversion on EUR/USD"),
        (reading(order(filled=0), order("EUR/USD")), "1 executed sales instead of 0"),
    ],
)
def test_what_has_not_come_true_is_missing(found: Reading, reason: str) -> None:
    assert missing(found, WANTED) == [reason]
    assert wrong(found, WANTED) == []


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (replace(WANTED, recommended=1), "1 recommended sales instead of 0"),
        (replace(WANTED, partial=True), "a sale that executed in part"),
        (replace(WANTED, decide="confirm"), "a question to the owner"),
        (replace(WANTED, outage=True), "a repair that waits through a silence of the broker"),
    ],
)
def test_every_further_expectation_is_missed(wanted: Expectation, reason: str) -> None:
    assert missing(GOOD, wanted) == [reason]


def test_a_question_that_was_asked_is_not_missed() -> None:
    asked = replace(GOOD, events=(Event("repair", 1, NOON, "selling → waiting_owner: ask"),))
    assert missing(asked, replace(WANTED, decide="confirm")) == []


@pytest.mark.parametrize(
    ("found", "wanted", "reason"),
    [
        (reading(runs=("failed",)), WANTED, "repairs ended failed"),
        (reading(order(), order("RAILS.DE")), WANTED, "2 executed sales, at most 1"),
        (reading(order("EUR/GBP")), WANTED, "a conversion on EUR/GBP"),
        (GOOD, replace(WANTED, mode="research"), "was sent in research"),
        (GOOD, replace(WANTED, asleep_until=NOON + timedelta(minutes=1)), "was sent before"),
    ],
)
def test_a_wrong_turn_is_told_at_once(found: Reading, wanted: Expectation, reason: str) -> None:
    assert reason in wrong(found, wanted)[0]


def test_an_order_that_was_never_sent_is_no_wrong_turn() -> None:
    unsent = reading(order(filled=0, at=None))
    assert wrong(unsent, replace(WANTED, mode="research")) == []


def test_before_the_daemon_has_made_its_books_nothing_is_read(tmp_path: Path) -> None:
    assert read(tmp_path) is None
