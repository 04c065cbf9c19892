"""The journal of facts and what follows from it: balances, fills, dividends. Written by sync."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.cash_flow import Divide, FlowRow, Share, all_to_core, completed_row
from ledger.fact import (
    Adjustment,
    CashFlow,
    Fact,
    Fill,
    source_key,
)
from ledger.halt import Latch
from ledger.order import Side
from store import readd
from store.cash_flows import FlowChange, divided, flow_changes, keep_versions
from store.codec import maybe_instant, to_json, to_ms
from store.engine import Engine, Row, Tx, Value, scalar
from store.fact_rows import TABLES, fact_of, insert_sql, rows_of
from store.pots import refresh_pots
from store.settings import put_latch
from store.settle import contradiction, link_new_fills, settle


@dataclass(frozen=True, slots=True)
class BucketBalances:
    """Cash in minor units by currency, holdings in millionths of a share by symbol."""

    cash: Mapping[str, int]
    holdings: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Balances:
    """What the books say after the fact `seq`; holdings of zero are left out."""

    seq: int
    cash: Mapping[str, int]
    holdings: Mapping[str, int]
    by_bucket: Mapping[str, BucketBalances]


@dataclass(frozen=True, slots=True)
class LastTrades:
    """Market instants of the last fills of one symbol; a reinvested dividend is no buy here."""

    bought_at: datetime | None
    sold_at: datetime | None


_COST_HISTORY = """
SELECT m.symbol, f.kind, f.payload
FROM fact f JOIN (
    SELECT fact_seq, symbol FROM fill
    UNION ALL SELECT fact_seq, symbol FROM opening WHERE symbol IS NOT NULL
    UNION ALL SELECT fact_seq, symbol FROM corporate_action WHERE kind = 'split'
    UNION ALL SELECT p.fact_seq, p.key FROM fact a JOIN posting p ON p.fact_seq = a.seq
        WHERE a.kind = 'adjustment' AND p.account = 'holding') m
    ON m.fact_seq = f.seq
WHERE m.symbol IN (SELECT value FROM json_each(?))
ORDER BY f.happened_ms,
    CASE f.kind WHEN 'opening' THEN 0 WHEN 'action' THEN 1 ELSE 2 END, f.source_key
"""

_LAST_TRADES = """
SELECT f.symbol,
    max(CASE WHEN f.side = 'BUY' AND i.order_class IS NOT 'drip' THEN f.executed_ms END) AS buy_ms,
    max(CASE WHEN f.side = 'SELL' THEN f.executed_ms END) AS sell_ms
FROM fill f LEFT JOIN intent i USING (intent_id)
WHERE instr(f.symbol, '/') = 0
GROUP BY f.symbol
"""


class Facts:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def record(
        self,
        news: Sequence[Fact | FlowRow],
        *,
        at: datetime,
        machine_at: datetime,
        cursor: tuple[str, str] | None = None,
        divide: Divide = all_to_core,
    ) -> tuple[Fact, ...]:
        """Write what is new and everything that follows from it, in one transaction.

        `at` is the market instant, `machine_at` the machine's. `cursor` is (stream, position) and
        moves in the same transaction. A cash flow is a row of the broker in any status; `divide`
        divides deposits between buckets. An adjustment closes the difference it settles. An
        execution of an order that was proved never to have been placed sets the latch `books`.
        Returns the facts that were not known before, in order.
        """

        async def work(tx: Tx) -> tuple[Fact, ...]:
            flows = await flow_changes(tx, _flow_rows(news))
            fresh = await _unknown(tx, news, flows)
            shares = await divided(tx, flows, divide)
            last = await _last_seq(tx)
            await _insert(tx, fresh, last + 1, at=at, machine_at=machine_at, shares=shares)
            await keep_versions(tx, flows, seqs=_flow_numbers(fresh, last + 1), seen=at)
            linked = sorted(await link_new_fills(tx, last))
            for intent_id in linked:
                await settle(tx, intent_id, at)
            reason = await contradiction(tx, linked)
            if reason is not None:
                await put_latch(tx, Latch("books", reason, machine_at), by="sync")
            await _close_items(tx, fresh, at)
            await refresh_pots(tx, last)
            if cursor is not None:
                await tx.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?)", cursor)
            return fresh

        return await self._engine.transaction(work)

    async def cursor(self, stream: str) -> str | None:
        row = await self._engine.read(
            lambda tx: tx.one("SELECT position FROM cursor WHERE stream = ?", (stream,))
        )
        return None if row is None else row["position"]

    async def last_seq(self) -> int:
        """The newest fact's number; 0 when the journal is empty."""
        return await self._engine.read(_last_seq)

    async def last_flow_version(self) -> int:
        """The newest version of a cash flow; 0 when there is none."""
        sql = "SELECT coalesce(max(version_id), 0) FROM flow_version"
        return await self._engine.read(lambda tx: scalar(tx, sql))

    async def has_opening(self) -> bool:
        row = await self._engine.read(lambda tx: tx.one("SELECT 1 FROM opening LIMIT 1"))
        return row is not None

    async def balances(self) -> Balances:
        async def work(tx: Tx) -> Balances:
            rows = await tx.all("SELECT * FROM balance ORDER BY bucket_id, account, key")
            return _balances(await _last_seq(tx), rows)

        return await self._engine.read(work)

    async def last_posting(self) -> int:
        """The newest posting's number; 0 when nothing was ever booked."""
        return await self._engine.read(readd.last_posting)

    async def readd(self) -> readd.Readded:
        """Every balance added up again from the postings, compared with the running one."""
        return await self._engine.read(readd.readd)

    async def rebuild_balances(self) -> None:
        """Make the running balances what the postings add up to."""
        await self._engine.transaction(readd.rebuild)

    async def cost_history(self, symbols: Sequence[str]) -> Mapping[str, tuple[Fact, ...]]:
        """By symbol, every fact that moved its holding, in order of market time."""
        rows = await self._engine.read(lambda tx: tx.all(_COST_HISTORY, (to_json(symbols),)))
        found: dict[str, list[Fact]] = {symbol: [] for symbol in symbols}
        for row in rows:
            found[row["symbol"]].append(fact_of(row["kind"], row["payload"]))
        return {symbol: tuple(events) for symbol, events in found.items()}

    async def unrecorded(self, fills: Iterable[Fill]) -> tuple[Fill, ...]:
        """Those of these executions that the journal does not hold yet."""
        by_key = {source_key(fill): fill for fill in fills}
        sql = "SELECT source_key FROM fact WHERE source_key IN (SELECT value FROM json_each(?))"
        rows = await self._engine.read(lambda tx: tx.all(sql, (to_json(list(by_key)),)))
        known = {row["source_key"] for row in rows}
        return tuple(fill for key, fill in by_key.items() if key not in known)

    async def foreign(self, fill_ids: Iterable[str]) -> frozenset[str]:
        """Those of these executions that belong to no order of ours, as far as we know."""
        sql = (
            "SELECT fill_id FROM fill WHERE intent_id IS NULL"
            " AND fill_id IN (SELECT value FROM json_each(?))"
        )
        rows = await self._engine.read(lambda tx: tx.all(sql, (to_json(list(fill_ids)),)))
        return frozenset(row["fill_id"] for row in rows)

    async def untagged_since(self, symbol: str, side: Side, at: datetime) -> bool:
        """Whether something of `symbol` was executed since `at` for nobody knows whose order."""
        sql = (
            "SELECT 1 FROM fill WHERE symbol = ? AND executed_ms >= ? AND side = ?"
            " AND intent_id IS NULL AND client_order_id IS NULL LIMIT 1"
        )
        params = (symbol, to_ms(at), side)
        return await self._engine.read(lambda tx: tx.one(sql, params)) is not None

    async def last_trades(self) -> Mapping[str, LastTrades]:
        """By symbol; pairs are left out."""
        rows = await self._engine.read(lambda tx: tx.all(_LAST_TRADES))
        return {
            row["symbol"]: LastTrades(maybe_instant(row["buy_ms"]), maybe_instant(row["sell_ms"]))
            for row in rows
        }


def _flow_rows(news: Sequence[Fact | FlowRow]) -> Iterator[FlowRow]:
    """The cash flows among `news` as rows; one that comes as a fact is completed."""
    for item in news:
        if isinstance(item, FlowRow):
            yield item
        elif isinstance(item, CashFlow):
            yield completed_row(item)


async def _unknown(
    tx: Tx, news: Sequence[Fact | FlowRow], flows: Mapping[str, FlowChange]
) -> tuple[Fact, ...]:
    """The facts that the journal does not hold yet, each once; `flows` are the changed ones."""
    by_key: dict[str, Fact] = {}
    for item in news:
        if isinstance(item, FlowRow | CashFlow):
            name = item.transaction_id if isinstance(item, FlowRow) else item.flow_id
            change = flows.get(name)
            by_key.update({source_key(fact): fact for fact in change.facts} if change else {})
        else:
            by_key.setdefault(source_key(item), item)
    known = await tx.all(
        "SELECT source_key FROM fact WHERE source_key IN (SELECT value FROM json_each(?))",
        (to_json(list(by_key)),),
    )
    fresh = by_key.keys() - {row["source_key"] for row in known}
    return tuple(fact for key, fact in by_key.items() if key in fresh)


async def _insert(
    tx: Tx,
    facts: Sequence[Fact],
    first_seq: int,
    *,
    at: datetime,
    machine_at: datetime,
    shares: Mapping[str, Sequence[Share]],
) -> None:
    tables: dict[str, list[Sequence[Value]]] = {table: [] for table in TABLES}
    for seq, fact in enumerate(facts, first_seq):
        parts = shares.get(fact.flow_id, ()) if isinstance(fact, CashFlow) else ()
        for table, row in rows_of(fact, seq, at=at, machine_at=machine_at, shares=parts):
            tables[table].append(row)
    for table, rows in tables.items():
        if rows:
            await tx.execute_many(insert_sql(table), rows)


def _flow_numbers(facts: Sequence[Fact], first_seq: int) -> dict[str, int]:
    return {
        fact.flow_id: seq for seq, fact in enumerate(facts, first_seq) if isinstance(fact, CashFlow)
    }


async def _last_seq(tx: Tx) -> int:
    return await scalar(tx, "SELECT coalesce(max(seq), 0) FROM fact")


async def _close_items(tx: Tx, facts: Sequence[Fact], at: datetime) -> None:
    """Close the differences that these adjustments settle."""
    settled = [fact for fact in facts if isinstance(fact, Adjustment)]
    await tx.execute_many(
        "UPDATE book_item SET resolved_ms = ?, how = ? WHERE item_id = ? AND resolved_ms IS NULL",
        [(to_ms(at), f"adjusted by {fact.by}", fact.item_id) for fact in settled],
    )


def _balances(seq: int, rows: Sequence[Row]) -> Balances:
    total: dict[str, defaultdict[str, int]] = {
        "cash": defaultdict(int),
        "holding": defaultdict(int),
    }
    buckets: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows:
        total[row["account"]][row["key"]] += row["amount"]
        if row["amount"]:
            bucket = buckets.setdefault(row["bucket_id"], {"cash": {}, "holding": {}})
            bucket[row["account"]][row["key"]] = row["amount"]
    return Balances(
        seq=seq,
        cash=dict(total["cash"]),
        holdings={symbol: micro for symbol, micro in total["holding"].items() if micro},
        by_bucket={
            name: BucketBalances(cash=bucket["cash"], holdings=bucket["holding"])
            for name, bucket in buckets.items()
        },
    )
