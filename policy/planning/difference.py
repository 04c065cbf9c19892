"""What a plan would change: weights, cash, costs and risk, before and after all of its steps.

Values move by what the steps are worth at their decision prices, and the total falls by what they
cost; balances of single currencies change at decision prices, with the fees that are charged in
them. Weights are of the total value, cash is a row of its own, and so each table adds up to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ledger.currency import BASE
from ledger.money import Money, Rounding
from ledger.plan import Plan, PlanStep
from ledger.plan_difference import CashChange, PlanDifference, RiskChange, WeightChange
from ledger.security import FxPair
from ledger.weights import UNKNOWN
from policy.fees import FeeTerms, fee
from policy.fx import worst_price
from policy.planner import PlanInput
from policy.planning.volatility import volatility_change
from policy.targets import Targets

CASH = "cash"
NONE = Decimal(0)

Weights = Mapping[str, Decimal]
# The groups a security stands in, each with its part of the whole.
Grouping = Callable[[str], tuple[tuple[str, Decimal], ...]]


@dataclass(frozen=True, slots=True)
class _Holdings:
    """EUR cents by symbol, and of all cash."""

    values: Mapping[str, int]
    cash: int

    def weights(self) -> dict[str, Decimal]:
        """Of every holding and of cash; empty when all is worth nothing."""
        total = sum(self.values.values()) + self.cash
        if total <= 0:
            return {}
        parts = {**{s: v for s, v in self.values.items() if v}, CASH: self.cash}
        return {name: Decimal(value) / total for name, value in parts.items()}


def difference(plan: Plan, given: PlanInput) -> PlanDifference:
    """The plan beside the portfolio it was made for. A portfolio whose total value is not known
    has no weights, before or after.
    """
    start, end = _before(given), _after(plan, given)
    before, after = start.weights(), end.weights()
    trades = [step for step in plan.steps if step.kind == "trade"]
    traded = sum(step.value_eur.minor for step in trades)
    total = given.snapshot.total_eur
    targets = given.targets
    return PlanDifference(
        plan_id=plan.plan_id,
        securities=_changes(before, after, _with_cash(targets.weights)),
        countries=_grouped(before, after, targets.countries, _countries(targets)),
        industries=_grouped(before, after, targets.industries, _industries(targets)),
        cash=_cash(plan, given),
        fees_eur=Money(sum(step.fee_eur.minor for step in plan.steps), BASE),
        traded_eur=Money(traded, BASE),
        turnover=Decimal(traded) / total.minor if total and total.minor > 0 else NONE,
        score_before=plan.current_score,
        score_after=plan.end_score,
        risk=_risk(before, after, given),
    )


def _before(given: PlanInput) -> _Holdings:
    snapshot = given.snapshot
    if snapshot.total_eur is None or snapshot.cash_eur is None:
        return _Holdings({}, 0)
    values = {
        position.security.symbol: position.value_eur.minor
        for position in snapshot.positions
        if position.value_eur is not None
    }
    return _Holdings(values, snapshot.cash_eur.minor)


def _after(plan: Plan, given: PlanInput) -> _Holdings:
    start = _before(given)
    values, cash = dict(start.values), start.cash
    for step in plan.steps:
        cash -= step.fee_eur.minor
        if step.kind == "trade":
            flow = step.value_eur.minor if step.side == "BUY" else -step.value_eur.minor
            values[step.symbol] = values.get(step.symbol, 0) + flow
            cash -= flow
    return _Holdings(values, cash)


def _with_cash(targets: Weights) -> Weights:
    """Cash is wanted as far as nothing else is."""
    return {**targets, CASH: max(1 - sum(targets.values(), NONE), NONE)} if targets else {}


def _changes(before: Weights, after: Weights, targets: Weights) -> tuple[WeightChange, ...]:
    """What there is before or after, the largest first."""
    rows = (
        WeightChange(name, before.get(name, NONE), after.get(name, NONE), targets.get(name))
        for name in before.keys() | after.keys()
    )
    return tuple(sorted(rows, key=lambda row: (-max(row.before, row.after), row.name)))


def _grouped(
    before: Weights, after: Weights, targets: Weights, groups: Grouping
) -> tuple[WeightChange, ...]:
    return _changes(_sums(before, groups), _sums(after, groups), _with_cash(targets))


def _sums(weights: Weights, groups: Grouping) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for symbol, weight in weights.items():
        for name, part in ((CASH, Decimal(1)),) if symbol == CASH else groups(symbol):
            sums[name] = sums.get(name, NONE) + weight * part
    return sums


def _countries(targets: Targets) -> Grouping:
    return lambda symbol: ((targets.country_of.get(symbol, UNKNOWN), Decimal(1)),)


def _industries(targets: Targets) -> Grouping:
    """The groups of all its industries, in equal parts."""

    def groups(symbol: str) -> tuple[tuple[str, Decimal], ...]:
        names = targets.industries_of.get(symbol) or (UNKNOWN,)
        return tuple((name, Decimal(1) / len(names)) for name in names)

    return groups


def _cash(plan: Plan, given: PlanInput) -> tuple[CashChange, ...]:
    """Every currency that has a balance before or after, by its code."""
    before = {cash.money.currency: cash.money.minor for cash in given.snapshot.cash}
    after = dict(before)
    for step in plan.steps:
        for money in _flows(step, given):
            after[money.currency] = after.get(money.currency, 0) + money.minor
    return tuple(
        CashChange(currency, Money(before.get(currency, 0), currency), Money(left, currency))
        for currency, left in sorted(after.items())
        if left or before.get(currency, 0)
    )


def _flows(step: PlanStep, given: PlanInput) -> tuple[Money, ...]:
    """What one step adds to balances, at its decision price; fees as they are reserved."""
    buying = step.side == "BUY"
    paid = step.price.times(step.quantity, Rounding.CEIL if buying else Rounding.FLOOR)
    flow = -paid if buying else paid
    if step.kind == "trade":
        return (flow, *_fee(step, given.fees, given))
    pair = next((p for p in given.snapshot.pairs if p.symbol == step.symbol), None)
    return (flow, *_base(step, pair), *_fee(step, given.fx_fees, given))


def _base(step: PlanStep, pair: FxPair | None) -> tuple[Money, ...]:
    if pair is None:
        return ()
    units = step.quantity.units if step.side == "BUY" else -step.quantity.units
    return (Money.half_even(units, pair.base),)


def _fee(step: PlanStep, terms: FeeTerms, given: PlanInput) -> tuple[Money, ...]:
    quote = given.snapshot.quotes.get(step.symbol)
    furthest = worst_price(step.price, step.side, quote, given.limits)
    value = max(
        step.price.times(step.quantity, Rounding.CEIL), furthest.times(step.quantity, Rounding.CEIL)
    )
    charged = fee(terms, value, given.trade_rates)
    return (-charged,) if charged is not None else ()


def _risk(before: Weights, after: Weights, given: PlanInput) -> RiskChange:
    held, then = _without_cash(before), _without_cash(after)
    change = volatility_change(held, then, given.facts, given.correlations)
    targets = _with_cash(given.targets.weights)
    return RiskChange(
        volatility_before=change.before,
        volatility_after=change.after,
        covered=change.covered,
        largest_before=max(held.values(), default=NONE),
        largest_after=max(then.values(), default=NONE),
        drift_before=_drift(before, targets),
        drift_after=_drift(after, targets),
    )


def _without_cash(weights: Weights) -> Weights:
    return {name: weight for name, weight in weights.items() if name != CASH}


def _drift(weights: Weights, targets: Weights) -> Decimal:
    """½ Σ |weight − target| over all that is held or wanted, cash too: the part of the whole that
    is in the wrong place. 0 without weights or targets.
    """
    if not weights or not targets:
        return NONE
    names = weights.keys() | targets.keys()
    return sum((abs(weights.get(n, NONE) - targets.get(n, NONE)) for n in names), NONE) / 2
