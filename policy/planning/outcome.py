"""What came of a search as a plan: steps, scores and what they are made of, proof, alternatives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.currency import BASE
from ledger.money import Money
from ledger.plan import Alternative, PlannedTrade, Proof, Robustness
from policy.planning.candidates import Candidate
from policy.planning.found import Found
from policy.planning.search import SAME, Search
from policy.planning.shown import breakdown
from policy.planning.work import Work

POINTS = 100.0
MAX_ALTERNATIVES = 5
# Of them, those that break a rule on purpose.
MAX_RELAXED = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """The sequence that is the plan, None for holding, and how it does when prices move."""

    found: Found | None
    robustness: Robustness | None = None


def proof_of(work: Work, search: Search, chosen: Found | None) -> Proof:
    """How good `chosen` is among everything the candidates allow."""
    ground, longest = work.ground, work.ground.space.max_depth
    net = chosen.net if chosen else 0.0
    bound = search.bound(ground.max_depth)
    bound = bound if bound > net + SAME else net
    whole = search.proved_depth >= ground.max_depth
    # Fewer candidates than steps: there is nothing longer.
    depth = longest if whole else search.proved_depth
    # What was chosen for another reason than its worth has a better one beside it.
    best = net >= search.best_net - SAME
    return Proof(
        proved=whole and bound == net,
        gap=POINTS * (bound - net),
        bound=POINTS * bound,
        explored=search.explored,
        budget=work.terms.budget,
        depth=longest,
        proved_depth=depth if best else 0,
        candidates=ground.actions,
    )


def alternatives(
    work: Work, found: Iterable[Found], relaxed: Iterable[Found], chosen: Found | None
) -> tuple[Alternative, ...]:
    """The best sequences besides the chosen one, and behind them those that break a rule."""
    broken = sorted(relaxed, key=lambda one: one.rank)[:MAX_RELAXED]
    others = [one for one in found if chosen is None or one.combo != chosen.combo]
    kept = others[: MAX_ALTERNATIVES - len(broken)]
    return (
        *(_alternative(work, one, executable=True) for one in kept),
        *(_alternative(work, one, executable=False) for one in broken),
    )


def _alternative(work: Work, found: Found, *, executable: bool) -> Alternative:
    sequence = found.sequence
    return Alternative(
        trades=tuple(
            PlannedTrade(step.side, step.symbol, step.quantity, step.value_eur)
            for step in sequence.steps
            if isinstance(step, Candidate)
        ),
        net=POINTS * found.net,
        end=breakdown(work.scene, work.ground.arrays, sequence),
        origins=found.origins,
        executable=executable,
    )


def money_moved(found: Found | None) -> tuple[Money, Money]:
    """What purchases take and what sales bring, both after the trades' own fees."""
    trades = [s for s in found.sequence.steps if isinstance(s, Candidate)] if found else []
    required = sum(t.value_eur.minor + t.fee_eur.minor for t in trades if t.side == "BUY")
    generated = sum(t.value_eur.minor - t.fee_eur.minor for t in trades if t.side == "SELL")
    return Money(required, BASE), Money(generated, BASE)
