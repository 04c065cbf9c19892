"""What the doctor says of exchange rates."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from daemon.doctor_check import Check
from daemon.doctor_rates import examine_rates
from store.migrate import migrations

WEDNESDAY = int(datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def market() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as database:
        for step in migrations("market"):
            database.executescript(step.sql)
        database.execute(
            "INSERT INTO quote VALUES ('EUR/USD', 'USD', 1, 2, 1, NULL, ?, 1)", (WEDNESDAY,)
        )
        yield database


def put(market: sqlite3.Connection, currency: str, as_of: str, value: str) -> None:
    market.execute("INSERT INTO rate VALUES (?, ?, ?, 'ECB', 0)", (currency, as_of, value))


def found(market: sqlite3.Connection) -> list[Check]:
    return list(examine_rates(market))


def test_a_rate_is_told_with_its_age_in_target_days(market: sqlite3.Connection) -> None:
    put(market, "USD", "2026-03-02", "1.09")
    put(market, "USD", "2026-03-03", "1.10")
    text = "1.10 of 2026-03-03 (ECB), 1 TARGET days old"
    assert found(market) == [Check("ok", "rate USD", text)]


@pytest.mark.parametrize(
    ("as_of", "says"),
    [("2026-03-02", "too old to trade with"), ("2026-02-26", "unknown until a newer one comes")],
)
def test_an_old_rate_is_a_warning(market: sqlite3.Connection, as_of: str, says: str) -> None:
    put(market, "USD", as_of, "1.10")
    (check,) = found(market)
    assert check.state == "warn"
    assert says in check.detail


def test_a_rate_held_back_is_told_with_its_reason(market: sqlite3.Connection) -> None:
    market.execute(
        "INSERT INTO rate_held VALUES ('USD', '2026-03-04', '2.5', 'ECB', 0, 'nothing confirms it')"
    )
    text = "2.5 of 2026-03-04 (ECB) is held back: nothing confirms it"
    assert found(market) == [Check("warn", "rate USD", text)]


def test_without_quotes_no_age_is_told(market: sqlite3.Connection) -> None:
    market.execute("DELETE FROM quote")
    put(market, "USD", "2009-01-05", "1.35")
    assert found(market) == [Check("ok", "rate USD", "1.35 of 2009-01-05 (ECB)")]


def test_a_database_without_these_tables_is_passed_over() -> None:
    with closing(sqlite3.connect(":memory:")) as empty:
        assert found(empty) == []
