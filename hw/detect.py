"""Which display this board has, for the driver name `auto`."""

import os
from pathlib import Path

from hw.spi import DEVICE
from hw.uno_q import ROUTER_SOCKET


def detect(root: Path = Path("/")) -> str:
    """The driver for the hardware found below `root`; `null` when there is none.

    PWM lights cannot be detected, so they are never chosen: name `ws281x` in the configuration.
    """
    if (root / ROUTER_SOCKET.relative_to("/")).is_socket():
        return "unoq"
    bus = root / DEVICE.relative_to("/")
    if bus.exists() and os.access(bus, os.R_OK | os.W_OK):
        return "spi"
    return "null"
