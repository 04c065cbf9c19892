"""What must be true between the daemon's ledger and the exchange's own file, read directly."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Generator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]


@contextmanager
def database(path: Path) -> Generator[sqlite3.Connection]:
    """A file of the data folder, read beside whoever writes it."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5.0)) as connection:
        yield connection


def rows(path: Path, sql: str) -> list[Row]:
    with database(path) as connection:
        return connection.execute(sql).fetchall()


def ledger(data: Path, sql: str) -> list[Row]:
    return rows(data / "ledger.db", sql)


def exchange(data: Path, sql: str) -> list[Row]:
    return rows(data / "paper.db", sql)


def assert_files_are_sound(data: Path) -> None:
    for name in ("ledger.db", "market.db", "paper.db"):
        assert rows(data / name, "PRAGMA integrity_check") == [("ok",)], name
        assert rows(data / name, "PRAGMA foreign_key_check") == [], name
    unbalanced = """
        SELECT bucket_id, account, key, sum(amount) FROM (
            SELECT bucket_id, account, key, delta AS amount FROM posting
            UNION ALL SELECT bucket_id, account, key, -amount FROM balance)
        GROUP BY 1, 2, 3 HAVING sum(amount) <> 0"""
    assert ledger(data, unbalanced) == []


def assert_every_order_has_one_intent(data: Path) -> None:
    """No order without an intent, no intent with two orders, and each is what was decided."""
    sent = "SELECT client_order_id, symbol, side, quantity_micro, limit_micro FROM"
    orders = exchange(data, f"{sent} orders")
    intents = ledger(data, f"{sent} intent WHERE client_order_id IS NOT NULL")
    tags = Counter(row[0] for row in orders)
    assert max(tags.values(), default=1) == 1
    assert set(orders) <= set(intents)
    named = ledger(data, "SELECT broker_order_id FROM intent WHERE broker_order_id IS NOT NULL")
    assert max(Counter(named).values(), default=1) == 1


def assert_every_fill_is_recorded_once(data: Path) -> None:
    known = """
        SELECT 'F' || substr('000000000' || number, -9), client_order_id, symbol, side,
            quantity_micro, price_micro, currency, gross_minor FROM fills ORDER BY 1"""
    recorded = """
        SELECT fill_id, client_order_id, symbol, side, quantity_micro, price_micro, price_currency,
            gross_minor FROM fill ORDER BY 1"""
    assert ledger(data, recorded) == exchange(data, known)
    assert ledger(data, "SELECT 1 FROM fill WHERE intent_id IS NULL") == []


def assert_books_equal_the_account(data: Path) -> None:
    """Postings add up to the exchange's cash and holdings, to the minor unit and the millionth."""
    total = "SELECT key, sum(delta) FROM posting WHERE account = '{}' GROUP BY key"
    cash = {key: amount for key, amount in ledger(data, total.format("cash")) if amount}
    held = {key: amount for key, amount in ledger(data, total.format("holding")) if amount}
    account: dict[str, int] = dict(
        exchange(data, "SELECT currency, minor FROM cash WHERE minor <> 0")
    )
    stakes: dict[str, int] = dict(exchange(data, "SELECT symbol, quantity_micro FROM stakes"))
    assert (cash, held) == (account, stakes)


def assert_time_only_went_forward(data: Path) -> None:
    """In the order of writing, market time never falls; nothing is known before it happened."""
    for table, column, order in (
        ("fact", "market_ms", "seq"),
        ("order_event", "at_ms", "event_id"),
    ):
        stamps = [row[0] for row in ledger(data, f"SELECT {column} FROM {table} ORDER BY {order}")]
        back = [(a, b) for a, b in pairwise(stamps) if b < a]
        assert back == [], f"{table}.{column} steps back"
    assert ledger(data, "SELECT seq FROM fact WHERE happened_ms > market_ms") == []


def in_flight(data: Path) -> list[Row]:
    """Tag and state of every order whose end is not known."""
    return ledger(
        data,
        "SELECT client_order_id, state FROM intent WHERE state IN "
        "('submitting', 'accepted', 'active', 'partially_filled', 'unknown', 'escalated')",
    )


def submissions(data: Path) -> list[int]:
    """Machine instants (ms) at which orders were committed as being sent."""
    sql = """SELECT submitted_machine_ms FROM intent
        WHERE submitted_machine_ms IS NOT NULL ORDER BY 1"""
    return [row[0] for row in ledger(data, sql)]
