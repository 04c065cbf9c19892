"""Makes one plan from one situation, batch by batch, off the loop.

The run's row comes first: it holds the input and, every few seconds of work, how far the search
got. A run that was cut off goes on from there; one that is no longer wanted is cancelled between
two batches. The plan, its steps and the end of the run are one transaction.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from ledger.errors import Conflict, TrimtabError
from ledger.fact import CORE
from ledger.ids import ulid
from ledger.plan import StoredPlan
from ledger.planner_run import PlannerRun, PlannerRunState
from policy import planner as planning
from policy.planner import PlanInput, PlanRun
from policy.planning.record import InputRecord, decode, record
from policy.portfolio_hash import fingerprint
from store.plan_inputs import PlanInputs
from store.planner_runs import NewRun, PlannerRuns, RunEnd
from store.plans import Plans
from wire.clock import Clock
from wire.events import EventRing
from wire.messages import Boards, PlannerStatus
from wire.runner import Runner

# Machine seconds of work between two checkpoints, and between two words about the progress.
CHECKPOINT_S = 2.0
SHOW_S = 0.25
# A search is bounded by what it may evaluate; one that takes longer than this has failed.
MOST_WORK_S = 900.0
MAX_BATCHES = 1_000_000
# Machine seconds after a failed run in which no plan is made unless somebody asks for one.
REST_S = 900.0

Wanted = Callable[[], Awaitable[str | None]]
"""Asked between two batches: why the plan is not wanted any more; None while it is."""


@dataclass(frozen=True, slots=True)
class PlanMakerPorts:
    runs: PlannerRuns
    inputs: PlanInputs
    plans: Plans
    boards: Boards
    events: EventRing
    clock: Clock
    rng: random.Random
    runner: Runner
    checkpoint_s: float = CHECKPOINT_S


class PlanMaker:
    """One run at a time; see the module's docstring."""

    def __init__(self, ports: PlanMakerPorts) -> None:
        self._p = ports
        self._run_id: str | None = None
        self._stop: str | None = None
        self._rests_until_s = 0.0

    @property
    def resting(self) -> bool:
        """Whether a run has failed a moment ago."""
        return self._p.clock.monotonic_s() < self._rests_until_s

    @property
    def making(self) -> bool:
        return self._run_id is not None

    def stop(self, why: str) -> None:
        """Cancel the run that is going on, if any, before its next batch."""
        if self.making:
            self._stop = why

    async def make(self, given: PlanInput, wanted: Wanted) -> StoredPlan | None:
        """Plan for `given` and commit the plan; None when the run was cancelled or took too long.

        Raises Busy while an earlier run of the bucket is open.
        """
        self.say("generating", given.portfolio_hash)
        kept, same = await self._p.runner(partial(_recorded, given))
        opened = await self._p.runs.open(
            NewRun(
                run_id=ulid(self._p.clock.machine_now(), self._p.rng),
                bucket_id=given.bucket_id,
                fingerprint=name_of(given),
                input_hash=kept.input_hash,
                payload=kept.payload,
                at=self._p.clock.machine_now(),
            )
        )
        return await self._work(opened, same, partial(planning.start, same), wanted)

    async def interrupted(self) -> tuple[PlannerRun, PlanInput] | None:
        """The run that an earlier life left open and its input; one that cannot be read fails."""
        left = await self._p.runs.current(CORE)
        if left is None:
            return None
        try:
            payload = await self._p.inputs.get(left.input_hash)
            read = partial(decode, payload, named=left.input_hash)
            return left, await self._p.runner(read)
        except TrimtabError as error:
            await self._p.runs.fail(left.run_id, str(error), self._p.clock.machine_now())
            return None

    async def resume(self, left: PlannerRun, given: PlanInput, wanted: Wanted) -> StoredPlan | None:
        """Go on with a run that was cut off, from its checkpoint."""
        begin = partial(planning.start, given)
        if left.checkpoint is not None:
            begin = partial(planning.resume, given, left.checkpoint)
        return await self._work(left, given, begin, wanted)

    async def cancel(self, left: PlannerRun, why: str) -> None:
        """End a run that nobody works on."""
        await self._p.runs.cancel(left.run_id, why, self._p.clock.machine_now())

    # One run

    async def _work(
        self, opened: PlannerRun, given: PlanInput, begin: Callable[[], PlanRun], wanted: Wanted
    ) -> StoredPlan | None:
        self._run_id, self._stop = opened.run_id, None
        try:
            return await self._search(opened, given, begin, wanted)
        except Exception as error:
            await self._fail(opened, given, f"{type(error).__name__}: {error}")
            raise
        finally:
            self._run_id = None

    async def _search(
        self, opened: PlannerRun, given: PlanInput, begin: Callable[[], PlanRun], wanted: Wanted
    ) -> StoredPlan | None:
        run = await self._p.runner(begin)
        if opened.state is PlannerRunState.GENERATING:
            await self._p.runs.evaluating(opened.run_id, self._p.clock.machine_now())
        started = saved = shown = self._p.clock.monotonic_s()
        self.say("evaluating", given.portfolio_hash, run, opened.run_id)
        for _ in range(MAX_BATCHES):
            why = self._stop or await wanted()
            if why is not None:
                await self.cancel(opened, why)
                self.say("idle", given.portfolio_hash)
                return None
            now_s = self._p.clock.monotonic_s()
            if run.done or now_s - started > MOST_WORK_S:
                break
            run = await self._p.runner(partial(planning.step, run))
            if now_s - saved >= self._p.checkpoint_s:
                saved = now_s
                await self._save(opened, run)
            if now_s - shown >= SHOW_S:
                shown = now_s
                self.say("evaluating", given.portfolio_hash, run, opened.run_id)
        if not run.done:
            await self._fail(opened, given, f"no plan after {MOST_WORK_S:g} s of work")
            return None
        return await self._commit(opened, given, run)

    async def _save(self, opened: PlannerRun, run: PlanRun) -> None:
        done = await self._p.runner(partial(planning.checkpoint, run))
        now = self._p.clock.machine_now()
        await self._p.runs.checkpoint(opened.run_id, done, explored=run.explored, at=now)

    async def _commit(self, opened: PlannerRun, given: PlanInput, run: PlanRun) -> StoredPlan:
        plan = await self._p.runner(partial(planning.finish, run))
        stored = await self._p.plans.commit(
            replace(plan, input_hash=opened.input_hash),
            run=RunEnd(opened.run_id, self._p.clock.machine_now()),
        )
        self.say("complete", given.portfolio_hash, run, opened.run_id)
        return stored

    async def _fail(self, opened: PlannerRun, given: PlanInput, text: str) -> None:
        self._rests_until_s = self._p.clock.monotonic_s() + REST_S
        with suppress(Conflict):
            await self._p.runs.fail(opened.run_id, text, self._p.clock.machine_now())
        self.say("failed", given.portfolio_hash, None, opened.run_id, error=text)

    def say_waiting(self, why: str | None) -> None:
        """Show what has to happen before anything can be planned; None when it has."""
        status = self._p.boards.planner.value
        notes = () if why is None else (why,)
        if status is not None and status.state == "idle" and status.notes != notes:
            self.say("idle", status.portfolio_hash, notes=notes)

    def say(
        self,
        state: str,
        portfolio_hash: str = "",
        run: PlanRun | None = None,
        run_id: str | None = None,
        *,
        error: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Show what the planner is doing."""
        before = self._p.boards.planner.value
        status = PlannerStatus(
            state=state,
            bucket_id=CORE,
            portfolio_hash=portfolio_hash,
            total=_budget(run),
            evaluated=run.explored if run else 0,
            best_score=run.best_score if run else None,
            updated_at=self._p.clock.machine_now(),
            error=error,
            run_id=run_id,
            phase=run.phase if run else "",
            gap=run.gap if run else None,
            notes=(*notes, *_notes(run)),
        )
        self._p.boards.planner.publish(status)
        if before is None or before.state != state:
            self._p.events.emit(
                "PLANNING_STATUS_UPDATED",
                source="planner",
                at=self._p.clock.machine_now(),
                data={"state": state},
            )


def name_of(given: PlanInput) -> str:
    """The fingerprint of a situation."""
    return fingerprint(given.bucket_id, given.portfolio_hash, given.market_hash)


def _recorded(given: PlanInput) -> tuple[InputRecord, PlanInput]:
    """The record of an input, and the input as it will be read from it."""
    kept = record(given)
    return kept, decode(kept.payload)


def _budget(run: PlanRun | None) -> int:
    return 0 if run is None else run.input.config.node_budget


def _notes(run: PlanRun | None) -> tuple[str, ...]:
    """What the planner plans without."""
    if run is None:
        return ()
    missing = () if run.input.targets.optimized else (NO_TARGETS,)
    return (*missing, *run.notes)


NO_TARGETS = "the optimizer has no result yet: all that may be bought weighs the same"
