"""The facts that the words of a plan are made from, taken from its steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from ledger.currency import BASE
from ledger.money import Money
from ledger.plan import Plan, PlanStep
from ledger.plan_facts import Execution, PlanFacts, StepFacts, Strategy
from ledger.portfolio import PortfolioSnapshot
from policy.planning.facts import UNKNOWN_FACTS, SecurityFacts

# What a trade can be for, the first that it is tagged with.
GOALS = ("windfall", "profit_taking", "averaging_down", "rebalance", "quality", "opportunity")
# Purchases in the order in which a sale's proceeds are told to go to them.
PAID_FIRST = ("averaging_down", "rebalance", "opportunity", "quality")


def plan_facts(
    plan: Plan,
    snapshot: PortfolioSnapshot,
    known: Mapping[str, SecurityFacts],
    *,
    hold_reason: str | None = None,
) -> PlanFacts:
    """The facts of a plan whose steps still carry the reasons they were proposed for.

    `hold_reason` says why there are no steps.
    """
    trades = [step for step in plan.steps if step.kind == "trade"]
    sells = [step for step in trades if step.side == "SELL"]
    buys = [step for step in trades if step.side == "BUY"]
    invested, proceeds = _sum(s.value_eur for s in buys), _sum(s.value_eur for s in sells)
    costs = _sum(step.fee_eur for step in plan.steps)
    funded = _sales_are_needed(plan, invested + costs)
    return PlanFacts(
        strategy=_strategy(sells, buys),
        execution=_execution(plan.steps, sells_pay=funded and bool(sells)),
        steps=tuple(
            _step(plan.steps, index, snapshot, known, sales_pay=funded)
            for index in range(len(plan.steps))
        ),
        invested_eur=invested,
        proceeds_eur=proceeds,
        costs_eur=costs,
        net_eur=invested + costs - proceeds,
        goals=_goals(trades),
        current_score=plan.current_score,
        end_score=plan.end_score,
        hold_reason=hold_reason,
    )


def _sum(amounts: Iterable[Money]) -> Money:
    return Money(sum(amount.minor for amount in amounts), BASE)


def _sales_are_needed(plan: Plan, taken: Money) -> bool:
    """Whether purchases cost more than was free before the sales."""
    return plan.new_money is None or taken > plan.new_money.free_eur


def _step(
    steps: Sequence[PlanStep],
    index: int,
    snapshot: PortfolioSnapshot,
    known: Mapping[str, SecurityFacts],
    *,
    sales_pay: bool,
) -> StepFacts:
    step = steps[index]
    trade, selling = step.kind == "trade", step.side == "SELL"
    bought = known.get(step.symbol, UNKNOWN_FACTS) if trade and not selling else UNKNOWN_FACTS
    pays = None
    if not trade:
        pays = next((s.symbol for s in steps[index + 1 :] if s.kind == "trade"), None)
    elif selling and sales_pay:
        pays = _first_buy(steps)
    return StepFacts(
        number=step.number,
        kind=step.kind,
        side=step.side,
        symbol=step.symbol,
        name=step.name,
        value_eur=step.value_eur,
        cost_eur=step.fee_eur,
        because=step.reason,
        contributes_to=step.tags,
        score_change=step.score_after - step.score_before,
        sold_share=_sold_share(step, snapshot) if trade and selling else None,
        dividend_yield=bought.dividend_yield,
        quality=bought.quality,
        pays_for=pays,
    )


def _sold_share(step: PlanStep, snapshot: PortfolioSnapshot) -> Decimal | None:
    held = snapshot.held(step.symbol)
    if held is None or held.quantity.micro <= 0:
        return None
    return Decimal(step.quantity.micro) / held.quantity.micro


def _first_buy(steps: Sequence[PlanStep]) -> str | None:
    buys = [step for step in steps if step.kind == "trade" and step.side == "BUY"]
    for tag in PAID_FIRST:
        for step in buys:
            if tag in step.tags:
                return step.symbol
    return buys[0].symbol if buys else None


def _strategy(sells: Sequence[PlanStep], buys: Sequence[PlanStep]) -> Strategy:
    windfall = any("windfall" in step.tags for step in sells)
    averaging = any("averaging_down" in step.tags for step in buys)
    if windfall:
        return "secure_gains_and_average" if averaging else "secure_gains"
    if averaging:
        return "average_down"
    if sells:
        return "rebalance" if buys else "reduce_risk"
    return "deploy_cash" if buys else "hold"


def _execution(steps: Sequence[PlanStep], *, sells_pay: bool) -> Execution:
    if not steps:
        return "nothing"
    if len(steps) == 1:
        return "single"
    buys = any(step.kind == "trade" and step.side == "BUY" for step in steps)
    return "sells_first" if sells_pay and buys else "in_order"


def _goals(trades: Sequence[PlanStep]) -> tuple[tuple[str, int], ...]:
    """How many trades serve each goal, the most frequent first."""
    found = (next((g for g in GOALS if g in step.tags), "other") for step in trades)
    return tuple(sorted(Counter(found).items(), key=lambda pair: (-pair[1], pair[0])))
