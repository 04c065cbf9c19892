"""What the web shows of the past: read models over both files, on read-only connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ledger.currency import BASE
from ledger.decision import Decision
from ledger.emergency import EmergencySale
from ledger.fact import CORE, is_pair
from ledger.money import Money, Price, Quantity
from ledger.order import Mode, OrderState, Side
from ledger.plan import StoredPlan
from ledger.planner_config import PastConfig, StoredConfig
from ledger.planner_run import PlannerRun
from ledger.rate import RateTable
from ledger.run import Job, RunRecord
from ledger.score import PastScore
from store.codec import from_json, from_ms
from store.decisions import Decisions
from store.dividend_records import DividendRecords
from store.emergency import Emergencies
from store.engine import Engine, Row, Tx, Value, scalar
from store.flow_views import FlowViews
from store.market import MarketStore
from store.order_views import OrderViews
from store.plan_rows import load_plan
from store.planner_configs import PlannerConfigs
from store.planner_runs import recent_planner_runs
from store.quarantine import QuarantinedRow, quarantined
from store.runs import recent_runs
from store.scores import ScoreStore
from store.snapshots import Snapshot, days_since

_TRADES = """
SELECT f.*, coalesce(s.alias, f.symbol) AS name_now,
    coalesce(s.own_name, s.name) AS name, s.isin, i.bucket_id, i.mode, i.state, k.value AS source,
    (SELECT json_group_array(json_array(minor, currency)) FROM fill_fee e
     WHERE e.fact_seq = f.fact_seq) AS fees
FROM fill f LEFT JOIN security s ON s.symbol = f.symbol LEFT JOIN intent i USING (intent_id)
    LEFT JOIN meta k ON k.key = 'broker_kind'
WHERE (:symbol IS NULL OR f.symbol = :symbol OR s.isin = :symbol
        OR f.symbol = (SELECT symbol FROM symbol_name WHERE name = :symbol))
    AND f.side = coalesce(:side, f.side)
    AND (:mode IS NULL OR coalesce(i.mode, 'live') = :mode)
    AND (:state IS NULL OR coalesce(i.state, 'filled') = :state)
    AND (:source IS NULL OR k.value = :source)
    AND (:before_id IS NULL OR (f.executed_ms, f.fact_seq) <
        (SELECT executed_ms, fact_seq FROM fill WHERE fact_seq = :before_id))
ORDER BY f.executed_ms DESC, f.fact_seq DESC LIMIT :limit
"""

COUNTED = (
    "fact", "posting", "fill", "cash_flow", "dividend", "intent", "simulated_order", "order_event",
    "plan", "run", "snapshot", "security", "book_item", "flow_version", "deposit_allocation",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One execution. `value_eur` is None when no rate of its day is known; `source` is the kind of
    broker it came from, `state` what became of the whole order; `foreign` without one of ours.
    """

    id: int
    symbol: str
    name: str
    side: Side
    quantity: Quantity
    price: Price
    currency: str
    executed_at: datetime
    order_id: str
    isin: str | None
    value_eur: Money | None
    commission: tuple[Money, ...]
    bucket_id: str
    mode: Mode
    source: str
    state: OrderState
    foreign: bool


@dataclass(frozen=True, slots=True)
class TradeQuery:
    """Which executions, newest first. `symbol` may be an ISIN; `state` is that of the order, and
    `filled` for executions of no order of ours; `before_id` continues after that trade.
    """

    limit: int
    symbol: str | None = None
    side: Side | None = None
    mode: Mode | None = None
    state: OrderState | None = None
    source: str | None = None
    before_id: int | None = None


class Views(OrderViews):
    def __init__(self, ledger: Engine, market: Engine) -> None:
        super().__init__(ledger)
        self._market = MarketStore(market)
        self.flows = FlowViews(ledger, self._market)
        self.dividends = DividendRecords(ledger, self._market)
        self._configs = PlannerConfigs(ledger)
        self._decisions = Decisions(ledger)
        self._emergency = Emergencies(ledger)
        self._scores = ScoreStore(market)

    async def pending_sales(self) -> tuple[EmergencySale, ...]:
        """What repairs of negative cash recommend now, the oldest first."""
        return await self._emergency.pending_sales()

    async def decisions(self) -> tuple[Decision, ...]:
        """What waits for the owner's word."""
        return await self._decisions.open()

    async def planner_configs(self) -> tuple[StoredConfig, ...]:
        """By name."""
        return await self._configs.all()

    async def planner_config(self, config_id: str) -> StoredConfig:
        """Raises Missing."""
        return await self._configs.get(config_id)

    async def planner_config_history(self, config_id: str) -> tuple[PastConfig, ...]:
        """The versions that were replaced, newest first. Raises Missing."""
        return await self._configs.history(config_id)

    async def stored_plan(self, plan_id: str) -> StoredPlan:
        """A plan with what became of its steps, however old; raises Missing."""
        return await self._ledger.read(lambda tx: load_plan(tx, plan_id))

    async def planner_runs(self, limit: int, bucket_id: str = CORE) -> tuple[PlannerRun, ...]:
        """The last runs of the planner, newest first; without what they have found so far."""
        return await self._ledger.read(lambda tx: recent_planner_runs(tx, bucket_id, limit))

    async def trades(self, query: TradeQuery) -> tuple[TradeRow, ...]:
        """Executions, newest first."""
        params: dict[str, Value] = {
            "limit": query.limit,
            "symbol": query.symbol,
            "side": query.side,
            "mode": query.mode,
            "state": query.state,
            "source": query.source,
            "before_id": query.before_id,
        }
        rows = await self._ledger.read(lambda tx: tx.all(_TRADES, params))
        rates = await self._market.rates_on({_day_of(row) for row in rows})
        return tuple(_trade_of(row, rates[_day_of(row)]) for row in rows)

    async def history(self, first: date) -> tuple[Snapshot, ...]:
        """The market days from `first` on and the one before it, oldest first."""
        return await self._ledger.read(lambda tx: days_since(tx, first))

    async def scores(self, security_id: int, limit: int) -> list[PastScore]:
        """The changes of one security's score, newest first."""
        return await self._scores.history(security_id, limit=limit)

    async def runs(self, limit: int, job: Job | None = None) -> tuple[RunRecord, ...]:
        """Newest first."""
        return await self._ledger.read(lambda tx: recent_runs(tx, limit, job))

    async def quarantine(self) -> tuple[QuarantinedRow, ...]:
        """Rows of the broker that wait because they cannot be booked, oldest first."""
        return await self._ledger.read(quarantined)

    async def counts(self) -> Mapping[str, int]:
        """Rows by table: full scans, not for every second."""

        async def work(tx: Tx) -> dict[str, int]:
            return {table: await scalar(tx, f"SELECT count(*) FROM {table}") for table in COUNTED}

        return await self._ledger.read(work)


def _day_of(row: Row) -> date:
    return from_ms(row["executed_ms"]).date()


def _trade_of(row: Row, rates: RateTable) -> TradeRow:
    return TradeRow(
        id=row["fact_seq"],
        symbol=row["name_now"],
        name=_name_of(row),
        side=row["side"],
        quantity=Quantity(row["quantity_micro"]),
        price=Price(row["price_micro"], row["price_currency"]),
        currency=row["gross_currency"],
        executed_at=from_ms(row["executed_ms"]),
        order_id=row["broker_order_id"],
        isin=row["isin"] or None,
        value_eur=_value_eur(row, rates),
        commission=_fees_of(row),
        bucket_id=row["bucket_id"] or CORE,
        mode=row["mode"] or "live",
        source=row["source"] or "",
        state=OrderState(row["state"] or OrderState.FILLED),
        foreign=row["intent_id"] is None,
    )


def _name_of(row: Row) -> str:
    """The security's name; for a pair, the currency given and the one received."""
    symbol: str = row["symbol"]
    if is_pair(symbol):
        base, quote = symbol.split("/")
        return f"{quote} → {base}" if row["side"] == "BUY" else f"{base} → {quote}"
    name: str | None = row["name"]
    return symbol if name is None else name


def _value_eur(row: Row, rates: RateTable) -> Money | None:
    symbol: str = row["symbol"]
    if symbol.startswith(f"{BASE}/"):
        return Money.half_even(Quantity(row["quantity_micro"]).units, BASE)
    return rates.to_eur(Money(row["gross_minor"], row["gross_currency"]))


def _fees_of(row: Row) -> tuple[Money, ...]:
    fees: Sequence[tuple[int, str]] = from_json(row["fees"], tuple[tuple[int, str], ...])
    return tuple(Money(minor, currency) for minor, currency in fees)
