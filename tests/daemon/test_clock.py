"""Market time and machine time under a virtual clock."""

from datetime import UTC, datetime, timedelta

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from daemon.clock import (
    LANDING,
    ReplayClock,
    SystemClock,
    machine_wall,
    monotonic_us,
    next_jump,
    simulated_wall,
)
from wire.clock import Clock

MONDAY = datetime(2009, 1, 5, 1, 25, tzinfo=UTC)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def replay(rate: float) -> ReplayClock:
    return ReplayClock(MONDAY, rate=rate, wall=simulated_wall(EPOCH))


async def test_both_clocks_fit_the_port(autojump_clock: trio.testing.MockClock) -> None:
    clocks: list[Clock] = [SystemClock(), replay(1)]
    assert all(clock.monotonic_s() == trio.current_time() for clock in clocks)


async def test_the_system_clock_reads_the_wall_for_both_times(
    autojump_clock: trio.testing.MockClock,
) -> None:
    clock = SystemClock(simulated_wall(EPOCH))
    await trio.sleep(90)
    assert clock.market_now() == clock.machine_now() == EPOCH + timedelta(seconds=90)


async def test_a_wait_on_the_system_clock_survives_a_stepped_wall(
    autojump_clock: trio.testing.MockClock,
) -> None:
    wall_s = EPOCH.timestamp()

    async def step_the_wall() -> None:
        nonlocal wall_s
        await trio.sleep(30)
        wall_s += 3600.0

    async with trio.open_nursery() as nursery:
        nursery.start_soon(step_the_wall)
        with trio.fail_after(61):
            await SystemClock(lambda: wall_s).wait_until_market(EPOCH + HOUR)


async def test_replayed_time_runs_at_its_rate_and_machine_time_does_not(
    autojump_clock: trio.testing.MockClock,
) -> None:
    clock = replay(600)
    await trio.sleep(6)
    assert clock.market_now() == MONDAY + HOUR
    assert clock.machine_now() == EPOCH + timedelta(seconds=6)


async def test_a_wait_ends_exactly_at_its_market_instant(
    autojump_clock: trio.testing.MockClock,
) -> None:
    clock = replay(600)
    start_s = trio.current_time()
    await clock.wait_until_market(MONDAY + 24 * HOUR)
    assert trio.current_time() - start_s == pytest.approx(144, abs=1e-3)
    assert clock.market_now() >= MONDAY + 24 * HOUR


async def test_a_wait_for_the_past_still_yields(autojump_clock: trio.testing.MockClock) -> None:
    with trio.testing.assert_checkpoints():
        await replay(1).wait_until_market(MONDAY - HOUR)


async def test_a_jump_wakes_whoever_it_has_reached_and_nobody_else(
    autojump_clock: trio.testing.MockClock,
) -> None:
    clock = replay(1)
    woken: list[int] = []

    async def wait(hours: int) -> None:
        await clock.wait_until_market(MONDAY + hours * HOUR)
        woken.append(hours)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, 1)
        nursery.start_soon(wait, 2)
        nursery.start_soon(wait, 3)
        await trio.testing.wait_all_tasks_blocked()
        assert clock.jump_to(MONDAY + 2 * HOUR)
        await trio.testing.wait_all_tasks_blocked()
        assert sorted(woken) == [1, 2]
        assert clock.market_now() == MONDAY + 2 * HOUR
    assert trio.current_time() >= 3600
    assert woken[-1] == 3


async def test_a_jump_never_goes_back(autojump_clock: trio.testing.MockClock) -> None:
    clock = replay(1)
    assert not clock.jump_to(MONDAY)
    assert not clock.jump_to(MONDAY - HOUR)
    assert clock.market_now() == MONDAY


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
async def test_a_rate_must_be_above_zero(rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        ReplayClock(MONDAY, rate=rate)


@pytest.mark.parametrize("rate", [0.001, 1, 600, 1e6])
async def test_a_wait_makes_progress_at_any_rate(
    rate: float, autojump_clock: trio.testing.MockClock
) -> None:
    await replay(rate).wait_until_market(MONDAY + timedelta(microseconds=1))


async def test_the_real_clocks_tell_a_plausible_time() -> None:
    assert machine_wall() > EPOCH.timestamp() - 10 * 365 * 86400
    assert monotonic_us() > 0


@pytest.mark.parametrize(
    ("next_open", "next_due", "busy", "target"),
    [
        (None, None, False, None),
        (None, MONDAY + HOUR, False, None),
        (MONDAY + 3 * HOUR, None, False, MONDAY + 3 * HOUR - LANDING),
        (MONDAY + 3 * HOUR, MONDAY + HOUR, False, MONDAY + HOUR),
        (MONDAY + HOUR, MONDAY + 3 * HOUR, False, MONDAY + HOUR - LANDING),
        (MONDAY + 3 * HOUR, MONDAY + HOUR, True, None),
        (MONDAY + LANDING, None, False, None),
        (MONDAY + 3 * HOUR, MONDAY, False, None),
        (MONDAY + 3 * HOUR, MONDAY - HOUR, False, None),
    ],
)
def test_a_jump_lands_before_the_opening_or_on_the_next_job(
    next_open: datetime | None,
    next_due: datetime | None,
    *,
    busy: bool,
    target: datetime | None,
) -> None:
    found = next_jump(now=MONDAY, next_open=next_open, next_due=next_due, busy=busy)
    assert found == target


@given(
    open_in=st.none() | st.integers(0, 10**6),
    due_in=st.none() | st.integers(-(10**6), 10**6),
    busy=st.booleans(),
)
def test_a_jump_is_forward_and_skips_neither_an_opening_nor_a_job(
    open_in: int | None, due_in: int | None, *, busy: bool
) -> None:
    next_open = None if open_in is None else MONDAY + timedelta(seconds=open_in)
    next_due = None if due_in is None else MONDAY + timedelta(seconds=due_in)
    target = next_jump(now=MONDAY, next_open=next_open, next_due=next_due, busy=busy)
    if target is not None:
        assert not busy
        assert target > MONDAY
        assert next_open is not None
        assert target < next_open
        assert next_due is None or target <= next_due
