"""The rules of trading, asked again of every order at the exchange's door by other code.

Everything is computed from the exchange's own file, with the exchange's own clock: what it has
executed, what it holds and what it quotes. The daemon's ledger is asked only what an order is for.
`asked` counts how often each rule was put to an order.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from ledger.order import OrderDraft
from ledger.quote import Quote
from policy.limits import Limits
from tests.sim.foreign import FIRST_TAG_OF_OURS
from tests.sim.market import SmallMarket

MICRO = 1_000_000
# What valuation at another instant than the daemon's may differ by.
# What the owner moved, by the exchange's own count: the daemon may learn of it late.
_MOVED = "SELECT number, minor, currency FROM flows WHERE category IN ('deposit', 'withdrawal')"
BREAKER_SLACK = Decimal("0.005")


@dataclass(slots=True)
class Rules:
    ledger: sqlite3.Connection
    paper: sqlite3.Connection
    market: SmallMarket
    limits: Limits
    zone: ZoneInfo
    quotes: Mapping[str, Quote] = field(default_factory=dict[str, Quote])
    asked: Counter[str] = field(default_factory=Counter[str])
    # The newest fact that an order could be decided on.
    _known: int = 0

    def broken(
        self, draft: OrderDraft, now: datetime, quotes: Mapping[str, Quote], *, known: int
    ) -> Iterator[str]:
        """What this order, arriving now at these quotes, breaks; one sentence per rule.

        Foreign executions count when they were among the facts up to `known`.
        """
        self.quotes, self._known = quotes, known
        row = self.ledger.execute(
            "SELECT order_class, force, asked_limit_micro FROM intent WHERE client_order_id = ?",
            (draft.client_order_id,),
        ).fetchone()
        if row is None:
            return
        kind, forced = str(row[0]), frozenset(json.loads(row[1]))
        yield from self._quantity(draft)
        yield from self._price(draft, own=row[2] is not None)
        if "/" in draft.symbol or kind == "emergency":
            return
        yield from self._windows(draft, kind, forced, now)
        if "G1" not in forced:
            yield from self._pace(draft, now)
        yield from self._breaker(draft, now)

    def _quantity(self, draft: OrderDraft) -> Iterator[str]:
        self.asked["C8"] += 1
        if "/" in draft.symbol:
            if draft.symbol not in self.quotes:
                yield "O11: there is no such pair"
            return
        security = self.market.data.securities.get(draft.symbol)
        if security is None:
            yield "O11: the exchange does not list it"
            return
        if draft.limit.currency != security.currency:
            yield f"O11: its limit is in {draft.limit.currency}"
        if draft.quantity.micro <= 0 or draft.quantity.micro % (security.min_lot * MICRO):
            yield f"C8: {draft.quantity} is no multiple of the lot {security.min_lot}"

    def _price(self, draft: OrderDraft, *, own: bool) -> Iterator[str]:
        self.asked["M2"] += 1
        quote = self.quotes.get(draft.symbol)
        if quote is None:
            yield "M2: there is no quote for it"
            return
        sign = 1 if draft.side == "BUY" else -1
        off = Decimal(sign * (draft.limit.micro - quote.last.micro)) / quote.last.micro
        # The owner may name a better price than the market's, nobody a worse one.
        if off > self.limits.quarantine_drift or (-off > self.limits.quarantine_drift and not own):
            yield f"M2: its limit is {off:.2%} from the last price"

    def _windows(
        self, draft: OrderDraft, kind: str, forced: frozenset[str], now: datetime
    ) -> Iterator[str]:
        """M4: cool-offs and holds, from executions; those of dividends start no window."""
        self.asked["M4"] += 1
        limits = self.limits
        bought = self._last(draft.symbol, "BUY", but="drip")
        sold = self._last(draft.symbol, "SELL")
        spans = {
            "L2": (draft.side == "BUY", bought, limits.buy_cooldown),
            "L4": (draft.side == "SELL", bought, limits.min_hold),
            "G7": (draft.side == "SELL", sold, limits.sell_cooldown),
        }
        for gate, (applies, last, span) in spans.items():
            if applies and gate not in forced and last is not None and now - last < span:
                yield f"M4: {gate}, {kind}, the last was {now - last} ago, at least {span}"

    def _last(self, symbol: str, side: str, *, but: str = "") -> datetime | None:
        instants = [
            at
            for at, name, done, number in self._executions()
            if name == symbol and done == side and not (but and self._class(number) == but)
        ]
        return max(instants, default=None)

    def _executions(self) -> Iterator[tuple[datetime, str, str, int]]:
        sql = "SELECT executed_ms, symbol, side, client_order_id, number FROM fills ORDER BY number"
        for ms, symbol, side, number, fill in self.paper.execute(sql):
            if number < FIRST_TAG_OF_OURS and not self._is_booked(fill):
                continue
            yield datetime.fromtimestamp(ms / 1000, self.zone), symbol, side, number

    def _is_booked(self, number: int) -> bool:
        found = self.ledger.execute(
            "SELECT 1 FROM fill WHERE fill_id = ? AND fact_seq <= ?",
            (f"F{number:09d}", self._known),
        )
        return found.fetchone() is not None

    def _class(self, client_order_id: int) -> str:
        row = self.ledger.execute(
            "SELECT order_class FROM intent WHERE client_order_id = ?", (client_order_id,)
        ).fetchone()
        return "" if row is None else str(row[0])

    def _pace(self, draft: OrderDraft, now: datetime) -> Iterator[str]:
        """M5, M7: orders that executed something, whatever asked for them, by exchange time."""
        limits = self.limits
        if not limits.trade_frequency_limits:
            return
        self.asked["M5"] += 1
        last: dict[int, datetime] = {}
        for at, symbol, _, number in self._executions():
            if "/" not in symbol and number != draft.client_order_id:
                last[number] = at
        today = now.astimezone(self.zone).date()
        in_day = sum(at.date() == today for at in last.values())
        in_week = sum(now - at < timedelta(days=7) for at in last.values())
        newest = max(last.values(), default=None)
        if newest is not None and now - newest < limits.min_time_between_trades:
            yield f"M7: a trade was {now - newest} ago"
        if in_day >= limits.max_trades_per_day:
            yield f"M5: {in_day} trades today"
        if in_week >= limits.max_trades_per_week:
            yield f"M5: {in_week} trades within a week"

    def _breaker(self, draft: OrderDraft, now: datetime) -> Iterator[str]:
        """M6: equity by the exchange's books against the last known one of an earlier day."""
        base = self.ledger.execute(
            "SELECT total_minor, ledger_seq FROM snapshot WHERE day < ? AND total_minor IS NOT NULL"
            " AND ledger_seq IS NOT NULL ORDER BY day DESC LIMIT 1",
            (now.date().isoformat(),),
        ).fetchone()
        equity = self._equity(now)
        if base is None or equity is None or base[0] <= 0:
            return
        self.asked["M6"] += 1
        sql = "SELECT flow_id FROM cash_flow WHERE fact_seq <= ?"
        booked = {row[0] for row in self.ledger.execute(sql, (base[1],))}
        flows = sum(
            Decimal(minor) / self._per_eur(currency, now)
            for number, minor, currency in self.paper.execute(_MOVED)
            if f"C{number:09d}" not in booked
        )
        change = (equity - flows - base[0]) / base[0]
        if change <= -self.limits.daily_loss_full_halt - BREAKER_SLACK:
            yield f"M6: the day's loss is {change:.2%}"
        elif draft.side == "SELL" and change <= -self.limits.daily_loss_sell_halt - BREAKER_SLACK:
            yield f"M6: it sells after a day's loss of {change:.2%}"

    def _equity(self, now: datetime) -> Decimal | None:
        """In minor units of EUR; None while something held has no quote."""
        total = Decimal(0)
        for currency, minor in self.paper.execute("SELECT currency, minor FROM cash"):
            total += Decimal(minor) / self._per_eur(currency, now)
        for symbol, micro in self.paper.execute("SELECT symbol, quantity_micro FROM stakes"):
            quote = self.quotes.get(symbol)
            if quote is None:
                return None
            value = Decimal(micro) / MICRO * quote.last.micro / MICRO * 100
            total += value / self._per_eur(quote.last.currency, now)
        return total

    def _per_eur(self, currency: str, now: datetime) -> Decimal:
        rate = self.market.data.rate_at(currency, now.date())
        return Decimal(1) if rate is None else rate.per_eur
