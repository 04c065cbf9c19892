"""The calendar of jobs, and the owner of settings, halt latches and run records.

Jobs run on market time. Every change of the mode or of a latch is asked of this actor, which
commits it before it answers, and publishes the result.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import trio
from cronsim import CronSim

from actors.job import JobDesk
from actors.market_views import market_views
from actors.setting_desk import SettingDesk
from actors.silence import SILENT_AFTER_S, Silence
from ledger.errors import Busy, Conflict, Refused
from ledger.halt import Latch, LatchName
from ledger.ids import ulid
from ledger.order import Mode
from ledger.run import JOBS, Job, RunRecord, Trigger
from policy.market_hours import Calendars
from store.runs import Runs
from store.settings import Settings
from wire.board import in_force
from wire.clock import Clock
from wire.events import EventRing, EventType
from wire.health import Health
from wire.kill_switch import KillSwitch
from wire.mailbox import Ask, AskBox, NudgeBox, serving
from wire.messages import (
    Boards,
    JobView,
    Nudge,
    RaiseLatch,
    Resume,
    RunJob,
    SetMode,
    TradingState,
    nudge_for,
)
from wire.setting_asks import ListSettings, PutSetting, SettingView

# On a replay five market minutes pass in no time; the machine still gets a rest between syncs.
SYNC_FLOOR_S = 2.0
# A broker that did not answer is asked again this soon, or one bad read would count as silence.
ASK_AGAIN = timedelta(minutes=5)
BACKUP_CRON = "30 3 * * *"
# A replay has many nights in an hour of the machine; a copy of each would only wear the card.
BACKUP_FLOOR_S = 3600.0
TICK_S = 1.0
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SchedulePorts:
    runs: Runs
    settings: Settings
    jobs: JobDesk
    boards: Boards
    events: EventRing
    health: Health
    clock: Clock
    calendars: Calendars
    mics: Callable[[], tuple[str, ...]]
    asks: AskBox
    nudges: Mapping[Job, NudgeBox[Nudge]]
    zone: ZoneInfo
    broker: str
    halt_file: Callable[[], bool]
    kill: KillSwitch
    desk: SettingDesk
    rng: random.Random


class Schedule:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: SchedulePorts) -> None:
        self._p = ports
        self._first_life = True
        # Latches are read, changed and shown by one task at a time, or an older view of them
        # could release the switch that a newer one engaged.
        self._latching = trio.Lock()
        self._silence = Silence()
        self._last_sync: datetime | None = None
        self._next_sync_s = 0.0
        self._next_backup: datetime | None = None
        self._next_backup_s = 0.0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        if self._first_life:
            await self._p.runs.interrupt_open(self._p.clock.machine_now())
            self._first_life = False
        for ignored in await self._p.desk.load():
            self._emit("ERROR_OCCURRED", text="A SETTING IS IGNORED", error=ignored)
        await self._publish_trading()
        self._next_backup = await self._first_backup()
        await self._publish_boards()
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve)
            nursery.start_soon(self._tick)

    # The calendar

    async def _tick(self) -> None:
        while True:
            self._p.health.beat("schedule")
            await self._watch_halt_file()
            await self._watch_silence()
            # Whoever records facts may have set a latch in the same transaction.
            await self._publish_trading()
            self._start_sync_when_due()
            await self._start_backup_when_due()
            await self._publish_boards()
            with trio.move_on_after(TICK_S):
                await self._p.clock.wait_until_market(self._next_instant())

    def _next_instant(self) -> datetime:
        now = self._p.clock.market_now()
        next_sync = self._next_sync
        if self._p.clock.monotonic_s() < self._next_sync_s or next_sync is None:
            return self._next_backup or now + self._sync_every
        return next_sync

    @property
    def _next_sync(self) -> datetime | None:
        """None before the first one."""
        if self._last_sync is None:
            return None
        link = self._p.boards.link.value
        lost = link is not None and not link.connected
        return self._last_sync + (min(self._sync_every, ASK_AGAIN) if lost else self._sync_every)

    @property
    def _sync_every(self) -> timedelta:
        return in_force(self._p.desk.rules).sync_every

    def _start_sync_when_due(self) -> None:
        now, now_s = self._p.clock.market_now(), self._p.clock.monotonic_s()
        next_sync = self._next_sync
        if now_s < self._next_sync_s or (next_sync is not None and now < next_sync):
            return
        self._last_sync, self._next_sync_s = now, now_s + SYNC_FLOOR_S
        self._p.nudges["sync"].nudge(Nudge("routine"))

    async def _first_backup(self) -> datetime:
        """The next backup after the last one; a missed one is made up for once."""
        last = await self._p.runs.last_of("backup")
        return self._after(last.market_at if last else self._p.clock.market_now())

    def _after(self, instant: datetime) -> datetime:
        due: datetime = next(CronSim(BACKUP_CRON, instant.astimezone(self._p.zone)))
        return due.astimezone(instant.tzinfo)

    async def _start_backup_when_due(self) -> None:
        now = self._p.clock.market_now()
        if self._next_backup is None or now < self._next_backup:
            return
        self._next_backup = self._after(now)
        if self._p.clock.monotonic_s() < self._next_backup_s:
            return
        self._next_backup_s = self._p.clock.monotonic_s() + BACKUP_FLOOR_S
        try:
            await self._open_run("backup", "schedule", "nightly")
        except Busy:
            return  # one is being made already

    async def _open_run(
        self, job: Job, trigger: Trigger, reason: str, only: int | None = None
    ) -> RunRecord:
        requested = self._p.clock.machine_now()
        record = await self._p.runs.open(
            ulid(requested, self._p.rng),
            job,
            trigger,
            requested_at=requested,
            market_at=self._p.clock.market_now(),
        )
        self._p.jobs.queue(record)
        nudge_for(self._p.nudges[job], reason, only)
        return record

    async def _watch_halt_file(self) -> None:
        standing = self._p.boards.trading.value
        known = standing is not None and any(x.name == "file" for x in standing.latches)
        if self._p.halt_file() and not known:
            await self._raise("file", "the HALT file is there", by="file")

    async def _watch_silence(self) -> None:
        """A broker that says nothing through a quarter of an hour of open session halts trading."""
        now = self._p.clock.market_now()
        silent = self._silence.observe(
            self._p.boards.link.value,
            market_open=any(self._p.calendars.is_open(mic, now) for mic in self._p.mics()),
            now_s=self._p.clock.monotonic_s(),
        )
        if not silent:
            return
        self._silence.silent_s = 0.0
        minutes = SILENT_AFTER_S / 60
        text = f"the broker was silent for {minutes:.0f} min of open session"
        await self._raise("broker_silent", text, by="schedule")
        self._emit("ERROR_OCCURRED", text="BROKER SILENT", error=text)

    # Asks

    async def _serve(self) -> None:
        while True:
            ask = await self._p.asks.receive()
            async with serving(ask):
                ask.slot.answer(await self._answer(ask))

    async def _answer(self, ask: Ask) -> object:
        match ask.request:
            case SetMode(mode, confirm, by):
                return await self._set_mode(mode, confirm=confirm, by=by)
            case RaiseLatch(name, reason, by):
                return await self._raise(name, reason, by=by)
            case Resume() as resume:
                return await self._resume(resume)
            case ListSettings():
                return self._p.desk.all()
            case PutSetting() as put:
                return await self._put(put)
            case RunJob(job, trigger, only):
                return await self._run_job(job, trigger, only)
            case other:
                raise AssertionError(f"schedule does not answer {other!r}")

    async def _set_mode(self, mode: Mode, *, confirm: bool, by: str) -> Mode:
        if mode == "live" and not confirm:
            raise Refused("going live needs confirm: true", code="confirmation_required")
        before = await self._p.settings.mode()
        await self._p.settings.set_mode(mode, by=by, at=self._p.clock.machine_now())
        await self._p.desk.load()
        await self._publish_trading()
        if mode != before:
            self._emit("SETTINGS_CHANGED", key="trading_mode", value=mode)
        return mode

    async def _put(self, asked: PutSetting) -> SettingView:
        """Keep a setting; what leaves everything as it is, is no news."""
        before = self._p.desk.rules.version
        view = await self._p.desk.put(asked)
        if self._p.desk.rules.version != before:
            self._emit("SETTINGS_CHANGED", key=view.key, value=view.value)
        return view

    async def _raise(self, name: LatchName, reason: str, *, by: str) -> tuple[Latch, ...]:
        # The switch first: nothing may slip through while the latch is written.
        self._p.kill.engage()
        latch = Latch(name, reason, self._p.clock.machine_now())
        async with self._latching:
            self._p.kill.engage()
            await self._p.settings.set_latch(latch, by=by)
            return (await self._show_trading()).latches

    async def _resume(self, resume: Resume) -> tuple[Latch, ...]:
        if not resume.confirm:
            raise Refused("resuming needs confirm: true", code="confirmation_required")
        if "file" in resume.names and self._p.halt_file():
            raise Conflict("remove the HALT file first", code="halt_file_present")
        at = self._p.clock.machine_now()
        async with self._latching:
            await self._p.settings.clear_latches(resume.names, by=resume.by, at=at)
            return (await self._show_trading()).latches

    async def _run_job(self, job: Job, trigger: Trigger, only: int | None) -> RunRecord:
        running, reason = self._p.jobs.running(job), f"asked by {trigger}"
        if running is not None:
            raise Busy(f"{job} is already running", run_id=running.run_id)
        waiting = self._p.jobs.waiting(job)
        if waiting is not None:
            # Its actor may have crashed with the nudge in its hand.
            if not self._p.nudges[job].waiting:
                self._p.nudges[job].nudge(Nudge(reason))
            raise Busy(f"{job} waits to be started", run_id=waiting)
        return await self._open_run(job, trigger, reason, only)

    # Boards

    async def _publish_trading(self) -> TradingState:
        async with self._latching:
            return await self._show_trading()

    async def _show_trading(self) -> TradingState:
        """Show mode and latches as they are stored, and let the switch follow them."""
        state = TradingState(
            mode=await self._p.settings.mode(),
            broker=self._p.broker,
            latches=await self._p.settings.latches(),
        )
        self._p.kill.follow(latched=state.halted)
        before = self._p.boards.trading.value
        if state != before:
            self._p.boards.trading.publish(state)
        if before is not None and before != state:
            latches = ", ".join(latch.name for latch in state.latches)
            self._emit(
                "SYSTEM_STATUS_CHANGED", mode=state.mode, halted=state.halted, latches=latches
            )
        return state

    async def _publish_boards(self) -> None:
        jobs = tuple([await self._job_view(job) for job in JOBS])
        if jobs != self._p.boards.jobs.value:
            self._p.boards.jobs.publish(jobs)
        now, portfolio = self._p.clock.market_now(), self._p.boards.portfolio.value
        markets = market_views(self._p.mics(), self._p.calendars, portfolio, now)
        if markets != self._p.boards.markets.value:
            self._p.boards.markets.publish(markets)

    async def _job_view(self, job: Job) -> JobView:
        schedules: dict[Job, tuple[str, datetime | None]] = {
            "sync": (f"every {self._sync_every // MINUTE} min", self._next_sync),
            "backup": ("03:30", self._next_backup),
            "prices": ("after each session", None),
            "score": ("on new prices", None),
        }
        schedule, due = schedules.get(job, ("on change", None))
        return JobView(
            job=job,
            schedule=schedule,
            next_due=due,
            last=await self._p.jobs.latest(job),
            consecutive_failures=self._p.jobs.failures_in_a_row(job),
            progress=self._p.jobs.progress(job),
        )

    def _emit(self, type_: EventType, **data: str | bool) -> None:
        self._p.events.emit(type_, source="schedule", at=self._p.clock.machine_now(), data=data)
