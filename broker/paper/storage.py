"""The file of the paper exchange: its schema, its transactions and its few single values.

It is the outside world of the daemon and shares nothing with the ledger's database. Every event of
the exchange is one transaction, so a kill at any moment leaves the file as of some event.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from broker.paper.instants import from_ms
from ledger.errors import StartError

VERSION = "1"
BUSY_S = 2.0

_SCHEMA = (
    """CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE cash (currency TEXT PRIMARY KEY, minor INTEGER NOT NULL)
       STRICT, WITHOUT ROWID""",
    """CREATE TABLE stakes (
         symbol TEXT PRIMARY KEY,
         quantity_micro INTEGER NOT NULL CHECK (quantity_micro > 0),
         cost_micro INTEGER) STRICT, WITHOUT ROWID""",
    """CREATE TABLE orders (
         number INTEGER PRIMARY KEY,
         client_order_id INTEGER NOT NULL UNIQUE,
         symbol TEXT NOT NULL,
         currency TEXT NOT NULL,
         side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
         quantity_micro INTEGER NOT NULL CHECK (quantity_micro > 0),
         limit_micro INTEGER NOT NULL CHECK (limit_micro > 0),
         day TEXT NOT NULL,
         created_ms INTEGER NOT NULL,
         expires_ms INTEGER NOT NULL,
         state TEXT NOT NULL,
         filled_micro INTEGER NOT NULL CHECK (filled_micro BETWEEN 0 AND quantity_micro),
         tries INTEGER NOT NULL,
         match_ms INTEGER,
         cancel_ms INTEGER,
         reason TEXT) STRICT""",
    """CREATE INDEX orders_by_time ON orders (created_ms)""",
    """CREATE INDEX live_orders ON orders (number)
         WHERE state IN ('pending', 'active', 'partially_filled')""",
    """CREATE TABLE fills (
         number INTEGER PRIMARY KEY,
         order_number INTEGER NOT NULL REFERENCES orders (number),
         client_order_id INTEGER NOT NULL,
         symbol TEXT NOT NULL,
         currency TEXT NOT NULL,
         side TEXT NOT NULL,
         quantity_micro INTEGER NOT NULL CHECK (quantity_micro > 0),
         price_micro INTEGER NOT NULL CHECK (price_micro > 0),
         gross_minor INTEGER NOT NULL CHECK (gross_minor >= 0),
         fee_minor INTEGER NOT NULL CHECK (fee_minor >= 0),
         fee_currency TEXT NOT NULL,
         executed_ms INTEGER NOT NULL,
         settles_ms INTEGER NOT NULL) STRICT""",
    """CREATE INDEX fills_by_time ON fills (executed_ms)""",
    """CREATE INDEX fills_by_settlement ON fills (settles_ms)""",
    """CREATE TABLE flows (
         number INTEGER PRIMARY KEY,
         category TEXT NOT NULL,
         currency TEXT NOT NULL,
         minor INTEGER NOT NULL,
         booked_ms INTEGER NOT NULL,
         symbol TEXT,
         reference TEXT,
         description TEXT NOT NULL) STRICT""",
    """CREATE INDEX flows_by_time ON flows (booked_ms)""",
    """CREATE TABLE actions (
         action_id TEXT PRIMARY KEY,
         kind TEXT NOT NULL CHECK (kind IN ('split', 'dividend')),
         symbol TEXT NOT NULL,
         ex_date TEXT NOT NULL,
         pay_date TEXT,
         effective_ms INTEGER NOT NULL,
         ratio TEXT,
         delta_micro INTEGER,
         per_share_micro INTEGER,
         held_micro INTEGER,
         currency TEXT,
         gross_minor INTEGER,
         tax_minor INTEGER) STRICT""",
    """CREATE INDEX actions_by_time ON actions (effective_ms)""",
    """CREATE TABLE entitlements (
         action_id TEXT PRIMARY KEY,
         symbol TEXT NOT NULL,
         ex_date TEXT NOT NULL,
         pay_date TEXT NOT NULL,
         pay_ms INTEGER NOT NULL,
         held_micro INTEGER NOT NULL CHECK (held_micro > 0),
         per_share_micro INTEGER NOT NULL,
         currency TEXT NOT NULL) STRICT, WITHOUT ROWID""",
)


class Storage:
    """One connection, one writer. `path` may be ":memory:" for a run that is not kept."""

    def __init__(self, path: Path | str) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
        with self.kept():
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute("PRAGMA synchronous = FULL")
            self.db.execute("PRAGMA foreign_keys = ON")

    @contextmanager
    def kept(self) -> Generator[None]:
        """The file stays open after the block, unless the block fails."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Everything inside is kept, or nothing is."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise

    def is_new(self) -> bool:
        found = self.db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'")
        return bool(found.fetchone() == (0,))

    def create(self) -> None:
        """The empty schema; call inside the transaction that also writes the opening."""
        for statement in _SCHEMA:
            self.db.execute(statement)
        self.set("version", VERSION)

    def get(self, key: str) -> str:
        """A single value; raises StartError when the file does not have it."""
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise StartError(f"the paper exchange's file has no {key}: it was not made by trimtab")
        return str(row[0])

    def set(self, key: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))

    def close(self) -> None:
        self.db.close()


def last_processed(path: Path) -> datetime | None:
    """The market instant the exchange in `path` had reached; None when there is no exchange yet.

    Asked before the market clock exists, so that it can resume where the exchange stopped. Raises
    StartError when the file is not a paper exchange.
    """
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_S)) as db:
            if db.execute("SELECT 1 FROM sqlite_schema").fetchone() is None:
                return None
            row = db.execute("SELECT value FROM meta WHERE key = 'reached'").fetchone()
    except sqlite3.Error as error:
        raise StartError(f"{path} is not a paper exchange: {error}") from error
    return None if row is None else from_ms(int(row[0].split(" ")[0]))
