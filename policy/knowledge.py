"""What a decision knows of the securities: target weights, scores, and the state of the market.

Planner, DRIP and rebalancer decide on the same `Knowledge`, made from the newest scores, the last
run of the optimizer, the owner's groups and the regime. What is not known yet is not guessed: until
the optimizer has succeeded every security that may be bought weighs the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from ledger.allocation import AllocationBook
from ledger.fact import Fact, Fill, source_key
from ledger.money import Money
from ledger.optimization import OptimizerRun
from ledger.portfolio import PortfolioSnapshot
from ledger.regime import Regime
from ledger.score import Scores
from ledger.security import Security
from policy.limits import Limits
from policy.lots import lot_book
from policy.planning.facts import SecurityFacts, facts_of
from policy.regime import reserve_with
from policy.scoring.admission import why_not_buy
from policy.targets import Targets, equal_targets, optimized_targets

UNKNOWN_HOLD: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`unfit` are the symbols whose score does not carry a purchase; `reserve` the cash that
    planning leaves alone in this market. `facts` are by symbol.
    """

    targets: Targets
    unfit: frozenset[str]
    reserve: Money
    facts: Mapping[str, SecurityFacts] = field(default_factory=dict[str, SecurityFacts])


def knowledge(
    snapshot: PortfolioSnapshot,
    *,
    scores: Scores | None,
    run: OptimizerRun | None,
    book: AllocationBook,
    regime: Regime,
    limits: Limits,
    bought_on: Mapping[str, date] | None = None,
) -> Knowledge:
    """`bought_on` is by symbol, see `held_since`."""
    found = {} if scores is None else {one.symbol: one for one in scores.by_id.values()}
    return Knowledge(
        targets=targets_in_force(snapshot.universe, run, book, limits),
        unfit=frozenset(
            one.symbol
            for one in snapshot.universe
            if why_not_buy(found.get(one.symbol), limits) is not None
        ),
        facts={
            one.symbol: facts_of(found.get(one.symbol), (bought_on or {}).get(one.symbol))
            for one in snapshot.universe
        },
        reserve=reserve_in(snapshot, regime, limits),
    )


def reserve_in(snapshot: PortfolioSnapshot, regime: Regime, limits: Limits) -> Money:
    """The cash that planning leaves alone; the owner's own while the total is not known."""
    total = snapshot.total_eur
    return limits.min_cash_reserve if total is None else reserve_with(regime, total, limits)


def held_since(history: Mapping[str, Sequence[Fact]], today: date) -> Mapping[str, date]:
    """The day of the oldest share that is still there, first in first out, by symbol.

    Shares that were not bought but found, when the ledger began, have been there for longer than
    it knows: a year at least.
    """
    found: dict[str, date] = {}
    for symbol, facts in history.items():
        bought = {source_key(fact) for fact in facts if isinstance(fact, Fill)}
        for lot in lot_book(facts, "fifo").lots:
            day = lot.opened_at.date()
            since = day if lot.key in bought else min(day, today - UNKNOWN_HOLD)
            found[symbol] = min(since, found.get(symbol, since))
    return found


def targets_in_force(
    universe: Iterable[Security], run: OptimizerRun | None, book: AllocationBook, limits: Limits
) -> Targets:
    """Those of the last run of the optimizer; equal ones until it has succeeded."""
    securities = tuple(universe)
    if run is None or not run.success:
        return equal_targets(securities, limits, book)
    return optimized_targets(run, securities, book)
