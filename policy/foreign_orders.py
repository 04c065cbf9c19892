"""Orders at the broker that are not ours: what they keep from being planned.

A gate would refuse what stands in their way; planned with them in mind, it is not proposed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ledger.fact import is_pair
from ledger.money import Money
from ledger.order import OrderView, Side
from ledger.portfolio import PortfolioSnapshot
from ledger.rate import RateTable
from policy.fees import FeeTerms, fee
from policy.gate_context import foreign_reservations


def kept_out(
    foreign: Iterable[OrderView], portfolio: PortfolioSnapshot
) -> frozenset[tuple[str, Side]]:
    """The (symbol, side) pairs not to propose: both sides of what is ordered already, of every pair
    that has a currency with an ordered one in common, and every purchase beside one without a
    limit, which may take all the cash.
    """
    sides: tuple[Side, Side] = ("BUY", "SELL")
    orders = [order for order in foreign if order.live]
    names = {order.symbol for order in orders}
    moved = {currency for name in names if is_pair(name) for currency in name.split("/")}
    names |= {p.symbol for p in portfolio.pairs if not moved.isdisjoint((p.base, p.quote))}
    barred: set[tuple[str, Side]] = {(name, side) for name in names for side in sides}
    if any(order.side == "BUY" and order.limit is None for order in orders):
        barred.update((security.symbol, "BUY") for security in portfolio.universe)
    return frozenset(barred)


def promised(
    foreign: tuple[OrderView, ...], *, fees: FeeTerms, fx_fees: FeeTerms, rates: RateTable
) -> tuple[Money, ...]:
    """The cash that they may still take, fees included, by currency."""
    cost = partial(fee_of, fees=fees, fx_fees=fx_fees, rates=rates)
    taken = foreign_reservations(foreign, (), cost)
    return tuple(Money(minor, currency) for currency, minor in sorted(taken.items()))


def fee_of(
    symbol: str, paid: Money, *, fees: FeeTerms, fx_fees: FeeTerms, rates: RateTable
) -> Money:
    """What the broker takes besides `paid`; without a rate at least its fixed part."""
    terms = fx_fees if is_pair(symbol) else fees
    known = fee(terms, paid, rates)
    return max(terms.fixed, terms.minimum) if known is None else known
