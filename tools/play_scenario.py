"""Plays one scenario: starts the daemon on its market and tells what happens and comes of it.

Run `make scenario NAME=three-sources`, or `python -m tools.play_scenario NAME [--headless]`. It
ends when everything that `expect.toml` asks for has come true (exit code 0), when something
happened that must not (1), or after LIMIT_S (1, with what was missing). Without `--headless` the
daemon stays until Enter is pressed, so that its dashboard can be looked at.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from daemon.client_link import CallFailed, Link
from tools.scenario_watch import Expectation, Reading, missing, read, wrong

FOLDER = Path(__file__).parent / "scenarios"
LIMIT_S = 180.0
POLL_S = 0.25
STOP_S = 10.0
CALL_S = 10.0
# A daemon that is played is nobody's service.
OF_A_SERVICE = ("JOURNAL_STREAM", "NOTIFY_SOCKET", "STATE_DIRECTORY", "RUNTIME_DIRECTORY")

Say = Callable[[str], None]


def names() -> tuple[str, ...]:
    """Every scenario there is."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob("*/expect.toml")))


async def play(name: str, *, data: Path, say: Say, stay: bool = False) -> list[str]:
    """Play scenario `name` with its data in `data`; returns what went wrong, [] for nothing."""
    wanted = Expectation.read(FOLDER / name / "expect.toml")
    with _daemon(FOLDER / name / "demo.toml", data) as process:
        player = _Player(wanted, data, say, process)
        faults = await player.watch()
        for fault in faults:
            say(f"missing: {fault}")
        if stay:
            say("the daemon stays until Enter is pressed")
            await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
        return faults


@contextmanager
def _daemon(config: Path, data: Path) -> Generator[subprocess.Popen[bytes]]:
    """`trimtabd` in a process group of its own, which is gone when the block ends."""
    data.mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if key not in OF_A_SERVICE}
    with (data / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "daemon", "--config", str(config), "--data", str(data)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=kept,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_S)


@dataclass(slots=True)
class _Player:
    """One life of the daemon, told line by line."""

    wanted: Expectation
    data: Path
    say: Say
    process: subprocess.Popen[bytes]
    told: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    cash: str = ""
    last: str = ""
    greeted: bool = False

    async def watch(self) -> list[str]:
        """Until the expected end, a wrong turn, or the bound; what is wrong or missing."""
        faults = ["any sign of the daemon"]
        with trio.move_on_after(LIMIT_S):
            while faults:
                await trio.sleep(POLL_S)
                if self.process.poll() is not None:
                    return [f"the daemon ended with {self.process.returncode}: {self._stderr()}"]
                if not self.greeted:
                    await self._greet()
                reading = read(self.data) if self.greeted else None
                if reading is None:
                    continue
                self._tell(reading)
                turns = wrong(reading, self.wanted)
                if turns:
                    return turns
                await self._decide(reading)
                faults = missing(reading, self.wanted)
        return faults

    async def _greet(self) -> None:
        """Name the dashboard as soon as the daemon answers, and set the mode."""
        try:
            status = await self._call("status")
            self.say(f"dashboard: {status['login_url']}")
            if self.wanted.mode:
                await self._call("mode", mode=self.wanted.mode, confirm=True)
                self.say(f"the owner sets the mode to {self.wanted.mode}")
        except CallFailed:
            return
        self.greeted = True

    async def _decide(self, reading: Reading) -> None:
        """Answer for the owner when a repair waits for him."""
        if not self.wanted.decide or "waiting_owner" not in reading.runs:
            return
        with suppress(CallFailed):
            for decision in await self._call("decisions"):
                choice = self.wanted.decide
                self.say(f"the owner is asked: {decision['title']}. He says {choice}")
                await self._call("decide", id=decision["id"], choice=choice, confirm=True)

    async def _call(self, command: str, **arguments: Any) -> Any:
        def call() -> Any:
            with Link(self.data / "control.sock", answer_s=CALL_S) as link:
                return link.call(command, arguments)

        return await trio.to_thread.run_sync(call)

    def _tell(self, reading: Reading) -> None:
        for event in reading.events:
            if (event.kind, event.event_id) not in self.told:
                self.told.add((event.kind, event.event_id))
                if event.text != self.last:
                    self.say(f"{event.at:%a %H:%M:%S}  {event.kind:6}  {event.text}")
                self.last = event.text
        cash = "  ".join(f"{amount} {code}" for code, amount in reading.cash.items())
        if cash != self.cash:
            self.cash = cash
            self.say(f"{'':14}cash    {cash}")

    def _stderr(self) -> str:
        return (self.data / "stderr").read_text("utf-8").strip()[-500:]


def main() -> int:
    """The command line; 0 when everything came true."""
    parser = argparse.ArgumentParser(prog="play_scenario", description=__doc__)
    parser.add_argument("name", choices=names())
    parser.add_argument("--headless", action="store_true", help="do not wait for Enter at the end")
    arguments = parser.parse_args()

    async def run(data: Path) -> list[str]:
        stay = not arguments.headless and sys.stdin.isatty()
        return await play(arguments.name, data=data, say=_say, stay=stay)

    with tempfile.TemporaryDirectory(prefix="trimtab-") as folder:
        faults = trio.run(run, Path(folder) / "data")
    print("as expected" if not faults else f"{len(faults)} not as expected")
    return 1 if faults else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
