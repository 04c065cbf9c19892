"""A display that shows nothing: boards without a matrix, simulations and tests."""

from hw.port import Caps, DriverStatus, Frame, Lamps, Size, Tally


class NullDisplay:
    """Counts the frames and remembers the newest."""

    def __init__(self, size: Size) -> None:
        self.caps = Caps(size.rows, size.columns, "rgb", max_fps=30)
        self.last: Frame | None = None
        self.lamps = Lamps()
        self._tally = Tally("null")

    @property
    def status(self) -> DriverStatus:
        return self._tally.status()

    async def open(self) -> None:
        self._tally.up()

    async def show(self, frame: Frame) -> None:
        self.caps.require(frame)
        self.last = frame
        self._tally.frames_sent += 1

    async def indicate(self, lamps: Lamps) -> None:
        self.lamps = lamps

    async def blank(self) -> None:
        self.last = Frame.dark(self.caps.size)

    async def close(self) -> None:
        await self.blank()
        self._tally.connected = False
