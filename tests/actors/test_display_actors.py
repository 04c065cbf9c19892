"""Ticker and matrix: what is said, in which pool, and that the board shows what the lights show."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import trio

from hw.port import KEEPALIVE_S, Frame
from ledger.errors import Unavailable
from ledger.halt import Latch
from ledger.money import Price, Quantity
from ledger.order import OrderDraft, OrderState
from policy.display_pools import Pool
from tests.actors.rig import Rig
from wire.messages import Nudge, ShowText, TradingState


class TestTicker:
    async def test_the_line_says_value_and_cash(self, rig: Rig) -> None:
        await rig.start("sync", "ticker")
        await trio.sleep(2)
        shown = rig.boards.ticker.value
        assert shown.pool == Pool.NEXT_ACTIONS.value
        assert "10,800" in shown.text or "10800" in shown.text

    async def test_a_halt_is_an_error_until_it_is_over(self, rig: Rig) -> None:
        await rig.start("sync", "ticker")
        latch = Latch("owner", "asked to", rig.clock.machine_now())
        rig.boards.trading.publish(TradingState("live", "scripted", (latch,)))
        await trio.sleep(2)
        assert rig.boards.ticker.value.text == "HALTED: OWNER"
        assert rig.boards.ticker.value.pool == Pool.ERROR.value
        rig.publish_trading()
        await trio.sleep(2)
        assert rig.boards.ticker.value.pool == Pool.NEXT_ACTIONS.value

    async def test_a_lost_broker_is_an_error_until_it_is_back(self, rig: Rig) -> None:
        await rig.start("sync", "ticker")
        rig.broker.errors["snapshot"] = Unavailable("away")
        await rig.sync()
        await trio.sleep(2)
        assert "BROKER CONNECTION FAILED" in rig.boards.ticker.value.error_text
        rig.broker.errors.clear()
        await rig.sync()
        await trio.sleep(2)
        assert rig.boards.ticker.value.error_text == ""

    async def test_an_order_in_flight_is_being_processed_until_it_ends(self, rig: Rig) -> None:
        await rig.start("sync", "trader", "ticker")
        intent = await rig.propose()
        rig.system.nudges["sync"].nudge(Nudge("test"))
        await rig.until_state(intent, OrderState.ACTIVE)
        await trio.sleep(3)
        assert rig.boards.ticker.value.pool == Pool.PROCESSING.value
        rig.broker.fill("B1")
        await rig.until_state(intent, OrderState.FILLED)
        await trio.sleep(3)
        assert rig.boards.ticker.value.processing_text == ""

    async def test_a_fill_is_news_for_half_a_minute(self, rig: Rig) -> None:
        await rig.start("sync", "trader", "ticker")
        intent = await rig.propose()
        await rig.until_state(intent, OrderState.ACTIVE)
        rig.broker.fill("B1")
        await rig.until_state(intent, OrderState.FILLED)
        await trio.sleep(3)
        assert "DEMO-A" in rig.boards.ticker.value.next_actions_text
        assert rig.boards.ticker.value.trade_buy
        await trio.sleep(35)
        assert "BOUGHT" not in rig.boards.ticker.value.next_actions_text

    async def test_a_fill_of_no_order_of_ours_is_told_as_foreign(self, rig: Rig) -> None:
        await rig.start("sync", "ticker")
        limit = Price.of("100", "EUR")
        rig.broker.place_foreign(OrderDraft(0, "DEMO-A.EU", "BUY", Quantity.of(2), limit))
        rig.broker.fill("X1")
        await rig.sync()
        await trio.sleep(2)
        assert "FOREIGN BOUGHT 2 DEMO-A €200" in rig.boards.ticker.value.next_actions_text

    async def test_a_deposit_is_news(self, rig: Rig) -> None:
        await rig.start("sync", "ticker")
        rig.broker.deposit("250")
        await rig.sync()
        await trio.sleep(2)
        assert "DEPOSIT" in rig.boards.ticker.value.next_actions_text

    async def test_the_owners_text_is_shown_for_its_time(self, rig: Rig) -> None:
        await rig.start("sync", "ticker")
        shown = await rig.system.asks.ticker.ask(ShowText("HELLO", 10.0), deadline_s=5)
        assert shown == "HELLO"
        assert rig.boards.ticker.value.text == "HELLO"
        await trio.sleep(12)
        assert "HELLO" not in rig.boards.ticker.value.text


class TestMatrix:
    async def test_the_board_carries_exactly_the_frames_that_were_sent(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent, display = list[Frame](), _display(rig)
        show = display.show

        async def record(frame: Frame) -> None:
            sent.append(frame)
            await show(frame)

        monkeypatch.setattr(display, "show", record)
        await rig.start("sync", "ticker", "matrix")
        seen = 0
        for _ in range(100):
            await trio.sleep(0.05)
            state = rig.boards.display.value
            if state is not None:
                seen += 1
                assert state.pixels == sent[-1].pixels
        assert seen > 50
        assert len({frame.pixels for frame in sent}) > 3

    async def test_a_frame_that_stays_the_same_is_only_sent_to_keep_the_line_alive(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent, display = list[tuple[Frame, float]](), _display(rig)
        show = display.show

        async def record(frame: Frame) -> None:
            sent.append((frame, trio.current_time()))
            await show(frame)

        monkeypatch.setattr(display, "show", record)
        await rig.start("matrix")
        await trio.sleep(10)
        assert len(sent) > 5
        for (before, before_s), (after, after_s) in pairwise(sent):
            assert after != before or after_s - before_s >= KEEPALIVE_S

    async def test_stopping_leaves_the_lights_dark(self, rig: Rig) -> None:
        display = _display(rig)
        await rig.start("sync", "ticker")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.actor("matrix"))
            await trio.sleep(3)
            assert any(display.last.pixels)
            nursery.cancel_scope.cancel()
        assert not any(display.last.pixels)
        assert not display.status.connected

    async def test_a_driver_that_fails_brings_only_the_matrix_down(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def broken(frame: Frame) -> None:
            raise OSError("cable")

        monkeypatch.setattr(_display(rig), "show", broken)
        with pytest.raises(OSError, match="cable"):
            await rig.actor("matrix")()
        assert not _display(rig).status.connected


def _display(rig: Rig) -> Any:
    matrix: Any = rig.actor("matrix")
    return matrix.__self__._p.display
