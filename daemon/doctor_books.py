"""The doctor's look into the databases: sound files, balanced books, nothing left open.

Everything is opened read-only, so a running daemon is not disturbed. A table that is not there
(an older or a new ledger) is passed over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from daemon.doctor_check import Check, fail, ok, warn
from daemon.doctor_rates import examine_rates

LEDGER = "ledger.db"
MARKET = "market.db"
# The prices can be fetched again, so a quick look does for them.
DATABASES = ((LEDGER, "integrity_check"), (MARKET, "quick_check"), ("paper.db", "quick_check"))
BUSY_S = 5.0

_UNBALANCED = """
SELECT bucket_id, account, key, SUM(amount) AS amount FROM (
    SELECT bucket_id, account, key, delta AS amount FROM posting
    UNION ALL SELECT bucket_id, account, key, -amount FROM balance)
GROUP BY bucket_id, account, key HAVING SUM(amount) <> 0
"""
_OPEN_FATE = """
SELECT state, COUNT(*) FROM intent WHERE state IN ('submitting', 'unknown', 'escalated')
GROUP BY state
"""


def examine_databases(data: Path) -> Iterator[Check]:
    """Every database of the folder, and the books within the ledger."""
    for name, pragma in DATABASES:
        path = data / name
        if not path.exists():
            yield warn(name, "not there yet")
            continue
        try:
            with closing(_open(path)) as database:
                yield _sound(database, name, pragma)
                if name == LEDGER:
                    yield from _books(database)
                if name == MARKET:
                    yield from examine_rates(database)
        except sqlite3.Error as error:
            yield fail(name, f"cannot be read: {error}")


def exchanges(data: Path) -> frozenset[str]:
    """The exchanges of the securities in the ledger; empty when that cannot be told."""
    try:
        with closing(_open(data / LEDGER)) as database:
            return frozenset(mic for (mic,) in database.execute("SELECT mic FROM security"))
    except sqlite3.Error:
        return frozenset()


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)


def _sound(database: sqlite3.Connection, name: str, pragma: str) -> Check:
    problems = [str(row[0]) for row in database.execute(f"PRAGMA {pragma}(5)")]
    if problems != ["ok"]:
        return fail(name, "; ".join(problems))
    strays = database.execute("PRAGMA foreign_key_check").fetchmany(5)
    if strays:
        tables = ", ".join(sorted({str(row[0]) for row in strays}))
        return fail(name, f"rows refer to others that do not exist: {tables}")
    return ok(name, "sound")


def _books(ledger: sqlite3.Connection) -> Iterator[Check]:
    tables = {name for (name,) in ledger.execute("SELECT name FROM sqlite_schema")}
    if {"posting", "balance"} <= tables:
        yield _balanced(ledger)
    if "intent" in tables:
        open_fate = [f"{count} {state}" for state, count in ledger.execute(_OPEN_FATE)]
        yield (
            warn("orders", f"fate not known: {', '.join(open_fate)}")
            if open_fate
            else ok("orders", "the fate of every order is known")
        )
    if "latch" in tables:
        for name, reason in ledger.execute("SELECT name, reason FROM latch ORDER BY name"):
            yield warn("halt", f"latch {name}: {reason}")


def _balanced(ledger: sqlite3.Connection) -> Check:
    """Every balance is the sum of its postings; both are whole numbers, so exactly."""
    wrong = ledger.execute(_UNBALANCED).fetchmany(5)
    if wrong:
        rows = ", ".join(f"{bucket}/{key} by {off}" for bucket, _, key, off in wrong)
        return fail("books", f"balances differ from the sum of their postings: {rows}")
    (count,) = ledger.execute("SELECT COUNT(*) FROM posting").fetchone()
    return ok("books", f"{count} postings add up to every balance")
