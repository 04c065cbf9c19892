"""Dividends as the owner sees them: what was told, what arrived and what became of the money.

A read model over both files: amounts in EUR are at the rate of the payment day, which is in the
file of rates, and missing when none is known. Read by the web only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from ledger.currency import BASE
from ledger.dividend import DividendRecord, PotState
from ledger.errors import Conflict
from ledger.money import Money, Quantity, Rounding, divide
from ledger.rate import RateTable
from store.codec import from_ms, maybe_instant, maybe_money, to_json
from store.dividends import state_of
from store.engine import Engine, Row, Tx
from store.market import RATE_REACH, MarketStore

# The oldest day of which a rate is asked.
FIRST_DAY = date.min + RATE_REACH

# The cash flow of a dividend is its transaction as it stands now.
_RECORDS = """
SELECT p.*, s.isin AS listed_isin, f.market_ms AS told_ms,
    a.gross_minor, a.gross_currency, a.tax_minor, a.tax_currency,
    coalesce(date(p.paid_ms / 1000, 'unixepoch'), p.noted_day, a.pay_date, a.ex_date) AS day,
    (SELECT max(v.version_id) FROM flow_version v WHERE v.transaction_id = coalesce(
        p.transaction_id,
        (SELECT w.transaction_id FROM cash_flow c JOIN flow_fact w ON w.fact_seq = c.fact_seq
         WHERE c.reference = p.action_id AND c.category = 'dividend'
         ORDER BY c.flow_id LIMIT 1))) AS cash_flow_id
FROM pot p LEFT JOIN corporate_action a ON a.fact_seq = p.fact_seq
    LEFT JOIN fact f ON f.seq = p.fact_seq
    LEFT JOIN security s ON s.symbol = p.symbol
"""
_PURCHASES = """
SELECT a.dividend_id, a.reinvested_minor, i.filled_micro,
    (SELECT sum(b.reinvested_minor) FROM drip_allocation b WHERE b.intent_id = a.intent_id)
        AS spent_minor,
    (SELECT max(f.executed_ms) FROM fill f WHERE f.intent_id = a.intent_id) AS last_ms
FROM drip_allocation a JOIN intent i USING (intent_id)
WHERE a.reinvested_minor > 0 AND a.dividend_id IN (SELECT value FROM json_each(?))
"""
_LISTED = (
    "SELECT symbol FROM security WHERE isin = :name AND active = 1"
    " UNION SELECT symbol FROM symbol_name WHERE name = :name ORDER BY symbol"
)


@dataclass(frozen=True, slots=True)
class Purchases:
    """What DRIP bought with one dividend: its part of the shares, and when the last came."""

    quantity: Quantity
    last_at: datetime | None


class DividendRecords:
    def __init__(self, ledger: Engine, market: MarketStore) -> None:
        self._ledger = ledger
        self._market = market

    async def newest(self, limit: int) -> tuple[DividendRecord, ...]:
        """Newest payment first."""
        return await self._read("ORDER BY day DESC, p.dividend_id DESC LIMIT ?", limit)

    async def one(self, dividend_id: int) -> DividendRecord | None:
        found = await self._read("WHERE p.dividend_id = ?", dividend_id)
        return found[0] if found else None

    async def of(self, symbol: str) -> tuple[DividendRecord, ...]:
        """All dividends of one security, newest payment first.

        `symbol` may be an ISIN; Conflict `ambiguous` when several active listings have it.
        """
        listed = await self._ledger.read(lambda tx: tx.all(_LISTED, {"name": symbol}))
        if len(listed) > 1:
            names = ", ".join(row["symbol"] for row in listed)
            raise Conflict(f"{symbol} is listed as {names}", code="ambiguous")
        name = listed[0]["symbol"] if listed else symbol
        return await self._read("WHERE p.symbol = ? ORDER BY day DESC, p.dividend_id DESC", name)

    async def all(self) -> tuple[DividendRecord, ...]:
        """Every dividend, oldest payment first."""
        return await self._read("ORDER BY day, p.dividend_id")

    async def rates_on(self, day: date) -> RateTable:
        """The rates by which what was paid on `day` is valued."""
        return (await self._market.rates_on({day}))[day]

    async def _read(self, which: str, *params: int | str) -> tuple[DividendRecord, ...]:
        async def work(tx: Tx) -> tuple[list[Row], list[Row]]:
            rows = await tx.all(_RECORDS + which, params)
            ids = to_json([row["dividend_id"] for row in rows])
            return rows, await tx.all(_PURCHASES, (ids,))

        rows, bought = await self._ledger.read(work)
        foreign = {_day_of(row) for row in rows if _currency_of(row) not in {None, BASE}}
        rates = await self._market.rates_on({day for day in foreign if day >= FIRST_DAY})
        purchases = _purchases(bought)
        return tuple(
            _record(row, rates.get(_day_of(row), RateTable({})), purchases) for row in rows
        )


def _purchases(rows: Sequence[Row]) -> Mapping[int, Purchases]:
    """Shares by dividend: of every order the part that the dividend paid."""
    found: dict[int, Purchases] = {}
    for row in rows:
        part = divide(
            row["filled_micro"] * row["reinvested_minor"], row["spent_minor"], Rounding.FLOOR
        )
        before = found.get(row["dividend_id"], Purchases(Quantity(0), None))
        instants = [at for at in (before.last_at, maybe_instant(row["last_ms"])) if at is not None]
        found[row["dividend_id"]] = Purchases(
            before.quantity + Quantity(part), max(instants, default=None)
        )
    return found


def _day_of(row: Row) -> date:
    return date.fromisoformat(row["day"])


def _currency_of(row: Row) -> str | None:
    known: str | None = row["currency"] or row["noted_currency"] or row["gross_currency"]
    return known


def _amount_of(row: Row) -> Money | None:
    """Net once it is paid; before, what the owner or the broker announced."""
    if row["paid_ms"] is not None:
        return Money(row["net_minor"], row["currency"])
    noted = maybe_money(row, "noted_minor", "noted_currency")
    gross = maybe_money(row, "gross_minor", "gross_currency")
    tax = maybe_money(row, "tax_minor", "tax_currency")
    if noted is not None or gross is None or tax is None or tax.currency != gross.currency:
        return noted if noted is not None else gross
    return gross - tax


def _record(row: Row, rates: RateTable, purchases: Mapping[int, Purchases]) -> DividendRecord:
    amount, state = _amount_of(row), state_of(row)
    amount_eur = _eur(amount, rates, row)
    left = _left_of(row, amount, state)
    left_eur = _share(amount_eur, left, amount)
    drip = purchases.get(row["dividend_id"])
    owner_at = maybe_instant(row["marked_ms"])
    return DividendRecord(
        dividend_id=row["dividend_id"],
        symbol=row["symbol"],
        isin=row["isin"] or row["listed_isin"] or None,
        cash_flow_id=row["cash_flow_id"],
        amount=amount,
        amount_eur=amount_eur,
        payment_date=_day_of(row),
        state=state,
        reinvested=state is PotState.REINVESTED,
        reinvested_at=owner_at or (drip.last_at if drip else None),
        reinvested_quantity=_quantity_of(row, drip),
        reinvested_eur=_share(amount_eur, _used_of(row, amount), amount),
        left=left,
        left_eur=left_eur,
        residual=left if drip is not None and state is PotState.ACCUMULATING else None,
        pending_bonus=_bonus_of(row, left_eur, state),
        bonus_cleared=row["bonus_cleared_ms"] is not None,
        cleared_at=maybe_instant(row["bonus_cleared_ms"]),
        created_at=from_ms(row["noted_ms"] if row["noted_ms"] is not None else row["told_ms"]),
    )


def _eur(amount: Money | None, rates: RateTable, row: Row) -> Money | None:
    """At the rate of the payment day, else as the owner valued it."""
    known = None if amount is None else rates.to_eur(amount)
    if known is not None or row["noted_eur_minor"] is None:
        return known
    return Money(row["noted_eur_minor"], BASE)


def _left_of(row: Row, amount: Money | None, state: PotState) -> Money | None:
    """What waits for reinvestment; of a dividend on its way, all of it."""
    if amount is None or state is PotState.RECEIVED:
        return amount
    return Money(max(row["left_minor"], 0) + row["reserved_minor"], amount.currency)


def _used_of(row: Row, amount: Money | None) -> Money | None:
    """What became shares: by DRIP, and what the owner took out of the pot for it."""
    if amount is None:
        return None
    if row["marked_ms"] is None:
        return Money(row["reinvested_minor"], amount.currency)
    return Money(max(amount.minor - row["released_minor"], 0), amount.currency)


def _share(whole_eur: Money | None, part: Money | None, whole: Money | None) -> Money | None:
    """The value of a part in EUR, at the rate of the whole."""
    if part is not None and part.minor == 0:
        return Money.zero(BASE)
    if whole_eur is None or part is None or whole is None or whole.minor <= 0:
        return None
    return Money.half_even(whole_eur.amount * Decimal(part.minor) / whole.minor, BASE)


def _quantity_of(row: Row, drip: Purchases | None) -> Quantity | None:
    marked: int | None = row["marked_micro"]
    if marked is None:
        return None if drip is None else drip.quantity
    return Quantity(marked) + (Quantity(0) if drip is None else drip.quantity)


def _bonus_of(row: Row, left_eur: Money | None, state: PotState) -> Money | None:
    """What the owner set, else what waits in the pot; nothing once it is bought or cleared."""
    if state is PotState.REINVESTED or row["bonus_cleared_ms"] is not None:
        return Money.zero(BASE)
    if row["bonus_minor"] is not None:
        return Money(row["bonus_minor"], BASE)
    return Money.zero(BASE) if row["paid_ms"] is None else left_eur
