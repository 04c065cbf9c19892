"""A lost device is tried again, ever more slowly."""

from hw.backoff import Backoff


def test_the_first_try_is_due_at_once() -> None:
    assert Backoff(first_s=3, last_s=60).is_due(0)


def test_delays_double_up_to_the_last() -> None:
    backoff = Backoff(first_s=3, last_s=60)
    delays: list[int] = []
    now = 100.0
    for _ in range(7):
        backoff.failed(now)
        delay = next(one for one in range(1, 100) if backoff.is_due(now + one))
        delays.append(delay)
        now += delay
    assert delays == [3, 6, 12, 24, 48, 60, 60]


def test_delays_start_over_after_a_calm_while_only() -> None:
    backoff = Backoff(first_s=1, last_s=10)
    for now in (0.0, 1.0, 3.0):
        backoff.failed(now)
    backoff.worked(5.0)
    backoff.failed(6.0)
    assert not backoff.is_due(13.9)
    backoff.worked(20.0)
    backoff.failed(21.0)
    assert backoff.is_due(22.0)
