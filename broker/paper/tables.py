"""Rows of the exchange's tables, in and out; the callers hold the transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple, dataclass, fields
from datetime import date

from broker.paper.account import Account, Stake, Unsettled
from broker.paper.orders import PaperOrder
from ledger.fact import FlowCategory, is_pair
from ledger.money import Money, Quantity
from ledger.order import Side

_ORDER_COLUMNS = ", ".join(field.name for field in fields(PaperOrder))
_LIVE = "state IN ('pending', 'active', 'partially_filled')"


@dataclass(frozen=True, slots=True)
class FillRow:
    number: int
    order_number: int
    client_order_id: int
    symbol: str
    currency: str
    side: Side
    quantity_micro: int
    price_micro: int
    gross_minor: int
    fee_minor: int
    fee_currency: str
    executed_ms: int
    settles_ms: int

    def movements(self) -> tuple[Money, ...]:
        """What the fill adds to or takes from cash: its value, a pair's base, its fee."""
        sign = 1 if self.side == "BUY" else -1
        moved = [Money(-sign * self.gross_minor, self.currency)]
        if is_pair(self.symbol):
            units = Quantity(sign * self.quantity_micro).units
            moved.append(Money.of(units, self.symbol.split("/")[0]))
        if self.fee_minor:
            moved.append(Money(-self.fee_minor, self.fee_currency))
        return tuple(moved)


@dataclass(frozen=True, slots=True)
class FlowEntry:
    number: int
    category: FlowCategory
    currency: str
    minor: int
    booked_ms: int
    symbol: str | None
    reference: str | None
    description: str


@dataclass(frozen=True, slots=True)
class ActionRow:
    """A split has `ratio` and `delta_micro`; a dividend the rest. Dates are ISO text."""

    action_id: str
    kind: str
    symbol: str
    ex_date: str
    pay_date: str | None
    effective_ms: int
    ratio: str | None = None
    delta_micro: int | None = None
    per_share_micro: int | None = None
    held_micro: int | None = None
    currency: str | None = None
    gross_minor: int | None = None
    tax_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A dividend that was earned at the ex-date and is paid at `pay_ms`."""

    action_id: str
    symbol: str
    ex_date: str
    pay_date: str
    pay_ms: int
    held_micro: int
    per_share_micro: int
    currency: str


Row = FillRow | FlowEntry | ActionRow | Entitlement
_TABLES = {FillRow: "fills", FlowEntry: "flows", ActionRow: "actions", Entitlement: "entitlements"}


def insert(db: sqlite3.Connection, row: Row) -> None:
    values = astuple(row)
    marks = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO {_TABLES[type(row)]} VALUES ({marks})", values)


def write_order(db: sqlite3.Connection, order: PaperOrder) -> None:
    """Insert or replace the order under its number."""
    values = [order.day.isoformat() if name == "day" else getattr(order, name) for name in _NAMES]
    marks = ", ".join("?" * len(values))
    changes = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:])
    db.execute(
        f"INSERT INTO orders ({_ORDER_COLUMNS}) VALUES ({marks})"
        f" ON CONFLICT (number) DO UPDATE SET {changes}",
        values,
    )


def write_cash(db: sqlite3.Connection, currency: str, minor: int) -> None:
    db.execute("INSERT OR REPLACE INTO cash VALUES (?, ?)", (currency, minor))


def write_stake(db: sqlite3.Connection, symbol: str, stake: Stake | None) -> None:
    if stake is None:
        db.execute("DELETE FROM stakes WHERE symbol = ?", (symbol,))
        return
    row = (symbol, stake.quantity_micro, stake.cost_micro)
    db.execute("INSERT OR REPLACE INTO stakes VALUES (?, ?, ?)", row)


def delete_entitlement(db: sqlite3.Connection, action_id: str) -> None:
    db.execute("DELETE FROM entitlements WHERE action_id = ?", (action_id,))


def read_account(db: sqlite3.Connection, now_ms: int) -> Account:
    """Balances as written, with what had not settled at `now_ms`."""
    account = Account()
    account.cash = dict(db.execute("SELECT currency, minor FROM cash"))
    stakes = db.execute("SELECT symbol, quantity_micro, cost_micro FROM stakes")
    account.stakes = {symbol: Stake(quantity, cost) for symbol, quantity, cost in stakes}
    rows = db.execute("SELECT * FROM fills WHERE settles_ms > ? ORDER BY number", (now_ms,))
    for fill in (FillRow(*row) for row in rows):
        account.unsettled += (
            Unsettled(fill.settles_ms, moved.currency, moved.minor) for moved in fill.movements()
        )
    return account


def live_orders(db: sqlite3.Connection) -> list[PaperOrder]:
    return _orders(db.execute(f"SELECT {_ORDER_COLUMNS} FROM orders WHERE {_LIVE} ORDER BY number"))


def orders_since(db: sqlite3.Connection, created_ms: int) -> list[PaperOrder]:
    return _orders(
        db.execute(
            f"SELECT {_ORDER_COLUMNS} FROM orders WHERE created_ms >= ? ORDER BY number",
            (created_ms,),
        )
    )


def order_by_number(db: sqlite3.Connection, number: int) -> PaperOrder | None:
    found = _orders(db.execute(f"SELECT {_ORDER_COLUMNS} FROM orders WHERE number = ?", (number,)))
    return found[0] if found else None


def tag_is_known(db: sqlite3.Connection, client_order_id: int) -> bool:
    row = db.execute("SELECT 1 FROM orders WHERE client_order_id = ?", (client_order_id,))
    return row.fetchone() is not None


def action_is_known(db: sqlite3.Connection, action_id: str) -> bool:
    row = db.execute("SELECT 1 FROM actions WHERE action_id = ?", (action_id,))
    return row.fetchone() is not None


def entitlements(db: sqlite3.Connection) -> list[Entitlement]:
    return [Entitlement(*row) for row in db.execute("SELECT * FROM entitlements")]


def fills_since(db: sqlite3.Connection, since_ms: int) -> list[FillRow]:
    query = "SELECT * FROM fills WHERE executed_ms >= ? ORDER BY number"
    return [FillRow(*row) for row in db.execute(query, (since_ms,))]


def flows_since(db: sqlite3.Connection, since_ms: int) -> list[FlowEntry]:
    query = "SELECT * FROM flows WHERE booked_ms >= ? ORDER BY number"
    return [FlowEntry(*row) for row in db.execute(query, (since_ms,))]


def actions_since(db: sqlite3.Connection, since_ms: int) -> list[ActionRow]:
    query = "SELECT * FROM actions WHERE effective_ms >= ? ORDER BY effective_ms, action_id"
    return [ActionRow(*row) for row in db.execute(query, (since_ms,))]


def next_number(db: sqlite3.Connection, table: str) -> int:
    """One above the highest number of `table`; numbers are never used twice."""
    (highest,) = db.execute(f"SELECT max(number) FROM {table}").fetchone()
    return (highest or 0) + 1


def _orders(rows: sqlite3.Cursor) -> list[PaperOrder]:
    found: list[PaperOrder] = []
    for row in rows:
        values = dict(zip(_NAMES, row, strict=True))
        values["day"] = date.fromisoformat(values["day"])
        found.append(PaperOrder(**values))
    return found


_NAMES = tuple(field.name for field in fields(PaperOrder))
