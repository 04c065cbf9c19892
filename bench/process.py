"""A daemon of its own for one benchmark: started on a free loopback port, watched, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from daemon.client_link import Link
from daemon.folders import SOCKET_NAME
from ledger.run import RunStatus

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
START_S, STOP_S, ANSWER_S, POLL_S = 120.0, 15.0, 10.0, 0.005
# What a shell may have set and an owner's board has not: without caches of compiled modules every
# start would measure the compiler, and the others would make the daemon talk to a service manager.
UNWANTED = ("PYTHONDONTWRITEBYTECODE", "NOTIFY_SOCKET", "WATCHDOG_USEC", "JOURNAL_STREAM")
# Modules in the place of those that only a developer has.
ABSENT = Path(__file__).resolve().parent / "absent"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Answered as soon as the last actor has come up.
LAST_UP = "/api/display/state"


@dataclass(frozen=True, slots=True)
class Watched:
    """A process seen from outside."""

    pid: int

    def memory_mib(self) -> tuple[float, float]:
        """Resident memory now and at its peak."""
        now, peak = self._status("VmRSS"), self._status("VmHWM")
        return now / 1024, peak / 1024

    def _status(self, key: str) -> int:
        text = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(key))

    def cpu_s(self) -> float:
        """Processor time used so far, in user and system mode."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def written_bytes(self) -> int:
        """Bytes that went to the disk, or will."""
        text = Path(f"/proc/{self.pid}/io").read_text("ascii")
        return next(int(line.split()[1]) for line in text.splitlines() if "write_bytes" in line)


@dataclass(frozen=True, slots=True)
class Started:
    """From the call of the program to the first 200 on /health: wall time and processor time."""

    seconds: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon and how it started."""

    watched: Watched
    port: int
    data: Path
    started: Started

    def get(self, path: str) -> bytes:
        """The body of an answer with status 200."""
        connection = HTTPConnection(HOST, self.port, timeout=ANSWER_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status}")
        return body


@dataclass(frozen=True, slots=True)
class Setup:
    """How a daemon is configured; `rate` None and `demo` run the demo at its own pace."""

    demo: bool = False
    rate: float | None = None
    start: str | None = None
    market: Path | None = None
    module: str = "daemon"

    def arguments(self, data: Path, config: Path) -> list[str]:
        demo = ["--demo"] if self.demo else []
        return ["-m", self.module, "--data", str(data), "--config", str(config), *demo]

    def toml(self, port: int) -> str:
        paper = [
            f"rate = {self.rate}" if self.rate is not None else "",
            f"start = {self.start}" if self.start else "",
            f'market = "{self.market}"' if self.market else "",
        ]
        return "\n".join(
            [
                f'[http]\nbind = "{HOST}:{port}"',
                '[display]\ndriver = "null"\nrows = 8\ncolumns = 32',
                "[paper]",
                *filter(None, paper),
                "",
            ]
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in UNWANTED}
    return {**kept, "PYTHONPATH": str(ABSENT)}


@contextmanager
def running(folder: Path, setup: Setup) -> Generator[Daemon]:
    """A daemon on `folder`/data until the block ends; every actor is up when it begins."""
    port, data, config = free_port(), folder / "data", folder / "trimtab.toml"
    folder.mkdir(parents=True, exist_ok=True)
    config.write_text(setup.toml(port), encoding="utf-8")
    began = time.perf_counter()
    with _spawned(setup.arguments(data, config)) as process:
        _await(process, port, "/health")
        watched = Watched(process.pid)
        started = Started(time.perf_counter() - began, watched.cpu_s())
        _await(process, port, LAST_UP)
        yield Daemon(watched, port, data, started)


@dataclass(slots=True)
class Plans:
    """How many plans were made."""

    count: int = 0


@contextmanager
def planning(daemon: Daemon) -> Generator[Plans]:
    """Let the daemon make one plan after the other, until the block ends."""
    plans, stop = Plans(), threading.Event()

    def ask() -> None:
        with Link(daemon.data / SOCKET_NAME) as link:
            while not stop.is_set():
                plans.count += link.call("run", {"job": "plan"})["status"] == RunStatus.SUCCEEDED

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield plans
    finally:
        stop.set()
        thread.join()


@contextmanager
def interpreter(code: str) -> Generator[Watched]:
    """A Python process that has run `code` and waits."""
    line = f"{code}\nprint(flush=True)\ninput()"
    with _spawned(["-c", line], pipes=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield Watched(process.pid)


def seconds_to_run(code: str) -> float:
    """From the call of the interpreter to its end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment(), cwd=ROOT, check=True)
    return time.perf_counter() - began


@contextmanager
def _spawned(arguments: Sequence[str], *, pipes: bool = False) -> Generator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE if pipes else None
    with subprocess.Popen(
        [sys.executable, *arguments],
        env=environment(),
        cwd=ROOT,
        stdin=pipe,
        stdout=pipe,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _await(process: subprocess.Popen[str], port: int, path: str) -> None:
    deadline = time.perf_counter() + START_S
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the daemon ended with {process.returncode} while it started")
        if _answers(port, path):
            return
        time.sleep(POLL_S)
    raise RuntimeError(f"the daemon did not answer within {START_S:g} s")


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection(HOST, port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
