"""A whole world in one folder: the real wiring on a paper exchange, life after life.

A life is one run of the daemon: it begins on the files of the life before, runs under a virtual
clock until its script ends or its bomb goes off, and leaves files for the next. Machine time goes
on between lives; market time resumes where the exchange stopped.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import structlog
import trio
from trio.testing import MockClock

from broker.paper.adapter import PaperBroker
from broker.paper.faults import FaultPlan
from broker.paper.storage import last_processed
from daemon.clock import ReplayClock, simulated_wall
from daemon.lock import hold
from daemon.paper_world import PaperWorld, hurry
from daemon.supervisor import supervise
from daemon.system import Parts
from daemon.wiring import wire
from hw.null import NullDisplay
from hw.port import Caps, Size
from ledger.bucket import Autonomy
from ledger.errors import ActorUnavailable, StartError, StoreFailed
from ledger.halt import Latch
from policy.limits import Limits
from store.backup import back_up
from store.identity import stamp
from store.inline import open_inline_engine
from store.migrate import migrate, migrations
from store.store import Store
from tests.sim.crash import Bomb, Crash, StepFuse
from tests.sim.customs import Customs, Departure
from tests.sim.invariants import connect
from tests.sim.life import Life, Script, Trouble
from tests.sim.limits import LOOSE, keep_plain
from tests.sim.line import Injected, NearEnd
from tests.sim.market import SmallMarket, calendars
from tests.sim.order import task_order
from tests.sim.rival import Rival
from tests.sim.skew import SkewedClock
from tests.sim.watcher import Watcher
from wire.messages import RaiseLatch
from wire.runner import run_inline

EPOCH = datetime(2031, 3, 4, 12, tzinfo=UTC)
DOWN_S = 30.0
RATE = 1200.0
PAPER_SEED = 7
ATHENS = ZoneInfo("Europe/Athens")
HALTING = frozenset({"schedule", "sync", "trader"})


class SlowDisplay(NullDisplay):
    """One picture a second: what is drawn is of no interest here, that it is drawn is."""

    def __init__(self) -> None:
        super().__init__(Size(8, 13))
        self.caps = Caps(8, 13, "rgb", max_fps=1)


@dataclass(slots=True)
class World:
    """Everything that outlives a life. `violations` must stay empty."""

    folder: Path
    market: SmallMarket
    seed: int
    rate: float = RATE
    hops: int = 1
    limits: Limits = LOOSE
    # How likely the daemon's clock is off in a while.
    skew: float = 0.0
    # What the owner lets leave alone; None: he has said nothing.
    autonomy: Autonomy | None = None
    # Whether somebody else writes into the ledger all the time.
    rivals: bool = False
    machine_s: float = 0.0
    violations: list[str] = field(default_factory=list[str])
    departures: list[Departure] = field(default_factory=list[Departure])
    crashed_actors: list[str] = field(default_factory=list[str])
    lives: int = 0
    # How often each invariant was asked of an order or a portfolio.
    asked: Counter[str] = field(default_factory=Counter[str])
    # What else there was to mind.
    saw: Counter[str] = field(default_factory=Counter[str])
    # Set by the next commit.
    committed: trio.Event = field(default_factory=trio.Event)

    def live(
        self,
        script: Script,
        *,
        plan: FaultPlan | None = None,
        bomb: Bomb | None = None,
        trouble: Trouble | None = None,
        order_seed: int | None = None,
    ) -> Bomb:
        """Run one life; the bomb says whether it ended in a crash."""
        bomb = bomb or Bomb()
        self.lives += 1
        run = _Run(self, script, plan or FaultPlan(), bomb, trouble or Trouble("", armed=False))
        order = self.seed if order_seed is None else order_seed
        # Without sorting its tasks in a set order no seed would mean anything.
        with task_order(order * 1000 + self.lives), structlog.testing.capture_logs() as logs:
            try:
                trio.run(
                    run.main, clock=MockClock(autojump_threshold=0), instruments=[StepFuse(bomb)]
                )
            except* Crash:
                assert bomb.exploded
        # S1: whatever died by an injected flaw was started again; the files say what came of it.
        self.asked["S1"] += sum(entry["event"] == "actor crashed" for entry in logs)
        self.crashed_actors += [
            f"{entry['actor']}: {entry['exc_info']!r}"
            for entry in logs
            if entry["event"] == "actor crashed" and not _is_injected(entry["exc_info"])
        ]
        return bomb


def _is_injected(error: Any) -> bool:
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return all(_is_injected(one) for one in group.exceptions)
    return isinstance(error, Injected)


@dataclass(slots=True)
class _Run:
    world: World
    script: Script
    plan: FaultPlan
    bomb: Bomb
    trouble: Trouble
    wired: bool = False

    async def main(self) -> None:
        world = self.world
        with trio.CancelScope() as scope:
            self.bomb.put_under(scope)
            try:
                with hold(world.folder):
                    self._knock()
                    async with self._store() as store, self._paper(store) as paper:
                        await self._life(store, paper)
            finally:
                world.machine_s += trio.current_time() + DOWN_S
        self.bomb.check()

    def _knock(self) -> None:
        """S3: nobody else gets in while this life lasts, however often they try."""
        self.world.asked["S3"] += 1
        for _ in range(2):
            try:
                with hold(self.world.folder):
                    self.world.violations.append("S3: two held the folder at once")
            except StartError:
                pass

    @asynccontextmanager
    async def _store(self) -> AsyncGenerator[Store]:
        folder = self.world.folder
        ledger = open_inline_engine(
            folder / "ledger.db", synchronous="OFF", checkpoint=self._checkpoint
        )
        prices = open_inline_engine(
            folder / "market.db", synchronous="OFF", checkpoint=self._checkpoint
        )
        async with ledger as first, prices as second:
            await migrate(first, "ledger", migrations("ledger"))
            await migrate(second, "market", migrations("market"))
            yield Store.over(first, second)

    async def _committed(self) -> None:
        """Until the next commit."""
        await self.world.committed.wait()

    async def _checkpoint(self, where: str) -> None:
        """Other tasks run while a commit is on its way, as they do on the device."""
        if where == "before_commit":
            self.bomb.at("before_commit")
        else:
            self.bomb.at("after_commit")
            self.world.committed.set()
            self.world.committed = trio.Event()
        with trio.CancelScope(shield=True):
            for _ in range(self.world.hops):
                await trio.lowlevel.checkpoint()
        self.bomb.check()
        if self.wired:  # a flaw of the start itself is a refusal to start, not a life
            self.trouble.strike(where)

    @asynccontextmanager
    async def _paper(self, store: Store) -> AsyncGenerator[PaperWorld]:
        world, market = self.world, self.world.market
        path = world.folder / "paper.db"
        reached = last_processed(path) or market.start
        recorded = await store.recovery.newest_market_instant()
        anchor = reached if recorded is None else max(reached, recorded)
        epoch = EPOCH + timedelta(seconds=world.machine_s)
        clock = ReplayClock(anchor, rate=world.rate, wall=simulated_wall(epoch))
        exchange = PaperBroker(
            market.data,
            path,
            seed=PAPER_SEED,
            start=market.start,
            now=clock.market_now,
            monotonic_s=clock.monotonic_s,
            session=_session,
        )
        exchange.storage.db.execute("PRAGMA synchronous = OFF")
        try:
            yield PaperWorld(exchange, clock, calendars(), market.mics)
            if not self.bomb.exploded:
                await exchange.close()
        finally:
            exchange.storage.close()

    async def _life(self, store: Store, paper: PaperWorld) -> None:
        world, clock = self.world, paper.clock
        capabilities = paper.broker.capabilities
        created = await stamp(
            store.ledger, broker_kind=capabilities.kind, account_ref=capabilities.account_ref
        )
        if created:
            await store.settings.set_mode("live", by="creation", at=clock.machine_now())
            await keep_plain(store, clock.machine_now())
            if world.autonomy is not None:
                now = clock.market_now()
                await store.buckets.set_autonomy("core", world.autonomy, at=now)
        skewed = SkewedClock(clock, f"{world.seed} {world.lives}", chance=world.skew)
        customs = Customs(
            world.folder,
            world.market,
            clock.market_now,
            limits=world.limits,
            zone=ATHENS,
            off=skewed.settled_offset,
        )
        line = NearEnd(
            paper.broker,
            self.plan,
            bomb=self.bomb,
            customs=customs,
            now=clock.market_now,
            trouble=self.trouble.strike,
        )
        self.wired = True
        system = wire(self._parts(store, paper, line, skewed))
        files = connect(world.folder)
        life = Life(
            folder=world.folder,
            market=world.market,
            committed=self._committed,
            system=system,
            store=store,
            exchange=paper.broker,
            line=line,
            clock=clock,
            bomb=self.bomb,
            trouble=self.trouble,
            files=files,
        )
        watcher = Watcher(life, world.asked)
        rival = Rival(life, f"{world.seed}.{world.lives}", world.asked)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watcher.run)
                nursery.start_soon(watcher.ask)
                if world.rivals:
                    nursery.start_soon(rival.run)
                await self._start(life, nursery, paper)
                await self.script(life)
                nursery.cancel_scope.cancel()
        finally:
            world.violations += [
                *customs.violations,
                *watcher.violations,
                *rival.violations,
            ]
            world.asked.update(customs.asked)
            world.saw.update(customs.saw)
            world.asked["M7"] += skewed.faults
            world.departures += line.departures
            customs.close()
            files.close()

    def _parts(self, store: Store, paper: PaperWorld, line: NearEnd, skewed: SkewedClock) -> Parts:
        async def runner(work: Callable[[], Any], /) -> Any:
            self.trouble.strike("a computation")
            return await run_inline(work)

        return Parts(
            store=store,
            broker=line,
            clock=skewed if self.world.skew else paper.clock,
            calendars=paper.calendars,
            limits=self.world.limits,
            display=SlowDisplay(),
            runner=runner,
            backup=partial(back_up, store.ledger, self.world.folder / "backups"),
            data=self.world.folder,
            zone=ATHENS,
            brightness=50,
            rng=random.Random(self.world.seed),
        )

    async def _start(self, life: Life, nursery: trio.Nursery, paper: PaperWorld) -> None:
        """As the daemon does: each actor ready before the next, then the hurry of the clock."""
        system = life.system
        for actor in system.actors:
            await nursery.start(
                partial(
                    supervise,
                    actor.name,
                    actor.run,
                    rank=actor.rank,
                    period_s=actor.period_s,
                    health=system.health,
                    clock=life.clock,
                    on_give_up=partial(_given_up, life),
                    fatal=(StoreFailed,),
                )
            )
        nursery.start_soon(hurry, paper, system.boards, system.health)


async def _given_up(life: Life, actor: str, error: BaseException) -> None:
    if actor not in HALTING:
        return
    reason = f"{actor} was given up: {error}"
    try:
        request = RaiseLatch("actor_failed", reason, by="supervisor")
        await life.system.asks.schedule.ask(request, deadline_s=2.0)
    except ActorUnavailable:
        latch = Latch("actor_failed", reason, life.clock.machine_now())
        await life.store.settings.set_latch(latch, by="supervisor")


def _session(mic: str, day: date) -> Sequence[tuple[datetime, datetime]]:
    known = calendars().session(mic, day)
    return () if known is None else [(i.opens_at, i.closes_at) for i in known.intervals]
