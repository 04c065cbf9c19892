"""What the daemon is wired from and what comes out: the parts, the actors, the system.

`wiring` turns Parts into a System; `main` runs it, the fronts and the simulation look into it.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from broker.port import Broker
from daemon.fx_routes import FxRoute
from daemon.supervisor import Runner as ActorRun
from hw.button import Button
from hw.port import Display
from ledger.run import Job
from policy.limits import DEFAULTS, Limits
from policy.market_hours import Calendars
from store.backup import BackupReport
from store.store import Store
from wire.ask_boxes import AskBoxes
from wire.clock import Clock
from wire.events import EventRing
from wire.health import Health, Rank
from wire.kill_switch import KillSwitch
from wire.mailbox import NudgeBox
from wire.messages import Boards, Nudge
from wire.runner import Runner


@dataclass(frozen=True, slots=True)
class Parts:
    """What differs between the device and the simulation; no `routes` means the broker's pairs."""

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
    button: Button | None = None
    routes: tuple[FxRoute, ...] = ()


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
    kill: KillSwitch
    actors: tuple[Actor, ...]
