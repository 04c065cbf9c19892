"""The paper exchange with its market, its calendars and its clock, as the configuration says.

A first start begins at the configured market instant; a later one resumes where the exchange
stopped, so that no market time is lost or lived twice. It never resumes before what the ledger has
recorded: the exchange notes quiet time only now and then, and a kill may come in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from importlib.resources import files
from pathlib import Path

import trio

from broker.market_data import MarketData
from broker.market_folder import demo_folder, load_market_folder
from broker.market_spill import spilled
from broker.paper.adapter import PaperBroker
from broker.paper.storage import last_processed
from daemon.clock import LANDING, ReplayClock, WallClock, machine_wall, next_jump
from daemon.config import PaperConfig
from daemon.heap import release_unused
from policy.market_hours import Calendars, resolve_mic
from wire.health import Health
from wire.messages import Boards

# The recovery of 2009: a year of the shipped market in which buying was rewarded.
FIRST_DAY = date(2009, 1, 5)
PAPER_FILE = "paper.db"
HURRY_TICK_S = 0.25
# Near the pace of the real world there is nothing to hurry for; a sleeping board saves power.
SLOW_TICK_S = 1.0
SLOW_RATE = 10.0
# Between two jumps the world is left alone for a moment, so that everybody sees the new hour.
JUMP_PAUSE_S = 1.0
# How far market time has come is noted this often, so that a crash loses little of it.
NOTE_MARKET_S = 600.0
NOTE_MAX_S = 60.0


@dataclass(frozen=True, slots=True)
class PaperWorld:
    broker: PaperBroker
    clock: ReplayClock
    calendars: Calendars
    mics: tuple[str, ...]


def load_calendars() -> Calendars:
    """The compiled table that ships with the program."""
    return Calendars.from_json(files("policy").joinpath("calendars.json").read_text("utf-8"))


async def open_paper_world(
    config: PaperConfig,
    data: Path,
    *,
    recorded: datetime | None = None,
    wall: WallClock = machine_wall,
    threads: bool = True,
) -> PaperWorld:
    """Load the market and open the exchange in `data`. Raises StartError.

    `recorded` is the newest market instant of the ledger, None when it is new.
    """
    folder = config.market or demo_folder()

    def load() -> MarketData:
        return spilled(load_market_folder(folder, opening=config.opening), data)

    market = await trio.to_thread.run_sync(load) if threads else load()
    release_unused()
    calendars = load_calendars()
    mics = exchanges(market)
    start = config.start or default_start(market, calendars, mics)
    reached = last_processed(data / PAPER_FILE) or start
    anchor = reached if recorded is None else max(reached, recorded)
    clock = ReplayClock(anchor, rate=config.rate, wall=wall)

    def session(mic: str, day: date) -> Sequence[tuple[datetime, datetime]]:
        known = calendars.session(mic, day)
        return () if known is None else [(i.opens_at, i.closes_at) for i in known.intervals]

    broker = PaperBroker(
        market,
        data / PAPER_FILE,
        seed=config.seed,
        start=start,
        now=clock.market_now,
        monotonic_s=clock.monotonic_s,
        session=session,
        resolve=_mic,
        note_every_s=min(NOTE_MAX_S, NOTE_MARKET_S / config.rate),
    )
    return PaperWorld(broker, clock, calendars, mics)


def exchanges(market: MarketData) -> tuple[str, ...]:
    """The exchanges of the market, in a fixed order."""
    return tuple(sorted({_mic(row.exchange) for row in market.securities.values()}))


def _mic(exchange: str) -> str:
    return resolve_mic(exchange) or exchange


def default_start(market: MarketData, calendars: Calendars, mics: Iterable[str]) -> datetime:
    """Five minutes before the first session on FIRST_DAY, or on the market's own first day."""
    day = FIRST_DAY if market.first_day < FIRST_DAY < market.last_day else market.first_day
    midnight = datetime.combine(day, time(), UTC)
    openings = [calendars.next_open(mic, midnight) for mic in mics]
    known = [opening for opening in openings if opening is not None]
    return min(known) - LANDING if known else midnight


async def hurry(world: PaperWorld, boards: Boards, health: Health) -> None:
    """Jump over hours in which every market is closed and nothing is due; never returns."""
    jumped_s = trio.current_time()
    tick_s = SLOW_TICK_S if world.clock.rate <= SLOW_RATE else HURRY_TICK_S
    while True:
        await trio.sleep(tick_s)
        now = world.clock.market_now()
        busy = _busy(world, boards, now) or trio.current_time() - jumped_s < JUMP_PAUSE_S
        target = next_jump(
            now=now,
            next_open=_next_open(world, now),
            next_due=_next_due(boards),
            busy=busy or not health.critical_up(),
        )
        if target is not None and world.clock.jump_to(target):
            jumped_s = trio.current_time()


def _busy(world: PaperWorld, boards: Boards, now: datetime) -> bool:
    """A market is open, an order is in flight, or a plan is being made."""
    if any(world.calendars.is_open(mic, now) for mic in world.mics):
        return True
    if any(intent.in_flight for intent in boards.orders.value or ()):
        return True
    planner = boards.planner.value
    return planner is not None and planner.state in ("generating", "evaluating")


def _next_open(world: PaperWorld, now: datetime) -> datetime | None:
    openings = [world.calendars.next_open(mic, now) for mic in world.mics]
    return min((opening for opening in openings if opening is not None), default=None)


def _next_due(boards: Boards) -> datetime | None:
    """The next job of the calendar; the routine sync keeps its own pace and does not count."""
    jobs = boards.jobs.value or ()
    return min((job.next_due for job in jobs if job.next_due and job.job != "sync"), default=None)
