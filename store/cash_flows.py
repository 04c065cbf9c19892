"""Versions of cash flows: what a batch of the broker's rows changes, and how that is kept.

Used by `Facts.record` inside its one transaction, so that a version, the facts it becomes, their
postings and the division of a deposit are written together or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.cash_flow import STAGE, Arrival, Divide, FlowRow, Share, facts_between
from ledger.errors import BadData
from ledger.fact import CashFlow
from ledger.money import Money
from store.codec import from_ms, to_json, to_ms
from store.engine import Row, Tx, Value

_STANDING = """
SELECT v.*, EXISTS (
    SELECT 1 FROM flow_version c
    WHERE c.transaction_id = v.transaction_id AND c.status = 'completed') AS booked_before
FROM flow_version v
WHERE v.transaction_id IN (SELECT value FROM json_each(?)) AND v.version = (
    SELECT max(version) FROM flow_version n WHERE n.transaction_id = v.transaction_id)
"""
_ADD_VERSION = """
INSERT INTO flow_version (transaction_id, version, status, type, type_doc_id, category, minor,
    currency, booked_ms, symbol, reference, description, seen_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_CASH = """
SELECT bucket_id, key, amount FROM balance
WHERE account = 'cash' AND key IN (SELECT value FROM json_each(?))
"""
_GIVEN = """
SELECT f.transaction_id, a.currency, a.bucket_id, sum(a.minor) AS minor
FROM deposit_allocation a JOIN flow_fact f USING (fact_seq)
WHERE f.transaction_id IN (SELECT value FROM json_each(?))
GROUP BY f.transaction_id, a.currency, a.bucket_id
"""


@dataclass(frozen=True, slots=True)
class FlowChange:
    """A new version of one transaction and the facts that bring the books up to it."""

    version: int
    row: FlowRow
    facts: tuple[CashFlow, ...]


def flow_row_of(row: Row) -> FlowRow:
    """A row of flow_version."""
    return FlowRow(
        transaction_id=row["transaction_id"],
        type=row["type"],
        category=row["category"],
        status=row["status"],
        money=Money(row["minor"], row["currency"]),
        booked_at=from_ms(row["booked_ms"]),
        symbol=row["symbol"],
        reference=row["reference"],
        description=row["description"],
        type_doc_id=row["type_doc_id"],
    )


async def flow_changes(tx: Tx, rows: Iterable[FlowRow]) -> dict[str, FlowChange]:
    """By transaction, what `rows` tell that is not known yet, in the order of `rows`.

    Of a transaction that comes more than once only the row that has come furthest counts, so the
    order within one answer of the broker does not matter.
    """
    told: dict[str, FlowRow] = {}
    for row in rows:
        known = told.get(row.transaction_id)
        if known is None or _rank(known) < _rank(row):
            told[row.transaction_id] = row
    standing = {
        row["transaction_id"]: row for row in await tx.all(_STANDING, (to_json(list(told)),))
    }
    found = ((name, _change(standing.get(name), row)) for name, row in told.items())
    return {name: change for name, change in found if change is not None}


def _rank(row: FlowRow) -> tuple[int, str]:
    """Later stages first; the rest only makes the choice between two answers a fixed one."""
    return STAGE[row.status], to_json(_said(row))


def _said(row: FlowRow) -> tuple[Value, ...]:
    """What makes a version another one; a description alone does not."""
    return (
        row.status, row.type, row.type_doc_id, row.category, row.money.minor, row.money.currency,
        to_ms(row.booked_at), row.symbol, row.reference,
    )  # fmt: skip


def _change(stored: Row | None, row: FlowRow) -> FlowChange | None:
    if stored is None:
        return FlowChange(1, row, facts_between(None, row, version=1, booked_before=False))
    before = flow_row_of(stored)
    overtaken = before.decided and not row.decided
    if overtaken or _said(before) == _said(row):
        return None
    version = stored["version"] + 1
    booked_before = bool(stored["booked_before"])
    facts = facts_between(before, row, version=version, booked_before=booked_before)
    return FlowChange(version, row, facts)


async def divided(
    tx: Tx, changes: Mapping[str, FlowChange], divide: Divide
) -> dict[str, tuple[Share, ...]]:
    """By flow id, how each fact that is a deposit's is divided between the buckets.

    Raises BadData when a division does not add up to its deposit, which undoes the whole record.
    """
    deposits = [
        (name, fact)
        for name, change in changes.items()
        for fact in change.facts
        if fact.category == "deposit"
    ]
    if not deposits:
        return {}
    cash = await _cash(tx, {fact.money.currency for _, fact in deposits})
    given = await _given(tx, [name for name, _ in deposits])
    shares: dict[str, tuple[Share, ...]] = {}
    for name, fact in deposits:
        money, balances = fact.money, cash[fact.money.currency]
        parts = divide(Arrival(money, dict(balances), given.get((name, money.currency), {})))
        if sum(minor for _, minor in parts) != money.minor:
            raise BadData(f"the parts of deposit {name} do not add up to {money}")
        for bucket, minor in parts:
            balances[bucket] += minor
        shares[fact.flow_id] = parts
    return shares


async def _cash(tx: Tx, currencies: set[str]) -> defaultdict[str, defaultdict[str, int]]:
    cash: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in await tx.all(_CASH, (to_json(sorted(currencies)),)):
        cash[row["key"]][row["bucket_id"]] = row["amount"]
    return cash


async def _given(tx: Tx, names: Sequence[str]) -> dict[tuple[str, str], dict[str, int]]:
    given: dict[tuple[str, str], dict[str, int]] = {}
    for row in await tx.all(_GIVEN, (to_json(names),)):
        of_deposit = given.setdefault((row["transaction_id"], row["currency"]), {})
        of_deposit[row["bucket_id"]] = row["minor"]
    return given


async def keep_versions(
    tx: Tx, changes: Mapping[str, FlowChange], *, seqs: Mapping[str, int], seen: datetime
) -> None:
    """Write the versions and which fact books which; `seqs` is the number of a fact by flow id."""
    rows = [_version_row(change, seen) for change in changes.values()]
    booked = [
        (seqs[fact.flow_id], name, change.version)
        for name, change in changes.items()
        for fact in change.facts
    ]
    if rows:
        await tx.execute_many(_ADD_VERSION, rows)
    if booked:
        await tx.execute_many("INSERT INTO flow_fact VALUES (?, ?, ?)", booked)


def _version_row(change: FlowChange, seen: datetime) -> Sequence[Value]:
    row = change.row
    return (
        row.transaction_id, change.version, row.status, row.type, row.type_doc_id, row.category,
        row.money.minor, row.money.currency, to_ms(row.booked_at), row.symbol, row.reference,
        row.description, to_ms(seen),
    )  # fmt: skip
