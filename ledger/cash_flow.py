"""A cash flow as the broker shows it, status by status, and the facts that its versions become.

A broker shows the same transaction again with another status, amount or date. What it says is
kept version by version; the books hold exactly the versions that are completed now. Sync reads
the rows, the store turns changes into facts with `facts_between`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ledger.fact import CORE, CashFlow, FlowCategory
from ledger.money import Money

FlowStatus = Literal["pending", "processing", "completed", "cancelled", "rejected"]

# How far a transaction has come. One that was decided is never open again.
STAGE: Mapping[FlowStatus, int] = {
    "pending": 0,
    "processing": 1,
    "completed": 2,
    "cancelled": 3,
    "rejected": 3,
}
# The numbers under which brokers and clients of the interface know the statuses.
STATUS_CODES: Mapping[int, FlowStatus] = {
    1: "pending",
    2: "processing",
    3: "completed",
    4: "cancelled",
    5: "rejected",
}
# What the id of a correcting fact ends in; a broker's own id that looks like one gets one, too.
_CORRECTION = re.compile(r":v\d+(:back)?$")


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One transaction in one status. Money in is positive, money out negative.

    `type` is the broker's own word for it, `type_doc_id` its number where it has one.
    """

    transaction_id: str
    type: str
    category: FlowCategory
    status: FlowStatus
    money: Money
    booked_at: datetime
    symbol: str | None = None
    reference: str | None = None
    description: str = ""
    type_doc_id: int | None = None

    @property
    def completed(self) -> bool:
        return self.status == "completed"

    @property
    def decided(self) -> bool:
        """Whether the broker has the last word on it: completed, cancelled or rejected."""
        return STAGE[self.status] >= STAGE["completed"]

    def same_purpose(self, other: FlowRow) -> bool:
        """Whether both are one kind of money for one thing, so that amounts can be compared."""
        return (
            self.category == other.category
            and self.money.currency == other.money.currency
            and self.symbol == other.symbol
            and self.reference == other.reference
        )


def completed_row(flow: CashFlow) -> FlowRow:
    """The row that a flow comes from when nothing but its completion is known."""
    return FlowRow(
        transaction_id=flow.flow_id,
        type=flow.category,
        category=flow.category,
        status="completed",
        money=flow.money,
        booked_at=flow.booked_at,
        symbol=flow.symbol,
        reference=flow.reference,
        description=flow.description,
    )


def as_fact(row: FlowRow) -> CashFlow:
    """The fact that `row` would be if nothing else were known of its transaction."""
    return _fact(row, row.money, row.transaction_id)


def facts_between(
    before: FlowRow | None, after: FlowRow, *, version: int, booked_before: bool
) -> tuple[CashFlow, ...]:
    """What the books must still be told once version `version` says `after`.

    `before` is the version that stood until now, `booked_before` whether any earlier version was
    completed. The sum of all facts of a transaction is its completed version, or nothing.
    """
    name = after.transaction_id
    plain = not booked_before and not _CORRECTION.search(name)
    flow_id = name if plain else f"{name}:v{version}"
    old = before if before is not None and before.completed else None
    new = after if after.completed else None
    if old is not None and new is not None and old.same_purpose(new):
        change = new.money - old.money
        return (_fact(new, change, flow_id),) if change.minor else ()
    facts: list[CashFlow] = []
    if old is not None:
        facts.append(_fact(old, -old.money, f"{flow_id}:back"))
    if new is not None:
        facts.append(_fact(new, new.money, flow_id))
    return tuple(facts)


def _fact(row: FlowRow, money: Money, flow_id: str) -> CashFlow:
    return CashFlow(
        flow_id=flow_id,
        category=row.category,
        money=money,
        booked_at=row.booked_at,
        symbol=row.symbol,
        reference=row.reference,
        description=row.description,
    )


@dataclass(frozen=True, slots=True)
class Arrival:
    """Money of a deposit that is about to be booked, positive or, when corrected, negative.

    `balances` is the cash of every bucket in the deposit's currency, `given` what each bucket got
    of this deposit so far; both in minor units.
    """

    money: Money
    balances: Mapping[str, int]
    given: Mapping[str, int]


Share = tuple[str, int]
# Divides an arrival between buckets: (bucket id, minor units), which add up to its money.
Divide = Callable[[Arrival], tuple[Share, ...]]


def all_to_core(arrival: Arrival) -> tuple[Share, ...]:
    """The division of an account without other buckets."""
    return ((CORE, arrival.money.minor),)
