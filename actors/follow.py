"""Waiting for what wakes an actor: a newer portfolio or a nudge, whichever comes first.

Used by drip and rebalancer, which decide on every portfolio and whenever somebody asks them to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

import trio

from ledger.portfolio import PortfolioSnapshot
from wire.board import Latest
from wire.health import Health
from wire.mailbox import NudgeBox
from wire.messages import Boards, Nudge

BEAT_S = 20.0


@dataclass(slots=True)
class _Woken:
    """What came; nothing when it is only time for a beat."""

    nudge: Nudge | None = None
    newer: tuple[int, PortfolioSnapshot] | None = None


async def follow(
    actor: str,
    *,
    boards: Boards,
    nudges: NudgeBox[Nudge],
    health: Health,
    portfolio: Callable[[PortfolioSnapshot], Awaitable[object]],
    nudged: Callable[[Nudge], Awaitable[object]],
) -> NoReturn:
    """Call `portfolio` with each newest snapshot and `nudged` with each nudge, one at a time.

    Of portfolios published while a call runs only the newest is seen. A nudge goes first: it was
    taken out of its box, while the portfolio stays on its board.
    """
    version = 0
    while True:
        health.beat(actor)
        woken = await _wake(boards.portfolio, nudges, version)
        if woken.nudge is not None:
            await nudged(woken.nudge)
        if woken.newer is not None:
            version, snapshot = woken.newer
            await portfolio(snapshot)


async def _wake(board: Latest[PortfolioSnapshot], nudges: NudgeBox[Nudge], version: int) -> _Woken:
    """Whatever comes within a beat; both when both are there."""
    woken = _Woken()

    async def nudge(first: trio.CancelScope) -> None:
        woken.nudge = await nudges.receive()
        first.cancel()

    async def newer(first: trio.CancelScope) -> None:
        woken.newer = await board.wait_newer(version)
        first.cancel()

    with trio.move_on_after(BEAT_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(nudge, nursery.cancel_scope)
            nursery.start_soon(newer, nursery.cancel_scope)
    return woken
