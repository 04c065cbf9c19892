"""The line to the broker as a world sees it: the near end at our door, the far end at theirs.

trader, sync → NearEnd (crashes, customs, hangs) → FaultyBroker → FarEnd (customs) → exchange
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

import trio

from broker.paper.adapter import PaperBroker
from broker.paper.faults import FaultPlan, FaultyBroker
from broker.port import Accepted, Broker, Capabilities
from ledger.account import AccountSnapshot
from ledger.errors import BrokerError
from ledger.order import OrderDraft
from tests.sim.crash import Bomb
from tests.sim.customs import Customs, Departure

T = TypeVar("T")


class Injected(RuntimeError):
    """A programming error where none is: the actor that meets it dies and is started again."""


class FarEnd:
    """The exchange's door: customs look at an order before the exchange does."""

    def __init__(self, exchange: PaperBroker, customs: Customs) -> None:
        self._exchange = exchange
        self._customs = customs

    async def place(self, draft: OrderDraft) -> Accepted:
        await self._exchange.probe()  # whatever was due before this moment has happened
        self._customs.arriving(draft)
        return await self._exchange.place(draft)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._exchange, name)


class NearEnd:
    """Our door: every call passes the bomb, and orders pass customs.

    `hung` names methods that never answer; `trouble` may raise an error of our own making. After
    `mend` every call goes straight to the exchange.
    """

    def __init__(
        self,
        exchange: PaperBroker,
        plan: FaultPlan,
        *,
        bomb: Bomb,
        customs: Customs,
        now: Callable[[], datetime],
        trouble: Callable[[str], None],
    ) -> None:
        self._far: Broker = FarEnd(exchange, customs)
        self._line: Broker = FaultyBroker(self._far, plan, self._wait)
        self._bomb = bomb
        self._customs = customs
        self._now = now
        self._trouble = trouble
        self.hung: set[str] = set()
        self.departures: list[Departure] = []
        self.calls: list[str] = []

    @property
    def capabilities(self) -> Capabilities:
        return self._far.capabilities

    def mend(self) -> None:
        self._line = self._far
        self.hung.clear()

    async def snapshot(self) -> AccountSnapshot:
        return await self._call("snapshot", self._line.snapshot)

    async def place(self, draft: OrderDraft) -> Accepted:
        self._bomb.check()
        self._customs.leaving(draft)
        departure = Departure(draft.client_order_id, self._now(), trio.current_time())
        self._bomb.at("before_place")
        self.departures.append(departure)
        return await self._call("place", lambda: self._line.place(draft))

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._line, name)

        async def call(*args: Any) -> Any:
            return await self._call(name, lambda: method(*args))

        return call

    async def _call(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        self.calls.append(name)
        self._bomb.at("before_call")
        if name in self.hung:
            await trio.sleep_forever()
        self._trouble(name)
        try:
            answer = await call()
        except BrokerError:
            self._answered(name)
            raise
        self._answered(name)
        return answer

    def _answered(self, name: str) -> None:
        """The exchange has acted, and we are about to learn of it."""
        self._bomb.at("after_call")
        if name == "place":
            self._bomb.at("after_place")
        self._trouble(name)

    async def _wait(self, seconds: float) -> None:
        await trio.sleep(seconds)
        self._bomb.check()
