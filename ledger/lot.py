"""Lots: which purchases a holding still consists of, and what every sale took from them.

Computed by policy from the journal, shown by the web; the journal itself knows no lots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ledger.currency import exponent
from ledger.money import Money, Price, Quantity, Rounding, divide

LotMethod = Literal["fifo", "average", "highest_cost", "chosen"]
LOT_METHODS: tuple[LotMethod, ...] = ("fifo", "average", "highest_cost", "chosen")

# Micro price × micro quantity counts units of 1e-12.
_PLACES = 12


@dataclass(frozen=True, slots=True)
class Pick:
    """A part of one lot that the owner wants a sale to have taken."""

    lot_key: str
    quantity: Quantity


# By the id of the selling fill.
Choices = Mapping[str, Sequence[Pick]]


@dataclass(frozen=True, slots=True)
class Lot:
    """What is left of one purchase. `key` names the fact that opened it.

    `cost` is for all of `quantity`, in the currency of the trade, with the fees charged in that
    currency; None when it is not known.
    """

    key: str
    opened_at: datetime
    quantity: Quantity
    cost: Money | None

    @property
    def unit_cost(self) -> Price | None:
        """Rounded to a millionth; None when not known, and for what cost nothing."""
        return unit_price(self.cost, self.quantity)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a sale took from one lot, with its share of the lot's cost."""

    key: str
    quantity: Quantity
    cost: Money | None


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale, or a correction that took shares away (`fill_id` and `proceeds` None).

    `proceeds` are net of the fees charged in the currency of the trade. `cost` and `gain` are
    None when a part of what was sold has no known cost in that currency.
    """

    key: str
    fill_id: str | None
    sold_at: datetime
    quantity: Quantity
    proceeds: Money | None
    taken: tuple[Taken, ...]
    cost: Money | None
    gain: Money | None


@dataclass(frozen=True, slots=True)
class LotBook:
    """The lots of one symbol under one method, oldest first, and its sales in order of time.

    `covered` is what sales took before it was known that it was held.
    """

    lots: tuple[Lot, ...]
    sales: tuple[Sale, ...]
    covered: tuple[Taken, ...] = ()

    @property
    def quantity(self) -> Quantity:
        return Quantity(sum(lot.quantity.micro for lot in self.lots))

    @property
    def average_cost(self) -> Price | None:
        """Per share over all lots; None when nothing is held or a cost is not known."""
        return unit_price(total(lot.cost for lot in self.lots), self.quantity)


@dataclass(frozen=True, slots=True)
class LotReport:
    """One symbol under every method; `trade_ids` gives the number of a fill among the trades."""

    symbol: str
    books: Mapping[LotMethod, LotBook]
    trade_ids: Mapping[str, int]
    choices: Choices


def total(parts: Iterable[Money | None]) -> Money | None:
    """The sum; None without a part, with an unknown part, or with parts in two currencies."""
    found: Money | None = None
    for part in parts:
        if part is None or (found is not None and found.currency != part.currency):
            return None
        found = part if found is None else found + part
    return found


def unit_price(cost: Money | None, quantity: Quantity) -> Price | None:
    """`cost` per share, rounded half to even; None when it is not a positive price."""
    if cost is None or cost.minor <= 0 or quantity.micro <= 0:
        return None
    scaled = cost.minor * 10 ** (_PLACES - exponent(cost.currency))
    micro = divide(scaled, quantity.micro, Rounding.HALF_EVEN)
    return Price(micro, cost.currency) if micro > 0 else None
