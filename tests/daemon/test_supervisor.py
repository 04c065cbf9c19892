"""Restarts at exact instants, giving up, and what is never held back."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import structlog.testing
import trio
import trio.testing

from daemon.clock import SystemClock, simulated_wall
from daemon.supervisor import RETRY_S, Budget, supervise
from wire.health import Health

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class StoreLost(Exception):
    """Stands for an error that no restart of one actor can mend."""


@dataclass
class World:
    """One supervised actor whose every life is scripted: seconds until it crashes, or None."""

    lives: Sequence[float | None]
    error: Callable[[], BaseException] = lambda: ValueError("boom")
    ready_after_s: float | None = 0.0
    starts: list[float] = field(default_factory=list[float])
    crashes: list[float] = field(default_factory=list[float])
    given_up: list[float] = field(default_factory=list[float])
    health: Health = field(default_factory=Health)
    began_s: float = 0.0

    def now_s(self) -> float:
        return round(trio.current_time() - self.began_s, 6)

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        life = self.lives[len(self.starts)] if len(self.starts) < len(self.lives) else None
        self.starts.append(self.now_s())
        if self.ready_after_s is not None:
            await trio.sleep(self.ready_after_s)
            task_status.started()
        if life is None:
            await trio.sleep_forever()
        await trio.sleep(life or 0)
        self.crashes.append(self.now_s())
        raise self.error()

    async def gave_up(self, actor: str, error: BaseException) -> None:
        assert actor == "trader"
        assert isinstance(error, Exception)
        self.given_up.append(self.now_s())

    def state(self) -> str:
        beat = self.health.get("trader")
        assert beat is not None
        return beat.state

    def note(self) -> str:
        beat = self.health.get("trader")
        assert beat is not None
        return beat.note

    @asynccontextmanager
    async def running(self, **options: object) -> AsyncGenerator[trio.Nursery, None]:
        with structlog.testing.capture_logs():
            async with trio.open_nursery() as nursery:
                self.began_s = trio.current_time()
                await nursery.start(self.task(**options))
                yield nursery
                nursery.cancel_scope.cancel()

    def task(self, **options: object) -> Callable[..., Awaitable[None]]:
        async def supervised(
            *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
        ) -> None:
            await supervise(
                "trader",
                self.run,
                rank="deciding",
                period_s=30,
                health=self.health,
                clock=SystemClock(simulated_wall(EPOCH)),
                on_give_up=self.gave_up,
                task_status=task_status,
                **options,  # type: ignore[arg-type]
            )

        return supervised


async def test_s1_a_crashing_actor_is_restarted_with_back_off_and_then_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(lives=[5.0] * 7)
    async with world.running():
        await trio.sleep(62)
        assert world.crashes == [5, 11, 18, 27, 40, 61]
        assert world.given_up == [61]
        assert world.state() == "failed"


async def test_s1_a_failed_actor_is_tried_again_and_every_failure_is_told(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(lives=[5.0] * 8)
    async with world.running():
        await trio.sleep(61 + 2 * (RETRY_S + 5) + 1)
        assert world.given_up == [61, 61 + RETRY_S + 5, 61 + 2 * (RETRY_S + 5)]
        await trio.sleep(RETRY_S)
        assert world.state() == "up"


async def test_a_calm_window_gives_the_budget_back(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(lives=[5.0] * 6 + [700.0] + [5.0] * 2)
    async with world.running():
        await trio.sleep(61 + RETRY_S + 700 + 0.5)
        assert len(world.given_up) == 1
        assert world.state() == "restarting"
        await trio.sleep(1)
        assert world.state() == "up"


async def test_the_delay_starts_small_again_after_calm(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(lives=[1.0, 1.0, 601.0, 1.0])
    async with world.running():
        await trio.sleep(700)
    assert world.starts == [0, 2, 5, 607, 610]


async def test_the_delay_is_capped(autojump_clock: trio.testing.MockClock) -> None:
    budget = Budget(crashes=100, window_s=1e6)
    assert [budget.delay_after(n) for n in (1, 2, 6, 7, 50)] == [1, 2, 32, 60, 60]


async def test_an_actor_that_never_gets_ready_does_not_hold_up_the_start(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(lives=[3.0, None], ready_after_s=None)
    async with world.running():
        assert world.now_s() == 3
        assert world.state() == "restarting"
        assert world.note() == "restart 1 in 1 s: ValueError: boom"
        await trio.sleep(2)
        assert world.state() == "starting"


async def test_the_start_waits_for_an_actor_that_works(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(lives=[None], ready_after_s=4.0)
    async with world.running():
        assert world.now_s() == 4
        assert world.state() == "up"


async def test_an_actor_that_returns_is_stopped_and_not_restarted(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(lives=[])

    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()

    world.run = run  # type: ignore[method-assign]
    await world.task()()
    assert world.state() == "stopped"


@pytest.mark.parametrize("grouped", [False, True])
async def test_a_fatal_error_is_never_held_back(
    autojump_clock: trio.testing.MockClock, *, grouped: bool
) -> None:
    def lost() -> BaseException:
        error = StoreLost("disk")
        if not grouped:
            return error
        return BaseExceptionGroup("g", [ExceptionGroup("h", [error, ValueError()])])

    world = World(lives=[1.0], error=lost)
    passed = pytest.raises(BaseExceptionGroup if grouped else StoreLost)
    with structlog.testing.capture_logs() as logs, passed as caught:
        await world.task(fatal=(StoreLost,))()
    assert [str(error) for error in _leaves(caught.value)] == ["disk"]
    assert len(world.starts) == 1
    assert len(logs) == int(grouped)


async def test_an_interrupt_passes(autojump_clock: trio.testing.MockClock) -> None:
    world = World(lives=[1.0], error=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        await world.task()()


async def test_a_crash_while_being_stopped_is_logged_and_does_not_stop_the_stop(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def stubborn(*, task_status: trio.TaskStatus[None]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(_fail_when_cancelled)
            task_status.started()

    world = World(lives=[])
    world.run = stubborn  # type: ignore[method-assign]
    with structlog.testing.capture_logs() as logs, trio.move_on_after(5) as scope:
        await world.task()()
    assert scope.cancelled_caught
    assert [line["event"] for line in logs] == ["actor crashed"]


async def test_a_group_of_ordinary_errors_is_one_crash(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(
        lives=[1.0, None], error=lambda: ExceptionGroup("g", [ValueError("inner"), TypeError()])
    )
    async with world.running():
        await trio.sleep(1.5)
        assert world.note() == "restart 1 in 1 s: ValueError: inner"


async def test_an_alert_that_cannot_be_raised_takes_the_daemon_down(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(lives=[0.0] * 9)

    async def fails(actor: str, error: BaseException) -> None:
        raise StoreLost(actor)

    world.gave_up = fails  # type: ignore[method-assign]
    with structlog.testing.capture_logs(), pytest.raises(StoreLost):
        await world.task()()


async def test_each_crash_is_logged_with_its_error(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World(lives=[1.0, None])
    with structlog.testing.capture_logs() as logs, trio.move_on_after(10):
        await world.task()()
    [line] = logs
    assert line["log_level"] == "error"
    assert line["actor"] == "trader"
    assert isinstance(line["exc_info"], ValueError)


async def _fail_when_cancelled() -> None:
    try:
        await trio.sleep_forever()
    finally:
        raise ValueError("while stopping")


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
