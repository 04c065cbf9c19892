"""The doctor's look at the exchange rates: value, age, source, and what is held back.

Ages count to the newest quote, so that a replay of an old market is judged by its own days.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from daemon.doctor_check import Check, ok, warn
from policy.limits import DEFAULTS
from policy.target_days import target_days_between

_NEWEST = """
SELECT currency, max(as_of), value, source FROM rate GROUP BY currency ORDER BY currency
"""
_HELD = "SELECT currency, as_of, value, source, reason FROM rate_held ORDER BY currency, as_of"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def examine_rates(market: sqlite3.Connection) -> Iterator[Check]:
    """One line per rate in use, and one per rate that waits for a second source."""
    tables = {name for (name,) in market.execute("SELECT name FROM sqlite_schema")}
    if not {"rate", "rate_held", "quote"} <= tables:
        return
    (newest_ms,) = market.execute("SELECT max(at_ms) FROM quote").fetchone()
    today = None if newest_ms is None else (_EPOCH + timedelta(milliseconds=newest_ms)).date()
    for currency, as_of, value, source in market.execute(_NEWEST):
        yield _in_use(f"rate {currency}", f"{value} of {as_of} ({source})", as_of, today)
    for currency, as_of, value, source, reason in market.execute(_HELD):
        yield warn(f"rate {currency}", f"{value} of {as_of} ({source}) is held back: {reason}")


def _in_use(name: str, shown: str, as_of: str, today: date | None) -> Check:
    if today is None:
        return ok(name, shown)
    age = target_days_between(date.fromisoformat(as_of), today)
    text = f"{shown}, {age} TARGET days old"
    if age > DEFAULTS.max_value_rate_days:
        return warn(name, f"{text}: unknown until a newer one comes")
    if age > DEFAULTS.max_trade_rate_days:
        return warn(name, f"{text}: too old to trade with")
    return ok(name, text)
