"""The parent's side of the helper process: start it, feed it, end it.

Used by `hw.ws281x`; the protocol is described in `hw.strip_child`.
"""

import json
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import trio

from hw.port import HardwareError
from hw.strip_child import HEADER, Options

START_DEADLINE_S = 10.0
SEND_DEADLINE_S = 1.0
STOP_DEADLINE_S = 2.0
MAX_ANSWER_BYTES = 512

_ROOMS = Path(__file__).resolve().parent.parent  # where `hw` is importable from


class Helper:
    """One running helper process; `launcher` is the command that starts Python.

    The socket is the child's standard input, so a launcher that closes every other
    descriptor (sudo does) works too. Nothing of our environment is passed on.
    """

    def __init__(self, options: Options, *, launcher: tuple[str, ...] = (sys.executable,)) -> None:
        self._command = [*launcher, "-m", "hw.strip_child", json.dumps(asdict(options))]
        self.process: trio.Process | None = None
        self.link: trio.SocketStream | None = None
        self._sequence = 0

    async def start(self) -> None:
        """Returns when the device runs; raises HardwareError with the helper's reason."""
        ours, theirs = socket.socketpair()
        self.link = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        try:
            with theirs:
                self.process = await trio.lowlevel.open_process(
                    self._command,
                    stdin=theirs,
                    stdout=subprocess.DEVNULL,
                    cwd=_ROOMS,
                    env={"LC_ALL": "C.UTF-8"},
                )
            with trio.fail_after(START_DEADLINE_S):
                answer = await self._read_line(self.link)
        except (OSError, trio.TooSlowError, trio.BrokenResourceError) as error:
            await self.stop()
            raise HardwareError(f"the light helper did not start: {error!r}") from error
        except BaseException:
            await self.stop()
            raise
        if answer != "ok":
            await self.stop()
            raise HardwareError(f"the light helper: {answer or 'ended without a word'}")

    async def send(self, pixels: bytes) -> None:
        """Hand over one frame; raises HardwareError when the helper is gone or stuck.

        After an error the stream may hold half a frame, so the helper must be stopped.
        """
        if self.link is None:
            raise HardwareError("the light helper is not running")
        self._sequence = (self._sequence + 1) % (1 << 32)
        try:
            with trio.fail_after(SEND_DEADLINE_S):
                await self.link.send_all(HEADER.pack(len(pixels), self._sequence) + pixels)
        except trio.TooSlowError as error:
            raise HardwareError("the light helper takes no frames") from error
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise HardwareError("the light helper has ended") from error

    async def stop(self) -> None:
        """Close the link, which makes the helper blank the panel and end; insist if it hangs."""
        with trio.CancelScope(shield=True):
            if self.link is not None:
                await self.link.aclose()
            if self.process is not None:
                await _reap(self.process)
        self.link = self.process = None

    @staticmethod
    async def _read_line(link: trio.SocketStream) -> str:
        line = b""
        while not line.endswith(b"\n") and len(line) < MAX_ANSWER_BYTES:
            data = await link.receive_some(MAX_ANSWER_BYTES)
            if not data:
                break
            line += data
        return line.decode("utf-8", "replace").strip()


async def _reap(process: trio.Process) -> None:
    """Wait for the end; a process that survives even the kill is left to the system."""
    for insist in (process.terminate, process.kill, process.kill):
        with trio.move_on_after(STOP_DEADLINE_S):
            await process.wait()
            return
        insist()
