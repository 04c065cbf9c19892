"""The daemon's life: nested blocks, opened in order and left in reverse.

    lock ⊃ log ⊃ store ⊃ broker ⊃ actors ⊃ fronts

Leaving a block stops what is in it, so the order of stopping is the indentation: first nobody can
ask any more, then the actors end (the trader finishes the commit it is in, the matrix goes dark),
then the broker, then the store.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial

import structlog
import trio

from daemon.config import Config
from daemon.fronts import Fronts, bind_http
from daemon.halt_button import open_configured
from daemon.lock import hold
from daemon.logs import logging_to
from daemon.names import check_rooms
from daemon.paper_world import PaperWorld, hurry, open_paper_world
from daemon.supervisor import supervise
from daemon.system import Parts, System
from daemon.watchdog import EXIT_STOPPED, Notifier
from daemon.wiring import wire
from hw.open import make_display
from hw.port import HardwareError
from ledger.errors import ActorUnavailable, BrokerError, StartError, StoreFailed
from ledger.halt import Latch
from store.backup import back_up
from store.identity import stamp
from store.store import BACKUP_FOLDER, Store, open_store
from wire.messages import RaiseLatch
from wire.runner import ThreadRunner

log = structlog.get_logger("daemon")

FRONTS_STOP_S = 3.0
LATCH_S = 2.0
CLEAN_STOP = "clean_stop"
# When one of these is given up, nothing may be traded until the owner says so.
HALTING = frozenset({"schedule", "sync", "trader"})


@dataclass(frozen=True, slots=True)
class _Phases:
    """`ready` once every actor has started; `stop` once a signal has asked for the end."""

    ready: trio.Event = field(default_factory=trio.Event)
    stop: trio.Event = field(default_factory=trio.Event)


async def run(config: Config, notifier: Notifier) -> int:
    """Live until a signal; returns the exit code. Raises StartError when it cannot start.

    Signals are obeyed from here to the very end: one that comes during the start leads through
    the ordinary stop, and one that comes while stopping does not cut it short.
    """
    check_rooms()
    phases = _Phases()
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_obey, signals, phases, notifier)
            await _open(config, notifier, phases)
            nursery.cancel_scope.cancel()
    return EXIT_STOPPED


async def _obey(signals: AsyncIterator[int], phases: _Phases, notifier: Notifier) -> None:
    async for number in signals:
        if number == signal.SIGHUP:
            _reload(notifier, ready=phases.ready.is_set())
        else:
            phases.stop.set()


def _reload(notifier: Notifier, *, ready: bool) -> None:
    """SIGHUP: nothing of the file may change while orders are tracked, so only say so."""
    log.info("reload", detail="the configuration is read at start; restart to apply changes")
    if ready:
        notifier.reloading()
        notifier.ready()


async def _open(config: Config, notifier: Notifier, phases: _Phases) -> None:
    """The outer blocks, and the life inside them."""
    journal = "JOURNAL_STREAM" in os.environ
    with (
        hold(config.data),
        logging_to(config.data, journal=journal) as logs,
        bind_http(config.http) as listening,
    ):
        async with open_store(config.data, engine="aio") as store, _paper(config, store) as world:
            await _claim(store, world)
            fronts = Fronts(config, store, listening, logs.redactor.know)
            await _Life(config, notifier, store, world, phases).live(fronts)


@asynccontextmanager
async def _paper(config: Config, store: Store) -> AsyncGenerator[PaperWorld, None]:
    recorded = await store.recovery.newest_market_instant()
    world = await open_paper_world(config.paper, config.data, recorded=recorded)
    try:
        yield world
    finally:
        # The exchange keeps every event when it happens; closing only notes the time.
        with trio.CancelScope(shield=True), suppress(BrokerError):
            await world.broker.close()


async def _claim(store: Store, world: PaperWorld) -> None:
    """Stamp a new ledger with its account; refuse one that belongs to another."""
    capabilities = world.broker.capabilities
    created = await stamp(
        store.ledger, broker_kind=capabilities.kind, account_ref=capabilities.account_ref
    )
    # On paper orders go to the paper exchange from the start; a real account starts in research.
    if created and capabilities.paper:
        await store.settings.set_mode("live", by="creation", at=world.clock.machine_now())


@dataclass(frozen=True, slots=True)
class _Life:
    """One run of the wired system, from the first actor to the last."""

    config: Config
    notifier: Notifier
    store: Store
    world: PaperWorld
    phases: _Phases

    async def live(self, fronts: Fronts) -> None:
        with open_configured(self.config.halt) as button:
            await self._run(wire(replace(self._parts(), button=button)), fronts)
        await self.store.settings.put(CLEAN_STOP, "yes")
        log.info("stopped")

    async def _run(self, system: System, fronts: Fronts) -> None:
        unclean = await self._mark_running()
        async with trio.open_nursery() as actors:
            actors.start_soon(self._start_actors, system, actors)
            actors.start_soon(self._say_recovery, system, unclean)
            actors.start_soon(hurry, self.world, system.boards, system.health)
            await self._serve(fronts, system)
            actors.cancel_scope.cancel()

    def _parts(self) -> Parts:
        display = self.config.display
        try:
            matrix = make_display(
                display.driver,
                rows=display.rows,
                columns=display.columns,
                png_path=self.config.data / "display.png",
            )
        except (HardwareError, ValueError) as error:
            raise StartError(f"[display] driver = {display.driver}: {error}") from error
        seed = self.config.paper.seed
        return Parts(
            store=self.store,
            broker=self.world.broker,
            clock=self.world.clock,
            calendars=self.world.calendars,
            display=matrix,
            runner=ThreadRunner(),
            backup=partial(back_up, self.store.ledger, self.config.data / BACKUP_FOLDER),
            data=self.config.data,
            zone=self.config.timezone,
            brightness=display.brightness,
            routes=self.config.routes,
            # Names of runs and plans; the instant in them keeps two lives of the daemon apart.
            rng=random.Random(seed),
        )

    async def _mark_running(self) -> bool:
        """Note that the daemon runs; True when its last life did not end by stopping."""
        before = await self.store.settings.get(CLEAN_STOP)
        await self.store.settings.put(CLEAN_STOP, "no")
        return before == "no"

    async def _start_actors(self, system: System, actors: trio.Nursery) -> None:
        """One after the other, each ready before the next begins."""
        for actor in system.actors:
            await actors.start(
                partial(
                    supervise,
                    actor.name,
                    actor.run,
                    rank=actor.rank,
                    period_s=actor.period_s,
                    health=system.health,
                    clock=self.world.clock,
                    on_give_up=partial(self._given_up, system),
                    fatal=(StoreFailed,),
                )
            )
        self.phases.ready.set()

    async def _given_up(self, system: System, actor: str, error: BaseException) -> None:
        """Trading must not go on without an actor that it depends on."""
        if actor not in HALTING:
            return
        reason = f"{actor} was given up: {error}"
        try:
            await system.asks.schedule.ask(
                RaiseLatch("actor_failed", reason, by="supervisor"), deadline_s=LATCH_S
            )
        except ActorUnavailable:
            system.kill.engage()
            latch = Latch("actor_failed", reason, self.world.clock.machine_now())
            await self.store.settings.set_latch(latch, by="supervisor")

    async def _say_recovery(self, system: System, unclean: bool) -> None:
        """Tell the owner what start-up found unfinished and how the books stand."""
        await self.phases.ready.wait()
        recovery, portfolio = system.boards.recovery.value, system.boards.portfolio.value
        lines = recovery.lines if recovery else ()
        balanced = portfolio is not None and not portfolio.differences
        log.info(
            "recovered" if unclean else "started",
            unclean_stop=unclean,
            orders=list(lines),
            books="agree with the broker" if balanced else "differ from the broker",
            market_time=self.world.clock.market_now().isoformat(),
        )

    async def _serve(self, fronts: Fronts, system: System) -> None:
        """Run the fronts until a signal asks to stop, and a bounded while longer."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.notifier.run, system.health.critical_ok)
            nursery.start_soon(self._notify_ready)
            nursery.start_soon(self._bound_the_end, nursery.cancel_scope)
            await fronts.serve(system, self.world, self.phases.stop)
            nursery.cancel_scope.cancel()

    async def _bound_the_end(self, serving: trio.CancelScope) -> None:
        await self.phases.stop.wait()
        self.notifier.stopping()
        serving.deadline = trio.current_time() + FRONTS_STOP_S

    async def _notify_ready(self) -> None:
        await self.phases.ready.wait()
        self.notifier.ready()
        self.notifier.status(f"{self.world.broker.capabilities.kind}, ready")
