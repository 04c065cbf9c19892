"""The app on hypercorn and fake boards, in a thread, so that a test can move the boards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import trio
from hypercorn.config import Config
from hypercorn.trio import serve

from ledger.order import OrderState
from tests.browser.planner_actor import play_planner
from tests.web.chart_answers import CHART, SPARKLINES
from tests.web.world import World, full_world, intent, owner_latch, trading
from wire.chart_asks import Sparklines
from wire.messages import RaiseLatch, Resume, SetMode
from wire.order_asks import CancelOrder, Resolve

T = TypeVar("T")
START_S = 20.0


class Served:
    """A running server; `do` runs a function inside its trio loop."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[object] = []
        self.charts: list[object] = []
        self._ready = threading.Event()
        self._token: trio.lowlevel.TrioToken | None = None
        self._world: World | None = None
        self._error: BaseException | None = None

    @property
    def world(self) -> World:
        assert self._world is not None
        return self._world

    def do(self, function: Callable[[], T]) -> T:
        return trio.from_thread.run_sync(function, trio_token=self._token)

    def wait_ready(self) -> None:
        assert self._ready.wait(START_S), "the server did not start"
        assert self._error is None, self._error

    def run(self) -> None:
        try:
            trio.run(self._serve)
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._world = full_world()
        config = Config()
        config.bind = ["127.0.0.1:0"]
        config.graceful_timeout = 2
        config.errorlog = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._schedule)
            nursery.start_soon(self._trader)
            nursery.start_soon(self._analyst)
            nursery.start_soon(play_planner, self.world, self.asked)
            nursery.start_soon(self._beats)
            served = partial(serve, self.world.app(), config, mode="asgi")
            binds = await nursery.start(partial(served, shutdown_trigger=self.world.shutdown.wait))
            self.url = binds[0]
            self._ready.set()
            await self.world.shutdown.wait()
            nursery.cancel_scope.deadline = trio.current_time() + 5
            nursery.start_soon(self._stop_actors, nursery)

    async def _stop_actors(self, nursery: trio.Nursery) -> None:
        await trio.sleep(0.5)
        nursery.cancel_scope.cancel()

    async def _beats(self) -> None:
        """Keep every actor alive."""
        while True:
            for beat in self.world.health.all():
                self.world.health.beat(beat.actor)
            await trio.sleep(1)

    async def _schedule(self) -> None:
        """Play the schedule actor: publish what was asked and answer it."""
        while True:
            ask = await self.world.asks.schedule.receive()
            self.asked.append(ask.request)
            match ask.request:
                case RaiseLatch():
                    self._publish(halted=True)
                    ask.slot.answer((owner_latch(),))
                case Resume():
                    self._publish(halted=False)
                    ask.slot.answer(())
                case SetMode(mode=mode):
                    self.world.boards.trading.publish(trading(mode=mode))
                    ask.slot.answer(mode)
                case other:
                    raise AssertionError(other)
            self.world.tell("SYSTEM_STATUS_CHANGED")

    async def _trader(self) -> None:
        """Play the trader: an order is withdrawn at once, a question is answered."""
        while True:
            ask = await self.world.asks.trader.receive()
            self.asked.append(ask.request)
            match ask.request:
                case CancelOrder():
                    ask.slot.answer(intent(3, "IBE.EU", "BUY", OrderState.CANCELLED))
                case Resolve():
                    self.world.views.questions = ()
                    ask.slot.answer("it is followed")
                case other:
                    raise AssertionError(other)
            self.world.tell("ORDER_CHANGED")

    async def _analyst(self) -> None:
        """Play the analyst: one line for every chart."""
        while True:
            ask = await self.world.asks.analyst.receive()
            self.charts.append(ask.request)
            shown = SPARKLINES if isinstance(ask.request, Sparklines) else CHART
            ask.slot.answer(shown)

    def _publish(self, *, halted: bool) -> None:
        self.world.boards.trading.publish(trading(owner_latch()) if halted else trading())


@contextmanager
def serving_world() -> Iterator[Served]:
    served = Served()
    thread = threading.Thread(target=served.run, daemon=True)
    thread.start()
    try:
        served.wait_ready()
        yield served
    finally:
        served.do(served.world.shutdown.set)
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"
