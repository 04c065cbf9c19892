"""Dividends that the owner tells of: how they are kept and joined with the money that arrived.

Used by `Dividends.note` inside its one transaction. A cash flow belongs to at most one dividend,
whether the broker named it or the owner linked it.
"""

from __future__ import annotations

from datetime import datetime

from ledger.dividend import DividendNote
from ledger.errors import Conflict, Missing
from store.codec import to_ms
from store.engine import Row, Tx, Value
from store.pots import refresh_pot

# The transaction of a cash flow as it stands now, whichever of its versions was named.
_TRANSACTION = """
SELECT * FROM flow_version
WHERE transaction_id = (SELECT transaction_id FROM flow_version WHERE version_id = ?)
ORDER BY version DESC LIMIT 1
"""
_TAKEN = """
SELECT dividend_id FROM dividend
WHERE transaction_id = :transaction OR action_id IN (
    SELECT c.reference FROM cash_flow c JOIN flow_fact f USING (fact_seq)
    WHERE f.transaction_id = :transaction)
"""
_INSERT = """
INSERT INTO dividend (action_id, symbol, isin, noted_minor, noted_currency, noted_eur_minor,
    noted_day, noted_ms, transaction_id)
VALUES (:action_id, :symbol, :isin, :minor, :currency, :eur_minor, :day, :at_ms, :transaction)
"""


async def keep_note(tx: Tx, note: DividendNote, *, at: datetime, by: str) -> int:
    known = await _noted_before(tx, note)
    if note.cash_flow_id is None:
        if known is not None:
            raise _duplicate(known)
        dividend_id = await _insert(tx, note, None, at)
    else:
        flow = await _arrived(tx, note)
        if known is None:
            dividend_id = await _insert(tx, note, flow, at)
        else:
            dividend_id = await _link(tx, known, flow)
        await refresh_pot(tx, dividend_id)
    await tx.insert(
        "INSERT INTO audit (at_ms, who, what, after) VALUES (?, ?, ?, ?)",
        (to_ms(at), by, "dividend", f"{dividend_id}: {note.symbol} {note.money}"),
    )
    return dividend_id


async def _noted_before(tx: Tx, note: DividendNote) -> Row | None:
    return await tx.one(
        "SELECT * FROM pot WHERE noted_ms IS NOT NULL AND symbol = ? AND noted_day = ?"
        " AND noted_minor = ? AND noted_currency = ?",
        (note.symbol, note.payment_date.isoformat(), note.money.minor, note.money.currency),
    )


async def _arrived(tx: Tx, note: DividendNote) -> Row:
    """The transaction whose money this dividend is, as its broker shows it now."""
    flow = await tx.one(_TRANSACTION, (note.cash_flow_id,))
    if flow is None:
        raise Missing(f"there is no cash flow {note.cash_flow_id}")
    wrong = _mismatch(note, flow)
    if wrong is not None:
        text = f"cash flow {note.cash_flow_id} {wrong}"
        raise Conflict(text, code="cash_flow_mismatch")
    taken = await tx.one(_TAKEN, {"transaction": flow["transaction_id"]})
    if taken is not None:
        text = f"cash flow {note.cash_flow_id} is that of dividend {taken['dividend_id']}"
        raise Conflict(text, code="linked")
    return flow


def _mismatch(note: DividendNote, flow: Row) -> str | None:
    if flow["category"] != "dividend":
        return f"is no dividend but {flow['category']}"
    if flow["status"] != "completed":
        return f"has not arrived, it is {flow['status']}"
    if (flow["minor"], flow["currency"]) != (note.money.minor, note.money.currency):
        return f"is not {note.money}"
    if flow["symbol"] not in {None, note.symbol}:
        return f"is one of {flow['symbol']}"
    return None


async def _insert(tx: Tx, note: DividendNote, flow: Row | None, at: datetime) -> int:
    day = note.payment_date.isoformat()
    own = f"owner:{note.symbol}:{day}:{note.money.minor}:{note.money.currency}"
    values: dict[str, Value] = {
        "action_id": _action_id(flow) or own,
        "symbol": note.symbol,
        "isin": note.isin,
        "minor": note.money.minor,
        "currency": note.money.currency,
        "eur_minor": note.eur.minor,
        "day": day,
        "at_ms": to_ms(at),
        "transaction": None if flow is None else flow["transaction_id"],
    }
    return await tx.insert(_INSERT, values)


async def _link(tx: Tx, known: Row, flow: Row) -> int:
    """Join a record that was told of before with the money that has arrived since."""
    if known["paid_ms"] is not None or known["marked_ms"] is not None:
        raise _duplicate(known)
    dividend_id: int = known["dividend_id"]
    await tx.execute(
        "UPDATE dividend SET transaction_id = ?, action_id = coalesce(?, action_id)"
        " WHERE dividend_id = ?",
        (flow["transaction_id"], _action_id(flow), dividend_id),
    )
    return dividend_id


def _action_id(flow: Row | None) -> str | None:
    """The broker's own name of the dividend, should it report it after all."""
    return None if flow is None else flow["reference"] or None


def _duplicate(known: Row) -> Conflict:
    return Conflict(f"this is dividend {known['dividend_id']} already", code="duplicate")
