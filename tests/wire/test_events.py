"""The ring keeps the newest events in order and tells a reader when it missed some."""

from __future__ import annotations

from datetime import UTC, datetime

import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from wire.events import RING, Event, EventRing

AT = datetime(2026, 1, 1, tzinfo=UTC)


def emit(ring: EventRing, count: int = 1) -> list[Event]:
    return [
        ring.emit("TRADE_EXECUTED", source="trader", at=AT, data={"n": n}) for n in range(count)
    ]


def test_numbers_rise_by_one_from_the_first() -> None:
    ring = EventRing()
    assert ring.last_seq == 0
    assert [event.seq for event in emit(ring, 3)] == [1, 2, 3]
    assert ring.last_seq == 3
    assert emit(EventRing(first_seq=500))[0].seq == 500


@given(st.integers(0, 20), st.integers(0, 20))
def test_replay_gives_what_is_newer_in_order_and_once(count: int, seen: int) -> None:
    ring = EventRing()
    made = emit(ring, count)
    newer, lost = ring.after(seen)
    assert newer == made[seen:]
    assert lost == (seen > count)


def test_a_reader_that_follows_loses_nothing() -> None:
    ring, got, seq = EventRing(), list[Event](), 0
    made: list[Event] = []
    for batch in (1, 0, 7, 300, 999, 1000):
        made += emit(ring, batch)
        newer, lost = ring.after(seq)
        assert not lost
        got += newer
        seq = ring.last_seq
    assert got == made


def test_the_ring_is_bounded_and_drops_the_oldest() -> None:
    ring = EventRing()
    made = emit(ring, RING + 5)
    kept, lost = ring.after(0)
    assert kept == made[5:]
    assert lost


def test_lost_begins_just_behind_the_oldest_event_kept() -> None:
    ring = EventRing()
    emit(ring, RING + 5)
    assert ring.after(5)[1] is False
    assert len(ring.after(5)[0]) == RING
    assert ring.after(4)[1] is True


def test_a_reader_ahead_of_the_ring_must_start_over() -> None:
    ring = EventRing()
    emit(ring, 3)
    assert ring.after(4) == ([], True)
    assert ring.after(3) == ([], False)


def test_a_reader_older_than_a_ring_without_events_must_start_over() -> None:
    ring = EventRing(first_seq=500)
    assert ring.after(300) == ([], True)
    assert ring.after(499) == ([], False)


async def test_waiting_ends_with_the_first_newer_event(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ring = EventRing()
    emit(ring, 2)

    async def emit_later() -> None:
        await trio.sleep(30)
        emit(ring)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(emit_later)
        with trio.move_on_after(29) as early:
            await ring.wait_after(2)
        assert early.cancelled_caught
        with trio.fail_after(2):
            await ring.wait_after(2)
    assert [event.seq for event in ring.after(2)[0]] == [3]


async def test_who_is_behind_does_not_wait() -> None:
    ring = EventRing()
    emit(ring, 2)
    with trio.fail_after(0):
        await ring.wait_after(1)


async def test_every_stream_is_woken_and_reads_for_itself() -> None:
    ring, seen = EventRing(), list[int]()

    async def follow() -> None:
        await ring.wait_after(0)
        seen.append(len(ring.after(0)[0]))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(follow)
        await trio.testing.wait_all_tasks_blocked()
        emit(ring, 2)
    assert seen == [2, 2, 2]
