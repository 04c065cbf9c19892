"""Turns what the ticker wants shown into frames for the driver, at the pace of the scene.

Every frame has an absolute deadline, a repeated frame is not sent again, and the board always
carries exactly the pixels that the lights carry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import trio

from hw.frames import Banner, Screen, TradeFlash, next_change_ms, render
from hw.port import KEEPALIVE_S, Display, Frame, Lamps
from wire.clock import Clock
from wire.health import Health
from wire.messages import Boards, DisplayState, TickerText

BEAT_S = 5.0
OPEN_DEADLINE_S = 10.0
CLOSE_DEADLINE_S = 3.0
NIGHT_FROM_HOUR = 23
NIGHT_UNTIL_HOUR = 7


@dataclass(frozen=True, slots=True)
class MatrixPorts:
    display: Display
    boards: Boards
    health: Health
    clock: Clock
    zone: ZoneInfo
    brightness: int


class Matrix:
    """See the module's docstring; `run` never returns, and leaves the lights dark."""

    def __init__(self, ports: MatrixPorts) -> None:
        self._p = ports
        self._shown: Frame | None = None
        self._sent_s = 0.0
        self._beat_s = 0.0
        self._texts: dict[str, Banner] = {}
        self._screen = Screen(brightness=ports.brightness)
        self._screen_of = -1
        self._screen_until_s = 0.0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        try:
            with trio.fail_after(OPEN_DEADLINE_S):
                await self._p.display.open()
            task_status.started()
            await self._render_loop()
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + CLOSE_DEADLINE_S):
                await self._p.display.blank()
                await self._p.display.close()

    async def _render_loop(self) -> None:
        board = self._p.boards.ticker
        while True:
            now_s, wanted, version = trio.current_time(), board.value, board.version
            screen = self._current_screen(wanted, version, now_s)
            await self._show(render(screen, t_ms=_ms(now_s), size=self._p.display.caps.size))
            if wanted is not None:
                await self._p.display.indicate(Lamps(wanted.led3, wanted.led4))
                self._publish(wanted)
            self._beat(now_s)
            frame_s = 1 / self._p.display.caps.max_fps
            due_s = max(next_change_ms(screen, t_ms=_ms(now_s)) / 1000, now_s + frame_s)
            with trio.move_on_at(min(due_s, now_s + KEEPALIVE_S / 2)):
                await board.wait_newer(version)

    def _current_screen(self, wanted: TickerText | None, version: int, now_s: float) -> Screen:
        """Made anew when the ticker said something or the night may have begun, not per frame."""
        if version != self._screen_of or now_s >= self._screen_until_s:
            self._screen = self._make_screen(wanted)
            self._screen_of, self._screen_until_s = version, now_s + BEAT_S
        return self._screen

    def _make_screen(self, wanted: TickerText | None) -> Screen:
        if wanted is None:
            return Screen(brightness=self._p.brightness)
        trade = wanted.trade_at_s
        return Screen(
            error=self._banner("error", wanted.error_text),
            trade=None if trade is None else TradeFlash(wanted.trade_buy, _ms(trade)),
            processing=self._banner("processing", wanted.processing_text),
            syncing=wanted.syncing,
            ticker=self._banner("ticker", wanted.next_actions_text),
            night=self._is_night(self._p.clock.machine_now()),
            brightness=self._p.brightness,
        )

    def _banner(self, key: str, text: str) -> Banner | None:
        """A text keeps scrolling from where it is until it changes."""
        if not text:
            self._texts.pop(key, None)
            return None
        known = self._texts.get(key)
        if known is None or known.text != text:
            known = self._texts[key] = Banner(text, _ms(trio.current_time()))
        return known

    def _is_night(self, now: datetime) -> bool:
        hour = now.astimezone(self._p.zone).hour
        return hour >= NIGHT_FROM_HOUR or hour < NIGHT_UNTIL_HOUR

    async def _show(self, frame: Frame) -> None:
        now_s = trio.current_time()
        if frame == self._shown and now_s - self._sent_s < KEEPALIVE_S:
            return
        await self._p.display.show(frame)
        self._shown, self._sent_s = frame, now_s

    def _publish(self, wanted: TickerText) -> None:
        caps, status = self._p.display.caps, self._p.display.status
        state = DisplayState(
            text=wanted.text,
            pool=wanted.pool,
            mode="TICKER" if wanted.text else "STATS",
            error_text=wanted.error_text,
            processing_text=wanted.processing_text,
            next_actions_text=wanted.next_actions_text,
            led3=wanted.led3,
            led4=wanted.led4,
            rows=caps.rows,
            columns=caps.columns,
            pixels=self._shown.pixels if self._shown else b"",
            driver=status.kind,
            connected=status.connected,
            frames_sent=status.frames_sent,
            last_error=status.last_error,
            since=wanted.since,
        )
        self._p.boards.display.publish(state)

    def _beat(self, now_s: float) -> None:
        if now_s - self._beat_s >= BEAT_S:
            self._beat_s = now_s
            self._p.health.beat("matrix")


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
