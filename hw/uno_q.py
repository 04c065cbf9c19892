"""The LED matrix and the two lamps of an Arduino UNO Q, through the board's router.

Frames are rendered here and sent as eight-level pictures; a small sketch on the
microcontroller, `uno_q_sketch/uno_q_sketch.ino`, shows them. What the two say to each other
(protocol 1):

    ind.hello()                → [1, firmware, rows, columns, levels]
    ind.state(bytes 8)         → true; LED3 r g b, LED4 r g b, sequence of the last frame u16
    ind.frame(sequence, bytes)   notification; two pixels per byte, the left one in the high half
    ind.clear()                → true
    ind.ready()                  a notification of the sketch, after it started

The sketch shows its own offline scene when nothing arrived for 30 s.
"""

import struct
from pathlib import Path
from typing import cast

import trio

from hw.backoff import Backoff
from hw.msgpack_rpc import NoAnswer, RouterClient, RpcError
from hw.paint import luminance
from hw.port import KEEPALIVE_S, Caps, DriverStatus, Frame, HardwareError, Lamps, Size, Tally

ROUTER_SOCKET = Path("/var/run/arduino-router.sock")
MATRIX = Size(rows=8, columns=13)
PROTOCOL = 1
LEVELS = 8
PING_DEADLINE_S = 2.0
OPEN_DEADLINE_S = 30.0
PING_PAUSE_S = 1.0
FIRST_RETRY_S = 3.0
LAST_RETRY_S = 60.0

STATE = struct.Struct(">3B3BH")

# Share of the time a light is on at each of the panel's levels; the last three are equal, so
# only the first of them is used.
_DUTY = (0.0, 1 / 23, 1 / 15, 1 / 5, 1 / 3, 1.0)
_GAMMA = 2.2


def _nearest_level(value: int, brightness: int) -> int:
    wanted = value * brightness / 255
    if wanted < 1:
        return 0
    seen = [255 * duty ** (1 / _GAMMA) for duty in _DUTY]
    # Whatever is meant to be lit stays lit.
    return max(1, min(range(len(seen)), key=lambda level: abs(seen[level] - wanted)))


def level_table(brightness: int) -> bytes:
    """Brightness wanted → level of the panel whose light looks nearest to it."""
    return bytes(_nearest_level(value, brightness) for value in range(256))


def pack_levels(levels: bytes) -> bytes:
    """Two levels per byte, the first in the high half; an odd last one is padded with dark."""
    padded = levels + bytes(len(levels) % 2)
    return bytes(high << 4 | low for high, low in zip(padded[::2], padded[1::2], strict=True))


class UnoQDisplay:
    """Owns the connection: one request at a time, newest frame wins, reconnects by itself.

    `brightness` (0–255) dims everything. Once every KEEPALIVE_S the state goes out as a
    request; its answer is the proof that the sketch lives.
    """

    def __init__(
        self, size: Size = MATRIX, *, socket: Path = ROUTER_SOCKET, brightness: int = 255
    ) -> None:
        self.caps = Caps(size.rows, size.columns, "mono8", max_fps=15)
        self._socket = socket
        self._levels = level_table(brightness)
        self._tally = Tally("unoq")
        self._router: RouterClient | None = None
        self._backoff = Backoff(first_s=FIRST_RETRY_S, last_s=LAST_RETRY_S)
        self._newest: Frame | None = None
        self._lamps = Lamps()
        self._lock = trio.Lock()
        self._sequence = 0
        self._sent: bytes | None = None
        self._state_due_at = 0.0
        self._is_open = False

    @property
    def status(self) -> DriverStatus:
        return self._tally.status()

    async def open(self) -> None:
        """Waits for the sketch, which may still be booting, up to OPEN_DEADLINE_S."""
        try:
            with trio.fail_after(OPEN_DEADLINE_S):
                await self._connect(patient=True)
        except (HardwareError, trio.TooSlowError) as error:
            await self._lose(str(error) or "the sketch did not answer")
            raise HardwareError(f"UNO Q matrix: {error or 'the sketch did not answer'}") from error
        self._is_open = True

    async def show(self, frame: Frame) -> None:
        self.caps.require(frame)
        self._newest = frame
        await self._flush()

    async def indicate(self, lamps: Lamps) -> None:
        if lamps != self._lamps:
            self._lamps = lamps
            self._state_due_at = 0.0
            await self._flush()

    async def blank(self) -> None:
        await self.show(Frame.dark(self.caps.size))

    async def close(self) -> None:
        self._is_open = False
        with trio.CancelScope(shield=True):
            if self._router is not None:
                try:
                    await self._router.call("ind.clear", deadline_s=PING_DEADLINE_S)
                except HardwareError as error:
                    self._tally.last_error = str(error)
                await self._router.aclose()
        self._router = None
        self._tally.connected = False

    async def _flush(self) -> None:
        """Send what is newest; while one sender is busy, others only leave their frame."""
        if self._lock.locked() or not self._is_open:
            return
        async with self._lock:
            try:
                await self._deliver()
            except (HardwareError, trio.TooSlowError) as error:
                await self._lose(str(error) or "the sketch did not answer")

    async def _deliver(self) -> None:
        while True:
            router = self._router or await self._reconnect()
            if router is None:
                return
            await self._send_state(router)
            frame, self._newest = self._newest, None
            if frame is None:
                return
            await self._send_frame(router, frame)

    async def _send_frame(self, router: RouterClient, frame: Frame) -> None:
        packed = pack_levels(luminance(frame.pixels).translate(self._levels))
        if packed == self._sent:
            return
        self._sequence = (self._sequence + 1) % (1 << 16)
        await router.notify("ind.frame", self._sequence, packed)
        self._sent = packed
        self._tally.frames_sent += 1

    async def _send_state(self, router: RouterClient) -> None:
        now = trio.current_time()
        if now < self._state_due_at:
            return
        state = STATE.pack(*self._lamps.led3, *self._lamps.led4, self._sequence)
        await router.call("ind.state", state, deadline_s=PING_DEADLINE_S)
        if router.take_called():  # the sketch started anew: it may be another one
            self._check(await _hello(router, patient=False))
        self._state_due_at = now + KEEPALIVE_S
        self._sent = None  # a notification may have been lost, so the picture goes out again
        self._tally.up()
        self._backoff.worked(now)

    async def _reconnect(self) -> RouterClient | None:
        if not self._backoff.is_due(trio.current_time()):
            return None
        with trio.fail_after(2 * PING_DEADLINE_S):
            return await self._connect(patient=False)

    async def _connect(self, *, patient: bool) -> RouterClient:
        router = RouterClient(self._socket)
        self._router = router
        await router.connect()
        await router.register("ind.ready")
        self._check(await _hello(router, patient=patient))
        self._sent = None
        self._state_due_at = 0.0
        self._tally.up()
        return router

    def _check(self, hello: object) -> None:
        answer = cast(list[object], hello) if isinstance(hello, list) else []
        match answer:
            case [int(protocol), _firmware, int(rows), int(columns), int(levels)]:
                if protocol != PROTOCOL:
                    raise HardwareError(f"the sketch speaks protocol {protocol}, not {PROTOCOL}")
                if (rows, columns) != (self.caps.rows, self.caps.columns):
                    raise HardwareError(f"the sketch drives a matrix of {rows}×{columns}")
                if levels != LEVELS:
                    raise HardwareError(f"the sketch knows {levels} levels, not {LEVELS}")
            case _:
                raise HardwareError(f"the sketch answered {hello!r} to ind.hello")

    async def _lose(self, error: str) -> None:
        router, self._router = self._router, None
        if router is not None:
            with trio.CancelScope(shield=True):
                await router.aclose()
        self._tally.down(error)
        self._backoff.failed(trio.current_time())


async def _hello(router: RouterClient, *, patient: bool) -> object:
    """Ask the sketch who it is; a patient caller asks again until it is there."""
    while True:
        try:
            return await router.call("ind.hello", deadline_s=PING_DEADLINE_S)
        except (RpcError, NoAnswer):
            if not patient:
                raise
        await trio.sleep(PING_PAUSE_S)
