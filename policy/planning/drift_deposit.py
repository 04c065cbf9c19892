"""The deposit that would remove the remaining drift without a sale.

A deposit D dilutes what is above its target and pays for what is below. It is enough when, with
T' the total value after it,

    every holding is worth at most  target · T'  + its tolerance, and
    free cash + D  ≥  Σ cost of the cheapest purchases that bring all others up to
                      goal − tolerance: whole lots worth a trade, at limit prices, fees included.

The goal of a security is target · T', or its share of what reserve and fees leave of T' when that
is less. Its tolerance is the smallest worthwhile trade or one lot, whichever is more: nothing
smaller can be bought away. Spreads of conversions and caps of single orders are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ledger.currency import BASE
from ledger.money import MICRO, Money, Rounding
from policy.fees import fee
from policy.planning.candidates import Scene, limit_of
from policy.targets import is_buyable

MAX_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Deposit:
    """`deposit` None: none is enough, because of what `blocked_by` names; when that is nothing, the
    rounds did not suffice to find it.
    """

    deposit: Money | None
    blocked_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Aim:
    """One security with a target: EUR cents, `target` and `share` of all targets as fractions.

    `lot` is what one lot costs at its limit price; None when it cannot be bought.
    """

    symbol: str
    target: Fraction
    share: Fraction
    value: int
    tolerance: int
    lot: int | None


@dataclass(frozen=True, slots=True)
class _Problem:
    """`total` and `free` are after the plan, `floor` is the reserve; all in EUR cents."""

    scene: Scene
    aims: tuple[Aim, ...]
    total: int
    free: int

    @property
    def floor(self) -> int:
        return self.scene.rules.total_floor

    @property
    def percent(self) -> Fraction:
        """The part of a purchase that its fee adds to it."""
        return Fraction(self.scene.fees.percent_micro, MICRO)

    def goal(self, aim: Aim, deposit: int) -> int:
        """What the security should be worth after the deposit, the reserve kept."""
        total = self.total + deposit
        left = total - self.floor - self.percent * max(self.free + deposit, 0)
        return min(int(aim.target * total), int(aim.share * max(left, Fraction(0))))

    def short(self, aim: Aim, deposit: int) -> int:
        """How much must be bought of it at least."""
        return max(self.goal(aim, deposit) - aim.value - aim.tolerance, 0)


def drift_deposit(scene: Scene, values: Mapping[str, int], *, total: int, free: int) -> Deposit:
    """The smallest deposit for holdings of `values`, a total value and free cash (negative: short
    of the reserve), all in EUR cents.
    """
    weights = {s: w for s, w in scene.targets.weights.items() if w > 0}
    least = scene.min_trade.minor
    stray = sorted(s for s, value in values.items() if value > least and s not in weights)
    if stray:
        return Deposit(None, tuple(stray))
    problem = _Problem(scene, tuple(_aims(scene, weights, values)), total, free)
    deposit = _smallest(problem, max([0, *(_dilution(aim, total) for aim in problem.aims)]))
    if deposit is None:
        return Deposit(None)
    stuck = [a.symbol for a in problem.aims if a.lot is None and problem.short(a, deposit)]
    return Deposit(None, tuple(stuck)) if stuck else Deposit(Money(deposit, BASE))


def _aims(scene: Scene, weights: Mapping[str, Decimal], values: Mapping[str, int]) -> Iterable[Aim]:
    known = {security.symbol: security for security in scene.snapshot.universe}
    everything = Fraction(sum(weights.values(), Decimal(0)))
    for symbol in sorted(weights.keys() & known.keys()):
        security, target = known[symbol], Fraction(weights[symbol])
        price, lot = scene.price(security), security.instrument.lot
        cost = None
        if price is not None and lot is not None and is_buyable(security):
            worst = limit_of(scene, security, "BUY", price).times(lot, Rounding.CEIL)
            cost = scene.rules.fx.rates.convert(worst, BASE, Rounding.CEIL)
        yield Aim(
            symbol=symbol,
            target=target,
            share=target / everything,
            value=values.get(symbol, 0),
            tolerance=max(scene.min_trade.minor, cost.minor if cost else 0),
            lot=cost.minor if cost else None,
        )


def _dilution(aim: Aim, total: int) -> int:
    """The deposit that makes a holding as large as its target by making the whole larger."""
    return -int((total * aim.target - (aim.value - aim.tolerance)) // aim.target)


def _smallest(problem: _Problem, deposit: int) -> int | None:
    """The smallest deposit ≥ `deposit` that pays for what it makes necessary.

    What is needed never falls when the deposit rises, so adding what is lacking never passes the
    smallest one. It takes few rounds: goals and tolerances leave room once nothing is too large.
    """
    for _ in range(MAX_ROUNDS):
        lacking = _needed(problem, deposit) - problem.free - deposit
        if lacking <= 0:
            return deposit
        deposit += lacking
    return None


def _needed(problem: _Problem, deposit: int) -> int:
    """What the cheapest purchases cost that leave nothing short by more than its tolerance."""
    scene = problem.scene
    cost = 0
    for aim in problem.aims:
        short = problem.short(aim, deposit)
        if short and aim.lot is not None:
            amount = -(-max(short, scene.min_trade.minor) // aim.lot) * aim.lot
            cost += amount + _fee(scene, amount)
    return cost


def _fee(scene: Scene, amount: int) -> int:
    rates = scene.rules.fx.rates
    charged = fee(scene.fees, Money(amount, BASE), rates)
    value = rates.convert(charged, BASE, Rounding.CEIL) if charged is not None else None
    return value.minor if value is not None else 0
