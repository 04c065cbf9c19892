"""Who may be traded, and how large a trade of it may be: what every calculator asks.

    purchase  floor(amount ÷ lot cost) lots, within the largest order and the largest position, and
              raised to the fewest lots that are worth their fee when that ends near the amount
    sale      from 10 % to 50 % of a position in whole lots, of which at least one stays, within
              the largest order

Values are those of the rounded quantity; a trade below the smallest worthwhile one is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from ledger.money import Money, Quantity, Rounding
from ledger.portfolio import Position
from ledger.security import Security
from policy.fees import fee
from policy.funding import buy
from policy.planning.candidates import (
    Candidate,
    Idea,
    Scene,
    candidate,
    limit_of,
    lots_for,
    whole_lots,
    worthwhile_lots,
)
from policy.targets import is_buyable

# A sale of less leaves the position what it was; a plan that wants no more leaves it alone.
LEAST_SALE_SHARE: Final = Decimal("0.10")
UNKNOWN_QUALITY: Final = 0.5


def buyable(scene: Scene) -> Iterator[Security]:
    """Every security that may be bought now and has a price."""
    for security in scene.snapshot.universe:
        if is_buyable(security) and scene.may(security, "BUY") and scene.price(security):
            yield security


def sellable(scene: Scene) -> Iterator[tuple[Position, Decimal]]:
    """Every holding that may be sold now, with its gain; a deep loss is left to the owner.

    So is a gain that is not known: nobody can say what a sale would realise.
    """
    for position in scene.snapshot.positions:
        gained = gain(scene, position)
        if (
            position.quantity.micro > 0
            and scene.may(position.security, "SELL")
            and gained is not None
            and gained >= -scene.limits.max_sell_loss
        ):
            yield position, gained


def gain(scene: Scene, position: Position) -> Decimal | None:
    """(price − average cost) ÷ average cost, in the currency of both; None while one is unknown."""
    cost, price = position.average_cost, scene.price(position.security)
    if cost is None or price is None or cost.currency != price.currency:
        return None
    return Decimal(price.micro - cost.micro) / cost.micro


def quality(scene: Scene, security: Security) -> float:
    known = scene.known(security).quality
    return UNKNOWN_QUALITY if known is None else known


def liking(security: Security) -> float:
    """What the owner thinks of it: multiplies what speaks for buying, divides it for selling."""
    return float(security.priority)


def sale(scene: Scene, position: Position, lots: int, idea: Idea) -> Candidate | None:
    """The sale of `lots` lots within the bounds of a sale; None when nothing is left of it."""
    security, held = position.security, position.quantity.micro
    lot, price = security.instrument.lot, scene.price(security)
    if lot is None or price is None:
        return None
    most = int(held * scene.limits.max_planned_sell_share) // lot.micro
    wanted = min(lots, most, (held - lot.micro) // lot.micro)
    if wanted * lot.micro < LEAST_SALE_SHARE * held:
        return None
    bounded = min(wanted, lots_for(scene, security, scene.order_cap(), price))
    return candidate(scene, security, "SELL", bounded, idea)


def lots_worth(scene: Scene, security: Security, amount: Money) -> int:
    """floor(amount ÷ lot cost) at the price of now; 0 without a price."""
    price = scene.price(security)
    return 0 if price is None else lots_for(scene, security, amount, price)


@dataclass(frozen=True, slots=True)
class Buyer:
    """Sizes purchases. `more_cash`: sales may pay for what the present cash alone cannot."""

    scene: Scene
    more_cash: bool
    _cash: dict[str, Spendable] = field(default_factory=dict[str, "Spendable"])

    @property
    def idle(self) -> bool:
        """Neither cash nor a sale could pay for anything."""
        return not self.more_cash and self.scene.free_cash().minor <= 0

    def purchases(self, security: Security, amount: Money, idea: Idea) -> Iterator[Candidate]:
        """The purchase of `amount`, and of what cash allows when that is less."""
        scene = self.scene
        lots = worthwhile_lots(scene, security, amount, idea)
        possible = self._affordable(security, lots)
        for size in (lots, possible) if self.more_cash and possible < lots else (possible,):
            found = candidate(scene, security, "BUY", size, idea)
            if found is not None:
                yield found

    def _affordable(self, security: Security, lots: int) -> int:
        """As many of `lots` as present cash pays for at their worst price, fee included."""
        price, lot = self.scene.price(security), security.instrument.lot
        if price is None or lot is None or lots <= 0:
            return 0
        currency = security.currency
        if currency not in self._cash:
            self._cash[currency] = Spendable(self.scene, currency)
        worst = limit_of(self.scene, security, "BUY", price)
        wanted = worst.times(Quantity(lots * lot.micro), Rounding.CEIL)
        return min(lots, whole_lots(security, self._cash[currency].up_to(wanted), worst))


class Spendable:
    """The dearest purchase in a currency that present cash pays for, its fee not counted.

    Every reserve is kept and conversions are included. What is cheaper can be paid for, too, so the
    bound is found by halving, no further than is asked for: most purchases are far below it.
    """

    def __init__(self, scene: Scene, currency: str) -> None:
        free = scene.rules.fx.rates.convert(scene.free_cash(), currency, Rounding.CEIL)
        self._scene = scene
        self._low, self._high = 0, 0 if free is None else max(free.minor, 0)

    def up_to(self, wanted: Money) -> Money:
        """`wanted`, or as much of it as can be paid for."""
        while self._low < min(wanted.minor, self._high):
            middle = (self._low + self._high + 1) // 2
            if _payable(self._scene, Money(middle, wanted.currency)):
                self._low = middle
            else:
                self._high = middle - 1
        return Money(min(wanted.minor, self._low), wanted.currency)


def _payable(scene: Scene, cost: Money) -> bool:
    charged = fee(scene.fees, cost, scene.rules.fx.rates)
    return charged is not None and buy(scene.purse, scene.rules, cost=cost, fee=charged) is not None


def scaled(found: Iterable[Candidate], weight: float = 1.0) -> tuple[Candidate, ...]:
    """Priorities as fractions of the strongest of their kind, times `weight`."""
    candidates = tuple(found)
    top: dict[str, float] = {}
    for one in candidates:
        top[one.kind] = max(top.get(one.kind, 0.0), one.priority)
    return tuple(
        replace(one, priority=weight * (one.priority / top[one.kind]) if top[one.kind] > 0 else 0.0)
        for one in candidates
    )


def group_weights(scene: Scene) -> Mapping[str, Decimal]:
    """The weight of what is held, by country group; what is in no group counts for none."""
    sums: dict[str, Decimal] = {}
    for position in scene.snapshot.positions:
        group = scene.targets.country_of.get(position.security.symbol)
        if group:
            sums[group] = sums.get(group, Decimal(0)) + scene.weight(position.security)
    return sums
