"""Average cost per share of what is held, recomputed from the facts of the journal.

Sync calls it after new facts. Purchases average in at their own price, fees apart; a sale leaves
the average as it is; a split spreads the same cost over another number of shares.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.fact import CorporateAction, Fact, Fill, Opening, is_pair
from ledger.money import Price, Rounding, divide


@dataclass(frozen=True, slots=True)
class _Basis:
    """Shares in millionths and what they cost in 1e-12 of the currency; cost None: not known."""

    micro: int
    cost: int | None
    currency: str


def average_costs(facts: Iterable[Fact]) -> dict[str, Price]:
    """Average cost by symbol after `facts`, given in the order in which they took effect.

    A symbol is absent when nothing is held, or when a part of the holding came without a cost.
    """
    bases: dict[str, _Basis] = {}
    for fact in facts:
        match fact:
            case Opening(symbol=str(symbol)):
                _add(bases, symbol, _opened(fact))
            case Fill(symbol=symbol) if not is_pair(symbol):
                _fill(bases, fact)
            case CorporateAction(symbol=symbol):
                _split(bases, symbol, fact)
            case _:
                pass
    return {symbol: price for symbol, basis in bases.items() if (price := _average(basis))}


def _opened(opening: Opening) -> _Basis:
    assert opening.quantity is not None
    micro = opening.quantity.micro
    if opening.cost is None:
        return _Basis(micro, None, "")
    return _Basis(micro, micro * opening.cost.micro, opening.cost.currency)


def _fill(bases: dict[str, _Basis], fill: Fill) -> None:
    micro = fill.quantity.micro
    if fill.side == "BUY":
        bought = _Basis(micro, micro * fill.price.micro, fill.price.currency)
        _add(bases, fill.symbol, bought)
        return
    held = bases.get(fill.symbol)
    if held is None or held.micro <= micro:
        bases.pop(fill.symbol, None)
        return
    left = held.micro - micro
    cost = held.cost
    if cost is not None:
        cost = divide(cost * left, held.micro, Rounding.HALF_EVEN)
    bases[fill.symbol] = _Basis(left, cost, held.currency)


def _add(bases: dict[str, _Basis], symbol: str, more: _Basis) -> None:
    held = bases.get(symbol)
    if held is None:
        bases[symbol] = more
        return
    cost = None
    if held.cost is not None and more.cost is not None and held.currency == more.currency:
        cost = held.cost + more.cost
    bases[symbol] = _Basis(held.micro + more.micro, cost, more.currency)


def _split(bases: dict[str, _Basis], symbol: str, action: CorporateAction) -> None:
    held = bases.get(symbol)
    if held is None or action.quantity_delta is None:
        return
    micro = held.micro + action.quantity_delta.micro
    if micro <= 0:
        bases.pop(symbol)
        return
    bases[symbol] = _Basis(micro, held.cost, held.currency)


def _average(basis: _Basis) -> Price | None:
    if basis.cost is None or basis.micro <= 0:
        return None
    micro = divide(basis.cost, basis.micro, Rounding.HALF_EVEN)
    return Price(micro, basis.currency) if micro > 0 else None
