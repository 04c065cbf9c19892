"""Plans: from one snapshot to the best affordable sequence of trades, one batch at a time.

The planner actor calls `start`, then `step` until the run is done, then `finish`; between two
steps it may do other work or drop the run. Every function is pure: the same input gives the same
plan, wherever and how often it runs. A plan without steps says why nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ledger.correlation import Correlations
from ledger.currency import BASE
from ledger.money import Money
from ledger.order import Proposal, Side
from ledger.plan import Plan, PlanStep
from ledger.portfolio import PortfolioSnapshot
from ledger.rate import RateTable
from policy.fees import FeeTerms
from policy.fx import FxMarket
from policy.limits import Limits
from policy.plan_text import hold_text, plan_text, whole
from policy.planning.arrays import UNKNOWN_QUALITY, Quality, ScoreArrays, score_arrays
from policy.planning.calculators import find_candidates
from policy.planning.candidates import Scene, make_scene
from policy.planning.config import DEFAULT_CONFIG, PlannerConfig
from policy.planning.evaluate import (
    BATCH,
    Ranked,
    best_of,
    score_nothing,
    score_steps,
    shown_nothing,
)
from policy.planning.facts import SecurityFacts
from policy.planning.plan_steps import plan_steps
from policy.planning.space import Space, sequences, space
from policy.targets import Targets
from policy.valuation import unfit

OBJECTIVE = "diversification"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInput:
    """Everything one plan depends on.

    `trade_rates` holds only rates fresh enough to trade on; `markets` the exchanges whose hours
    are known; `barred` the (symbol, side) pairs not to propose now; `pots` and `reserved` the cash
    of unspent dividends and of open orders, per currency; `opens` when each exchange can be traded
    on next, so that a plan begins with what can be done soonest.
    """

    plan_id: str
    bucket_id: str
    now: datetime
    portfolio_hash: str
    snapshot: PortfolioSnapshot
    trade_rates: RateTable
    targets: Targets
    fees: FeeTerms
    fx_fees: FeeTerms
    limits: Limits
    markets: frozenset[str]
    barred: frozenset[tuple[str, Side]] = frozenset()
    pots: tuple[Money, ...] = ()
    reserved: tuple[Money, ...] = ()
    quality: Quality = UNKNOWN_QUALITY
    opens: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    config: PlannerConfig = DEFAULT_CONFIG
    config_hash: str = ""
    facts: Mapping[str, SecurityFacts] = field(default_factory=dict[str, SecurityFacts])
    correlations: Correlations | None = None
    regime: str = "unknown"
    market_hash: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """What the search of one run works on; `nothing` is the ranking score of doing nothing."""

    arrays: ScoreArrays
    space: Space
    nothing: float


@dataclass(frozen=True, slots=True, eq=False)
class PlanRun:
    """A run between two batches. `hold` says why there is nothing to search for."""

    input: PlanInput
    work: _Work | None
    hold: str | None
    tried: int = 0
    evaluated: int = 0
    best: Ranked | None = None

    @property
    def sets(self) -> int:
        """How many sets of candidates this run tries."""
        return len(self.work.space.combos) if self.work else 0

    @property
    def done(self) -> bool:
        return self.tried >= self.sets


def start(given: PlanInput) -> PlanRun:
    """Check the snapshot, find candidates and list what to try."""
    hold = _unfit(given)
    if hold is not None:
        return PlanRun(given, None, hold)
    scene = scene_of(given)
    if scene is None:
        return PlanRun(given, None, "the fee's currency has no rate fit for trading")
    candidates = find_candidates(scene)
    where = space(
        candidates,
        scene.purse,
        scene.rules,
        max_depth=given.limits.max_depth,
        opens=given.opens,
    )
    arrays = score_arrays(scene, where.candidates, given.quality)
    work = _Work(arrays, where, score_nothing(arrays))
    return PlanRun(given, work, None if candidates else _nothing_found(scene))


def step(run: PlanRun) -> PlanRun:
    """Try the next batch of sets; a run that is done comes back as it is."""
    if run.work is None or run.done:
        return run
    stop = run.tried + BATCH
    batch = sequences(run.work.space, run.tried, stop)
    best = best_of(
        run.work.arrays,
        batch,
        nothing=run.work.nothing,
        limits=run.input.limits,
        best=run.best,
    )
    tried = min(stop, run.sets)
    return replace(run, tried=tried, evaluated=run.evaluated + len(batch), best=best)


def finish(run: PlanRun) -> Plan:
    """The plan of the best sequence found so far, or the plan to hold.

    The score of a portfolio that cannot be valued is given as 0; its narrative says so.
    """
    work, best = run.work, run.best
    if work is None or best is None:
        current = 100 * shown_nothing(work.arrays) if work else 0.0
        reason = run.hold or "no affordable trade improves the portfolio enough to be worth it"
        return _plan(run, (), current, current, hold_text(reason))
    cash = run.input.snapshot.cash_eur
    assert cash is not None
    scores = score_steps(work.arrays, best.sequence, run.input.limits)
    steps = plan_steps(best.sequence.steps, scores, cash=cash)
    current, end = steps[0].score_before, steps[-1].score_after
    text = plan_text(steps, current_score=current, end_score=end)
    return _plan(run, steps, current, end, text)


def proposal(plan: Plan, chosen: PlanStep, *, attempt: int) -> Proposal:
    """The step as an order proposal; `attempt` numbers the tries of one step."""
    return Proposal(
        order_class="fx" if chosen.kind == "fx" else "planner",
        source_id=plan.plan_id,
        step=chosen.number,
        attempt=attempt,
        bucket_id=plan.bucket_id,
        symbol=chosen.symbol,
        security_id=chosen.security_id,
        side=chosen.side,
        quantity=chosen.quantity,
        currency=chosen.price.currency,
        decision_price=chosen.price,
        value_eur=chosen.value_eur,
        reason=chosen.reason,
    )


def _unfit(given: PlanInput) -> str | None:
    """Why this snapshot must not be planned on."""
    snapshot = given.snapshot
    wrong = unfit(snapshot)
    if wrong is not None:
        return wrong
    if snapshot.total_eur is None or snapshot.cash_eur is None:
        return f"the value of {', '.join(snapshot.unvalued)} is not known"
    return _overdrawn(snapshot) or (
        "the account is empty" if snapshot.total_eur.minor <= 0 else None
    )


def _overdrawn(snapshot: PortfolioSnapshot) -> str | None:
    short = [p.security.symbol for p in snapshot.positions if p.quantity.micro < 0]
    if short:
        return f"the books show a negative holding of {', '.join(short)}"
    owed = [cash.money.currency for cash in snapshot.cash if cash.money.minor < 0]
    return f"negative cash in {', '.join(owed)} is repaired first" if owed else None


def scene_of(given: PlanInput) -> Scene | None:
    snapshot = given.snapshot
    fx = FxMarket(snapshot.pairs, snapshot.quotes, given.trade_rates, given.fx_fees, given.limits)
    return make_scene(
        snapshot,
        given.targets,
        fx,
        fees=given.fees,
        markets=given.markets,
        barred=given.barred,
        pots=given.pots,
        reserved=given.reserved,
        config=given.config,
        facts=given.facts,
        today=given.now.date(),
    )


def _nothing_found(scene: Scene) -> str:
    free = Money(scene.rules.total_eur(scene.purse) - scene.rules.total_floor, BASE)
    if free < scene.min_trade:
        spare = max(free, Money.zero(BASE))
        return (
            f"{whole(spare)} of cash above the reserve is less than the smallest worthwhile trade,"
            f" {whole(scene.min_trade)}, and no position is far above its target"
        )
    return "no security that may be traded now is far enough from its target"


def _plan(run: PlanRun, steps: tuple[PlanStep, ...], current: float, end: float, text: str) -> Plan:
    given = run.input
    trades = [s for s in steps if s.kind == "trade"]
    required = sum(s.value_eur.minor + s.fee_eur.minor for s in trades if s.side == "BUY")
    generated = sum(s.value_eur.minor - s.fee_eur.minor for s in trades if s.side == "SELL")
    return Plan(
        plan_id=given.plan_id,
        bucket_id=given.bucket_id,
        created_at=given.now,
        portfolio_hash=given.portfolio_hash,
        objective=OBJECTIVE,
        steps=steps,
        current_score=current,
        end_score=end,
        evaluated=run.evaluated + 1 if run.work else 0,
        cash_required_eur=Money(required, BASE),
        cash_generated_eur=Money(generated, BASE),
        narrative=text,
    )
