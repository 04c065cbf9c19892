"""What the daemon tells its service manager, and the numbers both have agreed on.

One datagram per message to the socket named in the environment; without that variable nothing is
sent. Errors are ignored: a manager that does not listen must never stop trading from being safe.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, MutableMapping

import trio

from daemon.clock import monotonic_us

# The unit file repeats these.
WATCHDOG_S = 60
STOP_S = 10  # SIGTERM to exit
EXIT_STOPPED = 0
EXIT_CONFIG = 2  # never restarted: only the owner can mend it
EXIT_RESTART = 75  # always restarted: it was asked for

STATUS_S = 5.0
_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Notifier:
    """Messages to the service manager. `watchdog_s` None: it does not wait for signs of life."""

    def __init__(self, address: str | None, *, watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s
        self._address = f"\0{address[1:]}" if address and address[0] == "@" else address
        self._socket: socket.socket | None = None
        self._status = ""
        self._sent = ""
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    @classmethod
    def from_environ(cls, environ: MutableMapping[str, str], *, pid: int) -> Notifier:
        """Read the manager's variables and remove them, so that no child speaks for us."""
        address, usec, of_pid = (environ.pop(name, None) for name in _VARIABLES)
        ours = of_pid is None or of_pid == str(pid)
        watchdog_s = int(usec) / 1e6 if usec and usec.isdigit() and int(usec) and ours else None
        return cls(address, watchdog_s=watchdog_s)

    def ready(self) -> None:
        """Started, or done with reloading."""
        self._send("READY=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_us()}")

    def extend(self, seconds: float) -> None:
        """Starting or stopping takes this much longer; repeat before it is over."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def status(self, text: str) -> None:
        """One line for the owner; `run` sends the newest at most every STATUS_S."""
        self._status = " ".join(text.split())

    async def run(self, healthy: Callable[[], bool]) -> None:
        """Until cancelled: signs of life while `healthy()`, and the status line."""
        if self._socket is None:
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._report)
            if self.watchdog_s is not None:
                nursery.start_soon(self._live, healthy, self.watchdog_s / 2)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _live(self, healthy: Callable[[], bool], period_s: float) -> None:
        while True:
            if healthy():
                self._send("WATCHDOG=1")
            await trio.sleep(period_s)

    async def _report(self) -> None:
        while True:
            if self._status != self._sent:
                self._sent = self._status
                self._send(f"STATUS={self._sent}")
            await trio.sleep(STATUS_S)

    def _send(self, message: str) -> None:
        if self._socket is None or self._address is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            return


def process_notifier() -> Notifier:
    """The notifier of this process."""
    return Notifier.from_environ(os.environ, pid=os.getpid())
