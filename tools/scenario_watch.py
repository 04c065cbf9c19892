"""What the player of a scenario reads in the ledger, beside the daemon that writes it.

Everything comes from ledger.db, opened for reading: the repairs with their moves, the orders with
theirs, and the cash. Nothing here changes anything.
"""

from __future__ import annotations

import sqlite3
import tomllib
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ledger.currency import exponent
from ledger.emergency import FINAL

BUSY_S = 5.0

_RUNS = "SELECT state, note FROM emergency_run ORDER BY started_ms, run_id"
_RUN_EVENTS = "SELECT event_id, at_ms, coalesce(before, ''), after, note FROM emergency_event"
_ORDERS = """SELECT symbol, side, state, order_class, quantity_micro, filled_micro, submitted_ms
    FROM intent ORDER BY intent_id"""
_ORDER_EVENTS = """SELECT event_id, at_ms,
    format('%s %g %s', side, quantity_micro / 1e6, symbol), after, note
    FROM order_event JOIN intent USING (intent_id)"""
_CASH = "SELECT key, sum(amount) FROM balance WHERE account = 'cash' GROUP BY key ORDER BY key"
_RECOMMENDED = "SELECT count(*) FROM emergency_sale WHERE intent_id IS NULL AND status = 'pending'"
_SILENT = "SELECT count(*) FROM emergency_event WHERE note LIKE '%could not be read%'"


@dataclass(frozen=True, slots=True)
class Expectation:
    """`expect.toml`; `tools.scenario_list.Expected` says what each part means."""

    runs: tuple[str, ...]
    covered: tuple[str, ...]
    sales: tuple[int, int]
    pairs: tuple[str, ...]
    recommended: int
    asleep_until: datetime | None
    partial: bool
    outage: bool
    mode: str
    decide: str

    @classmethod
    def read(cls, path: Path) -> Expectation:
        raw: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        least, most = raw["sales"]
        asleep = raw.get("asleep_until")
        return cls(
            runs=tuple(raw["runs"]),
            covered=tuple(raw["covered"]),
            sales=(least, most),
            pairs=tuple(raw["pairs"]),
            recommended=raw["recommended"],
            asleep_until=datetime.fromisoformat(asleep) if asleep else None,
            partial=raw.get("partial", False),
            outage=raw.get("outage", False),
            mode=raw.get("mode", ""),
            decide=raw.get("decide", ""),
        )


@dataclass(frozen=True, slots=True)
class Order:
    """One decision and what became of it; quantities in millionths."""

    symbol: str
    side: str
    state: str
    order_class: str
    quantity_micro: int
    filled_micro: int
    submitted_at: datetime | None

    @property
    def pair(self) -> bool:
        return "/" in self.symbol

    @property
    def sale(self) -> bool:
        """A sale of shares that executed, at least in part."""
        return self.side == "SELL" and not self.pair and self.filled_micro > 0


@dataclass(frozen=True, slots=True)
class Event:
    """A line to print once: (kind, id) names it."""

    kind: str
    event_id: int
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The books at one moment; `runs` are the states of all repairs, oldest first."""

    runs: tuple[str, ...]
    orders: tuple[Order, ...]
    cash: Mapping[str, Decimal]
    recommended: int
    silences: int
    events: tuple[Event, ...]

    @property
    def ended(self) -> tuple[str, ...]:
        return tuple(state for state in self.runs if state in FINAL)

    @property
    def sales(self) -> tuple[Order, ...]:
        return tuple(order for order in self.orders if order.sale)


def read(data: Path) -> Reading | None:
    """The books in the data folder; None before the daemon has made them."""
    try:
        with _opened(data / "ledger.db") as ledger:
            return _read(ledger)
    except sqlite3.OperationalError:
        return None


@contextmanager
def _opened(path: Path) -> Generator[sqlite3.Connection]:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as connection:
        connection.execute("BEGIN")
        yield connection


def _read(ledger: sqlite3.Connection) -> Reading:
    cash = dict(ledger.execute(_CASH).fetchall())
    (recommended,) = ledger.execute(_RECOMMENDED).fetchone()
    (silences,) = ledger.execute(_SILENT).fetchone()
    events = (*_events(ledger, "repair", _RUN_EVENTS), *_events(ledger, "order", _ORDER_EVENTS))
    return Reading(
        runs=tuple(state for state, _ in ledger.execute(_RUNS)),
        orders=tuple(_order(row) for row in ledger.execute(_ORDERS)),
        cash={code: Decimal(minor).scaleb(-exponent(code)) for code, minor in cash.items()},
        recommended=recommended,
        silences=silences,
        events=tuple(sorted(events, key=lambda event: event.at)),
    )


def _order(row: tuple[Any, ...]) -> Order:
    symbol, side, state, order_class, quantity_micro, filled_micro, submitted_ms = row
    submitted_at = None if submitted_ms is None else _instant(submitted_ms)
    return Order(symbol, side, state, order_class, quantity_micro, filled_micro, submitted_at)


def _events(ledger: sqlite3.Connection, kind: str, sql: str) -> Iterator[Event]:
    for event_id, at_ms, what, after, note in ledger.execute(sql):
        text = f"{what} → {after}" if what else after
        yield Event(kind, event_id, _instant(at_ms), f"{text}: {note}" if note else text)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def missing(reading: Reading, wanted: Expectation) -> list[str]:
    """What has not come true yet, in words."""
    found = [] if reading.ended == wanted.runs else [f"repairs end {_list(wanted.runs)}"]
    found += [f"{c} at zero or more" for c in wanted.covered if reading.cash.get(c, Decimal(0)) < 0]
    made = {order.symbol for order in reading.orders if order.pair and order.filled_micro}
    found += [f"a conversion on {pair}" for pair in wanted.pairs if pair not in made]
    if len(reading.sales) < wanted.sales[0]:
        found.append(f"{wanted.sales[0]} executed sales instead of {len(reading.sales)}")
    if reading.recommended < wanted.recommended:
        found.append(f"{wanted.recommended} recommended sales instead of {reading.recommended}")
    if wanted.partial and not any(o.filled_micro < o.quantity_micro for o in reading.sales):
        found.append("a sale that executed in part")
    if wanted.decide and not any("→ waiting_owner" in event.text for event in reading.events):
        found.append("a question to the owner")
    if wanted.outage and not reading.silences:
        found.append("a repair that waits through a silence of the broker")
    return found


def wrong(reading: Reading, wanted: Expectation) -> list[str]:
    """What no waiting can mend, in words."""
    ended, found = reading.ended, list[str]()
    if ended != wanted.runs[: len(ended)]:
        found.append(f"repairs ended {_list(ended)} instead of {_list(wanted.runs)}")
    if len(reading.sales) > wanted.sales[1]:
        found.append(f"{len(reading.sales)} executed sales, at most {wanted.sales[1]}")
    made = {order.symbol for order in reading.orders if order.pair and order.filled_micro}
    found += [f"a conversion on {pair}" for pair in sorted(made.difference(wanted.pairs))]
    sent = [order for order in reading.orders if order.submitted_at is not None]
    if wanted.mode == "research" and sent:
        found.append(f"{sent[0].side} {sent[0].symbol} was sent in research")
    early = [o for o in sent if wanted.asleep_until and _before(o, wanted.asleep_until)]
    found += [f"{o.side} {o.symbol} was sent before {wanted.asleep_until}" for o in early]
    return found


def _before(order: Order, instant: datetime) -> bool:
    return order.submitted_at is not None and order.submitted_at < instant


def _list(states: tuple[str, ...]) -> str:
    return ", ".join(states) or "not at all"
