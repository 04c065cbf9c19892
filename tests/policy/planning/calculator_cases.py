"""Scenes for calculators: ten alike securities, one calculator at a time, facts by symbol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ledger.order import Side
from ledger.portfolio import PortfolioSnapshot
from ledger.security import Security
from policy.fx import FxMarket
from policy.limits import DEFAULTS, Limits
from policy.planning.calculators import find_candidates
from policy.planning.candidates import Candidate, Scene, make_scene
from policy.planning.config import DEFAULT_CONFIG, Calculators, PlannerConfig
from policy.planning.facts import SecurityFacts
from policy.targets import Targets, equal_targets
from tests.policy.accounts import FEES, FREE, MIC, TODAY, security, snapshot

TEN = tuple(security(f"S{i}", number=i + 1) for i in range(10))
CALCULATORS = (
    "profit_taking",
    "averaging_down",
    "opportunity_buys",
    "rebalance_sells",
    "rebalance_buys",
    "weight_based",
)


def ten(
    universe: tuple[Security, ...] = TEN, price: str = "40", **changes: Any
) -> PortfolioSnapshot:
    """The account of ten, 10,000 EUR of cash unless said otherwise."""
    given: dict[str, Any] = {
        "prices": {s.symbol: price for s in universe},
        "cash": {"EUR": "10000"},
    }
    return snapshot(universe, **{**given, **changes})


def only(*names: str, **params: Any) -> PlannerConfig:
    """The configuration in which these calculators alone run; `params` are those of all of them."""
    chosen = {
        name: replace(getattr(Calculators(), name), enabled=name in names) for name in CALCULATORS
    }
    for name in names:
        chosen[name] = replace(chosen[name], **params)
    return replace(DEFAULT_CONFIG, calculators=Calculators(**chosen))


def placed(
    shot: PortfolioSnapshot,
    config: PlannerConfig = DEFAULT_CONFIG,
    *,
    facts: Mapping[str, SecurityFacts] | None = None,
    weights: Mapping[str, str] | None = None,
    limits: Limits = DEFAULTS,
    barred: frozenset[tuple[str, Side]] = frozenset(),
) -> Scene:
    """The scene of an account; with `weights` the targets are the optimizer's, with those."""
    equal = equal_targets(shot.universe, limits)
    made = make_scene(
        shot,
        equal if weights is None else optimized(equal, weights),
        FxMarket(shot.pairs, shot.quotes, shot.rates, FREE, limits),
        fees=FEES,
        markets=frozenset({MIC}),
        barred=barred,
        pots=(),
        reserved=(),
        config=config,
        facts=facts,
        today=TODAY,
    )
    assert made is not None
    return made


def optimized(targets: Targets, weights: Mapping[str, str]) -> Targets:
    return replace(targets, weights={s: Decimal(w) for s, w in weights.items()}, optimized=True)


def found(shot: PortfolioSnapshot, config: PlannerConfig, **given: Any) -> tuple[Candidate, ...]:
    return find_candidates(placed(shot, config, **given))


def symbols(candidates: tuple[Candidate, ...], side: Side | None = None) -> list[str]:
    return [c.symbol for c in candidates if side in {None, c.side}]


def good(*names: str, quality: float = 0.8) -> dict[str, SecurityFacts]:
    return {name: SecurityFacts(quality=quality) for name in names}


def held_for(days: int, growth: float | None = 0.10) -> SecurityFacts:
    return SecurityFacts(growth=growth, bought_on=TODAY - timedelta(days=days))
