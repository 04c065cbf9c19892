"""Whether a conversion of ours proved that its pair moves the money the way it says.

On a real account the first conversions on a pair are small. Sync asks here after it compared the
books with the account; a pair that is proven once stays proven.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.fact import Fill
from ledger.money import Money, Quantity
from ledger.order import Side
from ledger.portfolio import BookDifference
from ledger.security import FxPair

# A wrong direction shows up twice: with one unit moved it is two units off, which no rounding is.
LEAST_MOVED = 1


def proves(fill: Fill, asked: Side, pair: FxPair, differences: Iterable[BookDifference]) -> bool:
    """Whether `fill`, of an order of ours that asked for `asked`, moved both balances that way.

    Whether it is ours was told by its order: not every broker shows our tag on an execution.
    `differences` are what stood between books and broker after the fill was booked. With the fill
    in the books, agreement in both currencies means that the broker moved them by it.
    """
    if (fill.symbol, fill.side) != (pair.symbol, asked):
        return False
    if fill.gross.currency != pair.quote or fill.gross < Money.of(LEAST_MOVED, pair.quote):
        return False
    touched = {pair.base, pair.quote}
    agreed = not any(item.account == "cash" and item.key in touched for item in differences)
    return agreed and fill.quantity >= Quantity.of(LEAST_MOVED)
