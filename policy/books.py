"""Books against broker: the same figures, or a named difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ledger.account import AccountSnapshot
from ledger.currency import exponent

# A cash difference above one unit of its currency blocks automatic trading.
BLOCKING_UNITS = 1


@dataclass(frozen=True, slots=True)
class Difference:
    """`books` and `broker` in minor units for cash, in millionths for a holding."""

    account: Literal["cash", "holding"]
    key: str
    books: int
    broker: int

    @property
    def blocking(self) -> bool:
        """Any difference of a holding; of cash only one that is more than rounding."""
        if self.account == "holding":
            return True
        limit: int = BLOCKING_UNITS * 10 ** exponent(self.key)
        return abs(self.books - self.broker) > limit


def compare(
    cash: Mapping[str, int], holdings: Mapping[str, int], account: AccountSnapshot
) -> tuple[Difference, ...]:
    """Every balance on which the books and the broker do not agree, in a fixed order."""
    at_broker = {key: balance.available.minor for key, balance in account.cash.items()}
    held = {key: holding.quantity.micro for key, holding in account.holdings.items()}
    found = [
        Difference("cash", key, cash.get(key, 0), at_broker.get(key, 0))
        for key in sorted(cash.keys() | at_broker.keys())
    ]
    found += [
        Difference("holding", key, holdings.get(key, 0), held.get(key, 0))
        for key in sorted(holdings.keys() | held.keys())
    ]
    return tuple(item for item in found if item.books != item.broker)
