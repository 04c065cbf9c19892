"""Books against broker: the same figures, or a named difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from ledger.account import AccountSnapshot
from ledger.currency import exponent, is_known

# A cash difference above one unit of its currency blocks automatic trading.
BLOCKING_UNITS = 1
# What is settled without the owner in one currency over this many days of market time; many small
# differences are one large one.
SETTLED_UNITS = 5
SETTLED_SPAN = timedelta(days=30)
# How late, in market time, executions and their fees may be reported after their order moved.
SETTLES_AFTER = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Difference:
    """`books` and `broker` in minor units for cash, in millionths for a holding.

    An account of the kind `journal` is ours alone: a running balance, and what its postings add
    up to.
    """

    account: Literal["cash", "holding", "journal"]
    key: str
    books: int
    broker: int

    @property
    def blocking(self) -> bool:
        """Any difference, but one of cash that is no more than rounding."""
        if self.account != "cash" or not is_known(self.key):
            return True
        return abs(self.missing) > BLOCKING_UNITS * _unit(self.key)

    @property
    def missing(self) -> int:
        """What our books lack."""
        return self.broker - self.books


def settles_itself(difference: Difference, settled_minor: int) -> bool:
    """Whether it may be booked without the owner.

    `settled_minor` is the sum of what was booked that way in its currency over SETTLED_SPAN, each
    without its sign.
    """
    if difference.blocking:
        return False
    return settled_minor + abs(difference.missing) <= SETTLED_UNITS * _unit(difference.key)


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


def _unit(currency: str) -> int:
    unit: int = 10 ** exponent(currency)
    return unit
