"""The only crossing from exact ledger values to the float arrays that are scored.

Nothing comes back this way but scores; the money of a plan is read from the exact sequence it
belongs to.

    end_state         wD × diversification + Σ (value ÷ total) × worth + wO × 0.5, with the weights
                      of the configured risk profile; worth is what `worth_of` says of a security
    diversification   0.40 country + 0.30 industry + 0.30 quality

Diversification is country and industry attainment 4 to 3, or one of them alone while the other has
no targets. Cash is worth 0, and an account that is all cash is scored like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import fsum

import numpy as np

from kernels.checks import Bools, Floats
from kernels.problem import Actions, Axis, Problem, ScoreWeights
from kernels.workload import Workload, prepare
from ledger.currency import BASE
from ledger.money import Money
from policy.fees import as_floats
from policy.fx import Leg, pair_price, worst_price
from policy.planning.candidates import Candidate, Scene
from policy.planning.facts import UNKNOWN_FACTS, worth_of
from policy.scoring.end_state import COUNTRY_SHARE, INDUSTRY_SHARE, PROFILES
from policy.scoring.mix import NEUTRAL

# More than any score: an action with this toll never enters a plan.
FORBIDDEN = 1e3
# Room for rounding between exact money and floats, per account: never decides an order.
ROUNDING_EUR = 1.0
# How often the same money may be exchanged before and between the trades of one sequence.
EXCHANGES = 3


@dataclass(frozen=True, slots=True, eq=False)
class ScoreArrays:
    """Prepared workloads whose action numbers are the numbers of the candidates.

    `shown` gives the scores people see. `ranking` chooses: the same score without its floors and
    clamps, which could not tell a step in the right direction from one in the wrong, less the toll
    of every action. Both take the cash for at least what it can be exchanged into.

    tolls         (A,) penalty for the fee, and hurdle for the value traded
    cost_penalty  what one EUR of costs takes from a score
    problem, actions, symbols   what both were prepared from
    """

    shown: Workload
    ranking: Workload
    tolls: Floats
    cost_penalty: float
    total: float
    problem: Problem
    actions: Actions
    symbols: tuple[str, ...]


def euros(money: Money) -> float:
    return float(money.amount)


def score_arrays(
    scene: Scene, candidates: Sequence[Candidate], *, never: Bools | None = None
) -> ScoreArrays:
    """Pack the snapshot and the candidates. Fees are charged to the cash by the kernel; what they
    and the turnover cost in score is in the tolls, from the exact candidates. Those that are
    `never` to be chosen, bool (A,), rank behind everything.
    """
    held = {
        p.security.symbol: euros(p.value_eur)
        for p in scene.snapshot.positions
        if p.value_eur is not None
    }
    symbols = tuple(
        sorted(
            {*(s.symbol for s in scene.snapshot.universe), *held, *(c.symbol for c in candidates)}
        )
    )
    problem = _problem(scene, candidates, symbols, held)
    actions = _actions(candidates, symbols, held)
    tolls = _tolls(scene, candidates)
    return ScoreArrays(
        shown=prepare(problem, actions, mode="strict"),
        ranking=prepare(
            problem,
            actions,
            mode="strict",
            smooth=True,
            toll=tolls if never is None else np.where(never, FORBIDDEN, tolls),
        ),
        tolls=tolls,
        cost_penalty=scene.config.cost_penalty_factor / problem.total,
        total=problem.total,
        problem=problem,
        actions=actions,
        symbols=symbols,
    )


def _problem(
    scene: Scene,
    candidates: Sequence[Candidate],
    symbols: tuple[str, ...],
    held: Mapping[str, float],
) -> Problem:
    fees = as_floats(scene.fees, scene.rules.fx.rates)
    assert fees is not None
    quality, income = _quality(scene, held)
    country, industry = _axes(scene, symbols)
    return Problem(
        value=_column(symbols, held, absent=0.0),
        held=np.array([symbol in held for symbol in symbols], dtype=np.bool_),
        score=_column(symbols, quality, absent=np.nan),
        income=_column(symbols, income, absent=np.nan),
        country=country,
        industry=industry,
        total=euros(scene.total),
        cash=_spendable(scene, candidates),
        fee_fixed=fees[0],
        fee_percent=fees[1],
        cost_factor=0.0,
        worth=_worth(scene, symbols),
        weights=_weights(scene, country, industry),
    )


def _weights(scene: Scene, country: Axis, industry: Axis) -> ScoreWeights:
    if scene.config.objective == "diversification":
        return ScoreWeights()
    profile = PROFILES[scene.config.risk_profile]
    shares = np.array(
        [COUNTRY_SHARE * bool(len(country.targets)), INDUSTRY_SHARE * bool(len(industry.targets))]
    )
    if not shares.any():
        shares = np.array([COUNTRY_SHARE, INDUSTRY_SHARE])
    by_country, by_industry = (profile.diversification * shares / shares.sum()).tolist()
    return ScoreWeights(
        country=by_country,
        industry=by_industry,
        quality=0.0,
        worth=1.0,
        constant=profile.opinion * NEUTRAL,
    )


def _worth(scene: Scene, symbols: tuple[str, ...]) -> Floats:
    """Nothing, by the objective that only spreads."""
    if scene.config.objective == "diversification":
        return np.zeros(len(symbols))
    known = (scene.facts.get(symbol, UNKNOWN_FACTS) for symbol in symbols)
    return np.array([worth_of(facts, scene.config) for facts in known], dtype=np.float64)


def _quality(scene: Scene, held: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Scores and yields, each as far as something that is held has one.

    A portfolio without any score counts as middling, and its first purchase as worth what little of
    the total it is: by that no cash would ever be invested. Until something that is held has a
    score, or a yield, purchases are not judged by it.
    """
    facts = scene.facts
    scores = {s: f.quality for s, f in facts.items() if f.quality is not None}
    yields = {s: f.dividend_yield for s, f in facts.items() if f.dividend_yield is not None}
    return (
        scores if held.keys() & scores.keys() else {},
        yields if held.keys() & yields.keys() else {},
    )


def _axes(scene: Scene, symbols: tuple[str, ...]) -> tuple[Axis, Axis]:
    targets = scene.targets
    countries: Mapping[str, Decimal] = targets.countries
    country_of: Mapping[str, tuple[str, ...]] = {s: (g,) for s, g in targets.country_of.items()}
    if not countries and not targets.industries:
        # Nothing is labelled: securities stand for themselves, or every portfolio scored the same.
        countries = targets.weights
        country_of = {symbol: (symbol,) for symbol in symbols}
    return (
        _axis(symbols, countries, country_of),
        _axis(symbols, targets.industries, targets.industries_of),
    )


def _axis(
    symbols: tuple[str, ...],
    targets: Mapping[str, Decimal],
    groups_of: Mapping[str, tuple[str, ...]],
) -> Axis:
    """Equal parts of a symbol in each of its groups; what has none is outside every target.

    Groups are numbered by name: sums go over them in that order, however the targets were written.
    """
    wanted = sorted(targets)
    number = {group: index for index, group in enumerate(wanted)}
    outside = len(number)
    shares = np.zeros((len(symbols), outside + 1))
    for row, symbol in enumerate(symbols):
        columns = [number.get(group, outside) for group in groups_of.get(symbol, ())] or [outside]
        for column in columns:
            shares[row, column] += 1.0 / len(columns)
    main = np.argmax(shares, axis=1).astype(np.int32)
    return Axis(
        targets=np.array([float(targets[group]) for group in wanted], dtype=np.float64),
        group=main,
        bought=main,
        shares=shares,
    )


def _actions(
    candidates: Sequence[Candidate], symbols: tuple[str, ...], held: Mapping[str, float]
) -> Actions:
    number = {symbol: index for index, symbol in enumerate(symbols)}
    sell = [c.side == "SELL" for c in candidates]
    # Today's rate may value a sale a little above the holding it is of.
    value = np.array(
        [
            min(euros(c.value_eur), held.get(c.symbol, 0.0)) if sold else euros(c.value_eur)
            for c, sold in zip(candidates, sell, strict=True)
        ],
        dtype=np.float64,
    )
    return Actions(
        symbol=np.array([number[c.symbol] for c in candidates], dtype=np.int32),
        sell=np.array(sell, dtype=np.bool_),
        value=value,
        adjusted=value,
    )


def _tolls(scene: Scene, candidates: Sequence[Candidate]) -> Floats:
    factor, hurdle = scene.config.cost_penalty_factor, float(scene.config.min_improvement)
    total = euros(scene.total)
    return np.array(
        [(factor * euros(c.fee_eur) + hurdle * euros(c.value_eur)) / total for c in candidates],
        dtype=np.float64,
    )


def _spendable(scene: Scene, candidates: Sequence[Candidate]) -> float:
    """EUR that purchases can take at most, whatever is exchanged on the way.

    Exact money decides in the end; this must never say no where that says yes.
    """
    rules = scene.rules
    free = Money(rules.total_eur(scene.purse) - rules.total_floor, BASE)
    moved = max(0.0, euros(Money(rules.total_eur(scene.purse), BASE))) + fsum(
        euros(c.value_eur) for c in candidates if c.side == "SELL"
    )
    return euros(free) + moved * (_best_exchange(scene) ** EXCHANGES - 1.0) + ROUNDING_EUR


def _best_exchange(scene: Scene) -> float:
    """What one EUR becomes at best when it is exchanged at its worst price, valued at the reference
    rates; more than 1 only where a quote is further from its rate than a limit price reaches.
    """
    fx, best = scene.rules.fx, 1.0
    for pair in fx.pairs:
        price, rate = pair_price(pair, fx), fx.rates.rate(pair.base, pair.quote)
        if price is None or rate is None:
            continue
        for leg in (Leg(pair, pair.base, pair.quote), Leg(pair, pair.quote, pair.base)):
            worst = worst_price(price, leg.side, fx.quotes.get(pair.symbol), fx.limits)
            gain = worst.value / rate.value if leg.side == "SELL" else rate.value / worst.value
            best = max(best, float(gain))
    return best


def _column(symbols: Sequence[str], values: Mapping[str, float], *, absent: float) -> Floats:
    return np.array([values.get(symbol, absent) for symbol in symbols], dtype=np.float64)
