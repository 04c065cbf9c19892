"""Every actor over one real store and a scripted broker, each startable on its own."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import trio

from broker.port import Broker
from daemon.clock import ReplayClock, simulated_wall
from daemon.paper_world import load_calendars
from daemon.system import Parts, System
from daemon.wiring import wire
from hw.null import NullDisplay
from hw.port import Size
from ledger.bucket import Autonomy
from ledger.errors import Unavailable
from ledger.order import Intent, Mode, OrderState, Proposal
from ledger.portfolio import PortfolioSnapshot
from ledger.run import Job, RunRecord, RunStatus
from ledger.security import FxPair
from policy.limits import DEFAULTS, Limits
from policy.market_hours import Calendars
from store.backup import BackupReport
from store.store import Store, open_store
from tests.support.builders import EURUSD, NOW, proposal
from tests.support.scripted_broker import ScriptedBroker
from wire.events import Event
from wire.messages import Nudge, TradingState
from wire.runner import run_inline

MACHINE = datetime(2031, 3, 4, 12, tzinfo=UTC)
CALENDARS: Calendars = load_calendars()
ALL_HOURS = replace(DEFAULTS, core_hours_only=False)


@dataclass(slots=True)
class Rig:
    """The wired system whose actors the test starts one by one."""

    store: Store
    broker: ScriptedBroker
    clock: ReplayClock
    system: System
    nursery: trio.Nursery
    folder: Path
    backups: list[datetime] = field(default_factory=list[datetime])

    @property
    def boards(self) -> Any:
        return self.system.boards

    async def start(self, *names: str) -> None:
        for actor in self.system.actors:
            if actor.name in names:
                await self.nursery.start(_run, actor.run)

    def actor(self, name: str) -> Callable[..., Awaitable[None]]:
        return next(actor.run for actor in self.system.actors if actor.name == name)

    def publish_trading(self, mode: Mode = "live") -> None:
        """What schedule would publish, for tests without schedule."""
        self.system.boards.trading.publish(TradingState(mode, "scripted", ()))
        self.system.kill.follow(latched=False)

    async def set_autonomy(self, autonomy: Autonomy) -> None:
        """What the planner would do, for tests without planner."""
        now = self.clock.market_now()
        await self.store.buckets.set_autonomy("core", autonomy, at=now)
        self.system.boards.buckets.publish(await self.store.buckets.all())

    async def settle(self) -> None:
        """Until nobody has anything to do before the clock moves."""
        await trio.testing.wait_all_tasks_blocked()

    async def sync(self) -> PortfolioSnapshot:
        """One cycle of the running sync; the portfolio it published."""
        version = self.system.boards.portfolio.version
        self.system.nudges["sync"].nudge(Nudge("test"))
        _, portfolio = await self.system.boards.portfolio.wait_newer(version)
        return portfolio

    async def propose(self, mode: Mode = "live", **changes: Any) -> Intent:
        wanted: Proposal = proposal(**changes)
        return await self.store.orders.propose(wanted, mode=mode, at=self.clock.market_now())

    async def state(self, intent: Intent) -> OrderState:
        return (await self.store.orders.get(intent.intent_id)).state

    async def until_state(self, intent: Intent, state: OrderState, within_s: float = 300) -> Intent:
        with trio.fail_after(within_s):
            while True:
                found = await self.store.orders.get(intent.intent_id)
                if found.state is state:
                    return found
                await trio.sleep(0.1)

    async def open_run(self, job: Job, run_id: str = "RUN") -> RunRecord:
        return await self.store.runs.open(
            run_id,
            job,
            "api",
            requested_at=self.clock.machine_now(),
            market_at=self.clock.market_now(),
        )

    async def until_run_ends(self, run_id: str, within_s: float = 120) -> RunRecord:
        with trio.fail_after(within_s):
            while True:
                run = await self.store.runs.get(run_id)
                if run.status not in (RunStatus.QUEUED, RunStatus.RUNNING):
                    return run
                await trio.sleep(0.1)

    def events(self, type_: str) -> list[Event]:
        found, _ = self.system.events.after(0)
        return [event for event in found if event.type == type_]


async def _run(run: Any, *, task_status: trio.TaskStatus[None]) -> None:
    await run(task_status=task_status)


@asynccontextmanager
async def open_rig(
    folder: Path,
    *,
    at: datetime = NOW,
    rate: float = 1.0,
    mode: Mode = "live",
    limits: Limits = DEFAULTS,
    pairs: tuple[FxPair, ...] = (EURUSD,),
    judged: bool = False,
) -> AsyncGenerator[Rig]:
    """A world at market instant `at`; call under an autojumping clock.

    Its securities have no past, so nothing asks for their scores unless `judged`.
    """
    clock = ReplayClock(at, rate=rate, wall=simulated_wall(MACHINE))
    broker = ScriptedBroker(clock.market_now, pairs=pairs)
    made: list[datetime] = []

    async def backup(at: datetime) -> BackupReport:
        made.append(at)
        if (folder / "disk-full").exists():
            raise Unavailable("no backup: the disk is full")
        return BackupReport(folder / "copy.db", 4096, 1, ())

    async with open_store(folder, engine="inline") as store:
        await store.settings.set_mode(mode, "test", clock.machine_now())
        if not judged:
            limits = replace(limits, min_security_score=Decimal(0), min_score_coverage=Decimal(0))
        system = wire(replace(_parts(store, broker, clock, folder, backup), limits=limits))
        async with trio.open_nursery() as nursery:
            rig = Rig(store, broker, clock, system, nursery, folder, made)
            rig.publish_trading(mode)
            (core,) = await store.buckets.all()
            await rig.set_autonomy(core.autonomy or Autonomy("act"))
            yield rig
            nursery.cancel_scope.cancel()


def _parts(
    store: Store,
    broker: Broker,
    clock: ReplayClock,
    folder: Path,
    backup: Callable[[datetime], Awaitable[BackupReport]],
) -> Parts:
    return Parts(
        store=store,
        broker=broker,
        clock=clock,
        calendars=CALENDARS,
        display=NullDisplay(Size(8, 13)),
        runner=run_inline,
        backup=backup,
        data=folder,
        zone=ZoneInfo("Europe/Athens"),
        brightness=50,
        rng=random.Random(1),
    )


def minutes(count: float) -> float:
    return timedelta(minutes=count).total_seconds()
