"""Everything the daemon is made of, wired on one page: boards, boxes, actors and their ranks.

`main` runs what `wire` returns; the simulation runs the same, with a paper broker, an inline
store and a virtual clock. Reading order: sync → planner → trader → the rest.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import trio

from actors.desk import Desk
from actors.drip import Drip, DripPorts
from actors.intake import Intake
from actors.job import JobDesk
from actors.matrix import Matrix, MatrixPorts
from actors.order_watch import OrderWatch
from actors.planner import Planner, PlannerPorts
from actors.rebalancer import Rebalancer, RebalancerPorts
from actors.schedule import Schedule, SchedulePorts
from actors.situation import Situation
from actors.sync import Sync, SyncPorts
from actors.ticker import Ticker, TickerPorts
from actors.trader import Trader, TraderPorts
from actors.upkeep import Upkeep
from broker.port import Broker, FeeModel
from daemon.supervisor import Runner as ActorRun
from hw.port import Display
from ledger.run import JOBS, Job
from policy.fees import FeeTerms
from policy.limits import DEFAULTS, Limits
from policy.market_hours import Calendars
from store.backup import BackupReport
from store.store import Store
from wire.clock import Clock
from wire.events import EventRing
from wire.health import Health, Rank
from wire.mailbox import AskBox, NudgeBox
from wire.messages import Boards, IntentReady, Nudge
from wire.runner import Runner

INTENTS_BOUND = 16
ORDER_POLL_PAPER_S = 0.5
ORDER_POLL_LIVE_S = 5.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What differs between the device and the simulation."""

    store: Store
    broker: Broker
    clock: Clock
    calendars: Calendars
    display: Display
    runner: Runner
    backup: Callable[[datetime], Awaitable[BackupReport]]
    data: Path
    zone: ZoneInfo
    brightness: int
    rng: random.Random
    limits: Limits = DEFAULTS


@dataclass(frozen=True, slots=True)
class AskBoxes:
    schedule: AskBox
    planner: AskBox
    trader: AskBox
    ticker: AskBox


@dataclass(frozen=True, slots=True)
class Actor:
    """`period_s` is how often it promises a beat."""

    name: str
    rank: Rank
    period_s: float
    run: ActorRun


@dataclass(frozen=True, slots=True)
class System:
    """The wired daemon, ready to run; actors in the order in which they start."""

    boards: Boards
    events: EventRing
    health: Health
    asks: AskBoxes
    nudges: dict[Job, NudgeBox[Nudge]]
    actors: tuple[Actor, ...]


def wire(parts: Parts) -> System:
    """Build every channel, board and actor."""
    boards, events, health = Boards(), EventRing(), Health()
    asks = AskBoxes(*(AskBox(name) for name in ("schedule", "planner", "trader", "ticker")))
    nudges: dict[Job, NudgeBox[Nudge]] = {job: NudgeBox() for job in JOBS}
    send_intents, receive_intents = trio.open_memory_channel[IntentReady](INTENTS_BOUND)
    store, broker, clock, limits = parts.store, parts.broker, parts.clock, parts.limits
    jobs = JobDesk(store.runs, events, clock)
    fees = terms(broker.capabilities.fees)
    fx_fees = terms(broker.capabilities.fx_fees)
    paper = broker.capabilities.paper

    def halt_file() -> bool:
        return (parts.data / "HALT").exists()

    desk = Desk(
        broker=broker,
        orders=store.orders,
        facts=store.facts,
        settings=store.settings,
        portfolio=boards.portfolio,
        clock=clock,
        calendars=parts.calendars,
        limits=limits,
        fees=fees,
        fx_fees=fx_fees,
    )
    situation = Situation(
        orders=store.orders,
        dividends=store.dividends,
        facts=store.facts,
        clock=clock,
        calendars=parts.calendars,
        limits=limits,
        fees=fees,
        fx_fees=fx_fees,
        rng=parts.rng,
    )
    schedule = Schedule(
        SchedulePorts(
            runs=store.runs,
            settings=store.settings,
            jobs=jobs,
            boards=boards,
            events=events,
            health=health,
            clock=clock,
            calendars=parts.calendars,
            mics=partial(_mics, boards),
            asks=asks.schedule,
            nudges=nudges,
            zone=parts.zone,
            broker=broker.capabilities.kind,
            halt_file=halt_file,
            rng=parts.rng,
        )
    )
    sync = Sync(
        SyncPorts(
            intake=Intake(broker, store.facts, store.books, clock),
            securities=store.securities,
            dividends=store.dividends,
            market=store.market,
            snapshots=store.snapshots,
            jobs=jobs,
            boards=boards,
            events=events,
            health=health,
            nudges=nudges["sync"],
            limits=limits,
        )
    )
    trader = Trader(
        TraderPorts(
            desk=desk,
            watch=OrderWatch(desk, nudges["sync"], asks.schedule, set()),
            recovery=store.recovery,
            boards=boards,
            events=events,
            health=health,
            asks=asks.trader,
            intents=receive_intents,
            sync=nudges["sync"],
            halt_file=halt_file,
            poll_s=ORDER_POLL_PAPER_S if paper else ORDER_POLL_LIVE_S,
        )
    )
    planner = Planner(
        PlannerPorts(
            orders=store.orders,
            plans=store.plans,
            situation=situation,
            boards=boards,
            events=events,
            health=health,
            jobs=jobs,
            clock=clock,
            calendars=parts.calendars,
            asks=asks.planner,
            nudges=nudges["plan"],
            intents=send_intents.clone(),
            runner=parts.runner,
            limits=limits,
            autonomous=paper,
        )
    )
    rebalancer = Rebalancer(
        RebalancerPorts(
            situation=situation,
            boards=boards,
            events=events,
            health=health,
            jobs=jobs,
            nudges=nudges["rebalance"],
            intents=send_intents.clone(),
        )
    )
    drip = Drip(
        DripPorts(
            situation=situation,
            boards=boards,
            health=health,
            jobs=jobs,
            nudges=nudges["drip"],
            intents=send_intents,
            autonomous=paper,
        )
    )
    upkeep = Upkeep(parts.backup, jobs, events, health, clock, nudges["backup"])
    ticker = Ticker(
        TickerPorts(boards=boards, events=events, health=health, clock=clock, asks=asks.ticker)
    )
    matrix = Matrix(MatrixPorts(parts.display, boards, health, clock, parts.zone, parts.brightness))
    actors = (
        Actor("schedule", "critical", 5.0, schedule.run),
        Actor("sync", "critical", 20.0, sync.run),
        Actor("trader", "critical", 20.0, trader.run),
        Actor("planner", "deciding", 20.0, planner.run),
        Actor("rebalancer", "deciding", 20.0, rebalancer.run),
        Actor("drip", "deciding", 20.0, drip.run),
        Actor("upkeep", "peripheral", 20.0, upkeep.run),
        Actor("ticker", "peripheral", 20.0, ticker.run),
        Actor("matrix", "peripheral", 5.0, matrix.run),
    )
    return System(boards, events, health, asks, nudges, actors)


def terms(model: FeeModel) -> FeeTerms:
    """A broker's fee model in the words of `policy`."""
    return FeeTerms(model.fixed, model.percent_micro, model.minimum)


def _mics(boards: Boards) -> tuple[str, ...]:
    """The exchanges of the universe, in a fixed order."""
    portfolio = boards.portfolio.value
    universe = portfolio.universe if portfolio else ()
    return tuple(sorted({security.instrument.mic for security in universe}))
