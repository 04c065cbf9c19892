"""Which of the best sequences still is best when prices move, and when more than the score counts.

Scenarios move all holdings and trades; every sequence, and doing nothing, sees the same prices.
A sequence is worth, in one scenario,

    score of its end − score of doing nothing − its tolls and costs

and comes to, over all of them,

    stochastic    Σ weight × worth over five shifts of all prices
    Monte Carlo   0.4 worst + 0.3 p10 + 0.3 mean over seeded paths; it wins over the shifts

With several objectives, that or the plain net is the first of four: worth, diversification and
stability of the end, and cost. Sequences no worse than which another is in all four, and better in
one, drop out; of the others the best blend wins. Whatever the rule, a plan has to beat doing
nothing, now and over the scenarios. Ties go to the smaller canonical encoding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Final, Protocol, TypeVar

import numpy as np

from kernels.checks import Floats
from kernels.choose import SequenceKernel
from kernels.packing import pack_sequences
from kernels.problem import ScoreWeights
from kernels.scenarios import Summary, paths, summary
from kernels.sequences import run
from kernels.workload import Workload
from ledger.correlation import Correlations
from ledger.money import Money
from ledger.plan import Robustness
from policy.planning.config import PlannerConfig
from policy.planning.facts import UNKNOWN_FACTS, SecurityFacts
from policy.planning.price_paths import price_paths
from policy.planning.space import Combo
from policy.scoring.end_state import COUNTRY_SHARE, INDUSTRY_SHARE
from policy.scoring.mix import NEUTRAL

# Shift of all prices and its weight.
SHIFTS: Final = ((-0.10, 0.15), (-0.05, 0.15), (0.0, 0.40), (0.05, 0.15), (0.10, 0.15))

WORTH_PART, DIVERSIFICATION_PART, STABILITY_PART, COST_PART = 0.5, 0.2, 0.2, 0.1
# The cost at which nothing is left of that part.
HIGHEST_COST_EUR: Final = 100.0


class Priced(Protocol):
    """The part of a trade sequence that counts here: its costs and its canonical name."""

    @property
    def cost(self) -> Money: ...

    @property
    def encoding(self) -> bytes: ...


class Option(Protocol):
    """A sequence that was found; `net` is what it is worth beyond doing nothing."""

    @property
    def combo(self) -> Combo: ...

    @property
    def net(self) -> float: ...

    @property
    def sequence(self) -> Priced: ...


OptionT = TypeVar("OptionT", bound=Option)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is known of the securities, and what the random numbers come from.

    `symbols` names those of the workload, in its order.
    """

    config: PlannerConfig
    symbols: Sequence[str]
    facts: Mapping[str, SecurityFacts]
    correlations: Correlations | None
    seed: int


def choose(
    found: Sequence[OptionT],
    work: Workload,
    outlook: Outlook,
    *,
    kernel: SequenceKernel | None = None,
) -> tuple[OptionT | None, Robustness | None]:
    """The sequence to plan, None for doing nothing, and how it does in the scenarios.

    `work` is the ranking workload, whose action numbers the sequences use. Without scenarios there
    is no `Robustness`; with them, doing nothing comes with that of the best there was.
    """
    config = outlook.config
    judged = [_Judged(number, one, one.net) for number, one in enumerate(found)]
    if config.enable_monte_carlo_paths or config.enable_stochastic_scenarios:
        judged = _in_scenarios(judged, work, outlook, kernel)
    better = [one for one in judged if one.option.net > 0.0 and one.points > 0.0]
    if not better:
        best = min(judged, key=_rank, default=None)
        return None, best.robustness if best else None
    if config.enable_multi_objective:
        better = _blended(better, work, outlook, kernel)
    best = min(better, key=_rank)
    return found[best.number], best.robustness


@dataclass(frozen=True, slots=True)
class _Judged:
    """A sequence by its number, and the points it is ranked by."""

    number: int
    option: Option
    points: float
    robustness: Robustness | None = None


def _rank(one: _Judged) -> tuple[float, bytes]:
    """Lower is better."""
    return -one.points, one.option.sequence.encoding


# Scenarios


def _in_scenarios(
    judged: Sequence[_Judged], work: Workload, outlook: Outlook, kernel: SequenceKernel | None
) -> list[_Judged]:
    """Those that can be scored, with what they come to; the charges are the same everywhere."""
    rows = pack_sequences([(), *(one.option.combo for one in judged)])
    now = run(work, rows, kernel=kernel).score
    scores = paths(work, rows, _multipliers(judged, work, outlook), kernel=kernel)
    gains = scores[1:] - scores[0]
    found: list[_Judged] = []
    for one, gain, score in zip(judged, gains, now[1:], strict=True):
        worth = gain + (one.option.net - (score - now[0]))
        if not np.isnan(worth).any():
            robustness = _robustness(worth, outlook.config)
            found.append(replace(one, points=robustness.final, robustness=robustness))
    return found


def _multipliers(judged: Sequence[_Judged], work: Workload, outlook: Outlook) -> Floats:
    """(P, S): holdings and whatever any of the sequences trades move, the rest stays."""
    traded = {int(work.symbol[number]) for one in judged for number in one.option.combo}
    moving = np.array(sorted(traded | set(np.flatnonzero(work.value).tolist())), dtype=np.intp)
    config = outlook.config
    if config.enable_monte_carlo_paths:
        return price_paths(
            outlook.symbols,
            moving,
            facts=outlook.facts,
            correlations=outlook.correlations,
            count=config.monte_carlo_path_count,
            horizon_days=config.scenario_horizon_days,
            seed=outlook.seed,
        )
    multipliers = np.ones((len(SHIFTS), len(work.value)))
    multipliers[:, moving] += np.array([shift for shift, _ in SHIFTS])[:, np.newaxis]
    return multipliers


def _robustness(worth: Floats, config: PlannerConfig) -> Robustness:
    found = summary(worth)
    if config.enable_monte_carlo_paths:
        return _as_robustness(
            "monte_carlo",
            found,
            horizon_days=config.scenario_horizon_days,
            mean=found.mean,
            final=found.final,
            standard_error=found.standard_error,
        )
    mean = fsum(weight * one for (_, weight), one in zip(SHIFTS, worth.tolist(), strict=True))
    return _as_robustness(
        "stochastic", found, horizon_days=0, mean=mean, final=mean, standard_error=None
    )


def _as_robustness(
    method: str,
    found: Summary,
    *,
    horizon_days: int,
    mean: float,
    final: float,
    standard_error: float | None,
) -> Robustness:
    return Robustness(
        method=method,
        scenarios=found.count,
        horizon_days=horizon_days,
        mean=mean,
        worst=found.worst,
        p10=found.p10,
        p90=found.p90,
        final=final,
        standard_error=standard_error,
    )


# Several objectives


def _blended(
    judged: Sequence[_Judged], work: Workload, outlook: Outlook, kernel: SequenceKernel | None
) -> list[_Judged]:
    """The sequences that no other dominates, with their blends for points."""
    rows = pack_sequences([one.option.combo for one in judged])
    spread = run(replace(work, weights=_spread_only()), rows, kernel=kernel).score
    metrics = [
        (one.points, float(spread[row]), _stability(one.option.combo, work, outlook), _cost(one))
        for row, one in enumerate(judged)
    ]
    return [
        replace(one, points=_blend(own))
        for one, own in zip(judged, metrics, strict=True)
        if not any(_dominates(other, own) for other in metrics)
    ]


Metrics = tuple[float, float, float, float]
"""Worth, diversification, stability, and cost in EUR as a negative number: more is better."""


def _dominates(one: Metrics, other: Metrics) -> bool:
    return one != other and all(mine >= theirs for mine, theirs in zip(one, other, strict=True))


def _blend(metrics: Metrics) -> float:
    worth, diversification, stability, cost = metrics
    return (
        WORTH_PART * worth
        + DIVERSIFICATION_PART * diversification
        + STABILITY_PART * stability
        + COST_PART * (1.0 - min(1.0, -cost / HIGHEST_COST_EUR))
    )


def _spread_only() -> ScoreWeights:
    whole = COUNTRY_SHARE + INDUSTRY_SHARE
    return ScoreWeights(country=COUNTRY_SHARE / whole, industry=INDUSTRY_SHARE / whole, quality=0.0)


def _stability(combo: Combo, work: Workload, outlook: Outlook) -> float:
    """Σ weight × stability of the holdings at the end; an unknown stability counts as middling."""
    value = work.value.copy()
    for number in combo:
        value[work.symbol[number]] += work.delta[number]
    total = 0.0
    for symbol in np.flatnonzero(value).tolist():
        facts = outlook.facts.get(outlook.symbols[symbol], UNKNOWN_FACTS)
        known = facts.parts.stability
        total += (NEUTRAL if known is None else known) * float(value[symbol])
    return total * work.inverse_total


def _cost(one: _Judged) -> float:
    return -float(one.option.sequence.cost.amount)
