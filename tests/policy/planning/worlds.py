"""Accounts to search in, drawn at random, and an oracle that looks at every set there is.

The oracle knows nothing of arrays, kernels and bounds: it reads weights off the account in
fractions, by the definition of the score.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

from hypothesis import assume
from hypothesis import strategies as st

from ledger.money import Money
from policy.fees import FeeTerms
from policy.limits import DEFAULTS
from policy.planning.arrays import score_arrays
from policy.planning.calculators import find_candidates
from policy.planning.candidates import Candidate, Scene
from policy.planning.config import DEFAULT_CONFIG, PlannerConfig
from policy.planning.constraints import constraints
from policy.planning.facts import SecurityFacts
from policy.planning.ground import Ground, Kernels
from policy.planning.search import Search, Terms, advance, begin
from policy.planning.seeds import Seed
from policy.planning.space import TradeSequence, fresh_memo, sequence_of, space
from policy.scoring.end_state import EndStateParts
from tests.policy.accounts import FREE, eur, quote, scene, security, snapshot

CURRENCIES = ("EUR", "USD", "GBP", "HKD")
FX_FEES = FeeTerms(Money(50, "EUR"), 100, Money(0, "EUR"))
# What total return, promise, stability and diversification weigh.
PROFILES = {
    "conservative": ("0.25", "0.20", "0.20", "0.30"),
    "balanced": ("0.35", "0.20", "0.15", "0.25"),
    "aggressive": ("0.45", "0.25", "0.05", "0.20"),
}
PARTS_OF = ("total_return", "promise", "stability")
SPAN = Fraction("0.3")


# Pairs that are quoted a good way from their rates; so wide that a limit price reaches far.
RATES = (
    (),
    (
        quote("EUR/USD", "1.128", "USD", spread="0.006"),
        quote("EUR/GBP", "0.829", "GBP", spread="0.006"),
    ),
    (
        quote("EUR/USD", "1.072", "USD", spread="0.006"),
        quote("HKD/EUR", "0.1205", "EUR", spread="0.006"),
    ),
)


@dataclass(frozen=True)
class World:
    """`kept` is what dividend pots hold, in minor units by currency."""

    scene: Scene
    kept: dict[str, int]


PARTS = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.7, 1.0]))


@st.composite
def objectives(draw: st.DrawFn) -> PlannerConfig:
    """Everything that says what a sequence is worth."""
    return replace(
        DEFAULT_CONFIG,
        objective=draw(st.sampled_from(["end_state", "diversification"])),
        risk_profile=draw(st.sampled_from(sorted(PROFILES))),
        cost_penalty_factor=draw(st.sampled_from([0.0, 0.1, 1.0])),
        min_improvement=draw(st.sampled_from([Decimal(0), Decimal("0.05"), Decimal(1)])),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Accounts in up to four currencies, some far off target, some short of cash."""
    universe = tuple(
        security(
            f"S{i}",
            number=i + 1,
            currency=draw(st.sampled_from(CURRENCIES)),
            country=draw(st.sampled_from(["Germany", "Japan", None])),
            industry=draw(st.sampled_from(["Banks", "Banks, Pharma", "Pharma", None])),
            lot=draw(st.sampled_from(["1", "10", "0.5"])),
        )
        for i in range(draw(st.integers(3, 8)))
    )
    prices = {s.symbol: str(draw(st.integers(2, 300))) for s in universe}
    held = {s.symbol: str(draw(st.sampled_from([0, 0, 10, 40, 200]))) for s in universe}
    cash = {c: str(draw(st.integers(0, 6_000))) for c in CURRENCIES}
    pots = tuple(Money(draw(st.integers(0, 200_00)), c) for c in ("EUR", "USD"))
    shot = snapshot(
        universe,
        prices=prices,
        quotes=draw(st.sampled_from(RATES)),
        held=held,
        costs=prices,
        cash=cash,
        pots=pots,
    )
    assume(shot.total_eur is not None and shot.total_eur.minor > 0)
    limits = replace(DEFAULTS, min_cash_reserve=eur(draw(st.sampled_from([0, 500]))))
    fx_fees = draw(st.sampled_from([FX_FEES, FREE]))
    made = scene(shot, limits=limits, fx_fees=fx_fees, pots=pots)
    facts = {
        s.symbol: SecurityFacts(
            quality=draw(PARTS),
            dividend_yield=draw(st.sampled_from([None, 0.0, 0.04, 0.3])),
            parts=EndStateParts(draw(PARTS), draw(PARTS), draw(PARTS)),
        )
        for s in universe
    }
    return World(
        replace(made, config=draw(objectives()), facts=facts), {m.currency: m.minor for m in pots}
    )


def ground_of(
    where: Scene, *, depth: int = 4, most: int = 10, kernels: Kernels | None = None
) -> Ground:
    """The search among the first candidates of a scene."""
    found = find_candidates(where)[:most]
    made = space(found, where.purse, where.rules, max_depth=depth)
    rules = constraints(made, where, correlations=None)
    arrays = score_arrays(where, made.candidates, never=rules.blocked.diagonal())
    return Ground(made, arrays, rules, kernels)


def searched(
    ground: Ground, *, budget: int = 100_000, beam_width: int = 3, seeds: tuple[Seed, ...] = ()
) -> Search:
    terms, now = Terms(budget=budget, beam_width=beam_width), begin(ground)
    for _ in range(10_000):
        if now.done:
            return now
        now = advance(ground, terms, seeds, now)
    raise AssertionError("the search does not end")


def every(ground: Ground) -> Iterator[TradeSequence]:
    """All sequences that can be paid for and that the rules accept."""
    made, memo = ground.space, fresh_memo(ground.space)
    for size in range(1, made.max_depth + 1):
        for combo in combinations(range(len(made.candidates)), size):
            if ground.rules.prefix_ok(combo) and ground.rules.accepts(combo):
                sequence = sequence_of(made, combo, memo)
                if sequence is not None:
                    yield sequence


def worth(where: Scene, sequence: TradeSequence) -> Fraction:
    """What a sequence is worth beyond doing nothing, after costs and its hurdle."""
    total, config = Fraction(where.total.minor), where.config
    penalty, hurdle = Fraction(str(config.cost_penalty_factor)), Fraction(config.min_improvement)
    charged = (penalty * sequence.cost.minor + hurdle * sequence.traded.minor) / total
    trades = [step for step in sequence.steps if isinstance(step, Candidate)]
    return end_state(where, trades) - end_state(where, []) - charged


def end_state(where: Scene, trades: list[Candidate]) -> Fraction:
    """The score of the configured objective, but for a constant, with spreads without a floor."""
    values = {
        p.security.symbol: Fraction(p.value_eur.minor)
        for p in where.snapshot.positions
        if p.value_eur is not None
    }
    start = frozenset(values)
    for trade in trades:
        sign = 1 if trade.side == "BUY" else -1
        values[trade.symbol] = values.get(trade.symbol, Fraction(0)) + sign * trade.value_eur.minor
    weights = {symbol: value / where.total.minor for symbol, value in values.items()}
    country, industry = _spreads(where, weights)
    if where.config.objective == "diversification":
        half = Fraction(1, 2)
        spread = (half if country is None else country) * 4 + (
            half if industry is None else industry
        ) * 3
        return spread / 10 + _quality(where, weights, start) * Fraction(3, 10)
    spread_weight = Fraction(PROFILES[where.config.risk_profile][3])
    known = [(n, value) for n, value in ((4, country), (3, industry)) if value is not None]
    spread = sum((n * value for n, value in known), Fraction(0)) / sum(n for n, _ in known)
    return spread * spread_weight + _holdings(where, weights)


def _holdings(where: Scene, weights: dict[str, Fraction]) -> Fraction:
    found, shares = Fraction(0), PROFILES[where.config.risk_profile]
    for symbol, weight in weights.items():
        parts = where.facts[symbol].parts
        for name, share in zip(PARTS_OF, shares, strict=False):
            value = getattr(parts, name)
            found += weight * Fraction(share) * Fraction(0.5 if value is None else value)
    return found


def _quality(where: Scene, weights: dict[str, Fraction], start: frozenset[str]) -> Fraction:
    """0.6 of the scores and 0.4 of ten times the yields, each if something held has one."""
    facts = where.facts
    scores = {s: f.quality for s, f in facts.items() if f.quality is not None}
    yields = {s: f.dividend_yield for s, f in facts.items() if f.dividend_yield is not None}
    known: list[tuple[int, Fraction]] = []
    if start & scores.keys():
        known.append((3, _weighted(weights, scores)))
    if start & yields.keys():
        known.append((2, min(Fraction(1), 10 * _weighted(weights, yields))))
    if not known:
        return Fraction(1, 2)
    return sum((n * value for n, value in known), Fraction(0)) / sum(n for n, _ in known)


def _weighted(weights: dict[str, Fraction], values: dict[str, float]) -> Fraction:
    return sum((w * Fraction(values[s]) for s, w in weights.items() if s in values), Fraction(0))


def _spreads(where: Scene, weights: dict[str, Fraction]) -> tuple[Fraction | None, Fraction | None]:
    """How well countries and industries are spread; None without targets of that kind."""
    labels = {s.symbol: s.instrument for s in where.snapshot.universe}
    industry = {s: [n.strip() for n in (i.industry or "").split(",")] for s, i in labels.items()}
    country = {s: [i.country or ""] for s, i in labels.items()}
    aims = where.targets
    if not aims.countries and not aims.industries:
        return _attained(aims.weights, {symbol: [symbol] for symbol in labels}, weights), None
    return (
        _attained(aims.countries, country, weights) if aims.countries else None,
        _attained(aims.industries, industry, weights) if aims.industries else None,
    )


def _attained(
    targets: object, labels: dict[str, list[str]], weights: dict[str, Fraction]
) -> Fraction:
    wanted = {str(name): Fraction(target) for name, target in dict(targets).items()}  # type: ignore[call-overload]
    if not wanted:
        return Fraction(1, 2)
    off = Fraction(0)
    for group, target in wanted.items():
        is_there = sum(
            (w * labels[s].count(group) / len(labels[s]) for s, w in weights.items()), Fraction(0)
        )
        off += abs(is_there - target)
    return 1 - off / len(wanted) / SPAN
