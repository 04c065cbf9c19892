"""A real `trimtabd` as a child process, its client, its HTTP front and its streams.

Every daemon runs in a process group of its own, which is killed when its block ends, however it
ends. Nothing here waits without a bound.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
import trio

from daemon.client_link import CallFailed, Link

T = TypeVar("T")

START_S = 40.0
STOP_S = 10.0
CALL_S = 40.0
POLL_S = 0.1
ACTORS = 9
# A daemon started by a test is nobody's service and has no terminal.
INHERITED = ("JOURNAL_STREAM", "NOTIFY_SOCKET", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "DISPLAY")


@dataclass(frozen=True, slots=True)
class Answer:
    """How a process ended."""

    code: int
    out: str
    err: str


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in INHERITED}
    return {**kept, "HOME": str(home), "PYTHONUNBUFFERED": "1"}


def write_config(
    path: Path,
    *,
    rate: float | None = None,
    start: str | None = None,
    bind: str = "127.0.0.1:0",
) -> Path:
    """A configuration without lights, by default on any free port."""
    paper = [f"rate = {rate}"] if rate else []
    paper += [f'start = "{start}"'] if start else []
    lines = ["[http]", f'bind = "{bind}"', "[display]", 'driver = "null"', "[paper]", *paper]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def command(data: Path, config: Path) -> list[str]:
    named = ["--data", str(data), "--config", str(config)]
    return [sys.executable, "-m", "daemon", "--demo", *named]


@dataclass(slots=True)
class Daemon:
    """One life of the daemon. `url` and `login_code` are known once it is `ready`."""

    process: subprocess.Popen[bytes]
    data: Path
    home: Path
    started_s: float
    url: str = ""
    login_code: str = ""
    ready_after_s: float = 0.0

    @property
    def token(self) -> str:
        return (self.data / "api.token").read_text("ascii").strip()

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def status(self) -> dict[str, Any]:
        """What the control socket says; raises CallFailed while nobody answers."""
        with Link(self.data / "control.sock", answer_s=5.0) as link:
            answer: dict[str, Any] = link.call("status")
        return answer

    async def ready(self) -> Daemon:
        """Wait until it answers and every actor is up."""
        await until("every actor is up", self._answers, within_s=START_S)
        self.ready_after_s = trio.current_time() - self.started_s
        return self

    async def _answers(self) -> bool | None:
        assert self.running, f"ended with {self.process.returncode}: {self.stderr()}"
        try:
            status = await trio.to_thread.run_sync(self.status)
        except CallFailed:
            return None
        link = urlsplit(str(status["login_url"]))
        self.url = f"{link.scheme}://{link.netloc}"
        self.login_code = parse_qs(link.query)["code"][0]
        states = [actor["state"] for actor in status["actors"]]
        return states == ["up"] * ACTORS or None

    def stderr(self) -> str:
        return (self.home / "stderr").read_text("utf-8")

    def log(self) -> list[dict[str, Any]]:
        """Every line of the log, oldest first."""
        text = (self.data / "logs" / "trimtab.log").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    async def trimtab(self, *arguments: str) -> Answer:
        """Run the client against this daemon."""
        return await trimtab(*arguments, "--data", str(self.data), home=self.home)

    async def ended(self, within_s: float) -> int:
        """The exit code, once it has ended by itself."""

        async def code() -> int | None:
            return self.process.poll()

        return await until("the daemon ends", code, within_s=within_s)

    async def stop(self, *, within_s: float = STOP_S) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.ended(within_s)

    def kill(self) -> None:
        """Like a power cut: no process of the group runs another instruction."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_S)


@asynccontextmanager
async def running(data: Path, config: Path) -> AsyncGenerator[Daemon, None]:
    """A daemon over `data` that has been started; it may not be ready yet.

    What it says goes to a file beside `config`, which is also the home of its user.
    """
    daemon = _start(data, config)
    try:
        yield daemon
    finally:
        daemon.kill()


def _start(data: Path, config: Path) -> Daemon:
    home = config.parent
    with (home / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            command(data, config),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=environment(home),
            start_new_session=True,
        )
    return Daemon(process, data, home, trio.current_time())


async def run_to_end(data: Path, config: Path, *, within_s: float = 30.0) -> Answer:
    """Start a daemon that is expected to end by itself."""
    async with running(data, config) as daemon:
        code = await daemon.ended(within_s)
        return Answer(code, "", daemon.stderr())


async def trimtab(*arguments: str, home: Path) -> Answer:
    """Run the client to its end."""
    with trio.fail_after(CALL_S):
        done = await trio.run_process(
            [sys.executable, "-m", "daemon.client", *arguments],
            stdin=b"",
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env=environment(home),
        )
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


async def until(
    what: str,
    probe: Callable[[], Awaitable[T | None]],
    *,
    within_s: float,
    every_s: float = POLL_S,
) -> T:
    """The first answer of `probe` that is not None."""
    with trio.move_on_after(within_s):
        while True:
            found = await probe()
            if found is not None:
                return found
            await trio.sleep(every_s)
    raise AssertionError(f"not within {within_s:g} s: {what}")


def http(daemon: Daemon) -> httpx.AsyncClient:
    """A client of the HTTP front without any credential."""
    return httpx.AsyncClient(base_url=daemon.url, timeout=10.0, trust_env=False)


@dataclass(slots=True)
class Listener:
    """Collects the events of the general stream until its nursery ends it."""

    types: list[str] = field(default_factory=list[str])
    ended: trio.Event = field(default_factory=trio.Event)

    async def listen(
        self, daemon: Daemon, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Reports started once the daemon has greeted; returns when the daemon ends the stream."""
        async with (
            http(daemon) as client,
            client.stream("GET", "/api/events/stream", timeout=30.0) as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                if line == "event: connected":
                    task_status.started()
                elif line.startswith("data: ") and '"type"' in line:
                    self.types.append(json.loads(line[6:])["type"])
        self.ended.set()
