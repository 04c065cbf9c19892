"""What every order is asked at the moment it leaves the daemon and when it reaches the exchange.

The questions are put to the two database files through connections of their own, so they see what
a crash at this very moment would leave behind, and they share no code with the gates. An answer
that must not be is kept as a sentence; a world with such a sentence has failed.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from ledger.order import OrderDraft
from ledger.quote import Quote
from policy.limits import Limits
from tests.sim.foreign import FIRST_TAG_OF_OURS, Look, moved_since, open_then
from tests.sim.market import PER_EUR, SmallMarket, calendars
from tests.sim.rules import Rules

MICRO = 1_000_000
RESERVE_EUR = Decimal(5)
FEE_FIXED_MINOR = 2_00
FEE_SHARE = Decimal("0.002")
# Of roundings against us: the limit's value, the fee and the reserve.
ROUNDING_MINOR = 3
# The largest that anybody sets here, and what whole lots may come to; in EUR.
MOST_BUFFER = Decimal("0.03")
CRUMBS_MINOR = 2_00
# When the rate of a day is known.
PUBLISHED = timedelta(hours=15)
# Month and day of holidays on which nobody publishes a rate.
NO_RATES = {(1, 1), (5, 1), (12, 25), (12, 26)}
# What a repair may leave of what its sales brought: a reserve, crumbs below a smallest conversion.
BROUGHT_MINOR = 30_00
_SOLD_BEFORE = """
SELECT i.currency, sum(f.gross_minor) FROM intent this
    JOIN intent i USING (order_class, source_id) JOIN fill f ON f.intent_id = i.intent_id
WHERE this.client_order_id = ? AND i.side = 'SELL' AND i.security_id IS NOT NULL
GROUP BY i.currency"""
_BOOKED = "SELECT key, sum(amount) FROM balance WHERE account = 'cash' GROUP BY key"
IN_FLIGHT = "'submitting', 'unknown', 'escalated', 'accepted', 'active', 'partially_filled'"
LIVE = "'pending', 'active', 'partially_filled'"


@dataclass(frozen=True, slots=True)
class Departure:
    """One call of `place`: `at` is the market instant, `at_s` machine seconds since the start."""

    tag: int
    at: datetime
    at_s: float


class Customs:
    def __init__(
        self,
        folder: Path,
        market: SmallMarket,
        now: Callable[[], datetime],
        *,
        limits: Limits,
        zone: ZoneInfo,
        off: Callable[[], timedelta],
    ) -> None:
        """`now` is the exchange's clock, `off` by how much the daemon's has been off for long."""
        self._folder = folder
        self._off = off
        self._market = market
        self._now = now
        self._ledger = _open(folder / "ledger.db")
        self._paper = _open(folder / "paper.db")
        self.violations: list[str] = []
        self.rules = Rules(self._ledger, self._paper, market, limits, zone)
        self.asked = self.rules.asked
        self._skew = limits.max_clock_skew
        self._most_rate_days = limits.max_trade_rate_days
        self._look = Look(0, 0, 0)
        # How often orders of others were there to be minded.
        self.saw = Counter[str]()

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self._market.data.securities)

    def close(self) -> None:
        self._ledger.close()
        self._paper.close()

    def _say(self, draft: OrderDraft, text: str) -> None:
        self.violations.append(f"order {draft.client_order_id} {draft.side} {draft.symbol}: {text}")

    def newest_fact(self) -> int:
        return int(self._ledger.execute("SELECT coalesce(max(seq), 0) FROM fact").fetchone()[0])

    def leaving(
        self, draft: OrderDraft, *, unread: Sequence[str], look: Look, quote: Quote | None
    ) -> None:
        """O4, O5, O10, O13, C10, M1, M2, M7, S4: asked of what is durable when `place` is called.

        No other order is on its way, so `look` is that of the next one to arrive, too.
        """
        self._look = look
        self._check_others(draft)
        self._check_rates(draft)
        self.asked["M1"] += 1
        if unread:
            self._say(draft, f"O4: sent without an answer to {', '.join(unread)}")
        if abs(self._off()) > self._skew:
            self._say(draft, f"M7: sent while the clock was off by {self._off()}")
        rows = self._ledger.execute(
            "SELECT * FROM intent WHERE client_order_id = ?", (draft.client_order_id,)
        ).fetchall()
        if len(rows) != 1:
            self._say(draft, f"O5: {len(rows)} durable intents carry its tag")
            return
        intent = rows[0]
        self._check_quote(draft, quote, intent["decision_micro"])
        sent = (draft.symbol, draft.side, draft.quantity.micro, draft.limit.micro)
        columns = ("symbol", "side", "quantity_micro", "limit_micro")
        if sent != tuple(intent[name] for name in columns):
            self._say(draft, "O5: it differs from its durable intent")
        if intent["state"] != "submitting":
            self._say(draft, f"O5: its intent is {intent['state']}, not submitting")
        if self._ledger_value(f"SELECT count(*) FROM intent WHERE state IN ({IN_FLIGHT})") != 1:
            self._say(draft, "O10: another order is in flight")
        latch = self._ledger_value("SELECT min(name) FROM latch")
        if latch is not None or (self._folder / "HALT").exists():
            self._say(draft, f"S4: sent while halted by {latch or 'the file'}")
        if self._ledger_value("SELECT value FROM setting WHERE key = 'trading_mode'") != "live":
            self._say(draft, "O13: sent although the mode is not live")
        mic = self._mic(draft.symbol)
        if mic is None:
            self._say(draft, "O11: the exchange does not list it")
        elif not calendars().is_open(mic, self._now()):
            self._say(draft, "M1: sent to a closed market")

    def _check_rates(self, draft: OrderDraft) -> None:
        """C10: every currency of the order has a rate that is young enough to trade with."""
        today = self._now().date()
        known = (self._now() - PUBLISHED).date()
        for currency in {draft.limit.currency, *draft.symbol.split("/")} & set(PER_EUR):
            self.asked["C10"] += 1
            rate = self._market.data.rate_at(currency, known)
            published = None if rate is None else rate.day
            if published is None or _working_days(published, today) > self._most_rate_days:
                self._say(draft, f"C10: the newest rate of {currency} is of {published}")

    def _check_quote(self, draft: OrderDraft, quote: Quote | None, decided_micro: int) -> None:
        """M2: the price it was decided on has hardly moved, by a quote that is young now."""
        if quote is None:
            self._say(draft, "M2: sent without a quote")
            return
        limits = self.rules.limits
        most = limits.max_fx_quote_age if "/" in draft.symbol else limits.max_quote_age
        if self._now() - quote.at > most + self._skew:
            self._say(draft, f"M2: its quote is of {quote.at}")
        moved = abs(Decimal(quote.last.micro - decided_micro)) / decided_micro
        if moved > limits.max_drift:
            self._say(draft, f"M2: the price moved {moved:.2%} since it was decided on")

    def _check_others(self, draft: OrderDraft) -> None:
        """C1 and C2 would be a matter of luck beside an order that others have on the symbol."""
        for other in open_then(self._paper, self._look):
            self.saw["beside a foreign order"] += 1
            pair = set(other.symbol.split("/")) if "/" in other.symbol else set[str]()
            touched = set(draft.symbol.split("/")) if "/" in draft.symbol else set[str]()
            if other.symbol == draft.symbol or pair & touched:
                self._say(draft, f"O10: sent beside a foreign order on {other.symbol}")

    def arriving(self, draft: OrderDraft, quotes: Mapping[str, Quote]) -> None:
        """O1, O10, C1, C2, C4, C6: asked of the exchange's books when the order reaches it."""
        for text in self.rules.broken(draft, self._now(), quotes, known=self._look.newest_fact):
            self._say(draft, text)
        known = "SELECT count(*) FROM orders WHERE client_order_id = ?"
        if self._paper.execute(known, (draft.client_order_id,)).fetchone()[0]:
            self._say(draft, "O1: the exchange has had this order before")
        live = self._paper_value(
            f"SELECT count(*) FROM orders WHERE state IN ({LIVE})"
            f" AND client_order_id >= {FIRST_TAG_OF_OURS}"
        )
        if live:
            self._say(draft, f"O10: {live} live orders at the exchange")
        if draft.side == "SELL" and "/" not in draft.symbol:
            self.asked["C1"] += 1
            self._check_units(draft)
        else:
            self.asked["C4" if "/" in draft.symbol else "C2"] += 1
            self._check_money(draft)
        if self._order_class(draft) == "emergency":
            self._check_emergency(draft)

    def _check_units(self, draft: OrderDraft) -> None:
        held = self._paper.execute(
            "SELECT quantity_micro FROM stakes WHERE symbol = ?", (draft.symbol,)
        ).fetchone()
        micro = (held[0] if held else 0) - moved_since(self._paper, self._look.cash_ms)[
            draft.symbol
        ]
        if micro < draft.quantity.micro:
            self._say(draft, "C1: sells more than is held")

    def _check_money(self, draft: OrderDraft) -> None:
        """Every currency the order can take from keeps its reserve at the limit price."""
        for currency, minor in self._costs(draft).items():
            left = self._cash().get(currency, 0) - minor
            keep = int(RESERVE_EUR * self._least_rate(currency) * 100)
            if left < keep - ROUNDING_MINOR:
                name = "C4" if "/" in draft.symbol else "C2"
                self._say(draft, f"{name}: leaves {left} of {currency}, reserve {keep}")

    def _costs(self, draft: OrderDraft) -> Mapping[str, int]:
        units = Decimal(draft.quantity.micro) / MICRO
        gross = int(units * Decimal(draft.limit.micro) / MICRO * 100)
        if "/" in draft.symbol:
            base, quote = draft.symbol.split("/")
            return {quote: gross} if draft.side == "BUY" else {base: int(units * 100)}
        currency = draft.limit.currency
        fee = FEE_FIXED_MINOR + int(FEE_SHARE * gross / self._per_eur(currency))
        costs = {currency: gross}
        costs["EUR"] = costs.get("EUR", 0) + fee
        return costs

    def _check_emergency(self, draft: OrderDraft) -> None:
        """C6, C7 and C5: only for cash that is negative now, and not more than it takes."""
        self.asked["C6"] += 1
        if "/" not in draft.symbol:
            self._check_sale(draft)
            return
        self.asked["C5"] += 1
        negative = {currency for currency, minor in self._cash().items() if minor < 0}
        pair = set(draft.symbol.split("/"))
        target = draft.symbol.split("/")[0 if draft.side == "BUY" else 1]
        if not negative:
            self._say(draft, "C6: an emergency order although no balance is negative")
        elif target not in negative and "EUR" not in pair:
            self._say(draft, "C4: a repair that does not lead to the negative balance")
        else:
            self._check_size(draft, target)

    def _check_size(self, draft: OrderDraft, target: str) -> None:
        """C5: it brings what is short, the buffer and 3 %; what is short by exchange or books.

        Money on its way to another currency passes through EUR.
        """
        books = dict(self._ledger.execute(_BOOKED).fetchall())
        cash = {name: min(minor, books.get(name, 0)) for name, minor in self._cash().items()}
        short = {
            name: (Decimal(-minor) + RESERVE_EUR * self._per_eur(name) * 100) / self._per_eur(name)
            for name, minor in cash.items()
            if minor < 0 and target in {name, "EUR"}
        }
        units = Decimal(draft.quantity.micro) / MICRO
        if draft.side == "SELL":
            units *= Decimal(self.rules.quotes[draft.symbol].last.micro) / MICRO
        brings = units * 100 / self._per_eur(target)
        most = sum(short.values()) * (1 + MOST_BUFFER) * Decimal("1.03") + CRUMBS_MINOR
        if brings > most:
            self._say(draft, f"C5: it brings {brings:.0f}, most would be {most:.0f}")

    def _check_sale(self, draft: OrderDraft) -> None:
        """The exchange knows what was sold before: one sale too many is beyond the need."""
        need = sum(
            (Decimal(-minor) + RESERVE_EUR * self._per_eur(currency) * 100)
            / self._per_eur(currency)
            for currency, minor in self._cash().items()
            if minor < 0
        )
        if not need:
            self._say(draft, "C6: it sells although no balance is negative")
            return
        lot = self._market.data.securities[draft.symbol].min_lot
        rate = self._per_eur(draft.limit.currency)
        price = Decimal(draft.limit.micro) / MICRO * 100 / rate
        value = Decimal(draft.quantity.micro) / MICRO * price
        # The limit lies below the bid by up to the wide band, the fee comes on top.
        most = need * Decimal("1.10") * Decimal("1.02") + lot * price + 500
        if value > most:
            self._say(draft, f"C6: it sells {value:.0f} for a need of {need:.0f} and a lot")
        waiting = self._brought(draft)
        self.asked["C7"] += 1
        if value + waiting > most + BROUGHT_MINOR:
            self._say(
                draft, f"C7: sold for {waiting:.0f} already, {value:.0f} more, need {need:.0f}"
            )

    def _brought(self, draft: OrderDraft) -> Decimal:
        """EUR of what earlier sales of the same repair brought and is still to be exchanged."""
        cash = self._cash()
        return sum(
            (Decimal(min(minor, max(cash.get(name, 0), 0))) / self._per_eur(name))
            for name, minor in self._ledger.execute(_SOLD_BEFORE, (draft.client_order_id,))
        ) + Decimal(0)

    def _order_class(self, draft: OrderDraft) -> str:
        found = self._ledger.execute(
            "SELECT order_class FROM intent WHERE client_order_id = ?", (draft.client_order_id,)
        ).fetchone()
        return "" if found is None else str(found[0])

    def _cash(self) -> dict[str, int]:
        """What foreign orders had neither taken nor were promised when the account was read."""
        cash = dict(self._paper.execute("SELECT currency, minor FROM cash").fetchall())
        moved = moved_since(self._paper, self._look.cash_ms)
        cash = {currency: minor - moved[currency] for currency, minor in cash.items()}
        for order in open_then(self._paper, self._look):
            currency, minor = order.takes
            cash[currency] = cash.get(currency, 0) - minor
        return cash

    def _per_eur(self, currency: str) -> Decimal:
        rate = self._market.data.rate_at(currency, self._now().date())
        return Decimal(1) if rate is None else rate.per_eur

    def _least_rate(self, currency: str) -> Decimal:
        """The lowest of the rates that may have been the newest when it was decided."""
        today = self._now().date()
        known = [
            self._market.data.rate_at(currency, today - timedelta(days=age)) for age in range(5)
        ]
        return min((rate.per_eur for rate in known if rate is not None), default=Decimal(1))

    def _mic(self, symbol: str) -> str | None:
        if "/" in symbol:
            return "FX"
        security = self._market.data.securities.get(symbol)
        return None if security is None else security.exchange

    def _ledger_value(self, sql: str) -> object:
        row = self._ledger.execute(sql).fetchone()
        return None if row is None else row[0]

    def _paper_value(self, sql: str) -> int:
        return int(self._paper.execute(sql).fetchone()[0])


def _working_days(since: date, until: date) -> int:
    """Days after `since` up to `until` on which rates are published; Easter is never counted."""
    days = (since + timedelta(days=n + 1) for n in range((until - since).days))
    working = [day for day in days if day.weekday() < 5 and (day.month, day.day) not in NO_RATES]
    return len(working) - (2 if any(day.month in (3, 4) for day in working) else 0)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection
