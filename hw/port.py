"""The display port: what a picture is and what every driver promises.

The render loop knows only these types; `hw.open` chooses the driver behind them.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

Colour = tuple[int, int, int]
ColourMode = Literal["mono8", "rgb"]

# A driver may blank its panel or show an offline scene when nothing arrives for longer than
# this, so the render loop repeats even an unchanged frame at least this often.
KEEPALIVE_S = 2.0

OFF: Colour = (0, 0, 0)


class HardwareError(Exception):
    """The device, its driver or the road to it cannot do what was asked."""


@dataclass(frozen=True, slots=True)
class Size:
    """The extent of a matrix, in pixels."""

    rows: int
    columns: int

    def __post_init__(self) -> None:
        if not (1 <= self.rows <= 256 and 1 <= self.columns <= 256):
            raise ValueError(f"display of {self.rows}×{self.columns}: both must be 1–256")


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: `pixels` holds red, green, blue per pixel, row by row from the top left.

    Two frames compare by one memory comparison, so skipping a repeated frame costs nothing.
    """

    width: int
    height: int
    pixels: bytes

    def __post_init__(self) -> None:
        expected = 3 * self.width * self.height
        if len(self.pixels) != expected:
            raise ValueError(
                f"frame of {self.width}×{self.height} needs {expected} bytes, "
                f"got {len(self.pixels)}"
            )

    @classmethod
    def dark(cls, size: Size) -> "Frame":
        return cls(size.columns, size.rows, bytes(3 * size.columns * size.rows))


@dataclass(frozen=True, slots=True)
class Lamps:
    """The two indicator lamps some boards carry beside their matrix."""

    led3: Colour = OFF
    led4: Colour = OFF


@dataclass(frozen=True, slots=True)
class Caps:
    """What a display can show; the render loop never exceeds `max_fps`."""

    rows: int
    columns: int
    colour: ColourMode
    max_fps: int

    @property
    def size(self) -> Size:
        return Size(self.rows, self.columns)

    def require(self, frame: Frame) -> None:
        """Refuse a frame of another size: that is a fault of the caller, never of the world."""
        if (frame.height, frame.width) != (self.rows, self.columns):
            raise ValueError(
                f"frame of {frame.height}×{frame.width} on a display of {self.rows}×{self.columns}"
            )


@dataclass(frozen=True, slots=True)
class DriverStatus:
    """How the driver is doing, for health and the dashboard."""

    kind: str
    connected: bool
    frames_sent: int
    last_error: str | None


@dataclass(slots=True)
class Tally:
    """The running counts behind a driver's status."""

    kind: str
    connected: bool = False
    frames_sent: int = 0
    last_error: str | None = None

    def status(self) -> DriverStatus:
        return DriverStatus(self.kind, self.connected, self.frames_sent, self.last_error)

    def up(self) -> None:
        self.connected = True
        self.last_error = None

    def down(self, error: str) -> None:
        self.connected = False
        self.last_error = error


class Display(Protocol):
    """A matrix of lights.

    `open` raises HardwareError when the device cannot be used. After that `show`, `indicate`
    and `blank` never raise for a device that went away: the driver reconnects by itself,
    drops what it could not deliver and says so in `status`. The newest frame always wins.
    `close` leaves the panel dark and may be called twice, or without `open`.
    """

    @property
    def caps(self) -> Caps: ...

    @property
    def status(self) -> DriverStatus: ...

    async def open(self) -> None: ...

    async def show(self, frame: Frame) -> None: ...

    async def indicate(self, lamps: Lamps) -> None:
        """Set the indicator lamps; a display without any ignores it."""
        ...

    async def blank(self) -> None: ...

    async def close(self) -> None: ...
