"""An actor is alive while its beats keep coming; the critical ones decide about all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import trio
import trio.testing

from wire.health import ActorState, Beat, Health, Rank

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def beat(actor: str = "trader", rank: Rank = "critical", state: ActorState = "up") -> Beat:
    return Beat(actor, rank, state, SINCE, period_s=10.0, last_beat_s=100.0)


def test_a_beat_is_late_after_three_periods() -> None:
    assert not beat().late(100.0)
    assert not beat().late(130.0)
    assert beat().late(130.1)


@pytest.mark.parametrize("state", ["starting", "restarting", "failed", "stopped"])
def test_only_who_claims_to_be_up_is_late(state: ActorState) -> None:
    assert not beat(state=state).late(1e6)


async def test_a_beat_renews_the_instant_and_keeps_the_rest(
    autojump_clock: trio.testing.MockClock,
) -> None:
    health = Health()
    health.put(replace(beat(), last_beat_s=trio.current_time(), restarts=2, note="quiet"))
    await trio.sleep(40)
    before = health.get("trader")
    assert before is not None
    assert before.late(trio.current_time())
    health.beat("trader")
    assert health.get("trader") == replace(before, last_beat_s=trio.current_time())


async def test_a_note_stays_until_another_is_given() -> None:
    health = Health()
    health.put(beat())
    notes: list[str] = []
    for note in ("reading the account", None, ""):
        health.beat("trader", note)
        notes += [known.note for known in health.all()]
    assert notes == ["reading the account", "reading the account", ""]


async def test_a_beat_of_an_actor_that_was_never_announced_is_no_actor() -> None:
    health = Health()
    health.beat("ghost")
    assert health.all() == ()
    assert health.get("ghost") is None


async def test_health_hangs_on_every_critical_actor(
    autojump_clock: trio.testing.MockClock,
) -> None:
    health, now_s = Health(), trio.current_time()
    for actor in ("trader", "sync"):
        health.put(replace(beat(actor), last_beat_s=now_s))
    assert health.critical_ok()
    await trio.sleep(31)
    health.beat("trader")
    assert not health.critical_ok()
    health.beat("sync")
    assert health.critical_ok()


@pytest.mark.parametrize("state", ["starting", "restarting", "failed", "stopped"])
async def test_a_critical_actor_that_is_not_up_is_not_up_but_not_stuck_either(
    state: ActorState,
) -> None:
    """A trader that was given up halts trading; killing the whole process would not help."""
    health = Health()
    health.put(replace(beat(state=state), last_beat_s=trio.current_time()))
    assert not health.critical_up()
    assert health.critical_ok()


@pytest.mark.parametrize("rank", ["deciding", "peripheral"])
async def test_other_actors_do_not_count(rank: Rank) -> None:
    health = Health()
    health.put(beat("matrix", rank, "failed"))
    assert health.critical_ok()


def test_a_second_announcement_replaces_the_first() -> None:
    health = Health()
    health.put(beat(state="starting"))
    health.put(beat(state="up"))
    assert [known.state for known in health.all()] == ["up"]
