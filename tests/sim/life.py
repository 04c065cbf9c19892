"""One run of the daemon as its script sees it: what to wait for, what to ask, what to break."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import trio

from broker.paper.adapter import PaperBroker
from daemon.clock import ReplayClock
from daemon.system import System
from ledger.halt import LatchName
from store.store import Store
from tests.sim.crash import Bomb
from tests.sim.line import Injected, NearEnd
from tests.sim.market import SmallMarket
from wire.messages import RaiseLatch, Resume


@dataclass(slots=True)
class Trouble:
    """Errors of our own making: `chance` is their probability at commits, calls and computations.

    `only` limits them to one place (a commit boundary, a method of the broker, "a computation"),
    `armed` says when they may happen.
    """

    seed: str
    chance: float = 0.0
    only: str | None = None
    armed: bool = True
    struck: int = 0
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(f"trouble {self.seed}")

    def strike(self, where: str) -> None:
        if not self.armed or self.only not in (None, where):
            return
        if self.chance and self.rng.random() < self.chance:
            self.struck += 1
            raise Injected(f"a flaw at {where}")


@dataclass(slots=True)
class Life:
    """One run of the daemon, as its script sees it."""

    folder: Path
    market: SmallMarket
    committed: Callable[[], Awaitable[None]]
    system: System
    store: Store
    exchange: PaperBroker
    line: NearEnd
    clock: ReplayClock
    bomb: Bomb
    trouble: Trouble
    files: sqlite3.Connection

    async def until(self, instant: datetime) -> None:
        await self.clock.wait_until_market(instant)

    def ask(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        """Rows out of what is durable now, in the ledger and the exchange's file (`paper.`)."""
        return [tuple(row) for row in self.files.execute(sql, params)]

    async def when(self, sql: str, *, within_s: float = 600.0) -> None:
        """Until `sql` finds something durable; fails after `within_s` machine seconds."""
        with trio.fail_after(within_s):
            while not self.ask(sql):  # noqa: ASYNC110 — nobody says so: it may be the exchange's
                await trio.sleep(0.5)

    async def halt(self, name: LatchName = "owner") -> None:
        await self.system.asks.schedule.ask(RaiseLatch(name, "asked to", "test"), deadline_s=5)

    async def resume(self, *names: LatchName) -> None:
        await self.system.asks.schedule.ask(Resume(names or ("owner",), True, "test"), deadline_s=5)


Script = Callable[[Life], Awaitable[None]]


async def proposal(life: Life) -> None:
    """Until an actor commits the next intent, to the very turn of the scheduler."""
    newest = "SELECT max(intent_id) FROM intent"
    before = life.ask(newest)
    with trio.fail_after(600):
        while life.ask(newest) == before:
            await life.committed()
