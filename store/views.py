"""What the web shows of the past: read models over both files, on read-only connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ledger.currency import BASE
from ledger.dividend import PotState
from ledger.fact import CORE, is_pair
from ledger.money import Money, Price, Quantity
from ledger.order import Intent, Mode, Side
from ledger.rate import RateTable
from ledger.run import Job, RunRecord
from store.codec import from_json, from_ms, maybe_instant, maybe_money
from store.dividends import pot_of
from store.engine import Engine, Row, Tx, Value, scalar
from store.market import MarketStore
from store.order_queries import intents
from store.runs import recent_runs
from store.snapshots import Snapshot, day_history

_TRADES = """
SELECT f.*, s.name, s.isin, i.bucket_id, i.mode,
    (SELECT value FROM meta WHERE key = 'broker_kind') AS source,
    (SELECT json_group_array(json_array(minor, currency)) FROM fill_fee e
     WHERE e.fact_seq = f.fact_seq) AS fees
FROM fill f LEFT JOIN security s ON s.symbol = f.symbol LEFT JOIN intent i USING (intent_id)
WHERE f.symbol = coalesce(:symbol, f.symbol) AND f.side = coalesce(:side, f.side)
    AND (:before_id IS NULL OR (f.executed_ms, f.fact_seq) <
        (SELECT executed_ms, fact_seq FROM fill WHERE fact_seq = :before_id))
ORDER BY f.executed_ms DESC, f.fact_seq DESC LIMIT :limit
"""

_DIVIDENDS = """
SELECT p.*, a.ex_date, a.pay_date, a.gross_minor, a.gross_currency, a.tax_minor, a.tax_currency
FROM pot p JOIN corporate_action a USING (fact_seq)
WHERE p.paid_ms IS NOT NULL
ORDER BY p.paid_ms DESC, p.dividend_id DESC LIMIT ?
"""

COUNTED = (
    "fact", "posting", "fill", "cash_flow", "dividend", "intent", "simulated_order", "order_event",
    "plan", "run", "snapshot", "security", "book_item",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One execution. `value_eur` is None when no rate of its day is known."""

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


@dataclass(frozen=True, slots=True)
class DividendRow:
    """A dividend that was paid, and where its net money is."""

    dividend_id: int
    action_id: str
    symbol: str
    ex_date: date
    pay_date: date | None
    paid_at: datetime
    gross: Money | None
    tax: Money | None
    net: Money
    left: Money
    reserved: Money
    reinvested: Money
    released: Money
    released_at: datetime | None
    state: PotState


class Views:
    def __init__(self, ledger: Engine, market: Engine) -> None:
        self._ledger = ledger
        self._market = MarketStore(market)

    async def trades(
        self,
        limit: int,
        symbol: str | None = None,
        side: Side | None = None,
        *,
        before_id: int | None = None,
    ) -> tuple[TradeRow, ...]:
        """Executions, newest first; `before_id` continues after the trade with that id."""
        params: dict[str, Value] = {
            "limit": limit,
            "symbol": symbol,
            "side": side,
            "before_id": before_id,
        }
        rows = await self._ledger.read(lambda tx: tx.all(_TRADES, params))
        rates = await self._market.rates_on({_day_of(row) for row in rows})
        return tuple(_trade_of(row, rates[_day_of(row)]) for row in rows)

    async def dividends(self, limit: int) -> tuple[DividendRow, ...]:
        """Paid dividends, newest first."""
        rows = await self._ledger.read(lambda tx: tx.all(_DIVIDENDS, (limit,)))
        return tuple(_dividend_of(row) for row in rows)

    async def history(self, limit: int) -> tuple[Snapshot, ...]:
        """The last `limit` market days, oldest first."""
        return await self._ledger.read(lambda tx: day_history(tx, limit))

    async def orders(self, limit: int) -> tuple[Intent, ...]:
        """Intents in every state, newest first."""
        return await self._ledger.read(
            lambda tx: intents(tx, "ORDER BY intent_id DESC LIMIT ?", (limit,))
        )

    async def runs(self, limit: int, job: Job | None = None) -> tuple[RunRecord, ...]:
        """Newest first."""
        return await self._ledger.read(lambda tx: recent_runs(tx, limit, job))

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
        symbol=row["symbol"],
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


def _dividend_of(row: Row) -> DividendRow:
    pot = pot_of(row)
    currency = pot.net.currency
    pay_date: str | None = row["pay_date"]
    return DividendRow(
        dividend_id=pot.dividend_id,
        action_id=pot.action_id,
        symbol=pot.symbol,
        ex_date=date.fromisoformat(row["ex_date"]),
        pay_date=None if pay_date is None else date.fromisoformat(pay_date),
        paid_at=pot.paid_at,
        gross=maybe_money(row, "gross_minor", "gross_currency"),
        tax=maybe_money(row, "tax_minor", "tax_currency"),
        net=pot.net,
        left=pot.left,
        reserved=Money(row["reserved_minor"], currency),
        reinvested=Money(row["reinvested_minor"], currency),
        released=Money(row["released_minor"], currency),
        released_at=maybe_instant(row["released_ms"]),
        state=pot.state,
    )
