"""The Broker port: what sync and trader may ask of any broker.

Every method is one attempt with the caller's deadline around it. Reads raise Unavailable or
MalformedAnswer; an empty answer means that there is nothing, never that something failed. What is
asked of one symbol raises BrokerNotFound when the broker does not list it. `place` raises
RejectedByBroker, Unavailable (certainly not executed) or OutcomeUnknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from ledger.account import AccountSnapshot
from ledger.bar import BarRead, Fundamental, ShareDividend, Split
from ledger.cash_flow import FlowRow
from ledger.fact import CorporateAction, Fill
from ledger.money import Money
from ledger.order import OrderDraft, OrderView
from ledger.quote import Quote
from ledger.rate import Rate, RateTable
from ledger.security import FxPair, Instrument

FOUND_MOST = 20
RATE_DAYS = 366


@dataclass(frozen=True, slots=True)
class FeeModel:
    """What one order costs: fixed + percent × value, charged in `currency`, at least `minimum`."""

    fixed: Money
    percent_micro: int
    minimum: Money

    @property
    def currency(self) -> str:
        return self.fixed.currency


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`tag` unique: an id may be placed once; echo: it only comes back on order rows."""

    kind: str
    account_ref: str
    paper: bool
    tag: Literal["unique", "echo"]
    fees: FeeModel
    fx_fees: FeeModel
    pairs: tuple[FxPair, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    broker_order_id: str


class Broker(Protocol):
    """One account at one broker."""

    @property
    def capabilities(self) -> Capabilities: ...

    async def probe(self) -> datetime:
        """The broker's own clock (market time); raises when the line or the keys are bad."""
        ...

    async def snapshot(self) -> AccountSnapshot:
        """Cash and holdings, read now."""
        ...

    async def instruments(self) -> Sequence[Instrument]:
        """Every instrument of this account's universe."""
        ...

    async def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Quotes by symbol, pairs included; a symbol without a quote is absent."""
        ...

    async def rates(self) -> RateTable:
        """Reference rates per EUR for the currencies of the universe."""
        ...

    async def rates_since(self, since: date | None) -> Sequence[Rate]:
        """Reference rates of the same currencies, from the first day with any on, `since` or later
        (None = of all days), over at most RATE_DAYS days: twenty years are too many to hold.

        By currency, oldest first. Whoever wants all of them asks again from the day after the
        newest that came, until none comes.
        """
        ...

    async def find(self, text: str) -> Sequence[Instrument]:
        """At most FOUND_MOST instruments whose symbol, ISIN or name has `text` in it, best first.

        Whoever is called exactly that comes first; nothing is found by an empty text.
        """
        ...

    async def bars(self, symbol: str, since: date | None) -> BarRead:
        """The daily bars of sessions that are over, from `since` on (None = all), oldest first."""
        ...

    async def splits(self, symbol: str) -> Sequence[Split]:
        """Every split that is in force, oldest first."""
        ...

    async def share_dividends(self, symbol: str) -> Sequence[ShareDividend]:
        """Every dividend whose ex-date has come, oldest first."""
        ...

    async def fundamentals(self, symbol: str) -> Sequence[Fundamental]:
        """Every reported figure that is known by now, oldest first."""
        ...

    async def fills_since(self, cursor: str | None) -> tuple[Sequence[Fill], str | None]:
        """Fills after `cursor` (None = all), with an overlap; and the next cursor."""
        ...

    async def cash_flows_since(self, cursor: str | None) -> tuple[Sequence[FlowRow], str | None]:
        """Cash flows of every status that came or changed after `cursor` (None = all).

        With an overlap; every transaction in the status it has now.
        """
        ...

    async def corporate_actions_since(
        self, cursor: str | None
    ) -> tuple[Sequence[CorporateAction], str | None]:
        """Effective splits and paid dividends after `cursor`, with an overlap."""
        ...

    async def open_orders(self) -> Sequence[OrderView]:
        """Every live order of the account, ours or not."""
        ...

    async def orders_since(self, since: datetime) -> Sequence[OrderView]:
        """Orders in any state created at or after the market instant `since`."""
        ...

    async def place(self, draft: OrderDraft) -> Accepted:
        """Submit once. Never repeat a call whose outcome is not known."""
        ...

    async def cancel(self, broker_order_id: str) -> None:
        """Ask for cancellation; the final state comes from the order's view."""
        ...

    async def close(self) -> None: ...
