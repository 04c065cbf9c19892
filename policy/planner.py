"""Plans: from one snapshot to the best affordable sequence of trades, one batch at a time.

The planner actor calls `start`, then `step` until the run is done, then `finish`; between two
steps it may do other work, keep a `checkpoint` to `resume` from, or drop the run. Every function is
pure: the same input gives the same plan, wherever and however often interrupted it runs. A plan
without steps says why nothing is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ledger.order import Proposal
from ledger.plan import Plan, PlanStep
from ledger.planner_config import StageCounts
from policy.planning import checkpoint as checkpoints
from policy.planning import robust
from policy.planning.ground import Kernels
from policy.planning.narrative import told
from policy.planning.new_money import new_money_report
from policy.planning.outcome import POINTS, Choice, alternatives, money_moved, proof_of
from policy.planning.plan_input import PlanInput, scene_of, why_unfit
from policy.planning.plan_steps import plan_steps
from policy.planning.search import SAME, Search, advance, begin
from policy.planning.seeds import Seeds
from policy.planning.shown import breakdown, score_steps, shown_nothing
from policy.planning.work import Work, make_work, nothing_better, nothing_found

__all__ = [
    "PlanInput",
    "PlanRun",
    "checkpoint",
    "finish",
    "proposal",
    "resume",
    "scene_of",
    "stage_counts",
    "start",
    "step",
]

NOT_FINISHED = "nothing better was found before the search ended"
NOT_ROBUST = "what improves the portfolio now does not do so when prices move"
# Sequences that break a rule on purpose, valued to show the best of them.
LOOKED_AT = 16
_DONE = Search(phase="done")


@dataclass(frozen=True, slots=True, eq=False)
class PlanRun:
    """A run between two batches. `hold` says why there is nothing to search for; `seeds` are made
    by the first batches, portion by portion, `choice` by the last.
    """

    input: PlanInput
    hold: str | None
    work: Work | None = None
    search: Search = _DONE
    portions: int = 0
    seeds: Seeds | None = None
    choice: Choice | None = None

    @property
    def done(self) -> bool:
        return self.hold is not None or self.choice is not None

    @property
    def phase(self) -> str:
        """seeds, beam, proof, choice or done."""
        if self.done:
            return "done"
        return "choice" if self.search.done else self.search.phase

    @property
    def explored(self) -> int:
        """Evaluated sequences, of at most `budget`."""
        return self.search.explored

    @property
    def budget(self) -> int:
        return self.input.config.node_budget

    @property
    def best_score(self) -> float | None:
        """The score that the plan would end with as it stands, 0 to 100; None: nothing found."""
        found = self.standing.found
        return POINTS * found.score if found else None

    @property
    def gap(self) -> float | None:
        """How far that may be from the best there is, in points; None without a search."""
        if self.work is None:
            return None
        return proof_of(self.work, self.search, self.standing.found).gap

    @property
    def notes(self) -> tuple[str, ...]:
        """What the plan is made without."""
        ours = self.work.notes if self.work else ()
        return (*ours, *(self.seeds.notes if self.seeds else ()))

    @property
    def standing(self) -> Choice:
        """What the plan would be made of as the run stands."""
        if self.choice is not None:
            return self.choice
        filled = self.work.fill if self.work else None
        return Choice(filled or self.search.best)


def start(given: PlanInput, *, kernels: Kernels | None = None) -> PlanRun:
    """Check the snapshot, find candidates and lay out the search. `kernels` are for tests."""
    hold = why_unfit(given)
    if hold is not None:
        return PlanRun(given, hold)
    scene = scene_of(given)
    if scene is None:
        return PlanRun(given, "the fee's currency has no rate fit for trading")
    work = make_work(given, scene, kernels)
    hold = None if work.candidates else nothing_found(scene)
    return PlanRun(given, hold, work, begin(work.ground))


def step(run: PlanRun) -> PlanRun:
    """The run after its next batch; one that is done comes back as it is."""
    if run.work is None or run.done:
        return run
    if run.seeds is None:
        portions = run.portions + 1
        return replace(run, portions=portions, seeds=run.work.sowing.after(portions))
    if not run.search.done:
        ground, terms = run.work.ground, run.work.terms
        return replace(run, search=advance(ground, terms, run.seeds.seeds, run.search))
    return replace(run, choice=_choose(run.input, run.work, run.search))


def finish(run: PlanRun) -> Plan:
    """The plan of the best sequence found so far, or the plan to hold.

    The score of a portfolio that cannot be valued is given as 0; its narrative says so.
    """
    hold = run.hold
    if run.work is None:
        return _told(run, _bare(run, 0.0), hold)
    choice = run.standing
    plan = _searched(run, run.work, choice)
    if hold is None and choice.found is None:
        hold = _why_nothing(run, run.work)
    return _told(run, plan, hold)


def checkpoint(run: PlanRun) -> bytes:
    """How far the search got, for `resume`; empty while there is nothing to keep."""
    if run.work is None or run.done:
        return b""
    return checkpoints.dump(run.search, _fingerprint(run.input, run.work))


def resume(given: PlanInput, stored: bytes, *, kernels: Kernels | None = None) -> PlanRun:
    """A run that goes on from a checkpoint. One that was made for another input, or by another
    version, begins anew: the plan is the same. Seeds are made again, all at once.
    """
    run = start(given, kernels=kernels)
    if run.work is None or run.done:
        return run
    search = checkpoints.load(run.work.ground, stored, _fingerprint(given, run.work))
    if search is None:
        return run
    return replace(run, search=search, seeds=run.work.sowing.all())


def stage_counts(run: PlanRun) -> StageCounts:
    """How many candidates, seeds and steps a run found; `filtered` are the seeds that are left."""
    plan = finish(run)
    kinds = Counter(one.kind for one in run.work.candidates) if run.work else Counter[str]()
    counts: Mapping[str, int] = run.seeds.counts if run.seeds else {}
    return StageCounts(
        candidates=kinds.total(),
        by_kind=tuple(sorted(kinds.items())),
        seeds=counts.get("generated", 0),
        filtered=counts.get("kept", 0),
        explored=run.explored,
        steps=len(plan.steps),
        current_score=plan.current_score,
        end_score=plan.end_score,
    )


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


def _why_nothing(run: PlanRun, work: Work) -> str:
    if not run.done:
        return NOT_FINISHED
    return NOT_ROBUST if run.search.best or work.fill else nothing_better(work.scene)


def _fingerprint(given: PlanInput, work: Work) -> str:
    names = (given.bucket_id, given.portfolio_hash, given.market_hash, given.config_hash)
    return checkpoints.fingerprint(work.ground, *names, repr(given.config), repr(given.seed))


def _choose(given: PlanInput, work: Work, search: Search) -> Choice:
    """The fill of new money, else the best; by more than the score where that is configured."""
    config, arrays = given.config, work.ground.arrays
    candidates = (work.fill,) if work.fill else tuple(f for f in search.found if f.net > SAME)
    if not (
        config.enable_multi_objective
        or config.enable_stochastic_scenarios
        or config.enable_monte_carlo_paths
    ):
        return Choice(next(iter(candidates), None))
    outlook = robust.Outlook(
        config=config,
        symbols=arrays.symbols,
        facts=given.facts,
        correlations=given.correlations,
        seed=given.seed,
    )
    found, robustness = robust.choose(
        candidates, arrays.ranking, outlook, kernel=work.ground.kernels.sequences
    )
    return Choice(found, robustness)


def _searched(run: PlanRun, work: Work, choice: Choice) -> Plan:
    ground, found = work.ground, choice.found
    start_score = POINTS * shown_nothing(ground.arrays)
    plan = _bare(run, start_score)
    if found is not None:
        cash = run.input.snapshot.cash_eur
        assert cash is not None
        scores = score_steps(ground.arrays, found.sequence)
        steps = plan_steps(found.sequence.steps, scores, cash=cash)
        plan = replace(plan, steps=steps, end_score=steps[-1].score_after, origins=found.origins)
    required, generated = money_moved(found)
    relaxed = run.seeds.relaxed[:LOOKED_AT] if run.seeds else ()
    sequence = found.sequence if found else None
    return replace(
        plan,
        cash_required_eur=required,
        cash_generated_eur=generated,
        proof=proof_of(work, run.search, found),
        start=breakdown(work.scene, ground.arrays),
        end=breakdown(work.scene, ground.arrays, sequence),
        alternatives=alternatives(
            work,
            run.search.found,
            ground.found([(one.combo, one.origins) for one in relaxed]),
            found,
        ),
        robustness=choice.robustness,
        new_money=new_money_report(work.scene, sequence),
    )


def _bare(run: PlanRun, score: float) -> Plan:
    """The plan to hold."""
    given = run.input
    nothing, _ = money_moved(None)
    return Plan(
        plan_id=given.plan_id,
        bucket_id=given.bucket_id,
        created_at=given.now,
        portfolio_hash=given.portfolio_hash,
        objective=given.config.objective,
        steps=(),
        current_score=score,
        end_score=score,
        evaluated=run.explored,
        cash_required_eur=nothing,
        cash_generated_eur=nothing,
        narrative="",
        config_name=given.config.name,
        config_hash=given.config_hash,
        seed=given.seed,
        notes=run.notes,
    )


def _told(run: PlanRun, plan: Plan, hold: str | None) -> Plan:
    return told(plan, run.input.snapshot, run.input.facts, hold_reason=hold)
