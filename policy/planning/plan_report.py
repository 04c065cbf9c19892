"""A plan as a Markdown document, for whoever wants to read or keep all of it."""

from __future__ import annotations

from collections.abc import Iterable

from ledger.money import Money
from ledger.plan import Plan
from ledger.plan_facts import PlanFacts
from policy.plan_text import whole
from policy.planning.narrative import (
    EXECUTION,
    new_money_sentences,
    one_line,
    outcome,
    proof_sentences,
    strategy_sentence,
)


def plan_report(plan: Plan) -> str:
    """Overview, strategy, financial impact, actions, execution and proof; a plan that has no facts
    (made before they were kept) is told by its narrative alone.
    """
    title = f"# Plan {plan.plan_id}"
    facts = plan.facts
    if facts is None:
        return f"{title}\n\n{plan.narrative}\n"
    sections = [
        ("Overview", _overview(plan, facts)),
        ("Strategy", _strategy(plan, facts)),
        ("Financial impact", _bullets(impact(facts))),
        ("Actions", _actions(plan)),
        ("Execution", EXECUTION[facts.execution]),
        ("Proof", " ".join(proof_sentences(plan))),
        ("Notes", _bullets(plan.notes)),
    ]
    parts = [title, *(f"## {name}\n\n{text}" for name, text in sections if text)]
    return "\n\n".join(parts) + "\n"


def impact(facts: PlanFacts) -> tuple[str, ...]:
    """What is invested, what sales bring, what it costs, and what that makes of the cash."""
    if not facts.steps:
        return ()
    net = facts.net_eur
    inflow = net.minor < 0
    return (
        f"Invested: {whole(facts.invested_eur)}",
        f"Proceeds of sales: {whole(facts.proceeds_eur)}",
        f"Fees and expected spreads of exchanges: {_exact(facts.costs_eur)}",
        f"Net cash inflow: {whole(-net)}" if inflow else f"Net cash needed: {whole(net)}",
    )


def _exact(money: Money) -> str:
    """Small amounts keep their cents."""
    return f"€{money.amount:,.2f}"


def _overview(plan: Plan, facts: PlanFacts) -> str:
    made = f"{plan.created_at:%Y-%m-%d %H:%M} UTC"
    goals = ", ".join(f"{count} × {name.replace('_', ' ')}" for name, count in facts.goals)
    return _bullets(
        (
            f"Bucket {plan.bucket_id}, made {made}",
            f"Sales: {len(facts.sells)}, purchases: {len(facts.buys)},"
            f" currency exchanges: {len(facts.conversions)}",
            *((f"Goals: {goals}",) if goals else ()),
            outcome(facts) if facts.steps else plan.narrative,
        )
    )


def _strategy(plan: Plan, facts: PlanFacts) -> str:
    money = new_money_sentences(plan.new_money) if plan.new_money else ()
    return " ".join((strategy_sentence(facts), *money))


def _actions(plan: Plan) -> str:
    return "\n".join(f"{s.number}. **{one_line(s)}**: {s.reason}" for s in plan.steps)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
