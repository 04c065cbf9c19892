"""A plan in plain English: what is done, why, what it brings, and how good it is proved to be.

`told` is called by the planner once, for the plan it arrived at. Every sentence is made from the
facts that are kept beside it; amounts have no decimals, scores one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from ledger.money import Money
from ledger.plan import NewMoney, Plan, PlanStep, Proof
from ledger.plan_facts import Execution, PlanFacts, StepFacts, Strategy
from ledger.portfolio import PortfolioSnapshot
from policy.plan_text import whole
from policy.planning.facts import SecurityFacts
from policy.planning.plan_facts import plan_facts

# A dividend yield worth a sentence.
NOTABLE_YIELD = 0.03
# Points from which one decimal is not zero, and up to which two scores are the same.
SHOWN, SAME = 0.05, 1e-9
# What a holding must score at least to be called one of quality.
NOTABLE_QUALITY = 0.6

# What is said when all trades serve the strategy's own goal, and when only some do.
STRATEGIES: Final[Mapping[Strategy, tuple[str, str]]] = {
    "secure_gains_and_average": (
        "Secure exceptional gains and buy more of what costs less than we paid.",
        "Secure exceptional gains; part of the money buys more of what costs less than we paid.",
    ),
    "secure_gains": ("Secure exceptional gains.", "Secure exceptional gains, among other trades."),
    "average_down": (
        "Buy more of what costs less than we paid.",
        "Put money to work, part of it in holdings that cost less than we paid.",
    ),
    "rebalance": (
        "Rebalance: trim what is above its target and buy what is below.",
        "Rebalance: sell some of what is held and buy what improves the portfolio more.",
    ),
    "deploy_cash": (
        "Put cash to work where the portfolio is below its targets.",
        "Put cash to work.",
    ),
    "reduce_risk": (
        "Reduce risk: trim what is above its target.",
        "Reduce risk: sell some of what is held.",
    ),
    "hold": ("Hold.", "Hold."),
}
# By which tags a sale and a purchase are known to serve it.
SERVED_BY: Final[Mapping[Strategy, tuple[str, str]]] = {
    "secure_gains_and_average": ("windfall", "averaging_down"),
    "secure_gains": ("windfall", "rebalance"),
    "average_down": ("rebalance", "averaging_down"),
}
EXECUTION: Final[Mapping[Execution, str]] = {
    "nothing": "Nothing to do.",
    "single": "One order.",
    "sells_first": "Sales go first, they pay for purchases; one order at a time.",
    "in_order": "In this order, one order at a time.",
}


def told(
    plan: Plan,
    snapshot: PortfolioSnapshot,
    known: Mapping[str, SecurityFacts],
    *,
    hold_reason: str | None = None,
) -> Plan:
    """The plan with its facts, its narrative and a text for every step.

    Its steps still carry the reasons they were proposed for, which the facts keep. `hold_reason`
    says why a plan has no steps.
    """
    facts = plan_facts(plan, snapshot, known, hold_reason=hold_reason)
    pairs = zip(plan.steps, facts.steps, strict=True)
    return replace(
        plan,
        steps=tuple(replace(step, reason=step_text(found, facts)) for step, found in pairs),
        facts=facts,
        narrative=plan_narrative(plan, facts),
    )


def plan_narrative(plan: Plan, facts: PlanFacts) -> str:
    """Strategy, what is sold and bought, the outcome, new money, and the proof in words."""
    if not facts.steps:
        parts = [hold_sentence(facts.hold_reason)]
    else:
        parts = [
            strategy_sentence(facts),
            _count(facts),
            *_traded("Sell", facts.sells),
            *_traded("Buy", facts.buys),
            outcome(facts),
            *_trade_offs(facts),
        ]
    if plan.new_money is not None:
        parts += new_money_sentences(plan.new_money)
    return " ".join((*parts, *proof_sentences(plan)))


def strategy_sentence(facts: PlanFacts) -> str:
    """What the plan is about, and no more than its trades bear out."""
    sold, bought = SERVED_BY.get(facts.strategy, ("rebalance", "rebalance"))
    served = all(sold in sale.contributes_to for sale in facts.sells) and all(
        bought in buy.contributes_to for buy in facts.buys
    )
    all_of_it, part = STRATEGIES[facts.strategy]
    return all_of_it if served else part


def hold_sentence(reason: str | None) -> str:
    return f"Hold: {reason}." if reason else "Hold: nothing to do, the portfolio is well placed."


def step_text(step: StepFacts, plan: PlanFacts) -> str:
    """What one step does, why, and what comes of it."""
    if step.kind == "fx":
        return f"{_sentence(step.because)}."
    if step.side == "SELL":
        return " ".join((_sell_lead(step), _sell_reason(step), *_sell_tail(step, plan)))
    return " ".join((f"Buy {_amount_of(step)}.", _buy_reason(step), *_buy_tail(step)))


def one_line(step: PlanStep) -> str:
    """Side, quantity, symbol, unit price and value."""
    return f"{step.side} {step.quantity} {step.symbol} at {step.price}, {whole(step.value_eur)}"


def _sell_lead(step: StepFacts) -> str:
    if step.sold_share is None:
        return f"Sell {_amount_of(step)}."
    return f"Sell {whole_percent(step.sold_share)} of the position: {_amount_of(step)}."


def whole_percent(share: Decimal) -> str:
    """All of it is 100 % and nothing else is; nothing that is something is 0 %."""
    if share >= 1:
        return "all"
    shown = min(max(round(share * 100), 1), 99)
    return f"{shown}%"


def _amount_of(step: StepFacts) -> str:
    return f"{whole(step.value_eur)} of {step.name} ({step.symbol})"


def _sell_reason(step: StepFacts) -> str:
    why = f"{_sentence(step.because)}."
    if step.is_windfall:
        return f"Its gains go beyond its usual growth; securing them frees capital. {why}"
    if "profit_taking" in step.contributes_to:
        return f"{why} Gains on paper become realised, and less is at risk."
    region = _tagged(step, "overweight_")
    if "rebalance" in step.contributes_to and region:
        return f"{region} is overweight: less of it spreads the portfolio better. {why}"
    return why


def _sell_tail(step: StepFacts, plan: PlanFacts) -> tuple[str, ...]:
    paid = next((buy for buy in plan.buys if buy.symbol == step.pays_for), None)
    return (f"What it frees helps to pay for {paid.name} ({paid.symbol}).",) if paid else ()


def _buy_reason(step: StepFacts) -> str:
    why = f"{_sentence(step.because)}."
    if step.is_averaging_down:
        good = step.quality is not None and step.quality >= NOTABLE_QUALITY
        what = "A holding of quality" if good else "A holding"
        return f"{what} costs less than we paid: more of it lowers the average cost. {why}"
    region = _tagged(step, "underweight_")
    if "rebalance" in step.contributes_to and region:
        return f"{region} is underweight: more of it spreads the portfolio better. {why}"
    if "quality" in step.contributes_to:
        return f"{why} Strong fundamentals tend to pay off."
    return why


def _buy_tail(step: StepFacts) -> tuple[str, ...]:
    paid = step.dividend_yield
    if paid is None or paid <= NOTABLE_YIELD:
        return ()
    return (f"Its dividends yield {paid:.1%} a year.",)


def _tagged(step: StepFacts, prefix: str) -> str | None:
    names = (t.removeprefix(prefix) for t in step.contributes_to if t.startswith(prefix))
    return next((name.upper() for name in names), None)


def _sentence(text: str) -> str:
    """With a capital letter, unless it begins with a name that has its own spelling."""
    first, _, _ = text.partition(" ")
    plain = text[:1].upper() + text[1:] if first.islower() and first.isalpha() else text
    return plain.rstrip(".")


def _count(facts: PlanFacts) -> str:
    steps, exchanges = len(facts.steps), len(facts.conversions)
    actions = "1 action" if steps == 1 else f"{steps} actions"
    if not exchanges:
        return f"{actions}."
    words = "1 currency exchange" if exchanges == 1 else f"{exchanges} currency exchanges"
    return f"{actions}, {words} among them."


def _traded(verb: str, steps: Sequence[StepFacts]) -> tuple[str, ...]:
    if not steps:
        return ()
    names = ", ".join(f"{s.name} ({s.symbol}, {whole(s.value_eur)})" for s in steps)
    total = whole(Money(sum(s.value_eur.minor for s in steps), "EUR"))
    return (f"{verb} {total}: {names}." if len(steps) > 1 else f"{verb} {names}.",)


def outcome(facts: PlanFacts) -> str:
    """What the score does: rise, expected fall, or neither. Its words follow the shown figures."""
    start, end = round(facts.current_score, 1), round(facts.end_score, 1)
    gain = round(end - start, 1)
    if gain > 0:
        return f"The score rises by {gain:.1f} points, from {start:.1f} to {end:.1f}."
    if gain < 0:
        return (
            f"The score is expected to fall by {-gain:.1f} points in the short term,"
            f" from {start:.1f} to {end:.1f}."
        )
    return f"The score stays at {end:.1f}."


def _trade_offs(facts: PlanFacts) -> tuple[str, ...]:
    """Of trades that lower the score where they stand, while the whole plan raises it."""
    gain = facts.end_score - facts.current_score
    if round(gain, 1) <= 0:
        return ()
    costly = [s for s in facts.steps if s.kind == "trade" and round(s.score_change, 1) < 0]
    return tuple(
        f"Step {step.number} takes {-step.score_change:.1f} points by itself;"
        f" all together the steps bring {gain:.1f}."
        for step in costly
    )


def new_money_sentences(money: NewMoney) -> tuple[str, ...]:
    """What was free and what is spent of it; and the deposit that would make sales unnecessary."""
    free, spent = whole(money.free_eur), whole(money.spent_eur)
    parts: list[str] = []
    if money.free_eur.minor > 0:
        use = f"the plan spends {spent} of it" if money.spent_eur.minor else "none of it is spent"
        parts.append(f"{free} of cash is free to invest: {use}.")
    deposit = money.deposit_eur
    if deposit is not None and deposit.minor > 0:
        parts.append(_deposit(deposit, money.deposit_share))
    elif deposit is None and money.blocked_by:
        parts.append(
            f"No deposit alone would reach every target, because of {', '.join(money.blocked_by)}."
        )
    return tuple(parts)


def _deposit(deposit: Money, share: Decimal | None) -> str:
    """One beyond all there is is told as what it is: no way to the targets."""
    if share is None or share <= 1:
        return f"A deposit of {whole(deposit)} would then let purchases alone reach every target."
    return (
        "Purchases alone are no way to every target:"
        f" it would take a deposit of {whole(deposit)}, {times(share)}."
    )


def times(share: Decimal) -> str:
    """How much more than the portfolio it is, of a share above 1."""
    if share < Decimal("1.5"):
        return "more than the portfolio is worth"
    return f"{round(share):,} times what the portfolio is worth"


def proof_sentences(plan: Plan) -> tuple[str, ...]:
    """How good the plan is among all that the candidates allow, and what was passed over for it."""
    proof = plan.proof
    if proof is None or not proof.candidates:
        return ()
    passed = _passed_over(plan, proof)
    if proof.proved:
        return (_proved(proof, hold=not plan.steps),)
    if passed >= SHOWN:
        return _not_best(plan, proof, passed)
    words = _unproved(proof, hold=not plan.steps)
    if proof.proved_depth and not passed:
        return words, f"Of sets of up to {proof.proved_depth} trades none scores better."
    return (words,)


def _proved(proof: Proof, *, hold: bool) -> str:
    if proof.candidates == 1:
        only = "The only candidate trade is not worth its costs."
        return only if hold else "There is no other candidate trade."
    return (
        f"No {_sets(proof)} is worth its costs."
        if hold
        else f"No other {_sets(proof)} scores better."
    )


def _sets(proof: Proof) -> str:
    few = f"up to {proof.depth} of " if proof.depth < proof.candidates else ""
    return f"allowed set of {few}these {proof.candidates} candidate trades"


def _not_best(plan: Plan, proof: Proof, passed: float) -> tuple[str, ...]:
    """The reason why a better one is not the plan, and how much better any could be."""
    why = "this one does better when prices move" if plan.robustness else "new money goes first"
    most = f"{proof.gap:.1f} points" if proof.gap >= passed + SHOWN else "that"
    return (
        f"Not proved to be the best: one that was found would gain {passed:.1f} points more,"
        f" but {why}.",
        f"No {_sets(proof)} would gain more than {most}; {_looked_at(proof)}.",
    )


def _unproved(proof: Proof, *, hold: bool) -> str:
    best = "that holding is best" if hold else "to be the best"
    gap = f"up to {proof.gap:.1f}" if proof.gap >= SHOWN else "less than 0.1"
    return f"Not proved {best}: a better one may gain {gap} points more; {_looked_at(proof)}."


def _looked_at(proof: Proof) -> str:
    return f"{proof.explored:,} sequences were looked at"


def _passed_over(plan: Plan, proof: Proof) -> float:
    """Points by which the best that was found is ahead of what was chosen; 0 when none is."""
    chosen = proof.bound - proof.gap
    nets = (one.net - chosen for one in plan.alternatives if one.executable)
    ahead = max(nets, default=0.0)
    return ahead if ahead > SAME else 0.0
