"""Lots and what sales realised, recomputed from the facts of the journal, under four methods.

`fifo` sells the oldest lot first, `highest_cost` the dearest, `average` out of one pool at its
average cost, `chosen` what the owner named for each sale and the oldest for the rest. Sync asks
for the average cost of what is held after new facts, and for all four when the owner asks. Every
figure is an integer and every cost goes somewhere: what was paid is always the cost of what was
sold plus the cost of what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ledger.currency import is_known
from ledger.errors import Missing, Refused
from ledger.fact import Adjustment, CorporateAction, Fact, Fill, Opening, is_pair, source_key
from ledger.lot import (
    LOT_METHODS,
    Choices,
    Lot,
    LotBook,
    LotMethod,
    Pick,
    Sale,
    Taken,
    total,
)
from ledger.money import MICRO, Money, Price, Quantity, Rounding, divide

POOL = "pool"
# Unit costs are compared in whole parts of this: finer than any two of them can differ.
_FINE = 10**30


def lot_book(facts: Iterable[Fact], method: LotMethod, choices: Choices | None = None) -> LotBook:
    """The lots and sales of one symbol after `facts`, given in the order they took effect.

    What no longer can be taken as chosen, because history became known later, goes by FIFO.
    """
    play = _Play(method, choices or {})
    for fact in facts:
        play.apply(fact)
    return play.book()


def all_methods(facts: Sequence[Fact], choices: Choices) -> dict[LotMethod, LotBook]:
    return {method: lot_book(facts, method, choices) for method in LOT_METHODS}


def average_costs(history: Mapping[str, Sequence[Fact]]) -> dict[str, Price]:
    """Average cost per share by symbol, fees included.

    A symbol is absent when nothing is held, or when a part of the holding came without a cost.
    """
    costs = {symbol: lot_book(facts, "average").average_cost for symbol, facts in history.items()}
    return {symbol: cost for symbol, cost in costs.items() if cost is not None}


def check_choice(
    facts: Sequence[Fact], choices: Choices, fill_id: str, picks: Sequence[Pick]
) -> None:
    """Raise unless the sale `fill_id` can take `picks`; `choices` are those that stand.

    Missing when there is no such sale; Refused `lots` names the field, its value and its bound.
    An empty `picks` takes an earlier choice back.
    """
    sale = next((f for f in facts if isinstance(f, Fill) and f.fill_id == fill_id), None)
    if sale is None or sale.side != "SELL":
        raise Missing(f"there is no sale {fill_id}")
    _check_amounts(sale, picks)
    before = _Play("chosen", choices)
    for fact in facts:
        if fact == sale:
            break
        before.apply(fact)
    _check_available({lot.key: lot.quantity for lot in before.book().lots}, picks)
    _check_others(facts, {**choices, fill_id: picks}, fill_id)


def _check_amounts(sale: Fill, picks: Sequence[Pick]) -> None:
    if len({pick.lot_key for pick in picks}) != len(picks):
        raise Refused("lot_key: each lot can be named once", code="lots")
    for pick in picks:
        if pick.quantity.micro <= 0:
            raise Refused(f"quantity: {pick.quantity}, it must be above 0", code="lots")
    picked = Quantity(sum(pick.quantity.micro for pick in picks))
    if picked > sale.quantity:
        raise Refused(f"quantity: {picked} in all, at most {sale.quantity} were sold", code="lots")


def _check_available(available: Mapping[str, Quantity], picks: Sequence[Pick]) -> None:
    for pick in picks:
        there = available.get(pick.lot_key)
        if there is None:
            known = ", ".join(available) or "none"
            text = f"lot_key: {pick.lot_key!r} was not there at that sale, only {known}"
            raise Refused(text, code="lots")
        if pick.quantity > there:
            text = f"quantity: {pick.quantity} of {pick.lot_key}, at most {there} were there"
            raise Refused(text, code="lots")


def _check_others(facts: Sequence[Fact], choices: Choices, changed: str) -> None:
    """A choice must not take from under another one what that one has chosen."""
    for sale in lot_book(facts, "chosen", choices).sales:
        for pick in choices.get(sale.fill_id or "", ()):
            took = sum(part.quantity.micro for part in sale.taken if part.key == pick.lot_key)
            if took < pick.quantity.micro and sale.fill_id != changed:
                text = f"lot_key: sale {sale.fill_id} has chosen {pick.quantity} of {pick.lot_key}"
                raise Refused(text, code="lots")


@dataclass(slots=True)
class _Open:
    """An open lot: millionths of a share, and their cost in minor units."""

    key: str
    opened_at: datetime
    micro: int
    cost: Money | None

    def take(self, micro: int) -> Taken:
        """Cut `micro` off, with its share of the cost rounded half to even."""
        part = self.cost
        if part is not None and micro != self.micro:
            minor = divide(part.minor * micro, self.micro, Rounding.HALF_EVEN)
            part = Money(minor, part.currency)
        if part is not None and self.cost is not None:
            self.cost -= part
        self.micro -= micro
        return Taken(self.key, Quantity(micro), part)

    def absorb(self, other: _Open) -> None:
        self.micro += other.micro
        self.cost = total((self.cost, other.cost))


@dataclass(slots=True)
class _Play:
    """The state between two facts. `short_micro` was sold before it was known to be held."""

    method: LotMethod
    choices: Choices
    open: list[_Open] = field(default_factory=list[_Open])
    sales: list[Sale] = field(default_factory=list[Sale])
    covered: list[Taken] = field(default_factory=list[Taken])
    short_micro: int = 0

    def book(self) -> LotBook:
        lots = (Lot(o.key, o.opened_at, Quantity(o.micro), o.cost) for o in self.open)
        return LotBook(tuple(lots), tuple(self.sales), tuple(self.covered))

    def apply(self, fact: Fact) -> None:
        match fact:
            case Fill() if not is_pair(fact.symbol):
                self._trade(fact)
            case Opening(quantity=Quantity(micro), symbol=str()):
                self._change(source_key(fact), fact.at, micro, _paid(fact.cost, Quantity(micro)))
            case Adjustment(quantity=Quantity(micro), symbol=str()):
                self._change(source_key(fact), fact.at, micro, None)
            case CorporateAction(quantity_delta=Quantity(micro)):
                self._split(source_key(fact), fact.effective_at, micro, fact.ratio)
            case _:
                pass

    def _trade(self, fill: Fill) -> None:
        fees = sum(fee.minor for fee in fill.fees if fee.currency == fill.gross.currency)
        micro, key = fill.quantity.micro, source_key(fill)
        if fill.side == "BUY":
            self._acquire(
                key, fill.executed_at, micro, fill.gross + Money(fees, fill.gross.currency)
            )
        else:
            net = fill.gross - Money(fees, fill.gross.currency)
            self._dispose(key, fill.executed_at, micro, net, fill_id=fill.fill_id)

    def _change(self, key: str, at: datetime, micro: int, cost: Money | None) -> None:
        """Shares that came or went without a trade."""
        if micro > 0:
            self._acquire(key, at, micro, cost)
        elif micro < 0:
            self._dispose(key, at, -micro, None)

    def _acquire(self, key: str, at: datetime, micro: int, cost: Money | None) -> None:
        fresh = _Open(key, at, micro, cost)
        if self.short_micro:
            owed = min(self.short_micro, micro)
            self.short_micro -= owed
            self.covered.append(fresh.take(owed))
            if not fresh.micro:
                return
        if self.method != "average":
            self.open.append(fresh)
        elif self.open:
            self.open[0].absorb(fresh)
        else:
            fresh.key = POOL
            self.open.append(fresh)

    def _dispose(
        self, key: str, at: datetime, micro: int, proceeds: Money | None, fill_id: str | None = None
    ) -> None:
        taken: list[Taken] = []
        missing = micro
        for lot, most in self._order(fill_id, proceeds):
            part = min(missing, most, lot.micro)
            if part > 0:
                taken.append(lot.take(part))
                missing -= part
        self.open = [lot for lot in self.open if lot.micro]
        self.short_micro += missing
        cost = None if missing else total(part.cost for part in taken)
        known = cost is not None and proceeds is not None and cost.currency == proceeds.currency
        gain = proceeds - cost if known and proceeds is not None and cost is not None else None
        sold = Quantity(micro)
        self.sales.append(Sale(key, fill_id, at, sold, proceeds, tuple(taken), cost, gain))

    def _order(self, fill_id: str | None, proceeds: Money | None) -> list[tuple[_Open, int]]:
        """The lots in the order in which a sale takes them, each with how much of it at most."""
        whole = [(lot, lot.micro) for lot in self.open]
        if self.method == "highest_cost":
            currency = None if proceeds is None else proceeds.currency
            return sorted(whole, key=lambda one: _dearest_first(one[0], currency))
        if self.method == "chosen":
            by_key = {lot.key: lot for lot in self.open}
            picks = self.choices.get(fill_id or "", ())
            named = [(by_key[p.lot_key], p.quantity.micro) for p in picks if p.lot_key in by_key]
            return named + whole
        return whole

    def _split(self, key: str, at: datetime, delta: int, ratio: Decimal | None) -> None:
        """Spread another number of shares over the lots; the cost of each stays.

        Shares that are more than a whole one beyond `ratio` came of some that are not known yet:
        spread over them, the cost would look lower than it was.
        """
        held = sum(lot.micro for lot in self.open)
        strange = 0 if ratio is None else delta - (_grown(held, ratio) - held)
        if strange <= MICRO:
            strange = 0
        own = delta - strange
        if held + own <= 0 or not held:
            self._change(key, at, delta, None)
            return
        for lot, micro in zip(self.open, _shares(self.open, held + own), strict=True):
            lot.micro = micro
        largest = max(self.open, key=lambda lot: lot.micro)
        for lot in self.open:
            if not lot.micro:
                largest.absorb(lot)
        self.open = [lot for lot in self.open if lot.micro]
        if strange:
            self._acquire(key, at, strange, None)


def _grown(micro: int, ratio: Decimal) -> int:
    numerator, denominator = ratio.as_integer_ratio()
    return micro * numerator // denominator


def _paid(cost: Price | None, quantity: Quantity) -> Money | None:
    """What was paid for an opening; not known when its currency is not."""
    if cost is None or not is_known(cost.currency):
        return None
    return cost.times(quantity, Rounding.HALF_EVEN)


def _dearest_first(lot: _Open, currency: str | None) -> tuple[bool, int]:
    """What has no cost in the currency of the sale comes last, oldest first."""
    if lot.cost is None or (currency is not None and lot.cost.currency != currency):
        return True, 0
    return False, -(lot.cost.minor * _FINE // lot.micro)


def _shares(lots: Sequence[_Open], whole: int) -> list[int]:
    """`whole` divided as the lots are now, by largest remainder, the older first."""
    held = sum(lot.micro for lot in lots)
    shares = [lot.micro * whole // held for lot in lots]
    rests = sorted(range(len(lots)), key=lambda i: -(lots[i].micro * whole % held))
    for index in rests[: whole - sum(shares)]:
        shares[index] += 1
    return shares
