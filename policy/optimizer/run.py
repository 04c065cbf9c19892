"""One run of the optimizer: from what is given to target weights that can be traded.

A security the optimizer has no say in, or knows too little about, keeps its weight: it is neither
bought nor sold for what is not known. Whatever the bounds leave over is cash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

import numpy as np

from kernels.checks import Floats
from ledger.optimization import Correlation, OptimizerRun
from policy.optimizer.blend import blended, in_steps, without_crumbs
from policy.optimizer.bounds import Bounds, bounds, within
from policy.optimizer.constraints import Bands, bands_of
from policy.optimizer.covariance import Risk, enough_history, estimate
from policy.optimizer.given import PLACES, Member, OptimizerInput
from policy.optimizer.hrp import hrp_weights
from policy.optimizer.ladder import Found, mean_variance, nearest
from policy.optimizer.outlook import forward_adjustment
from policy.optimizer.qp import Problem, Unsolvable
from policy.optimizer.returns import expected_return
from policy.optimizer.shares import concentration, risk_contributions
from policy.optimizer.weekly import PER_YEAR

NO_SECURITIES = "No active securities"
NO_RETURNS = "No expected returns data"
NO_HISTORY = "Insufficient price history"
NO_SOLUTION = "Both MV and HRP failed"
NO_VALUE = "No positive total value"
HIGH_CORRELATION = 0.80
MOST_PAIRS = 5
MOST_COST = 0.02
NEW_TRADE_EUR = 250.0
"""What a first purchase is taken to be worth when its cost is reckoned."""
_USUAL_TRADE = 0.05
_ROUNDING = 1e-10
"""What a weight may lack of a millionth by the arithmetic of the solver."""


class _Sorted(NamedTuple):
    """The members by what is to be done with them, each in order of symbols."""

    active: tuple[Member, ...]
    kept: tuple[tuple[Member, str], ...]
    error: str | None
    expected: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """One problem with what is needed to tell of it."""

    members: tuple[Member, ...]
    bounds: tuple[Bounds, ...]
    problem: Problem
    bands: Bands
    rest: Floats
    risk: Risk
    least_return: float


def optimize(given: OptimizerInput) -> OptimizerRun:
    """The run, complete also when it fails (`error`); depends on nothing but `given`."""
    adjustment, notes = forward_adjustment(given.outlook)
    sorted_ = _sorted(given, adjustment)
    notes = (*notes, *(f"{m.symbol} keeps its weight: {why}" for m, why in sorted_.kept))
    if sorted_.error is not None:
        return _outline(given, sorted_, sorted_.error, notes)
    case, more = _case(given, sorted_)
    notes = (*notes, *more)
    mean = mean_variance(case.problem, case.least_return)
    parity = _parity(case)
    if mean is None and parity is None:
        return _outline(given, sorted_, NO_SOLUTION, notes)
    notes = (*notes, *_fallbacks(given, mean, parity))
    weights, part = _combined(mean, parity, given.blend)
    weights, stepped = in_steps(case.problem, without_crumbs(case.problem, weights))
    if stepped:
        notes = (*notes, "one weight would change by more than 0.30: half of the way for now")
    return _told(given, sorted_, case, _Answer(weights, mean, part, notes))


def _fallbacks(given: OptimizerInput, mean: Found | None, parity: Floats | None) -> Iterator[str]:
    if mean is None:
        yield "mean and variance found no weights: risk parity alone"
    elif mean.strategy is not None:
        way = mean.strategy.replace("_", " ")
        yield f"a return of {given.target_return} is out of reach here: {way} instead"
    if parity is None:
        yield "risk parity found no weights: mean and variance alone"


def _sorted(given: OptimizerInput, adjustment: float) -> _Sorted:
    """Who takes part, and who keeps its weight for which reason."""
    kept: list[tuple[Member, str]] = [(m, m.idle) for m in given.members if m.idle is not None]
    able = [m for m in given.members if m.idle is None]
    expected: dict[str, float] = {}
    for member in able:
        found = expected_return(
            member, target=given.target_return, regime=given.regime, outlook=adjustment
        )
        if found is not None:
            expected[member.symbol] = found
    kept += [(m, "its growth is not known") for m in able if m.symbol not in expected]
    kept += [(m, "it has no prices") for m in able if m.symbol in expected and m.column is None]
    hopeful = [m for m in able if m.symbol in expected and m.column is not None]
    enough = enough_history(_returns_of(given, hopeful))
    kept += [(m, "too few returns") for m, good in zip(hopeful, enough, strict=True) if not good]
    active = tuple(m for m, good in zip(hopeful, enough, strict=True) if good)
    error = None
    if given.total.minor <= 0:
        error = NO_VALUE
    elif not able:
        error = NO_SECURITIES
    elif not expected:
        error = NO_RETURNS
    elif not active:
        error = NO_HISTORY
    known = {m.symbol: expected[m.symbol] for m in active}
    return _Sorted(active, tuple(sorted(kept, key=lambda one: one[0].symbol)), error, known)


def _case(given: OptimizerInput, sorted_: _Sorted) -> tuple[_Case, tuple[str, ...]]:
    notes: list[str] = []
    kept = sum((member.current for member, _ in sorted_.kept), Decimal(0))
    invested = 1 - max(min(given.reserve, Decimal(1)), Decimal(0))
    found = [bounds(member, given.max_position) for member in sorted_.active]
    fitting, lowered = within(found, invested - kept)
    if lowered:
        notes.append("the minima together do not fit: each was lowered by the same part")
    least = sum((one.lower for one in fitting), Decimal(0))
    most = sum((one.upper for one in fitting), Decimal(0))
    budget = min(max(invested - kept, least), most)
    if budget > invested - kept:
        notes.append("the cash reserve cannot be reached without sales that are barred")
    elif budget < invested - kept:
        notes.append("the largest positions together leave more cash than the reserve")
    members = (*sorted_.active, *(member for member, _ in sorted_.kept))
    bands = bands_of(members, given.countries, given.industries, float(budget + kept))
    count = len(sorted_.active)
    rest = np.array([float(member.current) for member, _ in sorted_.kept])
    outside = bands.parts[:, count:] @ rest
    risk = estimate(_returns_of(given, sorted_.active), PER_YEAR)
    problem = Problem(
        covariance=risk.covariance,
        expected=np.array([sorted_.expected[m.symbol] for m in sorted_.active]),
        current=_floats([m.current for m in sorted_.active]),
        costs=np.array([_cost(given, member) for member in sorted_.active]),
        lower=_floats([one.lower for one in fitting]),
        upper=_floats([one.upper for one in fitting]),
        budget=float(budget),
        groups=np.ascontiguousarray(bands.parts[:, :count]),
        low=bands.low - outside,
        high=bands.high - outside,
    )
    # What is held blindly is taken to earn what the rest is to earn.
    wanted = given.target_return * (1.0 - float(kept))
    case = _Case(sorted_.active, fitting, problem, bands, rest, risk, wanted)
    return case, tuple(notes)


def _returns_of(given: OptimizerInput, members: Sequence[Member]) -> Floats:
    """The columns of `members`, which all have one, in their order."""
    return given.returns[:, [m.column for m in members if m.column is not None]]


def _cost(given: OptimizerInput, member: Member) -> float:
    """What a trade of the usual size costs, as a part of it."""
    total = float(given.total.amount)
    usual = min(_USUAL_TRADE * total, float(member.current) * total / 2.0)
    size = usual if member.current else NEW_TRADE_EUR
    if size <= 0.0:
        return MOST_COST
    return min(given.cost_fixed / size + given.cost_percent, MOST_COST)


def _parity(case: _Case) -> Floats | None:
    """Hierarchical risk parity among what may move, brought within the bounds and bands."""
    free = np.flatnonzero(case.problem.upper > case.problem.lower)
    point = case.problem.lower.copy()
    if free.size:
        within_ = np.ix_(free, free)
        share = hrp_weights(case.risk.sample[within_], case.risk.correlation[within_])
        point[free] = 0.0
        point[free] = share * max(case.problem.budget - point.sum(), 0.0)
    try:
        return nearest(case.problem, point)
    except Unsolvable:
        return None


def _combined(mean: Found | None, parity: Floats | None, blend: float) -> tuple[Floats, float]:
    """The weights, and the part of risk parity in them."""
    if mean is None:
        assert parity is not None
        return parity, 1.0
    if parity is None:
        return mean.weights, 0.0
    return blended(mean.weights, parity, blend), blend


class _Answer(NamedTuple):
    weights: Floats
    mean: Found | None
    blend: float
    notes: tuple[str, ...]


def _told(given: OptimizerInput, sorted_: _Sorted, case: _Case, answer: _Answer) -> OptimizerRun:
    targets = {
        member.symbol: _exact(float(weight), bound, member)
        for member, bound, weight in zip(case.members, case.bounds, answer.weights, strict=True)
    }
    targets |= {member.symbol: member.current for member, _ in sorted_.kept if member.current}
    weights = dict(sorted(targets.items()))
    exact = _floats([targets[m.symbol] for m in case.members])
    parts = risk_contributions(exact, case.problem.covariance)
    return replace(
        _outline(given, sorted_, None, answer.notes),
        weights=weights,
        achieved_return=float(case.problem.expected @ exact),
        achieved_volatility=float(parts.sum()),
        blend=answer.blend,
        fallback="hrp" if answer.mean is None else answer.mean.strategy,
        level="none" if answer.mean is None else answer.mean.level,
        cash_share=1 - sum(weights.values(), Decimal(0)),
        locked=_named(case, lambda m, b: b.fixed and bool(m.current)),
        buy_only=_named(case, lambda m, b: bool(m.current) and b.lower == m.current < b.upper),
        sell_blocked=_named(case, lambda m, _: bool(m.current) and not m.allow_sell),
        bands=case.bands.measured(np.concatenate((exact, case.rest))),
        correlations=_high_correlations(case),
        concentration=concentration(_floats(list(weights.values()))),
        risk_shares={m.symbol: float(part) for m, part in zip(case.members, parts, strict=True)},
    )


def _outline(
    given: OptimizerInput, sorted_: _Sorted, error: str | None, notes: tuple[str, ...]
) -> OptimizerRun:
    """The run as far as it is known before anything is solved; all there is of one that failed."""
    inputs = given.inputs_hash
    named = f"{inputs} {given.market_at.isoformat()}"
    return OptimizerRun(
        run_id=hashlib.blake2b(named.encode(), digest_size=13).hexdigest(),
        market_at=given.market_at,
        machine_at=given.machine_at,
        inputs_hash=inputs,
        error=error,
        total=given.total,
        weights={},
        current={m.symbol: m.current for m in given.members if m.current},
        expected=dict(sorted(sorted_.expected.items())),
        target_return=given.target_return,
        achieved_return=None,
        achieved_volatility=None,
        blend=given.blend,
        fallback=None,
        level="none",
        regime=given.regime.regime,
        cash_share=Decimal(1),
        locked=(),
        buy_only=(),
        sell_blocked=(),
        held_without_data=tuple(m.symbol for m, _ in sorted_.kept if m.current),
        bands=(),
        correlations=(),
        notes=notes,
    )


def _exact(weight: float, bound: Bounds, member: Member) -> Decimal:
    """The weight in millionths, rounded down so that the reserve stays, never out of its bounds.

    On the way from outside of them it may be where it comes from.
    """
    lowest, highest = min(bound.lower, member.current), max(bound.upper, member.current)
    exact = Decimal(weight + _ROUNDING).quantize(PLACES, ROUND_FLOOR)
    return max(min(exact, highest), lowest)


def _named(case: _Case, chosen: Callable[[Member, Bounds], bool]) -> tuple[str, ...]:
    pairs = zip(case.members, case.bounds, strict=True)
    return tuple(member.symbol for member, bound in pairs if chosen(member, bound))


def _high_correlations(case: _Case) -> tuple[Correlation, ...]:
    """The pairs of at least 0.80 either way, the closest first."""
    found = case.risk.correlation
    rows, columns = np.nonzero(np.triu(np.abs(found) >= HIGH_CORRELATION, k=1))
    pairs = sorted(
        zip(rows.tolist(), columns.tolist(), strict=True),
        key=lambda pair: (-abs(float(found[pair])), pair),
    )
    return tuple(
        Correlation(case.members[a].symbol, case.members[b].symbol, float(found[a, b]))
        for a, b in pairs[:MOST_PAIRS]
    )


def _floats(shares: Sequence[Decimal]) -> Floats:
    return np.array([float(share) for share in shares], dtype=np.float64)
