"""Keeps one actor running: restart with a growing delay, give up, alert, try again later.

The wiring starts one `supervise` per actor. A crash is any Exception; cancellation, interrupts
and the error types named as `fatal` (the store's) are never held back. Once the budget is spent
the actor is `failed`: the owner of the callback is told every time a further attempt fails, so
that a latch that was cleared in between stands again, and attempts go on every RETRY_S.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, cast

import structlog
import trio

from wire.clock import Clock
from wire.health import ActorState, Beat, Health, Rank

RETRY_S = 900.0

log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class Runner(Protocol):
    """An actor's `run`: calls `task_status.started()` once it is truly ready."""

    async def __call__(self, *, task_status: trio.TaskStatus[None]) -> None: ...


GiveUp = Callable[[str, BaseException], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Budget:
    """How many crashes within `window_s` are answered by a restart, and after which delay.

    The delay doubles with every crash that is still within the window; there is no jitter, so
    that a run can be replayed.
    """

    crashes: int = 5
    window_s: float = 600.0
    delay_s: float = 1.0
    delay_max_s: float = 60.0

    def delay_after(self, recent: int) -> float:
        """Seconds to wait after the `recent`-th crash within the window."""
        return min(self.delay_s * 2.0 ** (recent - 1), self.delay_max_s)


BUDGET = Budget()


async def supervise(
    actor: str,
    run: Runner,
    *,
    rank: Rank,
    period_s: float,
    health: Health,
    clock: Clock,
    on_give_up: GiveUp,
    fatal: tuple[type[BaseException], ...] = (),
    budget: Budget = BUDGET,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run `actor` until it returns or is cancelled.

    `period_s` is how often the actor promises a beat. Reports started as soon as the actor is up
    or has crashed once: a broken actor must not keep the fronts from showing that it is broken.
    `on_give_up(actor, error)` stops trading where that matters; an error in it propagates.
    """
    record = _Record(actor, rank, period_s, health, clock, task_status)
    crashes: deque[float] = deque(maxlen=budget.crashes + 1)
    while True:
        record.put("starting")
        error = await _attempt(run, record, fatal)
        if error is None:
            record.put("stopped")
            return
        now_s = trio.current_time()
        crashes.append(now_s)
        while now_s - crashes[0] > budget.window_s:
            crashes.popleft()
        still_failing = record.failed and record.up_for_s < budget.window_s
        if still_failing or len(crashes) > budget.crashes:
            await _give_up(record, error, on_give_up)
        else:
            record.failed = False
            await _restart_later(record, error, budget.delay_after(len(crashes)))


@dataclass(slots=True)
class _Record:
    """What is known about one actor between its attempts."""

    actor: str
    rank: Rank
    period_s: float
    health: Health
    clock: Clock
    task_status: trio.TaskStatus[None]
    restarts: int = 0
    failed: bool = False
    up_since_s: float | None = None
    reported: bool = False

    @property
    def up_for_s(self) -> float:
        return 0.0 if self.up_since_s is None else trio.current_time() - self.up_since_s

    def put(self, state: ActorState, note: str = "") -> None:
        beat = Beat(
            actor=self.actor,
            rank=self.rank,
            state=state,
            since=self.clock.machine_now(),
            period_s=self.period_s,
            last_beat_s=trio.current_time(),
            restarts=self.restarts,
            note=note,
        )
        self.health.put(beat)

    def started(self, value: None = None) -> None:
        """The actor is ready (this object is its task status)."""
        self.up_since_s = trio.current_time()
        self.put("up")
        self.report(value)

    def report(self, value: None = None) -> None:
        if not self.reported:
            self.reported = True
            self.task_status.started(value)


async def _attempt(
    run: Runner, record: _Record, fatal: tuple[type[BaseException], ...]
) -> BaseException | None:
    """One life of the actor: the error that ended it, None when it returned."""
    record.up_since_s = None
    try:
        await run(task_status=record)
    except BaseException as error:  # what must pass is raised again below
        passing, crash = _sort(error, fatal)
        if crash is not None:
            log.exception("actor crashed", actor=record.actor, exc_info=crash)
        if passing is not None:
            raise passing  # noqa: B904 — it is the same error, or a part of it
        return crash
    return None


def _sort(
    error: BaseException, fatal: tuple[type[BaseException], ...]
) -> tuple[BaseException | None, BaseException | None]:
    """Split `error` into the part that must propagate and the part that is a crash."""

    def must_pass(one: BaseException) -> bool:
        return not isinstance(one, Exception) or isinstance(one, fatal)

    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return group.split(lambda one: not isinstance(one, BaseExceptionGroup) and must_pass(one))
    return (error, None) if must_pass(error) else (None, error)


async def _restart_later(record: _Record, error: BaseException, delay_s: float) -> None:
    record.restarts += 1
    record.put("restarting", f"restart {record.restarts} in {delay_s:g} s: {_summary(error)}")
    record.report()
    await trio.sleep(delay_s)


async def _give_up(record: _Record, error: BaseException, on_give_up: GiveUp) -> None:
    record.failed = True
    record.put("failed", f"gave up, next try in {RETRY_S:g} s: {_summary(error)}")
    log.critical("actor given up", actor=record.actor, error=_summary(error), retry_s=RETRY_S)
    await on_give_up(record.actor, error)
    record.report()
    await trio.sleep(RETRY_S)
    record.restarts += 1


def _summary(error: BaseException) -> str:
    """The first real error in one line: a group around it says nothing to its owner."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
