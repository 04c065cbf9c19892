"""A tradable instrument: its identity, how it trades and what the owner allows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ledger.fact import CORE
from ledger.money import Price, Quantity

ProductType = Literal["EQUITY", "ETF", "BOND", "COMMODITY", "INDEX", "FX"]


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

    `instrument` shows what the owner says of it where the owner says something. `priority` (0.1 to
    3) multiplies what the owner thinks of it; `min_target` and `max_target` are fractions of the
    total value between which its target weight has to stay. `listed`: the broker lists it.
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

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def currency(self) -> str:
        return self.instrument.currency

    @property
    def tradable(self) -> bool:
        return self.active and self.instrument.lot is not None


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
