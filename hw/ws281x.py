"""Matrices of addressable lights (WS2812 and kin), by PWM or by SPI.

This side turns a frame into duty cycles in wire order; the helper process talks to the device.
"""

from dataclasses import dataclass

import trio

from hw.backoff import Backoff
from hw.helper import Helper
from hw.layout import Layout, usual_layout, wire_order
from hw.light import gamma_table, limit_current
from hw.port import Caps, DriverStatus, Frame, HardwareError, Lamps, Size, Tally
from hw.strip_child import Options

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 60.0
FORBIDDEN_DMA = 5  # writes over the memory card of one board


@dataclass(frozen=True, slots=True, kw_only=True)
class StripSettings:
    """The panel: wiring, dimming (0–255) and what its supply can deliver."""

    layout: Layout | None = None
    brightness: int = 255
    limit_ma: int = 1000

    def __post_init__(self) -> None:
        if not 0 <= self.brightness <= 255:
            raise ValueError(f"brightness {self.brightness}: must be 0–255")
        if self.limit_ma < 1:
            raise ValueError(f"current limit {self.limit_ma} mA: must be at least 1")


class StripDisplay:
    """Feeds the helper and starts it again, ever more slowly, when it ends."""

    def __init__(
        self,
        size: Size,
        *,
        options: Options,
        settings: StripSettings | None = None,
        helper: Helper | None = None,
    ) -> None:
        if options.kind == "ws281x" and options.dma == FORBIDDEN_DMA:
            raise ValueError(f"DMA channel {FORBIDDEN_DMA} destroys data on the memory card")
        self.caps = Caps(size.rows, size.columns, "rgb", max_fps=30)
        self._settings = settings or StripSettings()
        self._gamma = gamma_table(self._settings.brightness)
        self._order = wire_order(self._settings.layout or usual_layout(size), size)
        self._helper = helper or Helper(options)
        self._tally = Tally(options.kind)
        self._is_open = False
        self._retry = Backoff(first_s=FIRST_RETRY_S, last_s=LAST_RETRY_S)

    @property
    def status(self) -> DriverStatus:
        return self._tally.status()

    async def open(self) -> None:
        try:
            await self._helper.start()
        except HardwareError as error:
            self._tally.down(str(error))
            raise
        self._is_open = True
        self._tally.up()

    async def show(self, frame: Frame) -> None:
        self.caps.require(frame)
        if not (self._tally.connected or await self._restart()):
            return
        try:
            await self._helper.send(self.wire_bytes(frame))
        except HardwareError as error:
            await self._lose(error)
            return
        self._tally.frames_sent += 1
        self._retry.worked(trio.current_time())

    async def indicate(self, lamps: Lamps) -> None:
        """These panels have no lamps."""

    async def blank(self) -> None:
        await self.show(Frame.dark(self.caps.size))

    async def close(self) -> None:
        self._is_open = False
        await self._helper.stop()
        self._tally.connected = False

    def wire_bytes(self, frame: Frame) -> bytes:
        """The duty cycles of a frame in the order of the wire, within the current limit."""
        lit = limit_current(frame.pixels.translate(self._gamma), limit_ma=self._settings.limit_ma)
        return self._order(lit)

    async def _restart(self) -> bool:
        if not (self._is_open and self._retry.is_due(trio.current_time())):
            return False
        try:
            await self._helper.start()
        except HardwareError as error:
            await self._lose(error)
            return False
        self._tally.up()
        return True

    async def _lose(self, error: HardwareError) -> None:
        await self._helper.stop()
        self._tally.down(str(error))
        self._retry.failed(trio.current_time())
