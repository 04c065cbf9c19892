"""Whether purchases alone can reach every target: tried out, not derived."""

from __future__ import annotations

from fractions import Fraction

from ledger.money import Money, Quantity, Rounding
from policy.fees import fee
from policy.planning.candidates import Scene, limit_of


def can_be_bought_away(scene: Scene, deposit: Money) -> bool:
    """Every security on its own: the fewest lots worth a trade that bring it within tolerance."""
    total = scene.total.minor + deposit.minor
    weights = {s: Fraction(w) for s, w in scene.targets.weights.items() if w}
    floor = scene.rules.total_floor
    wanted = sum(weights.values(), Fraction(0))
    cash = free = scene.rules.total_eur(scene.purse) - floor + deposit.minor
    for symbol, weight in weights.items():
        security = next(s for s in scene.snapshot.universe if s.symbol == symbol)
        price, lot = scene.price(security), security.instrument.lot
        assert price is not None
        assert lot is not None
        assert security.currency == "EUR"
        limit = limit_of(scene, security, "BUY", price)
        one = limit.times(lot, Rounding.CEIL).minor
        slack = max(one, scene.min_trade.minor)
        value = scene.value(security).minor
        if value > weight * total + slack:
            return False
        fees = Fraction(scene.fees.percent_micro, 10**6) * max(free, 0)
        goal = min(weight * total, weight / wanted * max(total - floor - fees, Fraction(0)))
        lots = 0
        while value + lots * one < int(goal) - slack or 0 < lots * one < scene.min_trade.minor:
            lots += 1
        if lots:
            charged = fee(scene.fees, Money(lots * one, "EUR"), scene.rules.fx.rates)
            assert charged is not None
            assert limit.times(Quantity(lots * lot.micro), Rounding.CEIL).minor <= lots * one
            cash -= lots * one + charged.minor
    return cash >= 0
