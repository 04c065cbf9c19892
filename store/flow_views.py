"""Cash flows as the web shows them: each transaction as it is now, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from ledger.cash_flow import FlowRow
from ledger.currency import BASE
from ledger.fact import FlowCategory
from ledger.money import Money
from ledger.rate import Rate, RateTable
from store.cash_flows import flow_row_of
from store.codec import from_ms, maybe_instant, to_ms
from store.engine import Engine, Row, Value
from store.market import MarketStore

# The newest version of every transaction, with the version it replaced.
_NOW = """
SELECT v.*, before.version_id AS supersedes,
    (SELECT first.seen_ms FROM flow_version first
     WHERE first.transaction_id = v.transaction_id AND first.version = 1) AS created_ms,
    CASE WHEN v.status = 'completed' THEN
        (SELECT min(done.seen_ms) FROM flow_version done
         WHERE done.transaction_id = v.transaction_id AND done.status = 'completed')
    END AS processed_ms
FROM flow_version v
LEFT JOIN flow_version before
    ON before.transaction_id = v.transaction_id AND before.version = v.version - 1
WHERE NOT EXISTS (
        SELECT 1 FROM flow_version later
        WHERE later.transaction_id = v.transaction_id AND later.version = v.version + 1)
    AND v.type = coalesce(:type, v.type) AND v.status = coalesce(:status, v.status)
    AND (:external = 0 OR v.category IN ('deposit', 'withdrawal'))
    AND v.booked_ms >= coalesce(:since_ms, v.booked_ms)
    AND v.booked_ms < coalesce(:until_ms, v.booked_ms + 1)
ORDER BY v.booked_ms / 86400000 DESC, v.version_id DESC LIMIT :limit
"""
_ALL = -1
_COMPLETED: Mapping[str, Value] = {
    "type": None,
    "status": "completed",
    "since_ms": None,
    "until_ms": None,
}
# The type of flows to which the broker gave none.
UNTYPED = "unknown"
_DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class CashFlowRow:
    """A transaction in its newest version.

    `rate` turns its currency into EUR as of its day; `in_eur` is None when none is known. The
    instants are market time: when the transaction was first seen, last changed, and booked.
    """

    id: int
    supersedes: int | None
    flow: FlowRow
    day: date
    created_at: datetime
    updated_at: datetime
    processed_at: datetime | None
    in_eur: Money | None
    rate: Rate | None


@dataclass(frozen=True, slots=True)
class Total:
    """Signed sum of `count` flows; `in_eur` is None when the rate of one of them is not known."""

    count: int
    in_eur: Money | None


@dataclass(frozen=True, slots=True)
class FlowSummary:
    """Completed flows only. `native` is signed minor units by currency and category.

    `unknown` names the currencies of flows without a rate of their day.
    """

    count: int
    by_type: Mapping[str, Total]
    by_category: Mapping[FlowCategory, Total]
    counts: Mapping[str, int]
    native: Mapping[str, Mapping[FlowCategory, int]]
    unknown: tuple[str, ...]


class FlowViews:
    def __init__(self, ledger: Engine, market: MarketStore) -> None:
        self._ledger = ledger
        self._market = market

    async def recent(
        self,
        limit: int | None,
        *,
        type_: str | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> tuple[CashFlowRow, ...]:
        """Newest day first, then the newest version; `first` and `last` days are included."""
        return await self._read(
            {
                "limit": _ALL if limit is None else limit,
                "type": type_,
                "status": None,
                "external": 0,
                "since_ms": None if first is None else _midnight_ms(first),
                "until_ms": None if last is None else _midnight_ms(last) + _DAY_MS,
            }
        )

    async def summary(self) -> FlowSummary:
        """What all completed flows add up to."""
        return summarise(await self._read({**_COMPLETED, "limit": _ALL, "external": 0}))

    async def external(self, limit: int) -> tuple[CashFlowRow, ...]:
        """Completed deposits and withdrawals, newest first."""
        return await self._read({**_COMPLETED, "limit": limit, "external": 1})

    async def _read(self, params: Mapping[str, Value]) -> tuple[CashFlowRow, ...]:
        rows = await self._ledger.read(lambda tx: tx.all(_NOW, params))
        foreign = {_day_of(row) for row in rows if row["currency"] != BASE}
        rates = await self._market.rates_on(foreign)
        return tuple(_flow_of(row, rates.get(_day_of(row), RateTable({}))) for row in rows)


def summarise(rows: Iterable[CashFlowRow]) -> FlowSummary:
    """The totals of completed flows."""
    by_type: dict[str, Total] = {}
    by_category: dict[FlowCategory, Total] = {}
    counts: dict[str, int] = {}
    native: dict[str, dict[FlowCategory, int]] = {}
    unknown: set[str] = set()
    for row in rows:
        flow, currency = row.flow, row.flow.money.currency
        named = flow.type or UNTYPED
        by_type[named] = _plus(by_type.get(named), row.in_eur)
        by_category[flow.category] = _plus(by_category.get(flow.category), row.in_eur)
        counts[currency] = counts.get(currency, 0) + 1
        sums = native.setdefault(currency, {})
        sums[flow.category] = sums.get(flow.category, 0) + flow.money.minor
        if row.in_eur is None:
            unknown.add(currency)
    count = sum(counts.values())
    return FlowSummary(count, by_type, by_category, counts, native, tuple(sorted(unknown)))


def _plus(total: Total | None, money: Money | None) -> Total:
    if total is None:
        return Total(1, money)
    if total.in_eur is None or money is None:
        return Total(total.count + 1, None)
    return Total(total.count + 1, total.in_eur + money)


def _midnight_ms(day: date) -> int:
    return to_ms(datetime.combine(day, time(), UTC))


def _day_of(row: Row) -> date:
    return from_ms(row["booked_ms"]).date()


def _flow_of(row: Row, rates: RateTable) -> CashFlowRow:
    flow = flow_row_of(row)
    return CashFlowRow(
        id=row["version_id"],
        supersedes=row["supersedes"],
        flow=flow,
        day=_day_of(row),
        created_at=from_ms(row["created_ms"]),
        updated_at=from_ms(row["seen_ms"]),
        processed_at=maybe_instant(row["processed_ms"]),
        in_eur=rates.to_eur(flow.money),
        rate=rates.rate(flow.money.currency, BASE),
    )
