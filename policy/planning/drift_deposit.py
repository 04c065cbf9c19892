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

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
    """One security with a target. `target` counts the parts that `_Problem.whole` is 1 of; `value`,
    `tolerance` and `lot`, what one lot costs at its limit price, are EUR cents. A `lot` of None
    cannot be bought.
    """

    symbol: str
    target: int
    value: int
    tolerance: int
    lot: int | None


@dataclass(frozen=True, slots=True)
class _Problem:
    """`total` and `free` are after the plan; EUR cents."""

    scene: Scene
    aims: tuple[Aim, ...]
    whole: int
    total: int
    free: int

    def short(self, deposit: int) -> list[tuple[Aim, int]]:
        """What must be bought at least after the deposit, the reserve kept."""
        total, targets = self.total + deposit, sum(aim.target for aim in self.aims)
        fees = self.scene.fees.percent_micro * max(self.free + deposit, 0)
        left = max((total - self.scene.rules.total_floor) * MICRO - fees, 0)
        found: list[tuple[Aim, int]] = []
        for aim in self.aims:
            goal = min(aim.target * total // self.whole, aim.target * left // (targets * MICRO))
            if goal > aim.value + aim.tolerance:
                found.append((aim, goal - aim.value - aim.tolerance))
        return found

    def dilution(self, aim: Aim) -> int:
        """The deposit that makes a holding as small a part as its target."""
        return -((aim.tolerance - aim.value) * self.whole // aim.target) - self.total


def drift_deposit(scene: Scene, values: Mapping[str, int], *, total: int, free: int) -> Deposit:
    """The smallest deposit for holdings of `values`, a total value and free cash (negative: short
    of the reserve), all in EUR cents.
    """
    weights = {s: w.as_integer_ratio() for s, w in scene.targets.weights.items() if w > 0}
    least = scene.min_trade.minor
    stray = sorted(s for s, value in values.items() if value > least and s not in weights)
    if stray:
        return Deposit(None, tuple(stray))
    whole = math.lcm(*(below for _, below in weights.values()))
    parts = {symbol: above * whole // below for symbol, (above, below) in weights.items()}
    problem = _Problem(scene, tuple(_aims(scene, parts, values)), whole, total, free)
    deposit = _smallest(problem, max([0, *map(problem.dilution, problem.aims)]))
    if deposit is None:
        return Deposit(None)
    stuck = sorted(aim.symbol for aim, _ in problem.short(deposit) if aim.lot is None)
    return Deposit(None, tuple(stuck)) if stuck else Deposit(Money(deposit, BASE))


def _aims(scene: Scene, parts: Mapping[str, int], values: Mapping[str, int]) -> Iterable[Aim]:
    for security in scene.snapshot.universe:
        target = parts.get(security.symbol)
        if target is None:
            continue
        price, lot = scene.price(security), security.instrument.lot
        cost = None
        if price is not None and lot is not None and is_buyable(security):
            worst = limit_of(scene, security, "BUY", price).times(lot, Rounding.CEIL)
            cost = scene.rules.fx.rates.convert(worst, BASE, Rounding.CEIL)
        yield Aim(
            symbol=security.symbol,
            target=target,
            value=values.get(security.symbol, 0),
            tolerance=max(scene.min_trade.minor, cost.minor if cost else 0),
            lot=cost.minor if cost else None,
        )


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
    for aim, short in problem.short(deposit):
        if aim.lot is not None:
            amount = -(-max(short, scene.min_trade.minor) // aim.lot) * aim.lot
            cost += amount + _fee(scene, amount)
    return cost


def _fee(scene: Scene, amount: int) -> int:
    rates = scene.rules.fx.rates
    charged = fee(scene.fees, Money(amount, BASE), rates)
    value = rates.convert(charged, BASE, Rounding.CEIL) if charged is not None else None
    return value.minor if value is not None else 0
