"""The only crossing from exact ledger values to the float arrays that are scored.

Nothing comes back this way: the kernel answers with scores, and the winner's money is read from
the exact sequence it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from kernels.packing import NamedAxis, NamedProblem, Trade, pack
from kernels.workload import AxisWork, Workload, prepare
from ledger.money import Money
from policy.fees import as_floats
from policy.planning.candidates import Candidate, Scene


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality 0–1 and dividend yield (fraction) by symbol; a missing one stays missing."""

    scores: Mapping[str, float]
    yields: Mapping[str, float]


UNKNOWN_QUALITY = Quality({}, {})


@dataclass(frozen=True, slots=True, eq=False)
class ScoreArrays:
    """Prepared workloads whose action numbers are the numbers of the candidates.

    `shown` gives the scores people see. `ranking` chooses: the same, unless the portfolio is so
    far from its country or industry targets that the shown score is at its floor there and could
    not tell a step in the right direction from one in the wrong.
    """

    shown: Workload
    ranking: Workload
    total: float


def euros(money: Money) -> float:
    return float(money.amount)


def score_arrays(scene: Scene, candidates: tuple[Candidate, ...], quality: Quality) -> ScoreArrays:
    """Pack the snapshot and the candidates. Costs are left to `policy.planning.evaluate`, which has
    them exactly: the kernel charges the fees to the cash but gives the score no penalty for them.
    """
    snapshot = scene.snapshot
    assert snapshot.cash_eur is not None
    fees = as_floats(scene.fees, scene.rules.fx.rates)
    assert fees is not None
    targets = scene.targets
    held = {
        p.security.symbol: euros(p.value_eur) for p in snapshot.positions if p.value_eur is not None
    }
    countries = {s.symbol: targets.country_of.get(s.symbol) for s in snapshot.universe}
    industries = {s.symbol: targets.industry_of.get(s.symbol) for s in snapshot.universe}
    if not targets.countries and not targets.industries:
        # Nothing is labelled: securities stand for themselves, or every portfolio scored the same.
        targets = replace(targets, countries=targets.weights)
        countries = {symbol: symbol for symbol in countries}
    known = _of_holdings(quality, held)
    named = NamedProblem(
        positions=held,
        country=_axis(targets.countries, countries),
        industry=_axis(targets.industries, industries),
        scores=known.scores,
        yields=known.yields,
        total=euros(scene.total),
        cash=euros(snapshot.cash_eur),
        fee_fixed=fees[0],
        fee_percent=fees[1],
        cost_factor=0.0,
    )
    trades = [Trade(symbol=c.symbol, side=c.side, value=euros(c.value_eur)) for c in candidates]
    packed = pack(named, trades)
    shown = prepare(packed.problem, packed.actions, mode="strict")
    return ScoreArrays(shown, _with_slope(shown, named.total), named.total)


def _of_holdings(quality: Quality, held: Mapping[str, float]) -> Quality:
    """What is known of quality, as far as the portfolio has any of it to begin with.

    A portfolio without any score counts as middling, and its first purchase as worth what little of
    the total it is: by that no cash would ever be invested. Until something that is held has a
    score, or a yield, purchases are not judged by it.
    """
    return Quality(
        scores=quality.scores if held.keys() & quality.scores.keys() else {},
        yields=quality.yields if held.keys() & quality.yields.keys() else {},
    )


def _with_slope(work: Workload, total: float) -> Workload:
    """The workload with its axes widened when one of them is at its floor."""
    if not (_at_floor(work.country) or _at_floor(work.industry)):
        return work
    return replace(
        work, country=_widened(work.country, total), industry=_widened(work.industry, total)
    )


def _at_floor(axis: AxisWork) -> bool:
    deviation = np.abs(axis.sums[: len(axis.goals)] - axis.goals).sum()
    return bool(deviation * axis.scale >= 1.0)


def _widened(axis: AxisWork, total: float) -> AxisWork:
    """Deviations add up to twice the total at most, so on this scale none reaches the floor."""
    return replace(axis, scale=min(axis.scale, 1.0 / (2.0 * total)))


def _axis(targets: Mapping[str, Decimal], labels: Mapping[str, str | None]) -> NamedAxis:
    """Groups are the labels themselves; symbols without a label belong to none of them."""
    return NamedAxis(
        targets={group: float(target) for group, target in targets.items()},
        groups={group: group for group in targets},
        labels={symbol: label for symbol, label in labels.items() if label},
        records={symbol: label or None for symbol, label in labels.items()},
    )
