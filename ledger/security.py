"""A tradable instrument: its identity, how it trades and what the owner allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Final, Literal

from ledger.errors import Conflict, Missing
from ledger.fact import CORE
from ledger.money import Price, Quantity

ProductType = Literal[
    "EQUITY", "ETF", "ETC", "MUTUALFUND", "BOND", "COMMODITY", "INDEX", "FX", "UNKNOWN"
]
QuoteSource = Literal["owner", "derived"]
ListingState = Literal["ok", "stale", "delisted", "no_data"]

LEAST_PRIORITY, MOST_PRIORITY = Decimal("0.1"), Decimal("3.0")
# Fractions of the total value.
MOST_MIN_TARGET, MOST_MAX_TARGET = Decimal("0.20"), Decimal("0.30")


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the broker says about an instrument. `lot` None means not tradable."""

    symbol: str
    isin: str
    name: str
    currency: str
    mic: str
    country: str | None
    industry: str | None
    product_type: ProductType
    lot: Quantity | None
    tick: Price
    synthetic: bool = False


@dataclass(frozen=True, slots=True)
class Security:
    """An instrument in the universe. `security_id` is internal and never changes.

    Nor does its symbol: the books know the security under it for ever. `alias` is what it is called
    now when that is something else. `instrument` shows what the owner says of it where the owner
    says something. `priority` (0.1 to 3) multiplies what is thought of it; `min_target` and
    `max_target` are fractions of the total value between which its target weight has to stay.
    `listed`: the broker lists it.
    """

    security_id: int
    instrument: Instrument
    allow_buy: bool
    allow_sell: bool
    active: bool
    confirmed: bool
    priority: Decimal = Decimal(1)
    min_target: Decimal | None = None
    max_target: Decimal | None = None
    quote_symbol: str | None = None
    bucket_id: str = CORE
    listed: bool = True
    quote_source: QuoteSource | None = None
    exchange_name: str | None = None
    alias: str | None = None
    # What the broker calls it, when that is not its symbol.
    broker_symbol: str | None = None
    # Every name besides its symbol that it has or had.
    names: frozenset[str] = frozenset()
    unlisted_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def name_now(self) -> str:
        """The symbol people know it by."""
        return self.alias or self.symbol

    @property
    def currency(self) -> str:
        return self.instrument.currency

    @property
    def live(self) -> bool:
        """Neither taken out by the owner nor dropped by the broker."""
        return self.active and self.listed

    @property
    def tradable(self) -> bool:
        return self.live and self.instrument.lot is not None

    @property
    def needs_classification(self) -> bool:
        """Nobody knows what kind of thing it is; until then it is not active."""
        return self.instrument.product_type == "UNKNOWN"

    def is_named(self, name: str) -> bool:
        """Whether `name` is its symbol, its ISIN, or a name it has or had."""
        if name in {self.symbol, self.alias} or name in self.names:
            return True
        return name != "" and name == self.instrument.isin


def find_security(securities: Iterable[Security], name: str) -> Security:
    """The security that `name`, a symbol, another name or an ISIN, stands for.

    A symbol goes before another name and that before an ISIN; of several with one ISIN it is the
    one that is active. Raises Missing, and Conflict `ambiguous` when several active ones have it.
    """
    found = [security for security in securities if security.is_named(name)]
    named = [security for security in found if name != security.instrument.isin]
    if named:
        return min(named, key=lambda one: one.symbol != name)
    active = [security for security in found if security.active]
    if len(active) > 1:
        names = ", ".join(sorted(security.name_now for security in active))
        raise Conflict(f"{name} is listed as {names}: name one of them", code="ambiguous")
    if not found:
        raise Missing(f"there is no security {name!r}")
    return (active or found)[0]


@dataclass(frozen=True, slots=True)
class Listing:
    """How far the prices of a security reach, and what that says of it."""

    state: ListingState
    last_bar: date | None


class Keep(Enum):
    """The owner said nothing about it."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityPatch:
    """What the owner changes; KEEP leaves as it is, None takes back what the owner said before."""

    symbol: str | Keep | None = KEEP
    name: str | Keep | None = KEEP
    country: str | Keep | None = KEEP
    industry: str | Keep | None = KEEP
    product_type: ProductType | Keep | None = KEEP
    exchange_name: str | Keep | None = KEEP
    quote_symbol: str | Keep | None = KEEP
    lot: Quantity | Keep | None = KEEP
    priority: Decimal | Keep | None = KEEP
    min_target: Decimal | Keep | None = KEEP
    max_target: Decimal | Keep | None = KEEP
    bucket_id: str | Keep = KEEP
    active: bool | Keep = KEEP
    allow_buy: bool | Keep = KEEP
    allow_sell: bool | Keep = KEEP
    confirmed: bool | Keep = KEEP


@dataclass(frozen=True, slots=True)
class FxPair:
    """A currency pair of the FX market; BUY buys `base` and pays `quote`, quantity is in base.

    `min_quantity` None is one lot. A pair is `proven` when a conversion of ours was seen to move
    both balances the right way; until then only small ones are made on it.
    """

    symbol: str
    base: str
    quote: str
    lot: Quantity
    tick: Price
    min_quantity: Quantity | None = None
    proven: bool = True
