"""A push button between a pin and ground: the owner's hand on the machine, without a network.

Opened by the daemon when the configuration names a pin. Whoever wires a button relies on it, so
that a missing package or chip is an error here and never a button that does nothing.
"""

from collections.abc import Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import trio

from hw.port import HardwareError

DEBOUNCE_S = 0.05
CHIP = Path("/dev/gpiochip0")
CONSUMER = "trimtab halt button"


class Button(Protocol):
    """Something that is pressed now and then."""

    async def pressed(self) -> None:
        """Return as soon as it is pressed; cancelling loses no press."""
        ...


class Line(Protocol):
    """A requested pin as the gpiod package hands it out."""

    @property
    def fd(self) -> int:
        """Readable when an edge was seen."""
        ...

    def read_edge_events(self, max_events: int | None = None) -> Sequence[object]:
        """Take what was seen; blocks when that is nothing."""
        ...

    def release(self) -> None: ...


class LineButton:
    """A button on a line that reports falling edges.

    The first edge counts at once. What follows it within DEBOUNCE_S is the spring of the contact.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._counted_s = float("-inf")

    async def pressed(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._line.fd)
            self._line.read_edge_events()
            now_s = trio.current_time()
            if now_s - self._counted_s >= DEBOUNCE_S:
                self._counted_s = now_s
                return

    def close(self) -> None:
        """Give the pin back."""
        self._line.release()


def open_button(pin: int, *, chip: Path = CHIP, package: str = "gpiod") -> LineButton:
    """The button on line `pin` of `chip`, pulled up. Raises HardwareError with what is missing."""
    try:
        gpiod = import_module(package)
    except ImportError as error:
        reason = f"needs the package {package}: pip install trimtab[button]"
        raise HardwareError(f"button on pin {pin} of {chip}: {reason}") from error
    try:
        return LineButton(_request(gpiod, chip, pin))
    except (OSError, ValueError) as error:
        raise HardwareError(
            f"button on pin {pin} of {chip} (by {package}): cannot be opened: {error}"
        ) from error


def _request(gpiod: Any, chip: Path, pin: int) -> Any:
    """Pressed is low. The kernel drops what is shorter than DEBOUNCE_S before we hear of it."""
    line = gpiod.line
    settings = gpiod.LineSettings(
        direction=line.Direction.INPUT,
        edge_detection=line.Edge.FALLING,
        bias=line.Bias.PULL_UP,
        debounce_period=timedelta(seconds=DEBOUNCE_S),
    )
    return gpiod.request_lines(str(chip), config={pin: settings}, consumer=CONSUMER)
