"""What wakes drip and rebalancer."""

from __future__ import annotations

from typing import Any

import trio
import trio.testing

from actors.follow import BEAT_S, follow
from tests.support.builders import NOW
from wire.health import Beat, Health
from wire.mailbox import NudgeBox
from wire.messages import Boards, Nudge


class Listener:
    """Notes what it is called with; `hold` keeps a call from ending."""

    def __init__(self) -> None:
        self.boards = Boards()
        self.nudges: NudgeBox[Nudge] = NudgeBox()
        self.health = Health()
        self.seen: list[Any] = []
        self.hold = trio.Event()
        self.hold.set()

    async def start(self, nursery: trio.Nursery) -> None:
        nursery.start_soon(self._run)
        await trio.testing.wait_all_tasks_blocked()

    async def _run(self) -> None:
        await follow(
            "drip",
            boards=self.boards,
            nudges=self.nudges,
            health=self.health,
            portfolio=self._note,
            nudged=self._note,
        )

    async def _note(self, what: object) -> None:
        self.seen.append(what)
        await self.hold.wait()

    def publish(self, name: Any) -> None:
        self.boards.portfolio.publish(name)


async def test_a_nudge_is_answered_without_waiting_for_a_portfolio(nursery: trio.Nursery) -> None:
    listener = Listener()
    await listener.start(nursery)
    asked = trio.current_time()
    listener.nudges.nudge(Nudge("asked"))
    await trio.testing.wait_all_tasks_blocked()
    assert listener.seen == [Nudge("asked")]
    assert trio.current_time() == asked


async def test_every_portfolio_is_seen_once_and_only_the_newest(nursery: trio.Nursery) -> None:
    listener = Listener()
    await listener.start(nursery)
    listener.publish("first")
    listener.publish("second")
    await trio.testing.wait_all_tasks_blocked()
    assert listener.seen == ["second"]
    await trio.sleep(3 * BEAT_S)
    assert listener.seen == ["second"]


async def test_a_nudge_and_a_portfolio_at_once_are_both_seen(nursery: trio.Nursery) -> None:
    listener = Listener()
    listener.publish("portfolio")
    listener.nudges.nudge(Nudge("asked"))
    await listener.start(nursery)
    assert listener.seen == [Nudge("asked"), "portfolio"]


async def test_what_comes_during_a_call_is_seen_after_it(nursery: trio.Nursery) -> None:
    listener = Listener()
    listener.hold = trio.Event()
    listener.publish("first")
    await listener.start(nursery)
    listener.publish("second")
    listener.nudges.nudge(Nudge("asked"))
    await trio.testing.wait_all_tasks_blocked()
    assert listener.seen == ["first"]
    listener.hold.set()
    await trio.testing.wait_all_tasks_blocked()
    assert listener.seen == ["first", Nudge("asked"), "second"]


async def test_it_beats_while_nothing_happens(nursery: trio.Nursery) -> None:
    listener = Listener()
    listener.health.put(Beat("drip", "deciding", "up", NOW, BEAT_S, trio.current_time()))
    await listener.start(nursery)
    await trio.sleep(10 * BEAT_S)
    beat = listener.health.get("drip")
    assert beat is not None
    assert not beat.late(trio.current_time())
